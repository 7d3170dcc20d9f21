//! `paygen listen`: prints a server's events as they come, forwards them to a URL as webhooks, and decides payments.

mod decide;
mod ended;
mod forward;
mod lines;
mod run_command;
mod streamed_event;
mod summary;

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use super::args::ListenArgs;
use super::{Failure, running_server};
use crate::config::Config;
use decide::{Answers, Decider};
use ended::{Ended, say};
use forward::Forward;
use lines::{Lines, Message};
use streamed_event::{StreamedEvent, root};

/// Backoff before reconnecting: doubled each time a connection brings nothing.
const MIN_BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(15);

/// A connection that is silent for longer is dead; servers send a heartbeat every 15 s by default.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(90);

pub(super) async fn run(config: &Config, args: ListenArgs) -> Result<ExitCode, Failure> {
    let key = running_server::key(config, args.sandbox.api_key)?;
    let forward = match &args.forward_to {
        Some(url) => Some(Forward::new(url, args.secret.as_deref(), args.token)?),
        None => None,
    };
    let http =
        reqwest::Client::builder().read_timeout(SILENCE_TIMEOUT).connect_timeout(Duration::from_secs(10)).build()?;
    let url = args.sandbox.url.filter(|url| !url.is_empty()).unwrap_or_else(|| running_server::url(config));
    let (failed, mut failure) = tokio::sync::mpsc::unbounded_channel();
    let decider = args.deciding.decider((http.clone(), &url, &key), args.json, failed)?;
    let mut listener = Listener {
        http,
        url,
        key,
        types: args.types,
        verbose: args.verbose,
        json: args.json,
        endings: HashMap::new(),
        forward,
        decider,
        last: args.from,
        has_received: false,
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let outcome = tokio::select! {
        outcome = listener.listen() => outcome,
        Some(why) = failure.recv() => Err(why.into()),
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => Ok(ExitCode::SUCCESS),
        _ = hangup.recv() => Ok(ExitCode::SUCCESS),
    };
    match &listener.decider {
        Some(decider) if !decider.finish().await => outcome.map(|_| ExitCode::FAILURE),
        _ => outcome,
    }
}

/// Messages that wait to be printed and forwarded.
const MAX_WAITING: usize = 10_000;

/// Reads a stream to its end: why it ended, and whether it brought anything. Questions are answered at once, however long
/// it takes to print and forward what came before them.
async fn read(
    mut response: reqwest::Response,
    answers: Option<Answers>,
    messages: tokio::sync::mpsc::Sender<Message>,
) -> (String, bool) {
    let (mut lines, mut has_received) = (Lines::default(), false);
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) => lines.push(&bytes),
            Ok(None) => return ("the server ended the stream".to_owned(), has_received),
            Err(error) => return (format!("the connection was lost: {}", root(&error)), has_received),
        }
        has_received = true;
        while let Some(message) = lines.next() {
            if let Some(answers) = &answers
                && let Ok(event) = serde_json::from_str::<StreamedEvent<'_>>(&message.data)
            {
                answers.take(&event);
            }
            if messages.send(message).await.is_err() {
                return ("nobody reads".to_owned(), has_received);
            }
        }
    }
}

struct Listener {
    http: reqwest::Client,
    url: String,
    key: String,
    types: Option<String>,
    verbose: bool,
    json: bool,
    /// The last digits of card numbers, as far as they are known.
    endings: HashMap<String, String>,
    forward: Option<Forward>,
    /// What answers questions.
    decider: Option<Decider>,
    /// The event to resume after.
    last: Option<String>,
    /// Whether this connection brought anything.
    has_received: bool,
}

impl Listener {
    async fn listen(&mut self) -> Result<ExitCode, Failure> {
        let mut pause = MIN_BACKOFF;
        loop {
            self.has_received = false;
            match self.connection().await {
                Ended::Closed => return Ok(ExitCode::SUCCESS),
                Ended::Refused(why) => return Err(why.into()),
                Ended::Lost(why, wait) => {
                    if self.has_received {
                        pause = MIN_BACKOFF;
                    }
                    let wait = wait.unwrap_or(pause).max(pause);
                    eprintln!("paygen: {why}; connecting again in {:.1} s", wait.as_secs_f64());
                    tokio::time::sleep(wait).await;
                    pause = (pause * 2).min(MAX_BACKOFF);
                }
            }
        }
    }

