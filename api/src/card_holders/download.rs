//! `GET /card-holders/{cardHolderId}/documents/{documentId}`: the file itself, opened while it is sent.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use paygen_core::Refusal;
use paygen_core::card_holders::Document;
use paygen_core::ids::{CardHolderId, DocumentId};
use paygen_core::record::Key;
use paygen_vault::FileOpener;

use super::draft::key;
use super::existing;
use crate::Api;
use crate::gate::{Allowed, CARD_HOLDERS_READ};
use crate::path::PathIds;
use crate::problem::Problem;
use crate::query::NoParams;
use paygen_app::documents::Place;

/// Download a document
///
/// The uploaded file, as an attachment.
#[utoipa::path(get, path = "/card-holders/{cardHolderId}/documents/{documentId}", tag = "Card holders",
    operation_id = "getCardHolderDocument",
    params(("cardHolderId" = String, Path, description = "The card holder.", pattern = "^[0-9a-f]{24}$"),
        ("documentId" = String, Path, description = "The document.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The file.", body = Vec<u8>, content_type = "application/octet-stream")),
    security(("apiKey" = ["card-holders:read"]), ("bearer" = ["card-holders:read"])))]
pub async fn get_document(
    State(app): State<Api>,
    Allowed(caller): Allowed<CARD_HOLDERS_READ>,
    PathIds(card_holder, id): PathIds<CardHolderId, DocumentId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let holder = existing(&app, &caller, card_holder).await?;
    if caller.is_masked {
        let message = "Your role sees personal data masked, so it opens no documents.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "personal_data_masked", message));
    }
    let found = app.reader.get::<Document>(Key::of(caller.client, id.0)).await?;
    let found = found.filter(|document| document.card_holder == card_holder);
    let document = found.ok_or(Refusal::DocumentNotFound)?;
    let opener = key(&app, &holder)?.open_file(id.0.bytes());
    let sealed = app.documents.read(Place { client: caller.client, card_holder, document: id }).await?;
    let sealed = sealed.ok_or_else(|| Problem::internal(format!("the file of document {id} is not in its store")))?;
    let extension = match document.file_type.as_str() {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        _ => "pdf",
    };
    let name = format!("attachment; filename=\"{}-{id}.{extension}\"", document.part);
    let mut response = Body::from_stream(open(sealed, opener)).into_response();
    let headers = response.headers_mut();
    let text = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    headers.insert(header::CONTENT_TYPE, text(&document.file_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(document.size));
    headers.insert(header::CONTENT_DISPOSITION, text(&name));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

type Sealed = BoxStream<'static, Result<Bytes, object_store::Error>>;

/// The opened file, piece by piece; a file that was altered or truncated ends in an error, never silently.
fn open(sealed: Sealed, opener: FileOpener) -> BoxStream<'static, Result<Bytes, std::io::Error>> {
    let state = (sealed, Some(opener));
    let stream = futures_util::stream::try_unfold(state, |(mut sealed, opener)| async move {
        let Some(mut opener) = opener else { return Ok(None) };
        match sealed.next().await {
            Some(piece) => {
                let piece = piece.map_err(std::io::Error::other)?;
                let open = opener.push(&piece).map_err(std::io::Error::other)?;
                Ok(Some((Bytes::from(open), (sealed, Some(opener)))))
            }
            None => {
                let open = opener.finish().map_err(std::io::Error::other)?;
                Ok(Some((Bytes::copy_from_slice(&open), (sealed, None))))
            }
        }
    });
    stream.boxed()
}
