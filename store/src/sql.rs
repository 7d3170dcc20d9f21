//! Rendering list queries for both dialects. SQL names are constants; everything else is a parameter.

use paygen_core::money::Decimal;
use paygen_core::record::Key;

use crate::query::{ColumnKind, Filter, ListColumn, ListQuery, LookUp, Operand, Order, Paging, Search, Test};
use crate::value::Value;

/// The possible numbers of decimals of a currency.
const EXPONENTS: [u8; 7] = [0, 1, 2, 3, 4, 6, 8];

/// The differences between the dialects.
pub(crate) trait Spelling {
    /// A placeholder, cast to the column's type.
    fn placeholder(&self, number: usize, kind: ColumnKind) -> String;
    /// The expression as a floating-point number, for sorting only.
    fn real(&self, expression: &str) -> String;
    /// A condition that a column contains the lower-cased text of a placeholder, ignoring letter case.
    fn contains(&self, column: &str, placeholder: &str) -> String;
    /// Whether columns are found through look-up tables.
    const LOOKS_UP: bool;
    /// The literal for empty bytes.
    fn no_bytes(&self) -> &'static str;
}

/// Looks up a balance in the write-back cache: values that are newer than the table's.
pub type Pending<'a> = dyn Fn(&Key) -> Option<Vec<Value>> + 'a;

/// A source of list rows.
pub trait Listed {
    type Row: Send + 'static;
    /// The FROM clause, with aliases.
    const FROM: &'static str;
    /// The FROM clause for counting, and a prefix of columns: if no condition names a column with that prefix, the
    /// joined table is left out, because each row has exactly one joined row.
    const COUNTED: (&'static str, &'static str);
    /// The column with the row's client.
    const CLIENT: &'static str;
    /// The last sort key, which makes every order unique.
    const ID: ListColumn;
    /// The columns to select, and their number.
    fn columns() -> (String, usize);
    /// Whether rows show the balance of a ledger account.
    const SHOWS_BALANCE: bool = false;
    /// Reads a row. `pending` has the balances that are newer than the table's.
    fn read(values: Vec<Value>, pending: &Pending<'_>) -> Result<Self::Row, crate::records::Corrupt>;
}

#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) params: Vec<Value>,
}

pub(crate) struct Builder<'a, S> {
    spelling: &'a S,
    params: Vec<Value>,
    /// The placeholder of the client.
    client: String,
}

