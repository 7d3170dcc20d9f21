//! `/approvals` and `/approval-policy`: calls that need the approval of others.

mod bodies;
mod gate;
mod policy;
mod read;
mod run;
mod write;

pub use gate::{AllowedBy, ApprovedCall, Call, check, finish, needed, not_pending, request, with_balance};
pub use policy::*;
pub use read::*;
pub use run::run;
pub use write::*;
