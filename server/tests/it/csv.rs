//! Lists as CSV: every matching row, however many, and no formulas.

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use crate::authorizations::text;
use crate::cards::{id, issued};
use crate::on_both_stores;
use crate::world::{Backend, Reply, Server, World};

/// More rows than one page.
const MANY: usize = 1005;

async fn csv(server: &Server, path: &str) -> Reply {
    server.request("GET", path).header("accept", "text/csv").send().await
}

fn lines(reply: &Reply) -> Vec<&str> {
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8"), "{}", reply.text);
    reply.text.trim_end().split("\r\n").collect()
}

on_both_stores! {
    async fn everything_that_matches_is_exported(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (account, _, card) = issued(&server, 1000, json!({"fundingMode": "on_demand"})).await;
        let card = id(&card).to_owned();
        let post = |number: usize| {
            let merchant = json!({"name": if number == 7 { "=HYPERLINK(\"x\")" } else { "ACME CAFE" }});
            let body = json!({"cardId": card, "amount": 0.01, "merchant": merchant});
            let server = &server;
            async move { server.post("/simulator/force-posts", body).await.expect(201).data() }
        };
        let posted: Vec<Value> = stream::iter(0..MANY).map(post).buffer_unordered(16).collect().await;

        for path in ["/transactions".to_owned(), format!("/cards/{card}/transactions")] {
            let all = csv(&server, &path).await.expect(200);
            let rows = lines(&all);
            assert_eq!(rows.len(), MANY + 1, "a heading and every row");
            assert!(rows[0].starts_with("_id,createdAt,type,amount,"), "{}", rows[0]);
            let mut ids: Vec<&str> = rows[1..].iter().filter_map(|row| row.split(',').next()).collect();
            ids.sort_unstable();
            let mut expected: Vec<&str> = posted.iter().map(|posted| text(posted, "_id")).collect();
            expected.sort_unstable();
            assert_eq!(ids, expected, "each row once");
            let risky: Vec<&&str> = rows.iter().filter(|row| row.contains("HYPERLINK")).collect();
            assert_eq!(risky.len(), 1);
            assert!(risky[0].contains(",\"'=HYPERLINK(\"\"x\"\")\","), "{}", risky[0]);
            assert!(risky[0].contains(",force_post,-0.01,0,0,USD,-0.01,USD,"), "an amount stays a number: {}", risky[0]);
        }
        let entries = format!("/accounts/{account}/entries");
        let all = csv(&server, &entries).await.expect(200);
        let rows = lines(&all);
        let seqs: Vec<usize> = rows[1..].iter().filter_map(|row| row.split(',').next()?.parse().ok()).collect();
        assert_eq!(seqs, (1..=MANY + 1).collect::<Vec<_>>(), "the opening balance and every posting, oldest first");

        let one = text(&posted[0], "_id");
        for (path, expected) in [
            (format!("/transactions?filter=_id={one}"), 2), ("/transactions?search=hyperlink".to_owned(), 2),
            ("/transactions?filter=type=refund".to_owned(), 1), (format!("{entries}?filter=seq.lte=3"), 4),
            (format!("{entries}?filter=seq.gt=2000"), 1),
        ] {
            assert_eq!(lines(&csv(&server, &path).await.expect(200)).len(), expected, "{path}");
        }
        let sorted = csv(&server, &format!("{entries}?sort=-seq&filter=seq.lte=2")).await.expect(200);
        assert!(lines(&sorted)[1].starts_with("2,"), "{}", sorted.text);
    }

    async fn parameters_that_csv_refuses_are_reported(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let account = server.account("Entries", 10).await;
        for path in ["/transactions".to_owned(), format!("/accounts/{account}/entries")] {
            for (parameter, named) in [
                ("page=2", "page"), ("limit=5", "limit"), ("cursor=", "cursor"), ("fields=amount", "fields"),
                ("populate=card", "populate"), ("sort=amount", "sort"), ("filter=mood=good", "filter"), ("colour=1", "colour"),
            ] {
                let refused = csv(&server, &format!("{path}?{parameter}")).await.expect(400);
                assert_eq!(refused.pointers(), [named], "{path}?{parameter}");
            }
            for (accept, is_csv) in [
                ("text/csv;q=0", false), ("text/csv; q=0.0, */*", false), ("application/json, text/csv;q=0.1", false),
                ("text/csv;q=0.2, */*;q=0.1", true), ("Text/CSV", true),
            ] {
                let answer = server.request("GET", &path).header("accept", accept).send().await.expect(200);
                let kind = answer.header("content-type").unwrap_or_default();
                assert_eq!(kind.starts_with("text/csv"), is_csv, "{accept}: {kind}");
            }
        }
    }
}
