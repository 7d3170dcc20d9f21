//! Releasing what an authorization holds.

use std::sync::Arc;

use crate::authorizations::funds::hold;
use crate::authorizations::usage::release_usage;
use crate::authorizations::{Authorization, AuthorizationStatus, Step};
use crate::cards::Card;
use crate::messages::AuthorizationType;
use crate::refusal::Stop;
use crate::work::Work;

/// Closes an authorization without an outstanding amount.
pub(crate) fn close(authorization: &mut Authorization, unless_cleared: AuthorizationStatus) {
    let cleared = authorization.cleared > 0;
    authorization.status = if cleared { AuthorizationStatus::Closed } else { unless_cleared };
    authorization.due_at = None;
}

/// Releases `amount` of the outstanding amount in the ledger and in the windows. Fees are released with the last of it.
pub(crate) fn release(
    work: &mut Work,
    card: &Arc<Card>,
    authorization: &mut Authorization,
    amount: i64,
    step: Step,
    note: Option<&str>,
) -> Result<(), Stop> {
    let now = work.now();
    authorization.outstanding -= amount;
    let fee = if authorization.outstanding == 0 { std::mem::take(&mut authorization.outstanding_fee) } else { 0 };
    let mut entry = None;
    if authorization.kind != AuthorizationType::Deposit {
        if amount + fee > 0 {
            entry = Some(hold(work, card, authorization.id, -(amount + fee), false)?.id);
        }
        // A pending advice was not counted yet.
        let counted = authorization.limit_usage.counts();
        let whole = counted && authorization.outstanding == 0 && authorization.cleared == 0;
        release_usage(work, card, &mut authorization.limit_usage, amount, i64::from(whole))?;
    }
    authorization.note(step, amount, entry, note, now);
    Ok(())
}
