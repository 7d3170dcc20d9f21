//! The published contract: the generated document with shared parts named, required members first, read-only members
//! marked, and examples recorded from a running server.
//!
//! It is handled as JSON that keeps the order of members, because readers and generators show that order.

use std::collections::HashMap;

use utoipa::openapi::OpenApi;

use paygen_edge::json::Json;

/// A server's answers to a scenario that makes every call, recorded by `server/tests/it/examples.rs`.
const RECORDED: &str = include_str!("recorded.json");

/// The prefix of a reference to a schema.
const SCHEMAS: &str = "#/components/schemas/";

/// Names that no rule produces.
const NAMES: &[(&str, &str)] = &[
    ("Envelope_Vec_LimitUse", "LimitsResponse"),
    ("Envelope_Vec_EventCatalogEntry", "EventCatalogResponse"),
    ("Envelope_Option_Authorization", "AuthorizationOrNullResponse"),
    ("Envelope_Option_Transaction", "TransactionOrNullResponse"),
    ("Envelope_String", "StatusResponse"),
    ("Free", "Metadata"),
    ("Controls", "SpendingControlsInput"),
    ("Proof", "ProofOfAddressInput"),
    ("DocumentInput", "IdentityDocumentInput"),
    ("CategoryWord", "AccountCategory"),
    ("FundingMode", "CardFundingMode"),
];

/// The schema that an update's body corresponds to, where its name does not show it.
const SHOWN_AS: &[(&str, &str)] = &[("UpdateDetail", "AccountDetail")];

/// Publishes a generated document.
pub fn publish(document: &OpenApi) -> Json {
    let bytes = serde_json::to_vec(document).unwrap_or_default();
    let mut contract = Json::parse(&bytes).unwrap_or(Json::Null);
    let mut schemas = take_schemas(&mut contract);
    mark_read_only(&mut schemas);
    name_parts(&mut contract, &mut schemas);
    let names = names(&mut contract, &schemas);
    for (name, schema) in &mut schemas {
        if let Some(new) = names.get(name) {
            name.clone_from(new);
        }
        rename(schema, &names);
        required_first(schema);
    }
    schemas.sort_by(|(one, _), (other, _)| one.cmp(other));
    rename(&mut contract, &names);
    required_first(&mut contract);
    show_recorded(&mut contract, &schemas);
    if let Some(Json::Object(components)) = contract.member_mut("components") {
        components.push(("schemas".to_owned(), Json::Object(schemas)));
    }
    contract
}

type Members = Vec<(String, Json)>;

fn take_schemas(contract: &mut Json) -> Members {
    let Some(Json::Object(components)) = contract.member_mut("components") else { return Vec::new() };
    let at = components.iter().position(|(name, _)| name == "schemas");
    match at.map(|at| components.remove(at).1) {
        Some(Json::Object(schemas)) => schemas,
        _ => Vec::new(),
    }
}

/// Every operation, with its place.
fn operations(contract: &mut Json) -> impl Iterator<Item = &mut Json> {
    let paths = match contract.member_mut("paths") {
        Some(Json::Object(paths)) => paths.as_mut_slice(),
        _ => &mut [],
    };
    paths.iter_mut().flat_map(|(_, item)| match item {
        Json::Object(operations) => operations.iter_mut().map(|(_, operation)| operation).collect::<Vec<_>>(),
        _ => Vec::new(),
    })
}

fn text<'a>(json: &'a Json, name: &str) -> Option<&'a str> {
    match json.member(name) {
        Some(Json::Text(text)) => Some(text),
        _ => None,
    }
}

