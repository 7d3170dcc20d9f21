//! The facts of a decision: everything it looks at. They are stored with the decision, so that it can be replayed.

use serde::{Deserialize, Serialize};

use crate::accounts::AccountStatus;
use crate::card_holders::CardHolderStatus;
use crate::cards::CardStatus;
use crate::limits::{Interval, LimitLevel, SpendingControls};
use crate::messages::{AuthorizationType, Channel, Match, Merchant, ThreeDs};
use crate::money::Currency;
use crate::programs::FeeTerms;
use crate::responders::Ruling;

/// Defaults are omitted: facts are stored with every authorization.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The request, converted to the card's currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub kind: AuthorizationType,
    pub channel: Channel,
    /// In minor units of the card's currency; `None` if no rate is known.
    pub amount: Option<i64>,
    #[serde(deserialize_with = "Currency::read_stored")]
    pub merchant_currency: Currency,
    pub merchant: Merchant,
    #[serde(default, skip_serializing_if = "is_default")]
    pub three_ds: ThreeDs,
    /// Whether a lower amount may be approved.
    #[serde(default, skip_serializing_if = "is_default")]
    pub partial_allowed: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub risk_score: Option<i64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub expiry: Match,
    #[serde(default, skip_serializing_if = "is_default")]
    pub cvv: Match,
    #[serde(default, skip_serializing_if = "is_default")]
    pub pin: Match,
}

/// A limit that covers this payment, with the usage of its window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitFact {
    /// Whether the limit is the card holder's; see [`LimitFact::level`].
    pub of_holder: bool,
    /// Whose limit it is, if neither the card holder's nor the card's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shared: Option<LimitLevel>,
    /// Whether the card has it from its program.
    #[serde(default, skip_serializing_if = "is_default")]
    pub inherited: bool,
    pub interval: Interval,
    #[serde(default, skip_serializing_if = "is_default")]
    pub categories: Vec<String>,
    /// In minor units.
    pub amount: Option<i64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_count: Option<i64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub used_amount: i64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub used_count: i64,
    /// Whether so much is used at most: the payment fitted into a part of the limit, and the exact usage was not looked up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub at_most: bool,
}

impl LimitFact {
    /// Whose limit it is.
    pub fn level(&self) -> LimitLevel {
        self.shared.unwrap_or(if self.of_holder { LimitLevel::CardHolder } else { LimitLevel::Card })
    }
}

/// Facts about the card, its card holder and its account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CardFacts {
    pub status: CardStatus,
    /// In microseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub valid_from: Option<i64>,
    /// When the card or its validity ends, whichever is earlier, in microseconds.
    pub ends: i64,
    #[serde(deserialize_with = "Currency::read_stored")]
    pub currency: Currency,
    pub exponent: u8,
    /// Without spending limits; those are in `limits`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub controls: SpendingControls,
    /// What its program allows, which applies too; `None` if that is everything. Without spending limits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub inherited: Option<SpendingControls>,
    /// The version of its program; `None` for the first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub program_version: Option<i64>,
    /// Whether payments on the web need a second factor.
    pub enable_2fa: bool,
    /// The number of payments after which the card is used up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub most_payments: Option<i64>,
    pub payments: i64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub locked_merchant: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub pin_failures: i64,
    pub pin_tries: i64,
    /// Messages of the day with a wrong expiry or CVV.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wrong_tries: i64,
    /// The maximum of `wrong_tries`; `None` in decisions made before it was counted (rules version 1).
    #[serde(default, skip_serializing_if = "is_default")]
    pub code_tries: Option<i64>,
    pub holder_status: CardHolderStatus,
    pub holder_verified: bool,
    pub verified_only: bool,
    pub account_status: AccountStatus,
    /// Whether the account may be debited; true if the card has its own funds.
    pub account_can_debit: bool,
    /// In minor units.
    pub available: i64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub fee: FeeTerms,
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Vec<LimitFact>,
}

/// All facts of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Business time, in microseconds.
    pub now: i64,
    /// `None` if the number is not of a card issued here.
    pub card: Option<CardFacts>,
    /// Another authorization with the same network transaction id.
    #[serde(default, skip_serializing_if = "is_default")]
    pub duplicate_of: Option<String>,
    /// Fraud scores from this one on are declined.
    pub risk_threshold: i64,
    /// Whether the request is an increment of an open authorization.
    #[serde(default, skip_serializing_if = "is_default")]
    pub incremental: bool,
    /// What was approved before the increment, in minor units. The fee is that on the sum, less what is held for it
    /// already. `None` in older decisions, which charged the percentage of each part separately.
    #[serde(default, skip_serializing_if = "is_default")]
    pub approved_before: Option<i64>,
    /// What a responder, or its fallback, said; `None` if none was to be asked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ruling: Option<Ruling>,
}
