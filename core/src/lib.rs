//! The rules of Paygen: no I/O, no clock, no randomness, no async, no SQL, no HTTP.
//!
//! [`Command`] is the closed list of everything the system can do; [`execute`] runs one on a [`work::Work`],
//! the rows in memory. A command may be run again and again until its rows are loaded, so it has no effect
//! outside `Work`.

pub mod access;
pub mod accounts;
pub mod authorizations;
pub mod card_holders;
pub mod cards;
pub mod catalogue;
pub mod clock;
pub mod events;
pub mod exceptions;
pub mod fields;
pub mod hash;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod messages;
pub mod money;
pub mod programs;
pub mod record;
pub mod refusal;
pub mod resolution;
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

mod command;
#[cfg(any(test, feature = "testing"))]
#[cfg_attr(not(test), allow(dead_code, reason = "tests of other crates use little of it"))]
pub mod testing;

pub use command::{Command, Outcome, Request, execute};
pub use refusal::{Refusal, Stop};
