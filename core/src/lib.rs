//! The rules of Paygen: no I/O, no clock, no randomness, no async, no SQL, no HTTP.
pub mod ids;
pub mod money;
pub mod time;
