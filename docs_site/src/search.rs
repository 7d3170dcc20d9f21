//! The index of the browser's search, as JSON, and `llms.txt` for language models.

use std::fmt::Write;

use serde_json::{Value, json};

use super::catalogue::CODES;
use super::guides::{GROUPS, Guide};

/// Characters of a section's text that are indexed.
const MAX_INDEXED_CHARS: usize = 1200;

/// An operation of the API.
pub struct Operation {
    /// Its anchor in the reference.
    pub id: String,
    pub method: String,
    /// The path with its variables in braces.
    pub path: String,
    pub summary: String,
    pub tag: String,
    /// The text to search: its description, and the names of its parameters and members.
    pub words: String,
}

impl Operation {
    /// Its path in the reference.
    pub fn href(&self) -> String {
        format!("/docs/api#{}", self.id)
    }
}

/// Every operation, in the order of the document's tags.
pub fn operations(contract: &Value) -> Vec<Operation> {
    let tags: Vec<&str> =
        contract["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str()).collect();
    let mut operations = Vec::new();
    for (path, item) in contract["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            operations.push(Operation {
                id: text(&operation["operationId"]),
                method: method.to_uppercase(),
                path: path.clone(),
                summary: text(&operation["summary"]),
                tag: text(&operation["tags"][0]),
                words: format!("{} {}", text(&operation["description"]), members_of(contract, operation).join(" ")),
            });
        }
    }
    operations.sort_by_key(|operation| tags.iter().position(|tag| *tag == operation.tag).unwrap_or(tags.len()));
    operations
}

/// The names of an operation's parameters and body members.
pub(super) fn members_of(contract: &Value, operation: &Value) -> Vec<String> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let named = schema["$ref"].as_str().and_then(|to| contract.pointer(to.strip_prefix('#')?));
    let members = named.unwrap_or(schema)["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    members.chain(parameters.filter_map(|one| one["name"].as_str().map(str::to_owned))).collect()
}

/// The index that the browser's search loads.
pub fn index(guides: &[Guide], operations: &[Operation]) -> String {
    let mut entries = Vec::new();
    for guide in guides {
        for section in &guide.sections {
            let first = section.id.is_empty();
            let href = if first { guide.path() } else { format!("{}#{}", guide.path(), section.id) };
            let text: String = section.text.trim().chars().take(MAX_INDEXED_CHARS).collect();
            let text = if first { format!("{} {text}", guide.description) } else { text };
            let title = if first { &guide.title } else { &section.heading };
            let place = if first { guide.group.clone() } else { guide.title.clone() };
            entries.push(json!({"id": entries.len(), "title": title, "place": place, "href": href, "text": text}));
        }
    }
    for operation in operations {
        let text = format!("{} {} {} {}", operation.method, operation.path, operation.id, operation.words);
        let text: String = text.chars().take(MAX_INDEXED_CHARS).collect();
        let place = format!("{} {}", operation.method, operation.path);
        entries.push(json!({"id": entries.len(), "title": operation.summary, "place": place, "href": operation.href(), "text": text}));
    }
    for code in CODES {
        let href = format!("/docs/errors/{}", code.code);
        entries.push(
            json!({"id": entries.len(), "title": code.code, "place": "Error code", "href": href, "text": code.meaning}),
        );
    }
    Value::Array(entries).to_string()
}

/// `llms.txt`, the site's summary for language models: <https://llmstxt.org>.
pub fn llms(guides: &[Guide], operations: &[Operation]) -> String {
    let mut text = "# Paygen\n\n> A self-hosted card-issuing platform in one binary: accounts on a double-entry ledger, card \
        holders, cards, authorizations with every decision explained, events and webhooks. All of it is one REST API.\n\n\
        Every success is `{statusCode, message, data}` (lists add `meta`); every error is `{statusCode, message, data: null, \
        error: {code, requestId, docs, fields}}`. Send an API key in the header `x-api-key`, or a bearer token.\n"
        .to_owned();
    for group in GROUPS {
        let of_group: Vec<&Guide> = guides.iter().filter(|guide| guide.group == *group).collect();
        if !of_group.is_empty() {
            let _ = write!(text, "\n## {group}\n\n");
        }
        for guide in of_group {
            let _ = writeln!(text, "- [{}]({}.md): {}", guide.title, guide.path(), guide.description);
        }
    }
    text.push_str("\n## Reference\n\n- [OpenAPI 3.1](/openapi.json): the whole contract\n- [Error codes](/docs/errors): each with its meaning and fix\n");
    for operation in operations {
        let _ =
            writeln!(text, "- [{} {}]({}): {}", operation.method, operation.path, operation.href(), operation.summary);
    }
    text
}
