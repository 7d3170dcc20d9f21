//! Canceled cards that are unsettled: with money, a debt or a hold. Their account counts them and does not close while
//! there are any.

use crate::accounts::count_unsettled;
use crate::cards::{Card, CardStatus};
use crate::ids::LedgerAccountId;
use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

pub(crate) fn is_unsettled(work: &mut Work, card: &Card) -> Result<bool, Stop> {
    if card.status != CardStatus::Canceled || card.funds != LedgerAccountId::from(card.id) {
        return Ok(false);
    }
    let balance = work.balances.get_for_update(Key::of(work.client(), card.funds.0))?;
    let balance = balance.expect("a card spends from a balance");
    Ok(balance.ledger != 0 || balance.held != 0)
}

/// Updates the account's count after a change of the card. `was` is whether the card was unsettled before.
pub(crate) fn update_unsettled_count(work: &mut Work, card: &Card, was: bool) -> Result<(), Stop> {
    match (was, is_unsettled(work, card)?) {
        (false, true) => count_unsettled(work, card.debit_account, 1),
        (true, false) => count_unsettled(work, card.debit_account, -1),
        _ => Ok(()),
    }
}
