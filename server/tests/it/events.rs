//! Events of accounts, in order, with a cursor that misses nothing.

use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, World};

on_both_stores! {
    async fn account_events_come_in_order_without_gaps(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (a, b) = (server.account("A", 100).await, server.account("B", 0).await);
        for _ in 0..10 {
            server.post("/transfers", json!({"fromAccountId": a, "toAccountId": b, "amount": 1})).await.expect(201);
        }
        server.put(&format!("/accounts/{b}"), json!({"name": "B2"})).await.expect(200);
        // A: created, opening balance, and for each transfer transfer.created and its balance; B likewise.
        let expected = 2 + 20 + 1 + 10 + 1;
        let mut events = Vec::new();
        let mut cursor = String::new();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while events.iter().filter(|e: &&serde_json::Value| e["objectType"] == "account").count() < expected {
            assert!(std::time::Instant::now() < deadline, "events are missing: {}", events.len());
            let page = server.get(&format!("/events?limit=7&cursor={cursor}")).await.expect(200).json();
            events.extend(page["data"].as_array().cloned().unwrap_or_default());
            cursor = page["meta"]["nextCursor"].as_str().expect("a cursor to go on with").to_owned();
        }
        for (event, position) in events.iter().zip(1..) {
            assert_eq!(event["position"], position, "positions have no gap");
        }
        for id in [&a, &b] {
            let own = events.iter().filter(|event| event["objectId"] == **id);
            for (event, sequence) in own.zip(1..) {
                assert_eq!(event["sequence"], sequence, "sequences have no gap: {event}");
            }
        }
        let first = events.iter().find(|event| event["objectId"] == *a).expect("an event of A");
        assert_eq!((&first["type"], &first["data"]["account"]["name"]), (&json!("account.created"), &json!("A")));
        let transfer = events.iter().find(|event| event["type"] == "transfer.created").expect("a transfer");
        assert_eq!(transfer["data"]["transfer"]["toAccountId"], *b);
        let balance = events.iter().rfind(|e| e["type"] == "account.balance.updated" && e["objectId"] == *b);
        assert_eq!(balance.expect("a balance")["data"]["balance"]["availableBalance"], 10);
        assert_eq!(balance.expect("a balance")["data"]["balance"]["overdrawn"], false);
        let one = server.get(&format!("/events/{}", first["_id"].as_str().expect("an id"))).await.expect(200);
        assert_eq!(one.data()["position"], first["position"]);
        let filtered = server.get("/events?filter=type=account.updated").await.expect(200).json();
        assert_eq!(filtered["meta"]["total"], 1);
    }
}
