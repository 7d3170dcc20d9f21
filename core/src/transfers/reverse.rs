//! Giving a transfer back, whole or in part.

use crate::accounts::emit_balance_updated;
use crate::events::{EventType, Owner, emit};
use crate::fields::positive;
use crate::ids::{ClientId, Id, TransferId};
use crate::ledger::{EntryKind, Leg, Posting, post};
use crate::money::{Decimal, format_minor};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::transfers::create::check_active;
use crate::transfers::{Transfer, TransferStatus, TransferView};
use crate::verb::Verb;
use crate::work::Work;

/// Gives a transfer back.
#[derive(Clone, Debug)]
pub struct ReverseTransfer {
    /// Which.
    pub id: TransferId,
    /// How much; all that is left when absent.
    pub amount: Option<Decimal>,
    /// Why; kept as the entry's narration.
    pub reason: Option<String>,
}

impl Verb for ReverseTransfer {
    type Answer = TransferView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<TransferView, Stop> {
        reverse(work, self)
    }
}

/// Gives it back. Both accounts must be active; `canDebit` and `canCredit` do not stand in the way of a correction.
fn reverse(work: &mut Work, command: &ReverseTransfer) -> Result<TransferView, Stop> {
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

    let entry = post(
        work,
        Posting {
            kind: EntryKind::TransferReversal,
            source: Some(transfer.id.0),
            authorization: None,
            reference: transfer.reference.clone(),
            narration: command.reason.clone(),
            forced: false,
            legs: &[
                Leg::Account { account: transfer.to.into(), delta: -amount, held: 0 },
                Leg::Account { account: transfer.from.into(), delta: amount, held: 0 },
            ],
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
    emit(work, Owner::Account(transfer.from), EventType::TransferReversed, &view)?;
    emit_balance_updated(work, transfer.to, -amount, &entry)?;
    emit_balance_updated(work, transfer.from, amount, &entry)?;
    Ok(view)
}
