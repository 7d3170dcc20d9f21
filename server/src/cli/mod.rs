//! The command line; the only part of the server that prints.

pub mod args;
mod backup;
mod banner;
mod clients;
mod completions;
mod demo;
mod dumps;
mod examples;
mod keys;
mod ledger;
mod listen;
mod migrate;
mod progress;
mod replay;
mod running_server;
mod serve;
mod simulate;
mod status;
mod users;

use std::process::ExitCode;

use clap::FromArgMatches;

use args::{Args, ClientsCommand, Command, KeysCommand, LedgerCommand, ServerArgs, UsersCommand};
use paygen_store::Target;

use crate::admin::{self, AdminRequest, AdminResponse};
use crate::config::{Config, Mode};
use crate::start::Node;
use paygen_app::Environment;
use paygen_app::rotation::Progress;

/// An error for the operator, with its fix.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    crate::owner::keep_to_owner();
    let args = Args::from_arg_matches(&args::command().get_matches()).unwrap_or_else(|error| error.exit());
    match run(args) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("paygen: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: Args) -> Result<ExitCode, Failure> {
    let mode = match &args.command {
        Some(Command::Serve(_)) => Mode::Serve,
        _ => Mode::Dev,
    };
    if mode == Mode::Serve {
        // Before any secret is read.
        dumps::forbid()?;
    }
    let command = match args.command.take() {
        // Commands that need no settings work even when the settings are invalid.
        Some(Command::Completions { shell }) => return completions::print(shell),
        Some(Command::Keys { command: KeysCommand::New { file } }) => return keys::new(&file),
        command => command.unwrap_or(Command::Dev(ServerArgs { listen: None })),
    };
    args.common.listen = match &command {
        Command::Dev(server) | Command::Serve(server) => server.listen.or(args.listen),
        _ => args.listen,
    };
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let notes = crate::environment::check(names)?;
    let mut config = Config::load(mode, &args.common)?;
    if matches!(command, Command::Simulate(_)) && args.common.log_level.is_none() {
        // The output is the scenario's, so the node's own log is reduced.
        config.log_level = "warn".to_owned();
    }
    crate::logging::init(&config)?;
    notes.iter().for_each(|note| tracing::warn!("{note}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(carry(config, command))
}

async fn carry(config: Config, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Dev(_) => serve::run(config, Environment::Sandbox).await,
        Command::Serve(_) => serve::run(config, Environment::Production).await,
        Command::Demo(args) => demo::run(&config, args).await,
        Command::Listen(args) => listen::run(&config, args).await,
        Command::Simulate(args) => simulate::run(config, args).await,
        Command::Status(output) => status::run(&config, output.json).await,
        Command::Migrate => migrate::run(&config).await,
        Command::Clients { command } => match command {
            ClientsCommand::Create { name, output } => clients::create(config, &name, output.json).await,
            ClientsCommand::List(output) => clients::list(&config, output.json).await,
            ClientsCommand::Keys { id, output } => clients::keys(&config, &id, output.json).await,
            ClientsCommand::CreateKey { id, name, output } => {
                clients::create_key(config, &id, &name, output.json).await
            }
            ClientsCommand::Disable { id, output } => clients::disable(config, &id, true, output.json).await,
            ClientsCommand::Enable { id, output } => clients::disable(config, &id, false, output.json).await,
        },
        Command::Users { command } => match command {
            UsersCommand::Create(args) => users::create(config, args).await,
            UsersCommand::List(output) => users::list(&config, output.json).await,
            UsersCommand::Link { email, output } => users::new_link(config, email, output.json).await,
            UsersCommand::Disable { email, output } => users::disable(config, email, true, output.json).await,
            UsersCommand::Enable { email, output } => users::disable(config, email, false, output.json).await,
            UsersCommand::Review(output) => users::review(&config, output.json).await,
        },
        Command::Keys { command } => match command {
            KeysCommand::New { file } => keys::new(&file),
            KeysCommand::List(output) => keys::list(&config, output.json).await,
            KeysCommand::Rotate => keys::rotate(config).await,
            KeysCommand::Rewrap { new_key_file } => keys::rewrap(&config, &new_key_file).await,
        },
        Command::Ledger { command: LedgerCommand::Verify(args) } => ledger::verify(&config, &args).await,
        Command::Replay(output) => replay::run(&config, output.json).await,
        Command::Backup { to } => backup::take(&config, &to).await,
        Command::Restore { from } => backup::restore(&config, &from).await,
        Command::Completions { shell } => completions::print(shell),
    }
}

/// Prints a result as JSON.
fn print_json(result: &(impl serde::Serialize + ?Sized)) -> Result<(), Failure> {
    println!("{}", serde_json::to_string_pretty(result)?);
    Ok(())
}

/// Sends the request to the running server, or carries it out here when none runs.
async fn carry_out(
    config: Config,
    ask: AdminRequest,
    note: &mut (dyn FnMut(Progress) + Send),
) -> Result<AdminResponse, Failure> {
    let beside = match config.target() {
        Target::Sqlite(_) => admin::ask(&config.data_dir, &ask, note).await?,
        // PostgreSQL takes several writers.
        Target::Postgres(_) => None,
    };
    let response = match beside {
        Some(response) => response,
        None => {
            let node = Node::start(config, None).await?;
            let response = admin::carry_out(&node.app, ask, note).await;
            node.finish().await;
            response
        }
    };
    match &response.error {
        Some(error) => Err(error.clone().into()),
        None => Ok(response),
    }
}
