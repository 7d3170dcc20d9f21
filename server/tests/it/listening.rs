//! `paygen listen`: prints, forwards signed, and goes on after the server came back.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::on_both_stores;
use crate::world::{Backend, KEY, World};

const PATIENCE: Duration = Duration::from_secs(60);

/// The published signature, over timestamp, dot and body.
fn hex_hmac(token: &str, text: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, token.as_bytes());
    aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Listener {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

fn lines_of(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

impl Listener {
    fn start(world: &World, url: &str, args: &[&str]) -> Listener {
        let mut command = world.command("listen");
        command.args(["--url", url]).args(args).env("PAYGEN_API_KEY", KEY);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("paygen listen starts");
        let out = lines_of(child.stdout.take().expect("its output"));
        let err = lines_of(child.stderr.take().expect("its errors"));
        Listener { child, out, err }
    }

    #[track_caller]
    fn says(&self, what: &str) -> String {
        let mut heard = Vec::new();
        loop {
            match self.err.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(what) => return line,
                Ok(line) => heard.push(line),
                Err(_) => panic!("it does not say {what}: {heard:?}"),
            }
        }
    }

    #[track_caller]
    fn line(&self) -> String {
        self.out.recv_timeout(PATIENCE).expect("a line")
    }

    fn signal(mut self, name: &str) -> Option<i32> {
        std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill");
        self.child.wait().expect("wait").code()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An endpoint that answers each request with the next of these statuses, then 200; what it got.
async fn endpoint(statuses: &'static [u16]) -> (String, tokio::sync::mpsc::UnboundedReceiver<(String, String)>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut statuses = statuses.iter().copied();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut text = Vec::new();
            let (head, body) = loop {
                let mut piece = [0; 4096];
                let Ok(read @ 1..) = socket.read(&mut piece).await else { break Default::default() };
                text.extend_from_slice(&piece[..read]);
                let got = String::from_utf8_lossy(&text).into_owned();
                let Some((head, body)) = got.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                if length.is_none_or(|length| body.len() >= length) {
                    break (head.to_owned(), body.to_owned());
                }
            };
            let _ = sender.send((head, body));
            let status = statuses.next().unwrap_or(200);
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (url, receiver)
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let found =
        head.lines().find_map(|line| line.split_once(": ").filter(|(known, _)| known.eq_ignore_ascii_case(name)));
    found.unwrap_or_else(|| panic!("no {name} in {head}")).1
}

on_both_stores! {
    async fn events_are_printed_and_forwarded_in_order(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let (hooks, mut got) = endpoint(&[500]).await;
        let listener = Listener::start(&world, &server.url, &["--forward-to", &hooks, "--token", "token-1", "--types", "account.created"]);
        let secret = listener.says("whsec_");
        let secret = &secret[secret.find("whsec_").expect("the secret")..];
        listener.says("listening to");
        let ids = [server.account("A", 5).await, server.account("B", 0).await];
        let verifier = standardwebhooks::Webhook::new(secret).expect("a secret");
        for (number, id) in ids.iter().enumerate() {
            let line = listener.line();
            assert!(line.ends_with(&format!("  account.created  account {id}  #1")), "{line}");
            // A failed forward is told, and the next event comes after it.
            let forwarded = listener.line();
            assert!(forwarded.contains(if number == 0 { "failed, 500" } else { "  200  " }), "{forwarded}");
            let (head, body) = got.recv().await.expect("a request");
            let mut headers = reqwest::header::HeaderMap::new();
            for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
                headers.insert(name, header(&head, name).parse().expect("a header"));
            }
            verifier.verify(body.as_bytes(), &headers).expect("the signature is right");
            let told: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(told["data"]["accountId"], id.as_str());
            assert_eq!(told.as_object().map(serde_json::Map::len), Some(4), "{body}");
            assert_eq!(told["data"]["context"]["eventId"], header(&head, "webhook-id"));
            assert_eq!(header(&head, "x-paygen-event"), "account.created");
            assert_eq!(header(&head, "authorization"), "Bearer token-1");
            assert_eq!(header(&head, "x-paygen-webhook-token"), "token-1");
            let signed = format!("{}.{body}", header(&head, "x-paygen-timestamp"));
            assert_eq!(header(&head, "x-paygen-signature"), hex_hmac("token-1", &signed));
        }
        // The server goes and comes back at the same address; what happened meanwhile is not missed.
        let address = server.url.trim_start_matches("http://").to_owned();
        assert!(server.stop().success());
        listener.says("connecting again");
        let elsewhere = world.start().await;
        let missed = elsewhere.account("Meanwhile", 0).await;
        drop(elsewhere);
        let mut command = world.command("dev");
        command.env("PAYGEN_LISTEN", &address);
        let mut child = command.args(["--listen", &address]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("paygen starts");
        let line = listener.line();
        assert!(line.contains(&missed), "{line}");
        assert_eq!(listener.signal("-INT"), Some(0));
        let _ = child.kill();
        let _ = child.wait();
    }

    async fn lines_of_json_from_the_beginning(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let account = server.account("A", 0).await;
        let listener = Listener::start(&world, &server.url, &["--json", "--from", "000000000000000000000000", "--types", "account.created"]);
        let event: Value = serde_json::from_str(&listener.line()).expect("JSON");
        assert_eq!((&event["type"], &event["objectId"]), (&"account.created".into(), &account.into()));
        assert_eq!(listener.signal("-TERM"), Some(0));
    }
}

#[tokio::test]
async fn what_cannot_work_is_said_at_once() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let cases: [(&[&str], &str); 5] = [
        (&["--api-key", "pgk_test_wrong_0123456789"], "401"),
        (&["--types", "card.craeted"], "Did you mean card.created?"),
        (&["--from", "x"], "24 lowercase hex"),
        (&["--forward-to", "ftp://x"], "http://"),
        (&["--forward-to", "http://127.0.0.1:1/", "--secret", "short"], "whsec_"),
    ];
    for (args, says) in cases {
        let mut command = world.command("listen");
        let output = command.args(["--url", &server.url]).args(args).output().expect("paygen listen runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(says) && !told.contains("pgk_test"), "{told}");
    }
}
