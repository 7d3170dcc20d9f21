//! A receiver of webhooks: well-behaved, slow, broken or hostile, as each test requires.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A delivery as received.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// Whether an independent library accepts its signature (Standard Webhooks).
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let mut headers = reqwest::header::HeaderMap::new();
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            headers.insert(name, self.header(name).parse().expect("a header"));
        }
        standardwebhooks::Webhook::new(secret).expect("a secret").verify(&self.body, &headers).is_ok()
    }

    /// The documented signature it should have, as a receiver would compute it.
    pub fn paygen_signature(&self, token: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
        let signed = [self.header("x-paygen-timestamp").as_bytes(), b".", &self.body].concat();
        hmac::sign(&key, &signed).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn event(&self) -> String {
        self.header("webhook-id").to_owned()
    }

    /// The position is not sent; the order within an object is checked by the order of arrival.
    pub fn object(&self) -> String {
        let data = &self.json()["data"];
        let ids = ["cardId", "accountId", "cardHolderId", "webhookId", "apiKeyId"];
        ids.iter().find_map(|id| data[id].as_str()).unwrap_or_default().to_owned()
    }
}

/// What a receiver does with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status and headers, each line terminated.
    Status(u16, &'static str),
    /// A status and a body.
    Body(u16, String),
    /// The same, after a while.
    Slow(Duration, String),
    /// Any of the others, after a while.
    After(Duration, Box<Answer>),
    /// Responds only once the test allows it.
    Held(u16),
    /// Sends these bytes, then closes the connection.
    Raw(&'static [u8]),
    /// Sends a head, then a body without an end.
    Endless,
    /// Sends a head one byte at a time.
    SlowHead,
    /// Closes the connection without a response.
    Reset,
}

type Rule = Box<dyn Fn(&Got) -> Answer + Send + Sync>;

struct State {
    got: Mutex<Vec<Got>>,
    rule: Mutex<Rule>,
    changed: tokio::sync::watch::Sender<usize>,
    held: tokio::sync::watch::Sender<bool>,
}

/// A receiver on a port of its own.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    state: Arc<State>,
}

impl Receiver {
    pub async fn start(rule: impl Fn(&Got) -> Answer + Send + Sync + 'static) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(State {
            got: Mutex::default(),
            rule: Mutex::new(Box::new(rule)),
            changed: tokio::sync::watch::Sender::new(0),
            held: tokio::sync::watch::Sender::new(true),
        });
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Receiver { url, state }
    }

    pub async fn good() -> Receiver {
        Receiver::start(|_| Answer::Status(200, "")).await
    }

    pub fn set(&self, rule: impl Fn(&Got) -> Answer + Send + Sync + 'static) {
        *lock(&self.state.rule) = Box::new(rule);
    }

    /// Releases held requests.
    pub fn release(&self) {
        self.state.held.send_replace(false);
    }

    pub fn got(&self) -> Vec<Got> {
        lock(&self.state.got).clone()
    }

    /// The deliveries after the first `count`.
    pub fn got_since(&self, count: usize) -> Vec<Got> {
        lock(&self.state.got)[count..].to_vec()
    }

    /// Waits until the deliveries meet a condition.
    pub async fn until(&self, what: &str, enough: impl Fn(&[Got]) -> bool) -> Vec<Got> {
        let mut changes = self.state.changed.subscribe();
        let waiting = async {
            loop {
                let got = self.got();
                if enough(&got) {
                    return got;
                }
                changes.changed().await.expect("the receiver runs");
            }
        };
        match tokio::time::timeout(Duration::from_secs(60), waiting).await {
            Ok(got) => got,
            Err(_) => panic!("{what} did not come; there were {}", self.got().len()),
        }
    }

    /// Waits for this many deliveries.
    pub async fn count(&self, count: usize) -> Vec<Got> {
        self.until(&format!("{count} deliveries"), |got| got.len() >= count).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut stream = BufReader::new(stream);
    while let Some(got) = read(&mut stream).await {
        let answer = (lock(&state.rule))(&got);
        lock(&state.got).push(got);
        state.changed.send_modify(|count| *count += 1);
        let answer = match answer {
            Answer::After(delay, answer) => {
                tokio::time::sleep(delay).await;
                *answer
            }
            answer => answer,
        };
        if respond(stream.get_mut(), answer, &state).await.is_none() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Got> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let path = line.split_whitespace().nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Got { path, headers, body })
}

/// Responds; nothing when the connection is over.
async fn respond(stream: &mut TcpStream, answer: Answer, state: &State) -> Option<()> {
    match answer {
        Answer::Status(status, headers) => write_status(stream, status, headers).await,
        Answer::Body(status, body) => write_body(stream, status, &body).await,
        Answer::Slow(delay, body) => {
            tokio::time::sleep(delay).await;
            write_body(stream, 200, &body).await
        }
        Answer::After(..) => unreachable!("it waited already"),
        Answer::Held(status) => {
            let _ = state.held.subscribe().wait_for(|held| !held).await;
            write_status(stream, status, "").await
        }
        Answer::Raw(bytes) => {
            let _ = stream.write_all(bytes).await;
            None
        }
        Answer::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.ok()?;
            let chunk = [b"4000\r\n".as_slice(), &[b'x'; 0x4000], b"\r\n"].concat();
            while stream.write_all(&chunk).await.is_ok() {}
            None
        }
        Answer::SlowHead => {
            for byte in b"HTTP/1.1 200 OK\r\nx-slow: ".iter().chain(std::iter::repeat_n(&b'x', 600)) {
                stream.write_all(&[*byte]).await.ok()?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            None
        }
        Answer::Reset => None,
    }
}

async fn write_status(stream: &mut TcpStream, status: u16, headers: &str) -> Option<()> {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n{headers}\r\nok");
    stream.write_all(head.as_bytes()).await.ok()
}

async fn write_body(stream: &mut TcpStream, status: u16, body: &str) -> Option<()> {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.ok()
}
