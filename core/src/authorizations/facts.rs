//! What a decision is made on: everything it may look at, kept with it, so that it can be made again.

use serde::{Deserialize, Serialize};

use crate::accounts::AccountStatus;
use crate::card_holders::CardHolderStatus;
use crate::cards::CardStatus;
use crate::limits::{Interval, SpendingControls};
use crate::messages::{AuthorizationType, Channel, Match, Merchant, ThreeDs};
use crate::programs::FeeTerms;

/// What is as it mostly is goes without saying: every authorization keeps its facts for good.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What is asked for, in the card's currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// What for.
    pub kind: AuthorizationType,
    /// Where.
    pub channel: Channel,
    /// How much, in minor units of the card's currency; none when no rate is known.
    pub amount: Option<i64>,
    /// The merchant's currency.
    pub merchant_currency: String,
    /// For whom.
    pub merchant: Merchant,
    /// How far the cardholder was authenticated.
    #[serde(default, skip_serializing_if = "is_default")]
    pub three_ds: ThreeDs,
    /// Whether less may be approved.
    #[serde(default, skip_serializing_if = "is_default")]
    pub partial_allowed: bool,
    /// The network's fraud score.
    #[serde(default, skip_serializing_if = "is_default")]
    pub risk_score: Option<i64>,
    /// The expiry that was given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expiry: Match,
    /// The code that was given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cvv: Match,
    /// The PIN that was given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pin: Match,
}

/// A limit that counts this payment, with what its window already has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitFact {
    /// Whether it is the card holder's; the card's otherwise.
    pub of_holder: bool,
    /// The window.
    pub interval: Interval,
    /// The categories it is about.
    #[serde(default, skip_serializing_if = "is_default")]
    pub categories: Vec<String>,
    /// The most, in minor units.
    pub amount: Option<i64>,
    /// The most authorizations.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_count: Option<i64>,
    /// What the window has.
    #[serde(default, skip_serializing_if = "is_default")]
    pub used_amount: i64,
    /// How many it has.
    #[serde(default, skip_serializing_if = "is_default")]
    pub used_count: i64,
}

/// The card and what is behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CardFacts {
    /// Its status.
    pub status: CardStatus,
    /// Not good before, in microseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub valid_from: Option<i64>,
    /// Not good from then on: the end of its month, or of its validity.
    pub ends: i64,
    /// Its currency.
    pub currency: String,
    /// The number of decimals of its currency.
    pub exponent: u8,
    /// What it may be used for; its limits are in `limits`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub controls: SpendingControls,
    /// Whether payments on the web ask for a second factor.
    pub enable_2fa: bool,
    /// After how many payments it is used up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub most_payments: Option<i64>,
    /// How many there were.
    pub payments: i64,
    /// The merchant it is locked to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub locked_merchant: Option<String>,
    /// Wrong PINs in a row.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pin_failures: i64,
    /// How many are allowed.
    pub pin_tries: i64,
    /// Messages of the day with a wrong expiry or code.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wrong_tries: i64,
    /// How many are allowed; nothing was counted before the second version of the rules.
    #[serde(default, skip_serializing_if = "is_default")]
    pub code_tries: Option<i64>,
    /// Of the card holder.
    pub holder_status: CardHolderStatus,
    /// Whether they are verified.
    pub holder_verified: bool,
    /// Whether they must be.
    pub verified_only: bool,
    /// Of the account behind it.
    pub account_status: AccountStatus,
    /// Whether that may be debited, when the card spends it.
    pub account_can_debit: bool,
    /// What can be spent, in minor units.
    pub available: i64,
    /// The fee terms that fit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fee: FeeTerms,
    /// The limits that count this payment.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Vec<LimitFact>,
}

/// Everything a decision looks at besides the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Business time, in microseconds.
    pub now: i64,
    /// The card; none when its number is not one of ours.
    pub card: Option<CardFacts>,
    /// Another authorization that carries the same network transaction id.
    #[serde(default, skip_serializing_if = "is_default")]
    pub duplicate_of: Option<String>,
    /// The network's fraud score from which on it is declined.
    pub risk_threshold: i64,
    /// Whether this asks for more on an authorization that is open.
    #[serde(default, skip_serializing_if = "is_default")]
    pub incremental: bool,
    /// What was approved on it before, in minor units: the fee is that of the sum, less what is held for this. Decisions from
    /// before this was kept charged the percentage of each part by itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub approved_before: Option<i64>,
}
