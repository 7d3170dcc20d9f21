//! Paygen from the outside: the real binary, over real HTTP, on both stores.
//!
//! Every test runs once on SQLite and once on PostgreSQL (`PAYGEN_TEST_POSTGRES_URL`, set by `cargo xtask test`).

mod access;
mod accounts;
mod authorizations;
mod authorizations_input;
mod authorizations_life;
mod backup;
mod backup_refusals;
mod bad_input;
mod browser;
mod card_holders;
mod cards;
mod catalogue;
mod concurrency;
mod conventions;
mod crash_rounds;
mod crashes;
mod csv;
mod docs;
mod docs_browser;
mod events;
mod faults_clock;
mod faults_postgres;
mod faults_sqlite;
mod fuzz;
mod guides;
mod hardening;
mod hosted_page;
mod leaks;
mod listening;
mod lists;
mod proxy;
mod published;
mod quickstart;
mod receiver;
mod reveals;
mod rotation;
mod scenarios;
mod simulation;
mod simulator;
mod streams;
mod transfers;
mod webhooks;
mod world;
