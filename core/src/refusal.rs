//! Why a command does not happen: a closed list, each variant a rule.

use crate::ids::AccountId;
use crate::money::Currency;

/// Why a run of a command ended early.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// A row is not in memory: it is loaded and the command runs again.
    Missing,
    /// A rule says no: the command's changes are discarded.
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal)
    }
}

/// The rules that can refuse a command. `field` is a JSON pointer into the request's body.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The account named does not exist for this client.
    #[error("There is no account {id} for this client.")]
    AccountNotFound {
        /// As asked for.
        id: AccountId,
        /// Where it was named, when in the body.
        field: Option<&'static str>,
    },
    /// The detail record does not exist on this account.
    #[error("There is no such detail record on this account.")]
    DetailNotFound,
    /// The transfer does not exist for this client.
    #[error("There is no such transfer for this client.")]
    TransferNotFound,
    /// The API key does not exist for this client.
    #[error("There is no such API key for this client.")]
    ApiKeyNotFound,
    /// The token does not exist for this client.
    #[error("There is no such token for this client.")]
    TokenNotFound,
    /// The client does not exist.
    #[error("There is no such client.")]
    ClientNotFound,
    /// `If-Match` names another version than the stored one.
    #[error("The object is at version {current}, not at the version named in If-Match. Read it again and decide anew.")]
    VersionMismatch {
        /// The stored version.
        current: i64,
    },
    /// A balance change without `If-Match`.
    #[error("Changing a balance needs an If-Match header with the version you read.")]
    IfMatchRequired,
    /// The credential lacks a scope that only the stored state could show to be needed.
    #[error("This needs the scope {scope}, which the credential does not have.")]
    ScopeMissing {
        /// The scope.
        scope: &'static str,
    },
    /// A read-only field was sent with another value than the stored one.
    #[error("{field} cannot be changed. Leave it out, or send it as it is stored.")]
    ReadOnlyField {
        /// Which.
        field: &'static str,
    },
    /// The amount has more decimals than the currency.
    #[error("{currency} has {} decimals; the amount has more.", currency.exponent())]
    AmountTooPrecise {
        /// Where.
        field: &'static str,
        /// The currency that decides.
        currency: Currency,
    },
    /// The amount, or a balance it leads to, is larger than can be kept.
    #[error("The amount is too large: it or the balance it leads to cannot be kept exactly.")]
    AmountTooLarge {
        /// Where.
        field: &'static str,
    },
    /// An amount that must be above zero is not.
    #[error("The amount must be greater than zero.")]
    AmountNotPositive {
        /// Where.
        field: &'static str,
    },
    /// An amount below zero where none may be.
    #[error("The amount must not be negative.")]
    AmountNegative {
        /// Where.
        field: &'static str,
    },
    /// The code is not a currency of that category.
    #[error(
        "{code} is not a {category} currency Paygen knows. Fiat: ISO 4217 codes such as USD; crypto: USDC, USDT, BTC."
    )]
    CurrencyUnknown {
        /// As sent.
        code: String,
        /// fiat or crypto.
        category: &'static str,
    },
    /// Not enough is available.
    #[error("The account {account} has {available} {currency} available; {needed} {currency} are needed.")]
    InsufficientFunds {
        /// Whose funds.
        account: String,
        /// Available, in major units.
        available: String,
        /// Needed, in major units.
        needed: String,
        /// Of both.
        currency: Currency,
    },
    /// The account is not active.
    #[error("The account {id} is {status}; only an active account can be debited or credited.")]
    AccountInactive {
        /// Which.
        id: AccountId,
        /// Its status.
        status: &'static str,
    },
    /// The account does not allow debits.
    #[error("The account {id} does not allow debits (canDebit is false).")]
    DebitNotAllowed {
        /// Which.
        id: AccountId,
    },
    /// The account does not allow credits.
    #[error("The account {id} does not allow credits (canCredit is false).")]
    CreditNotAllowed {
        /// Which.
        id: AccountId,
    },
    /// Money can move only between accounts of one currency.
    #[error("The accounts keep different currencies: {from} and {to}.")]
    CurrencyMismatch {
        /// Of the one.
        from: Currency,
        /// Of the other.
        to: Currency,
    },
    /// From and to are the same account.
    #[error("fromAccountId and toAccountId are the same account.")]
    SameAccount,
    /// A closed account cannot be changed or reopened.
    #[error("The account is closed. A closed account cannot be changed or reopened.")]
    AccountClosed,
    /// Something stands in the way of closing.
    #[error("The account cannot be closed: {what}.")]
    AccountInUse {
        /// What stands in the way, as part of a sentence.
        what: String,
    },
    /// Currency and category are fixed once money has moved.
    #[error("{field} cannot be changed once the account has ledger entries.")]
    AccountHasEntries {
        /// Which field.
        field: &'static str,
    },
    /// Credit limits belong to accounts of type credit.
    #[error("creditLimit is for accounts of type credit only.")]
    CreditLimitNotAllowed,
    /// More would be reversed than was transferred.
    #[error("Only {left} of this transfer is left to be reversed.")]
    ReversalTooLarge {
        /// In major units.
        left: String,
    },
    /// Everything was reversed already.
    #[error("This transfer is reversed already.")]
    AlreadyReversed,
    /// A bank number fails its check digits.
    #[error("{what} has wrong check digits.")]
    CheckDigits {
        /// Which field.
        field: String,
        /// What kind of number.
        what: &'static str,
    },
    /// A new key or token asks for more than its maker may do.
    #[error("A credential cannot give what it does not have: {scopes}.")]
    ScopesExceeded {
        /// The scopes too many.
        scopes: String,
    },
    /// The key was revoked.
    #[error("The API key is revoked.")]
    ApiKeyRevoked,
    /// An expiry in the past.
    #[error("expiresAt is in the past.")]
    ExpiryInPast,
    /// The clock only moves forward.
    #[error("The clock stands at {now} and only moves forward.")]
    ClockBackwards {
        /// Business time now.
        now: String,
    },
    /// The clock cannot go that far.
    #[error("The clock cannot be set later than the end of the year 2200.")]
    ClockTooFar,
    /// The key was used for another request.
    #[error("This Idempotency-Key was used for another request. Use a new key for a new request.")]
    IdempotencyKeyReused,
}

