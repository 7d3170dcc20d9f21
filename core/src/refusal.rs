//! Why a command does not happen: a closed list, each variant a rule.

use crate::ids::AccountId;
use crate::money::{Category, Currency};

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
        "{code} is not a {category} currency Paygen knows.{hint} Fiat: ISO 4217 codes such as USD; crypto: USDC, USDT, BTC.",
        hint = currency_hint(code, category)
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
    /// Currency and category are fixed once money has moved or a card spends it.
    #[error("{field} cannot be changed once the account has ledger entries or cards.")]
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
    /// A new key or token would live longer or work from elsewhere than its maker's.
    #[error("A credential cannot give more than it has: {bound}.")]
    BoundsExceeded {
        /// Which field.
        field: &'static str,
        /// What its maker's is bound to.
        bound: String,
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
    /// The card holder does not exist for this client.
    #[error("There is no such card holder for this client.")]
    CardHolderNotFound {
        /// Where it was named, when in the body.
        field: Option<&'static str>,
    },
    /// The document does not exist on this card holder.
    #[error("There is no such document of this card holder.")]
    DocumentNotFound,
    /// The card does not exist for this client.
    #[error("There is no such card for this client.")]
    CardNotFound,
    /// The row an answer was prepared with changed meanwhile; the edge prepares it again.
    #[error("The object changed while the request was worked on. Try again.")]
    Stale,
    /// The card number drawn is taken; the edge draws another.
    #[error("No free card number was found. Try again.")]
    NumberTaken,
    /// An erased card holder cannot be changed.
    #[error("The card holder's data was erased. Nothing of it can be changed.")]
    CardHolderErased,
    /// Something stands in the way of erasing.
    #[error("The card holder cannot be erased: {live_cards} of their cards are not canceled.")]
    CardHolderInUse {
        /// How many cards.
        live_cards: i64,
    },
    /// The card holder's data must be kept for longer.
    #[error("The card holder's data must be kept until {until}; it can be erased then.")]
    RetentionNotOver {
        /// When it may be erased.
        until: String,
    },
    /// The card holder is not active.
    #[error("The card holder is {status}; only an active card holder gets a card.")]
    CardHolderInactive {
        /// Their status.
        status: &'static str,
    },
    /// The card holder is not verified, and the configuration asks for it.
    #[error("The card holder is not verified: their documents must be uploaded and reviewed first.")]
    CardHolderUnverified,
    /// A later upload took the place of the document.
    #[error("A later upload took the place of this document. Review that one.")]
    DocumentReplaced,
    /// The card ended.
    #[error("The card is canceled. A canceled card cannot be changed, funded, revealed or reopened.")]
    CardCanceled,
    /// A card holder does not thaw what the client froze.
    #[error("The card was frozen by the client, not by its holder: a bound token does not thaw it. Use an API key.")]
    CardFrozenByClient,
    /// A physical card was not activated yet.
    #[error("The card was not activated yet. Activate it with POST /cards/{{cardId}}/activate once its holder has it.")]
    CardNotActivated,
    /// The card is activated already.
    #[error("The card is activated already.")]
    CardAlreadyActivated,
    /// Only prefunded cards have money of their own.
    #[error("The card spends from its debit account (fundingMode on_demand); it has no money of its own to move.")]
    FundingModeMismatch {
        /// Where.
        field: &'static str,
    },
    /// The account keeps another currency than the card.
    #[error("The account keeps {account}, the card spends {card}.")]
    CardCurrencyMismatch {
        /// Of the account.
        account: Currency,
        /// Of the card.
        card: Currency,
    },
    /// An amount is below what the call takes.
    #[error("The amount must be at least {minimum}.")]
    AmountBelowMinimum {
        /// Where.
        field: &'static str,
        /// In major units.
        minimum: &'static str,
    },
    /// The payment reference was used.
    #[error("The payment reference was used already, for the card {card}. A reference works once, for ever.")]
    PaymentReferenceUsed {
        /// For which card.
        card: String,
    },
    /// Validity dates that contradict each other or the card's expiry.
    #[error("{why}")]
    ValidityInvalid {
        /// Which field.
        field: &'static str,
        /// What is wrong, as a sentence.
        why: &'static str,
    },
    /// There is no PIN to be unblocked.
    #[error("The card has no PIN. Set one with PUT /cards/{{cardId}}/pin.")]
    PinNotSet,
    /// The reveal token is not one of this card.
    #[error("This token is not known for this card. Make one with POST /cards/{{cardId}}/token.")]
    RevealTokenUnknown,
    /// The reveal token was used.
    #[error("This token was used already. A token shows a card once; make another one.")]
    RevealTokenUsed,
    /// The reveal token's time is over.
    #[error("This token's time is over. Make another one.")]
    RevealTokenExpired,
    /// The reveal token is for another use, or for another origin.
    #[error("This token is for {wanted}.")]
    RevealTokenMismatch {
        /// What it is for.
        wanted: String,
    },
    /// The authorization does not exist for this client.
    #[error("There is no such authorization for this client.")]
    AuthorizationNotFound,
    /// The transaction does not exist for this client.
    #[error("There is no such transaction for this client.")]
    TransactionNotFound,
    /// The webhook endpoint does not exist for this client.
    #[error("There is no such webhook endpoint for this client.")]
    WebhookNotFound,
    /// Nothing is sent to a disabled endpoint.
    #[error("The webhook endpoint is disabled. Enable it first with PUT /webhooks/{{webhookId}}.")]
    WebhookDisabled,
    /// The exception does not exist for this client.
    #[error("There is no such exception for this client.")]
    ExceptionNotFound,
    /// Somebody looked at the exception already.
    #[error("The exception is resolved already.")]
    ExceptionResolved,
    /// The authorization is finished.
    #[error("The authorization is {status}; only an approved one can be changed.")]
    AuthorizationNotOpen {
        /// Where it stands.
        status: &'static str,
    },
    /// More was asked for too often.
    #[error("More was asked for on this authorization {most} times, which is the most. Authorize the rest anew.")]
    TooManyIncrements {
        /// How often it may be.
        most: usize,
    },
    /// There is nothing open that could be collected.
    #[error("Nothing is open on this authorization. Say how much is collected.")]
    NothingToClear,
    /// A verification asks for no money.
    #[error("An account_verification has the amount 0.")]
    VerificationWithAmount,
    /// There is no rate between two currencies.
    #[error("No rate from {from} to {to} is known. Send billingAmount or rate, or configure one.")]
    RateUnknown {
        /// The merchant's.
        from: Currency,
        /// The card's.
        to: Currency,
    },
    /// A transaction of this type cannot be given back so.
    #[error("A transaction of type {kind} cannot be given back this way.")]
    NotRefundable {
        /// Its type.
        kind: &'static str,
    },
    /// The refund was taken back.
    #[error("The refund was taken back already.")]
    RefundReversed,
    /// Nothing is left of the transaction that could be given back.
    #[error("The transaction was refunded whole already.")]
    AlreadyRefunded,
    /// What the message says of the card's currency does not go with an amount that is in it already.
    #[error(
        "The amount is in the card's currency, {currency}, already: leave this out, or send the same amount and the rate 1."
    )]
    BillingMismatch {
        /// Which.
        field: &'static str,
        /// The currency.
        currency: Currency,
    },
    /// An ended card takes what it owes and no more.
    #[error("The card is canceled and owes {owed} {currency}; more cannot be funded.")]
    MoreThanOwed {
        /// How much.
        owed: String,
        /// The card's currency.
        currency: Currency,
    },
    /// An exception of this type is resolved by something else.
    #[error("An exception of type {kind} is resolved otherwise: {wanted}.")]
    ResolutionMismatch {
        /// Which.
        field: &'static str,
        /// The type.
        kind: &'static str,
        /// By what.
        wanted: &'static str,
    },
    /// The key was used for another request.
    #[error(
        "This Idempotency-Key was used for another request, or with another credential. Use a new key for a new request."
    )]
    IdempotencyKeyReused,
}

