//! Cursors: the position in a list, as opaque text that is valid only for the list it came from.
//!
//! A checksum at the beginning detects a cursor that was cut or altered. It is no protection against forgery and need
//! not be: a cursor gives no access beyond that of the list itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use paygen_store::value::Value;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Cursor {
    of: String,
    after: Vec<Key>,
}

#[derive(Serialize, Deserialize)]
enum Key {
    #[serde(rename = "n")]
    Null,
    #[serde(rename = "i")]
    Integer(i64),
    #[serde(rename = "t")]
    Text(String),
    #[serde(rename = "b")]
    Bytes(Vec<u8>),
}

/// Identifies a list: its sort and every condition.
pub fn fingerprint(sort: &str, filter: Option<&str>, search: Option<&str>, search_in: Option<&str>) -> String {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in [Some(sort), filter, search, search_in] {
        let part = part.unwrap_or_default();
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(&context.finish().as_ref()[..9])
}

/// The cursor after the row with these sort values.
pub fn write(values: &[Value], fingerprint: &str) -> String {
    let key = |value: &Value| match value {
        Value::Null | Value::Real(_) => Key::Null,
        Value::Integer(value) => Key::Integer(*value),
        Value::Text(value) => Key::Text(value.clone()),
        Value::Bytes(value) => Key::Bytes(value.clone()),
    };
    let cursor = Cursor { of: fingerprint.to_owned(), after: values.iter().map(key).collect() };
    let content = serde_json::to_vec(&cursor).unwrap_or_default();
    URL_SAFE_NO_PAD.encode([checksum(&content).as_slice(), &content].concat())
}

fn checksum(content: &[u8]) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content).as_ref()[..8]);
    sum
}

/// The sort values of a cursor, which must be of the list with this fingerprint.
pub fn read(text: &str, fingerprint: &str) -> Result<Vec<Value>, String> {
    let malformed = || "is not a cursor of this API; take it from meta.nextCursor".to_owned();
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
    let (sum, content) = bytes.split_first_chunk::<8>().ok_or_else(malformed)?;
    if *sum != checksum(content) {
        return Err(malformed());
    }
    let cursor: Cursor = serde_json::from_slice(content).map_err(|_| malformed())?;
    if cursor.of != fingerprint {
        return Err(
            "belongs to a list with another sort, filter or search; start again with an empty cursor".to_owned()
        );
    }
    let value = |key| match key {
        Key::Null => Ok(Value::Null),
        Key::Integer(value) => Ok(Value::Integer(value)),
        Key::Text(value) if !value.contains('\0') => Ok(Value::Text(value)),
        Key::Text(_) => Err(malformed()),
        Key::Bytes(value) => Ok(Value::Bytes(value)),
    };
    cursor.after.into_iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use paygen_store::value::Value;

    use super::{read, write};

    #[test]
    fn a_cursor_fits_only_its_list() {
        let values = vec![Value::Integer(-3), Value::Text("é".to_owned()), Value::Bytes(vec![0, 255])];
        let text = write(&values, "one");
        assert_eq!(read(&text, "one"), Ok(values));
        for (text, of) in [(text.as_str(), "other"), ("nonsense", "one"), ("", "one"), ("e30", "one"), ("%%%", "one")] {
            assert!(read(text, of).is_err(), "{text}");
        }
    }
}
