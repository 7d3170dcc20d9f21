//! Settings, in order of precedence: option, environment, `paygen.toml`, default. Errors name the setting and the fix.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use paygen_app::documents::{Documents, DocumentsError};
use paygen_core::cards::Brand;
use paygen_store::Target;
use paygen_vault::{CardRange, ZonePinKey};
use serde::Deserialize;

use crate::common_args::CommonArgs;
use crate::config_error::ConfigError;
use crate::listen_address::ListenAddress;
pub use crate::mode::Mode;
use crate::oidc_config::{ConsoleFile, OidcConfig, SECRET};
use crate::plain_words::plain;
use crate::program::ProgramConfig;
pub use crate::secret::Secret;
use crate::webhooks_config::WebhooksConfig;

/// Format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Human,
    Json,
}

/// Sizes of the engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineConfig {
    /// Upper bound on the commands of a batch.
    pub batch: usize,
    /// Upper bound on the commands waiting in each queue.
    pub queue: usize,
    /// Lanes on PostgreSQL, which is how many batches run concurrently.
    pub lanes: usize,
    /// Approximate budget in bytes for rows cached between batches on SQLite.
    pub cached_bytes: usize,
}

impl Default for EngineConfig {
    fn default() -> EngineConfig {
        EngineConfig { batch: 256, queue: 4096, lanes: 2, cached_bytes: 40_000_000 }
    }
}

/// A range from which card numbers are drawn.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeConfig {
    /// Visa or Mastercard.
    pub brand: String,
    /// The common prefix of the range's numbers, 6 to 11 digits.
    pub prefix: String,
    /// Digits of a number.
    #[serde(default = "sixteen")]
    pub length: usize,
}

fn sixteen() -> usize {
    16
}

/// Settings of issued cards.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CardsConfig {
    /// The ranges; a brand with several draws from one of them at random.
    pub ranges: Vec<RangeConfig>,
    /// Validity of a new card, in months.
    pub validity_months: u32,
}

impl Default for CardsConfig {
    fn default() -> CardsConfig {
        CardsConfig { ranges: Vec::new(), validity_months: 48 }
    }
}

/// The sandbox's ranges, which are not assigned to any issuer for real cards.
const SANDBOX_RANGES: [(&str, &str); 2] = [("Visa", "400555"), ("Mastercard", "555544")];

/// Retention and streaming of events.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventsConfig {
    /// Retention of events in days of business time; 0 keeps them forever.
    pub retention_days: u32,
    /// Open streams of one client.
    pub streams: usize,
    /// Open streams of all clients together.
    pub max_streams: usize,
    /// How long a stream is silent before a heartbeat is sent.
    pub heartbeat_seconds: u64,
}

impl Default for EventsConfig {
    fn default() -> EventsConfig {
        EventsConfig { retention_days: 0, streams: 100, max_streams: 2000, heartbeat_seconds: 15 }
    }
}

/// What a card holder must be verified for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KycRequiredFor {
    None,
    /// Being issued a card.
    Issue,
    /// Spending.
    Spend,
}

