//! Approvals: who asks, who approves, and that a call is made once, whatever happens in between.

use serde_json::{Value, json};

use crate::on_both_stores;
use crate::person::Person;
use crate::world::{Backend, Reply, Server, World};

/// A server whose policy asks others about transfers above 100, adjustments and new keys; two accounts.
async fn begin(world: &World) -> (Server, Person, String, String) {
    let server = world.start().await;
    let owner = Person::owner(&server).await;
    let (from, to) = (server.account("From", 1_000).await, server.account("To", 0).await);
    let rules = json!({"rules": [
        {"action": "transfer.create", "above": "100"},
        {"action": "account.adjust", "needed": 2},
        {"action": "api_key.create"},
    ]});
    let set = server.put("/approval-policy", rules).await;
    assert_eq!((set.status, set.data()["version"].as_i64()), (200, Some(1)), "{}", set.text);
    (server, owner, from, to)
}

async fn transfer(server: &Server, from: &str, to: &str, amount: &str) -> Reply {
    server.post("/transfers", json!({"fromAccountId": from, "toAccountId": to, "amount": amount})).await
}

async fn approve(person: &mut Person, id: &str) -> crate::person::Page {
    person.submit(&format!("/console/approvals/{id}/approve"), &[("note", "Checked.")]).await
}

async fn status(server: &Server, id: &str) -> Value {
    server.get(&format!("/approvals/{id}")).await.data()["status"].clone()
}

