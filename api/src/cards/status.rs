//! `POST /cards/{cardId}/activate` and `POST /cards/lookup`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::cards::{ActivateCard, CardView, LookUpCard};
use paygen_core::ids::CardId;
use paygen_core::{Command, Outcome, Refusal, Request};

use super::bodies::LookUpCardBody;
use super::{check_seen, shown};
use crate::Api;
use crate::body::{Body, NoBody};
use crate::gate::{Allowed, CARDS_REVEAL, CARDS_WRITE, Unbound};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::{self, Envelope};
use crate::write::{IfMatch, Success, Write, WriteParams};
use paygen_engine::{Answer, Priority, Submission};

/// Activate a card
///
/// Activates a physical card, once, when the card holder has received it.
#[utoipa::path(post, path = "/cards/{cardId}/activate", tag = "Cards", operation_id = "activateCard",
    params(("cardId" = String, Path, description = "The card.", pattern = "^[0-9a-f]{24}$"), WriteParams, IfMatch),
    responses((status = 200, description = "The card.", body = Envelope<CardView>)),
    security(("apiKey" = ["cards:write"]), ("bearer" = ["cards:write"])))]
pub async fn activate_card(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARDS_WRITE>,
    PathId(id): PathId<CardId>,
    write: Write,
    _body: NoBody,
) -> Result<Response, Problem> {
    check_seen(&app, &caller, id).await?;
    let command =
        Command::ActivateCard(ActivateCard { id, by_holder: caller.bound.is_some(), if_match: write.if_match });
    let success = Success::new(StatusCode::OK, "Card activated successfully.", shown);
    write.perform(&app, &caller, "", command, success).await
}

/// Look up a card by its number
///
/// Returns the card that has this number now. Every look-up is recorded in the audit log, including repeats and
/// look-ups that find nothing; the number itself is not stored. There is no dry run.
#[utoipa::path(post, path = "/cards/lookup", tag = "Cards", operation_id = "lookUpCard",
    request_body = LookUpCardBody,
    responses((status = 200, description = "The card.", body = Envelope<CardView>)),
    security(("apiKey" = ["cards:reveal"]), ("bearer" = ["cards:reveal"])))]
pub async fn look_up_card(
    State(app): State<Api>,
    Unbound(caller): Unbound<CARDS_REVEAL>,
    write: Write,
    body: Body<LookUpCardBody>,
) -> Result<Response, Problem> {
    write.no_dry_run("a look-up is an entry of the audit log")?;
    let command = Command::LookUpCard(LookUpCard { fingerprint: app.vault.fingerprint(&body.value.pan) });
    // No answer is kept: a repeat looks the card up again, and is audited again.
    let request = Request::new(caller.context(crate::request_id::current_request_id()), command);
    let submission = Submission { request, idempotency: None, dry_run: false };
    match app.engine.submit(Priority::Api, submission).await? {
        Answer::Decided(Ok(Outcome::MaybeCard(found))) => {
            let card = (*found).ok_or(Refusal::CardNotFound)?;
            Ok(reply::versioned("Card fetched successfully.", card.version, &card))
        }
        Answer::Decided(Err(refusal)) => Err(refusal.into()),
        _ => Err(Problem::internal("a look-up came to another kind of outcome")),
    }
}
