//! List queries, independent of SQL and HTTP: the API parses text into them, each backend renders them.

use paygen_core::ids::ClientId;

use crate::value::Value;

/// A column that lists can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListColumn {
    /// The SQL name with the table's alias. Always a constant, never user input.
    pub sql: &'static str,
    pub kind: ColumnKind,
    /// Whether the column may be null.
    pub nullable: bool,
    /// On SQLite, the table that leads from a value of the column to the ids of the rows, if the column has no index.
    pub look_up: Option<LookUp>,
}

/// A table with the columns `client`, `id`, and one that has the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookUp {
    pub table: &'static str,
    pub column: &'static str,
}

/// How values of a column are compared and sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Compared byte by byte.
    Text,
    /// 64-bit.
    Integer,
    /// In minor units. `exponent` is the column with the row's number of decimals.
    Money {
        exponent: &'static str,
    },
    /// In microseconds since 1970.
    Time,
    Boolean,
    /// An id, hash or other bytes.
    Bytes,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    Value(Value),
    /// An amount in major units. It is compared with each row at the row's own number of decimals.
    Decimal(paygen_core::money::Decimal),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Eq(Operand),
    /// A row without a value is not equal, so it matches.
    Ne(Operand),
    Gt(Operand),
    Gte(Operand),
    Lt(Operand),
    Lte(Operand),
    In(Vec<Operand>),
    /// Rows without a value match.
    NotIn(Vec<Operand>),
    /// Both included.
    Between(Operand, Operand),
    /// Has a value (true), or has none (false).
    Exists(bool),
}

/// A condition. All conditions of a query must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    pub column: ListColumn,
    pub test: Test,
}

impl Filter {
    /// The condition that a column has this value.
    pub fn equals(column: ListColumn, value: impl Into<Value>) -> Filter {
        Filter { column, test: Test::Eq(Operand::Value(value.into())) }
    }
}

/// A search for a text in several columns, ignoring letter case.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Taken literally.
    pub text: String,
    pub columns: Vec<ListColumn>,
    /// Columns that match if they equal this value. For values that are stored as hashes and cannot be searched.
    pub equal: Vec<(ListColumn, Value)>,
}

/// A sort key. The backend appends the id as the last key, in the direction of the key before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    pub column: ListColumn,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Paging {
    /// A numbered page; the total is counted.
    Page {
        /// From 1.
        page: u32,
    },
    /// The rows after the one with these sort values (one for each `Order`, then the id), without a total; `None`
    /// starts at the beginning.
    After(Option<Vec<Value>>),
}

/// A list request of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    pub client: ClientId,
    pub filters: Vec<Filter>,
    pub search: Option<Search>,
    pub order: Vec<Order>,
    pub limit: u32,
    pub paging: Paging,
    /// The query is cancelled after so many milliseconds.
    pub timeout_ms: u32,
}

impl ListQuery {
    /// The columns that conditions name.
    pub(crate) fn conditions_on(&self) -> impl Iterator<Item = ListColumn> + '_ {
        let filtered = self.filters.iter().map(|filter| filter.column);
        let searched = |search: &Search| -> Vec<ListColumn> {
            search.columns.iter().copied().chain(search.equal.iter().map(|(column, _)| *column)).collect()
        };
        filtered.chain(self.search.iter().flat_map(searched))
    }
}

#[derive(Clone, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// The total number of rows; only with [`Paging::Page`].
    pub total: Option<u64>,
    /// The sort values of the last row if more follow; only with [`Paging::After`].
    pub next: Option<Vec<Value>>,
}
