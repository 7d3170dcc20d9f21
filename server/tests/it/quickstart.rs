//! The quickstart from nothing, with the published bodies and nothing else.

use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, World};

/// The form fields of the quickstart, as `curl -F` sends them.
const CARD_HOLDER: &[(&str, &str)] = &[
    ("firstName", "Alex"),
    ("lastName", "Johnson"),
    ("email", "alex.johnson@example.com"),
    ("phoneNumber", "+12125550198"),
    ("addressLine1", "210 West 77th Street"),
    ("city", "New York"),
    ("state", "New York"),
    ("postalCode", "10024"),
    ("country", "US"),
];

fn form(fields: &[(&str, &str)]) -> String {
    let part = |(name, value): &(&str, &str)| {
        format!("--boundary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    fields.iter().map(part).collect::<String>() + "--boundary--\r\n"
}

on_both_stores! {
    async fn from_nothing_to_a_revealed_card(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;

        let account = json!({
            "ownerType": "business", "name": "USD Wallet", "type": "checking", "category": "fiat", "currency": "USD",
        });
        let account = server.post("/accounts", account).await.expect(201).id();
        server.post(&format!("/simulator/accounts/{account}/fund"), json!({"amount": 500})).await.expect(200);

        let holder = server.http.post(format!("{}/card-holders", server.url)).header("x-api-key", &server.key);
        let holder = holder.header("content-type", "multipart/form-data; boundary=boundary").body(form(CARD_HOLDER));
        let holder = holder.send().await.expect("an answer");
        let (status, text) = (holder.status().as_u16(), holder.text().await.expect("text"));
        assert_eq!(status, 201, "{text}");
        let holder: serde_json::Value = serde_json::from_str(&text).expect("JSON");

        let card = json!({
            "debitAccountId": account, "cardHolderId": holder["data"]["_id"], "type": "virtual", "brand": "Visa",
            "currency": "USD", "status": "active", "amount": 100,
        });
        let card = server.post("/cards", card).await.expect(201);
        assert_eq!(card.json()["message"], "Card created successfully.");
        let card = card.id();

        let fund = json!({
            "debitAccountId": account, "amount": 25, "paymentReference": "auto-topup-feb-24", "narration": "Card funding",
        });
        let funded = server.post(&format!("/cards/{card}/fund"), fund).await.expect(200);
        assert_eq!(funded.json()["message"], "Card funded successfully.");
        assert_eq!(funded.data()["balance"], 125);
        assert_eq!(server.balance(&account).await, 375.0);

        let token = server.request("POST", &format!("/cards/{card}/token")).send().await.expect(201).data();
        let token = token["token"].as_str().expect("a token");
        let revealed = server.get(&format!("/cards/{card}/reveal?token={token}")).await.expect(200).data();
        for field in ["pan", "cvv"] {
            assert!(revealed[field].is_string(), "{field}");
        }
        for field in ["expiryMonth", "expiryYear"] {
            assert!(revealed[field].is_number(), "{field}");
        }
    }
}
