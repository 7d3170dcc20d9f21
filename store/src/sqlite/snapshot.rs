//! Snapshots of the file: `VACUUM INTO` reads one transaction while the server writes. The copy includes the journal of
//! the write-back cache, which is replayed when it is opened.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::connection::{explain, values};
use super::{migrate, must_exist, take_lock};
use crate::StoreError;
use crate::database::vault_key;
use crate::snapshot::{Applied, DOCUMENTS, NamedDocument, Snapshot, SnapshotError, known, named_document};
use crate::vault_keys::DATA_KEYS;

const COPY: &str = "paygen.sqlite";

/// Writes the file, as of one instant, into a directory.
pub(crate) fn take(path: &Path, into: &Path) -> Result<Snapshot, SnapshotError> {
    must_exist(path)?;
    let copy = into.join(COPY);
    // SQLite treats an empty file as absent. Creating it here sets its permissions before any data is written.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy).map_err(SnapshotError::file(&copy))?;
    let live = open(path)?;
    let text = copy.to_str().ok_or_else(|| {
        SnapshotError::Refused(format!("{} is no UTF-8, which SQLite's file names must be.", copy.display()))
    })?;
    live.execute("VACUUM INTO ?1", [text]).map_err(|error| explain(&error))?;
    drop(live);
    look(&open(&copy)?)
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| explain(&error))?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(|error| explain(&error))?;
    Ok(connection)
}

fn look(copy: &Connection) -> Result<Snapshot, SnapshotError> {
    let explain = |error| explain(&error);
    let has_schema = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations')";
    let has_schema: bool = copy.query_row(has_schema, [], |row| row.get(0)).map_err(explain)?;
    let mut schema: Vec<Applied> = Vec::new();
    if has_schema {
        let sql = "SELECT number, checksum FROM schema_migrations ORDER BY number";
        let mut statement = copy.prepare(sql).map_err(explain)?;
        let rows = statement.query_map([], |row| Ok(Applied { number: row.get(0)?, checksum: row.get(1)? }));
        schema = rows.and_then(Iterator::collect).map_err(explain)?;
    }
    known(&schema)?;
    let mut statement = copy.prepare(DATA_KEYS).map_err(explain)?;
    let rows = statement.query_map([], |row| values(row, 0, 5)).map_err(explain)?;
    let data_keys = rows.map(|row| vault_key(row.map_err(explain)?)).collect::<Result<_, StoreError>>()?;
    Ok(Snapshot { schema, tables: Vec::new(), data_keys, documents: documents(copy)? })
}

fn documents(copy: &Connection) -> Result<Vec<NamedDocument>, SnapshotError> {
    let explain = |error| explain(&error);
    let has_documents = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'documents')";
    if !copy.query_row(has_documents, [], |row| row.get::<_, bool>(0)).map_err(explain)? {
        return Ok(Vec::new());
    }
    let mut statement = copy.prepare(DOCUMENTS).map_err(explain)?;
    let mut rows = statement.query([]).map_err(explain)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(explain)? {
        let bytes = |at| row.get_ref(at).map(|value| value.as_blob().unwrap_or_default());
        found.push(named_document(&[
            bytes(0).map_err(explain)?,
            bytes(1).map_err(explain)?,
            bytes(2).map_err(explain)?,
        ])?);
    }
    Ok(found)
}

/// Whether the live file refers to a document.
pub(crate) fn is_named(path: &Path, document: &NamedDocument) -> Result<bool, StoreError> {
    let run = |connection: &Connection| {
        let mut statement = connection.prepare("SELECT 1 FROM documents WHERE client = ?1 AND id = ?2")?;
        statement.exists((document.client.0.bytes().as_slice(), document.document.0.bytes().as_slice()))
    };
    run(&open(path)?).map_err(|error| explain(&error))
}

/// A file to be created.
pub struct Restoration {
    path: PathBuf,
    /// Prevents a server from starting.
    _lock: File,
}

impl Restoration {
    /// Checks that there is no file yet, and takes its lock.
    pub(crate) fn begin(path: &Path) -> Result<Restoration, SnapshotError> {
        if let Some(directory) = path.parent() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
            made.map_err(SnapshotError::file(directory))?;
        }
        let lock = take_lock(path)?;
        // The log of another database would be taken for this one's and destroy it.
        for there in beside(path) {
            if there.exists() {
                return Err(SnapshotError::Refused(format!(
                    "{} is there already, and nothing is restored over a database. Choose another data directory with \
                     --data-dir, or move the file away.",
                    there.display()
                )));
            }
        }
        Ok(Restoration { path: path.to_owned(), _lock: lock })
    }

    /// Migrates the copy and puts it in place. It gets its name only when all of it is on disk.
    pub(crate) fn finish(self, from: &Path) -> Result<(), SnapshotError> {
        let (copy, draft) = (from.join(COPY), self.path.with_extension("restoring"));
        for left in beside(&draft) {
            // A previous attempt may have left a log, which would be taken for this one's.
            match std::fs::remove_file(&left) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(SnapshotError::file(&left)(error)),
                _ => {}
            }
        }
        let mut source = File::open(&copy).map_err(SnapshotError::file(&copy))?;
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
        let mut file = made.map_err(SnapshotError::file(&draft))?;
        std::io::copy(&mut source, &mut file).map_err(SnapshotError::file(&draft))?;
        // This is the only connection, so closing it empties and deletes the log.
        migrate(&draft)?;
        file.sync_all().and_then(|()| std::fs::rename(&draft, &self.path)).map_err(SnapshotError::file(&draft))?;
        let directory = self.path.parent().unwrap_or(Path::new("."));
        File::open(directory).and_then(|it| it.sync_all()).map_err(SnapshotError::file(directory))
    }
}

/// A SQLite file and the files that may belong to it.
fn beside(path: &Path) -> [PathBuf; 4] {
    ["", "-wal", "-shm", "-journal"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    })
}
