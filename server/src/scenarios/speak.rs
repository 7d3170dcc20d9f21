//! An HTTP client for the API, with one key.

use std::time::Duration;

use serde_json::Value;

/// A node and the key for it.
pub struct Node {
    url: String,
    key: String,
    http: reqwest::Client,
}

/// The response of a node.
pub struct Answer {
    pub status: u16,
    body: Value,
}

impl Answer {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The member `data`.
    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// The error's code.
    pub fn code(&self) -> &Value {
        &self.body["error"]["code"]
    }

    /// The error in words, with its fields.
    pub fn trouble(&self) -> String {
        let fields = self.body["error"]["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        let fields: Vec<String> =
            fields.iter().map(|field| format!(" {} {}.", text(&field["pointer"]), text(&field["message"]))).collect();
        format!("{} {}: {}{}", self.status, text(self.code()), text(&self.body["message"]), fields.concat())
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

impl Node {
    /// The node at a URL such as `http://127.0.0.1:4000`.
    pub fn at(url: &str, key: &str) -> Result<Node, String> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).no_proxy().build();
        let http = http.map_err(|error| format!("no HTTP client can be made: {error}"))?;
        Ok(Node { url: url.trim_end_matches('/').to_owned(), key: key.to_owned(), http })
    }

    /// Sends a request with a request id, which is the idempotency key too when it writes.
    pub async fn ask(&self, id: &str, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, String> {
        let name = method.parse().map_err(|_| format!("{method} is no method"))?;
        let mut request = self.http.request(name, format!("{}{path}", self.url)).header("x-api-key", &self.key);
        request = request.header("X-Request-Id", id);
        if method != "GET" {
            request = request.header("Idempotency-Key", id);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let failed = |error: reqwest::Error| format!("{method} {}{path}: {}", self.url, because(&error));
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(failed)?;
        let body =
            serde_json::from_str(&text).map_err(|_| format!("{method} {path}: {status}, and no JSON: {text}"))?;
        Ok(Answer { status, body })
    }

    /// Reads an object.
    pub async fn get(&self, path: &str) -> Result<Value, String> {
        let answer = self.ask(&uuid::Uuid::now_v7().to_string(), "GET", path, None).await?;
        if answer.is_success() { Ok(answer.data().clone()) } else { Err(format!("GET {path}: {}", answer.trouble())) }
    }
}

/// An error with its causes.
fn because(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
