//! `/card-holders/{cardHolderId}/documents`: uploads, lists and reviews documents.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::card_holders::{CardHolderView, DocumentView, ReviewDocument, ReviewStatus};
use paygen_core::ids::{CardHolderId, DocumentId};
use paygen_core::view::Pictured;
use paygen_core::{Command, Outcome};
use paygen_store::lists::documents as columns;
use paygen_store::query::Filter;

use super::bodies::{ReviewDocumentBody, UploadBody, UploadForm};
use super::create::shown;
use super::draft::{Draft, key};
use super::form::{self, Form, FormSpec};
use super::{existing, merge, refuse};
use crate::Api;
use crate::body::{Body, Faults, Fields, Members};
use crate::gate::{Allowed, CARD_HOLDERS_READ, CARD_HOLDERS_WRITE, Caller, Unbound};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::{PathId, PathIds};
use crate::problem::{FieldProblem, Problem};
use crate::query::Query;
use crate::reply::{Envelope, ListEnvelope};
use crate::write::{IfMatch, Success, Write, WriteParams};

const FORM: FormSpec = FormSpec { texts: &[], json: &["document", "proofOfAddress", "identification"] };

/// Upload documents
///
/// Uploads files of an identity document and of a proof of address, JPEG, PNG or PDF of at most 10 MiB, with or without
/// data about them. A file replaces the previous one and waits for a review.
#[utoipa::path(post, path = "/card-holders/{cardHolderId}/documents", tag = "Card holders",
    operation_id = "uploadCardHolderDocuments",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    params(("cardHolderId" = String, Path, description = "The card holder.", pattern = "^[0-9a-f]{24}$"),
        WriteParams),
    responses((status = 200, description = "The card holder.", body = Envelope<CardHolderView>)),
    security(("apiKey" = ["card-holders:write"]), ("bearer" = ["card-holders:write"])))]
pub async fn upload_documents(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARD_HOLDERS_WRITE>,
    PathId(id): PathId<CardHolderId>,
    write: Write,
    request: Request,
) -> Result<Response, Problem> {
    if !form::is_form(&request) {
        let message = "Send the documents as multipart/form-data.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message));
    }
    form::no_dry_run(&write)?;
    let key = key(&app, &existing(&app, &caller, id).await?)?;
    let form = form::read(&app, request, &FORM, (caller.client, id), &key).await?;
    let content = form.canonical();
    if let Some(answer) = write.replay_if_kept(&app, &caller, &content).await? {
        return Ok(answer);
    }
    let Form { json, files, faults, staged } = form;
    if !faults.is_empty() {
        return Err(refuse(faults));
    }
    let prepared = || async {
        let mut draft = Draft::of(&app, existing(&app, &caller, id).await?, &write)?;
        let mut faults = Vec::new();
        draft.command.documents.clone_from(&files);
        merge_texts(&mut draft, &json, &mut faults);
        let (command, key) = draft.finish(&app, faults)?;
        let message = "Card holder documents uploaded successfully.";
        let success = Success::new(StatusCode::OK, message, shown(&app)).about(id, key);
        Ok((Command::UpdateCardHolder(Box::new(command)), success))
    };
    staged.give(write.prepare(&app, &caller, &content, prepared)).await
}

/// Applies the documents' descriptions to the draft: `document` may be at the top level or inside `identification`.
fn merge_texts(draft: &mut Draft, json: &paygen_edge::json::Json, faults: &mut Faults) {
    let body = Members::of(json, "", faults).and_then(|members| {
        for name in ["document", "proofOfAddress"] {
            let inside = members.get("identification").and_then(|inner| inner.member(name));
            if let (Some(one), Some(other)) = (members.get(name), inside)
                && one != other
            {
                for (at, other) in [(format!("/{name}"), "identification"), (format!("/identification/{name}"), name)] {
                    let message = format!("says something else than {other}; send one of them");
                    faults.push(FieldProblem::new(at, "contradiction", message));
                }
            }
        }
        UploadBody::read(members, faults)
    });
    let Some(body) = body else { return };
    if draft.command.documents.is_empty()
        && matches!(json, paygen_edge::json::Json::Object(members) if members.is_empty())
    {
        let message = "send at least one file, or data about one";
        faults.push(FieldProblem::new("/documentMain", "required", message));
    }
    let shown = draft.shown.identification.clone();
    let into = &mut draft.personal.identification;
    merge::part(into, body.identification, |into, body| merge::identification(into, body, &shown, faults));
    merge::part(&mut into.document, body.document, |into, body| {
        merge::document(into, body, &shown, "/document", faults);
    });
    merge::part(&mut into.proof_of_address, body.proof_of_address, |into, body| {
        merge::proof(into, body, &shown, "/proofOfAddress", faults);
    });
}

