//! Chores: `cargo xtask test`, `fuzz`, `crash`, `postgres`, `tidy`, `deps`, `advisories`, `schemathesis`, `spectral`, `clients`,
//! `bench`.

mod advisories;
mod browser;
mod clients;
mod contract;
mod crash;
mod deps;
mod faults;
mod house;
mod languages;
mod named_tests;
mod packages;
mod postgres;
mod shape;
mod spectral;
mod tidy;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};
use house::{Failure, cargo, root, run};
use postgres::{Cluster, Durability};

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every test on both stores; finds or installs PostgreSQL and a browser
    Test {
        /// Passed on to the test runner
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Run a command beside a PostgreSQL of its own (PAYGEN_TEST_POSTGRES_URL)
    Postgres {
        /// The command
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Fuzz every parser and whole requests for longer than the tests do, each target for so many seconds
    Fuzz {
        /// For how long
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Repeats a run; the time of day unless given
        #[arg(long)]
        seed: Option<u64>,
        /// Passed on to the test runner
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Check the shape of the house: module docs, dependency direction, banned calls
    Tidy,
    /// Check licences, sources, banned packages and known faults (advisories.tsv)
    Deps,
    /// Write advisories.tsv anew from a copy of https://github.com/rustsec/advisory-db
    Advisories {
        /// The copy
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
    /// Have the running server tested against its own contract by schemathesis, on both stores
    Schemathesis,
    /// Have the contract read by Spectral's rules for OpenAPI; needs Node
    Spectral,
    /// Generate clients of the contract in TypeScript and Python, check them strictly and run a story with each; needs Node
    Clients,
    /// Kill the server, and PostgreSQL under it, again and again under load, on both stores, and check what is left
    Crash {
        /// How often, on each store
        #[arg(long, default_value_t = 20)]
        rounds: u64,
        /// What is drawn; another one each time when left out
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Measure durable authorizations and transfers in process and over HTTP, on both stores (docs/benchmarks.md)
    Bench {
        /// How it is built
        #[arg(long, default_value = "release")]
        profile: String,
        /// Passed on to the benchmark; `--help` tells what it takes
        #[arg(last = true)]
        rest: Vec<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Args::parse().chore {
        Chore::Test { rest } => test(&rest),
        Chore::Postgres { command } => beside_postgres(&command, Durability::Fast),
        Chore::Fuzz { seconds, seed, rest } => fuzz(seconds, seed, &rest),
        Chore::Tidy => tidy::check(&root()),
        Chore::Deps => deps::check(&root()),
        Chore::Advisories { from } => advisories::renew(&from, &root()),
        Chore::Clients => clients::check(&root()),
        Chore::Spectral => spectral::lint(&root()),
        Chore::Schemathesis => contract::schemathesis(&root()),
        Chore::Crash { rounds, seed } => crash::run(rounds, seed),
        Chore::Bench { profile, rest } => bench(&profile, &rest),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn test(rest: &[String]) -> Result<(), Failure> {
    let browser = browser::path()?;
    languages::ensure()?;
    let without = faults::without()?;
    let cluster = Cluster::start(Durability::Fast)?;
    // Beside the one that all tests share, one that a test may kill.
    let mortal = Cluster::start(Durability::Fast)?;
    let has_nextest = Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|o| o.status.success());
    let mut tests = cargo();
    if has_nextest {
        tests.args(["nextest", "run", "--workspace"]);
    } else {
        tests.args(["test", "--workspace", "--lib", "--bins", "--tests"]);
    }
    if rest.is_empty() {
        run(cargo().args(["test", "--workspace", "--doc", "--quiet"]))?;
    }
    tests.env("PAYGEN_TEST_POSTGRES_URL", cluster.url()).envs(mortal.to_be_killed());
    run(tests.args(rest).env(browser::VARIABLE, browser).env(faults::WITHOUT, without))
}

fn fuzz(seconds: u64, seed: Option<u64>, rest: &[String]) -> Result<(), Failure> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let seed = seed.unwrap_or(now.as_secs());
    println!("every target for {seconds} s, seed {seed}");
    let cluster = Cluster::start(Durability::Fast)?;
    let mut tests = cargo();
    tests.args(["test", "--package", "paygen", "--test", "it", "--", "fuzz::", "--nocapture"]).args(rest);
    tests.env("PAYGEN_FUZZ_SECONDS", seconds.to_string()).env("PAYGEN_FUZZ_SEED", seed.to_string());
    run(tests.env("PAYGEN_TEST_POSTGRES_URL", cluster.url()))
}

fn beside_postgres(command: &[String], durability: Durability) -> Result<(), Failure> {
    let cluster = Cluster::start(durability)?;
    let (program, rest) = command.split_first().ok_or("name a command")?;
    run(Command::new(program).args(rest).env("PAYGEN_TEST_POSTGRES_URL", cluster.url()))
}

fn bench(profile: &str, rest: &[String]) -> Result<(), Failure> {
    let cluster = Cluster::start(Durability::Durable)?;
    let mut bench = cargo();
    bench.args(["bench", "--profile", profile, "--package", "paygen", "--bench", "paygen-bench", "--"]);
    run(bench.args(rest).env("PAYGEN_TEST_POSTGRES_URL", cluster.url()))
}
