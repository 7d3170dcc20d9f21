//! Chores: `cargo xtask test`, `fuzz`, `crash`, `postgres`, `tidy`, `deps`, `advisories`, `schemathesis`, `spectral`,
//! `clients`, `bench`.

mod advisories;
mod browser;
mod clients;
mod contract;
mod crash;
mod deps;
mod faults;
mod languages;
mod named_tests;
mod packages;
mod postgres;
mod ratchets;
mod shape;
mod spectral;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};
use postgres::{Cluster, Durability};
use workspace::{Failure, cargo, root, run};

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
    /// Run a command beside a temporary PostgreSQL (PAYGEN_TEST_POSTGRES_URL)
    Postgres {
        /// The command
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Fuzz every parser and whole requests for longer than the tests do
    Fuzz {
        /// Seconds for each target
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Repeats a run; random by default
        #[arg(long)]
        seed: Option<u64>,
        /// Passed on to the test runner
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Check the layout of the workspace: module docs, dependency direction, banned calls
    Tidy,
    /// Check licences, sources, banned packages and known faults (advisories.tsv)
    Deps,
    /// Rewrite advisories.tsv from a clone of https://github.com/rustsec/advisory-db
    Advisories {
        /// The clone
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
    /// Test the running server against its own contract with schemathesis, on both stores
    Schemathesis,
    /// Lint the contract with Spectral's rules for OpenAPI; needs Node
    Spectral,
    /// Generate clients of the contract in TypeScript and Python, check them strictly and run a scenario with each;
    /// needs Node
    Clients,
    /// Kill the server, and PostgreSQL, repeatedly under load on both stores, and check the consistency of the data
    Crash {
        /// Rounds on each store
        #[arg(long, default_value_t = 20)]
        rounds: u64,
        /// Repeats a run; random by default
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Measure durable authorizations and transfers in process and over HTTP, on both stores (docs/benchmarks.md)
    Bench {
        /// The cargo profile
        #[arg(long, default_value = "release")]
        profile: String,
        /// Passed on to the benchmark; see its `--help`
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
        Chore::Advisories { from } => advisories::update(&from, &root()),
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
    // Beside the cluster that all tests share, one that a test may kill.
    let killable = Cluster::start(Durability::Fast)?;
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
    tests.env("PAYGEN_TEST_POSTGRES_URL", cluster.url()).envs(killable.kill_variables());
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