const SPEC: ListSpec = ListSpec::of::<DocumentView>(columns::FIELDS);

/// List documents
///
/// The files of a card holder, including replaced ones.
#[utoipa::path(get, path = "/card-holders/{cardHolderId}/documents", tag = "Card holders",
    operation_id = "listCardHolderDocuments",
    params(("cardHolderId" = String, Path, description = "The card holder.", pattern = "^[0-9a-f]{24}$"), ListParams),
    responses((status = 200, description = "The documents.", body = ListEnvelope<DocumentView>)),
    security(("apiKey" = ["card-holders:read"]), ("bearer" = ["card-holders:read"])))]
pub async fn list_documents(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARD_HOLDERS_READ>,
    PathId(id): PathId<CardHolderId>,
    Query(params): Query,
) -> Result<Response, Problem> {
    let only_theirs = vec![Filter::equals(columns::CARD_HOLDER, id.0)];
    let list = lists::read(&SPEC, params, caller.client, only_theirs, app.settings.list_timeout_ms)?;
    existing(&app, &caller, id).await?;
    let page = app.reader.list::<columns::List>(&list.query).await?;
    list.reply(page, DocumentView::of)
}

/// Review a document
///
/// Verifies or rejects a file. Front and back of an identity document are reviewed together. A card holder is verified
/// when identity document and proof of address are.
#[utoipa::path(post, path = "/card-holders/{cardHolderId}/documents/{documentId}/review", tag = "Card holders",
    operation_id = "reviewCardHolderDocument",
    request_body = ReviewDocumentBody,
    params(("cardHolderId" = String, Path, description = "The card holder.", pattern = "^[0-9a-f]{24}$"),
        ("documentId" = String, Path, description = "The document.", pattern = "^[0-9a-f]{24}$"),
        WriteParams, IfMatch),
    responses((status = 200, description = "The document.", body = Envelope<DocumentView>)),
    security(("apiKey" = ["card-holders:write"]), ("bearer" = ["card-holders:write"])))]
pub async fn review_document(
    State(app): State<Api>,
    Unbound(caller): Unbound<CARD_HOLDERS_WRITE>,
    PathIds(card_holder, id): PathIds<CardHolderId, DocumentId>,
    write: Write,
    body: Body<ReviewDocumentBody>,
) -> Result<Response, Problem> {
    let status = body.value.status;
    if !matches!(status, ReviewStatus::Verified | ReviewStatus::Rejected) {
        let message = "must be verified or rejected";
        return Err(Problem::invalid(vec![FieldProblem::new("/status", "choice", message)]));
    }
    let reason = body.value.reason.map(Into::into);
    let command = ReviewDocument { card_holder, id, status, reason, if_match: write.if_match };
    let key = reviewed_key(&app, &caller, card_holder).await?;
    let success = Success::new(StatusCode::OK, "Card holder document reviewed successfully.", shown_document);
    let success = success.about(card_holder, key);
    write.perform(&app, &caller, &body.canonical, Command::ReviewDocument(command), success).await
}

/// A review note is about the card holder: the kept answer is sealed with their key.
async fn reviewed_key(app: &Api, caller: &Caller, id: CardHolderId) -> Result<paygen_vault::HolderKey, Problem> {
    key(app, &existing(app, caller, id).await?)
}

fn shown_document(outcome: &Outcome) -> Option<Pictured<DocumentView>> {
    match outcome {
        Outcome::Document(view) => Some(view.clone()),
        _ => None,
    }
}
