//! The stream of events: in order, without gaps, across restarts, servers and slow readers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::on_both_stores;
use crate::world::{Backend, Server, World};

/// Timeout for anything expected.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The id before every event.
pub const BEGINNING: &str = "000000000000000000000000";

/// An open stream.
pub struct Stream {
    response: reqwest::Response,
    text: String,
    /// The id to resume from.
    pub last: Option<String>,
    /// Comments received.
    pub comments: usize,
}

/// Opens a stream.
pub async fn ask(server: &Server, query: &str, last: Option<&str>) -> reqwest::Response {
    let http = reqwest::Client::new();
    let mut request = http.get(format!("{}/events/stream{query}", server.url)).header("x-api-key", &server.key);
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last);
    }
    tokio::time::timeout(TIMEOUT, request.send()).await.expect("an answer in time").expect("an answer")
}

impl Stream {
    pub async fn open(server: &Server, query: &str, last: Option<&str>) -> Stream {
        let response = ask(server, query, last).await;
        assert_eq!(response.status(), 200);
        for (name, value) in
            [("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no")]
        {
            assert_eq!(response.headers().get(name).and_then(|value| value.to_str().ok()), Some(value), "{name}");
        }
        Stream { response, text: String::new(), last: None, comments: 0 }
    }

    /// The next block; nothing when the stream ended, cleanly or not.
    async fn block(&mut self) -> Option<String> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let chunk =
                tokio::time::timeout(left, self.response.chunk()).await.expect("the stream says something in time");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).expect("text"));
        }
    }

    /// The next event; nothing when the stream ended.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            let block = self.block().await?;
            let (mut data, mut kind) = (None, None);
            for line in block.lines() {
                match line.split_once(": ") {
                    Some(("id", id)) => self.last = Some(id.to_owned()),
                    Some(("event", name)) => kind = Some(name.to_owned()),
                    Some(("data", json)) => data = Some(json.to_owned()),
                    _ => self.comments += 1,
                }
            }
            if let Some(data) = data {
                let event: Value = serde_json::from_str(&data).expect("JSON");
                assert_eq!(event["type"], kind.expect("a type"));
                assert_eq!(event["_id"], self.last.clone().expect("an id"));
                return Some(event);
            }
        }
    }

    pub async fn take(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.expect("the stream goes on"));
        }
        events
    }

    /// Reads until the stream ends.
    async fn end(&mut self) {
        while self.block().await.is_some() {}
    }
}

fn assert_no_gap(events: &[Value], first: i64) {
    let positions: Vec<i64> = events.iter().filter_map(|event| event["position"].as_i64()).collect();
    let expected: Vec<i64> = (first..).take(events.len()).collect();
    assert_eq!(positions, expected);
}

