//! The pages: those that tables describe, and those of their own.

pub(crate) mod action;
pub(crate) mod approval;
pub(crate) mod decision;
pub(crate) mod factors;
pub(crate) mod home;
pub(crate) mod list;
pub(crate) mod object;
pub(crate) mod oidc;
pub(crate) mod passkeys;
pub(crate) mod profile;
pub(crate) mod reveal;
pub(crate) mod review;
pub(crate) mod search;
pub(crate) mod sign_in;
pub(crate) mod ways;

use axum::http::StatusCode;
use axum::response::Response;

use crate::door::Answer;
use crate::shell;
use crate::visitor::Visitor;

/// What a page says when the call it is made of was refused.
pub(crate) async fn refused(visitor: &Visitor, answer: &Answer) -> Response {
    let heading = match answer.status {
        StatusCode::NOT_FOUND => "There is no such page",
        StatusCode::FORBIDDEN => "You cannot open this page",
        StatusCode::BAD_REQUEST => "This page cannot be shown",
        _ => "The server cannot answer now",
    };
    let mut text = answer.message();
    for field in answer.wrong_fields() {
        text.push_str(&format!(" {}: {}", field.pointer, field.message));
    }
    shell::message(visitor, answer.status, heading, &text).await
}

/// Whether an id from a path can stand in a call.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