/// The section `[kyc]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct KycFile {
    required_for: Option<KycRequiredFor>,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    /// The address of health, readiness and metrics, when they have a port of their own.
    pub ops_listen: Option<SocketAddr>,
    /// The address of the console; in the sandbox the port after the API's by default.
    pub console_listen: Option<SocketAddr>,
    /// Whether the console's address is a default, and another port will do.
    pub console_anywhere: bool,
    /// Scheme and host of the console, for the links that are printed.
    pub console_url: Option<String>,
    /// The identity provider with which people sign in to the console.
    pub oidc: Option<OidcConfig>,
    /// Scheme and host for links in responses; taken from the request by default.
    pub public_url: Option<String>,
    /// Whether the docs site and the contract are served.
    pub docs: bool,
    /// Directory of the embedded database and the key file.
    pub data_dir: PathBuf,
    /// PostgreSQL instead of the embedded database.
    pub database_url: Option<Secret>,
    /// The sandbox's API key, when the operator chose one.
    pub sandbox_api_key: Option<Secret>,
    /// The key file, when not the one in the data directory.
    pub key_file: Option<PathBuf>,
    /// Whether a client may advance the clock of a sandbox that has several clients, which share it.
    pub shared_clock: bool,
    pub log_format: LogFormat,
    pub log_level: String,
    /// Whether a line is logged for each request: in the sandbox, unless its log is JSON.
    pub request_lines: bool,
    /// Origins whose pages may call the API from a browser.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Timeout of a request.
    pub request_timeout_seconds: u64,
    /// Rate limit of each key, in requests per second; unlimited in the sandbox by default.
    pub rate_limit: Option<NonZeroU32>,
    /// Rate limit of all keys of a client together, in requests per second; unlimited in the sandbox by default.
    pub client_rate_limit: Option<NonZeroU32>,
    /// Failed authentications allowed per minute and address; unlimited in the sandbox by default.
    pub failed_credentials: Option<NonZeroU32>,
    /// Open connections in total.
    pub max_connections: u32,
    /// Open connections from one address.
    pub max_connections_per_address: u32,
    /// Budget in bytes for requests in memory; small ones are not counted.
    pub request_bytes: usize,
    /// Budget in bytes for responses in memory; small ones are not counted.
    pub answer_bytes: usize,
    /// Timeout of a list query.
    pub list_timeout_ms: u32,
    /// How long answers are kept for replays.
    pub idempotency_retention_seconds: i64,
    pub cards: CardsConfig,
    /// The key under which clients encrypt PIN blocks: 32 hexadecimal digits.
    pub zone_pin_key: Option<Secret>,
    pub kyc_required_for: KycRequiredFor,
    /// Fees, rates and expiry of holds.
    pub program: ProgramConfig,
    /// How many days a card holder's data is kept after their last card ended.
    pub retention_days: u32,
    /// The store of documents, when not in the data directory: `s3://bucket/prefix`, `file:///directory`.
    pub documents_url: Option<String>,
    pub webhooks: WebhooksConfig,
    pub events: EventsConfig,
    pub engine: EngineConfig,
}

/// The content of `paygen.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<ListenAddress>,
    ops_listen: Option<ListenAddress>,
    console_listen: Option<ListenAddress>,
    console_url: Option<String>,
    #[serde(default)]
    console: ConsoleFile,
    public_url: Option<String>,
    docs: Option<bool>,
    data_dir: Option<PathBuf>,
    database_url: Option<String>,
    sandbox_api_key: Option<String>,
    key_file: Option<PathBuf>,
    shared_clock: Option<bool>,
    log_format: Option<String>,
    log_level: Option<String>,
    #[serde(default)]
    cors_origins: Vec<String>,
    #[serde(default)]
    trusted_proxies: Vec<IpNet>,
    request_timeout_seconds: Option<u64>,
    rate_limit: Option<NonZeroU32>,
    client_rate_limit: Option<NonZeroU32>,
    failed_credentials: Option<NonZeroU32>,
    max_connections: Option<u32>,
    max_connections_per_address: Option<u32>,
    request_bytes: Option<usize>,
    answer_bytes: Option<usize>,
    list_timeout_ms: Option<u32>,
    idempotency_retention_seconds: Option<i64>,
    #[serde(default)]
    cards: CardsConfig,
    zone_pin_key: Option<String>,
    #[serde(default)]
    kyc: KycFile,
    #[serde(default)]
    program: ProgramConfig,
    retention_days: Option<u32>,
    documents_url: Option<String>,
    #[serde(default)]
    webhooks: WebhooksConfig,
    #[serde(default)]
    events: EventsConfig,
    #[serde(default)]
    engine: EngineConfig,
}

/// The environment variables of settings without an option.
pub const FROM_ENVIRONMENT: [&str; 11] = [
    "PAYGEN_PUBLIC_URL",
    "PAYGEN_CONSOLE_URL",
    SECRET,
    "PAYGEN_DOCS",
    "PAYGEN_SANDBOX_API_KEY",
    "PAYGEN_KEY_FILE",
    "PAYGEN_SHARED_CLOCK",
    "PAYGEN_ZONE_PIN_KEY",
    "PAYGEN_DOCUMENTS_URL",
    "PAYGEN_WEBHOOKS_ALLOW_PRIVATE",
    "PAYGEN_WEBHOOKS_RETRY_SCHEDULE",
];

