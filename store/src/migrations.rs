//! Numbered migrations. Their text is shared by both stores; each runs them in its own way.

#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    text: &'static str,
}

/// All migrations, in order.
pub(crate) const ALL: &[Migration] = &[
    Migration { number: 1, name: "0001_foundations", text: include_str!("../migrations/0001_foundations.sql") },
    Migration { number: 2, name: "0002_cards", text: include_str!("../migrations/0002_cards.sql") },
    Migration { number: 3, name: "0003_authorizations", text: include_str!("../migrations/0003_authorizations.sql") },
    Migration {
        number: 4,
        name: "0004_transaction_pins",
        text: include_str!("../migrations/0004_transaction_pins.sql"),
    },
    Migration { number: 5, name: "0005_webhooks", text: include_str!("../migrations/0005_webhooks.sql") },
    Migration {
        number: 6,
        name: "0006_network_messages",
        text: include_str!("../migrations/0006_network_messages.sql"),
    },
    Migration { number: 7, name: "0007_installation", text: include_str!("../migrations/0007_installation.sql") },
    Migration { number: 8, name: "0008_wrong_tries", text: include_str!("../migrations/0008_wrong_tries.sql") },
    Migration { number: 9, name: "0009_appended_lines", text: include_str!("../migrations/0009_appended_lines.sql") },
    Migration {
        number: 10,
        name: "0010_event_positions",
        text: include_str!("../migrations/0010_event_positions.sql"),
    },
    Migration { number: 11, name: "0011_programs", text: include_str!("../migrations/0011_programs.sql") },
    Migration { number: 12, name: "0012_responders", text: include_str!("../migrations/0012_responders.sql") },
    Migration {
        number: 13,
        name: "0013_streamed_questions",
        text: include_str!("../migrations/0013_streamed_questions.sql"),
    },
    Migration { number: 14, name: "0014_people", text: include_str!("../migrations/0014_people.sql") },
    Migration { number: 15, name: "0015_approvals", text: include_str!("../migrations/0015_approvals.sql") },
    Migration { number: 16, name: "0016_card_search", text: include_str!("../migrations/0016_card_search.sql") },
];

/// The names of types and table options in a store's SQL dialect.
pub(crate) struct Dialect {
    /// The line `--@` with this name begins a part of a migration that is only for this store.
    pub(crate) name: &'static str,
    pub(crate) int: &'static str,
    pub(crate) text: &'static str,
    pub(crate) bytes: &'static str,
    pub(crate) table_options: &'static str,
    /// For tables with long rows, or with random keys.
    pub(crate) long_rows: &'static str,
}

impl Migration {
    /// The SQL for a store.
    pub(crate) fn sql(&self, dialect: &Dialect) -> String {
        let lines: Vec<&str> = self.lines(dialect.name).collect();
        lines
            .join("\n")
            .replace("@table_options", dialect.table_options)
            .replace("@long_rows", dialect.long_rows)
            .replace("@int", dialect.int)
            .replace("@text", dialect.text)
            .replace("@bytes", dialect.bytes)
    }

    /// The lines of the text that are for a store.
    fn lines(&self, dialect: &str) -> impl Iterator<Item = &'static str> {
        let mut only = None;
        self.text.lines().filter(move |line| {
            if let Some(name) = line.strip_prefix("--@") {
                only = Some(name);
            }
            only.is_none_or(|name| name == dialect)
        })
    }

    /// SHA-256 of the text, as hex. An applied migration must not change.
    pub(crate) fn checksum(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.text.as_bytes());
        paygen_core::hash::hex(digest.as_ref())
    }
}

/// The number of the last one.
pub(crate) fn newest() -> i64 {
    ALL.last().map_or(0, |migration| migration.number)
}

/// The pending migrations, given the applied ones (number and checksum, in order).
pub(crate) fn pending(applied: &[(i64, String)]) -> Result<&'static [Migration], String> {
    for (number, checksum) in applied {
        match ALL.iter().find(|migration| migration.number == *number) {
            None => {
                return Err(format!(
                    "the database has schema {number}, this binary knows up to {}. Run a newer paygen.",
                    newest()
                ));
            }
            Some(migration) if migration.checksum() != *checksum => {
                return Err(format!(
                    "the migration {} was applied with another text than this binary has",
                    migration.name
                ));
            }
            Some(_) => {}
        }
    }
    Ok(&ALL[applied.len().min(ALL.len())..])
}

/// The tables that the first migrations create in a store, in order of creation.
pub(crate) fn tables(migrations: usize, dialect: &Dialect) -> impl Iterator<Item = &'static str> {
    let made = |line: &'static str| line.strip_prefix("CREATE TABLE ")?.split_whitespace().next();
    ALL.iter().take(migrations).flat_map(|migration| migration.lines(dialect.name)).filter_map(made)
}
