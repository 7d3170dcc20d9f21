//! Cards: the published examples to the letter, money to the cent, states, and concurrency.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::on_both_stores;
use crate::world::{Backend, Reply, Server, World};

/// Creates a card holder; returns their id.
pub async fn card_holder(server: &Server) -> String {
    let body = json!({"name": "Alex Johnson", "person": {"firstName": "Alex", "email": "alex.johnson@example.com"}});
    server.post("/card-holders", body).await.expect(201).id()
}

/// The guide's body for issuing a card.
pub fn a_card(account: &str, holder: &str) -> Value {
    json!({"debitAccountId": account, "cardHolderId": holder, "type": "virtual", "brand": "Visa", "status": "active"})
}

fn with(mut body: Value, more: Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

/// A server with an account of this balance, a card holder, and a card with these further fields.
pub async fn issued(server: &Server, balance: i64, more: Value) -> (String, String, Value) {
    let (account, holder) = (server.account("Funds", balance).await, card_holder(server).await);
    let card = server.post("/cards", with(a_card(&account, &holder), more)).await.expect(201).data();
    (account, holder, card)
}

pub fn id(card: &Value) -> &str {
    card["_id"].as_str().expect("an id")
}

#[track_caller]
fn refused(reply: Reply, status: u16, code: &str) -> Reply {
    let reply = reply.expect(status);
    assert_eq!(reply.code(), code, "{}", reply.text);
    reply
}

on_both_stores! {
    async fn the_published_examples_work_unchanged(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (account, holder) = (server.account("Funds", 500).await, card_holder(&server).await);

        let literal = json!({
            "debitAccountId": "account_id", "cardHolderId": "card_holder_id", "type": "virtual", "brand": "Visa",
            "status": "active",
        });
        let received = refused(server.post("/cards", literal).await, 400, "validation_failed");
        assert_eq!(received.pointers(), ["/debitAccountId", "/cardHolderId"]);

        let guide = json!({
            "debitAccountId": account, "cardHolderId": holder, "type": "virtual", "brand": "Visa", "currency": "USD",
            "status": "active", "amount": 100,
        });
        let created = server.post("/cards", guide).await.expect(201);
        assert_eq!(created.json()["message"], "Card created successfully.");
        assert_eq!(created.json()["statusCode"], 201);
        let card = created.data();
        assert_eq!((&card["balance"], &card["availableBalance"]), (&json!(100), &json!(100)));
        assert_eq!((&card["enable2FA"], &card["disposable"]), (&json!(true), &json!(false)));
        assert_eq!(card["spendingControls"]["channels"], json!({"atm": true, "pos": true, "web": true, "mobile": true}));
        assert_eq!(card["maskedPan"].as_str().map(str::len), Some(16));
        assert!(card["metadata"].is_object());
        assert_eq!(server.balance(&account).await, 400.0);
        let path = format!("/cards/{}", id(&card));

        let fund = json!({
            "debitAccountId": account, "amount": 25, "paymentReference": "auto-topup-feb-24", "narration": "Card funding",
        });
        let funded = server.post(&format!("{path}/fund"), fund.clone()).await.expect(200);
        assert_eq!(funded.json()["message"], "Card funded successfully.");
        assert_eq!(funded.data()["balance"], 125);
        let again = refused(server.post(&format!("{path}/fund"), fund).await, 409, "payment_reference_used");
        assert_eq!(again.pointers(), ["/paymentReference"]);
        assert_eq!(server.balance(&account).await, 375.0);

        let fetched = server.get(&path).await.expect(200);
        assert_eq!(fetched.json()["message"], "Card fetched successfully.");
        assert_eq!(fetched.data(), funded.data());
        assert_eq!(fetched.header("etag"), Some("\"1\""));

        let query = "/cards?page=1&limit=20&sort=-createdAt&filter=status=active&search=visa&searchIn=brand,type";
        let list = server.get(query).await.expect(200).json();
        assert_eq!(list["message"], "Data fetched successfully.");
        assert_eq!((&list["meta"]["total"], &list["meta"]["searchIn"]), (&json!(1), &json!("brand,type")));
        assert_eq!(list["data"][0], funded.data());

        let frozen = server.put(&path, json!({"status": "inactive"})).await.expect(200);
        assert_eq!(frozen.json()["message"], "Card updated successfully.");
        assert_eq!(frozen.data()["status"], "inactive");
        server.put(&path, json!({"status": "active"})).await.expect(200);

        let credit_account = server.account("Credit", 0).await;
        let cancel = json!({"status": "canceled", "cancellationReason": "lost", "creditAccountId": credit_account});
        let canceled = server.put(&path, cancel).await.expect(200).data();
        assert_eq!((&canceled["status"], &canceled["cancellationReason"]), (&json!("canceled"), &json!("lost")));
        assert_eq!((&canceled["balance"], &canceled["creditAccountId"]), (&json!(0), &json!(credit_account)));
        let states: Vec<&str> =
            canceled["statusHistory"].as_array().into_iter().flatten().filter_map(|c| c["status"].as_str()).collect();
        assert_eq!(states, ["active", "inactive", "active", "canceled"]);
        assert_eq!((server.balance(&credit_account).await, server.balance(&account).await), (125.0, 375.0));

        let other = server.post("/cards", with(a_card(&account, &holder), json!({"amount": 10}))).await.expect(201).id();
        let ended = server.delete(&format!("/cards/{other}")).await.expect(200);
        assert_eq!(ended.json()["message"], "Card terminated successfully.");
        assert_eq!(ended.data()["status"], "canceled");
        assert_eq!(server.balance(&account).await, 375.0);
        server.delete(&format!("/cards/{other}")).await.expect(200);
    }

    async fn a_card_is_written_back_as_it_was_read(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let controls = json!({
            "channels": {"atm": false}, "allowedCategories": ["restaurants", "5411"], "blockedCountries": ["KP"],
            "allowedMerchants": ["M1"], "spendingLimits": [{"amount": 500.5, "interval": "monthly", "categories": ["fuel"]},
                {"maxCount": 3, "interval": "daily", "timeZone": "Africa/Lagos"}],
        });
        let more = json!({
            "amount": 12.5, "spendingControls": controls, "metadata": {"team": "ops"}, "validUntil": "2030-01-01T00:00:00.000Z",
            "merchantLock": true, "cancelAfter": {"payments": 3}, "disposable": true, "enable2FA": false,
        });
        let (account, _, card) = issued(&server, 100, more).await;
        let path = format!("/cards/{}", id(&card));
        assert_eq!(card["spendingControls"]["channels"], json!({"atm": false, "pos": true, "web": true, "mobile": true}));
        let unchanged = server.put(&path, card.clone()).await.expect(200);
        assert_eq!(unchanged.data(), card, "nothing changed, the version neither");

        for (field, value) in [
            ("_id", json!("665f1c4f4a4f4a4f4a4f4a4f")), ("balance", json!(13)), ("availableBalance", json!(0)),
            ("brand", json!("Mastercard")), ("cancelAfter", Value::Null), ("replacedBy", json!(account)),
            ("version", json!(9)), ("statusHistory", json!([])), ("pinSet", json!(true)), ("expiryYear", json!(2040)),
        ] {
            let received = refused(server.put(&path, json!({field: value})).await, 400, "read_only_field");
            assert_eq!(received.pointers(), [format!("/{field}")]);
        }
        let changed = with(card.clone(), json!({"metadata": {"team": "fin"}}));
        let changed = server.request("PUT", &path).header("If-Match", "\"1\"").json(changed).send().await.expect(200).data();
        assert_eq!((&changed["metadata"], &changed["version"]), (&json!({"team": "fin"}), &json!(2)));
        let stale = server.request("PUT", &path).header("If-Match", "\"1\"").json(json!({"metadata": {}})).send().await;
        refused(stale, 412, "version_mismatch");

        let since = changed["spendingControls"]["spendingLimits"][0]["countingSince"].clone();
        let raised = json!({"spendingControls": {"spendingLimits": [{"amount": 900, "interval": "monthly", "categories": ["fuel"]}]}});
        let raised = server.put(&path, raised).await.expect(200).data();
        assert_eq!(raised["spendingControls"]["spendingLimits"][0]["countingSince"], since, "use is not forgotten");
        assert_eq!(raised["spendingControls"]["channels"]["atm"], true, "replaced whole");
        let cleared = server.put(&path, json!({"spendingControls": null, "metadata": null})).await.expect(200).data();
        assert_eq!((&cleared["spendingControls"]["spendingLimits"], &cleared["metadata"]), (&json!([]), &json!({})));

        for body in [json!({"cancellationReason": "lost"}), json!({"creditAccountId": account, "status": "inactive"})] {
            let received = refused(server.put(&path, body).await, 400, "validation_failed");
            assert_eq!(received.json()["error"]["fields"][0]["code"], "only_with_cancellation");
        }
        let canceled = server.put(&path, json!({"status": "canceled", "cancellationReason": "stolen"})).await.expect(200).data();
        assert_eq!(server.put(&path, canceled.clone()).await.expect(200).data(), canceled);
        refused(server.put(&path, with(canceled, json!({"status": "active"}))).await, 400, "validation_failed");
        refused(server.put(&path, json!({"status": "active"})).await, 409, "card_canceled");
    }

    async fn every_invalid_field_is_reported(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let body = json!({
            "debitAccountId": 1, "type": "paper", "brand": "visa", "status": "canceled", "currency": "EUR", "amount": "5,0",
            "enable2fa": true, "cancelAfter": {"payments": 0}, "validFrom": "tomorrow",
            "spendingControls": {
                "channels": {"atm": "no", "fax": true}, "allowedCategories": ["resturants", 5812], "blockedMerchants": [""],
                "allowedCountries": ["XX"], "spendingLimits": [{"amount": 5, "interval": "hourly"}], "extra": 1,
            },
        });
        let received = refused(server.post("/cards", body).await, 400, "validation_failed");
        let mut pointers = received.pointers();
        pointers.sort();
        assert_eq!(pointers, [
            "/amount", "/brand", "/cancelAfter/payments", "/cardHolderId", "/currency", "/debitAccountId", "/enable2fa",
            "/spendingControls/allowedCategories/0", "/spendingControls/allowedCategories/1",
            "/spendingControls/allowedCountries/0", "/spendingControls/blockedMerchants/0",
            "/spendingControls/channels/atm", "/spendingControls/channels/fax", "/spendingControls/extra",
            "/spendingControls/spendingLimits/0/interval", "/status", "/type", "/validFrom",
        ]);
        assert!(received.text.contains("Did you mean restaurants?"), "{}", received.text);

        let (account, holder) = (server.account("Funds", 100).await, card_holder(&server).await);
        let controls = json!({
            "allowedCategories": ["5812"], "blockedCategories": ["fuel", "5812"], "allowedMerchants": ["A"],
            "blockedMerchants": ["A"], "allowedCountries": ["US"], "blockedCountries": ["US"],
            "spendingLimits": [{"amount": 5.001, "interval": "daily"}, {"interval": "weekly"}],
        });
        let received = server.post("/cards", with(a_card(&account, &holder), json!({"spendingControls": controls}))).await;
        assert_eq!(refused(received, 400, "validation_failed").pointers(), [
            "/spendingControls/blockedCategories/1", "/spendingControls/blockedMerchants/0",
            "/spendingControls/blockedCountries/0", "/spendingControls/spendingLimits/0/amount",
            "/spendingControls/spendingLimits/1/amount",
        ]);
        let many: Vec<Value> = (0..33).map(|n| json!({"amount": 5, "interval": "daily", "categories": [format!("{}", 3000 + n)]})).collect();
        let received = server.post("/cards", with(a_card(&account, &holder), json!({"spendingControls": {"spendingLimits": many}}))).await;
        assert_eq!(refused(received, 400, "validation_failed").pointers(), ["/spendingControls/spendingLimits"]);
    }

    async fn money_moves_to_the_cent_or_not_at_all(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (account, holder, card) = issued(&server, 100, json!({"amount": 40.25})).await;
        let path = format!("/cards/{}", id(&card));
        let cards = async || server.get("/cards?limit=1").await.json()["meta"]["total"].clone();
        assert_eq!(server.balance(&account).await, 59.75);

        for (amount, status, code) in [
            (json!(0.99), 400, "minimum"), (json!(0), 400, "amount_not_positive"), (json!(-5), 400, "amount_not_positive"),
            (json!(1.001), 400, "amount_too_precise"), (json!(59.76), 422, "insufficient_funds"),
        ] {
            let reply = server.post("/cards", with(a_card(&account, &holder), json!({"amount": amount}))).await;
            refused(reply, status, code);
        }
        assert_eq!(cards().await, 1, "no card without its money");
        assert_eq!(server.balance(&account).await, 59.75);

        for (call, amount, status, code) in [
            ("fund", json!(0.001), 400, "amount_too_precise"), ("fund", json!(0), 400, "amount_not_positive"),
            ("fund", json!(59.76), 422, "insufficient_funds"), ("withdraw", json!(40.26), 422, "insufficient_funds"),
            ("withdraw", json!(0.005), 400, "amount_too_precise"),
        ] {
            let body = json!({"amount": amount});
            let body = if call == "fund" { with(body, json!({"debitAccountId": account})) } else { body };
            refused(server.post(&format!("{path}/{call}"), body).await, status, code);
        }
        let funded = server.post(&format!("{path}/fund"), json!({"debitAccountId": account, "amount": 0.01})).await;
        assert_eq!(funded.expect(200).data()["balance"], 40.26);
        let back = server.post(&format!("{path}/withdraw"), json!({"amount": 0.26, "paymentReference": "w1"})).await.expect(200);
        assert_eq!((back.json()["message"].as_str(), &back.data()["balance"]), (Some("Card withdrawn from successfully."), &json!(40)));
        let other = server.account("Other", 0).await;
        server.post(&format!("{path}/withdraw"), json!({"amount": 10, "creditAccountId": other})).await.expect(200);
        assert_eq!((server.balance(&account).await, server.balance(&other).await), (60.0, 10.0));

        let dry = server.request("POST", "/cards?dryRun=true").json(with(a_card(&account, &holder), json!({"amount": 5}))).send().await;
        assert_eq!(dry.expect(201).data()["balance"], 5);
        server.request("POST", &format!("{path}/fund?dryRun=true")).json(json!({"debitAccountId": account, "amount": 5})).send().await.expect(200);
        server.request("DELETE", &format!("{path}?dryRun=true")).send().await.expect(200);
        assert_eq!((cards().await, server.balance(&account).await), (json!(1), 60.0));
        assert_eq!(server.get(&path).await.data()["balance"], 30);

        let refused_close = refused(server.delete(&format!("/accounts/{account}")).await, 409, "account_in_use");
        assert!(refused_close.text.contains("1 of its cards are not canceled"), "{}", refused_close.text);
        server.delete(&path).await.expect(200);
        assert_eq!(server.balance(&account).await, 90.0);
        server.post("/transfers", json!({"fromAccountId": account, "toAccountId": other, "amount": 90})).await.expect(201);
        server.delete(&format!("/accounts/{account}")).await.expect(200);
        let output = world.command("ledger verify").output().expect("paygen runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn states_and_strangers_are_refused(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (account, holder, card) = issued(&server, 100, json!({"amount": 20})).await;
        let path = format!("/cards/{}", id(&card));
        let naira = json!({"ownerType": "user", "name": "N", "type": "savings", "category": "fiat", "currency": "NGN"});
        let naira = server.post("/accounts", naira).await.expect(201).id();
        let closed = server.account("Closed", 0).await;
        server.delete(&format!("/accounts/{closed}")).await.expect(200);
        let frozen = server.account("Frozen", 10).await;
        server.put(&format!("/accounts/{frozen}"), json!({"canDebit": false})).await.expect(200);
        let absent = "665f1c4f4a4f4a4f4a4f4a4f";

        for (account, holder, status, code) in [
            (naira.as_str(), holder.as_str(), 422, "currency_mismatch"), (&closed, &holder, 422, "account_inactive"),
            (&frozen, &holder, 422, "debit_not_allowed"), (absent, &holder, 404, "account_not_found"),
            (&account, absent, 404, "card_holder_not_found"),
        ] {
            refused(server.post("/cards", a_card(account, holder)).await, status, code);
        }
        for (account, status, code) in
            [(naira.as_str(), 422, "currency_mismatch"), (&closed, 422, "account_inactive"), (absent, 404, "account_not_found")]
        {
            let fund = json!({"debitAccountId": account, "amount": 1});
            refused(server.post(&format!("{path}/fund"), fund).await, status, code);
            let cancel = json!({"status": "canceled", "creditAccountId": account});
            refused(server.put(&path, cancel).await, status, code);
            let withdraw = json!({"creditAccountId": account, "amount": 1});
            refused(server.post(&format!("{path}/withdraw"), withdraw).await, status, code);
        }
        assert_eq!(server.get(&path).await.data()["balance"], 20);

        let output = world.command("clients create --name Other").output().expect("paygen runs");
        let received = String::from_utf8_lossy(&output.stdout).into_owned();
        let key = received.split_whitespace().find(|word| word.starts_with("pgk_")).expect("a key").to_owned();
        let stranger = |method: &str, path: &str, body: Value| {
            let call = server.http.request(method.parse().expect("a method"), format!("{}{path}", server.url));
            call.header("x-api-key", &key).header("content-type", "application/json").body(body.to_string()).send()
        };
        for (method, path, body) in [
            ("PUT", path.clone(), json!({"status": "inactive"})), ("DELETE", path.clone(), json!({})),
            ("POST", format!("{path}/fund"), json!({"debitAccountId": account, "amount": 1})),
            ("POST", format!("{path}/token"), json!({})), ("PUT", format!("{path}/pin"), json!({"pin": "1234"})),
            ("POST", format!("{path}/replace"), json!({"reason": "lost"})), ("POST", "/cards".to_owned(), a_card(&account, &holder)),
        ] {
            let reply = stranger(method, &path, body).await.expect("an answer");
            assert_eq!(reply.status(), 404, "{method} {path}");
        }

        let on_demand = with(a_card(&account, &holder), json!({"fundingMode": "on_demand"}));
        let on_demand = server.post("/cards", on_demand).await.expect(201).data();
        assert_eq!(on_demand["balance"], 80, "it spends what the account has");
        let fund = json!({"debitAccountId": account, "amount": 1});
        refused(server.post(&format!("/cards/{}/fund", id(&on_demand)), fund).await, 422, "funding_mode_mismatch");

        server.delete(&path).await.expect(200);
        for (call, body) in [
            ("fund", json!({"debitAccountId": account, "amount": 1})), ("withdraw", json!({"amount": 1})), ("token", json!({})),
            ("activate", json!({})), ("replace", json!({"reason": "damaged"})), ("pin/unblock", json!({})),
        ] {
            refused(server.post(&format!("{path}/{call}"), body).await, 409, "card_canceled");
        }
        refused(server.put(&format!("{path}/pin"), json!({"pin": "1234"})).await, 409, "card_canceled");
    }

    async fn records_are_embedded_beside_their_ids(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (account, holder, card) = issued(&server, 100, json!({"amount": 20})).await;
        let list = server.get("/cards?populate=cardHolder,debitAccount").await.expect(200).json();
        let row = &list["data"][0];
        assert_eq!((row["cardHolder"]["_id"].as_str(), row["debitAccount"]["_id"].as_str()), (Some(holder.as_str()), Some(account.as_str())));
        assert_eq!((&row["cardHolder"]["name"], &row["debitAccount"]["balance"]), (&json!("Alex Johnson"), &json!(80)));
        assert_eq!(row["cardHolderId"], holder);
        let some = server.get("/cards?populate=cardHolder:name%20person;debitAccount:currency&fields=status").await.expect(200);
        let row = some.data()[0].clone();
        let names = |value: &Value| value.as_object().map(|o| o.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        assert_eq!(names(&row["cardHolder"]), ["_id", "name", "person"]);
        assert_eq!(names(&row["debitAccount"]), ["_id", "currency"]);
        assert_eq!(names(&row), ["_id", "cardHolder", "debitAccount", "status"]);
        for wrong in ["holder", "cardHolder:nmae", "cardHolder;cardHolder"] {
            refused(server.get(&format!("/cards?populate={wrong}")).await, 400, "validation_failed");
        }

        let token = json!({"scopes": ["cards:read", "card-holders:read", "cards:write", "cards:reveal"], "cardHolderId": holder});
        let token = server.post("/auth/tokens", token).await.expect(201).data()["token"].as_str().expect("a token").to_owned();
        let other = card_holder(&server).await;
        let foreign = server.post("/cards", a_card(&account, &other)).await.expect(201).id();
        let bound = |method: &str, path: &str, body: Value| {
            let call = server.http.request(method.parse().expect("a method"), format!("{}{path}", server.url));
            call.bearer_auth(&token).header("content-type", "application/json").body(body.to_string()).send()
        };
        let list: Value = serde_json::from_str(&bound("GET", "/cards?populate=cardHolder", json!({})).await.expect("an answer").text().await.expect("text")).expect("JSON");
        assert_eq!((&list["meta"]["total"], &list["data"][0]["cardHolder"]["name"]), (&json!(1), &json!("Alex Johnson")));
        let own = format!("/cards/{}", id(&card));
        for (method, path, body, status) in [
            ("GET", own.clone(), json!({}), 200), ("GET", format!("/cards/{foreign}"), json!({}), 404),
            ("PUT", own.clone(), json!({"status": "inactive"}), 200), ("PUT", format!("/cards/{foreign}"), json!({"status": "inactive"}), 404),
            ("POST", format!("{own}/token"), json!({}), 201), ("POST", format!("/cards/{foreign}/token"), json!({}), 404),
            ("PUT", format!("{own}/pin"), json!({"pin": "1234"}), 200), ("PUT", format!("/cards/{foreign}/pin"), json!({"pin": "1234"}), 404),
            ("POST", format!("{own}/fund"), json!({"debitAccountId": account, "amount": 1}), 403),
            ("POST", format!("{own}/withdraw"), json!({"amount": 1}), 403), ("POST", format!("{own}/replace"), json!({"reason": "lost"}), 403),
            ("POST", "/cards".to_owned(), a_card(&account, &holder), 403),
            ("PUT", own.clone(), json!({"status": "canceled", "creditAccountId": account}), 403),
            ("GET", "/cards?populate=debitAccount".to_owned(), json!({}), 403),
        ] {
            assert_eq!(bound(method, &path, body).await.expect("an answer").status(), status, "{method} {path}");
        }
    }

    async fn many_fundings_at_once_add_up(backend: Backend) {
        let world = World::new(backend).await;
        let server = Arc::new(world.start().await);
        let (account, _, card) = issued(&server, 100, json!({})).await;
        let path = format!("/cards/{}/fund", id(&card));
        let calls: Vec<_> = (0..160).map(|number| {
            let (server, path, account) = (server.clone(), path.clone(), account.clone());
            tokio::spawn(async move {
                let body = json!({"debitAccountId": account, "amount": 1, "paymentReference": format!("f{number}")});
                server.post(&path, body).await.status
            })
        }).collect();
        let mut statuses = Vec::new();
        for call in calls {
            statuses.push(call.await.expect("the call ran"));
        }
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 100, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 60, "{statuses:?}");
        assert_eq!(server.balance(&account).await, 0.0);
        assert_eq!(server.get(&format!("/cards/{}", id(&card))).await.data()["balance"], 100);
    }

    async fn one_reference_at_once_pays_once(backend: Backend) {
        let world = World::new(backend).await;
        one_reference(vec![world.start().await]).await;
    }
}

/// One payment reference on many concurrent fundings, over all of these servers: one payment.
async fn one_reference(servers: Vec<Server>) {
    let servers = Arc::new(servers);
    let (account, _, card) = issued(&servers[0], 100, json!({})).await;
    let path = format!("/cards/{}/fund", id(&card));
    for round in 0..3 {
        let calls: Vec<_> = (0..12usize)
            .map(|number| {
                let (servers, path, account) = (servers.clone(), path.clone(), account.clone());
                tokio::spawn(async move {
                    let body = json!({"debitAccountId": account, "amount": 1, "paymentReference": format!("r{round}")});
                    servers[number % servers.len()].post(&path, body).await.status
                })
            })
            .collect();
        let mut statuses = Vec::new();
        for call in calls {
            statuses.push(call.await.expect("the call ran"));
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [vec![200], vec![409; 11]].concat());
    }
    assert_eq!(servers[0].balance(&account).await, 97.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_reference_through_two_servers_pays_once() {
    let world = World::new(Backend::Postgres).await;
    one_reference(vec![world.start().await, world.start().await]).await;
}
