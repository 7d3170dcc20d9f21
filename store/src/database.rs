//! A database of either backend: opening, migrating, stores for writing, readers, and the table of data keys.

use std::collections::BTreeMap;

use paygen_core::authorizations::Authorization;
use paygen_core::ids::ClientId;
use paygen_core::ledger::Balance;
use paygen_core::rotation::Sealed;
use paygen_core::time::Instant;

use crate::postgres::{self, Listener, Postgres, Sequencer};
use crate::records::{Row, Stored};
use crate::sealing::place_of;
use crate::sqlite::{self, Sqlite};
use crate::target::Target;
use crate::value::{Param, Value};
use crate::vault_keys::{DATA_KEYS, VaultKeyRow};
use crate::{Reader, Shards, Store, StoreError};

/// An open database.
pub struct Database {
    backend: Backend,
}

enum Backend {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// How many rows a scan reads per statement.
pub(crate) const ROWS_PER_SCAN: u32 = 1000;

impl Database {
    /// As [`Database::open`], but refuses a missing database instead of creating it: its volume may only be unmounted.
    pub async fn open_existing(target: &Target) -> Result<Database, StoreError> {
        if let Target::Sqlite(path) = target {
            sqlite::must_be_there(path)?;
        }
        Database::open(target).await
    }

    /// Opens the database for a server. SQLite: a missing file is created, and the schema is migrated. PostgreSQL: a
    /// schema that is not up to date is refused.
    pub async fn open(target: &Target) -> Result<Database, StoreError> {
        let backend = match target {
            Target::Sqlite(path) => Backend::Sqlite(Sqlite::open(path)?),
            Target::Postgres(url) => Backend::Postgres(Postgres::open(url).await?),
        };
        Ok(Database { backend })
    }

    /// As [`Database::open`], for a sandbox: an empty PostgreSQL database gets the schema as well.
    pub async fn open_or_begin(target: &Target) -> Result<Database, StoreError> {
        match target {
            Target::Sqlite(_) => Database::open(target).await,
            Target::Postgres(url) => Ok(Database { backend: Backend::Postgres(Postgres::open_or_begin(url).await?) }),
        }
    }

    /// Opens the database for reading while a server may be running. Another version's schema is refused.
    pub async fn open_read_only(target: &Target) -> Result<Database, StoreError> {
        let backend = match target {
            Target::Sqlite(path) => Backend::Sqlite(Sqlite::open_read_only(path)?),
            Target::Postgres(url) => Backend::Postgres(Postgres::open(url).await?),
        };
        Ok(Database { backend })
    }

    /// Migrates the schema. Returns the names of the migrations that ran.
    pub async fn migrate(target: &Target) -> Result<Vec<&'static str>, StoreError> {
        match target {
            Target::Sqlite(path) => {
                if let Some(directory) = path.parent() {
                    std::fs::create_dir_all(directory)
                        .map_err(|error| StoreError::Unfit(format!("{}: {error}", directory.display())))?;
                }
                sqlite::must_not_be_emptied(path)?;
                sqlite::migrate(path)
            }
            Target::Postgres(url) => postgres::migrate(url).await,
        }
    }

    /// The number of the schema that this binary knows.
    pub fn newest_schema() -> i64 {
        crate::migrations::newest()
    }

    /// Whether only one process can write.
    pub fn has_one_writer(&self) -> bool {
        matches!(self.backend, Backend::Sqlite(_))
    }

