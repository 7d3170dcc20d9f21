//! `DELETE /card-holders/{cardHolderId}`.

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use paygen_core::Command;
use paygen_core::card_holders::{CardHolderStatus, CardHolderView, EraseCardHolder, UpdateCardHolder};
use paygen_core::ids::{CardHolderId, DocumentId};
use paygen_store::lists::documents as columns;
use paygen_store::query::{Filter, ListQuery, Paging};

use super::create::shown;
use super::draft::key;
use super::existing;
use crate::Api;
use crate::body::NoBody;
use crate::gate::{CARD_HOLDERS_WRITE, Caller, Unbound};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{IfMatch, Success, Write, WriteParams};

/// A deletion, which may request erasure.
pub struct Deletion {
    write: Write,
    erase: bool,
}

impl<S: Sync> FromRequestParts<S> for Deletion {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (write, mut params) = Write::read(parts)?;
        let erase = params.take_parsed("erase", "must be true or false");
        params.finish(&["dryRun", "erase"])?;
        Ok(Deletion { write, erase: erase.unwrap_or(false) })
    }
}

/// Block or erase a card holder
///
/// Blocks the card holder: none of their cards can be used. With `erase`, personal data and documents are erased
/// permanently. This requires that all cards are canceled and the retention period is over; otherwise the answer is a
/// 409 with the reason.
#[utoipa::path(delete, path = "/card-holders/{cardHolderId}", tag = "Card holders", operation_id = "deleteCardHolder",
    params(("cardHolderId" = String, Path, description = "The card holder.", pattern = "^[0-9a-f]{24}$"),
        ("erase" = Option<bool>, Query, description = "Whether to erase instead of blocking."),
        WriteParams, IfMatch),
    responses((status = 200, description = "The card holder.", body = Envelope<CardHolderView>)),
    security(("apiKey" = ["card-holders:write"]), ("bearer" = ["card-holders:write"])))]
pub async fn delete_card_holder(
    State(app): State<Api>,
    Unbound(caller): Unbound<CARD_HOLDERS_WRITE>,
    PathId(id): PathId<CardHolderId>,
    deletion: Deletion,
    _body: NoBody,
) -> Result<Response, Problem> {
    if deletion.erase {
        erase(&app, &caller, id, deletion.write).await
    } else {
        block(&app, &caller, id, deletion.write).await
    }
}

async fn block(app: &Api, caller: &Caller, id: CardHolderId, write: Write) -> Result<Response, Problem> {
    if let Some(answer) = write.replay_if_kept(app, caller, "").await? {
        return Ok(answer);
    }
    let key = key(app, &existing(app, caller, id).await?)?;
    let command = UpdateCardHolder {
        id,
        status: Some(CardHolderStatus::Blocked),
        if_match: write.if_match,
        ..UpdateCardHolder::default()
    };
    let success = Success::new(StatusCode::OK, "Card holder blocked successfully.", shown(app)).about(id, key);
    write.perform(app, caller, "", Command::UpdateCardHolder(Box::new(command)), success).await
}

async fn erase(app: &Api, caller: &Caller, id: CardHolderId, write: Write) -> Result<Response, Problem> {
    let prepared = || async {
        let command = Command::EraseCardHolder(EraseCardHolder {
            id,
            documents: documents_of(app, caller, id).await?,
            retention_seconds: i64::from(app.settings.retention_days) * 86_400,
            if_match: write.if_match,
        });
        let success = Success::new(StatusCode::OK, "Card holder erased successfully.", shown(app));
        Ok((command, success))
    };
    let answer = write.prepare(app, caller, "erase", prepared).await?;
    // A replay deletes again what an interrupted process may have left.
    if answer.status().is_success() && !write.dry_run {
        app.documents.delete_all(caller.client, id).await?;
    }
    Ok(answer)
}

/// The documents of a card holder, including later uploads.
async fn documents_of(app: &Api, caller: &Caller, id: CardHolderId) -> Result<Vec<DocumentId>, Problem> {
    let mut query = ListQuery {
        client: caller.client,
        filters: vec![Filter::equals(columns::CARD_HOLDER, id.0)],
        search: None,
        order: Vec::new(),
        limit: 200,
        paging: Paging::After(None),
        timeout_ms: app.settings.list_timeout_ms,
    };
    let mut found = Vec::new();
    loop {
        let page = app.reader.list::<columns::List>(&query).await?;
        found.extend(page.rows.iter().map(|document| document.id));
        let Some(next) = page.next else { return Ok(found) };
        query.paging = Paging::After(Some(next));
    }
}