on_both_stores! {
    async fn a_stream_goes_on_where_it_was(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let account = server.account("A", 1).await;
        let mut all = Stream::open(&server, "", Some(BEGINNING)).await;
        // The sandbox's own key was the first event.
        let first = all.take(3).await.split_off(1);
        assert_eq!((&first[0]["type"], &first[1]["type"]), (&json!("account.created"), &json!("account.balance.updated")));
        let whole = server.get(&format!("/events/{}", first[0]["_id"].as_str().expect("an id"))).await.expect(200).data();
        assert_eq!(first[0], whole);
        // Without an id it begins with new events, and names the position to resume from at the start.
        let mut next = Stream::open(&server, "", None).await;
        next.block().await;
        server.put(&format!("/accounts/{account}"), json!({"name": "B", "metadata": {"a": "b\nc"}})).await.expect(200);
        let received = next.take(1).await;
        assert_eq!((&received[0]["type"], &received[0]["data"]["account"]["name"]), (&json!("account.updated"), &json!("B")));
        assert_eq!(all.take(1).await, received);
        // A graceful stop ends it, and does not wait for it.
        let stopping = Instant::now();
        assert!(server.stop().success());
        assert!(stopping.elapsed() < Duration::from_secs(10), "{:?}", stopping.elapsed());
        all.end().await;
        let server = world.start().await;
        server.put(&format!("/accounts/{account}"), json!({"name": "C"})).await.expect(200);
        let mut again = Stream::open(&server, "", all.last.as_deref()).await;
        assert_eq!(again.take(1).await[0]["data"]["account"]["name"], "C");
        let mut again = Stream::open(&server, &format!("?lastEventId={}", all.last.expect("an id")), None).await;
        assert_eq!(again.take(1).await[0]["data"]["account"]["name"], "C");
    }

    async fn a_filtered_stream_reports_its_position(backend: Backend) {
        let world = World::new(backend).await;
        std::fs::write(world.dir.path().join("paygen.toml"), "[events]\nheartbeat_seconds = 1\nstreams = 2\n").expect("settings");
        let server = world.start().await;
        let mut updates = Stream::open(&server, "?types=account.updated,account.closed", None).await;
        let account = server.account("A", 1).await;
        let events = Stream::open(&server, "", Some(BEGINNING)).await.take(3).await;
        // No events of these types occur: comments and ids are sent, events are not.
        while updates.last.as_deref() != events[2]["_id"].as_str() {
            let block = updates.block().await.expect("the stream goes on");
            assert!(!block.contains("data:"), "{block}");
            updates.comments += usize::from(block.starts_with(':'));
            updates.last = block.strip_prefix("id: ").map(str::to_owned).or(updates.last);
        }
        assert!(updates.comments > 0, "it says that it is there");
        server.put(&format!("/accounts/{account}"), json!({"name": "B"})).await.expect(200);
        assert_eq!(updates.take(1).await[0]["type"], "account.updated");
    }

    async fn what_is_no_stream_is_refused(backend: Backend) {
        let world = World::new(backend).await;
        std::fs::write(world.dir.path().join("paygen.toml"), "[events]\nstreams = 2\n").expect("settings");
        let mut server = world.start().await;
        let cases = [
            ("?types=account.craeted", None, "Did you mean account.created?"), ("?types=", None, "no type of event"),
            ("?lastEventId=1", None, "24 lowercase hex"), ("", Some("x"), "24 lowercase hex"),
            ("", Some("665f1c4f4a4f4a4f4a4f4a4f"), "is no event of this client"), ("?type=x", None, "types"),
        ];
        for (query, last, says) in cases {
            let reply = ask(&server, query, last).await;
            assert_eq!(reply.status(), 400, "{query}");
            let text = reply.text().await.expect("text");
            assert!(text.contains(says), "{query}: {text}");
        }
        let one = Stream::open(&server, "", None).await;
        let _two = Stream::open(&server, "", None).await;
        let third = ask(&server, "", None).await;
        assert_eq!(third.status(), 429);
        assert!(third.headers().contains_key("retry-after"));
        assert!(third.text().await.expect("text").contains("too_many_streams"));
        drop(one);
        let deadline = Instant::now() + TIMEOUT;
        while ask(&server, "", None).await.status() != 200 {
            assert!(Instant::now() < deadline, "a stream that was closed makes room");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let key = server.post("/api-keys", json!({"name": "no", "scopes": ["accounts:read"]})).await.expect(201).data();
        server.key = key["key"].as_str().expect("the key").to_owned();
        assert_eq!(ask(&server, "", None).await.status(), 403);
    }

    async fn a_revoked_key_hears_no_more(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let key = server.post("/api-keys", json!({"name": "ears", "scopes": ["events:read"]})).await.expect(201).data();
        let master = std::mem::replace(&mut server.key, key["key"].as_str().expect("the key").to_owned());
        let mut stream = Stream::open(&server, "", None).await;
        stream.block().await;
        server.key = master;
        server.delete(&format!("/api-keys/{}", key["_id"].as_str().expect("an id"))).await.expect(200);
        let since = Instant::now();
        stream.end().await;
        assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
    }

    async fn a_reader_that_waits_gets_it_all(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let mut slow = Stream::open(&server, "", Some(BEGINNING)).await;
        let (a, b) = (server.account("A", 10_000).await, server.account("B", 0).await);
        // More than a page, read only when all of it is there.
        let note = "x".repeat(4000);
        for _ in 0..12 {
            let calls = (0..25).map(|_| {
                server.post("/transfers", json!({"fromAccountId": a, "toAccountId": b, "amount": 1, "metadata": {"note": note}}))
            });
            for call in futures_util::future::join_all(calls).await {
                call.expect(201);
            }
        }
        let events = slow.take(4 + 12 * 25 * 3).await;
        assert_no_gap(&events, 1);
    }
}

/// Two servers on one PostgreSQL, of which the one that assigns positions is killed under load: a reader resumes at the
/// other one and misses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_takes_no_event_with_it() {
    let world = World::new(Backend::Postgres).await;
    let (first, second) = (world.start().await, world.start().await);
    let (a, b) = (first.account("A", 100_000).await, first.account("B", 0).await);
    let pay = |server: &Server, number: usize| {
        let body = json!({"fromAccountId": a, "toAccountId": b, "amount": 1});
        let call = server.request("POST", "/transfers").header("Idempotency-Key", &format!("pay-{number}"));
        call.json(body).try_send()
    };
    let mut stream = Stream::open(&first, "", Some(BEGINNING)).await;
    let mut received = stream.take(4).await;
    let (rounds, at_once) = (8usize, 20usize);
    let count = rounds * at_once;
    let paying = async {
        for round in 0..rounds {
            let calls = (0..at_once).map(|number| {
                let (number, first, second, pay) = (round * at_once + number, &first, &second, &pay);
                async move {
                    // Every other payment goes to the first server; what it did not answer is retried at the second.
                    let answered = number % 2 == 0 && round <= rounds / 2 && pay(first, number).await.is_ok();
                    if !answered {
                        pay(second, number).await.expect("the second server answers").expect(201);
                    }
                }
            });
            let killing = async {
                if round == rounds / 2 {
                    // The kill comes between the first arrival and the last answer.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    first.kill();
                }
            };
            tokio::join!(futures_util::future::join_all(calls), killing);
        }
    };
    let listening = async {
        while let Some(event) = stream.next().await {
            received.push(event);
        }
        let mut stream = Stream::open(&second, "", stream.last.as_deref()).await;
        while received.len() < 4 + 3 * count {
            received.push(stream.next().await.expect("the stream goes on"));
        }
        received
    };
    let ((), received) = tokio::join!(paying, listening);
    assert_no_gap(&received, 1);
    let transfers = received.iter().filter(|event| event["type"] == "transfer.created").count();
    assert_eq!(transfers, count, "each payment emits one event");
}

