//! Forwarding an event to a URL: the body and the headers that a webhook endpoint gets.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::told::{Told, root};
use crate::cli::Failure;
use paygen_delivery::sign::{Message, Secret, headers};
use paygen_engine::clock::wall;

/// As long as an endpoint has.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Where events are forwarded to.
pub(super) struct Forward {
    http: reqwest::Client,
    url: String,
    secret: Secret,
    token: Option<String>,
}

impl Forward {
    /// With this secret, or a new one that is told once.
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

    /// Sends an event; what came of it, in a line.
    pub(super) async fn send(&self, told: &Told<'_>) -> String {
        let Some(body) = body(told) else { return format!("  -> {}: the event names no client", self.url) };
        let timestamp = wall().micros().div_euclid(1_000_000);
        let message = Message { event: told.kind, id: told.id, timestamp, body: body.as_bytes() };
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
fn body(told: &Told<'_>) -> Option<String> {
    #[derive(Deserialize)]
    struct Data {
        context: Context,
    }
    #[derive(Deserialize)]
    struct Context {
        business: String,
    }
    let Data { context: Context { business } } = serde_json::from_str(told.data.get()).ok()?;
    let Told { kind, created_at, data, .. } = told;
    let data = data.get();
    Some(format!(r#"{{"event":"{kind}","data":{data},"client":"{business}","createdAt":"{created_at}"}}"#))
}
