//! `PUT /card-holders/{cardHolderId}`.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::Command;
use paygen_core::card_holders::CardHolderView;
use paygen_core::ids::CardHolderId;

use super::bodies::UpdateCardHolderBody;
use super::create::shown;
use super::draft::Draft;
use super::{existing, merge, refuse};
use crate::Api;
use crate::body::{self, Change, Faults, Fields, Members};
use crate::gate::{Allowed, CARD_HOLDERS_WRITE, Caller};
use crate::limits;
use crate::path::PathId;
use crate::problem::{FieldProblem, Problem};
use crate::reply::Envelope;
use crate::write::{IfMatch, Success, Write, WriteParams};

/// Update a card holder
///
/// Omitted fields keep their values, also inside `person`, `address`, `identification` and `meta`; null removes a
/// value. `metadata` and `spendingLimits` replace the stored ones. Read-only fields may be sent back unchanged. Changed
/// data of an identity document or a proof of address must be reviewed again.
#[utoipa::path(put, path = "/card-holders/{cardHolderId}", tag = "Card holders", operation_id = "updateCardHolder",
    request_body = UpdateCardHolderBody,
    params(("cardHolderId" = String, Path, description = "The card holder.", pattern = "^[0-9a-f]{24}$"),
        WriteParams, IfMatch),
    responses((status = 200, description = "The card holder.", body = Envelope<CardHolderView>)),
    security(("apiKey" = ["card-holders:write"]), ("bearer" = ["card-holders:write"])))]
pub async fn update_card_holder(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARD_HOLDERS_WRITE>,
    PathId(id): PathId<CardHolderId>,
    write: Write,
    request: Request,
) -> Result<Response, Problem> {
    let json = body::read_json(request).await?;
    existing(&app, &caller, id).await?;
    let content = json.canonical();
    // A replay is answered first, because the stored state it would be compared with has changed.
    if let Some(answer) = write.replay_if_kept(&app, &caller, &content).await? {
        return Ok(answer);
    }
    let prepared = || async {
        let holder = existing(&app, &caller, id).await?;
        let mut faults = Vec::new();
        let body = Members::of(&json, "", &mut faults)
            .and_then(|members| UpdateCardHolderBody::read(members, &mut faults))
            .filter(|_| faults.is_empty());
        let Some(body) = body else { return Err(refuse(faults)) };
        let mut draft = Draft::of(&app, holder, &write)?;
        change(&mut draft, body, &caller, &mut faults)?;
        let (command, key) = draft.finish(&app, faults)?;
        let success = Success::new(StatusCode::OK, "Card holder updated successfully.", shown(&app)).about(id, key);
        Ok((Command::UpdateCardHolder(Box::new(command)), success))
    };
    write.prepare(&app, &caller, &content, prepared).await
}

/// Merges the body into the draft.
fn change(draft: &mut Draft, body: UpdateCardHolderBody, caller: &Caller, faults: &mut Faults) -> Result<(), Problem> {
    let shown = draft.shown.clone();
    // The holder of a restricted token cannot lift decisions about them, nor change the client's own data.
    let decided = !matches!(body.spending_limits, Change::Keep) || !matches!(body.metadata, Change::Keep);
    if decided || body.status.is_some_and(|status| status != shown.status) {
        caller.unbound()?;
    }
    let personal = &mut draft.personal;
    merge::part(&mut personal.person, body.person, merge::person);
    merge::part(&mut personal.address, body.address, merge::address);
    merge::part(&mut personal.meta, body.meta, merge::meta);
    merge::part(&mut personal.identification, body.identification, |into, body| {
        merge::identification(into, body, &shown.identification, faults);
    });
    match body.name {
        Change::Keep => {}
        Change::Clear => faults.push(FieldProblem::new("/name", "required", "is required and cannot be cleared")),
        Change::Set(name) => draft.command.name = Some(name.into()),
    }
    draft.command.status = body.status;
    draft.command.metadata = body.metadata.into_option();
    draft.command.limits = match body.spending_limits {
        Change::Keep => None,
        Change::Clear => Some(Vec::new()),
        Change::Set(new) => limits::of_card_holder(new, "/spendingLimits", faults),
    };
    let stored = serde_json::to_value(&shown).unwrap_or_default();
    for (field, sent) in &body.echo {
        if stored.pointer(field) != Some(sent) {
            faults.push(merge::read_only(field));
        }
    }
    Ok(())
}
