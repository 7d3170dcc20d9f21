//! The read side: rows and lists for answers, without locks and without the engine.

use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use paygen_core::access::{ApiKey, ApiKeyHash, Client};
use paygen_core::clock::Clock;
use paygen_core::events::Event;
use paygen_core::ids::{
    AccountId, ApiKeyId, AuthorizationId, CardHolderId, CardId, ClientId, EntryId, Id, LedgerAccountId, ProgramId,
};
use paygen_core::ledger::{GENESIS, Hash, Line};
use paygen_core::messages::Links;
use paygen_core::record::{Key, KeyBytes};
use paygen_core::rotation::Sealed;
use paygen_core::time::Instant;

use crate::StoreError;
use crate::postgres;
use crate::query::{ListQuery, Page, Paging};
use crate::records::{Corrupt, Keyed, Row, Stored};
use crate::sealing::place_of;
use crate::sql::{Listed, fits};
use crate::sqlite;
use crate::turns::ReadTurns;
use crate::value::Value;

/// A card found by its number.
#[derive(Clone, Copy, Debug)]
pub struct NumberedCard {
    pub client: ClientId,
    pub card: CardId,
    pub expiry: (i64, i64),
    pub links: Links,
}

/// Reads from the database; clones share connections.
///
/// Reads that may take a while need a turn, and lists have turns of their own: the number of concurrent reads is
/// bounded, in total and for each client. On SQLite each read has a connection and a thread.
#[derive(Clone)]
pub struct Reader {
    backend: Backend,
}

/// How long a read other than a list waits for a turn.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<sqlite::Pool>),
    Postgres(postgres::Pool),
}

impl From<Corrupt> for StoreError {
    fn from(corrupt: Corrupt) -> StoreError {
        StoreError::CommandFault(corrupt.to_string())
    }
}

impl Reader {
    pub(crate) fn sqlite(pool: Arc<sqlite::Pool>) -> Reader {
        Reader { backend: Backend::Sqlite(pool) }
    }

    pub(crate) fn postgres(pool: postgres::Pool) -> Reader {
        Reader { backend: Backend::Postgres(pool) }
    }

