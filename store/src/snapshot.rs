//! Snapshots: a database as of one instant, as files, and restoring a database from them.
//!
//! Taking a snapshot reads one transaction and holds no lock that a server waits for. Restoring is all or nothing:
//! nothing is visible before [`Restoration::finish`] returns.

use std::path::Path;

use paygen_core::ids::{CardHolderId, ClientId, DocumentId, Id};
use serde::{Deserialize, Serialize};

use crate::{StoreError, Target, VaultKeyRow, migrations, postgres, sqlite};

/// The content of a snapshot's files.
pub struct Snapshot {
    pub schema: Vec<Applied>,
    /// The tables that have a file of their own (PostgreSQL).
    pub tables: Vec<CopiedTable>,
    /// Wrapped.
    pub data_keys: Vec<VaultKeyRow>,
    pub documents: Vec<NamedDocument>,
}

/// An applied migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applied {
    pub number: i64,
    pub checksum: String,
}

/// A table with a file of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopiedTable {
    pub name: String,
    /// In the order of the file.
    pub columns: Vec<String>,
}

impl CopiedTable {
    pub fn file(&self) -> String {
        format!("{}.copy", self.name)
    }
}

/// A document that a row refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedDocument {
    pub client: ClientId,
    pub card_holder: CardHolderId,
    pub document: DocumentId,
}

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operation must not be done. The message says why, and what to do.
    #[error("{0}")]
    Refused(String),
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
}

impl SnapshotError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> SnapshotError {
        let path = path.display().to_string();
        |error| SnapshotError::File { path, error }
    }
}

/// Selects the columns that identify documents.
pub(crate) const DOCUMENTS: &str = "SELECT client, card_holder, id FROM documents ORDER BY client, card_holder, id";

pub(crate) fn named_document(row: &[&[u8]; 3]) -> Result<NamedDocument, SnapshotError> {
    let torn = || StoreError::CommandFault("documents does not read as it should".to_owned());
    let [client, card_holder, document] = row.map(Id::from_slice);
    Ok(NamedDocument {
        client: ClientId(client.ok_or_else(torn)?),
        card_holder: CardHolderId(card_holder.ok_or_else(torn)?),
        document: DocumentId(document.ok_or_else(torn)?),
    })
}

/// Refuses a schema that is empty or unknown to this binary.
pub(crate) fn known(schema: &[Applied]) -> Result<(), SnapshotError> {
    let schema: Vec<(i64, String)> = schema.iter().map(|applied| (applied.number, applied.checksum.clone())).collect();
    if schema.is_empty() {
        return Err(SnapshotError::Refused(
            "the database has no tables of Paygen. Name the right one with --data-dir or --database-url.".to_owned(),
        ));
    }
    migrations::pending(&schema).map(|_| ()).map_err(SnapshotError::Refused)
}

impl Snapshot {
    /// Writes the database, as of one instant, into files of an existing, empty directory.
    pub async fn take(target: &Target, into: &Path) -> Result<Snapshot, SnapshotError> {
        match target {
            Target::Sqlite(path) => sqlite::snapshot::take(path, into),
            Target::Postgres(url) => postgres::snapshot::take(url, into).await,
        }
    }

    /// Refuses a schema that is unknown to this binary.
    pub fn check_schema(schema: &[Applied]) -> Result<(), SnapshotError> {
        known(schema)
    }

    /// Whether the live database still refers to a document.
    pub async fn is_still_named(target: &Target, document: &NamedDocument) -> Result<bool, StoreError> {
        match target {
            Target::Sqlite(path) => sqlite::snapshot::is_named(path, document),
            Target::Postgres(url) => postgres::snapshot::is_named(url, document).await,
        }
    }
}

/// A database being restored. Nobody else can create one in its place meanwhile.
pub enum Restoration {
    #[doc(hidden)]
    Sqlite(sqlite::snapshot::Restoration),
    #[doc(hidden)]
    Postgres(Box<postgres::snapshot::Restoration>),
}

impl Restoration {
    /// Checks that there is no database in the way, and excludes others.
    pub async fn begin(target: &Target, schema: &[Applied]) -> Result<Restoration, SnapshotError> {
        known(schema)?;
        match target {
            Target::Sqlite(path) => sqlite::snapshot::Restoration::begin(path).map(Restoration::Sqlite),
            Target::Postgres(url) => {
                let begun = postgres::snapshot::Restoration::begin(url, schema).await?;
                Ok(Restoration::Postgres(Box::new(begun)))
            }
        }
    }

    /// Creates the database from the files in a directory; durable on return.
    pub async fn finish(self, from: &Path, tables: &[CopiedTable]) -> Result<(), SnapshotError> {
        match self {
            Restoration::Sqlite(restoration) => restoration.finish(from),
            Restoration::Postgres(restoration) => restoration.finish(from, tables).await,
        }
    }
}
