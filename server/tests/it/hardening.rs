//! Hostile and broken callers: headers, connections, credentials.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::on_both_stores;
use crate::world::{Backend, KEY, Server, World};

const PAN: &str = "4111111111111111";

async fn configured(world: &World, settings: &str) -> Server {
    std::fs::write(world.dir.path().join("paygen.toml"), settings).expect("a file");
    let mut command = world.command("dev");
    command.args(["--log-level", "debug"]);
    Server::start(command, &world.data_dir()).await
}

async fn connect(server: &Server, sent: &str) -> TcpStream {
    let mut connection = TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("a connection");
    connection.write_all(sent.as_bytes()).await.expect("sent");
    connection
}

/// The first bytes received; nothing after a timeout.
async fn first(connection: &mut TcpStream, patience: Duration) -> Option<String> {
    let mut heard = [0; 256];
    let count = tokio::time::timeout(patience, connection.read(&mut heard)).await.ok()?.unwrap_or(0);
    Some(String::from_utf8_lossy(&heard[..count]).into_owned())
}

on_both_stores! {
    async fn a_card_number_is_no_request_id_and_no_path(backend: Backend) {
        let world = World::new(backend).await;
        let server = configured(&world, "").await;
        for id in [PAN, "4111-1111-1111-1111", "a b", "a<script>", "x_4111111111111111"] {
            let reply = server.request("GET", "/accounts").header("x-request-id", id).send().await.expect(200);
            assert!(reply.header("x-request-id").is_some_and(|made| made != id && made.len() == 36), "{id}");
        }
        let account = server.post("/accounts", json!({"name": PAN})).await.expect(400);
        assert!(!account.text.contains(PAN), "{}", account.text);
        for path in [PAN, "4111%201111%201111%201111", "4111-1111-1111-1111", "x4111111111111111"] {
            for path in [format!("/cards/{path}"), format!("/{path}"), format!("/cards?{path}=1")] {
                let reply = server.get(&path).await;
                let bare: String = reply.text.replace("%20", "").chars().filter(char::is_ascii_digit).collect();
                assert!(reply.status >= 400 && !bare.contains(PAN), "{path}: {}", reply.text);
            }
        }
        let log = std::fs::read_to_string(world.data_dir().join("stderr.log")).expect("the log");
        let bare: String = log.replace("%20", "").chars().filter(char::is_ascii_digit).collect();
        assert!(log.contains("/accounts") && !bare.contains(PAN), "{log}");
    }

    async fn every_answer_forbids_framing_and_caching(backend: Backend) {
        let world = World::new(backend).await;
        let server = configured(&world, "cors_origins = [\"https://app.example.com\"]").await;
        let contract = server.get("/openapi.json").await.expect(200).json();
        let mut calls = vec![
            ("GET".to_owned(), "/nowhere".to_owned()),
            ("PATCH".to_owned(), "/accounts".to_owned()),
            ("OPTIONS".to_owned(), "/accounts".to_owned()),
            ("GET".to_owned(), "/docs".to_owned()),
            ("GET".to_owned(), "/docs/errors/rate_limited".to_owned()),
            ("GET".to_owned(), "/openapi.json".to_owned()),
        ];
        for (path, item) in contract["paths"].as_object().expect("paths") {
            let parts: Vec<&str> = path.split('/').collect();
            let filled = parts.iter().map(|part| if part.starts_with('{') { "665f1c4f4a4f4a4f4a4f4a4f" } else { part });
            let path = filled.collect::<Vec<&str>>().join("/");
            let methods = item.as_object().expect("operations").keys().map(|method| method.to_uppercase());
            calls.extend(methods.filter(|_| path != "/events/stream").map(|method| (method, path.clone())));
        }
        for (method, path) in &calls {
            for key in [KEY, "pgk_test_wrong"] {
                let call = server.http.request(method.parse().expect("a method"), format!("{}{path}", server.url));
                let call = call.header("x-api-key", key).header("origin", "https://other.example");
                let reply = call.send().await.expect("an answer");
                let header = |name: &str| reply.headers().get(name).map_or("", |value| value.to_str().expect("text"));
                let place = format!("{method} {path}: {} {:?}", reply.status(), reply.headers());
                assert_eq!(header("x-content-type-options"), "nosniff", "{place}");
                assert!(["no-referrer", "same-origin"].contains(&header("referrer-policy")), "{place}");
                let policy = header("content-security-policy");
                assert!(policy.contains("default-src") && policy.contains("frame-ancestors"), "{place}");
                let kept = path.starts_with("/docs") || header("cache-control") == "no-store";
                assert!(kept && !header("x-request-id").is_empty(), "{place}");
                assert_eq!(header("access-control-allow-origin"), "", "{place}");
                assert_eq!(header("strict-transport-security"), "", "the sandbox has no TLS: {place}");
            }
        }
    }

    async fn web_pages_cannot_use_api_keys(backend: Backend) {
        let world = World::new(backend).await;
        let server = configured(&world, "cors_origins = [\"https://app.example.com\"]").await;
        let app = "https://app.example.com";
        let card = "665f1c4f4a4f4a4f4a4f4a4f";
        let ask = async |path: &str, origin: &str, headers: &str| {
            let call = server.http.request(reqwest::Method::OPTIONS, format!("{}{path}", server.url));
            let call = call.header("origin", origin).header("access-control-request-method", "GET");
            call.header("access-control-request-headers", headers).send().await.expect("an answer").headers().clone()
        };
        for path in ["/accounts".to_owned(), format!("/cards/{card}"), format!("/cards/{card}/reveal"), "/auth/tokens".to_owned()] {
            let received = ask(&path, app, "authorization, x-api-key").await;
            let allowed = received["access-control-allow-headers"].to_str().expect("text").to_lowercase();
            assert_eq!(received["access-control-allow-origin"], app, "{path}");
            assert!(allowed.contains("authorization") && !allowed.contains("api-key") && !allowed.contains("apikey"), "{allowed}");
            assert!(received.get("access-control-allow-credentials").is_none(), "{path}");
            let other = ask(&path, "https://other.example", "authorization").await;
            assert!(other.get("access-control-allow-origin").is_none(), "{path}: {other:?}");
        }
        let by_key = server.request("GET", "/accounts").header("origin", app).send().await.expect(403);
        assert_eq!(by_key.code(), "api_key_in_browser");
        let url = format!("{}/accounts?apiKey={KEY}", server.url);
        assert_eq!(server.http.get(url).header("origin", app).send().await.expect("an answer").status(), 403);
        let token = server.post("/auth/tokens", json!({})).await.expect(201).data();
        let bearer = format!("Bearer {}", token["token"].as_str().expect("a token"));
        let call = server.http.get(format!("{}/accounts", server.url)).header("authorization", bearer).header("origin", app);
        let read = call.send().await.expect("an answer");
        assert_eq!((read.status().as_u16(), &read.headers()["access-control-allow-origin"]), (200, &app.parse().expect("a value")));
        let elsewhere = server.request("GET", "/accounts").header("origin", "https://other.example").send().await.expect(200);
        assert_eq!(elsewhere.header("access-control-allow-origin"), None, "no page can read it");
    }

    async fn unknown_credentials_are_tried_only_so_often(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = configured(&world, "failed_credentials = 5").await;
        let never_used = server.post("/api-keys", json!({"name": "New", "scopes": ["accounts:read"]})).await.expect(201);
        // Creating a key clears the cache; this looks the old one up again.
        server.get("/accounts").await.expect(200);
        let known = std::mem::replace(&mut server.key, "pgk_test_guessed".to_owned());
        for _ in 0..5 {
            assert_eq!(server.get("/accounts").await.expect(401).code(), "credential_unknown");
        }
        let limited = server.get("/accounts").await.expect(429);
        assert_eq!(limited.code(), "rate_limited");
        let wait: u64 = limited.header("retry-after").and_then(|wait| wait.parse().ok()).expect("when to come back");
        assert!((1..=13).contains(&wait), "{wait}");
        let forged = server.http.get(format!("{}/accounts", server.url)).header("authorization", "Bearer a.b.c");
        assert_eq!(forged.send().await.expect("an answer").status(), 429);
        // Valid keys work whatever else their address sends, both cached and not.
        let never_used = never_used.data();
        let secret = never_used["key"].as_str().expect("the key").to_owned();
        for key in [&secret, &known, &secret] {
            server.key.clone_from(key);
            server.get("/accounts").await.expect(200);
        }
        server.key = known.clone();
        let other = server.post("/api-keys", json!({"name": "Other", "scopes": ["accounts:read"]})).await.expect(201).id();
        server.delete(&format!("/api-keys/{other}")).await.expect(200);
        server.get("/accounts").await.expect(200);
        server.key = secret;
        server.get("/accounts").await.expect(200);
        assert!(server.stop().success());
        let mut server = configured(&world, "failed_credentials = 5").await;
        server.key = "pgk_test_guessed".to_owned();
        for _ in 0..5 {
            server.get("/accounts").await.expect(401);
        }
        server.get("/accounts").await.expect(429);
        server.key = known;
        server.get("/accounts").await.expect(200);
    }

    async fn heads_connections_and_waiting_answers_are_bounded(backend: Backend) {
        let world = World::new(backend).await;
        let server = configured(&world, "request_timeout_seconds = 2\nmax_connections = 4\nmax_connections_per_address = 4").await;
        let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(100_000));
        let mut connection = TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("a connection");
        let _ = connection.write_all(head.as_bytes()).await;
        let refused = first(&mut connection, Duration::from_secs(10)).await.expect("an answer");
        assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");
        let many: String = (0..200).map(|number| format!("x-{number}: a\r\n")).collect();
        let mut connection = connect(&server, &format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{many}\r\n")).await;
        let refused = first(&mut connection, Duration::from_secs(10)).await.expect("an answer");
        assert!(refused.starts_with("HTTP/1.1 431"), "{refused}");

        // A client that requests much and reads none of it.
        let ask = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
        let mut greedy = connect(&server, &ask).await;
        let deadline = Instant::now() + Duration::from_secs(30);
        while greedy.write_all(b"\r\n").await.is_ok() {
            assert!(Instant::now() < deadline, "the connection of a reader that takes nothing stays open");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }

        // The limit is reached, with the client's own connections: one more waits until another one closes.
        server.get("/healthz").await.expect(200);
        let begun = Instant::now();
        let silent = [connect(&server, "").await, connect(&server, "").await, connect(&server, "").await];
        let mut waiting = connect(&server, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let answer = first(&mut waiting, Duration::from_secs(20)).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(begun.elapsed() > Duration::from_millis(1500), "it was taken before the silent ones had gone");
        drop(silent);
    }

    async fn a_connection_that_asks_nothing_does_not_hold_the_stop_up(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let address = server.url.trim_start_matches("http://").to_owned();
        let silent = tokio::net::TcpStream::connect(&address).await.expect("a connection");
        // It is accepted before this one, which is answered.
        server.get("/healthz").await.expect(200);
        let stopping = std::time::Instant::now();
        assert!(server.stop().success());
        assert!(stopping.elapsed() < std::time::Duration::from_secs(10), "{:?}", stopping.elapsed());
        drop(silent);
    }

    async fn a_stream_that_nobody_reads_does_not_hold_the_stop_up(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = configured(&world, "").await;
        let ask = format!("GET /events/stream HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n\r\n");
        let mut streams = Vec::new();
        for _ in 0..3 {
            let mut stream = connect(&server, &ask).await;
            assert!(first(&mut stream, Duration::from_secs(10)).await.expect("its head").starts_with("HTTP/1.1 200"));
            streams.push(stream);
        }
        server.account("After", 1).await;
        let begun = Instant::now();
        assert!(server.stop().success());
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}
