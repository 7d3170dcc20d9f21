//! `paygen listen`: prints events, forwards them signed, and reconnects after a restart of the server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::cards::issued;
use crate::on_both_stores;
use crate::receiver::{self, Answer};
use crate::world::{Backend, KEY, World};

const TIMEOUT: Duration = Duration::from_secs(60);

pub struct Listener {
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
    pub fn start(world: &World, url: &str, args: &[&str]) -> Listener {
        let mut command = world.command("listen");
        command.args(["--url", url]).args(args).env("PAYGEN_API_KEY", KEY);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("paygen listen starts");
        let out = lines_of(child.stdout.take().expect("its output"));
        let err = lines_of(child.stderr.take().expect("its errors"));
        Listener { child, out, err }
    }

    #[track_caller]
    pub fn says(&self, what: &str) -> String {
        let mut heard = Vec::new();
        loop {
            match self.err.recv_timeout(TIMEOUT) {
                Ok(line) if line.contains(what) => return line,
                Ok(line) => heard.push(line),
                Err(_) => panic!("it does not say {what}: {heard:?}"),
            }
        }
    }

    #[track_caller]
    pub fn line(&self) -> String {
        self.out.recv_timeout(TIMEOUT).expect("a line")
    }

    pub fn terminate(&self, name: &str) {
        std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill");
    }

    pub fn signal(mut self, name: &str) -> Option<i32> {
        self.terminate(name);
        self.child.wait().expect("wait").code()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

on_both_stores! {
    async fn events_are_printed_and_forwarded_in_order(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let failed = AtomicBool::new(false);
        let receiver = receiver::Receiver::start(move |_| {
            Answer::Status(if failed.swap(true, Ordering::Relaxed) { 200 } else { 500 }, "")
        })
        .await;
        let hooks = format!("{}/hooks", receiver.url);
        let listener = Listener::start(&world, &server.url, &["--forward-to", &hooks, "--token", "token-1", "--types", "account.created"]);
        let secret = listener.says("whsec_");
        let secret = &secret[secret.find("whsec_").expect("the secret")..];
        listener.says("listening to");
        for (number, name) in ["A", "B"].into_iter().enumerate() {
            let id = &server.account(name, 5).await;
            let line = listener.line();
            assert!(line.contains("  account.created  ") && line.ends_with(&format!("USD available  {name}  account {id}")), "{line}");
            // A failed forward is reported, and the next event follows.
            let forwarded = listener.line();
            assert!(forwarded.contains(if number == 0 { "failed, 500" } else { "  200  " }), "{forwarded}");
            let got = receiver.count(number + 1).await[number].clone();
            assert!(got.is_signed_with(secret), "the signature is right");
            let received = got.json();
            assert_eq!(received["data"]["accountId"], id.as_str());
            assert_eq!(received.as_object().map(serde_json::Map::len), Some(4), "{received}");
            assert_eq!(received["data"]["context"]["eventId"], got.event());
            assert_eq!(got.header("x-paygen-event"), "account.created");
            assert_eq!(got.header("authorization"), "Bearer token-1");
            assert_eq!(got.header("x-paygen-webhook-token"), "token-1");
            assert_eq!(got.header("x-paygen-signature"), got.paygen_signature("token-1"));
        }
        // The server restarts at the same address; events of the meantime are not missed.
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

    async fn lines_say_how_much_and_why(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (_, _, card) = issued(&server, 500, serde_json::json!({"amount": 100})).await;
        let last4 = card["maskedPan"].as_str().expect("digits")[12..].to_owned();
        let listener = Listener::start(&world, &server.url, &["--types", "authorization.declined,transaction.created"]);
        let verbose = Listener::start(&world, &server.url, &["--verbose", "--types", "authorization.declined"]);
        for listener in [&listener, &verbose] {
            listener.says("listening to");
        }
        let pay = |amount: f64| serde_json::json!({"cardId": card["_id"], "amount": amount, "merchant": {"name": "ACME CAFE"}});
        server.post("/simulator/authorizations", pay(700.0)).await.expect(201);
        let line = listener.line();
        let expected = format!("  authorization.declined   700.00 USD  insufficient_funds  ACME CAFE  card …{last4}");
        assert!(line.ends_with(&expected), "{line}");
        assert!(verbose.line().ends_with(&expected));
        assert_eq!(verbose.line(), "    {");
        let paid = server.post("/simulator/authorizations", pay(4.5)).await.expect(201).id();
        server.post(&format!("/simulator/authorizations/{paid}/clear"), serde_json::json!({})).await.expect(201);
        let line = listener.line();
        assert!(line.ends_with(&format!("  transaction.created      -4.50 USD  capture  ACME CAFE  card …{last4}")), "{line}");
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
async fn an_impossible_configuration_is_reported_at_once() {
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
        let received = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{received}");
        assert!(received.contains(says) && !received.contains("pgk_test"), "{received}");
    }
}
