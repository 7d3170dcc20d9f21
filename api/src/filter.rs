//! The filter grammar: `status=active&balance.gte=100`, or the same as JSON.

use paygen_core::ids::Id;
use paygen_core::money::Decimal;
use paygen_core::time::Instant;
use paygen_store::lists::FieldKind;
use paygen_store::query::{ColumnKind, Filter, ListColumn, Operand, Test};
use paygen_store::value::Value;

use super::card_numbers::{RULE, is_in};
use paygen_edge::json::Json;
use paygen_edge::nearest::hint;

const MAX_CONDITIONS: usize = 20;
const MAX_VALUES: usize = 100;
const MAX_FILTER_BYTES: usize = 4096;

/// Whether a column keeps amounts.
pub fn is_money(column: ListColumn) -> bool {
    matches!(column.kind, ColumnKind::Money { .. })
}

const OPERATORS: &[&str] = &["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "between", "exists"];

/// A condition whose values are not parsed yet.
struct Condition {
    field: String,
    operator: String,
    values: Vec<String>,
}

/// Parses a filter; each error is a sentence. With `plus`, where an unencoded + arrived as a space, texts with a space
/// also match a plus.
pub fn read(
    text: &str,
    plus: bool,
    find: impl Fn(&str) -> Option<(ListColumn, FieldKind)>,
    names: &[&str],
) -> Result<Vec<Filter>, Vec<String>> {
    if text.len() > MAX_FILTER_BYTES {
        return Err(vec![format!("must have at most {MAX_FILTER_BYTES} bytes")]);
    }
    let conditions = if text.trim_start().starts_with('{') { from_json(text) } else { from_text(text) };
    let conditions = conditions.map_err(|message| vec![message])?;
    if conditions.len() > MAX_CONDITIONS {
        return Err(vec![format!("must have at most {MAX_CONDITIONS} conditions")]);
    }
    let (mut filters, mut faults) = (Vec::new(), Vec::new());
    for mut condition in conditions {
        // Some field names contain dots themselves.
        let whole = format!("{}.{}", condition.field, condition.operator);
        if find(&condition.field).is_none() && find(&whole).is_some() {
            condition = Condition { field: whole, operator: "eq".to_owned(), ..condition };
        }
        match find(&condition.field) {
            None => {
                let field: String = condition.field.chars().take(64).collect();
                let hint = hint(&field, names.iter().copied());
                faults.push(format!("cannot filter by \"{field}\".{hint} Allowed: {}", names.join(", ")));
            }
            // The search is repeated in the list's meta, so card numbers are refused; hashed values are matched whole,
            // whatever they are.
            Some((_, kind))
                if !matches!(kind, FieldKind::Hashed) && condition.values.iter().any(|text| is_in(text)) =>
            {
                faults.push(format!("{}: {RULE}", condition.field));
            }
            Some((column, kind)) => {
                match test(&condition, kind).map(|test| if plus { with_pluses(test) } else { test }) {
                    Ok(test) => filters.push(Filter { column, test }),
                    Err(message) => faults.push(format!("{}: {message}", condition.field)),
                }
            }
        }
    }
    if faults.is_empty() { Ok(filters) } else { Err(faults) }
}

fn from_text(text: &str) -> Result<Vec<Condition>, String> {
    let read = |piece: &str| {
        let (name, value) = piece.split_once('=').ok_or_else(|| {
            let shown: String = piece.chars().take(64).collect();
            format!("\"{shown}\" is no condition; write field=value, or field.operator=value")
        })?;
        let (field, operator) = split_operator(name.trim());
        Ok(Condition { field, values: split_values(&operator, value), operator })
    };
    text.split('&').filter(|piece| !piece.is_empty()).map(read).collect()
}

fn split_operator(name: &str) -> (String, String) {
    match name.rsplit_once('.') {
        Some((field, operator)) => (field.to_owned(), operator.to_owned()),
        None => (name.to_owned(), "eq".to_owned()),
    }
}

fn split_values(operator: &str, value: &str) -> Vec<String> {
    match operator {
        "in" | "nin" => value.split(',').map(|value| value.trim().to_owned()).collect(),
        "between" => value.split('|').map(|value| value.trim().to_owned()).collect(),
        _ => vec![value.to_owned()],
    }
}

fn from_json(text: &str) -> Result<Vec<Condition>, String> {
    let json = Json::parse(text.as_bytes()).map_err(|why| format!("is not readable as JSON: {why}"))?;
    let Json::Object(members) = json else { return Err("must be an object".to_owned()) };
    let mut conditions = Vec::new();
    for (name, value) in members {
        match value {
            Json::Object(operators) => {
                for (operator, value) in operators {
                    let values = json_values(&operator, &value)?;
                    conditions.push(Condition { field: name.clone(), operator, values });
                }
            }
            value => {
                let (field, operator) = split_operator(&name);
                let values = json_values(&operator, &value)?;
                conditions.push(Condition { field, operator, values });
            }
        }
    }
    Ok(conditions)
}

fn json_values(operator: &str, value: &Json) -> Result<Vec<String>, String> {
    let scalar = |value: &Json| match value {
        Json::Text(text) => Ok(text.clone()),
        Json::Number(text) => Ok(text.clone()),
        Json::Bool(value) => Ok(value.to_string()),
        other => Err(format!("a value cannot be {}; to look for missing values use .exists", other.kind())),
    };
    match value {
        Json::Array(items) if matches!(operator, "in" | "nin" | "between") => items.iter().map(scalar).collect(),
        value => Ok(split_values(operator, &scalar(value)?)),
    }
}

fn test(condition: &Condition, kind: FieldKind) -> Result<Test, String> {
    let operator = condition.operator.as_str();
    if !OPERATORS.contains(&operator) {
        let shown: String = operator.chars().take(64).collect();
        return Err(format!("there is no operator .{shown}; there are .{}", OPERATORS.join(" .")));
    }
    if operator == "exists" {
        let exists = condition.values.first().and_then(|value| boolean(value));
        let exists = exists.ok_or_else(|| ".exists takes true or false".to_owned())?;
        return Ok(Test::Exists(exists != matches!(kind, FieldKind::Never)));
    }
    if matches!(kind, FieldKind::Never) {
        return Err("no record has it; .exists is all that can be asked".to_owned());
    }
    if condition.values.len() > MAX_VALUES {
        return Err(format!("takes at most {MAX_VALUES} values"));
    }
    let ordered = matches!(operator, "gt" | "gte" | "lt" | "lte" | "between");
    if ordered && matches!(kind, FieldKind::Hashed) {
        return Err(format!(".{operator} cannot be used: the field is kept sealed, and found only by equality"));
    }
    if ordered && matches!(kind, FieldKind::Choice(_) | FieldKind::Id | FieldKind::Boolean) {
        return Err(format!(".{operator} needs a field with an order; use .in or plain equality"));
    }
    let values = &condition.values;
    let one = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
    Ok(match operator {
        "eq" => equal(one(0), kind)?,
        "ne" => match equal(one(0), kind)? {
            Test::Eq(operand) => Test::Ne(operand),
            _ => return Err(".ne takes an instant, not a date; use .lt and .gt".to_owned()),
        },
        "gt" => Test::Gt(bound(one(0), kind, Edge::Last)?),
        "gte" => Test::Gte(bound(one(0), kind, Edge::First)?),
        "lt" => Test::Lt(bound(one(0), kind, Edge::First)?),
        "lte" => Test::Lte(bound(one(0), kind, Edge::Last)?),
        "between" => {
            if values.len() != 2 {
                return Err(".between takes two values with | between them".to_owned());
            }
            Test::Between(bound(one(0), kind, Edge::First)?, bound(one(1), kind, Edge::Last)?)
        }
        operator => {
            if matches!(kind, FieldKind::Time) && values.iter().any(|value| Instant::parse_date(value).is_some()) {
                return Err(format!(".{operator} takes instants, not dates; use .between"));
            }
            let operands = values.iter().map(|value| bound(value, kind, Edge::First)).collect::<Result<_, _>>()?;
            if operator == "in" { Test::In(operands) } else { Test::NotIn(operands) }
        }
    })
}

/// A date alone means the whole of that day, in UTC.
fn equal(text: &str, kind: FieldKind) -> Result<Test, String> {
    if matches!(kind, FieldKind::Time) && Instant::parse_date(text).is_some() {
        return Ok(Test::Between(bound(text, kind, Edge::First)?, bound(text, kind, Edge::Last)?));
    }
    Ok(Test::Eq(bound(text, kind, Edge::First)?))
}

/// Also matches texts with a plus in place of every space: a + in a query string arrives as a space.
fn with_pluses(test: Test) -> Test {
    let with_plus = |operand: &Operand| match operand {
        Operand::Value(Value::Text(text)) if text.contains(' ') => {
            Some(Operand::Value(Value::from(text.replace(' ', "+").as_str())))
        }
        _ => None,
    };
    let both = |operands: Vec<Operand>| -> Vec<Operand> {
        let more: Vec<Operand> = operands.iter().filter_map(with_plus).collect();
        operands.into_iter().chain(more).collect()
    };
    match test {
        Test::Eq(operand) if with_plus(&operand).is_some() => Test::In(both(vec![operand])),
        Test::Ne(operand) if with_plus(&operand).is_some() => Test::NotIn(both(vec![operand])),
        Test::In(operands) => Test::In(both(operands)),
        Test::NotIn(operands) => Test::NotIn(both(operands)),
        other => other,
    }
}

/// Which end of a day a date alone means.
#[derive(Clone, Copy)]
enum Edge {
    First,
    Last,
}

const DAY: i64 = 86_400_000_000;

fn bound(text: &str, kind: FieldKind, edge: Edge) -> Result<Operand, String> {
    if text.contains('\0') {
        return Err("must not contain the character U+0000".to_owned());
    }
    let value = match kind {
        FieldKind::Text | FieldKind::Hashed | FieldKind::Never => Value::from(text),
        FieldKind::Capitals => Value::from(text.to_ascii_uppercase().as_str()),
        FieldKind::Choice(words) => match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
            Some(word) => Value::from(*word),
            None => {
                let shown: String = text.chars().take(64).collect();
                return Err(format!("must be one of {}.{}", words.join(", "), hint(&shown, words.iter().copied())));
            }
        },
        FieldKind::Id => Id::parse(text).map(Value::from).ok_or("must be an id: 24 lowercase hex characters")?,
        FieldKind::Integer => text.parse::<i64>().map(Value::from).map_err(|_| "must be a whole number")?,
        FieldKind::Money => {
            return Decimal::parse(text).map(Operand::Decimal).map_err(|error| error.to_string());
        }
        FieldKind::Boolean => boolean(text).map(Value::from).ok_or("must be true or false")?,
        FieldKind::Time => match (Instant::parse_date(text), edge) {
            (Some(day), Edge::First) => Value::from(day),
            (Some(day), Edge::Last) => Value::from(day.plus_micros(DAY - 1)),
            // Times are shown with milliseconds: an upper bound includes the whole of its last one.
            (None, Edge::Last) => Value::from(instant(text)?.plus_micros(999)),
            (None, Edge::First) => Value::from(instant(text)?),
        },
    };
    Ok(Operand::Value(value))
}

