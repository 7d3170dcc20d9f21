//! The vault's data keys as rows.

use paygen_core::time::Instant;

/// A data key as it is kept: wrapped.
#[derive(Clone, PartialEq)]
pub struct VaultKeyRow {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub purpose: String,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created_at: Instant,
    /// When another took its place.
    pub retired_at: Option<Instant>,
}

/// The columns of `vault_keys`, as a [`VaultKeyRow`] has them.
pub(crate) const DATA_KEYS: &str =
    "SELECT id, purpose, wrapped, created_at, retired_at FROM vault_keys ORDER BY created_at, id";
