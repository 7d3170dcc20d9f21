//! Card numbers: revealed once for a token, on the hosted page, looked up, replaced; and PINs. No secret is in a log.

use serde_json::{Value, json};

use crate::cards::{card_holder, id, issued};
use crate::on_both_stores;
use crate::world::{Backend, Reply, Server, World};

/// A reveal token for a card.
async fn token(server: &Server, card: &str, body: Value) -> Value {
    let issued = server.post(&format!("/cards/{card}/token"), body).await.expect(201);
    assert_eq!(issued.json()["message"], "Token issued successfully.");
    issued.data()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

/// A call without any credential, as a client application makes it.
async fn open_call(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Reply {
    let mut call = server.http.request(method.parse().expect("a method"), format!("{}{path}", server.url));
    for (name, value) in headers {
        call = call.header(*name, *value);
    }
    if let Some(body) = body {
        call = call.header("content-type", "application/json").body(body.to_string());
    }
    let response = call.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, text: response.text().await.expect("text") }
}

async fn reveal(server: &Server, card: &str) -> Value {
    let token = text(&token(server, card, json!({})).await, "token");
    let revealed =
        open_call(server, "GET", &format!("/cards/{card}/reveal?token={token}"), &[], None).await.expect(200);
    revealed.data()
}

on_both_stores! {
    async fn a_token_shows_a_card_once(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.command("dev");
        server.args(["--log-level", "debug"]);
        let server = Server::start(server, &world.data_dir()).await;
        let (account, holder, card) = issued(&server, 100, json!({})).await;
        let card_id = id(&card).to_owned();
        let made = server.request("POST", &format!("/cards/{card_id}/token")).send().await.expect(201).data();
        let secret = text(&made, "token");
        assert!(secret.starts_with("rvl_") && secret.len() == 47 && made.get("url").is_none(), "{made}");
        let path = format!("/cards/{card_id}/reveal?token={secret}");
        for method in ["HEAD", "OPTIONS", "POST"] {
            let looked = open_call(&server, method, &path, &[], None).await;
            assert!(method == "OPTIONS" || looked.status == 405, "{method}: {}", looked.status);
        }
        let revealed = open_call(&server, "GET", &path, &[], None).await.expect(200);
        for (header, value) in [("cache-control", "no-store"), ("pragma", "no-cache"), ("referrer-policy", "no-referrer")] {
            assert_eq!(revealed.header(header), Some(value));
        }
        let shown = revealed.data();
        let pan = text(&shown, "pan");
        assert!(pan.starts_with("400555") && pan.len() == 16 && pan.ends_with(&text(&card, "last4")), "a Visa number");
        assert_eq!((&shown["expiryMonth"], &shown["expiryYear"]), (&card["expiryMonth"], &card["expiryYear"]));
        let cvv = text(&shown, "cvv");
        assert!(cvv.len() == 3 && cvv.bytes().all(|digit| digit.is_ascii_digit()));

        assert_eq!(open_call(&server, "GET", &path, &[], None).await.expect(409).code(), "reveal_token_used");
        let again = reveal(&server, &card_id).await;
        assert_eq!(again, shown, "the code is derived, always the same");
        for wrong in ["rvl_unknown", "x", ""] {
            let reply = open_call(&server, "GET", &format!("/cards/{card_id}/reveal?token={wrong}"), &[], None).await;
            assert_eq!(reply.expect(404).code(), "reveal_token_unknown");
        }
        open_call(&server, "GET", &format!("/cards/{card_id}/reveal"), &[], None).await.expect(400);
        let other = server.post("/cards", crate::cards::a_card(&account, &holder)).await.expect(201).id();
        let foreign = text(&token(&server, &other, json!({})).await, "token");
        let reply = open_call(&server, "GET", &format!("/cards/{card_id}/reveal?token={foreign}"), &[], None).await;
        assert_eq!(reply.expect(404).code(), "reveal_token_unknown");
        open_call(&server, "GET", &format!("/cards/{other}/reveal?token={foreign}"), &[], None).await.expect(200);
        let late = text(&token(&server, &other, json!({})).await, "token");
        server.post("/simulator/clock", json!({"advanceSeconds": 121})).await.expect(200);
        let reply = open_call(&server, "GET", &format!("/cards/{other}/reveal?token={late}"), &[], None).await;
        assert_eq!(reply.expect(403).code(), "reveal_token_expired");

        let audit = server.get("/audit-log?filter=action=card.reveal").await.expect(200);
        assert_eq!(audit.json()["meta"]["total"], 3, "{}", audit.text);
        assert_eq!(audit.data()[0]["actor"]["type"].as_str().or(audit.data()[0]["actorType"].as_str()), Some("reveal_token"));
        let events = server.get("/events?filter=type=card.revealed").await.expect(200);
        let metrics = server.get("/metrics").await.text;
        let log = std::fs::read_to_string(world.data_dir().join("stderr.log")).expect("the log");
        assert!(metrics.contains("/cards/{cardId}/reveal") && !log.is_empty());
        for (place, content) in [("audit", &audit.text), ("events", &events.text), ("metrics", &metrics), ("log", &log)] {
            for secret in [&secret, &pan, &late, &foreign] {
                assert!(!content.contains(secret.as_str()), "a secret stands in {place}");
            }
        }
    }

    async fn of_twenty_at_once_one_sees_the_card(backend: Backend) {
        let world = World::new(backend).await;
        let server = std::sync::Arc::new(world.start().await);
        let (_, _, card) = issued(&server, 0, json!({})).await;
        let card = id(&card).to_owned();
        for page in [false, true] {
            let purpose = if page { json!({"purpose": "page"}) } else { json!({}) };
            let secret = text(&token(&server, &card, purpose).await, "token");
            let calls: Vec<_> = (0..20)
                .map(|_| {
                    let (server, card, secret) = (server.clone(), card.clone(), secret.clone());
                    tokio::spawn(async move {
                        let body = page.then(|| json!({"token": secret}));
                        let (method, path) = if page {
                            ("POST", format!("/cards/{card}/page/reveal"))
                        } else {
                            ("GET", format!("/cards/{card}/reveal?token={secret}"))
                        };
                        open_call(&server, method, &path, &[], body).await.status
                    })
                })
                .collect();
            let mut statuses = Vec::new();
            for call in calls {
                statuses.push(call.await.expect("an answer"));
            }
            statuses.sort_unstable();
            assert_eq!(statuses, [vec![200], vec![409; 19]].concat());
        }
        let audit = server.get("/audit-log?filter=action=card.reveal").await.expect(200);
        assert_eq!(audit.json()["meta"]["total"], 2, "{}", audit.text);
    }

    async fn an_origin_is_pinned(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (_, _, card) = issued(&server, 0, json!({})).await;
        let card = id(&card);
        let app = "https://app.example.com";
        for origin in ["https://app.example.com/", "http://app.example.com", "*", "https://a;sandbox"] {
            let received = server.post(&format!("/cards/{card}/token"), json!({"origin": origin})).await.expect(400);
            assert_eq!(received.pointers(), ["/origin"]);
        }
        let pinned = text(&token(&server, card, json!({"origin": app})).await, "token");
        let path = format!("/cards/{card}/reveal?token={pinned}");
        for headers in [vec![("origin", "https://evil.example")], vec![]] {
            let reply = open_call(&server, "GET", &path, &headers, None).await.expect(403);
            assert_eq!(reply.code(), "reveal_token_mismatch");
            assert_eq!(reply.header("access-control-allow-origin"), None);
        }
        let reply = open_call(&server, "GET", &path, &[("origin", app)], None).await.expect(200);
        assert_eq!(reply.header("access-control-allow-origin"), Some(app));
        let used = open_call(&server, "GET", &path, &[("origin", app)], None).await.expect(409);
        assert_eq!(used.header("access-control-allow-origin"), Some(app), "the page can read why");
    }

    async fn the_hosted_page_is_framed_by_its_origin_only(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (_, _, card) = issued(&server, 0, json!({})).await;
        let card = id(&card);
        let app = "https://app.example.com";
        let made = token(&server, card, json!({"purpose": "page", "origin": app})).await;
        let url = text(&made, "url");
        assert_eq!(url, format!("/cards/{card}/page?origin=https%3A%2F%2Fapp.example.com"));
        let page = open_call(&server, "GET", &url, &[], None).await.expect(200);
        let policy = page.header("content-security-policy").expect("a policy").to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(policy.ends_with("frame-ancestors https://app.example.com"), "{policy}");
        for (header, value) in [
            ("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff"),
            ("content-type", "text/html; charset=utf-8"),
        ] {
            assert_eq!(page.header(header), Some(value));
        }
        assert!(page.header("permissions-policy").is_some());
        let alone = open_call(&server, "GET", &format!("/cards/{card}/page"), &[], None).await.expect(200);
        assert!(alone.header("content-security-policy").is_some_and(|policy| policy.ends_with("frame-ancestors 'none'")));
        for wrong in ["https://a;script-src%20*", "https://app.example.com/x", "null"] {
            open_call(&server, "GET", &format!("/cards/{card}/page?origin={wrong}"), &[], None).await.expect(400);
        }

        let secret = text(&made, "token");
        let exchange = format!("/cards/{card}/page/reveal");
        let json_path = format!("/cards/{card}/reveal?token={secret}");
        let reply = open_call(&server, "GET", &json_path, &[("origin", app)], None).await.expect(403);
        assert_eq!(reply.code(), "reveal_token_mismatch", "a page's token is not for JSON");
        for body in [json!({"token": secret}), json!({"token": secret, "origin": "https://evil.example"})] {
            let reply = open_call(&server, "POST", &exchange, &[], Some(body)).await.expect(403);
            assert_eq!(reply.code(), "reveal_token_mismatch");
        }
        let body = json!({"token": secret, "origin": app});
        let cross = [("sec-fetch-site", "cross-site")];
        open_call(&server, "POST", &exchange, &cross, Some(body.clone())).await.expect(403);
        let same = [("sec-fetch-site", "same-origin")];
        let shown = open_call(&server, "POST", &exchange, &same, Some(body.clone())).await.expect(200);
        assert_eq!(shown.header("cache-control"), Some("no-store"));
        assert_eq!(shown.data()["pan"].as_str().map(str::len), Some(16));
        open_call(&server, "POST", &exchange, &same, Some(body)).await.expect(409);
        let plain = text(&token(&server, card, json!({})).await, "token");
        let reply = open_call(&server, "POST", &exchange, &[], Some(json!({"token": plain}))).await.expect(403);
        assert_eq!(reply.code(), "reveal_token_mismatch", "a token for JSON is not for the page");
    }

    async fn cards_are_replaced(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (account, holder) = (server.account("Funds", 1000).await, card_holder(&server).await);
        for (reason, same_number) in [("lost", false), ("stolen", false), ("damaged", true), ("expired", true)] {
            let mut body = crate::cards::a_card(&account, &holder);
            body["amount"] = json!(50);
            body["spendingControls"] = json!({"spendingLimits": [{"amount": 5, "interval": "daily"}]});
            let old = server.post("/cards", body).await.expect(201).data();
            let path = format!("/cards/{}", id(&old));
            server.put(&format!("{path}/pin"), json!({"pin": "1234"})).await.expect(200);
            let before = reveal(&server, id(&old)).await;
            let call = server.request("POST", &format!("{path}/replace")).header("Idempotency-Key", reason);
            let replaced = call.json(json!({"reason": reason})).send().await.expect(201);
            assert_eq!(replaced.json()["message"], "Card replaced successfully.");
            let new = replaced.data();
            let call = server.request("POST", &format!("{path}/replace")).header("Idempotency-Key", reason);
            let repeat = call.json(json!({"reason": reason})).send().await.expect(201);
            assert_eq!((repeat.data(), repeat.header("idempotent-replayed")), (new.clone(), Some("true")));

            let after = reveal(&server, id(&new)).await;
            assert_eq!(after["pan"] == before["pan"], same_number, "{reason}");
            assert_eq!(new["pinSet"], same_number, "{reason}");
            assert_eq!((&new["balance"], &new["replacementFor"], &new["status"]), (&json!(50), &old["_id"], &json!("active")));
            assert_eq!(new["spendingControls"], old["spendingControls"], "limits keep counting");
            if same_number {
                let months = |card: &Value| card["expiryYear"].as_i64().unwrap_or(0) * 12 + card["expiryMonth"].as_i64().unwrap_or(0);
                assert!(months(&after) > months(&before), "a later expiry, and so another code");
            }
            let ended = server.get(&path).await.expect(200).data();
            assert_eq!((&ended["status"], &ended["balance"], &ended["replacedBy"]), (&json!("canceled"), &json!(0), &new["_id"]));
            let found = server.post("/cards/lookup", json!({"pan": after["pan"]})).await.expect(200);
            assert_eq!(found.id(), id(&new));
            server.delete(&format!("/cards/{}", id(&new))).await.expect(200);
        }
        assert_eq!(server.balance(&account).await, 1000.0);
    }

    async fn physical_cards_are_activated_and_pins_are_set(backend: Backend) {
        let world = World::new(backend).await;
        let mut command = world.command("dev");
        command.env("PAYGEN_ZONE_PIN_KEY", "0123456789ABCDEFFEDCBA9876543210");
        let server = Server::start(command, &world.data_dir()).await;
        let (_, _, card) = issued(&server, 0, json!({"type": "physical", "brand": "Mastercard"})).await;
        let path = format!("/cards/{}", id(&card));
        assert_eq!((&card["status"], &card["bin"]), (&json!("inactive"), &json!("555544")));
        assert_eq!(server.put(&path, json!({"status": "active"})).await.expect(409).code(), "card_not_activated");
        let active = server.post(&format!("{path}/activate"), json!({})).await.expect(200);
        assert_eq!((active.json()["message"].as_str(), &active.data()["status"]), (Some("Card activated successfully."), &json!("active")));
        assert_eq!(server.post(&format!("{path}/activate"), json!({})).await.expect(409).code(), "card_already_activated");

        assert_eq!(server.post(&format!("{path}/pin/unblock"), json!({})).await.expect(409).code(), "pin_not_set");
        for (body, status) in [
            (json!({}), 400), (json!({"pin": "12345"}), 400), (json!({"pin": 1234}), 400), (json!({"pin": "98a7"}), 400),
            (json!({"pin": "9876", "pinBlock": "0123456789ABCDEF"}), 400), (json!({"pinBlock": "9876"}), 400),
            (json!({"pinBlock": "98769876ABCDEF01"}), 422), (json!({"pinBlock": "zzzzzzzzzzzzzzzz"}), 422),
        ] {
            let received = server.put(&format!("{path}/pin"), body.clone()).await.expect(status);
            assert!(!received.text.contains("9876") && !received.text.contains("98a7"), "{body}: {}", received.text);
        }
        let call = server.request("PUT", &format!("{path}/pin")).header("Idempotency-Key", "pin");
        let set = call.json(json!({"pin": "4931"})).send().await.expect(200);
        assert_eq!((set.json()["message"].as_str(), &set.data()["pinSet"]), (Some("Card PIN set successfully."), &json!(true)));
        assert!(!set.text.contains("4931\""));
        let call = server.request("PUT", &format!("{path}/pin")).header("Idempotency-Key", "pin");
        assert_eq!(call.json(json!({"pin": "4932"})).send().await.expect(409).code(), "idempotency_key_reused");
        let unblocked = server.post(&format!("{path}/pin/unblock"), json!({})).await.expect(200);
        assert_eq!(unblocked.json()["message"], "Card PIN unblocked successfully.");
        let audit = server.get("/audit-log?filter=action=card.pin.set").await.expect(200);
        assert!(audit.text.contains("pin") && !audit.text.contains("4931"), "{}", audit.text);
    }

    async fn a_card_is_found_by_its_number(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (_, _, card) = issued(&server, 0, json!({})).await;
        let pan = text(&reveal(&server, id(&card)).await, "pan");
        let spaced = format!("{} {}-{} {}", &pan[..4], &pan[4..8], &pan[8..12], &pan[12..]);
        for number in [&pan, &spaced] {
            assert_eq!(server.post("/cards/lookup", json!({"pan": number})).await.expect(200).id(), id(&card));
        }
        let last = if pan.ends_with('0') { "1" } else { "0" };
        let wrong = format!("{}{last}", &pan[..15]);
        let received = server.post("/cards/lookup", json!({"pan": wrong})).await.expect(400);
        assert_eq!(received.pointers(), ["/pan"]);
        assert!(received.text.contains("check digit") && !received.text.contains(&wrong), "{}", received.text);
        let unknown = server.post("/cards/lookup", json!({"pan": "4111111111111111"})).await.expect(404);
        assert_eq!(unknown.code(), "card_not_found");
        let audit = server.get("/audit-log?filter=action=card.lookup").await.expect(200);
        assert_eq!(audit.json()["meta"]["total"], 3, "the one that found nothing too");
        assert!(!audit.text.contains(&pan));
        let key = server.post("/api-keys", json!({"name": "No numbers", "scopes": ["cards:read", "cards:write"]})).await;
        let key = text(&key.expect(201).data(), "key");
        for path in ["/cards/lookup".to_owned(), format!("/cards/{}/token", id(&card))] {
            let headers = [("x-api-key", key.as_str())];
            let reply = open_call(&server, "POST", &path, &headers, Some(json!({"pan": pan}))).await.expect(403);
            assert_eq!(reply.code(), "scope_missing");
        }
    }
}
