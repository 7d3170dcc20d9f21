//! The memory that callers can occupy is bounded in total, also against hostile callers.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::edge::{address, configured, connect};
use crate::on_both_stores;
use crate::world::{Backend, KEY, Server, World};

const ACCOUNT: &str = r#"{"ownerType":"user","name":"A","type":"savings","category":"fiat","currency":"USD"}"#;

/// Begins a POST with a key and a body of a megabyte, of which it sends this many bytes.
async fn half_a_body(server: &Server, sent: usize) -> TcpStream {
    let head = format!(
        "POST /accounts HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n"
    );
    let mut connection = connect(server, head.as_bytes()).await;
    let _ = connection.write_all(&vec![b' '; sent]).await;
    connection
}

/// What each connection received or that it was closed, once this many have; nothing for those still waiting.
async fn answers(connections: &[TcpStream], enough: usize) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut received = vec![None; connections.len()];
    while received.iter().flatten().count() < enough {
        assert!(Instant::now() < deadline, "{} were refused, not {enough}", received.iter().flatten().count());
        tokio::time::sleep(Duration::from_millis(20)).await;
        for (connection, received) in connections.iter().zip(&mut received) {
            let mut heard = [0; 2048];
            match connection.try_read(&mut heard) {
                Ok(count) => {
                    *received = received.take().or(Some(String::from_utf8_lossy(&heard[..count]).into_owned()))
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => *received = received.take().or(Some("closed".to_owned())),
            }
        }
    }
    received.into_iter().flatten().collect()
}

/// The resident memory of the server's process.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("Linux says it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

/// Sends a request and reads only the first bytes of the response.
async fn slow_reader(server: &Server, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small window");
    let mut connection = socket.connect(address(server)).await.expect("a connection");
    // The socket's buffer takes the beginning of a response of any size.
    let ask = format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n\r\n").repeat(8);
    connection.write_all(ask.as_bytes()).await.expect("sent");
    let mut begin = [0; 12];
    let read = tokio::time::timeout(Duration::from_secs(20), connection.read_exact(&mut begin)).await;
    assert!(read.is_ok_and(|read| read.is_ok()), "an answer begins");
    connection
}

