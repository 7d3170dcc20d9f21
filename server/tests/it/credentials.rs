//! What credentials can pass on, which of their answers are kept, and the rights of tokens restricted to one card or
//! card holder.

use serde_json::{Value, json};

use crate::cards::{a_card, card_holder, id, issued};
use crate::on_both_stores;
use crate::world::{Backend, Reply, Server, World};

/// Makes a call with this credential: an API key, or a bearer token.
async fn call(server: &Server, with: &str, method: &str, path: &str, key: Option<&str>, body: &Value) -> Reply {
    let request = server.http.request(method.parse().expect("a method"), format!("{}{path}", server.url));
    let request = if with.starts_with("pgk_") { request.header("x-api-key", with) } else { request.bearer_auth(with) };
    let request = if let Some(key) = key { request.header("idempotency-key", key) } else { request };
    let request = match method {
        "GET" | "DELETE" => request,
        _ => request.header("content-type", "application/json").body(body.to_string()),
    };
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, text: response.text().await.expect("text") }
}

async fn api_key(server: &Server, body: Value) -> String {
    server.post("/api-keys", body).await.expect(201).data()["key"].as_str().expect("the key").to_owned()
}

async fn token(server: &Server, body: Value) -> String {
    server.post("/auth/tokens", body).await.expect(201).data()["token"].as_str().expect("a token").to_owned()
}

/// Every call whose answer contains a secret, and the member with it.
async fn secret_calls(server: &Server) -> Vec<(String, Value, &'static str)> {
    let (_, _, card) = issued(server, 100, json!({})).await;
    let key = server.post("/api-keys", json!({"name": "old", "scopes": ["accounts:read"]})).await.expect(201).id();
    let webhook = json!({"url": "https://api.example.com/hook", "events": ["*"], "enabled": false});
    let endpoint = server.post("/webhooks", webhook.clone()).await.expect(201).id();
    let user = |email: &str| json!({"email": email, "name": "Ada", "role": "support"});
    let known = server.post("/users", user("ada@example.com")).await.expect(201).id();
    vec![
        ("/users".to_owned(), user("grace@example.com"), "link"),
        (format!("/users/{known}/link"), json!({}), "link"),
        ("/api-keys".to_owned(), json!({"name": "new", "scopes": ["accounts:read"]}), "key"),
        (format!("/api-keys/{key}/rotate"), json!({}), "key"),
        ("/auth/tokens".to_owned(), json!({}), "token"),
        (format!("/cards/{}/token", id(&card)), json!({}), "token"),
        ("/webhooks".to_owned(), webhook, "secret"),
        (format!("/webhooks/{endpoint}/rotate-secret"), json!({}), "secret"),
    ]
}

