//! `--decide`: answers the questions of a responder without a URL, which exists for as long as this runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::ended::{Ended, say};
use super::run_command::Commands;
use super::streamed_event::{StreamedEvent, root};
use super::summary::{amount, text};
use crate::cli::Failure;
use crate::cli::args::DecidingArgs;

/// The type of the events that are questions.
pub(super) const QUESTION: &str = "responder.question";

/// What the responder is called. One that a killed run left is found by it.
const NAME: &str = "paygen listen";

const MAX_NAME: usize = 500;

/// How long after its deadline a question is not answered any more. The clocks of both ends may differ.
const MISSED: Duration = Duration::from_secs(30);

const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What decides.
enum How {
    Approve,
    Decline,
    Command(Commands),
}

/// Where questions are answered.
struct Calls {
    http: reqwest::Client,
    url: String,
    key: String,
}

struct Shared {
    calls: Calls,
    how: How,
    /// How long an answer may take.
    limit: Duration,
    /// The output is for programs: decisions are printed elsewhere.
    json: bool,
    is_tested: AtomicBool,
    /// Tells why it cannot go on.
    failed: UnboundedSender<String>,
}

/// Answers questions.
pub(super) struct Decider {
    shared: Arc<Shared>,
    /// What the responder is created with.
    settings: Value,
    /// Its id, once it is created.
    responder: Option<String>,
}

/// A question, as its event has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    call_id: String,
    #[serde(rename = "type")]
    about: String,
    deadline_at: String,
    request: Box<RawValue>,
}

#[derive(Deserialize)]
struct QuestionData {
    question: Question,
}

impl DecidingArgs {
    /// What `--decide` asks for; `None` without it.
    pub(super) fn decider(
        self,
        (http, url, key): (reqwest::Client, &str, &str),
        json: bool,
        failed: UnboundedSender<String>,
    ) -> Result<Option<Decider>, Failure> {
        let Some(decide) = self.decide else { return Ok(None) };
        let how = match decide.trim() {
            "" => return Err("--decide needs approve, decline or a command.".into()),
            "approve" => How::Approve,
            "decline" => How::Decline,
            command => How::Command(Commands::new(command)),
        };
        let only: Vec<&str> =
            [&self.card, &self.account, &self.program].into_iter().flatten().map(|id| &**id).collect();
        let name = if only.is_empty() { NAME.to_owned() } else { format!("{NAME}: {}", only.join(", ")) };
        let settings = json!({
            "description": name.chars().take(MAX_NAME).collect::<String>(),
            "timeoutMs": self.timeout_ms,
            "increments": "ask",
            "scope": {"cardIds": self.card, "accountIds": self.account, "programIds": self.program},
        });
        let calls = Calls { http, url: url.trim_end_matches('/').to_owned(), key: key.to_owned() };
        let limit = Duration::from_millis(u64::from(self.timeout_ms));
        let shared = Shared { calls, how, limit, json, is_tested: AtomicBool::new(false), failed };
        Ok(Some(Decider { shared: Arc::new(shared), settings, responder: None }))
    }
}

impl Calls {
    /// Calls the API; an answer that is not a success is an error.
    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, (StatusCode, Ended)> {
        let lost = |error: reqwest::Error| {
            let why = format!("{} is not reached: {}", self.url, root(&error));
            let ended = if error.is_builder() { Ended::Refused(why) } else { Ended::Lost(why, None) };
            (StatusCode::SERVICE_UNAVAILABLE, ended)
        };
        let url = format!("{}{path}", self.url);
        let mut request = self.http.request(method, url).header("x-api-key", &self.key).timeout(CALL_TIMEOUT);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(lost)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.map_err(lost)?;
        if !status.is_success() {
            return Err((status, Ended::refused(status, &headers, &text)));
        }
        let body: Value = serde_json::from_str(&text)
            .map_err(|error| (status, Ended::Refused(format!("{path}: the answer could not be read: {error}"))))?;
        Ok(body["data"].clone())
    }
}

