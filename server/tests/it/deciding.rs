//! `paygen listen --decide`: a responder for as long as it runs.

use serde_json::{Value, json};

use crate::authorizations::{a_funded_card, assert_members, pay};
use crate::listening::Listener;
use crate::on_both_stores;
use crate::world::{Backend, KEY, Server, World};

async fn responders(server: &Server) -> Vec<Value> {
    server.get("/responders?limit=100").await.expect(200).data().as_array().expect("responders").clone()
}

async fn pay_at(server: &Server, card: &str, amount: i64, merchant: &str) -> Value {
    pay(server, card, json!(amount), json!({"partialAllowed": true, "merchant": {"name": merchant}})).await
}

/// The next decision that is printed, after its time.
fn decision(listener: &Listener) -> String {
    loop {
        let line = listener.line();
        if let Some((_, rest)) = line.split_once("  decided ") {
            let (said, milliseconds) = rest.trim().rsplit_once("  ").expect("milliseconds");
            assert!(milliseconds.ends_with(" ms"), "{line}");
            return said.to_owned();
        }
    }
}

/// Declines shoes, approves less at pumps, has nothing to say at one merchant, and approves the rest.
const COMMAND: &str = r#"
    question=$(cat)
    case "$question" in
        *'"type":"test"'*) ;;
        *SHOES*) echo "not for shoes" >&2; exit 1 ;;
        *PUMP*) echo '{"decision": "approve", "approvedAmount": 5, "metadata": {"by": "a command"}}' ;;
        *MUMBLE*) echo nonsense ;;
        *TOO-MUCH*) echo '{"decision": "approve", "approvedAmount": 500}' ;;
        *) sleep 0.2 ;;
    esac
"#;

on_both_stores! {
    async fn listen_approves_and_deletes_its_responder(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        // What a killed run left is replaced; what somebody else made stays.
        let left = server.post("/responders", json!({"description": "paygen listen"})).await.expect(201).id();
        let other = server.post("/responders", json!({"description": "mine"})).await.expect(201).id();
        let listener = Listener::start(&world, &server.url, &["--decide", "approve", "--types", "authorization.approved"]);
        assert!(listener.says("of an earlier run").contains(&left));
        let own = listener.says("deciding payments as responder ");
        let own = own.rsplit(' ').next().expect("an id").to_owned();
        let ids: Vec<Value> = responders(&server).await.iter().map(|one| one["_id"].clone()).collect();
        assert!(ids.len() == 2 && ids.contains(&json!(own)) && ids.contains(&json!(other)), "{ids:?}");
        let card = a_funded_card(&server, 100).await;
        let paid = pay_at(&server, &card, 30, "ACME CAFE").await;
        assert_members(&paid["responder"], json!({"id": own, "outcome": "approved", "decidedBy": "responder"}));
        // The event was asked for; the question is shown as a decision only.
        let lines = [listener.line(), listener.line()];
        assert!(lines.iter().any(|line| line.contains("  decided   ") && line.contains("  30.00 USD  ACME CAFE  approve  ")), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("  authorization.approved ")), "{lines:?}");
        // An increment is asked about, too.
        let increment = format!("/simulator/authorizations/{}/increment", paid["_id"].as_str().expect("an id"));
        server.post(&increment, json!({"amount": 5})).await.expect(200);
        assert_eq!(decision(&listener), "5.00 USD  more  ACME CAFE  approve");
        assert_eq!(listener.signal("-INT"), Some(0));
        assert_eq!(responders(&server).await.len(), 1);
        assert_eq!(pay_at(&server, &card, 1, "ACME CAFE").await["responder"], Value::Null);
    }

    async fn listen_declines_for_the_cards_it_names(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (asked, free) = (a_funded_card(&server, 100).await, a_funded_card(&server, 100).await);
        let listener = Listener::start(&world, &server.url, &["--decide", "decline", "--card", &asked, "--json", "--types", "card.updated"]);
        listener.says("deciding payments as responder");
        let paid = pay_at(&server, &asked, 30, "CAFE").await;
        assert_members(&paid, json!({"status": "declined", "reason": "endpoint_declined"}));
        assert_eq!(pay_at(&server, &free, 30, "CAFE").await["responder"], Value::Null);
        // The output of --json is for programs.
        assert!(listener.says("30.00 USD  CAFE  decline  paygen listen --decide decline  ").contains("  decided  "));
        server.put(&format!("/cards/{free}"), json!({"metadata": {"a": 1}})).await.expect(200);
        let event: Value = serde_json::from_str(&listener.line()).expect("JSON");
        assert_eq!(event["type"], "card.updated");
        assert_eq!(listener.signal("-TERM"), Some(0));
        assert_eq!(responders(&server).await.len(), 0);
    }

    async fn listen_runs_a_command_for_each_question(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let listener = Listener::start(&world, &server.url, &["--decide", COMMAND]);
        listener.says("deciding payments as responder");
        let card = a_funded_card(&server, 100).await;
        for (merchant, status, approved, said) in [
            ("CAFE", "approved", 10, "10.00 USD  CAFE  approve"),
            ("SHOES", "declined", 0, "10.00 USD  SHOES  decline  not for shoes"),
            ("PUMP", "approved", 5, "10.00 USD  PUMP  approve  5.00 USD"),
            ("MUMBLE", "declined", 0, "10.00 USD  MUMBLE  not answered: the command printed no JSON object, but: nonsense"),
        ] {
            let paid = pay_at(&server, &card, 10, merchant).await;
            assert_members(&paid, json!({"status": status, "approvedAmount": approved}));
            assert_eq!(decision(&listener), said);
        }
        pay_at(&server, &card, 10, "TOO-MUCH").await;
        let said = decision(&listener);
        assert!(said.contains("not answered: the server answers 400") && said.contains("approvedAmount"), "{said}");
        // Several are decided side by side.
        let started = std::time::Instant::now();
        let paid = futures_util::future::join_all((0..8).map(|_| pay_at(&server, &card, 1, "CAFE"))).await;
        assert!(paid.iter().all(|one| one["status"] == "approved"), "{paid:?}");
        assert!(started.elapsed().as_millis() < 3000, "one after the other");
        assert_eq!(listener.signal("-INT"), Some(0));
        assert_eq!(responders(&server).await.len(), 0);
    }
}

