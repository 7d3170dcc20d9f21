//! The examples of the contract, recorded: one scenario that makes every call of the API with a body, and the server's
//! answers. `PAYGEN_RECORD=1` writes them to `api/src/recorded.json`; without it the answers are compared with the
//! recorded ones, on both stores.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::guides::compare;
use crate::on_both_stores;
use crate::person::Person;
use crate::receiver::{Answer, Receiver};
use crate::webhooks::{start, until};
use crate::world::{Backend, Form, Reply, Server, World};

/// A small PDF.
pub const PDF: &[u8] =
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n\
    trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../api/src/recorded.json")
}

/// Makes calls and records requests and answers.
struct Book<'a> {
    server: &'a Server,
    /// Replaces the receiver's address.
    receiver: &'a str,
    examples: BTreeMap<String, Value>,
}

impl Book<'_> {
    fn keep(&mut self, operation: &str, request: Option<Value>, reply: &Reply) -> Value {
        assert!((200..300).contains(&reply.status), "{operation}: {} {}", reply.status, reply.text);
        let response = reply.json();
        let mut example = json!({"status": reply.status, "response": response});
        if let Some(request) = request {
            example["request"] = request;
        }
        self.shorten(&mut example);
        let known = self.examples.insert(operation.to_owned(), example);
        assert!(known.is_none(), "{operation} has two examples");
        response["data"].clone()
    }

    /// Addresses and secrets of a run are replaced, and long lists are cut.
    fn shorten(&self, value: &mut Value) {
        match value {
            // Tools that read the contract would follow a reference in an example.
            Value::Object(members) if members.contains_key("$ref") => *value = json!({"…": "…"}),
            Value::Object(members) => {
                for (name, value) in members.iter_mut() {
                    if let (Some(secret), Value::String(text)) = (placeholder(name, value), &mut *value) {
                        *text = secret;
                    }
                    self.shorten(value);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|one| self.shorten(one)),
            Value::String(text) if text.contains(self.receiver) => {
                *text = text.replace(self.receiver, "https://example.com");
            }
            _ => {}
        }
    }

    /// A form: its texts are shown.
    async fn form(&mut self, operation: &str, path: &str, texts: &[(&str, &str)], files: &[(&str, &[u8])]) -> Value {
        let form = texts.iter().fold(Form::default(), |form, (name, value)| form.text(name, value));
        let form = files.iter().fold(form, |form, (name, content)| form.file(name, "application/pdf", content));
        let reply = self.server.request("POST", path).form(form).send().await;
        assert!((200..300).contains(&reply.status), "{operation}: {}", reply.text);
        if !self.examples.contains_key(operation) {
            self.keep(operation, None, &reply);
        }
        let texts = texts.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
        let files = files.iter().map(|(name, _)| ((*name).to_owned(), json!("@passport.pdf")));
        let shown: Map<String, Value> = texts.chain(files).collect();
        self.examples.get_mut(operation).expect("it is kept")["form"] = Value::Object(shown);
        reply.data()
    }

    async fn get(&mut self, operation: &str, path: &str) -> Value {
        let reply = self.server.get(path).await;
        self.keep(operation, None, &reply)
    }

    async fn delete(&mut self, operation: &str, path: &str) -> Value {
        let reply = self.server.delete(path).await;
        self.keep(operation, None, &reply)
    }

    async fn post(&mut self, operation: &str, path: &str, body: Value) -> Value {
        let reply = self.server.post(path, body.clone()).await;
        self.keep(operation, Some(body), &reply)
    }

    async fn put(&mut self, operation: &str, path: &str, body: Value) -> Value {
        let reply = self.server.put(path, body.clone()).await;
        self.keep(operation, Some(body), &reply)
    }

    /// A write without a body.
    async fn act(&mut self, operation: &str, path: &str) -> Value {
        let reply = self.server.request("POST", path).send().await;
        self.keep(operation, None, &reply)
    }
}

