//! The journal: a commit's changes to cached tables, as one row written in the same transaction.
//!
//! A journal row has a section for each table, with its name, the names of its columns, and complete rows. It can
//! therefore be replayed by a later version with another order of columns, and more than once: the last row of a key
//! wins.

use paygen_core::ledger::Balance;
use paygen_core::limits::Counters;
use paygen_core::messages::NetworkReference;
use rusqlite::{Connection, params_from_iter};

use super::look_ups::{AuthorizationLookUp, LineLookUp};
use crate::records::{Keyed, Stored};
use crate::statements::put;
use crate::value::{Param, Value};

/// A table of the write-back cache.
pub(super) struct WriteBackTable {
    pub(super) columns: usize,
    pub(super) put: String,
    pub(super) delete: &'static str,
    header: Vec<u8>,
}

impl WriteBackTable {
    fn of<R: Stored>() -> WriteBackTable {
        let columns: Vec<&str> = R::COLUMNS.iter().map(|column| column.name).collect();
        let mut header = Vec::new();
        put_bytes(&mut header, R::TABLE.as_bytes());
        put_bytes(&mut header, columns.join(",").as_bytes());
        WriteBackTable { columns: columns.len(), put: put(R::TABLE, &columns), delete: &R::statements().delete, header }
    }
}

/// The number of cached tables.
pub(super) const TABLES: usize = 5;

/// The tables, at the indexes given by [`index_of`].
pub(super) fn tables() -> [WriteBackTable; TABLES] {
    [
        WriteBackTable::of::<Balance>(),
        WriteBackTable::of::<Counters>(),
        WriteBackTable::of::<NetworkReference>(),
        WriteBackTable::of::<LineLookUp>(),
        WriteBackTable::of::<AuthorizationLookUp>(),
    ]
}

/// The index of balances.
pub(super) const BALANCES: usize = 0;

/// The index of look-ups of lines.
pub(super) const LINES: usize = 3;

/// The index of look-ups of authorizations.
pub(super) const AUTHORIZATIONS: usize = 4;

/// The names of the tables, by index.
const NAMES: [&str; TABLES] =
    [Balance::TABLE, Counters::TABLE, NetworkReference::TABLE, LineLookUp::TABLE, AuthorizationLookUp::TABLE];

/// The table of look-ups of authorizations.
pub(super) const AUTHORIZATION_LOOK_UPS: &str = AuthorizationLookUp::TABLE;

/// The view of lines by account. It reads a cached table.
const ACCOUNT_LINES: &str = "account_lines";

/// The index of a record's table, if it is cached.
pub(super) fn index_of<R: Keyed>() -> Option<usize> {
    NAMES.iter().position(|name| *name == R::TABLE)
}

/// Whether a statement reads look-ups.
pub(super) fn names_look_ups(sql: &str) -> bool {
    [ACCOUNT_LINES, AuthorizationLookUp::TABLE].iter().any(|name| sql.contains(name))
}

/// Whether a statement names a cached table.
pub(super) fn names_cached_table(sql: &str) -> bool {
    NAMES.iter().chain([&ACCOUNT_LINES]).any(|name| sql.contains(name))
}

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const TEXT: u8 = 2;
const BYTES: u8 = 3;

fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    into.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    into.extend_from_slice(bytes);
}

fn put_typed(into: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    into.push(kind);
    put_bytes(into, bytes);
}

/// Encodes a row's values.
pub(super) fn encode(values: &[Param<'_>]) -> Box<[u8]> {
    let mut into = Vec::with_capacity(values.len() * 12);
    for value in values {
        match value {
            Param::Null => into.push(NULL),
            Param::Integer(value) => {
                into.push(INTEGER);
                into.extend_from_slice(&value.to_le_bytes());
            }
            Param::Text(text) => put_typed(&mut into, TEXT, text.as_bytes()),
            Param::Bytes(bytes) => put_typed(&mut into, BYTES, bytes),
            Param::Id(id) => put_typed(&mut into, BYTES, id.bytes()),
        }
    }
    into.into_boxed_slice()
}

/// Decodes a row with this number of columns; `None` if the bytes are not one.
pub(super) fn decode(bytes: &[u8], columns: usize) -> Option<Vec<Value>> {
    let mut from = Reading(bytes);
    from.values(columns)
}

struct Reading<'a>(&'a [u8]);

