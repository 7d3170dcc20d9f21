//! The manifest: the content of a backup. It is written last and read first. Its MAC under the key file is stored
//! beside it, so that nobody who can write to a backup but has no key file can alter it unnoticed.

use std::collections::HashSet;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use paygen_core::hash::hex;
use paygen_store::{Applied, CopiedTable, NamedDocument, Target, VaultKeyRow};
use paygen_vault::{FileKeyProvider, WrappedKey};
use serde::{Deserialize, Serialize};

use super::files::{failed, write_whole};
use super::{BackupError, DATABASE, DOCUMENTS, MANIFEST, refuse};
use paygen_app::documents::Place;

/// The file with the manifest's MAC: HMAC-SHA-256 over its bytes, as hex.
const MAC: &str = "manifest.mac";

/// The purpose of the MAC, from which its key is derived.
const MAC_PURPOSE: &str = "backup manifest 1";

/// The format this binary writes, and the newest it reads.
const FORMAT: u32 = 1;

/// The content of a backup.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// The version of the format.
    pub format: u32,
    /// The version of Paygen that took it.
    pub paygen: String,
    /// The snapshot contains nothing from this instant on; it may be slightly late.
    pub made_at: String,
    /// The kind of store it was taken from, and can be restored to.
    pub store: StoreKind,
    /// The migrations of its schema.
    pub schema: Vec<Applied>,
    /// The id of the key file that opens the data keys, when it was available and did.
    pub key_file: Option<String>,
    /// The data keys under which content in the backup is sealed.
    pub data_keys: Vec<DataKeyEntry>,
    /// The tables that have a file of their own.
    pub tables: Vec<CopiedTable>,
    /// Every file except this one.
    pub files: Vec<FileEntry>,
    /// Documents that the snapshot lists and that were erased before they were copied.
    pub erased: Vec<Erased>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StoreKind {
    /// The embedded database.
    Sqlite,
    Postgres,
}

impl StoreKind {
    /// The kind of a database.
    pub fn of(target: &Target) -> StoreKind {
        match target {
            Target::Sqlite(_) => StoreKind::Sqlite,
            Target::Postgres(_) => StoreKind::Postgres,
        }
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StoreKind::Sqlite => "SQLite",
            StoreKind::Postgres => "PostgreSQL",
        })
    }
}

/// A data key as stored: wrapped, so that only the key file opens it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataKeyEntry {
    pub id: String,
    pub purpose: String,
    /// Whether another key has replaced it for sealing.
    pub retired: bool,
    /// The wrapped key, in base64.
    pub wrapped: String,
}

impl DataKeyEntry {
    pub(super) fn of(row: &VaultKeyRow) -> DataKeyEntry {
        DataKeyEntry {
            id: row.id.clone(),
            purpose: row.purpose.clone(),
            retired: row.retired_at.is_some(),
            wrapped: STANDARD.encode(&row.wrapped),
        }
    }

    pub(super) fn wrapped(&self) -> WrappedKey {
        // Invalid base64 is opened by no key file, and the error then says so.
        let wrapped = STANDARD.decode(&self.wrapped).unwrap_or_default();
        WrappedKey { id: self.id.clone(), purpose: self.purpose.clone(), wrapped }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its path in the backup.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the content, as hex.
    pub sha256: String,
}

/// A document that was erased before it was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Erased {
    pub client: String,
    pub card_holder: String,
    pub document: String,
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let byte = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (text.len() == 64).then(|| (0..64).step_by(2).map(byte).collect())?
}

/// The path of a document in a backup.
pub(super) fn path_of(document: &NamedDocument) -> String {
    format!("{DOCUMENTS}/{}/{}/{}", document.client, document.card_holder, document.document)
}

impl FileEntry {
    /// The document of this path, if it is one.
    pub(super) fn document(&self) -> Option<NamedDocument> {
        let Place { client, card_holder, document } = Place::parse(&self.path.as_str().into())?;
        let named = NamedDocument { client, card_holder, document };
        (path_of(&named) == self.path).then_some(named)
    }
}

