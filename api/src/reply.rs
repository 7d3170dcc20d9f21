//! Successful responses: the envelope.

use axum::Extension;
use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use paygen_edge::budget::Uncounted;

/// The envelope of a successful answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<T: ToSchema> {
    /// HTTP status.
    #[schema(example = 200)]
    pub status_code: u16,
    /// What was done, in a sentence.
    pub message: String,
    /// The object.
    pub data: T,
}

/// The envelope of a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListEnvelope<T: ToSchema> {
    /// HTTP status.
    #[schema(example = 200)]
    pub status_code: u16,
    /// What was done, in a sentence.
    #[schema(example = "Data fetched successfully.")]
    pub message: String,
    /// Objects of the page.
    pub data: Vec<T>,
    /// Position of the page in the list.
    pub meta: ListMeta,
}

/// Position of a page in a list, and its parameters.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListMeta {
    /// The page, from 1; null with a cursor.
    #[schema(required = true)]
    pub page: Option<u32>,
    /// The page size.
    pub limit: u32,
    /// Number of matching objects; null with a cursor.
    #[schema(required = true)]
    pub total: Option<u64>,
    /// Number of pages; null with a cursor.
    #[schema(required = true)]
    pub pages: Option<u64>,
    /// The sort.
    pub sort: String,
    /// As requested.
    #[schema(required = true)]
    pub fields: Option<String>,
    /// As requested.
    #[schema(required = true)]
    pub search: Option<String>,
    /// As requested.
    #[schema(required = true)]
    pub search_in: Option<String>,
    /// As requested.
    #[schema(required = true)]
    pub filter: Option<String>,
    /// Cursor of the next page; null at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable)]
    pub next_cursor: Option<Option<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enveloped<'a, T, M> {
    status_code: u16,
    message: &'a str,
    data: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<M>,
}

/// The bytes of an envelope.
pub fn bytes<T: Serialize, M: Serialize>(status: StatusCode, message: &str, data: &T, meta: Option<M>) -> Vec<u8> {
    let envelope = Enveloped { status_code: status.as_u16(), message, data, meta };
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// 200 with an object.
pub fn ok<T: Serialize>(message: &str, data: &T) -> Response {
    versioned(message, None, data)
}

/// 200 with an object and, if it has one, its version as `ETag`.
pub fn versioned<T: Serialize>(message: &str, version: impl Into<Option<i64>>, data: &T) -> Response {
    let mut response = json(StatusCode::OK, bytes::<T, ()>(StatusCode::OK, message, data, None));
    if let Some(etag) = version.into().and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok()) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// A JSON body.
pub fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// 200 with JSON that is the same for everybody and rendered once.
pub fn shared(body: Bytes) -> Response {
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (Extension(Uncounted), [json], body).into_response()
}
