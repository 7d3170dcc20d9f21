//! The edge of Paygen: HTTP, the engine, the command line.
pub mod engine;
