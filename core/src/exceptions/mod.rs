//! Messages of the network that did not fit: what is kept of them, shown of them, and how one is listed.

mod raise;
mod record;
mod view;

pub(crate) use raise::{ExceptionDraft, raise_exception};
pub use record::{Deferred, ExceptionKind, ExceptionStatus, NetworkException};
pub use view::ExceptionView;
