//! Transferring money between two accounts.

use crate::accounts::{check_active, check_creditable, check_debitable, emit_balance_updated};
use crate::approvals::{ApprovalAction, Ask};
use crate::events::{EventType, Owner, emit};
use crate::fields::positive;
use crate::ids::{AccountId, ClientId, Id, TransferId};
use crate::ledger::{EntryKind, Leg, Posting, post};
use crate::money::Decimal;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::transfers::{Transfer, TransferStatus, TransferView};
use crate::verb::Verb;
use crate::view::Pictured;
use crate::work::Work;

#[derive(Clone, Debug)]
pub struct CreateTransfer {
    pub from: AccountId,
    pub to: AccountId,
    /// In major units.
    pub amount: Decimal,
    pub reference: Option<String>,
    pub narration: Option<String>,
    pub metadata: Option<String>,
}

impl Verb for CreateTransfer {
    type Answer = Pictured<TransferView>;

    fn home(&self) -> Option<Id> {
        Some(self.from.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.prefetch_account(client, self.from, Access::Shared);
        work.prefetch_account(client, self.to, Access::Shared);
    }

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::TransferCreate).amount(self.amount)]
    }

    fn run(&self, work: &mut Work) -> Result<Pictured<TransferView>, Stop> {
        create(work, self)
    }
}

/// Both accounts must be active, have the same currency, and allow the debit or credit.
fn create(work: &mut Work, command: &CreateTransfer) -> Result<Pictured<TransferView>, Stop> {
    let from = crate::accounts::find(work, command.from, Some("/fromAccountId"))?;
    let to = crate::accounts::find(work, command.to, Some("/toAccountId"))?;
    if from.id == to.id {
        return Err(Refusal::SameAccount.into());
    }
    check_active(&from)?;
    check_active(&to)?;
    check_debitable(&from)?;
    check_creditable(&to)?;
    if from.currency != to.currency {
        return Err(Refusal::CurrencyMismatch { from: from.currency, to: to.currency }.into());
    }
    let amount = positive(command.amount, from.currency, "/amount")?;

    let id = TransferId(work.new_id());
    let legs = [
        Leg::Account { account: from.id.into(), delta: -amount, held: 0 },
        Leg::Account { account: to.id.into(), delta: amount, held: 0 },
    ];
    let entry = post(
        work,
        Posting {
            source: Some(id.0),
            reference: command.reference.clone(),
            narration: command.narration.clone(),
            ..Posting::new(EntryKind::Transfer, &legs)
        },
    )?;
    let now = work.now();
    let transfer = Transfer {
        client: work.client(),
        id,
        from: from.id,
        to: to.id,
        currency: from.currency,
        amount,
        reversed: 0,
        status: TransferStatus::Posted,
        reference: command.reference.clone(),
        narration: command.narration.clone(),
        metadata: command.metadata.clone(),
        entry: entry.id,
        last_reversal: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let view = TransferView::of(&transfer);
    work.transfers.put(transfer);
    let view = emit(work, Owner::Account(from.id), EventType::TransferCreated, view)?;
    emit_balance_updated(work, from.id, -amount, &entry)?;
    emit_balance_updated(work, to.id, amount, &entry)?;
    Ok(view)
}
