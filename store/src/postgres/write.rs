//! The write side: rows are locked in one global order (kind, client, id); a batch is one transaction; the outcome of a
//! lost COMMIT is looked up.
//!
//! A load is one round trip however many kinds it touches, a commit is two: statements are pipelined. If a batch
//! changes any row of a kind, all of its rows of that kind are locked exclusively. Each kind is therefore locked in a
//! single ordered pass, and batches cannot deadlock.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use paygen_core::for_each_table;
use paygen_core::ids::Id;
use paygen_core::record::{Key, Kind};
use paygen_core::table::{Access, Change, Table};
use paygen_core::work::{KeySet, Work};
use tokio::runtime::Handle;
use tokio_postgres::{Client, Statement};

use super::connection::{Backend, connect, explain, is_lost};
use super::values::{Array, array_type, arrays, read};
use crate::records::{Keyed, Row, Stored};
use crate::sealing::{key_gone, relied_on};
use crate::value::{Param, Value};
use crate::{Load, Store, StoreError};

/// How often, and with which pause, the outcome of a lost COMMIT is looked up.
const RESOLVE_TRIES: u32 = 40;
const RESOLVE_PAUSE: Duration = Duration::from_millis(250);

/// One lane's connection. It is used on the lane's thread, never on the runtime's.
pub struct PostgresStore {
    url: String,
    runtime: Handle,
    session: Option<Session>,
    in_transaction: bool,
}

struct Session {
    client: Client,
    backend: Backend,
    statements: HashMap<String, Statement>,
}

impl Session {
    async fn open(url: &str) -> Result<Session, StoreError> {
        let (client, backend) = connect(url).await?;
        Ok(Session { client, backend, statements: HashMap::new() })
    }