impl Config {
    /// Loads the settings.
    pub fn load(mode: Mode, args: &CommonArgs) -> Result<Config, ConfigError> {
        let file = read_file(args.config.as_deref())?;
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let sandbox_api_key = environment("PAYGEN_SANDBOX_API_KEY").or(file.sandbox_api_key);
        let key_file =
            args.key_file.clone().or_else(|| environment("PAYGEN_KEY_FILE").map(PathBuf::from)).or(file.key_file);
        let zone_pin_key = environment("PAYGEN_ZONE_PIN_KEY").or(file.zone_pin_key);
        let documents_url = environment("PAYGEN_DOCUMENTS_URL").or(file.documents_url);
        let switch = |name: &str, default: bool| match environment(name).as_deref() {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(ConfigError(format!("{name} is {other}; it must be true or false."))),
        };
        let shared_clock = switch("PAYGEN_SHARED_CLOCK", file.shared_clock.unwrap_or(false))?;
        let docs = switch("PAYGEN_DOCS", file.docs.unwrap_or(true))?;
        let public_url = environment("PAYGEN_PUBLIC_URL").or(file.public_url);
        let (kyc, retention_days) = match mode {
            Mode::Dev => (KycRequiredFor::None, 0),
            Mode::Serve => (KycRequiredFor::Spend, 5 * 365 + 1),
        };
        let max_connections = file.max_connections.unwrap_or(10_000);
        let log_format = log_format(args.log_format.as_deref().or(file.log_format.as_deref()))?;
        let listen = args.listen.or(file.listen).map_or(SocketAddr::from(([127, 0, 0, 1], 4000)), |address| address.0);
        let console = args.console_listen.or(file.console_listen).map(|address| address.0);
        let console_url = environment("PAYGEN_CONSOLE_URL").or(file.console_url);
        let config = Config {
            listen,
            console_anywhere: console.is_none(),
            console_listen: console.or_else(|| (mode == Mode::Dev).then(|| beside(listen))),
            oidc: file.console.oidc(environment(SECRET), console_url.is_some() || mode == Mode::Dev)?,
            console_url,
            ops_listen: args.ops_listen.or(file.ops_listen).map(|address| address.0),
            public_url,
            docs,
            data_dir: args.data_dir.clone().or(file.data_dir).unwrap_or_else(|| PathBuf::from("paygen-data")),
            database_url: args.database_url.clone().or(file.database_url).map(Secret::new),
            sandbox_api_key: sandbox_api_key.map(Secret::new),
            key_file,
            shared_clock,
            log_format,
            request_lines: mode == Mode::Dev && log_format == LogFormat::Human,
            log_level: log_level(args.log_level.clone().or(file.log_level))?,
            cors_origins: file.cors_origins,
            trusted_proxies: file.trusted_proxies,
            request_timeout_seconds: file.request_timeout_seconds.unwrap_or(30),
            rate_limit: file.rate_limit.or_else(|| NonZeroU32::new(100).filter(|_| mode == Mode::Serve)),
            client_rate_limit: file.client_rate_limit.or_else(|| NonZeroU32::new(500).filter(|_| mode == Mode::Serve)),
            failed_credentials: file.failed_credentials.or_else(|| NonZeroU32::new(60).filter(|_| mode == Mode::Serve)),
            max_connections,
            max_connections_per_address: file.max_connections_per_address.unwrap_or(max_connections.div_ceil(4)),
            request_bytes: file.request_bytes.unwrap_or(64 << 20),
            answer_bytes: file.answer_bytes.unwrap_or(64 << 20),
            list_timeout_ms: file.list_timeout_ms.unwrap_or(5000),
            idempotency_retention_seconds: file.idempotency_retention_seconds.unwrap_or(7 * 86_400),
            cards: with_sandbox_ranges(file.cards, mode),
            zone_pin_key: zone_pin_key.map(Secret::new),
            kyc_required_for: file.kyc.required_for.unwrap_or(kyc),
            program: file.program,
            retention_days: file.retention_days.unwrap_or(retention_days),
            documents_url,
            webhooks: file.webhooks.with_environment(mode)?,
            events: file.events,
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
        for range in &self.cards.ranges {
            let known = Brand::parse(&range.brand).is_some();
            if !known || CardRange::new(&range.prefix, range.length).is_none() {
                return fail(format!(
                    "cards.ranges has brand {}, prefix {}, length {}: brand must be Visa or Mastercard, prefix 6 to 11 digits, length 13 to 19 and at least 4 more than the prefix.",
                    range.brand, range.prefix, range.length
                ));
            }
        }
        if !(1..=240).contains(&self.cards.validity_months) {
            return fail(format!("cards.validity_months is {}; it must be from 1 to 240.", self.cards.validity_months));
        }
        if self.zone_pin_key.as_ref().is_some_and(|key| ZonePinKey::parse(key.expose()).is_none()) {
            return fail("zone_pin_key (PAYGEN_ZONE_PIN_KEY) must be a double-length key: 32 hexadecimal digits whose halves differ.".to_owned());
        }
        if self.request_timeout_seconds == 0 || self.list_timeout_ms == 0 {
            return fail("request_timeout_seconds and list_timeout_ms must be at least 1.".to_owned());
        }
        if !(1..=1_000_000).contains(&self.max_connections) {
            return fail(format!("max_connections is {}; it must be from 1 to 1000000.", self.max_connections));
        }
        if !(1..=self.max_connections).contains(&self.max_connections_per_address) {
            return fail(format!(
                "max_connections_per_address is {}; it must be from 1 to max_connections, which is {}.",
                self.max_connections_per_address, self.max_connections
            ));
        }
        for (name, bytes) in [("request_bytes", self.request_bytes), ("answer_bytes", self.answer_bytes)] {
            if bytes < MIN_BUDGET_BYTES {
                return fail(format!("{name} is {bytes}; it must be at least {MIN_BUDGET_BYTES}."));
            }
        }
        if !(1..=3600).contains(&self.events.heartbeat_seconds)
            || self.events.streams.max(self.events.max_streams) > 100_000
        {
            return fail(
                "events.heartbeat_seconds must be from 1 to 3600, events.streams and events.max_streams at most 100000."
                    .to_owned(),
            );
        }
        self.check_addresses()?;
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
            if self.console_listen.is_some() && (self.console_url.is_none() || self.public_url.is_none()) {
                return fail("console_listen is set, so console_url (PAYGEN_CONSOLE_URL) and public_url (PAYGEN_PUBLIC_URL) must be: browsers reach the console and the card page at these, such as https://console.example.com and https://pay.example.com.".to_owned());
            }
            if self.key_file.is_none() {
                return fail("key_file (PAYGEN_KEY_FILE) is not set. Production does not use the sandbox's key file: make one with `paygen keys new vault.key` and name it.".to_owned());
            }
        }
        Ok(())
    }