fn object(members: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn reference(name: &str) -> Json {
    object([("$ref", Json::Text(format!("{SCHEMAS}{name}")))])
}

fn children(json: &mut Json) -> Vec<&mut Json> {
    match json {
        Json::Object(members) => members.iter_mut().map(|(_, value)| value).collect(),
        Json::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    }
}

/// Members of updates that can be sent back but not set are described as in the object itself.
fn mark_read_only(schemas: &mut Members) {
    const MARK: &str = "Read-only";
    let shown: HashMap<String, Json> = schemas.iter().cloned().collect();
    for (name, schema) in schemas.iter_mut() {
        let named = SHOWN_AS.iter().find(|(update, _)| update == name).map(|(_, shown)| *shown);
        let object = named.or_else(|| name.strip_prefix("Update")).and_then(|object| shown.get(object));
        mark(schema, object.and_then(|object| object.member("properties")));
    }

    fn mark(schema: &mut Json, shown: Option<&Json>) {
        if let Some(Json::Object(properties)) = schema.member_mut("properties") {
            for (name, property) in properties.iter_mut() {
                let Some(rest) = text(property, "description").and_then(|text| text.strip_prefix(MARK)) else {
                    continue;
                };
                let rest = rest.trim_start_matches([':', '.', ' ']).to_owned();
                if let Some(shown) = shown.and_then(|shown| shown.member(name)) {
                    *property = shown.clone();
                } else if !rest.is_empty() {
                    property.set("description", Json::Text(rest));
                }
                property.set("readOnly", Json::Bool(true));
            }
        }
        for child in children(schema) {
            mark(child, None);
        }
    }
}

/// Titled parts of bodies become components of that name, so that generated code has one type for each.
fn name_parts(contract: &mut Json, schemas: &mut Members) {
    let mut named: HashMap<String, Json> = schemas.iter().cloned().collect();
    let mut new = Vec::new();
    for (name, schema) in schemas.iter_mut() {
        if text(schema, "title") == Some(name.as_str()) {
            schema.remove("title");
        }
        children(schema).into_iter().for_each(|child| hoist(child, &mut named, &mut new));
        named.insert(name.clone(), schema.clone());
    }
    operations(contract).for_each(|operation| hoist(operation, &mut named, &mut new));
    schemas.append(&mut new);
}

fn hoist(json: &mut Json, named: &mut HashMap<String, Json>, new: &mut Members) {
    children(json).into_iter().for_each(|child| hoist(child, named, new));
    let Some(title) = text(json, "title").map(str::to_owned) else { return };
    if json.member("type").is_none() {
        return;
    }
    json.remove("title");
    let mut part = json.clone();
    let beside: Members =
        ["description", "examples"].iter().filter_map(|name| Some(((*name).to_owned(), part.remove(name)?))).collect();
    let nullable = without_null(&mut part);
    let alike = |known: &Json| {
        let mut known = known.clone();
        known.remove("description");
        known == part
    };
    let name = match named.get(&title) {
        Some(known) if alike(known) => title,
        Some(_) => format!("{title}Input"),
        None => title,
    };
    if !named.contains_key(&name) {
        named.insert(name.clone(), part.clone());
        new.push((name.clone(), part));
    }
    let mut replaced = reference(&name);
    if nullable {
        let null = object([("type", Json::Text("null".to_owned()))]);
        replaced = object([("anyOf", Json::Array(vec![replaced, null]))]);
    }
    if let Json::Object(members) = &mut replaced {
        members.extend(beside);
    }
    *json = replaced;
}

/// Removes null from what a schema allows; returns whether it was allowed.
fn without_null(schema: &mut Json) -> bool {
    let null = Json::Text("null".to_owned());
    let Some(Json::Array(types)) = schema.member_mut("type") else { return false };
    let before = types.len();
    types.retain(|kind| *kind != null);
    let nullable = types.len() < before;
    if let [one] = types.as_slice() {
        let one = one.clone();
        schema.set("type", one);
    }
    if let Some(Json::Array(words)) = schema.member_mut("enum") {
        words.retain(|word| *word != Json::Null);
    }
    nullable
}

/// The names of components: bodies are named after their call, envelopes after their content.
fn names(contract: &mut Json, schemas: &Members) -> HashMap<String, String> {
    let mut names: HashMap<String, String> =
        NAMES.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect();
    for operation in operations(contract) {
        let Some(id) = text(operation, "operationId").map(capitalized) else { continue };
        let Some(Json::Object(bodies)) =
            operation.member_mut("requestBody").and_then(|body| body.member_mut("content"))
        else {
            continue;
        };
        for (kind, body) in bodies {
            let Some(schema) = body.member_mut("schema") else { continue };
            // `required` states that a body may be omitted, not null.
            if let Some(Json::Array(choices)) = schema.member("oneOf")
                && let Some(real) = choices.iter().find(|choice| text(choice, "$ref").is_some())
            {
                *schema = real.clone();
            }
            let Some(old) = text(schema, "$ref").and_then(|to| to.strip_prefix(SCHEMAS)) else { continue };
            let end = if kind == "application/json" { "Request" } else { "Form" };
            names.entry(old.to_owned()).or_insert(format!("{id}{end}"));
        }
    }
    for (old, _) in schemas {
        let new = old.strip_prefix("Envelope_").map(|held| format!("{held}Response"));
        if let Some(new) = new.or_else(|| old.strip_prefix("ListEnvelope_").map(|held| format!("{held}List"))) {
            names.entry(old.clone()).or_insert(new);
        }
    }
    names
}

fn capitalized(name: &str) -> String {
    name.chars().take(1).flat_map(char::to_uppercase).chain(name.chars().skip(1)).collect()
}

fn rename(json: &mut Json, names: &HashMap<String, String>) {
    if let Some(new) = text(json, "$ref").and_then(|to| names.get(to.strip_prefix(SCHEMAS)?)) {
        let to = Json::Text(format!("{SCHEMAS}{new}"));
        json.set("$ref", to);
    }
    children(json).into_iter().for_each(|child| rename(child, names));
}

fn required_first(json: &mut Json) {
    let required = match json.member("required") {
        Some(Json::Array(names)) => names.clone(),
        _ => Vec::new(),
    };
    if let Some(Json::Object(properties)) = json.member_mut("properties") {
        properties.sort_by_key(|(name, _)| !required.contains(&Json::Text(name.clone())));
    }
    children(json).into_iter().for_each(required_first);
}

/// Puts the recorded examples in their places.
fn show_recorded(contract: &mut Json, schemas: &Members) {
    let schemas: HashMap<&str, &Json> = schemas.iter().map(|(name, schema)| (name.as_str(), schema)).collect();
    let recorded = Json::parse(RECORDED.as_bytes()).unwrap_or(Json::Null);
    for operation in operations(contract) {
        let Some(of_call) = text(operation, "operationId").and_then(|id| recorded.member(id)).cloned() else {
            continue;
        };
        let body = operation.member_mut("requestBody").and_then(|body| body.member_mut("content"));
        if let Some(Json::Object(bodies)) = body {
            for (kind, body) in bodies {
                let part = if kind == "application/json" { "request" } else { "form" };
                of_call.member(part).into_iter().for_each(|example| show(body, example, &schemas));
            }
        }
        let Some(Json::Number(status)) = of_call.member("status") else { continue };
        let response = operation.member_mut("responses").and_then(|all| all.member_mut(status));
        let content = response.and_then(|response| response.member_mut("content"));
        if let (Some(content), Some(example)) = (content, of_call.member("response")) {
            content.member_mut("application/json").into_iter().for_each(|body| show(body, example, &schemas));
        }
    }
}

fn show(body: &mut Json, example: &Json, schemas: &HashMap<&str, &Json>) {
    let mut example = example.clone();
    if let Some(schema) = body.member("schema") {
        arrange(&mut example, schema, schemas);
    }
    body.set("example", example);
}

/// Orders the members of a value as in its schema.
fn arrange(value: &mut Json, schema: &Json, schemas: &HashMap<&str, &Json>) {
    let schema = match text(schema, "$ref").and_then(|to| schemas.get(to.strip_prefix(SCHEMAS)?)) {
        Some(named) => *named,
        None => schema,
    };
    for word in ["anyOf", "oneOf"] {
        if let Some(Json::Array(choices)) = schema.member(word) {
            let fits = |choice: &&Json| text(choice, "type") != Some("null");
            return choices.iter().filter(fits).for_each(|choice| arrange(value, choice, schemas));
        }
    }
    match value {
        Json::Array(items) => {
            if let Some(schema) = schema.member("items") {
                items.iter_mut().for_each(|item| arrange(item, schema, schemas));
            }
        }
        Json::Object(members) => {
            let Some(Json::Object(properties)) = schema.member("properties") else { return };
            let place = |name: &str| properties.iter().position(|(known, _)| known == name).unwrap_or(usize::MAX);
            members.sort_by_key(|(name, _)| place(name));
            for (name, value) in members {
                if let Some((_, schema)) = properties.iter().find(|(known, _)| known == name) {
                    arrange(value, schema, schemas);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{hoist, required_first};
    use crate::router::contract;
    use paygen_app::Environment;
    use paygen_edge::json::Json;

    fn read(value: Value) -> Json {
        Json::parse(value.to_string().as_bytes()).expect("JSON")
    }

    #[test]
    fn parts_with_a_title_are_named() {
        let mut json = read(json!({"properties": {
            "brand": {"type": ["string", "null"], "title": "Brand", "enum": ["Visa", null], "description": "The network."},
            "controls": {"type": "object", "title": "Controls", "properties": {}},
        }}));
        let mut named = [("Controls".to_owned(), read(json!({"type": "object"})))].into_iter().collect();
        let mut new = Vec::new();
        hoist(&mut json, &mut named, &mut new);
        let text = json.to_text();
        assert!(
            text.contains(r##"{"anyOf":[{"$ref":"#/components/schemas/Brand"},{"type":"null"}],"description""##),
            "{text}"
        );
        assert!(text.contains("schemas/ControlsInput"), "another schema has the name: {text}");
        assert_eq!(new[0].1.to_text(), r#"{"enum":["Visa"],"type":"string"}"#);
    }

    #[test]
    fn required_members_come_first() {
        let mut json = read(json!({"required": ["b", "z"], "properties": {"a": {}, "b": {}, "c": {}, "z": {}}}));
        required_first(&mut json);
        assert!(json.to_text().contains(r#"{"b":{},"z":{},"a":{},"c":{}}"#));
    }

    /// No example repeats its member's name, as placeholders do, and each error's status is the one it is listed under.
    #[test]
    fn examples_are_no_placeholders() {
        fn look(value: &Value, at: &str, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    for (name, value) in members {
                        // The sign for omissions stands for itself.
                        if name != "…" && (value == name || value == &json!([name])) {
                            found.push(format!("{at}/{name}"));
                        }
                        look(value, &format!("{at}/{name}"), found);
                    }
                }
                Value::Array(items) => items.iter().for_each(|item| look(item, at, found)),
                _ => {}
            }
        }
        let contract: Value = serde_json::from_str(&contract(Environment::Sandbox)).expect("JSON");
        let mut found = Vec::new();
        for (path, item) in contract["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let place = format!("{method} {path}");
                for (_, body) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
                    look(&body["example"], &place, &mut found);
                }
                for (status, response) in operation["responses"].as_object().expect("responses") {
                    let example = &response["content"]["application/json"]["example"];
                    look(example, &place, &mut found);
                    let status_code = &example["statusCode"];
                    assert!(
                        status_code.is_null() || status_code.as_u64() == status.parse().ok(),
                        "{place}: {status_code} under {status}"
                    );
                }
            }
        }
        assert!(found.is_empty(), "{found:#?}");
    }

    #[test]
    fn names_read_well() {
        let contract: Value = serde_json::from_str(&contract(Environment::Sandbox)).expect("JSON");
        let schemas = contract["components"]["schemas"].as_object().expect("schemas");
        let odd: Vec<&String> = schemas.keys().filter(|name| !name.chars().all(char::is_alphanumeric)).collect();
        assert!(odd.is_empty(), "{odd:?}");
        let text = contract.to_string();
        for name in schemas.keys() {
            assert!(text.contains(&format!("schemas/{name}\"")), "{name} is referred to by nothing");
        }
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            assert!(schemas.contains_key(name), "{name} is no component");
        }
    }
}