    async fn prepare(&mut self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// A statement over many rows, and the number of rows it must affect.
struct Bulk {
    sql: String,
    arrays: Vec<Array>,
    expected: Option<u64>,
    /// The error if it affected another number.
    otherwise: fn() -> StoreError,
}

fn row_gone() -> StoreError {
    StoreError::Conflict("a row was gone".to_owned())
}

impl PostgresStore {
    pub(super) async fn open(url: &str) -> Result<PostgresStore, StoreError> {
        let session = Session::open(url).await?;
        Ok(PostgresStore {
            url: url.to_owned(),
            runtime: Handle::current(),
            session: Some(session),
            in_transaction: false,
        })
    }

    /// The session; a new one if the old one was lost.
    async fn session(&mut self) -> Result<&mut Session, StoreError> {
        let alive = self.session.as_ref().is_some_and(|session| !session.client.is_closed());
        if !alive {
            self.session = Some(Session::open(&self.url).await?);
        }
        self.session.as_mut().ok_or_else(|| StoreError::Unavailable("no connection".to_owned()))
    }

    /// The session with the batch's transaction. Another session would write without the batch's locks.
    fn held(&mut self) -> Result<&mut Session, StoreError> {
        let lost = || StoreError::Conflict("the connection was lost before the commit".to_owned());
        self.session.as_mut().filter(|session| !session.client.is_closed()).ok_or_else(lost)
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.session().await?.client.batch_execute("BEGIN").await.map_err(|error| explain(&error))?;
        self.in_transaction = true;
        Ok(())
    }

    async fn load_all(&mut self, keys: &KeySet, work: &mut Work, how: Load) -> Result<(), StoreError> {
        if how == Load::Hold && !self.in_transaction {
            self.begin().await?;
        }
        let session = if self.in_transaction { self.held()? } else { self.session().await? };
        macro_rules! load_tables {
            ($($field:ident: $record:ty),* $(,)?) => {
                $(let $field = plan_load::<$record>(session, &keys.$field, how).await?;)*
                let client = &session.client;
                // Polled in order, so that the statements reach the server in the order of the kinds.
                $(let $field = $field.as_ref().map(|plan| plan.run(client));)*
                let loads: Vec<Option<_>> = vec![$($field.map(|run| Box::pin(run) as Rows<'_>),)*];
                let mut loaded = Vec::new();
                for rows in join_all(loads.into_iter().map(|load| async { match load { Some(rows) => Some(rows.await), None => None } })).await {
                    loaded.push(rows.transpose().map_err(|error| explain(&error))?);
                }
                let mut loaded = loaded.into_iter();
                $(supply::<$record>(&keys.$field, loaded.next().flatten(), how, &mut work.$field)?;)*
            };
        }
        for_each_table!(load_tables);
        Ok(())
    }

    async fn write(&mut self, work: &Work, batch: Id) -> Result<(), StoreError> {
        let bulks = bulks(work, batch);
        let session = self.held()?;
        let mut prepared = Vec::with_capacity(bulks.len());
        for bulk in &bulks {
            prepared.push(session.prepare(&bulk.sql).await.map_err(|error| explain(&error))?);
        }
        let client = &session.client;
        let runs = bulks.iter().zip(&prepared).map(|(bulk, statement)| async move {
            let params: Vec<_> = bulk.arrays.iter().map(Array::parameter).collect();
            client.execute(statement, &params).await
        });
        for (outcome, bulk) in join_all(runs).await.into_iter().zip(&bulks) {
            let touched = outcome.map_err(|error| explain(&error))?;
            if bulk.expected.is_some_and(|expected| expected != touched) {
                return Err((bulk.otherwise)());
            }
        }
        Ok(())
    }

    async fn commit_all(&mut self, work: &Work, batch: Id) -> Result<(), StoreError> {
        if !self.in_transaction {
            self.begin().await?;
        }
        if let Err(error) = self.write(work, batch).await {
            self.roll_back().await;
            return Err(error);
        }
        self.in_transaction = false;
        let Some(session) = self.session.as_mut() else {
            return Err(StoreError::Conflict("the connection was lost before the commit".to_owned()));
        };
        let backend = session.backend;
        match session.client.batch_execute("COMMIT").await {
            Ok(()) => Ok(()),
            Err(error) if is_lost(&error) => self.resolve(backend, batch).await,
            Err(error) => {
                self.roll_back().await;
                Err(explain(&error))
            }
        }
    }

    /// After a connection is lost at COMMIT: makes sure that the old server process is gone, then looks the batch up.
    async fn resolve(&mut self, old: Backend, batch: Id) -> Result<(), StoreError> {
        self.session = None;
        for _ in 0..RESOLVE_TRIES {
            if let Ok(committed) = self.look_up(old, batch).await {
                match committed {
                    Some(true) => return Ok(()),
                    Some(false) => return Err(StoreError::Conflict("the connection was lost at COMMIT".to_owned())),
                    None => {}
                }
            }
            tokio::time::sleep(RESOLVE_PAUSE).await;
        }
        Err(StoreError::Unavailable(
            "the connection was lost at COMMIT and whether the batch was stored cannot be found out yet; repeat with \
             the same Idempotency-Key"
                .to_owned(),
        ))
    }

    /// Whether the batch was committed; `None` while the old server process could still commit it.
    async fn look_up(&mut self, old: Backend, batch: Id) -> Result<Option<bool>, StoreError> {
        let session = self.session().await?;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE pid = $1 AND (extract(epoch FROM backend_start) * 1000000)::bigint = $2";
        let alive = session.client.query(sql, &[&old.pid, &old.started]).await.map_err(|error| explain(&error))?;
        if !alive.is_empty() {
            return Ok(None);
        }
        let sql = "SELECT count(*) FROM commits WHERE batch_id = $1";
        let found = session.client.query_one(sql, &[&batch.bytes().as_slice()]).await;
        Ok(Some(found.map_err(|error| explain(&error))?.get::<_, i64>(0) > 0))
    }

    async fn roll_back(&mut self) {
        self.in_transaction = false;
        if let Some(session) = &mut self.session {
            // A connection that cannot roll back is dropped, and PostgreSQL rolls back.
            if session.client.batch_execute("ROLLBACK").await.is_err() {
                self.session = None;
            } else {
                // A plan may be stale after a migration. Preparing again is cheap compared with a conflict.
                session.statements.clear();
            }
        }
    }
}

impl Store for PostgresStore {
    fn is_only_writer(&self) -> bool {
        false
    }

    fn load(&mut self, keys: &KeySet, work: &mut Work, how: Load) -> Result<(), StoreError> {
        let runtime = self.runtime.clone();
        runtime.block_on(self.load_all(keys, work, how))
    }

    fn commit(&mut self, work: &mut Work, batch: Id) -> Result<(), StoreError> {
        let runtime = self.runtime.clone();
        runtime.block_on(self.commit_all(work, batch))
    }

    fn abandon(&mut self) {
        if self.in_transaction {
            let runtime = self.runtime.clone();
            runtime.block_on(self.end_unchanged());
        }
    }
}

impl PostgresStore {
    async fn end_unchanged(&mut self) {
        self.in_transaction = false;
        if let Some(session) = &self.session
            && session.client.batch_execute("ROLLBACK").await.is_err()
        {
            self.session = None;
        }
    }
}

type Rows<'a> =
    std::pin::Pin<Box<dyn Future<Output = Result<Vec<tokio_postgres::Row>, tokio_postgres::Error>> + Send + 'a>>;

struct LoadPlan {
    statement: Statement,
    keys: Vec<Array>,
}

impl LoadPlan {
    async fn run(&self, client: &Client) -> Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
        let params: Vec<_> = self.keys.iter().map(Array::parameter).collect();
        client.query(&self.statement, &params).await
    }
}

/// All rows of a kind are locked with the strongest access among them.
fn lock_of(keys: &[(Key, Access)], how: Load) -> Access {
    if how == Load::Peek {
        // Rows read without locks are never committed, so every change may be tried on them.
        return Access::Exclusive;
    }
    keys.iter().map(|(_, access)| *access).max().unwrap_or(Access::Shared)
}

async fn plan_load<R: Keyed>(
    session: &mut Session,
    keys: &[(Key, Access)],
    how: Load,
) -> Result<Option<LoadPlan>, StoreError> {
    if keys.is_empty() {
        return Ok(None);
    }
    let key_columns = &R::COLUMNS[..R::KEY_COLUMNS];
    let columns: Vec<String> = R::COLUMNS.iter().map(|column| format!("t.{}", column.name)).collect();
    let names: Vec<&str> = key_columns.iter().map(|column| column.name).collect();
    let places: Vec<String> = (1..=names.len()).map(|at| format!("${at}::bytea[]")).collect();
    let order: Vec<String> = names.iter().map(|name| format!("t.{name}")).collect();
    let lock = match (how, lock_of(keys, how)) {
        (Load::Peek, _) => "",
        // Every batch of every node reads the clock; locking it would serialize all of them.
        (Load::Hold, Access::Shared) if R::KIND == Kind::Clock => "",
        (Load::Hold, Access::Shared) => " FOR SHARE OF t",
        (Load::Hold, Access::Exclusive) => " FOR UPDATE OF t",
    };
    let sql = format!(
        "SELECT {} FROM {} t JOIN unnest({}) AS k({names}) USING ({names}) ORDER BY {}{lock}",
        columns.join(", "),
        R::TABLE,
        places.join(", "),
        order.join(", "),
        names = names.join(", "),
    );
    let statement = session.prepare(&sql).await.map_err(|error| explain(&error))?;
    let keys = arrays::<R>(keys.iter().map(|(key, _)| R::key_values(key)), true);
    Ok(Some(LoadPlan { statement, keys }))
}

fn supply<R: Keyed>(
    keys: &[(Key, Access)],
    rows: Option<Vec<tokio_postgres::Row>>,
    how: Load,
    table: &mut Table<R>,
) -> Result<(), StoreError> {
    let held = lock_of(keys, how);
    let mut found = HashMap::new();
    for row in rows.unwrap_or_default() {
        let record = R::read(&mut Row::of::<R>(read(&row)?))?;
        found.insert(record.key(), record);
    }
    for (key, _) in keys {
        table.load(*key, found.remove(key), held);
    }
    Ok(())
}

/// The statements of a commit, in the order of the kinds.
fn bulks(work: &Work, batch: Id) -> Vec<Bulk> {
    let mut bulks = Vec::new();
    let keys: Vec<Option<String>> = relied_on(work).into_iter().map(Some).collect();
    if !keys.is_empty() {
        let expected = Some(keys.len() as u64);
        let sql = "SELECT id FROM vault_keys WHERE id = ANY($1::text[]) ORDER BY id FOR KEY SHARE".to_owned();
        bulks.push(Bulk { sql, arrays: vec![Array::Texts(keys)], expected, otherwise: key_gone });
    }
    macro_rules! write_tables {
        ($($field:ident: $record:ty),* $(,)?) => {
            $(write_changes::<$record>(&mut bulks, work.$field.changes());)*
        };
    }
    for_each_table!(write_tables);
    append(&mut bulks, &work.appended.entries);
    append(&mut bulks, &work.appended.lines);
    append(&mut bulks, &work.appended.system_lines);
    append(&mut bulks, &work.appended.events);
    append(&mut bulks, &work.appended.audit);
    append(&mut bulks, &work.appended.attempts);
    forget(&mut bulks, "events", &work.appended.deleted_events);
    forget(&mut bulks, "delivery_attempts", &work.appended.deleted_attempts);
    bulks.push(Bulk {
        sql: "INSERT INTO commits (batch_id, committed_at) SELECT * FROM unnest($1::bytea[], $2::bigint[])".to_owned(),
        arrays: vec![
            Array::Bytes(vec![Some(batch.bytes().to_vec())]),
            Array::Integers(vec![Some(work.wall().micros())]),
        ],
        expected: None,
        otherwise: row_gone,
    });
    bulks
}

fn write_changes<R: Keyed>(bulks: &mut Vec<Bulk>, changes: Vec<Change<R>>) {
    let (mut inserts, mut updates, mut deletes) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        match change {
            Change::Insert(row) => inserts.push(owned(&*row)),
            Change::Update(row) => updates.push(owned(&*row)),
            Change::Delete(key) => deletes.push(R::key_values(&key)),
        }
    }
    if !inserts.is_empty() {
        bulks.push(insert_bulk::<R>(inserts));
    }
    let names: Vec<&str> = R::COLUMNS.iter().map(|column| column.name).collect();
    let same_key: Vec<String> = names[..R::KEY_COLUMNS].iter().map(|name| format!("t.{name} = v.{name}")).collect();
    if !updates.is_empty() {
        let sets: Vec<String> = names[R::KEY_COLUMNS..].iter().map(|name| format!("{name} = v.{name}")).collect();
        let sql = format!(
            "UPDATE {} t SET {} FROM unnest({}) AS v({}) WHERE {}",
            R::TABLE,
            sets.join(", "),
            places::<R>(R::COLUMNS.len()),
            names.join(", "),
            same_key.join(" AND "),
        );
        let expected = Some(updates.len() as u64);
        bulks.push(Bulk { sql, arrays: arrays::<R>(updates.into_iter(), false), expected, otherwise: row_gone });
    }
    if !deletes.is_empty() {
        let sql = format!(
            "DELETE FROM {} t USING unnest({}) AS v({}) WHERE {}",
            R::TABLE,
            places::<R>(R::KEY_COLUMNS),
            names[..R::KEY_COLUMNS].join(", "),
            same_key.join(" AND "),
        );
        bulks.push(Bulk { sql, arrays: arrays::<R>(deletes.into_iter(), true), expected: None, otherwise: row_gone });
    }
}

fn append<R: Stored>(bulks: &mut Vec<Bulk>, rows: &[R]) {
    if !rows.is_empty() {
        bulks.push(insert_bulk::<R>(rows.iter().map(owned).collect()));
    }
}

fn owned<R: Stored>(row: &R) -> Vec<Value> {
    row.write().into_iter().map(Param::into_value).collect()
}

fn forget(bulks: &mut Vec<Bulk>, table: &str, keys: &[Key]) {
    if !keys.is_empty() {
        let sql = format!(
            "DELETE FROM {table} e USING unnest($1::bytea[], $2::bytea[]) AS v(client, id)
             WHERE e.client = v.client AND e.id = v.id"
        );
        let clients = keys.iter().map(|key| Some(key.client.0.bytes().to_vec())).collect();
        let ids = keys.iter().map(|key| Some(key.id.as_slice().to_vec())).collect();
        let arrays = vec![Array::Bytes(clients), Array::Bytes(ids)];
        bulks.push(Bulk { sql, arrays, expected: None, otherwise: row_gone });
    }
}

fn insert_bulk<R: Stored>(rows: Vec<Vec<Value>>) -> Bulk {
    let names: Vec<&str> = R::COLUMNS.iter().map(|column| column.name).collect();
    let places = places::<R>(R::COLUMNS.len());
    let sql = format!("INSERT INTO {} ({}) SELECT * FROM unnest({places})", R::TABLE, names.join(", "));
    Bulk { sql, arrays: arrays::<R>(rows.into_iter(), false), expected: None, otherwise: row_gone }
}

fn places<R: Stored>(count: usize) -> String {
    let places = R::COLUMNS[..count].iter().zip(1..).map(|(column, at)| format!("${at}::{}", array_type(column.kind)));
    places.collect::<Vec<_>>().join(", ")
}
