//! The arguments of the command line.

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};
use paygen_core::people::Role;

use super::examples;
use crate::common_args::{CommonArgs, SETTINGS};
use crate::listen_address::ListenAddress;

/// Paygen: a card-issuing platform in one binary.
#[derive(Debug, Parser)]
#[command(name = "paygen", version, about, after_help = examples::PAYGEN)]
pub struct Args {
    /// Settings of every command.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Address to listen on, such as 127.0.0.1:4000, localhost:4000 or 4000 [default: 127.0.0.1:4000]
    #[arg(long, alias = "port", env = "PAYGEN_LISTEN", value_name = "ADDRESS", help_heading = SETTINGS)]
    pub listen: Option<ListenAddress>,
    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, clap::Args)]
pub struct ServerArgs {
    /// Address to listen on, such as 127.0.0.1:4000, localhost:4000 or 4000 [env: PAYGEN_LISTEN] [default: 127.0.0.1:4000]
    #[arg(long, alias = "port", value_name = "ADDRESS")]
    pub listen: Option<ListenAddress>,
}

/// Output format.
#[derive(Debug, clap::Args)]
pub struct OutputArgs {
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// The running sandbox to use.
#[derive(Debug, clap::Args)]
pub struct SandboxArgs {
    /// The server's URL [default: where a server with these settings listens]
    #[arg(long, env = "PAYGEN_URL")]
    pub url: Option<String>,
    /// Its API key [default: the sandbox's, in the data directory]
    #[arg(long, env = "PAYGEN_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the sandbox: simulator, test clock, a client and a key created on the first start
    #[command(after_help = examples::DEV)]
    Dev(ServerArgs),
    /// Run in production
    #[command(after_help = examples::SERVE)]
    Serve(ServerArgs),
    /// Create an account with simulated money, a card holder and a card in a running sandbox
    #[command(after_help = examples::DEMO)]
    Demo(SandboxArgs),
    /// Print a running server's events as they occur, forward them as webhooks, and decide payments
    #[command(after_help = examples::LISTEN)]
    Listen(ListenArgs),
    /// Run scenario files against a server and check its answers; a temporary sandbox unless --url names one
    #[command(after_help = examples::SIMULATE)]
    Simulate(SimulateArgs),
    /// Bring the database's schema up to date
    #[command(after_help = examples::MIGRATE)]
    Migrate,
    /// Show whether a server runs with these settings, and its store
    #[command(after_help = examples::STATUS)]
    Status(OutputArgs),
    /// Create, list and disable clients; create a key for one that lost its own
    Clients {
        #[command(subcommand)]
        command: ClientsCommand,
    },
    /// Create, list, disable and review the people who use the console, and give them one-time links
    Users {
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// Create a key file; rotate and list the keys that seal stored data
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Verify the ledger
    Ledger {
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// Decide every stored authorization again and report any difference
    #[command(after_help = examples::REPLAY)]
    Replay(OutputArgs),
    /// Back up database and documents beside a running server; never the key file, which must be stored elsewhere
    #[command(after_help = examples::BACKUP)]
    Backup {
        /// The directory for the backup, absent or empty
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Restore a backup to a data directory or database that has none yet
    #[command(after_help = examples::RESTORE)]
    Restore {
        /// The directory written by `paygen backup`
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
    /// Print a script that completes commands and options in a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// The scenarios, and the node to run them on.
#[derive(Debug, clap::Args)]
pub struct SimulateArgs {
    /// The files
    #[arg(required_unless_present_any = ["builtin", "list"], value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Built-in scenarios, by name; all of them without one
    #[arg(long, value_name = "NAME", num_args = 0.., conflicts_with = "files")]
    pub builtin: Option<Vec<String>>,
    /// List the built-in scenarios
    #[arg(long, conflicts_with_all = ["files", "builtin"])]
    pub list: bool,
    /// A running sandbox, such as http://127.0.0.1:4000
    #[arg(long)]
    pub url: Option<String>,
    /// Its API key [default: the sandbox's, in the data directory]
    #[arg(long, env = "PAYGEN_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
}

/// Options of `paygen listen`.
#[derive(Debug, clap::Args)]
pub struct ListenArgs {
    #[command(flatten)]
    pub sandbox: SandboxArgs,
    /// Only these types, separated by commas
    #[arg(long, value_name = "TYPES")]
    pub types: Option<String>,
    /// Begin after this event; 000000000000000000000000 begins with the oldest [default: new events only]
    #[arg(long, value_name = "EVENT_ID")]
    pub from: Option<String>,
    /// Print the content of each event, too
    #[arg(long, short, conflicts_with = "json")]
    pub verbose: bool,
    /// Print each event as a line of JSON
    #[arg(long)]
    pub json: bool,
    /// Send each event to this URL, signed
    #[arg(long, value_name = "URL")]
    pub forward_to: Option<String>,
    /// The secret to sign with, whsec_… [default: a new one, printed once]
    #[arg(long, env = "PAYGEN_WEBHOOK_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// The token of the endpoint, for the token's signature headers
    #[arg(long, env = "PAYGEN_WEBHOOK_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    #[command(flatten)]
    pub deciding: DecidingArgs,
}

/// How questions about payments are answered.
#[derive(Debug, clap::Args)]
pub struct DecidingArgs {
    /// Decide the sandbox's payments: approve, decline, or a command that gets each question as JSON on its standard
    /// input, and prints the answer as JSON
    #[arg(long, value_name = "approve|decline|COMMAND")]
    pub decide: Option<String>,
    /// How long an answer may take, in milliseconds
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 3000,
        value_parser = clap::value_parser!(u32).range(200..=3000),
        requires = "decide"
    )]
    pub timeout_ms: u32,
    /// Decide only payments with these cards; may be repeated
    #[arg(long, value_name = "CARD_ID", requires = "decide")]
    pub card: Vec<String>,
    /// Decide only payments with cards of these accounts; may be repeated
    #[arg(long, value_name = "ACCOUNT_ID", requires = "decide")]
    pub account: Vec<String>,
    /// Decide only payments with cards of these programs; may be repeated
    #[arg(long, value_name = "PROGRAM_ID", requires = "decide")]
    pub program: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum ClientsCommand {
    /// Create a client and print its first API key once
    #[command(after_help = examples::CLIENTS_CREATE)]
    Create {
        /// Its name
        #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
        name: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List the clients
    #[command(after_help = examples::CLIENTS_LIST)]
    List(OutputArgs),
    /// List the API keys of a client, without their secrets
    #[command(after_help = examples::CLIENTS_KEYS)]
    Keys {
        /// The client's id
        id: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Create another API key of a client, with every scope, and print it once
    #[command(after_help = examples::CLIENTS_CREATE_KEY)]
    CreateKey {
        /// The client's id
        id: String,
        /// The key's name
        #[arg(
            long,
            default_value = "Made by the operator",
            value_parser = clap::builder::NonEmptyStringValueParser::new()
        )]
        name: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Disable a client's credentials
    #[command(after_help = examples::CLIENTS_DISABLE)]
    Disable {
        /// Its id
        id: String,
        /// Output format.
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Enable a client's credentials again
    #[command(after_help = examples::CLIENTS_ENABLE)]
    Enable {
        /// Its id
        id: String,
        /// Output format.
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// Who is to be added.
#[derive(Debug, clap::Args)]
pub struct NewUserArgs {
    /// E-mail address, with which they sign in
    #[arg(long, value_parser = email)]
    pub email: String,
    /// Name
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub name: String,
    /// Role: what they may do
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(Role::WORDS))]
    pub role: String,
    /// Id of the client that the role is in. Without it the role is one for every client
    #[arg(long, value_name = "CLIENT_ID")]
    pub client: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Add a user, or another role of one, and print the one-time link with which they choose a password
    #[command(after_help = examples::USERS_CREATE)]
    Create(NewUserArgs),
    /// List the users with their roles
    #[command(after_help = examples::USERS_LIST)]
    List(OutputArgs),
    /// Give a user a new one-time link, which replaces an earlier one
    #[command(after_help = examples::USERS_LINK)]
    Link {
        /// E-mail address
        #[arg(value_parser = email)]
        email: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Sign a user out, and let them sign in no more
    #[command(after_help = examples::USERS_DISABLE)]
    Disable {
        /// E-mail address
        #[arg(value_parser = email)]
        email: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Let a disabled user sign in again
    #[command(after_help = examples::USERS_ENABLE)]
    Enable {
        /// E-mail address
        #[arg(value_parser = email)]
        email: String,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Print the access review: every user with roles, status, last sign-in and how they sign in
    #[command(after_help = examples::USERS_REVIEW)]
    Review(OutputArgs),
}

fn email(text: &str) -> Result<String, String> {
    let normal = paygen_app::people::normal_email(text);
    let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@');
    let fits = normal.split_once('@').is_some_and(|(name, host)| plain(name) && plain(host) && host.contains('.'));
    if fits && normal.len() <= 254 {
        Ok(normal)
    } else {
        Err("is no e-mail address such as ada@example.com".to_owned())
    }
}

#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Recompute the ledger from its lines, compare it with every balance, and name the differences
    #[command(after_help = examples::LEDGER_VERIFY)]
    Verify(VerifyArgs),
}

/// Options of `paygen ledger verify`.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// Write the end of every chain to this file. Store it where nobody who can write to the database can change it
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// A file saved earlier: every chain must still contain the line it ended with then
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// The digest that was printed when that file was saved
    #[arg(long, requires = "since", value_name = "DIGEST")]
    pub digest: Option<String>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Create a key file for production
    #[command(after_help = examples::KEYS_NEW)]
    New {
        /// The path; an existing file is never overwritten
        file: PathBuf,
    },
    /// Create new data keys, seal everything again under them, and delete the old ones; resumes after an interruption
    #[command(after_help = examples::KEYS_ROTATE)]
    Rotate,
    /// List the data keys and how much is sealed under each
    #[command(after_help = examples::KEYS_LIST)]
    List(OutputArgs),
    /// Wrap the data keys under another key file
    #[command(after_help = examples::KEYS_REWRAP)]
    Rewrap {
        /// The other key file; it is created if it does not exist
        #[arg(long, value_name = "FILE")]
        new_key_file: PathBuf,
    },
}

/// The command line. A command's help omits the settings that have no effect on it, but they are accepted: a script may
/// pass the same settings to all its commands.
pub fn command() -> clap::Command {
    let args = Args::command();
    let settings: Vec<clap::Arg> = args.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    let without = move |command: clap::Command, hidden: &[&str]| {
        let hides = |arg: &&clap::Arg| hidden.is_empty() || hidden.contains(&arg.get_id().as_str());
        command.args(settings.iter().filter(hides).map(|arg| arg.clone().hide(true)))
    };
    let beside: &[&str] = &["database_url", "key_file", "log_format", "log_level"];
    args.mut_subcommand("demo", |demo| without(demo, beside))
        .mut_subcommand("listen", |listen| without(listen, beside))
        .mut_subcommand("simulate", |simulate| without(simulate, &["database_url", "key_file"]))
        .mut_subcommand("completions", |completions| without(completions, &[]))
        .mut_subcommand("keys", |keys| keys.mut_subcommand("new", |new| without(new, &[])))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Args, command};

    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
        let path = format!("{path} {}", command.get_name()).trim().to_owned();
        if !command.has_subcommands() || path == "paygen" {
            found.push((path.clone(), command.clone()));
        }
        command.get_subcommands().for_each(|sub| leaves(sub, &path, found));
    }

    #[test]
    fn every_command_has_examples_that_work() {
        let mut commands = Vec::new();
        leaves(&command(), "", &mut commands);
        assert!(commands.len() > 18, "{}", commands.len());
        for (path, leaf) in commands {
            let help = leaf.get_after_help().unwrap_or_else(|| panic!("{path} has no examples")).to_string();
            let examples: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")).collect();
            assert!((1..=3).contains(&examples.len()), "{path}: {help}");
            for example in examples {
                let line = example.split("  #").next().unwrap_or(example);
                let line =
                    line.trim_start_matches("eval \"$(").trim_end_matches(")\"").split(" >").next().unwrap_or(line);
                // In this example shell quotes only join words.
                let words: Vec<String> = line
                    .split('"')
                    .enumerate()
                    .flat_map(|(at, part)| match at % 2 {
                        0 => part.split_whitespace().map(str::to_owned).collect(),
                        _ => vec![part.to_owned()],
                    })
                    .collect();
                Args::try_parse_from(&words).unwrap_or_else(|error| panic!("{path}: {example}: {error}"));
                assert!(line.starts_with(&path), "{path}: {example}");
            }
        }
    }
}