    /// Checks origins and the addresses that are listened on.
    fn check_addresses(&self) -> Result<(), ConfigError> {
        let fail = |message: String| Err(ConfigError(message));
        if let Some(origin) = self.cors_origins.iter().find(|origin| !is_origin(origin)) {
            return fail(format!(
                "cors_origins has {origin:?}; an origin is a scheme, a host and no path, such as https://app.example.com."
            ));
        }
        if let Some(url) = self.public_url.as_ref().filter(|url| !is_origin(url)) {
            return fail(format!(
                "public_url (PAYGEN_PUBLIC_URL) is {url:?}; it must be a scheme, a host and no path, such as https://pay.example.com."
            ));
        }
        if let Some(url) = self.console_url.as_ref().filter(|url| !is_origin(url)) {
            return fail(format!(
                "console_url (PAYGEN_CONSOLE_URL) is {url:?}; it must be a scheme, a host and no path, such as https://console.example.com."
            ));
        }
        if self
            .console_listen
            .is_some_and(|console| console.port() != 0 && [Some(self.listen), self.ops_listen].contains(&Some(console)))
        {
            return fail(
                "console_listen (PAYGEN_CONSOLE_LISTEN) is the same address as listen or ops_listen; give it a port of its own."
                    .to_owned(),
            );
        }
        if self.ops_listen.is_some_and(|ops| ops == self.listen && ops.port() != 0) {
            return fail(
                "ops_listen (PAYGEN_OPS_LISTEN) is the same address as listen; give it a port of its own.".to_owned(),
            );
        }
        Ok(())
    }

    /// Where the database is.
    pub fn target(&self) -> Target {
        match &self.database_url {
            Some(url) => Target::Postgres(url.expose().to_owned()),
            None => Target::Sqlite(self.data_dir.join("paygen.sqlite")),
        }
    }

    /// Opens the configured document store, or the one in the data directory.
    pub fn documents(&self) -> Result<Documents, DocumentsError> {
        Documents::open(self.documents_url.as_deref(), self.data_dir.join("documents"))
    }

    /// The path of the key file.
    pub fn key_file(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.data_dir.join("sandbox-vault.key"))
    }
}

/// Lower bound of a byte budget: a quarter of it has room for the largest request body.
const MIN_BUDGET_BYTES: usize = 8 << 20;

/// The address after this one.
fn beside(mut address: SocketAddr) -> SocketAddr {
    let port = address.port();
    address.set_port(if port == 0 { 0 } else { port.checked_add(1).unwrap_or(0) });
    address
}

fn with_sandbox_ranges(mut cards: CardsConfig, mode: Mode) -> CardsConfig {
    if cards.ranges.is_empty() && mode == Mode::Dev {
        let range = |(brand, prefix): (&str, &str)| RangeConfig {
            brand: brand.to_owned(),
            prefix: prefix.to_owned(),
            length: sixteen(),
        };
        cards.ranges = SANDBOX_RANGES.map(range).into();
    }
    cards
}

