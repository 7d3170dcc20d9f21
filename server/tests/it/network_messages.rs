//! Messages of the network from the outside: identified by their content, held once, priced in parts, kept until they
//! can be priced; and money of ended cards, which stays available.

use serde_json::{Value, json};

use crate::authorizations::{a_funded_card, assert_members, money, pay};
use crate::cards::{id, issued};
use crate::on_both_stores;
use crate::world::{Backend, Server, World};

async fn call(server: &Server, path: &str, body: Value) -> Value {
    let reply = server.post(path, body).await;
    assert!(reply.status < 300, "{path}: {}", reply.text);
    reply.data()
}

async fn on(server: &Server, authorization: &Value, verb: &str, body: Value) -> Value {
    call(server, &format!("/simulator/authorizations/{}/{verb}", id(authorization)), body).await
}

/// The types of a card's open exceptions, oldest first, with their ids.
async fn exceptions(server: &Server, card: &str) -> Vec<(String, String)> {
    let path = format!("/exceptions?sort=createdAt&filter=cardId={card}%26status=open");
    let all = server.get(&path).await.expect(200).data();
    let all = all.as_array().expect("a list").clone();
    all.iter().map(|one| (one["type"].as_str().expect("a type").to_owned(), id(one).to_owned())).collect()
}

async fn kinds(server: &Server, card: &str) -> Vec<String> {
    exceptions(server, card).await.into_iter().map(|(kind, _)| kind).collect()
}

