//! Funding cards and withdrawing from them.

use crate::approvals::{ApprovalAction, Ask};
use aws_lc_rs::digest;

use crate::accounts::emit_balance_updated;
use crate::cards::{
    Card, CardStatus, CardView, FundingMode, MovementView, PaymentReference, emit_card, find, find_payer,
    find_receiver, funds_of, not_canceled, view,
};
use crate::events::EventType;
use crate::fields::positive;
use crate::ids::{AccountId, CardId, ClientId, Id, LedgerAccountId};
use crate::ledger::{Entry, EntryKind, Leg, Posting, post};
use crate::money::Decimal;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::work::Work;

/// Moves money from an account to a card.
#[derive(Clone, Debug)]
pub struct FundCard {
    pub id: CardId,
    pub debit_account: AccountId,
    /// In major units.
    pub amount: Decimal,
    /// Can be used once, ever.
    pub payment_reference: Option<String>,
    pub narration: Option<String>,
}

/// Moves money from a card to an account.
#[derive(Clone, Debug)]
pub struct WithdrawFromCard {
    pub id: CardId,
    /// The debit account if `None`.
    pub credit_account: Option<AccountId>,
    /// In major units.
    pub amount: Decimal,
    /// Can be used once, ever.
    pub payment_reference: Option<String>,
    pub narration: Option<String>,
}

impl Verb for FundCard {
    type Answer = CardView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        let reference = self.payment_reference.as_deref();
        prefetch_movement(work, client, self.id, Some(self.debit_account), reference);
    }

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::CardFund).amount(self.amount)]
    }

    fn run(&self, work: &mut Work) -> Result<CardView, Stop> {
        fund(work, self)
    }
}

/// Funds a card with at least 0.01. A canceled card can be funded up to what it owes.
fn fund(work: &mut Work, command: &FundCard) -> Result<CardView, Stop> {
    let card = find(work, command.id)?;
    let owed = debt(work, &card)?;
    if card.status != CardStatus::Canceled || owed == 0 {
        live_prefunded(&card)?;
    }
    let account = find_payer(work, command.debit_account, card.currency)?;
    let amount = positive(command.amount, card.currency, "/amount")?;
    if card.status == CardStatus::Canceled && amount > owed {
        let owed = crate::money::format_minor(owed, card.currency.exponent());
        return Err(Refusal::MoreThanOwed { owed, currency: card.currency }.into());
    }
    let unused = check_reference(work, command.payment_reference.as_deref())?;
    let was = crate::cards::is_unsettled(work, &card)?;
    let texts = Texts { reference: command.payment_reference.clone(), narration: command.narration.clone() };
    let entry = move_money(work, EntryKind::CardFunding, &card, account.id, amount, texts)?;
    crate::cards::update_unsettled_count(work, &card, was)?;
    keep_reference(work, unused, &card, &entry);
    view(work, &card)
}

impl Verb for WithdrawFromCard {
    type Answer = CardView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        let reference = self.payment_reference.as_deref();
        prefetch_movement(work, client, self.id, self.credit_account, reference);
    }

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::CardFund).amount(self.amount)]
    }

    fn run(&self, work: &mut Work) -> Result<CardView, Stop> {
        withdraw(work, self)
    }
}

fn withdraw(work: &mut Work, command: &WithdrawFromCard) -> Result<CardView, Stop> {
    let card = find_prefunded(work, command.id)?;
    let account = find_receiver(work, command.credit_account.unwrap_or(card.debit_account), card.currency)?;
    let amount = positive(command.amount, card.currency, "/amount")?;
    let unused = check_reference(work, command.payment_reference.as_deref())?;
    let texts = Texts { reference: command.payment_reference.clone(), narration: command.narration.clone() };
    let entry = move_money(work, EntryKind::CardWithdrawal, &card, account.id, amount, texts)?;
    keep_reference(work, unused, &card, &entry);
    view(work, &card)
}

fn find_prefunded(work: &mut Work, id: CardId) -> Result<std::sync::Arc<Card>, Stop> {
    let card = find(work, id)?;
    live_prefunded(&card)?;
    Ok(card)
}

fn live_prefunded(card: &Card) -> Result<(), Refusal> {
    not_canceled(card)?;
    if card.funding_mode == FundingMode::OnDemand {
        return Err(Refusal::FundingModeMismatch { field: "" });
    }
    Ok(())
}

/// What a card with its own funds owes beyond its holds.
fn debt(work: &mut Work, card: &Card) -> Result<i64, Stop> {
    let own = card.funds == LedgerAccountId::from(card.id);
    Ok(if own { funds_of(work, card)?.available().min(0).saturating_neg() } else { 0 })
}

