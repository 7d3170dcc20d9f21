//! Fetching authorizations.

use std::sync::Arc;

use crate::authorizations::Authorization;
use crate::ids::AuthorizationId;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

pub(crate) fn find(work: &mut Work, id: AuthorizationId) -> Result<Arc<Authorization>, Stop> {
    let found = work.authorizations.get(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::AuthorizationNotFound)?)
}

pub(crate) fn find_for_update(work: &mut Work, id: AuthorizationId) -> Result<Arc<Authorization>, Stop> {
    let found = work.authorizations.get_for_update(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::AuthorizationNotFound)?)
}
