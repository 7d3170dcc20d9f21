//! Authorizations: requests, decisions, explanations, events; limits under concurrency.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cards::{id, issued};
use crate::on_both_stores;
use crate::world::{Backend, Server, World};

/// The merchant of the published examples.
pub fn cafe() -> Value {
    json!({
        "category": "5812", "merchantId": "MID123456", "name": "ACME CAFE", "city": "Lagos", "state": "LA",
        "country": "NG", "postalCode": "101001",
    })
}

/// A card with this balance; returns its id. Its account starts with 1000.
pub async fn a_funded_card(server: &Server, amount: i64) -> String {
    id(&issued(server, 1000, json!({"amount": amount})).await.2).to_owned()
}

/// Authorizes this amount on this card, with further fields.
pub async fn pay(server: &Server, card: &str, amount: Value, more: Value) -> Value {
    let mut body = json!({"cardId": card, "amount": amount});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    server.post("/simulator/authorizations", body).await.expect(201).data()
}

/// Balance and available balance of a card.
pub async fn money(server: &Server, card: &str) -> (Value, Value) {
    let card = server.get(&format!("/cards/{card}")).await.expect(200).data();
    (card["balance"].clone(), card["availableBalance"].clone())
}

/// The names of a timeline's steps.
pub fn steps(authorization: &Value) -> Vec<&str> {
    authorization["timeline"].as_array().expect("a timeline").iter().filter_map(|step| step["step"].as_str()).collect()
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// The events of a card of these types, once there are `count` of them.
pub async fn events(server: &Server, card: &str, kind: &str, count: usize) -> Vec<Value> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let path = format!("/events?limit=200&sort=sequence&filter={{\"objectId\":\"{card}\",\"type\":\"{kind}\"}}");
        let found = server.get(&path).await.expect(200).data().as_array().cloned().unwrap_or_default();
        if found.len() >= count {
            assert_eq!(found.len(), count, "{kind}");
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "{kind}: {} of {count}", found.len());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Compares the members named in `expected`, and names the one that differs.
#[track_caller]
pub fn assert_members(found: &Value, expected: Value) {
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&found[name], value, "{name} of {found}");
    }
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

const TERMINAL: [&str; 10] = [
    "cardHolderPresence",
    "cardPresence",
    "panEntryMode",
    "pinEntryMode",
    "rrn",
    "stan",
    "terminalAttendance",
    "terminalId",
    "terminalOperatingEnvironment",
    "terminalType",
];