on_both_stores! {
    async fn messages_with_the_same_numbers_are_distinguished(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (card, other) = (a_funded_card(&server, 100).await, a_funded_card(&server, 100).await);
        let numbers = json!({"transactionId": "toll-1", "stan": "000123", "rrn": "77"});
        let forced = |card: &str, amount: i64| json!({"cardId": card, "amount": amount, "network": numbers});
        let path = "/simulator/force-posts";
        let first = call(&server, path, forced(&card, 3)).await;
        assert_eq!(call(&server, path, forced(&card, 3)).await["_id"], first["_id"], "the same again");
        let second = call(&server, path, forced(&card, 4)).await;
        assert_ne!(second["_id"], first["_id"]);
        assert_eq!(call(&server, path, forced(&card, 4)).await["_id"], second["_id"]);
        let third = call(&server, path, forced(&other, 3)).await;
        assert_members(&third, json!({"cardId": other, "amount": -3}));
        assert_eq!((money(&server, &card).await.0, money(&server, &other).await.0), (json!(93), json!(97)));
        assert_eq!(kinds(&server, &card).await, ["force_post", "numbers_reused", "force_post"].map(String::from));

        let paid = pay(&server, &card, json!(30), json!({})).await;
        let part = |amount: i64| json!({"amount": amount, "final": false, "network": {"stan": "5"}});
        let captures = [on(&server, &paid, "clear", part(10)).await, on(&server, &paid, "clear", part(12)).await];
        assert_eq!(on(&server, &paid, "clear", part(10)).await["_id"], captures[0]["_id"]);
        assert_eq!(money(&server, &card).await.0, json!(71));
        let refund = |amount: i64| json!({"transactionId": id(&captures[1]), "amount": amount, "network": {"stan": "9"}});
        call(&server, "/simulator/refunds", refund(2)).await;
        call(&server, "/simulator/refunds", refund(3)).await;
        call(&server, "/simulator/refunds", refund(3)).await;
        assert_eq!(money(&server, &card).await.0, json!(76));
    }

    async fn a_transaction_is_held_for_once(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let advice = |amount: i64, network: Value| json!({"cardId": card, "amount": amount, "network": network});
        let mut ids = Vec::new();
        for _ in 0..3 {
            let made = call(&server, "/simulator/advices", advice(10, json!({"transactionId": "A", "stan": "1"}))).await;
            ids.push(id(&made).to_owned());
        }
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(money(&server, &card).await.1, json!(90), "ten are held once");
        // An authorization and advices of one transaction.
        let paid = pay(&server, &card, json!(20), json!({"network": {"transactionId": "B"}})).await;
        let advised = call(&server, "/simulator/advices", advice(24, json!({"transactionId": "B", "stan": "2"}))).await;
        assert_members(&advised, json!({"_id": paid["_id"], "heldAmount": 24, "approvedAmount": 24, "standIn": true}));
        let again = pay(&server, &card, json!(20), json!({"network": {"transactionId": "B"}})).await;
        assert_eq!(again["_id"], paid["_id"], "the request again is answered by what became of it");
        assert_eq!(money(&server, &card).await.1, json!(66));
        // Declined here, approved by the network: the network's approval counts.
        let declined = pay(&server, &card, json!(500), json!({"network": {"transactionId": "C"}})).await;
        assert_members(&declined, json!({"status": "declined", "reason": "insufficient_funds"}));
        let advised = call(&server, "/simulator/advices", advice(500, json!({"transactionId": "C"}))).await;
        assert_members(&advised, json!({"status": "approved", "heldAmount": 500}));
        let taken = call(&server, "/simulator/reversals", json!({"transactionId": "C"})).await;
        assert_members(&taken, json!({"_id": advised["_id"], "status": "reversed"}));
    }

    async fn a_reversal_that_comes_early_takes_back_what_it_says(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let early = |amount: i64, stan: &str| json!({"transactionId": "early", "amount": amount, "stan": stan});
        for (amount, stan) in [(4, "1"), (4, "1"), (1, "2")] {
            assert_eq!(call(&server, "/simulator/reversals", early(amount, stan)).await, Value::Null);
        }
        let paid = pay(&server, &card, json!(10), json!({"network": {"transactionId": "early"}})).await;
        assert_members(&paid, json!({"status": "approved", "heldAmount": 5, "reversedAmount": 5}));
        assert_eq!(money(&server, &card).await, (json!(100), json!(95)));
        let posted = on(&server, &paid, "clear", json!({})).await;
        assert_members(&posted, json!({"amount": -5}));
    }

    async fn a_reversal_concurrent_with_its_authorization_counts_in_either_order(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        for round in 0..30 {
            let transaction = format!("race-{round}");
            let reversal = json!({"transactionId": transaction, "amount": 3, "stan": "1"});
            let more = json!({"network": {"transactionId": transaction}});
            let (paid, _) = tokio::join!(
                pay(&server, &card, json!(10), more),
                call(&server, "/simulator/reversals", reversal),
            );
            let now = server.get(&format!("/authorizations/{}", id(&paid))).await.expect(200).data();
            assert_members(&now, json!({"heldAmount": 7, "reversedAmount": 3}));
            on(&server, &paid, "reverse", json!({})).await;
        }
        assert_eq!(money(&server, &card).await, (json!(100), json!(100)));
    }

    async fn a_dry_run_of_the_clock_leaves_the_ids_alone(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let before = server.account("Before", 0).await;
        server.post("/simulator/clock?dryRun=true", json!({"setTo": "2150-01-01T00:00:00Z"})).await.expect(200);
        let after = server.account("After", 0).await;
        let seconds = |id: &str| u32::from_str_radix(&id[..8], 16).expect("hex");
        assert!(seconds(&after) - seconds(&before) < 60, "{before} {after}");
    }

    async fn parts_add_up_and_say_what_they_are(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let paid = pay(&server, &card, json!(1000), json!({"currency": "JPY", "rate": 0.0065})).await;
        let mut amounts = Vec::new();
        for amount in [333, 333, 334] {
            amounts.push(on(&server, &paid, "clear", json!({"amount": amount, "final": false})).await["amount"].clone());
        }
        assert_eq!(amounts, [json!(-2.16), json!(-2.17), json!(-2.17)]);
        let closed = server.get(&format!("/authorizations/{}", id(&paid))).await.expect(200).data();
        assert_members(&closed, json!({"status": "closed", "heldAmount": 0, "clearedAmount": 6.5}));
        // The remainder of a refund is stated in the answer and in the event.
        let paid = pay(&server, &card, json!(13), json!({})).await;
        let posted = on(&server, &paid, "clear", json!({})).await;
        call(&server, "/simulator/refunds", json!({"transactionId": id(&posted), "amount": 5})).await;
        let rest = call(&server, "/simulator/refunds", json!({"transactionId": id(&posted)})).await;
        assert_members(&rest, json!({"amount": 8, "merchantAmount": 8}));
        let events = crate::authorizations::events(&server, &card, "transaction.refund", 2).await;
        assert_eq!(events[1]["data"]["transaction"]["merchantAmount"], json!(8));
        let more = server.post("/simulator/refunds", json!({"transactionId": id(&posted)})).await;
        assert_eq!((more.status, more.code().as_str()), (409, "already_refunded"));
    }

    async fn what_has_no_price_waits_for_one(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let forced = json!({"cardId": card, "amount": 5, "currency": "EUR", "network": {"transactionId": "E1"}});
        for _ in 0..2 {
            assert_eq!(call(&server, "/simulator/force-posts", forced.clone()).await, Value::Null);
        }
        let open = exceptions(&server, &card).await;
        assert_eq!(open.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["unpriced"]);
        let resolve = format!("/exceptions/{}/resolve", open[0].1);
        let refused = server.post(&resolve, json!({"note": "?"})).await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "resolution_mismatch"), "{}", refused.text);
        assert_eq!(refused.pointers(), ["/rate"]);
        let resolved = call(&server, &resolve, json!({"note": "the day's rate", "rate": 1.2})).await;
        assert_members(&resolved, json!({"status": "resolved", "waits": false}));
        let posted = call(&server, "/simulator/force-posts", forced).await;
        assert_members(&posted, json!({"_id": resolved["transactionId"], "amount": -6, "merchantAmount": -5}));
        assert_eq!(money(&server, &card).await.0, json!(94));
        // With its own rate or billing amount it needs no review.
        let with = json!({"cardId": card, "amount": 5, "currency": "EUR", "billingAmount": 7});
        assert_members(&call(&server, "/simulator/force-posts", with).await, json!({"amount": -7}));
        // An advice is pending meanwhile, and holds its amount once it has a price.
        let advice = json!({"cardId": card, "amount": 10, "currency": "EUR", "network": {"transactionId": "E2"}});
        let pending = call(&server, "/simulator/advices", advice).await;
        assert_members(&pending, json!({"status": "pending", "heldAmount": 0, "merchantAmount": 10}));
        let waiting = exceptions(&server, &card).await;
        let (_, waiting) = waiting.iter().find(|(kind, _)| kind == "unpriced").expect("it is listed").clone();
        call(&server, &format!("/exceptions/{waiting}/resolve"), json!({"note": "billed", "billingAmount": 11})).await;
        let held = server.get(&format!("/authorizations/{}", id(&pending))).await.expect(200).data();
        assert_members(&held, json!({"status": "approved", "heldAmount": 11}));
        // A zero amount is not approved.
        let path = "/simulator/authorizations";
        for (body, code) in [
            (json!({"cardId": card, "amount": 10, "currency": "EUR", "billingAmount": 0}), "amount_not_positive"),
            (json!({"cardId": card, "amount": 1, "billingAmount": 0.01}), "billing_amount_mismatch"),
            (json!({"cardId": card, "amount": 1, "rate": 2}), "billing_amount_mismatch"),
        ] {
            let reply = server.post(path, body.clone()).await;
            assert_eq!((reply.status, reply.code().as_str()), (400, code), "{body}: {}", reply.text);
        }
    }

    async fn a_refund_of_more_than_the_rest_waits_for_an_operator(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let card = a_funded_card(&server, 100).await;
        let paid = pay(&server, &card, json!(50), json!({})).await;
        let posted = on(&server, &paid, "clear", json!({})).await;
        for _ in 0..16 {
            call(&server, "/simulator/refunds", json!({"transactionId": id(&posted), "amount": 50})).await;
        }
        assert_eq!(money(&server, &card).await.0, json!(100), "one of sixteen is given");
        let open = exceptions(&server, &card).await;
        assert!(open.len() == 15 && open.iter().all(|(kind, _)| kind == "over_refund"), "{open:?}");
        let resolve = format!("/exceptions/{}/resolve", open[0].1);
        let resolved = call(&server, &resolve, json!({"note": "the merchant meant it"})).await;
        assert!(resolved["transactionId"].is_string(), "{resolved}");
        assert_eq!(money(&server, &card).await.0, json!(150));
    }

    async fn limits_remember_what_was_given_back(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let limit = json!([{"amount": 60, "interval": "daily"}]);
        let controls = json!({"amount": 100, "spendingControls": {"spendingLimits": limit}});
        let (_, _, card) = issued(&server, 1000, controls).await;
        let card = id(&card);
        let given = call(&server, "/simulator/refunds", json!({"cardId": card, "amount": 50})).await;
        call(&server, &format!("/simulator/refunds/{}/reverse", id(&given)), json!({})).await;
        let limits = server.get(&format!("/cards/{card}/limits")).await.expect(200).data();
        assert_eq!(limits[0]["used"], json!(0), "{limits}");
        assert_eq!(pay(&server, card, json!(60), json!({})).await["status"], "approved");
    }

    async fn a_force_post_is_a_payment(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (_, _, card) = issued(&server, 1000, json!({"amount": 100, "cancelAfter": {"payments": 1}})).await;
        let card = id(&card);
        call(&server, "/simulator/force-posts", json!({"cardId": card, "amount": 5})).await;
        let refused = pay(&server, card, json!(1), json!({})).await;
        assert_members(&refused, json!({"status": "declined", "reason": "card_canceled"}));
    }

    async fn padding_is_no_part_of_a_merchants_id(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let controls = json!({"amount": 100, "spendingControls": {"blockedMerchants": ["MID9"]}});
        let (_, _, card) = issued(&server, 1000, controls).await;
        for merchant in ["MID9", "MID9   ", "  MID9"] {
            let paid = pay(&server, id(&card), json!(1), json!({"merchant": {"merchantId": merchant}})).await;
            assert_members(&paid, json!({"status": "declined", "reason": "merchant_not_allowed"}));
        }
    }

    async fn an_account_stays_open_for_what_its_ended_cards_await(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let (account, _, card) = issued(&server, 1000, json!({"amount": 100})).await;
        let card = id(&card).to_owned();
        let next = server.account("Next", 0).await;
        let paid = pay(&server, &card, json!(20), json!({})).await;
        server.delete(&format!("/cards/{card}")).await.expect(200);
        let move_all = |amount: i64| json!({"fromAccountId": account, "toAccountId": next, "amount": amount});
        server.post("/transfers", move_all(980)).await.expect(201);
        let close = format!("/accounts/{account}");
        let refused = server.delete(&close).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "account_in_use"), "{}", refused.text);
        assert!(refused.text.contains("1 of its canceled cards have holds or owe money"), "{}", refused.text);
        on(&server, &paid, "reverse", json!({})).await;
        assert_eq!(server.balance(&account).await, 20.0, "what was held came back");
        server.post("/transfers", move_all(20)).await.expect(201);
        server.delete(&close).await.expect(200);

        // Later money waits in suspense, and is paid out once by a call of those with the right.
        let late = call(&server, "/simulator/refunds", json!({"cardId": card, "amount": 7})).await;
        assert_eq!(late["amount"], json!(7));
        let open = exceptions(&server, &card).await;
        assert_eq!(open.len(), 1, "{open:?}");
        let resolve = format!("/exceptions/{}/resolve", open[0].1);
        let noted = server.post(&resolve, json!({"note": "?"})).await;
        assert_eq!((noted.status, noted.code().as_str()), (400, "resolution_mismatch"));
        let scopes = json!({"name": "operations", "scopes": ["authorizations:write"]});
        let key = server.post("/api-keys", scopes).await.expect(201).data()["key"].as_str().expect("a key").to_owned();
        let body = json!({"note": "to the next account", "accountId": next});
        let owner = std::mem::replace(&mut server.key, key);
        let weak = server.post(&resolve, body.clone()).await;
        server.key = owner;
        assert_eq!((weak.status, weak.code().as_str()), (403, "scope_missing"), "{}", weak.text);
        let resolved = call(&server, &resolve, body.clone()).await;
        assert!(resolved["entryId"].is_string(), "{resolved}");
        assert_eq!(server.balance(&next).await, 1007.0);
        let again = server.post(&resolve, body).await;
        assert_eq!((again.status, again.code().as_str()), (409, "exception_resolved"));
    }

    async fn what_an_ended_card_owes_can_be_paid(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (account, _, card) = issued(&server, 100, json!({"amount": 100})).await;
        let card = id(&card).to_owned();
        call(&server, "/simulator/force-posts", json!({"cardId": card, "amount": 130})).await;
        server.delete(&format!("/cards/{card}")).await.expect(200);
        assert_eq!(money(&server, &card).await.0, json!(-30));
        let refused = server.delete(&format!("/accounts/{account}")).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "account_in_use"));
        let payer = server.account("Payer", 100).await;
        let fund = |amount: i64| json!({"debitAccountId": payer, "amount": amount});
        let path = format!("/cards/{card}/fund");
        let much = server.post(&path, fund(31)).await;
        assert_eq!((much.status, much.code().as_str()), (422, "more_than_owed"), "{}", much.text);
        server.post(&path, fund(30)).await.expect(200);
        assert_eq!(money(&server, &card).await.0, json!(0));
        server.delete(&format!("/accounts/{account}")).await.expect(200);
        let over = server.post(&path, fund(1)).await;
        assert_eq!((over.status, over.code().as_str()), (409, "card_canceled"));
    }
}
