//! The results of measurements, and their tables.

use std::time::Duration;

/// Calls that succeeded: their rate and latency.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub calls: usize,
    /// Calls per second.
    pub rate: f64,
    /// Median latency in milliseconds.
    pub p50: f64,
    /// 99th percentile of the latency in milliseconds.
    pub p99: f64,
}

impl Measured {
    /// From the latency of each call in microseconds, and the total duration.
    pub fn of(mut micros: Vec<u32>, elapsed: Duration) -> Measured {
        micros.sort_unstable();
        let at = |share: f64| {
            let place = (micros.len() as f64 * share) as usize;
            micros.get(place.min(micros.len().saturating_sub(1))).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
        };
        let calls = micros.len();
        Measured { calls, rate: micros.len() as f64 / elapsed.as_secs_f64(), p50: at(0.5), p99: at(0.99) }
    }
}

/// The median.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A line of the table, with each round's ratio to an empty handler in the same round.
struct Line {
    what: String,
    rounds: Vec<(Measured, f64)>,
}

/// Measurements by name, in the order they were added.
#[derive(Default)]
pub struct Table {
    lines: Vec<Line>,
}

impl Table {
    /// Adds a measurement, and the rate of an empty handler in the same round.
    pub fn note(&mut self, what: String, measured: Measured, empty: f64) {
        let ratio = measured.rate / empty;
        println!(
            "{what}: {:.0}/s, p50 {:.2} ms, p99 {:.2} ms, {ratio:.3} of an empty handler",
            measured.rate, measured.p50, measured.p99
        );
        match self.lines.iter_mut().find(|line| line.what == what) {
            Some(line) => line.rounds.push((measured, ratio)),
            None => self.lines.push(Line { what, rounds: vec![(measured, ratio)] }),
        }
    }

    /// Prints medians as a Markdown table, ratios first.
    pub fn print(&self) {
        println!(
            "\n| to an empty handler | measured | per second | p50 ms | p99 ms |\n| ---: | --- | ---: | ---: | ---: |"
        );
        for line in &self.lines {
            let middle = |of: fn(&(Measured, f64)) -> f64| median(&mut line.rounds.iter().map(of).collect::<Vec<_>>());
            println!(
                "| {:.3} | {} | {:.0} | {:.2} | {:.2} |",
                middle(|round| round.1),
                line.what,
                middle(|round| round.0.rate),
                middle(|round| round.0.p50),
                middle(|round| round.0.p99)
            );
        }
        println!();
    }
}

/// The resources of an issuer with this many cards.
pub struct Size {
    pub label: String,
    /// Start time after a graceful stop, until it listens.
    pub started: Duration,
    /// Start time after a kill under load.
    pub after_kill: Duration,
    /// Resident memory before the first call.
    pub idle: Option<u64>,
    /// Resident memory after all calls.
    pub busy: Option<u64>,
    /// Size of the database after all calls.
    pub database: u64,
}

impl Size {
    /// Prints them as a Markdown table.
    pub fn print(sizes: &[Size]) {
        println!(
            "| | start, s | start after a kill, s | memory before the calls, MB | after them, MB | database, MB |\n\
             | --- | ---: | ---: | ---: | ---: | ---: |"
        );
        let mb = |bytes: Option<u64>| bytes.map_or("not known".to_owned(), |bytes| format!("{}", bytes / 1_000_000));
        for size in sizes {
            println!(
                "| {} | {:.2} | {:.2} | {} | {} | {} |",
                size.label,
                size.started.as_secs_f64(),
                size.after_kill.as_secs_f64(),
                mb(size.idle),
                mb(size.busy),
                mb(Some(size.database))
            );
        }
        println!();
    }
}
