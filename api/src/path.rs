//! Ids in paths: 24 lowercase hexadecimal characters, otherwise 400.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use paygen_core::ids::Id;

use super::problem::Problem;

/// The one id of a path.
#[derive(Clone, Copy, Debug)]
pub struct PathId<T>(pub T);

/// The two ids of a path, in order.
#[derive(Clone, Copy, Debug)]
pub struct PathIds<A, B>(pub A, pub B);

impl<S: Send + Sync, T: From<Id>> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(PathId(ids(parts, state).await?.remove(0).into()))
    }
}

impl<S: Send + Sync, A: From<Id>, B: From<Id>> FromRequestParts<S> for PathIds<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let mut ids = ids(parts, state).await?;
        let second = ids.remove(1);
        Ok(PathIds(ids.remove(0).into(), second.into()))
    }
}

async fn ids<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Vec<Id>, Problem> {
    let params = RawPathParams::from_request_parts(parts, state).await;
    let params = params.map_err(|_| {
        let message =
            "An id in the path is not text: its percent-encoding is no UTF-8. An id has 24 lowercase hex characters.";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_id", message)
    })?;
    params.iter().map(|(name, value)| Id::parse(value).ok_or_else(|| invalid(name))).collect()
}

fn invalid(name: &str) -> Problem {
    let message = format!("{name} must be an id: 24 lowercase hex characters, such as 665f1c4f4a4f4a4f4a4f4a4f.");
    Problem::new(StatusCode::BAD_REQUEST, "invalid_id", message.clone()).field(name, "invalid_id", message)
}
