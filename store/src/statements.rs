//! Statements by primary key, shared by both stores except for the placeholders.

use crate::records::Stored;

fn names<R: Stored>() -> Vec<&'static str> {
    R::COLUMNS.iter().map(|column| column.name).collect()
}

fn by_key<R: Stored>() -> String {
    let tests = R::COLUMNS.iter().take(R::KEY_COLUMNS).zip(1..).map(|(column, at)| format!("{} = ?{at}", column.name));
    tests.collect::<Vec<_>>().join(" AND ")
}

pub(crate) fn select_by_key<R: Stored>() -> String {
    format!("SELECT {} FROM {} WHERE {}", names::<R>().join(", "), R::TABLE, by_key::<R>())
}

pub(crate) fn insert<R: Stored>() -> String {
    insert_into("INSERT", R::TABLE, &names::<R>())
}

/// Inserts a row, or replaces the row with the same key (SQLite only).
pub(crate) fn put(table: &str, columns: &[&str]) -> String {
    insert_into("INSERT OR REPLACE", table, columns)
}

fn insert_into(verb: &str, table: &str, columns: &[&str]) -> String {
    let places: Vec<String> = (1..=columns.len()).map(|at| format!("?{at}")).collect();
    format!("{verb} INTO {table} ({}) VALUES ({})", columns.join(", "), places.join(", "))
}

pub(crate) fn update<R: Stored>() -> String {
    let sets = R::COLUMNS.iter().zip(1..).skip(R::KEY_COLUMNS).map(|(column, at)| format!("{} = ?{at}", column.name));
    format!("UPDATE {} SET {} WHERE {}", R::TABLE, sets.collect::<Vec<_>>().join(", "), by_key::<R>())
}

pub(crate) fn delete<R: Stored>() -> String {
    format!("DELETE FROM {} WHERE {}", R::TABLE, by_key::<R>())
}
