//! Responders: payments decided by the client's own code, by its fallback, and by what happens meanwhile.

use std::time::Duration;

use serde_json::{Value, json};

use crate::authorizations::{a_funded_card, money, pay, steps};
use crate::on_both_stores;
use crate::receiver::{Answer, Got, Receiver};
use crate::webhooks::{start, until};
use crate::world::{Backend, Server, World};

pub const YES: &str = r#"{"decision":"approve"}"#;
pub const NO: &str = r#"{"decision":"decline","reason":"over budget","metadata":{"project":"alpha"}}"#;

pub fn says(text: &str) -> Answer {
    Answer::Body(200, text.to_owned())
}

fn is_test(got: &Got) -> bool {
    got.json()["type"] == "test"
}

/// A receiver that answers test calls, and questions by a rule.
pub async fn receiver(rule: impl Fn(&Got) -> Answer + Send + Sync + 'static) -> Receiver {
    Receiver::start(move |got| if is_test(got) { says(YES) } else { rule(got) }).await
}

/// An active responder; returns its id and secret.
pub async fn responder(server: &Server, url: &str, more: Value) -> (String, String) {
    let mut body = json!({"url": url});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let made = server.post("/responders", body).await.expect(201);
    assert_eq!(made.data()["status"], "pending");
    let tested = server.post(&format!("/responders/{}/test", made.id()), json!({})).await.expect(200).data();
    assert_eq!(tested["outcome"], "approved", "{tested}");
    let shown = server.get(&format!("/responders/{}", made.id())).await.expect(200).data();
    assert_eq!(shown["status"], "active");
    (made.id(), made.data()["secret"].as_str().expect("a secret").to_owned())
}

pub async fn calls(server: &Server, responder: &str) -> Vec<Value> {
    let list = server.get(&format!("/responders/{responder}/calls?limit=100")).await.expect(200);
    list.json()["data"].as_array().expect("calls").clone()
}

async fn events_of(server: &Server, kind: &str) -> Vec<Value> {
    let list = server.get(&format!("/events?filter=type={kind}&limit=200")).await.expect(200);
    list.json()["data"].as_array().expect("events").clone()
}

/// The responder of the guide, as a process; it ends with the test.
struct GuidesResponder(std::process::Child);

