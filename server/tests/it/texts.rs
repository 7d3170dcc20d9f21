//! Every text that the contract lets callers write: invisible text counts as empty, and no card number is stored or
//! repeated.

use serde_json::{Map, Value, json};

use crate::cards::{id, issued};
use crate::on_both_stores;
use crate::world::{Backend, Form, Reply, Server, World};

/// A number of a range that is not used here, in the forms it is written in.
const PLANTED: [&str; 3] = ["4929 0412 3456 7893", "4929041234567893", "4929-0412-3456-7893"];

/// Invisible texts.
const BLANK: [&str; 4] = [" ", "\u{200b}", "\u{a0}\u{2003} ", "\u{feff}\u{ad}"];

/// Texts of the network, in which card numbers are masked, not refused: the network cannot be asked to change them.
const OF_A_NETWORK: [&str; 5] =
    ["/merchant/merchantId", "/merchant/name", "/merchant/city", "/merchant/state", "/merchant/postalCode"];

/// Document numbers, which may look like card numbers; sealed, and shown by their end alone.
const OF_AUTHORITIES: [&str; 2] = ["/number", "/documentId"];

/// Secrets, which are sealed and never shown.
const SECRETS: [&str; 4] = ["/token", "/pan", "/cvv", "/pinBlock"];

/// A string of a request, by its pointer and its schema.
struct Leaf {
    at: String,
    schema: Value,
}

impl Leaf {
    /// Whether the schema allows any text.
    fn is_plain(&self) -> bool {
        ["enum", "pattern", "format"].iter().all(|shape| self.schema.get(shape).is_none())
    }
}

fn resolved<'a>(contract: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(to) = schema["$ref"].as_str() {
        return resolved(contract, contract.pointer(&to[1..]).unwrap_or_else(|| panic!("{to}")));
    }
    for ways in ["oneOf", "anyOf", "allOf"] {
        let ways = schema[ways].as_array().into_iter().flatten().map(|way| resolved(contract, way));
        if let Some(way) = ways.into_iter().find(|way| way["type"] != "null") {
            return way;
        }
    }
    schema
}

fn is_of(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|known| known == kind))
}

/// A body in which every string is `text`, and the places of the strings.
fn planted(contract: &Value, schema: &Value, at: &str, text: &str, leaves: &mut Vec<Leaf>) -> Value {
    let schema = resolved(contract, schema);
    if is_of(schema, "string") {
        leaves.push(Leaf { at: at.to_owned(), schema: schema.clone() });
        return json!(text);
    }
    if is_of(schema, "array") {
        return json!([planted(contract, &schema["items"], &format!("{at}/0"), text, leaves)]);
    }
    if let Some(members) = schema["properties"].as_object() {
        let fill = |(name, schema): (&String, &Value), leaves: &mut Vec<Leaf>| {
            // A read-only field is compared with the stored value, and never stored.
            let mut unread = Vec::new();
            let leaves = if schema["readOnly"] == true { &mut unread } else { leaves };
            let value = planted(contract, schema, &format!("{at}/{name}"), text, leaves);
            (name.clone(), value)
        };
        let filled: Map<String, Value> =
            members.iter().map(|member| fill(member, leaves)).filter(|(_, value)| !value.is_null()).collect();
        return Value::Object(filled);
    }
    if is_of(schema, "object") {
        leaves.push(Leaf { at: at.to_owned(), schema: json!({"free": true}) });
        return json!({ "note": text });
    }
    Value::Null
}

/// Every operation that takes JSON: method, path with ids of existing objects, the schema of its body.
async fn writes(server: &Server, contract: &Value) -> Vec<(String, String, Value)> {
    let (account, holder, card) = issued(server, 100, json!({})).await;
    let webhook = json!({"url": "https://api.example.com/hook", "events": ["*"], "enabled": false});
    let webhook = server.post("/webhooks", webhook).await.expect(201).id();
    let pay = json!({"cardId": id(&card), "amount": 0, "type": "account_verification"});
    let authorization = server.post("/simulator/authorizations", pay).await.expect(201).id();
    let ids = [
        ("accountId", account.as_str()),
        ("cardHolderId", &holder),
        ("cardId", id(&card)),
        ("webhookId", &webhook),
        ("authorizationId", &authorization),
    ];
    let mut found = Vec::new();
    for (template, item) in contract["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if schema.is_null() || template == "/simulator/clock" {
                continue;
            }
            let mut path = template.clone();
            for (name, id) in ids {
                path = path.replace(&format!("{{{name}}}"), id);
            }
            while let Some(from) = path.find('{') {
                let to = path[from..].find('}').expect("a closed brace") + from;
                path.replace_range(from..=to, "000000000000000000000001");
            }
            found.push((method.to_uppercase(), path, schema.clone()));
        }
    }
    assert!(found.len() > 25, "{} operations", found.len());
    found
}

