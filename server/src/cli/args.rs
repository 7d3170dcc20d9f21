//! The arguments of the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Paygen: a card-issuing platform in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "paygen",
    version,
    about,
    after_help = "Without a command, `paygen` is `paygen dev`: the sandbox, with nothing else installed."
)]
pub struct Args {
    /// Settings of every command.
    #[command(flatten)]
    pub common: CommonArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Settings that flags can give; each also has an environment variable and a key in paygen.toml.
#[derive(Debug, Default, clap::Args)]
pub struct CommonArgs {
    /// Settings file [default: paygen.toml in this directory, if there is one]
    #[arg(long, global = true, env = "PAYGEN_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:4000]
    #[arg(long, global = true, env = "PAYGEN_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Address of /healthz, /readyz and /metrics, so that /metrics is not on the API's port
    #[arg(long, global = true, env = "PAYGEN_OPS_LISTEN", value_name = "ADDRESS")]
    pub ops_listen: Option<SocketAddr>,
    /// Directory of the embedded database, the key file and documents [default: ./paygen-data]
    #[arg(long, global = true, env = "PAYGEN_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL to use instead of the embedded database, as postgres://…
    #[arg(long, global = true, env = "PAYGEN_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Log format [default: human]
    #[arg(long, global = true, env = "PAYGEN_LOG_FORMAT", value_name = "human|json")]
    pub log_format: Option<String>,
    /// What is logged, such as info or debug [default: info]
    #[arg(long, global = true, env = "PAYGEN_LOG", value_name = "LEVEL")]
    pub log_level: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the sandbox: simulator, test clock, a client and a key made on the first start
    Dev,
    /// Run in production
    Serve,
    /// Bring the database's schema up to date
    Migrate,
    /// Make, list and disable clients
    Clients {
        /// What to do with clients.
        #[command(subcommand)]
        command: ClientsCommand,
    },
    /// Rotate and list the keys that seal what is kept
    Keys {
        /// What to do with keys.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Tell scenario files to a node and compare what it answers; a throw-away sandbox unless --url names one
    Simulate {
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// A running sandbox, such as http://127.0.0.1:4000
        #[arg(long, requires = "api_key")]
        url: Option<String>,
        /// The key for it
        #[arg(long, requires = "url", env = "PAYGEN_API_KEY", hide_env_values = true)]
        api_key: Option<String>,
    },
    /// Print a running server's events as they come, and forward them as webhooks would
    Listen(ListenArgs),
    /// Look after the ledger
    Ledger {
        /// What to do with the ledger.
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// Decide every stored authorization again and report any difference
    Replay,
    /// Back up database and documents beside a running server; never the key file, which belongs elsewhere
    Backup {
        /// The directory to make it in, absent or empty
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Restore a backup to a data directory or database that has none yet
    Restore {
        /// The directory that `paygen backup` made
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
}

/// What to listen to.
#[derive(Debug, clap::Args)]
pub struct ListenArgs {
    /// The server [default: where a server with these settings listens]
    #[arg(long)]
    pub url: Option<String>,
    /// The key for it
    #[arg(long, env = "PAYGEN_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
    /// Only these types, separated by commas
    #[arg(long, value_name = "TYPES")]
    pub types: Option<String>,
    /// Begin after this event; 000000000000000000000000 begins with the oldest [default: what comes next]
    #[arg(long, value_name = "EVENT_ID")]
    pub from: Option<String>,
    /// Print each event as a line of JSON
    #[arg(long)]
    pub json: bool,
    /// Send each event to this URL, signed
    #[arg(long, value_name = "URL")]
    pub forward_to: Option<String>,
    /// The secret to sign with, whsec_… [default: a new one, printed once]
    #[arg(long, env = "PAYGEN_WEBHOOK_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// The token of the endpoint, for the headers that go with one
    #[arg(long, env = "PAYGEN_WEBHOOK_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// What to do with clients.
#[derive(Debug, Subcommand)]
pub enum ClientsCommand {
    /// Make a client and print its first API key, once
    Create {
        /// Its name
        #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
        name: String,
    },
    /// List the clients
    List,
    /// Make a client's credentials stop working
    Disable {
        /// Its id
        id: String,
    },
    /// Make a client's credentials work again
    Enable {
        /// Its id
        id: String,
    },
}

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Recompute everything from nothing, compare with every balance, name what is off
    Verify(VerifyArgs),
}

/// What the ledger is held against.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Write where every chain ends to this file, to be kept where nobody who can write to the database can change it
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// A file of before: every chain must still have the line it ended with then
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// The digest that was printed when that file was saved
    #[arg(long, requires = "since", value_name = "DIGEST")]
    pub digest: Option<String>,
}

/// What to do with the data keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Put new data keys in place, seal everything again under them, delete the old ones; goes on where it was when it
    /// was interrupted
    Rotate,
    /// List the data keys and how much is sealed under each
    List,
    /// Wrap the data keys under another key file
    Rewrap {
        /// The other key file; it is made if it is not there
        #[arg(long, value_name = "FILE")]
        new_key_file: PathBuf,
    },
}
