//! The edge of HTTP: one protocol, unambiguous requests, and responses that arrive.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::on_both_stores;
use crate::world::{Backend, KEY, Server, World};

pub fn address(server: &Server) -> std::net::SocketAddr {
    server.url.trim_start_matches("http://").parse().expect("an address")
}

/// A connection that has sent these bytes.
pub async fn connect(server: &Server, sent: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(address(server)).await.expect("a connection");
    let _ = connection.write_all(sent).await;
    connection
}

/// The bytes received until the server closes the connection, which it must.
pub async fn heard(mut connection: TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), connection.read_to_end(&mut heard)).await;
    assert!(ended.is_ok(), "the connection stays open: {}", String::from_utf8_lossy(&heard));
    heard
}

/// The response to a request that ends its connection.
async fn answer(server: &Server, request: &str) -> String {
    String::from_utf8_lossy(&heard(connect(server, request.as_bytes()).await).await).into_owned()
}

pub async fn configured(world: &World, settings: &str) -> Server {
    std::fs::write(world.dir.path().join("paygen.toml"), settings).expect("a file");
    world.start().await
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const ACCOUNT: &str = r#"{"ownerType":"user","name":"A","type":"savings","category":"fiat","currency":"USD"}"#;

on_both_stores! {
    async fn http2_is_refused_cleanly(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let received = heard(connect(&server, PREFACE).await).await;
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        // HTTP_1_1_REQUIRED.
        let go_away = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];
        assert_eq!(received, [settings.as_slice(), &go_away].concat());
        let upgrade = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings, close\r\nupgrade: h2c\r\n\
            http2-settings: AAMAAABkAAQAAP__\r\n\r\n";
        let received = answer(&server, upgrade).await;
        assert!(received.starts_with("HTTP/1.1 200"), "an offer to go over to HTTP/2 is declined: {received}");
    }

    async fn what_could_be_read_in_two_ways_is_refused_and_does_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let head = format!("POST /accounts HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\n");
        let chunked = format!("{:x}\r\n{ACCOUNT}\r\n0\r\n\r\n", ACCOUNT.len());
        let length = format!("content-length: {}\r\n", ACCOUNT.len());
        let bare = head.replace("host: x\r\n", "host: x\n");
        let after = "GET /accounts HTTP/1.1\r\nhost: x\r\n\r\n";
        let cases = [
            (format!("{head}{length}transfer-encoding: chunked\r\n\r\n{chunked}{after}"), "400", "malformed_request"),
            (format!("{head}Transfer-Encoding: chunked\r\n{length}\r\n{chunked}{after}"), "400", "malformed_request"),
            (format!("{head}transfer-encoding: gzip, chunked\r\n\r\n{chunked}{after}"), "501", "transfer_encoding_unsupported"),
            (format!("{head}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"), "501", "transfer_encoding_unsupported"),
            (format!("{bare}{length}\r\n{ACCOUNT}{after}"), "400", "malformed_request"),
            (format!("{}{length}\r\n{ACCOUNT}", head.replace("host: x\r\n", "")), "400", "malformed_request"),
            (format!("{head}Host: y\r\n{length}\r\n{ACCOUNT}"), "400", "malformed_request"),
        ];
        for (request, status, code) in cases {
            let received = answer(&server, &request).await;
            assert!(received.starts_with(&format!("HTTP/1.1 {status}")) && received.contains(code), "{request}\n{received}");
            assert!(received.contains("connection: close"), "{request}\n{received}");
            assert_eq!(received.matches("HTTP/1.1 ").count(), 1, "nothing after it is answered: {received}");
        }
        assert_eq!(server.get("/accounts").await.json()["meta"]["total"], 0);
        let whole = format!("{head}transfer-encoding: chunked\r\n\r\n{chunked}GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let received = answer(&server, &whole).await;
        assert!(received.starts_with("HTTP/1.1 201") && received.contains("HTTP/1.1 200"), "{received}");
        let absolute = "GET http://x/healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        assert!(answer(&server, absolute).await.starts_with("HTTP/1.1 200"));
    }

    async fn the_answer_arrives_although_the_body_was_not_read(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let body = vec![b'x'; 12 << 20];
        let cases = [
            ("POST /accounts", "pgk_test_wrong", "application/json", "401"),
            ("POST /accounts", KEY, "application/json", "413"),
            ("POST /accounts", KEY, "text/plain", "415"),
            ("POST /nowhere", KEY, "application/json", "404"),
            ("POST /card-holders", "pgk_test_wrong", "multipart/form-data; boundary=b", "401"),
            ("POST /card-holders", KEY, "multipart/form-data; boundary=b", "400"),
        ];
        for (call, key, kind, status) in cases {
            let head = format!(
                "{call} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let (address, body) = (address(&server), body.clone());
            let received = tokio::task::spawn_blocking(move || {
                // As many clients do: everything is written before the response is read.
                let mut connection = std::net::TcpStream::connect(address)?;
                connection.write_all(head.as_bytes())?;
                connection.write_all(&body)?;
                let mut received = Vec::new();
                connection.read_to_end(&mut received)?;
                Ok::<_, std::io::Error>(received)
            });
            let received = received.await.expect("no panic").unwrap_or_else(|error| panic!("{call} with {key}: {error}"));
            let received = String::from_utf8_lossy(&received);
            assert!(received.starts_with(&format!("HTTP/1.1 {status}")), "{call}: {received}");
            assert!(received.contains("connection: close"), "{call}: {received}");
        }
    }

    async fn a_refused_request_with_a_small_body_does_not_cost_its_connection(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let refused = format!(
            "POST /accounts HTTP/1.1\r\nhost: x\r\nx-api-key: wrong\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ACCOUNT}",
            ACCOUNT.len()
        );
        let last = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let received = answer(&server, &format!("{refused}{refused}{last}")).await;
        assert_eq!((received.matches("HTTP/1.1 401").count(), received.matches("HTTP/1.1 200").count()), (2, 1), "{received}");
        // A client that expects `100 Continue` does not get it for a body that is not wanted.
        let waits = refused.replace("content-type", "expect: 100-continue\r\ncontent-type").replace(ACCOUNT, "");
        let received = answer(&server, &waits).await;
        assert!(received.starts_with("HTTP/1.1 401") && !received.contains("100 Continue"), "{received}");
    }

    async fn a_header_that_decides_something_has_one_value(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let ask = async |method: &str, path: &str, headers: &[(&str, &str)]| {
            let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let length = if method == "POST" { "content-length: 2\r\n\r\n{}" } else { "\r\n" };
            answer(&server, &format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n{lines}{length}")).await
        };
        let key = ("x-api-key", KEY);
        let host = ("host", "x");
        for name in ["content-type", "idempotency-key", "last-event-id", "x-request-id", "origin", "expect"] {
            let received = ask("POST", "/auth/tokens", &[host, key, (name, "a"), (name, "b")]).await;
            assert!(received.starts_with("HTTP/1.1 400") && received.contains("header_repeated") && received.contains(name), "{name}: {received}");
        }
        let same = [host, key, ("content-type", "application/json"), ("content-type", "application/json"), ("x-request-id", "a"), ("x-request-id", "a")];
        let received = ask("POST", "/auth/tokens", &same).await;
        assert!(received.starts_with("HTTP/1.1 201") && received.contains("x-request-id: a"), "{received}");
        let token = server.post("/auth/tokens", json!({})).await.expect(201).data()["token"].as_str().expect("a token").to_owned();
        let (bearer, bearer_key) = (format!("Bearer {token}"), format!("Bearer {KEY}"));
        let ambiguous: [&[(&str, &str)]; 5] = [
            &[host, key, ("x-api-key", "pgk_test_other")],
            &[host, key, ("apikey", "pgk_test_other")],
            &[host, ("authorization", &bearer), ("authorization", "Bearer other")],
            &[host, key, ("authorization", &bearer)],
            &[host, ("x-api-key", "pgk_test_other"), key],
        ];
        for headers in ambiguous {
            let received = ask("GET", "/accounts", headers).await;
            assert!(received.starts_with("HTTP/1.1 401") && received.contains("credential_ambiguous"), "{headers:?}: {received}");
        }
        let clear: [&[(&str, &str)]; 5] = [
            &[host, key, key],
            &[host, key, ("apikey", KEY)],
            &[host, key, ("authorization", &bearer_key)],
            &[host, ("x-api-key", &token), ("authorization", &bearer)],
            &[host, ("authorization", &bearer), ("authorization", &bearer)],
        ];
        for headers in clear {
            let received = ask("GET", "/accounts", headers).await;
            assert!(received.starts_with("HTTP/1.1 200"), "{headers:?}: {received}");
        }
    }

    async fn if_match_is_one_reading(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let account = format!("/accounts/{}", server.account("A", 0).await);
        let change = async |name: &str, tags: &[&str]| {
            let call = tags.iter().fold(server.request("PUT", &account), |call, tag| call.header("if-match", tag));
            call.json(json!({"name": name})).send().await
        };
        change("B", &["\"1\", \"2\""]).await.expect(400);
        let several = change("B", &["\"1\"", "\"2\""]).await.expect(400);
        assert!(several.code() == "if_match_invalid" && several.text.contains("several ETags"), "{}", several.text);
        change("B", &["\"1\"", "*"]).await.expect(400);
        change("B", &["\"1\", x"]).await.expect(400);
        change("B", &["\"1\", W/\"1\"", "\"1\""]).await.expect(200);
        change("C", &["\"1\""]).await.expect(412);
    }

    async fn bodies_are_read_as_they_are_and_nothing_is_an_empty_object(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let post = |path: &str| server.request("POST", path);
        for coding in ["gzip", "br", "identity, gzip", "nonsense"] {
            let encoded = post("/accounts").header("content-encoding", coding).text(ACCOUNT).send().await.expect(415);
            assert_eq!((encoded.code().as_str(), encoded.header("accept-encoding")), ("content_encoding_unsupported", Some("identity")));
        }
        post("/accounts").header("content-encoding", "identity").text(ACCOUNT).send().await.expect(201);
        server.request("GET", "/accounts").header("content-encoding", "gzip").send().await.expect(200);
        let part = server.request("PUT", "/accounts/665f1c4f4a4f4a4f4a4f4a4f").header("content-range", "bytes 0-9/20");
        assert_eq!(part.text(ACCOUNT).send().await.expect(400).code(), "malformed_request");
        for nothing in ["", " \r\n"] {
            post("/auth/tokens").text(nothing).send().await.expect(201);
            let missing = post("/accounts").text(nothing).send().await.expect(400);
            assert!(missing.pointers().contains(&"/name".to_owned()), "{}", missing.text);
        }
        post("/accounts").text(format!("\u{feff}{ACCOUNT}")).send().await.expect(201);
        let nested = post("/accounts").text("{\n\"metadata\": {\"a\": 1,\n \"a\": 2}}").send().await.expect(400);
        assert!(nested.text.contains("line 3 column 8"), "{}", nested.text);
        let id = server.get("/accounts/%ff").await.expect(400);
        assert!(id.code() == "invalid_id" && id.text.contains("An id in the path is not text"), "{}", id.text);
        for (amount, received) in [("1e-400", "too close to zero"), ("1e400", "too large"), ("0.1234567890123456", "significant digits")] {
            let body = ACCOUNT.replace("\"name\"", &format!("\"balance\":{amount},\"name\""));
            let refused = post("/accounts").text(body).send().await.expect(400);
            assert!(refused.text.contains(received), "{amount}: {}", refused.text);
        }
    }

    async fn what_callers_write_makes_no_series(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let series = async || {
            let text = server.get("/metrics").await.expect(200).text;
            (text.lines().filter(|line| line.starts_with("paygen_http_requests_total")).count(), text)
        };
        let (before, _) = series().await;
        let mut asked = 0;
        for round in 0..8 {
            let mut connection = connect(&server, b"").await;
            let requests: String = (0..500)
                .map(|number| {
                    let last = if number == 499 { "connection: close\r\n" } else { "" };
                    let odd = round * 500 + number;
                    format!("M{odd} /accounts/a{odd}?b{odd}=1 HTTP/1.1\r\nhost: h{odd}\r\nx-odd-{odd}: 1\r\n{last}\r\n")
                })
                .collect();
            let (mut reader, mut writer) = connection.split();
            let mut received = Vec::new();
            let (sent, read) = tokio::join!(writer.write_all(requests.as_bytes()), reader.read_to_end(&mut received));
            assert!(sent.is_ok() && read.is_ok());
            asked += String::from_utf8_lossy(&received).matches("HTTP/1.1 405").count();
        }
        assert_eq!(asked, 4000);
        for odd in 0..200 {
            server.get(&format!("/odd{odd}/{odd}?{odd}")).await.expect(404);
            server.get(&format!("/docs/odd{odd}")).await.expect(404);
        }
        let (after, text) = series().await;
        assert!(after <= before + 4, "{before} series became {after}:\n{text}");
        let counted = r#"paygen_http_requests_total{method="other",route="/accounts/{accountId}",status="405"} 4000"#;
        assert!(text.contains(counted) && text.len() < 100_000, "{text}");
    }

    async fn a_connection_without_requests_is_closed(backend: Backend) {
        let world = World::new(backend).await;
        let server = configured(&world, "request_timeout_seconds = 1").await;
        let begun = Instant::now();
        let received = heard(connect(&server, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await).await;
        assert!(received.starts_with(b"HTTP/1.1 200") && begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
        // Another protocol gets no longer timeout.
        let mut pinging = connect(&server, PREFACE).await;
        let ping = b"\0\0\x08\x06\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let begun = Instant::now();
        while pinging.write_all(ping).await.is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(10), "the connection of a caller that only pings stays open");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn an_address_has_its_share_of_the_connections(backend: Backend) {
        let world = World::new(backend).await;
        let server = configured(&world, "max_connections = 16").await;
        // A quarter is four streams, of which the client has one or two: it opens the next while it waits for the
        // first.
        let metrics = server.get("/metrics").await.expect(200).text;
        let gauge = metrics.lines().find_map(|line| line.strip_prefix("paygen_http_connections "));
        let held: usize = gauge.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{metrics}"));
        assert!((1..4).contains(&held), "{held}");
        let mut open = Vec::new();
        for _ in held..4 {
            let mut connection = connect(&server, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
            assert!(first(&mut connection).await.starts_with("HTTP/1.1 200"));
            open.push(connection);
        }
        let received = answer(&server, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(received.starts_with("HTTP/1.1 503") && received.contains("too_many_connections"), "{received}");
        assert!(received.contains("connection: close") && received.contains("retry-after: 1"), "{received}");
        // However many it opens, other clients get in.
        for _ in 0..100 {
            open.push(connect(&server, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await);
        }
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.2:0".parse().expect("an address")).expect("another address of this machine");
        let mut other = socket.connect(address(&server)).await.expect("a connection");
        other.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
        assert!(first(&mut other).await.starts_with("HTTP/1.1 200"), "another address is not concerned");
        let metrics = server.get("/metrics").await.expect(200).text;
        assert!(metrics.contains(r#"paygen_http_connections_refused_total{reason="address"} 101"#), "{metrics}");
        assert!(metrics.contains("paygen_http_connections 5"), "{metrics}");
        drop(open);
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let mut again = connect(&server, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
            if first(&mut again).await.starts_with("HTTP/1.1 200") {
                break;
            }
            assert!(Instant::now() < deadline, "places of connections that went stay taken");
        }
    }

    async fn our_own_proxies_have_no_share(backend: Backend) {
        let world = World::new(backend).await;
        let server = configured(&world, "max_connections = 8\ntrusted_proxies = [\"127.0.0.0/8\"]").await;
        let mut open = Vec::new();
        for _ in 0..6 {
            let mut connection = connect(&server, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
            assert!(first(&mut connection).await.starts_with("HTTP/1.1 200"));
            open.push(connection);
        }
    }
}

/// The first bytes received.
async fn first(connection: &mut TcpStream) -> String {
    let mut heard = [0; 1024];
    let count = tokio::time::timeout(Duration::from_secs(10), connection.read(&mut heard)).await;
    String::from_utf8_lossy(&heard[..count.expect("an answer in time").unwrap_or(0)]).into_owned()
}

on_both_stores! {
    async fn production_leaves_no_core_dump(backend: Backend) {
        let world = World::new(backend).await;
        let key_file = world.dir.path().join("vault.key");
        let text = format!("paygen-key-1 0011aabb {}\n", "A".repeat(43) + "=");
        std::fs::write(&key_file, text).expect("a key file");
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key_file, owner_only).expect("a mode");
        let made = |name: &str| {
            let mut command = world.command(name);
            command.env_remove("PAYGEN_SANDBOX_API_KEY").env("PAYGEN_KEY_FILE", &key_file);
            command
        };
        assert!(made("migrate").output().expect("paygen runs").status.success());
        let command = made("serve");
        let server = Server::start(command, &world.data_dir()).await;
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("Linux says it");
        let core: Vec<&str> = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line").split_whitespace().collect();
        assert_eq!(core[4..6], ["0", "0"], "{limits}");
    }
}

#[test]
fn a_mistyped_variable_stops_the_start_with_the_name_that_was_meant() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_paygen"));
    command.args(["migrate", "--data-dir"]).arg(directory.path()).current_dir(directory.path());
    let mistyped = command.env("PAYGEN_KEYFILE", "x").output().expect("paygen runs");
    let received = String::from_utf8_lossy(&mistyped.stderr);
    assert!(!mistyped.status.success() && received.contains("Did you mean PAYGEN_KEY_FILE?"), "{received}");
    command.env_remove("PAYGEN_KEYFILE").env("PAYGEN_SERVICE_HOST", "10.0.0.1").env("PAYGEN_NONE_OF_OURS", "x");
    let strange = command.output().expect("paygen runs");
    let received = String::from_utf8_lossy(&strange.stderr);
    assert!(strange.status.success() && received.contains("PAYGEN_NONE_OF_OURS"), "{received}");
    assert!(!received.contains("SERVICE_HOST"), "{received}");
}
