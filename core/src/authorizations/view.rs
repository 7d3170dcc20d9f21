//! What is shown of authorizations, decisions, transactions and exceptions, in answers and in events alike.

use serde::Serialize;

use crate::authorizations::{
    Authorization, AuthorizationStatus, AuthorizationType, Channel, Check, Decided, DecisionOutcome, ExceptionKind,
    ExceptionStatus, Match, Merchant, NetworkException, Posted, PostingType, Reason, Step, Trace, decide,
};
use crate::money::Currency;
use crate::time::Instant;
use crate::view::Money;

/// The terminal, as the network describes it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Terminal)]
pub struct TerminalView {
    /// Retrieval reference number.
    pub rrn: String,
    /// System trace audit number.
    pub stan: String,
    /// The terminal's id.
    pub terminal_id: String,
    /// card_present or card_not_present.
    #[schema(example = "card_present")]
    pub terminal_operating_environment: &'static str,
    /// attended or unattended.
    #[schema(example = "attended")]
    pub terminal_attendance: &'static str,
    /// atm, pos, ecommerce or mobile.
    #[schema(example = "pos")]
    pub terminal_type: &'static str,
    /// chip or manual.
    #[schema(example = "chip")]
    pub pan_entry_mode: &'static str,
    /// pin or none.
    #[schema(example = "pin")]
    pub pin_entry_mode: &'static str,
    /// Whether the cardholder is there.
    pub card_holder_presence: bool,
    /// Whether the card is there.
    pub card_presence: bool,
}

impl TerminalView {
    fn of(channel: Channel, trace: &Trace, pin: bool) -> TerminalView {
        let present = matches!(channel, Channel::Atm | Channel::Pos);
        TerminalView {
            rrn: trace.rrn.clone(),
            stan: trace.stan.clone(),
            terminal_id: format!("TERM{}", trace.stan.chars().take(4).collect::<String>()),
            terminal_operating_environment: if present { "card_present" } else { "card_not_present" },
            terminal_attendance: if channel == Channel::Pos { "attended" } else { "unattended" },
            terminal_type: match channel {
                Channel::Atm => "atm",
                Channel::Pos => "pos",
                Channel::Web => "ecommerce",
                Channel::Mobile => "mobile",
            },
            pan_entry_mode: if present { "chip" } else { "manual" },
            pin_entry_mode: if pin { "pin" } else { "none" },
            card_holder_presence: present,
            card_presence: present,
        }
    }
}

/// A step of an authorization's life.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuthorizationStep)]
pub struct StepView {
    /// What happened.
    pub step: Step,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: String,
    /// How much.
    pub amount: Money,
    /// The ledger entry, where one was made.
    #[schema(required = true)]
    pub entry_id: Option<String>,
    /// Why, where there is something to say.
    #[schema(required = true)]
    pub note: Option<String>,
}