on_both_stores! {
    async fn a_call_waits_for_another_person_and_is_made_once(backend: Backend) {
        let world = World::new(backend).await;
        let (server, mut owner, from, to) = begin(&world).await;
        assert_eq!(transfer(&server, &from, &to, "100").await.status, 201, "not above the bound");
        let asked = transfer(&server, &from, &to, "250").await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let (id, data) = (asked.id(), asked.data());
        assert_eq!((&data["action"], &data["status"], &data["needed"]), (&json!("transfer.create"), &json!("pending"), &json!(1)));
        assert_eq!(server.balance(&to).await, 100.0, "nothing is done yet");
        // What the rules refuse is refused at once; a dry run asks nobody.
        assert_eq!(transfer(&server, &from, &to, "5000").await.status, 422);
        let dry = server.post("/transfers?dryRun=true", json!({"fromAccountId": from, "toAccountId": to, "amount": "250"})).await;
        assert_eq!(dry.status, 201, "{}", dry.text);

        // An API key approves nothing.
        let by_key = server.post(&format!("/approvals/{id}/approve"), json!({})).await;
        assert_eq!((by_key.status, by_key.json()["error"]["code"].as_str()), (403, Some("approver_not_person")), "{}", by_key.text);

        let page = approve(&mut owner, &id).await;
        page.says("Executed");
        assert_eq!(server.balance(&to).await, 350.0);
        assert_eq!(server.get(&format!("/approvals/{id}")).await.data()["resultStatus"], 201);
        let again = server.post(&format!("/approvals/{id}/reject"), json!({"note": "late"})).await;
        assert_eq!(again.status, 409, "{}", again.text);
        let log = server.get("/audit-log?filter=action%3Dtransfer.create&limit=1").await;
        assert_eq!(log.json()["data"][0]["actor"]["type"], "api_key", "it is the requester's: {}", log.text);
    }

    async fn nobody_approves_what_they_asked_for(backend: Backend) {
        let world = World::new(backend).await;
        let (server, mut owner, from, to) = begin(&world).await;
        let fields = [("fromAccountId", from.as_str()), ("toAccountId", &to), ("amount", "300")];
        let asked = owner.submit("/console/transfers/new", &fields).await;
        asked.says("Others have to approve this.");
        let id = asked.id();
        let own = owner.submit(&format!("/console/approvals/{id}/approve"), &[]).await;
        assert_eq!(own.status, 403);
        own.says("You asked for this yourself");

        // Nor with a key that they made: the new key needs another person first.
        let base = owner.base.clone();
        let mut other = Person::with_role(&server, &base, "admin").await;
        let wanted = owner.submit("/console/api-keys/new", &[("name", "Mine"), ("scopes", "accounts:write"), ("scopes", "accounts:read")]).await;
        let wanted = wanted.id();
        approve(&mut other, &wanted).await.says("Approved");
        assert_eq!(status(&server, &wanted).await, "approved", "its requester makes the call, because of the secret");
        let shown = owner.submit(&format!("/console/approvals/{wanted}/run"), &[]).await;
        shown.says("This is shown once.");
        assert_eq!(status(&server, &wanted).await, "executed");
        let at = shown.text.find("pgk_test_").expect("a key");
        let key: String = shown.text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let by_key = server.with_key(&key).post("/transfers", json!({"fromAccountId": from, "toAccountId": to, "amount": "400"})).await;
        assert_eq!(by_key.status, 202, "{}", by_key.text);
        let through_key = owner.submit(&format!("/console/approvals/{}/approve", by_key.id()), &[]).await;
        assert_eq!(through_key.status, 403);

        // The other one may, for both; support has not the scope of the action.
        let mut support = Person::with_role(&server, &base, "operations").await;
        assert_eq!(support.submit(&format!("/console/approvals/{id}/approve"), &[]).await.status, 403);
        approve(&mut other, &id).await.says("Executed");
        approve(&mut other, &by_key.id()).await.says("Executed");
        assert_eq!(server.balance(&to).await, 700.0);
        let canceled = owner.submit(&format!("/console/approvals/{id}/cancel"), &[]).await;
        assert_eq!(canceled.status, 409, "it is over");
    }

    async fn two_people_where_the_policy_asks_two_and_a_target_that_changed(backend: Backend) {
        let world = World::new(backend).await;
        let (server, mut owner, from, _) = begin(&world).await;
        let base = owner.base.clone();
        let mut admin = Person::with_role(&server, &base, "owner").await;
        let version = server.get(&format!("/accounts/{from}")).await.data()["version"].as_i64().expect("a version");
        let adjust = |to: &str| server.request("PUT", &format!("/accounts/{from}")).header("if-match", &format!("\"{version}\""))
            .json(json!({"balance": to})).send();
        let asked = adjust("1200").await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let id = asked.id();
        approve(&mut owner, &id).await.says("Pending");
        assert_eq!(owner.submit(&format!("/console/approvals/{id}/approve"), &[]).await.status, 409, "not twice");
        // The account changes before the second approval: the call is refused, nothing is done.
        server.put(&format!("/accounts/{from}"), json!({"name": "Renamed"})).await;
        approve(&mut admin, &id).await.says("Failed");
        assert_eq!(server.balance(&from).await, 1_000.0);
        assert_eq!(server.get(&format!("/approvals/{id}")).await.data()["resultStatus"], 412);

        let changed = server.get(&format!("/accounts/{from}")).await.data()["version"].as_i64().expect("a version");
        let asked = server.request("PUT", &format!("/accounts/{from}")).header("if-match", &format!("\"{changed}\""))
            .json(json!({"balance": "1200"})).send().await;
        let id = asked.id();
        approve(&mut owner, &id).await.says("1200");
        approve(&mut admin, &id).await.says("Executed");
        assert_eq!(server.balance(&from).await, 1_200.0);
    }

    async fn approvers_at_the_same_time_have_one_effect(backend: Backend) {
        let world = World::new(backend).await;
        let (server, owner, from, to) = begin(&world).await;
        let mut people = vec![owner];
        let base = people[0].base.clone();
        for role in ["owner", "admin", "finance"] {
            people.push(Person::with_role(&server, &base, role).await);
        }
        for round in 1..=3 {
            let id = transfer(&server, &from, &to, "150").await.id();
            let mut pages = Vec::new();
            for person in &mut people {
                let csrf = person.get("/console/profile").await.value("csrf");
                pages.push((person, csrf));
            }
            let path = format!("/console/approvals/{id}/approve");
            let sent = pages.iter_mut().map(|(person, csrf)| {
                let form = [("csrf", csrf.as_str()), ("note", "")];
                let path = &path;
                async move { person.send("POST", path, Some(&form)).await.status }
            });
            let statuses = futures_util::future::join_all(sent).await;
            let took = statuses.iter().filter(|status| **status == 303).count();
            assert_eq!(took, 1, "{statuses:?}");
            assert_eq!(server.balance(&to).await, f64::from(round) * 150.0);
            assert_eq!(status(&server, &id).await, "executed");
        }
    }

    async fn a_kill_between_approval_and_call_loses_and_repeats_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let (server, mut owner, from, to) = begin(&world).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(transfer(&server, &from, &to, "110").await.id());
        }
        let base = owner.base.clone();
        let csrf = owner.get("/console/profile").await.value("csrf");
        for id in &ids {
            // The answer is not waited for: the server dies somewhere between the decision and the record of the call.
            let form = [("csrf", csrf.as_str()), ("note", "")];
            let path = format!("/console/approvals/{id}/approve");
            let sending = owner.send("POST", &path, Some(&form));
            let _ = tokio::time::timeout(std::time::Duration::from_millis(15), sending).await;
        }
        server.kill();
        drop(server);
        let server = world.start().await;
        assert_ne!(base, "", "it was served");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let mut executed = 0;
            let mut open = 0;
            for id in &ids {
                match status(&server, id).await.as_str() {
                    Some("executed") => executed += 1,
                    Some("approved") => open += 1,
                    other => assert_eq!(other, Some("pending"), "{id}"),
                }
            }
            if open == 0 {
                assert_eq!(server.balance(&to).await, f64::from(executed) * 110.0, "each once");
                break;
            }
            assert!(std::time::Instant::now() < deadline, "an approved call is not made");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    async fn what_moves_money_in_another_way_asks_too(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let account = server.account("Funds", 1_000).await;
        let holder = crate::cards::card_holder(&server).await;
        let card = |amount: Option<i64>| {
            let mut card = crate::cards::a_card(&account, &holder);
            card.as_object_mut().expect("an object").remove("amount");
            if let Some(amount) = amount {
                card["amount"] = json!(amount);
            }
            card
        };
        let other = server.account("Other", 0).await;
        let rules = ["card.fund", "account.adjust", "limits.change", "account.close"].map(|action| json!({"action": action}));
        server.put("/approval-policy", json!({ "rules": rules })).await.expect(200);
        let issued = server.post("/cards", card(None)).await.expect(201).id();
        server.post("/cards", card(Some(5))).await.expect(202);
        let open = |more: Value| {
            let mut body = json!({"ownerType": "business", "name": "A", "type": "credit", "category": "fiat", "currency": "USD"});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            server.post("/accounts", body)
        };
        open(json!({})).await.expect(201);
        open(json!({"balance": 5})).await.expect(202);
        open(json!({"creditLimit": 5})).await.expect(202);
        let close = server.put(&format!("/accounts/{other}"), json!({"status": "closed"})).await.expect(202);
        assert_eq!(close.data()["action"], "account.close");
        let away = json!({"status": "canceled", "creditAccountId": other});
        let away = server.put(&format!("/cards/{issued}"), away).await.expect(202);
        assert_eq!(away.data()["action"], "card.fund");
        server.delete(&format!("/cards/{issued}")).await.expect(200);
    }

    async fn a_key_made_with_a_key_is_its_makers_too(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let mut owner = Person::owner(&server).await;
        let (from, to) = (server.account("From", 1_000).await, server.account("To", 0).await);
        server.put("/approval-policy", json!({"rules": [{"action": "transfer.create"}]})).await.expect(200);
        let fields = [("name", "First"), ("scopes", "keys:write"), ("scopes", "accounts:write"), ("scopes", "accounts:read")];
        let page = owner.submit("/console/api-keys/new", &fields).await;
        let at = page.text.find("pgk_test_").expect("a key");
        let mut key: String = page.text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        for name in ["Second", "Third"] {
            let body = json!({"name": name, "scopes": ["keys:write", "accounts:write", "accounts:read"]});
            let made = server.with_key(&key).post("/api-keys", body).await.expect(201);
            key = made.data()["key"].as_str().expect("a key").to_owned();
        }
        let body = json!({"fromAccountId": from, "toAccountId": to, "amount": "10"});
        let id = server.with_key(&key).post("/transfers", body).await.expect(202).id();
        let own = owner.submit(&format!("/console/approvals/{id}/approve"), &[]).await;
        assert_eq!(own.status, 403);
        let base = owner.base.clone();
        let mut other = Person::with_role(&server, &base, "admin").await;
        approve(&mut other, &id).await.says("Executed");
        assert_eq!(server.balance(&to).await, 10.0);
    }

    async fn a_call_that_was_made_is_only_answered_again(backend: Backend) {
        let world = World::new(backend).await;
        let (server, mut owner, from, to) = begin(&world).await;
        let id = transfer(&server, &from, &to, "250").await.id();
        approve(&mut owner, &id).await.says("Executed");
        let body = json!({"fromAccountId": from, "toAccountId": to, "amount": "250"});
        let again = server.request("POST", "/transfers").header("approval-id", &id).json(body).send().await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")), "{}", again.text);
        assert_eq!(server.balance(&to).await, 250.0);

        // A dry run with the approval's id is a dry run.
        let wanted = server.post("/api-keys", json!({"name": "New", "scopes": ["cards:read"]})).await.expect(202).id();
        approve(&mut owner, &wanted).await.says("Approved");
        let make = |query: &str| server.request("POST", &format!("/api-keys{query}")).header("approval-id", &wanted)
            .json(json!({"name": "New", "scopes": ["cards:read"]})).send();
        make("?dryRun=true").await.expect(201);
        assert_eq!(status(&server, &wanted).await, "approved");
        assert!(make("").await.expect(201).text.contains("pgk_test_"));
        assert_eq!(status(&server, &wanted).await, "executed");
    }

    async fn money_that_moves_meanwhile_refuses_a_new_balance(backend: Backend) {
        let world = World::new(backend).await;
        let (server, mut owner, from, to) = begin(&world).await;
        let base = owner.base.clone();
        let mut admin = Person::with_role(&server, &base, "owner").await;
        let version = server.get(&format!("/accounts/{from}")).await.data()["version"].as_i64().expect("a version");
        let asked = server.request("PUT", &format!("/accounts/{from}")).header("if-match", &format!("\"{version}\""))
            .json(json!({"balance": "1200"})).send().await.expect(202).id();
        transfer(&server, &from, &to, "100").await.expect(201);
        approve(&mut owner, &asked).await.says("Pending");
        approve(&mut admin, &asked).await.says("Failed");
        assert_eq!(server.balance(&from).await, 900.0, "what was looked at is no more");
    }

    async fn what_is_wrong_with_a_policy_or_an_approval_is_named(backend: Backend) {
        let world = World::new(backend).await;
        let (server, _, from, to) = begin(&world).await;
        let wrong = server.put("/approval-policy", json!({"rules": [{"action": "fly"}, {"needed": 0}]})).await;
        assert_eq!(wrong.status, 400);
        let named: Vec<String> = wrong.json()["error"]["fields"].as_array().expect("fields").iter()
            .map(|field| field["pointer"].as_str().unwrap_or_default().to_owned()).collect();
        for pointer in ["/rules/0/action", "/rules/1/action", "/rules/1/needed"]  {
            assert!(named.iter().any(|known| known == pointer), "{pointer}: {named:?}");
        }
        let negative = server.put("/approval-policy", json!({"rules": [{"action": "account.close", "above": -1}]})).await;
        assert_eq!(negative.json()["error"]["fields"][0]["pointer"], "/rules/0/above", "{}", negative.text);
        assert_eq!(server.get("/approval-policy").await.data()["rules"].as_array().map(Vec::len), Some(3), "nothing is stored");
        assert_eq!(server.get("/approvals/665f1c4f4a4f4a4f4a4f4a4f").await.status, 404);
        let id = transfer(&server, &from, &to, "200").await.id();
        // With the approval's id the same call is not made before it was approved, nor another one after.
        let body = json!({"fromAccountId": from, "toAccountId": to, "amount": "200"});
        let early = server.request("POST", "/transfers").header("approval-id", &id).json(body).send().await;
        assert_eq!((early.status, early.json()["error"]["code"].as_str()), (409, Some("approval_not_pending")), "{}", early.text);
        let other = json!({"fromAccountId": from, "toAccountId": to, "amount": "201"});
        let other = server.request("POST", "/transfers").header("approval-id", &id).json(other).send().await;
        assert_eq!((other.status, other.json()["error"]["code"].as_str()), (409, Some("approval_mismatch")), "{}", other.text);
        let odd = server.request("POST", "/transfers").header("approval-id", "x").json(json!({})).send().await;
        assert_eq!(odd.status, 400);
        let canceled = server.post(&format!("/approvals/{id}/cancel"), json!({})).await;
        assert_eq!((canceled.status, canceled.data()["status"].as_str()), (200, Some("canceled")), "{}", canceled.text);
        // A repeat with the same key is answered as the first was, and asks nobody again.
        let keyed = |amount: &str| server.request("POST", "/transfers").header("idempotency-key", "one")
            .json(json!({"fromAccountId": from, "toAccountId": to, "amount": amount})).send();
        let (first, second) = (keyed("300").await, keyed("300").await);
        assert_eq!((first.status, first.id()), (202, second.id()));
    }
}
