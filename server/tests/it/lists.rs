//! Lists: every parameter, on accounts.

use paygen_api::cursor;
use paygen_store::value::Value as Stored;
use serde_json::{Value, json};

use crate::on_both_stores;
use crate::world::{Backend, Server, World};

async fn names(server: &Server, query: &str) -> Vec<String> {
    let reply = server.get(&format!("/accounts?{query}")).await;
    assert_eq!(reply.status, 200, "{query}: {}", reply.text);
    let data = reply.data();
    let rows = data.as_array().cloned().unwrap_or_default();
    rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect()
}

async fn fill(server: &Server) {
    let rows = [
        ("Alpha", "USD", "savings", 5.0, None),
        ("Beta 100%", "USD", "checking", 150.5, Some("o1")),
        ("Gamma_x", "JPY", "checking", 100.0, Some("o2")),
        ("délta É", "KWD", "treasury", 99.999, None),
    ];
    for (name, currency, kind, balance, owner) in rows {
        let mut body = json!({
            "ownerType": "user", "name": name, "type": kind, "category": "fiat", "currency": currency, "balance": balance,
        });
        if let Some(owner) = owner {
            body["ownerId"] = json!(owner);
        }
        server.post("/accounts", body).await.expect(201);
    }
}

on_both_stores! {
    async fn filters_sorts_and_searches(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        fill(&server).await;
        let cases: &[(&str, &[&str])] = &[
            ("sort=name", &["Alpha", "Beta 100%", "Gamma_x", "délta É"]),
            ("sort=-name&limit=2", &["délta É", "Gamma_x"]),
            ("sort=name&limit=2&page=2", &["Gamma_x", "délta É"]),
            ("sort=type,-name", &["Gamma_x", "Beta 100%", "Alpha", "délta É"]),
            ("sort=name&filter=currency=USD", &["Alpha", "Beta 100%"]),
            ("sort=name&filter=balance.gte=100", &["Beta 100%", "Gamma_x"]),
            ("sort=name&filter=balance.lt=100", &["Alpha", "délta É"]),
            ("sort=name&filter=balance=99.999", &["délta É"]),
            ("sort=name&filter=type.in=savings,treasury", &["Alpha", "délta É"]),
            ("sort=name&filter=type.nin=savings,treasury", &["Beta 100%", "Gamma_x"]),
            ("sort=name&filter=ownerId.exists=false", &["Alpha", "délta É"]),
            ("sort=name&filter=ownerId.exists=true", &["Beta 100%", "Gamma_x"]),
            ("sort=name&filter=ownerId.ne=o1", &["Alpha", "Gamma_x", "délta É"]),
            ("sort=name&filter=createdAt.between=2020-01-01|2099-12-31", &["Alpha", "Beta 100%", "Gamma_x", "délta É"]),
            ("sort=name&filter=createdAt.lte=2020-01-01", &[]),
            ("sort=name&filter=currency%3DUSD%26balance.gt%3D5", &["Beta 100%"]),
            ("sort=name&filter=%7B%22currency%22%3A%22USD%22%2C%22balance.gte%22%3A100%7D", &["Beta 100%"]),
            ("sort=name&filter=%7B%22balance%22%3A%7B%22gte%22%3A100%2C%22lte%22%3A120%7D%7D", &["Gamma_x"]),
            ("sort=name&search=ALPHA", &["Alpha"]),
            ("sort=name&search=100%25&searchIn=name", &["Beta 100%"]),
            ("sort=name&search=a_x&searchIn=name", &["Gamma_x"]),
            ("sort=name&search=%C3%A9&searchIn=name", &["délta É"]),
            ("sort=name&search=.*&searchIn=name", &[]),
        ];
        for (query, expected) in cases {
            assert_eq!(names(&server, query).await, *expected, "{query}");
        }
        let capped = server.get("/accounts?limit=5000").await.json();
        assert_eq!(capped["meta"]["limit"], 200);
        let meta = server.get("/accounts?search=a&searchIn=name&fields=name&filter=currency=USD&sort=name").await.json();
        assert_eq!(meta["meta"]["search"], "a");
        assert_eq!(meta["meta"]["filter"], "currency=USD");
        let row = meta["data"][0].as_object().expect("a row");
        let mut kept: Vec<&String> = row.keys().collect();
        kept.sort();
        assert_eq!(kept, ["_id", "name"], "fields keeps _id");
        let wrong = [
            "page=0", "page=x", "limit=0", "limit=-1", "sort=nme", "fields=nme", "searchIn=balance&search=x",
            "filter=nme=1", "filter=status.like=a", "filter=balance.gte=x", "filter=createdAt.gte=soon",
            "filter=status=actve", "filter=%7B", "cursor=nonsense", "cursor=&page=2", "populate=nobody",
            "filter=balance.between=1", "filter=ownerId.exists=maybe",
        ];
        for query in wrong {
            let reply = server.get(&format!("/accounts?{query}")).await;
            assert_eq!(reply.status, 400, "{query}: {}", reply.text);
            assert!(!reply.text.contains("SELECT"), "{}", reply.text);
        }
    }

    async fn a_forged_cursor_is_refused(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        server.account("A", 0).await;
        server.account("B", 0).await;
        let page = server.get("/accounts?limit=1&sort=name&cursor=").await.expect(200).json();
        let cursor = page["meta"]["nextCursor"].as_str().expect("a cursor").to_owned();
        // A cursor of another list, and cursors with fewer or other values than the list sorts by.
        server.get(&format!("/accounts?limit=1&sort=createdAt&cursor={cursor}")).await.expect(400);
        // Forged with a correct checksum, but with values of another list.
        use base64::Engine;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&cursor).expect("base64");
        let inside: Value = serde_json::from_slice(&bytes[8..]).expect("JSON behind the checksum");
        let of = inside["of"].as_str().expect("which list it is of");
        let text = |text: &str| Stored::Text(text.to_owned());
        let wrong = [
            vec![],
            vec![Stored::Integer(1), Stored::Integer(2)],
            vec![text("A")],
            vec![text("A"), text("B")],
            vec![Stored::Null, Stored::Null],
            vec![text("A"), Stored::Bytes(vec![0; 12]), Stored::Null],
        ];
        for values in wrong {
            let forged = cursor::write(&values, of);
            let reply = server.get(&format!("/accounts?limit=1&sort=name&cursor={forged}")).await;
            assert_eq!(reply.status, 400, "{values:?}: {}", reply.text);
        }
    }

    async fn a_cursor_neither_skips_nor_repeats(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        for number in 0..25 {
            server.account(&format!("A{number:02}"), 0).await;
        }
        for sort in ["createdAt", "-createdAt", "name", "-name"] {
            let mut seen: Vec<String> = Vec::new();
            let mut cursor = Some(String::new());
            while let Some(at) = cursor {
                let page = server.get(&format!("/accounts?limit=7&sort={sort}&cursor={at}")).await.expect(200).json();
                assert_eq!(page["meta"]["total"], Value::Null);
                let rows = page["data"].as_array().cloned().unwrap_or_default();
                seen.extend(rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)));
                if seen.len() == 14 {
                    server.account(&format!("new while paging {sort}"), 0).await;
                }
                cursor = page["meta"]["nextCursor"].as_str().map(str::to_owned);
            }
            let mut old: Vec<String> = seen.into_iter().filter(|name| !name.starts_with("new")).collect();
            assert_eq!(old.len(), 25, "sorted by {sort}: {old:?}");
            old.sort();
            old.dedup();
            assert_eq!(old.len(), 25, "sorted by {sort}: a row came twice");
        }
    }
}
