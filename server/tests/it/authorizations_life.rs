//! The life of authorizations: increments, reversals, expiry, captures, refunds, and mismatches.

use serde_json::{Value, json};

use crate::authorizations::{a_funded_card, assert_members, cafe, events, money, pay, steps, text};
use crate::cards::{id, issued};
use crate::on_both_stores;
use crate::world::{Backend, Reply, Server, World};

/// Sends a message about an authorization.
async fn about(server: &Server, authorization: &Value, what: &str, body: Value) -> Reply {
    server.post(&format!("/simulator/authorizations/{}/{what}", text(authorization, "_id")), body).await
}

async fn exceptions(server: &Server) -> Vec<Value> {
    server.get("/exceptions?sort=createdAt").await.expect(200).data().as_array().cloned().unwrap_or_default()
}

/// Verifies the ledger and replays every decision, beside the running server.
fn nothing_is_off(world: &World) {
    for command in ["ledger verify", "replay"] {
        let output = world.command(command).output().expect("paygen runs");
        let received =
            format!("{} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command}: {received}");
    }
}

on_both_stores! {
    async fn more_less_and_back(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let paid = pay(&server, &card, json!(40), json!({"merchant": cafe()})).await;
        let more = about(&server, &paid, "increment", json!({"amount": 20})).await.expect(200).data();
        assert_members(&more, json!({"amount": 60, "approvedAmount": 60, "heldAmount": 60, "status": "approved"}));
        let declined = about(&server, &paid, "increment", json!({"amount": 41})).await.expect(200).data();
        assert_members(&declined, json!({"amount": 60, "approvedAmount": 60, "heldAmount": 60, "status": "approved"}));
        assert_eq!(steps(&declined), ["approved", "incremented", "increment_declined"]);
        assert_eq!(declined["timeline"][2]["note"], "insufficient_funds");
        let part = about(&server, &paid, "reverse", json!({"amount": 15})).await.expect(200).data();
        assert_members(&part, json!({"heldAmount": 45, "reversedAmount": 15, "status": "approved"}));
        assert_eq!(money(&server, &card).await, (json!(100), json!(55)));
        let over = about(&server, &paid, "reverse", json!({"amount": 50})).await.expect(200).data();
        assert_members(&over, json!({"heldAmount": 0, "reversedAmount": 60, "status": "reversed"}));
        assert_eq!(money(&server, &card).await, (json!(100), json!(100)));
        let flagged = exceptions(&server).await;
        assert_eq!(flagged.len(), 1);
        assert_members(&flagged[0], json!({"type": "over_reversal", "amount": 5, "authorizationId": paid["_id"], "cardId": card}));
        for what in ["increment", "reverse", "expire"] {
            let body = if what == "increment" { json!({"amount": 1}) } else { json!({}) };
            assert_eq!(about(&server, &paid, what, body).await.expect(409).code(), "authorization_not_open", "{what}");
        }
        events(&server, &card, "authorization.reversed", 2).await;
        events(&server, &card, "authorization.updated", 2).await;
        nothing_is_off(&world);
    }

    async fn holds_run_out_as_the_clock_moves(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let week = pay(&server, &card, json!(10), json!({})).await;
        let hotel = json!({"merchant": {"category": "7011"}, "estimated": true});
        let month = pay(&server, &card, json!(20), hotel).await;
        assert!(text(&week, "expiresAt") < text(&month, "expiresAt"));
        let now = pay(&server, &card, json!(5), json!({})).await;
        let ended = about(&server, &now, "expire", json!({})).await.expect(200).data();
        assert_members(&ended, json!({"status": "expired", "heldAmount": 0}));

        let moved = server.post("/simulator/clock", json!({"advanceSeconds": 6 * 86_400})).await.expect(200).data();
        assert_eq!(moved["ran"], 0);
        assert_eq!(money(&server, &card).await.1, 70);
        let moved = server.post("/simulator/clock", json!({"advanceSeconds": 2 * 86_400})).await.expect(200).data();
        assert_eq!(moved["ran"], 1);
        let path = format!("/authorizations/{}", text(&week, "_id"));
        let ended = server.get(&path).await.expect(200).data();
        assert_members(&ended, json!({"status": "expired", "heldAmount": 0}));
        let (at, due) = (text(&ended["timeline"][1], "at"), text(&week, "expiresAt"));
        assert!(due <= at && at[..10] < text(&moved, "now")[..10], "at its own instant: {due} {at}");
        assert_eq!(money(&server, &card).await, (json!(100), json!(80)));
        let moved = server.post("/simulator/clock", json!({"advanceSeconds": 31 * 86_400})).await.expect(200).data();
        assert_eq!(moved["ran"], 1);
        assert_eq!(money(&server, &card).await.1, 100);
        events(&server, &card, "authorization.expired", 3).await;

        let late = about(&server, &week, "clear", json!({"amount": 10})).await.expect(201).data();
        assert_members(&late, json!({"amount": -10, "type": "capture"}));
        assert_eq!(exceptions(&server).await[0]["type"], "late_clearing");
        assert_eq!(money(&server, &card).await, (json!(90), json!(90)));
        let free = pay(&server, &card, json!(30), json!({})).await;
        let nothing = about(&server, &free, "clear", json!({"amount": 0, "final": true})).await.expect(201).data();
        assert_members(&nothing, json!({"amount": 0, "type": "capture"}));
        let path = format!("/authorizations/{}", text(&free, "_id"));
        assert_members(&server.get(&path).await.data(), json!({"status": "closed", "heldAmount": 0, "clearedAmount": 0}));
        assert_eq!(money(&server, &card).await, (json!(90), json!(90)), "the rest of the hold is given back");
        assert_eq!(about(&server, &month, "clear", json!({})).await.expect(409).code(), "nothing_to_clear");
        nothing_is_off(&world);
    }

    async fn operators_release_holds_and_resolve_exceptions(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let paid = pay(&server, &card, json!(40), json!({})).await;
        let path = format!("/authorizations/{}/release", text(&paid, "_id"));
        assert_eq!(server.post(&path, json!({})).await.expect(400).pointers(), ["/reason"]);
        let key = json!({"name": "reads", "scopes": ["authorizations:read", "simulator:write"]});
        let key = server.post("/api-keys", key).await.expect(201).data();
        let master = std::mem::replace(&mut server.key, text(&key, "key").to_owned());
        assert_eq!(server.post(&path, json!({"reason": "x"})).await.expect(403).code(), "scope_missing");
        server.key = master;
        let stale = server.request("POST", &path).header("If-Match", "\"7\"").json(json!({"reason": "x"})).send().await;
        assert_eq!(stale.expect(412).code(), "version_mismatch");
        let released = server.post(&path, json!({"reason": "Nothing follows."})).await.expect(200);
        assert_eq!(released.json()["message"], "Authorization released successfully.");
        assert_members(&released.data(), json!({"status": "reversed", "heldAmount": 0}));
        assert_members(&released.data()["timeline"][1], json!({"step": "released", "note": "Nothing follows.", "amount": 40}));
        assert_eq!(money(&server, &card).await.1, 100);
        let audit = server.get("/audit-log?limit=200").await.expect(200).text;
        assert!(audit.contains("Nothing follows."), "{audit}");
        assert_eq!(server.post(&path, json!({"reason": "x"})).await.expect(409).code(), "authorization_not_open");

        let forced = json!({"cardId": card, "amount": 130, "merchant": cafe()});
        let forced = server.post("/simulator/force-posts", forced).await.expect(201).data();
        assert_members(&forced, json!({"amount": -130, "type": "force_post", "authorizationId": null}));
        assert_eq!(money(&server, &card).await, (json!(-30), json!(-30)), "the network imposes it");
        let listed = exceptions(&server).await;
        assert_members(&listed[0], json!({
            "type": "force_post", "status": "open", "cardId": card, "transactionId": forced["_id"], "amount": 130,
            "currency": "USD", "note": null,
        }));
        let path = format!("/exceptions/{}/resolve", text(&listed[0], "_id"));
        let resolved = server.post(&path, json!({"note": "Offline terminal."})).await.expect(200).data();
        assert_members(&resolved, json!({"status": "resolved", "note": "Offline terminal.", "version": 2}));
        assert_eq!(server.post(&path, json!({"note": "again"})).await.expect(409).code(), "exception_resolved");
        assert_eq!(server.get("/exceptions?filter=status=open").await.json()["meta"]["total"], 0);
        nothing_is_off(&world);
    }

    async fn refunds_go_both_ways(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let network = json!({"stan": "112233", "rrn": "300123456789", "transactionId": "T1"});
        let paid = pay(&server, &card, json!(60), json!({"merchant": cafe(), "network": network})).await;
        let posted = about(&server, &paid, "clear", json!({"network": network})).await.expect(201).data();
        // The same trace numbers on another kind of message are another message.
        let refund = json!({"transactionId": posted["_id"], "amount": 12.5, "network": network});
        let refunded = server.post("/simulator/refunds", refund.clone()).await.expect(201).data();
        assert_members(&refunded, json!({
            "amount": 12.5, "merchantAmount": 12.5, "fee": 0, "vat": 0, "type": "refund", "currency": "USD",
            "originalTransactionId": posted["_id"], "authorizationId": paid["_id"], "merchant": cafe(),
            "transactionMetadata": {"channel": "web", "type": "refund", "reference": "300123456789"},
        }));
        assert_members(&refunded["metadata"], json!({
            "eventType": "transaction.refund", "authorization": paid["_id"], "feeDetails": [], "reference": "300123456789",
        }));
        assert_eq!(server.post("/simulator/refunds", refund).await.expect(201).data(), refunded, "posts once");
        assert_eq!(money(&server, &card).await, (json!(52.5), json!(52.5)));
        let received = &events(&server, &card, "transaction.refund", 1).await[0]["data"];
        assert_members(received, json!({
            "eventType": "transaction.refund", "cardId": card, "transaction": refunded,
            "refund": {"authorization": paid["_id"], "feeDetails": [], "reference": "300123456789"},
        }));
        let original = server.get(&format!("/transactions/{}", text(&posted, "_id"))).await.expect(200).data();
        assert_eq!(original["refundedAmount"], 12.5);

        let of_refund = server.post("/simulator/refunds", json!({"transactionId": refunded["_id"]})).await.expect(422);
        assert_eq!(of_refund.code(), "not_refundable");
        let reverse = format!("/simulator/refunds/{}/reverse", text(&refunded, "_id"));
        let reversed = server.request("POST", &reverse).send().await.expect(201).data();
        assert_members(&reversed, json!({"amount": -12.5, "type": "refund_reversal", "originalTransactionId": refunded["_id"]}));
        assert_eq!(server.request("POST", &reverse).send().await.expect(409).code(), "refund_reversed");
        let reverse = format!("/simulator/refunds/{}/reverse", text(&posted, "_id"));
        assert_eq!(server.request("POST", &reverse).send().await.expect(422).code(), "not_refundable");
        assert_eq!(money(&server, &card).await.0, 40);
        let whole = server.post("/simulator/refunds", json!({"transactionId": posted["_id"]})).await.expect(201).data();
        assert_eq!(whole["amount"], 60);
        let unlinked = json!({"cardId": card, "amount": 5, "merchant": cafe()});
        let unlinked = server.post("/simulator/refunds", unlinked).await.expect(201).data();
        assert_members(&unlinked, json!({"amount": 5, "type": "refund", "originalTransactionId": null, "authorizationId": null}));
        assert_eq!(money(&server, &card).await, (json!(105), json!(105)));
        nothing_is_off(&world);
    }

    async fn what_comes_twice_or_too_early(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let network = json!({"stan": "1", "rrn": "2", "transactionId": "T1"});
        let first = pay(&server, &card, json!(30), json!({"network": network})).await;
        assert_eq!(pay(&server, &card, json!(30), json!({"network": network})).await["_id"], first["_id"], "the same message");
        let other = pay(&server, &card, json!(31), json!({"network": network})).await;
        assert_eq!(other["reason"], "duplicate", "another message with its transaction id");
        let clear = json!({"amount": 10, "final": false, "network": {"stan": "77", "rrn": "88"}});
        let posted = about(&server, &first, "clear", clear.clone()).await.expect(201).data();
        assert_eq!(money(&server, &card).await, (json!(90), json!(70)));
        server.post("/simulator/clock", json!({"advanceSeconds": 7 * 86_400 + 60})).await.expect(200);
        assert_eq!(about(&server, &first, "clear", clear).await.expect(201).data()["_id"], posted["_id"]);
        assert_eq!(money(&server, &card).await.0, 90, "a clearing sent again a week later posts once");
        assert_eq!(server.get("/transactions").await.json()["meta"]["total"], 1);

        let hotel = pay(&server, &card, json!(20), json!({"merchant": {"category": "7011"}})).await;
        for (what, held) in [("increment", 25), ("reverse", 20)] {
            let message = json!({"amount": 5, "network": {"stan": "91", "rrn": "92"}});
            for _ in 0..2 {
                let received = about(&server, &hotel, what, message.clone()).await.expect(200).data();
                assert_eq!(received["heldAmount"], held, "{what}: the same message again");
            }
        }
        about(&server, &hotel, "reverse", json!({})).await.expect(200);

        let early = json!({"transactionId": "T2"});
        let early = server.post("/simulator/reversals", early).await.expect(200);
        assert_eq!(early.data(), Value::Null);
        assert_eq!(exceptions(&server).await[0]["type"], "unmatched_reversal");
        let voided = pay(&server, &card, json!(5), json!({"network": {"transactionId": "T2"}})).await;
        assert_members(&voided, json!({"status": "reversed", "heldAmount": 0, "reversedAmount": 5}));
        assert_eq!(steps(&voided), ["approved", "voided"]);
        let third = pay(&server, &card, json!(5), json!({"network": {"transactionId": "T3"}})).await;
        let back = server.post("/simulator/reversals", json!({"transactionId": "T3"})).await.expect(200).data();
        assert_eq!((&back["_id"], &back["status"]), (&third["_id"], &json!("reversed")));

        let advised = json!({"cardId": card, "amount": 150, "merchant": cafe()});
        let advised = server.post("/simulator/advices", advised).await.expect(201).data();
        assert_members(&advised, json!({"status": "approved", "standIn": true, "heldAmount": 150}));
        assert_eq!(steps(&advised), ["advised"]);
        assert_eq!(money(&server, &card).await, (json!(90), json!(-60)), "somebody else decided");
        let refused = server.post("/simulator/advices", json!({"cardId": card, "amount": 1, "approved": false})).await;
        assert_members(&refused.expect(201).data(), json!({"status": "declined", "standIn": true}));
        nothing_is_off(&world);
    }

    async fn a_tip_and_several_clearings(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = id(&issued(&server, 1000, json!({"amount": 100})).await.2).to_owned();
        let dinner = pay(&server, &card, json!(40), json!({"merchant": cafe()})).await;
        let tip = about(&server, &dinner, "clear", json!({"amount": 48})).await.expect(201).data();
        assert_eq!(tip["amount"], -48);
        assert_eq!(exceptions(&server).await[0]["type"], "over_clearing");
        let order = pay(&server, &card, json!(30), json!({})).await;
        for amount in [10, 15] {
            about(&server, &order, "clear", json!({"amount": amount, "final": false})).await.expect(201);
        }
        assert_eq!(money(&server, &card).await, (json!(27), json!(22)));
        about(&server, &order, "clear", json!({"amount": 2})).await.expect(201);
        let ended = server.get(&format!("/authorizations/{}", text(&order, "_id"))).await.expect(200).data();
        assert_members(&ended, json!({"status": "closed", "clearedAmount": 27, "heldAmount": 0}));
        assert_eq!(money(&server, &card).await, (json!(25), json!(25)));
        server.delete(&format!("/cards/{card}")).await.expect(200);
        let late = about(&server, &order, "clear", json!({"amount": 3})).await.expect(201).data();
        assert_eq!(late["cardId"], card);
        nothing_is_off(&world);
    }

    async fn fees_of_the_programme_are_held_charged_and_given_back(backend: Backend) {
        let world = World::new(backend).await;
        let terms = "[program]\nrefund_fees = true\n\n[[program.fees]]\ncurrency = \"USD\"\nfixed = \"0.25\"\n\
                     percent = \"1\"\nvat_percent = \"10\"\n";
        std::fs::write(world.dir.path().join("paygen.toml"), terms).expect("the settings");
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let paid = pay(&server, &card, json!(25), json!({"merchant": cafe()})).await;
        assert_members(&paid, json!({"approvedAmount": 25, "fee": 0.5, "vat": 0.05, "heldAmount": 25.55}));
        assert_eq!(pay(&server, &card, json!(74.45), json!({})).await["reason"], "insufficient_funds", "fees count");
        let posted = about(&server, &paid, "clear", json!({})).await.expect(201).data();
        assert_members(&posted, json!({"amount": -25, "fee": 0.5, "vat": 0.05}));
        assert_eq!(money(&server, &card).await, (json!(74.45), json!(74.45)));
        let back = server.post("/simulator/refunds", json!({"transactionId": posted["_id"]})).await.expect(201).data();
        assert_members(&back, json!({"amount": 25, "fee": -0.5, "vat": -0.05}));
        let details = json!([{"name": "fee", "amount": 0.5}, {"name": "vat", "amount": 0.05}]);
        assert_eq!(back["metadata"]["feeDetails"], details);
        assert_eq!(money(&server, &card).await, (json!(100), json!(100)));
        nothing_is_off(&world);
    }
}
