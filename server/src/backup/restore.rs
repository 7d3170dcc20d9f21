//! Restores a backup: everything is verified before anything is written, and the database is written last.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt, TryStreamExt};
use paygen_core::ids::DocumentId;
use paygen_store::{NamedDocument, Restoration};
use paygen_vault::{DataKey, FileKeyProvider, KeyProvider};

use super::files::{self, failed};
use super::manifest::{FileEntry, Manifest, StoreKind};
use super::{BackupError, CONCURRENT_COPIES, DATABASE, Progress, Snapshot, refuse};
use crate::config::Config;
use paygen_app::documents::Place;

/// A restored backup.
pub struct Restored {
    /// What the backup contained.
    pub manifest: Manifest,
    /// Whether the manifest's MAC was verified: the backup is unchanged since it was taken.
    pub is_authentic: bool,
}

/// Restores a backup to the configured place, which must not have a database, and returns its manifest.
///
/// After an interruption there is no database, and the same call starts over.
pub async fn restore(config: &Config, from: &Path, progress: Progress<'_>) -> Result<Restored, BackupError> {
    let manifest = Manifest::read(from)?;
    let target = config.target();
    let here = StoreKind::of(&target);
    if manifest.store != here {
        let fix = match manifest.store {
            StoreKind::Sqlite => "Leave out --database-url (PAYGEN_DATABASE_URL, database_url).",
            StoreKind::Postgres => "Name a database with --database-url.",
        };
        return refuse(format!(
            "the backup was taken from {}, and the settings point to {here}; it can only be restored to its own kind. {fix}",
            manifest.store
        ));
    }
    Snapshot::check_schema(&manifest.schema)?;
    let is_authentic = match check_key_file(config, &manifest)? {
        Some(provider) => check_mac(from, &provider)?,
        None => false,
    };
    for file in &manifest.files {
        check(from, file)?;
    }
    let restoration = Restoration::begin(&target, &manifest.schema).await?;
    let documents = config.documents()?;
    let named: Vec<(NamedDocument, &FileEntry)> =
        manifest.files.iter().filter_map(|file| Some((file.document()?, file))).collect();
    let ids: HashSet<DocumentId> = named.iter().map(|(document, _)| document.document).collect();
    if let Some(other) = documents.find_except(&ids).await? {
        return refuse(format!(
            "the document store already has document {} of card holder {}, which is not in the backup. Choose another \
             place with documents_url (PAYGEN_DOCUMENTS_URL) or --data-dir, or empty it.",
            other.document, other.card_holder
        ));
    }
    let documents = &documents;
    let copies = futures_util::stream::iter(named).map(|(document, file)| async move {
        let NamedDocument { client, card_holder, document } = document;
        let path = from.join(&file.path);
        let open = File::open(&path).map_err(failed(&path))?;
        documents.put(Place { client, card_holder, document }, open).await?;
        Ok::<_, BackupError>(())
    });
    let done = AtomicU64::new(0);
    let copies = copies.buffer_unordered(CONCURRENT_COPIES);
    copies.inspect_ok(|()| progress(done.fetch_add(1, Ordering::Relaxed) + 1)).try_collect::<()>().await?;
    restoration.finish(&from.join(DATABASE), &manifest.tables).await?;
    Ok(Restored { manifest, is_authentic })
}

/// Whether the manifest's MAC is correct; a backup with a wrong MAC is refused.
fn check_mac(from: &Path, provider: &FileKeyProvider) -> Result<bool, BackupError> {
    match Manifest::is_authentic(from, provider)? {
        Some(true) => Ok(true),
        None => Ok(false),
        Some(false) => refuse(format!(
            "the manifest of {} is not the one that was written when the backup was taken: its MAC under the key file does \
             not fit. It was changed since. Restore another backup.",
            from.display()
        )),
    }
}

fn check(from: &Path, file: &FileEntry) -> Result<(), BackupError> {
    let path = from.join(&file.path);
    let Some((size, sha256)) = files::look(&path)? else {
        return refuse(format!("{} is missing: the backup is not whole. Restore another one.", path.display()));
    };
    if (size, &sha256) != (file.size, &file.sha256) {
        return refuse(format!(
            "{} is not what was backed up: it has {size} bytes with SHA-256 {sha256}, the manifest says {} bytes with \
             {}. Restore another backup.",
            path.display(),
            file.size,
            file.sha256
        ));
    }
    Ok(())
}

/// Opens the key file when the backup needs one. Without it nothing sealed in the backup can be opened, and no server
/// starts on it.
fn check_key_file(config: &Config, manifest: &Manifest) -> Result<Option<FileKeyProvider>, BackupError> {
    if manifest.data_keys.is_empty() {
        return Ok(None);
    }
    let path = config.key_file();
    let wanted = match &manifest.key_file {
        Some(id) => format!("the key file with the id {id}"),
        None => "the key file that was in use when it was taken".to_owned(),
    };
    let fix = format!(
        "The data keys in the backup are wrapped under {wanted}, and nothing sealed opens without them: put it there, or \
         name it with PAYGEN_KEY_FILE."
    );
    let provider = FileKeyProvider::open(&path).map_err(|error| BackupError::Refused(format!("{error}. {fix}")))?;
    if manifest.data_keys.iter().all(|key| DataKey::opens(&provider, &key.wrapped())) {
        return Ok(Some(provider));
    }
    refuse(format!(
        "the key file {}, whose id is {}, does not open this backup. {fix}",
        path.display(),
        provider.key_id()
    ))
}
