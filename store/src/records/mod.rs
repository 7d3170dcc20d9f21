//! The columns of every record, declared once: name, type, how to write and how to read.

mod access;
mod accounts;
mod approvals;
mod authorizations;
mod card_holders;
mod cards;
mod events;
mod ledger;
mod parts;
mod people;
mod programs;
mod responders;
mod webhooks;

use paygen_core::ids::Id;
use paygen_core::money::Currency;
use paygen_core::record::{Key, Record};
use paygen_core::time::Instant;

use crate::statements::Statements;
pub use crate::value::Column;
use crate::value::{Param, Value};

/// A stored row that cannot be read as its record.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{table}.{column} does not read as it should")]
pub struct Corrupt {
    pub table: &'static str,
    pub column: &'static str,
}

/// A record that is a row of a table.
pub trait Stored: Sized + Send + Sync + 'static {
    const TABLE: &'static str;
    /// What is read: the table, or a view with its columns.
    const SOURCE: &'static str;
    /// The column that PostgreSQL keeps in another table: its commits do not write it.
    const APART: Option<&'static str>;
    /// The number of leading columns that form the primary key.
    const KEY_COLUMNS: usize;
    /// All columns, those of the key first.
    const COLUMNS: &'static [Column];

    /// The statements of the table.
    fn statements() -> &'static Statements;

    /// The values in the order of the columns.
    fn write(&self) -> Vec<Param<'_>>;

    /// Reads the values in the order of the columns.
    fn read(row: &mut Row) -> Result<Self, Corrupt>;
}

/// A record that is loaded by key.
pub trait Keyed: Stored + Record {
    /// Whether the row satisfies the schema's CHECK constraints. Rows of the write-back cache reach their table after
    /// they were acknowledged, so they are checked before.
    fn is_sound(&self) -> bool {
        true
    }

    /// The values of a key, in the order of its columns.
    fn key_values(key: &Key) -> Vec<Value> {
        let id = Value::Bytes(key.id.as_slice().to_vec());
        if Self::KEY_COLUMNS == 1 { vec![id] } else { vec![Value::from(key.client.0), id] }
    }
}

/// The values of a row, read one after another.
pub struct Row {
    table: &'static str,
    columns: &'static [Column],
    values: std::vec::IntoIter<Value>,
    at: usize,
}

impl Row {
    pub fn of<R: Stored>(values: Vec<Value>) -> Row {
        Row { table: R::TABLE, columns: R::COLUMNS, values: values.into_iter(), at: 0 }
    }

    fn corrupt(&self) -> Corrupt {
        let column = self.columns.get(self.at.saturating_sub(1)).map_or("?", |column| column.name);
        Corrupt { table: self.table, column }
    }

    fn next(&mut self) -> Result<Value, Corrupt> {
        self.at += 1;
        self.values.next().ok_or_else(|| self.corrupt())
    }

    pub fn integer(&mut self) -> Result<i64, Corrupt> {
        self.optional_integer()?.ok_or_else(|| self.corrupt())
    }

    pub fn optional_integer(&mut self) -> Result<Option<i64>, Corrupt> {
        match self.next()? {
            Value::Integer(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            _ => Err(self.corrupt()),
        }
    }

    pub fn boolean(&mut self) -> Result<bool, Corrupt> {
        Ok(self.integer()? != 0)
    }

    pub fn time(&mut self) -> Result<Instant, Corrupt> {
        self.integer().map(Instant::from_micros)
    }

    pub fn optional_time(&mut self) -> Result<Option<Instant>, Corrupt> {
        Ok(self.optional_integer()?.map(Instant::from_micros))
    }

    pub fn text(&mut self) -> Result<String, Corrupt> {
        self.optional_text()?.ok_or_else(|| self.corrupt())
    }

    pub fn optional_text(&mut self) -> Result<Option<String>, Corrupt> {
        match self.next()? {
            Value::Text(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            _ => Err(self.corrupt()),
        }
    }

    pub fn bytes(&mut self) -> Result<Vec<u8>, Corrupt> {
        match self.next()? {
            Value::Bytes(value) => Ok(value),
            _ => Err(self.corrupt()),
        }
    }

    /// A value that is packed into bytes.
    pub fn parsed<T>(&mut self, parse: impl Fn(&[u8]) -> Option<T>) -> Result<T, Corrupt> {
        let bytes = self.bytes()?;
        parse(&bytes).ok_or_else(|| self.corrupt())
    }

    pub fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, Corrupt> {
        match self.next()? {
            Value::Bytes(value) => Ok(Some(value)),
            Value::Null => Ok(None),
            _ => Err(self.corrupt()),
        }
    }

    pub fn optional_hash(&mut self) -> Result<Option<[u8; 32]>, Corrupt> {
        let bytes = self.optional_bytes()?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| self.corrupt())).transpose()
    }

