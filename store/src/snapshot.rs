//! A whole database as it was at one instant, as files; and a database made of such files.
//!
//! Taking a snapshot reads one transaction and takes no lock that a server waits for. Making a database of one is all or
//! nothing: before [`Restoration::finish`] returns, nobody finds a part of it.

use std::path::Path;

use paygen_core::ids::{CardHolderId, ClientId, DocumentId, Id};
use serde::{Deserialize, Serialize};

use crate::{StoreError, Target, VaultKeyRow, migrations, postgres, sqlite};

/// What a snapshot's files hold.
pub struct Snapshot {
    /// The migrations that made its schema.
    pub schema: Vec<Applied>,
    /// The tables that have a file of their own, where they do.
    pub tables: Vec<CopiedTable>,
    /// Its data keys, wrapped.
    pub data_keys: Vec<VaultKeyRow>,
    /// The documents that its rows name.
    pub documents: Vec<NamedDocument>,
}

/// A migration that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applied {
    /// Its number.
    pub number: i64,
    /// SHA-256 of its text, as hex.
    pub checksum: String,
}

/// A table that has a file of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopiedTable {
    /// Its name.
    pub name: String,
    /// Its columns, in the order in which the file has them.
    pub columns: Vec<String>,
}

impl CopiedTable {
    /// The name of its file.
    pub fn file(&self) -> String {
        format!("{}.copy", self.name)
    }
}

/// A document that a row names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedDocument {
    /// Whose.
    pub client: ClientId,
    /// Of whom.
    pub card_holder: CardHolderId,
    /// Which.
    pub document: DocumentId,
}

/// Why a snapshot cannot be taken, or a database made of one.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
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
}

impl SnapshotError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> SnapshotError {
        let path = path.display().to_string();
        |error| SnapshotError::File { path, error }
    }
}

/// The columns of `documents` that name one, and how they are read.
pub(crate) const DOCUMENTS: &str = "SELECT client, card_holder, id FROM documents ORDER BY client, card_holder, id";

/// A row of [`DOCUMENTS`].
pub(crate) fn named_document(row: &[&[u8]; 3]) -> Result<NamedDocument, SnapshotError> {
    let torn = || StoreError::CommandFault("documents does not read as it should".to_owned());
    let [client, card_holder, document] = row.map(Id::from_slice);
    Ok(NamedDocument {
        client: ClientId(client.ok_or_else(torn)?),
        card_holder: CardHolderId(card_holder.ok_or_else(torn)?),
        document: DocumentId(document.ok_or_else(torn)?),
    })
}

/// Refuses a schema that this binary does not know, or that is none.
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
    /// Writes the database, as it is at one instant, into files of a directory that is there and empty.
    pub async fn take(target: &Target, into: &Path) -> Result<Snapshot, SnapshotError> {
        match target {
            Target::Sqlite(path) => sqlite::snapshot::take(path, into),
            Target::Postgres(url) => postgres::snapshot::take(url, into).await,
        }
    }

    /// Refuses a schema that this binary does not know.
    pub fn check_schema(schema: &[Applied]) -> Result<(), SnapshotError> {
        known(schema)
    }

    /// Whether the live database still names a document.
    pub async fn is_still_named(target: &Target, document: &NamedDocument) -> Result<bool, StoreError> {
        match target {
            Target::Sqlite(path) => sqlite::snapshot::is_named(path, document),
            Target::Postgres(url) => postgres::snapshot::is_named(url, document).await,
        }
    }
}

/// A database that is going to be made of a snapshot. Nobody else can use its place meanwhile.
pub enum Restoration {
    /// As a file.
    #[doc(hidden)]
    Sqlite(sqlite::snapshot::Restoration),
    /// As tables.
    #[doc(hidden)]
    Postgres(Box<postgres::snapshot::Restoration>),
}

impl Restoration {
    /// Looks whether there is room for a database with this schema, and keeps everybody else out.
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

    /// Makes the database of the files in a directory; durable when it returns.
    pub async fn finish(self, from: &Path, tables: &[CopiedTable]) -> Result<(), SnapshotError> {
        match self {
            Restoration::Sqlite(restoration) => restoration.finish(from),
            Restoration::Postgres(restoration) => restoration.finish(from, tables).await,
        }
    }
}
