//! The published account examples, as a client written for the published API sends them.

use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, World};

on_both_stores! {
    async fn the_guide_and_the_reference_work_unchanged(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;

        let reference = json!({
            "ownerType": "business", "name": "USD Wallet", "type": "checking", "category": "fiat", "currency": "USD",
        });
        let created = server.post("/accounts", reference).await.expect(201);
        let envelope = created.json();
        assert_eq!(envelope["statusCode"], 201);
        assert_eq!(envelope["message"], "Account created successfully.");
        assert!(envelope.get("meta").is_none(), "meta is for lists only");
        let account = created.data();
        for field in ["_id", "ownerType", "client", "name", "type", "category", "status", "currency"] {
            assert!(account[field].is_string(), "{field} in {account}");
        }
        for field in ["ownerId", "network"] {
            assert!(account.as_object().is_some_and(|a| a.contains_key(field)), "{field} in {account}");
        }
        assert_eq!(account["status"], "active");
        assert_eq!(account["balance"], 0);
        assert_eq!((&account["canDebit"], &account["canCredit"]), (&json!(true), &json!(true)));

        let guide = json!({
            "ownerType": "business", "ownerId": "665f1c4f4a4f4a4f4a4f4a4f", "name": "Primary USD Wallet",
            "type": "checking", "category": "fiat", "currency": "USD",
        });
        let id = server.post("/accounts", guide).await.expect(201).id();

        let fetched = server.get(&format!("/accounts/{id}")).await.expect(200);
        assert_eq!(fetched.json()["message"], "Account fetched successfully.");
        assert_eq!(fetched.data()["ownerId"], "665f1c4f4a4f4a4f4a4f4a4f");

        let updated = server.put(&format!("/accounts/{id}"), json!({"name": "Renamed", "canDebit": false})).await;
        let updated = updated.expect(200);
        assert_eq!(updated.json()["message"], "Account updated successfully.");
        assert_eq!((&updated.data()["name"], &updated.data()["canDebit"]), (&json!("Renamed"), &json!(false)));

        let detail = server.post(&format!("/accounts/{id}/details"), json!({"type": "bank_account"})).await.expect(201);
        assert_eq!(detail.json()["message"], "Account detail created successfully.");
        let detail = detail.data();
        assert!(detail["_id"].is_string() && detail["details"].is_object() && detail["isPrimary"].is_boolean());

        let list = server.get("/accounts?page=1&limit=20&sort=-createdAt").await.expect(200).json();
        assert_eq!(list["message"], "Data fetched successfully.");
        assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
        let meta = json!({
            "page": 1, "limit": 20, "total": 2, "pages": 1, "sort": "-createdAt", "fields": null, "search": null,
            "searchIn": null, "filter": null,
        });
        for (name, value) in meta.as_object().expect("an object") {
            assert_eq!(&list["meta"][name], value, "meta.{name}");
        }
    }

    async fn a_second_start_keeps_data_and_key(backend: Backend) {
        let world = World::new(backend).await;
        let mut first = world.start().await;
        let id = first.account("Kept", 5).await;
        assert!(first.stop().success(), "a graceful stop exits with 0");
        let second = world.start().await;
        assert_eq!(second.balance(&id).await, 5.0);
    }
}
