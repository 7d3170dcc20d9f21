//! Transfers and their reversal.

use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, World};

on_both_stores! {
    async fn money_moves_and_comes_back(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (from, to) = (server.account("From", 100).await, server.account("To", 0).await);
        let transfer = json!({
            "fromAccountId": from, "toAccountId": to, "amount": 40.25, "reference": "inv-1", "narration": "Invoice 1",
            "metadata": {"order": 7},
        });
        let made = server.post("/transfers", transfer).await.expect(201);
        assert_eq!(made.json()["message"], "Transfer created successfully.");
        let id = made.id();
        assert_eq!(made.data()["metadata"]["order"], 7);
        assert_eq!((server.balance(&from).await, server.balance(&to).await), (59.75, 40.25));

        let path = format!("/transfers/{id}/reverse");
        let partly = server.post(&path, json!({"amount": 10, "reason": "discount"})).await.expect(200).data();
        assert_eq!((&partly["status"], &partly["reversedAmount"]), (&json!("partially_reversed"), &json!(10)));
        let too_much = server.post(&path, json!({"amount": 30.26})).await.expect(422);
        assert_eq!(too_much.code(), "reversal_too_large");
        let rest = server.post(&path, json!({})).await.expect(200).data();
        assert_eq!(rest["status"], "reversed");
        assert_eq!(server.post(&path, json!({})).await.expect(409).code(), "already_reversed");
        assert_eq!((server.balance(&from).await, server.balance(&to).await), (100.0, 0.0));
        assert_eq!(server.get(&format!("/transfers/{id}")).await.expect(200).data()["status"], "reversed");
    }

    async fn a_transfer_that_breaks_a_rule_does_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (from, to) = (server.account("From", 10).await, server.account("To", 0).await);
        let eur = json!({"ownerType": "user", "name": "E", "type": "savings", "category": "fiat", "currency": "EUR"});
        let eur = server.post("/accounts", eur).await.expect(201).id();
        let idle = server.account("Idle", 0).await;
        server.put(&format!("/accounts/{idle}"), json!({"status": "inactive"})).await.expect(200);
        let no_debit = server.account("No debit", 5).await;
        server.put(&format!("/accounts/{no_debit}"), json!({"canDebit": false})).await.expect(200);
        let no_credit = server.account("No credit", 0).await;
        server.put(&format!("/accounts/{no_credit}"), json!({"canCredit": false})).await.expect(200);
        let nobody = "00000000000000000000abcd".to_owned();
        let cases = [
            (&from, &to, "10.01", 422, "insufficient_funds"),
            (&from, &to, "0", 400, "amount_not_positive"),
            (&from, &to, "-1", 400, "amount_not_positive"),
            (&from, &to, "0.001", 400, "amount_too_precise"),
            (&from, &to, "99999999999999999999", 400, "validation_failed"),
            (&from, &from, "1", 400, "same_account"),
            (&from, &eur, "1", 422, "currency_mismatch"),
            (&from, &idle, "1", 422, "account_inactive"),
            (&no_debit, &to, "1", 422, "debit_not_allowed"),
            (&from, &no_credit, "1", 422, "credit_not_allowed"),
            (&nobody, &to, "1", 404, "account_not_found"),
            (&from, &nobody, "1", 404, "account_not_found"),
        ];
        for (giver, taker, amount, status, code) in cases {
            let body = format!(r#"{{"fromAccountId":"{giver}","toAccountId":"{taker}","amount":{amount}}}"#);
            let reply = server.request("POST", "/transfers").text(body).send().await;
            assert_eq!((reply.status, reply.code().as_str()), (status, code), "{amount}: {}", reply.text);
        }
        assert_eq!(server.get("/transfers").await.json()["meta"]["total"], 0);
        assert_eq!(server.balance(&from).await, 10.0);
    }
}
