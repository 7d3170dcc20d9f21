//! The simulator's account funding and test clock, and what is served besides the API.

use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, World};

on_both_stores! {
    async fn the_clock_moves_forward_only(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let before = server.get("/simulator/clock").await.expect(200).data();
        assert_eq!(before["offsetSeconds"], 0);
        let moved = server.post("/simulator/clock", json!({"advanceSeconds": 86_400})).await.expect(200).data();
        assert_eq!(moved["offsetSeconds"], 86_400);
        assert_eq!(moved["stillFailing"], json!([]));
        let id = server.account("Later", 0).await;
        let created = server.get(&format!("/accounts/{id}")).await.data()["createdAt"].as_str().expect("a time").to_owned();
        assert!(created.as_str() >= moved["now"].as_str().expect("now"), "business time: {created}");
        let cases = [
            json!({}), json!({"advanceSeconds": 0}), json!({"advanceSeconds": -1}), json!({"advanceSeconds": 1.5}),
            json!({"advanceSeconds": 1, "setTo": "2099-01-01T00:00:00Z"}), json!({"setTo": "2001-01-01T00:00:00Z"}),
            json!({"setTo": "soon"}), json!({"setTo": "9999-01-01T00:00:00Z"}),
        ];
        for body in cases {
            let reply = server.post("/simulator/clock", body.clone()).await;
            assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        }
        let call = || server.request("POST", "/simulator/clock").header("Idempotency-Key", "c1");
        let first = call().json(json!({"advanceSeconds": 60})).send().await.expect(200);
        let again = call().json(json!({"advanceSeconds": 60})).send().await.expect(200);
        assert_eq!(again.text, first.text, "a repeated advance advances once");
        server.stop();
        let server = world.start().await;
        let kept = server.get("/simulator/clock").await.expect(200).data();
        assert_eq!(kept["offsetSeconds"], 86_460, "the offset is kept");
    }

    async fn funding_follows_the_rules(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let id = server.account("Fund", 0).await;
        let path = format!("/simulator/accounts/{id}/fund");
        let funded = server.post(&path, json!({"amount": 12.5})).await.expect(200);
        assert_eq!(funded.data()["balance"], 12.5);
        for body in [json!({"amount": 0}), json!({"amount": -3}), json!({"amount": 0.001}), json!({}), json!({"amount": null})] {
            let reply = server.post(&path, body.clone()).await;
            assert_eq!(reply.status, 400, "{body}: {}", reply.text);
        }
        server.post("/simulator/accounts/00000000000000000000abcd/fund", json!({"amount": 1})).await.expect(404);
        server.post("/simulator/accounts/nonsense/fund", json!({"amount": 1})).await.expect(400);
    }

    async fn health_metrics_and_the_contract_are_served(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        for path in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
            let reply = server.http.get(format!("{}{path}", server.url)).send().await.expect("an answer");
            assert_eq!(reply.status(), 200, "{path}");
        }
        server.account("Counted", 1).await;
        let metrics = server.http.get(format!("{}/metrics", server.url)).send().await.expect("an answer");
        let metrics = metrics.text().await.expect("a body");
        assert!(metrics.contains("paygen_engine_batch_seconds"), "{metrics}");
        assert!(metrics.contains("paygen_http_requests_total"), "{metrics}");
        let spec = server.http.get(format!("{}/openapi.json", server.url)).send().await.expect("an answer");
        let spec: serde_json::Value = serde_json::from_str(&spec.text().await.expect("a body")).expect("JSON");
        assert_eq!(spec["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
    }

    async fn the_ledger_verifies_beside_a_running_server(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (a, b) = (server.account("A", 10).await, server.account("B", 0).await);
        server.post("/transfers", json!({"fromAccountId": a, "toAccountId": b, "amount": 3})).await.expect(201);
        let verify = world.command("ledger verify").output().expect("paygen ledger verify runs");
        let received = String::from_utf8_lossy(&verify.stdout).into_owned();
        assert!(verify.status.success(), "{received} {}", String::from_utf8_lossy(&verify.stderr));
        assert!(received.contains("2 entries") || received.contains("entries"), "{received}");
    }
}

#[tokio::test]
async fn a_tampered_ledger_is_found_out() {
    let world = World::new(Backend::Sqlite).await;
    let mut server = world.start().await;
    let (a, b) = (server.account("A", 10).await, server.account("B", 0).await);
    server.post("/transfers", json!({"fromAccountId": a, "toAccountId": b, "amount": 3})).await.expect(201);
    server.stop();
    let path = world.data_dir().join("paygen.sqlite");
    let untouched = std::fs::read(&path).expect("the database");
    let cases = [
        ("UPDATE ledger_lines SET delta = delta + 1 WHERE seq = 1", "altered"),
        ("UPDATE ledger_lines SET at = at + 1 WHERE seq = 2", "the chain is broken"),
        ("UPDATE ledger_entries SET narration = 'x'", "altered"),
        ("DELETE FROM ledger_system_lines", "not to zero"),
        ("DELETE FROM ledger_lines WHERE seq = 2", "its head says line 2"),
        ("UPDATE balances SET ledger = ledger + 1 WHERE ledger > 0", "its head says"),
        ("DELETE FROM balances", "has lines but no head"),
        (
            "UPDATE balances SET seq = 1, ledger = 1000, hash = l.hash FROM ledger_lines l
             WHERE l.account = balances.id AND l.seq = 1 AND balances.seq = 2",
            "its head says line 1, but line 2 exists",
        ),
    ];
    for (sql, expected) in cases {
        let database = rusqlite::Connection::open(&path).expect("the database");
        assert!(database.execute(sql, []).expect(sql) > 0, "{sql}");
        drop(database);
        let verify = world.command("ledger verify").output().expect("paygen ledger verify runs");
        let received = String::from_utf8_lossy(&verify.stdout);
        assert!(!verify.status.success() && received.contains(expected), "{sql}: {received}");
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(path.with_extension(format!("sqlite{suffix}")));
        }
        std::fs::write(&path, &untouched).expect("the database is put back");
    }
}

#[tokio::test]
async fn a_client_has_a_name() {
    let world = World::new(Backend::Sqlite).await;
    let output = world.command("clients create --name").arg("").output().expect("paygen runs");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}
