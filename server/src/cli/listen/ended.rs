//! Why a connection ends, and what is printed.

use std::io::Write;
use std::time::{Duration, SystemTime};

use paygen_delivery::retry_after;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// Why a connection ended.
pub(super) enum Ended {
    /// It can be retried, after this delay at the earliest.
    Lost(String, Option<Duration>),
    /// A retry cannot help.
    Refused(String),
    /// The output was closed.
    Closed,
}

impl Ended {
    /// A refused request: whether it can be retried is seen from its status.
    pub(super) fn refused(status: StatusCode, headers: &HeaderMap, body: &str) -> Ended {
        let wait = retry_after(headers, SystemTime::now());
        let why = refusal(status, body);
        let passes = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        if passes { Ended::Lost(why, wait) } else { Ended::Refused(why) }
    }
}

/// The message of a refused request.
fn refusal(status: StatusCode, body: &str) -> String {
    let error: Option<Value> = serde_json::from_str(body).ok();
    let message = error.as_ref().and_then(|error| error["message"].as_str()).unwrap_or("no reason was given");
    format!("the server answers {}: {message}", status.as_u16())
}

/// Prints a line.
pub(super) fn say(line: &str) -> Result<(), Ended> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|_| Ended::Closed)
}
