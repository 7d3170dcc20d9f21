//! Paygen from the outside: the real binary, over real HTTP, on both stores.
//!
//! Every test runs once on SQLite and once on PostgreSQL (`PAYGEN_TEST_POSTGRES_URL`, set by `cargo xtask test`).

mod access;
mod accounts;
mod bad_input;
mod concurrency;
mod conventions;
mod crashes;
mod events;
mod lists;
mod published;
mod simulator;
mod transfers;
mod world;
