//! `paygen listen`: prints a server's events as they come, and forwards them to a URL as webhooks would.

mod forward;
mod lines;

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Failure;
use super::args::ListenArgs;
use crate::config::Config;
use crate::delivery::retry_after;
use forward::Forward;
use lines::{Lines, Message};

/// How long to wait before connecting again: doubled each time that brings nothing.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A connection that says nothing for so long is dead; servers speak every 15 s unless told otherwise.
const SILENCE: Duration = Duration::from_secs(90);

/// An event, as far as it is shown and forwarded.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    object_type: &'a str,
    object_id: &'a str,
    sequence: i64,
    #[serde(borrow)]
    data: &'a RawValue,
    created_at: &'a str,
}

/// Why a connection ended.
enum Ended {
    /// It can be tried again, not before so long.
    Lost(String, Option<Duration>),
    /// Trying again cannot help.
    Refused(String),
    /// Nobody reads the output any more.
    Closed,
}

pub(super) async fn run(config: &Config, args: ListenArgs) -> Result<ExitCode, Failure> {
    let key = args.api_key.or_else(|| config.sandbox_api_key.as_ref().map(|key| key.expose().to_owned()));
    let key = key.ok_or("there is no API key: name one with --api-key or PAYGEN_API_KEY.")?;
    let forward = match &args.forward_to {
        Some(url) => Some(Forward::new(url, args.secret.as_deref(), args.token)?),
        None => None,
    };
    let mut listener = Listener {
        http: reqwest::Client::builder().read_timeout(SILENCE).connect_timeout(Duration::from_secs(10)).build()?,
        url: args.url.unwrap_or_else(|| own_url(config)),
        key,
        types: args.types,
        json: args.json,
        forward,
        last: args.from,
        heard: false,
    };
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        outcome = listener.listen() => outcome,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => Ok(ExitCode::SUCCESS),
    }
}

/// Where a server with these settings is reached from here.
fn own_url(config: &Config) -> String {
    let mut listen = config.listen;
    if listen.ip().is_unspecified() {
        listen.set_ip(std::net::IpAddr::from([127, 0, 0, 1]));
    }
    format!("http://{listen}")
}

struct Listener {
    http: reqwest::Client,
    url: String,
    key: String,
    types: Option<String>,
    json: bool,
    forward: Option<Forward>,
    /// The event to go on after.
    last: Option<String>,
    /// Whether this connection brought anything.
    heard: bool,
}

impl Listener {
    async fn listen(&mut self) -> Result<ExitCode, Failure> {
        let mut pause = FIRST_PAUSE;
        loop {
            self.heard = false;
            match self.connection().await {
                Ended::Closed => return Ok(ExitCode::SUCCESS),
                Ended::Refused(why) => return Err(why.into()),
                Ended::Lost(why, wait) => {
                    if self.heard {
                        pause = FIRST_PAUSE;
                    }
                    let wait = wait.unwrap_or(pause).max(pause);
                    eprintln!("paygen: {why}; connecting again in {:.1} s", wait.as_secs_f64());
                    tokio::time::sleep(wait).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// One connection, from its request to its end.
    async fn connection(&mut self) -> Ended {
        let lost = |error: reqwest::Error| Ended::Lost(format!("{} is not reached: {}", self.url, root(&error)), None);
        let mut response = match self.request().send().await {
            Ok(response) => response,
            // A URL that is none stays none.
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
            self.heard = true;
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
            let told: Told<'_> = serde_json::from_str(&message.data)
                .map_err(|error| Ended::Refused(format!("an event could not be read: {error}")))?;
            let line = if self.json {
                message.data.replace('\n', " ")
            } else {
                let Told { created_at, kind, object_type, object_id, sequence, .. } = &told;
                format!("{created_at}  {kind}  {object_type} {object_id}  #{sequence}")
            };
            say(&line)?;
            if let Some(forward) = &self.forward {
                let outcome = forward.send(&told).await;
                // With --json the output is for programs.
                if self.json { eprintln!("{outcome}") } else { say(&outcome)? }
            }
        }
        // Only now: an event whose forwarding was interrupted comes again.
        if message.id.is_some() {
            self.last = message.id;
        }
        Ok(())
    }
}

fn say(line: &str) -> Result<(), Ended> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|_| Ended::Closed)
}

/// What a server says about a request that it does not take.
fn refusal(status: StatusCode, body: &str) -> String {
    let told: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let message = told.as_ref().and_then(|told| told["message"].as_str()).unwrap_or("no reason was given");
    format!("the server answers {}: {message}", status.as_u16())
}

/// The innermost cause: the outer ones name the request.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