/// Whether the text is an origin as browsers send it (RFC 6454): no trailing slash, no path.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '"', '\\']) && host.is_ascii())
}

fn log_format(text: Option<&str>) -> Result<LogFormat, ConfigError> {
    match text {
        None | Some("human") => Ok(LogFormat::Human),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => Err(ConfigError(format!("log_format is {other}; it must be human or json."))),
    }
}

/// The levels, from the least to the most verbose.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Validates one level for everything, or levels of modules separated by commas: `info,paygen_server=debug`.
fn log_level(text: Option<String>) -> Result<String, ConfigError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok("info".to_owned()) };
    let level = |part: &str| part.rsplit('=').next().unwrap_or(part).trim().to_lowercase();
    match text.split(',').map(level).find(|level| !LEVELS.contains(&level.as_str())) {
        None => Ok(text),
        Some(other) => Err(ConfigError(format!(
            "log_level (PAYGEN_LOG) has {other:?}, which is no level; there are {}.",
            LEVELS.join(", ")
        ))),
    }
}

fn read_file(named: Option<&Path>) -> Result<File, ConfigError> {
    let path = named.unwrap_or(Path::new("paygen.toml"));
    if named.is_none() && !path.exists() {
        return Ok(File::default());
    }
    let wrong = |why: String| ConfigError(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    toml::from_str(&text).map_err(|error| wrong(format!("{}{}", place(&text, error.span()), plain(error.message()))))
}

/// The line of a parse error with the setting's name, but not its value, which may be a secret.
fn place(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    let Some(before) = span.and_then(|span| text.get(..span.start)) else { return String::new() };
    let line = before.lines().count().max(1);
    let number = if before.ends_with('\n') { line + 1 } else { line };
    let name = text.lines().nth(number - 1).and_then(|line| line.split_once('=')).map(|(name, _)| name.trim());
    match name {
        Some(name) => format!("line {number}, {name}: "),
        None => format!("line {number}: "),
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, Mode};
    use crate::common_args::CommonArgs;

    #[test]
    fn wrong_settings_are_named_with_the_fix() {
        let directory = tempfile::tempdir().expect("a directory");
        let cases = [
            ("listen = \"nowhere\"", "line 1, listen: must be an address and a port, such as 127.0.0.1:4000"),
            ("lissten = \"127.0.0.1:1\"", "lissten is not a setting. Did you mean listen?"),
            ("listen = true", "line 1, listen: must be an address and a port"),
            ("log_level = \"loud\"", "\"loud\", which is no level; there are off, error, warn, info, debug, trace"),
            ("log_level = \"info,paygen_server=loud\"", "\"loud\""),
            ("data_dir = 5", "line 1, data_dir: must be a text in quotes, and is a number"),
            ("rate_limit = 1\ntrusted_proxies = [\"zap\"]", "line 2, trusted_proxies: must be networks, such as"),
            ("request_timeout_seconds = 0", "request_timeout_seconds"),
            ("cors_origins = [\"https://app.example.com/\"]", "https://app.example.com."),
            ("public_url = \"https://pay.example.com/api\"", "public_url (PAYGEN_PUBLIC_URL)"),
            ("public_url = \"pay.example.com\"", "https://pay.example.com."),
            ("listen = \"127.0.0.1:4\"\nops_listen = \"127.0.0.1:4\"", "a port of its own"),
            ("log_format = \"xml\"", "human or json"),
            ("database_url = \"mysql://x\"", "postgres://"),
            ("sandbox_api_key = \"short\"", "16 to 200"),
            ("max_connections = 4\nmax_connections_per_address = 5", "from 1 to max_connections, which is 4"),
            ("request_bytes = 1000", "request_bytes is 1000; it must be at least"),
            ("answer_bytes = 0", "answer_bytes is 0"),
            ("[engine]\nbatch = 0", "engine.batch"),
            ("[events]\nheartbeat_seconds = 0", "events.heartbeat_seconds"),
            ("[[cards.ranges]]\nbrand = \"Visa\"\nprefix = \"4005\"", "prefix 6 to 11"),
            ("[[cards.ranges]]\nbrand = \"Amex\"\nprefix = \"370000\"", "Visa or Mastercard"),
            ("[cards]\nvalidity_months = 0", "validity_months"),
            ("zone_pin_key = \"00\"", "PAYGEN_ZONE_PIN_KEY"),
            ("[kyc]\nrequired_for = \"always\"", "it is always; it must be none, issue or spend."),
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
