//! The funds of a card, including a canceled one: where an amount that the network imposes is posted.

use crate::accounts::{self, AccountStatus, emit_balance_updated};
use crate::authorizations::Authorization;
use crate::cards::{self, Card, CardStatus, is_unsettled, update_unsettled_count};
use crate::exceptions::{ExceptionDraft, ExceptionKind, raise_exception};
use crate::ids::{AccountId, AuthorizationId, Id, LedgerAccountId};
use crate::ledger::{Balance, Entry, EntryKind, Leg, Posting, System, post};
use crate::money::Currency;
use crate::record::Key;
use crate::refusal::Stop;
use crate::work::Work;

/// Where an amount of a card goes.
enum FundsDestination {
    /// A ledger account, with the account's id if it is one.
    Ledger(LedgerAccountId, Option<AccountId>),
    /// No account is left to take it.
    Suspense,
}

/// The result of [`book`].
pub(crate) struct Booked {
    pub(crate) entry: Entry,
    /// The amount posted to suspense, because the account is closed.
    pub(crate) suspense: i64,
}

/// A payment, or a refund, in minor units of the card's currency.
pub(crate) struct Movement {
    pub(crate) kind: EntryKind,
    pub(crate) authorization: Option<AuthorizationId>,
    pub(crate) source: Id,
    pub(crate) reference: Option<String>,
    /// Without fee and tax; positive if spent, negative if returned.
    pub(crate) amount: i64,
    pub(crate) fee: i64,
    pub(crate) vat: i64,
    /// How much of the hold is released.
    pub(crate) release: i64,
}

/// The account that takes the amount. Accounts that were closed, or have another currency now, take nothing.
fn account_destination(work: &mut Work, id: AccountId, card: &Card) -> Result<FundsDestination, Stop> {
    let account = accounts::find(work, id, None)?;
    if account.status != AccountStatus::Closed && account.currency == card.currency {
        return Ok(FundsDestination::Ledger(id.into(), Some(id)));
    }
    // The debit account does not close while a canceled card has outstanding amounts, so it is available if the other
    // one is not.
    if id == card.debit_account {
        Ok(FundsDestination::Suspense)
    } else {
        account_destination(work, card.debit_account, card)
    }
}

/// The card itself while it is live, then its replacement, then the account that took its balance.
fn destination(work: &mut Work, card: &Card) -> Result<FundsDestination, Stop> {
    let mut card = card.clone();
    while let (CardStatus::Canceled, Some(next)) = (card.status, card.replaced_by) {
        card = (*cards::find(work, next)?).clone();
    }
    if card.status == CardStatus::Canceled {
        return account_destination(work, card.credit_account.unwrap_or(card.debit_account), &card);
    }
    if card.funds == LedgerAccountId::from(card.id) {
        return Ok(FundsDestination::Ledger(card.funds, None));
    }
    account_destination(work, card.debit_account, &card)
}

/// Posts an amount that the network imposes. An amount still held on a canceled card is used first; the rest goes to
/// the card's successor.
pub(crate) fn book(work: &mut Work, card: &Card, movement: &Movement) -> Result<Booked, Stop> {
    let spent = movement.amount + movement.fee + movement.vat;
    let key = Key::of(work.client(), card.funds.0);
    let balance = work.balances.get_for_update(key)?.expect("a card spends from a balance");
    let destination = destination(work, card)?;
    let free = balance.ledger.saturating_sub(balance.held.saturating_sub(movement.release));
    let on_itself = match destination {
        FundsDestination::Ledger(id, _) if id == card.funds => spent,
        // A canceled card has only what was held on it.
        _ if spent > 0 => spent.min(free.max(0)),
        // A return first repays the card's debt.
        _ if card.funds == card.id.into() => spent.max(free.min(0)),
        _ => 0,
    };
    let rest = spent - on_itself;
    let mut legs = Vec::new();
    if on_itself != 0 || movement.release != 0 {
        legs.push(Leg::Account { account: card.funds, delta: -on_itself, held: -movement.release });
    }
    let mut suspense = 0;
    match (&destination, rest) {
        (_, 0) => {}
        (FundsDestination::Ledger(id, _), rest) => legs.push(Leg::Account { account: *id, delta: -rest, held: 0 }),
        (FundsDestination::Suspense, rest) => {
            suspense = rest;
            legs.push(Leg::System { system: System::Suspense, currency: card.currency, delta: -rest });
        }
    }
    if !legs.iter().any(|leg| matches!(leg, Leg::Account { .. })) {
        legs.push(Leg::Account { account: journal(work, card.currency)?, delta: 0, held: 0 });
    }
    let system = [(System::Network, movement.amount), (System::Fees, movement.fee), (System::Tax, movement.vat)];
    legs.extend(system.into_iter().filter(|(_, delta)| *delta != 0).map(|(system, delta)| Leg::System {
        system,
        currency: card.currency,
        delta,
    }));
    let was = is_unsettled(work, card)?;
    let entry = post_legs(work, movement, true, &legs)?;
    update_unsettled_count(work, card, was)?;
    // A canceled card spent its debit account's funds, while another account is its successor.
    if on_itself != 0
        && card.funds == card.debit_account.into()
        && !matches!(destination, FundsDestination::Ledger(id, _) if id == card.funds)
    {
        emit_balance_updated(work, card.debit_account, -on_itself, &entry)?;
    }
    if let (FundsDestination::Ledger(_, Some(account)), true) = (&destination, rest != 0 || on_itself != 0) {
        let change = if LedgerAccountId::from(*account) == card.funds { -spent } else { -rest };
        if change != 0 {
            emit_balance_updated(work, *account, change, &entry)?;
        }
    }
    Ok(Booked { entry, suspense })
}

