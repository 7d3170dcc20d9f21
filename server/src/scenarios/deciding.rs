//! Responders of a scenario: without a URL, so that the scenario itself answers, as its steps say.

use std::collections::HashSet;
use std::future::Future;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::model::{Meanwhile, Reply};
use super::speak::{Answer, Node};

/// The time limit of a responder unless its scenario sets one: the longest.
const TIMEOUT_MS: i64 = 3000;

/// How often questions are looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// How long the question about a payment that is decided may take to be seen.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The body that creates a responder. Its own time limit is set once it is active.
pub fn settings(fields: &Map<String, Value>, cards: &[String]) -> Value {
    let mut body = fields.clone();
    for own in ["cards", "status"] {
        body.remove(own);
    }
    body.insert("timeoutMs".to_owned(), json!(TIMEOUT_MS));
    body.insert("scope".to_owned(), json!({"cardIds": cards}));
    Value::Object(body)
}

/// Answers the test question of a new responder, and then sets what would have been in the way.
pub async fn activate(node: &Node, id: &str, fields: &Map<String, Value>) -> Result<(), String> {
    let path = format!("/responders/{id}/test");
    let (request, responders) = (name(), [id.to_owned()]);
    let testing = node.ask(&request, "POST", &path, None);
    let yes = Reply::Given { fields: Map::from_iter([("decision".to_owned(), json!("approve"))]), late: false };
    let tested = decided(node, (&request, &responders), (&yes, None), testing).await?;
    if tested.data()["outcome"] != "approved" {
        return Err(format!("its test came to {} {}", tested.data()["outcome"], tested.trouble()));
    }
    let later =
        ["timeoutMs", "status"].into_iter().filter_map(|name| Some((name.to_owned(), fields.get(name)?.clone())));
    let later: Map<String, Value> = later.collect();
    if later.is_empty() {
        return Ok(());
    }
    let answer = node.ask(&name(), "PUT", &format!("/responders/{id}"), Some(&Value::Object(later))).await?;
    if answer.is_success() { Ok(()) } else { Err(answer.trouble()) }
}

pub async fn delete(node: &Node, id: &str) -> Result<(), String> {
    let answer = node.ask(&name(), "DELETE", &format!("/responders/{id}"), None).await?;
    if answer.is_success() { Ok(()) } else { Err(answer.trouble()) }
}

/// A request id beside those of the steps.
fn name() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// Answers the question that a request brings about; returns the request's answer. What else is asked of the node has ids
/// that begin with the request's, because it belongs to the same step.
pub async fn decided(
    node: &Node,
    (request, responders): (&str, &[String]),
    (reply, meanwhile): (&Reply, Option<Meanwhile>),
    paying: impl Future<Output = Result<Answer, String>>,
) -> Result<Answer, String> {
    let known: HashSet<String> = questions(node, responders).await?.into_iter().map(|one| one.call).collect();
    let is_expected = meanwhile.is_some() || matches!(reply, Reply::Given { .. });
    tokio::pin!(paying);
    let (mut paid, begun) = (None, Instant::now());
    let question = loop {
        tokio::select! {
            answer = &mut paying, if paid.is_none() => paid = Some(answer?),
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
        }
        if let Some(new) = questions(node, responders).await?.into_iter().find(|one| !known.contains(&one.call)) {
            break new;
        }
        match paid {
            Some(paid) if !is_expected => return Ok(paid),
            Some(paid) if begun.elapsed() > QUESTION_TIMEOUT => {
                return Err(format!("no responder was asked, but the step has an answer: {}", paid.data()));
            }
            other => paid = other,
        }
    };
    if let Some(meanwhile) = meanwhile {
        let word = match meanwhile {
            Meanwhile::Reverse => "reverse",
            Meanwhile::Clear => "clear",
        };
        let path = format!("/simulator/authorizations/{}/{word}", question.authorization);
        let done = node.ask(&format!("{request}-{word}"), "POST", &path, Some(&json!({}))).await?;
        if !done.is_success() {
            return Err(format!("meanwhile {word}: {}", done.trouble()));
        }
    }
    let Reply::Given { fields, late } = reply else { return finished(paid, paying).await };
    let mut body = fields.clone();
    body.insert("callId".to_owned(), json!(question.call));
    let (path, body) = (format!("/responders/{}/answers", question.responder), Value::Object(body));
    if *late {
        paid = Some(finished(paid, &mut paying).await?);
    }
    let given = node.ask(&format!("{request}-answer"), "POST", &path, Some(&body)).await?;
    if !given.is_success() {
        return Err(format!("the responder's answer was refused: {}", given.trouble()));
    }
    finished(paid, paying).await
}

async fn finished(
    paid: Option<Answer>,
    paying: impl Future<Output = Result<Answer, String>>,
) -> Result<Answer, String> {
    match paid {
        Some(paid) => Ok(paid),
        None => paying.await,
    }
}

struct Question {
    responder: String,
    call: String,
    authorization: String,
}

/// The newest questions to these responders.
async fn questions(node: &Node, responders: &[String]) -> Result<Vec<Question>, String> {
    let mut found = Vec::new();
    for responder in responders {
        let path = format!("/events?filter=objectId={responder}%26type=responder.question&sort=-sequence&limit=5");
        let events = node.get(&path).await?;
        for event in events.as_array().into_iter().flatten() {
            let question = &event["data"]["question"];
            let text = |member: &str| question[member].as_str().unwrap_or_default().to_owned();
            let (call, authorization) = (text("callId"), text("authorizationId"));
            found.push(Question { responder: responder.clone(), call, authorization });
        }
    }
    Ok(found)
}
