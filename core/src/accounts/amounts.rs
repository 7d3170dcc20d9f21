//! Amounts of an account: from decimals to minor units, and changes that come from outside the system.

use crate::accounts::{Account, BalanceView};
use crate::events::{EventType, Owner, emit};
use crate::ids::{AccountId, Id};
use crate::ledger::{Entry, EntryKind, Leg, Posting, System, post};
use crate::money::{Currency, Decimal, LARGEST_MINOR};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// An amount in minor units of the currency, or the refusal that names what is wrong with it.
pub fn minor(amount: Decimal, currency: Currency, field: &'static str) -> Result<i64, Refusal> {
    if amount.scale() > currency.exponent() {
        return Err(Refusal::AmountTooPrecise { field, currency });
    }
    let minor =
        amount.to_minor(currency.exponent()).filter(|minor| minor.unsigned_abs() <= LARGEST_MINOR.unsigned_abs());
    minor.ok_or(Refusal::AmountTooLarge { field })
}

/// As [`minor`], above zero.
pub(crate) fn positive(amount: Decimal, currency: Currency, field: &'static str) -> Result<i64, Refusal> {
    if amount.is_negative() || amount.is_zero() {
        return Err(Refusal::AmountNotPositive { field });
    }
    minor(amount, currency, field)
}

/// As [`minor`], zero or above.
pub(crate) fn not_negative(amount: Decimal, currency: Currency, field: &'static str) -> Result<i64, Refusal> {
    if amount.is_negative() {
        return Err(Refusal::AmountNegative { field });
    }
    minor(amount, currency, field)
}

/// Moves money between the settlement account and an account, and tells it.
pub fn adjust(
    work: &mut Work,
    account: &Account,
    change: i64,
    kind: EntryKind,
    source: Option<Id>,
) -> Result<Entry, Stop> {
    let opposite = change.checked_neg().ok_or(Refusal::AmountTooLarge { field: "/balance" })?;
    let entry = post(
        work,
        Posting {
            kind,
            source,
            authorization: None,
            reference: None,
            narration: None,
            forced: false,
            legs: &[
                Leg::Account { account: account.id.into(), delta: change, held: 0 },
                Leg::System { system: System::Settlement, currency: account.currency, delta: opposite },
            ],
        },
    )?;
    tell_balance(work, account.id, change, &entry)?;
    Ok(entry)
}

/// Emits `account.balance.updated` with the balance as it stands.
pub(crate) fn tell_balance(work: &mut Work, account: AccountId, change: i64, entry: &Entry) -> Result<(), Stop> {
    let balance = work.balances.get_to_change(Key::of(work.client(), account.0))?.expect("an account has a balance");
    let view = BalanceView::of(&balance, change, entry.id);
    emit(work, Owner::Account(account), EventType::AccountBalanceUpdated, &view)
}