/// When a card is canceled, its debit account pays what the card owes, as far as it has funds. The rest can be funded
/// later.
pub(super) fn collect_debt(work: &mut Work, card: &Card) -> Result<(), Stop> {
    let owed = debt(work, card)?;
    if owed == 0 {
        return Ok(());
    }
    let account = LedgerAccountId::from(card.debit_account);
    let balance = work.balances.get_for_update(Key::of(work.client(), account.0))?.expect("an account has a balance");
    let amount = owed.min(balance.available().max(0));
    if amount == 0 {
        return Ok(());
    }
    move_money(work, EntryKind::CardFunding, card, card.debit_account, amount, Texts::default())?;
    Ok(())
}

/// Returns the available funds of a card that is being canceled to an account.
pub(super) fn return_balance(work: &mut Work, card: &Card, account: AccountId) -> Result<(), Stop> {
    let amount = funds_of(work, card)?.available();
    if card.funding_mode == FundingMode::OnDemand || amount <= 0 {
        return Ok(());
    }
    move_money(work, EntryKind::CardReturn, card, account, amount, Texts::default())?;
    Ok(())
}

/// Moves released funds of a canceled card to its successor.
pub(crate) fn return_money(work: &mut Work, card: &Card, to: LedgerAccountId, amount: i64) -> Result<Entry, Stop> {
    post_movement(work, EntryKind::CardReturn, card, [card.id.into(), to], amount, Texts::default())
}

/// What the caller says about a movement.
#[derive(Default)]
pub(super) struct Texts {
    pub reference: Option<String>,
    pub narration: Option<String>,
}

/// Moves money between a card and an account, and emits the events of both. A funding goes to the card, any other
/// movement to the account.
pub(super) fn move_money(
    work: &mut Work,
    kind: EntryKind,
    card: &Card,
    account: AccountId,
    amount: i64,
    texts: Texts,
) -> Result<Entry, Stop> {
    let (own, other) = (LedgerAccountId::from(card.id), LedgerAccountId::from(account));
    let funds = kind == EntryKind::CardFunding;
    let entry = post_movement(work, kind, card, if funds { [other, own] } else { [own, other] }, amount, texts)?;
    let event = match kind {
        EntryKind::CardFunding => Some(EventType::CardFunded),
        EntryKind::CardWithdrawal => Some(EventType::CardWithdrawn),
        _ => None,
    };
    if let Some(event) = event {
        let movement = MovementView::of(&entry, amount, account, &*funds_of(work, card)?);
        emit_card(work, card, event, movement)?;
    }
    emit_balance_updated(work, account, if funds { -amount } else { amount }, &entry)?;
    Ok(entry)
}

fn post_movement(
    work: &mut Work,
    kind: EntryKind,
    card: &Card,
    [from, to]: [LedgerAccountId; 2],
    amount: i64,
    Texts { reference, narration }: Texts,
) -> Result<Entry, Stop> {
    let legs =
        [Leg::Account { account: from, delta: -amount, held: 0 }, Leg::Account { account: to, delta: amount, held: 0 }];
    post(work, Posting { source: Some(card.id.0), reference, narration, ..Posting::new(kind, &legs) })
}

fn hash(reference: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, reference.as_bytes()).as_ref());
    hash
}

/// Refuses a used reference; returns the hash to be stored.
fn check_reference(work: &mut Work, reference: Option<&str>) -> Result<Option<[u8; 32]>, Stop> {
    let Some(reference) = reference else { return Ok(None) };
    let hash = hash(reference);
    match work.payment_references.get_for_update(Key::hashed(work.client(), &hash))? {
        Some(used) => Err(Refusal::PaymentReferenceUsed { card: used.card.to_string() }.into()),
        None => Ok(Some(hash)),
    }
}

fn keep_reference(work: &mut Work, hash: Option<[u8; 32]>, card: &Card, entry: &Entry) {
    if let Some(hash) = hash {
        let created_at = work.now();
        work.payment_references.put(PaymentReference {
            client: card.client,
            hash,
            card: card.id,
            entry: entry.id,
            created_at,
        });
    }
}

/// Prefetches the rows of a movement between a card and an account.
fn prefetch_movement(
    work: &mut Work,
    client: crate::ids::ClientId,
    card: CardId,
    account: Option<AccountId>,
    reference: Option<&str>,
) {
    use crate::table::Access::{Exclusive, Shared};
    work.prefetch_card(client, card, Shared);
    if let Some(account) = account {
        work.prefetch_account(client, account, Shared);
    }
    if let Some(reference) = reference {
        work.payment_references.prefetch(Key::hashed(client, &hash(reference)), Exclusive);
    }
}
