//! The base of every interface over HTTP: connections, bounded in number, bytes and time before any request is parsed;
//! a rate limiter; strict JSON; hints for misspelled names. It knows neither the API nor the store.

pub mod assets;
pub mod budget;
pub mod connections;
pub mod framing;
pub mod json;
pub mod limiter;
pub mod nearest;
pub mod refusals;
pub mod slots;
pub mod socket;