    pub fn optional_word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Corrupt> {
        let text = self.optional_text()?;
        text.map(|text| parse(&text).ok_or_else(|| self.corrupt())).transpose()
    }

    /// A value that is stored as JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Corrupt> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|_| self.corrupt())
    }

    /// A value that is stored as JSON unless it is the default.
    pub fn optional_json<T: serde::de::DeserializeOwned + Default>(&mut self) -> Result<T, Corrupt> {
        match self.optional_text()? {
            Some(text) => serde_json::from_str(&text).map_err(|_| self.corrupt()),
            None => Ok(T::default()),
        }
    }

    pub fn hash(&mut self) -> Result<[u8; 32], Corrupt> {
        self.bytes()?.try_into().map_err(|_| self.corrupt())
    }

    pub fn id<T: From<Id>>(&mut self) -> Result<T, Corrupt> {
        self.optional_id()?.ok_or_else(|| self.corrupt())
    }

    pub fn optional_id<T: From<Id>>(&mut self) -> Result<Option<T>, Corrupt> {
        match self.next()? {
            Value::Bytes(value) => Id::from_slice(&value).map(|id| Some(id.into())).ok_or_else(|| self.corrupt()),
            Value::Null => Ok(None),
            _ => Err(self.corrupt()),
        }
    }

    /// A string of an enum.
    pub fn word<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T, Corrupt> {
        let text = self.text()?;
        parse(&text).ok_or_else(|| self.corrupt())
    }

    pub fn currency(&mut self) -> Result<Currency, Corrupt> {
        self.word(Currency::from_code)
    }

    /// Skips a column.
    pub fn skip(&mut self) -> Result<(), Corrupt> {
        self.next().map(|_| ())
    }
}

/// A list as JSON; `None` if it is empty.
fn unless_empty<T: serde::Serialize>(list: &[T]) -> Option<String> {
    (!list.is_empty()).then(|| json(&list))
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Declares the columns of a record, with writing and reading. The columns of the key come first.
macro_rules! stored {
    (@source $table:literal) => { $table };
    (@source $table:literal $source:literal) => { $source };
    (@apart) => { None };
    (@apart $apart:literal) => { Some($apart) };
    ($record:ty, $table:literal $(read $source:literal without $apart:literal)?, key $keys:literal, {
        $($column:literal $kind:ident = |$this:ident| $write:expr,)*
    }, |$row:ident| $read:expr) => {
        impl $crate::records::Stored for $record {
            const TABLE: &'static str = $table;
            const SOURCE: &'static str = $crate::records::stored!(@source $table $($source)?);
            const APART: Option<&'static str> = $crate::records::stored!(@apart $($apart)?);
            const KEY_COLUMNS: usize = $keys;
            const COLUMNS: &'static [$crate::records::Column] = &[
                $($crate::records::Column { name: $column, kind: $crate::value::Type::$kind },)*
            ];

            fn statements() -> &'static $crate::statements::Statements {
                static STATEMENTS: std::sync::LazyLock<$crate::statements::Statements> =
                    std::sync::LazyLock::new(|| {
                        $crate::statements::Statements::of(
                            $table,
                            <$record as $crate::records::Stored>::COLUMNS,
                            $keys,
                            <$record as $crate::records::Stored>::APART,
                        )
                    });
                &STATEMENTS
            }

            fn write(&self) -> Vec<$crate::value::Param<'_>> {
                vec![$({ let $this = self; $crate::value::Param::from($write) },)*]
            }

            fn read($row: &mut $crate::records::Row) -> Result<Self, $crate::records::Corrupt> {
                Ok($read)
            }
        }
    };
}
pub(crate) use stored;
