//! An event as received from the stream, and the root cause of a failed request.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The parts of an event that are printed and forwarded.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamedEvent<'a> {
    #[serde(rename = "_id")]
    pub(super) id: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) object_type: &'a str,
    pub(super) object_id: &'a str,
    #[serde(borrow)]
    pub(super) data: &'a RawValue,
    pub(super) created_at: &'a str,
}

/// The innermost cause; the outer ones only name the request.
pub(super) fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