on_both_stores! {
    async fn a_kept_answer_belongs_to_the_credential_that_asked(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let master = server.key.clone();
        let small = api_key(&server, json!({"name": "small", "scopes": ["keys:write", "accounts:write", "webhooks:write", "cards:reveal"]})).await;
        let twin = api_key(&server, json!({"name": "twin", "scopes": ["accounts:write", "accounts:adjust"]})).await;
        let of_all = token(&server, json!({})).await;
        let everything = server.get("/api-keys").await.expect(200).data()[2]["scopes"].clone();
        assert!(everything.as_array().is_some_and(|scopes| scopes.len() > 15), "{everything}");
        let account = json!({"ownerType": "user", "name": "A", "type": "savings", "category": "fiat", "currency": "USD", "balance": 5});
        let cases = [
            ("/api-keys", json!({"name": "deploy", "scopes": everything})),
            ("/auth/tokens", json!({})),
            ("/accounts", account),
        ];
        for (number, (path, body)) in cases.iter().enumerate() {
            let key = format!("deploy-{number}");
            let first = call(&server, &master, "POST", path, Some(&key), body).await.expect(201);
            for other in [&small, &twin, &of_all] {
                let answer = call(&server, other, "POST", path, Some(&key), body).await;
                assert!([403, 409].contains(&answer.status), "{path}: {}", answer.text);
                if answer.status == 409 {
                    assert_eq!(answer.code(), "idempotency_key_reused");
                }
                assert!(!answer.text.contains(&first.id()), "{path}: {}", answer.text);
            }
            let again = call(&server, &master, "POST", path, Some(&key), body).await.expect(201);
            assert_eq!((again.header("idempotent-replayed"), again.id()), (Some("true"), first.id()), "{path}");
        }
        // Credentials of different clients do not affect each other.
        let (_, mine, card) = issued(&server, 10, json!({})).await;
        let (_, theirs, other) = issued(&server, 10, json!({})).await;
        let freeze = json!({"status": "inactive"});
        for (holder, card) in [(&mine, &card), (&theirs, &other)] {
            let bound = token(&server, json!({"cardHolderId": holder, "scopes": ["cards:write"]})).await;
            let path = format!("/cards/{}", id(card));
            call(&server, &bound, "PUT", &path, Some("1"), &freeze).await.expect(200);
            let again = call(&server, &bound, "PUT", &path, Some("1"), &freeze).await.expect(200);
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
        }
        call(&server, &master, "PUT", &format!("/cards/{}", id(&card)), Some("1"), &freeze).await.expect(200);
    }

    async fn a_secret_is_shown_once_and_not_kept_for_repeats(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        for (path, body, member) in secret_calls(&server).await {
            let tried = server.post(&format!("{path}?dryRun=true"), body.clone()).await;
            assert!([200, 201].contains(&tried.status), "{path}: {}", tried.text);
            assert_eq!(tried.data()[member], Value::Null, "{path}: nothing was made, so there is no secret");
            let ask = || server.request("POST", &path).header("Idempotency-Key", &path).json(body.clone()).send();
            let first = ask().await;
            assert!([200, 201].contains(&first.status), "{path}: {}", first.text);
            let secret = first.data()[member].as_str().unwrap_or_else(|| panic!("{path}: {}", first.text)).to_owned();
            assert_eq!(first.header("idempotent-replayed"), None, "{path}");
            let again = ask().await.expect(first.status);
            assert_eq!(again.header("idempotent-replayed"), Some("true"), "{path}");
            assert!(!again.text.contains(&secret), "{path}: {}", again.text);
            assert!(again.json()["message"].as_str().is_some_and(|received| received.contains("shown then, once")), "{path}: {}", again.text);
            let mut shown = first.data();
            shown[member] = Value::Null;
            assert_eq!(again.data(), shown, "{path}: all but the secret is the same");
        }
    }

    async fn keys_and_tokens_hand_on_no_more_life_or_place_than_they_have(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let master = server.key.clone();
        let year = 1 + server.get("/simulator/clock").await.expect(200).data()["now"].as_str().expect("now")[..4].parse::<i32>().expect("a year");
        let at = |year: i32| format!("{year}-06-01T00:00:00.000Z");
        let body = json!({"name": "short", "scopes": ["keys:write", "accounts:read"], "expiresAt": at(year), "allowedIps": ["127.0.0.0/8"]});
        let short = api_key(&server, body).await;
        let endless = server.post("/api-keys", json!({"name": "endless", "scopes": ["accounts:read"]})).await.expect(201).id();
        server.key = short.clone();
        let child = |more: Value| {
            let mut body = json!({"name": "child", "scopes": ["accounts:read"]});
            for (name, value) in more.as_object().expect("an object") {
                body[name] = value.clone();
            }
            body
        };
        let made = server.post("/api-keys", child(json!({}))).await.expect(201).data();
        assert_eq!((&made["expiresAt"], &made["allowedIps"]), (&json!(at(year)), &json!(["127.0.0.0/8"])), "as its maker's");
        let made = server.post("/api-keys", child(json!({"expiresAt": at(year), "allowedIps": ["127.0.0.1"]}))).await.expect(201).data();
        assert_eq!(made["allowedIps"], json!(["127.0.0.1/32"]));
        for (more, pointer) in [
            (json!({"expiresAt": at(year + 1)}), "/expiresAt"),
            (json!({"allowedIps": ["0.0.0.0/0"]}), "/allowedIps"),
            (json!({"allowedIps": ["127.0.0.1", "203.0.113.0/24"]}), "/allowedIps"),
        ] {
            let refused = server.post("/api-keys", child(more)).await.expect(403);
            assert_eq!((refused.code(), refused.pointers()), ("bounds_exceeded".to_owned(), vec![pointer.to_owned()]));
        }
        let rotated = server.post(&format!("/api-keys/{endless}/rotate"), json!({})).await.expect(403);
        assert_eq!(rotated.code(), "bounds_exceeded", "the new key would live longer than the one that rotates");

        let bearer = token(&server, json!({"expiresIn": 600})).await;
        for (path, body) in [("/api-keys".to_owned(), child(json!({}))), (format!("/api-keys/{endless}/rotate"), json!({}))] {
            let refused = call(&server, &bearer, "POST", &path, None, &body).await.expect(403);
            assert_eq!(refused.code(), "api_key_required", "{path}");
        }
        let longer = call(&server, &bearer, "POST", "/auth/tokens", None, &json!({"expiresIn": 3600})).await.expect(403);
        assert_eq!((longer.code(), longer.pointers()), ("bounds_exceeded".to_owned(), vec!["/expiresIn".to_owned()]));
        let within = call(&server, &bearer, "POST", "/auth/tokens", None, &json!({"expiresIn": 60})).await.expect(201).data();
        let as_long = call(&server, &bearer, "POST", "/auth/tokens", None, &json!({})).await.expect(201).data();
        let minutes = |token: &Value| token["expiresAt"].as_str().expect("an instant").to_owned();
        assert!(minutes(&within) < minutes(&as_long), "{within} {as_long}");

        server.key = master;
        server.post("/simulator/clock", json!({"setTo": at(year)})).await.expect(200);
        let child = made["key"].as_str().expect("a key").to_owned();
        for ended in [short, child, bearer, as_long["token"].as_str().expect("a token").to_owned()] {
            assert_eq!(call(&server, &ended, "GET", "/accounts", None, &Value::Null).await.expect(401).code(), "credential_expired");
        }
    }

    async fn a_client_has_only_so_many_keys(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let body = |number: usize| json!({"name": format!("k{number}"), "scopes": ["accounts:read"]});
        let mut last = String::new();
        for number in 1..100 {
            last = server.post("/api-keys", body(number)).await.expect(201).id();
        }
        let full = server.post("/api-keys", body(100)).await.expect(422);
        assert_eq!(full.code(), "too_many_api_keys");
        let overlapping = server.post(&format!("/api-keys/{last}/rotate"), json!({})).await.expect(422);
        assert_eq!(overlapping.code(), "too_many_api_keys", "for a while there would be one more");
        last = server.post(&format!("/api-keys/{last}/rotate"), json!({"overlapSeconds": 0})).await.expect(201).id();
        server.delete(&format!("/api-keys/{last}")).await.expect(200);
        server.post("/api-keys", body(100)).await.expect(201);
    }

    async fn a_bound_token_lifts_nothing_that_was_decided(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (account, holder, card) = issued(&server, 100, json!({"spendingControls": {"blockedCountries": ["RU"]}})).await;
        let path = format!("/cards/{}", id(&card));
        for binding in [json!({"cardHolderId": holder}), json!({"cardId": id(&card)}), json!({"cardHolderId": holder, "cardId": id(&card)})] {
            let bound = token(&server, binding.clone()).await;
            let put = |body: Value| {
                let (bound, path, server) = (bound.clone(), path.clone(), &server);
                async move { call(server, &bound, "PUT", &path, None, &body).await }
            };
            for decided in [json!({"spendingControls": null}), json!({"spendingControls": {}}), json!({"metadata": {"vip": true}}), json!({"metadata": null}),
                json!({"status": "inactive", "spendingControls": null}), json!({"status": "canceled", "creditAccountId": account})]
            {
                assert_eq!(put(decided.clone()).await.expect(403).code(), "credential_bound", "{binding} {decided}");
            }
            put(json!({"status": "inactive"})).await.expect(200);
            put(json!({"status": "active"})).await.expect(200);
            server.put(&path, json!({"status": "inactive"})).await.expect(200);
            assert_eq!(put(json!({"status": "active"})).await.expect(403).code(), "card_frozen_by_client", "{binding}");
            server.put(&path, json!({"status": "active"})).await.expect(200);
            // Frozen by its holder and then by the client too: only the client can unfreeze it.
            put(json!({"status": "inactive"})).await.expect(200);
            server.put(&path, json!({"status": "inactive"})).await.expect(200);
            assert_eq!(put(json!({"status": "active"})).await.expect(403).code(), "card_frozen_by_client", "{binding}");
            server.put(&path, json!({"status": "active"})).await.expect(200);
        }
        let shown = server.get(&path).await.expect(200).data();
        assert_eq!((&shown["spendingControls"]["blockedCountries"], &shown["metadata"]), (&json!(["RU"]), &json!({})));
    }

    async fn every_call_says_what_a_bound_token_may(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (account, holder, card) = issued(&server, 100, json!({})).await;
        let other_holder = card_holder(&server).await;
        let foreign = server.post("/cards", a_card(&account, &other_holder)).await.expect(201).id();
        let bound = token(&server, json!({"cardHolderId": holder})).await;
        let contract = server.get("/openapi.json").await.expect(200).json();
        let mut reached = Vec::new();
        for (template, item) in contract["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let secured = operation["security"].as_array().is_some_and(|ways| ways.iter().any(|way| way.get("bearer").is_some()));
                if !secured || template == "/events/stream" {
                    continue;
                }
                let method = method.to_uppercase();
                let fill = |card: &str, holder: &str| {
                    let path = template.replace("{cardId}", card).replace("{cardHolderId}", holder);
                    let end = |at: usize| path[at..].find('}').map_or(path.len(), |end| at + end + 1);
                    path.find('{').map_or(path.clone(), |at| path.replace(&path[at..end(at)], "000000000000000000000001"))
                };
                // A body that no call accepts: a caller with the right gets a validation error, before anything is
                // done.
                let body = json!({"nothing of this name": 1});
                let own = call(&server, &bound, &method, &format!("{}?dryRun=true", fill(id(&card), &holder)), None, &body).await;
                let foreign = call(&server, &bound, &method, &fill(&foreign, &other_holder), None, &body).await;
                if own.status == 403 {
                    assert_eq!(own.code(), "credential_bound", "{method} {template}");
                    assert_eq!(foreign.code(), "credential_bound", "{method} {template}");
                    continue;
                }
                assert!(foreign.status >= 400 || !template.contains('{'), "{method} {template} of another: {}", foreign.text);
                reached.push(format!("{method} {template}"));
            }
        }
        reached.sort();
        let expected = [
            "DELETE /cards/{cardId}",
            "GET /authorizations",
            "GET /authorizations/{authorizationId}",
            "GET /authorizations/{authorizationId}/decision",
            "GET /card-holders",
            "GET /card-holders/{cardHolderId}",
            "GET /card-holders/{cardHolderId}/documents",
            "GET /card-holders/{cardHolderId}/documents/{documentId}",
            "GET /card-holders/{cardHolderId}/limits",
            "GET /cards",
            "GET /cards/{cardId}",
            "GET /cards/{cardId}/authorizations",
            "GET /cards/{cardId}/limits",
            "GET /cards/{cardId}/transactions",
            "GET /transactions",
            "GET /transactions/{transactionId}",
            "POST /card-holders/{cardHolderId}/documents",
            "POST /cards/{cardId}/activate",
            "POST /cards/{cardId}/token",
            "PUT /card-holders/{cardHolderId}",
            "PUT /cards/{cardId}",
            "PUT /cards/{cardId}/pin",
        ];
        assert_eq!(reached, expected, "a call that is added to this list needs a decision what it may lift");
        let of_holder = |body: Value| {
            let (bound, server, path) = (bound.clone(), &server, format!("/card-holders/{holder}"));
            async move { call(server, &bound, "PUT", &path, None, &body).await }
        };
        for decided in [json!({"metadata": {"a": 1}}), json!({"metadata": null}), json!({"spendingLimits": []}), json!({"status": "inactive"})] {
            assert_eq!(of_holder(decided.clone()).await.expect(403).code(), "credential_bound", "{decided}");
        }
        of_holder(json!({"person": {"firstName": "Alexandra"}})).await.expect(200);
        let unblock = format!("/cards/{}/pin/unblock", id(&card));
        assert_eq!(call(&server, &bound, "POST", &unblock, None, &json!({})).await.expect(403).code(), "credential_bound");
    }

    async fn no_dry_run_hides_an_audit_or_a_count(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (_, _, card) = issued(&server, 100, json!({"amount": 50})).await;
        let path = format!("/cards/{}", id(&card));
        let reveal = server.post(&format!("{path}/token"), json!({})).await.expect(201).data();
        let reveal = format!("{path}/reveal?token={}", reveal["token"].as_str().expect("a token"));
        let number = server.get(&reveal).await.expect(200).data();
        let audited = async || server.get("/audit-log?filter=action=card.lookup").await.expect(200).json()["meta"]["total"].clone();

        let look_up = json!({"pan": number["pan"]});
        let tried = server.post("/cards/lookup?dryRun=true", look_up.clone()).await.expect(400);
        assert_eq!(tried.pointers(), ["dryRun"]);
        let again = || server.request("POST", "/cards/lookup").header("Idempotency-Key", "l").json(look_up.clone()).send();
        assert_eq!(again().await.expect(200).id(), id(&card));
        assert_eq!(again().await.expect(200).id(), id(&card));
        assert_eq!(audited().await, 2, "a repeat is a look-up too");
        let missed = server.request("POST", "/cards/lookup").header("X-Request-Id", "missed");
        missed.json(json!({"pan": "4111111111111111"})).send().await.expect(404);
        assert_eq!(audited().await, 3);
        let entry = server.get("/audit-log?filter=requestId=missed").await.expect(200).data();
        assert_eq!((&entry[0]["action"], &entry[0]["changes"]), (&json!("card.lookup"), &json!({"lookedUp": false})));

        server.put(&format!("{path}/pin"), json!({"pin": "4931"})).await.expect(200);
        let pay = |more: Value| {
            let mut body = json!({"pan": number["pan"], "amount": 1});
            for (name, value) in more.as_object().expect("an object") {
                body[name] = value.clone();
            }
            body
        };
        for (more, pointers) in [
            (json!({"pin": "4931"}), vec!["/pin"]),
            (json!({"cvv": "123"}), vec!["/cvv"]),
            (json!({"expiryMonth": 1, "expiryYear": 2030}), vec!["/expiryMonth", "/expiryYear"]),
            (json!({"pin": "0000", "cvv": "000", "expiryMonth": 1, "expiryYear": 2030}), vec!["/pin", "/cvv", "/expiryMonth", "/expiryYear"]),
        ] {
            let tried = server.post("/simulator/authorizations?dryRun=true", pay(more)).await.expect(400);
            assert_eq!(tried.pointers(), pointers);
        }
        let tried = server.post("/simulator/authorizations?dryRun=true", pay(json!({}))).await.expect(201);
        assert_eq!(tried.data()["status"], "approved");
        assert_eq!(server.get("/authorizations").await.expect(200).json()["meta"]["total"], 0);
    }
}
