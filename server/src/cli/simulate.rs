//! `paygen simulate`: tells scenario files to a node, and shows where it answers otherwise.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use paygen_core::ledger::Verifier;
use tokio::net::TcpListener;

use super::args::SimulateArgs;
use super::{Failure, beside};
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
    let told = match &args.builtin {
        Some(names) => builtin_stories(names)?,
        None => stories_of(&args.files)?,
    };
    let mut throw_away = None;
    let (url, key) = match args.url {
        Some(url) => (url, beside::key(&config, args.api_key)?),
        None => {
            let (node, url, key) = ThrowAway::start(config).await?;
            throw_away = Some(node);
            (url, key)
        }
    };
    let node = scenarios::Node::at(&url, &key)?;
    let mut failing = Vec::new();
    for (name, scenario) in &told {
        println!("{}", scenario.name);
        let told = scenarios::run(&node, scenario).await;
        for line in &told.lines {
            println!("  {line}");
        }
        if told.differences > 0 {
            failing.push(name.clone());
        }
    }
    if let Some(node) = throw_away
        && !node.end().await?
    {
        failing.push("the ledger".to_owned());
    }
    if failing.is_empty() {
        println!("{} told, each as expected.", told.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} told; not as expected: {}", told.len(), failing.join(", "));
    Ok(ExitCode::FAILURE)
}

/// Stories with their names: those of files.
fn stories_of(files: &[PathBuf]) -> Result<Vec<(String, Scenario)>, Failure> {
    let mut stories = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let scenario = scenarios::read(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        stories.push((file.display().to_string(), scenario));
    }
    Ok(stories)
}

/// Stories with their names: those that come along, all of them when none is named.
fn builtin_stories(names: &[String]) -> Result<Vec<(String, Scenario)>, Failure> {
    let known = builtin::names();
    let names = if names.is_empty() { &known } else { names };
    let mut stories = Vec::new();
    for name in names {
        let Some(story) = builtin::story(name) else {
            let hint = hint(name, known.iter().map(String::as_str));
            return Err(format!("no story is called {name}.{hint} `paygen simulate --list` names them all.").into());
        };
        stories.push((name.clone(), story?));
    }
    Ok(stories)
}

/// A sandbox in a directory of its own, gone afterwards.
struct ThrowAway {
    node: start::Node,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    _directory: tempfile::TempDir,
}

impl ThrowAway {
    /// Starts one; with its URL and key.
    async fn start(mut config: Config) -> Result<(ThrowAway, String, String), Failure> {
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
        Ok((ThrowAway { node, server, _directory: directory }, url, key))
    }

    /// Ends it; whether its ledger was right.
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
