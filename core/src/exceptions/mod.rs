//! Exceptions: messages of the network that need an operator's attention. This room defines and raises them;
//! `resolution` resolves them.

mod raise;
mod record;
mod view;

pub(crate) use raise::{ExceptionDraft, raise_exception};
pub use record::{Deferred, ExceptionKind, ExceptionStatus, NetworkException};
pub use view::ExceptionView;