on_both_stores! {
    async fn bodies_in_flight_have_a_budget(backend: Backend) {
        let world = World::new(backend).await;
        // A client may have a quarter: two bodies of a megabyte.
        let server = configured(&world, "request_bytes = 8388608").await;
        let mut half = Vec::new();
        for _ in 0..10 {
            half.push(half_a_body(&server, 900_000).await);
        }
        for received in answers(&half, 8).await {
            assert!(received.starts_with("HTTP/1.1 503") && received.contains("overloaded"), "{received}");
            assert!(received.contains("retry-after: 1") && received.contains("connection: close"), "{received}");
        }
        server.request("POST", "/accounts").text(ACCOUNT).send().await.expect(201);
        let large = format!("{ACCOUNT}{}", " ".repeat(900_000));
        server.request("POST", "/accounts").text(large.clone()).send().await.expect(503);
        drop(half);
        let deadline = Instant::now() + Duration::from_secs(10);
        while server.request("POST", "/accounts").text(large.clone()).send().await.status != 201 {
            assert!(Instant::now() < deadline, "what bodies held is not given back");
        }
    }

    async fn large_heads_have_a_budget(backend: Backend) {
        let world = World::new(backend).await;
        let server = configured(&world, "request_bytes = 8388608").await;
        let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}", "a".repeat(60_000));
        let mut half = Vec::new();
        for _ in 0..60 {
            half.push(connect(&server, head.as_bytes()).await);
        }
        // Two megabytes have room for 34 heads of 60 kB.
        let closed = answers(&half, 26).await;
        assert!(closed.len() <= 35, "{} of 60 are closed", closed.len());
        server.get("/healthz").await.expect(200);
        drop(half);
        let deadline = Instant::now() + Duration::from_secs(10);
        let large = "a".repeat(50_000);
        while server.request("GET", "/healthz").header("x", &large).try_send().await.is_err() {
            assert!(Instant::now() < deadline, "what heads held is not given back");
        }
    }

    async fn answers_in_flight_have_a_budget(backend: Backend) {
        let world = World::new(backend).await;
        let server = configured(&world, "answer_bytes = 8388608").await;
        let text = "x".repeat(500);
        let metadata: serde_json::Map<_, _> = (0..20).map(|number| (format!("k{number}"), json!(text))).collect();
        let account = json!({"ownerType": "user", "name": "A", "type": "savings", "category": "fiat", "currency": "USD", "metadata": metadata});
        for _ in 0..100 {
            server.post("/accounts", account.clone()).await.expect(201);
        }
        let list = "/accounts?limit=100";
        let size = server.get(list).await.expect(200).text.len();
        assert!(size > 500_000, "{size}");
        let mut slow = Vec::new();
        for _ in 0..10 {
            slow.push(slow_reader(&server, list).await);
        }
        // Bytes taken by the sockets no longer count; of the rest a client may have two megabytes.
        let deadline = Instant::now() + Duration::from_secs(20);
        let refused = loop {
            let reply = server.get(list).await;
            if reply.status == 503 {
                break reply;
            }
            assert!(Instant::now() < deadline, "answers that nobody takes hold nothing");
        };
        assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("overloaded", Some("1")));
        server.get("/accounts?limit=1&fields=name").await.expect(200);
        server.post("/accounts", account).await.expect(201);
        server.get("/openapi.json").await.expect(200);
        drop(slow);
        let deadline = Instant::now() + Duration::from_secs(10);
        while server.get(list).await.status != 200 {
            assert!(Instant::now() < deadline, "what answers held is not given back");
        }
    }

    async fn streams_are_bounded_in_sum(backend: Backend) {
        let world = World::new(backend).await;
        let server = configured(&world, "[events]\nstreams = 2\nmax_streams = 3").await;
        let made = world.command("clients create --name Other").output().expect("paygen clients create runs");
        let printed = String::from_utf8_lossy(&made.stdout).into_owned();
        let other = printed.split_whitespace().find(|word| word.starts_with("pgk_")).expect("the first key, once");
        let open = async |key: &str| {
            let ask = format!("GET /events/stream HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n\r\n");
            let mut connection = connect(&server, ask.as_bytes()).await;
            let mut head = [0; 1024];
            let count = connection.read(&mut head).await.expect("an answer");
            (connection, String::from_utf8_lossy(&head[..count]).into_owned())
        };
        let mut streams = Vec::new();
        for (key, status) in [(KEY, "200"), (KEY, "200"), (KEY, "429"), (other, "200"), (other, "503")] {
            let (connection, received) = open(key).await;
            assert!(received.starts_with(&format!("HTTP/1.1 {status}")), "{received}");
            assert!(status == "200" || received.contains("too_many_streams"), "{received}");
            streams.push(connection);
        }
        drop(streams);
        let deadline = Instant::now() + Duration::from_secs(10);
        while !open(other).await.1.starts_with("HTTP/1.1 200") {
            assert!(Instant::now() < deadline, "places of streams that went stay taken");
        }
    }
}

/// An HTTP/2 client that requests much often, and opens no window for it.
fn hostile_http2() -> Vec<u8> {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // SETTINGS with INITIAL_WINDOW_SIZE 0.
    bytes.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
    for stream in (1..=379u32).step_by(2) {
        // HEADERS: GET http /openapi.json x.
        let block = [&[0x82, 0x86, 0x04, 0x0d][..], b"/openapi.json", &[0x41, 1], b"x"].concat();
        bytes.extend([0, 0, block.len() as u8, 1, 5]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(block);
    }
    bytes
}

/// A short version of what is measured by hand at full size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_ill_will_do_not_fill_the_memory() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    server.get("/openapi.json").await.expect(200);
    let before = resident(&server);
    let mut kept = Vec::new();
    for _ in 0..20 {
        kept.push(connect(&server, &hostile_http2()).await);
    }
    for _ in 0..100 {
        kept.push(half_a_body(&server, 999_000).await);
        kept.push(slow_reader(&server, "/openapi.json").await);
        let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}", "a".repeat(60_000));
        kept.push(connect(&server, head.as_bytes()).await);
    }
    let at_most = resident(&server);
    assert!(at_most < 200 && at_most < before + 120, "{before} MB became {at_most} MB");
    server.get("/healthz").await.expect(200);
    server.request("POST", "/accounts").text(ACCOUNT).send().await.expect(201);
    drop(kept);
}
