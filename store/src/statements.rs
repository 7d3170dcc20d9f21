//! Statements by primary key, made once for each record and shared by both stores except for the placeholders.

use crate::records::Stored;

/// The statements of a record's table.
pub struct Statements {
    pub(crate) select_by_key: String,
    pub(crate) insert: String,
    pub(crate) update: String,
    pub(crate) delete: String,
}

impl Statements {
    pub(crate) fn of<R: Stored>() -> Statements {
        let names: Vec<&str> = R::COLUMNS.iter().map(|column| column.name).collect();
        let by_key = equal(&names[..R::KEY_COLUMNS], 1, " AND ");
        let sets = equal(&names[R::KEY_COLUMNS..], R::KEY_COLUMNS + 1, ", ");
        Statements {
            select_by_key: format!("SELECT {} FROM {} WHERE {by_key}", names.join(", "), R::TABLE),
            insert: insert_into("INSERT", R::TABLE, &names),
            update: format!("UPDATE {} SET {sets} WHERE {by_key}", R::TABLE),
            delete: format!("DELETE FROM {} WHERE {by_key}", R::TABLE),
        }
    }
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
