//! Fetching programs.

use std::sync::Arc;

use crate::cards::Card;
use crate::ids::ProgramId;
use crate::programs::record::Program;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::work::Work;

/// The program of a card.
pub(crate) fn of_card(work: &mut Work, card: &Card) -> Result<Arc<Program>, Stop> {
    Ok(work.programs.get(Key::of(card.client, card.program.0))?.expect("a card has a program"))
}

/// A program that the body or, without a field, the path names.
pub(crate) fn find(work: &mut Work, id: ProgramId, field: Option<&'static str>) -> Result<Arc<Program>, Stop> {
    let found = work.programs.get(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::ProgramNotFound { id, field })?)
}

/// A program that the path names, for update.
pub(super) fn find_for_update(work: &mut Work, id: ProgramId) -> Result<Arc<Program>, Stop> {
    let found = work.programs.get_for_update(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::ProgramNotFound { id, field: None })?)
}