/// Nothing can be held once the card's account is closed.
pub(crate) fn can_hold(work: &mut Work, card: &Card) -> Result<bool, Stop> {
    let account = accounts::find(work, card.debit_account, None)?;
    Ok(account.status != AccountStatus::Closed)
}

/// Changes the held amount. `forced` holds without sufficient funds.
pub(crate) fn hold(work: &mut Work, card: &Card, id: AuthorizationId, held: i64, forced: bool) -> Result<Entry, Stop> {
    let kind = if held >= 0 { EntryKind::Hold } else { EntryKind::HoldRelease };
    let movement = Movement {
        kind,
        authorization: Some(id),
        source: id.0,
        reference: None,
        amount: 0,
        fee: 0,
        vat: 0,
        release: -held,
    };
    let was = is_unsettled(work, card)?;
    let entry =
        post_legs(work, &movement, forced || held < 0, &[Leg::Account { account: card.funds, delta: 0, held }])?;
    update_unsettled_count(work, card, was)?;
    Ok(entry)
}

fn post_legs(work: &mut Work, movement: &Movement, forced: bool, legs: &[Leg]) -> Result<Entry, Stop> {
    post(
        work,
        Posting {
            source: Some(movement.source),
            authorization: movement.authorization,
            reference: movement.reference.clone(),
            forced,
            ..Posting::new(movement.kind, legs)
        },
    )
}

/// Forwards funds that were released on a canceled card to its successor, or to suspense if there is none.
pub(crate) fn forward_released_funds(work: &mut Work, card: &Card, about: Option<&Authorization>) -> Result<(), Stop> {
    if card.status != CardStatus::Canceled || card.funds != LedgerAccountId::from(card.id) {
        return Ok(());
    }
    let balance = work.balances.get_for_update(Key::of(work.client(), card.funds.0))?;
    let free = balance.expect("a card spends from a balance").available();
    if free <= 0 {
        return Ok(());
    }
    let was = is_unsettled(work, card)?;
    move_released_funds(work, card, free, about)?;
    update_unsettled_count(work, card, was)
}

fn move_released_funds(work: &mut Work, card: &Card, free: i64, about: Option<&Authorization>) -> Result<(), Stop> {
    match destination(work, card)? {
        FundsDestination::Ledger(to, account) => {
            let entry = cards::return_money(work, card, to, free)?;
            match account {
                Some(account) => emit_balance_updated(work, account, free, &entry),
                None => Ok(()),
            }
        }
        FundsDestination::Suspense => {
            let (source, reference) = (about.map_or(card.id.0, |about| about.id.0), None);
            let (authorization, kind) = (about.map(|about| about.id), EntryKind::CardReturn);
            let nothing = Movement { kind, authorization, source, reference, amount: 0, fee: 0, vat: 0, release: 0 };
            let legs = [
                Leg::Account { account: card.funds, delta: -free, held: 0 },
                Leg::System { system: System::Suspense, currency: card.currency, delta: free },
            ];
            post_legs(work, &nothing, false, &legs)?;
            let exceptional = ExceptionDraft {
                kind: ExceptionKind::Suspense,
                card: Some(card.id),
                authorization,
                transaction: None,
                amount: free,
                currency: card.currency,
                trace: about.map(|about| about.trace.clone()).unwrap_or_default(),
                deferred: None,
            };
            raise_exception(work, exceptional).map(|_| ())
        }
    }
}

/// The client's journal account of a currency. It anchors entries that touch no other account, and never holds money.
fn journal(work: &mut Work, currency: Currency) -> Result<LedgerAccountId, Stop> {
    let client = work.client();
    let text = format!("journal\n{client}\n{currency}");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let id = LedgerAccountId(Id::from_slice(&digest.as_ref()[..12]).expect("twelve bytes are an id"));
    if work.balances.get_for_update(Key::of(client, id.0))?.is_none() {
        let now = work.now();
        work.balances.put(Balance::opened(client, id, currency, now));
    }
    Ok(id)
}

/// Emits the account's balance if a hold by the network exceeds its funds.
pub(crate) fn emit_overdrawn(work: &mut Work, card: &Card, entry: &Entry) -> Result<(), Stop> {
    if card.funds != card.debit_account.into() {
        return Ok(());
    }
    let balance = work.balances.get_for_update(Key::of(work.client(), card.funds.0))?;
    if balance.expect("a card spends from a balance").available() >= 0 {
        return Ok(());
    }
    emit_balance_updated(work, card.debit_account, 0, entry)
}