on_both_stores! {
    async fn a_payment_from_the_hold_to_the_published_transaction(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (account, holder, card) = issued(&server, 1000, json!({"amount": 100})).await;
        let card = id(&card).to_owned();
        let network = json!({"stan": "123456", "rrn": "123456789012", "transactionId": "304123456789012"});
        let more = json!({"channel": "pos", "merchant": cafe(), "network": network});
        let paid = pay(&server, &card, json!(25.5), more).await;
        assert_members(&paid, json!({
            "cardId": card, "cardHolderId": holder, "accountId": account, "status": "approved", "reason": null,
            "type": "purchase", "channel": "pos", "currency": "USD", "amount": 25.5, "approvedAmount": 25.5,
            "heldAmount": 25.5, "clearedAmount": 0, "reversedAmount": 0, "refundedAmount": 0, "fee": 0, "vat": 0,
            "partial": false, "standIn": false, "merchantAmount": 25.5, "merchantCurrency": "USD", "merchant": cafe(),
            "networkTransactionId": "304123456789012", "version": 1,
        }));
        assert_eq!(text(&paid, "authorizationCode").len(), 6);
        assert_eq!(money(&server, &card).await, (json!(100), json!(74.5)), "held, not posted");
        assert_eq!(steps(&paid), ["approved"]);
        assert_eq!(text(&paid["timeline"][0], "entryId").len(), 24);

        let path = format!("/authorizations/{}", text(&paid, "_id"));
        assert_eq!(server.get(&path).await.expect(200).data(), paid);
        let decision = server.get(&format!("{path}/decision")).await.expect(200).data();
        assert_members(&decision, json!({"outcome": "approved", "reason": null, "approvedAmount": 25.5, "rulesVersion": 2}));
        let checks = decision["checks"].as_array().expect("checks");
        let order: Vec<&str> = checks.iter().map(|check| text(check, "check")).collect();
        assert_eq!(order, [
            "unknown_card", "duplicate", "card_inactive", "card_canceled", "card_not_yet_valid", "card_expired",
            "too_many_attempts", "invalid_expiry", "invalid_cvv", "pin_tries_exceeded", "invalid_pin", "card_holder_inactive",
            "card_holder_unverified", "account_inactive", "currency_not_supported", "channel_not_allowed",
            "country_not_allowed", "merchant_not_allowed", "category_blocked", "category_not_allowed",
            "single_use_card_used", "spending_limit_exceeded", "suspected_fraud", "step_up_required", "step_up_failed",
            "insufficient_funds",
        ]);
        let funds = json!({
            "check": "insufficient_funds", "outcome": "pass", "observed": "25.50 USD", "threshold": "100.00 USD",
            "wouldPassIf": null, "observedAmount": 25.5, "limitAmount": 100, "currency": "USD",
        });
        assert_eq!(checks[25], funds);
        for given in [6, 7, 8] {
            assert_eq!(checks[given]["outcome"], "not_given", "with cardId {} is not checked", order[given]);
        }

        let network = json!({"stan": "123456", "rrn": "123456789012"});
        let posted = server.post(&format!("/simulator{path}/clear"), json!({"network": network})).await.expect(201).data();
        assert_members(&posted, json!({
            "amount": -25.5, "fee": 0, "vat": 0, "currency": "USD", "type": "capture", "merchantAmount": -25.5,
            "merchantCurrency": "USD", "merchant": cafe(), "cardId": card, "cardHolderId": holder,
            "accountId": account, "authorizationId": paid["_id"], "authorizationCode": paid["authorizationCode"],
            "networkTransactionId": "304123456789012", "originalTransactionId": null, "refundedAmount": 0,
            "transactionMetadata": {"channel": "pos", "type": "purchase", "reference": "123456789012"},
        }));
        assert_members(&posted["terminal"], json!({
            "rrn": "123456789012", "stan": "123456", "terminalId": "TERM1234", "terminalType": "pos",
            "terminalOperatingEnvironment": "card_present", "terminalAttendance": "attended", "panEntryMode": "chip",
            "cardHolderPresence": true, "cardPresence": true,
        }));
        assert_eq!(names(&posted["terminal"]), TERMINAL);
        assert_members(&posted["metadata"], json!({
            "eventType": "transaction.created", "environment": "sandbox", "reference": "123456789012",
        }));
        assert!(posted["metadata"]["business"].is_string());
        for time in ["createdAt", "updatedAt"] {
            assert_eq!(text(&posted, time).len(), 24, "milliseconds and Z");
        }
        assert_eq!(money(&server, &card).await, (json!(74.5), json!(74.5)));
        let closed = server.get(&path).await.expect(200).data();
        assert_members(&closed, json!({"status": "closed", "heldAmount": 0, "clearedAmount": 25.5}));
        assert_eq!(steps(&closed), ["approved", "cleared"]);
        assert_eq!(closed["timeline"][1]["entryId"], posted["entryId"]);
        assert_eq!(server.get(&format!("/transactions/{}", text(&posted, "_id"))).await.expect(200).data(), posted);

        let received = &events(&server, &card, "authorization.approved", 1).await[0];
        assert_eq!(received["data"]["authorization"], paid, "an event shows what the answer showed");
        let received = &events(&server, &card, "transaction.created", 1).await[0];
        assert_members(&received["data"], json!({
            "eventType": "transaction.created", "cardId": card, "cardHolderId": holder, "accountId": account,
            "transaction": posted,
        }));
        assert_eq!((&received["data"]["decline"], &received["data"]["refund"]), (&Value::Null, &Value::Null));
    }

    async fn a_declined_payment_emits_the_published_format(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 10).await;
        let shop = json!({
            "category": "5411", "name": "ACME SUPERMARKET", "merchantId": "MID998877", "city": "Abuja", "state": "FC",
            "country": "NG", "postalCode": "900001",
        });
        let network = json!({"stan": "654321", "rrn": "210987654321"});
        let received = pay(&server, &card, json!(42.75), json!({"merchant": shop, "network": network})).await;
        assert_members(&received, json!({
            "status": "declined", "reason": "insufficient_funds", "approvedAmount": 0, "heldAmount": 0,
            "authorizationCode": null, "expiresAt": null,
        }));
        assert_eq!((steps(&received), &received["timeline"][0]["entryId"]), (vec!["declined"], &Value::Null));
        assert_eq!(money(&server, &card).await, (json!(10), json!(10)));
        let decision = server.get(&format!("/authorizations/{}/decision", text(&received, "_id"))).await.expect(200).data();
        assert_members(&decision["checks"][25], json!({
            "outcome": "fail", "observed": "42.75 USD", "threshold": "10.00 USD", "wouldPassIf": "32.75 USD more is needed.",
            "observedAmount": 42.75, "limitAmount": 10, "currency": "USD",
        }));

        let event = &events(&server, &card, "authorization.declined", 1).await[0];
        let data = &event["data"];
        assert_eq!(data["eventType"], "authorization.declined");
        let decline = &data["decline"];
        assert_members(decline, json!({
            "status": "declined", "approved": false, "authorizationMethod": "online", "reason": "insufficient_funds",
        }));
        assert_eq!(decline["narration"], "32.75 USD more is needed.");
        let shown = &data["transaction"];
        assert_members(shown, json!({
            "amount": -42.75, "fee": 0, "vat": 0, "currency": "USD", "type": "authorization.declined",
            "merchantAmount": -42.75, "merchantCurrency": "USD", "merchant": shop,
            "transactionMetadata": {"channel": "web", "type": "purchase", "reference": "210987654321"},
        }));
        assert_members(&shown["terminal"], json!({
            "terminalId": "TERM6543", "terminalOperatingEnvironment": "card_not_present",
            "terminalAttendance": "unattended", "terminalType": "ecommerce", "panEntryMode": "manual",
            "pinEntryMode": "none", "cardHolderPresence": false, "cardPresence": false,
        }));
        assert_members(&shown["metadata"], json!({
            "eventType": "authorization.declined", "environment": "sandbox", "status": "declined", "approved": false,
            "authorizationMethod": "online", "reason": "insufficient_funds", "narration": decline["narration"],
            "requestHistory": [{"reason": "insufficient_funds", "narration": decline["narration"]}],
        }));
        assert_eq!(server.get("/transactions").await.json()["meta"]["total"], 0, "a declined payment is no transaction");
    }

    async fn numbers_codes_and_pins_are_checked(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let token = server.post(&format!("/cards/{card}/token"), json!({})).await.expect(201).data();
        let shown = server.get(&format!("/cards/{card}/reveal?token={}", text(&token, "token"))).await.expect(200).data();
        let (pan, cvv) = (text(&shown, "pan"), text(&shown, "cvv"));
        let (month, year) = (shown["expiryMonth"].as_i64().expect("a month"), shown["expiryYear"].as_i64().expect("a year"));
        let other = if cvv == "123" { "124" } else { "123" };
        for (month, year, cvv, reason) in [
            (month, year, Some(cvv), Value::Null), (month, year, None, Value::Null),
            (month % 12 + 1, year, Some(cvv), json!("invalid_expiry")), (month, year + 1, Some(cvv), json!("invalid_expiry")),
            (month, year, Some(other), json!("invalid_cvv")), (month, year + 1, Some(other), json!("invalid_expiry")),
        ] {
            let mut body = json!({"pan": pan, "expiryMonth": month, "expiryYear": year, "amount": 1});
            if let Some(cvv) = cvv {
                body["cvv"] = json!(cvv);
            }
            let reply = server.post("/simulator/authorizations", body).await.expect(201);
            assert_eq!(reply.data()["reason"], reason, "{month} {year} {cvv:?}");
            assert!(!reply.text.contains(pan), "the number is in no answer");
        }
        // Wrong expiries and codes are counted per day; beyond ten no answer reveals what was correct.
        let listed = async || server.get("/exceptions?filter=type=too_many_attempts").await.expect(200).json()["meta"]["total"].clone();
        let guess = |cvv: &str| json!({"pan": pan, "expiryMonth": month, "expiryYear": year, "cvv": cvv, "amount": 1});
        assert_eq!(listed().await, 0, "four were wrong so far");
        for _ in 4..10 {
            let received = server.post("/simulator/authorizations", guess(other)).await.expect(201).data();
            assert_eq!(received["reason"], "invalid_cvv");
        }
        for code in [cvv, other] {
            let received = server.post("/simulator/authorizations", guess(code)).await.expect(201).data();
            assert_eq!((&received["status"], &received["reason"]), (&json!("declined"), &json!("too_many_attempts")));
        }
        assert_eq!(listed().await, 1);
        let pin = |pin: &str| json!({"channel": "pos", "pin": pin});
        assert_eq!(pay(&server, &card, json!(1), pin("1234")).await["reason"], "invalid_pin", "none is set");
        server.put(&format!("/cards/{card}/pin"), json!({"pin": "1234"})).await.expect(200);
        let expected = [
            ("9999", "invalid_pin"), ("1234", ""), ("9999", "invalid_pin"), ("9999", "invalid_pin"),
            ("9999", "invalid_pin"), ("1234", "pin_tries_exceeded"),
        ];
        for (number, (given, reason)) in expected.into_iter().enumerate() {
            let reason = if reason.is_empty() { Value::Null } else { json!(reason) };
            assert_eq!(pay(&server, &card, json!(1), pin(given)).await["reason"], reason, "PIN {number}");
        }
        server.post(&format!("/cards/{card}/pin/unblock"), json!({})).await.expect(200);
        let paid = pay(&server, &card, json!(1), pin("1234")).await;
        assert_eq!(paid["status"], "approved");
        let path = format!("/simulator/authorizations/{}/clear", paid["_id"].as_str().expect("an id"));
        let collected = server.post(&path, json!({})).await.expect(201).data();
        assert_eq!(collected["terminal"]["pinEntryMode"], "pin", "the transaction tells it too");
        assert_eq!(money(&server, &card).await.1, 96);
    }

    async fn step_up_partial_and_verification(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 20).await;
        for (three_ds, reason) in [
            ("none", Value::Null), ("offered", json!("step_up_required")), ("authenticated", Value::Null),
            ("failed", json!("step_up_failed")),
        ] {
            assert_eq!(pay(&server, &card, json!(1), json!({"threeDs": three_ds})).await["reason"], reason, "{three_ds}");
        }
        let part = pay(&server, &card, json!(30), json!({"partialAllowed": true})).await;
        assert_members(&part, json!({
            "status": "approved", "partial": true, "amount": 30, "approvedAmount": 18, "heldAmount": 18,
        }));
        let decision = server.get(&format!("/authorizations/{}/decision", text(&part, "_id"))).await.expect(200).data();
        assert_members(&decision, json!({"outcome": "partially_approved", "approvedAmount": 18}));
        assert_eq!(money(&server, &card).await, (json!(20), json!(0)));
        let none = pay(&server, &card, json!(1), json!({"partialAllowed": true})).await;
        assert_eq!(none["reason"], "insufficient_funds");
        let verified = pay(&server, &card, json!(0), json!({"type": "account_verification"})).await;
        assert_members(&verified, json!({"status": "closed", "reason": null, "amount": 0, "heldAmount": 0}));
        let clear = format!("/simulator/authorizations/{}/clear", text(&verified, "_id"));
        assert_eq!(server.post(&clear, json!({"amount": 5})).await.expect(409).code(), "authorization_not_open");
    }

    async fn limits_are_shown_and_never_forget(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let limits = |amount: i64| json!({"spendingLimits": [
            {"amount": amount, "interval": "daily"}, {"amount": 30, "interval": "monthly", "categories": ["5812"]},
            {"amount": 40, "interval": "per_authorization"},
        ]});
        let card = issued(&server, 1000, json!({"amount": 500, "spendingControls": limits(50)})).await.2;
        let card = id(&card).to_owned();
        pay(&server, &card, json!(20), json!({"merchant": cafe()})).await;
        let path = format!("/cards/{card}/limits");
        let shown = server.get(&path).await.expect(200).data();
        assert_members(&shown[0], json!({
            "level": "card", "interval": "daily", "categories": [], "timeZone": "UTC", "amount": 50, "used": 20,
            "remaining": 30, "usedCount": 1, "maxCount": null, "remainingCount": null, "binds": false,
        }));
        assert!(shown[0]["resetsAt"].is_string() && shown[0]["countingSince"].is_string());
        assert_members(&shown[1], json!({"categories": ["5812"], "used": 20, "remaining": 10, "binds": true}));
        assert_members(&shown[2], json!({"interval": "per_authorization", "used": 0, "remaining": 40, "resetsAt": null}));

        let over = pay(&server, &card, json!(11), json!({"merchant": cafe()})).await;
        assert_eq!(over["reason"], "spending_limit_exceeded");
        assert_eq!(pay(&server, &card, json!(40.01), json!({})).await["reason"], "spending_limit_exceeded");
        // Replaced with the same or another amount, a limit keeps its usage.
        for amount in [50, 25, 50] {
            server.put(&format!("/cards/{card}"), json!({"spendingControls": limits(amount)})).await.expect(200);
            let shown = server.get(&path).await.expect(200).data();
            assert_members(&shown[0], json!({"amount": amount, "used": 20, "remaining": amount - 20}));
            assert_members(&shown[1], json!({"used": 20, "remaining": 10}));
        }
        server.put(&format!("/cards/{card}"), json!({"spendingControls": {"spendingLimits": []}})).await.expect(200);
        server.put(&format!("/cards/{card}"), json!({"spendingControls": limits(50)})).await.expect(200);
        assert_eq!(server.get(&path).await.expect(200).data()[0]["used"], 20, "taken away and set again");
        server.post("/simulator/clock", json!({"advanceSeconds": 86_400})).await.expect(200);
        let shown = server.get(&path).await.expect(200).data();
        assert_eq!(shown[0]["used"], 0, "the next day");
    }

    async fn a_limit_of_fifty_lets_fifty_of_ninety_six_pass(backend: Backend) {
        let world = World::new(backend).await;
        exactly_fifty(vec![world.start().await]).await;
    }
}

