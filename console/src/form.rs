//! Forms as browsers send them, and the JSON bodies made of them.

use std::collections::HashMap;

use paygen_edge::json::Json;

/// The longest form that is read. Documents are not sent as forms.
pub(crate) const MAX_FORM_BYTES: usize = 256 << 10;

/// The values of a form, each the first of its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(HashMap<String, Vec<String>>);

impl Values {
    /// Reads `application/x-www-form-urlencoded`, of a body or a query.
    pub(crate) fn read(text: &str) -> Values {
        let mut values: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            values.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        Values(values)
    }

    /// The value of a field; empty if it was not sent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// All values of a field, such as those of several checkboxes.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), vec![value.into()]);
    }
}

/// Sets the member that a path such as `merchant.name` names, and makes the objects on the way.
pub(crate) fn set(json: &mut Json, path: &str, value: Json) {
    match path.split_once('.') {
        None => json.set(path, value),
        Some((first, rest)) => {
            if !matches!(json.member(first), Some(Json::Object(_))) {
                json.set(first, Json::Object(Vec::new()));
            }
            if let Some(inner) = json.member_mut(first) {
                set(inner, rest, value);
            }
        }
    }
}

/// Encodes a text as a part of a query.
pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A query of the parameters that have a value.
pub(crate) fn query(parameters: &[(&str, &str)]) -> String {
    let mut writer = url::form_urlencoded::Serializer::new(String::new());
    parameters.iter().filter(|(_, value)| !value.is_empty()).for_each(|(name, value)| {
        writer.append_pair(name, value);
    });
    writer.finish()
}

#[cfg(test)]
mod tests {
    use paygen_edge::json::Json;

    use super::{Values, query, set};

    #[test]
    fn paths_make_objects() {
        let mut json = Json::Object(Vec::new());
        set(&mut json, "merchant.name", Json::Text("A".to_owned()));
        set(&mut json, "merchant.country", Json::Text("US".to_owned()));
        set(&mut json, "amount", Json::Number("1.10".to_owned()));
        assert_eq!(json.to_text(), r#"{"merchant":{"name":"A","country":"US"},"amount":1.10}"#);
    }

    #[test]
    fn forms_are_decoded() {
        let values = Values::read("a=1&b=x+y%26z&a=2&c=");
        assert_eq!((values.get("a"), values.get("b"), values.get("c"), values.get("d")), ("1", "x y&z", "", ""));
        assert_eq!(values.all("a"), ["1", "2"]);
        assert!(values.has("c") && !values.has("d"));
        assert_eq!(query(&[("a", "x&y"), ("b", ""), ("c", "1")]), "a=x%26y&c=1");
    }
}