/// Replaces a secret.
fn placeholder(name: &str, value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let fixed = match name {
        "key" if text.starts_with("pgk_test_") => "pgk_test_4xampleOfAnApiKey000000000000000000000000",
        "secret" if text.starts_with("whsec_") => "whsec_ZXhhbXBsZSBvZiBhIHdlYmhvb2sgc2VjcmV0Li4=",
        "link" if text.starts_with("/console/link/") => "/console/link/665f1c4f4a4f4a4f4a4f4a4f.exampleOfASecret",
        "token" if text.starts_with("ey") => "eyJhbGciOiJFUzI1NiIsImtpZCI6ImV4YW1wbGUifQ.e30.ZXhhbXBsZQ",
        _ => return None,
    };
    Some(fixed.to_owned())
}

fn id(data: &Value) -> String {
    data["_id"].as_str().unwrap_or_else(|| panic!("no _id in {data}")).to_owned()
}

async fn accounts(book: &mut Book<'_>) -> String {
    let wallet = json!({
        "ownerType": "business", "name": "USD Wallet", "type": "checking", "category": "fiat", "currency": "USD",
    });
    let account = id(&book.post("createAccount", "/accounts", wallet).await);
    let funding = format!("/simulator/accounts/{account}/fund");
    book.post("simulateFunding", &funding, json!({"amount": 1000})).await;
    let reserve = json!({
        "ownerType": "business", "name": "Reserve", "type": "savings", "category": "fiat", "currency": "USD",
    });
    let reserve = book.server.post("/accounts", reserve).await.expect(201).id();
    let transfer = json!({
        "fromAccountId": account, "toAccountId": reserve, "amount": 49.99, "reference": "reserve-2026-04",
        "narration": "Monthly reserve",
    });
    let transfer = id(&book.post("createTransfer", "/transfers", transfer).await);
    let path = format!("/transfers/{transfer}");
    book.post("reverseTransfer", &format!("{path}/reverse"), json!({"amount": 9.99, "reason": "Too much"})).await;
    book.get("getTransfer", &path).await;
    book.get("listTransfers", "/transfers?limit=1").await;

    let path = format!("/accounts/{account}");
    let changes = json!({"name": "USD operating account", "spendingLimits": [{"amount": 5000, "interval": "weekly"}]});
    book.put("updateAccount", &path, changes).await;
    book.get("getAccountLimits", &format!("{path}/limits")).await;
    book.get("getAccount", &path).await;
    book.get("listAccounts", "/accounts?limit=2&sort=name").await;
    book.get("getBalance", &format!("{path}/balance?explain=true")).await;
    book.get("listAccountEntries", &format!("{path}/entries?limit=2")).await;
    let details = format!("{path}/details");
    let detail = json!({
        "type": "bank_account",
        "details": {"bankName": "Example Bank", "routingNumber": "021000021", "accountNumber": "000123456789"},
        "provider": "example-bank",
    });
    let detail = id(&book.post("createAccountDetail", &details, detail).await);
    let one = format!("{details}/{detail}");
    book.put("updateAccountDetail", &one, json!({"isPrimary": true})).await;
    book.get("getAccountDetail", &one).await;
    book.get("listAccountDetails", &details).await;
    book.delete("deleteAccountDetail", &one).await;
    book.delete("closeAccount", &format!("/accounts/{}", empty_account(book).await)).await;
    account
}

async fn empty_account(book: &Book<'_>) -> String {
    let body = json!({
        "ownerType": "business", "name": "Old wallet", "type": "checking", "category": "fiat", "currency": "USD",
    });
    book.server.post("/accounts", body).await.expect(201).id()
}