fn currency_hint(code: &str, category: &str) -> String {
    let category = if category == "crypto" { Category::Crypto } else { Category::Fiat };
    Currency::hint(code, category)
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
            Refusal::BoundsExceeded { .. } => "bounds_exceeded",
            Refusal::ApiKeyRevoked => "api_key_revoked",
            Refusal::ExpiryInPast => "expiry_in_past",
            Refusal::ClockBackwards { .. } => "clock_backwards",
            Refusal::ClockTooFar => "clock_too_far",
            Refusal::CardHolderNotFound { .. } => "card_holder_not_found",
            Refusal::DocumentNotFound => "document_not_found",
            Refusal::CardNotFound => "card_not_found",
            Refusal::Stale => "changed_meanwhile",
            Refusal::NumberTaken => "no_free_card_number",
            Refusal::CardHolderErased => "card_holder_erased",
            Refusal::CardHolderInUse { .. } => "card_holder_in_use",
            Refusal::RetentionNotOver { .. } => "retention_not_over",
            Refusal::CardHolderInactive { .. } => "card_holder_inactive",
            Refusal::CardHolderUnverified => "card_holder_unverified",
            Refusal::DocumentReplaced => "document_replaced",
            Refusal::CardCanceled => "card_canceled",
            Refusal::CardFrozenByClient => "card_frozen_by_client",
            Refusal::CardNotActivated => "card_not_activated",
            Refusal::CardAlreadyActivated => "card_already_activated",
            Refusal::FundingModeMismatch { .. } => "funding_mode_mismatch",
            Refusal::CardCurrencyMismatch { .. } => "currency_mismatch",
            Refusal::AmountBelowMinimum { .. } => "minimum",
            Refusal::PaymentReferenceUsed { .. } => "payment_reference_used",
            Refusal::ValidityInvalid { .. } => "validity_invalid",
            Refusal::PinNotSet => "pin_not_set",
            Refusal::RevealTokenUnknown => "reveal_token_unknown",
            Refusal::RevealTokenUsed => "reveal_token_used",
            Refusal::RevealTokenExpired => "reveal_token_expired",
            Refusal::RevealTokenMismatch { .. } => "reveal_token_mismatch",
            Refusal::AuthorizationNotFound => "authorization_not_found",
            Refusal::TransactionNotFound => "transaction_not_found",
            Refusal::WebhookNotFound => "webhook_not_found",
            Refusal::WebhookDisabled => "webhook_disabled",
            Refusal::ExceptionNotFound => "exception_not_found",
            Refusal::ExceptionResolved => "exception_resolved",
            Refusal::AuthorizationNotOpen { .. } => "authorization_not_open",
            Refusal::TooManyIncrements { .. } => "too_many_increments",
            Refusal::NothingToClear => "nothing_to_clear",
            Refusal::VerificationWithAmount => "verification_with_amount",
            Refusal::RateUnknown { .. } => "currency_not_supported",
            Refusal::NotRefundable { .. } => "not_refundable",
            Refusal::RefundReversed => "refund_reversed",
            Refusal::AlreadyRefunded => "already_refunded",
            Refusal::BillingMismatch { .. } => "billing_amount_mismatch",
            Refusal::MoreThanOwed { .. } => "more_than_owed",
            Refusal::ResolutionMismatch { .. } => "resolution_mismatch",
            Refusal::IdempotencyKeyReused => "idempotency_key_reused",
        }
    }

    /// Where in the body the trouble is, as a JSON pointer, where one field is to blame.
    pub fn field(&self) -> Option<&str> {
        match self {
            Refusal::AccountNotFound { field, .. } | Refusal::CardHolderNotFound { field } => *field,
            Refusal::ReadOnlyField { field }
            | Refusal::AmountTooPrecise { field, .. }
            | Refusal::AmountTooLarge { field }
            | Refusal::AmountNotPositive { field }
            | Refusal::AmountNegative { field }
            | Refusal::AmountBelowMinimum { field, .. }
            | Refusal::FundingModeMismatch { field }
            | Refusal::BoundsExceeded { field, .. }
            | Refusal::ValidityInvalid { field, .. }
            | Refusal::BillingMismatch { field, .. }
            | Refusal::ResolutionMismatch { field, .. }
            | Refusal::AccountHasEntries { field } => Some(field),
            Refusal::CheckDigits { field, .. } => Some(field),
            Refusal::CurrencyUnknown { .. } => Some("/currency"),
            Refusal::CreditLimitNotAllowed => Some("/creditLimit"),
            Refusal::SameAccount => Some("/toAccountId"),
            Refusal::MoreThanOwed { .. }
            | Refusal::ReversalTooLarge { .. }
            | Refusal::NothingToClear
            | Refusal::VerificationWithAmount => Some("/amount"),
            Refusal::RateUnknown { .. } => Some("/currency"),
            Refusal::ExpiryInPast => Some("/expiresAt"),
            Refusal::ScopesExceeded { .. } => Some("/scopes"),
            Refusal::PaymentReferenceUsed { .. } => Some("/paymentReference"),
            Refusal::DetailNotFound
            | Refusal::TransferNotFound
            | Refusal::ApiKeyNotFound
            | Refusal::TokenNotFound
            | Refusal::ClientNotFound
            | Refusal::VersionMismatch { .. }
            | Refusal::IfMatchRequired
            | Refusal::ScopeMissing { .. }
            | Refusal::InsufficientFunds { .. }
            | Refusal::AccountInactive { .. }
            | Refusal::DebitNotAllowed { .. }
            | Refusal::CreditNotAllowed { .. }
            | Refusal::CurrencyMismatch { .. }
            | Refusal::AccountClosed
            | Refusal::AccountInUse { .. }
            | Refusal::AlreadyReversed
            | Refusal::ApiKeyRevoked
            | Refusal::ClockBackwards { .. }
            | Refusal::ClockTooFar
            | Refusal::DocumentNotFound
            | Refusal::CardNotFound
            | Refusal::Stale
            | Refusal::NumberTaken
            | Refusal::CardHolderErased
            | Refusal::CardHolderInUse { .. }
            | Refusal::RetentionNotOver { .. }
            | Refusal::CardHolderInactive { .. }
            | Refusal::CardHolderUnverified
            | Refusal::DocumentReplaced
            | Refusal::CardCanceled
            | Refusal::CardFrozenByClient
            | Refusal::CardNotActivated
            | Refusal::CardAlreadyActivated
            | Refusal::CardCurrencyMismatch { .. }
            | Refusal::PinNotSet
            | Refusal::RevealTokenUnknown
            | Refusal::RevealTokenUsed
            | Refusal::RevealTokenExpired
            | Refusal::RevealTokenMismatch { .. }
            | Refusal::AuthorizationNotFound
            | Refusal::TransactionNotFound
            | Refusal::WebhookNotFound
            | Refusal::WebhookDisabled
            | Refusal::ExceptionNotFound
            | Refusal::ExceptionResolved
            | Refusal::AuthorizationNotOpen { .. }
            | Refusal::TooManyIncrements { .. }
            | Refusal::NotRefundable { .. }
            | Refusal::RefundReversed
            | Refusal::AlreadyRefunded
            | Refusal::IdempotencyKeyReused => None,
        }
    }
}