impl Refusal {
    /// The stable code of the rule.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::AccountNotFound { .. } => "account_not_found",
            Refusal::DetailNotFound => "account_detail_not_found",
            Refusal::TransferNotFound => "transfer_not_found",
            Refusal::ApiKeyNotFound => "api_key_not_found",
            Refusal::TokenNotFound => "token_not_found",
            Refusal::ClientNotFound => "client_not_found",
            Refusal::VersionMismatch { .. } => "version_mismatch",
            Refusal::IfMatchRequired => "if_match_required",
            Refusal::ScopeMissing { .. } => "scope_missing",
            Refusal::ReadOnlyField { .. } => "read_only_field",
            Refusal::AmountTooPrecise { .. } => "amount_too_precise",
            Refusal::AmountTooLarge { .. } => "amount_too_large",
            Refusal::AmountNotPositive { .. } => "amount_not_positive",
            Refusal::AmountNegative { .. } => "amount_negative",
            Refusal::CurrencyUnknown { .. } => "currency_unknown",
            Refusal::InsufficientFunds { .. } => "insufficient_funds",
            Refusal::AccountInactive { .. } => "account_inactive",
            Refusal::DebitNotAllowed { .. } => "debit_not_allowed",
            Refusal::CreditNotAllowed { .. } => "credit_not_allowed",
            Refusal::CurrencyMismatch { .. } => "currency_mismatch",
            Refusal::SameAccount => "same_account",
            Refusal::AccountClosed => "account_closed",
            Refusal::AccountInUse { .. } => "account_in_use",
            Refusal::AccountHasEntries { .. } => "account_has_entries",
            Refusal::CreditLimitNotAllowed => "credit_limit_not_allowed",
            Refusal::ReversalTooLarge { .. } => "reversal_too_large",
            Refusal::AlreadyReversed => "already_reversed",
            Refusal::CheckDigits { .. } => "check_digits_invalid",
            Refusal::ScopesExceeded { .. } => "scopes_exceeded",
            Refusal::ApiKeyRevoked => "api_key_revoked",
            Refusal::ExpiryInPast => "expiry_in_past",
            Refusal::ClockBackwards { .. } => "clock_backwards",
            Refusal::ClockTooFar => "clock_too_far",
            Refusal::IdempotencyKeyReused => "idempotency_key_reused",
        }
    }

    /// Where in the body the trouble is, as a JSON pointer, where one field is to blame.
    pub fn field(&self) -> Option<&str> {
        match self {
            Refusal::AccountNotFound { field, .. } => *field,
            Refusal::ReadOnlyField { field }
            | Refusal::AmountTooPrecise { field, .. }
            | Refusal::AmountTooLarge { field }
            | Refusal::AmountNotPositive { field }
            | Refusal::AmountNegative { field }
            | Refusal::AccountHasEntries { field } => Some(field),
            Refusal::CheckDigits { field, .. } => Some(field),
            Refusal::CurrencyUnknown { .. } => Some("/currency"),
            Refusal::CreditLimitNotAllowed => Some("/creditLimit"),
            Refusal::SameAccount => Some("/toAccountId"),
            Refusal::ReversalTooLarge { .. } => Some("/amount"),
            Refusal::ExpiryInPast => Some("/expiresAt"),
            Refusal::ScopesExceeded { .. } => Some("/scopes"),
            _ => None,
        }
    }
}
