//! What becomes of an approval: approved by enough people, rejected, canceled, expired, made.

use std::sync::Arc;

use super::{Approval, ApprovalDecision, ApprovalStatus, ApprovalView, Verdict};
use crate::access::Actor;
use crate::approvals::ApprovalRefusal;
use crate::ids::{ApprovalId, ClientId, Id, UserId};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Says yes or no. The caller checked that the user has the scope of the action.
#[derive(Clone, Debug)]
pub struct DecideApproval {
    pub id: ApprovalId,
    pub verdict: Verdict,
    pub note: Option<String>,
}

/// Gives up one's own request.
#[derive(Clone, Debug)]
pub struct CancelApproval {
    pub id: ApprovalId,
}

/// Records what came of the call.
#[derive(Clone, Debug)]
pub struct FinishApproval {
    pub id: ApprovalId,
    /// The status of its answer.
    pub status: i64,
    /// What the answer says, without secrets.
    pub message: String,
}

/// Ends an approval whose time is over.
#[derive(Clone, Debug)]
pub struct ExpireApproval {
    /// Checked again.
    pub id: ApprovalId,
}

fn prefetch(work: &mut Work, client: ClientId, id: ApprovalId) {
    work.approvals.prefetch(Key::of(client, id.0), Access::Exclusive);
}

fn find(work: &mut Work, id: ApprovalId) -> Result<Arc<Approval>, Stop> {
    let found = work.approvals.get_for_update(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::Approval(ApprovalRefusal::NotFound))?)
}

/// Refuses an approval that does not wait any more.
fn waiting(work: &Work, approval: &Approval) -> Result<(), Refusal> {
    if approval.status != ApprovalStatus::Pending {
        return Err(Refusal::Approval(ApprovalRefusal::NotPending { status: approval.status.as_str() }));
    }
    if approval.expires_at <= work.wall() {
        return Err(Refusal::Approval(ApprovalRefusal::NotPending { status: ApprovalStatus::Expired.as_str() }));
    }
    Ok(())
}

fn put(work: &mut Work, approval: &Approval, change: impl FnOnce(&mut Approval)) -> Box<ApprovalView> {
    let mut changed = Approval { version: approval.version + 1, updated_at: work.now(), ..approval.clone() };
    change(&mut changed);
    let view = ApprovalView::of(&changed);
    work.approvals.put(changed);
    Box::new(view)
}

/// The user that decides: only people approve, and nobody what they asked for themselves.
fn other_person(work: &Work, approval: &Approval) -> Result<UserId, Refusal> {
    let actor = work.context().actor;
    let Actor::User(user) = actor else { return Err(Refusal::Approval(ApprovalRefusal::NotPerson)) };
    if approval.requester == actor || approval.key_maker == Some(user) {
        return Err(Refusal::Approval(ApprovalRefusal::Own));
    }
    if approval.decisions.iter().any(|decision| decision.user == user) {
        return Err(Refusal::Approval(ApprovalRefusal::AlreadyDecided));
    }
    Ok(user)
}

impl Verb for DecideApproval {
    type Answer = Box<ApprovalView>;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        prefetch(work, client, self.id);
    }

    fn run(&self, work: &mut Work) -> Result<Box<ApprovalView>, Stop> {
        let approval = find(work, self.id)?;
        waiting(work, &approval)?;
        let user = other_person(work, &approval)?;
        let at = work.wall().micros();
        Ok(put(work, &approval, |changed| {
            changed.decisions.push(ApprovalDecision { user, verdict: self.verdict, note: self.note.clone(), at });
            changed.status = match self.verdict {
                // One no is enough.
                Verdict::Reject => ApprovalStatus::Rejected,
                Verdict::Approve if changed.approvals() >= changed.needed => ApprovalStatus::Approved,
                Verdict::Approve => ApprovalStatus::Pending,
            };
        }))
    }
}

impl Verb for CancelApproval {
    type Answer = Box<ApprovalView>;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        prefetch(work, client, self.id);
    }

    fn run(&self, work: &mut Work) -> Result<Box<ApprovalView>, Stop> {
        let approval = find(work, self.id)?;
        waiting(work, &approval)?;
        if approval.requester != work.context().actor {
            return Err(Refusal::Approval(ApprovalRefusal::NotRequester).into());
        }
        Ok(put(work, &approval, |changed| changed.status = ApprovalStatus::Canceled))
    }
}

impl Verb for FinishApproval {
    type Answer = Box<ApprovalView>;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        prefetch(work, client, self.id);
    }

    /// Several servers may have made the call, with one effect. The first to say so is believed.
    fn run(&self, work: &mut Work) -> Result<Box<ApprovalView>, Stop> {
        let approval = find(work, self.id)?;
        if approval.status != ApprovalStatus::Approved {
            return Ok(Box::new(ApprovalView::of(&approval)));
        }
        let succeeded = (200..300).contains(&self.status);
        Ok(put(work, &approval, |changed| {
            changed.status = if succeeded { ApprovalStatus::Executed } else { ApprovalStatus::Failed };
            changed.result_status = Some(self.status);
            changed.result_message = Some(self.message.clone());
        }))
    }
}

impl Verb for ExpireApproval {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        prefetch(work, client, self.id);
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let approval = find(work, self.id)?;
        // What its requester has to make themselves expires too.
        let waits = match approval.status {
            ApprovalStatus::Pending => true,
            ApprovalStatus::Approved => approval.action.has_secret(),
            ApprovalStatus::Executed
            | ApprovalStatus::Failed
            | ApprovalStatus::Rejected
            | ApprovalStatus::Canceled
            | ApprovalStatus::Expired => false,
        };
        if !waits || approval.expires_at > work.wall() {
            return Ok(0);
        }
        put(work, &approval, |changed| changed.status = ApprovalStatus::Expired);
        Ok(1)
    }
}
