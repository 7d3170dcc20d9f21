//! Invalid input of every kind: a clear error that names every wrong field, and nothing stored.

use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, World};

on_both_stores! {
    async fn every_wrong_field_is_named_at_once(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let name = format!(r#"{{"name":"{}"}}"#, "n".repeat(900_000));
        let valid = r#""ownerType":"user","name":"A","type":"savings","category":"fiat""#;
        let cases: Vec<(String, u16, &str, Vec<&str>)> = vec![
            ("{".into(), 400, "malformed_json", vec![]),
            ("".into(), 400, "validation_failed", vec!["/category", "/currency", "/name", "/ownerType", "/type"]),
            ("[]".into(), 400, "validation_failed", vec![""]),
            ("null".into(), 400, "validation_failed", vec![""]),
            (r#"{"a":1,"a":2}"#.into(), 400, "malformed_json", vec![]),
            ("{}".into(), 400, "validation_failed", vec!["/category", "/currency", "/name", "/ownerType", "/type"]),
            (name, 400, "validation_failed", vec!["/category", "/currency", "/name", "/ownerType", "/type"]),
            (
                r#"{"ownerType":"bank","name":7,"type":"savings","category":"fiat","currency":"USD","balanc":1}"#.into(),
                400,
                "validation_failed",
                vec!["/balanc", "/name", "/ownerType"],
            ),
            (format!(r#"{{{valid},"currency":"XXY"}}"#), 400, "currency_unknown", vec!["/currency"]),
            (format!(r#"{{{valid},"currency":"USD","balance":-5}}"#), 400, "amount_negative", vec!["/balance"]),
            (format!(r#"{{{valid},"currency":"USD","balance":0.001}}"#), 400, "amount_too_precise", vec!["/balance"]),
            (format!(r#"{{{valid},"currency":"USD","balance":"5 USD"}}"#), 400, "validation_failed", vec!["/balance"]),
            (
                format!(r#"{{{valid},"currency":"USD","balance":1234567890123456}}"#),
                400,
                "validation_failed",
                vec!["/balance"],
            ),
            (
                format!(r#"{{{valid},"currency":"BTC","balance":1}}"#),
                400,
                "currency_unknown",
                vec!["/currency"],
            ),
            (format!(r#"{{{valid},"currency":"USD","client":"00000000000000000000abcd"}}"#), 403, "client_mismatch", vec!["/client"]),
            (format!(r#"{{{valid},"currency":"USD","creditLimit":5}}"#), 400, "credit_limit_not_allowed", vec!["/creditLimit"]),
            (format!(r#"{{{valid},"currency":"USD","metadata":[]}}"#), 400, "validation_failed", vec!["/metadata"]),
        ];
        for (body, status, code, pointers) in cases {
            let shown: String = body.chars().take(120).collect();
            let reply = server.request("POST", "/accounts").text(body).send().await;
            assert_eq!((reply.status, reply.code().as_str()), (status, code), "{shown}: {}", reply.text);
            let mut named = reply.pointers();
            named.sort();
            assert_eq!(named, pointers, "{shown}: {}", reply.text);
            assert_eq!(reply.json()["data"], json!(null));
        }
        assert_eq!(server.get("/accounts").await.json()["meta"]["total"], 0);
    }

    async fn unknown_names_get_the_nearest_known_one(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let body = json!({"ownerType": "user", "nmae": "A", "type": "savings", "category": "fiat", "currency": "USD"});
        let reply = server.post("/accounts", body).await.expect(400);
        assert!(reply.text.contains("name"), "{}", reply.text);
        let reply = server.get("/accounts?limt=5").await.expect(400);
        assert!(reply.text.contains("limit"), "{}", reply.text);
        let reply = server.get("/accounts?filter=status=active&balance.gte=100").await.expect(400);
        assert!(reply.text.contains("%26"), "{}", reply.text);
    }

    async fn another_clients_objects_are_absent(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let mine = server.account("Mine", 10).await;
        let transfer_target = server.account("Target", 0).await;
        let body = json!({"fromAccountId": mine, "toAccountId": transfer_target, "amount": 1});
        let transfer = server.post("/transfers", body).await.expect(201).id();
        // Beside the running server: on SQLite through its admin socket.
        let made = world.command("clients create --name Other").output().expect("paygen clients create runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let printed = String::from_utf8_lossy(&made.stdout).into_owned();
        let key = printed.split_whitespace().find(|word| word.starts_with("pgk_")).expect("the first key, once");
        let master = std::mem::replace(&mut server.key, key.to_owned());
        let paths = [
            format!("/accounts/{mine}"),
            format!("/accounts/{mine}/balance"),
            format!("/accounts/{mine}/entries"),
            format!("/accounts/{mine}/details"),
            format!("/transfers/{transfer}"),
        ];
        for path in paths {
            server.get(&path).await.expect(404);
        }
        server.put(&format!("/accounts/{mine}"), json!({"name": "Stolen"})).await.expect(404);
        server.delete(&format!("/accounts/{mine}")).await.expect(404);
        server.post(&format!("/transfers/{transfer}/reverse"), json!({})).await.expect(404);
        let own = server.account("Own", 0).await;
        let body = json!({"fromAccountId": mine, "toAccountId": own, "amount": 1});
        assert_eq!(server.post("/transfers", body).await.expect(404).code(), "account_not_found");
        assert_eq!(server.get("/accounts").await.json()["meta"]["total"], 1);
        assert!(!server.get("/events?limit=200").await.text.contains(&mine));
        assert!(!server.get("/audit-log?limit=200").await.text.contains(&mine));
        let client = server.get(&format!("/accounts/{own}")).await.data()["client"].as_str().expect("a client").to_owned();
        let disabled = world.command(&format!("clients disable {client}")).output().expect("paygen clients disable runs");
        assert!(disabled.status.success(), "{}", String::from_utf8_lossy(&disabled.stderr));
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while server.get("/accounts").await.status != 401 {
            assert!(std::time::Instant::now() < deadline, "a disabled client's key works for five seconds at the most");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        server.key = master;
        server.get("/accounts").await.expect(200);
    }
}
