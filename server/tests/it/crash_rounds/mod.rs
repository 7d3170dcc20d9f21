//! The server is killed repeatedly under load, and so is PostgreSQL: acknowledged writes are present, unacknowledged
//! ones have one effect when they are retried, and books, events and webhooks show nothing else.
//!
//! `cargo xtask crash` runs many rounds; `cargo xtask test` a few. `PAYGEN_CRASH_ROUNDS` and `PAYGEN_CRASH_SEED` set
//! the number of rounds and the seed. The seed repeats the load and the instants of the kills, but not what a kill
//! interrupts, so a failure is likely, not certain, to repeat.

mod checks;
mod load;
mod postgres;
mod questions;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use paygen_core::testing::simulation::Dice;
use serde_json::json;

use crate::receiver::Receiver;
use crate::world::{Backend, Server, World};
use checks::{Books, Told};
use load::{Setting, Write};
use postgres::Cluster;

/// Concurrent callers.
const CALLERS: u64 = 8;

/// What is killed in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blow {
    /// The server; another one is started.
    Server,
    /// All of PostgreSQL; the server recovers once it is back.
    Database,
    /// Both at once.
    Both,
}

impl Blow {
    fn of(round: u64, cluster: Option<&Cluster>) -> Blow {
        match round % 3 {
            1 if cluster.is_some() => Blow::Database,
            2 if cluster.is_some() => Blow::Both,
            _ => Blow::Server,
        }
    }
}

/// Prints the seed when a check fails.
struct Seeded {
    seed: u64,
    round: u64,
    blow: Blow,
}

impl Drop for Seeded {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Seeded { seed, round, blow } = *self;
            eprintln!("round {round} ({blow:?}): repeat with `cargo xtask crash --seed {seed} --rounds {}`", round + 1);
        }
    }
}

async fn start(world: &World) -> Arc<Server> {
    // Each start has another port; links in answers stay the same by a fixed public name.
    let url = [("PAYGEN_PUBLIC_URL", "https://pay.example.com")];
    Arc::new(crate::webhooks::start_with(world, &url).await)
}

async fn rounds(backend: Backend) {
    let set = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (seed, rounds) = (set("PAYGEN_CRASH_SEED").unwrap_or(1), set("PAYGEN_CRASH_ROUNDS").unwrap_or(3));
    println!("{backend:?}: {rounds} rounds, seed {seed}");
    let cluster = Cluster::given().filter(|_| backend == Backend::Postgres);
    let world = match &cluster {
        Some(cluster) => World::on_postgres(&cluster.url).await,
        None => World::new(backend).await,
    };
    let mut seeded = Seeded { seed, round: 0, blow: Blow::Server };
    let mut server = start(&world).await;
    let receiver = Receiver::good().await;
    crate::webhooks::endpoint(&server, &receiver.url, json!(["*"]), json!({})).await;
    let setting = Arc::new(Setting::make(&server).await);
    let mut books = Books::new(&setting);
    let mut received = Told::default();
    let (mut acknowledged, mut unknown) = (0, 0);
    for round in 0..rounds {
        let blow = Blow::of(round, cluster.as_ref());
        (seeded.round, seeded.blow) = (round, blow);
        let begun = Instant::now();
        let mut dice = Dice(seed.wrapping_mul(1_000).wrapping_add(round));
        let over = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let dice = Dice(seed.wrapping_mul(1_000_000) + round * 1_000 + caller + 1);
                let name = format!("{seed}-{round}-{caller}");
                tokio::spawn(load::write(server.clone(), setting.clone(), name, dice, over.clone()))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(20 + dice.below(480))).await;
        if let (Blow::Database | Blow::Both, Some(cluster)) = (blow, &cluster) {
            cluster.kill();
        }
        if blow != Blow::Database {
            server.kill();
        }
        // Writes sent while nothing answers have an unknown outcome too.
        tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
        over.store(true, Ordering::SeqCst);
        if let (Blow::Database | Blow::Both, Some(cluster)) = (blow, &cluster) {
            cluster.start();
        }
        let mut writes: Vec<Write> = Vec::new();
        for caller in callers {
            writes.extend(caller.await.expect("the caller ran"));
        }
        match blow {
            Blow::Database => until_ready(&server).await,
            Blow::Server | Blow::Both => server = start(&world).await,
        }
        let known = writes.iter().filter(|write| write.answer.is_some()).count();
        (acknowledged, unknown) = (acknowledged + known, unknown + writes.len() - known);
        checks::acknowledged_is_there(&server, &writes).await;
        checks::repeats_have_one_effect(&server, &mut writes).await;
        writes.iter().for_each(|write| books.enter(write));
        books.compare(&server).await;
        received.read_on(&server, &books).await;
        received.reach(&server, &receiver).await;
        checks::nothing_is_off(&world);
        println!(
            "{backend:?} round {round} ({blow:?}): {known} of {} acknowledged, {} events, {:?}",
            writes.len(),
            received.count(),
            begun.elapsed()
        );
    }
    received.is_delivered_again(&server).await;
    println!("{backend:?}: {rounds} rounds, {acknowledged} acknowledged, {unknown} not; nothing lost, nothing twice");
}

/// Waits until a server whose database was down serves again, without a restart.
async fn until_ready(server: &Server) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while server.get("/readyz").await.status != 200 {
        assert!(Instant::now() < deadline, "the server does not come back by itself");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_sqlite() {
    rounds(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_postgres() {
    rounds(Backend::Postgres).await;
}
