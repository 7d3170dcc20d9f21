//! The benchmark: ratios measured in one run, `cargo xtask bench` (see docs/benchmarks.md).

mod authorizations;
mod callers;
mod calls;
mod deliveries;
mod office;
mod population;
mod report;
mod scale;
mod servers;
mod tenants;
mod transfers;
mod wire;

use calls::Call;
use clap::{Parser, ValueEnum};

/// The allocator of the binary, so that in-process measurements match it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A group of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Transfers, cards issued and revealed, two nodes.
    Transfers,
    /// Calls over HTTP and authorizations in process, with many cards; memory, start time, space.
    Scale,
    /// Deliveries of events to a webhook endpoint.
    Deliveries,
    /// The cost of one tenant to the others: idle streams, slow lists.
    Tenants,
}

/// Measures Paygen.
#[derive(Debug, Parser)]
pub struct Options {
    /// What to measure [default: everything]
    #[arg(long, value_enum, env = "PAYGEN_BENCH_ONLY")]
    only: Option<Part>,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 3, env = "PAYGEN_BENCH_SECONDS")]
    seconds: u64,
    /// Rounds of all measurements; the medians are printed
    #[arg(long, default_value_t = 1, env = "PAYGEN_BENCH_ROUNDS", value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Number of cards
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000], env = "PAYGEN_BENCH_CARDS", value_parser = clap::value_parser!(u64).range(100..))]
    cards: Vec<u64>,
    /// Concurrent connections over HTTP
    #[arg(long, value_delimiter = ',', default_values_t = [1, 32, 128, 512], env = "PAYGEN_BENCH_CONNECTIONS")]
    connections: Vec<usize>,
    /// Calls over HTTP to measure [default: all of them, and authorizations in process]
    #[arg(long, value_enum, value_delimiter = ',', env = "PAYGEN_BENCH_CALLS")]
    calls: Vec<Call>,
    /// Only answer HTTP requests with an empty response, as the baseline for HTTP itself
    #[arg(long, hide = true)]
    empty_handler: bool,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// The calls over HTTP.
    fn calls(&self) -> Vec<Call> {
        if self.calls.is_empty() { Call::value_variants().to_vec() } else { self.calls.clone() }
    }

    /// Whether authorizations are measured in process.
    fn in_process(&self) -> bool {
        self.calls.is_empty()
    }
}

fn main() {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        if options.empty_handler {
            return servers::answer_nothing().await;
        }
        let postgres = std::env::var("PAYGEN_TEST_POSTGRES_URL").ok();
        if postgres.is_none() {
            println!("PostgreSQL is not measured: run `cargo xtask bench`.");
        }
        let wanted = |part| options.only.is_none_or(|only| only == part);
        if wanted(Part::Transfers) {
            transfers::measure_all(&options, postgres.as_deref()).await;
        }
        if wanted(Part::Scale) {
            scale::measure_all(&options, postgres.as_deref()).await;
        }
        if wanted(Part::Deliveries) {
            deliveries::measure_all(&options, postgres.as_deref()).await;
        }
        if wanted(Part::Tenants) {
            tenants::measure_all(&options, postgres.as_deref()).await;
        }
    });
}
