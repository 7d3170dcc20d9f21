//! `paygen migrate`: brings the database's schema up to this binary's.

use std::process::ExitCode;

use paygen_store::Database;

use super::Failure;
use crate::config::Config;

pub(super) async fn run(config: &Config) -> Result<ExitCode, Failure> {
    let applied = Database::migrate(&config.target()).await?;
    if applied.is_empty() {
        println!("The schema is up to date.");
    }
    for migration in applied {
        println!("Applied {migration}.");
    }
    Ok(ExitCode::SUCCESS)
}
