//! Backups: a directory with everything but the key file, taken beside running servers, verified, and restored.
//!
//! `database/` holds a snapshot of one instant, `documents/` every file that its rows name, still sealed, and
//! `manifest.json`, which is written last, lists the required files. A directory without a manifest is therefore no
//! backup, and altered or missing files are found before anything is restored. `manifest.mac` is the manifest's MAC
//! under the key file, which detects an altered manifest.
//!
//! Documents are copied after the snapshot. A document that is gone by then belongs to a card holder who was erased
//! meanwhile if the live database no longer names it: the backup is valid without it and lists it. If it is still
//! named, a file was lost, and the backup fails instead of hiding that.

mod files;
mod manifest;
mod restore;
mod take;

use paygen_store::{Snapshot, SnapshotError, StoreError};

use paygen_app::documents::DocumentsError;

pub use manifest::{Erased, FileEntry, Manifest, StoreKind};
pub use restore::{Restored, restore};
pub use take::{Taken, take};

/// The directory of the snapshot in a backup.
const DATABASE: &str = "database";

/// The directory of the documents in a backup.
const DOCUMENTS: &str = "documents";

/// Called with the number of documents copied so far.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// The file that lists the required files.
const MANIFEST: &str = "manifest.json";

/// Documents copied concurrently.
const CONCURRENT_COPIES: usize = 8;

/// Why a backup was not taken or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The request must not be carried out; the text states why and the fix.
    #[error("{0}")]
    Refused(String),
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Documents(#[from] DocumentsError),
}

fn refuse<T>(why: String) -> Result<T, BackupError> {
    Err(BackupError::Refused(why))
}
