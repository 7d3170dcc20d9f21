//! A field of a list: its name, its column, how its values are read from text, and whether `search` looks in it.

use crate::query::{ColumnKind, ListColumn, LookUp};

/// How a field's values are read.
#[derive(Clone, Copy, Debug)]
pub enum FieldKind {
    Text,
    /// Text that is stored in capitals, such as a currency; compared without letter case.
    Capitals,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// 24 hex characters.
    Id,
    Integer,
    /// An amount in major units.
    Money,
    /// An instant or a date.
    Time,
    Boolean,
    /// A member that no record has, such as a mark of deletion: `.exists=false` always holds, `.exists=true` never. Its
    /// column is one that every record has.
    Never,
    /// Stored as a hash: the resource hashes the text, and compares for equality only.
    Hashed,
}

/// A field that filters and sorts a list.
#[derive(Clone, Copy, Debug)]
pub struct ListField {
    /// Its name in JSON.
    pub name: &'static str,
    pub column: ListColumn,
    pub kind: FieldKind,
    /// Whether `search` looks in it.
    pub searched: bool,
}

impl ListField {
    const fn new(name: &'static str, sql: &'static str, column: ColumnKind, kind: FieldKind) -> ListField {
        ListField {
            name,
            column: ListColumn { sql, kind: column, nullable: false, look_up: None },
            kind,
            searched: false,
        }
    }

    /// The same, for a column that a row may have no value of.
    pub const fn nullable(mut self) -> ListField {
        self.column.nullable = true;
        self
    }

    /// The same, for a column that SQLite finds through a look-up table.
    pub const fn looked_up(mut self, table: &'static str, column: &'static str) -> ListField {
        self.column.look_up = Some(LookUp { table, column });
        self
    }

    /// The same, and `search` looks in it. A hashed field is found by its whole value only.
    pub const fn searched(mut self) -> ListField {
        self.searched = true;
        self
    }
}

pub const fn id(name: &'static str, sql: &'static str) -> ListField {
    ListField::new(name, sql, ColumnKind::Bytes, FieldKind::Id)
}

pub const fn text(name: &'static str, sql: &'static str) -> ListField {
    ListField::new(name, sql, ColumnKind::Text, FieldKind::Text)
}

pub const fn capitals(name: &'static str, sql: &'static str) -> ListField {
    ListField::new(name, sql, ColumnKind::Text, FieldKind::Capitals)
}

pub const fn word(name: &'static str, sql: &'static str, words: &'static [&'static str]) -> ListField {
    ListField::new(name, sql, ColumnKind::Text, FieldKind::Choice(words))
}

pub const fn integer(name: &'static str, sql: &'static str) -> ListField {
    ListField::new(name, sql, ColumnKind::Integer, FieldKind::Integer)
}

/// `exponent` is the column with the row's number of decimals.
pub const fn money(name: &'static str, sql: &'static str, exponent: &'static str) -> ListField {
    ListField::new(name, sql, ColumnKind::Money { exponent }, FieldKind::Money)
}

pub const fn time(name: &'static str, sql: &'static str) -> ListField {
    ListField::new(name, sql, ColumnKind::Time, FieldKind::Time)
}

pub const fn boolean(name: &'static str, sql: &'static str) -> ListField {
    ListField::new(name, sql, ColumnKind::Boolean, FieldKind::Boolean)
}

pub const fn hashed(name: &'static str, sql: &'static str) -> ListField {
    ListField::new(name, sql, ColumnKind::Bytes, FieldKind::Hashed)
}

/// `sql` is a column that every record has.
pub const fn never(name: &'static str, sql: &'static str) -> ListField {
    ListField::new(name, sql, ColumnKind::Bytes, FieldKind::Never)
}
