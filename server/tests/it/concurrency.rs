//! Concurrency: nothing is overdrawn, lost or doubled, on one server and through two.

use std::sync::Arc;

use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, Server, World};

/// 160 concurrent transfers of 1 from an account that has 100, over all of these servers.
async fn overdraw(servers: Vec<Server>) {
    let servers: Arc<Vec<Server>> = Arc::new(servers);
    let from = servers[0].account("From", 100).await;
    let to = servers[0].account("To", 0).await;
    let calls = (0..160usize).map(|number| {
        let (servers, from, to) = (servers.clone(), from.clone(), to.clone());
        tokio::spawn(async move {
            let body =
                json!({"fromAccountId": from, "toAccountId": to, "amount": 1, "reference": format!("t{number}")});
            servers[number % servers.len()].post("/transfers", body).await
        })
    });
    let mut statuses = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        statuses.push(call.await.expect("the call ran").status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 100, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 60, "{statuses:?}");
    assert_eq!((servers[0].balance(&from).await, servers[0].balance(&to).await), (0.0, 100.0));
    let list = servers[0].get("/transfers?limit=1").await.json();
    assert_eq!(list["meta"]["total"], 100);
}

/// One idempotency key on many concurrent requests, over all of these servers: one effect.
async fn one_key(servers: Vec<Server>) {
    let servers: Arc<Vec<Server>> = Arc::new(servers);
    let from = servers[0].account("From", 100).await;
    let to = servers[0].account("To", 0).await;
    for round in 0..5 {
        let calls = (0..16usize).map(|number| {
            let (servers, from, to) = (servers.clone(), from.clone(), to.clone());
            tokio::spawn(async move {
                let body = json!({"fromAccountId": from, "toAccountId": to, "amount": 1});
                let server = &servers[number % servers.len()];
                let call = server.request("POST", "/transfers").header("Idempotency-Key", &format!("round-{round}"));
                call.json(body).send().await
            })
        });
        let mut ids = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            let reply = call.await.expect("the call ran");
            match reply.status {
                201 => ids.push(reply.id()),
                409 => assert_eq!(reply.code(), "idempotency_key_in_use"),
                other => panic!("{other}: {}", reply.text),
            }
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "one effect, and the same answer for all");
    }
    assert_eq!(servers[0].balance(&to).await, 5.0);
}

on_both_stores! {
    async fn concurrent_transfers_never_overdraw(backend: Backend) {
        let world = World::new(backend).await;
        overdraw(vec![world.start().await]).await;
    }

    async fn one_key_at_once_has_one_effect(backend: Backend) {
        let world = World::new(backend).await;
        one_key(vec![world.start().await]).await;
    }

    async fn crossing_transfers_do_not_lock_each_other_up(backend: Backend) {
        let world = World::new(backend).await;
        let server = Arc::new(world.start().await);
        let (a, b) = (server.account("A", 50).await, server.account("B", 50).await);
        let calls = (0..80usize).map(|number| {
            let (server, a, b) = (server.clone(), a.clone(), b.clone());
            tokio::spawn(async move {
                let (from, to) = if number % 2 == 0 { (a, b) } else { (b, a) };
                server.post("/transfers", json!({"fromAccountId": from, "toAccountId": to, "amount": 1})).await.status
            })
        });
        for call in calls.collect::<Vec<_>>() {
            assert_eq!(call.await.expect("the call ran"), 201);
        }
        assert_eq!((server.balance(&a).await, server.balance(&b).await), (50.0, 50.0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_database_never_overdraw() {
    let world = World::new(Backend::Postgres).await;
    overdraw(vec![world.start().await, world.start().await]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_through_two_servers_has_one_effect() {
    let world = World::new(Backend::Postgres).await;
    one_key(vec![world.start().await, world.start().await]).await;
}

#[tokio::test]
async fn a_second_server_on_one_sqlite_file_is_kept_out() {
    let world = World::new(Backend::Sqlite).await;
    let _first = world.start().await;
    let output = world.command("dev --listen 127.0.0.1:0").output().expect("paygen runs");
    assert!(!output.status.success());
    let received = String::from_utf8_lossy(&output.stderr);
    assert!(received.contains("another") && received.contains("data"), "{received}");
}
