//! Responders without a URL: questions as events, answers as calls, and `paygen listen --decide`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::authorizations::{a_funded_card, assert_members, money, pay, steps};
use crate::on_both_stores;
use crate::responders::{calls, settled, verify};
use crate::tenants::another_client;
use crate::webhooks::{start, until};
use crate::world::{Backend, Reply, Server, World};

/// A question of a responder, counted from 0.
pub async fn question(server: &Server, responder: &str, number: usize) -> Value {
    let path = format!("/events?filter=objectId={responder}%26type=responder.question&sort=sequence&limit=200");
    let enough = |found: &Value| found["data"].as_array().is_some_and(|all| all.len() > number);
    let found = until("the question", server, &path, enough).await;
    let event = &found["data"][number];
    assert_eq!(event["data"]["responderId"], responder);
    event["data"]["question"].clone()
}

async fn answer(server: &Server, responder: &str, call: &Value, fields: Value) -> Reply {
    let mut body = fields;
    body["callId"] = call.clone();
    server.post(&format!("/responders/{responder}/answers"), body).await
}

/// Makes a call, and answers the question it brings about; returns the call's answer, the question and the answer's.
async fn asked(
    (server, answering): (&Server, &Server),
    responder: &str,
    number: usize,
    (path, body): (&str, Value),
    fields: Value,
) -> (Value, Value, Value) {
    let answered = async {
        let question = question(answering, responder, number).await;
        let answered = answer(answering, responder, &question["callId"], fields).await.expect(200).data();
        (question, answered)
    };
    let (made, (question, answered)) = tokio::join!(server.post(path, body), answered);
    assert!([200, 201].contains(&made.status), "{}", made.text);
    (made.data(), question, answered)
}

/// An active responder without a URL, with the longest time limit; returns its id. Its first question was the test.
async fn responder(server: &Server, more: Value) -> String {
    let mut body = json!({"timeoutMs": 3000});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let made = server.post("/responders", body).await.expect(201);
    assert_members(&made.data(), json!({"url": null, "status": "pending"}));
    let (id, test) = (made.id(), format!("/responders/{}/test", made.id()));
    let no = json!({"decision": "decline"});
    let (call, question, _) = asked((server, server), &id, 0, (&test, json!({})), no).await;
    assert_members(&call, json!({"type": "test", "outcome": "declined", "_id": question["callId"], "status": null}));
    assert_eq!(question["request"]["type"], "test");
    assert_eq!(server.get(&format!("/responders/{id}")).await.expect(200).data()["status"], "active");
    id
}

fn payment(card: &str, amount: i64, more: Value) -> (&'static str, Value) {
    let mut body = json!({"cardId": card, "amount": amount});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    ("/simulator/authorizations", body)
}