/// What `paygen listen` says when it ends by itself with 1.
fn refused(world: &World, server: &Server, args: &[&str]) -> String {
    let mut command = world.command("listen");
    command.args(["--url", &server.url]).args(args);
    let output = command.output().expect("paygen listen runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

#[tokio::test]
async fn what_cannot_decide_is_reported_and_leaves_no_responder() {
    let world = World::new(Backend::Sqlite).await;
    let mut server = world.start().await;
    let key = json!({"name": "limited", "scopes": ["events:read", "responders:read"]});
    let limited = server.post("/api-keys", key).await.expect(201).data()["key"].as_str().expect("a key").to_owned();
    let unknown = "000000000000000000000001";
    for (args, says) in [
        (vec!["--decide", "no-such-command-1"], "the command cannot be run"),
        (vec!["--decide", "approve", "--api-key", &limited], "responders:write"),
        (vec!["--decide", "approve", "--card", "x"], "/scope/cardIds/0"),
        (vec!["--decide", "echo nonsense", "--timeout-ms", "400"], "no JSON object"),
        (vec!["--decide", " "], "approve, decline or a command"),
    ] {
        let said = refused(&world, &server, &args);
        assert!(said.contains(says), "{args:?}: {said}");
        assert_eq!(responders(&server).await.len(), 0, "{args:?}");
    }
    let without = world.command("listen").args(["--card", unknown]).output().expect("paygen listen runs");
    assert_eq!(without.status.code(), Some(2), "it belongs to --decide");
    // It waits for a server that is away, and says when it leaves a responder behind.
    let listener = Listener::start(&world, &server.url, &["--decide", "approve", "--api-key", KEY]);
    listener.says("deciding payments as responder");
    server.stop();
    listener.says("connecting again");
    listener.terminate("-TERM");
    listener.says("is still there");
    assert_eq!(listener.signal("-TERM"), Some(1));
}
