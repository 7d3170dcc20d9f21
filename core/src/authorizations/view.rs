//! The views of authorizations and decisions.

use serde::Serialize;

use crate::authorizations::{
    Authorization, AuthorizationStatus, Check, CheckOutcome, Decided, DecisionOutcome, Reason, Step, explain,
};
use crate::events::EventPart;
use crate::limits::{Interval, LimitLevel};
use crate::messages::{AuthorizationType, Channel, Merchant, TerminalView};
use crate::money::Currency;
use crate::responders::AskedView;
use crate::time::Instant;
use crate::view::Money;

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
    /// The responder that was asked, and what came of it; absent if none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = AskedView, required = false)]
    pub responder: Option<AskedView>,
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

impl EventPart for AuthorizationView {
    const NAME: &'static str = "authorization";
}

impl AuthorizationView {
    pub fn of(of: &Authorization) -> AuthorizationView {
        let money = |minor| Money::new(minor, of.currency);
        let approved = of.decided.iter().filter(|decided| decided.outcome != DecisionOutcome::Declined);
        let (fee, vat) = approved.fold((0, 0), |sum, decided| (sum.0 + decided.fee.fee, sum.1 + decided.fee.vat));
        let steps = of.timeline.iter().map(|step| StepView {
            step: step.step,
            at: Instant::from_micros(step.at).to_string(),
            amount: money(step.amount),
            entry_id: step.entry.map(|id| id.to_string()),
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
            amount: money(of.requested),
            approved_amount: money(of.approved),
            held_amount: money(if of.kind == AuthorizationType::Deposit { 0 } else { of.held() }),
            cleared_amount: money(of.cleared),
            reversed_amount: money(of.reversed),
            refunded_amount: money(of.refunded),
            fee: money(fee),
            vat: money(vat),
            partial: of.approved > 0 && of.approved < of.requested,
            stand_in: of.stand_in,
            merchant_amount: Money::new(of.merchant_amount, of.merchant_currency),
            merchant_currency: of.merchant_currency.code().to_owned(),
            merchant: of.merchant.clone(),
            terminal: TerminalView::of(of.channel, &of.trace, of.with_pin()),
            authorization_code: of.trace.authorization_code.clone(),
            network_transaction_id: of.trace.transaction_id.clone(),
            timeline: steps.collect(),
            responder: of.responder.as_ref().map(|asked| AskedView::of(asked, of.currency)),
            expires_at: of.expires_at.map(|at| at.to_string()),
            version: of.version,
            created_at: of.created_at.to_string(),
            updated_at: of.updated_at.to_string(),
        }
    }
}

/// The spending limit that a check is about.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckedLimit)]
pub struct CheckedLimitView {
    /// Whose it is.
    pub level: LimitLevel,
    /// Its window.
    pub interval: Interval,
}

/// A check of a decision. Checks about money tell it as text and as figures, those about a spending limit which one it is.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecisionCheck)]
pub struct CheckView {
    /// The reason it would decline with.
    pub check: Reason,
    /// What it came to.
    pub outcome: CheckOutcome,
    /// What was seen; amounts with their currency.
    #[schema(required = true, example = "25.50 USD")]
    pub observed: Option<String>,
    /// What it was held against.
    #[schema(required = true, example = "10.00 USD")]
    pub threshold: Option<String>,
    /// What would have let it pass.
    #[schema(required = true, example = "15.50 USD more is needed.")]
    pub would_pass_if: Option<String>,
    /// What was seen, where it is an amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Money, required = false)]
    pub observed_amount: Option<Money>,
    /// What it was held against, where it is an amount: what is available, or the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Money, required = false)]
    pub limit_amount: Option<Money>,
    /// The currency of the amounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, example = "USD")]
    pub currency: Option<String>,
    /// The spending limit it is about: of several the one that fails, or the one with the least room.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = CheckedLimitView, required = false)]
    pub limit: Option<CheckedLimitView>,
    /// Whose setting it was held against, where cards and their programs may have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = LimitLevel, required = false)]
    pub level: Option<LimitLevel>,
}

impl CheckView {
    fn of(check: Check, currency: Currency) -> CheckView {
        let amounts = check.figures.as_ref().and_then(|figures| figures.amounts);
        let limit = check.figures.as_ref().and_then(|figures| figures.limit);
        CheckView {
            check: check.check,
            outcome: check.outcome,
            observed: check.observed,
            threshold: check.threshold,
            would_pass_if: check.would_pass_if,
            observed_amount: amounts.map(|(observed, _)| Money::new(observed, currency)),
            limit_amount: amounts.map(|(_, most)| Money::new(most, currency)),
            currency: amounts.map(|_| currency.code().to_owned()),
            limit: limit.map(|(level, interval)| CheckedLimitView { level, interval }),
            level: check.level,
        }
    }
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
    pub checks: Vec<CheckView>,
    /// The rules it was made under.
    pub rules_version: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub decided_at: String,
}

impl DecisionView {
    /// Leaves out what checks say of limits that other cards share: what those have spent.
    pub fn hide_shared_limits(&mut self) {
        let shared = [LimitLevel::Account, LimitLevel::Program];
        let is_shared =
            |check: &&mut CheckView| check.limit.as_ref().is_some_and(|limit| shared.contains(&limit.level));
        for check in self.checks.iter_mut().filter(is_shared) {
            (check.observed, check.threshold, check.would_pass_if) = (None, None, None);
            (check.observed_amount, check.limit_amount, check.currency) = (None, None, None);
        }
    }

    /// The checks are computed again from the stored facts.
    pub fn of(decided: &Decided, currency: Currency) -> DecisionView {
        let checks = explain(&decided.facts, &decided.request);
        DecisionView {
            outcome: decided.outcome,
            reason: decided.reason,
            approved_amount: Money::new(decided.approved, currency),
            checks: checks.into_iter().map(|check| CheckView::of(check, currency)).collect(),
            rules_version: decided.rules_version,
            decided_at: Instant::from_micros(decided.facts.now).to_string(),
        }
    }
}
