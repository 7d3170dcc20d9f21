//! Responders: payments decided by the client's own code, by its fallback, and by what happens meanwhile.

use serde_json::{Value, json};

use crate::authorizations::{a_funded_card, money, pay, steps};
use crate::on_both_stores;
use crate::receiver::{Answer, Got, Receiver};
use crate::webhooks::start;
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
