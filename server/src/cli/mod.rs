//! The command line: what an operator types, and what they read.

pub mod args;
mod backup;
mod banner;
mod clients;
mod dumps;
mod keys;
mod ledger;
mod listen;
mod migrate;
mod replay;
mod serve;
mod simulate;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, ClientsCommand, Command, KeysCommand, LedgerCommand};
use paygen_store::Target;

use crate::admin::{self, Ask, Told};
use crate::app::Environment;
use crate::config::{Config, Mode};
use crate::rotation::Progress;
use crate::start::Node;

/// Something an operator must read: the error and, in it, the fix.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    crate::owner::keep_to_owner();
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
    if mode == Mode::Serve {
        // Before any secret is read.
        dumps::forbid()?;
    }
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let notes = crate::environment::check(names)?;
    let mut config = Config::load(mode, &args.common)?;
    if matches!(command, Command::Simulate { .. }) && args.common.log_level.is_none() {
        // What is told is the story, not the node's log.
        config.log_level = "warn".to_owned();
    }
    crate::logging::init(&config)?;
    notes.iter().for_each(|note| tracing::warn!("{note}"));
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
            Command::Keys { command: KeysCommand::List } => keys::list(&config).await,
            Command::Keys { command: KeysCommand::Rotate } => keys::rotate(config).await,
            Command::Keys { command: KeysCommand::Rewrap { new_key_file } } => {
                keys::rewrap(&config, &new_key_file).await
            }
            Command::Simulate { files, url, api_key } => simulate::run(config, &files, url.zip(api_key)).await,
            Command::Listen(args) => listen::run(&config, args).await,
            Command::Ledger { command: LedgerCommand::Verify(args) } => ledger::verify(&config, &args).await,
            Command::Replay => replay::run(&config).await,
            Command::Backup { to } => backup::take(&config, &to).await,
            Command::Restore { from } => backup::restore(&config, &from).await,
        }
    })
}

/// Has the running server do it, or does it here when none runs.
async fn carry_out(config: Config, ask: Ask, note: &mut (dyn FnMut(Progress) + Send)) -> Result<Told, Failure> {
    let beside = match config.target() {
        Target::Sqlite(_) => admin::ask(&config.data_dir, &ask, note).await?,
        // PostgreSQL takes several writers.
        Target::Postgres(_) => None,
    };
    let told = match beside {
        Some(told) => told,
        None => {
            let node = Node::start(config, None).await?;
            let told = admin::carry_out(&node.app, ask, note).await;
            node.finish().await;
            told
        }
    };
    match &told.error {
        Some(error) => Err(error.clone().into()),
        None => Ok(told),
    }
}
