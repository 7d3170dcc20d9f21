//! Card programs: their settings, what cards inherit, whose numbers are whose, and limits that cards share.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::authorizations::{assert_members, cafe, pay, text};
use crate::cards::{a_card, card_holder as a_holder};
use crate::on_both_stores;
use crate::tenants::another_client;
use crate::world::{Backend, Reply, Server, World};

async fn program(server: &Server, settings: Value) -> String {
    server.post("/programs", settings).await.expect(201).id()
}

/// Issues a card with 100 on an account with 1000; the body has further fields.
async fn issue(server: &Server, more: Value) -> Reply {
    let (account, holder) = (server.account("Funds", 1000).await, a_holder(server).await);
    let mut body = a_card(&account, &holder);
    body["amount"] = json!(100);
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let body = body.as_object().expect("an object").iter().filter(|(_, value)| !value.is_null());
    let body: serde_json::Map<String, Value> = body.map(|(name, value)| (name.clone(), value.clone())).collect();
    server.post("/cards", Value::Object(body)).await
}

async fn issued(server: &Server, more: Value) -> String {
    issue(server, more).await.expect(201).id()
}

#[track_caller]
fn refused(reply: Reply, status: u16, code: &str, pointers: &[&str]) {
    let reply = reply.expect(status);
    assert_eq!((reply.code().as_str(), reply.pointers()), (code, pointers.iter().map(|at| (*at).to_owned()).collect()));
}

/// The checks of a card's payment that come from a level.
async fn failed(server: &Server, authorization: &Value) -> Value {
    let path = format!("/authorizations/{}/decision", text(authorization, "_id"));
    let decision = server.get(&path).await.expect(200).data();
    let checks = decision["checks"].as_array().expect("checks").iter();
    let mut failed = checks.filter(|check| check["outcome"] == "fail");
    failed.next().cloned().unwrap_or(Value::Null)
}

