//! HTTP: the only place that knows the wire format.

pub mod access;
pub mod accounts;
pub mod body;
pub mod cursor;
pub mod events;
pub mod fields;
pub mod filter;
pub mod gate;
pub mod health;
pub mod json;
pub mod lists;
pub mod nearest;
pub mod openapi;
pub mod path;
pub mod problem;
pub mod query;
pub mod rate_limit;
pub mod refusals;
pub mod reply;
pub mod request_id;
pub mod router;
pub mod simulator;
pub mod transfers;
pub mod watch;
pub mod write;
