//! Takes a backup, with or without running servers.

use std::io::Write;
use std::path::Path;

use futures_util::{StreamExt, TryStreamExt};
use paygen_store::{NamedDocument, Snapshot, Target};
use paygen_vault::{DataKey, FileKeyProvider, KeyProvider};

use super::files::{self, Seen, failed};
use super::manifest::{DataKeyEntry, Erased, FileEntry, Manifest, StoreKind, path_of};
use super::{BackupError, CONCURRENT_COPIES, DATABASE, DOCUMENTS, Progress, refuse};
use crate::config::Config;
use paygen_app::documents::{Documents, Place};
use paygen_engine::clock::wall;

/// A backup that was taken.
pub struct Taken {
    /// What it contains.
    pub manifest: Manifest,
    /// Why it could not be verified that the key file opens it, when it could not.
    pub unverified: Option<String>,
}

/// Takes a backup of everything but the key file into a directory that is absent or empty.
pub async fn take(config: &Config, to: &Path, progress: Progress<'_>) -> Result<Taken, BackupError> {
    let directory = files::make_empty(to)?;
    let taken = fill(config, &directory, progress).await;
    if taken.is_err() {
        // The directory was empty, so its content is ours. Whether or not this succeeds, there is no manifest.
        let _ = std::fs::remove_dir_all(directory.join(DATABASE));
        let _ = std::fs::remove_dir_all(directory.join(DOCUMENTS));
    }
    taken
}

async fn fill(config: &Config, directory: &Path, progress: Progress<'_>) -> Result<Taken, BackupError> {
    let target = config.target();
    let database = directory.join(DATABASE);
    files::make_directory(&database)?;
    let snapshot = Snapshot::take(&target, &database).await?;
    let mut manifest = Manifest::new(wall().to_string(), StoreKind::of(&target));
    let (provider, unverified) = match verify_key_file(config, &snapshot) {
        Ok(provider) => (provider, None),
        Err(why) => (None, Some(why)),
    };
    manifest.key_file = provider.as_ref().map(|provider| provider.key_id().to_owned());
    for entry in database.read_dir().map_err(failed(&database))? {
        let path = entry.map_err(failed(&database))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some((size, sha256)) = files::look(&path)? {
            manifest.files.push(FileEntry { path: format!("{DATABASE}/{name}"), size, sha256 });
        }
    }
    let documents = config.documents()?;
    let (copied, erased) = copy_documents(&documents, &target, &snapshot.documents, directory, progress).await?;
    manifest.files.extend(copied);
    manifest.files.sort_by(|one, other| one.path.cmp(&other.path));
    manifest.erased = erased;
    manifest.data_keys = snapshot.data_keys.iter().map(DataKeyEntry::of).collect();
    manifest.schema = snapshot.schema;
    manifest.tables = snapshot.tables;
    files::sync_tree(directory)?;
    manifest.write(directory, provider.as_ref())?;
    Ok(Taken { manifest, unverified })
}

/// Verifies that the available key file opens every data key; `None` when there are no data keys yet.
fn verify_key_file(config: &Config, snapshot: &Snapshot) -> Result<Option<FileKeyProvider>, String> {
    if snapshot.data_keys.is_empty() {
        return Ok(None);
    }
    let path = config.key_file();
    let provider = FileKeyProvider::open(&path).map_err(|error| error.to_string())?;
    let opens = |row| DataKey::opens(&provider, &paygen_app::vault_keys::from_row(row));
    if snapshot.data_keys.iter().all(opens) {
        return Ok(Some(provider));
    }
    Err(format!("the key file {} does not open the data keys of this database", path.display()))
}