on_both_stores! {
    async fn answers_through_the_stream_decide(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let both = (&server, &server);
        let id = responder(&server, json!({})).await;
        let card = a_funded_card(&server, 100).await;
        let yes = json!({"decision": "approve", "metadata": {"project": "alpha"}});
        let (paid, question, answered) = asked(both, &id, 1, payment(&card, 30, json!({})), yes).await;
        assert_members(&paid, json!({"status": "approved", "heldAmount": 30}));
        assert_members(&paid["responder"], json!({"id": id, "outcome": "approved", "decidedBy": "responder", "late": false}));
        assert_eq!(paid["responder"]["answer"]["metadata"], json!({"project": "alpha"}));
        assert_eq!(steps(&paid), ["asked", "approved"]);
        // The question has what a URL would be sent.
        let request = &question["request"];
        assert_members(&question, json!({"callId": paid["responder"]["callId"], "type": "authorization", "authorizationId": paid["_id"]}));
        assert_members(request, json!({"id": question["callId"], "type": "authorization", "attempt": 1, "deadlineAt": question["deadlineAt"]}));
        assert_members(&request["facts"], json!({"approvableAmount": 30, "availableBalance": 100, "partialAllowed": false}));
        assert_eq!(request["authorization"]["status"], "pending");
        assert_members(&answered, json!({"callId": question["callId"], "responderId": id, "type": "authorization", "authorizationId": paid["_id"], "outcome": "approved", "late": false}));
        // A no with its reason, and less than the whole.
        let no = json!({"decision": "decline", "reason": "over budget", "approvedAmount": null});
        let (declined, _, _) = asked(both, &id, 2, payment(&card, 40, json!({})), no).await;
        assert_members(&declined, json!({"status": "declined", "reason": "endpoint_declined", "heldAmount": 0}));
        assert_eq!(declined["responder"]["answer"]["reason"], "over budget");
        let less = json!({"decision": "approve", "approvedAmount": 4.5});
        let (partial, _, _) = asked(both, &id, 3, payment(&card, 10, json!({"partialAllowed": true})), less).await;
        assert_members(&partial, json!({"status": "approved", "approvedAmount": 4.5, "heldAmount": 4.5, "partial": true}));
        assert_eq!(money(&server, &card).await, (json!(100), json!(65.5)));
        // What the built-in checks decline is not asked about.
        assert_eq!(pay(&server, &card, json!(400), json!({})).await["responder"], Value::Null);
        let calls = calls(&server, &id).await;
        let outcomes: Vec<&Value> = calls.iter().map(|call| &call["outcome"]).collect();
        assert_eq!(outcomes, ["approved", "declined", "approved", "declined"]);
        assert_eq!(&calls[2]["request"], request);
        let stats = server.get(&format!("/responders/{id}/stats")).await.expect(200).data();
        assert_eq!(stats["hours"][0]["outcomes"], json!({"approved": 2, "declined": 1}));
        drop(server);
        verify(&world);
    }

    async fn an_answer_counts_once_and_a_wrong_one_leaves_the_question_open(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let id = responder(&server, json!({})).await;
        let other = responder(&server, json!({"scope": {"cardIds": [a_funded_card(&server, 1).await]}})).await;
        let with_url = server.post("/responders", json!({"url": "https://example.com/"})).await.expect(201).id();
        let stranger = another_client(&world);
        let card = a_funded_card(&server, 100).await;
        let path = format!("/responders/{id}/answers");
        let none = json!("000000000000000000000001");
        for (fields, pointers) in [
            (json!({}), vec!["/decision"]),
            (json!({"decision": "maybe"}), vec!["/decision"]),
            (json!({"decision": "approve", "aprovedAmount": 1}), vec!["/aprovedAmount"]),
            (json!({"decision": "approve", "approvedAmount": true}), vec!["/approvedAmount"]),
            (json!({"decision": "decline", "approvedAmount": 10}), vec!["/approvedAmount"]),
            (json!({"decision": "approve", "reason": 7, "metadata": {"a": 1}}), vec!["/reason", "/metadata/a"]),
            (json!({"decision": "approve", "reason": "x".repeat(201), "metadata": []}), vec!["/reason", "/metadata"]),
            (json!({"decision": "approve", "reason": "4242424242424242"}), vec!["/reason"]),
        ] {
            let refused = answer(&server, &id, &none, fields.clone()).await.expect(400);
            assert_eq!(refused.pointers(), pointers, "{fields}: {}", refused.text);
        }
        assert_eq!(server.post(&path, json!({"decision": "approve"})).await.expect(400).pointers(), ["/callId"]);
        assert_eq!(answer(&server, &with_url, &none, json!({"decision": "approve"})).await.expect(409).code(), "responder_has_url");
        assert_eq!(answer(&server, &id, &none, json!({"decision": "approve"})).await.expect(404).code(), "question_not_found");
        let answering = async {
            let call = question(&server, &id, 1).await["callId"].clone();
            for wrong in [json!(0), json!(-1), json!(10.01), json!(1.001), json!(5)] {
                let fields = json!({"decision": "approve", "approvedAmount": wrong});
                let refused = answer(&server, &id, &call, fields.clone()).await.expect(400);
                assert_eq!(refused.pointers(), ["/approvedAmount"], "{fields}: {}", refused.text);
            }
            // Nobody else answers it.
            let yes = || json!({"decision": "approve"});
            assert_eq!(answer(&server, &other, &call, yes()).await.expect(404).code(), "question_not_found");
            let body = json!({"callId": call, "decision": "approve"}).to_string();
            let by_stranger = server.http.post(format!("{}{path}", server.url)).header("x-api-key", &stranger);
            let by_stranger = by_stranger.header("content-type", "application/json").body(body).send().await;
            assert_eq!(by_stranger.expect("an answer").status(), 404);
            // A dry run answers nothing; a repeat gets the same answer; a second one is refused.
            let dry = server.post(&format!("{path}?dryRun=true"), json!({"callId": call, "decision": "decline"})).await;
            assert_eq!(dry.expect(200).data()["outcome"], "declined");
            let body = json!({"callId": call, "decision": "approve", "approvedAmount": 10});
            let send = || server.request("POST", &path).header("idempotency-key", "once").json(body.clone()).send();
            assert_eq!(send().await.expect(200).data()["late"], false);
            assert_eq!(send().await.expect(200).header("idempotent-replayed"), Some("true"));
            for second in [yes(), json!({"decision": "decline"})] {
                assert_eq!(answer(&server, &id, &call, second).await.expect(409).code(), "question_answered");
            }
        };
        let (paid, ()) = tokio::join!(pay(&server, &card, json!(10), json!({})), answering);
        assert_members(&paid, json!({"status": "approved", "approvedAmount": 10}));
        assert_eq!(calls(&server, &id).await.len(), 2);
    }

    async fn a_late_answer_through_the_stream_is_recorded_and_told(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let id = responder(&server, json!({"increments": "ask"})).await;
        server.put(&format!("/responders/{id}"), json!({"timeoutMs": 200})).await.expect(200);
        let card = a_funded_card(&server, 100).await;
        let paid = pay(&server, &card, json!(10), json!({})).await;
        assert_members(&paid, json!({"status": "declined", "reason": "endpoint_timeout", "heldAmount": 0}));
        assert_members(&paid["responder"], json!({"outcome": "timeout", "decidedBy": "fallback"}));
        let call = paid["responder"]["callId"].clone();
        let late = answer(&server, &id, &call, json!({"decision": "approve"})).await.expect(200).data();
        assert_members(&late, json!({"late": true, "outcome": "approved"}));
        assert_eq!(answer(&server, &id, &call, json!({"decision": "approve"})).await.expect(409).code(), "question_answered");
        let told = until("the late answer", &server, "/events?filter=type=responder.answered_late", |found| found["meta"]["total"] == 1).await;
        assert_members(&told["data"][0]["data"]["call"], json!({"_id": call, "late": true, "outcome": "timeout"}));
        let shown = server.get(&format!("/authorizations/{}", paid["_id"].as_str().expect("an id"))).await.expect(200).data();
        assert_members(&shown, json!({"status": "declined", "heldAmount": 0}));
        assert_members(&shown["responder"], json!({"late": true, "decidedBy": "fallback"}));
        // The answer to a test or about an increment decides in time or not at all.
        let test = server.post(&format!("/responders/{id}/test"), json!({})).await.expect(200).data();
        assert_eq!(test["outcome"], "timeout");
        assert_eq!(answer(&server, &id, &test["_id"], json!({"decision": "approve"})).await.expect(409).code(), "question_closed");
        // Silence does not degrade it: it is asked again and again.
        for _ in 0..6 {
            assert_eq!(pay(&server, &card, json!(1), json!({})).await["responder"]["outcome"], "timeout");
        }
        assert_eq!(server.get("/events?filter=type=responder.degraded").await.expect(200).json()["meta"]["total"], 0);
        drop(server);
        verify(&world);
    }

    async fn increments_and_the_network_through_the_stream(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let both = (&server, &server);
        let id = responder(&server, json!({"increments": "ask"})).await;
        let card = a_funded_card(&server, 100).await;
        let yes = || json!({"decision": "approve"});
        let (paid, _, _) = asked(both, &id, 1, payment(&card, 10, json!({"estimated": true})), yes()).await;
        let path = format!("/simulator/authorizations/{}/increment", paid["_id"].as_str().expect("an id"));
        let more = |amount: i64| (path.as_str(), json!({"amount": amount, "partialAllowed": true}));
        let (grown, about, answered) = asked(both, &id, 2, more(20), json!({"decision": "approve", "approvedAmount": 5})).await;
        assert_members(&grown, json!({"approvedAmount": 15}));
        assert_members(&about["request"], json!({"type": "increment"}));
        assert_members(&answered, json!({"type": "increment", "authorizationId": paid["_id"], "late": false}));
        let (kept, _, _) = asked(both, &id, 3, more(20), json!({"decision": "decline"})).await;
        assert_members(&kept, json!({"approvedAmount": 15}));
        assert_eq!(steps(&kept), ["asked", "approved", "incremented", "increment_declined"]);
        // The network reverses a payment while the responder is asked: the answer comes too late.
        let meanwhile = async {
            let question = question(&server, &id, 4).await;
            let about = question["authorizationId"].as_str().expect("an id");
            server.post(&format!("/simulator/authorizations/{about}/reverse"), json!({})).await.expect(200);
            answer(&server, &id, &question["callId"], yes()).await.expect(200).data()
        };
        let (reversed, late) = tokio::join!(pay(&server, &card, json!(30), json!({})), meanwhile);
        assert_eq!(late["late"], true);
        assert_members(&reversed, json!({"status": "reversed"}));
        assert_eq!(reversed["responder"]["decidedBy"], "network");
        // One that is deleted while it is asked still answers.
        let deleting = async {
            let question = question(&server, &id, 5).await;
            server.delete(&format!("/responders/{id}")).await.expect(200);
            answer(&server, &id, &question["callId"], yes()).await.expect(200)
        };
        let (paid, _) = tokio::join!(pay(&server, &card, json!(7), json!({})), deleting);
        assert_members(&paid, json!({"status": "approved"}));
        assert_eq!(answer(&server, &id, &json!("000000000000000000000001"), yes()).await.expect(404).code(), "responder_not_found");
        assert_eq!(money(&server, &card).await, (json!(100), json!(78)));
        drop(server);
        verify(&world);
    }

    async fn faults_change_answers_and_a_url_starts_anew(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let both = (&server, &server);
        let id = responder(&server, json!({})).await;
        let card = a_funded_card(&server, 100).await;
        let faults = format!("/simulator/responders/{id}/faults");
        for (number, fault, outcome) in [
            (1, json!({"garbage": true}), "invalid_response"),
            (2, json!({"status": 503}), "error"),
            (3, json!({"drop": true}), "error"),
            (4, json!({}), "approved"),
        ] {
            server.post(&faults, fault).await.expect(200);
            let (paid, _, answered) = asked(both, &id, number, payment(&card, 1, json!({})), json!({"decision": "approve"})).await;
            assert_eq!((&paid["responder"]["outcome"], &answered["outcome"]), (&json!(outcome), &json!(outcome)), "{paid}");
        }
        // Delayed past the deadline, it is late.
        server.put(&format!("/responders/{id}"), json!({"timeoutMs": 500})).await.expect(200);
        server.post(&faults, json!({"delayMs": 700})).await.expect(200);
        let (paid, _, answered) = asked(both, &id, 5, payment(&card, 1, json!({})), json!({"decision": "approve"})).await;
        assert_eq!((&paid["responder"]["outcome"], &answered["late"]), (&json!("timeout"), &json!(true)));
        // With a URL it is another responder, as it were, and without it again.
        let path = format!("/responders/{id}");
        let moved = server.put(&path, json!({"url": "https://example.com/decide"})).await.expect(200).data();
        assert_members(&moved, json!({"url": "https://example.com/decide", "status": "pending", "verifiedAt": null}));
        let back = server.put(&path, json!({"url": null})).await.expect(200).data();
        assert_members(&back, json!({"url": null, "status": "pending"}));
        let same = server.put(&path, back.clone()).await.expect(200).data();
        assert_eq!(same["version"], back["version"]);
        assert_eq!(pay(&server, &card, json!(1), json!({})).await["responder"], Value::Null);
        let listed = server.get("/responders?limit=5").await.expect(200).data();
        assert_eq!(listed[0]["url"], Value::Null);
        drop(server);
        verify(&world);
    }
}