on_both_stores! {
    async fn a_client_begins_with_a_program_made_of_the_settings(backend: Backend) {
        let world = World::new(backend).await;
        let terms = "[program]\nrisk_threshold = 80\npin_tries = 4\n\n[[program.fees]]\ncurrency = \"USD\"\nfixed = \"0.25\"\n\
            percent = \"1.5\"\n";
        std::fs::write(world.dir.path().join("paygen.toml"), terms).expect("the settings");
        let server = world.start().await;
        let all = server.get("/programs").await.expect(200).data();
        let first = &all[0];
        assert_eq!(all.as_array().map(Vec::len), Some(1));
        assert_members(first, json!({
            "status": "active", "isDefault": true, "brand": null, "currency": null, "fundingMode": null,
            "numberRanges": [
                {"brand": "Visa", "prefix": "400555", "length": 16}, {"brand": "Mastercard", "prefix": "555544", "length": 16},
            ],
            "riskThreshold": 80, "pinTries": 4, "validityMonths": 48, "version": 1,
            "fees": [{
                "currency": "USD", "types": [], "international": null, "fixed": 0.25, "percent": 1.5, "vatPercent": 0,
            }],
        }));
        let card = issued(&server, json!({})).await;
        let card = server.get(&format!("/cards/{card}")).await.expect(200).data();
        assert_eq!(card["programId"], first["_id"]);
        // The settings are only the beginning: the program is changed by calls.
        let path = format!("/programs/{}", text(first, "_id"));
        server.put(&path, json!({"riskThreshold": 70, "fees": []})).await.expect(200);
        drop(server);
        let server = world.start().await;
        let kept = server.get(&path).await.expect(200).data();
        assert_members(&kept, json!({"riskThreshold": 70, "fees": [], "version": 2}));
        let paid = pay(&server, text(&card, "_id"), json!(10), json!({"riskScore": 75})).await;
        assert_members(&paid, json!({"status": "declined", "reason": "suspected_fraud"}));
    }

    async fn a_program_is_created_changed_and_archived(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let body = json!({
            "name": "Fleet", "brand": "Visa", "currency": "USD", "fundingMode": "on_demand",
            "numberRanges": [{"brand": "Visa", "prefix": "40066612"}], "validityMonths": 24, "pinTries": 2, "codeTries": 5,
            "riskThreshold": 60, "refundFees": true,
            "fees": [{"currency": "USD", "types": ["purchase"], "fixed": "0.10", "percent": 1, "vatPercent": 20}],
            "rates": [{"from": "EUR", "to": "USD", "rate": "1.0837"}], "holds": [{"categories": ["fuel"], "days": 2}],
            "spendingControls": {"allowedCategories": ["fuel"], "spendingLimits": [{"amount": 50, "interval": "daily"}]},
            "spendingLimits": [{"amount": 5000, "interval": "monthly", "timeZone": "Africa/Lagos"}],
        });
        let made = server.post("/programs", body).await.expect(201);
        assert_eq!(made.header("etag"), Some("\"1\""));
        let made = made.data();
        let path = format!("/programs/{}", text(&made, "_id"));
        assert_members(&made["spendingLimits"][0], json!({"amount": 5000, "currency": "USD", "timeZone": "Africa/Lagos"}));
        assert_eq!(server.put(&path, made.clone()).await.expect(200).data(), made, "what was read can be sent back");

        let number = issue(&server, json!({"programId": made["_id"], "amount": null})).await.expect(201).data();
        assert_members(&number, json!({"programId": made["_id"], "fundingMode": "on_demand", "currency": "USD"}));
        assert!(text(&number, "maskedPan").starts_with("400666"));
        let months = number["expiryYear"].as_i64().expect("a year") * 12 + number["expiryMonth"].as_i64().expect("a month");
        let issued: i64 = text(&number, "createdAt")[..4].parse::<i64>().expect("a year") * 12
            + text(&number, "createdAt")[5..7].parse::<i64>().expect("a month");
        assert_eq!(months - issued, 24);
        let in_eur = json!({"currency": "EUR", "channel": "pos", "merchant": {"category": "5541", "country": "US"}});
        let paid = pay(&server, text(&number, "_id"), json!(10), in_eur).await;
        assert_members(&paid, json!({"status": "approved", "amount": 10.84, "fee": 0.21}));

        let filter = format!("/cards?filter={{\"programId\":{}}}", made["_id"]);
        assert_eq!(server.get(&filter).await.expect(200).data().as_array().map(Vec::len), Some(1));
        let stale = server.request("PUT", &path).header("If-Match", "\"7\"").json(json!({"name": "X"})).send().await;
        refused(stale, 412, "version_mismatch", &[]);
        let archived = server.delete(&path).await.expect(200).data();
        assert_members(&archived, json!({"status": "archived", "version": 2}));
        refused(issue(&server, json!({"programId": made["_id"], "amount": null})).await, 409, "program_archived", &["/programId"]);
        let paid = pay(&server, text(&number, "_id"), json!(1), json!({"merchant": {"category": "5541"}})).await;
        assert_eq!(paid["status"], "approved", "its cards go on working");
        let replaced = format!("/cards/{}/replace", text(&number, "_id"));
        server.post(&replaced, json!({"reason": "lost"})).await.expect(201);
        assert_eq!(server.put(&path, json!({"status": "active"})).await.expect(200).data()["status"], "active");
        let first = text(&server.get("/programs?sort=createdAt").await.expect(200).data()[0], "_id").to_owned();
        refused(server.delete(&format!("/programs/{first}")).await, 409, "default_program", &[]);
    }

    async fn every_fault_of_a_program_is_named(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let body = json!({
            "name": " ", "brand": "Amex", "numberRanges": [
                {"brand": "Visa", "prefix": "555512"}, {"brand": "Visa", "prefix": "40055x"},
                {"brand": "Visa", "prefix": "400777", "length": 12},
            ],
            "fees": [{"currency": "USD", "fixed": 0.001}, {"currency": "USD", "percent": 101}],
            "rates": [{"from": "EURO", "to": "USD", "rate": 1}, {"from": "EUR", "to": "USD", "rate": 0}],
            "holds": [{"days": 91}], "pinTries": 0, "validityMonths": 1.5, "limits": [],
            "spendingLimits": [{"interval": "daily"}],
        });
        let reply = server.post("/programs", body).await.expect(400);
        assert_eq!(reply.code(), "validation_failed");
        for pointer in ["/name", "/brand", "/numberRanges/2/length", "/holds/0/days", "/pinTries", "/validityMonths", "/limits"] {
            assert!(reply.pointers().contains(&pointer.to_owned()), "{pointer}: {:?}", reply.pointers());
        }
        let body = json!({
            "name": "P", "numberRanges": [
                {"brand": "Visa", "prefix": "555512"}, {"brand": "Visa", "prefix": "40055x"},
                {"brand": "Visa", "prefix": "400777"}, {"brand": "Visa", "prefix": "4007771"},
            ],
            "fees": [{"currency": "USD", "fixed": 0.001}, {"currency": "USD", "percent": 101}],
            "rates": [{"from": "EUX", "to": "USD", "rate": 1}, {"from": "EUR", "to": "USD", "rate": 0}],
            "spendingLimits": [{"interval": "daily"}],
        });
        let pointers = ["/numberRanges/0/prefix", "/numberRanges/1/prefix", "/numberRanges/3", "/fees/0/fixed",
            "/fees/1/percent", "/rates/0/from", "/rates/1/rate", "/spendingLimits/0/amount"];
        refused(server.post("/programs", body).await, 400, "validation_failed", &pointers);
        for (settings, pointer) in [
            (json!({"brand": "Mastercard", "numberRanges": [{"brand": "Visa", "prefix": "40066601"}]}), "/numberRanges"),
            (json!({"currency": "NGN", "spendingLimits": [{"amount": 1, "interval": "daily", "currency": "USD"}]}), "/spendingLimits"),
            (json!({"currency": "NGN", "fees": [{"currency": "USD", "percent": 1}]}), "/fees"),
        ] {
            let mut body = json!({"name": "P"});
            body.as_object_mut().expect("an object").extend(settings.as_object().expect("an object").clone());
            refused(server.post("/programs", body).await, 400, "program_invalid", &[pointer]);
        }
        assert_eq!(server.get("/programs").await.expect(200).data().as_array().map(Vec::len), Some(1), "nothing was stored");
        let unknown = "0123456789abcdef01234567";
        refused(server.get(&format!("/programs/{unknown}")).await, 404, "program_not_found", &[]);
        refused(issue(&server, json!({"programId": unknown})).await, 404, "program_not_found", &["/programId"]);
    }

    async fn numbers_of_a_range_belong_to_one_program(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let range = |prefix: &str| json!({"name": "P", "numberRanges": [{"brand": "Visa", "prefix": prefix}]});
        let one = program(&server, range("4006660")).await;
        for taken in ["4006660", "400666", "40066605"] {
            refused(server.post("/programs", range(taken)).await, 409, "number_range_taken", &["/numberRanges/0"]);
        }
        // The settings' ranges are shared as they are, and in no other form.
        program(&server, range("400555")).await;
        refused(server.post("/programs", range("4005551")).await, 409, "number_range_taken", &["/numberRanges/0"]);
        // Another client's program is in the way just the same.
        let keys = [server.key.clone(), another_client(&world)];
        server.key.clone_from(&keys[1]);
        refused(server.post("/programs", range("40066601")).await, 409, "number_range_taken", &["/numberRanges/0"]);
        program(&server, range("4006661")).await;
        server.key.clone_from(&keys[0]);
        let path = format!("/programs/{one}");
        let both = json!({"numberRanges": [
            {"brand": "Visa", "prefix": "4006660"}, {"brand": "Visa", "prefix": "4006661"},
        ]});
        refused(server.put(&path, both).await, 409, "number_range_taken", &["/numberRanges/1"]);
        // What a program gives up is free.
        let moved = json!({"numberRanges": [{"brand": "Visa", "prefix": "4006669"}]});
        server.put(&path, moved).await.expect(200);
        server.key.clone_from(&keys[1]);
        program(&server, range("4006660")).await;
        // Of many that ask for one range at once, one gets it.
        let server = Arc::new(server);
        let calls = (0..12).map(|_| {
            let server = server.clone();
            tokio::spawn(async move { server.post("/programs", range("4009990")).await.status })
        });
        let mut statuses = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            statuses.push(call.await.expect("the call ran"));
        }
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    }

    async fn a_card_inherits_and_may_only_tighten(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let controls = json!({
            "channels": {"atm": false}, "allowedCategories": ["restaurants", "5541"], "blockedCountries": ["KP"],
            "spendingLimits": [{"amount": 30, "interval": "daily"}],
        });
        let id = program(&server, json!({"name": "Meals", "spendingControls": controls})).await;
        let plain = issued(&server, json!({"programId": id})).await;
        let meal = |category: &str, channel: &str, country: &str| {
            json!({"channel": channel, "merchant": {"category": category, "country": country, "merchantId": "M1"}})
        };
        for (category, channel, country, amount, reason, level) in [
            ("5812", "atm", "US", 1, "channel_not_allowed", "program"),
            ("5411", "pos", "US", 1, "category_not_allowed", "program"),
            ("5812", "pos", "KP", 1, "country_not_allowed", "program"),
            ("5812", "pos", "US", 31, "spending_limit_exceeded", "program"),
        ] {
            let declined = pay(&server, &plain, json!(amount), meal(category, channel, country)).await;
            assert_members(&declined, json!({"status": "declined", "reason": reason}));
            assert_members(&failed(&server, &declined).await, json!({"check": reason, "level": level}));
        }
        assert_eq!(pay(&server, &plain, json!(30), meal("5812", "pos", "US")).await["status"], "approved");
        let limits = server.get(&format!("/cards/{plain}/limits")).await.expect(200).data();
        assert_members(&limits[0], json!({
            "level": "card", "inherited": true, "interval": "daily", "amount": 30, "used": 30, "remaining": 0, "binds": true,
        }));

        let loose = json!({
            "channels": {"atm": true}, "allowedCategories": ["5812", "5411"],
            "spendingLimits": [{"amount": 40, "interval": "daily"}, {"amount": 10, "interval": "weekly"}],
        });
        refused(issue(&server, json!({"programId": id, "spendingControls": loose})).await, 400, "loosens_program",
            &["/spendingControls/channels/atm", "/spendingControls/allowedCategories/1", "/spendingControls/spendingLimits/0/amount"]);
        let tight = json!({"allowedCategories": ["5812"], "spendingLimits": [{"amount": 10, "interval": "daily"}]});
        let tight = issue(&server, json!({"programId": id, "spendingControls": tight})).await.expect(201).data();
        let declined = pay(&server, text(&tight, "_id"), json!(11), meal("5812", "pos", "US")).await;
        assert_members(&failed(&server, &declined).await, json!({"level": "card"}));
        // A card that is sent back after its program was tightened is no mistake.
        server.put(&format!("/programs/{id}"), json!({"spendingControls": {"spendingLimits": [{"amount": 5, "interval": "daily"}]}})).await.expect(200);
        let path = format!("/cards/{}", text(&tight, "_id"));
        assert_eq!(server.put(&path, tight.clone()).await.expect(200).data()["spendingControls"], tight["spendingControls"]);
        let declined = pay(&server, text(&tight, "_id"), json!(6), meal("5812", "pos", "US")).await;
        assert_members(&failed(&server, &declined).await, json!({"level": "program", "threshold": "5.00 USD"}));

        let id = program(&server, json!({"name": "Loose", "canLoosen": true, "spendingControls": controls})).await;
        let card = issued(&server, json!({"programId": id, "spendingControls": loose})).await;
        assert_eq!(pay(&server, &card, json!(10), meal("5411", "atm", "US")).await["status"], "approved", "its own apply");
        let closed = issue(&server, json!({"programId": id})).await.expect(201).data();
        let path = format!("/cards/{}", text(&closed, "_id"));
        server.put(&path, closed.clone()).await.expect(200);
        let sent_back = pay(&server, text(&closed, "_id"), json!(1), meal("5812", "atm", "US")).await;
        assert_members(&sent_back, json!({"reason": "channel_not_allowed"}));
        server.put(&path, json!({"spendingControls": {"channels": {"atm": true}}})).await.expect(200);
        assert_eq!(pay(&server, text(&closed, "_id"), json!(1), meal("5812", "atm", "US")).await["status"], "approved");
        let declined = pay(&server, &card, json!(1), meal("5411", "pos", "KP")).await;
        assert_members(&failed(&server, &declined).await, json!({"check": "country_not_allowed", "level": "program"}));
        let mismatch = program(&server, json!({"name": "Naira", "currency": "NGN"})).await;
        refused(issue(&server, json!({"programId": mismatch, "currency": "USD"})).await, 422, "program_mismatch", &["/currency"]);
    }

    async fn limits_of_four_levels_are_shown_and_hold(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let limit = |amount: i64| json!([{"amount": amount, "interval": "daily"}]);
        let id = program(&server, json!({"name": "P", "spendingLimits": limit(90)})).await;
        let (account, holder) = (server.account("Funds", 1000).await, a_holder(&server).await);
        server.put(&format!("/accounts/{account}"), json!({"spendingLimits": limit(80)})).await.expect(200);
        server.put(&format!("/card-holders/{holder}"), json!({"spendingLimits": limit(70)})).await.expect(200);
        let mut body = a_card(&account, &holder);
        for (name, value) in [("programId", json!(id)), ("amount", json!(500)), ("spendingControls", json!({"spendingLimits": limit(60)}))] {
            body[name] = value;
        }
        let card = server.post("/cards", body).await.expect(201).id();
        let paths = [format!("/cards/{card}"), format!("/card-holders/{holder}"), format!("/accounts/{account}"), format!("/programs/{id}")];
        let more = json!({"channel": "pos", "merchant": cafe()});
        let mut used = 0;
        for (at, level) in ["card", "card_holder", "account", "program"].into_iter().enumerate() {
            let most = 60 + 10 * i64::try_from(at).expect("small");
            let shown = server.get(&format!("/cards/{card}/limits")).await.expect(200).data();
            let binding: Vec<&Value> = shown.as_array().expect("limits").iter().filter(|limit| limit["binds"] == true).collect();
            assert_eq!(binding.len(), 1, "{shown}");
            assert_members(binding[0], json!({"level": level, "amount": most, "used": used, "remaining": most - used}));
            let own = server.get(&format!("{}/limits", paths[at])).await.expect(200).data();
            let own = own.as_array().expect("limits").iter().find(|limit| limit["level"] == level).expect("its limit").clone();
            assert_members(&own, json!({"used": used, "remaining": most - used}));
            let declined = pay(&server, &card, json!(most - used + 1), more.clone()).await;
            assert_members(&declined, json!({"status": "declined", "reason": "spending_limit_exceeded"}));
            let check = failed(&server, &declined).await;
            assert_members(&check, json!({"limit": {"level": level, "interval": "daily"}, "level": level}));
            assert_members(&check, json!({"limitAmount": most, "observedAmount": most + 1}));
            let paid = pay(&server, &card, json!(most - used), more.clone()).await;
            assert_eq!(paid["status"], "approved", "{level}");
            used = most;
            // The next level binds once this one's limit is gone.
            let change = if level == "card" { json!({"spendingControls": null}) } else { json!({"spendingLimits": []}) };
            server.put(&paths[at], change).await.expect(200);
        }
        // A card holder's token sees neither the limits of others' cards, nor in a decision what they have spent.
        server.put(&paths[3], json!({"spendingLimits": limit(90)})).await.expect(200);
        let declined = pay(&server, &card, json!(91), more.clone()).await;
        let token = json!({"scopes": ["cards:read", "authorizations:read"], "cardHolderId": holder, "expiresIn": 600});
        let token = server.post("/auth/tokens", token).await.expect(201).data();
        let bearer = format!("Bearer {}", text(&token, "token"));
        let http = reqwest::Client::new();
        let read = async |path: String| -> Value {
            let call = http.get(format!("{}{path}", server.url)).header("authorization", &bearer);
            let text = call.send().await.expect("an answer").text().await.expect("a body");
            serde_json::from_str::<Value>(&text).expect("JSON")["data"].clone()
        };
        assert_eq!(read(format!("/cards/{card}/limits")).await, json!([]));
        let decision = read(format!("/authorizations/{}/decision", text(&declined, "_id"))).await;
        let checks = decision["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["check"] == "spending_limit_exceeded").expect("the check");
        assert_members(check, json!({"outcome": "fail", "observed": null, "threshold": null, "wouldPassIf": null}));
        assert!(check.get("observedAmount").is_none(), "{check}");
        server.put(&paths[3], json!({"spendingLimits": []})).await.expect(200);
        // What is reversed can be spent again.
        server.put(&paths[3], json!({"spendingLimits": limit(90)})).await.expect(200);
        let paid = pay(&server, &card, json!(90), more.clone()).await;
        assert_eq!(paid["status"], "approved", "a limit that is set again begins to count");
        assert_eq!(pay(&server, &card, json!(1), more.clone()).await["status"], "declined");
        server.post(&format!("/simulator/authorizations/{}/reverse", text(&paid, "_id")), json!({"amount": 40})).await.expect(200);
        assert_eq!(pay(&server, &card, json!(41), more.clone()).await["status"], "declined");
        assert_eq!(pay(&server, &card, json!(40), more).await["status"], "approved");
    }

    async fn the_impact_of_a_change_is_shown_before_it_is_made(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let id = program(&server, json!({"name": "P", "spendingLimits": [{"amount": 1000, "interval": "daily"}]})).await;
        let (card, other) = (issued(&server, json!({"programId": id})).await, issued(&server, json!({})).await);
        let mut paid = Vec::new();
        for (amount, score, category) in [(10, 50, "5812"), (20, 75, "5812"), (30, 10, "5411"), (40, 99, "5812")] {
            let more = json!({"riskScore": score, "channel": "pos", "merchant": {"category": category, "country": "US"}});
            paid.push(text(&pay(&server, &card, json!(amount), more.clone()).await, "_id").to_owned());
            pay(&server, &other, json!(amount), more).await;
        }
        let impact = async |proposed: Value, more: &str| {
            let proposed = proposed.to_string().replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
            server.get(&format!("/programs/{id}/impact?proposed={proposed}{more}")).await
        };
        let found = impact(json!({"riskThreshold": 70}), "&days=1").await.expect(200).data();
        assert_members(&found["cards"], json!({"examined": 1, "affected": 1, "cardIds": [card], "truncated": false}));
        assert_members(&found["decisions"], json!({"examined": 4, "changed": 1, "approvedToDeclined": 1, "declinedToApproved": 0}));
        assert_members(&found["decisions"]["decisions"][0], json!({
            "authorizationId": paid[1], "cardId": card, "before": {"outcome": "approved", "reason": null, "approvedAmount": 20, "fee": 0},
            "after": {"outcome": "declined", "reason": "suspected_fraud", "approvedAmount": 0, "fee": 0},
        }));
        assert_members(&found["proposed"], json!({"riskThreshold": 70, "version": 1}));
        let found = impact(json!({"riskThreshold": 100, "spendingControls": {"blockedCategories": ["5411"]}}), "").await.expect(200).data();
        assert_members(&found["decisions"], json!({"changed": 2, "approvedToDeclined": 1, "declinedToApproved": 1}));
        // Limits count in the order of the payments: 10 and 20 fit into 35, 30 does not.
        let limits = json!([{"amount": 35, "interval": "daily"}]);
        for change in [json!({"spendingLimits": limits}), json!({"spendingControls": {"spendingLimits": limits}})] {
            let found = impact(change, "").await.expect(200).data();
            // The last one is declined for another reason now, which is checked earlier.
            assert_members(&found["decisions"], json!({"changed": 2, "approvedToDeclined": 1}));
            assert_eq!(found["decisions"]["decisions"][0]["authorizationId"], json!(paid[2]));
        }
        let fees = json!({"fees": [{"currency": "USD", "fixed": 0.5}]});
        let found = impact(fees, "").await.expect(200).data();
        assert_members(&found["decisions"], json!({"changed": 3, "approvedToDeclined": 0}));
        assert_eq!(found["decisions"]["decisions"][0]["after"]["fee"], 0.5);
        let at = |rate: &str| json!({"rates": [{"from": "EUR", "to": "USD", "rate": rate}]});
        server.put(&format!("/programs/{id}"), at("1.10")).await.expect(200);
        pay(&server, &card, json!(10), json!({"currency": "EUR"})).await;
        pay(&server, &card, json!(10), json!({"currency": "EUR", "billingAmount": 12})).await;
        for (change, after) in [
            (at("1.25"), json!({"outcome": "approved", "reason": null, "approvedAmount": 12.5, "fee": 0})),
            (json!({"rates": []}), json!({"outcome": "declined", "reason": "currency_not_supported", "approvedAmount": 0, "fee": 0})),
        ] {
            let found = impact(change, "").await.expect(200).data();
            assert_members(&found["decisions"], json!({"examined": 6, "changed": 1}));
            assert_members(&found["decisions"]["decisions"][0]["before"], json!({"approvedAmount": 11}));
            assert_members(&found["decisions"]["decisions"][0]["after"], after);
        }
        let tighter = json!({"spendingControls": {"channels": {"atm": false}}});
        let found = impact(tighter, "").await.expect(200).data();
        assert_members(&found, json!({"decisions": {"examined": 6, "changed": 0, "approvedToDeclined": 0, "declinedToApproved": 0,
            "decisions": [], "truncated": false}}));
        assert_eq!(found["cards"]["affected"], 1);
        assert_eq!(server.get(&format!("/programs/{id}")).await.expect(200).data()["version"], 2, "nothing is stored");
        refused(impact(json!({"riskThreshold": 101, "x": 1}), "").await, 400, "validation_failed", &["/x", "/riskThreshold"]);
        refused(server.get(&format!("/programs/{id}/impact?days=91")).await, 400, "validation_failed", &["proposed"]);
    }

    async fn of_96_payments_at_once_exactly_the_allowed_pass(backend: Backend) {
        let world = World::new(backend).await;
        let server = Arc::new(world.start().await);
        let id = program(&server, json!({"name": "P", "spendingLimits": [{"amount": 400, "maxCount": 60, "interval": "daily"}]})).await;
        let mut cards = Vec::new();
        for _ in 0..8 {
            cards.push(issued(&server, json!({"programId": id})).await);
        }
        // 96 payments of 10 on cards of eight accounts, of which 40 fit.
        let calls = (0..96_usize).map(|number| {
            let (server, card) = (server.clone(), cards[number % cards.len()].clone());
            tokio::spawn(async move { pay(&server, &card, json!(10), json!({})).await["status"].clone() })
        });
        let mut approved = 0;
        for call in calls.collect::<Vec<_>>() {
            approved += usize::from(call.await.expect("the call ran") == "approved");
        }
        assert_eq!(approved, 40);
        let limits = server.get(&format!("/programs/{id}/limits")).await.expect(200).data();
        assert_members(&limits[0], json!({"used": 400, "remaining": 0, "usedCount": 40, "remainingCount": 20}));
        // What all shards got of a high limit is gone once it is lowered.
        let other = program(&server, json!({"name": "Q", "spendingLimits": [{"amount": 1600, "interval": "daily"}]})).await;
        let mut of_other = Vec::new();
        for _ in 0..8 {
            of_other.push(issued(&server, json!({"programId": other})).await);
        }
        assert_eq!(pay(&server, &of_other[0], json!(99), json!({})).await["status"], "approved");
        let lower = json!({"spendingLimits": [{"amount": 150, "interval": "daily"}]});
        server.put(&format!("/programs/{other}"), lower).await.expect(200);
        let mut approved = 0;
        for card in of_other.iter().cycle().take(24) {
            approved += usize::from(pay(&server, card, json!(9), json!({})).await["status"] == "approved");
        }
        assert_eq!(approved, 5, "99 and 5 times 9 fit into 150");
        // Lowered and raised, it goes on with what was used.
        for (most, fits) in [(390, 0), (450, 5)] {
            let path = format!("/programs/{id}");
            server.put(&path, json!({"spendingLimits": [{"amount": most, "interval": "daily"}]})).await.expect(200);
            let mut approved = 0;
            for card in cards.iter().cycle().take(16) {
                approved += usize::from(pay(&server, card, json!(10), json!({})).await["status"] == "approved");
            }
            assert_eq!(approved, fits, "{most}");
        }
    }
}