/// In any letter case, like enum values: Python writes True.
fn boolean(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

fn instant(text: &str) -> Result<Instant, &'static str> {
    // A + in a query string arrives as a space.
    let text = text.replace(' ', "+");
    Instant::parse(&text).ok_or("must be an instant in ISO 8601 or a date, such as 2026-04-23")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FieldKind, read};
    use paygen_store::lists::accounts as columns;
    use paygen_store::query::ListColumn;

    fn find(name: &str) -> Option<(ListColumn, FieldKind)> {
        match name {
            "status" => Some((columns::STATUS, FieldKind::Choice(&["active", "closed"]))),
            "balance" => Some((columns::AVAILABLE, FieldKind::Money)),
            "createdAt" => Some((columns::CREATED_AT, FieldKind::Time)),
            "name" => Some((columns::NAME, FieldKind::Text)),
            "currency" => Some((columns::CURRENCY, FieldKind::Capitals)),
            "canDebit" => Some((columns::CAN_DEBIT, FieldKind::Boolean)),
            "deleted" => Some((columns::ID, FieldKind::Never)),
            "id" => Some((columns::ID, FieldKind::Id)),
            _ => None,
        }
    }

    #[test]
    fn both_forms_say_the_same() {
        let same = [
            ("status=active&balance.gte=100", r#"{"status":"active","balance.gte":100}"#),
            ("balance.gte=1&balance.lte=2", r#"{"balance":{"gte":1,"lte":2}}"#),
            ("status.in=active,closed", r#"{"status":{"in":["active","closed"]}}"#),
            ("createdAt.between=2026-01-01|2026-12-31", r#"{"createdAt.between":["2026-01-01","2026-12-31"]}"#),
            ("name=a=b", r#"{"name":"a=b"}"#),
        ];
        for (text, json) in same {
            assert_eq!(read(text, false, find, &[]).expect(text), read(json, false, find, &[]).expect(json));
        }
    }

    #[test]
    fn words_are_compared_without_case_and_texts_with_it() {
        let same = [
            ("status=Active", "status=active"),
            ("status.in=Active,CLOSED", "status.in=active,closed"),
            ("status.ne=aCtive", "status.ne=active"),
            ("{\"status\":\"Active\"}", "status=active"),
            ("currency=usd", "currency=USD"),
            ("currency.in=usd,Jpy", "currency.in=USD,JPY"),
            ("canDebit=True", "canDebit=true"),
            ("name.exists=False", "name.exists=false"),
            ("deleted.exists=false", "id.exists=true"),
            ("deleted.exists=true", "id.exists=false"),
            ("{\"deleted\":{\"exists\":false}}", "id.exists=true"),
        ];
        for (text, other) in same {
            assert_eq!(read(text, false, find, &[]).expect(text), read(other, false, find, &[]).expect(other));
        }
        assert_ne!(read("name=A", false, find, &[]), read("name=a", false, find, &[]));
    }

    #[test]
    fn every_fault_is_reported() {
        let cases = [
            ("nme=1", 1),
            ("status=actve&balance.gte=x&nme=1", 3),
            ("status.gt=active", 1),
            ("balance.like=1", 1),
            ("createdAt.between=2026-01-01", 1),
            ("createdAt.in=2026-01-01,2026-01-02", 1),
            ("name.exists=maybe", 1),
            ("deleted=false", 1),
            ("deleted.exists=maybe", 1),
            ("{", 1),
            ("justtext", 1),
            ("{\"status\":null}", 1),
            ("{\"name\":\"\\u0000\"}", 1),
            ("name=4005550000000019", 1),
            ("name.in=a,4005 5500 0000 0019", 1),
            ("{\"name\":4005550000000019}", 1),
        ];
        for (text, faults) in cases {
            assert_eq!(read(text, false, find, &["status"]).expect_err(text).len(), faults, "{text}");
        }
    }

    #[test]
    fn a_plus_that_arrived_as_a_space_is_looked_for_too() {
        let same = [
            ("name=a b", "name.in=a b,a+b"),
            ("name.ne=a b", "name.nin=a b,a+b"),
            ("name.in=x,a b", "name.in=x,a b,a+b"),
        ];
        for (text, both) in same {
            assert_eq!(read(text, true, find, &[]).expect(text), read(both, false, find, &[]).expect(both));
            assert_ne!(read(text, false, find, &[]), read(both, false, find, &[]), "encoded, a space is a space");
        }
        assert_eq!(read("name=ab", true, find, &[]), read("name=ab", false, find, &[]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            let _ = read(&text, true, find, &["status"]);
        }
    }
}
