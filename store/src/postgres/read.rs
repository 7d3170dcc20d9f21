//! The read side: a pool of connections.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod};
use paygen_core::ids::{ClientId, Id};
use tokio_postgres::NoTls;
use tokio_postgres::types::ToSql;

use super::connection::{config, explain, tls, wants_tls};
use super::values::{placeholders, read};
use crate::StoreError;
use crate::query::{ColumnKind, ListQuery, Page, Paging};
use crate::sql::{Builder, Listed, Spelling, Statement};
use crate::totals::{Found, Totals};
use crate::turns::ReadTurns;
use crate::value::Value;

/// The number of connections for single rows, in addition to those of lists and other reads.
const CONNECTIONS: usize = 4;

/// A pool with as many connections as there can be concurrent reads; clones share it.
#[derive(Clone)]
pub(crate) struct Pool {
    pool: deadpool_postgres::Pool,
    turns: Arc<ReadTurns>,
    totals: Arc<Totals>,
}

/// A connection in a transaction. If the transaction is not ended, for example because its caller was cancelled, the
/// connection is not returned to the pool: the next user would continue in another one's transaction.
struct Begun(Option<Object>);

impl Begun {
    async fn begin(connection: Object, sql: &str) -> Result<Begun, StoreError> {
        let begun = Begun(Some(connection));
        begun.say(sql).await?;
        Ok(begun)
    }

    fn connection(&self) -> Result<&Object, StoreError> {
        self.0.as_ref().ok_or_else(|| StoreError::Unavailable("no connection".to_owned()))
    }

    async fn say(&self, sql: &str) -> Result<(), StoreError> {
        self.connection()?.batch_execute(sql).await.map_err(|error| explain(&error))
    }

    async fn end(mut self, sql: &str) -> Result<(), StoreError> {
        self.say(sql).await?;
        drop(self.0.take());
        Ok(())
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

struct PostgresSpelling;

impl Spelling for PostgresSpelling {
    const LOOKS_UP: bool = false;

    fn placeholder(&self, number: usize, kind: ColumnKind) -> String {
        let cast = match kind {
            ColumnKind::Text => "text",
            ColumnKind::Integer | ColumnKind::Time | ColumnKind::Boolean => "bigint",
            ColumnKind::Money { .. } => "double precision",
            ColumnKind::Bytes => "bytea",
        };
        format!("${number}::{cast}")
    }

    fn real(&self, expression: &str) -> String {
        format!("CAST({expression} AS double precision)")
    }

    fn contains(&self, column: &str, placeholder: &str) -> String {
        format!("strpos(lower({column} COLLATE \"und-x-icu\"), {placeholder}) > 0")
    }

    fn no_bytes(&self) -> &'static str {
        "'\\x'::bytea"
    }
}

impl Pool {
    pub(super) fn new(url: &str) -> Result<Pool, StoreError> {
        let config = config(url)?;
        let turns = Arc::new(ReadTurns::default());
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = if wants_tls(&config) {
            Manager::from_config(config, tls()?, recycling)
        } else {
            Manager::from_config(config, NoTls, recycling)
        };
        let pool = deadpool_postgres::Pool::builder(manager).max_size(turns.most() + CONNECTIONS).build();
        let pool = pool.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Pool { pool, turns, totals: Arc::default() })
    }

    pub(crate) fn turns(&self) -> &ReadTurns {
        &self.turns
    }

    /// The positions of the newest events of these clients.
    pub(crate) async fn newest_positions(&self, clients: &[ClientId]) -> Result<Vec<(ClientId, i64)>, StoreError> {
        let sql = "SELECT c.client, e.position FROM unnest($1::bytea[]) AS c(client) CROSS JOIN LATERAL
                 (SELECT position FROM event_positions WHERE event_positions.client = c.client
                  ORDER BY position DESC LIMIT 1) e";
        let ids: Vec<&[u8]> = clients.iter().map(|client| client.0.bytes().as_slice()).collect();
        let connection = self.connection().await?;
        let statement = connection.prepare_cached(sql).await.map_err(|error| explain(&error))?;
        let rows = connection.query(&statement, &[&ids]).await.map_err(|error| explain(&error))?;
        let read = |row: &tokio_postgres::Row| Some((ClientId(Id::from_slice(row.get(0))?), row.get(1)));
        Ok(rows.iter().filter_map(read).collect())
    }