impl<'a, S: Spelling> Builder<'a, S> {
    pub(crate) fn new(spelling: &'a S) -> Builder<'a, S> {
        Builder { spelling, params: Vec::new(), client: String::new() }
    }

    fn bind(&mut self, value: Value, kind: ColumnKind) -> String {
        self.params.push(value);
        self.spelling.placeholder(self.params.len(), kind)
    }

    /// Selects a page: each row is followed by its sort values, and one extra row shows that more follow.
    pub(crate) fn page<L: Listed>(mut self, query: &ListQuery) -> Statement {
        let order = with_id(&query.order, L::ID);
        let keys: Vec<String> = order.iter().map(|order| self.sort_expression(order.column)).collect();
        let mut conditions = self.conditions::<L>(query);
        let mut offset = 0;
        match &query.paging {
            Paging::Page { page } => offset = u64::from(page.saturating_sub(1)) * u64::from(query.limit),
            Paging::After(Some(values)) => conditions.push(self.after(&order, &keys, values)),
            Paging::After(None) => {}
        }
        let directions: Vec<String> = order
            .iter()
            .zip(&keys)
            .map(|(order, key)| format!("{key} {}", if order.descending { "DESC" } else { "ASC" }))
            .collect();
        let text = format!(
            "SELECT {}, {} FROM {} WHERE {} ORDER BY {} LIMIT {} OFFSET {offset}",
            L::columns().0,
            keys.join(", "),
            L::FROM,
            conditions.join(" AND "),
            directions.join(", "),
            u64::from(query.limit) + 1,
        );
        Statement { text, params: self.params }
    }

    /// Counts all rows.
    pub(crate) fn count<L: Listed>(mut self, query: &ListQuery) -> Statement {
        let conditions = self.conditions::<L>(query).join(" AND ");
        let from = if has_conditions_on_other::<L>(query) { L::FROM } else { L::COUNTED.0 };
        Statement { text: format!("SELECT count(*) FROM {from} WHERE {conditions}"), params: self.params }
    }

    fn conditions<L: Listed>(&mut self, query: &ListQuery) -> Vec<String> {
        self.client = self.bind(Value::from(query.client.0), ColumnKind::Bytes);
        let mut conditions = vec![format!("{} = {}", L::CLIENT, self.client)];
        for filter in &query.filters {
            conditions.push(self.filter(filter));
        }
        if let Some(search) = &query.search {
            conditions.push(self.search(search));
        }
        conditions
    }

    fn search(&mut self, search: &Search) -> String {
        let needle = search.text.to_lowercase();
        let tests = search.columns.iter().map(|column| {
            let placeholder = self.bind(Value::Text(needle.clone()), ColumnKind::Text);
            self.spelling.contains(column.sql, &placeholder)
        });
        let mut tests: Vec<String> = tests.collect();
        for (column, value) in &search.equal {
            tests.push(self.equal(*column, &Operand::Value(value.clone())));
        }
        if tests.is_empty() { "1 = 0".to_owned() } else { format!("({})", tests.join(" OR ")) }
    }

    fn filter(&mut self, filter: &Filter) -> String {
        let column = filter.column;
        let sql = column.sql;
        match &filter.test {
            Test::Eq(operand) => self.equal(column, operand),
            Test::Ne(operand) => {
                let equal = self.equal(column, operand);
                format!("({sql} IS NULL OR NOT ({equal}))")
            }
            Test::Gt(operand) => self.compare(column, ">", operand, false),
            Test::Gte(operand) => self.compare(column, ">=", operand, true),
            Test::Lt(operand) => self.compare(column, "<", operand, true),
            Test::Lte(operand) => self.compare(column, "<=", operand, false),
            Test::Between(low, high) => {
                let (low, high) = (self.compare(column, ">=", low, true), self.compare(column, "<=", high, false));
                format!("({low} AND {high})")
            }
            Test::In(operands) => self.any(column, operands),
            Test::NotIn(operands) => {
                let any = self.any(column, operands);
                format!("({sql} IS NULL OR NOT {any})")
            }
            Test::Exists(true) => format!("{sql} IS NOT NULL"),
            Test::Exists(false) => format!("{sql} IS NULL"),
        }
    }

    fn any(&mut self, column: ListColumn, operands: &[Operand]) -> String {
        // One list instead of a chain of OR, which SQLite takes up to a depth of 1,000.
        let value = |operand: &Operand| match operand {
            Operand::Value(value) if column.look_up.is_none() || !S::LOOKS_UP => Some(value.clone()),
            Operand::Value(_) | Operand::Decimal(_) => None,
        };
        let values: Option<Vec<Value>> = operands.iter().map(value).collect();
        if let Some(values) = values.filter(|values| !values.is_empty()) {
            let places: Vec<String> = values.into_iter().map(|value| self.bind(value, column.kind)).collect();
            return format!("({} IN ({}))", column.sql, places.join(", "));
        }
        let tests: Vec<String> = operands.iter().map(|operand| self.equal(column, operand)).collect();
        if tests.is_empty() { "1 = 0".to_owned() } else { format!("({})", tests.join(" OR ")) }
    }

    fn equal(&mut self, column: ListColumn, operand: &Operand) -> String {
        match (operand, column.kind) {
            (Operand::Value(value), kind) => {
                let placeholder = self.bind(value.clone(), kind);
                let equal = format!("{} = {placeholder}", column.sql);
                match column.look_up.filter(|_| S::LOOKS_UP) {
                    Some(LookUp { table, column }) => format!(
                        "({equal} AND t.id IN (SELECT k.id FROM {table} k WHERE k.client = {} AND k.{column} = {placeholder}))",
                        self.client
                    ),
                    None => equal,
                }
            }
            (Operand::Decimal(decimal), ColumnKind::Money { exponent }) => {
                // No amount equals one with more decimals than its currency has: 0 = 1.
                let tests = EXPONENTS.iter().filter_map(|of| decimal.to_minor(*of).map(|minor| (of, minor)));
                let tests: Vec<String> =
                    tests.map(|(of, minor)| format!("({exponent} = {of} AND {} = {minor})", column.sql)).collect();
                if tests.is_empty() { "0 = 1".to_owned() } else { format!("({})", tests.join(" OR ")) }
            }
            (Operand::Decimal(decimal), _) => self.equal(column, &Operand::Value(whole(*decimal))),
        }
    }

    /// A rounded-up operand preserves `>=` and `<`, a rounded-down one `>` and `<=`.
    fn compare(&mut self, column: ListColumn, operator: &str, operand: &Operand, up: bool) -> String {
        let sql = column.sql;
        match (operand, column.kind) {
            (Operand::Value(value), kind) => format!("{sql} {operator} {}", self.bind(value.clone(), kind)),
            (Operand::Decimal(decimal), ColumnKind::Money { exponent }) => {
                let cases = EXPONENTS.iter().map(|of| {
                    let bound = decimal.to_minor_rounded(*of, up).max(-i64::MAX);
                    format!("WHEN {of} THEN {bound}")
                });
                let cases: Vec<String> = cases.collect();
                format!("{sql} {operator} CASE {exponent} {} END", cases.join(" "))
            }
            (Operand::Decimal(decimal), kind) => format!("{sql} {operator} {}", self.bind(whole(*decimal), kind)),
        }
    }

    /// The sort expression of a column: on both stores, nulls come first in ascending order.
    fn sort_expression(&self, column: ListColumn) -> String {
        let sql = column.sql;
        match column.kind {
            ColumnKind::Money { exponent } => {
                let cases: Vec<String> = EXPONENTS.iter().map(|of| format!("WHEN {of} THEN 1e{of}")).collect();
                format!("({} / CASE {exponent} {} END)", self.spelling.real(sql), cases.join(" "))
            }
            _ if !column.nullable => sql.to_owned(),
            ColumnKind::Text => format!("coalesce({sql}, '')"),
            ColumnKind::Integer | ColumnKind::Time | ColumnKind::Boolean => {
                format!("coalesce({sql}, -9223372036854775807)")
            }
            ColumnKind::Bytes => format!("coalesce({sql}, {})", self.spelling.no_bytes()),
        }
    }

    /// The rows after these sort values: (a after) or (a equal and b after) or …
    fn after(&mut self, order: &[Order], keys: &[String], values: &[Value]) -> String {
        let mut alternatives = Vec::new();
        for last in 0..order.len() {
            let mut parts = Vec::new();
            for at in 0..=last {
                let Some(value) = values.get(at) else { return "1 = 0".to_owned() };
                let placeholder = self.bind(value.clone(), order[at].column.kind);
                let operator = match (at == last, order[at].descending) {
                    (false, _) => "=",
                    (true, true) => "<",
                    (true, false) => ">",
                };
                parts.push(format!("{} {operator} {placeholder}", keys[at]));
            }
            alternatives.push(format!("({})", parts.join(" AND ")));
        }
        // Redundant, but an index can use it. For alternatives alone, the index would be scanned from its beginning.
        let first = values.first().zip(order.first()).map(|(value, order)| {
            let placeholder = self.bind(value.clone(), order.column.kind);
            format!("{} {} {placeholder} AND ", keys[0], if order.descending { "<=" } else { ">=" })
        });
        format!("({}({}))", first.unwrap_or_default(), alternatives.join(" OR "))
    }
}

fn names_other<L: Listed>(column: ListColumn) -> bool {
    let other = L::COUNTED.1;
    !other.is_empty() && column.sql.contains(other)
}

fn has_conditions_on_other<L: Listed>(query: &ListQuery) -> bool {
    query.conditions_on().any(names_other::<L>)
}

/// Whether the rows or their order depend on the joined table.
pub(crate) fn goes_by_other<L: Listed>(query: &ListQuery) -> bool {
    has_conditions_on_other::<L>(query) || query.order.iter().any(|order| names_other::<L>(order.column))
}

fn whole(decimal: Decimal) -> Value {
    Value::Integer(decimal.to_minor_rounded(0, false))
}

/// Whether the values of a cursor have the types of the sort keys. A cursor is user input.
pub(crate) fn fits(order: &[Order], id: ListColumn, values: &[Value]) -> bool {
    let order = with_id(order, id);
    order.len() == values.len()
        && order.iter().zip(values).all(|(order, value)| match order.column.kind {
            ColumnKind::Text => matches!(value, Value::Text(_)),
            ColumnKind::Integer | ColumnKind::Time | ColumnKind::Boolean => matches!(value, Value::Integer(_)),
            ColumnKind::Bytes => matches!(value, Value::Bytes(_)),
            ColumnKind::Money { .. } => false,
        })
}

/// The sort keys, with the id as the last one.
pub(crate) fn with_id(order: &[Order], id: ListColumn) -> Vec<Order> {
    let mut order = order.to_vec();
    if !order.iter().any(|order| order.column == id) {
        let descending = order.last().is_some_and(|last| last.descending);
        order.push(Order { column: id, descending });
    }
    order
}