/// Copies the documents that the snapshot names; returns those copied, and those erased meanwhile.
async fn copy_documents(
    documents: &Documents,
    target: &Target,
    named: &[NamedDocument],
    directory: &Path,
    progress: Progress<'_>,
) -> Result<(Vec<FileEntry>, Vec<Erased>), BackupError> {
    let copies = futures_util::stream::iter(named).map(|document| async move {
        let copied = copy_document(documents, document, directory).await?;
        if copied.is_none() && Snapshot::is_still_named(target, document).await? {
            return refuse(format!(
                "the file of document {} of card holder {} is not in the document store, though the database names it: \
                 it was lost, or documents_url names another place than the servers' does.",
                document.document, document.card_holder
            ));
        }
        Ok((document, copied))
    });
    let (mut there, mut erased) = (Vec::new(), Vec::new());
    let mut copies = std::pin::pin!(copies.buffer_unordered(CONCURRENT_COPIES));
    while let Some((document, copied)) = copies.try_next().await? {
        match copied {
            Some(file) => there.push(file),
            None => erased.push(Erased {
                client: document.client.to_string(),
                card_holder: document.card_holder.to_string(),
                document: document.document.to_string(),
            }),
        }
        progress(there.len() as u64);
    }
    Ok((there, erased))
}

async fn copy_document(
    documents: &Documents,
    named: &NamedDocument,
    directory: &Path,
) -> Result<Option<FileEntry>, BackupError> {
    let NamedDocument { client, card_holder, document } = *named;
    let Some(mut sealed) = documents.read(Place { client, card_holder, document }).await? else { return Ok(None) };
    let name = path_of(named);
    let path = directory.join(&name);
    path.parent().map_or(Ok(()), files::make_directory)?;
    let (mut file, mut seen) = (files::make_file(&path)?, Seen::nothing());
    while let Some(piece) = sealed.try_next().await.map_err(paygen_app::documents::DocumentsError::from)? {
        file.write_all(&piece).map_err(failed(&path))?;
        seen.add(&piece);
    }
    let (size, sha256) = seen.end();
    Ok(Some(FileEntry { path: name, size, sha256 }))
}

#[cfg(test)]
mod tests {
    use paygen_core::ids::{CardHolderId, ClientId, DocumentId, Id};
    use paygen_store::{Database, NamedDocument, Snapshot, Target};

    use super::copy_documents;
    use crate::common_args::CommonArgs;
    use crate::config::{Config, Mode};

    const ROW: &str = "INSERT INTO documents (client, id, card_holder, part, file_type, size, content_hash, status,
         is_current, version, created_at, updated_at)
         VALUES (?1, ?2, ?3, 'documentMain', 'application/pdf', 1, zeroblob(32), 'pending', 1, 1, 0, 0)";

    #[tokio::test]
    async fn a_document_erased_meanwhile_is_listed_and_a_lost_one_is_reported() {
        let directory = tempfile::tempdir().expect("a directory");
        let data_dir = Some(directory.path().join("data"));
        let config = Config::load(Mode::Dev, &CommonArgs { data_dir, ..CommonArgs::default() }).expect("settings");
        let target = config.target();
        drop(Database::open(&target).await.expect("a database"));
        let Target::Sqlite(path) = &target else { panic!("no file") };
        let live = rusqlite::Connection::open(path).expect("the file");
        let (erased, kept) = (Id::from_bytes([2; 12]), Id::from_bytes([3; 12]));
        for id in [erased, kept] {
            let ids = ([1_u8; 12].as_slice(), id.bytes().as_slice(), [4_u8; 12].as_slice());
            live.execute(ROW, ids).expect("a row");
        }
        let into = directory.path().join("into");
        std::fs::create_dir(&into).expect("a directory");
        let snapshot = Snapshot::take(&target, &into).await.expect("a snapshot");
        let named = |document| NamedDocument {
            client: ClientId(Id::from_bytes([1; 12])),
            card_holder: CardHolderId(Id::from_bytes([4; 12])),
            document: DocumentId(document),
        };
        assert_eq!(snapshot.documents, [named(erased), named(kept)]);

        live.execute("DELETE FROM documents WHERE id = ?1", [erased.bytes().as_slice()]).expect("an erased one");
        let documents = config.documents().expect("a store");
        let copy =
            async |some: &[NamedDocument]| copy_documents(&documents, &target, some, directory.path(), &|_| {}).await;
        let lost = copy(&snapshot.documents).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(lost.contains(&format!("the file of document {kept} of card holder")), "{lost}");
        let (there, gone) = copy(&snapshot.documents[..1]).await.expect("what is left");
        assert!(there.is_empty());
        assert_eq!(gone.len(), 1);
        assert_eq!(gone[0].document, erased.to_string());
    }
}
