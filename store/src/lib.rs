//! The memory of Paygen: one seam, two backends (SQLite and PostgreSQL), one conformance suite.
pub mod query;
pub mod value;
