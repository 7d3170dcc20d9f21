//! Accounts: settings, balances, details, entries.

use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, World};

on_both_stores! {
    async fn a_balance_is_only_ever_changed_by_an_entry(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let id = server.account("Opening", 100).await;
        let path = format!("/accounts/{id}");

        let entries = server.get(&format!("{path}/entries")).await.expect(200).data();
        assert_eq!(entries[0]["kind"], "adjustment");
        assert_eq!(entries[0]["amount"], 100);
        assert_eq!(entries[0]["ledgerBalance"], 100);

        assert_eq!(server.put(&path, json!({"balance": 120})).await.expect(400).code(), "if_match_required");
        let same = server.put(&path, json!({"balance": 100})).await.expect(200);
        assert_eq!(same.data()["version"], 1, "an equal balance is ignored");
        let changed = server.request("PUT", &path).header("If-Match", "\"1\"").json(json!({"balance": 80.5})).send().await;
        assert_eq!(changed.expect(200).data()["balance"], 80.5);
        let negative = server.request("PUT", &path).header("If-Match", "\"1\"").json(json!({"balance": -1})).send().await;
        assert_eq!(negative.expect(400).code(), "amount_negative");
        let entries = server.get(&format!("{path}/entries")).await.expect(200).data();
        assert_eq!(entries.as_array().map(Vec::len), Some(2));
    }

    async fn reading_changing_and_writing_back_works(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let id = server.account("Echo", 12).await;
        let path = format!("/accounts/{id}");
        let mut account = server.get(&path).await.data();
        account["name"] = json!("Echoed");
        let updated = server.put(&path, account.clone()).await.expect(200);
        assert_eq!(updated.data()["name"], "Echoed");
        assert_eq!(updated.header("etag"), Some("\"2\""));
        account["heldBalance"] = json!(3);
        let refused = server.put(&path, account).await.expect(400);
        assert_eq!(refused.code(), "read_only_field");
        assert_eq!(refused.pointers(), ["/heldBalance"]);
        let stale = server.request("PUT", &path).header("If-Match", "\"1\"").json(json!({"name": "x"})).send().await;
        assert_eq!(stale.expect(412).code(), "version_mismatch");
    }

    async fn an_account_closes_only_when_nothing_is_left(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (id, other) = (server.account("Full", 10).await, server.account("Other", 0).await);
        let path = format!("/accounts/{id}");
        let refused = server.delete(&path).await.expect(409);
        assert_eq!(refused.code(), "account_in_use");
        assert!(refused.text.contains("10 USD"), "it says what is in the way: {}", refused.text);
        let transfer = json!({"fromAccountId": id, "toAccountId": other, "amount": 10});
        server.post("/transfers", transfer).await.expect(201);
        assert_eq!(server.delete(&path).await.expect(200).data()["status"], "closed");
        let reopened = server.put(&path, json!({"status": "active"})).await.expect(409);
        assert_eq!(reopened.code(), "account_closed");
    }

    async fn details_have_one_primary_of_each_type(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let id = server.account("Details", 0).await;
        let path = format!("/accounts/{id}/details");
        let iban = json!({"type": "bank_account", "details": {"iban": "GB82WEST12345698765432"}, "provider": "acme"});
        let first = server.post(&path, iban).await.expect(201);
        assert_eq!(first.data()["isPrimary"], true);
        let second = server.post(&path, json!({"type": "bank_account", "isPrimary": true})).await.expect(201);
        let reread = server.get(&format!("{path}/{}", first.id())).await.expect(200);
        assert_eq!(reread.data()["isPrimary"], false);
        let list = server.get(&path).await.expect(200).json();
        assert_eq!(list["meta"]["total"], 2);
        let changed = server.put(&format!("{path}/{}", second.id()), json!({"details": {"note": "wire"}})).await;
        assert_eq!(changed.expect(200).data()["details"]["note"], "wire");
        let written_back = server.put(&format!("{path}/{}", first.id()), reread.data()).await.expect(200);
        assert_eq!(written_back.data(), reread.data(), "what was read can be written back");
        let mut stale = reread.data();
        stale["version"] = json!(1);
        let refused = server.put(&format!("{path}/{}", first.id()), stale).await.expect(400);
        assert_eq!((refused.code().as_str(), refused.pointers()), ("read_only_field", vec!["/version".into()]));
        server.get(&format!("{path}/{}?zap=1", first.id())).await.expect(400);
        server.delete(&format!("{path}/{}", second.id())).await.expect(200);
        server.get(&format!("{path}/{}", second.id())).await.expect(404);
        let wrong = json!({"type": "bank_account", "details": {"iban": "GB82WEST12345698765433"}});
        let refused = server.post(&path, wrong).await.expect(400);
        assert_eq!((refused.code().as_str(), refused.pointers()), ("check_digits_invalid", vec!["/details/iban".into()]));
    }

    async fn a_balance_can_be_read_and_explained_at_any_time(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let id = server.account("History", 0).await;
        let path = format!("/accounts/{id}/balance");
        let mut instants = Vec::new();
        for amount in [5, 7, 11] {
            server.post(&format!("/simulator/accounts/{id}/fund"), json!({"amount": amount})).await.expect(200);
            let clock = server.post("/simulator/clock", json!({"advanceSeconds": 3600})).await.expect(200);
            instants.push(clock.data()["now"].as_str().expect("an instant").to_owned());
            // Times are whole milliseconds: a later change needs a later millisecond.
            server.post("/simulator/clock", json!({"advanceSeconds": 1})).await.expect(200);
        }
        for (at, expected) in instants.iter().zip([5, 12, 23]) {
            let received = server.get(&format!("{path}?at={at}&explain=true")).await.expect(200).data();
            assert_eq!((&received["ledger"], &received["available"]), (&json!(expected), &json!(expected)), "at {at}");
            let opening = received["explanation"]["opening"]["ledger"].as_f64().expect("an opening balance");
            let entries = received["explanation"]["entries"].as_array().cloned().unwrap_or_default();
            let sum: f64 = entries.iter().filter_map(|entry| entry["amount"].as_f64()).sum();
            assert_eq!(opening + sum, f64::from(expected), "the explanation adds up at {at}");
        }
        let before = server.get(&format!("{path}?at=2001-01-01")).await.expect(200).data();
        assert_eq!(before["ledger"], 0);
        let future = server.get(&format!("{path}?at=2999-01-01")).await.expect(400);
        assert_eq!(future.pointers(), ["at"]);
    }

    async fn entries_come_as_json_and_csv(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let id = server.account("Entries", 0).await;
        for _ in 0..5 {
            server.post(&format!("/simulator/accounts/{id}/fund"), json!({"amount": 1.25})).await.expect(200);
        }
        let path = format!("/accounts/{id}/entries");
        let list = server.get(&format!("{path}?limit=2&sort=seq")).await.expect(200).json();
        assert_eq!(list["meta"]["total"], 5);
        assert_eq!(list["data"][1]["ledgerBalance"], 2.5);
        let csv = server.request("GET", &path).header("accept", "text/csv").send().await.expect(200);
        assert!(csv.header("content-type").is_some_and(|kind| kind.starts_with("text/csv")));
        let lines: Vec<&str> = csv.text.lines().collect();
        assert_eq!(lines.len(), 6, "a heading and five lines: {}", csv.text);
        assert!(lines[0].starts_with("seq,"), "{}", lines[0]);
        assert!(lines[5].contains("6.25"), "{}", lines[5]);
    }

    async fn a_time_that_was_read_finds_its_row_again(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (from, to) = (server.account("From", 10).await, server.account("To", 0).await);
        let transfer = json!({"fromAccountId": from, "toAccountId": to, "amount": 3});
        let at = server.post("/transfers", transfer).await.expect(201).data()["createdAt"].clone();
        let at = at.as_str().expect("a time");
        let received = server.get(&format!("/accounts/{to}/balance?at={at}")).await.expect(200).data();
        assert_eq!(received["ledger"], 3, "the balance at the time of a transfer includes it");
        let plus = at.replace('Z', "+00:00");
        assert_eq!(server.get(&format!("/accounts/{to}/balance?at={plus}")).await.expect(200).data()["ledger"], 3);
        for operator in ["", ".in", ".gte", ".lte"] {
            let list = server.get(&format!("/transfers?filter=createdAt{operator}={at}")).await.expect(200).json();
            assert_eq!(list["meta"]["total"], 1, "{operator}");
        }
        for operator in [".ne", ".nin", ".gt", ".lt"] {
            let list = server.get(&format!("/transfers?filter=createdAt{operator}={at}")).await.expect(200).json();
            assert_eq!(list["meta"]["total"], 0, "{operator}");
        }
    }

    async fn dry_runs_store_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (from, to) = (server.account("From", 10).await, server.account("To", 0).await);
        let body = json!({
            "ownerType": "user", "name": "Never", "type": "savings", "category": "fiat", "currency": "EUR",
        });
        server.post("/accounts?dryRun=true", body).await.expect(201);
        let transfer = json!({"fromAccountId": from, "toAccountId": to, "amount": 4});
        let dry = server.post("/transfers?dryRun=true", transfer.clone()).await.expect(201);
        assert_eq!(dry.data()["amount"], 4);
        let too_much = json!({"fromAccountId": from, "toAccountId": to, "amount": 11});
        let refused = server.post("/transfers?dryRun=true", too_much).await.expect(422);
        assert_eq!(refused.code(), "insufficient_funds");
        assert_eq!(server.get("/accounts").await.json()["meta"]["total"], 2);
        assert_eq!(server.get("/transfers").await.json()["meta"]["total"], 0);
        assert_eq!(server.balance(&from).await, 10.0);
        let put = server.put(&format!("/accounts/{from}?dryRun=true"), json!({"name": "Other"})).await.expect(200);
        assert_eq!(put.data()["name"], "Other");
        assert_eq!(server.get(&format!("/accounts/{from}")).await.data()["name"], "From");
    }
}
