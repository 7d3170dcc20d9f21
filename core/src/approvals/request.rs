//! Asking for approval: the call is kept, and nothing of it is done.

use super::{APPROVAL_SECONDS, Approval, ApprovalAction, ApprovalStatus, ApprovalView};
use crate::access::Scopes;
use crate::ids::{ApprovalId, ClientId, Id, UserId};
use crate::refusal::Stop;
use crate::verb::Verb;
use crate::work::Work;

/// Keeps a call. Its rules were checked by a dry run before.
#[derive(Clone, Debug)]
pub struct RequestApproval {
    pub action: ApprovalAction,
    pub key_maker: Option<UserId>,
    pub method: String,
    pub path: String,
    /// JSON; empty without a body.
    pub body: String,
    pub if_match: Option<i64>,
    /// The object as it would be, as JSON.
    pub preview: String,
    pub needed: i64,
    pub scopes: Scopes,
}

impl Verb for RequestApproval {
    type Answer = Box<ApprovalView>;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Box<ApprovalView>, Stop> {
        let now = work.now();
        let approval = Approval {
            client: work.client(),
            id: ApprovalId(work.new_id()),
            action: self.action,
            status: ApprovalStatus::Pending,
            requester: work.context().actor,
            key_maker: self.key_maker,
            method: self.method.clone(),
            path: self.path.clone(),
            body: self.body.clone(),
            if_match: self.if_match,
            preview: self.preview.clone(),
            needed: self.needed,
            scopes: self.scopes,
            decisions: Vec::new(),
            result_status: None,
            result_message: None,
            expires_at: work.wall().plus_seconds(APPROVAL_SECONDS),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let view = ApprovalView::of(&approval);
        work.approvals.put(approval);
        Ok(Box::new(view))
    }
}
