//! Messages that did not fit: kept for an operator to look at.

use crate::authorizations::{
    Authorization, ExceptionKind, ExceptionStatus, ExceptionView, NetworkException, Posted, Trace,
};
use crate::ids::{AuthorizationId, CardId, ExceptionId, PostingId};
use crate::money::Currency;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// What did not fit.
pub(super) struct Exceptional {
    pub(super) kind: ExceptionKind,
    pub(super) card: Option<CardId>,
    pub(super) authorization: Option<AuthorizationId>,
    pub(super) posting: Option<PostingId>,
    pub(super) amount: i64,
    pub(super) currency: Currency,
    pub(super) trace: Trace,
}

impl Exceptional {
    /// About an authorization.
    pub(super) fn about(kind: ExceptionKind, authorization: &Authorization, amount: i64) -> Exceptional {
        Exceptional {
            kind,
            card: authorization.card,
            authorization: Some(authorization.id),
            posting: None,
            amount,
            currency: authorization.currency,
            trace: authorization.trace.clone(),
        }
    }

    /// About a transaction.
    pub(super) fn of_posting(kind: ExceptionKind, posted: &Posted, amount: i64) -> Exceptional {
        Exceptional {
            kind,
            card: Some(posted.card),
            authorization: posted.authorization,
            posting: Some(posted.id),
            amount,
            currency: posted.currency,
            trace: posted.trace.clone(),
        }
    }
}

/// Keeps it.
pub(super) fn except(work: &mut Work, what: Exceptional) -> Result<NetworkException, Stop> {
    let now = work.now();
    let exception = NetworkException {
        client: work.client(),
        id: ExceptionId(work.new_id()),
        kind: what.kind,
        status: ExceptionStatus::Open,
        card: what.card,
        authorization: what.authorization,
        posting: what.posting,
        amount: what.amount,
        currency: what.currency,
        trace: what.trace,
        note: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    work.network_exceptions.put(exception.clone());
    Ok(exception)
}

/// Says that somebody looked.
#[derive(Clone, Debug)]
pub struct ResolveException {
    /// Which.
    pub id: ExceptionId,
    /// What they found.
    pub note: String,
    /// The version they read.
    pub if_match: Option<i64>,
}

/// Marks it as looked at; once.
pub fn resolve(work: &mut Work, command: &ResolveException) -> Result<ExceptionView, Stop> {
    let found = work.network_exceptions.get_to_change(Key::of(work.client(), command.id.0))?;
    let found = found.ok_or(Refusal::ExceptionNotFound)?;
    crate::accounts::check_version(command.if_match, found.version)?;
    if found.status == ExceptionStatus::Resolved {
        return Err(Refusal::ExceptionResolved.into());
    }
    let resolved = NetworkException {
        status: ExceptionStatus::Resolved,
        note: Some(command.note.clone()),
        version: found.version + 1,
        updated_at: work.now(),
        ..(*found).clone()
    };
    work.network_exceptions.put(resolved.clone());
    Ok(ExceptionView::of(&resolved))
}
