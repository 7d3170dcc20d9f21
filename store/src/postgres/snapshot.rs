//! Snapshots of the tables: one read-only `REPEATABLE READ` transaction, with each table as a binary `COPY`.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Cursor, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::pin::pin;

use futures_util::{SinkExt, TryStreamExt};
use tokio_postgres::{Client, Error};

use super::connection::analyze;
use super::sequence::LEASE;
use super::{DIALECT, MIGRATION_LOCK, applied, connection, run};
use crate::database::vault_key;
use crate::migrations::{ALL, tables};
use crate::snapshot::{Applied, CopiedTable, DOCUMENTS, NamedDocument, Snapshot, SnapshotError, known, named_document};
use crate::vault_keys::DATA_KEYS;
use crate::{StoreError, VaultKeyRow};

const CHUNK_BYTES: usize = 256 << 10;

/// Batches of new events are numbered after those that were waiting when the snapshot was taken.
const NUMBER_ON: &str = "SELECT setval(pg_get_serial_sequence('event_queue', 'number'),
    (SELECT coalesce(max(number), 0) + 1 FROM event_queue), false)";

fn failed(error: Error) -> SnapshotError {
    SnapshotError::Store(connection::explain(&error))
}

async fn schema_of(client: &Client) -> Result<Vec<Applied>, SnapshotError> {
    let applied = applied(client).await?;
    Ok(applied.into_iter().map(|(number, checksum)| Applied { number, checksum }).collect())
}

/// Writes the tables, as of one instant, into a directory.
pub(crate) async fn take(url: &str, into: &Path) -> Result<Snapshot, SnapshotError> {
    let (client, _) = connection::connect_first(url).await?;
    let schema = schema_of(&client).await?;
    known(&schema)?;
    let names: Vec<&str> = tables(schema.len(), &DIALECT).collect();
    // The locks, which only schema changes conflict with, are taken before the snapshot: a table rewritten after the
    // snapshot would look empty.
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0;
         LOCK TABLE schema_migrations, {} IN ACCESS SHARE MODE",
        names.join(", ")
    );
    client.batch_execute(&begin).await.map_err(failed)?;
    if schema_of(&client).await? != schema {
        return Err(SnapshotError::Refused("the schema was migrated just now. Begin the backup anew.".to_owned()));
    }
    let mut copied = Vec::new();
    for name in names {
        let table = CopiedTable { name: name.to_owned(), columns: columns(&client, name).await? };
        copy_out(&client, &table, &into.join(table.file())).await?;
        copied.push(table);
    }
    let (data_keys, documents) = (data_keys(&client).await?, documents(&client, &schema).await?);
    client.batch_execute("COMMIT").await.map_err(failed)?;
    Ok(Snapshot { schema, tables: copied, data_keys, documents })
}

async fn columns(client: &Client, table: &str) -> Result<Vec<String>, SnapshotError> {
    let sql = "SELECT attname::text FROM pg_attribute
         WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    let rows = client.query(sql, &[&table]).await.map_err(failed)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn copy_out(client: &Client, table: &CopiedTable, path: &Path) -> Result<(), SnapshotError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = BufWriter::with_capacity(CHUNK_BYTES, made.map_err(SnapshotError::file(path))?);
    let sql = format!("COPY {} ({}) TO STDOUT (FORMAT binary)", table.name, table.columns.join(", "));
    let mut rows = pin!(client.copy_out(&sql).await.map_err(failed)?);
    while let Some(piece) = rows.try_next().await.map_err(failed)? {
        file.write_all(&piece).map_err(SnapshotError::file(path))?;
    }
    file.flush().map_err(SnapshotError::file(path))
}

async fn data_keys(client: &Client) -> Result<Vec<VaultKeyRow>, SnapshotError> {
    let rows = client.query(DATA_KEYS, &[]).await.map_err(failed)?;
    let read = |row| vault_key(super::values::read(row)?);
    Ok(rows.iter().map(read).collect::<Result<_, StoreError>>()?)
}

async fn documents(client: &Client, schema: &[Applied]) -> Result<Vec<NamedDocument>, SnapshotError> {
    if !tables(schema.len(), &DIALECT).any(|name| name == "documents") {
        return Ok(Vec::new());
    }
    let none: [&str; 0] = [];
    let mut rows = pin!(client.query_raw(DOCUMENTS, none).await.map_err(failed)?);
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        found.push(named_document(&[row.get(0), row.get(1), row.get(2)])?);
    }
    Ok(found)
}

