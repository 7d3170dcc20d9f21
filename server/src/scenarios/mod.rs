//! Scenario files: stories of cards as YAML, told to a node over HTTP and compared with what it answers.
//!
//! One form for people and for tests: `paygen simulate FILE` and `tests/it/scenarios.rs` run the same files. The form is
//! described in docs/scenarios/README.md.

mod actions;
pub mod builtin;
mod clock;
mod expect;
mod model;
mod run;
mod speak;

pub use model::{Scenario, read};
pub use run::{Told, run};
pub use speak::Node;
