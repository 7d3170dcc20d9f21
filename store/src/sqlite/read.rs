//! The read side: a pool of connections, used on blocking threads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use paygen_core::ids::{ClientId, Id};
use paygen_core::record::Key;
use rusqlite::{Connection, params_from_iter};

use super::connection::{explain, open_to_read, values};
use super::write_back::WriteBack;
use super::writer::Writer;
use super::{flusher, journal};
use crate::query::{ColumnKind, ListColumn, ListQuery, Operand, Page, Paging, Test};
use crate::records::Keyed;
use crate::sql::{Builder, Listed, Spelling, goes_by_other, with_id};
use crate::totals::{Found, Totals};
use crate::turns::ReadTurns;
use crate::value::Value;
use crate::{NumberedCard, StoreError};

/// Reading connections, opened on demand and kept: SQLite closes a file only with the last connection to it, so closing
/// one would free nothing. Turns bound their number.
pub(crate) struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// How many idle connections are kept.
    kept: usize,
    /// The writer, if this process has it.
    writer: Option<Arc<Writer>>,
    turns: ReadTurns,
    totals: Totals,
}

/// Single rows are read on the runtime's own threads, and each needs a connection.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from) + 2
}

/// How often a page is read while rows are being flushed, before a full flush is forced.
const MAX_LIST_ATTEMPTS: usize = 5;

impl Pool {
    pub(super) fn new(path: &Path, writer: Option<Arc<Writer>>) -> Pool {
        let turns = ReadTurns::default();
        let kept = turns.most() + threads();
        Pool { path: path.to_owned(), idle: Mutex::default(), kept, writer, turns, totals: Totals::default() }
    }

    pub(crate) fn turns(&self) -> &ReadTurns {
        &self.turns
    }

    /// Runs a query with the parameters `?1`….
    pub(crate) fn rows(&self, sql: &str, params: &[Value], columns: usize) -> Result<Vec<Vec<Value>>, StoreError> {
        match of_one_account(sql, params) {
            Some((client, account)) => self.flush_look_ups(journal::LINES, client, account)?,
            None => self.flush_for(sql)?,
        }
        self.with(|connection| match self.writer {
            None if journal::names_look_ups(sql) => beside_a_server(connection, sql, params, columns),
            _ => rows(connection, sql, params, columns),
        })
    }

    /// The card of a number, from memory or as `read` finds it.
    pub(crate) fn card_of_number(
        &self,
        fingerprint: &[u8; 32],
        read: impl FnOnce(&Pool) -> Result<Option<NumberedCard>, StoreError>,
    ) -> Result<Option<NumberedCard>, StoreError> {
        match &self.writer {
            Some(writer) => writer.numbers.find(fingerprint, || read(self)),
            None => read(self),
        }
    }

    pub(crate) fn row<R: Keyed>(&self, key: &Key) -> Result<Option<Vec<Value>>, StoreError> {
        if let Some((place, writer)) = journal::index_of::<R>().zip(self.writer.as_ref())
            && let Some(pending) = writer.write_back.find(place, key)
        {
            return Ok(Some(pending));
        }
        let columns = R::COLUMNS.len();
        let found =
            self.with(|connection| rows(connection, &R::statements().select_by_key, &R::key_values(key), columns));
        Ok(found?.into_iter().next())
    }

    /// Runs a list query within its time limit.
    pub(crate) fn list<L: Listed>(&self, query: &ListQuery) -> Result<Page<L::Row>, StoreError> {
        if let Some(writer) = self.writer.as_ref().filter(|_| L::SHOWS_BALANCE && !goes_by_other::<L>(query)) {
            for _ in 0..MAX_LIST_ATTEMPTS {
                let newer = Newer { write_back: Some(&writer.write_back), flushes: writer.write_back.flushes() };
                if let Some(page) = self.with(|connection| list::<L>(connection, &self.totals, query, &newer))? {
                    return Ok(page);
                }
            }
        }
        self.flush_for_list::<L>(query)?;
        let nothing = Newer { write_back: None, flushes: 0 };
        let page = self.with(|connection| list::<L>(connection, &self.totals, query, &nothing))?;
        page.ok_or_else(|| StoreError::CommandFault("a page was overtaken by nothing".to_owned()))
    }

    /// Flushes the cache if the list reads a cached table: only if what it looks up is pending, where that is known.
    fn flush_for_list<L: Listed>(&self, query: &ListQuery) -> Result<(), StoreError> {
        let wanted = |column: fn(&ListColumn) -> bool| {
            query.filters.iter().find_map(|filter| match &filter.test {
                Test::Eq(Operand::Value(Value::Bytes(id))) if column(&filter.column) => Some(id.as_slice()),
                _ => None,
            })
        };
        let looks_up = |column: &ListColumn| column.look_up.is_some();
        if query.conditions_on().any(|column| looks_up(&column)) {
            match wanted(looks_up) {
                Some(card) => self.flush_look_ups(journal::AUTHORIZATIONS, query.client, card)?,
                None => self.flush_for(journal::AUTHORIZATION_LOOK_UPS)?,
            }
        }
        match wanted(|column| column.sql == "l.account").filter(|_| journal::names_look_ups(L::FROM)) {
            Some(account) => self.flush_look_ups(journal::LINES, query.client, account),
            None => self.flush_for(L::FROM),
        }
    }

