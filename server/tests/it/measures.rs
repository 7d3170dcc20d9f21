//! The operator's metrics, and the ports they are served on.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::on_both_stores;
use crate::receiver::{Answer, Receiver};
use crate::world::{Backend, Server, World};

/// Every sample by its name and labels.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name, value.parse().expect("a number")))
        .collect()
}

async fn metrics(server: &Server) -> String {
    server.get("/metrics").await.expect(200).text
}

/// The metrics once they meet a condition: gauges are read from the store every few seconds.
async fn until(server: &Server, wanted: impl Fn(&BTreeMap<&str, f64>) -> bool) -> String {
    for _ in 0..150 {
        let text = metrics(server).await;
        if wanted(&samples(&text)) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("never as wanted: {}", metrics(server).await)
}

on_both_stores! {
    async fn cards_are_measured_as_well_as_requests(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let receiver = Receiver::start(|_| Answer::Status(500, "")).await;
        let hook = json!({"url": format!("{}/hook", receiver.url), "events": ["card.created"]});
        server.post("/webhooks", hook).await.expect(201);
        let account = server.account("Card money", 500).await;
        let holder = json!({"name": "Ada Obi", "person": {"email": "ada@example.com"}});
        let holder = server.post("/card-holders", holder).await.expect(201).id();
        let card = json!({
            "debitAccountId": account, "cardHolderId": holder, "type": "virtual", "brand": "Visa", "status": "active",
            "amount": 100,
        });
        let card = server.post("/cards", card).await.expect(201).id();
        let pay = async |body: serde_json::Value| server.post("/simulator/authorizations", body).await.expect(201).id();
        pay(json!({"cardId": card, "amount": 700})).await;
        pay(json!({"cardId": card, "amount": 20})).await;
        let paid = pay(json!({"cardId": card, "amount": 30})).await;
        pay(json!({"cardId": card, "amount": 70, "partialAllowed": true})).await;
        server.post(&format!("/simulator/authorizations/{paid}/clear"), json!({})).await.expect(201);
        server.post("/simulator/force-posts", json!({"cardId": card, "amount": 1})).await.expect(201);
        let dry = json!({"cardId": card, "amount": 700});
        server.post("/simulator/authorizations?dryRun=true", dry).await;

        let text = until(&server, |found| {
            found.get("paygen_holds") == Some(&2.0) && found.get("paygen_webhook_backlog_deliveries").is_some_and(|all| *all >= 1.0)
        })
        .await;
        let found = samples(&text);
        let expected = [
            (r#"paygen_authorizations_total{outcome="approved",reason="none"}"#, 2.0),
            (r#"paygen_authorizations_total{outcome="declined",reason="insufficient_funds"}"#, 1.0),
            (r#"paygen_authorizations_total{outcome="partially_approved",reason="none"}"#, 1.0),
            (r#"paygen_transactions_total{type="capture"}"#, 1.0),
            ("paygen_exceptions_open", 1.0),
        ];
        for (name, value) in expected {
            assert_eq!(found.get(name), Some(&value), "{name} in\n{text}");
        }
        assert!(found["paygen_store_bytes"] > 100_000.0, "{text}");
        assert!(found["paygen_webhook_oldest_pending_seconds"] >= 0.0, "{text}");
        let build = format!("paygen_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
        assert_eq!(found.get(build.as_str()), Some(&1.0), "{text}");

        // Every family has a help text, and no label contains input of a caller.
        for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
            let name = line.split(' ').nth(2).expect("a name");
            let help = format!("# HELP {name} ");
            assert!(text.lines().any(|line| line.len() > help.len() && line.starts_with(&help)), "{name} has no help");
        }
        for sent in [&card, &account, &holder, "Ada", "Card money"] {
            assert!(!text.contains(sent), "{sent} is in\n{text}");
        }
    }

    async fn the_operator_has_a_port_of_their_own(backend: Backend) {
        let world = World::new(backend).await;
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address");
        drop(free);
        let mut command = world.command("dev");
        command.arg("--ops-listen").arg(port.to_string());
        let server = Server::start(command, &world.data_dir()).await;
        assert_eq!(server.get("/metrics").await.expect(404).code(), "route_not_found");
        for path in ["/healthz", "/readyz"] {
            server.get(path).await.expect(200);
        }
        let contract = server.get("/openapi.json").await.expect(200).json();
        assert!(contract["paths"].get("/metrics").is_none() && contract["paths"].get("/healthz").is_some());
        let operator = async |path: &str| {
            let answer = server.http.get(format!("http://{port}{path}")).send().await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.expect("a text"))
        };
        for path in ["/healthz", "/readyz"] {
            assert_eq!(operator(path).await.0, 200, "{path}");
        }
        let (status, text) = operator("/metrics").await;
        assert!(status == 200 && text.contains("# HELP paygen_http_requests_total "), "{status} {text}");
        for path in ["/accounts", "/docs", "/", "/openapi.json", "/simulator/clock"] {
            assert_eq!(operator(path).await.0, 404, "{path}");
        }
    }
}
