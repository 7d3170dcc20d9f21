//! The view of a transfer.

use serde::Serialize;

use crate::audit::{Audited, Picture};
use crate::events::EventPart;
use crate::transfers::{Transfer, TransferStatus};
use crate::view::{Free, Money};

/// A transfer between two accounts.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Transfer)]
pub struct TransferView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// The debited account.
    pub from_account_id: String,
    /// The credited account.
    pub to_account_id: String,
    /// Amount in major units.
    pub amount: Money,
    /// The currency of both accounts.
    #[schema(example = "USD")]
    pub currency: String,
    /// Reversed amount.
    pub reversed_amount: Money,
    /// Whether it was reversed, and how far.
    pub status: TransferStatus,
    /// Your reference.
    #[schema(required = true)]
    pub reference: Option<String>,
    /// Your description.
    #[schema(required = true)]
    pub narration: Option<String>,
    /// Your own data.
    pub metadata: Free,
    /// The ledger entry.
    pub entry_id: String,
    /// Ledger entry of the last reversal.
    #[schema(required = true)]
    pub reversal_entry_id: Option<String>,
    /// Version of the object, from 1.
    pub version: i64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl EventPart for TransferView {
    const NAME: &'static str = "transfer";
}

impl TransferView {
    pub fn of(transfer: &Transfer) -> TransferView {
        TransferView {
            id: transfer.id.to_string(),
            from_account_id: transfer.from.to_string(),
            to_account_id: transfer.to.to_string(),
            amount: Money::new(transfer.amount, transfer.currency),
            currency: transfer.currency.code().to_owned(),
            reversed_amount: Money::new(transfer.reversed, transfer.currency),
            status: transfer.status,
            reference: transfer.reference.clone(),
            narration: transfer.narration.clone(),
            metadata: Free::object(transfer.metadata.as_deref()),
            entry_id: transfer.entry.to_string(),
            reversal_entry_id: transfer.last_reversal.map(|id| id.to_string()),
            version: transfer.version,
            created_at: transfer.created_at.to_string(),
            updated_at: transfer.updated_at.to_string(),
        }
    }
}

impl Audited for Transfer {
    const OBJECT: &'static str = "transfer";

    fn picture(&self) -> Picture {
        Picture::of(&TransferView::of(self))
    }
}
