//! Rotation of the data keys from the outside: under traffic, killed half-way, by two at once, on both stores.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, Reply, Server, World};

/// More than one step of the rotation.
const ANSWERS: usize = 450;

/// Fewer than the reveals allowed per address.
const CARDS: usize = 20;

on_both_stores! {
    async fn a_rotation_under_traffic_survives_a_kill_and_leaves_nothing_under_the_old_keys(backend: Backend) {
        let world = World::new(backend).await;
        let mut servers = vec![world.start().await];
        if backend == Backend::Postgres {
            servers.push(world.start().await);
        }
        let (from, to) = (servers[0].account("From", 1_000_000).await, servers[0].account("To", 0).await);
        let accounts = Arc::new((from, to));
        fill(&servers[0], &accounts).await;
        let mut cards = Vec::new();
        for number in 0..CARDS {
            let (holder, card) = issue(&servers[0], &accounts.0, number).await.expect("a card");
            let pan = reveal(&servers[0], &card).await;
            cards.push((holder, card, pan));
        }
        let hook = json!({"url": "https://example.com/", "events": ["*"], "token": "known-before", "enabled": false});
        let hook = servers[0].post("/webhooks", hook).await.expect(201).id();
        servers[0].post("/responders", json!({"url": "https://example.com/"})).await.expect(201);
        let old = key_ids(&world);
        assert_eq!(old.len(), 7, "{old:?}");

        let traffic = Traffic::start(servers, &accounts);
        let killed = rotate_until(&world, "Sealed again");
        match backend {
            // The rotating process was killed; the servers never noticed.
            Backend::Postgres => assert!(!killed.status.success()),
            Backend::Sqlite => traffic.servers[0].kill(),
        }
        assert!(key_ids(&world).iter().any(|id| old.contains(id)), "the old keys are still there");
        let mut traffic = traffic;
        if backend == Backend::Sqlite {
            traffic.stop().await;
            traffic = Traffic::start(vec![world.start().await], &accounts);
        }
        let received = run(&mut world.command("keys rotate"));
        assert!(received.contains("An earlier rotation was not finished"), "{received}");
        assert!(received.contains("Done: everything is sealed under the new keys"), "{received}");
        for id in &old {
            assert!(received.contains(&format!("Deleted {id}")), "{received}");
        }
        let new = key_ids(&world);
        assert!(new.len() == 7 && new.iter().all(|id| !old.contains(id)), "{new:?}");

        let (servers, made) = traffic.stop().await;
        assert!(made > 0, "writing went on");
        for server in &servers {
            for number in (0..ANSWERS).step_by(15) {
                let reply = transfer(server, &accounts, &format!("before-{number}")).await.expect(201);
                assert_eq!(reply.header("idempotent-replayed"), Some("true"), "a kept answer replays");
            }
        }
        for (number, (holder, card, pan)) in cards.iter().enumerate() {
            let server = &servers[number % servers.len()];
            assert_eq!(reveal(server, card).await, *pan, "the same number");
            let shown = server.get(&format!("/card-holders/{holder}")).await.expect(200);
            assert_eq!(shown.data()["person"]["email"], json!(email(number)), "personal data opens");
        }
        let rotated = servers[0].post(&format!("/webhooks/{hook}/rotate-secret"), json!({})).await.expect(200);
        assert_eq!(rotated.data()["hasToken"], true, "credentials of webhooks open");
        // The same number and PIN move to the new card: both are opened for it.
        let replaced = servers[0].post(&format!("/cards/{}/replace", cards[0].1), json!({"reason": "damaged"})).await;
        assert_eq!(reveal(&servers[0], &replaced.expect(201).id()).await, cards[0].2);
    }

    async fn two_rotations_at_once_do_the_same_work_together(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let accounts = (server.account("From", 1000).await, server.account("To", 0).await);
        transfer(&server, &accounts, "kept").await.expect(201);
        let old = key_ids(&world);
        let start = || world.command("keys rotate").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let (one, other) = (start(), start());
        for child in [one, other] {
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let new = key_ids(&world);
        assert!(new.len() == 7 && new.iter().all(|id| !old.contains(id)), "{new:?}");
        let again = transfer(&server, &accounts, "kept").await.expect(201);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    }

    async fn the_data_keys_go_under_another_key_file(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let accounts = (server.account("From", 1000).await, server.account("To", 0).await);
        transfer(&server, &accounts, "kept").await.expect(201);
        let rewrap = || world.command("keys rewrap --new-key-file new.key");
        if backend == Backend::Sqlite {
            let refused = rewrap().output().expect("it runs");
            let why = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(!refused.status.success() && why.contains("another paygen process"), "{why}");
        }
        server.stop();
        let received = run(&mut rewrap());
        assert!(received.contains("15 data keys") && received.contains("PAYGEN_KEY_FILE=new.key"), "{received}");
        let refused = world.command("dev").output().expect("it runs");
        assert!(!refused.status.success(), "the old key file no longer opens them");
        let mut command = world.command("dev");
        command.env("PAYGEN_KEY_FILE", world.dir.path().join("new.key"));
        let server = Server::start(command, &world.data_dir()).await;
        let again = transfer(&server, &accounts, "kept").await.expect(201);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    }
}

fn email(number: usize) -> String {
    format!("holder{number}@example.com")
}

/// A card holder and their card with a PIN and money; nothing when a call was not answered.
async fn issue(server: &Server, account: &str, number: usize) -> Option<(String, String)> {
    let call = async |method: &str, path: &str, body: serde_json::Value| {
        let reply = server.request(method, path).json(body).try_send().await.ok()?;
        assert!(matches!(reply.status, 200 | 201 | 503), "{path}: {}", reply.text);
        (reply.status != 503).then(|| reply.id())
    };
    let person = json!({"firstName": "Alex", "lastName": "Johnson", "email": email(number)});
    let holder = call("POST", "/card-holders", json!({"name": "Alex Johnson", "person": person})).await?;
    let body = json!({
        "debitAccountId": account, "cardHolderId": holder, "type": "virtual", "brand": "Visa", "status": "active",
    });
    let card = call("POST", "/cards", body).await?;
    call("PUT", &format!("/cards/{card}/pin"), json!({"pin": "1234"})).await?;
    call("POST", &format!("/cards/{card}/fund"), json!({"debitAccountId": account, "amount": 1})).await?;
    Some((holder, card))
}

/// The card's number; reveals are rate limited by address, so it may be retried.
async fn reveal(server: &Server, card: &str) -> String {
    for _ in 0..50 {
        let token = server.post(&format!("/cards/{card}/token"), json!({})).await.expect(201);
        let token = token.data()["token"].as_str().expect("a token").to_owned();
        let reply = server.get(&format!("/cards/{card}/reveal?token={token}")).await;
        if reply.status != 429 {
            return reply.expect(200).data()["pan"].as_str().expect("a number").to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("reveals stayed limited");
}

/// Calls on several servers that go on until they are stopped.
struct Traffic {
    servers: Arc<Vec<Server>>,
    stop: Arc<AtomicBool>,
    made: Arc<AtomicUsize>,
    callers: Vec<tokio::task::JoinHandle<()>>,
}

static ROUNDS: AtomicUsize = AtomicUsize::new(0);

impl Traffic {
    fn start(servers: Vec<Server>, accounts: &Arc<(String, String)>) -> Traffic {
        let (servers, stop) = (Arc::new(servers), Arc::new(AtomicBool::new(false)));
        let made = Arc::new(AtomicUsize::new(0));
        let round = ROUNDS.fetch_add(1, Ordering::Relaxed);
        let call = |caller: usize| {
            let (servers, stop, made, accounts) = (servers.clone(), stop.clone(), made.clone(), accounts.clone());
            tokio::spawn(async move {
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    // Each key twice, from one server after the other: the second opens what the first sealed.
                    for server in [caller, caller + 1] {
                        let server = &servers[server % servers.len()];
                        let key = format!("during-{round}-{caller}-{number}");
                        let Some(reply) = try_transfer(server, &accounts, &key).await else { return };
                        assert!(matches!(reply.status, 201 | 503), "{}", reply.text);
                        made.fetch_add(usize::from(reply.status == 201), Ordering::Relaxed);
                    }
                    number += 1;
                }
            })
        };
        let mut callers: Vec<_> = (0..4).map(call).collect();
        let (servers_too, stop_too, accounts) = (servers.clone(), stop.clone(), accounts.clone());
        callers.push(tokio::spawn(async move {
            for number in 0.. {
                let server = &servers_too[number % servers_too.len()];
                if stop_too.load(Ordering::Relaxed) || issue(server, &accounts.0, CARDS + number).await.is_none() {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }));
        Traffic { servers, stop, made, callers }
    }

    /// The servers, and the number of answered calls.
    async fn stop(self) -> (Vec<Server>, usize) {
        self.stop.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.expect("the caller ran");
        }
        (Arc::into_inner(self.servers).expect("the only handle"), self.made.load(Ordering::Relaxed))
    }
}

async fn fill(server: &Server, accounts: &(String, String)) {
    let numbers: Vec<usize> = (0..ANSWERS).collect();
    for some in numbers.chunks(50) {
        let calls = some.iter().map(|number| async move {
            transfer(server, accounts, &format!("before-{number}")).await.expect(201);
        });
        futures_util::future::join_all(calls).await;
    }
}

async fn transfer(server: &Server, accounts: &(String, String), key: &str) -> Reply {
    try_transfer(server, accounts, key).await.expect("an answer")
}

async fn try_transfer(server: &Server, (from, to): &(String, String), key: &str) -> Option<Reply> {
    let body = json!({"fromAccountId": from, "toAccountId": to, "amount": 1});
    server.request("POST", "/transfers").header("Idempotency-Key", key).json(body).try_send().await.ok()
}

/// Runs `paygen keys rotate` until it prints a line with these words, and then kills it.
fn rotate_until(world: &World, words: &str) -> std::process::Output {
    let mut child =
        world.command("keys rotate").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains(words))), "it never said {words}");
    child.kill().expect("kill");
    child.wait_with_output().expect("wait")
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("paygen runs");
    let (received, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{received}{why}");
    received.into_owned()
}

/// The ids of the rotated kinds' keys, as `paygen keys list` shows them.
fn key_ids(world: &World) -> Vec<String> {
    let received = run(&mut world.command("keys list"));
    let rows = received.lines().filter(|line| !line.contains("not rotated"));
    let ids = rows.filter_map(|line| line.split('|').nth(1)).map(|id| id.trim().to_owned());
    ids.filter(|id| id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).collect()
}
