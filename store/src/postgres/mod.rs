//! The PostgreSQL backend: several nodes with several lanes each; rows are locked in one global order.

mod bulk;
mod connection;
mod listen;
mod load;
mod read;
mod seen;
mod sequence;
mod session;
mod shards;
pub(crate) mod snapshot;
mod values;
mod write;

use tokio_postgres::Client;

use crate::StoreError;
use crate::migrations::{self, Dialect, Migration};

pub use listen::{Listener, News};
pub(crate) use read::Pool;
pub use sequence::Sequencer;
pub use shards::ShardLocks;
pub use write::PostgresStore;

pub(super) const DIALECT: Dialect = Dialect {
    name: "postgres",
    int: "bigint",
    text: "text COLLATE \"C\"",
    bytes: "bytea",
    table_options: "",
    long_rows: "",
};

/// The key of the advisory lock that serializes migrations.
const MIGRATION_LOCK: i64 = 0x7061_7967_656e_0001;

pub(crate) struct Postgres {
    url: String,
    pool: Pool,
}

impl Postgres {
    /// Connects. A schema that is not up to date is refused.
    pub(crate) async fn open(url: &str) -> Result<Postgres, StoreError> {
        let (client, _) = connection::connect_first(url).await?;
        let applied = applied(&client).await?;
        let pending = migrations::pending(&applied).map_err(StoreError::Unfit)?;
        if applied.is_empty() {
            return Err(StoreError::Unfit("the database has no schema yet: run `paygen migrate` first".to_owned()));
        }
        if !pending.is_empty() {
            return Err(StoreError::Unfit(
                "the database's schema is older than this binary: run `paygen migrate` first".to_owned(),
            ));
        }
        Ok(Postgres { url: url.to_owned(), pool: Pool::new(url)? })
    }

    /// As [`Postgres::open`]; an empty database gets the schema first.
    pub(crate) async fn open_or_begin(url: &str) -> Result<Postgres, StoreError> {
        let (client, _) = connection::connect_first(url).await?;
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f'))";
        let empty = client.query_one(sql, &[]).await.map_err(|error| connection::explain(&error))?;
        if empty.get::<_, bool>(0) {
            migrate(url).await?;
        }
        Postgres::open(url).await
    }

    pub(crate) async fn store(&self) -> Result<PostgresStore, StoreError> {
        PostgresStore::open(&self.url).await
    }

    pub(crate) fn pool(&self) -> Pool {
        self.pool.clone()
    }

    pub(crate) fn shard_locks(&self) -> ShardLocks {
        ShardLocks::new(&self.url)
    }

    pub(crate) fn sequencer(&self) -> Sequencer {
        Sequencer::new(&self.url)
    }

    pub(crate) fn listener(&self) -> Listener {
        Listener::new(&self.url)
    }
}

async fn applied(client: &Client) -> Result<Vec<(i64, String)>, StoreError> {
    let explain = |error| connection::explain(&error);
    let exists = client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await.map_err(explain)?;
    if !exists.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let sql = "SELECT number, checksum FROM schema_migrations ORDER BY number";
    let rows = client.query(sql, &[]).await.map_err(explain)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Runs the pending migrations and returns their names.
pub(crate) async fn migrate(url: &str) -> Result<Vec<&'static str>, StoreError> {
    let explain = |error| connection::explain(&error);
    let (client, _) = connection::connect_first(url).await?;
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await.map_err(explain)?;
    client.batch_execute("BEGIN").await.map_err(explain)?;
    let pending = migrations::pending(&applied(&client).await?).map_err(StoreError::Unfit)?;
    run(&client, pending).await?;
    client.batch_execute("COMMIT").await.map_err(explain)?;
    Ok(pending.iter().map(|migration| migration.name).collect())
}

/// Runs migrations in the open transaction.
async fn run(client: &Client, migrations: &[Migration]) -> Result<(), StoreError> {
    let explain = |error| connection::explain(&error);
    let made = "CREATE TABLE IF NOT EXISTS schema_migrations (number bigint NOT NULL PRIMARY KEY, name text NOT NULL,
         checksum text NOT NULL)";
    client.batch_execute(made).await.map_err(explain)?;
    for migration in migrations {
        client.batch_execute(&migration.sql(&DIALECT)).await.map_err(explain)?;
        let sql = "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)";
        let checksum = migration.checksum();
        client.execute(sql, &[&migration.number, &migration.name, &checksum]).await.map_err(explain)?;
    }
    Ok(())
}
