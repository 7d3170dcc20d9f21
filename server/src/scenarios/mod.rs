//! Scenario files: sequences of card operations as YAML, sent to a node over HTTP and compared with its answers.
//!
//! `paygen simulate FILE` and `tests/it/scenarios.rs` run the same files. The format is described in
//! docs/scenarios/README.md.

mod actions;
pub mod builtin;
mod clock;
mod deciding;
mod expect;
mod model;
mod run;
mod speak;

pub use model::{Scenario, read};
pub use run::{ScenarioReport, run};
pub use speak::Node;
