//! Backups: a directory with everything but the key file, taken beside running servers, checked, and restored.
//!
//! `database/` holds a snapshot of one instant, `documents/` every file that its rows name, sealed as it was, and
//! `manifest.json`, which is written last, says what must be there. So a directory without one is no backup, and what is
//! altered or missing is found before anything is restored. `manifest.mac` is the manifest's MAC under the key file: who
//! altered the manifest too is found out by it.
//!
//! Documents are copied after the snapshot. One that is gone by then belongs to a card holder who was erased meanwhile if
//! the live database names it no longer: the backup is good without it and lists it. If it is still named, a file was
//! lost, and a backup that kept silent about that would be worse than none.

mod files;
mod manifest;
mod restore;
mod take;

use paygen_store::{Snapshot, SnapshotError, StoreError};

use paygen_app::documents::DocumentsError;

pub use manifest::{Erased, FileEntry, Manifest, StoreKind};
pub use restore::{Restored, restore};
pub use take::{Taken, take};

/// Where the snapshot is in a backup.
const DATABASE: &str = "database";

/// Where the documents are in a backup.
const DOCUMENTS: &str = "documents";

/// The file that says what must be there.
const MANIFEST: &str = "manifest.json";

/// How many documents are copied at once.
const AT_ONCE: usize = 8;

/// Why a backup was not taken or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// What was asked for must not be done; it says why, and the way out.
    #[error("{0}")]
    Refused(String),
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Its path.
        path: String,
        /// What went wrong.
        error: std::io::Error,
    },
    /// The snapshot.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The document store.
    #[error(transparent)]
    Documents(#[from] DocumentsError),
}

fn refuse<T>(why: String) -> Result<T, BackupError> {
    Err(BackupError::Refused(why))
}
