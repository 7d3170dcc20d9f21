//! Raising exceptions.

use crate::authorizations::Authorization;
use crate::exceptions::{Deferred, ExceptionKind, ExceptionStatus, NetworkException};
use crate::fields::not_negative;
use crate::ids::{AuthorizationId, CardId, ExceptionId, TransactionId};
use crate::messages::{RequestedAmount, Trace};
use crate::money::Currency;
use crate::refusal::{Refusal, Stop};
use crate::transactions::Transaction;
use crate::work::Work;

/// An exception before it is stored.
pub(crate) struct ExceptionDraft {
    pub(crate) kind: ExceptionKind,
    pub(crate) card: Option<CardId>,
    pub(crate) authorization: Option<AuthorizationId>,
    pub(crate) transaction: Option<TransactionId>,
    pub(crate) amount: i64,
    pub(crate) currency: Currency,
    pub(crate) trace: Trace,
    pub(crate) deferred: Option<Deferred>,
}

impl ExceptionDraft {
    /// About an authorization.
    pub(crate) fn about(kind: ExceptionKind, authorization: &Authorization, amount: i64) -> ExceptionDraft {
        ExceptionDraft {
            kind,
            card: authorization.card,
            authorization: Some(authorization.id),
            transaction: None,
            amount,
            currency: authorization.currency,
            trace: authorization.trace.clone(),
            deferred: None,
        }
    }

    /// About a transaction.
    pub(crate) fn of_transaction(kind: ExceptionKind, posted: &Transaction, amount: i64) -> ExceptionDraft {
        ExceptionDraft {
            kind,
            card: Some(posted.card),
            authorization: posted.authorization,
            transaction: Some(posted.id),
            amount,
            currency: posted.currency,
            trace: posted.trace.clone(),
            deferred: None,
        }
    }

    /// About a message without a known rate; the amount is in the message's currency.
    pub(crate) fn unpriced(
        card: CardId,
        requested: &RequestedAmount,
        trace: &Trace,
        deferred: Deferred,
    ) -> Result<Self, Refusal> {
        Ok(ExceptionDraft {
            kind: ExceptionKind::Unpriced,
            card: Some(card),
            authorization: None,
            transaction: None,
            amount: not_negative(requested.amount, requested.currency, "/amount")?,
            currency: requested.currency,
            trace: trace.clone(),
            deferred: Some(deferred),
        })
    }
}

/// Stores the exception, to be listed for operators.
pub(crate) fn raise_exception(work: &mut Work, what: ExceptionDraft) -> Result<NetworkException, Stop> {
    let now = work.now();
    let exception = NetworkException {
        client: work.client(),
        id: ExceptionId(work.new_id()),
        kind: what.kind,
        status: ExceptionStatus::Open,
        card: what.card,
        authorization: what.authorization,
        transaction: what.transaction,
        amount: what.amount,
        currency: what.currency,
        trace: what.trace,
        note: None,
        deferred: what.deferred,
        entry: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    work.network_exceptions.put(exception.clone());
    Ok(exception)
}
