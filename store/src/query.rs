//! What a list asks for, free of SQL and of HTTP: the edge parses text into this, each backend renders it.

use paygen_core::ids::ClientId;

use crate::value::Value;

/// A column of a list source, named by the record that keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListColumn {
    /// The SQL name, qualified by the source's alias: a constant of ours, never text from outside.
    pub sql: &'static str,
    /// How values are compared.
    pub kind: ColumnKind,
    /// Whether a row may have no value.
    pub nullable: bool,
}

/// How a column's values are compared and sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text, compared byte by byte.
    Text,
    /// A 64-bit integer.
    Integer,
    /// Minor units; `exponent` names the column that tells the row's number of decimals.
    Money {
        /// SQL name of the column with the row's number of decimals.
        exponent: &'static str,
    },
    /// Microseconds since 1970.
    Time,
    /// True or false.
    Boolean,
    /// A 12-byte id or other bytes.
    Bytes,
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A plain value.
    Value(Value),
    /// An amount in major units: compared with each row at that row's own number of decimals.
    Decimal(paygen_core::money::Decimal),
}

/// A comparison of a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Equal.
    Eq(Operand),
    /// Not equal; a row without a value is not equal either.
    Ne(Operand),
    /// Greater.
    Gt(Operand),
    /// Greater or equal.
    Gte(Operand),
    /// Less.
    Lt(Operand),
    /// Less or equal.
    Lte(Operand),
    /// One of these.
    In(Vec<Operand>),
    /// None of these; a row without a value passes.
    NotIn(Vec<Operand>),
    /// From the first to the second, both included.
    Between(Operand, Operand),
    /// Has a value (true) or has none (false).
    Exists(bool),
}

/// One condition; all conditions of a query must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// The column that is compared.
    pub column: ListColumn,
    /// How it is compared.
    pub test: Test,
}

/// A literal text looked for in any of some text columns, letter case ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The text, taken literally.
    pub text: String,
    /// The columns.
    pub columns: Vec<ListColumn>,
    /// Columns that a row is found by as well when they equal this value: what is kept as a hash has no parts to look in.
    pub equal: Vec<(ListColumn, Value)>,
}

/// One sort key. The backend always adds the id as the last one, in the direction of the last key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    /// The column.
    pub column: ListColumn,
    /// Largest first.
    pub descending: bool,
}

/// Which part of the result is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Paging {
    /// A numbered page, with the total counted.
    Page {
        /// From 1.
        page: u32,
    },
    /// What follows the row with these sort values (one for each `Order`, then the id), no total; `None` starts.
    After(Option<Vec<Value>>),
}

/// A list request of one client.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// Whose rows.
    pub client: ClientId,
    /// Conditions, all of which must hold.
    pub filters: Vec<Filter>,
    /// A text to look for.
    pub search: Option<Search>,
    /// Sort keys.
    pub order: Vec<Order>,
    /// How many rows at the most.
    pub limit: u32,
    /// Which part.
    pub paging: Paging,
    /// The list gives up at this many milliseconds.
    pub timeout_ms: u32,
}

impl ListQuery {
    /// The columns its conditions name.
    pub(crate) fn conditions_on(&self) -> impl Iterator<Item = ListColumn> + '_ {
        let filtered = self.filters.iter().map(|filter| filter.column);
        let searched = |search: &Search| -> Vec<ListColumn> {
            search.columns.iter().copied().chain(search.equal.iter().map(|(column, _)| *column)).collect()
        };
        filtered.chain(self.search.iter().flat_map(searched))
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many rows there are in all; only with [`Paging::Page`].
    pub total: Option<u64>,
    /// The sort values of the last row when more follow; only with [`Paging::After`].
    pub next: Option<Vec<Value>>,
}