/// Events of one server are streamed by both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_servers_stream_the_same_events() {
    let world = World::new(Backend::Postgres).await;
    let servers = [world.start().await, world.start().await];
    let mut streams = [Stream::open(&servers[0], "", None).await, Stream::open(&servers[1], "", None).await];
    for stream in &mut streams {
        stream.block().await;
    }
    let mut took = Vec::new();
    for round in 0..6 {
        let since = Instant::now();
        let account = servers[round % 2].account("A", 0).await;
        for stream in &mut streams {
            assert_eq!(stream.take(1).await[0]["objectId"], account.as_str());
        }
        took.push(since.elapsed());
    }
    println!("from the request to both streams: {took:?}");
}

/// Old events are deleted, the newest stays, and a reader resumes over the gap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_events_are_forgotten() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let world = World::new(backend).await;
        let server = world.start().await;
        server.account("Old", 0).await;
        server.account("Newest of the old", 0).await;
        let old = Stream::open(&server, "", Some(BEGINNING)).await.take(3).await;
        server.post("/simulator/clock", json!({"advanceSeconds": 3 * 86_400})).await.expect(200);
        drop(server);
        std::fs::write(world.dir.path().join("paygen.toml"), "[events]\nretention_days = 2\n").expect("settings");
        // Expired rows are looked for when a server starts.
        let server = world.start().await;
        let deadline = Instant::now() + TIMEOUT;
        let gone = format!("/events/{}", old[0]["_id"].as_str().expect("an id"));
        while server.get(&gone).await.status == 200 {
            assert!(Instant::now() < deadline, "it goes");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server.get(&format!("/events/{}", old[2]["_id"].as_str().expect("an id"))).await.expect(200);
        server.account("New", 0).await;
        let received = Stream::open(&server, "", old[0]["_id"].as_str()).await.take(2).await;
        assert_eq!((&received[0]["_id"], &received[1]["data"]["account"]["name"]), (&old[2]["_id"], &json!("New")));
        assert_no_gap(&received, 3);
    }
}
