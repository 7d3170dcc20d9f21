//! PostgreSQL goes down, comes back, stops responding, or is disconnected around a COMMIT, while the server runs.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{StreamExt, iter};
use serde_json::{Value, json};

use crate::proxy::{Commit, Mode, Proxy};
use crate::receiver::{Got, Receiver};
use crate::world::{Backend, Reply, Server, World};

/// A world whose servers reach PostgreSQL through a proxy.
async fn behind_a_proxy() -> (World, Proxy) {
    let mut world = World::new(Backend::Postgres).await;
    let proxy = Proxy::before(world.database_url.as_deref().expect("PostgreSQL")).await;
    world.database_url = Some(proxy.url.clone());
    (world, proxy)
}

async fn transfer(server: &Server, (from, to): &(String, String), number: usize) -> Reply {
    let body = json!({"fromAccountId": from, "toAccountId": to, "amount": 1});
    server.request("POST", "/transfers").header("Idempotency-Key", &format!("t-{number}")).json(body).send().await
}

#[track_caller]
fn is_unavailable(reply: Reply, codes: &[&str]) {
    let reply = reply.expect(503);
    assert!(codes.contains(&reply.code().as_str()), "{}", reply.text);
    assert_eq!(reply.header("retry-after"), Some("1"), "{}", reply.text);
}