    /// One connection, from its request to its end.
    async fn connection(&mut self) -> Ended {
        if let Some(decider) = &mut self.decider
            && let Err(ended) = decider.prepare().await
        {
            return ended;
        }
        let lost = |error: reqwest::Error| Ended::Lost(format!("{} is not reached: {}", self.url, root(&error)), None);
        let response = match self.request().send().await {
            Ok(response) => response,
            // An invalid URL stays invalid.
            Err(error) if error.is_builder() => return Ended::Refused(format!("{}: {}", self.url, root(&error))),
            Err(error) => return lost(error),
        };
        let status = response.status();
        if !status.is_success() {
            let headers = response.headers().clone();
            return Ended::refused(status, &headers, &response.text().await.unwrap_or_default());
        }
        eprintln!("paygen: listening to {}", self.url);
        let answers = self.decider.as_ref().and_then(Decider::begin);
        let (sender, mut messages) = tokio::sync::mpsc::channel(MAX_WAITING);
        let reading = tokio::spawn(read(response, answers, sender));
        while let Some(message) = messages.recv().await {
            self.has_received = true;
            if let Err(ended) = self.take(message).await {
                reading.abort();
                return ended;
            }
        }
        match reading.await {
            Ok((why, has_received)) => {
                self.has_received |= has_received;
                Ended::Lost(why, None)
            }
            Err(error) => Ended::Refused(format!("reading failed: {error}")),
        }
    }

    fn request(&self) -> reqwest::RequestBuilder {
        let mut url = format!("{}/events/stream", self.url.trim_end_matches('/'));
        if let Some(types) = &self.types {
            let mut types = types.clone();
            if self.decider.is_some() && !self.is_wanted(decide::QUESTION) {
                types = format!("{types},{}", decide::QUESTION);
            }
            let encoded: String = url::form_urlencoded::byte_serialize(types.as_bytes()).collect();
            url.push_str(&format!("?types={encoded}"));
        }
        let request = self.http.get(url).header("x-api-key", &self.key);
        match &self.last {
            Some(last) => request.header("last-event-id", last),
            None => request,
        }
    }

    /// Whether events of this type were asked for.
    fn is_wanted(&self, kind: &str) -> bool {
        let types = self.types.as_ref().filter(|_| self.decider.is_some());
        types.is_none_or(|types| types.split(',').any(|one| one.trim() == kind || one.trim() == "*"))
    }

    async fn take(&mut self, message: Message) -> Result<(), Ended> {
        if !message.data.is_empty() {
            let event: StreamedEvent<'_> = serde_json::from_str(&message.data)
                .map_err(|error| Ended::Refused(format!("an event could not be read: {error}")))?;
            let is_own = self.decider.as_ref().is_some_and(|decider| decider.asks(&event));
            if !self.is_wanted(event.kind) {
                // It came for the decider only.
            } else if self.json {
                say(&message.data.replace('\n', " "))?;
            } else if !is_own {
                self.show(&event).await?;
            }
            if let Some(forward) = self.forward.as_ref().filter(|_| self.is_wanted(event.kind)) {
                let outcome = forward.send(&event).await;
                // With --json the output is for programs.
                if self.json { eprintln!("{outcome}") } else { say(&outcome)? }
            }
        }
        // Only now: an event whose forwarding was interrupted is received again.
        if message.id.is_some() {
            self.last = message.id;
        }
        Ok(())
    }
}

/// Timeout for looking up a card; its event waits for it.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Upper bound on the known last digits.
const MAX_ENDINGS: usize = 10_000;

impl Listener {
    /// Prints an event in human-readable form.
    async fn show(&mut self, event: &StreamedEvent<'_>) -> Result<(), Ended> {
        let data: Value = serde_json::from_str(event.data.get()).unwrap_or_default();
        let mut parts = summary::parts(event.kind, &data);
        parts.push(match event.object_type {
            "card" => self.card(event.object_id, &data["card"]).await,
            other => format!("{other} {}", event.object_id),
        });
        say(&format!("{}  {:<23}  {}", event.created_at, event.kind, parts.join("  ")))?;
        if self.verbose {
            let body = serde_json::to_string_pretty(&data).unwrap_or_default();
            body.lines().try_for_each(|line| say(&format!("    {line}")))?;
        }
        Ok(())
    }

    /// A card by the last digits of its number, or by its id when they are not known.
    async fn card(&mut self, id: &str, known: &Value) -> String {
        if let Some(ending) = summary::ending(known) {
            self.remember(id, ending);
        }
        if !self.endings.contains_key(id) {
            let url = format!("{}/cards/{id}", self.url.trim_end_matches('/'));
            let answer = self.http.get(url).header("x-api-key", &self.key).timeout(LOOKUP_TIMEOUT).send().await;
            let text = match answer {
                Ok(answer) if answer.status().is_success() => answer.text().await.unwrap_or_default(),
                _ => String::new(),
            };
            let answer: Value = serde_json::from_str(&text).unwrap_or_default();
            if let Some(ending) = summary::ending(&answer["data"]) {
                self.remember(id, ending);
            }
        }
        match self.endings.get(id) {
            Some(ending) => format!("card …{ending}"),
            None => format!("card {id}"),
        }
    }

    fn remember(&mut self, id: &str, ending: String) {
        if self.endings.len() >= MAX_ENDINGS {
            self.endings.clear();
        }
        self.endings.insert(id.to_owned(), ending);
    }
}
