//! `PUT /cards/{cardId}` and `DELETE /cards/{cardId}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::Command;
use paygen_core::cards::{CardStatus, CardView, TerminateCard, UpdateCard};
use paygen_core::ids::CardId;
use paygen_core::limits::NewControls;

use super::bodies::UpdateCardBody;
use super::{check_seen, controls, seen, shown};
use crate::Api;
use crate::body::{Body, Change, NoBody};
use crate::fields;
use crate::gate::{Allowed, CARDS_WRITE, Caller};
use crate::path::PathId;
use crate::problem::{FieldProblem, Problem};
use crate::reply::Envelope;
use crate::write::{IfMatch, Success, Write, WriteParams};

/// Update a card
///
/// Freezes, unfreezes or cancels a card, or changes its metadata or spending controls. Omitted fields keep their
/// values; `spendingControls` and `metadata` replace the stored ones, `null` removes them. Read-only fields may be sent
/// back unchanged. A token restricted to a card holder or card can freeze, cancel, and unfreeze what was frozen with
/// such a token, but not change metadata or spending controls.
#[utoipa::path(put, path = "/cards/{cardId}", tag = "Cards", operation_id = "updateCard",
    request_body = UpdateCardBody,
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The card.", body = Envelope<CardView>)),
    security(("apiKey" = ["cards:write"]), ("bearer" = ["cards:write"])))]
pub async fn update_card(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARDS_WRITE>,
    PathId(id): PathId<CardId>,
    write: Write,
    body: Body<UpdateCardBody>,
) -> Result<Response, Problem> {
    check_seen(&app, &caller, id).await?;
    check_bound(&body.value, &caller)?;
    check_cancellation(&body.value, &caller)?;
    let command = command(&app, &caller, id, body.value, &write).await?;
    let success = Success::new(StatusCode::OK, "Card updated successfully.", shown);
    write.perform(&app, &caller, &body.canonical, Command::UpdateCard(Box::new(command)), success).await
}

/// The holder of a restricted token cannot lift decisions about the card: its spending controls, and the client's own
/// data.
fn check_bound(body: &UpdateCardBody, caller: &Caller) -> Result<(), Problem> {
    let decided = !matches!(body.spending_controls, Change::Keep) || !matches!(body.metadata, Change::Keep);
    if decided { Ok(caller.unbound()?) } else { Ok(()) }
}

/// Fields about a cancellation require one. A restricted caller cannot choose where the money goes.
fn check_cancellation(body: &UpdateCardBody, caller: &Caller) -> Result<(), Problem> {
    let given = [
        ("/cancellationReason", body.cancellation_reason.is_some()),
        ("/creditAccountId", body.credit_account_id.is_some()),
    ];
    if body.status == Some(CardStatus::Canceled) {
        return if body.credit_account_id.is_some() { Ok(caller.unbound()?) } else { Ok(()) };
    }
    let message = "goes with status canceled only";
    let alone = given.into_iter().filter(|(_, given)| *given);
    let faults: Vec<FieldProblem> =
        alone.map(|(at, _)| FieldProblem::new(at, "only_with_cancellation", message)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

async fn command(
    app: &Api,
    caller: &Caller,
    id: CardId,
    mut body: UpdateCardBody,
    write: &Write,
) -> Result<UpdateCard, Problem> {
    let amounts = [("/balance", body.balance), ("/availableBalance", body.available_balance)];
    let echo = fields::echo(amounts, std::mem::take(&mut body.echo));
    let controls = match body.spending_controls {
        Change::Keep => None,
        Change::Clear => Some(NewControls::default()),
        // The limits' amounts are in the card's currency, which never changes.
        Change::Set(controls) => Some(controls::of_card(controls, seen(app, caller, id).await?.currency)?),
    };
    Ok(UpdateCard {
        id,
        status: body.status,
        cancellation_reason: body.cancellation_reason.map(|reason| reason.as_str().to_owned()),
        credit_account: body.credit_account_id,
        metadata: body.metadata.into_option(),
        controls,
        by_holder: caller.bound.is_some(),
        echo,
        if_match: write.if_match,
    })
}

/// Terminate a card
///
/// Cancels a card, which is final. The available balance returns to its debit account. A canceled card remains
/// unchanged.
#[utoipa::path(delete, path = "/cards/{cardId}", tag = "Cards", operation_id = "terminateCard",
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The terminated card.", body = Envelope<CardView>)),
    security(("apiKey" = ["cards:write"]), ("bearer" = ["cards:write"])))]
pub async fn terminate_card(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARDS_WRITE>,
    PathId(id): PathId<CardId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    check_seen(&app, &caller, id).await?;
    let command = Command::TerminateCard(TerminateCard { id, if_match: write.if_match });
    let success = Success::new(StatusCode::OK, "Card terminated successfully.", shown);
    write.perform(&app, &caller, "", command, success).await
}
