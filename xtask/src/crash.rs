//! Kills the server, and PostgreSQL, repeatedly under load: the long form of a test of `cargo xtask test`.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::postgres::{Cluster, Durability};
use crate::workspace::{Failure, cargo, run as run_command};

/// Runs this many rounds on each store, one store after the other.
pub fn run(rounds: u64, seed: Option<u64>) -> Result<(), Failure> {
    if rounds == 0 {
        return Err("--rounds must be at least 1".into());
    }
    let drawn = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs() % 1_000_000);
    let seed = seed.unwrap_or_else(drawn);
    println!("xtask: {rounds} rounds on each store; `cargo xtask crash --seed {seed} --rounds {rounds}` repeats them");
    let cluster = Cluster::start(Durability::Durable)?;
    let mut tests = cargo();
    tests.args([
        "test",
        "--package",
        "paygen",
        "--test",
        "it",
        "crash_rounds",
        "--",
        "--nocapture",
        "--test-threads=1",
    ]);
    tests.env("PAYGEN_CRASH_ROUNDS", rounds.to_string()).env("PAYGEN_CRASH_SEED", seed.to_string());
    run_command(tests.env("PAYGEN_TEST_POSTGRES_URL", cluster.url()).envs(cluster.kill_variables()))
}