impl Manifest {
    /// An empty manifest of this binary's format.
    pub(super) fn new(made_at: String, store: StoreKind) -> Manifest {
        Manifest {
            format: FORMAT,
            paygen: env!("CARGO_PKG_VERSION").to_owned(),
            made_at,
            store,
            schema: Vec::new(),
            key_file: None,
            data_keys: Vec::new(),
            tables: Vec::new(),
            files: Vec::new(),
            erased: Vec::new(),
        }
    }

    /// Writes the manifest into the directory of an otherwise complete backup, after its MAC.
    pub(super) fn write(&self, directory: &Path, provider: Option<&FileKeyProvider>) -> Result<(), BackupError> {
        let path = directory.join(MANIFEST);
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(&path)(error.into()))?;
        if let Some(provider) = provider {
            write_whole(&directory.join(MAC), hex(&provider.authenticate(MAC_PURPOSE, &text)).as_bytes())?;
        }
        write_whole(&path, &text)
    }

    /// Whether the manifest has a correct MAC under the key file; `None` when it has no MAC.
    pub(super) fn is_authentic(directory: &Path, provider: &FileKeyProvider) -> Result<Option<bool>, BackupError> {
        let (path, of) = (directory.join(MANIFEST), directory.join(MAC));
        let word = match std::fs::read_to_string(&of) {
            Ok(word) => word,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            // A file that is not text cannot be our MAC.
            Err(error) if error.kind() == ErrorKind::InvalidData => return Ok(Some(false)),
            Err(error) => return Err(failed(&of)(error)),
        };
        let text = std::fs::read(&path).map_err(failed(&path))?;
        Ok(Some(unhex(word.trim()).is_some_and(|tag| provider.is_authentic(MAC_PURPOSE, &text, &tag))))
    }

    /// Reads the manifest of a backup, and refuses a format this binary does not know.
    pub(super) fn read(directory: &Path) -> Result<Manifest, BackupError> {
        let path = directory.join(MANIFEST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return refuse(format!(
                    "{} has no {MANIFEST}: it is no backup, or one that was cut short. Name another one with --from.",
                    directory.display()
                ));
            }
            Err(error) => return Err(failed(&path)(error)),
        };
        let wrong = |error: serde_json::Error| {
            BackupError::Refused(format!("{} does not read as it should: {error}.", path.display()))
        };
        let json: serde_json::Value = serde_json::from_slice(&text).map_err(wrong)?;
        match json["format"].as_u64() {
            Some(format) if format > u64::from(FORMAT) => refuse(format!(
                "the backup has format {format}, this binary reads up to {FORMAT}. It was taken by paygen {}: restore it \
                 with that version or a later one.",
                json["paygen"].as_str().unwrap_or("of a later version")
            )),
            _ => {
                let manifest: Manifest = serde_json::from_value(json).map_err(wrong)?;
                manifest.check_names(&path)?;
                Ok(manifest)
            }
        }
    }

    /// Checks that the required files are listed and no others, so that no path leads out of the backup.
    fn check_names(&self, path: &Path) -> Result<(), BackupError> {
        let database: HashSet<String> = match self.store {
            StoreKind::Sqlite => HashSet::from([format!("{DATABASE}/paygen.sqlite")]),
            StoreKind::Postgres => self.tables.iter().map(|table| format!("{DATABASE}/{}", table.file())).collect(),
        };
        let named: HashSet<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        let strange = self.files.iter().find(|file| !database.contains(&file.path) && file.document().is_none());
        let missing = database.iter().find(|name| !named.contains(name.as_str()));
        match (strange, missing) {
            (Some(file), _) => refuse(format!("{} names {}, which no backup has.", path.display(), file.path)),
            (None, Some(name)) => refuse(format!("{} does not name {name}.", path.display())),
            (None, None) => Ok(()),
        }
    }

    /// The number of the latest migration.
    pub fn schema_number(&self) -> i64 {
        self.schema.last().map_or(0, |applied| applied.number)
    }

    /// The number of documents.
    pub fn documents(&self) -> usize {
        self.files.iter().filter(|file| file.document().is_some()).count()
    }

    /// The size of all files in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}
