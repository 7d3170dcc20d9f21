//! What every way in needs around a command: who calls, finding a card by its number, drawing and sealing numbers, personal
//! data, documents, the vault's keys.
//!
//! The HTTP API, the console and the network gateway stand on this and on the engine, beside each other. It knows neither HTTP
//! nor any other wire format: what goes wrong is a [`Failure`], which each way in answers in its own words.

mod app;
pub mod callers;
pub mod card_numbers;
pub mod clients;
pub mod credentials;
pub mod data_keys;
pub mod documents;
mod environment;
mod failure;
mod ids;
pub mod key_uses;
pub mod network;
pub mod personal;
pub mod rotation;
pub mod tokens;
pub mod vault_keys;

pub use app::{App, Parts};
pub use environment::Environment;
pub use failure::Failure;
pub use ids::new_id_maker;
