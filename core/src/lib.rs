//! The rules of Paygen as pure, synchronous functions over rows in memory: no I/O, no clock, no randomness, no SQL, no
//! HTTP.
//!
//! [`Command`] is the closed list of everything the system can do, and [`execute`] runs one command on a
//! [`work::Work`], the working set of rows. If a row is missing, the command stops, the engine loads the row and runs
//! the command again. A command therefore has no effect outside `Work`.
//!
//! Modules build on each other in this order: values (`money`, `time`, `ids`), the data of each noun (records, views,
//! pure decisions), `work`, `events`, the rules of each noun, `command`, and `catalogue`. No two modules import each
//! other.

#![allow(missing_docs, reason = "names of fields say what they are; docs state units, bounds and rules")]

pub mod access;
pub mod accounts;
pub mod approvals;
pub mod authorizations;
pub mod card_holders;
pub mod cards;
pub mod catalogue;
pub mod clock;
pub mod events;
pub mod exceptions;
pub mod fields;
pub mod hash;
pub mod hints;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod messages;
pub mod money;
pub mod people;
pub mod programs;
pub mod recent;
pub mod record;
pub mod refusal;
pub mod resolution;
pub mod responders;
pub mod rotation;
pub mod string_enum;
pub mod table;
pub mod time;
pub mod transactions;
pub mod transfers;
pub mod verb;
pub mod view;
pub mod webhooks;
pub mod work;

mod audit;
mod command;
#[cfg(any(test, feature = "testing"))]
#[cfg_attr(not(test), allow(dead_code, reason = "tests of other crates use little of it"))]
pub mod testing;

pub use command::{Command, Outcome, Request, execute};
pub use refusal::{Refusal, Stop};
