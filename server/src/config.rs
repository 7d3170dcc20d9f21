//! Settings: flag, then environment, then `paygen.toml`, then the default. Errors name the setting and the fix.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use paygen_store::Target;
use serde::Deserialize;

use crate::app::Environment;
use crate::cli::args::CommonArgs;

/// Sandbox or production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `paygen dev` and every chore.
    Dev,
    /// `paygen serve`.
    Serve,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// For machines.
    Json,
}

/// A setting that must not be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The value, where it is used.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// How the engine is sized.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineConfig {
    /// Commands in a batch at the most.
    pub batch: usize,
    /// Commands that may wait in each queue.
    pub queue: usize,
    /// Lanes on PostgreSQL: batches in flight at once.
    pub lanes: usize,
    /// Rows of each kind kept in memory between batches on SQLite.
    pub cached_rows: usize,
}

impl Default for EngineConfig {
    fn default() -> EngineConfig {
        EngineConfig { batch: 256, queue: 4096, lanes: 2, cached_rows: 200_000 }
    }
}

/// Every setting.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Directory of the embedded database and the key file.
    pub data_dir: PathBuf,
    /// PostgreSQL instead of the embedded database.
    pub database_url: Option<Secret>,
    /// The sandbox's key, when chosen by the operator.
    pub sandbox_api_key: Option<Secret>,
    /// The key file, when not the one in the data directory.
    pub key_file: Option<PathBuf>,
    /// How logs are written.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_level: String,
    /// Origins whose pages may call from a browser.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a request may take.
    pub request_timeout_seconds: u64,
    /// Requests a second for each key; none in the sandbox unless set.
    pub rate_limit: Option<NonZeroU32>,
    /// How long a list may take.
    pub list_timeout_ms: u32,
    /// How long answers are kept for repeats.
    pub idempotency_retention_seconds: i64,
    /// The engine.
    pub engine: EngineConfig,
}

