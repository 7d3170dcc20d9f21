//! What a decision comes to: outcome, reason, and every check with what it looked at.

use crate::limits::Interval;
use crate::programs::Fee;

/// Counts changes of the rules: an authorization decided under another version may be decided otherwise today.
pub const RULES_VERSION: i64 = 2;

crate::string_enum! {
    /// Why an authorization is declined, in the order in which it is checked.
    pub enum Reason {
        /// The number is not one of ours.
        UnknownCard = "unknown_card",
        /// Another authorization has the same network transaction id.
        Duplicate = "duplicate",
        /// The card is inactive.
        CardInactive = "card_inactive",
        /// The card ended.
        CardCanceled = "card_canceled",
        /// The card is not good yet.
        CardNotYetValid = "card_not_yet_valid",
        /// The card is not good any more.
        CardExpired = "card_expired",
        /// Too many wrong expiries and codes of the card today.
        TooManyAttempts = "too_many_attempts",
        /// The expiry given is not the card's.
        InvalidExpiry = "invalid_expiry",
        /// The code given is not the card's.
        InvalidCvv = "invalid_cvv",
        /// Too many wrong PINs.
        PinTriesExceeded = "pin_tries_exceeded",
        /// The PIN given is not the card's.
        InvalidPin = "invalid_pin",
        /// The card holder is not active.
        CardHolderInactive = "card_holder_inactive",
        /// The card holder is not verified, and must be.
        CardHolderUnverified = "card_holder_unverified",
        /// The account behind the card is not active, or may not be debited.
        AccountInactive = "account_inactive",
        /// There is no rate to the card's currency.
        CurrencyNotSupported = "currency_not_supported",
        /// The card may not be used there.
        ChannelNotAllowed = "channel_not_allowed",
        /// Not in this country.
        CountryNotAllowed = "country_not_allowed",
        /// Not at this merchant.
        MerchantNotAllowed = "merchant_not_allowed",
        /// This merchant category is blocked.
        CategoryBlocked = "category_blocked",
        /// This merchant category is not among the allowed ones.
        CategoryNotAllowed = "category_not_allowed",
        /// The card was good for fewer payments.
        SingleUseCardUsed = "single_use_card_used",
        /// A limit would be exceeded.
        SpendingLimitExceeded = "spending_limit_exceeded",
        /// The network takes it for fraud.
        SuspectedFraud = "suspected_fraud",
        /// The cardholder must authenticate first.
        StepUpRequired = "step_up_required",
        /// The cardholder failed to authenticate.
        StepUpFailed = "step_up_failed",
        /// There is not enough money.
        InsufficientFunds = "insufficient_funds",
    }
}

crate::string_enum! {
    /// What a check came to.
    pub enum CheckOutcome {
        /// It is met.
        Pass = "pass",
        /// It is not.
        Fail = "fail",
        /// What it looks at did not come with the message.
        NotGiven = "not_given",
        /// It has nothing to look at.
        NotApplicable = "not_applicable",
    }
}

crate::string_enum! {
    /// What a decision came to.
    pub enum DecisionOutcome {
        /// Yes, for the whole amount.
        Approved = "approved",
        /// Yes, for less.
        PartiallyApproved = "partially_approved",
        /// No.
        Declined = "declined",
    }
}

crate::string_enum! {
    /// Whose limit it is.
    pub enum LimitLevel {
        /// The card's.
        Card = "card",
        /// The card holder's.
        CardHolder = "card_holder",
    }
}

/// What a check looked at, as figures beside its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// What was seen and what it was held against, in minor units of the card's currency.
    pub amounts: Option<(i64, i64)>,
    /// The limit it is about.
    pub limit: Option<(LimitLevel, Interval)>,
}

/// One check.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The reason it would decline with.
    pub check: Reason,
    /// What it came to.
    pub outcome: CheckOutcome,
    /// What was seen; amounts with their currency.
    pub observed: Option<String>,
    /// What it was held against.
    pub threshold: Option<String>,
    /// What would have let it pass: a condition, or a sentence of its own that ends with a full stop.
    pub would_pass_if: Option<String>,
    /// What the texts say of amounts and limits.
    pub figures: Option<Figures>,
}

/// A decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Yes or no.
    pub outcome: DecisionOutcome,
    /// Why not.
    pub reason: Option<Reason>,
    /// For how much, in minor units of the card's currency.
    pub approved: i64,
    /// What is charged for it.
    pub fee: Fee,
    /// Every check, in order.
    pub checks: Vec<Check>,
}
