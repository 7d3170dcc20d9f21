//! Why a command is refused: a closed list, one variant for each rule.

use crate::approvals::ApprovalRefusal;
use crate::cards::RevealRefusal;
use crate::ids::{AccountId, ProgramId};
use crate::money::{Category, Currency};
use crate::people::PersonRefusal;

/// Why a run of a command ended early.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// A row is not in memory. The engine loads it and runs the command again.
    Missing,
    /// A rule refused the command. Its changes are discarded.
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal)
    }
}

/// The rules that can refuse a command. `field` is a JSON pointer into the request's body. The error text is shown to
/// the caller.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("There is no account {id} for this client.")]
    AccountNotFound {
        id: AccountId,
        /// Where the body names the account; `None` if the path does.
        field: Option<&'static str>,
    },
    #[error("There is no program {id} for this client.")]
    ProgramNotFound {
        id: ProgramId,
        /// Where the body names the program; `None` if the path does.
        field: Option<&'static str>,
    },
    #[error("The program {id} is archived; it issues no further cards. Name another program, or activate it again.")]
    ProgramArchived { id: ProgramId },
    /// The card is not one that its program issues.
    #[error("The program issues only cards with {what} {wanted}.")]
    ProgramMismatch { field: &'static str, what: &'static str, wanted: String },
    /// Settings of a program contradict each other.
    #[error("The program's settings contradict each other: {why}.")]
    ProgramInvalid { field: &'static str, why: &'static str },
    #[error("The account's spending limits are in {currency}. Send spendingLimits too, in the new currency.")]
    LimitsInCurrency { currency: Currency },
    #[error("Cards that are issued without a programId belong to this program, so it cannot be archived.")]
    DefaultProgram,
    /// Another program has numbers of these ranges.
    #[error("A range belongs to one program, and numbers of {} belong to another one.", prefixes(ranges))]
    RangesTaken {
        /// Their places in the body, and their prefixes.
        ranges: Vec<(usize, String)>,
    },
    /// A card's own settings allow what its program does not.
    #[error("The card's program allows less, and does not let its cards loosen that.")]
    LoosensProgram {
        /// JSON pointers, and what the program allows.
        fields: Vec<(String, String)>,
    },
    #[error("There is no such detail record on this account.")]
    DetailNotFound,
    #[error("There is no such transfer for this client.")]
    TransferNotFound,
    #[error("There is no such API key for this client.")]
    ApiKeyNotFound,
    #[error("There is no such token for this client.")]
    TokenNotFound,
    #[error("There is no such client.")]
    ClientNotFound,
    /// `If-Match` does not name the stored version.
    #[error(
        "The object is at version {current}, not at the version named in If-Match. Read it again and retry with its present version."
    )]
    VersionMismatch { current: i64 },
    /// Setting a balance requires `If-Match`.
    #[error("Changing a balance needs an If-Match header with the version you read.")]
    IfMatchRequired,
    /// The credential lacks a scope, which shows only once the rows are known.
    #[error("This needs the scope {scope}, which the credential does not have.")]
    ScopeMissing { scope: &'static str },
    /// A read-only field was sent with a value that differs from the stored one.
    #[error("{field} cannot be changed. Leave it out, or send it as it is stored.")]
    ReadOnlyField { field: &'static str },
    /// The amount has more decimals than the currency.
    #[error("{currency} has {} decimals; the amount has more.", currency.exponent())]
    AmountTooPrecise { field: &'static str, currency: Currency },
    /// The amount, or a balance that would result, exceeds the maximum.
    #[error("The amount is too large: it or the balance it leads to cannot be kept exactly.")]
    AmountTooLarge { field: &'static str },
    #[error("The amount must be greater than zero.")]
    AmountNotPositive { field: &'static str },
    #[error("The amount must not be negative.")]
    AmountNegative { field: &'static str },
    #[error(
        "{code} is not a {category} currency Paygen knows.{hint} Fiat: ISO 4217 codes such as USD; crypto: USDC, USDT, BTC.",
        hint = currency_hint(code, category)
    )]
    CurrencyUnknown {
        code: String,
        /// fiat or crypto.
        category: &'static str,
    },
    #[error("The account {account} has {available} {currency} available; {needed} {currency} are needed.")]
    InsufficientFunds {
        account: String,
        /// In major units.
        available: String,
        /// In major units.
        needed: String,
        /// The currency of both amounts.
        currency: Currency,
    },
    #[error("The account {id} is {status}; only an active account can be debited or credited.")]
    AccountInactive { id: AccountId, status: &'static str },
    #[error("The account {id} does not allow debits (canDebit is false).")]
    DebitNotAllowed { id: AccountId },
    #[error("The account {id} does not allow credits (canCredit is false).")]
    CreditNotAllowed { id: AccountId },
    #[error("The accounts have different currencies: {from} and {to}.")]
    CurrencyMismatch { from: Currency, to: Currency },
    #[error("fromAccountId and toAccountId are the same account.")]
    SameAccount,
    #[error("The account is closed. A closed account cannot be changed or reopened.")]
    AccountClosed,
    #[error("The account cannot be closed: {what}.")]
    AccountInUse {
        /// The obstacles, as part of a sentence.
        what: String,
    },
    /// Currency and category are fixed after the first ledger entry, and while cards spend from the account.
    #[error("{field} cannot be changed once the account has ledger entries or cards.")]
    AccountHasEntries { field: &'static str },
    /// Credit limits belong to accounts of type credit.
    #[error("creditLimit is for accounts of type credit only.")]
    CreditLimitNotAllowed,
    #[error("Only {left} of this transfer is left to be reversed.")]
    ReversalTooLarge {
        /// In major units.
        left: String,
    },
    #[error("This transfer is reversed already.")]
    AlreadyReversed,
    #[error("{what} has wrong check digits.")]
    CheckDigits { field: String, what: &'static str },
    /// A new key or token has scopes that its granter lacks.
    #[error("A credential cannot grant scopes it does not have: {scopes}.")]
    ScopesExceeded { scopes: String },
    /// A new key or token would live longer, or work from more networks, than its granter.
    #[error("A credential cannot grant more than it has: {bound}.")]
    BoundsExceeded { field: &'static str, bound: String },
    #[error("The API key is revoked.")]
    ApiKeyRevoked,
    #[error("expiresAt is in the past.")]
    ExpiryInPast,
    #[error("The clock stands at {now} and only moves forward.")]
    ClockBackwards {
        /// Business time.
        now: String,
    },
    #[error("The clock cannot be set later than the end of the year 2200.")]
    ClockTooFar,
    #[error("There is no such card holder for this client.")]
    CardHolderNotFound {
        /// Where the body names the card holder; `None` if the path does.
        field: Option<&'static str>,
    },
    #[error("There is no such document of this card holder.")]
    DocumentNotFound,
    #[error("There is no such card for this client.")]
    CardNotFound,
    /// A row that the command was prepared with has changed. The server prepares the command again.
    #[error("The object changed while the request was processed. Try again.")]
    Stale,
    /// The generated card number is in use. The server generates another one.
    #[error("No free card number was found. Try again.")]
    NumberTaken,
    #[error("The card holder's data was erased and cannot be changed.")]
    CardHolderErased,
    #[error("The card holder cannot be erased: {live_cards} of their cards are not canceled.")]
    CardHolderInUse { live_cards: i64 },
    #[error("The card holder's data must be kept until {until}; it can be erased then.")]
    RetentionNotOver { until: String },
    #[error("The card holder is {status}; cards are issued only to active card holders.")]
    CardHolderInactive { status: &'static str },
    /// The configuration requires verified card holders.
    #[error("The card holder is not verified: their documents must be uploaded and reviewed first.")]
    CardHolderUnverified,
    #[error("A later upload replaced this document. Review that one.")]
    DocumentReplaced,
    #[error("The card is canceled. A canceled card cannot be changed, funded, revealed or reopened.")]
    CardCanceled,
    /// A card holder cannot lift a freeze by the client.
    #[error(
        "The card was frozen by the client, not by its holder: a restricted token cannot unfreeze it. Use an API key."
    )]
    CardFrozenByClient,
    #[error(
        "The card was not activated yet. Activate it with POST /cards/{{cardId}}/activate when the card holder has received it."
    )]
    CardNotActivated,
    #[error("The card is activated already.")]
    CardAlreadyActivated,
    #[error("The card spends from its debit account (fundingMode on_demand); it has no balance of its own.")]
    FundingModeMismatch { field: &'static str },
    #[error("The account's currency is {account}, the card's is {card}.")]
    CardCurrencyMismatch { account: Currency, card: Currency },
    #[error("The amount must be at least {minimum}.")]
    AmountBelowMinimum {
        field: &'static str,
        /// In major units.
        minimum: &'static str,
    },
    #[error("The payment reference was used already, for the card {card}. A reference can be used only once.")]
    PaymentReferenceUsed { card: String },
    /// The validity dates contradict each other or the card's expiry.
    #[error("{why}")]
    ValidityInvalid { field: &'static str, why: &'static str },
    #[error("The card has no PIN. Set one with PUT /cards/{{cardId}}/pin.")]
    PinNotSet,
    #[error("There is no such authorization for this client.")]
    AuthorizationNotFound,
    #[error("There is no such transaction for this client.")]
    TransactionNotFound,
    #[error("There is no such webhook endpoint for this client.")]
    WebhookNotFound,
    #[error("The webhook endpoint is disabled. Enable it first with PUT /webhooks/{{webhookId}}.")]
    WebhookDisabled,
    #[error("There is no such responder for this client.")]
    ResponderNotFound,
    #[error("The responder has no question with this call id.")]
    QuestionNotFound,
    #[error("The question is answered already.")]
    QuestionAnswered,
    #[error("The answer comes too late: the question is closed.")]
    QuestionClosed,
    #[error(
        "The responder has a URL, which answers its questions. Only a responder without a URL is answered by a call."
    )]
    ResponderHasUrl,
    #[error("onSilence is rules, so fallback needs at least one rule; otherwise everything would be approved.")]
    FallbackRequired,
    #[error("There is no such exception for this client.")]
    ExceptionNotFound,
    #[error("The exception is resolved already.")]
    ExceptionResolved,
    #[error("The authorization is {status}; only an approved one can be changed.")]
    AuthorizationNotOpen { status: &'static str },
    #[error(
        "This authorization was incremented {most} times, which is the maximum. Request a new authorization for the rest."
    )]
    TooManyIncrements { most: usize },
    #[error("The authorization has no outstanding amount. Send the amount to clear.")]
    NothingToClear,
    #[error("An account_verification has the amount 0.")]
    VerificationWithAmount,
    #[error("No rate from {from} to {to} is known. Send billingAmount or rate, or configure one.")]
    RateUnknown { from: Currency, to: Currency },
    #[error("A transaction of type {kind} cannot be refunded.")]
    NotRefundable { kind: &'static str },
    #[error("The refund is already reversed.")]
    RefundReversed,
    #[error("The transaction is already fully refunded.")]
    AlreadyRefunded,
    /// The amount is already in the card's currency, and the billing amount or rate contradicts it.
    #[error(
        "The amount is in the card's currency, {currency}, already: leave this out, or send the same amount and the rate 1."
    )]
    BillingMismatch { field: &'static str, currency: Currency },
    /// A canceled card can only be funded up to what it owes.
    #[error("The card is canceled and owes {owed} {currency}; more cannot be funded.")]
    MoreThanOwed { owed: String, currency: Currency },
    /// The exception's type needs another kind of resolution.
    #[error("An exception of type {kind} is resolved differently: {wanted}.")]
    ResolutionMismatch { field: &'static str, kind: &'static str, wanted: &'static str },
    #[error(
        "This Idempotency-Key was used for another request, or with another credential. Use a new key for a new request."
    )]
    IdempotencyKeyReused,
    #[error(transparent)]
    Person(#[from] PersonRefusal),
    #[error(transparent)]
    Approval(#[from] ApprovalRefusal),
    #[error(transparent)]
    Reveal(#[from] RevealRefusal),
}

fn prefixes(ranges: &[(usize, String)]) -> String {
    ranges.iter().map(|(_, prefix)| prefix.as_str()).collect::<Vec<_>>().join(", ")
}

fn currency_hint(code: &str, category: &str) -> String {
    let category = if category == "crypto" { Category::Crypto } else { Category::Fiat };
    Currency::hint(code, category)
}

impl Refusal {
    /// The stable error code.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::AccountNotFound { .. } => "account_not_found",
            Refusal::ProgramNotFound { .. } => "program_not_found",
            Refusal::ProgramArchived { .. } => "program_archived",
            Refusal::ProgramMismatch { .. } => "program_mismatch",
            Refusal::ProgramInvalid { .. } => "program_invalid",
            Refusal::LimitsInCurrency { .. } => "limits_in_currency",
            Refusal::DefaultProgram => "default_program",
            Refusal::RangesTaken { .. } => "number_range_taken",
            Refusal::LoosensProgram { .. } => "loosens_program",
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
            Refusal::Person(refusal) => refusal.code(),
            Refusal::Approval(refusal) => refusal.code(),
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
            Refusal::Reveal(refusal) => refusal.code(),
            Refusal::AuthorizationNotFound => "authorization_not_found",
            Refusal::TransactionNotFound => "transaction_not_found",
            Refusal::WebhookNotFound => "webhook_not_found",
            Refusal::WebhookDisabled => "webhook_disabled",
            Refusal::ResponderNotFound => "responder_not_found",
            Refusal::QuestionNotFound => "question_not_found",
            Refusal::QuestionAnswered => "question_answered",
            Refusal::QuestionClosed => "question_closed",
            Refusal::ResponderHasUrl => "responder_has_url",
            Refusal::FallbackRequired => "fallback_required",
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

    /// The field at fault, as a JSON pointer into the body; `None` if no single field is.
    pub fn field(&self) -> Option<&str> {
        match self {
            Refusal::AccountNotFound { field, .. } | Refusal::CardHolderNotFound { field } => *field,
            Refusal::ProgramNotFound { field, .. } => *field,
            Refusal::ProgramArchived { .. } => Some("/programId"),
            Refusal::ProgramMismatch { field, .. } | Refusal::ProgramInvalid { field, .. } => Some(field),
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
            Refusal::LimitsInCurrency { .. } => Some("/spendingLimits"),
            Refusal::CreditLimitNotAllowed => Some("/creditLimit"),
            Refusal::SameAccount => Some("/toAccountId"),
            Refusal::MoreThanOwed { .. }
            | Refusal::ReversalTooLarge { .. }
            | Refusal::NothingToClear
            | Refusal::VerificationWithAmount => Some("/amount"),
            Refusal::RateUnknown { .. } => Some("/currency"),
            Refusal::ExpiryInPast => Some("/expiresAt"),
            Refusal::FallbackRequired => Some("/fallback"),
            Refusal::ScopesExceeded { .. } => Some("/scopes"),
            Refusal::Person(refusal) => refusal.field(),
            Refusal::PaymentReferenceUsed { .. } => Some("/paymentReference"),
            Refusal::Approval(_)
            | Refusal::Reveal(_)
            | Refusal::DetailNotFound
            | Refusal::TransferNotFound
            | Refusal::ApiKeyNotFound
            | Refusal::TokenNotFound
            | Refusal::ClientNotFound
            | Refusal::DefaultProgram
            | Refusal::RangesTaken { .. }
            | Refusal::LoosensProgram { .. }
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
            | Refusal::AuthorizationNotFound
            | Refusal::TransactionNotFound
            | Refusal::WebhookNotFound
            | Refusal::WebhookDisabled
            | Refusal::ResponderNotFound
            | Refusal::QuestionNotFound
            | Refusal::QuestionAnswered
            | Refusal::QuestionClosed
            | Refusal::ResponderHasUrl
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
