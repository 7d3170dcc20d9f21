//! Compares expected with actual values; differences are returned as sentences.

use serde_json::{Map, Value};

use super::speak::Answer;

/// Compares expected fields with an answer; a refusal that was not expected is a difference.
pub fn answer(expected: &Map<String, Value>, answer: &Answer) -> Vec<String> {
    let mut differences = Vec::new();
    if !answer.is_success() && !expected.contains_key("code") {
        return vec![format!("it was refused: {}", answer.trouble())];
    }
    for (path, wanted) in expected {
        let got = match path.as_str() {
            "code" => Some(answer.code()),
            path => at(answer.data(), path),
        };
        match got {
            Some(got) => differences.extend(value(path, wanted, got).map(|differs| match &answer.data()["reason"] {
                Value::String(reason) if path == "status" => format!("{differs} ({reason})"),
                _ => differs,
            })),
            None => differences.push(format!("{path}: expected {wanted}, but the answer has no such field")),
        }
    }
    differences
}

/// A field by its path: `merchant.name`, `timeline.0.step`.
fn at<'a>(data: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(data, |data, name| match data {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    })
}

/// Compares a value; of an object only the expected members.
pub fn value(path: &str, wanted: &Value, got: &Value) -> Option<String> {
    (!equal(wanted, got)).then(|| format!("{path}: expected {wanted}, is {got}"))
}

fn equal(wanted: &Value, got: &Value) -> bool {
    match (wanted, got) {
        (Value::Number(_), Value::Number(_)) => match (wanted.as_f64(), got.as_f64()) {
            // Both come from decimal text, one by way of YAML: they are equal, or differ by cents at least.
            (Some(wanted), Some(got)) => (wanted - got).abs() < 1e-9 * wanted.abs().max(1.0),
            _ => false,
        },
        (Value::Object(wanted), got) => {
            wanted.iter().all(|(name, wanted)| got.get(name).is_some_and(|got| equal(wanted, got)))
        }
        (wanted, got) => wanted == got,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{at, value};

    #[test]
    fn values_are_compared_as_people_mean_them() {
        for (wanted, got, same) in [
            (json!(60), json!(60.0), true),
            (json!(0.3), json!(0.30000000000000004), true),
            (json!(60), json!(60.01), false),
            (json!("60"), json!(60), false),
            (json!(null), json!(null), true),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), true),
            (json!({"a": 1}), json!({"b": 2}), false),
            (json!(["a"]), json!(["a", "b"]), false),
        ] {
            assert_eq!(value("x", &wanted, &got).is_none(), same, "{wanted} {got}");
        }
        let data = json!({"timeline": [{"step": "approved"}]});
        assert_eq!(at(&data, "timeline.0.step"), Some(&json!("approved")));
        assert_eq!(at(&data, "timeline.1.step"), None);
    }
}
