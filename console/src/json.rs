//! Looking into JSON answers. Numbers stay text, so that amounts keep every digit.

use std::fmt::Write;

use paygen_edge::json::Json;

/// What an absent member counts as.
pub(crate) static NULL: Json = Json::Null;

/// The member that a path names, such as `merchant.name` or `data.0`; null if there is none.
pub(crate) fn at<'a>(json: &'a Json, path: &str) -> &'a Json {
    if path.is_empty() {
        return json;
    }
    path.split('.').fold(json, |json, part| match json {
        Json::Object(members) => members.iter().find(|(name, _)| name == part).map_or(&NULL, |(_, value)| value),
        Json::Array(items) => part.parse::<usize>().ok().and_then(|at| items.get(at)).unwrap_or(&NULL),
        _ => &NULL,
    })
}

/// The items of a list; none of anything else.
pub(crate) fn items(json: &Json) -> &[Json] {
    match json {
        Json::Array(items) => items,
        _ => &[],
    }
}

/// A value as plain text: empty for null, the digits of a number.
pub(crate) fn text(json: &Json) -> String {
    match json {
        Json::Null => String::new(),
        Json::Bool(value) => value.to_string(),
        Json::Number(text) | Json::Text(text) => text.clone(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Json::Object(_) => pretty(json),
    }
}

pub(crate) fn text_at(json: &Json, path: &str) -> String {
    text(at(json, path))
}

/// JSON text on several lines.
pub(crate) fn pretty(json: &Json) -> String {
    let mut into = String::new();
    write(json, 0, &mut into);
    into
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn write(json: &Json, depth: usize, into: &mut String) {
    let indent = |depth: usize| "  ".repeat(depth);
    match json {
        Json::Array(items) if !items.is_empty() => {
            into.push('[');
            for (at, item) in items.iter().enumerate() {
                let _ = write!(into, "{}\n{}", if at > 0 { "," } else { "" }, indent(depth + 1));
                write(item, depth + 1, into);
            }
            let _ = write!(into, "\n{}]", indent(depth));
        }
        Json::Object(members) if !members.is_empty() => {
            into.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                let _ = write!(into, "{comma}\n{}{}: ", indent(depth + 1), quoted(name));
                write(value, depth + 1, into);
            }
            let _ = write!(into, "\n{}}}", indent(depth));
        }
        other => into.push_str(&other.to_text()),
    }
}

#[cfg(test)]
mod tests {
    use paygen_edge::json::Json;

    use super::{at, pretty, text_at};

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).expect("JSON")
    }

    #[test]
    fn members_are_found_by_their_path() {
        let value = json(r#"{"a": {"b": [1, {"c": "x"}]}, "n": 90071992547409930.10, "t": true}"#);
        for (path, expected) in [
            ("a.b.0", "1"),
            ("a.b.1.c", "x"),
            ("a.b.7", ""),
            ("a.x.y", ""),
            ("n", "90071992547409930.10"),
            ("t", "true"),
        ] {
            assert_eq!(text_at(&value, path), expected, "{path}");
        }
        assert_eq!(*at(&value, "n.x"), Json::Null);
    }

    #[test]
    fn what_is_written_reads_as_the_same() {
        let value = json(r#"{"a":[],"b":{},"c":[1,"two \"quoted\"",null],"d":{"e":false}}"#);
        assert_eq!(json(&pretty(&value)), value);
        assert_eq!(pretty(&json(r#"{"a":[1]}"#)), "{\n  \"a\": [\n    1\n  ]\n}");
    }
}
