//! Where a database is.

use std::path::PathBuf;

/// Where the database is.
#[derive(Clone, Debug)]
pub enum Target {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL URL; it may carry a password and is never printed.
    Postgres(String),
}