impl Drop for GuidesResponder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|found| found.local_addr()).expect("a port").port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_guides_responder_verifies_and_decides() {
    let python = |code: &str| {
        let mut python = std::process::Command::new("python3");
        python.args(["-c", code]).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        python
    };
    if !python("import standardwebhooks").status().is_ok_and(|status| status.success()) {
        return crate::world::missing("standardwebhooks");
    }
    let guide = std::fs::read_to_string(crate::guides::directory().join("real-time-decisions.md")).expect("the guide");
    let code = guide.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a responder");
    let world = World::new(Backend::Sqlite).await;
    let server = start(&world).await;
    let port = free_port();
    let made = server.post("/responders", json!({"url": format!("http://127.0.0.1:{port}/")})).await.expect(201);
    let secret = made.data()["secret"].as_str().expect("a secret").to_owned();
    let child = python(code).env("PORT", port.to_string()).env("PAYGEN_RESPONDER_SECRET", &secret).spawn();
    let _responder = GuidesResponder(child.expect("python3 starts"));
    let test = format!("/responders/{}/test", made.id());
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while server.post(&test, json!({})).await.expect(200).data()["outcome"] != "approved" {
        assert!(tokio::time::Instant::now() < deadline, "the guide's responder does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let card = a_funded_card(&server, 500).await;
    for (amount, partial, status, approved) in
        [(50, false, "approved", 50), (51, true, "approved", 50), (51, false, "declined", 0)]
    {
        let paid = pay(&server, &card, json!(amount), json!({"partialAllowed": partial})).await;
        assert_eq!((&paid["status"], &paid["approvedAmount"]), (&json!(status), &json!(approved)), "{paid}");
        assert_eq!(paid["responder"]["decidedBy"], "responder");
    }
    // A question that is not signed with its secret is refused.
    let forged = server.http.post(format!("http://127.0.0.1:{port}/")).body("{}").send().await.expect("an answer");
    assert_eq!(forged.status(), 401);
}

on_both_stores! {
    async fn a_responder_is_asked_and_its_answer_decides(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = receiver(|_| says(YES)).await;
        let (id, secret) = responder(&server, &receiver.url, json!({})).await;
        let card = a_funded_card(&server, 100).await;
        let approved = pay(&server, &card, json!(30), json!({})).await;
        assert_eq!((&approved["status"], &approved["approvedAmount"], &approved["heldAmount"]), (&json!("approved"), &json!(30), &json!(30)));
        assert_eq!(steps(&approved), ["asked", "approved"]);
        let asked = &approved["responder"];
        assert_eq!((&asked["id"], &asked["outcome"], &asked["decidedBy"], &asked["late"]), (&json!(id), &json!("approved"), &json!("responder"), &json!(false)));
        // The question is signed, and tells everything but secrets.
        let got = receiver.until("the question", |got| got.iter().any(|one| !is_test(one))).await;
        let question = got.iter().find(|one| !is_test(one)).expect("the question");
        assert!(got.iter().all(|one| one.is_signed_with(&secret)));
        let body = question.json();
        assert_eq!((&body["id"], &body["type"], &body["attempt"]), (&asked["callId"], &json!("authorization"), &json!(1)));
        assert_eq!(question.header("webhook-id"), asked["callId"].as_str().expect("an id"));
        assert_eq!((&body["authorization"]["status"], &body["authorization"]["amount"]), (&json!("pending"), &json!(30)));
        assert_eq!((&body["facts"]["approvableAmount"], &body["facts"]["availableBalance"]), (&json!(30), &json!(100)));
        assert!(body["deadlineAt"].is_string() && body["facts"]["checks"].as_array().is_some_and(|checks| checks.len() > 10));
        // A no is a no; the hold goes back.
        receiver.set(|_| says(NO));
        let declined = pay(&server, &card, json!(40), json!({})).await;
        assert_eq!((&declined["status"], &declined["reason"], &declined["heldAmount"]), (&json!("declined"), &json!("endpoint_declined"), &json!(0)));
        assert_eq!(declined["responder"]["answer"], json!({"decision": "decline", "approvedAmount": null, "reason": "over budget", "metadata": {"project": "alpha"}}));
        assert_eq!(money(&server, &card).await, (json!(100), json!(70)));
        let decision = server.get(&format!("/authorizations/{}/decision", declined["_id"].as_str().expect("an id"))).await.expect(200).data();
        assert_eq!(decision["reason"], "endpoint_declined", "{decision}");
        let told = &events_of(&server, "authorization.declined").await[0];
        assert_eq!(told["data"]["decline"]["responder"], declined["responder"]);
        let told = &events_of(&server, "authorization.approved").await[0];
        assert_eq!(told["data"]["authorization"], approved);
        // What the built-in checks decline is declined without asking.
        let count = receiver.got().len();
        assert_eq!(pay(&server, &card, json!(400), json!({})).await["reason"], "insufficient_funds");
        assert_eq!(receiver.got().len(), count);
        let calls = calls(&server, &id).await;
        let outcomes: Vec<&Value> = calls.iter().map(|call| &call["outcome"]).collect();
        assert_eq!(outcomes, ["declined", "approved", "approved"]);
        assert_eq!(calls[0]["request"]["type"], "authorization");
        assert_eq!(calls[2]["type"], "test");
    }
}

/// Pays at a merchant with this name.
async fn pay_at(server: &Server, card: &str, amount: i64, name: &str) -> Value {
    pay(server, card, json!(amount), json!({"merchant": {"name": name}})).await
}

fn merchant(got: &Got) -> String {
    got.json()["authorization"]["merchant"]["name"].as_str().unwrap_or_default().to_owned()
}

/// Nothing contradicts: the ledger holds what is open, and every decision is made again with the same result.
pub fn verify(world: &World) {
    for (chore, says) in [("ledger verify", "verified"), ("replay", "0 differ")] {
        let output = world.command(chore).output().expect("paygen runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{chore} ({says}): {text}");
    }
}

/// Waits until an authorization has another status.
pub async fn settled(server: &Server, id: &str) -> Value {
    let path = format!("/authorizations/{id}");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    loop {
        let found = server.get(&path).await.expect(200).data();
        if found["status"] != "pending" {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "it is pending after 5 s: {found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

on_both_stores! {
    async fn every_outcome_of_a_call_is_told_and_only_an_answer_decides(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = receiver(|got| match merchant(got).as_str() {
            "yes" => says(YES),
            "no" => says(NO),
            "less" => says(r#"{"decision":"approve","approvedAmount":4.5}"#),
            "error" => Answer::Body(500, YES.to_owned()),
            "moved" => Answer::Status(302, "location: http://127.0.0.1:1/\r\n"),
            "created" => Answer::Body(201, YES.to_owned()),
            "garbage" => Answer::Status(200, ""),
            "misspelt" => says(r#"{"decision":"approve","aprovedAmount":1}"#),
            "large" => says(&format!(r#"{{"decision":"approve","reason":"{}"}}"#, "x".repeat(1 << 20))),
            "endless" => Answer::Endless,
            "reset" => Answer::Reset,
            "slow" => Answer::Slow(Duration::from_millis(900), YES.to_owned()),
            other => panic!("{other}"),
        }).await;
        let (id, _) = responder(&server, &receiver.url, json!({"timeoutMs": 400})).await;
        let card = a_funded_card(&server, 500).await;
        let timeout = "endpoint_timeout";
        for (name, outcome, reason, error) in [
            ("yes", "approved", None, None),
            ("no", "declined", Some("endpoint_declined"), None),
            ("error", "error", Some(timeout), Some("the status is 500, not 200")),
            ("moved", "error", Some(timeout), Some("the status is 302, not 200")),
            ("yes", "approved", None, None),
            ("created", "error", Some(timeout), Some("the status is 201, not 200")),
            ("garbage", "invalid_response", Some(timeout), Some("the body is not a JSON object")),
            ("yes", "approved", None, None),
            ("yes", "approved", None, None),
            ("yes", "approved", None, None),
            ("misspelt", "invalid_response", Some(timeout), Some("aprovedAmount is not a field of an answer; those are decision, approvedAmount, reason and metadata")),
            ("less", "invalid_response", Some(timeout), Some("approvedAmount must be 5: this message does not allow a partial approval")),
            ("yes", "approved", None, None),
            ("large", "invalid_response", Some(timeout), Some("the body is longer than 16384 bytes")),
            ("endless", "invalid_response", Some(timeout), Some("the body is longer than 16384 bytes")),
            ("yes", "approved", None, None),
            ("yes", "approved", None, None),
            ("yes", "approved", None, None),
            ("slow", "timeout", Some(timeout), Some("no answer came in time")),
        ] {
            let paid = pay_at(&server, &card, 5, name).await;
            let status = if reason.is_none() { "approved" } else { "declined" };
            assert_eq!((&paid["status"], &paid["reason"]), (&json!(status), &json!(reason)), "{name}: {paid}");
            assert_eq!(paid["responder"]["outcome"], outcome, "{name}");
            let by = if ["approved", "declined"].contains(&outcome) { "responder" } else { "fallback" };
            assert_eq!(paid["responder"]["decidedBy"], by, "{name}");
            let call = &calls(&server, &id).await[0];
            assert_eq!((&call["outcome"], &call["error"], &call["authorizationId"]), (&json!(outcome), &json!(error), &paid["_id"]), "{name}");
        }
        let partial = json!({"partialAllowed": true, "merchant": {"name": "less"}});
        let less = pay(&server, &card, json!(10), partial).await;
        assert_eq!((&less["status"], &less["approvedAmount"], &less["heldAmount"], &less["partial"]), (&json!("approved"), &json!(4.5), &json!(4.5), &json!(true)));
        assert_eq!(less["responder"]["answer"]["approvedAmount"], 4.5);
        // 9 payments of 5 were approved, and a part.
        assert_eq!(money(&server, &card).await, (json!(500), json!(500.0 - 45.0 - 4.5)));
        let stats = server.get(&format!("/responders/{id}/stats")).await.expect(200).data();
        assert_eq!(stats["calls"], 20, "{stats}");
        assert_eq!(stats["hours"][0]["outcomes"], json!({"approved": 10, "declined": 1, "error": 3, "invalid_response": 5, "timeout": 1}));
        assert!(stats["latency"]["p99Ms"].as_i64().is_some_and(|p99| p99 >= 400), "{stats}");
        drop(server);
        verify(&world);
    }

    async fn a_late_answer_is_recorded_and_told_and_changes_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = receiver(|_| Answer::Slow(Duration::from_millis(600), YES.to_owned())).await;
        let (id, _) = responder(&server, &receiver.url, json!({"timeoutMs": 200})).await;
        let card = a_funded_card(&server, 100).await;
        let paid = pay(&server, &card, json!(10), json!({})).await;
        assert_eq!((&paid["status"], &paid["responder"]["late"]), (&json!("declined"), &json!(false)));
        let path = "/events?filter=type=responder.answered_late";
        let told = until("the late answer", &server, path, |found| found["meta"]["total"] == 1).await;
        let call = &told["data"][0]["data"]["call"];
        assert_eq!((&call["outcome"], &call["late"], &call["answer"]["decision"]), (&json!("timeout"), &json!(true), &json!("approve")));
        assert_eq!(told["data"][0]["data"]["responderId"], id);
        let shown = server.get(&format!("/authorizations/{}", paid["_id"].as_str().expect("an id"))).await.expect(200).data();
        assert_eq!((&shown["status"], &shown["responder"]["late"], &shown["heldAmount"]), (&json!("declined"), &json!(true), &json!(0)));
        assert_eq!(calls(&server, &id).await[0]["late"], true);
        drop(server);
        verify(&world);
    }

    async fn a_hanging_responder_delays_nobody_else_and_the_network_goes_first(backend: Backend) {
        let world = World::new(backend).await;
        let server = std::sync::Arc::new(start(&world).await);
        let receiver = receiver(|_| Answer::Held(200)).await;
        let (asked, free) = (a_funded_card(&server, 100).await, a_funded_card(&server, 100).await);
        let scope = json!({"timeoutMs": 3000, "scope": {"cardIds": [asked]}});
        responder(&server, &receiver.url, scope).await;
        let paying = {
            let (server, asked) = (server.clone(), asked.clone());
            tokio::spawn(async move { pay(&server, &asked, json!(10), json!({})).await })
        };
        let got = receiver.until("the question", |got| got.iter().any(|one| !is_test(one))).await;
        let question = got.iter().find(|one| !is_test(one)).expect("a question").json();
        for _ in 0..20 {
            assert_eq!(pay(&server, &free, json!(1), json!({})).await["status"], "approved");
        }
        assert!(!paying.is_finished());
        // The network takes it back meanwhile: that counts, and the answer comes too late.
        let id = question["authorization"]["_id"].as_str().expect("an id").to_owned();
        let reversed = server.post(&format!("/simulator/authorizations/{id}/reverse"), json!({})).await.expect(200).data();
        assert_eq!((&reversed["status"], &reversed["responder"]["decidedBy"]), (&json!("reversed"), &json!("network")));
        receiver.release();
        let paid = paying.await.expect("the payment");
        assert_eq!((&paid["status"], &paid["_id"]), (&json!("reversed"), &json!(id)));
        assert_eq!(money(&server, &asked).await, (json!(100), json!(100)));
    }

    async fn a_repeat_waits_for_the_same_answer(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = receiver(|_| Answer::Slow(Duration::from_millis(300), YES.to_owned())).await;
        let (id, _) = responder(&server, &receiver.url, json!({"timeoutMs": 3000})).await;
        let card = a_funded_card(&server, 100).await;
        let body = json!({"cardId": card, "amount": 10, "network": {"transactionId": "T-1"}});
        let send = |key: &'static str| {
            let call = server.request("POST", "/simulator/authorizations").header("idempotency-key", key).json(body.clone());
            async move { call.send().await.expect(201) }
        };
        // The same request, the same message by another request, and once more when all is over.
        let (first, second, other) = tokio::join!(send("a"), send("a"), send("b"));
        let again = send("a").await;
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        for reply in [&first, &second, &other, &again] {
            assert_eq!((&reply.data()["status"], reply.id()), (&json!("approved"), first.id()), "{}", reply.text);
        }
        assert_eq!(calls(&server, &id).await.len(), 2, "a test and one question");
    }

    async fn a_question_whose_server_was_killed_is_settled_by_the_next(backend: Backend) {
        let world = World::new(backend).await;
        let server = std::sync::Arc::new(start(&world).await);
        let receiver = receiver(|_| Answer::Held(200)).await;
        let settings = json!({"timeoutMs": 1000, "onSilence": "rules", "fallback": {"maxAmount": 5}});
        let (id, _) = responder(&server, &receiver.url, settings).await;
        let limits = json!({"spendingLimits": [{"amount": 40, "interval": "daily"}]});
        let card = crate::cards::issued(&server, 1000, json!({"amount": 100, "spendingControls": limits})).await.2;
        let card = card["_id"].as_str().expect("an id").to_owned();
        for amount in [5, 10] {
            let (server, card) = (server.clone(), card.clone());
            tokio::spawn(async move {
                let body = json!({"cardId": card, "amount": amount});
                let _ = server.request("POST", "/simulator/authorizations").json(body).try_send().await;
            });
        }
        let questions = |got: &[Got]| got.iter().filter(|one| !is_test(one)).count();
        let got = receiver.until("both questions", |got| questions(got) == 2).await;
        // On PostgreSQL another server runs beside it; on SQLite the next one is started.
        let beside = if backend == Backend::Postgres { Some(start(&world).await) } else { None };
        server.kill();
        let server = match beside {
            Some(beside) => beside,
            None => start(&world).await,
        };
        for one in got.iter().filter(|one| !is_test(one)) {
            let about = &one.json()["authorization"];
            let shown = settled(&server, about["_id"].as_str().expect("an id")).await;
            let (status, reason) = if about["amount"] == 5 { ("approved", Value::Null) } else { ("declined", json!("endpoint_timeout")) };
            assert_eq!((&shown["status"], &shown["reason"]), (&json!(status), &reason), "{shown}");
            assert_eq!(shown["responder"]["decidedBy"], "fallback");
        }
        assert_eq!(money(&server, &card).await, (json!(100), json!(95)));
        assert_eq!(calls(&server, &id).await.len(), 3);
        // The limit got back what was declined.
        server.put(&format!("/responders/{id}"), json!({"status": "disabled"})).await.expect(200);
        assert_eq!(pay(&server, &card, json!(35.01), json!({})).await["reason"], "spending_limit_exceeded");
        assert_eq!(pay(&server, &card, json!(35), json!({})).await["status"], "approved");
        drop(server);
        verify(&world);
    }

    async fn a_fallbacks_budget_is_never_passed(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = receiver(|_| says(YES)).await;
        let fallback = json!({"perCard": {"count": 7}, "perProgram": {"amount": 20}});
        let (id, _) = responder(&server, &receiver.url, json!({"onSilence": "rules", "fallback": fallback})).await;
        let paused = server.put(&format!("/responders/{id}"), json!({"status": "paused"})).await.expect(200).data();
        assert_eq!(paused["status"], "paused");
        let mut cards = Vec::new();
        for _ in 0..4 {
            cards.push(a_funded_card(&server, 100).await);
        }
        let paying = (0..64).map(|number| pay(&server, &cards[number % 4], json!(1), json!({})));
        let paid = futures_util::future::join_all(paying).await;
        let approved = |card: &str| paid.iter().filter(|one| one["status"] == "approved" && one["cardId"] == card).count();
        let by_card: Vec<usize> = cards.iter().map(|card| approved(card)).collect();
        assert_eq!(by_card.iter().sum::<usize>(), 20, "{by_card:?}");
        assert!(by_card.iter().all(|count| *count <= 7), "{by_card:?}");
        for one in &paid {
            let reason = if one["status"] == "approved" { Value::Null } else { json!("endpoint_timeout") };
            assert_eq!((&one["reason"], &one["responder"]["outcome"], &one["responder"]["decidedBy"]), (&reason, &json!("skipped"), &json!("fallback")));
        }
        let stats = server.get(&format!("/responders/{id}/stats")).await.expect(200).data();
        let used = stats["fallbackUsed"].as_array().expect("what is used");
        let program = used.iter().find(|used| used["type"] == "program").expect("the program's");
        assert_eq!((&program["amount"], &program["count"], &program["cardId"]), (&json!(20), &json!(20), &Value::Null));
        let paying = by_card.iter().filter(|count| **count > 0).count();
        assert_eq!(used.len(), paying + 1, "each card that was paid with, and the program");
        drop(server);
        verify(&world);
    }

    async fn a_responder_that_fails_is_not_asked_until_it_answers_again(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = receiver(|_| says(YES)).await;
        let (id, _) = responder(&server, &receiver.url, json!({"onSilence": "approve"})).await;
        let card = a_funded_card(&server, 100).await;
        receiver.set(|_| Answer::Reset);
        let mut outcomes = Vec::new();
        for _ in 0..6 {
            let paid = pay(&server, &card, json!(1), json!({})).await;
            assert_eq!((&paid["status"], &paid["responder"]["decidedBy"]), (&json!("approved"), &json!("fallback")));
            outcomes.push(paid["responder"]["outcome"].as_str().expect("an outcome").to_owned());
        }
        assert_eq!(outcomes, ["error", "error", "error", "error", "error", "skipped"]);
        let event = |kind: &str| format!("/events?filter=type={kind}");
        let told = until("the outage", &server, &event("responder.degraded"), |found| found["meta"]["total"] == 1).await;
        assert_eq!(told["data"][0]["data"]["responder"]["_id"], id);
        receiver.set(|_| says(NO));
        until("the end of the outage", &server, &event("responder.recovered"), |found| found["meta"]["total"] == 1).await;
        assert_eq!(pay(&server, &card, json!(1), json!({})).await["reason"], "endpoint_declined");
    }

    async fn increments_are_asked_about_or_told(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = receiver(|got| {
            let body = got.json();
            match (body["type"].as_str(), body["facts"]["approvableAmount"].as_i64()) {
                (Some("increment"), Some(20)) => says(NO),
                (Some("increment"), Some(30)) => says(r#"{"decision":"approve","approvedAmount":12}"#),
                _ => says(YES),
            }
        }).await;
        let (id, _) = responder(&server, &receiver.url, json!({"increments": "ask"})).await;
        let card = a_funded_card(&server, 100).await;
        let paid = pay(&server, &card, json!(10), json!({"estimated": true})).await;
        let path = format!("/simulator/authorizations/{}/increment", paid["_id"].as_str().expect("an id"));
        let more = async |amount: i64, partial: bool| {
            server.post(&path, json!({"amount": amount, "partialAllowed": partial})).await.expect(200).data()
        };
        let grown = more(5, false).await;
        assert_eq!((&grown["approvedAmount"], &grown["responder"]["outcome"]), (&json!(15), &json!("approved")));
        let declined = more(20, false).await;
        assert_eq!((&declined["approvedAmount"], &declined["responder"]["outcome"]), (&json!(15), &json!("declined")));
        assert_eq!(steps(&declined), ["asked", "approved", "incremented", "increment_declined"]);
        assert_eq!(more(30, true).await["approvedAmount"], 27);
        // What the built-in checks decline is not asked about.
        let before = receiver.got().len();
        assert_eq!(more(500, false).await["approvedAmount"], 27);
        assert_eq!(receiver.got().len(), before);
        let kinds: Vec<Value> = calls(&server, &id).await.iter().map(|call| call["type"].clone()).collect();
        assert_eq!(kinds, ["increment", "increment", "increment", "authorization", "test"]);
        server.put(&format!("/responders/{id}"), json!({"increments": "tell"})).await.expect(200);
        assert_eq!(more(20, false).await["approvedAmount"], 47);
        drop(server);
        verify(&world);
    }

    async fn faults_of_the_sandbox_lose_no_payment(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = receiver(|got| match got.json()["authorization"]["amount"].as_i64().unwrap_or(0) % 4 {
            0 => says(NO),
            1 => Answer::Body(503, String::new()),
            2 => Answer::Slow(Duration::from_millis(150), YES.to_owned()),
            _ => says(YES),
        }).await;
        let fallback = json!({"maxAmount": 6, "perProgram": {"count": 9}});
        let settings = json!({"timeoutMs": 400, "onSilence": "rules", "fallback": fallback});
        let (id, _) = responder(&server, &receiver.url, settings).await;
        let faults = json!({"delayMs": 350, "garbage": true, "percent": 30});
        let set = server.post(&format!("/simulator/responders/{id}/faults"), faults).await.expect(200).data();
        assert_eq!(set, json!({"delayMs": 350, "status": null, "garbage": true, "drop": false, "percent": 30}));
        let mut cards = Vec::new();
        for _ in 0..5 {
            cards.push(a_funded_card(&server, 1000).await);
        }
        let payment = async |number: usize| {
            let amount = i64::try_from(number % 12 + 1).expect("an amount");
            pay(&server, &cards[number % 5], json!(amount), json!({})).await
        };
        let mut paid = Vec::new();
        for round in 0..6 {
            paid.extend(futures_util::future::join_all((0..50).map(|number| payment(round * 50 + number))).await);
        }
        let ids: std::collections::HashSet<&str> = paid.iter().filter_map(|one| one["_id"].as_str()).collect();
        assert_eq!(ids.len(), 300);
        for card in &cards {
            let approved = paid.iter().filter(|one| one["cardId"] == **card && one["status"] == "approved");
            let sum: i64 = approved.map(|one| one["approvedAmount"].as_i64().expect("an amount")).sum();
            assert_eq!(money(&server, card).await, (json!(1000), json!(1000 - sum)));
        }
        for one in &paid {
            let outcomes = steps(one).iter().filter(|step| ["approved", "declined"].contains(step)).count();
            assert_eq!((steps(one)[0], outcomes), ("asked", 1), "{one}");
        }
        let by_fallback = paid.iter().filter(|one| one["status"] == "approved" && one["responder"]["decidedBy"] == "fallback");
        assert_eq!(by_fallback.count(), 9);
        drop(server);
        verify(&world);
    }

    async fn a_responder_is_managed(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = Receiver::start(|_| says(YES)).await;
        // Until it has answered a test call it is not asked, nor is anybody else's card.
        let made = server.post("/responders", json!({"url": receiver.url, "timeoutMs": 200})).await.expect(201);
        let (path, secret) = (format!("/responders/{}", made.id()), made.data()["secret"].clone());
        let card = a_funded_card(&server, 100).await;
        assert_eq!(pay(&server, &card, json!(1), json!({})).await["responder"], Value::Null);
        receiver.set(|_| Answer::Status(200, ""));
        let tested = server.post(&format!("{path}/test"), json!({})).await.expect(200).data();
        assert_eq!((&tested["outcome"], &tested["type"], &tested["responseExcerpt"]), (&json!("invalid_response"), &json!("test"), &json!("ok")));
        assert_eq!(server.get(&path).await.expect(200).data()["status"], "pending");
        receiver.set(|_| says(YES));
        server.post(&format!("{path}/test"), json!({})).await.expect(200);
        let shown = server.get(&path).await.expect(200);
        assert_eq!((&shown.data()["status"], shown.header("etag")), (&json!("active"), Some("\"2\"")));
        assert!(!shown.text.contains(secret.as_str().expect("a secret")));
        // A dry run asks nobody and shows what would be.
        let count = receiver.got().len();
        let dry = server.post("/simulator/authorizations?dryRun=true", json!({"cardId": card, "amount": 1})).await.expect(201).data();
        assert_eq!((&dry["status"], receiver.got().len()), (&json!("pending"), count));
        // Both secrets sign after a rotation.
        let rotated = server.post(&format!("{path}/rotate-secret"), json!({})).await.expect(200).data()["secret"].clone();
        pay(&server, &card, json!(1), json!({})).await;
        let got = receiver.got();
        let last = got.last().expect("a question");
        assert!([&secret, &rotated].iter().all(|secret| last.is_signed_with(secret.as_str().expect("a secret"))));
        // Another URL is not asked before it answered, and one version is changed once.
        let change = server.request("PUT", &path).header("if-match", "\"1\"").json(json!({"timeoutMs": 300})).send().await;
        assert_eq!(change.code(), "version_mismatch");
        let moved = server.put(&path, json!({"url": format!("{}/new", receiver.url)})).await.expect(200).data();
        assert_eq!(moved["status"], "pending");
        let list = server.get("/responders?filter=timeoutMs=200").await.expect(200).json();
        assert_eq!(list["meta"]["total"], 1);
        for (body, pointers) in [
            (json!({"url": "ftp://example.com", "timeoutMs": 100, "increments": "maybe", "onSilence": "x"}), vec!["/url", "/timeoutMs", "/increments", "/onSilence"]),
            (json!({"url": receiver.url, "ask": {"above": -1, "types": ["gift"]}}), vec!["/ask/types/0"]),
            (json!({"url": receiver.url, "ask": {"above": -1}}), vec!["/ask/above"]),
            (json!({"url": receiver.url, "scope": {"programIds": ["x"]}}), vec!["/scope/programIds/0"]),
            (json!({"url": receiver.url, "fallback": {"perCard": {"amount": 0.123456789}}}), vec!["/fallback/perCard/amount"]),
            (json!({"url": receiver.url, "onSilence": "rules"}), vec!["/fallback"]),
            (json!({"url": "http://10.0.0.1/"}), vec!["/url"]),
        ] {
            let refused = server.post("/responders", body.clone()).await.expect(400);
            assert_eq!(refused.pointers(), pointers, "{body}: {}", refused.text);
        }
        // One that is deleted while it is asked still answers.
        receiver.set(|got| if is_test(got) { says(YES) } else { Answer::Slow(Duration::from_millis(400), NO.to_owned()) });
        let (id, _) = responder(&server, &receiver.url, json!({"timeoutMs": 3000, "onSilence": "approve"})).await;
        let deleting = async {
            receiver.until("the question", |got| got.last().is_some_and(|one| !is_test(one))).await;
            server.delete(&format!("/responders/{id}")).await.expect(200)
        };
        let (paid, _) = tokio::join!(pay(&server, &card, json!(1), json!({})), deleting);
        assert_eq!(paid["reason"], "endpoint_declined");
        assert_eq!(server.get(&format!("/responders/{id}")).await.code(), "responder_not_found");
        assert_eq!(pay(&server, &card, json!(1), json!({})).await["responder"], Value::Null);
    }
}