/// Whether the live tables refer to a document.
pub(crate) async fn is_named(url: &str, document: &NamedDocument) -> Result<bool, StoreError> {
    let (client, _) = connection::connect(url).await?;
    let sql = "SELECT 1 FROM documents WHERE client = $1 AND id = $2";
    let (owner, id) = (document.client.0.bytes().as_slice(), document.document.0.bytes().as_slice());
    Ok(client.query_opt(sql, &[&owner, &id]).await.map_err(|error| connection::explain(&error))?.is_some())
}

/// Tables to be filled, in an open transaction.
pub struct Restoration {
    client: Client,
    present: usize,
    wanted: usize,
}

impl Restoration {
    /// Checks that the database has no rows of Paygen, and locks its tables.
    pub(crate) async fn begin(url: &str, schema: &[Applied]) -> Result<Restoration, SnapshotError> {
        let (client, _) = connection::connect_first(url).await?;
        let begin = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0";
        client.batch_execute(begin).await.map_err(failed)?;
        let refuse = |why: String| Err(SnapshotError::Refused(why));
        for (key, who) in [(LEASE, "a Paygen server"), (MIGRATION_LOCK, "`paygen migrate`")] {
            let free = client.query_one("SELECT pg_try_advisory_xact_lock($1)", &[&key]).await.map_err(failed)?;
            if !free.get::<_, bool>(0) {
                return refuse(format!("{who} is using this database: stop it, or restore into another database."));
            }
        }
        let present = schema_of(&client).await?;
        if !present.is_empty() {
            known(&present)?;
        }
        for name in tables(present.len(), &DIALECT) {
            let lock = format!("LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE");
            client.batch_execute(&lock).await.map_err(failed)?;
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {name})");
            if client.query_one(&sql, &[]).await.map_err(failed)?.get(0) {
                return refuse(format!(
                    "the database has rows in {name}, and nothing is restored over a database. Restore into an empty one."
                ));
            }
        }
        if present.len() > schema.len() {
            return refuse(format!(
                "the database has schema {}, the backup {}: restore into a database without tables, and it is brought \
                 up to date by itself.",
                present.len(),
                schema.len()
            ));
        }
        Ok(Restoration { client, present: present.len(), wanted: schema.len() })
    }

    /// Creates the snapshot's schema, fills the tables, and migrates them, in the transaction.
    pub(crate) async fn finish(self, from: &Path, copied: &[CopiedTable]) -> Result<(), SnapshotError> {
        let Restoration { client, present, wanted } = self;
        run(&client, &ALL[present..wanted]).await?;
        let names: Vec<&str> = tables(wanted, &DIALECT).collect();
        if copied.iter().map(|table| table.name.as_str()).ne(names.iter().copied()) {
            return Err(SnapshotError::Refused(format!("the backup does not have the tables of schema {wanted}.")));
        }
        for table in copied {
            let mut known = columns(&client, &table.name).await?;
            let mut named = table.columns.clone();
            known.sort();
            named.sort();
            if known != named {
                return Err(SnapshotError::Refused(format!(
                    "the backup's {} does not have the columns of schema {wanted}.",
                    table.name
                )));
            }
            copy_in(&client, table, &from.join(table.file())).await?;
            if table.name == "event_queue" {
                client.batch_execute(NUMBER_ON).await.map_err(failed)?;
            }
        }
        run(&client, &ALL[wanted..]).await?;
        client.batch_execute("COMMIT").await.map_err(failed)?;
        // Without statistics, plans would scan whole tables until autovacuum runs.
        analyze(&client).await.map_err(failed)
    }
}

async fn copy_in(client: &Client, table: &CopiedTable, path: &Path) -> Result<(), SnapshotError> {
    let mut file = File::open(path).map_err(SnapshotError::file(path))?;
    let sql = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, table.columns.join(", "));
    let mut rows = pin!(client.copy_in::<_, Cursor<Vec<u8>>>(&sql).await.map_err(failed)?);
    loop {
        let mut piece = Vec::with_capacity(CHUNK_BYTES);
        let read = (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut piece).map_err(SnapshotError::file(path))?;
        if read == 0 {
            break;
        }
        rows.send(Cursor::new(piece)).await.map_err(failed)?;
    }
    rows.finish().await.map_err(failed).map(|_| ())
}
