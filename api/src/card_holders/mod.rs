//! Card holders and their documents.

mod bodies;
mod create;
mod delete;
mod documents;
mod download;
mod draft;
pub(crate) mod fields;
mod form;
mod limits;
mod list;
mod merge;
mod read;
mod update;

pub use create::*;
pub use delete::*;
pub use documents::*;
pub use download::*;
pub use limits::*;
pub use list::*;
pub use read::*;
pub use update::*;

use axum::http::StatusCode;

use super::body::Faults;
use super::problem::Problem;

/// The error of a request with these faults; when all of them are of one of these kinds, that kind is the error's code.
fn refuse(faults: Faults) -> Problem {
    let all = |kind: &str| !faults.is_empty() && faults.iter().all(|fault| fault.code == kind);
    let sentence = |faults: &Faults| format!("{}: {}", faults[0].pointer, faults[0].message);
    let problem = if all("read_only_field") {
        Problem::new(StatusCode::BAD_REQUEST, "read_only_field", sentence(&faults))
    } else if all("file_invalid") {
        Problem::new(StatusCode::BAD_REQUEST, "file_invalid", sentence(&faults))
    } else {
        return Problem::invalid(faults);
    };
    faults.iter().fold(problem, |problem, fault| problem.field(&fault.pointer, &fault.code, &*fault.message))
}
