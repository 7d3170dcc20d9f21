//! Strict JSON: numbers stay text, so that no amount ever passes through a float. Nesting is bounded.

use std::collections::HashSet;
use std::fmt;

use paygen_core::money::Decimal;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Upper bound on the nesting of objects and arrays.
const MAX_DEPTH: usize = 32;

/// Upper bound on the members of an object whose names are compared one by one.
const FEW_MEMBERS: usize = 16;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    /// A number, as written.
    Number(String),
    Text(String),
    Array(Vec<Json>),
    /// An object, with its members in order.
    Object(Vec<(String, Json)>),
}

/// One level of members or items, not yet parsed themselves.
enum Level<'a> {
    Array(Vec<&'a RawValue>),
    Object(Vec<(String, &'a RawValue)>),
}

impl<'de> Deserialize<'de> for Level<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Level<'de>, D::Error> {
        struct LevelVisitor;

        impl<'de> Visitor<'de> for LevelVisitor {
            type Value = Level<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Level<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Level::Array(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Level<'de>, A::Error> {
                let mut members: Vec<(String, &'de RawValue)> = Vec::with_capacity(8);
                // Of a few names, each is compared with the others; of many, that would take quadratic time.
                let mut names = HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
                    if members.len() == FEW_MEMBERS {
                        names.extend(members.iter().map(|(name, _)| name.clone()));
                    }
                    let is_twice = match members.len() < FEW_MEMBERS {
                        true => members.iter().any(|(known, _)| *known == name),
                        false => !names.insert(name.clone()),
                    };
                    if is_twice {
                        return Err(serde::de::Error::custom(format!("the member \"{name}\" stands twice")));
                    }
                    members.push((name, value));
                }
                Ok(Level::Object(members))
            }
        }

        deserializer.deserialize_any(LevelVisitor)
    }
}

/// A text that is parsed one level at a time.
#[derive(Clone, Copy)]
struct Whole<'a>(&'a str);

impl<'a> Whole<'a> {
    /// The message for an error in a part, with the line and column counted from the beginning of the whole text.
    fn fault(self, part: &str, error: &serde_json::Error) -> String {
        let text = error.to_string();
        let Some(what) = text.strip_suffix(&format!(" at line {} column {}", error.line(), error.column())) else {
            return text;
        };
        let begin = (part.as_ptr() as usize).saturating_sub(self.0.as_ptr() as usize);
        let before = self.0.get(..begin).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + error.line();
        // A part may begin within its first line.
        let indent = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        let column = error.column() + if error.line() == 1 { indent } else { 0 };
        format!("{what} at line {line} column {column}")
    }

    fn read<T: Deserialize<'a>>(self, part: &'a str) -> Result<T, String> {
        serde_json::from_str(part).map_err(|error| self.fault(part, &error))
    }

    fn value(self, raw: &'a RawValue, depth: usize) -> Result<Json, String> {
        if depth > MAX_DEPTH {
            return Err(format!("objects and lists nest deeper than {MAX_DEPTH} levels"));
        }
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'n') => Json::Null,
            Some(b't') => Json::Bool(true),
            Some(b'f') => Json::Bool(false),
            // A raw value was checked already: without an escape its characters are the text.
            Some(b'"') if !text.contains('\\') => Json::Text(text[1..text.len() - 1].to_owned()),
            Some(b'"') => Json::Text(self.read(text)?),
            Some(b'[' | b'{') => match self.read(text)? {
                Level::Array(items) => {
                    Json::Array(items.into_iter().map(|item| self.value(item, depth + 1)).collect::<Result<_, _>>()?)
                }
                Level::Object(members) => {
                    let read = |(name, value)| Ok((name, self.value(value, depth + 1)?));
                    Json::Object(members.into_iter().map(read).collect::<Result<_, String>>()?)
                }
            },
            _ => Json::Number(text.to_owned()),
        })
    }
}