/// On PostgreSQL an answer may reach another server than the one that asks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_may_reach_another_server() {
    let world = World::new(Backend::Postgres).await;
    let (asking, answering) = (std::sync::Arc::new(start(&world).await), start(&world).await);
    let made = asking.post("/responders", json!({"timeoutMs": 3000, "increments": "ask"})).await.expect(201).id();
    let (test, yes) = (format!("/responders/{made}/test"), || json!({"decision": "approve"}));
    let both = (&*asking, &answering);
    let (tested, _, _) = asked(both, &made, 0, (&test, json!({})), yes()).await;
    assert_eq!(tested["outcome"], "approved");
    let card = a_funded_card(&asking, 100).await;
    let started = std::time::Instant::now();
    let (paid, _, answered) = asked(both, &made, 1, payment(&card, 10, json!({"estimated": true})), yes()).await;
    assert_members(&paid, json!({"status": "approved"}));
    assert_eq!((&paid["responder"]["outcome"], &answered["late"]), (&json!("approved"), &json!(false)));
    assert!(started.elapsed() < Duration::from_millis(2900), "it waits for its deadline");
    let increment = format!("/simulator/authorizations/{}/increment", paid["_id"].as_str().expect("an id"));
    let (grown, _, _) = asked(both, &made, 2, (&increment, json!({"amount": 5})), yes()).await;
    assert_eq!(grown["approvedAmount"], 15);
    // The server that asks is killed; the answer still decides.
    let paying = {
        let (asking, card) = (asking.clone(), card.clone());
        tokio::spawn(async move {
            let body = json!({"cardId": card, "amount": 20});
            let _ = asking.request("POST", "/simulator/authorizations").json(body).try_send().await;
        })
    };
    let question = question(&answering, &made, 3).await;
    asking.kill();
    let _ = paying.await;
    let answered = answer(&answering, &made, &question["callId"], yes()).await.expect(200).data();
    assert_eq!(answered["late"], false);
    let shown = settled(&answering, question["authorizationId"].as_str().expect("an id")).await;
    assert_members(&shown, json!({"status": "approved", "approvedAmount": 20}));
    assert_eq!(shown["responder"]["decidedBy"], "responder");
    drop(answering);
    verify(&world);
}
