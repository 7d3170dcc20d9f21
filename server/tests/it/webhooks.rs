//! Webhooks: payloads verified by an independent library; order, isolation, retries, recovery.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::on_both_stores;
use crate::receiver::{Answer, Got, Receiver};
use crate::world::{Backend, Reply, Server, World};

/// A server that may call receivers on this machine.
pub async fn start(world: &World) -> Server {
    start_with(world, &[]).await
}

/// As [`start`], with more settings.
pub async fn start_with(world: &World, settings: &[(&str, &str)]) -> Server {
    let mut command = world.command("dev");
    command.env("PAYGEN_WEBHOOKS_ALLOW_PRIVATE", "127.0.0.0/8").envs(settings.iter().copied());
    Server::start(command, &world.data_dir()).await
}

/// An endpoint for these types; returns its id and secret.
pub async fn endpoint(server: &Server, url: &str, events: Value, more: Value) -> (String, String) {
    let mut body = json!({"url": url, "events": events});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let made = server.post("/webhooks", body).await.expect(201);
    (made.id(), made.data()["secret"].as_str().expect("a secret").to_owned())
}

pub async fn until(what: &str, server: &Server, path: &str, enough: impl Fn(&Value) -> bool) -> Value {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let found = server.get(path).await.expect(200).json();
        if enough(&found) {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what} did not come about: {found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn all_events(server: &Server) -> Vec<Value> {
    let mut events = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("/events?limit=200&cursor={cursor}")).await.expect(200).json();
        let found = page["data"].as_array().cloned().unwrap_or_default();
        if found.is_empty() {
            return events;
        }
        events.extend(found);
        cursor = page["meta"]["nextCursor"].as_str().expect("a cursor").to_owned();
    }
}

fn id(event: &Value) -> String {
    event["_id"].as_str().expect("an id").to_owned()
}

fn total(list: &Reply) -> i64 {
    list.json()["meta"]["total"].as_i64().expect("a total")
}

