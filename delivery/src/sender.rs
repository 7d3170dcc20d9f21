//! One request to an endpoint, with every bound: allowed targets, timeout, bytes read of the response.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;

use super::targets::{CheckedResolver, Targets};

/// Bytes of a response's body kept for the log.
const EXCERPT_BYTES: usize = 1024;

/// Bytes of it that are read, so that the connection can be reused; a connection with a longer response is closed.
const READ_BYTES: usize = 64 * 1024;

/// Timeout for reading the body: the status has already decided the outcome.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// Idle connections kept for each endpoint.
const IDLE_CONNECTIONS: usize = 64;

/// Sends deliveries.
#[derive(Clone)]
pub struct Sender {
    client: reqwest::Client,
    targets: Arc<Targets>,
}

/// The result of a request.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The status of the response.
    pub status: Option<u16>,
    pub latency: Duration,
    /// The beginning of the response's body.
    pub excerpt: Option<String>,
    /// Why there is no response.
    pub error: Option<String>,
    /// The delay requested with `Retry-After`.
    pub retry_after: Option<Duration>,
}

/// The response to a question.
#[derive(Clone, Debug)]
pub struct Asked {
    pub status: u16,
    pub body: Vec<u8>,
    /// Whether the body is not longer than what was read.
    pub is_whole: bool,
}

impl Sent {
    /// Whether the endpoint accepted the event: any 2xx.
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl Sender {
    /// A sender restricted to these targets.
    pub fn new(targets: Targets) -> Result<Sender, String> {
        let targets = Arc::new(targets);
        let client = reqwest::Client::builder()
            .user_agent(concat!("paygen/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(CheckedResolver(targets.clone()))
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .tcp_nodelay(true)
            .tls_backend_preconfigured(paygen_store::tls_client()?)
            .build()
            .map_err(|error| chain(&error))?;
        Ok(Sender { client, targets })
    }

    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Posts a question and reads the whole answer, of at most `most` bytes. The caller bounds the time.
    pub async fn ask(&self, url: &str, headers: HeaderMap, body: Vec<u8>, most: usize) -> Result<Asked, String> {
        let url = self.targets.check(url).map_err(|why| format!("the URL {why}"))?;
        let answer = self.client.post(url).headers(headers).body(body).send().await;
        let mut answer = answer.map_err(|error| chain(&error.without_url()))?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= most => body.extend_from_slice(&chunk),
                Ok(Some(_)) => return Ok(Asked { status, body, is_whole: false }),
                Ok(None) => return Ok(Asked { status, body, is_whole: true }),
                Err(error) => return Err(chain(&error.without_url())),
            }
        }
    }

    /// Posts a body. It never fails: an error is part of the result.
    pub async fn send(&self, url: &str, headers: HeaderMap, body: Vec<u8>, limit: Duration) -> Sent {
        let started = Instant::now();
        let url = match self.targets.check(url) {
            Ok(url) => url,
            Err(why) => return Sent { error: Some(format!("the URL {why}")), ..Sent::default() },
        };
        let request = self.client.post(url).headers(headers).body(body).send();
        let answer = match tokio::time::timeout(limit, request).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let error = chain(&error.without_url());
                return Sent { error: Some(error), latency: started.elapsed(), ..Sent::default() };
            }
            Err(_) => {
                let error = format!("no answer within {} s", limit.as_secs());
                return Sent { error: Some(error), latency: started.elapsed(), ..Sent::default() };
            }
        };
        let latency = started.elapsed();
        let status = answer.status().as_u16();
        let retry_after = retry_after(answer.headers(), SystemTime::now());
        let rest = limit.saturating_sub(latency).min(READ_TIMEOUT);
        let excerpt = read_excerpt(answer, rest).await;
        Sent { status: Some(status), latency, excerpt, error: None, retry_after }
    }
}

/// The delay requested with `Retry-After`, as seconds or as a date (RFC 9110, section 10.2.3). A date is compared with
/// the response's own `Date` when it has one, because the receiver's clock may differ from ours.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let requested = text(RETRY_AFTER)?;
    if let Ok(seconds) = requested.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(requested).ok()?;
    let now = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(until.duration_since(now).unwrap_or_default())
}

/// The beginning of the body as text. A body that breaks off or does not end yields what was read.
async fn read_excerpt(mut answer: reqwest::Response, limit: Duration) -> Option<String> {
    let mut begin = Vec::new();
    let reading = async {
        let mut read = 0;
        while let Ok(Some(chunk)) = answer.chunk().await {
            let room = EXCERPT_BYTES.saturating_sub(begin.len()).min(chunk.len());
            begin.extend_from_slice(&chunk[..room]);
            read += chunk.len();
            if read > READ_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(limit, reading).await;
    let text: String = String::from_utf8_lossy(&begin).chars().filter(|c| !c.is_control() || *c == '\n').collect();
    (!text.is_empty()).then(|| paygen_vault::mask::masked(text))
}

/// An error with its causes, outermost first, without repetition.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text.chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};

    use super::retry_after;

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let cases = [
            ("120", None, Some(120)),
            (" 7 ", None, Some(7)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", None, Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", None, Some(60)),
            ("Sun Nov  6 08:50:37 1994", None, Some(60)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", None, Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some("today"), Some(60)),
            ("-1", None, None),
            ("1.5", None, None),
            ("soon", None, None),
            ("", None, None),
        ];
        for (requested, date, expected) in cases {
            let mut headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(requested))]);
            headers.extend(date.map(|date| (DATE, HeaderValue::from_static(date))));
            let read = retry_after(&headers, now).map(|wait| wait.as_secs());
            assert_eq!(read, expected, "{requested} {date:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
