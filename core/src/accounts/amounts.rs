//! Changes of an account's balance that come from outside the system.

use crate::accounts::{Account, BalanceView};
use crate::events::{EventType, Owner, emit};
use crate::ids::{AccountId, Id};
use crate::ledger::{Entry, EntryKind, Leg, Posting, System, post};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// Moves money between the settlement account and an account, and emits the new balance.
pub fn adjust(
    work: &mut Work,
    account: &Account,
    change: i64,
    kind: EntryKind,
    source: Option<Id>,
) -> Result<Entry, Stop> {
    let opposite = change.checked_neg().ok_or(Refusal::AmountTooLarge { field: "/balance" })?;
    let legs = [
        Leg::Account { account: account.id.into(), delta: change, held: 0 },
        Leg::System { system: System::Settlement, currency: account.currency, delta: opposite },
    ];
    let entry = post(work, Posting { source, ..Posting::new(kind, &legs) })?;
    emit_balance_updated(work, account.id, change, &entry)?;
    Ok(entry)
}

/// Emits `account.balance.updated`.
pub(crate) fn emit_balance_updated(
    work: &mut Work,
    account: AccountId,
    change: i64,
    entry: &Entry,
) -> Result<(), Stop> {
    let balance = work.balances.get_for_update(Key::of(work.client(), account.0))?.expect("an account has a balance");
    let view = BalanceView::of(&balance, change, entry.id);
    emit(work, Owner::Account(account), EventType::AccountBalanceUpdated, view).map(|_| ())
}
