//! Rules for every call: idempotency, request ids, ETags, methods, paths, sizes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::on_both_stores;
use crate::world::{Backend, KEY, Server, World};

fn account(name: &str) -> Value {
    json!({"ownerType": "user", "name": name, "type": "savings", "category": "fiat", "currency": "USD"})
}

on_both_stores! {
    async fn a_repeat_gets_the_first_answer(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let call = |name: &str| server.request("POST", "/accounts").header("Idempotency-Key", "k1").json(account(name));
        let first = call("A").send().await.expect(201);
        assert_eq!(first.header("idempotent-replayed"), None);
        let again = call("A").send().await.expect(201);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_eq!((&again.text, again.header("etag")), (&first.text, first.header("etag")));
        assert_eq!(call("B").send().await.expect(409).code(), "idempotency_key_reused");
        let reordered = r#"{"currency":"USD","category":"fiat","type":"savings","name":"A","ownerType":"user"}"#;
        let same = server.request("POST", "/accounts").header("Idempotency-Key", "k1").text(reordered).send().await;
        assert_eq!(same.expect(201).text, first.text, "the order of members does not matter");
        assert_eq!(server.get("/accounts").await.json()["meta"]["total"], 1);
    }

    async fn refusals_by_rule_are_kept_and_others_are_not(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (from, to) = (server.account("From", 1).await, server.account("To", 0).await);
        let call = |amount: &str| {
            let body = format!(r#"{{"fromAccountId":"{from}","toAccountId":"{to}","amount":{amount}}}"#);
            server.request("POST", "/transfers").header("Idempotency-Key", "k").text(body)
        };
        call("true").send().await.expect(400);
        let refused = call("5").send().await.expect(422);
        server.post(&format!("/simulator/accounts/{from}/fund"), json!({"amount": 10})).await.expect(200);
        let again = call("5").send().await.expect(422);
        assert_eq!(again.text, refused.text);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    }

    async fn scope_is_checked_before_a_replay(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        server.request("POST", "/accounts").header("Idempotency-Key", "k").json(account("A")).send().await.expect(201);
        let reader = server.post("/api-keys", json!({"name": "reader", "scopes": ["accounts:read"]})).await.expect(201);
        server.key = reader.data()["key"].as_str().expect("the key, once").to_owned();
        let reply = server.request("POST", "/accounts").header("Idempotency-Key", "k").json(account("A")).send().await;
        assert_eq!(reply.expect(403).code(), "scope_missing");
    }

    async fn a_new_key_is_kept_in_clear_nowhere(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let body = json!({"name": "once", "scopes": ["accounts:read"]});
        let call = || server.request("POST", "/api-keys").header("Idempotency-Key", "k").json(body.clone());
        let first = call().send().await.expect(201);
        let key = first.data()["key"].as_str().expect("the key").to_owned();
        assert!(!call().send().await.expect(201).text.contains(&key), "nor shown again");
        if backend == Backend::Sqlite {
            for entry in std::fs::read_dir(world.data_dir()).expect("the data directory").flatten() {
                let bytes = std::fs::read(entry.path()).unwrap_or_default();
                let found = bytes.windows(key.len()).any(|window| window == key.as_bytes());
                assert!(!found, "the key is in clear in {:?}", entry.path());
            }
        }
    }

    async fn every_answer_has_a_request_id(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let given = server.request("GET", "/accounts/nonsense").header("X-Request-Id", "my-id-1").send().await;
        assert_eq!(given.header("x-request-id"), Some("my-id-1"));
        assert_eq!(given.json()["error"]["requestId"], "my-id-1");
        assert!(given.json()["error"]["docs"].as_str().is_some_and(|docs| docs.contains(&given.code())));
        let made = server.get("/accounts").await;
        assert!(made.header("x-request-id").is_some_and(|id| id.len() >= 16));
    }

    async fn errors_link_to_their_page_under_the_address_that_was_called(backend: Backend) {
        let world = World::new(backend).await;
        let settings = world.dir.path().join("paygen.toml");
        let server = world.start().await;
        let link = async |server: &Server, headers: &[(&str, &str)]| {
            let call = server.request("GET", "/accounts/665f1c4f4a4f4a4f4a4f4a4f");
            let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
            call.send().await.expect(404).json()["error"]["docs"].as_str().expect("a link").to_owned()
        };
        let page = "/docs/errors/account_not_found";
        assert_eq!(link(&server, &[]).await, format!("{}{page}", server.url));
        let forwarded = [("x-forwarded-proto", "https"), ("x-forwarded-host", "pay.example.com")];
        assert_eq!(link(&server, &forwarded).await, format!("{}{page}", server.url), "from anybody they are not believed");
        assert_eq!(link(&server, &[("host", "pay.example.com:8443")]).await, format!("http://pay.example.com:8443{page}"));
        assert_eq!(link(&server, &[("host", "evil.example/x?")]).await, page, "no plain host");

        // A replayed answer contains the URL of the replay.
        let (from, to) = (server.account("From", 1).await, server.account("To", 0).await);
        let transfer = json!({"fromAccountId": from, "toAccountId": to, "amount": 5});
        let refused = async |server: &Server, host: Option<&str>| {
            let call = server.request("POST", "/transfers").header("Idempotency-Key", "k").json(transfer.clone());
            let call = host.into_iter().fold(call, |call, host| call.header("host", host));
            call.send().await.expect(422).json()["error"]["docs"].clone()
        };
        assert_eq!(refused(&server, None).await, format!("{}/docs/errors/insufficient_funds", server.url));
        assert_eq!(refused(&server, Some("b.example")).await, "http://b.example/docs/errors/insufficient_funds");
        drop(server);

        std::fs::write(&settings, "trusted_proxies = [\"127.0.0.0/8\"]").expect("a file");
        let server = world.start().await;
        assert_eq!(link(&server, &forwarded).await, format!("https://pay.example.com{page}"));
        assert_eq!(refused(&server, None).await, format!("{}/docs/errors/insufficient_funds", server.url));
        drop(server);
        std::fs::write(&settings, "public_url = \"https://api.example.com\"").expect("a file");
        let server = world.start().await;
        assert_eq!(link(&server, &[("host", "evil.example")]).await, format!("https://api.example.com{page}"));
    }

    async fn long_answers_are_compressed_for_those_who_take_it(backend: Backend) {
        use std::io::Read;
        let world = World::new(backend).await;
        let server = world.start().await;
        for number in 0..10 {
            server.account(&format!("A{number}"), 0).await;
        }
        let got = async |path: &str, takes: &str| {
            let call = server.request("GET", path).header("accept-encoding", takes);
            call.send_raw().await
        };
        for (path, shared) in [("/accounts", false), ("/openapi.json", true), ("/docs", true), ("/docs/guides/quickstart", true)] {
            let plain = got(path, "identity").await;
            let (headers, small) = got(path, "gzip, br").await;
            assert_eq!(headers.get("content-encoding").map(|coding| coding.as_bytes()), Some(&b"gzip"[..]), "{path}");
            assert!(headers.get_all("vary").iter().any(|vary| vary == "accept-encoding"), "{path}: {headers:?}");
            assert!(!plain.0.contains_key("content-encoding") && small.len() * 2 < plain.1.len(), "{path}");
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(&small[..]).read_to_end(&mut text).expect("gzip");
            assert_eq!(text, plain.1, "{path}");
            let again = got(path, "gzip").await;
            assert_eq!(again.1, small, "{path}");
            if let Some(tag) = headers.get("etag").filter(|_| shared) {
                let call = server.request("GET", path).header("accept-encoding", "gzip");
                let known = call.header("if-none-match", tag.to_str().expect("text")).send().await;
                assert_eq!(known.status, 304, "{path}");
            }
        }
        // Secrets and card numbers never share a compressed response with text chosen by others (BREACH).
        let holder = json!({"name": "Ada Obi", "person": {"email": "ada@example.com"}});
        let holder = server.post("/card-holders", holder).await.expect(201).id();
        let account = server.account("Card money", 5).await;
        let card = json!({
            "debitAccountId": account, "cardHolderId": holder, "type": "virtual", "brand": "Visa", "status": "active",
        });
        let card = server.post("/cards", card).await.expect(201).id();
        for number in 0..8 {
            let key = json!({"name": format!("key {number}"), "scopes": ["accounts:read"]});
            server.post("/api-keys", key).await.expect(201);
        }
        let token = server.post(&format!("/cards/{card}/token"), json!({})).await.expect(201).data();
        let reveal = format!("/cards/{card}/reveal?token={}", token["token"].as_str().expect("a token"));
        for path in [&reveal, &format!("/cards/{card}/page"), "/api-keys", "/webhooks", "/healthz"] {
            let (headers, _) = got(path, "gzip").await;
            assert!(!headers.contains_key("content-encoding"), "{path}");
        }
        let made = server.request("POST", "/accounts").header("accept-encoding", "gzip").json(account_with_metadata());
        assert!(!made.send_raw().await.0.contains_key("content-encoding"), "only what is read is compressed");
    }

    async fn the_sandbox_logs_every_request_and_why_payments_were_declined(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let holder = json!({"name": "Ada Obi", "person": {"email": "ada@example.com"}});
        let holder = server.post("/card-holders", holder).await.expect(201).id();
        let account = server.account("Card money", 5).await;
        let card = json!({
            "debitAccountId": account, "cardHolderId": holder, "type": "virtual", "brand": "Visa", "status": "active",
            "amount": 1,
        });
        let card = server.post("/cards", card).await.expect(201).id();
        server.post("/cards", json!({"brand": "Visa"})).await.expect(400);
        server.post("/simulator/authorizations", json!({"cardId": card, "amount": 700})).await.expect(201);
        server.get("/accounts/665f1c4f4a4f4a4f4a4f4a4f?secretWord=1").await;
        server.post(&format!("/cards/{card}/fund"), json!({"debitAccountId": account, "amount": 900})).await.expect(422);
        let log = std::fs::read_to_string(world.data_dir().join("stderr.log")).expect("the log");
        let lines = [
            " POST /cards 201 ", " POST /cards 400 validation_failed ",
            " POST /simulator/authorizations 201 declined insufficient_funds ", " POST /cards/{cardId}/fund 422 insufficient_funds ",
        ];
        for line in lines {
            let found = log.lines().find(|received| received.contains(line) && received.ends_with(" ms"));
            assert!(found.is_some(), "{line} is not in\n{log}");
        }
        for secret in ["secretWord", "Ada Obi", &card, KEY] {
            assert!(!log.contains(secret), "{secret} is in\n{log}");
        }
        drop(server);
        let mut command = world.command("dev");
        command.args(["--log-format", "json", "--log-level", "debug"]);
        let server = Server::start(command, &world.data_dir()).await;
        server.get("/accounts").await.expect(200);
        let log = std::fs::read_to_string(world.data_dir().join("stderr.log")).expect("the log");
        let received = log.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let received = received.into_iter().find(|received| received["route"] == "/accounts").expect("the request");
        assert_eq!((&received["method"], &received["status"], &received["message"]), (&json!("GET"), &json!(200), &json!("request")));
        let seconds = received["seconds"].to_string();
        let decimals = seconds.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        assert!(received["seconds"].is_f64() && !seconds.contains('e') && decimals <= 6, "{seconds}");
    }

    async fn a_call_without_required_fields_needs_no_body(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        server.request("POST", "/auth/tokens").send().await.expect(201);
        let missing = server.request("POST", "/accounts").send().await.expect(400);
        assert!(missing.pointers().contains(&"/name".to_owned()), "{}", missing.text);
    }

    async fn slow_callers_are_cut_off_and_counted(backend: Backend) {
        let world = World::new(backend).await;
        let settings = world.dir.path().join("paygen.toml");
        std::fs::write(settings, "request_timeout_seconds = 1").expect("a file");
        let server = world.start().await;
        let head = format!(
            "POST /accounts HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"
        );
        let cases = [("", ""), ("P", ""), ("GET /accounts HT", ""), (head.as_str(), "HTTP/1.1 503")];
        for (sent, answer) in cases {
            let received = tokio::time::timeout(Duration::from_secs(10), silent_after(&server, sent)).await;
            let received = received.unwrap_or_else(|_| panic!("still open after {sent:?}"));
            assert!(received.starts_with(answer) && (!answer.is_empty() || received.is_empty()), "{sent:?}: {received}");
        }
        let metrics = server.get("/metrics").await.text;
        let counted = r#"paygen_http_requests_total{method="POST",route="/accounts",status="503"} 1"#;
        assert!(metrics.contains(counted), "{metrics}");
    }

    async fn paths_methods_and_sizes_are_checked(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        assert_eq!(server.get("/acounts").await.expect(404).code(), "route_not_found");
        let method = server.request("PATCH", "/accounts").send().await.expect(405);
        assert!(method.header("allow").is_some_and(|allow| allow.contains("POST")), "{:?}", method.headers);
        let huge = format!(r#"{{"name":"{}"}}"#, "x".repeat(1_200_000));
        assert_eq!(server.request("POST", "/accounts").text(huge).send().await.expect(413).code(), "body_too_large");
        let form = server.http.post(format!("{}/accounts", server.url)).header("x-api-key", &server.key);
        let form = form.header("content-type", "text/plain").body("{}").send().await.expect("an answer");
        assert_eq!(form.status(), 415);
        let long = "k".repeat(256);
        let reply = server.request("POST", "/accounts").header("Idempotency-Key", &long).json(account("A")).send().await;
        reply.expect(400);
    }
}

fn account_with_metadata() -> Value {
    let mut body = account("Much");
    body["metadata"] = json!({"text": "x".repeat(4000)});
    body
}

/// The response to these bytes and nothing more, until the connection closes or a response is complete.
async fn silent_after(server: &Server, sent: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = server.url.trim_start_matches("http://");
    let mut connection = tokio::net::TcpStream::connect(address).await.expect("a connection");
    connection.write_all(sent.as_bytes()).await.expect("sent");
    let mut heard = [0; 512];
    let count = connection.read(&mut heard).await.unwrap_or(0);
    String::from_utf8_lossy(&heard[..count]).into_owned()
}

#[test]
fn a_database_that_does_not_answer_is_named_with_its_setting() {
    let directory = tempfile::tempdir().expect("a directory");
    for subcommand in ["dev", "migrate", "replay"] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_paygen"));
        command.arg(subcommand).arg("--data-dir").arg(directory.path()).current_dir(directory.path());
        command.env("PAYGEN_DATABASE_URL", "postgres://me:hunter2@127.0.0.1:9/books");
        let output = command.output().expect("paygen runs");
        let received = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "{received}");
        for part in ["database_url (PAYGEN_DATABASE_URL)", "127.0.0.1:9"] {
            assert!(received.contains(part), "{subcommand}: {received}");
        }
        assert!(!received.contains("hunter2"), "{subcommand}: {received}");
    }
}
