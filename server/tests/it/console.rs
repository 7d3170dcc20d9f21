//! Journeys through the console, without scripts: whoever never saw the API runs the sandbox.

use serde_json::json;

use crate::on_both_stores;
use crate::person::{Page, Person};
use crate::world::{Backend, Server, World};

/// An account with money, a card holder and a card, made in the console; returns their ids.
async fn issue(owner: &mut Person) -> (String, String, String) {
    let account = [
        ("name", "Operating account"),
        ("currency", "USD"),
        ("type", "checking"),
        ("category", "fiat"),
        ("ownerType", "business"),
    ];
    let opened = owner.submit("/console/accounts/new", &account).await;
    opened.says("Account created successfully.");
    let account = opened.id();
    let funded = owner.submit(&format!("/console/accounts/{account}/simulate-funding"), &[("amount", "1000")]).await;
    funded.says("1,000.00 USD");
    let holder = [("person.firstName", "Ada"), ("person.lastName", "Obi"), ("person.email", "ada.obi@example.com")];
    let enrolled = owner.submit("/console/card-holders/new", &holder).await;
    enrolled.says("Ada Obi");
    let holder = enrolled.id();
    let card = [
        ("cardHolderId", holder.as_str()),
        ("debitAccountId", &account),
        ("type", "virtual"),
        ("brand", "Visa"),
        ("status", "active"),
        ("amount", "300"),
        ("spendingControls", r#"{"spendingLimits": [{"amount": "100", "interval": "daily"}]}"#),
    ];
    let issued = owner.submit("/console/cards/new", &card).await;
    issued.says("Card created successfully.");
    issued.says("300.00 USD");
    (account, holder, issued.id())
}

async fn pay(owner: &mut Person, card: &str, amount: &str) -> crate::person::Page {
    let payment = [
        ("cardId", card),
        ("amount", amount),
        ("merchant.name", "Grand Hotel"),
        ("merchant.category", "7011"),
        ("channel", "pos"),
    ];
    owner.submit("/console/simulator/pay", &payment).await
}

async fn begin(world: &World) -> (Server, Person) {
    let server = world.start().await;
    let owner = Person::owner(&server).await;
    (server, owner)
}

on_both_stores! {
    async fn a_person_runs_the_sandbox(backend: Backend) {
        let world = World::new(backend).await;
        let (server, mut owner) = begin(&world).await;
        owner.get("/console").await.says("First steps");
        let (account, holder, card) = issue(&mut owner).await;
        pay(&mut owner, &card, "25").await.says("Approved for 25.00 USD");
        let declined = pay(&mut owner, &card, "180").await;
        declined.says("Declined: spending limit exceeded.");
        declined.says("the amount is at most 75.00 USD");
        declined.says("limits of the card");

        // The decision again with another amount, and with one that is none.
        let path = declined.path.clone();
        owner.get(&format!("{path}?amount=75")).await.says("With these inputs: Approved for 75.00 USD");
        let wrong = owner.get(&format!("{path}?amount=seven&riskScore=300")).await;
        wrong.says("must be an amount in USD");
        wrong.says("from 0 to 100");

        // A frozen card declines; the change says who made it.
        owner.submit(&format!("/console/cards/{card}/freeze"), &[("status", "inactive")]).await.says("Inactive");
        pay(&mut owner, &card, "5").await.says("Declined: card inactive.");
        owner.submit(&format!("/console/cards/{card}/unfreeze"), &[("status", "active")]).await.says("Active");
        let log = server.get("/audit-log?filter=action%3Dcard.update&limit=1").await;
        assert_eq!(log.json()["data"][0]["actor"]["type"], "user", "{}", log.text);

        // Cleared, refunded, and an exception resolved.
        let paid = pay(&mut owner, &card, "40").await;
        let payment = paid.path.split('/').nth(3).expect("an id").to_owned();
        let clear = format!("/console/authorizations/{payment}/clear");
        owner.submit(&clear, &[("amount", ""), ("final", "true")]).await.says("Closed");
        let force = [("cardId", card.as_str()), ("amount", "4.50"), ("merchant.name", "Snacks"), ("channel", "pos")];
        owner.submit("/console/simulator/force-post", &force).await.says("Force post");
        let open = server.get("/exceptions?filter=status%3Dopen").await;
        let exception = open.json()["data"][0]["_id"].as_str().expect("an exception").to_owned();
        let resolve = format!("/console/exceptions/{exception}/resolve");
        owner.submit(&resolve, &[("note", "Confirmed by phone.")]).await.says("Resolved");

        // Every list and object opens, and the search finds by id, last four digits and e-mail.
        for path in ["cards", "card-holders", "accounts", "authorizations", "transactions", "exceptions", "transfers",
            "events", "deliveries", "webhooks", "responders", "programs", "api-keys", "audit-log", "simulator", "approvals"]
        {
            assert_eq!(owner.get(&format!("/console/{path}")).await.status, 200, "{path}");
        }
        assert_eq!(owner.get(&format!("/console/search?q={card}")).await.path, format!("/console/cards/{card}"));
        let last4 = server.get(&format!("/cards/{card}")).await.data()["last4"].as_str().expect("digits").to_owned();
        owner.get(&format!("/console/search?q={last4}")).await.says(&format!("/console/cards/{card}"));
        owner.get("/console/search?q=ada.obi%40example.com").await.says(&format!("/console/card-holders/{holder}"));
        owner.get(&format!("/console/accounts/{account}/entries")).await.says("Card funding");
        owner.get("/console").await.says("Approval rate");
        let csv = owner.get("/console/transactions?csv=1&type=capture").await;
        assert!(csv.headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/csv")), "{}", csv.text);
        assert!(csv.text.contains(&card), "{}", csv.text);
    }

    async fn every_wrong_field_is_named_where_it_stands(backend: Backend) {
        let world = World::new(backend).await;
        let (server, mut owner) = begin(&world).await;
        let wrong = [("name", ""), ("currency", "XXX"), ("type", "checking"), ("category", "fiat"), ("ownerType", "planet")];
        let page = owner.submit("/console/accounts/new", &wrong).await;
        assert_eq!(page.status, 400);
        for field in ["name", "ownerType"] {
            page.says(&format!("href=\"#field-{field}\""));
            page.says(&format!("id=\"{field}-error\""));
        }
        let json = owner.submit("/console/accounts/new", &[("name", "A"), ("metadata", "{x")]).await;
        json.says("This is not JSON");
        // What was typed is still there, as text.
        let quoted = owner.submit("/console/accounts/new", &[("name", "\"><script>alert(1)</script>")]).await;
        assert!(!quoted.text.contains("<script>alert"), "{}", quoted.text);
        assert_eq!(server.get("/accounts").await.json()["meta"]["total"], 0, "nothing is stored");
    }

    async fn what_changed_meanwhile_is_not_overwritten(backend: Backend) {
        let world = World::new(backend).await;
        let (server, mut owner) = begin(&world).await;
        let account = server.account("Before", 100).await;
        let path = format!("/console/accounts/{account}/change");
        let form = owner.get(&path).await;
        server.put(&format!("/accounts/{account}"), json!({"name": "Meanwhile"})).await;
        let (csrf, version, once) = (form.value("csrf"), form.value("version"), form.value("once"));
        let fields = [("csrf", csrf.as_str()), ("version", &version), ("once", &once), ("name", "After"),
            ("status", "active"), ("canDebit", "true"), ("canCredit", "true")];
        let late = owner.post(&path, &fields).await;
        assert_eq!(late.status, 412);
        late.says("Somebody changed it meanwhile.");
        assert_eq!(server.get(&format!("/accounts/{account}")).await.data()["name"], "Meanwhile");
    }

    async fn a_form_that_is_sent_twice_is_done_once(backend: Backend) {
        let world = World::new(backend).await;
        let (server, mut owner) = begin(&world).await;
        let (from, to) = (server.account("From", 100).await, server.account("To", 0).await);
        let form = owner.get("/console/transfers/new").await;
        let (csrf, once) = (form.value("csrf"), form.value("once"));
        let fields = [("csrf", csrf.as_str()), ("once", &once), ("fromAccountId", &from), ("toAccountId", &to), ("amount", "10")];
        let (first, second) = (owner.post("/console/transfers/new", &fields).await, owner.post("/console/transfers/new", &fields).await);
        assert_eq!((first.status, first.path), (200, second.path));
        assert_eq!(server.balance(&to).await, 10.0);
    }

    async fn secrets_are_shown_once_and_numbers_never(backend: Backend) {
        let world = World::new(backend).await;
        let (server, mut owner) = begin(&world).await;
        let (_, _, card) = issue(&mut owner).await;
        let made = owner.submit("/console/api-keys/new", &[("name", "Till"), ("scopes", "cards:read"), ("scopes", "accounts:read")]).await;
        made.says("This is shown once.");
        let at = made.text.find("pgk_test_").expect("the key");
        let key: String = made.text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let with_key = server.request("GET", "/cards").header("x-api-key", &key);
        drop(with_key);
        let id = server.get("/api-keys?filter=name%3DTill").await.json()["data"][0]["_id"].as_str().expect("an id").to_owned();
        assert!(!owner.get(&format!("/console/api-keys/{id}")).await.text.contains(&key));

        let without = owner.submit(&format!("/console/cards/{card}/reveal"), &[("reason", " ")]).await;
        assert_eq!(without.status, 400);
        let revealed = owner.submit(&format!("/console/cards/{card}/reveal"), &[("reason", "The card holder called.")]).await;
        revealed.says("<iframe");
        revealed.says("#token=rvl_");
        let policy = revealed.headers["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.contains(&format!("frame-src {}", server.url)), "{policy}");
        let log = server.get("/audit-log?filter=action%3Dcard.token.issue").await;
        assert_eq!(log.json()["data"][0]["changes"]["reason"], "The card holder called.", "{}", log.text);

        // No page but the frame's own shows a number.
        let token = revealed.text.split("#token=").nth(1).and_then(|rest| rest.split('"').next()).expect("a token");
        let number = server.request("POST", &format!("/cards/{card}/page/reveal")).header("origin", &server.url)
            .json(json!({"token": token, "origin": owner.base})).send().await;
        assert_eq!(number.status, 200, "{}", number.text);
        let pan = number.data()["pan"].as_str().or(number.data()["number"].as_str()).expect("a number").replace(' ', "");
        for path in ["/console".to_owned(), format!("/console/cards/{card}"), "/console/audit-log".to_owned(), "/console/events".to_owned()] {
            assert!(!owner.get(&path).await.text.contains(&pan), "{path}");
        }
        let logged = std::fs::read_to_string(world.data_dir().join("stderr.log")).expect("the log");
        for secret in [pan.as_str(), &key, token] {
            assert!(!logged.contains(secret), "the log has a secret");
        }
    }
    async fn a_form_that_was_refused_can_be_sent_again(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let mut owner = Person::owner(&server).await;
        let account = server.account("Before", 100).await;
        let path = format!("/console/accounts/{account}/change");
        let send = async |owner: &mut Person, form: &Page, name: &str| {
            let hidden = ["csrf", "version", "once"].map(|field| (field, form.value(field)));
            let mut fields: Vec<(&str, &str)> = hidden.iter().map(|(field, value)| (*field, value.as_str())).collect();
            fields.extend([("name", name), ("status", "active"), ("canDebit", "true"), ("canCredit", "true"), ("metadata", "{}")]);
            owner.post(&path, &fields).await
        };
        let form = owner.get(&path).await;
        server.put(&format!("/accounts/{account}"), json!({"name": "Meanwhile"})).await.expect(200);
        let refused = send(&mut owner, &form, "Mine").await;
        assert_eq!(refused.status, 412);
        refused.says("Somebody changed it meanwhile.");
        send(&mut owner, &refused, "Mine").await.says("Mine");
        assert_eq!(server.get(&format!("/accounts/{account}")).await.data()["name"], "Mine");

        // Back in the browser, the form has the key of what was sent.
        let form = owner.get(&path).await;
        send(&mut owner, &form, "First").await.says("First");
        let reused = send(&mut owner, &form, "Second").await;
        assert_eq!(reused.status, 409);
        reused.says("This form was sent before, with other values.");

        // A comma may be a decimal point somewhere, so it is refused.
        let to = server.account("To", 0).await;
        let fields = [("fromAccountId", account.as_str()), ("toAccountId", &to), ("amount", "1,5")];
        assert_eq!(owner.submit("/console/transfers/new", &fields).await.status, 400);
        assert_eq!(server.balance(&to).await, 0.0);
        let fields = [("fromAccountId", account.as_str()), ("toAccountId", &to), ("amount", "15")];
        owner.submit("/console/transfers/new", &fields).await.says("15.00 USD");

        let long = "x".repeat(300_000);
        let page = owner.submit("/console/transfers/new", &[("narration", &long)]).await;
        assert_eq!(page.status, 413);
        page.says("This is too long");
    }
}
