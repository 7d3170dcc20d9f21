//! `paygen listen`: prints a server's events as they come, and forwards them to a URL as webhooks.

mod forward;
mod lines;
mod streamed_event;
mod summary;

use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use serde_json::Value;

use super::args::ListenArgs;
use super::{Failure, running_server};
use crate::config::Config;
use forward::Forward;
use lines::{Lines, Message};
use paygen_delivery::retry_after;
use streamed_event::{StreamedEvent, root};

/// Backoff before reconnecting: doubled each time a connection brings nothing.
const MIN_BACKOFF: Duration = Duration::from_millis(250);
const MAX_BACKOFF: Duration = Duration::from_secs(15);

/// A connection that is silent for longer is dead; servers send a heartbeat every 15 s by default.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(90);

/// Why a connection ended.
enum Ended {
    /// It can be retried, after this delay at the earliest.
    Lost(String, Option<Duration>),
    /// A retry cannot help.
    Refused(String),
    /// The output was closed.
    Closed,
}

pub(super) async fn run(config: &Config, args: ListenArgs) -> Result<ExitCode, Failure> {
    let key = running_server::key(config, args.sandbox.api_key)?;
    let forward = match &args.forward_to {
        Some(url) => Some(Forward::new(url, args.secret.as_deref(), args.token)?),
        None => None,
    };
    let mut listener = Listener {
        http: reqwest::Client::builder()
            .read_timeout(SILENCE_TIMEOUT)
            .connect_timeout(Duration::from_secs(10))
            .build()?,
        url: args.sandbox.url.filter(|url| !url.is_empty()).unwrap_or_else(|| running_server::url(config)),
        key,
        types: args.types,
        verbose: args.verbose,
        json: args.json,
        endings: HashMap::new(),
        forward,
        last: args.from,
        has_received: false,
    };
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        outcome = listener.listen() => outcome,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => Ok(ExitCode::SUCCESS),
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
        let lost = |error: reqwest::Error| Ended::Lost(format!("{} is not reached: {}", self.url, root(&error)), None);
        let mut response = match self.request().send().await {
            Ok(response) => response,
            // An invalid URL stays invalid.
            Err(error) if error.is_builder() => return Ended::Refused(format!("{}: {}", self.url, root(&error))),
            Err(error) => return lost(error),
        };
        let status = response.status();
        if !status.is_success() {
            let wait = retry_after(response.headers(), SystemTime::now());
            let why = refusal(status, &response.text().await.unwrap_or_default());
            let passes = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            return if passes { Ended::Lost(why, wait) } else { Ended::Refused(why) };
        }
        eprintln!("paygen: listening to {}", self.url);
        let mut lines = Lines::default();
        loop {
            match response.chunk().await {
                Ok(Some(bytes)) => lines.push(&bytes),
                Ok(None) => return Ended::Lost("the server ended the stream".to_owned(), None),
                Err(error) => return Ended::Lost(format!("the connection was lost: {}", root(&error)), None),
            }
            self.has_received = true;
            while let Some(message) = lines.next() {
                if let Err(ended) = self.take(message).await {
                    return ended;
                }
            }
        }
    }

    fn request(&self) -> reqwest::RequestBuilder {
        let mut url = format!("{}/events/stream", self.url.trim_end_matches('/'));
        if let Some(types) = &self.types {
            let encoded: String = url::form_urlencoded::byte_serialize(types.as_bytes()).collect();
            url.push_str(&format!("?types={encoded}"));
        }
        let request = self.http.get(url).header("x-api-key", &self.key);
        match &self.last {
            Some(last) => request.header("last-event-id", last),
            None => request,
        }
    }

    async fn take(&mut self, message: Message) -> Result<(), Ended> {
        if !message.data.is_empty() {
            let event: StreamedEvent<'_> = serde_json::from_str(&message.data)
                .map_err(|error| Ended::Refused(format!("an event could not be read: {error}")))?;
            if self.json {
                say(&message.data.replace('\n', " "))?;
            } else {
                self.show(&event).await?;
            }
            if let Some(forward) = &self.forward {
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

fn say(line: &str) -> Result<(), Ended> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|_| Ended::Closed)
}

/// The message of a refused request.
fn refusal(status: StatusCode, body: &str) -> String {
    let error: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let message = error.as_ref().and_then(|error| error["message"].as_str()).unwrap_or("no reason was given");
    format!("the server answers {}: {message}", status.as_u16())
}
