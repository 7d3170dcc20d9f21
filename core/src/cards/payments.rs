//! The effects of a payment on its card.

use crate::cards::cancel::end_after_payments;
use crate::cards::{Card, CardStatus};
use crate::limits::counters;
use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

/// A payment may lock the card to its merchant, or be the card's last one.
pub(crate) fn apply_payment_effects(work: &mut Work, card: &Card, merchant_id: &str) -> Result<(), Stop> {
    let last = match card.cancel_after {
        Some(most) => counters(work, card.id.0)?.payments >= most,
        None => false,
    };
    // A merchant without an id cannot be distinguished from others.
    let named = !merchant_id.is_empty();
    let locks = card.merchant_lock && card.locked_merchant.is_none() && named;
    if (!last && !locks) || card.status == CardStatus::Canceled {
        return Ok(());
    }
    let key = Key::of(work.client(), card.id.0);
    let found = work.cards.get_for_update(key)?.expect("a card that was just used is there");
    let mut changed = (*found).clone();
    if locks {
        changed.locked_merchant = Some(merchant_id.to_owned());
        work.cards.put(changed.clone());
    }
    if last && changed.status != CardStatus::Canceled {
        end_after_payments(work, changed)?;
    }
    Ok(())
}
