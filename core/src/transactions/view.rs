//! The views of transactions, in the published format.

use serde::Serialize;

use crate::authorizations::{Authorization, explain_one};
use crate::cards::Card;
use crate::events::EventPart;
use crate::messages::{Channel, Merchant, TerminalView};
use crate::responders::AskedView;
use crate::transactions::{Transaction, TransactionType};
use crate::view::Money;

/// How a transaction came about.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TransactionMetadata)]
pub struct TransactionMetadataView {
    /// Where.
    pub channel: Channel,
    /// What for.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The network's reference.
    pub reference: String,
}

/// A fee that was given back.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = FeeDetail)]
pub struct FeeDetailView {
    /// What it is.
    pub name: &'static str,
    /// How much.
    pub amount: Money,
}

/// One line of what was asked and answered.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RequestHistory)]
pub struct RequestHistoryView {
    /// The reason.
    pub reason: String,
    /// In words.
    pub narration: String,
}

/// What goes with a transaction; members that say nothing of this type are left out.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TransactionDetails)]
pub struct DetailsView {
    /// The event that tells of it.
    pub event_type: String,
    /// sandbox or production.
    pub environment: String,
    /// The client.
    pub business: String,
    /// The authorization a refund belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
    /// The network's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Fees given back with a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_details: Option<Vec<FeeDetailView>>,
    /// Of a declined payment: declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// Of a declined payment: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<bool>,
    /// Of a declined payment: online.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_method: Option<&'static str>,
    /// Of a declined payment: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of a declined payment: why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narration: Option<String>,
    /// Of a declined payment: what was asked and answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_history: Option<Vec<RequestHistoryView>>,
}

/// A transaction: spending is negative, a refund positive; `amount` excludes `fee` and `vat`.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Transaction)]
pub struct TransactionView {
    /// Its id: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// Without fee and tax.
    #[schema(example = -25.5)]
    pub amount: Money,
    /// The fee.
    pub fee: Money,
    /// The tax on the fee.
    pub vat: Money,
    /// The card's currency.
    #[schema(example = "USD")]
    pub currency: String,
    /// capture, refund, refund_reversal, force_post, or authorization.declined in that event.
    #[serde(rename = "type")]
    #[schema(example = "capture")]
    pub kind: &'static str,
    /// In the merchant's currency.
    pub merchant_amount: Money,
    /// That currency.
    pub merchant_currency: String,
    /// By whom.
    pub merchant: Merchant,
    /// The terminal.
    pub terminal: TerminalView,
    /// How it came about.
    pub transaction_metadata: TransactionMetadataView,
    /// What goes with it.
    pub metadata: DetailsView,
    /// When it was posted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
    /// The card.
    pub card_id: String,
    /// Who holds it.
    pub card_holder_id: String,
    /// The account behind it.
    pub account_id: String,
    /// The authorization it belongs to.
    #[schema(required = true)]
    pub authorization_id: Option<String>,
    /// The approval code.
    #[schema(required = true)]
    pub authorization_code: Option<String>,
    /// The network's transaction id.
    pub network_transaction_id: String,
    /// The transaction it gives back, or takes back.
    #[schema(required = true)]
    pub original_transaction_id: Option<String>,
    /// What was given back of it.
    pub refunded_amount: Money,
    /// The ledger entry.
    #[schema(required = true)]
    pub entry_id: Option<String>,
}

impl EventPart for TransactionView {
    const NAME: &'static str = "transaction";
}

impl TransactionView {
    pub fn of(of: &Transaction, environment: &str) -> TransactionView {
        let money = |minor| Money::new(minor, of.currency);
        let gives = matches!(of.kind, TransactionType::Refund);
        let sign = if of.amount < 0 { -1 } else { 1 };
        let reference = of.trace.rrn.clone();
        let fees = [("fee", -of.fee), ("vat", -of.vat)].into_iter().filter(|(_, amount)| *amount != 0);
        let details = DetailsView {
            event_type: if gives { "transaction.refund" } else { "transaction.created" }.to_owned(),
            environment: environment.to_owned(),
            business: of.client.to_string(),
            reference: Some(reference.clone()),
            authorization: of.authorization.filter(|_| gives).map(|id| id.to_string()),
            fee_details: gives.then(|| fees.map(|(name, fee)| FeeDetailView { name, amount: money(fee) }).collect()),
            ..DetailsView::default()
        };
        TransactionView {
            id: of.id.to_string(),
            amount: money(of.amount),
            fee: money(of.fee),
            vat: money(of.vat),
            currency: of.currency.code().to_owned(),
            kind: of.kind.as_str(),
            merchant_amount: Money::new(sign * of.merchant_amount, of.merchant_currency),
            merchant_currency: of.merchant_currency.code().to_owned(),
            merchant: of.merchant.clone(),
            terminal: TerminalView::of(of.channel, &of.trace, of.with_pin),
            transaction_metadata: TransactionMetadataView {
                channel: of.channel,
                kind: if gives { "refund" } else { of.usage.as_str() },
                reference,
            },
            metadata: details,
            card_id: of.card.to_string(),
            card_holder_id: of.card_holder.to_string(),
            account_id: of.account.to_string(),
            authorization_id: of.authorization.map(|id| id.to_string()),
            authorization_code: of.trace.authorization_code.clone(),
            network_transaction_id: of.trace.transaction_id.clone(),
            original_transaction_id: of.original.map(|id| id.to_string()),
            refunded_amount: money(of.refunded),
            entry_id: Some(of.entry.to_string()),
            created_at: of.created_at.to_string(),
            updated_at: of.updated_at.to_string(),
        }
    }