/// 96 concurrent payments of 1, over all of these servers, on a card whose limit is 50.
async fn exactly_fifty(servers: Vec<Server>) {
    let servers = Arc::new(servers);
    let controls = json!({"spendingLimits": [{"amount": 50, "interval": "daily"}]});
    let card = issued(&servers[0], 1000, json!({"amount": 500, "spendingControls": controls})).await.2;
    let card = id(&card).to_owned();
    let calls: Vec<_> = (0..96usize)
        .map(|number| {
            let (servers, card) = (servers.clone(), card.clone());
            tokio::spawn(async move {
                let received = pay(&servers[number % servers.len()], &card, json!(1), json!({})).await;
                (text(&received, "status").to_owned(), received["reason"].clone())
            })
        })
        .collect();
    let (mut passed, mut declined) = (0, 0);
    for call in calls {
        match call.await.expect("the call ran") {
            (status, _) if status == "approved" => passed += 1,
            (_, reason) => {
                assert_eq!(reason, "spending_limit_exceeded");
                declined += 1;
            }
        }
    }
    assert_eq!((passed, declined), (50, 46));
    assert_eq!(money(&servers[0], &card).await, (json!(500), json!(450)));
    let shown = servers[0].get(&format!("/cards/{card}/limits")).await.expect(200).data();
    assert_members(&shown[0], json!({"used": 50, "remaining": 0, "usedCount": 50}));
    events(&servers[0], &card, "authorization.approved", 50).await;
    events(&servers[0], &card, "authorization.declined", 46).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_of_fifty_holds_through_two_servers() {
    let world = World::new(Backend::Postgres).await;
    exactly_fifty(vec![world.start().await, world.start().await]).await;
}
