//! Statements made once for each record: by primary key, shared by both stores except for the placeholders, and over
//! many rows, as PostgreSQL takes them.

use crate::value::{Column, Type};

/// The statements of a record's table.
pub struct Statements {
    pub(crate) select_by_key: String,
    pub(crate) insert: String,
    pub(crate) update: String,
    pub(crate) delete: String,
    pub(crate) many: Many,
}

/// Statements over many rows. Parameters are arrays, one for each column.
pub(crate) struct Many {
    /// Select rows in the order of their ids. `$1` is the client where it is part of the key, the last parameter the
    /// ids; a sharded PostgreSQL finds the shard by the client.
    pub(crate) read: String,
    /// As `read`, with PostgreSQL's version of the row as a last column.
    pub(crate) read_with_version: String,
    /// The key columns and the version.
    pub(crate) read_version: String,
    pub(crate) read_for_share: String,
    pub(crate) read_for_update: String,
    pub(crate) insert: String,
    /// The last parameter is the number of rows. The statement fails, with a division by zero, if it changed another
    /// number of rows.
    pub(crate) update: String,
    pub(crate) delete: String,
}

impl Statements {
    /// `keys` is the number of leading columns that form the primary key; `apart` is a column that PostgreSQL keeps in
    /// another table.
    pub(crate) fn of(table: &str, columns: &[Column], keys: usize, apart: Option<&str>) -> Statements {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let by_key = equal(&names[..keys], 1, " AND ");
        let sets = equal(&names[keys..], keys + 1, ", ");
        Statements {
            select_by_key: format!("SELECT {} FROM {table} WHERE {by_key}", names.join(", ")),
            insert: insert_into("INSERT", table, &names),
            update: format!("UPDATE {table} SET {sets} WHERE {by_key}"),
            delete: format!("DELETE FROM {table} WHERE {by_key}"),
            many: Many::of(table, columns, keys, apart),
        }
    }
}

impl Many {
    fn of(table: &str, columns: &[Column], keys: usize, apart: Option<&str>) -> Many {
        let columns: Vec<(&str, &str)> = columns.iter().map(|column| (column.name, array(column.kind))).collect();
        let (keys, rest) = columns.split_at(keys);
        let names = |columns: &[(&str, &str)], each: &dyn Fn(&str) -> String, between: &str| {
            columns.iter().map(|(name, _)| each(name)).collect::<Vec<_>>().join(between)
        };
        let plain = |columns: &[(&str, &str)]| names(columns, &str::to_owned, ", ");
        let id = keys.last().map_or("id", |(name, _)| name);
        let condition = match keys.len() {
            1 => format!("{id} = ANY($1::bytea[])"),
            _ => format!("client = $1::bytea AND {id} = ANY($2::bytea[])"),
        };
        let reading = |what: String| format!("SELECT {what} FROM {table} WHERE {condition} ORDER BY {id}");
        let read = reading(plain(&columns));
        let written: Vec<_> = columns.iter().copied().filter(|(name, _)| Some(*name) != apart).collect();
        let same_key = names(keys, &|name| format!("t.{name} = v.{name}"), " AND ");
        let sets = names(rest, &|name| format!("{name} = v.{name}"), ", ");
        Many {
            read_with_version: reading(format!("{}, xmin", plain(&columns))),
            read_version: reading(format!("{}, xmin", plain(keys))),
            read_for_share: format!("{read} FOR SHARE"),
            read_for_update: format!("{read} FOR UPDATE"),
            read,
            insert: format!("INSERT INTO {table} ({}) SELECT * FROM unnest({})", plain(&written), places(&written)),
            update: format!(
                "WITH changed AS (UPDATE {table} t SET {sets} FROM unnest({}) AS v({}) WHERE {same_key} RETURNING 1)
                 SELECT 1 / (count(*) = ${}::bigint)::int FROM changed",
                places(&columns),
                plain(&columns),
                columns.len() + 1
            ),
            delete: format!(
                "DELETE FROM {table} t USING unnest({}) AS v({}) WHERE {same_key}",
                places(keys),
                plain(keys)
            ),
        }
    }
}

fn array(kind: Type) -> &'static str {
    match kind {
        Type::Integer => "bigint[]",
        Type::Text => "text[]",
        Type::Bytes => "bytea[]",
    }
}

/// `$1::bigint[], $2::text[]`.
fn places(columns: &[(&str, &str)]) -> String {
    let places = columns.iter().zip(1..).map(|((_, kind), at)| format!("${at}::{kind}"));
    places.collect::<Vec<_>>().join(", ")
}

/// `a = ?1, b = ?2`, beginning with a number.
fn equal(names: &[&str], first: usize, separator: &str) -> String {
    let tests = names.iter().zip(first..).map(|(name, at)| format!("{name} = ?{at}"));
    tests.collect::<Vec<_>>().join(separator)
}

/// Inserts a row, or replaces the row with the same key (SQLite only).
pub(crate) fn put(table: &str, columns: &[&str]) -> String {
    insert_into("INSERT OR REPLACE", table, columns)
}

fn insert_into(verb: &str, table: &str, columns: &[&str]) -> String {
    let places: Vec<String> = (1..=columns.len()).map(|at| format!("?{at}")).collect();
    format!("{verb} INTO {table} ({}) VALUES ({})", columns.join(", "), places.join(", "))
}