async fn programs(book: &mut Book<'_>) -> String {
    let fleet = json!({
        "name": "Fleet cards", "brand": "Visa", "currency": "USD",
        "numberRanges": [{"brand": "Visa", "prefix": "40066612"}],
        "fees": [{"currency": "USD", "international": true, "fixed": 0.25, "percent": 1.5, "vatPercent": 20}],
        "rates": [{"from": "EUR", "to": "USD", "rate": 1.0837}], "holds": [{"categories": ["fuel"], "days": 2}],
        "spendingControls": {"allowedCategories": ["fuel"], "spendingLimits": [{"amount": 150, "interval": "daily"}]},
        "spendingLimits": [{"amount": 20_000, "interval": "monthly"}],
    });
    let program = id(&book.post("createProgram", "/programs", fleet).await);
    let path = format!("/programs/{program}");
    book.put("updateProgram", &path, json!({"riskThreshold": 85})).await;
    book.get("getProgram", &path).await;
    book.get("listPrograms", "/programs?limit=2&sort=name").await;
    book.get("getProgramLimits", &format!("{path}/limits")).await;
    path
}

async fn holders(book: &mut Book<'_>) -> String {
    let alex = json!({
        "name": "Alex Johnson",
        "person": {
            "firstName": "Alex", "lastName": "Johnson", "email": "alex.johnson@example.com",
            "phoneNumber": "+12125550198", "dateOfBirth": "1990-04-12", "nationality": "US",
        },
        "address": {
            "line1": "210 West 77th Street", "city": "New York", "state": "New York", "postalCode": "10024",
            "countryCode": "US",
        },
        "identification": {
            "document": {"type": "international_passport", "number": "C01234567", "issuingCountry": "US"},
            "proofOfAddress": {"type": "utility_bill", "documentId": "45701434313"},
        },
    });
    let holder = id(&book.post("createCardHolder", "/card-holders", alex).await);
    let path = format!("/card-holders/{holder}");
    let documents = format!("{path}/documents");
    let texts = [("document", "{\"type\":\"international_passport\",\"number\":\"C01234567\"}")];
    book.form("uploadCardHolderDocuments", &documents, &texts, &[("documentMain", PDF)]).await;
    let list = book.get("listCardHolderDocuments", &documents).await;
    let document = id(&list[0]);
    let review = format!("{documents}/{document}/review");
    book.post("reviewCardHolderDocument", &review, json!({"status": "verified"})).await;
    let limits = json!({"spendingLimits": [{"amount": 500, "interval": "daily"}]});
    book.put("updateCardHolder", &path, limits).await;
    book.get("getCardHolder", &path).await;
    book.get("listCardHolders", "/card-holders?limit=1").await;
    let sam = [
        ("firstName", "Sam"),
        ("lastName", "Reed"),
        ("email", "sam.reed@example.com"),
        ("phoneNumber", "+12125550123"),
        ("addressLine1", "350 Fifth Avenue"),
        ("city", "New York"),
        ("state", "New York"),
        ("postalCode", "10118"),
        ("country", "US"),
    ];
    let other = id(&book.form("createCardHolder", "/card-holders", &sam, &[]).await);
    book.delete("deleteCardHolder", &format!("/card-holders/{other}")).await;
    holder
}

fn new_card(account: &str, holder: &str, kind: &str) -> Value {
    json!({
        "debitAccountId": account, "cardHolderId": holder, "type": kind, "brand": "Visa", "currency": "USD",
        "status": "active", "amount": 100,
    })
}

