//! What every interface needs around a command: authentication, look-up of cards by number, drawing and sealing of card
//! numbers, personal data, documents, the vault's data keys.
//!
//! The HTTP API, the console and the network gateway are built on this crate and on the engine, independent of each
//! other. This crate knows neither HTTP nor any other wire format: an error is a [`Failure`], which each interface
//! renders in its own format.

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
pub mod people;
pub mod personal;
pub mod rotation;
pub mod tokens;
pub mod vault_keys;

pub use app::{App, Parts};
pub use environment::Environment;
pub use failure::Failure;
pub use ids::new_id_maker;
