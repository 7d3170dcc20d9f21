//! The result of a decision: outcome and reason; and a check as it is shown, with the values it compared.

use crate::limits::{Interval, LimitLevel};
use crate::programs::Fee;

/// Increased with every change of the rules. Decisions made under another version may differ today.
pub const RULES_VERSION: i64 = 2;

crate::string_enum! {
    /// Why an authorization is declined, in the order of the checks.
    pub enum Reason {
        /// The number is not of a card issued here.
        UnknownCard = "unknown_card",
        /// Another authorization has the same network transaction id.
        Duplicate = "duplicate",
        CardInactive = "card_inactive",
        CardCanceled = "card_canceled",
        CardNotYetValid = "card_not_yet_valid",
        CardExpired = "card_expired",
        /// Too many wrong expiries and CVVs of the card today.
        TooManyAttempts = "too_many_attempts",
        InvalidExpiry = "invalid_expiry",
        InvalidCvv = "invalid_cvv",
        PinTriesExceeded = "pin_tries_exceeded",
        InvalidPin = "invalid_pin",
        CardHolderInactive = "card_holder_inactive",
        /// The configuration requires verified card holders.
        CardHolderUnverified = "card_holder_unverified",
        /// The card's account is not active, or may not be debited.
        AccountInactive = "account_inactive",
        /// No rate to the card's currency is known.
        CurrencyNotSupported = "currency_not_supported",
        ChannelNotAllowed = "channel_not_allowed",
        CountryNotAllowed = "country_not_allowed",
        MerchantNotAllowed = "merchant_not_allowed",
        CategoryBlocked = "category_blocked",
        CategoryNotAllowed = "category_not_allowed",
        /// The card has reached its maximum number of payments.
        SingleUseCardUsed = "single_use_card_used",
        SpendingLimitExceeded = "spending_limit_exceeded",
        /// The network's fraud score is too high.
        SuspectedFraud = "suspected_fraud",
        /// The cardholder must authenticate first (3-D Secure).
        StepUpRequired = "step_up_required",
        StepUpFailed = "step_up_failed",
        InsufficientFunds = "insufficient_funds",
        /// The responder declined.
        EndpointDeclined = "endpoint_declined",
        /// The responder did not answer in time, and its fallback declined.
        EndpointTimeout = "endpoint_timeout",
    }
}

crate::string_enum! {
    pub enum CheckOutcome {
        Pass = "pass",
        Fail = "fail",
        /// The message did not contain what the check compares.
        NotGiven = "not_given",
        NotApplicable = "not_applicable",
    }
}

crate::string_enum! {
    pub enum DecisionOutcome {
        Approved = "approved",
        PartiallyApproved = "partially_approved",
        Declined = "declined",
    }
}

/// The figures behind the texts of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Observed value and threshold, in minor units of the card's currency.
    pub amounts: Option<(i64, i64)>,
    pub limit: Option<(LimitLevel, Interval)>,
}

/// A check with its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub check: Reason,
    pub outcome: CheckOutcome,
    /// The observed value; amounts with their currency.
    pub observed: Option<String>,
    /// The value it was compared with.
    pub threshold: Option<String>,
    /// The condition under which the check would have passed, or a sentence that ends with a full stop.
    pub would_pass_if: Option<String>,
    pub figures: Option<Figures>,
    /// Whose settings it was compared with, where more than one level has such settings.
    pub level: Option<LimitLevel>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    pub outcome: DecisionOutcome,
    pub reason: Option<Reason>,
    /// In minor units of the card's currency.
    pub approved: i64,
    pub fee: Fee,
}
