//! Approvals: a policy names actions that nobody does alone. A call for such an action is kept; when enough other people
//! have approved it, it is made as its requester's, once.

mod actions;
mod decide;
mod policy;
mod record;
mod refusal;
mod request;
mod view;

pub use actions::{ApprovalAction, Ask};
pub use decide::{CancelApproval, DecideApproval, ExpireApproval, FinishApproval};
pub use policy::{ApprovalPolicyView, SetApprovalPolicy};
pub use record::{Approval, ApprovalDecision, ApprovalPolicy, ApprovalRule, ApprovalStatus, Verdict};
pub use refusal::ApprovalRefusal;
pub use request::RequestApproval;
pub use view::ApprovalView;

/// How long an approval waits, in seconds of wall time.
pub const APPROVAL_SECONDS: i64 = 7 * 86_400;

/// The most people that a rule can ask for.
pub const MAX_APPROVERS: i64 = 10;

/// The most approvals of a client that wait at a time.
pub const MAX_WAITING: i64 = 1_000;

/// Of these, the most that one requester can ask for, so that nobody keeps all others from asking.
pub const MAX_WAITING_OF_ONE: i64 = 200;

#[cfg(test)]
mod tests;