async fn cards(book: &mut Book<'_>, account: &str, holder: &str) -> String {
    let mut body = new_card(account, holder, "virtual");
    body["spendingControls"] = json!({
        "channels": {"atm": false}, "blockedCategories": ["7995"], "spendingLimits": [{"amount": 250, "interval": "daily"}],
    });
    let card = id(&book.post("createCard", "/cards", body).await);
    let path = format!("/cards/{card}");
    let fund = json!({
        "debitAccountId": account, "amount": 200, "paymentReference": "topup-2026-04-02", "narration": "Card funding",
    });
    book.post("fundCard", &format!("{path}/fund"), fund).await;
    let back = json!({"amount": 10, "narration": "Not needed"});
    book.post("withdrawFromCard", &format!("{path}/withdraw"), back).await;
    let controls =
        json!({"status": "active", "spendingControls": {"spendingLimits": [{"amount": 300, "interval": "daily"}]}});
    book.put("updateCard", &path, controls).await;
    book.get("getCard", &path).await;
    book.get("listCards", "/cards?limit=1").await;
    let token = book.post("issueRevealToken", &format!("{path}/token"), json!({})).await;
    let token = token["token"].as_str().expect("a token").to_owned();
    let revealed = book.get("revealCard", &format!("{path}/reveal?token={token}")).await;
    book.post("lookUpCard", "/cards/lookup", json!({"pan": revealed["pan"]})).await;
    let token = book.server.post(&format!("{path}/token"), json!({"purpose": "page"})).await.expect(201).data();
    book.post("revealOnCardPage", &format!("{path}/page/reveal"), json!({"token": token["token"]})).await;

    let physical = new_card(account, holder, "physical");
    let physical = book.server.post("/cards", physical).await.expect(201).id();
    let path = format!("/cards/{physical}");
    book.act("activateCard", &format!("{path}/activate")).await;
    book.put("setCardPin", &format!("{path}/pin"), json!({"pin": "2468"})).await;
    book.act("unblockCardPin", &format!("{path}/pin/unblock")).await;
    let new = book.post("replaceCard", &format!("{path}/replace"), json!({"reason": "damaged"})).await;
    book.delete("terminateCard", &format!("/cards/{}", id(&new))).await;
    card
}

async fn payments(book: &mut Book<'_>, card: &str, holder: &str) {
    let hotel = json!({
        "cardId": card, "amount": 100, "channel": "pos", "estimated": true,
        "merchant": {"category": "7011", "name": "ACME HOTEL", "country": "US"},
    });
    let stay = id(&book.post("simulateAuthorization", "/simulator/authorizations", hotel).await);
    let path = format!("/simulator/authorizations/{stay}");
    book.post("simulateIncrement", &format!("{path}/increment"), json!({"amount": 20})).await;
    book.post("simulateReversal", &format!("{path}/reverse"), json!({"amount": 15})).await;
    let paid = id(&book.post("simulateClearing", &format!("{path}/clear"), json!({"amount": 105})).await);
    let refund = json!({"transactionId": paid, "amount": 20});
    let refund = id(&book.post("simulateRefund", "/simulator/refunds", refund).await);
    book.act("simulateRefundReversal", &format!("/simulator/refunds/{refund}/reverse")).await;

    let pay =
        |amount: f64| json!({"cardId": card, "amount": amount, "merchant": {"category": "5812", "name": "ACME CAFE"}});
    let server = book.server;
    let coffee = |amount: f64| async move { server.post("/simulator/authorizations", pay(amount)).await.expect(201) };
    let declined = coffee(700.0).await.id();
    book.get("getAuthorizationDecision", &format!("/authorizations/{declined}/decision")).await;
    book.get("getAuthorization", &format!("/authorizations/{stay}")).await;
    book.get("listAuthorizations", "/authorizations?limit=1&filter=status=closed").await;
    book.get("listCardAuthorizations", &format!("/cards/{card}/authorizations?limit=1&filter=status=declined")).await;
    let held = coffee(4.5).await.id();
    let release = json!({"reason": "The merchant confirmed that it will not collect."});
    book.post("releaseAuthorization", &format!("/authorizations/{held}/release"), release).await;
    let held = coffee(5.5).await.id();
    book.act("simulateExpiry", &format!("/simulator/authorizations/{held}/expire")).await;
    let advice = json!({
        "cardId": card, "amount": 12.5, "approved": true, "merchant": {"category": "4121", "name": "ACME TAXI"},
        "network": {"transactionId": "384729105837465", "stan": "004211", "rrn": "609214004211"},
    });
    book.post("simulateAdvice", "/simulator/advices", advice).await;
    let reversal = json!({"transactionId": "384729105837465"});
    book.post("simulateReversalByReference", "/simulator/reversals", reversal).await;
    let force = json!({"cardId": card, "amount": 4.5, "merchant": {"category": "4121", "name": "ACME TAXI"}});
    book.post("simulateForcePost", "/simulator/force-posts", force).await;
    book.get("getTransaction", &format!("/transactions/{paid}")).await;
    book.get("listTransactions", "/transactions?limit=1&filter=type=capture").await;
    book.get("listCardTransactions", &format!("/cards/{card}/transactions?limit=1&filter=type=refund")).await;
    book.get("getCardLimits", &format!("/cards/{card}/limits")).await;
    book.get("getCardHolderLimits", &format!("/card-holders/{holder}/limits")).await;
    let exceptions = book.get("listExceptions", "/exceptions?limit=1&filter=status=open").await;
    let resolve = format!("/exceptions/{}/resolve", id(&exceptions[0]));
    book.post("resolveException", &resolve, json!({"note": "Confirmed with the card holder."})).await;
}

