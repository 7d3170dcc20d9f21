//! Callers of an engine, each waiting for its answer before the next call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use paygen_app::new_id_maker;
use paygen_core::ids::ClientId;
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};
use paygen_engine::clock::wall;
use paygen_engine::{Answer, Bounds, Engine, Priority, Settings, Submission};
use paygen_store::Database;

use crate::report::Measured;

/// Concurrent callers.
const CALLERS: usize = 256;

/// One call; returns whether it succeeded.
pub type Call = std::pin::Pin<Box<dyn Future<Output = bool> + Send>>;

/// The calls to make, given the engine, the caller's number and how often it has called.
pub type Act = Arc<dyn Fn(Engine, usize, usize) -> Call + Send + Sync>;

/// An engine with this many lanes and commands in a batch.
pub async fn start(database: &Database, lanes: usize, batch: usize) -> Engine {
    let mut stores = Vec::new();
    for _ in 0..lanes {
        stores.push((database.store().await.expect("a store"), new_id_maker()));
    }
    let settings = Settings { batch, bounds: Bounds::default(), cached_bytes: 96 << 20, wall: Arc::new(wall) };
    Engine::start(stores, &settings).expect("the engine")
}

/// The outcome of a command; `None` when it is refused.
pub async fn run(engine: &Engine, client: ClientId, command: Command) -> Option<Outcome> {
    let request = Request::new(Context::system(client, ""), command);
    let submission = Submission { request, idempotency: None, dry_run: false };
    match engine.submit(Priority::Api, submission).await.expect("an answer") {
        Answer::Decided(decision) => decision.ok(),
        _ => None,
    }
}

/// Runs all callers for this many seconds.
pub async fn measure(database: &Database, lanes: usize, batch: usize, seconds: u64, act: Act) -> Measured {
    let engine = start(database, lanes, batch).await;
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (engine, act) = (engine.clone(), act.clone());
            tokio::spawn(async move {
                let (mut number, mut micros) = (0, Vec::new());
                while Instant::now() < until {
                    let asked = Instant::now();
                    if act(engine.clone(), caller, number).await {
                        micros.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
                    }
                    number += 1;
                }
                micros
            })
        })
        .collect();
    let mut micros = Vec::new();
    for caller in callers {
        micros.append(&mut caller.await.expect("a caller"));
    }
    let measured = Measured::of(micros, started.elapsed());
    engine.drain().await;
    measured
}