fn code_at(reply: &Reply, at: &str) -> Option<String> {
    let fields = reply.json()["error"]["fields"].as_array().cloned().unwrap_or_default();
    let found = fields.into_iter().find(|field| field["pointer"] == at)?;
    found["code"].as_str().map(str::to_owned)
}

fn has_planted(text: &str) -> bool {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    digits.contains(PLANTED[1])
}

/// The fields that lists filter by, from the error about an unknown one.
async fn filters(server: &Server, path: &str) -> Vec<String> {
    let received = server.get(&format!("{path}?filter=zzz=1")).await.expect(400);
    let message = received.json()["error"]["fields"][0]["message"].as_str().expect("a message").to_owned();
    let (_, names) = message.split_once("Allowed: ").unwrap_or_else(|| panic!("{path}: {message}"));
    names.trim_end_matches('.').split(", ").map(str::to_owned).collect()
}

/// Every file of the data directory.
fn files(directory: &std::path::Path, into: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        match entry.path() {
            path if path.is_dir() => files(&path, into),
            path if path.is_file() => into.push(std::fs::read(path).unwrap_or_default()),
            _ => {}
        }
    }
}

on_both_stores! {
    async fn no_text_of_the_contract_takes_a_card_number(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let contract = server.get("/openapi.json").await.expect(200).json();
        let mut texts = 0;
        for (number, (method, path, schema)) in writes(&server, &contract).await.into_iter().enumerate() {
            let mut leaves = Vec::new();
            let body = planted(&contract, &schema, "", PLANTED[number % 3], &mut leaves);
            let reply = server.request(&method, &path).json(body).send().await;
            assert!(!has_planted(&reply.text), "{method} {path} repeats it: {}", reply.text);
            for leaf in &leaves {
                let exempt = OF_A_NETWORK.contains(&leaf.at.as_str()) || OF_AUTHORITIES.iter().chain(&SECRETS).any(|end| leaf.at.ends_with(end));
                if exempt || !leaf.is_plain() || leaf.schema["type"].is_null() && leaf.schema["free"].is_null() {
                    continue;
                }
                // A field with a format, or too short for it, is refused for that.
                let code = code_at(&reply, &leaf.at).or_else(|| code_at(&reply, &format!("{}/note", leaf.at)));
                assert!(code.is_some(), "{method} {path} {}: {}", leaf.at, reply.text);
                texts += u32::from(code.as_deref() == Some("card_number"));
            }
        }
        assert!(texts > 60, "{texts} texts");
        for path in ["/accounts", "/transfers", "/card-holders", "/cards", "/authorizations", "/transactions", "/exceptions", "/events", "/webhooks",
            "/api-keys", "/audit-log", "/events/deliveries"]
        {
            for name in filters(&server, path).await {
                let hashed = ["phoneNumber", "dateOfBirth", "document.number", "email", "emailAddress"].iter().any(|end| name.ends_with(end));
                if !hashed {
                    let reply = server.get(&format!("{path}?filter={name}={}", PLANTED[1])).await.expect(400);
                    assert!(!has_planted(&reply.text), "{path} {name}: {}", reply.text);
                }
            }
            let reply = server.get(&format!("{path}?search={}", PLANTED[1])).await;
            assert!(reply.status == 400 && !has_planted(&reply.text), "{path}: {}", reply.text);
        }
        for header in ["Idempotency-Key", "X-Request-Id", "If-Match", "Last-Event-ID", "X-Other", "User-Agent"] {
            let body = json!({"ownerType": "user", "name": "A", "type": "savings", "category": "fiat", "currency": "USD"});
            let reply = server.request("POST", "/accounts").header(header, PLANTED[1]).json(body).send().await;
            assert!(!has_planted(&reply.text), "{header}: {}", reply.text);
            assert!(reply.headers.values().all(|value| !has_planted(value.to_str().unwrap_or_default())), "{header}");
            if header == "Idempotency-Key" {
                assert_eq!((reply.status, reply.code()), (400, "idempotency_key_invalid".to_owned()));
            }
        }

        // A network is not asked to change its message.
        let (_, _, card) = issued(&server, 100, json!({"amount": 50})).await;
        for (number, at) in OF_A_NETWORK.iter().enumerate() {
            let name = at.trim_start_matches("/merchant/");
            let pay = json!({"cardId": id(&card), "amount": 1, "merchant": {name: PLANTED[1]}});
            let shown = server.post("/simulator/authorizations", pay).await.expect(201).data();
            let shown = shown["merchant"].as_object().expect("a merchant").values().any(|text| text == "492904******7893");
            assert!(shown, "{number} {at}");
        }
        for list in ["/events?limit=200", "/audit-log?limit=200", "/authorizations?limit=200", "/transactions", "/exceptions", "/accounts"] {
            assert!(!has_planted(&server.get(list).await.expect(200).text), "{list}");
        }
        let mut kept = Vec::new();
        files(&world.data_dir(), &mut kept);
        assert!(kept.iter().all(|content| !content.windows(16).any(|window| window == PLANTED[1].as_bytes())));
    }

    async fn what_cannot_be_seen_is_empty(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let contract = server.get("/openapi.json").await.expect(200).json();
        let mut texts = 0;
        for (number, (method, path, schema)) in writes(&server, &contract).await.into_iter().enumerate() {
            let mut leaves = Vec::new();
            let body = planted(&contract, &schema, "", BLANK[number % 4], &mut leaves);
            let reply = server.request(&method, &path).json(body).send().await;
            for leaf in leaves.iter().filter(|leaf| leaf.schema["free"].is_null()) {
                let required = leaf.schema["minLength"].as_u64().is_some_and(|least| least > 0) && SECRETS.iter().all(|end| !leaf.at.ends_with(end));
                if leaf.is_plain() && required {
                    assert_eq!(code_at(&reply, &leaf.at).as_deref(), Some("min_length"), "{method} {path} {}: {}", leaf.at, reply.text);
                    texts += 1;
                } else if !leaf.is_plain() {
                    assert!(code_at(&reply, &leaf.at).is_some(), "{method} {path} {}: {}", leaf.at, reply.text);
                }
            }
        }
        assert!(texts > 40, "{texts} texts");
        let account = |name: &str| json!({"ownerType": "user", "name": name, "type": "savings", "category": "fiat", "currency": "USD"});
        assert_eq!(server.post("/accounts", account(" ")).await.expect(400).pointers(), ["/name"]);
        assert_eq!(server.post("/accounts", account(" A  b ")).await.expect(201).data()["name"], " A  b ", "what can be seen is kept as it was written");
    }

    async fn a_date_as_an_end_includes_its_day(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let now = server.get("/simulator/clock").await.expect(200).data()["now"].as_str().expect("now").to_owned();
        let today = &now[..10];
        let (_, _, card) = issued(&server, 100, json!({"validUntil": today, "validFrom": today})).await;
        assert_eq!((&card["validFrom"], &card["validUntil"]), (&json!(format!("{today}T00:00:00.000Z")), &json!(format!("{today}T23:59:59.999Z"))));
        let key = json!({"name": "today", "scopes": ["accounts:read"], "expiresAt": today});
        assert_eq!(server.post("/api-keys", key).await.expect(201).data()["expiresAt"], format!("{today}T23:59:59.999Z"));
        let key = json!({"name": "ever", "scopes": ["accounts:read"], "expiresAt": "9999-12-31"});
        assert_eq!(server.post("/api-keys", key).await.expect(201).data()["expiresAt"], "9999-12-31T23:59:59.999Z");
        for filter in [
            format!("createdAt.lte={today}"), format!("createdAt={today}"), format!("createdAt.between={today}|{today}"), "createdAt.lte=9999-12-31".to_owned(),
            "createdAt.lt=9999-12-31T23:59:59.999Z".to_owned(), format!("createdAt.between={today}|9999-12-31"),
        ] {
            assert_eq!(server.get(&format!("/cards?filter={filter}")).await.expect(200).json()["meta"]["total"], 1, "{filter}");
        }
        assert_eq!(server.get("/api-keys?filter=expiresAt=9999-12-31").await.expect(200).json()["meta"]["total"], 1);
        assert_eq!(server.get("/api-keys?filter=expiresAt.gt=9999-12-31").await.expect(200).json()["meta"]["total"], 0);
    }

    async fn a_plus_that_was_not_encoded_finds_what_has_one(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let holder = json!({"name": "Ann+Bob Ltd", "person": {"email": "a+b@example.com", "phoneNumber": "+12125550198"}});
        let holder = server.post("/card-holders", holder).await.expect(201).id();
        for filter in [
            "person.email=a+b@example.com", "email=a%2Bb@example.com", "email.in=x@example.com,a+b@example.com", "phoneNumber=+12125550198",
            "name=Ann+Bob%20Ltd", "name=Ann%2BBob+Ltd", "name=Ann%2BBob%20Ltd",
        ] {
            let list = server.get(&format!("/card-holders?filter={filter}")).await.expect(200).json();
            let expected = usize::from(filter != "name=Ann+Bob%20Ltd");
            assert_eq!(list["meta"]["total"], expected, "{filter}");
        }
        assert_eq!(server.get("/card-holders?filter=email.ne=a+b@example.com").await.expect(200).json()["meta"]["total"], 0);
        let plus = server.post("/accounts", json!({"ownerType": "user", "name": "x+y", "type": "savings", "category": "fiat", "currency": "USD"}));
        let plus = plus.await.expect(201).id();
        assert_eq!(server.get("/accounts?filter=name=x+y").await.expect(200).data()[0]["_id"], plus);
        assert_eq!(server.get(&format!("/card-holders?filter=_id={holder}")).await.expect(200).json()["meta"]["total"], 1);
    }

    async fn forms_are_read_as_browsers_send_them(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let pdf = b"\n%PDF-1.7\n1 0 obj\n<<>>\nendobj\nxref\n0 1\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n";
        let form = || Form::default().text("name", "Alex").text("email", "alex@example.com").text("phoneNumber", "").text("city", " ")
            .text("identification", "").nothing_chosen("documentBack").nothing_chosen("proofOfAddress");
        let send = |form: Form| server.request("POST", "/card-holders").form(form).send();
        let made = send(form().nothing_chosen("documentMain")).await.expect(201).data();
        assert_eq!(made["person"]["email"], "alex@example.com");
        assert_eq!(server.get(&format!("/card-holders/{}/documents", id(&made))).await.expect(200).json()["meta"]["total"], 0);
        let made = send(form().nothing_chosen("documentMain").file("documentMain", "application/pdf", pdf)).await.expect(201).data();
        let documents = format!("/card-holders/{}/documents", id(&made));
        assert_eq!(server.get(&documents).await.expect(200).json()["meta"]["total"], 1, "a blank may stand before a PDF's header");
        assert_eq!(send(form().text("name", "")).await.expect(201).data()["name"], "Alex", "the one that says something");
        let empty = send(Form::default().text("name", " ").text("email", "alex@example.com")).await.expect(400);
        assert_eq!(empty.pointers(), ["/name"]);
        let named = send(form().file("documentMain", "application/pdf", b"")).await.expect(400);
        assert_eq!(named.pointers(), ["/documentMain"], "a file that was chosen and is empty is a fault");
        let nothing = server.request("POST", &documents).form(Form::default().nothing_chosen("documentMain")).send().await.expect(400);
        assert_eq!(nothing.pointers(), ["/documentMain"]);
    }

    async fn read_only_members_are_as_they_are_stored(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let contract = server.get("/openapi.json").await.expect(200).json();
        let (account, holder, card) = issued(&server, 100, json!({})).await;
        let webhook = json!({"url": "https://api.example.com/hook", "events": ["*"], "enabled": false});
        let webhook = server.post("/webhooks", webhook).await.expect(201).id();
        let detail = json!({"type": "bank_account", "details": {"iban": "DE89370400440532013000"}});
        let detail = server.post(&format!("/accounts/{account}/details"), detail).await.expect(201).id();
        let mut compared = 0;
        for (template, path) in [
            ("/accounts/{accountId}", format!("/accounts/{account}")),
            ("/accounts/{accountId}/details/{detailId}", format!("/accounts/{account}/details/{detail}")),
            ("/card-holders/{cardHolderId}", format!("/card-holders/{holder}")),
            ("/cards/{cardId}", format!("/cards/{}", id(&card))),
            ("/webhooks/{webhookId}", format!("/webhooks/{webhook}")),
        ] {
            let before = server.get(&path).await.expect(200);
            let schema = &contract["paths"][template]["put"]["requestBody"]["content"]["application/json"]["schema"];
            let members = resolved(&contract, schema)["properties"].as_object().expect("members");
            for name in members.iter().filter(|(_, schema)| schema["readOnly"] == true).map(|(name, _)| name) {
                let stored = before.data()[name].clone();
                server.put(&path, json!({ name: stored })).await.expect(200);
                for other in [json!(1_234_567), json!("other"), json!("2001-01-01T00:00:00.000Z"), json!(["other"])] {
                    let reply = server.put(&path, json!({ name: other })).await;
                    let status = if name == "client" { [400, 403].contains(&reply.status) } else { reply.status == 400 };
                    assert!(status && reply.pointers() == [format!("/{name}")], "{path} {name} {other}: {}", reply.text);
                    compared += 1;
                }
            }
            assert_eq!(server.get(&path).await.expect(200).data()["version"], before.data()["version"], "{path}: nothing changed");
        }
        assert!(compared > 150, "{compared}");
    }
}
