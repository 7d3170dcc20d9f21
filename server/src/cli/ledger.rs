//! `paygen ledger verify`: recomputes the whole ledger from its lines and compares it with every head.

use std::process::ExitCode;

use paygen_core::ledger::Verifier;
use paygen_store::Database;

use super::Failure;
use crate::config::Config;

pub(super) async fn verify(config: &Config) -> Result<ExitCode, Failure> {
    let database = Database::open_read_only(&config.target()).await?;
    let report = database.verify_ledger(Verifier::default()).await?;
    println!("{} entries, {} lines, {} accounts looked at.", report.entries, report.lines, report.balances);
    if report.is_clean() {
        println!("Every entry balances, every chain is whole, every balance is the end of its chain.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} things are off. The first:", report.faults);
    for finding in &report.findings {
        println!("  {finding}");
    }
    Ok(ExitCode::FAILURE)
}
