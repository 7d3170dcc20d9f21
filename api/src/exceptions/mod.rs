//! `/exceptions`: mismatched messages of the network, for an operator to resolve.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::access::Scope;
use paygen_core::exceptions::ExceptionView;
use paygen_core::ids::{AccountId, ExceptionId};
use paygen_core::money::Decimal;
use paygen_core::resolution::ResolveException;
use paygen_core::{Command, Outcome};
use paygen_store::lists::exceptions as columns;

use crate::Api;
use crate::body::Body;
use crate::fields::Text;
use crate::gate::{AUTHORIZATIONS_READ, AUTHORIZATIONS_WRITE, Allowed, Unbound};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::Query;
use crate::rate::Rate;
use crate::reply::{Envelope, ListEnvelope};
use crate::write::{IfMatch, Success, Write, WriteParams};

const SPEC: ListSpec = ListSpec::of::<ExceptionView>(columns::FIELDS);

/// List exceptions
///
/// Network messages that need an operator's attention: unmatched, forced, late, or of too much.
#[utoipa::path(get, path = "/exceptions", tag = "Transactions", operation_id = "listExceptions",
    params(ListParams),
    responses((status = 200, description = "The exceptions.", body = ListEnvelope<ExceptionView>)),
    security(("apiKey" = ["authorizations:read"]), ("bearer" = ["authorizations:read"])))]
pub async fn list_exceptions(
    State(app): State<Api>,
    Unbound(caller): Unbound<AUTHORIZATIONS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    lists::answer::<columns::List, _>(&app, &caller, params, &SPEC, Vec::new(), ExceptionView::of).await
}

crate::body! {
    /// Resolves an exception.
    pub struct ResolveExceptionBody {
        /// Note of the resolution.
        required note: Text<1, 500> = "note", example "The merchant sent the receipt.";
        /// For type unpriced: exchange rate, units of the card's currency for one unit of the message's. Either this or
        /// billingAmount is required.
        optional rate: Rate = "rate";
        /// For type unpriced: the amount in the card's currency.
        optional billing_amount: Decimal = "billingAmount", at least 0.0;
        /// For an amount in suspense: the account to credit, or to debit if it is owed. Requires the scope
        /// accounts:adjust.
        optional account_id: AccountId = "accountId";
    }
}

/// Resolve an exception
///
/// Resolves an exception, once. Type `unpriced` is posted with the given `rate` or `billingAmount`, type `over_refund`
/// as received. An amount in suspense is credited to `accountId`, or debited from it if it is owed.
#[utoipa::path(post, path = "/exceptions/{exceptionId}/resolve", tag = "Transactions", operation_id = "resolveException",
    request_body = ResolveExceptionBody,
    params(("exceptionId" = String, Path, description = "The exception.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The exception.", body = Envelope<ExceptionView>)),
    security(("apiKey" = ["authorizations:write"]), ("bearer" = ["authorizations:write"])))]
pub async fn resolve_exception(
    State(app): State<Api>,
    Allowed(caller): Allowed<AUTHORIZATIONS_WRITE>,
    PathId(id): PathId<ExceptionId>,
    write: Write,
    body: Body<ResolveExceptionBody>,
) -> Result<Response, Problem> {
    let Body { value: body, canonical } = body;
    // Moving money by hand needs the right to set balances.
    if body.account_id.is_some() {
        caller.needs(Scope::AccountsAdjust)?;
    }
    let command = Command::ResolveException(Box::new(ResolveException {
        id,
        note: body.note.into(),
        rate: body.rate.map(|rate| rate.0),
        billing: body.billing_amount,
        account: body.account_id,
        terms: app.terms.clone(),
        if_match: write.if_match,
    }));
    let success = Success::new(StatusCode::OK, "Exception resolved successfully.", |outcome| match outcome {
        Outcome::Exception(view) => Some(view.clone()),
        _ => None,
    });
    write.perform(&app, &caller, &canonical, command, success).await
}