    /// Flushes the cache if a look-up of this account or card is pending.
    fn flush_look_ups(&self, index: usize, client: ClientId, of: &[u8]) -> Result<(), StoreError> {
        match &self.writer {
            Some(writer) if writer.write_back.has_look_ups(index, client, of) => {
                flusher::flush_all(writer, Duration::ZERO)
            }
            _ => Ok(()),
        }
    }

    /// Flushes the cache if the statement reads a cached table.
    fn flush_for(&self, sql: &str) -> Result<(), StoreError> {
        match &self.writer {
            // Commits in progress have not been acknowledged, so a reader need not see them.
            Some(writer) if journal::names_cached_table(sql) && writer.write_back.count_pending() > 0 => {
                flusher::flush_all(writer, Duration::ZERO)
            }
            _ => Ok(()),
        }
    }

    /// Runs a read on a connection of the pool.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&mut Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(writer) = &self.writer {
            writer.check()?;
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open_to_read(&self.path)?,
        };
        let result = read(&mut connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.kept {
            idle.push(connection);
        }
        result
    }
}

pub(crate) struct SqliteSpelling;

impl Spelling for SqliteSpelling {
    const LOOKS_UP: bool = true;

    fn placeholder(&self, number: usize, _kind: ColumnKind) -> String {
        format!("?{number}")
    }

    fn real(&self, expression: &str) -> String {
        format!("CAST({expression} AS REAL)")
    }

    fn contains(&self, column: &str, placeholder: &str) -> String {
        format!("instr(paygen_lower({column}), {placeholder}) > 0")
    }

    fn no_bytes(&self) -> &'static str {
        "x''"
    }
}

/// The client and account of a statement that reads the lines of one account.
fn of_one_account<'a>(sql: &str, params: &'a [Value]) -> Option<(ClientId, &'a [u8])> {
    let [Value::Bytes(client), Value::Bytes(account), ..] = params else { return None };
    let is_one = journal::names_look_ups(sql) && sql.contains("client = ?1 AND") && sql.contains("account = ?2 ");
    Id::from_slice(client).filter(|_| is_one).map(|client| (ClientId(client), account.as_slice()))
}

/// Runs a query with the parameters `?1`….
fn rows(connection: &Connection, sql: &str, params: &[Value], columns: usize) -> Result<Vec<Vec<Value>>, StoreError> {
    let run = || -> rusqlite::Result<Vec<Vec<Value>>> {
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map(params_from_iter(params), |row| values(row, 0, columns))?;
        rows.collect()
    };
    run().map_err(|error| explain(&error))
}

/// As [`rows`], with the look-ups that a running server has not flushed.
fn beside_a_server(
    connection: &mut Connection,
    sql: &str,
    params: &[Value],
    columns: usize,
) -> Result<Vec<Vec<Value>>, StoreError> {
    let explain = |error| explain(&error);
    connection.pragma_update(None, "query_only", false).map_err(explain)?;
    let run = || -> Result<Vec<Vec<Value>>, StoreError> {
        let transaction = connection.unchecked_transaction().map_err(explain)?;
        journal::show_look_ups(&transaction).map_err(explain)?;
        let found = rows(&transaction, sql, params, columns)?;
        transaction.commit().map_err(explain)?;
        Ok(found)
    };
    let found = run();
    connection.pragma_update(None, "query_only", true).map_err(explain)?;
    found
}

/// The write-back cache while a page is read.
struct Newer<'a> {
    write_back: Option<&'a WriteBack>,
    /// The number of flushes before the read.
    flushes: u64,
}

impl Newer<'_> {
    fn balance(&self, key: &Key) -> Option<Vec<Value>> {
        self.write_back?.find(journal::BALANCES, key)
    }

    /// Whether rows were flushed in the meantime: these are neither in what was read nor in the cache.
    fn was_overtaken(&self) -> bool {
        self.write_back.is_some_and(|write_back| write_back.flushes() != self.flushes)
    }
}

/// `None` if rows were flushed in the meantime.
fn list<L: Listed>(
    connection: &mut Connection,
    totals: &Totals,
    query: &ListQuery,
    newer: &Newer<'_>,
) -> Result<Option<Page<L::Row>>, StoreError> {
    let deadline = Instant::now() + Duration::from_millis(u64::from(query.timeout_ms));
    let over = move || Instant::now() >= deadline;
    connection.progress_handler(10_000, Some(over)).map_err(|error| explain(&error))?;
    let page = list_within_time::<L>(connection, totals, query, newer);
    connection.progress_handler(0, None::<fn() -> bool>).map_err(|error| explain(&error))?;
    page
}

fn list_within_time<L: Listed>(
    connection: &Connection,
    totals: &Totals,
    query: &ListQuery,
    newer: &Newer<'_>,
) -> Result<Option<Page<L::Row>>, StoreError> {
    let transaction = connection.unchecked_transaction().map_err(|error| explain(&error))?;
    let statement = Builder::new(&SqliteSpelling).page::<L>(query);
    let keys = with_id(&query.order, L::ID).len();
    let found = rows(&transaction, &statement.text, &statement.params, L::columns().1 + keys)?;
    let page = crate::page::<L>(found, query, None, &|key| newer.balance(key));
    if newer.was_overtaken() {
        return Ok(None);
    }
    let mut page = page?;
    if let Paging::Page { .. } = query.paging {
        let statement = Builder::new(&SqliteSpelling).count::<L>(query);
        page.total = match totals.find(&statement) {
            Found::Total(total) => Some(total),
            Found::ToCount(now) => {
                totals.note(&statement, now, &rows(&transaction, &statement.text, &statement.params, 1)?)
            }
        };
    }
    Ok(Some(page))
}
