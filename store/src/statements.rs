//! Statements by primary key, made once for each record and shared by both stores except for the placeholders.

/// The statements of a record's table.
pub struct Statements {
    pub(crate) select_by_key: String,
    pub(crate) insert: String,
    pub(crate) update: String,
    pub(crate) delete: String,
}

impl Statements {
    /// `keys` is the number of leading columns that form the primary key.
    pub(crate) fn of(table: &str, columns: &[&str], keys: usize) -> Statements {
        let by_key = equal(&columns[..keys], 1, " AND ");
        let sets = equal(&columns[keys..], keys + 1, ", ");
        Statements {
            select_by_key: format!("SELECT {} FROM {table} WHERE {by_key}", columns.join(", ")),
            insert: insert_into("INSERT", table, columns),
            update: format!("UPDATE {table} SET {sets} WHERE {by_key}"),
            delete: format!("DELETE FROM {table} WHERE {by_key}"),
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