impl<'a> Reading<'a> {
    fn take<const SIZE: usize>(&mut self) -> Option<[u8; SIZE]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.take()?)).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        let (first, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(first)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn values(&mut self, count: usize) -> Option<Vec<Value>> {
        let value = |_| {
            Some(match self.take()? {
                [NULL] => Value::Null,
                [INTEGER] => Value::Integer(i64::from_le_bytes(self.take()?)),
                [TEXT] => Value::Text(self.text()?.to_owned()),
                [BYTES] => Value::Bytes(self.bytes()?.to_vec()),
                _ => return None,
            })
        };
        (0..count).map(value).collect()
    }
}

/// Encodes a journal row from encoded rows of each table.
pub(super) fn entry(tables: &[WriteBackTable; TABLES], rows: [Vec<&[u8]>; TABLES], into: &mut Vec<u8>) {
    into.clear();
    for (table, rows) in tables.iter().zip(rows).filter(|(_, rows)| !rows.is_empty()) {
        into.extend_from_slice(&table.header);
        into.extend_from_slice(&u32::try_from(rows.len()).unwrap_or(u32::MAX).to_le_bytes());
        rows.iter().for_each(|row| into.extend_from_slice(row));
    }
}

/// Creates the journal if it is missing, and applies it to the tables, as after a crash.
pub(super) fn replay(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS journal (id INTEGER PRIMARY KEY, rows BLOB NOT NULL) STRICT")?;
    each_row(connection, |table, columns, values| {
        connection.prepare_cached(&put(table, columns))?.execute(params_from_iter(values)).map(|_| ())
    })?;
    connection.execute("DELETE FROM journal", []).map(|_| ())
}