impl Decider {
    /// Creates the responder, unless it is there, and deletes what an earlier run left.
    pub(super) async fn prepare(&mut self) -> Result<(), Ended> {
        let calls = &self.shared.calls;
        if let Some(id) = &self.responder {
            match calls.call(Method::GET, &format!("/responders/{id}"), None).await {
                Ok(_) => return Ok(()),
                Err((StatusCode::NOT_FOUND, _)) => eprintln!("paygen: the responder was deleted; creating another"),
                Err((_, ended)) => return Err(ended),
            }
            self.responder = None;
        }
        self.shared.is_tested.store(false, Ordering::Relaxed);
        self.delete_leftovers().await?;
        let made = calls.call(Method::POST, "/responders", Some(&self.settings)).await.map_err(|(_, ended)| ended)?;
        self.responder = Some(text(&made["_id"]));
        Ok(())
    }

    /// Deletes the responders that earlier runs left.
    async fn delete_leftovers(&self) -> Result<(), Ended> {
        let calls = &self.shared.calls;
        let all = calls.call(Method::GET, "/responders?limit=200", None).await.map_err(|(_, ended)| ended)?;
        let is_own = |one: &&Value| one["description"] == self.settings["description"] && one["url"].is_null();
        for left in all.as_array().into_iter().flatten().filter(is_own) {
            let id = text(&left["_id"]);
            match calls.call(Method::DELETE, &format!("/responders/{id}"), None).await {
                Ok(_) => eprintln!("paygen: responder {id} of an earlier run is replaced"),
                Err((StatusCode::NOT_FOUND, _)) => {}
                Err((_, ended)) => return Err(ended),
            }
        }
        Ok(())
    }

    /// Has the responder tested, once the stream is open: before that it is not asked. Returns what answers its questions.
    pub(super) fn begin(&self) -> Option<Answers> {
        let id = self.responder.clone()?;
        if !self.shared.is_tested.load(Ordering::Relaxed) {
            self.test(id.clone());
        }
        Some(Answers { shared: self.shared.clone(), responder: id })
    }

    fn test(&self, id: String) {
        let shared = self.shared.clone();
        tokio::spawn(async move {
            match shared.calls.call(Method::POST, &format!("/responders/{id}/test"), None).await {
                Ok(call) if ["approved", "declined"].contains(&&*text(&call["outcome"])) => {
                    shared.is_tested.store(true, Ordering::Relaxed);
                    eprintln!("paygen: deciding payments as responder {id}");
                }
                Ok(call) => {
                    let why = format!("the responder's test question came to {}", text(&call["outcome"]));
                    let _ = shared.failed.send(format!("{why}: {}", text(&call["error"])));
                }
                // A lost connection is made again, and the test with it.
                Err((_, Ended::Lost(why, _))) => eprintln!("paygen: the responder is not tested yet: {why}"),
                Err((_, Ended::Refused(why))) => drop(shared.failed.send(why)),
                Err((_, Ended::Closed)) => {}
            }
        });
    }

    /// Whether an event is a question that is answered here.
    pub(super) fn asks(&self, event: &StreamedEvent<'_>) -> bool {
        event.kind == QUESTION && self.responder.as_deref() == Some(event.object_id)
    }

    /// Deletes the responder; whether that succeeded.
    pub(super) async fn finish(&self) -> bool {
        let Some(id) = &self.responder else {
            // It may have been created by a call that was not waited for.
            let _ = self.delete_leftovers().await;
            return true;
        };
        match self.shared.calls.call(Method::DELETE, &format!("/responders/{id}"), None).await {
            Ok(_) | Err((StatusCode::NOT_FOUND, _)) => true,
            Err((_, Ended::Lost(why, _) | Ended::Refused(why))) => {
                eprintln!(
                    "paygen: responder {id} is still there, and nobody answers it: {why}. The next run replaces it, or \
                     delete it with DELETE /responders/{id}."
                );
                false
            }
            Err((_, Ended::Closed)) => false,
        }
    }
}

/// Answers the questions of a stream.
pub(super) struct Answers {
    shared: Arc<Shared>,
    responder: String,
}

