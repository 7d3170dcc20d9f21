//! Credentials: forms, scopes, expiry, networks, rotation, tokens.

use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, World};

on_both_stores! {
    async fn the_key_is_taken_in_every_published_form(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let url = format!("{}/accounts", server.url);
        for header in ["x-api-key", "apikey", "X-API-Key"] {
            let reply = server.http.get(&url).header(header, &server.key).send().await.expect("an answer");
            assert_eq!(reply.status(), 200, "{header}");
        }
        let reply = server.http.get(format!("{url}?apiKey={}&limit=5", server.key)).send().await.expect("an answer");
        assert_eq!(reply.status(), 200);
        let none = server.http.get(&url).send().await.expect("an answer");
        assert_eq!(none.status(), 401);
        assert!(none.headers().contains_key("www-authenticate"));
        let wrong = server.http.get(&url).header("x-api-key", "pgk_test_wrong").send().await.expect("an answer");
        assert_eq!(wrong.status(), 401);
        let text = wrong.text().await.expect("a body");
        assert!(!text.contains("pgk_test_wrong"), "a key is never echoed: {text}");
    }

    async fn keys_do_what_their_scopes_say_and_no_more(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let master = server.key.clone();
        let made = server.post("/api-keys", json!({"name": "limited", "scopes": ["accounts:read", "keys:write"]})).await;
        let made = made.expect(201).data();
        server.key = made["key"].as_str().expect("the key, once").to_owned();
        server.get("/accounts").await.expect(200);
        let reply = server.post("/accounts", json!({})).await.expect(403);
        assert_eq!(reply.code(), "scope_missing");
        assert!(reply.text.contains("accounts:write"), "{}", reply.text);
        let more = server.post("/api-keys", json!({"name": "more", "scopes": ["accounts:write"]})).await.expect(403);
        assert_eq!(more.code(), "scopes_exceeded");
        server.key = master;
        let id = made["_id"].as_str().expect("an id").to_owned();
        let shown = server.get(&format!("/api-keys/{id}")).await.expect(200);
        assert!(shown.data().get("key").is_none(), "the key is shown once only");
        server.delete(&format!("/api-keys/{id}")).await.expect(200);
        server.key = made["key"].as_str().expect("the key").to_owned();
        assert_eq!(server.get("/accounts").await.expect(401).code(), "credential_revoked");
    }

    async fn keys_expire_and_keep_to_their_networks(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let master = server.key.clone();
        let now = server.get("/simulator/clock").await.expect(200).data()["now"].as_str().expect("now").to_owned();
        let year: i32 = now[..4].parse().expect("a year");
        let expires = format!("{}{}", year + 1, &now[4..]);
        let body = json!({"name": "short", "scopes": ["accounts:read"], "expiresAt": expires});
        let key = server.post("/api-keys", body).await.expect(201).data()["key"].as_str().expect("the key").to_owned();
        let body = json!({"name": "elsewhere", "scopes": ["accounts:read"], "allowedIps": ["10.0.0.0/8"]});
        let elsewhere = server.post("/api-keys", body).await.expect(201).data()["key"].as_str().expect("a key").to_owned();
        let past = json!({"name": "past", "scopes": ["accounts:read"], "expiresAt": "2001-01-01T00:00:00Z"});
        assert_eq!(server.post("/api-keys", past).await.expect(400).pointers(), ["/expiresAt"]);
        let bad = json!({"name": "bad", "scopes": ["accounts:read"], "allowedIps": ["10.0.0.0/99"]});
        assert_eq!(server.post("/api-keys", bad).await.expect(400).pointers(), ["/allowedIps/0"]);

        server.key = elsewhere;
        assert_eq!(server.get("/accounts").await.expect(403).code(), "address_not_allowed");
        server.key = key.clone();
        server.get("/accounts").await.expect(200);
        server.key = master;
        server.post("/simulator/clock", json!({"setTo": expires})).await.expect(200);
        server.key = key;
        assert_eq!(server.get("/accounts").await.expect(401).code(), "credential_expired");
    }

    async fn a_rotated_key_works_on_through_the_overlap(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let master = server.key.clone();
        let old = server.post("/api-keys", json!({"name": "r", "scopes": ["accounts:read"]})).await.expect(201).data();
        let id = old["_id"].as_str().expect("an id");
        let rotated = server.post(&format!("/api-keys/{id}/rotate"), json!({"overlapSeconds": 3600})).await;
        let new = rotated.expect(201).data();
        for key in [&old, &new] {
            server.key = key["key"].as_str().expect("a key").to_owned();
            server.get("/accounts").await.expect(200);
        }
        server.key = master.clone();
        let ran = server.post("/simulator/clock", json!({"advanceSeconds": 3601})).await.expect(200).data();
        assert_eq!(ran["ran"], 1, "the end of the overlap fell due");
        server.key = old["key"].as_str().expect("a key").to_owned();
        assert_eq!(server.get("/accounts").await.expect(401).code(), "credential_revoked");
        server.key = new["key"].as_str().expect("a key").to_owned();
        server.get("/accounts").await.expect(200);
        server.key = master;
        let events = server.get("/events?filter=type=api_key.revoked").await.expect(200).data();
        assert_eq!(events[0]["objectId"], id);
    }

    async fn bearer_tokens_are_short_lived_subsets(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let body = json!({"scopes": ["accounts:read"], "expiresIn": 600});
        let token = server.post("/auth/tokens", body).await.expect(201).data();
        let bearer = format!("Bearer {}", token["token"].as_str().expect("a token"));
        let url = format!("{}/accounts", server.url);
        let reply = server.http.get(&url).header("authorization", &bearer).send().await.expect("an answer");
        assert_eq!(reply.status(), 200);
        let body = r#"{"ownerType":"user","name":"A","type":"savings","category":"fiat","currency":"USD"}"#;
        let reply = server.http.post(&url).header("authorization", &bearer).header("content-type", "application/json");
        assert_eq!(reply.body(body).send().await.expect("an answer").status(), 403);
        for wrong in ["Bearer x", "Basic abc", "Bearer ", &format!("{bearer}x")] {
            let reply = server.http.get(&url).header("authorization", wrong).send().await.expect("an answer");
            assert_eq!(reply.status(), 401, "{wrong}");
        }
        let keys = server.http.get(format!("{}/.well-known/jwks.json", server.url)).send().await.expect("an answer");
        let keys: serde_json::Value = serde_json::from_str(&keys.text().await.expect("a body")).expect("JSON");
        assert_eq!(keys["keys"][0]["crv"], "Ed25519");
        let too_long = server.post("/auth/tokens", json!({"expiresIn": 3601})).await.expect(400);
        assert_eq!(too_long.pointers(), ["/expiresIn"]);
        let id = token["_id"].as_str().expect("an id");
        server.delete(&format!("/auth/tokens/{id}")).await.expect(200);
        let reply = server.http.get(&url).header("authorization", &bearer).send().await.expect("an answer");
        assert_eq!(reply.status(), 401);
    }

    async fn the_audit_log_records_who_changed_what(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let id = server.account("Before", 0).await;
        let put = server.request("PUT", &format!("/accounts/{id}")).header("X-Request-Id", "audit-1");
        put.json(json!({"name": "After", "metadata": {"team": {"size": 3}}})).send().await.expect(200);
        let log = server.get(&format!("/audit-log?filter=objectId={id}")).await.expect(200).data();
        let entry = log.as_array().and_then(|log| log.iter().find(|e| e["action"] == "account.update")).expect("an entry");
        assert_eq!(entry["changes"]["name"], json!({"before": "Before", "after": "After"}));
        assert_eq!(entry["changes"]["metadata"], json!({"before": {}, "after": {"team": {"size": 3}}}));
        assert_eq!((&entry["requestId"], &entry["address"]), (&json!("audit-1"), &json!("127.0.0.1")));
        assert_eq!(entry["actor"]["type"], "api_key");
        server.post(&format!("/accounts/{id}/details"), json!({"type": "bank_account", "details": {"iban": "GB82WEST12345698765432"}})).await.expect(201);
        let log = server.get("/audit-log?limit=200").await.expect(200).text;
        assert!(!log.contains("GB82WEST"), "personal fields are named, not shown");
    }
}
