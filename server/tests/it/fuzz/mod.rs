//! Fuzzing: inputs from kept corpora (`server/tests/corpus`), mutated at random, against properties that must hold for
//! any input.
//!
//! Runs are reproducible: the same seed makes the same inputs. `PAYGEN_FUZZ_SEED=n` sets the seed,
//! `PAYGEN_FUZZ_SECONDS=n` the duration of every target (`cargo xtask fuzz` sets both). An input that violates a
//! property is written to its target's corpus, so that later runs try it first.

mod credentials;
mod mutate;
mod numbers;
mod parsers;
mod raw;
mod requests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use paygen_core::testing::simulation::Dice;

pub use mutate::{json, mutated};

/// Timeout of one input, also in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// The parameters of a target's run.
pub struct Target {
    name: &'static str,
    seed: u64,
    rounds: u64,
    until: Option<Instant>,
    /// The kept inputs, in the order of their names.
    pub corpus: Vec<Vec<u8>>,
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}; it must be a whole number")))
}

impl Target {
    /// The target with the corpus of this name, tried this often unless a duration is set.
    pub fn new(name: &'static str, rounds: u64) -> Target {
        let directory = directory(name);
        let entries = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        let corpus: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).expect("a kept input")).collect();
        assert!(!corpus.is_empty(), "{name} has no kept inputs");
        let until = setting("PAYGEN_FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
        Target { name, seed: setting("PAYGEN_FUZZ_SEED").unwrap_or(1), rounds, until, corpus }
    }

    /// The numbers of the rounds.
    pub fn rounds(&self) -> impl Iterator<Item = u64> {
        let (rounds, until) = (self.rounds, self.until);
        (0..).take_while(move |round| until.map_or(*round < rounds, |until| Instant::now() < until))
    }

    /// The random generator of a round.
    pub fn dice(&self, round: u64) -> Dice {
        Dice(self.seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(round << 20))
    }

    /// Keeps an input that violated a property, and fails the test with what is needed to reproduce it.
    pub fn failed(&self, round: Option<u64>, input: &[u8], why: &str) -> ! {
        let sum = input
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let kept = directory(self.name).join(format!("failed-{sum:016x}"));
        let written = std::fs::write(&kept, input).map_or_else(|error| error.to_string(), |()| "kept".to_owned());
        let shown: String = String::from_utf8_lossy(input).chars().take(2000).collect();
        panic!(
            "{}: {why}\nPAYGEN_FUZZ_SEED={} (round {round:?}); {}: {written}; the input:\n{shown:?}",
            self.name,
            self.seed,
            kept.display()
        );
    }

    /// Tries a property on every kept input and on mutated ones; a panic or a timeout violates any property.
    pub fn check(&self, property: impl Fn(&[u8]) -> Result<(), String>) {
        let received = |round: Option<u64>, input: &[u8]| {
            let begun = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| property(input)));
            let took = begun.elapsed();
            let outcome = outcome.unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().cloned();
                Err(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
            });
            let outcome = outcome.and_then(|()| (took < PATIENCE).then_some(()).ok_or(format!("it took {took:?}")));
            outcome.unwrap_or_else(|why| self.failed(round, input, &why));
        };
        self.corpus.iter().for_each(|input| received(None, input));
        for round in self.rounds() {
            let input = mutated(&mut self.dice(round), &self.corpus);
            received(Some(round), &input);
        }
    }
}

fn directory(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name)
}
