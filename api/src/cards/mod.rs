//! `/cards`: issues, funds, controls, shows, replaces and cancels cards.

mod bodies;
mod controls;
mod create;
mod limits;
mod money;
mod page;
mod pin;
mod read;
mod replace;
mod reveal;
mod status;
mod token;
mod update;

pub use controls::{ControlsBody, of_program};
pub use create::*;
pub use limits::*;
pub use money::*;
pub use page::*;
pub use pin::*;
pub use read::*;
pub use replace::*;
pub use reveal::*;
pub use status::*;
pub use token::*;
pub use update::*;

use paygen_core::cards::{Card, CardView};
use paygen_core::ids::CardId;
use paygen_core::record::Key;
use paygen_core::view::Pictured;
use paygen_core::{Outcome, Refusal};

use crate::Api;
use crate::gate::Caller;
use crate::problem::Problem;

/// The card of a command's outcome.
fn shown(outcome: &Outcome) -> Option<Pictured<CardView>> {
    match outcome {
        Outcome::Card(view) => Some(view.clone()),
        _ => None,
    }
}

/// The card, when the caller sees it; otherwise it is answered as not found.
async fn seen(app: &Api, caller: &Caller, id: CardId) -> Result<Card, Problem> {
    let found = app.reader.get::<Card>(Key::of(caller.client, id.0)).await?;
    let found = found.filter(|card| caller.sees_card(card.id, card.card_holder));
    Ok(found.ok_or(Refusal::CardNotFound)?)
}

/// Refuses a restricted caller who does not see the card; for other callers the command itself looks it up.
async fn check_seen(app: &Api, caller: &Caller, id: CardId) -> Result<(), Problem> {
    match caller.bound {
        None => Ok(()),
        Some(_) => seen(app, caller, id).await.map(|_| ()),
    }
}
