//! The command line: what an operator types, and what they read.

pub mod args;
mod banner;
mod clients;
mod ledger;
mod migrate;
mod serve;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, ClientsCommand, Command, LedgerCommand};

use crate::app::Environment;
use crate::config::{Config, Mode};

/// Something an operator must read: the error and, in it, the fix.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("paygen: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<ExitCode, Failure> {
    let command = args.command.unwrap_or(Command::Dev);
    let mode = match command {
        Command::Serve => Mode::Serve,
        _ => Mode::Dev,
    };
    let config = Config::load(mode, &args.common)?;
    crate::logging::init(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        match command {
            Command::Dev => serve::run(config, Environment::Sandbox).await,
            Command::Serve => serve::run(config, Environment::Production).await,
            Command::Migrate => migrate::run(&config).await,
            Command::Clients { command: ClientsCommand::Create { name } } => clients::create(config, &name).await,
            Command::Clients { command: ClientsCommand::List } => clients::list(&config).await,
            Command::Clients { command: ClientsCommand::Disable { id } } => clients::disable(config, &id, true).await,
            Command::Clients { command: ClientsCommand::Enable { id } } => clients::disable(config, &id, false).await,
            Command::Ledger { command: LedgerCommand::Verify } => ledger::verify(&config).await,
        }
    })
}