/// An authorization. Amounts are in the card's currency, above zero.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Authorization)]
pub struct AuthorizationView {
    /// Its id: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// The card; null when its number is not one of ours.
    #[schema(required = true)]
    pub card_id: Option<String>,
    /// Who holds it.
    #[schema(required = true)]
    pub card_holder_id: Option<String>,
    /// The account behind it.
    #[schema(required = true)]
    pub account_id: Option<String>,
    /// Where it stands.
    pub status: AuthorizationStatus,
    /// Why it was declined.
    #[schema(required = true)]
    pub reason: Option<Reason>,
    /// What for.
    #[serde(rename = "type")]
    pub kind: AuthorizationType,
    /// Where.
    pub channel: Channel,
    /// The card's currency.
    #[schema(example = "USD")]
    pub currency: String,
    /// What was asked for, increments included.
    pub amount: Money,
    /// What was approved.
    pub approved_amount: Money,
    /// What is held for it now, fees included.
    pub held_amount: Money,
    /// What was collected.
    pub cleared_amount: Money,
    /// What was taken back before it was collected.
    pub reversed_amount: Money,
    /// What was given back after it was collected.
    pub refunded_amount: Money,
    /// The fee that was decided with it.
    pub fee: Money,
    /// The tax on the fee.
    pub vat: Money,
    /// Whether less than was asked for was approved.
    pub partial: bool,
    /// Whether somebody else decided it.
    pub stand_in: bool,
    /// In the merchant's currency.
    pub merchant_amount: Money,
    /// That currency.
    pub merchant_currency: String,
    /// For whom.
    pub merchant: Merchant,
    /// The terminal.
    pub terminal: TerminalView,
    /// The approval code.
    #[schema(required = true, example = "123456")]
    pub authorization_code: Option<String>,
    /// The network's transaction id.
    pub network_transaction_id: String,
    /// What happened to it, oldest first.
    pub timeline: Vec<StepView>,
    /// When its hold runs out.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub expires_at: Option<String>,
    /// Counts changes.
    pub version: i64,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl AuthorizationView {
    /// What is shown of an authorization.
    pub fn of(of: &Authorization) -> AuthorizationView {
        let money = |minor| Money::new(minor, of.currency);
        let approved = of.decided.iter().filter(|decided| decided.outcome != DecisionOutcome::Declined);
        let (fee, vat) = approved.fold((0, 0), |sum, decided| (sum.0 + decided.fee.fee, sum.1 + decided.fee.vat));
        let steps = of.timeline.iter().map(|step| StepView {
            step: step.step,
            at: Instant::from_micros(step.at).to_string(),
            amount: money(step.amount),
            entry_id: step.entry.clone(),
            note: step.note.clone(),
        });
        AuthorizationView {
            id: of.id.to_string(),
            card_id: of.card.map(|id| id.to_string()),
            card_holder_id: of.card_holder.map(|id| id.to_string()),
            account_id: of.account.map(|id| id.to_string()),
            status: of.status,
            reason: of.reason,
            kind: of.kind,
            channel: of.channel,
            currency: of.currency.code().to_owned(),
            amount: money(of.asked),
            approved_amount: money(of.approved),
            held_amount: money(if of.kind == AuthorizationType::Deposit { 0 } else { of.held() }),
            cleared_amount: money(of.cleared),
            reversed_amount: money(of.reversed),
            refunded_amount: money(of.refunded),
            fee: money(fee),
            vat: money(vat),
            partial: of.approved > 0 && of.approved < of.asked,
            stand_in: of.stand_in,
            merchant_amount: Money::new(of.merchant_amount, of.merchant_currency),
            merchant_currency: of.merchant_currency.code().to_owned(),
            merchant: of.merchant.clone(),
            terminal: TerminalView::of(of.channel, &of.trace, with_pin(of)),
            authorization_code: of.trace.authorization_code.clone(),
            network_transaction_id: of.trace.transaction_id.clone(),
            timeline: steps.collect(),
            expires_at: of.expires_at.map(|at| at.to_string()),
            version: of.version,
            created_at: of.created_at.to_string(),
            updated_at: of.updated_at.to_string(),
        }
    }
}

/// Whether a PIN was entered.
fn with_pin(of: &Authorization) -> bool {
    of.decided.first().is_some_and(|decided| decided.request.pin != Match::NotGiven)
}

/// A decision, explained: what was checked, what was seen, and what would have let it pass.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Decision)]
pub struct DecisionView {
    /// Yes, for less, or no.
    pub outcome: DecisionOutcome,
    /// Why not: the first check that failed.
    #[schema(required = true)]
    pub reason: Option<Reason>,
    /// For how much.
    pub approved_amount: Money,
    /// Every check, in order.
    pub checks: Vec<Check>,
    /// The rules it was made under.
    pub rules_version: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub decided_at: String,
}

impl DecisionView {
    /// The decision, its checks computed again from what it was made on.
    pub fn of(decided: &Decided, currency: Currency) -> DecisionView {
        DecisionView {
            outcome: decided.outcome,
            reason: decided.reason,
            approved_amount: Money::new(decided.approved, currency),
            checks: decide(&decided.facts, &decided.request).checks,
            rules_version: decided.rules_version,
            decided_at: Instant::from_micros(decided.facts.now).to_string(),
        }
    }
}

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
    /// The network's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The authorization a refund belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
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
    /// When it was posted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl TransactionView {
    /// What is shown of a transaction.
    pub fn of(of: &Posted, environment: &str) -> TransactionView {
        let money = |minor| Money::new(minor, of.currency);
        let gives = matches!(of.kind, PostingType::Refund);
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
            terminal: TerminalView::of(of.channel, &of.trace, false),
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

    /// A declined authorization in the published shape of a transaction.
    pub(super) fn declined(of: &Authorization, card: &crate::cards::Card, environment: &str) -> TransactionView {
        let money = |minor| Money::new(minor, of.currency);
        let decline = DeclineView::of(of);
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
            reason: Some(decline.reason),
            narration: Some(decline.narration),
            ..DetailsView::default()
        };
        TransactionView {
            id: of.id.to_string(),
            amount: money(-of.asked),
            fee: money(0),
            vat: money(0),
            currency: of.currency.code().to_owned(),
            kind: "authorization.declined",
            merchant_amount: Money::new(-of.merchant_amount, of.merchant_currency),
            merchant_currency: of.merchant_currency.code().to_owned(),
            merchant: of.merchant.clone(),
            terminal: TerminalView::of(of.channel, &of.trace, with_pin(of)),
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
}

impl DeclineView {
    pub(super) fn of(of: &Authorization) -> DeclineView {
        let reason = of.reason.map_or_else(|| "declined".to_owned(), |reason| reason.to_string());
        let failed = of.decided.first().and_then(|decided| {
            let checks = decide(&decided.facts, &decided.request).checks;
            checks.into_iter().find(|check| Some(check.check) == of.reason)
        });
        let fix = failed.and_then(|check| check.would_pass_if);
        let narration = fix.map_or_else(|| reason.replace('_', " "), |fix| format!("It would pass if {fix}."));
        DeclineView { status: "declined", approved: false, authorization_method: "online", reason, narration }
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

impl RefundView {
    pub(super) fn of(shown: &TransactionView) -> RefundView {
        RefundView {
            authorization: shown.metadata.authorization.clone(),
            fee_details: shown.metadata.fee_details.clone().unwrap_or_default(),
            reference: shown.transaction_metadata.reference.clone(),
        }
    }
}

/// A message that did not fit.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Exception)]
pub struct ExceptionView {
    /// Its id.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// Why it needs somebody's eyes.
    #[serde(rename = "type")]
    pub kind: ExceptionKind,
    /// Whether somebody looked.
    pub status: ExceptionStatus,
    /// The card.
    #[schema(required = true)]
    pub card_id: Option<String>,
    /// The authorization.
    #[schema(required = true)]
    pub authorization_id: Option<String>,
    /// What was posted.
    #[schema(required = true)]
    pub transaction_id: Option<String>,
    /// How much it is about.
    pub amount: Money,
    /// Of this currency.
    pub currency: String,
    /// The network's transaction id.
    pub network_transaction_id: String,
    /// What whoever looked wrote.
    #[schema(required = true)]
    pub note: Option<String>,
    /// Counts changes.
    pub version: i64,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl ExceptionView {
    /// What is shown of an exception.
    pub fn of(of: &NetworkException) -> ExceptionView {
        ExceptionView {
            id: of.id.to_string(),
            kind: of.kind,
            status: of.status,
            card_id: of.card.map(|id| id.to_string()),
            authorization_id: of.authorization.map(|id| id.to_string()),
            transaction_id: of.posting.map(|id| id.to_string()),
            amount: Money::new(of.amount, of.currency),
            currency: of.currency.code().to_owned(),
            network_transaction_id: of.trace.transaction_id.clone(),
            note: of.note.clone(),
            version: of.version,
            created_at: of.created_at.to_string(),
            updated_at: of.updated_at.to_string(),
        }
    }
}