async fn until_ready(server: &Server) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while server.get("/readyz").await.status != 200 {
        assert!(Instant::now() < deadline, "the server does not come back by itself");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Each of the first `count` transfers had one effect and is listed once; events have no gap, and none is missing.
async fn one_effect_each(server: &Server, accounts: &(String, String), count: usize) {
    let replies: Vec<Reply> =
        iter(0..count).map(|number| transfer(server, accounts, number)).buffered(8).collect().await;
    for reply in replies {
        assert_eq!(reply.header("idempotent-replayed"), Some("true"), "{}", reply.text);
        reply.expect(201);
    }
    assert_eq!(server.get("/transfers?limit=1").await.expect(200).json()["meta"]["total"], json!(count));
    let balance = server.get(&format!("/accounts/{}", accounts.1)).await.expect(200).data()["balance"].clone();
    assert_eq!(balance, json!(count));
    let deadline = Instant::now() + Duration::from_secs(30);
    let (mut cursor, mut position, mut received) = (String::new(), 0, 0);
    while received < count {
        let page = server.get(&format!("/events?limit=200&cursor={cursor}")).await.expect(200).json();
        for event in page["data"].as_array().expect("events") {
            position += 1;
            assert_eq!(event["position"], position, "positions have no gap");
            received += usize::from(event["type"] == "transfer.created");
        }
        cursor = page["meta"]["nextCursor"].as_str().unwrap_or(&cursor).to_owned();
        assert!(Instant::now() < deadline, "{received} of {count} transfers were received");
    }
    assert_eq!(received, count);
}

fn verify(world: &World) {
    let output = world.command("ledger verify").output().expect("paygen runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// While PostgreSQL is down every call fails at once; when it is back, everything works without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gone_and_back_while_the_server_runs() {
    let (world, proxy) = behind_a_proxy().await;
    let server = crate::webhooks::start(&world).await;
    let receiver = Receiver::good().await;
    crate::webhooks::endpoint(&server, &receiver.url, json!(["transfer.created"]), json!({})).await;
    let accounts = (server.account("From", 1_000).await, server.account("To", 0).await);
    let mut number = 0;
    for _ in 0..2 {
        for _ in 0..10 {
            transfer(&server, &accounts, number).await.expect(201);
            number += 1;
        }
        // Requests in flight at the cut get one answer or the other.
        let under_way: Vec<_> = (number..number + 10).map(|number| transfer(&server, &accounts, number)).collect();
        let cutting = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            proxy.set(Mode::Gone);
        };
        let (replies, ()) = tokio::join!(futures_util::future::join_all(under_way), cutting);
        assert!(replies.iter().all(|reply| [201, 503].contains(&reply.status)), "no other status is answered");
        for path in ["/readyz", "/transfers", "/events", "/cards?limit=1", &format!("/accounts/{}", accounts.0)] {
            is_unavailable(server.get(path).await, &["store_unavailable"]);
        }
        is_unavailable(transfer(&server, &accounts, number + 10).await, &["store_unavailable"]);
        server.get("/healthz").await.expect(200);
        server.get("/openapi.json").await.expect(200);
        proxy.set(Mode::Open);
        until_ready(&server).await;
        for _ in 0..=10 {
            transfer(&server, &accounts, number).await.expect(201);
            number += 1;
        }
    }
    one_effect_each(&server, &accounts, number).await;
    let delivered = |got: &[Got]| got.iter().map(Got::event).collect::<HashSet<String>>().len() == number;
    receiver.until("every transfer", delivered).await;
    verify(&world);
}

/// Waits until no session of this database is idle in a transaction.
async fn until_no_transaction(url: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    let sql = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let deadline = Instant::now() + Duration::from_secs(10);
    while client.query_one(sql, &[]).await.expect("a count").get::<_, i64>(0) > 0 {
        assert!(Instant::now() < deadline, "a transaction was left open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A database that does not respond costs a request its timeout and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_and_back_while_the_server_runs() {
    let mut world = World::new(Backend::Postgres).await;
    let direct = world.database_url.clone().expect("PostgreSQL");
    let proxy = Proxy::before(&direct).await;
    world.database_url = Some(proxy.url.clone());
    std::fs::write(world.dir.path().join("paygen.toml"), "request_timeout_seconds = 1\n").expect("the settings");
    let server = world.start().await;
    let accounts = (server.account("From", 1_000).await, server.account("To", 0).await);
    for number in 0..5 {
        transfer(&server, &accounts, number).await.expect(201);
    }
    proxy.set(Mode::Silent);
    is_unavailable(transfer(&server, &accounts, 5).await, &["request_timeout"]);
    is_unavailable(server.get("/transfers").await, &["request_timeout"]);
    server.get("/healthz").await.expect(200);
    proxy.set(Mode::Open);
    until_ready(&server).await;
    // The abandoned request left no transaction open for the next one.
    until_no_transaction(&direct).await;
    for number in 5..10 {
        transfer(&server, &accounts, number).await.expect(201);
    }
    one_effect_each(&server, &accounts, 10).await;
    verify(&world);
}

/// The unknown outcome of an interrupted COMMIT is resolved before anybody is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_off_around_commits_the_answer_is_the_true_one() {
    let (world, proxy) = behind_a_proxy().await;
    let server = world.start().await;
    let accounts = (server.account("From", 1_000).await, server.account("To", 0).await);
    let cuts: Arc<[AtomicUsize; 2]> = Arc::default();
    let counted = cuts.clone();
    proxy.plan(move |number| match number % 12 {
        4 => {
            counted[0].fetch_add(1, Ordering::SeqCst);
            Commit::CutBefore
        }
        10 => {
            counted[1].fetch_add(1, Ordering::SeqCst);
            Commit::CutAfter
        }
        _ => Commit::Passed,
    });
    let count = 120;
    let replies: Vec<Reply> =
        iter(0..count).map(|number| transfer(&server, &accounts, number)).buffer_unordered(4).collect().await;
    proxy.plan(|_| Commit::Passed);
    let ids: HashSet<Value> = replies.into_iter().map(|reply| reply.expect(201).data()["_id"].clone()).collect();
    assert_eq!(ids.len(), count, "each was done once, and acknowledged");
    let cuts = [cuts[0].load(Ordering::SeqCst), cuts[1].load(Ordering::SeqCst)];
    assert!(cuts.iter().all(|cuts| *cuts >= 3), "too few COMMITs were cut off: {cuts:?}");
    one_effect_each(&server, &accounts, count).await;
    verify(&world);
}
