//! The settings that every command takes as options.

use std::path::PathBuf;

use crate::listen_address::ListenAddress;

/// The heading of the shared settings in the help, after a command's own options.
pub const SETTINGS: &str = "Settings";

/// Settings that can be given as options; each also has an environment variable and a key in paygen.toml.
#[derive(Debug, Default, clap::Args)]
pub struct CommonArgs {
    /// The value of `--listen`, an option of only those commands that listen.
    #[arg(skip)]
    pub listen: Option<ListenAddress>,
    /// Settings file [default: paygen.toml in this directory, if it exists]
    #[arg(long, global = true, env = "PAYGEN_CONFIG", value_name = "FILE", help_heading = SETTINGS)]
    pub config: Option<PathBuf>,
    /// Address of /healthz, /readyz and /metrics, so that /metrics is not on the API's port
    #[arg(long, global = true, env = "PAYGEN_OPS_LISTEN", value_name = "ADDRESS", help_heading = SETTINGS)]
    pub ops_listen: Option<ListenAddress>,
    /// Address of the console, for people [default: the sandbox's is the port after the API's; production has none]
    #[arg(long, global = true, env = "PAYGEN_CONSOLE_LISTEN", value_name = "ADDRESS", help_heading = SETTINGS)]
    pub console_listen: Option<ListenAddress>,
    /// Directory of the embedded database, the key file and documents [default: ./paygen-data]
    #[arg(long, global = true, env = "PAYGEN_DATA_DIR", value_name = "DIR", help_heading = SETTINGS)]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL to use instead of the embedded database, as postgres://…
    #[arg(
        long,
        global = true,
        env = "PAYGEN_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        help_heading = SETTINGS
    )]
    pub database_url: Option<String>,
    /// Key file that wraps the data keys [env: PAYGEN_KEY_FILE] [default: the sandbox's, in the data directory]
    #[arg(long, global = true, value_name = "FILE", help_heading = SETTINGS)]
    pub key_file: Option<PathBuf>,
    /// Log format [default: human]
    #[arg(long, global = true, env = "PAYGEN_LOG_FORMAT", value_name = "human|json", help_heading = SETTINGS)]
    pub log_format: Option<String>,
    /// Log level: off, error, warn, info, debug or trace [default: info]
    #[arg(long, global = true, env = "PAYGEN_LOG", value_name = "LEVEL", help_heading = SETTINGS)]
    pub log_level: Option<String>,
}