impl Answers {
    /// Takes an event, and answers it if it is a question.
    pub(super) fn take(&self, event: &StreamedEvent<'_>) {
        if event.kind != QUESTION || event.object_id != self.responder {
            return;
        }
        let Ok(QuestionData { question }) = serde_json::from_str(event.data.get()) else { return };
        // A stream that was lost brings what was missed; nobody waits for those answers any more.
        let deadline: Result<jiff::Timestamp, _> = question.deadline_at.parse();
        if deadline.is_ok_and(|at| at + MISSED < jiff::Timestamp::now()) {
            return;
        }
        let (shared, at, responder) = (self.shared.clone(), event.created_at.to_owned(), self.responder.clone());
        tokio::spawn(async move { shared.answer(&responder, question, &at).await });
    }
}

impl Shared {
    /// Decides a question, answers it and prints the decision.
    async fn answer(&self, responder: &str, question: Question, at: &str) {
        let started = Instant::now();
        let decided = match &self.how {
            How::Approve => Ok(json!({"decision": "approve"})),
            How::Decline => Ok(json!({"decision": "decline", "reason": "paygen listen --decide decline"})),
            How::Command(commands) => commands.decide(question.request.get(), self.limit).await,
        };
        let is_test = question.about == "test";
        let answered = match decided {
            Err(why) if is_test && why.is_fatal => return drop(self.failed.send(why.text)),
            Err(why) => Err(why.text),
            Ok(mut answer) => {
                answer["callId"] = json!(question.call_id);
                let path = format!("/responders/{responder}/answers");
                match self.calls.call(Method::POST, &path, Some(&answer)).await {
                    Ok(taken) => Ok((answer, taken["late"] == true)),
                    Err((_, Ended::Lost(why, _) | Ended::Refused(why))) => Err(why),
                    Err((_, Ended::Closed)) => return,
                }
            }
        };
        if is_test {
            if let Err(why) = answered {
                eprintln!("paygen: the responder's test question is not answered: {why}");
            }
            return;
        }
        let request: Value = serde_json::from_str(question.request.get()).unwrap_or_default();
        let line = line(&request, &answered);
        let line = format!("{at}  {:<23}  {line}  {} ms", "decided", started.elapsed().as_millis());
        // With --json the output is for programs. When it is closed, the next event ends this.
        if self.json { eprintln!("{line}") } else { drop(say(&line)) }
    }
}

/// A decision: how much, where, and what was answered.
fn line(request: &Value, answered: &Result<(Value, bool), String>) -> String {
    let authorization = &request["authorization"];
    let currency = &authorization["currency"];
    let mut parts = vec![amount(&request["facts"]["approvableAmount"], currency)];
    if request["type"] == "increment" {
        parts.push("more".to_owned());
    }
    parts.push(text(&authorization["merchant"]["name"]));
    match answered {
        Ok((answer, late)) => {
            parts.push(text(&answer["decision"]));
            parts.push(amount(&answer["approvedAmount"], currency));
            parts.push(text(&answer["reason"]));
            parts.extend(late.then(|| "too late".to_owned()));
        }
        Err(why) => parts.push(format!("not answered: {why}")),
    }
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::line;

    #[test]
    fn a_line_says_how_much_where_and_what() {
        let request = json!({"type": "authorization", "facts": {"approvableAmount": 42.5},
            "authorization": {"currency": "USD", "merchant": {"name": "ACME\u{1b} CAFE"}}});
        let said = |answered| line(&request, &answered);
        assert_eq!(said(Ok((json!({"decision": "approve"}), false))), "42.50 USD  ACME CAFE  approve");
        let less = json!({"decision": "approve", "approvedAmount": 40});
        assert_eq!(said(Ok((less, true))), "42.50 USD  ACME CAFE  approve  40.00 USD  too late");
        let no = json!({"decision": "decline", "reason": "no"});
        assert_eq!(said(Ok((no, false))), "42.50 USD  ACME CAFE  decline  no");
        assert_eq!(said(Err("x".to_owned())), "42.50 USD  ACME CAFE  not answered: x");
    }
}