/// The balances in the journal, the newest of each account last. For readers beside a running server.
pub(super) fn balances(connection: &Connection) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut found = Vec::new();
    each_row(connection, |table, columns, values| {
        let here = Balance::COLUMNS.iter().map(|column| column.name);
        if table == Balance::TABLE && here.eq(columns.iter().copied()) {
            found.push(values);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Makes the look-ups in the journal visible to this connection: temporary objects shadow the view of lines by account
/// and the look-ups of authorizations. For readers beside a running server, in their transaction.
///
/// A look-up never changes and is never deleted, so those that were seen stay, and one that was flushed meanwhile is
/// left out.
pub(super) fn show_look_ups(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(SHADOWS)?;
    let seen: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM temp.seen_journal", [], |row| row.get(0))?;
    let mut line = connection.prepare_cached("INSERT OR IGNORE INTO temp.pending_lines VALUES (?1, ?2, ?3, ?4)")?;
    let mut authorization =
        connection.prepare_cached("INSERT OR IGNORE INTO temp.pending_authorizations VALUES (?1, ?2, ?3)")?;
    each_row_after(connection, seen, |table, _, values| match table {
        LineLookUp::TABLE => line.execute(params_from_iter(values)).map(|_| ()),
        AuthorizationLookUp::TABLE => authorization.execute(params_from_iter(values)).map(|_| ()),
        _ => Ok(()),
    })?;
    connection
        .execute("INSERT INTO temp.seen_journal SELECT max(id) FROM journal HAVING max(id) IS NOT NULL", [])
        .map(|_| ())
}

const SHADOWS: &str = "
    CREATE TEMP TABLE IF NOT EXISTS seen_journal (id INTEGER NOT NULL);
    CREATE TEMP TABLE IF NOT EXISTS pending_lines (client BLOB, account BLOB, seq INTEGER, entry BLOB,
        PRIMARY KEY (client, account, seq)) WITHOUT ROWID;
    CREATE TEMP TABLE IF NOT EXISTS pending_authorizations (client BLOB, card BLOB, id BLOB,
        PRIMARY KEY (client, card, id)) WITHOUT ROWID;
    CREATE TEMP VIEW IF NOT EXISTS account_lines AS
        SELECT * FROM main.account_lines
        UNION ALL
        SELECT k.client, k.account, k.seq, k.entry, l.kind, l.authorization_id, l.currency, l.exponent, l.delta,
            l.held_delta, l.ledger_after, l.held_after, l.credit_limit, l.forced, l.at, l.hash
        FROM pending_lines k
        JOIN main.ledger_lines l ON l.client = k.client AND l.entry = k.entry AND l.account = k.account AND l.seq = k.seq
        WHERE NOT EXISTS (SELECT 1 FROM main.line_look_ups m
            WHERE m.client = k.client AND m.account = k.account AND m.seq = k.seq);
    CREATE TEMP VIEW IF NOT EXISTS authorization_look_ups AS
        SELECT client, card, id FROM main.authorization_look_ups
        UNION ALL
        SELECT k.client, k.card, k.id FROM pending_authorizations k
        WHERE NOT EXISTS (SELECT 1 FROM main.authorization_look_ups m
            WHERE m.client = k.client AND m.card = k.card AND m.id = k.id);";

fn each_row(
    connection: &Connection,
    take: impl FnMut(&str, &[&str], Vec<Value>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    each_row_after(connection, i64::MIN, take)
}

fn each_row_after(
    connection: &Connection,
    after: i64,
    mut take: impl FnMut(&str, &[&str], Vec<Value>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("SELECT rows FROM journal WHERE id > ?1 ORDER BY id")?;
    let mut entries = statement.query([after])?;
    while let Some(entry) = entries.next()? {
        let mut from = Reading(entry.get_ref(0)?.as_blob()?);
        while !from.0.is_empty() {
            let torn = || rusqlite::Error::InvalidColumnName("the journal does not read as it should".to_owned());
            let (table, names) = (from.text().ok_or_else(torn)?, from.text().ok_or_else(torn)?);
            let columns: Vec<&str> = names.split(',').collect();
            for _ in 0..from.number().ok_or_else(torn)? {
                take(table, &columns, from.values(columns.len()).ok_or_else(torn)?)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use paygen_core::ids::Id;

    use super::{Param, TABLES, Value, decode, encode, entry, replay, tables};

    #[test]
    fn rows_come_back_as_they_were_and_torn_ones_do_not() {
        let values = [
            Param::Null,
            Param::Integer(i64::MIN),
            Param::from("é\0"),
            Param::from(vec![0, 255]),
            Param::from(""),
            Param::Id(Id::from_bytes([7; 12])),
        ];
        let bytes = encode(&values);
        let read: Vec<Value> = values.iter().cloned().map(Param::into_value).collect();
        assert_eq!(decode(&bytes, values.len()), Some(read));
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end], values.len()), None, "cut at {end}");
        }
    }

    #[test]
    fn the_last_row_of_a_key_wins_whatever_the_order_of_columns_was() {
        let connection = rusqlite::Connection::open_in_memory().expect("a database");
        replay(&connection).expect("an empty journal");
        connection
            .execute_batch(
                "CREATE TABLE network_references (object BLOB, kind TEXT, hash BLOB, client BLOB,
                 PRIMARY KEY (client, hash))",
            )
            .expect("a table");
        let tables = tables();
        for object in [1, 2] {
            let row = encode(&[vec![7].into(), vec![8].into(), "posting".into(), vec![object].into()]);
            let mut rows: [Vec<&[u8]>; TABLES] = Default::default();
            rows[2].push(&row);
            let mut written = Vec::new();
            entry(&tables, rows, &mut written);
            connection.execute("INSERT INTO journal (rows) VALUES (?1)", [written]).expect("a journal row");
        }
        replay(&connection).expect("it is replayed");
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?));
        let found = connection.query_row("SELECT client, object FROM network_references", [], read);
        assert_eq!(found.expect("one row"), (vec![7], vec![2]));
        let left: i64 = connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).expect("a count");
        assert_eq!(left, 0);
    }
}