async fn events(book: &mut Book<'_>, card: &str) {
    let webhook = json!({
        "url": format!("{}/paygen/events", book.receiver), "events": ["card.updated", "transaction.created"],
        "description": "Card events for our app", "token": "a-long-random-token-of-yours",
    });
    let endpoint = id(&book.post("createWebhook", "/webhooks", webhook).await);
    let path = format!("/webhooks/{endpoint}");
    let more = json!({"events": ["card.updated", "transaction.created", "authorization.declined"]});
    book.put("updateWebhook", &path, more).await;
    book.get("getWebhook", &path).await;
    book.get("listWebhooks", "/webhooks?limit=1").await;
    book.act("testWebhook", &format!("{path}/test")).await;
    book.server.put(&format!("/cards/{card}"), json!({"metadata": {"team": "sales"}})).await.expect(200);
    // On PostgreSQL an event is listed a moment later, once it has a position.
    let newest = "/events?limit=1&filter=type=card.updated&sort=-createdAt";
    until("the event", book.server, newest, |found| found.to_string().contains("sales")).await;
    let event = id(&book.get("listEvents", "/events?limit=1&filter=type=card.updated&sort=-createdAt").await[0]);
    book.get("getEvent", &format!("/events/{event}")).await;
    let deliveries = format!("/events/{event}/deliveries");
    let taken = |found: &Value| found["data"].as_array().is_some_and(|list| !list.is_empty());
    until("the delivery", book.server, &deliveries, taken).await;
    book.get("listEventDeliveries", &deliveries).await;
    book.get("listDeliveries", "/events/deliveries?limit=1&filter=eventType=card.updated").await;
    let resend = format!("/events/{event}/resend");
    book.post("resendEvent", &resend, json!({"webhookId": endpoint})).await;
    let since = book.server.get(&path).await.expect(200).data()["createdAt"].clone();
    book.post("recoverWebhook", &format!("{path}/recover"), json!({"since": since})).await;
    book.post("rotateWebhookSecret", &format!("{path}/rotate-secret"), json!({"overlapSeconds": 3600})).await;
    book.delete("deleteWebhook", &path).await;
    let mut catalog = book.server.get("/events/catalog").await.expect(200);
    let mut all: Value = catalog.json();
    all["data"].as_array_mut().expect("a list").truncate(2);
    catalog.text = all.to_string();
    book.keep("listEventTypes", None, &catalog);
}