/// What `paygen.toml` may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<SocketAddr>,
    data_dir: Option<PathBuf>,
    database_url: Option<String>,
    sandbox_api_key: Option<String>,
    key_file: Option<PathBuf>,
    log_format: Option<String>,
    log_level: Option<String>,
    #[serde(default)]
    cors_origins: Vec<String>,
    #[serde(default)]
    trusted_proxies: Vec<IpNet>,
    request_timeout_seconds: Option<u64>,
    rate_limit: Option<NonZeroU32>,
    list_timeout_ms: Option<u32>,
    idempotency_retention_seconds: Option<i64>,
    #[serde(default)]
    engine: EngineConfig,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// Reads the settings.
    pub fn load(mode: Mode, args: &CommonArgs) -> Result<Config, ConfigError> {
        let file = read_file(args.config.as_deref())?;
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let sandbox_api_key = environment("PAYGEN_SANDBOX_API_KEY").or(file.sandbox_api_key);
        let key_file = environment("PAYGEN_KEY_FILE").map(PathBuf::from).or(file.key_file);
        let config = Config {
            listen: args.listen.or(file.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 4000))),
            data_dir: args.data_dir.clone().or(file.data_dir).unwrap_or_else(|| PathBuf::from("paygen-data")),
            database_url: args.database_url.clone().or(file.database_url).map(Secret),
            sandbox_api_key: sandbox_api_key.map(Secret),
            key_file,
            log_format: log_format(args.log_format.as_deref().or(file.log_format.as_deref()))?,
            log_level: args.log_level.clone().or(file.log_level).unwrap_or_else(|| "info".to_owned()),
            cors_origins: file.cors_origins,
            trusted_proxies: file.trusted_proxies,
            request_timeout_seconds: file.request_timeout_seconds.unwrap_or(30),
            rate_limit: file.rate_limit.or_else(|| NonZeroU32::new(100).filter(|_| mode == Mode::Serve)),
            list_timeout_ms: file.list_timeout_ms.unwrap_or(5000),
            idempotency_retention_seconds: file.idempotency_retention_seconds.unwrap_or(7 * 86_400),
            engine: file.engine,
        };
        config.check(mode)?;
        Ok(config)
    }

    fn check(&self, mode: Mode) -> Result<(), ConfigError> {
        let fail = |message: String| Err(ConfigError(message));
        if let Some(url) = &self.database_url
            && !["postgres://", "postgresql://"].iter().any(|scheme| url.expose().starts_with(scheme))
        {
            return fail("database_url (PAYGEN_DATABASE_URL) must begin with postgres://. Leave it out for the embedded database.".to_owned());
        }
        if let Some(key) = &self.sandbox_api_key {
            let length = key.expose().len();
            if !(16..=200).contains(&length) || !key.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
                return fail(
                    "sandbox_api_key (PAYGEN_SANDBOX_API_KEY) must have 16 to 200 visible ASCII characters.".to_owned(),
                );
            }
        }
        let sizes = [("batch", self.engine.batch), ("queue", self.engine.queue), ("lanes", self.engine.lanes)];
        for (name, value) in sizes {
            if value == 0 || value > 65_536 {
                return fail(format!("engine.{name} is {value}; it must be from 1 to 65536."));
            }
        }
        if mode == Mode::Serve {
            if self.sandbox_api_key.is_some() {
                return fail(
                    "PAYGEN_SANDBOX_API_KEY is for the sandbox. Unset it; make keys with `paygen clients create`."
                        .to_owned(),
                );
            }
            if self.key_file.is_none() {
                return fail("key_file (PAYGEN_KEY_FILE) is not set. Production does not use the sandbox's key file: make one and name it.".to_owned());
            }
        }
        Ok(())
    }

    /// Production names its key file; the sandbox has one of its own.
    pub fn environment(&self) -> Environment {
        if self.key_file.is_some() { Environment::Production } else { Environment::Sandbox }
    }

    /// Where the database is.
    pub fn target(&self) -> Target {
        match &self.database_url {
            Some(url) => Target::Postgres(url.expose().to_owned()),
            None => Target::Sqlite(self.data_dir.join("paygen.sqlite")),
        }
    }

    /// The key file: the one named, or the sandbox's.
    pub fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.data_dir.join("sandbox-vault.key"))
    }
}

fn log_format(text: Option<&str>) -> Result<LogFormat, ConfigError> {
    match text {
        None | Some("human") => Ok(LogFormat::Human),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => Err(ConfigError(format!("log_format is {other}; it must be human or json."))),
    }
}

fn read_file(named: Option<&Path>) -> Result<File, ConfigError> {
    let path = named.unwrap_or(Path::new("paygen.toml"));
    if named.is_none() && !path.exists() {
        return Ok(File::default());
    }
    let wrong = |why: String| ConfigError(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Config, Mode};
    use crate::cli::args::CommonArgs;

    #[test]
    fn wrong_settings_are_named_with_the_fix() {
        let directory = tempfile::tempdir().expect("a directory");
        let cases = [
            ("listen = \"nowhere\"", "invalid socket address"),
            ("lissten = \"127.0.0.1:1\"", "lissten"),
            ("log_format = \"xml\"", "human or json"),
            ("database_url = \"mysql://x\"", "postgres://"),
            ("sandbox_api_key = \"short\"", "16 to 200"),
            ("[engine]\nbatch = 0", "engine.batch"),
        ];
        for (text, expected) in cases {
            let path = directory.path().join("paygen.toml");
            std::fs::write(&path, text).expect("a file");
            let args = CommonArgs { config: Some(path), ..CommonArgs::default() };
            let error = Config::load(Mode::Dev, &args).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let error = Config::load(Mode::Serve, &CommonArgs::default()).expect_err("serve needs a key file").to_string();
        assert!(error.contains("PAYGEN_KEY_FILE"), "{error}");
    }
}