    async fn connection(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    /// Runs a query with the parameters `?1`….
    pub(crate) async fn rows(&self, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>, StoreError> {
        let connection = self.connection().await?;
        self.run(&connection, &placeholders(sql, params), params).await
    }

    async fn run(&self, connection: &Object, sql: &str, params: &[Value]) -> Result<Vec<Vec<Value>>, StoreError> {
        let statement = connection.prepare_cached(sql).await.map_err(|error| explain(&error))?;
        let params: Vec<_> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = connection.query(&statement, &params).await;
        let rows = rows.inspect_err(|_| connection.statement_cache.clear()).map_err(|error| explain(&error))?;
        rows.iter().map(read).collect()
    }

    /// Runs one statement.
    pub(crate) async fn execute(&self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        self.rows(sql, params).await.map(|_| ())
    }

    /// Runs statements in one transaction; each must return a row. Returns whether all did.
    pub(crate) async fn execute_all(&self, statements: &[(&str, Vec<Value>)]) -> Result<bool, StoreError> {
        let begun = Begun::begin(self.connection().await?, "BEGIN").await?;
        for (sql, params) in statements {
            match self.run(begun.connection()?, &placeholders(sql, params), params).await {
                Ok(rows) if !rows.is_empty() => {}
                Ok(_) => return begun.end("ROLLBACK").await.map(|()| false),
                Err(error) => return begun.end("ROLLBACK").await.and(Err(error)),
            }
        }
        begun.end("COMMIT").await.map(|()| true)
    }

    /// Runs a list query; each of its statements has the query's time limit.
    pub(crate) async fn list<L: Listed>(&self, query: &ListQuery) -> Result<Page<L::Row>, StoreError> {
        let connection = self.connection().await?;
        let total = match query.paging {
            Paging::Page { .. } => {
                let statement = Builder::new(&PostgresSpelling).count::<L>(query);
                match self.totals.find(&statement) {
                    Found::Total(total) => Some(total),
                    Found::ToCount(now) => {
                        let counted = run_within(&connection, &statement, query.timeout_ms).await?;
                        self.totals.note(&statement, now, &counted)
                    }
                }
            }
            Paging::After(_) => None,
        };
        let statement = Builder::new(&PostgresSpelling).page::<L>(query);
        let found = run_within(&connection, &statement, query.timeout_ms).await?;
        crate::page::<L>(found, query, total, &|_| None)
    }
}

/// Runs a statement in a transaction of its own with a time limit, in one round trip. All three messages are sent by the
/// first poll, so the transaction ends even if the caller is cancelled.
async fn run_within(
    connection: &Object,
    statement: &Statement,
    timeout_ms: u32,
) -> Result<Vec<Vec<Value>>, StoreError> {
    let explained = |error| explain(&error);
    let begin = format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {timeout_ms}");
    let time_limit = Duration::from_millis(timeout_ms.into());
    let preparing = tokio::time::timeout(time_limit, connection.prepare_cached(&statement.text)).await;
    let prepared = preparing.map_err(|_| StoreError::TooBroad)?.map_err(explained)?;
    let params: Vec<_> = statement.params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
    let (begun, found, ended) = futures_util::future::join3(
        connection.batch_execute(&begin),
        connection.query(&prepared, &params),
        connection.batch_execute("ROLLBACK"),
    )
    .await;
    let found = found.inspect_err(|_| connection.statement_cache.clear()).map_err(explained);
    begun.and(ended).map_err(explained).and(found)?.iter().map(read).collect()
}