async fn responders(book: &mut Book<'_>) {
    let responder = json!({
        "url": format!("{}/paygen/decide", book.receiver), "description": "Budget service", "timeoutMs": 1500,
        "ask": {"above": 25}, "onSilence": "rules",
        "fallback": {"maxAmount": 50, "perCard": {"amount": 100, "count": 3}, "channels": ["pos"]},
    });
    let path = format!("/responders/{}", id(&book.post("createResponder", "/responders", responder).await));
    book.act("testResponder", &format!("{path}/test")).await;
    book.put("updateResponder", &path, json!({"timeoutMs": 1000, "increments": "ask"})).await;
    book.get("getResponder", &path).await;
    book.get("listResponders", "/responders?limit=1").await;
    book.get("listResponderCalls", &format!("{path}/calls?limit=1")).await;
    book.get("getResponderStats", &format!("{path}/stats")).await;
    let faults = format!("/simulator{path}/faults");
    book.post("setResponderFaults", &faults, json!({"delayMs": 2000, "percent": 20})).await;
    book.post("rotateResponderSecret", &format!("{path}/rotate-secret"), json!({"overlapSeconds": 3600})).await;
    book.delete("deleteResponder", &path).await;
    let (server, quiet) = (book.server, json!({"timeoutMs": 3000}));
    let quiet = format!("/responders/{}", server.post("/responders", quiet).await.expect(201).id());
    let test = format!("{quiet}/test");
    let answering = async {
        let question = crate::asking::question(server, quiet.trim_start_matches("/responders/"), 0).await;
        let answer = json!({"callId": question["callId"], "decision": "approve", "metadata": {"project": "alpha"}});
        book.post("answerQuestion", &format!("{quiet}/answers"), answer).await
    };
    let (tested, _) = tokio::join!(server.post(&test, json!({})), answering);
    assert_eq!(tested.expect(200).data()["outcome"], "approved");
    server.delete(&quiet).await.expect(200);
}

async fn access(book: &mut Book<'_>) {
    let key = json!({
        "name": "Reporting", "scopes": ["accounts:read", "authorizations:read"],
        "allowedIps": ["127.0.0.0/8", "203.0.113.0/24"], "expiresAt": "2099-12-31T23:59:59.999Z",
    });
    let key = id(&book.post("createApiKey", "/api-keys", key).await);
    let path = format!("/api-keys/{key}");
    book.get("getApiKey", &path).await;
    book.get("listApiKeys", "/api-keys?limit=1&sort=name").await;
    book.post("rotateApiKey", &format!("{path}/rotate"), json!({"overlapSeconds": 3600})).await;
    book.delete("revokeApiKey", &path).await;
    let token = json!({"scopes": ["cards:read"], "expiresIn": 600});
    let token = id(&book.post("issueToken", "/auth/tokens", token).await);
    book.delete("revokeToken", &format!("/auth/tokens/{token}")).await;
    book.get("listAuditLog", "/audit-log?limit=1").await;
    people(book).await;
    approvals(book).await;
    book.get("getClock", "/simulator/clock").await;
    book.get("getJwks", "/.well-known/jwks.json").await;
    book.get("getHealth", "/healthz").await;
    book.get("getReadiness", "/readyz").await;
    book.post("advanceClock", "/simulator/clock", json!({"advanceSeconds": 86_400})).await;
}

async fn people(book: &mut Book<'_>) {
    book.get("listRoles", "/roles").await;
    let user = json!({"email": "grace@example.com", "name": "Grace Hopper", "role": "operations"});
    let path = format!("/users/{}", id(&book.post("createUser", "/users", user).await));
    book.get("getUser", &path).await;
    book.get("listUsers", "/users?limit=1&sort=-createdAt").await;
    book.put("updateUser", &path, json!({"role": "support"})).await;
    book.act("issueUserLink", &format!("{path}/link")).await;
    book.delete("removeUser", &path).await;
}

