//! Card holders and their documents.

mod bodies;
mod create;
mod delete;
mod documents;
mod download;
mod draft;
mod fields;
mod form;
mod list;
mod merge;
mod read;
mod update;

pub use create::*;
pub use delete::*;
pub use documents::*;
pub use download::*;
pub use list::*;
pub use read::*;
pub use update::*;

use axum::http::StatusCode;

use super::body::Faults;
use super::problem::Problem;

/// The answer to a request with these faults; when all of them are of one of these kinds, that is the error's code.
fn refuse(faults: Faults) -> Problem {
    let kinds = ["read_only_field", "file_invalid"];
    let kind = kinds.into_iter().find(|kind| !faults.is_empty() && faults.iter().all(|fault| fault.code == *kind));
    let Some(kind) = kind else { return Problem::invalid(faults) };
    let message = format!("{}: {}", faults[0].pointer, faults[0].message);
    let problem = Problem::new(StatusCode::BAD_REQUEST, kind, message);
    faults.iter().fold(problem, |problem, fault| problem.field(&fault.pointer, &fault.code, &*fault.message))
}
