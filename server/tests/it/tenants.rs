//! One tenant's activity costs the others nothing: whose streams are woken, and whose clock is moved.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::on_both_stores;
use crate::streams::{BEGINNING, Stream};
use crate::world::{Backend, Server, World};

/// Open streams.
const STREAMS: usize = 20;

/// A second client; returns its key.
pub fn another_client(world: &World) -> String {
    let made = world.command("clients create --name Other").output().expect("paygen runs");
    let received = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.status.success(), "{received}{}", String::from_utf8_lossy(&made.stderr));
    let key = received.lines().find_map(|line| line.strip_prefix("API key")).expect("a key");
    key.trim().to_owned()
}

/// How often events were read for streams.
async fn reads(server: &Server) -> u64 {
    let metrics = server.get("/metrics").await.expect(200).text;
    let line = metrics.lines().find(|line| line.starts_with("paygen_event_reads_total{reader=\"stream\"}"));
    line.and_then(|line| line.split_whitespace().last()?.parse().ok()).unwrap_or(0)
}

/// Waits until events have positions: on PostgreSQL they get them a moment later.
async fn placed(server: &Server, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let list = server.get("/events?cursor=&limit=200").await.expect(200).data();
        if list.as_array().is_some_and(|events| events.len() >= count) {
            return;
        }
        assert!(Instant::now() < deadline, "events got no positions");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

on_both_stores! {
    async fn idle_streams_read_nothing_for_anothers_events_and_share_one_read_of_their_own(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let (mine, other) = (server.key.clone(), another_client(&world));
        server.account("Mine", 1).await;
        // The sandbox's own key was the first event.
        placed(&server, 3).await;
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            let mut stream = Stream::open(&server, "", Some(BEGINNING)).await;
            // Everything so far.
            stream.take(3).await;
            streams.push(stream);
        }
        // On PostgreSQL the first poll of the database wakes them once more.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let before = reads(&server).await;
        server.key = other;
        for number in 0..30 {
            server.account(&format!("Other {number}"), 1).await;
        }
        placed(&server, 30).await;
        server.key = mine;
        // Longer than the interval of the poll for lost notifications.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        // A poll of their own events delayed by a busy machine counts here, so one read is allowed; thirty would be the
        // fault.
        let between = reads(&server).await - before;
        assert!(between <= 1, "{between} reads: another client's events concern none of them");

        server.account("Mine too", 1).await;
        for stream in &mut streams {
            let event = stream.next().await.expect("the stream goes on");
            assert_eq!(event["type"].as_str(), Some("account.created"));
        }
        let own = reads(&server).await - before - between;
        // One read each for the commit, its notification and a poll, when they come apart; never one for each stream.
        assert!((1..=6).contains(&own), "{own} reads for {STREAMS} streams");
    }

    async fn a_clock_that_others_live_by_is_not_moved_unless_that_is_allowed(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let hour = json!({"advanceSeconds": 3600});
        server.post("/simulator/clock", hour.clone()).await.expect(200);
        another_client(&world);
        let refused = server.post("/simulator/clock", hour.clone()).await.expect(409);
        assert_eq!(refused.code(), "clock_shared");
        assert!(refused.text.contains("PAYGEN_SHARED_CLOCK=true"), "{}", refused.text);
        let before = server.get("/simulator/clock").await.expect(200).data()["offsetSeconds"].clone();
        assert_eq!(before, json!(3600), "nothing was moved");
        server.stop();
        let mut command = world.command("dev");
        command.env("PAYGEN_SHARED_CLOCK", "true");
        let server = Server::start(command, &world.data_dir()).await;
        server.post("/simulator/clock", hour).await.expect(200);
    }
}

/// However many reads run at once, SQLite's files are opened a bounded number of times: for the concurrent reads
/// allowed, the runtime's threads, and the writers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_reads_at_once_hold_few_files_open() {
    let world = World::new(Backend::Sqlite).await;
    let server = std::sync::Arc::new(world.start().await);
    server.account("A", 1).await;
    let event = server.get("/events?limit=1").await.expect(200).data()[0]["_id"].as_str().expect("an id").to_owned();
    let mut reads = tokio::task::JoinSet::new();
    for number in 0..400 {
        let (server, event) = (server.clone(), event.clone());
        reads.spawn(async move {
            let path = if number % 2 == 0 { format!("/events/{event}") } else { "/accounts?search=a".to_owned() };
            server.get(&path).await.expect(200);
        });
    }
    while let Some(read) = reads.join_next().await {
        read.expect("it is answered");
    }
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("its files").flatten();
    let links = files.filter_map(|file| std::fs::read_link(file.path()).ok());
    let open = links.filter(|link| link.ends_with("paygen.sqlite")).count();
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let each = (processors / 2).clamp(2, 8);
    let most = 4 * each + 2 * each + 2 + processors + 2 + 4;
    assert!((1..=most).contains(&open), "{open} connections, {most} at the most");
}
