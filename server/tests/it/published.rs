//! The published account examples, as a client written for the published API sends them.

use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, KEY, World};

on_both_stores! {
    async fn the_guide_and_the_reference_work_unchanged(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;

        let reference = json!({
            "ownerType": "business", "name": "USD Wallet", "type": "checking", "category": "fiat", "currency": "USD",
        });
        let created = server.post("/accounts", reference).await.expect(201);
        let envelope = created.json();
        assert_eq!(envelope["statusCode"], 201);
        assert_eq!(envelope["message"], "Account created successfully.");
        assert!(envelope.get("meta").is_none(), "meta is for lists only");
        let account = created.data();
        for field in ["_id", "ownerType", "client", "name", "type", "category", "status", "currency"] {
            assert!(account[field].is_string(), "{field} in {account}");
        }
        for field in ["ownerId", "network"] {
            assert!(account.as_object().is_some_and(|a| a.contains_key(field)), "{field} in {account}");
        }
        assert_eq!(account["status"], "active");
        assert_eq!(account["balance"], 0);
        assert_eq!((&account["canDebit"], &account["canCredit"]), (&json!(true), &json!(true)));

        let guide = json!({
            "ownerType": "business", "ownerId": "665f1c4f4a4f4a4f4a4f4a4f", "name": "Primary USD Wallet",
            "type": "checking", "category": "fiat", "currency": "USD",
        });
        let id = server.post("/accounts", guide).await.expect(201).id();

        let fetched = server.get(&format!("/accounts/{id}")).await.expect(200);
        assert_eq!(fetched.json()["message"], "Account fetched successfully.");
        assert_eq!(fetched.data()["ownerId"], "665f1c4f4a4f4a4f4a4f4a4f");

        let updated = server.put(&format!("/accounts/{id}"), json!({"name": "Renamed", "canDebit": false})).await;
        let updated = updated.expect(200);
        assert_eq!(updated.json()["message"], "Account updated successfully.");
        assert_eq!((&updated.data()["name"], &updated.data()["canDebit"]), (&json!("Renamed"), &json!(false)));

        let detail = server.post(&format!("/accounts/{id}/details"), json!({"type": "bank_account"})).await.expect(201);
        assert_eq!(detail.json()["message"], "Account detail created successfully.");
        let detail = detail.data();
        assert!(detail["_id"].is_string() && detail["details"].is_object() && detail["isPrimary"].is_boolean());

        let list = server.get("/accounts?page=1&limit=20&sort=-createdAt").await.expect(200).json();
        assert_eq!(list["message"], "Data fetched successfully.");
        assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
        let meta = json!({
            "page": 1, "limit": 20, "total": 2, "pages": 1, "sort": "-createdAt", "fields": null, "search": null,
            "searchIn": null, "filter": null,
        });
        for (name, value) in meta.as_object().expect("an object") {
            assert_eq!(&list["meta"][name], value, "meta.{name}");
        }
    }

    async fn the_published_samples_of_queries_work(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let account = server.account("USD Wallet", 500).await;
        let person = json!({"firstName": "Alex", "email": "Alex.Johnson@example.com"});
        let holder = server.post("/card-holders", json!({"name": "Alex Johnson", "person": person})).await.expect(201).id();
        server.post("/card-holders", json!({"name": "Sam Reed", "person": {"email": "sam@example.com"}})).await.expect(201);
        let card = json!({
            "debitAccountId": account, "cardHolderId": holder, "type": "virtual", "brand": "Visa", "status": "active",
        });
        let card = server.post("/cards", card).await.expect(201).id();
        let found = async |query: &str| {
            let reply = server.get(query).await;
            assert_eq!(reply.status, 200, "{query}: {}", reply.text);
            reply.data().as_array().map_or(0, Vec::len)
        };
        let cases = [
            ("/cards?filter=status=Active", 1),
            ("/cards?filter=status.in=Active,Inactive", 1),
            ("/cards?filter=status=INACTIVE", 0),
            ("/cards?filter=brand=visa%26currency=usd", 1),
            ("/accounts?filter=type=Checking", 1),
            ("/accounts?filter=currency.in=usd,NGN", 1),
            ("/accounts?filter=canDebit=True", 1),
            ("/accounts?filter=deleted.exists=false", 1),
            ("/accounts?filter=deleted.exists=true", 0),
            ("/card-holders?filter=deleted.exists=false", 2),
            ("/cards?filter=%7B%22deleted%22:%7B%22exists%22:false%7D%7D", 1),
            ("/cards?filter=deleted.exists=true", 0),
            ("/events?filter=deleted.exists=false%26type=Card.Created", 1),
            ("/card-holders?search=alex.johnson@example.com&searchIn=name,emailAddress", 1),
            ("/card-holders?search=alex.johnson@example.com", 1),
            ("/card-holders?search=johnson@example&searchIn=emailAddress", 0),
            ("/card-holders?search=johnson&searchIn=name,emailAddress", 1),
            ("/card-holders?filter=emailAddress=alex.johnson@example.com", 1),
            ("/accounts?populate=owner,team", 1),
            ("/card-holders?populate=owner:email name;team:title", 2),
        ];
        for (query, expected) in cases {
            assert_eq!(found(query).await, expected, "{query}");
        }

        let rows = server.get("/card-holders?fields=name,emailAddress,createdAt&search=alex").await.expect(200);
        assert_eq!(rows.json()["meta"]["fields"], "name,emailAddress,createdAt");
        let row = rows.data()[0].clone();
        assert_eq!(row["person"], json!({"email": "Alex.Johnson@example.com"}));
        assert_eq!(row.as_object().map(|row| row.len()), Some(4), "{row}");

        for query in ["/cards?populate=owner:email name;team:title", "/cards?populate=owner:emailAddress name"] {
            let row = server.get(query).await.expect(200).data()[0].clone();
            assert_eq!(row["_id"], card);
            let owner = json!({"_id": holder, "name": "Alex Johnson", "person": {"email": "Alex.Johnson@example.com"}});
            assert_eq!(row["owner"], owner, "{row}");
            assert!(row.get("team").is_none());
        }
        let refused = [
            "/cards?populate=nobody", "/cards?populate=owner:nothing", "/accounts?sort=deleted", "/accounts?fields=emailAddress",
            "/accounts?filter=deleted=false", "/transfers?filter=deleted.exists=false",
        ];
        for query in refused {
            assert_eq!(server.get(query).await.status, 400, "{query}");
        }
    }

    async fn amounts_and_currencies_are_read_as_people_and_programs_write_them(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (from, to) = (server.account("From", 100).await, server.account("To", 0).await);
        let moved = async |amount: &str| {
            let body = format!(r#"{{"fromAccountId":"{from}","toAccountId":"{to}","amount":{amount}}}"#);
            server.request("POST", "/transfers").text(body).send().await
        };
        assert_eq!(moved("\"19.99\"").await.expect(201).data()["amount"], 19.99);
        assert_eq!(moved("\"0.01\"").await.expect(201).data()["amount"], 0.01);
        assert_eq!(server.balance(&to).await, 20.0);
        for amount in ["\"\"", "\" \"", "\" 1\"", "\"1e1\"", "\"1,000\"", "\"1_0\"", "\"+1\"", "\"01\"", "\"1.\"", "\"one\""] {
            let reply = moved(amount).await.expect(400);
            assert!(reply.text.contains("without blanks"), "{amount}: {}", reply.text);
        }
        for amount in ["0.30000000000000004", "\"0.30000000000000004\""] {
            let reply = moved(amount).await.expect(400);
            assert!(reply.text.contains("round to the currency's decimals: 0.3\""), "{}", reply.text);
        }
        assert_eq!(server.balance(&to).await, 20.0);

        let account = |currency: &str| json!({
            "ownerType": "user", "name": "A", "type": "savings", "category": "fiat", "currency": currency,
        });
        for currency in ["usd", "Usd", " USD"] {
            let reply = server.post("/accounts", account(currency)).await.expect(400);
            assert!(reply.text.contains("Did you mean USD?"), "{}", reply.text);
        }
        assert!(!server.post("/accounts", account("XXQ")).await.expect(400).text.contains("Did you mean"));
        let card = json!({"currency": "usd", "type": "virtual", "brand": "Visa", "status": "active"});
        assert!(server.post("/cards", card).await.expect(400).text.contains("Did you mean USD?"));
        let payment = json!({"cardId": from, "amount": 1, "currency": "eur"});
        assert!(server.post("/simulator/authorizations", payment).await.expect(400).text.contains("Did you mean EUR?"));
    }

    async fn one_credential_may_come_in_two_forms(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let plain = |path: &str| server.http.get(format!("{}{path}", server.url));
        let status = async |request: reqwest::RequestBuilder| request.send().await.expect("an answer").status().as_u16();
        let query = format!("/accounts?apiKey={KEY}");
        assert_eq!(status(plain("/accounts").header("x-api-key", KEY).bearer_auth(KEY)).await, 200);
        assert_eq!(status(plain("/accounts").header("x-api-key", KEY).header("apikey", KEY)).await, 200);
        assert_eq!(status(plain(&query).header("x-api-key", KEY).bearer_auth(KEY)).await, 200);
        assert_eq!(status(plain(&query).bearer_auth(KEY)).await, 200);
        for other in [
            plain("/accounts").header("x-api-key", KEY).bearer_auth("pgk_test_another_0123456789abcdef0123"),
            plain("/accounts?apiKey=pgk_test_another_0123456789abcdef0123").header("x-api-key", KEY),
        ] {
            let answer = other.send().await.expect("an answer");
            assert_eq!(answer.status(), 401);
            assert!(answer.text().await.expect("a text").contains("credential_ambiguous"));
        }
    }

    async fn a_second_start_keeps_data_and_key(backend: Backend) {
        let world = World::new(backend).await;
        let mut first = world.start().await;
        let id = first.account("Kept", 5).await;
        assert!(first.stop().success(), "a graceful stop exits with 0");
        let second = world.start().await;
        assert_eq!(second.balance(&id).await, 5.0);
    }
}
