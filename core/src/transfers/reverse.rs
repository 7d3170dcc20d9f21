//! Reversing a transfer, in full or in part.

use crate::accounts::{check_active, emit_balance_updated};
use crate::approvals::{ApprovalAction, Ask};
use crate::events::{EventType, Owner, emit};
use crate::fields::positive;
use crate::ids::{ClientId, Id, TransferId};
use crate::ledger::{EntryKind, Leg, Posting, post};
use crate::money::{Decimal, format_minor};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::transfers::{Transfer, TransferStatus, TransferView};
use crate::verb::Verb;
use crate::view::Pictured;
use crate::work::Work;

#[derive(Clone, Debug)]
pub struct ReverseTransfer {
    pub id: TransferId,
    /// In major units; the whole rest if `None`.
    pub amount: Option<Decimal>,
    /// Stored as the entry's narration.
    pub reason: Option<String>,
}

impl Verb for ReverseTransfer {
    type Answer = Pictured<TransferView>;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    /// A reversal moves money as a transfer does.
    fn approvals(&self) -> Vec<Ask> {
        vec![Ask { amount: self.amount, ..Ask::of(ApprovalAction::TransferCreate) }]
    }

    fn run(&self, work: &mut Work) -> Result<Pictured<TransferView>, Stop> {
        reverse(work, self)
    }
}

/// Both accounts must be active. `canDebit` and `canCredit` do not prevent a correction.
fn reverse(work: &mut Work, command: &ReverseTransfer) -> Result<Pictured<TransferView>, Stop> {
    let found = work.transfers.get_for_update(Key::of(work.client(), command.id.0))?;
    let transfer = found.ok_or(Refusal::TransferNotFound)?;
    let from = crate::accounts::find(work, transfer.from, None)?;
    let to = crate::accounts::find(work, transfer.to, None)?;
    let left = transfer.amount - transfer.reversed;
    if left == 0 {
        return Err(Refusal::AlreadyReversed.into());
    }
    let amount = match command.amount {
        Some(amount) => positive(amount, transfer.currency, "/amount")?,
        None => left,
    };
    if amount > left {
        return Err(Refusal::ReversalTooLarge { left: format_minor(left, transfer.currency.exponent()) }.into());
    }
    check_active(&from)?;
    check_active(&to)?;

    let legs = [
        Leg::Account { account: transfer.to.into(), delta: -amount, held: 0 },
        Leg::Account { account: transfer.from.into(), delta: amount, held: 0 },
    ];
    let entry = post(
        work,
        Posting {
            source: Some(transfer.id.0),
            reference: transfer.reference.clone(),
            narration: command.reason.clone(),
            ..Posting::new(EntryKind::TransferReversal, &legs)
        },
    )?;
    let reversed = transfer.reversed + amount;
    let status = if reversed == transfer.amount { TransferStatus::Reversed } else { TransferStatus::PartiallyReversed };
    let changed = Transfer {
        reversed,
        status,
        last_reversal: Some(entry.id),
        version: transfer.version + 1,
        updated_at: work.now(),
        ..(*transfer).clone()
    };
    let view = TransferView::of(&changed);
    work.transfers.put(changed);
    let view = emit(work, Owner::Account(transfer.from), EventType::TransferReversed, view)?;
    emit_balance_updated(work, transfer.to, -amount, &entry)?;
    emit_balance_updated(work, transfer.from, amount, &entry)?;
    Ok(view)
}