on_both_stores! {
    async fn every_delivery_is_verified_and_says_what_the_event_says(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = Receiver::good().await;
        let token = "a token would have no spaces".replace(' ', "-");
        let (hook, secret) = endpoint(&server, &format!("{}/hook?a=1", receiver.url), json!(["*"]), json!({"token": token})).await;
        let card = crate::authorizations::a_funded_card(&server, 100).await;
        crate::authorizations::pay(&server, &card, json!(10), json!({})).await;
        crate::authorizations::pay(&server, &card, json!(1000), json!({})).await;
        let got = receiver.until("a declined payment", |got| {
            got.iter().any(|one| one.header("x-paygen-event") == "authorization.declined")
        }).await;
        let events: HashMap<String, Value> = all_events(&server).await.into_iter().map(|event| (id(&event), event)).collect();
        for one in &got {
            assert!(one.is_signed_with(&secret), "{one:?}");
            assert_eq!(one.header("x-paygen-signature"), one.paygen_signature(&token));
            assert_eq!(one.header("authorization"), format!("Bearer {token}"));
            assert_eq!(one.header("x-paygen-webhook-token"), token);
            assert_eq!((one.path.as_str(), one.header("content-type")), ("/hook?a=1", "application/json"));
            let sent: i64 = one.header("x-paygen-timestamp").parse().expect("unix seconds");
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs().cast_signed();
            assert!((now - 60..=now + 1).contains(&sent), "{sent}");
            let (event, body) = (&events[&one.event()], one.json());
            assert_eq!(one.header("x-paygen-event"), event["type"]);
            let expected = json!({"event": event["type"], "data": event["data"], "createdAt": event["createdAt"],
                "client": event["data"]["context"]["business"]});
            assert_eq!(body, expected, "and nothing else");
            assert_eq!(body["data"]["context"]["eventId"], event["_id"]);
            assert_eq!(body["data"]["context"]["environment"], "sandbox");
        }
        // The endpoint never shows its credentials again.
        let shown = server.get(&format!("/webhooks/{hook}")).await.expect(200);
        assert!(!shown.text.contains(&token) && !shown.text.contains("whsec_"), "{}", shown.text);
        assert_eq!(shown.data()["hasToken"], true);
        // After a rotation both secrets sign until the overlap is over.
        let rotated = server.post(&format!("/webhooks/{hook}/rotate-secret"), json!({"overlapSeconds": 600})).await.expect(200);
        let new = rotated.data()["secret"].as_str().expect("a secret").to_owned();
        for (advance, both) in [(0, true), (601, false)] {
            if advance > 0 {
                server.post("/simulator/clock", json!({"advanceSeconds": advance})).await.expect(200);
            }
            let test = until_test(&server, &hook, &receiver).await;
            assert!(test.is_signed_with(&new));
            assert_eq!(test.is_signed_with(&secret), both, "{advance}");
        }
    }

    async fn order_holds_for_each_object_and_a_bad_endpoint_slows_no_other(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let (good, slow, dead) = (Receiver::good().await, Receiver::start(|_| Answer::Held(200)).await, Receiver::start(|_| Answer::Reset).await);
        for receiver in [&slow, &dead, &good] {
            endpoint(&server, &receiver.url, json!(["transfer.created", "account.balance.updated"]), json!({})).await;
        }
        let mut accounts = Vec::new();
        for number in 0..6 {
            accounts.push(server.account(&format!("A{number}"), 1000).await);
        }
        let calls = (0..120).map(|n: usize| {
            let body = json!({"fromAccountId": accounts[n % 6], "toAccountId": accounts[(n + 1 + n / 6 % 4) % 6], "amount": 1});
            server.post("/transfers", body)
        });
        for reply in futures_util::future::join_all(calls).await {
            reply.expect(201);
        }
        let wanted = |event: &Value| {
            matches!(event["type"].as_str(), Some("transfer.created" | "account.balance.updated"))
        };
        // Every transfer tells of itself and of both balances; each account of its opening balance.
        let enough = |events: &[Value]| events.iter().filter(|event| wanted(event)).count() >= 6 + 120 * 3;
        let mut received = all_events_until("every event", &server, enough).await;
        received.retain(wanted);
        // The slow one has not answered once, the dead one never does.
        let got = good.count(received.len()).await;
        assert_eq!(got.len(), received.len(), "each once");
        let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
        received.iter().for_each(|event| expected.entry(event["objectId"].to_string()).or_default().push(id(event)));
        let objects: HashMap<String, String> = received.iter().map(|event| (id(event), event["objectId"].to_string())).collect();
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        got.iter().for_each(|one| found.entry(objects[&one.event()].clone()).or_default().push(one.event()));
        assert_eq!(found, expected, "in the order of each object's sequence");
        let in_flight: Vec<String> = slow.got().iter().map(Got::object).collect();
        assert_eq!(in_flight.len(), in_flight.iter().collect::<HashSet<_>>().len(), "one request an object: {in_flight:?}");
        slow.release();
        let late = slow.count(received.len()).await;
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        late.iter().for_each(|one| found.entry(objects[&one.event()].clone()).or_default().push(one.event()));
        assert_eq!(found, expected, "late, but in order");
    }

    async fn failures_are_retried_on_schedule_logged_and_given_up(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = Receiver::start(|_| Answer::Status(503, "")).await;
        let (hook, _) = endpoint(&server, &receiver.url, json!(["account.created", "account.updated"]), json!({})).await;
        let account = server.account("A", 0).await;
        server.put(&format!("/accounts/{account}"), json!({"name": "B"})).await.expect(200);
        receiver.count(1).await;
        let log = "/events/deliveries?sort=createdAt&limit=50";
        until("the first attempt", &server, log, |found| found["meta"]["total"] == 1).await;
        assert!(server.get(&format!("/webhooks/{hook}")).await.data()["failingSince"].is_string());
        // Each step is reached and passed within the jitter.
        for (attempt, delay) in [(2, 5), (3, 300), (4, 1800), (5, 7200), (6, 18_000), (7, 36_000)] {
            let before = server.post("/simulator/clock", json!({"advanceSeconds": delay / 2})).await.expect(200).data();
            assert_eq!((receiver.got().len(), &before["stillFailing"]), (attempt - 1, &json!([])), "not before its time");
            let after = server.post("/simulator/clock", json!({"advanceSeconds": delay * 106 / 100 + 1 - delay / 2})).await.expect(200).data();
            assert_eq!(receiver.got().len(), attempt, "within the advance");
            assert_eq!(after["stillFailing"], json!([format!("1 deliveries to webhook {hook}")]));
        }
        // The last attempt fails, and the object's next event is sent.
        receiver.set(|got| if got.header("x-paygen-event") == "account.created" { Answer::Status(500, "") } else { Answer::Status(204, "") });
        server.post("/simulator/clock", json!({"advanceSeconds": 36_000 * 106 / 100})).await.expect(200);
        let got = receiver.until("the next event", |got| got.iter().any(|one| one.header("x-paygen-event") == "account.updated")).await;
        let kinds: Vec<&str> = got.iter().map(|one| one.header("x-paygen-event")).collect();
        assert_eq!(kinds, [vec!["account.created"; 8], vec!["account.updated"]].concat());
        assert_eq!(got.iter().take(8).map(Got::event).collect::<HashSet<_>>().len(), 1, "the same webhook-id each time");
        let log = until("the log", &server, log, |found| found["meta"]["total"] == 9).await;
        let shown: Vec<(i64, &str, Option<i64>, bool)> = log["data"].as_array().expect("attempts").iter().map(|attempt| (
            attempt["attempt"].as_i64().unwrap_or(0),
            attempt["outcome"].as_str().unwrap_or_default(),
            attempt["status"].as_i64(),
            attempt["nextAttemptAt"].is_string(),
        )).collect();
        let mut expected: Vec<_> = (1..=7).map(|attempt| (attempt, "failed", Some(503), true)).collect();
        expected.extend([(8, "failed", Some(500), false), (1, "succeeded", Some(204), false)]);
        assert_eq!(shown, expected);
        assert_eq!(log["data"][0]["responseExcerpt"], "ok");
        assert_eq!(server.get(&format!("/webhooks/{hook}")).await.data()["failingSince"], Value::Null);
        let event = got[0].event();
        assert_eq!(total(&server.get(&format!("/events/{event}/deliveries")).await), 8);
        let filtered = server.get(&format!("/events/deliveries?filter=outcome=failed%26webhookId={hook}%26eventId={event}")).await;
        assert_eq!(total(&filtered), 8);

        // Deliveries given up are recovered; delivered ones are not sent again.
        receiver.set(|_| Answer::Status(200, ""));
        let since = json!({"since": server.get(&format!("/webhooks/{hook}")).await.data()["createdAt"]});
        server.post(&format!("/webhooks/{hook}/recover"), since.clone()).await.expect(202);
        let got = receiver.count(10).await;
        assert_eq!((got.len(), got[9].event()), (10, event.clone()));
        until("the recovery", &server, &format!("/events/{event}/deliveries"), |found| found["meta"]["total"] == 9).await;
        server.post(&format!("/webhooks/{hook}/recover"), since).await.expect(202);
        // And a delivered event is sent again on request.
        let resent = server.post(&format!("/events/{event}/resend"), json!({})).await.expect(202).data();
        assert_eq!(resent, json!({"eventId": event, "webhookIds": [hook]}));
        let got = receiver.count(11).await;
        assert_eq!((got.len(), got[10].event()), (11, event), "nothing was recovered twice");
    }

    async fn an_endpoint_that_is_gone_or_fails_for_days_is_disabled(backend: Backend) {
        let world = World::new(backend).await;
        let server = start_with(&world, &[("PAYGEN_WEBHOOKS_RETRY_SCHEDULE", "0s,1d,2d,3d")]).await;
        let (gone, failing, watcher) = (
            Receiver::start(|_| Answer::Status(410, "")).await,
            Receiver::start(|_| Answer::Status(500, "")).await,
            Receiver::good().await,
        );
        let (watching, _) = endpoint(&server, &watcher.url, json!(["webhook.disabled"]), json!({})).await;
        let (gone_id, _) = endpoint(&server, &gone.url, json!(["account.created"]), json!({})).await;
        let (failing_id, _) = endpoint(&server, &failing.url, json!(["account.created"]), json!({})).await;
        let account = server.account("A", 0).await;
        let disabled = |got: &[Got], id: &str, reason: &str| {
            got.iter().any(|one| {
                let webhook = &one.json()["data"]["webhook"];
                webhook["_id"] == id && webhook["disabledReason"] == reason && webhook["enabled"] == false
            })
        };
        watcher.until("gone", |got| disabled(got, &gone_id, "gone")).await;
        failing.count(1).await;
        until("a failure on record", &server, &format!("/webhooks/{failing_id}"), |found| found["data"]["failingSince"].is_string()).await;
        server.post("/simulator/clock", json!({"advanceSeconds": 4 * 86_400})).await.expect(200);
        assert_eq!(server.get(&format!("/webhooks/{failing_id}")).await.data()["enabled"], true, "four days");
        server.post("/simulator/clock", json!({"advanceSeconds": 3 * 86_400})).await.expect(200);
        watcher.until("failing", |got| disabled(got, &failing_id, "failing")).await;
        let listed = server.get("/webhooks?filter=enabled=false&sort=createdAt").await.expect(200).json();
        let reasons: Vec<&Value> = listed["data"].as_array().expect("endpoints").iter().map(|one| &one["disabledReason"]).collect();
        assert_eq!(reasons, [&json!("gone"), &json!("failing")]);
        let (refused, code) = (server.post(&format!("/webhooks/{gone_id}/test"), json!({})).await, "webhook_disabled");
        assert_eq!(refused.expect(409).code(), code);
        // Disabled it receives nothing; enabled again, it receives events from then on; missed ones by a recovery.
        let before = gone.got().len();
        let missed = server.account("B", 0).await;
        gone.set(|_| Answer::Status(200, ""));
        let version = server.get(&format!("/webhooks/{gone_id}")).await.data()["version"].clone();
        let enabled = server.request("PUT", &format!("/webhooks/{gone_id}")).header("if-match", &version.to_string()).json(json!({"enabled": true}));
        enabled.send().await.expect(200);
        let (test, _) = (until_test(&server, &gone_id, &gone).await, ());
        assert_eq!(test.json()["data"]["webhookId"], gone_id.as_str());
        let after = server.account("C", 0).await;
        let got = gone.until("what happened since", |got| got.iter().any(|one| one.object() == after)).await;
        let objects: HashSet<String> = got[before..].iter().map(Got::object).collect();
        assert!(!objects.contains(&missed), "what it missed is not sent by itself");
        let since = server.get(&format!("/webhooks/{gone_id}")).await.data()["createdAt"].clone();
        server.post(&format!("/webhooks/{gone_id}/recover"), json!({"since": since})).await.expect(202);
        let long_ago = json!({"since": "2020-01-01T00:00:00.000Z"});
        let long_ago = server.post(&format!("/webhooks/{gone_id}/recover"), long_ago).await.expect(400);
        assert_eq!(long_ago.pointers(), ["/since"], "before deliveries were on record");
        gone.until("what it missed", |got| got.iter().any(|one| one.object() == missed)).await;
        assert!(gone.got().iter().filter(|one| one.object() == account).count() >= 2, "and what had failed");
        assert!(watcher.got().iter().all(|one| one.header("x-paygen-event") == "webhook.disabled"), "{watching}");
    }

    async fn every_fault_of_a_receiver_is_reported_and_bounded(backend: Backend) {
        let world = World::new(backend).await;
        let settings = world.dir.path().join("paygen.toml");
        std::fs::write(settings, "[webhooks]\ntimeout_seconds = 2\nretry_schedule = \"0s,1d\"\n").expect("settings");
        let server = start(&world).await;
        let other = Receiver::good().await;
        let redirect: &'static str = Box::leak(format!("location: {}/stolen\r\n", other.url).into_boxed_str());
        let cases: Vec<(&str, Answer, Option<i64>, &str)> = vec![
            ("reset", Answer::Reset, None, ""),
            ("half", Answer::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"), Some(200), "half"),
            ("endless", Answer::Endless, Some(200), "xxxx"),
            ("slow", Answer::SlowHead, None, ""),
            ("garbage", Answer::Raw(b"\x16\x03\x01 not http\r\n\r\n"), None, ""),
            ("moved", Answer::Status(301, redirect), Some(301), "ok"),
            ("busy", Answer::Status(429, "retry-after: 7200\r\n"), Some(429), "ok"),
            ("teapot", Answer::Status(418, ""), Some(418), "ok"),
        ];
        let receiver = Receiver::start(|_| Answer::Reset).await;
        let rules: HashMap<String, Answer> = cases.iter().map(|(name, answer, ..)| (format!("/{name}"), answer.clone())).collect();
        receiver.set(move |got| rules[&got.path].clone());
        let mut hooks = Vec::new();
        for (name, _, status, excerpt) in &cases {
            let (hook, _) = endpoint(&server, &format!("{}/{name}", receiver.url), json!(["account.created"]), json!({})).await;
            hooks.push((*name, hook, *status, *excerpt));
        }
        // No server speaks TLS here, and no one listens there.
        let tls = receiver.url.replace("http://", "https://");
        hooks.push(("tls", endpoint(&server, &format!("{tls}/tls"), json!(["account.created"]), json!({})).await.0, None, ""));
        let silent = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
        hooks.push(("refused", endpoint(&server, &format!("http://{silent}/"), json!(["account.created"]), json!({})).await.0, None, ""));
        server.account("A", 0).await;
        for (name, hook, status, excerpt) in hooks {
            let path = format!("/events/deliveries?filter=webhookId={hook}");
            let log = until(name, &server, &path, |found| found["meta"]["total"] == 1).await;
            let attempt = &log["data"][0];
            assert_eq!(attempt["status"].as_i64(), status, "{name}: {attempt}");
            let is_success = status == Some(200);
            assert_eq!(attempt["outcome"] == "succeeded", is_success, "{name}: {attempt}");
            assert_eq!(attempt["error"].is_string(), status.is_none(), "{name}: {attempt}");
            let shown = attempt["responseExcerpt"].as_str().unwrap_or_default();
            assert!(shown.starts_with(excerpt) && shown.len() <= 1024, "{name}: {attempt}");
            assert!(attempt["latencyMs"].as_i64().is_some_and(|latency| latency < 5000), "{name}: {attempt}");
            assert_eq!(attempt["nextAttemptAt"].is_string(), !is_success, "{name}: {attempt}");
            assert!(!attempt.to_string().contains(&receiver.url), "an error does not repeat the URL: {attempt}");
        }
        assert!(other.got().is_empty(), "redirects are not followed");
    }

    async fn a_retry_after_puts_a_delivery_off(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let receiver = Receiver::start(|_| Answer::Status(429, "retry-after: 3600\r\n")).await;
        endpoint(&server, &receiver.url, json!(["account.created"]), json!({})).await;
        server.account("A", 0).await;
        receiver.count(1).await;
        until("the attempt", &server, "/events/deliveries", |found| found["meta"]["total"] == 1).await;
        server.post("/simulator/clock", json!({"advanceSeconds": 3590})).await.expect(200);
        assert_eq!(receiver.got().len(), 1);
        server.post("/simulator/clock", json!({"advanceSeconds": 20})).await.expect(200);
        assert_eq!(receiver.got().len(), 2);
    }

    async fn only_public_addresses_are_called(backend: Backend) {
        let world = World::new(backend).await;
        let receiver = Receiver::good().await;
        let port = receiver.url.rsplit(':').next().expect("a port").to_owned();
        // As in production: there the machine itself is refused like its neighbours.
        std::fs::write(world.dir.path().join("paygen.toml"), "[webhooks]\nloopback = false").expect("a file");
        let mut server = world.start().await;
        let hosts = [
            "127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
            "224.0.0.1", "[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
        ];
        for host in hosts {
            let reply = server.post("/webhooks", json!({"url": format!("http://{host}:{port}/"), "events": ["*"]})).await;
            assert_eq!((reply.status, reply.pointers()), (400, vec!["/url".to_owned()]), "{host}: {}", reply.text);
            assert!(reply.text.contains("PAYGEN_WEBHOOKS_ALLOW_PRIVATE"), "{host}: {}", reply.text);
        }
        server.stop();
        // Created while the address was allowed, which it no longer is: checked again before each call, literal or
        // resolved.
        let server = start(&world).await;
        let names = ["127.0.0.1", "localhost"];
        for name in names {
            endpoint(&server, &format!("http://{name}:{port}/"), json!(["account.created"]), json!({})).await;
        }
        drop(server);
        let server = world.start().await;
        server.account("A", 0).await;
        let log = until("both attempts", &server, "/events/deliveries", |found| found["meta"]["total"] == 2).await;
        for attempt in log["data"].as_array().expect("attempts") {
            assert!(attempt["error"].as_str().is_some_and(|why| why.contains("not a public address")), "{attempt}");
        }
        assert!(receiver.got().is_empty());
    }

    async fn a_sandbox_calls_its_own_machine(backend: Backend) {
        let world = World::new(backend).await;
        let receiver = Receiver::good().await;
        let port = receiver.url.rsplit(':').next().expect("a port").to_owned();
        let server = world.start().await;
        for host in ["localhost", "127.0.0.1"] {
            endpoint(&server, &format!("http://{host}:{port}/"), json!(["account.created"]), json!({})).await;
        }
        server.account("A", 0).await;
        receiver.count(2).await;
        for host in ["10.0.0.1", "192.168.1.5", "169.254.169.254", "[fd00::1]", "0.0.0.0"] {
            let body = json!({"url": format!("http://{host}:{port}/"), "events": ["*"]});
            server.post("/webhooks", body).await.expect(400);
        }
    }

    async fn bad_input_names_every_field(backend: Backend) {
        let world = World::new(backend).await;
        let server = start(&world).await;
        let cases = [
            (json!({}), vec!["/url", "/events"]),
            (json!({"url": "", "events": []}), vec!["/url", "/events"]),
            (json!({"url": 5, "events": "*", "token": "short", "enabled": "yes"}), vec!["/url", "/events", "/token", "/enabled"]),
            (json!({"url": "https://example.com", "events": ["card.creatd", "*"]}), vec!["/events/0"]),
            (json!({"url": "https://user:pw@example.com", "events": ["no"], "colour": 1}), vec!["/url", "/events/0", "/colour"]),
            (json!({"url": "https://example.com", "events": ["*"], "colour": 1}), vec!["/colour"]),
            (json!({"url": "ftp://example.com", "events": ["*"], "token": "with space here"}), vec!["/url", "/token"]),
            (json!({"url": "https://user:pw@example.com", "events": ["*"]}), vec!["/url"]),
            (json!({"url": "https://example.com:25", "events": ["*"]}), vec!["/url"]),
        ];
        for (body, expected) in cases {
            let reply = server.post("/webhooks", body.clone()).await.expect(400);
            let mut pointers = reply.pointers();
            pointers.sort();
            let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            expected.sort();
            assert_eq!(pointers, expected, "{body}: {}", reply.text);
        }
        assert_eq!(total(&server.get("/webhooks").await), 0, "nothing is stored");
        let nobody = "665f1c4f4a4f4a4f4a4f4a4f";
        for (method, path) in [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/rotate-secret"), ("POST", "/recover")] {
            let body = if path == "/recover" { json!({"since": "2100-01-01T00:00:00Z"}) } else { json!({}) };
            let call = server.request(method, &format!("/webhooks/{nobody}{path}"));
            let reply = if matches!(method, "GET" | "DELETE") { call.send().await } else { call.json(body).send().await };
            assert_eq!(reply.expect(404).code(), "webhook_not_found", "{method} {path}");
        }
        let (hook, _) = endpoint(&server, "https://example.com/", json!(["card.created"]), json!({"token": "12345678"})).await;
        let stored = server.get(&format!("/webhooks/{hook}")).await.data();
        let back = server.put(&format!("/webhooks/{hook}"), stored.clone()).await.expect(200);
        assert_eq!(back.data()["version"], 1, "written back as it was read, nothing changes");
        let mut wrong = stored;
        wrong["hasToken"] = json!(false);
        assert_eq!(server.put(&format!("/webhooks/{hook}"), wrong).await.expect(400).code(), "read_only_field");
        let stale = server.request("PUT", &format!("/webhooks/{hook}")).header("if-match", "7").json(json!({"enabled": false}));
        assert_eq!(stale.send().await.expect(412).code(), "version_mismatch");
        let none = server.put(&format!("/webhooks/{hook}"), json!({"token": null, "description": "x"})).await.expect(200).data();
        assert_eq!((&none["hasToken"], &none["description"], &none["version"]), (&json!(false), &json!("x"), &json!(2)));
        // Twice with one key: one endpoint, whose secret is shown once.
        let twice = async || {
            let call = server.request("POST", "/webhooks").header("idempotency-key", "once");
            call.json(json!({"url": "https://example.com/", "events": ["*"]})).send().await.expect(201)
        };
        let (first, again) = (twice().await.data(), twice().await.data());
        assert_eq!((id(&first), first["secret"].is_string(), &again["secret"]), (id(&again), true, &Value::Null));
        assert_eq!(total(&server.get("/webhooks").await), 2);
        let event = all_events(&server).await.first().map(id);
        if let Some(event) = event {
            let reply = server.post(&format!("/events/{event}/resend"), json!({"webhookId": nobody})).await;
            assert_eq!(reply.expect(404).code(), "webhook_not_found");
        }
        assert_eq!(server.post(&format!("/events/{nobody}/resend"), json!({})).await.expect(404).code(), "event_not_found");
        server.delete(&format!("/webhooks/{hook}")).await.expect(200);
        assert_eq!(server.get(&format!("/webhooks/{hook}")).await.expect(404).code(), "webhook_not_found");
    }

    async fn killed_at_random_under_load_nothing_is_missing(backend: Backend) {
        let world = World::new(backend).await;
        let receiver = Receiver::good().await;
        let mut server = start(&world).await;
        endpoint(&server, &receiver.url, json!(["transfer.created"]), json!({})).await;
        let (from, to) = (server.account("From", 100_000).await, server.account("To", 0).await);
        for round in 0..4 {
            let (calls, answers) = (60, 5 + 10 * round);
            let answered = transfers_until(&server, (&from, &to), calls, answers, || server.kill()).await;
            assert!((answers..calls).contains(&answered), "the kill fell between answers: {answered} of {calls}");
            server = start(&world).await;
        }
        let last = server.post("/transfers", json!({"fromAccountId": from, "toAccountId": to, "amount": 1})).await.expect(201).id();
        let is_last = |event: &Value| event["data"]["transfer"]["_id"] == last.as_str();
        let events = all_events_until("the last transfer", &server, |events| events.iter().any(is_last)).await;
        let expected: HashSet<String> = events.iter().filter(|event| event["type"] == "transfer.created").map(id).collect();
        let got = receiver.until("every event", |got| {
            let found: HashSet<String> = got.iter().map(Got::event).collect();
            expected.is_subset(&found)
        }).await;
        let found: HashSet<String> = got.iter().map(Got::event).collect();
        assert_eq!(found, expected, "every committed event came, and none that was not committed");
    }
}

/// Makes transfers, some at a time, and does something when so many were answered; how many were in the end.
async fn transfers_until(
    server: &Server,
    (from, to): (&str, &str),
    calls: usize,
    answers: usize,
    then: impl Fn(),
) -> usize {
    let body = json!({"fromAccountId": from, "toAccountId": to, "amount": 1});
    let made = (0..calls).map(|_| server.request("POST", "/transfers").json(body.clone()).try_send());
    let mut made = futures_util::stream::iter(made).buffer_unordered(8);
    let mut answered = 0;
    while let Some(reply) = made.next().await {
        answered += usize::from(reply.is_ok());
        if reply.is_ok() && answered == answers {
            then();
        }
    }
    answered
}

/// Makes transfers, some at a time.
async fn load(server: &Server, accounts: (&str, &str), count: usize) {
    transfers_until(server, accounts, count, 0, || ()).await;
}

/// Every event, once it is enough.
async fn all_events_until(what: &str, server: &Server, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let events = all_events(server).await;
        if enough(&events) {
            return events;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what} did not come about: {} events", events.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sends a test and waits for it.
async fn until_test(server: &Server, hook: &str, receiver: &Receiver) -> Got {
    let event = server.post(&format!("/webhooks/{hook}/test"), json!({})).await.expect(202);
    let event = event.data()["eventId"].as_str().expect("an id").to_owned();
    let got = receiver.until("the test", |got| got.iter().any(|one| one.event() == event)).await;
    got.into_iter().find(|one| one.event() == event).expect("the test")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_endpoints_and_one_takes_over_when_the_other_is_killed() {
    let world = World::new(Backend::Postgres).await;
    let (one, two) = (start(&world).await, start(&world).await);
    let mut receivers = Vec::new();
    for _ in 0..6 {
        let receiver = Receiver::good().await;
        endpoint(&one, &receiver.url, json!(["transfer.created"]), json!({})).await;
        receivers.push(receiver);
    }
    let (from, to) = (one.account("From", 100_000).await, one.account("To", 0).await);
    futures_util::future::join(load(&one, (&from, &to), 60), load(&two, (&from, &to), 60)).await;
    let killed = transfers_until(&one, (&from, &to), 60, 20, || one.kill());
    let (answered, _) = futures_util::future::join(killed, load(&two, (&from, &to), 60)).await;
    assert!((20..60).contains(&answered), "the kill fell between answers: {answered} of 60");
    load(&two, (&from, &to), 20).await;
    let transfers = total(&two.get("/transfers?limit=1").await);
    let made = usize::try_from(transfers).expect("a count");
    let created = |events: &[Value]| events.iter().filter(|event| event["type"] == "transfer.created").count();
    let events = all_events_until("every transfer", &two, |events| created(events) >= made).await;
    for (event, position) in events.iter().zip(1..) {
        assert_eq!(event["position"], position, "positions have no gap");
    }
    let expected: HashSet<String> = events.iter().filter(|event| event["type"] == "transfer.created").map(id).collect();
    for receiver in &receivers {
        receiver.until("every event", |got| expected.is_subset(&got.iter().map(Got::event).collect())).await;
    }
}
