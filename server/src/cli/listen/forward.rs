//! Forwards an event to a URL: with the body and the headers of a webhook delivery.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::streamed_event::{StreamedEvent, root};
use crate::cli::Failure;
use paygen_delivery::sign::{Message, Secret, headers};
use paygen_engine::clock::wall;

/// The timeout of a webhook endpoint.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The target of forwarded events.
pub(super) struct Forward {
    http: reqwest::Client,
    url: String,
    secret: Secret,
    token: Option<String>,
}

impl Forward {
    /// Uses this secret, or a new one that is printed once.
    pub(super) fn new(url: &str, secret: Option<&str>, token: Option<String>) -> Result<Forward, Failure> {
        let parsed = url::Url::parse(url).map_err(|error| format!("--forward-to {url}: {error}."))?;
        if !["http", "https"].contains(&parsed.scheme()) {
            return Err(format!("--forward-to {url}: it must begin with http:// or https://.").into());
        }
        let secret = match secret {
            Some(text) => Secret::parse(text)
                .ok_or("--secret must be whsec_ and base64 of 24 to 64 bytes. Leave it out for a new one.")?,
            None => {
                let secret = Secret::new(paygen_vault::random_bytes());
                eprintln!("paygen: forwarded events are signed with {}", secret.shown());
                secret
            }
        };
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Forward { http, url: url.to_owned(), secret, token })
    }

    /// Sends an event; returns the outcome as a line.
    pub(super) async fn send(&self, event: &StreamedEvent<'_>) -> String {
        let Some(body) = body(event) else { return format!("  -> {}: the event names no client", self.url) };
        let timestamp = wall().micros().div_euclid(1_000_000);
        let message = Message { event: event.kind, id: event.id, timestamp, body: body.as_bytes() };
        let mut request = self.http.post(&self.url).header("content-type", "application/json");
        for (name, value) in headers(message, std::slice::from_ref(&self.secret), self.token.as_deref()) {
            request = request.header(name, value);
        }
        let started = Instant::now();
        let outcome = match request.body(body.clone()).send().await {
            Ok(response) if response.status().is_success() => response.status().as_u16().to_string(),
            Ok(response) => format!("failed, {}", response.status().as_u16()),
            Err(error) => format!("failed, {}", root(&error)),
        };
        format!("  -> {}  {outcome}  {} ms", self.url, started.elapsed().as_millis())
    }
}

/// The body of a webhook. The client is the `business` of the event's context.
fn body(event: &StreamedEvent<'_>) -> Option<String> {
    #[derive(Deserialize)]
    struct Data {
        context: Context,
    }
    #[derive(Deserialize)]
    struct Context {
        business: String,
    }
    let Data { context: Context { business } } = serde_json::from_str(event.data.get()).ok()?;
    let StreamedEvent { kind, created_at, data, .. } = event;
    let data = data.get();
    Some(format!(r#"{{"event":"{kind}","data":{data},"client":"{business}","createdAt":"{created_at}"}}"#))
}