    /// A declined authorization in the published format of a transaction.
    pub(crate) fn declined(
        of: &Authorization,
        card: &Card,
        decline: &DeclineView,
        environment: &str,
    ) -> TransactionView {
        let money = |minor| Money::new(minor, of.currency);
        let details = DetailsView {
            event_type: "authorization.declined".to_owned(),
            environment: environment.to_owned(),
            business: of.client.to_string(),
            status: Some(decline.status),
            approved: Some(decline.approved),
            authorization_method: Some(decline.authorization_method),
            request_history: Some(vec![RequestHistoryView {
                reason: decline.reason.clone(),
                narration: decline.narration.clone(),
            }]),
            reason: Some(decline.reason.clone()),
            narration: Some(decline.narration.clone()),
            ..DetailsView::default()
        };
        TransactionView {
            id: of.id.to_string(),
            amount: money(-of.requested),
            fee: money(0),
            vat: money(0),
            currency: of.currency.code().to_owned(),
            kind: "authorization.declined",
            merchant_amount: Money::new(-of.merchant_amount, of.merchant_currency),
            merchant_currency: of.merchant_currency.code().to_owned(),
            merchant: of.merchant.clone(),
            terminal: TerminalView::of(of.channel, &of.trace, of.with_pin()),
            transaction_metadata: TransactionMetadataView {
                channel: of.channel,
                kind: of.kind.as_str(),
                reference: of.trace.rrn.clone(),
            },
            metadata: details,
            card_id: card.id.to_string(),
            card_holder_id: card.card_holder.to_string(),
            account_id: card.debit_account.to_string(),
            authorization_id: Some(of.id.to_string()),
            authorization_code: of.trace.authorization_code.clone(),
            network_transaction_id: of.trace.transaction_id.clone(),
            original_transaction_id: None,
            refunded_amount: money(0),
            entry_id: None,
            created_at: of.created_at.to_string(),
            updated_at: of.updated_at.to_string(),
        }
    }
}

/// The block of `authorization.declined` beside the transaction.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Decline)]
pub struct DeclineView {
    /// declined.
    pub status: &'static str,
    /// false.
    pub approved: bool,
    /// online.
    pub authorization_method: &'static str,
    /// Why.
    pub reason: String,
    /// Why, in words.
    pub narration: String,
    /// The responder that was asked, and what came of it; absent if none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = AskedView, required = false)]
    pub responder: Option<AskedView>,
}

impl EventPart for DeclineView {
    const NAME: &'static str = "decline";
}

impl DeclineView {
    pub(crate) fn of(of: &Authorization) -> DeclineView {
        let reason = of.reason.map_or_else(|| "declined".to_owned(), |reason| reason.to_string());
        let failed = of.decided.first().zip(of.reason);
        let failed = failed.map(|(decided, reason)| explain_one(&decided.facts, &decided.request, reason));
        let fix = failed.and_then(|check| check.would_pass_if);
        let narration = match fix {
            None => reason.replace('_', " "),
            Some(sentence) if sentence.ends_with('.') => sentence,
            Some(condition) => format!("It would pass if {condition}."),
        };
        let responder = of.responder.as_ref().map(|asked| AskedView::of(asked, of.currency));
        let (status, authorization_method) = ("declined", "online");
        DeclineView { status, approved: false, authorization_method, reason, narration, responder }
    }
}

/// The block of `transaction.refund` beside the transaction.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RefundBlock)]
pub struct RefundView {
    /// The authorization it belongs to.
    #[schema(required = true)]
    pub authorization: Option<String>,
    /// Fees given back.
    pub fee_details: Vec<FeeDetailView>,
    /// The network's reference.
    pub reference: String,
}

impl EventPart for RefundView {
    const NAME: &'static str = "refund";
}

impl RefundView {
    pub(crate) fn of(shown: &TransactionView) -> RefundView {
        RefundView {
            authorization: shown.metadata.authorization.clone(),
            fee_details: shown.metadata.fee_details.clone().unwrap_or_default(),
            reference: shown.transaction_metadata.reference.clone(),
        }
    }
}
