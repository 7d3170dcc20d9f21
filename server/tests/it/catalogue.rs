//! The catalogue of events is correct: every event of a busy run matches its schema.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::authorizations::{a_funded_card, cafe, pay, text};
use crate::on_both_stores;
use crate::world::{Backend, Form, KEY, Server, World};

/// Closes every object of a schema that lists its members, so that an unlisted member is an error.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object) && !members.contains_key("additionalProperties")
            {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// A validator for each type that accepts no unlisted member.
async fn validators(server: &Server) -> BTreeMap<String, jsonschema::Validator> {
    let entries = server.get("/events/catalog").await.expect(200).data();
    let entries = entries.as_array().expect("entries");
    let mut all = BTreeMap::new();
    for entry in entries {
        let kind = text(entry, "type").to_owned();
        assert!(!text(entry, "description").is_empty(), "{kind}");
        assert!(jsonschema::meta::is_valid(&entry["schema"]), "{kind} has a schema that is one");
        let mut schema = entry["schema"].clone();
        close(&mut schema);
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let sample = &entry["sample"];
        check(&validator, &sample["data"]);
        assert_eq!((&sample["event"], &sample["data"]["eventType"]), (&entry["type"], &entry["type"]));
        assert_eq!(sample["client"], sample["data"]["context"]["business"], "{kind}");
        assert_eq!(sample.as_object().map(serde_json::Map::len), Some(4), "{kind}");
        all.insert(kind, validator);
    }
    all
}

#[track_caller]
fn check(validator: &jsonschema::Validator, data: &Value) {
    let faults: Vec<String> =
        validator.iter_errors(data).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}\n{data:#}");
}

async fn tell_the_stories(world: &World, server: &Server) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenarios");
    let files = std::fs::read_dir(folder).expect("docs/scenarios").map(|entry| entry.expect("a file").path());
    let mut simulate = world.command("simulate");
    simulate.args(["--url", &server.url, "--api-key", KEY]);
    simulate.args(files.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")));
    let output = tokio::task::spawn_blocking(move || simulate.output()).await;
    let output = output.expect("a thread").expect("paygen simulate runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Actions that no scenario covers.
async fn do_the_rest(server: &Server) {
    let hook = json!({"url": "https://example.com/", "events": ["card.replaced"]});
    let hook = server.post("/webhooks", hook).await.expect(201).id();
    server.post(&format!("/webhooks/{hook}/test"), json!({})).await.expect(202);
    server.put(&format!("/webhooks/{hook}"), json!({"enabled": false})).await.expect(200);
    let (a, b) = (server.account("A", 100).await, server.account("B", 0).await);
    let transfer = json!({"fromAccountId": a, "toAccountId": b, "amount": 1, "metadata": {"deep": [1, {"x": null}]}});
    let transfer = server.post("/transfers", transfer).await.expect(201).id();
    server.post(&format!("/transfers/{transfer}/reverse"), json!({})).await.expect(200);
    server.put(&format!("/accounts/{b}"), json!({"name": "B2", "metadata": {"note": "x"}})).await.expect(200);
    server.delete(&format!("/accounts/{b}")).await.expect(200);

    let picture = Form::default().text("name", "Alex").text("person", r#"{"email": "a@example.com"}"#);
    let picture = picture.file("proofOfAddress", "application/pdf", b"%PDF-1.4\nxref\ntrailer\nstartxref\n9\n%%EOF\n");
    let holder = server.request("POST", "/card-holders").form(picture).send().await.expect(201).id();
    let path = format!("/card-holders/{holder}");
    server.put(&path, json!({"name": "Alex B"})).await.expect(200);
    let documents = server.get(&format!("{path}/documents")).await.expect(200).data();
    let review = format!("{path}/documents/{}/review", text(&documents[0], "_id"));
    server.post(&review, json!({"status": "rejected", "reason": "blurred"})).await.expect(200);
    server.delete(&format!("{path}?erase=true")).await.expect(200);

    let card = a_funded_card(server, 100).await;
    server.put(&format!("/cards/{card}"), json!({"metadata": {"a": 1}})).await.expect(200);
    let limits =
        json!({"spendingControls": {"spendingLimits": [{"amount": 500, "interval": "daily", "categories": []}]}});
    server.put(&format!("/cards/{card}"), limits).await.expect(200);
    server.post(&format!("/cards/{card}/withdraw"), json!({"amount": 1})).await.expect(200);
    let token = server.request("POST", &format!("/cards/{card}/token")).send().await.expect(201).data();
    server.get(&format!("/cards/{card}/reveal?token={}", text(&token, "token"))).await.expect(200);
    let paid = pay(server, &card, json!(10), json!({"channel": "pos", "merchant": cafe()})).await;
    server.post(&format!("/simulator/authorizations/{}/clear", text(&paid, "_id")), json!({})).await.expect(201);
    server.delete(&format!("/cards/{card}")).await.expect(200);

    let program = server.post("/programs", json!({"name": "P"})).await.expect(201).id();
    server.put(&format!("/programs/{program}"), json!({"riskThreshold": 80})).await.expect(200);
    server.delete(&format!("/programs/{program}")).await.expect(200);
    let key = server.post("/api-keys", json!({"name": "k", "scopes": ["accounts:read"]})).await.expect(201).id();
    server.delete(&format!("/api-keys/{key}")).await.expect(200);
}

/// Every event, once all have positions.
async fn all_events(server: &Server) -> Vec<Value> {
    let (mut events, mut cursor) = (Vec::new(), String::new());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let page = server.get(&format!("/events?limit=200&cursor={cursor}")).await.expect(200).json();
        events.extend(page["data"].as_array().cloned().unwrap_or_default());
        cursor = text(&page["meta"], "nextCursor").to_owned();
        if events.iter().any(|event: &Value| event["type"] == "api_key.revoked") {
            return events;
        }
        assert!(std::time::Instant::now() < deadline, "{} events", events.len());
    }
}

/// Types whose cause does not occur in this run.
const ELSEWHERE: [(&str, &str); 3] = [
    ("card_holder.verified", "it needs a whole identity; card_holders::documents_are_reviewed_and_downloaded has it"),
    ("responder.degraded", "it needs an outage; responders::a_responder_that_fails_is_not_asked has it"),
    ("responder.recovered", "as before"),
];

/// The members of `data.transaction` in the published samples, in their order.
const PUBLISHED: [&str; 14] = [
    "_id",
    "amount",
    "fee",
    "vat",
    "currency",
    "type",
    "merchantAmount",
    "merchantCurrency",
    "merchant",
    "terminal",
    "transactionMetadata",
    "metadata",
    "createdAt",
    "updatedAt",
];

/// Members added to the published ones.
const MORE: [&str; 9] = [
    "cardId",
    "cardHolderId",
    "accountId",
    "authorizationId",
    "authorizationCode",
    "networkTransactionId",
    "originalTransactionId",
    "refundedAmount",
    "entryId",
];

const METADATA: [(&str, &[&str]); 3] = [
    ("transaction.created", &["eventType", "environment", "business", "reference"]),
    ("transaction.refund", &["eventType", "environment", "business", "authorization", "reference", "feeDetails"]),
    (
        "authorization.declined",
        &[
            "eventType",
            "environment",
            "business",
            "status",
            "approved",
            "authorizationMethod",
            "reason",
            "narration",
            "requestHistory",
        ],
    ),
];

fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn assert_published(event: &Value) {
    let Some((_, metadata)) = METADATA.iter().find(|(kind, _)| event["type"] == *kind) else { return };
    let data = &event["data"];
    let block = match text(event, "type") {
        "authorization.declined" => Some("decline"),
        "transaction.refund" => Some("refund"),
        _ => None,
    };
    let common = ["eventType", "cardId", "cardHolderId", "accountId", "transaction", "context"];
    assert_eq!(members(data), common.into_iter().chain(block).collect(), "{event}");
    let transaction = &data["transaction"];
    assert_eq!(members(transaction), PUBLISHED.into_iter().chain(MORE).collect(), "{event}");
    let mut expected: BTreeSet<&str> = metadata.iter().copied().collect();
    // A refund that matches no authorization has none to name.
    if transaction["authorizationId"].is_null() {
        expected.remove("authorization");
    }
    assert_eq!(members(&transaction["metadata"]), expected, "{event}");
    assert_eq!(members(&data["context"]), ["eventId", "environment", "business", "createdAt"].into(), "{event}");
}

on_both_stores! {
    async fn every_event_is_as_the_catalogue_says(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let validators = validators(&server).await;
        tell_the_stories(&world, &server).await;
        do_the_rest(&server).await;
        let mut seen = BTreeSet::new();
        for event in all_events(&server).await {
            let kind = text(&event, "type").to_owned();
            check(validators.get(&kind).unwrap_or_else(|| panic!("{kind} is not in the catalogue")), &event["data"]);
            assert_published(&event);
            seen.insert(kind);
        }
        seen.extend(ELSEWHERE.iter().map(|(kind, _)| (*kind).to_owned()));
        let missing: Vec<&String> = validators.keys().filter(|kind| !seen.contains(*kind)).collect();
        assert!(missing.is_empty(), "no event of {missing:?}");
    }
}

#[tokio::test]
async fn the_published_members_come_first_and_in_their_order() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let text = server.get("/events/catalog").await.expect(200).text;
    let (_, sample) = text.split_once(r#""event":"transaction.created""#).expect("the sample");
    let (_, transaction) = sample.split_once(r#""transaction":{"#).expect("the transaction");
    let mut at = 0;
    for name in PUBLISHED.into_iter().chain(MORE) {
        let found = transaction[at..].find(&format!("\"{name}\":")).unwrap_or_else(|| panic!("{name} comes too early"));
        at += found;
    }
    server.request("GET", "/events/catalog?limit=1").send().await.expect(400);
}
