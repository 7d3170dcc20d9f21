//! `paygen migrate`: migrates the database's schema to this binary's version.

use std::process::ExitCode;

use paygen_store::Database;

use super::Failure;
use super::progress::Progress;
use crate::config::Config;

pub(super) async fn run(config: &Config) -> Result<ExitCode, Failure> {
    let progress = Progress::with("Bringing the schema up to date");
    let applied = Database::migrate(&config.target()).await?;
    drop(progress);
    if applied.is_empty() {
        println!("The schema is up to date.");
    }
    for migration in applied {
        println!("Applied {migration}.");
    }
    Ok(ExitCode::SUCCESS)
}