    /// A store for one lane of the engine.
    pub async fn store(&self) -> Result<Box<dyn Store>, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => Ok(Box::new(sqlite.store()?)),
            Backend::Postgres(postgres) => Ok(Box::new(postgres.store().await?)),
        }
    }

    /// Finds out whether the database can be written, without changing any data.
    pub async fn try_to_write(&self) -> Result<(), StoreError> {
        match &self.backend {
            // An update that leaves a row unchanged would write no page. This pragma does, and nothing reads it.
            Backend::Sqlite(sqlite) => sqlite.execute("PRAGMA user_version = 0", &[]),
            Backend::Postgres(postgres) => {
                let touch = "UPDATE schema_migrations SET name = name WHERE number = (SELECT max(number) FROM schema_migrations)";
                postgres.pool().execute(touch, &[]).await
            }
        }
    }

    /// A reader.
    pub fn reader(&self) -> Reader {
        match &self.backend {
            Backend::Sqlite(sqlite) => Reader::sqlite(sqlite.readers()),
            Backend::Postgres(postgres) => Reader::postgres(postgres.pool()),
        }
    }

    /// Assigns positions to events, if commits do not. Only on PostgreSQL.
    pub async fn sequencer(&self) -> Result<Option<Sequencer>, StoreError> {
        match &self.backend {
            Backend::Sqlite(_) => Ok(None),
            Backend::Postgres(postgres) => Ok(Some(postgres.sequencer())),
        }
    }

    /// Receives notifications of events placed by other nodes. Only on PostgreSQL.
    pub fn listener(&self) -> Option<Listener> {
        match &self.backend {
            Backend::Sqlite(_) => None,
            Backend::Postgres(postgres) => Some(postgres.listener()),
        }
    }

    /// Tells which webhook endpoints this node serves.
    pub fn shards(&self) -> Shards {
        match &self.backend {
            Backend::Sqlite(_) => Shards(None),
            Backend::Postgres(postgres) => Shards(Some(postgres.shard_locks())),
        }
    }

    pub async fn vault_keys(&self) -> Result<Vec<VaultKeyRow>, StoreError> {
        let rows = self.reader().rows(ClientId::INSTALLATION, DATA_KEYS.to_owned(), Vec::new(), 5).await?;
        rows.into_iter().map(vault_key).collect()
    }

    /// Adds a wrapped data key, unless its purpose has an active one. Returns the active one.
    pub async fn add_vault_key(&self, row: VaultKeyRow) -> Result<VaultKeyRow, StoreError> {
        let sql = "INSERT INTO vault_keys (id, purpose, wrapped, created_at, retired_at)
             VALUES (?1, ?2, ?3, ?4, NULL) ON CONFLICT DO NOTHING";
        let purpose = row.purpose.clone();
        let params =
            vec![row.id.into(), row.purpose.into(), row.wrapped.into(), Value::Integer(row.created_at.micros())];
        self.execute(sql, params).await?;
        let stored = self.vault_keys().await?;
        let active = stored.into_iter().find(|key| key.purpose == purpose && key.retired_at.is_none());
        active.ok_or_else(|| StoreError::Unavailable("a data key was not stored".to_owned()))
    }

    /// Replaces the active data keys of all purposes, all or none. Returns false if another process has done so in the
    /// meantime.
    pub async fn replace_vault_keys(&self, before: &[String], new: Vec<VaultKeyRow>) -> Result<bool, StoreError> {
        let Some(now) = new.first().map(|row| row.created_at) else { return Ok(false) };
        let mut statements: Vec<(&str, Vec<Value>)> = Vec::new();
        for id in before {
            let sql = "UPDATE vault_keys SET retired_at = ?2 WHERE id = ?1 AND retired_at IS NULL RETURNING id";
            statements.push((sql, vec![id.clone().into(), now.into()]));
        }
        for row in new {
            let sql = "INSERT INTO vault_keys (id, purpose, wrapped, created_at, retired_at) VALUES (?1, ?2, ?3, ?4, NULL) RETURNING id";
            statements.push((sql, vec![row.id.into(), row.purpose.into(), row.wrapped.into(), row.created_at.into()]));
        }
        self.execute_all(&statements).await
    }

    /// Deletes a retired data key, unless content is still sealed under it. Returns whether it was deleted.
    ///
    /// The search and the deletion are one transaction, which excludes concurrent commits under the key.
    pub async fn delete_vault_key(&self, id: &str, sealed: Sealed) -> Result<bool, StoreError> {
        let (table, _, column) = place_of(sealed);
        let unused = format!(
            "SELECT CAST(1 AS bigint) WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE substr({column}, 2, 8) = ?1)"
        );
        let delete = "DELETE FROM vault_keys WHERE id = ?1 AND retired_at IS NOT NULL RETURNING id";
        self.execute_all(&[(delete, vec![id.into()]), (&unused, vec![Value::Bytes(id.as_bytes().to_vec())])]).await
    }

    /// Stores data keys that were wrapped again, all or none. Returns false if one of them has changed since it was
    /// read.
    pub async fn rewrap_vault_keys(&self, keys: Vec<(VaultKeyRow, Vec<u8>)>) -> Result<bool, StoreError> {
        let sql = "UPDATE vault_keys SET wrapped = ?3 WHERE id = ?1 AND wrapped = ?2 RETURNING id";
        let statements: Vec<(&str, Vec<Value>)> = keys
            .into_iter()
            .map(|(before, wrapped)| (sql, vec![before.id.into(), before.wrapped.into(), wrapped.into()]))
            .collect();
        self.execute_all(&statements).await
    }

    /// Runs one statement.
    pub(crate) async fn execute(&self, sql: &str, params: Vec<Value>) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.execute(sql, &params),
            Backend::Postgres(postgres) => postgres.pool().execute(sql, &params).await,
        }
    }

    /// Runs statements in one transaction; each must return a row. Returns whether all did.
    async fn execute_all(&self, statements: &[(&str, Vec<Value>)]) -> Result<bool, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.execute_all(statements),
            Backend::Postgres(postgres) => postgres.pool().execute_all(statements).await,
        }
    }

    /// The heads of all ledger accounts. Balances in the journal of a running server's write-back cache are read first;
    /// of two versions the one with the higher sequence is the newer.
    pub(crate) async fn heads(&self) -> Result<Vec<Balance>, StoreError> {
        let journal = match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.balances_beside()?,
            Backend::Postgres(_) => Vec::new(),
        };
        let journal = journal.into_iter().map(|values| Balance::read(&mut Row::of::<Balance>(values)));
        let journal = journal.collect::<Result<Vec<_>, _>>()?;
        let mut heads: BTreeMap<_, Balance> = BTreeMap::new();
        for head in self.scan_all::<Balance>().await?.into_iter().chain(journal) {
            let key = (head.client, head.id);
            if heads.get(&key).is_none_or(|kept| kept.seq <= head.seq) {
                heads.insert(key, head);
            }
        }
        Ok(heads.into_values().collect())
    }

    /// Passes every authorization to `show`, ordered by client and id, in bounded steps. Authorizations created in the
    /// meantime may or may not be included.
    pub async fn each_authorization(&self, mut show: impl FnMut(&Authorization) + Send) -> Result<(), StoreError> {
        let reader = self.reader();
        let mut after = None;
        loop {
            let step: Vec<Authorization> = reader.scan(after, ROWS_PER_SCAN).await?;
            let Some(last) = step.last() else { return Ok(()) };
            after = Some(vec![last.client.0.into(), last.id.0.into()]);
            step.iter().for_each(&mut show);
        }
    }

    async fn scan_all<R: Stored>(&self) -> Result<Vec<R>, StoreError> {
        let reader = self.reader();
        let mut all: Vec<R> = Vec::new();
        loop {
            let after =
                all.last().map(|row| row.write().into_iter().take(R::KEY_COLUMNS).map(Param::into_value).collect());
            let mut step = reader.scan(after, ROWS_PER_SCAN).await?;
            if step.is_empty() {
                return Ok(all);
            }
            all.append(&mut step);
        }
    }
}

/// Reads a row of `vault_keys`.
pub(crate) fn vault_key(row: Vec<Value>) -> Result<VaultKeyRow, StoreError> {
    let mut row = row.into_iter();
    match (row.next(), row.next(), row.next(), row.next(), row.next()) {
        (
            Some(Value::Text(id)),
            Some(Value::Text(purpose)),
            Some(Value::Bytes(wrapped)),
            Some(Value::Integer(created)),
            retired,
        ) => {
            let retired_at = match retired {
                Some(Value::Integer(at)) => Some(Instant::from_micros(at)),
                _ => None,
            };
            Ok(VaultKeyRow { id, purpose, wrapped, created_at: Instant::from_micros(created), retired_at })
        }
        _ => Err(StoreError::CommandFault("vault_keys does not read as it should".to_owned())),
    }
}