/// People approve in the console; its call answers with the approval.
async fn approvals(book: &mut Book<'_>) {
    let rules = json!({"rules": [
        {"action": "transfer.create", "above": 1000},
        {"action": "api_key.create", "needed": 2},
    ]});
    book.put("setApprovalPolicy", "/approval-policy", rules).await;
    book.get("getApprovalPolicy", "/approval-policy").await;
    let mut owner = Person::owner(book.server).await;
    let (from, to) = (book.server.account("Operating", 50_000).await, book.server.account("Payroll", 0).await);
    let ask = async |amount: &str| {
        let body =
            json!({"fromAccountId": from, "toAccountId": to, "amount": amount, "narration": "Payroll, November"});
        book.server.post("/transfers", body).await.expect(202).id()
    };
    let asked = [ask("12500.50").await, ask("9000").await, ask("1500").await];
    let paths = asked.map(|id| format!("/approvals/{id}"));
    book.get("getApproval", &paths[0]).await;
    book.get("listApprovals", "/approvals?filter=status=pending&limit=1").await;
    for (path, operation, verb, note) in [
        (&paths[0], "approve", "approve", "Checked against the payroll run."),
        (&paths[1], "reject", "reject", "This was paid last month."),
    ] {
        owner.submit(&format!("/console{path}/{verb}"), &[("note", note)]).await.says(note);
        let reply = book.server.get(path).await;
        book.keep(operation, Some(json!({"note": note})), &reply);
    }
    book.act("cancelApproval", &format!("{}/cancel", paths[2])).await;
    book.server.put("/approval-policy", json!({"rules": []})).await.expect(200);
}

on_both_stores! {
    async fn what_the_contract_shows_is_what_was_answered(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = Receiver::start(|got| match got.header("x-paygen-event") {
            "test" => Answer::Body(200, r#"{"decision":"approve"}"#.to_owned()),
            _ => Answer::Status(200, ""),
        })
        .await;
        let mut book = Book { server: &server, receiver: &receiver.url, examples: BTreeMap::new() };
        let account = accounts(&mut book).await;
        let holder = holders(&mut book).await;
        let card = cards(&mut book, &account, &holder).await;
        payments(&mut book, &card, &holder).await;
        let program = programs(&mut book).await;
        let proposed = r#"{"riskThreshold":60}"#;
        let first = server.get("/programs?limit=1&sort=createdAt").await.expect(200).data()[0].clone();
        let impact = format!("/programs/{}/impact?days=7&proposed={proposed}", id(&first));
        book.get("getProgramImpact", &impact).await;
        book.delete("archiveProgram", &program).await;
        events(&mut book, &card).await;
        responders(&mut book).await;
        access(&mut book).await;
        let examples: Map<String, Value> = book.examples.into_iter().collect();
        let examples = Value::Object(examples);
        if std::env::var_os("PAYGEN_RECORD").is_some() && backend == Backend::Sqlite {
            let text = serde_json::to_string_pretty(&examples).expect("JSON");
            std::fs::write(file(), text + "\n").expect("a file");
            return;
        }
        let recorded = std::fs::read_to_string(file()).expect("recorded examples");
        let recorded: Value = serde_json::from_str(&recorded).expect("JSON");
        let mut differences = Vec::new();
        compare(&recorded, &examples, "", &mut differences);
        assert!(differences.is_empty(), "answers differ; PAYGEN_RECORD=1 records anew:\n{}", differences.join("\n"));
    }
}

/// The schemas and examples of every request and answer in the contract, with where they stand.
fn shown(contract: &Value, at: &str, found: &mut Vec<(String, Value, Value)>) {
    match contract {
        Value::Object(members) => {
            if let (Some(schema), Some(example)) = (members.get("schema"), members.get("example")) {
                found.push((at.to_owned(), schema.clone(), example.clone()));
            }
            members.iter().for_each(|(name, value)| shown(value, &format!("{at} > {name}"), found));
        }
        Value::Array(items) => items.iter().for_each(|item| shown(item, at, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_example_of_the_contract_fits_its_schema() {
    let world = World::new(Backend::Sqlite).await;
    let server = start(&world).await;
    let contract: Value = server.get("/openapi.json").await.expect(200).json();
    let mut found = Vec::new();
    shown(&contract["paths"], "", &mut found);
    assert!(found.len() > 150, "the examples are found: {}", found.len());
    let mut faults = Vec::new();
    for (at, schema, example) in found {
        let schema = json!({"components": contract["components"], "allOf": [schema]});
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        faults.extend(validator.iter_errors(&example).map(|fault| format!("{at}: {}: {fault}", fault.instance_path())));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
