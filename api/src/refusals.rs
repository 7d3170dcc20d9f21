//! The HTTP status of each refusal: one table, the only place where a rule of the core meets HTTP.

use axum::http::StatusCode;
use paygen_core::Refusal;
use paygen_core::approvals::ApprovalRefusal;
use paygen_core::cards::RevealRefusal;
use paygen_core::people::PersonRefusal;

use super::problem::Problem;
use paygen_engine::Unanswered;

/// The status of a refusal: 400 invalid request, 404 not found, 409 conflict with the target's state or a key, 412
/// version, 403 scope, 422 any other rule.
pub fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Person(refusal) => of_person(refusal),
        Refusal::Approval(refusal) => of_approval(refusal),
        Refusal::Reveal(refusal) => of_reveal(refusal),
        Refusal::AccountNotFound { .. }
        | Refusal::DetailNotFound
        | Refusal::TransferNotFound
        | Refusal::ApiKeyNotFound
        | Refusal::TokenNotFound
        | Refusal::ClientNotFound
        | Refusal::ProgramNotFound { .. }
        | Refusal::CardHolderNotFound { .. }
        | Refusal::DocumentNotFound
        | Refusal::CardNotFound
        | Refusal::AuthorizationNotFound
        | Refusal::TransactionNotFound
        | Refusal::WebhookNotFound
        | Refusal::ResponderNotFound
        | Refusal::QuestionNotFound
        | Refusal::ExceptionNotFound => StatusCode::NOT_FOUND,
        Refusal::VersionMismatch { .. } => StatusCode::PRECONDITION_FAILED,
        Refusal::ScopeMissing { .. }
        | Refusal::ScopesExceeded { .. }
        | Refusal::BoundsExceeded { .. }
        | Refusal::CardFrozenByClient => StatusCode::FORBIDDEN,
        Refusal::IfMatchRequired
        | Refusal::ReadOnlyField { .. }
        | Refusal::AmountTooPrecise { .. }
        | Refusal::AmountTooLarge { .. }
        | Refusal::AmountNotPositive { .. }
        | Refusal::AmountNegative { .. }
        | Refusal::CurrencyUnknown { .. }
        | Refusal::CreditLimitNotAllowed
        | Refusal::SameAccount
        | Refusal::CheckDigits { .. }
        | Refusal::VerificationWithAmount
        | Refusal::BillingMismatch { .. }
        | Refusal::ResolutionMismatch { .. }
        | Refusal::AmountBelowMinimum { .. }
        | Refusal::FallbackRequired
        | Refusal::ValidityInvalid { .. }
        | Refusal::ExpiryInPast
        | Refusal::ProgramInvalid { .. }
        | Refusal::LoosensProgram { .. }
        | Refusal::LimitsInCurrency { .. }
        | Refusal::ClockBackwards { .. }
        | Refusal::ClockTooFar => StatusCode::BAD_REQUEST,
        Refusal::AccountClosed
        | Refusal::ProgramArchived { .. }
        | Refusal::DefaultProgram
        | Refusal::RangesTaken { .. }
        | Refusal::AccountInUse { .. }
        | Refusal::AccountHasEntries { .. }
        | Refusal::AlreadyReversed
        | Refusal::ApiKeyRevoked
        | Refusal::Stale
        | Refusal::NumberTaken
        | Refusal::CardHolderErased
        | Refusal::CardHolderInUse { .. }
        | Refusal::RetentionNotOver { .. }
        | Refusal::DocumentReplaced
        | Refusal::CardCanceled
        | Refusal::CardNotActivated
        | Refusal::CardAlreadyActivated
        | Refusal::PaymentReferenceUsed { .. }
        | Refusal::PinNotSet
        | Refusal::WebhookDisabled
        | Refusal::QuestionAnswered
        | Refusal::QuestionClosed
        | Refusal::ResponderHasUrl
        | Refusal::ExceptionResolved
        | Refusal::AuthorizationNotOpen { .. }
        | Refusal::TooManyIncrements { .. }
        | Refusal::NothingToClear
        | Refusal::RefundReversed
        | Refusal::AlreadyRefunded
        | Refusal::IdempotencyKeyReused => StatusCode::CONFLICT,
        Refusal::InsufficientFunds { .. }
        | Refusal::ProgramMismatch { .. }
        | Refusal::AccountInactive { .. }
        | Refusal::DebitNotAllowed { .. }
        | Refusal::CreditNotAllowed { .. }
        | Refusal::CurrencyMismatch { .. }
        | Refusal::CardHolderInactive { .. }
        | Refusal::CardHolderUnverified
        | Refusal::MoreThanOwed { .. }
        | Refusal::RateUnknown { .. }
        | Refusal::NotRefundable { .. }
        | Refusal::FundingModeMismatch { .. }
        | Refusal::CardCurrencyMismatch { .. }
        | Refusal::ReversalTooLarge { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn of_person(refusal: &PersonRefusal) -> StatusCode {
    match refusal {
        PersonRefusal::NotFound => StatusCode::NOT_FOUND,
        PersonRefusal::OfPlatform
        | PersonRefusal::Shared
        | PersonRefusal::RoleExceeded { .. }
        | PersonRefusal::Locked { .. }
        | PersonRefusal::ProofRefused => StatusCode::FORBIDDEN,
        PersonRefusal::Exists | PersonRefusal::Own | PersonRefusal::LastOwner => StatusCode::CONFLICT,
    }
}

fn of_approval(refusal: &ApprovalRefusal) -> StatusCode {
    match refusal {
        ApprovalRefusal::NotFound => StatusCode::NOT_FOUND,
        ApprovalRefusal::NotPerson | ApprovalRefusal::Own | ApprovalRefusal::NotRequester => StatusCode::FORBIDDEN,
        ApprovalRefusal::NotPending { .. } | ApprovalRefusal::AlreadyDecided => StatusCode::CONFLICT,
    }
}

fn of_reveal(refusal: &RevealRefusal) -> StatusCode {
    match refusal {
        RevealRefusal::Unknown => StatusCode::NOT_FOUND,
        RevealRefusal::Expired | RevealRefusal::Mismatch { .. } => StatusCode::FORBIDDEN,
        RevealRefusal::Used => StatusCode::CONFLICT,
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Problem {
        let message = refusal.to_string();
        let problem = Problem::new(status(refusal), refusal.code(), message.clone());
        match refusal {
            Refusal::RangesTaken { ranges } => ranges.iter().fold(problem, |problem, (at, prefix)| {
                let why = format!("numbers that begin with {prefix} belong to another program");
                problem.field(&format!("/numberRanges/{at}"), refusal.code(), why)
            }),
            Refusal::LoosensProgram { fields } => fields
                .iter()
                .fold(problem, |problem, (pointer, why)| problem.field(pointer, refusal.code(), why.clone())),
            other => match other.field() {
                Some(pointer) => problem.field(pointer, refusal.code(), message),
                None => problem,
            },
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem::from(&refusal)
    }
}

impl From<Unanswered> for Problem {
    fn from(unanswered: Unanswered) -> Problem {
        let busy = |code, message: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, message).retry_after(1);
        match unanswered {
            Unanswered::Overloaded => {
                busy("overloaded", "Too many requests are waiting. Nothing was done; try again shortly.")
            }
            Unanswered::Draining => busy("stopping", "This server is stopping. Nothing was done; try again shortly."),
            Unanswered::Unavailable(why) => busy(
                "store_unavailable",
                "The store cannot be written just now. Try again shortly, with the same Idempotency-Key.",
            )
            .log(why),
            Unanswered::Internal(why) => Problem::internal(why),
        }
    }
}
