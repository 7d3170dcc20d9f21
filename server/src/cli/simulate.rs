//! `paygen simulate`: runs scenario files against a node and prints the differences.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use paygen_core::ledger::Verifier;
use tokio::net::TcpListener;

use super::args::SimulateArgs;
use super::{Failure, running_server};
use crate::config::Config;
use crate::scenarios::{Scenario, builtin};
use crate::{sandbox, scenarios, start};
use paygen_app::Environment;
use paygen_edge::nearest::hint;

pub(super) async fn run(config: Config, args: SimulateArgs) -> Result<ExitCode, Failure> {
    if args.list {
        builtin::names().iter().for_each(|name| println!("{name}"));
        return Ok(ExitCode::SUCCESS);
    }
    let selected = match &args.builtin {
        Some(names) => builtin_scenarios(names)?,
        None => scenarios_of(&args.files)?,
    };
    let mut throw_away = None;
    let (url, key) = match args.url {
        Some(url) => (url, running_server::key(&config, args.api_key)?),
        None => {
            let (node, url, key) = TemporarySandbox::start(config).await?;
            throw_away = Some(node);
            (url, key)
        }
    };
    let node = scenarios::Node::at(&url, &key)?;
    let mut failing = Vec::new();
    for (name, scenario) in &selected {
        println!("{}", scenario.name);
        let report = scenarios::run(&node, scenario).await;
        for line in &report.lines {
            println!("  {line}");
        }
        if report.differences > 0 {
            failing.push(name.clone());
        }
    }
    let mut is_right = true;
    if let Some(node) = throw_away
        && !node.end().await?
    {
        println!("The ledger does not verify; see above.");
        is_right = false;
    }
    if failing.is_empty() && is_right {
        println!("Passed: {}.", selected.len());
        return Ok(ExitCode::SUCCESS);
    }
    if !failing.is_empty() {
        println!("Failed: {} of {}: {}", failing.len(), selected.len(), failing.join(", "));
    }
    Ok(ExitCode::FAILURE)
}

/// The scenarios of files, with their names.
fn scenarios_of(files: &[PathBuf]) -> Result<Vec<(String, Scenario)>, Failure> {
    let mut scenarios = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let scenario = scenarios::read(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        scenarios.push((file.display().to_string(), scenario));
    }
    Ok(scenarios)
}

/// Built-in scenarios with their names; all of them when none is named.
fn builtin_scenarios(names: &[String]) -> Result<Vec<(String, Scenario)>, Failure> {
    let known = builtin::names();
    let names = if names.is_empty() { &known } else { names };
    let mut scenarios = Vec::new();
    for name in names {
        let Some(scenario) = builtin::scenario(name) else {
            let hint = hint(name, known.iter().map(String::as_str));
            return Err(format!("no scenario is called {name}.{hint} `paygen simulate --list` names them all.").into());
        };
        scenarios.push((name.clone(), scenario?));
    }
    Ok(scenarios)
}

/// A temporary sandbox, removed afterwards.
struct TemporarySandbox {
    node: start::Node,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    _directory: tempfile::TempDir,
}

impl TemporarySandbox {
    /// Starts one; returns its URL and key.
    async fn start(mut config: Config) -> Result<(TemporarySandbox, String, String), Failure> {
        let directory = tempfile::tempdir()?;
        config.data_dir = directory.path().to_owned();
        (config.database_url, config.key_file, config.documents_url) = (None, None, None);
        config.request_lines = false;
        let node = start::Node::start(config, Some(Environment::Sandbox)).await?;
        let key = sandbox::ensure_client(&node.app, &node.config).await?.shown().to_owned();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let service =
            paygen_api::router::router(node.api.clone(), None).into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(axum::serve(listener, service).into_future());
        Ok((TemporarySandbox { node, server, _directory: directory }, url, key))
    }

    /// Stops it; returns whether its ledger verified.
    async fn end(self) -> Result<bool, Failure> {
        self.server.abort();
        let report = self.node.database.verify_ledger(Verifier::default()).await?;
        for finding in &report.findings {
            println!("ledger: {finding}");
        }
        self.node.finish().await;
        Ok(report.is_clean())
    }
}