    /// The query for the size of the database in bytes.
    pub(crate) fn size_statement(&self) -> &'static str {
        match &self.backend {
            Backend::Sqlite(_) => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            Backend::Postgres(_) => "SELECT pg_database_size(current_database())",
        }
    }

    fn turns(&self) -> &ReadTurns {
        match &self.backend {
            Backend::Sqlite(pool) => pool.turns(),
            Backend::Postgres(pool) => pool.turns(),
        }
    }

    /// Runs a query with the parameters `?1`… on behalf of a client, or of [`ClientId::INSTALLATION`] for the server
    /// itself.
    pub(crate) async fn rows(
        &self,
        client: ClientId,
        sql: String,
        params: Vec<Value>,
        columns: usize,
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        let turn = self.turns().reads.take(client, Stopwatch::now() + READ_TIMEOUT).await?;
        match &self.backend {
            Backend::Sqlite(pool) => {
                let pool = pool.clone();
                blocking(move || {
                    let _turn = turn;
                    pool.rows(&sql, &params, columns)
                })
                .await
            }
            Backend::Postgres(pool) => pool.rows(&sql, &params).await,
        }
    }

    pub(crate) async fn records<R: Stored>(
        &self,
        client: ClientId,
        rest: &str,
        params: Vec<Value>,
    ) -> Result<Vec<R>, StoreError> {
        self.records_from(R::SOURCE, client, rest, params).await
    }

    async fn records_from<R: Stored>(
        &self,
        source: &str,
        client: ClientId,
        rest: &str,
        params: Vec<Value>,
    ) -> Result<Vec<R>, StoreError> {
        let names: Vec<&str> = R::COLUMNS.iter().map(|column| column.name).collect();
        let sql = format!("SELECT {} FROM {source} {rest}", names.join(", "));
        let rows = self.rows(client, sql, params, R::COLUMNS.len()).await?;
        rows.into_iter().map(|values| Ok(R::read(&mut Row::of::<R>(values))?)).collect()
    }

    pub async fn get<R: Keyed>(&self, key: Key) -> Result<Option<R>, StoreError> {
        let row = match &self.backend {
            // It takes microseconds, less than moving it to another thread.
            Backend::Sqlite(pool) => pool.row::<R>(&key)?,
            Backend::Postgres(pool) => {
                pool.rows(&R::statements().select_by_key, &R::key_values(&key)).await?.into_iter().next()
            }
        };
        Ok(row.map(|values| R::read(&mut Row::of::<R>(values))).transpose()?)
    }

    pub async fn card_of_number(&self, fingerprint: &[u8; 32]) -> Result<Option<NumberedCard>, StoreError> {
        let sql = "SELECT f.client, f.card, c.card_holder, c.debit_account, c.funds, c.program, c.expiry_year,
                c.expiry_month
             FROM card_fingerprints f JOIN cards c ON c.client = f.client AND c.id = f.card WHERE f.fingerprint = ?1";
        let params = [Value::Bytes(fingerprint.to_vec())];
        let card = |row: Vec<Value>| {
            let id = |at: usize| match row.get(at)? {
                Value::Bytes(bytes) => Id::from_slice(bytes),
                _ => None,
            };
            let [Value::Integer(year), Value::Integer(month)] = row.get(6..)? else { return None };
            let (card_holder, account) = (CardHolderId(id(2)?), AccountId(id(3)?));
            let links = Links { card_holder, account, funds: LedgerAccountId(id(4)?), program: ProgramId(id(5)?) };
            Some(NumberedCard { client: ClientId(id(0)?), card: CardId(id(1)?), expiry: (*year, *month), links })
        };
        let first = |rows: Vec<Vec<Value>>| rows.into_iter().next().and_then(card);
        match &self.backend {
            Backend::Sqlite(pool) => pool.card_of_number(fingerprint, |pool| Ok(first(pool.rows(sql, &params, 8)?))),
            Backend::Postgres(pool) => Ok(first(pool.rows(sql, &params).await?)),
        }
    }

    /// The rows of several ids of a client; absent ones are left out.
    pub async fn get_many<R: Keyed>(&self, client: ClientId, ids: &[Id]) -> Result<Vec<R>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let id = R::COLUMNS[R::KEY_COLUMNS - 1].name;
        let places: Vec<String> = (2..ids.len() + 2).map(|at| format!("?{at}")).collect();
        let mut params = vec![Value::from(client.0)];
        params.extend(ids.iter().map(|id| Value::from(*id)));
        self.records(client, &format!("WHERE client = ?1 AND {id} IN ({})", places.join(", ")), params).await
    }

    pub async fn list<L: Listed>(&self, query: &ListQuery) -> Result<Page<L::Row>, StoreError> {
        if let Paging::After(Some(values)) = &query.paging
            && !fits(&query.order, L::ID, values)
        {
            return Err(StoreError::InvalidCursor);
        }
        // Waiting for a turn counts towards the list's time limit.
        let until = Stopwatch::now() + Duration::from_millis(u64::from(query.timeout_ms));
        let turn = self.turns().lists.take(query.client, until).await?;
        let left = until.saturating_duration_since(Stopwatch::now()).as_millis();
        let query = ListQuery { timeout_ms: u32::try_from(left).unwrap_or(u32::MAX).max(1), ..query.clone() };
        match &self.backend {
            Backend::Sqlite(pool) => {
                let pool = pool.clone();
                blocking(move || {
                    let _turn = turn;
                    pool.list::<L>(&query)
                })
                .await
            }
            Backend::Postgres(pool) => {
                let pool = pool.clone();
                // A task of its own: if the caller is cancelled, the query continues in the database and keeps its
                // turn.
                let listed = tokio::spawn(async move {
                    let _turn = turn;
                    pool.list::<L>(&query).await
                });
                listed.await.unwrap_or_else(|error| Err(StoreError::CommandFault(format!("a list failed: {error}"))))
            }
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.rows(ClientId::INSTALLATION, "SELECT count(*) FROM clock".to_owned(), Vec::new(), 1).await.map(|_| ())
    }

    pub async fn clock(&self) -> Result<Clock, StoreError> {
        Ok(self.get::<Clock>(Clock::singleton_key()).await?.unwrap_or_default())
    }

    /// Oldest first.
    pub async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.records(ClientId::INSTALLATION, "ORDER BY created_at, id", Vec::new()).await
    }

    /// The API key with this keyed hash, and its client.
    pub async fn find_api_key(&self, hash: &[u8; 32]) -> Result<Option<(ApiKey, Client)>, StoreError> {
        let key = Key { client: ClientId::INSTALLATION, id: KeyBytes::new(hash) };
        let Some(found) = self.get::<ApiKeyHash>(key).await? else { return Ok(None) };
        let Some(key) = self.get::<ApiKey>(Key::of(found.client, found.api_key.0)).await? else { return Ok(None) };
        let client = self.get::<Client>(Key::of(found.client, found.client.0)).await?;
        Ok(client.map(|client| (key, client)))
    }

    /// Oldest first.
    pub async fn api_keys(&self, client: ClientId) -> Result<Vec<ApiKey>, StoreError> {
        self.records(client, "WHERE client = ?1 ORDER BY created_at, id", vec![client.0.into()]).await
    }

    /// The number of a client's active API keys.
    pub async fn active_api_keys(&self, client: ClientId) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM api_keys WHERE client = ?1 AND status = 'active'";
        let rows = self.rows(client, sql.to_owned(), vec![client.0.into()], 1).await?;
        match rows.first().map(Vec::as_slice) {
            Some([Value::Integer(number)]) => Ok(*number),
            _ => Ok(0),
        }
    }

    pub async fn line(&self, client: ClientId, account: LedgerAccountId, seq: i64) -> Result<Option<Line>, StoreError> {
        Ok(self.lines(client, account, seq, seq).await?.into_iter().next())
    }

    /// Oldest first; both ends included.
    pub async fn lines(
        &self,
        client: ClientId,
        account: LedgerAccountId,
        from: i64,
        to: i64,
    ) -> Result<Vec<Line>, StoreError> {
        let params = vec![client.0.into(), account.0.into(), from.into(), to.into()];
        self.account_lines(client, "seq >= ?3 AND seq <= ?4 ORDER BY seq", params).await
    }

    /// Lines of the account `?2`, found through its look-ups.
    async fn account_lines(&self, client: ClientId, rest: &str, params: Vec<Value>) -> Result<Vec<Line>, StoreError> {
        let rest = format!("WHERE client = ?1 AND account = ?2 AND {rest}");
        self.records_from("account_lines", client, &rest, params).await
    }

    /// The last line at or before an instant. Times never decrease along a chain, so bisection finds it.
    pub async fn line_at(
        &self,
        client: ClientId,
        account: LedgerAccountId,
        at: Instant,
    ) -> Result<Option<Line>, StoreError> {
        let newest = "seq > 0 ORDER BY seq DESC LIMIT 1";
        let newest = self.account_lines(client, newest, vec![client.0.into(), account.0.into()]).await?;
        let Some(newest) = newest.into_iter().next() else { return Ok(None) };
        if newest.at <= at {
            return Ok(Some(newest));
        }
        let (mut before, mut after, mut found) = (0, newest.seq, None);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            match self.line(client, account, middle).await? {
                Some(line) if line.at <= at => (before, found) = (middle, Some(line)),
                _ => after = middle,
            }
        }
        Ok(found)
    }

    /// The amount that each authorization holds on a ledger account as of a line.
    pub async fn open_holds(
        &self,
        client: ClientId,
        account: LedgerAccountId,
        up_to: i64,
    ) -> Result<Vec<(AuthorizationId, i64)>, StoreError> {
        let sql = "SELECT authorization_id, CAST(sum(held_delta) AS bigint) FROM account_lines
             WHERE client = ?1 AND account = ?2 AND seq <= ?3 AND authorization_id IS NOT NULL
             GROUP BY authorization_id HAVING sum(held_delta) <> 0 ORDER BY authorization_id";
        let params = vec![client.0.into(), account.0.into(), up_to.into()];
        let rows = self.rows(client, sql.to_owned(), params, 2).await?;
        let read = |row: Vec<Value>| match row.as_slice() {
            [Value::Bytes(id), Value::Integer(held)] => Id::from_slice(id).map(|id| (AuthorizationId(id), *held)),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// In order of position.
    pub async fn events_after(&self, client: ClientId, position: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let rest = format!("WHERE client = ?1 AND position > ?2 ORDER BY position LIMIT {limit}");
        self.records(client, &rest, vec![client.0.into(), position.into()]).await
    }

    /// The event with the highest position.
    pub async fn newest_event(&self, client: ClientId) -> Result<Option<Event>, StoreError> {
        let rest = "WHERE client = ?1 AND position IS NOT NULL ORDER BY position DESC LIMIT 1";
        Ok(self.records(client, rest, vec![client.0.into()]).await?.into_iter().next())
    }

    /// The positions of the newest events of these clients, in a single statement on PostgreSQL.
    pub async fn newest_positions(&self, clients: &[ClientId]) -> Result<Vec<(ClientId, i64)>, StoreError> {
        match &self.backend {
            Backend::Sqlite(_) => {
                let mut found = Vec::new();
                for client in clients {
                    let newest = self.newest_event(*client).await?;
                    found.extend(newest.and_then(|event| Some((*client, event.position?))));
                }
                Ok(found)
            }
            Backend::Postgres(pool) => {
                let _turn = self.turns().reads.take(ClientId::INSTALLATION, Stopwatch::now() + READ_TIMEOUT).await?;
                pool.newest_positions(clients).await
            }
        }
    }

    /// A client's oldest events up to an instant, except its newest event, from which positions continue.
    pub async fn old_events(
        &self,
        client: ClientId,
        until: Instant,
        limit: u32,
    ) -> Result<Vec<(Key, i64)>, StoreError> {
        let mut oldest = self.events_after(client, 0, limit.saturating_add(1)).await?;
        oldest.pop();
        let old = oldest.iter().take_while(|event| event.created_at <= until);
        Ok(old.filter_map(|event| Some((Key::of(client, event.id.0), event.position?))).collect())
    }

    /// API keys that are due at an instant, most urgent first.
    pub async fn due_api_keys(
        &self,
        until: Instant,
        limit: u32,
    ) -> Result<Vec<(ClientId, ApiKeyId, Instant)>, StoreError> {
        let rest = format!("WHERE due_at IS NOT NULL AND due_at <= ?1 ORDER BY due_at, id LIMIT {limit}");
        let keys: Vec<ApiKey> = self.records(ClientId::INSTALLATION, &rest, vec![until.into()]).await?;
        Ok(keys.into_iter().filter_map(|key| Some((key.client, key.id, key.due_at?))).collect())
    }

    /// Authorizations whose hold is due at an instant, oldest first.
    pub async fn due_authorizations(
        &self,
        until: Instant,
        limit: u32,
    ) -> Result<Vec<(ClientId, AuthorizationId, Instant)>, StoreError> {
        let sql = format!(
            "SELECT client, id, due_at FROM authorizations WHERE due_at IS NOT NULL AND due_at <= ?1
             ORDER BY due_at, id LIMIT {limit}"
        );
        let rows = self.rows(ClientId::INSTALLATION, sql, vec![until.into()], 3).await?;
        let read = |row: Vec<Value>| match row.as_slice() {
            [Value::Bytes(client), Value::Bytes(id), Value::Integer(due)] => {
                let read = Id::from_slice;
                Some((ClientId(read(client)?), AuthorizationId(read(id)?), Instant::from_micros(*due)))
            }
            _ => None,
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Stored responses past their retention.
    pub async fn expired_idempotency(&self, wall: Instant, limit: u32) -> Result<Vec<Key>, StoreError> {
        self.keys_until("idempotency", "key_hash", "expires_at", wall, limit).await
    }

    pub async fn expired_tokens(&self, wall: Instant, limit: u32) -> Result<Vec<Key>, StoreError> {
        self.keys_until("tokens", "id", "expires_at", wall, limit).await
    }

    /// Reveal tokens past their retention.
    pub async fn expired_reveal_tokens(&self, before: Instant, limit: u32) -> Result<Vec<Key>, StoreError> {
        let sql = format!("SELECT hash FROM reveal_tokens WHERE expires_at <= ?1 ORDER BY expires_at LIMIT {limit}");
        let rows = self.rows(ClientId::INSTALLATION, sql, vec![before.into()], 1).await?;
        let read = |row: Vec<Value>| match row.as_slice() {
            [Value::Bytes(hash)] => Some(Key { client: ClientId::INSTALLATION, id: KeyBytes::new(hash) }),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Content sealed under one of these data keys, in key order after a row: the row and the sealed bytes.
    pub async fn sealed_under(
        &self,
        sealed: Sealed,
        keys: &[String],
        after: Option<Key>,
        limit: u32,
    ) -> Result<Vec<(Key, Vec<u8>)>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (table, id, column) = place_of(sealed);
        // Sealed content begins with a version byte and the eight characters of its key's id.
        let places: Vec<String> = (3..keys.len() + 3).map(|at| format!("?{at}")).collect();
        let sql = format!(
            "SELECT client, {id}, {column} FROM {table} WHERE (client, {id}) > (?1, ?2)
             AND substr({column}, 2, 8) IN ({}) ORDER BY client, {id} LIMIT {limit}",
            places.join(", ")
        );
        let (client, id) =
            after.map_or((vec![0; 12], Vec::new()), |key| (key.client.0.bytes().to_vec(), key.id.as_slice().to_vec()));
        let mut params = vec![Value::Bytes(client), Value::Bytes(id)];
        params.extend(keys.iter().map(|key| Value::Bytes(key.as_bytes().to_vec())));
        let rows = self.rows(ClientId::INSTALLATION, sql, params, 3).await?;
        let read = |row: Vec<Value>| match <[Value; 3]>::try_from(row) {
            Ok([Value::Bytes(client), Value::Bytes(id), Value::Bytes(content)]) => {
                let client = ClientId(Id::from_slice(&client)?);
                Some((Key { client, id: KeyBytes::new(&id) }, content))
            }
            _ => None,
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// How many values are sealed under one of these data keys.
    pub async fn count_sealed_under(&self, sealed: Sealed, keys: &[String]) -> Result<u64, StoreError> {
        if keys.is_empty() {
            return Ok(0);
        }
        let (table, _, column) = place_of(sealed);
        let places: Vec<String> = (1..=keys.len()).map(|at| format!("?{at}")).collect();
        let sql = format!("SELECT count(*) FROM {table} WHERE substr({column}, 2, 8) IN ({})", places.join(", "));
        let params = keys.iter().map(|key| Value::Bytes(key.as_bytes().to_vec())).collect();
        let rows = self.rows(ClientId::INSTALLATION, sql, params, 1).await?;
        match rows.first().map(Vec::as_slice) {
            Some([Value::Integer(count)]) => Ok(u64::try_from(*count).unwrap_or(0)),
            _ => Ok(0),
        }
    }

    /// The keys of rows whose time in a column is at or before an instant, oldest first.
    pub(crate) async fn keys_until(
        &self,
        table: &str,
        id: &str,
        time: &str,
        until: Instant,
        limit: u32,
    ) -> Result<Vec<Key>, StoreError> {
        let sql = format!("SELECT client, {id} FROM {table} WHERE {time} <= ?1 ORDER BY {time} LIMIT {limit}");
        let rows = self.rows(ClientId::INSTALLATION, sql, vec![until.into()], 2).await?;
        let read = |row: Vec<Value>| match row.as_slice() {
            [Value::Bytes(client), Value::Bytes(id)] => {
                let client = ClientId(Id::from_slice(client)?);
                Some(Key { client, id: KeyBytes::new(id) })
            }
            _ => None,
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Rows of a table in key order after a key, for reading a whole table in bounded steps.
    pub(crate) async fn scan<R: Stored>(&self, after: Option<Vec<Value>>, limit: u32) -> Result<Vec<R>, StoreError> {
        let names: Vec<&str> = R::COLUMNS.iter().take(R::KEY_COLUMNS).map(|column| column.name).collect();
        let key = names.join(", ");
        let (condition, params) = match after {
            Some(values) => {
                let places: Vec<String> = (1..=R::KEY_COLUMNS).map(|at| format!("?{at}")).collect();
                (format!("WHERE ({key}) > ({})", places.join(", ")), values)
            }
            None => (String::new(), Vec::new()),
        };
        self.records(ClientId::INSTALLATION, &format!("{condition} ORDER BY {key} LIMIT {limit}"), params).await
    }

    /// Oldest first, each with the stored digest of its entry.
    pub(crate) async fn lines_with_digests(
        &self,
        client: ClientId,
        account: LedgerAccountId,
        from: i64,
        to: i64,
    ) -> Result<Vec<(Line, Hash)>, StoreError> {
        let columns: Vec<String> = Line::COLUMNS.iter().map(|column| format!("l.{}", column.name)).collect();
        let sql = format!(
            "SELECT {}, e.digest FROM account_lines l
             LEFT JOIN ledger_entries e ON e.client = l.client AND e.id = l.entry
             WHERE l.client = ?1 AND l.account = ?2 AND l.seq >= ?3 AND l.seq <= ?4 ORDER BY l.seq",
            columns.join(", ")
        );
        let params = vec![client.0.into(), account.0.into(), from.into(), to.into()];
        let rows = self.rows(ClientId::INSTALLATION, sql, params, Line::COLUMNS.len() + 1).await?;
        let read = |mut values: Vec<Value>| {
            let digest = match values.pop() {
                Some(Value::Bytes(digest)) => digest.try_into().unwrap_or(GENESIS),
                // A line without an entry: no digest matches, so the verifier reports the chain as broken here.
                _ => GENESIS,
            };
            Ok((Line::read(&mut Row::of::<Line>(values))?, digest))
        };
        rows.into_iter().map(read).collect()
    }

    /// The records of a client's entries in a range, both ends included.
    pub(crate) async fn of_entries<R: Stored>(
        &self,
        client: ClientId,
        from: EntryId,
        to: EntryId,
    ) -> Result<Vec<R>, StoreError> {
        let params = vec![client.0.into(), from.0.into(), to.0.into()];
        self.records(ClientId::INSTALLATION, "WHERE client = ?1 AND entry >= ?2 AND entry <= ?3", params).await
    }
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|error| Err(StoreError::CommandFault(format!("a read failed: {error}"))))
}