impl Json {
    /// Parses a text; the error is a sentence for the caller. A byte order mark is skipped (RFC 8259, section 8.1).
    pub fn parse(bytes: &[u8]) -> Result<Json, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err("the body is empty; a JSON object is expected".to_owned());
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| format!("it is not UTF-8 from its byte {} on", error.valid_up_to() + 1))?;
        let whole = Whole(text);
        whole.value(whole.read(text)?, 0)
    }

    /// A member of an object; a null member counts as absent.
    pub fn member(&self, name: &str) -> Option<&Json> {
        let Json::Object(members) = self else { return None };
        members.iter().find(|(known, value)| known == name && *value != Json::Null).map(|(_, value)| value)
    }

    /// A mutable member of an object.
    pub fn member_mut(&mut self, name: &str) -> Option<&mut Json> {
        let Json::Object(members) = self else { return None };
        members.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Sets a member of an object; an existing one keeps its position.
    pub fn set(&mut self, name: &str, value: Json) {
        if let Some(member) = self.member_mut(name) {
            *member = value;
        } else if let Json::Object(members) = self {
            members.push((name.to_owned(), value));
        }
    }

    /// Removes a member of an object.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let Json::Object(members) = self else { return None };
        let at = members.iter().position(|(known, _)| known == name)?;
        Some(members.remove(at).1)
    }

    /// The kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::Text(_) => "a string",
            Json::Array(_) => "a list",
            Json::Object(_) => "an object",
        }
    }

    /// The value as JSON, with numbers as written.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, false);
        text
    }

    /// A canonical text: equal for equal content, with members sorted and numbers in one form.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, true);
        text
    }

    fn write(&self, out: &mut String, canonical: bool) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Number(text) => match Decimal::parse(text) {
                Ok(decimal) if canonical => out.push_str(&decimal.to_string()),
                _ => out.push_str(text),
            },
            Json::Text(text) => out.push_str(&serde_json::Value::from(text.as_str()).to_string()),
            Json::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out, canonical);
                }
                out.push(']');
            }
            Json::Object(members) => {
                let mut members: Vec<&(String, Json)> = members.iter().collect();
                if canonical {
                    members.sort_by(|a, b| a.0.cmp(&b.0));
                }
                out.push('{');
                for (at, (name, value)) in members.into_iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    out.push_str(&serde_json::Value::from(name.as_str()).to_string());
                    out.push(':');
                    value.write(out, canonical);
                }
                out.push('}');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Json;

    #[test]
    fn content_decides_not_spelling() {
        let same = [
            (r#"{"b":1.0,"a":"x"}"#, r#"{ "a": "x", "b": 1 }"#),
            (r#"{"a":1e2}"#, r#"{"a":100}"#),
            (r#"["\u00e9"]"#, "[\"é\"]"),
        ];
        for (one, other) in same {
            let canonical = |text: &str| Json::parse(text.as_bytes()).expect("JSON").canonical();
            assert_eq!(canonical(one), canonical(other));
        }
    }

    #[test]
    fn broken_texts_are_refused() {
        let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
        for text in [
            "",
            " ",
            "{",
            "{\"a\":1,\"a\":2}",
            "{\"a\":}",
            "[1,]",
            "nul",
            "1 2",
            "\u{feff}",
            "\u{feff}\u{feff}{}",
            "'a'",
            deep.as_str(),
        ] {
            assert!(Json::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Json::parse(&[b'"', 0xff, b'"']).is_err());
    }

    #[test]
    fn places_are_counted_from_the_beginning_of_all() {
        let cases = [
            ("{\n  \"a\": {\"b\": 1,\n\"b\": 2}}", "the member \"b\" stands twice at line 3 column 7"),
            ("{\"a\": {\"b\": 1, \"b\": 2}}", "the member \"b\" stands twice at line 1 column 22"),
            ("{\n  \"a\": [{\"b\": \"\\ud800\"}]}", "at line 2 column "),
            ("{\n\n  \"a\": [1,]}", "expected value at line 3 column 11"),
        ];
        for (text, expected) in cases {
            let error = Json::parse(text.as_bytes()).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(Json::parse("\u{feff}{\"a\":1}".as_bytes()), Json::parse(b"{\"a\":1}"));
    }

    #[test]
    fn digits_survive() {
        let text = r#"{"a":0.123456789012345678901234567890,"b":[12345678901234567890]}"#;
        assert_eq!(Json::parse(text.as_bytes()).expect("JSON").to_text(), text);
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused_and_what_is_read_reads_the_same_again(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(json) = Json::parse(&bytes) {
                let again = Json::parse(json.canonical().as_bytes()).expect("what we wrote reads");
                prop_assert_eq!(again.canonical(), json.canonical());
            }
        }
    }
}
