//! Pages of the console with very many cards and payments. `PAYGEN_TEST_CARDS` is how many: 100,000 if it is not set.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::on_both_stores;
use crate::operator::sql;
use crate::person::Person;
use crate::world::{Backend, World};

/// The most that a page may take in the server.
const MOST: Duration = Duration::from_millis(100);

/// Tries of each page. The fastest counts, because other tests run at the same time.
const TRIES: u32 = 7;

/// Copies a table's one row with other ids and times, the newest first.
fn copies(backend: Backend, table: &str, number: u64, more: &str) -> String {
    let (id, numbers) = match backend {
        Backend::Sqlite => (
            "unhex(printf('%024x', number))",
            format!(
                "WITH RECURSIVE n(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < {number})"
            ),
        ),
        Backend::Postgres => (
            "decode(lpad(to_hex(number), 24, '0'), 'hex')",
            format!("WITH n AS (SELECT number FROM generate_series(1::bigint, {number}) AS number)"),
        ),
    };
    let drop = "ALTER TABLE copies DROP COLUMN number";
    format!(
        "CREATE TEMP TABLE one AS SELECT * FROM {table} LIMIT 1;
         CREATE TEMP TABLE copies AS {numbers} SELECT one.*, n.number FROM one, n;
         UPDATE copies SET id = {id}, created_at = created_at - number * 1000000{more};
         {drop}; INSERT INTO {table} SELECT * FROM copies; DROP TABLE copies; DROP TABLE one; ANALYZE {table};"
    )
}

on_both_stores! {
    async fn pages_stay_fast_with_very_many_cards(backend: Backend) {
        let number = std::env::var("PAYGEN_TEST_CARDS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000_u64);
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let account = server.account("Funds", 1_000).await;
        let holder = crate::cards::card_holder(&server).await;
        let mut body = crate::cards::a_card(&account, &holder);
        body["fundingMode"] = json!("on_demand");
        body.as_object_mut().expect("an object").remove("amount");
        let card = server.post("/cards", body).await.expect(201).id();
        let declined = server.post("/simulator/authorizations", json!({"cardId": card, "amount": 5_000})).await.expect(201).id();
        server.stop();
        let last4 = match backend {
            Backend::Sqlite => ", last4 = printf('%04d', number % 10000)",
            Backend::Postgres => ", last4 = lpad((number % 10000)::text, 4, '0')",
        };
        sql(&world, &copies(backend, "cards", number, last4)).await;
        sql(&world, &copies(backend, "authorizations", number, "")).await;

        let server = world.start().await;
        let mut owner = Person::owner(&server).await;
        let total = server.get("/cards?limit=1").await.expect(200).json()["meta"]["total"].as_u64();
        assert_eq!(total, Some(number + 1));
        let copy = format!("{:024x}", number / 2);
        let mut slow = Vec::new();
        for path in [
            "", "/cards", "/cards?status=active", "/cards?page=2", "/authorizations", "/authorizations?status=declined",
            "/transactions", "/exceptions", "/accounts", "/transfers", "/events", "/deliveries", "/audit-log", "/users",
            "/cards/new", "/simulator", "/search?q=0042", &format!("/cards/{copy}"), &format!("/cards/{card}"),
            &format!("/authorizations/{copy}"), &format!("/authorizations/{declined}/decision"), &format!("/accounts/{account}"),
        ] {
            let mut fastest = Duration::MAX;
            for _ in 0..TRIES {
                let begun = Instant::now();
                let page = owner.send("GET", &format!("/console{path}"), None).await;
                fastest = fastest.min(begun.elapsed());
                assert_eq!(page.status, 200, "{path}");
            }
            println!("{:>6.1} ms  /console{path}", fastest.as_secs_f64() * 1e3);
            if fastest > MOST {
                slow.push(format!("/console{path}: {} ms", fastest.as_millis()));
            }
        }
        assert!(slow.is_empty(), "{slow:?}");
    }
}
