//! Examples of bodies for the OpenAPI document, made of the schemas: of their own examples where they have some, of what
//! fits where they have none. So no example can be forgotten, and none can go stale.

use serde_json::{Map, Value, json};

const ID: &str = "665f1c4f4a4f4a4f4a4f4a4f";
const INSTANT: &str = "2026-03-02T09:30:00.000Z";

/// How deep an example goes.
const DEEPEST: usize = 24;

/// The status, an error of it and its sentence.
pub const ERRORS: &[(&str, &str, &str)] = &[
    ("400", "validation_failed", "/amount: is required"),
    ("401", "credential_unknown", "This API key is not known."),
    ("403", "scope_missing", "This needs a scope that the credential does not have."),
    ("404", "card_not_found", "There is no such card for this client."),
    (
        "409",
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request, or with another credential. Use a new key for a new request.",
    ),
    (
        "412",
        "version_mismatch",
        "The object is at version 4, not at the version named in If-Match. Read it again and decide anew.",
    ),
    ("413", "body_too_large", "The body is larger than 1048576 bytes."),
    ("415", "unsupported_media_type", "Send the body as JSON, with the header content-type: application/json."),
    ("422", "insufficient_funds", "The account 665f1c4f4a4f4a4f4a4f4a4f has 10 USD available; 25 USD are needed."),
    ("429", "rate_limited", "This API key calls too often. Wait as Retry-After says, then go on."),
    ("500", "internal_error", "Something went wrong on our side. The request's id helps to find out what."),
    ("503", "overloaded", "Too many requests are waiting. Nothing was done; try again shortly."),
];

/// The body of an error of this status.
pub fn of_error(status: &str) -> Option<Value> {
    let (_, code, message) = ERRORS.iter().find(|(of, ..)| *of == status)?;
    let fields = match status {
        "400" => json!([{"pointer": "/amount", "code": "required", "message": "is required"}]),
        _ => json!([]),
    };
    Some(json!({
        "statusCode": status.parse::<u16>().ok()?, "message": message, "data": null,
        "error": {"code": code, "requestId": "0199a3b2-6c1e-7d40-9f5e-3a1c2b4d5e6f", "docs": format!("/docs/errors/{code}"), "fields": fields},
    }))
}

/// The examples of a document's schemas.
pub struct Examples<'a> {
    /// The document's `components.schemas`.
    pub schemas: &'a Value,
    /// Whether they are for requests: these have only what is required and what brings an example of its own.
    pub requests: bool,
}

impl Examples<'_> {
    /// An example of a schema.
    pub fn of(&self, schema: &Value) -> Option<Value> {
        self.make("", schema, 0)
    }

    fn resolve<'b>(&'b self, schema: &'b Value) -> &'b Value {
        let name = schema["$ref"].as_str().and_then(|to| to.strip_prefix("#/components/schemas/"));
        name.map_or(schema, |name| &self.schemas[name])
    }

    fn make(&self, name: &str, schema: &Value, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        if let Some(given) = given(schema) {
            return Some(given);
        }
        if schema["$ref"].is_string() {
            return self.make(name, self.resolve(schema), depth + 1);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let parts = parts.iter().filter_map(|part| self.make(name, part, depth + 1));
            let mut whole = Map::new();
            for part in parts {
                match part {
                    Value::Object(members) => whole.extend(members),
                    other => return Some(other),
                }
            }
            return Some(Value::Object(whole));
        }
        for word in ["oneOf", "anyOf"] {
            if let Some(choices) = schema[word].as_array() {
                let mut real = choices.iter().filter(|choice| choice["type"] != "null");
                return real.find_map(|choice| self.make(name, choice, depth + 1)).or(Some(Value::Null));
            }
        }
        if let Some(first) = schema["enum"].as_array().and_then(|words| words.iter().find(|word| !word.is_null())) {
            return Some(first.clone());
        }
        let nullable = schema["type"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "null"));
        if nullable && !self.requests {
            return Some(Value::Null);
        }
        let kind = match &schema["type"] {
            Value::Array(types) => types.iter().find_map(|kind| kind.as_str().filter(|kind| *kind != "null")),
            other => other.as_str(),
        };
        match kind {
            Some("object") => Some(self.object(schema, depth)),
            Some("array") => {
                let wanted = !self.requests || schema["minItems"].as_u64().unwrap_or_default() > 0;
                let item = wanted.then(|| self.make(name, &schema["items"], depth + 1)).flatten();
                Some(Value::Array(item.into_iter().collect()))
            }
            Some("string") => Some(json!(text(name, schema))),
            Some("integer" | "number") => Some(schema.get("minimum").cloned().unwrap_or_else(|| json!(1))),
            Some("boolean") => Some(json!(true)),
            _ if schema["properties"].is_object() => Some(self.object(schema, depth)),
            _ => Some(json!({})),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required =
            |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
        let mut members = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if self.requests && !required(name) && (given(property).is_none() || property["readOnly"] == true) {
                continue;
            }
            members.extend(self.make(name, property, depth + 1).map(|value| (name.clone(), value)));
        }
        Value::Object(members)
    }
}

/// What a schema gives as its example.
fn given(schema: &Value) -> Option<Value> {
    let first = schema["examples"].as_array().and_then(|examples| examples.first());
    let given = schema.get("example").or(first).or_else(|| schema.get("const")).or_else(|| schema.get("default"));
    given.filter(|given| !given.is_null()).cloned()
}

/// A text that fits a member of this name.
fn text(name: &str, schema: &Value) -> String {
    let text = match (schema["format"].as_str(), name) {
        (Some("date-time"), _) => INSTANT,
        (Some("date"), _) => "2026-03-02",
        (Some("email"), _) => "alex.johnson@example.com",
        (Some("uri"), _) => "https://example.com/paygen",
        (Some("binary"), _) => "@passport.jpg",
        (_, "requestId") => "0199a3b2-6c1e-7d40-9f5e-3a1c2b4d5e6f",
        (_, "currency" | "merchantCurrency") => "USD",
        (_, "message") => "Done.",
        (_, "pan") => "4005550000000001",
        (_, "at") => INSTANT,
        (_, "contentHash") => "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        _ if name.ends_with("Id") || name == "_id" || name == "id" => ID,
        _ if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("[0-9a-f]{24}")) => ID,
        _ => name,
    };
    let shortest = schema["minLength"].as_u64().unwrap_or_default() as usize;
    format!("{text}{}", "x".repeat(shortest.saturating_sub(text.chars().count())))
}

#[cfg(test)]
mod tests {
    use super::Examples;
    use serde_json::json;

    #[test]
    fn examples_fit_their_schemas() {
        let schemas = json!({
            "Money": {"type": "number", "example": 25},
            "Card": {"type": "object", "required": ["_id"], "properties": {
                "_id": {"type": "string"}, "balance": {"$ref": "#/components/schemas/Money"}, "note": {"type": ["string", "null"]},
                "kind": {"oneOf": [{"type": "null"}, {"enum": ["a", "b"]}]}, "parts": {"type": "array", "items": {"type": "boolean"}},
            }},
        });
        let card = json!({"$ref": "#/components/schemas/Card"});
        let of = |requests| Examples { schemas: &schemas, requests }.of(&card).expect("an example");
        assert_eq!(of(true), json!({"_id": super::ID}));
        assert_eq!(of(false), json!({"_id": super::ID, "balance": 25, "note": null, "kind": "a", "parts": [true]}));
    }
}
