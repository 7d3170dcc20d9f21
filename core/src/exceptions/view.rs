//! The view of an exception.

use serde::Serialize;

use crate::audit::{Audited, Picture};
use crate::exceptions::{ExceptionKind, ExceptionStatus, NetworkException};
use crate::view::Money;

/// A network message that needs an operator's attention.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Exception)]
pub struct ExceptionView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// Type of the exception.
    #[serde(rename = "type")]
    pub kind: ExceptionKind,
    /// Status.
    pub status: ExceptionStatus,
    /// The card.
    #[schema(required = true)]
    pub card_id: Option<String>,
    /// The authorization.
    #[schema(required = true)]
    pub authorization_id: Option<String>,
    /// The transaction.
    #[schema(required = true)]
    pub transaction_id: Option<String>,
    /// The amount of the message.
    pub amount: Money,
    /// Currency of the amount.
    pub currency: String,
    /// The network's transaction id.
    pub network_transaction_id: String,
    /// Note of the resolution.
    #[schema(required = true)]
    pub note: Option<String>,
    /// Whether the message is posted only when the exception is resolved.
    pub waits: bool,
    /// Ledger entry that moved the amount out of the suspense account.
    #[schema(required = true)]
    pub entry_id: Option<String>,
    /// Version of the object, from 1.
    pub version: i64,
    /// Time of the message.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl ExceptionView {
    pub fn of(of: &NetworkException) -> ExceptionView {
        ExceptionView {
            id: of.id.to_string(),
            kind: of.kind,
            status: of.status,
            card_id: of.card.map(|id| id.to_string()),
            authorization_id: of.authorization.map(|id| id.to_string()),
            transaction_id: of.transaction.map(|id| id.to_string()),
            amount: Money::new(of.amount, of.currency),
            currency: of.currency.code().to_owned(),
            network_transaction_id: of.trace.transaction_id.clone(),
            note: of.note.clone(),
            waits: of.deferred.is_some() && of.status == ExceptionStatus::Open,
            entry_id: of.entry.map(|id| id.to_string()),
            version: of.version,
            created_at: of.created_at.to_string(),
            updated_at: of.updated_at.to_string(),
        }
    }
}

impl Audited for NetworkException {
    const OBJECT: &'static str = "exception";

    fn picture(&self) -> Picture {
        Picture::of(&ExceptionView::of(self))
    }
}
