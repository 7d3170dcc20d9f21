//! `paygen status`: whether a server runs with these settings, and the state of its store.

use std::process::ExitCode;
use std::time::Duration;

use paygen_store::{Database, StoreError, Target};
use serde_json::json;

use super::{Failure, banner, print_json, running_server};
use crate::admin::{self, AdminRequest, Running};
use crate::config::Config;

/// How long to wait for a health check.
const PATIENCE: Duration = Duration::from_secs(3);

/// Fails when no server runs.
pub(super) async fn run(config: &Config, json: bool) -> Result<ExitCode, Failure> {
    let (url, running) = server(config).await?;
    let (schema, environment) = match store(config).await {
        Ok(environment) => (Ok(Database::newest_schema()), environment),
        Err(error) => (Err(error.to_string()), None),
    };
    if json {
        print_json(&json!({
            "running": running.is_some(), "url": url, "server": running.as_ref().filter(|running| !running.version.is_empty()),
            "store": banner::store(config), "schema": schema.as_ref().ok(), "storeError": schema.as_ref().err(),
            "environment": environment,
        }))?;
    } else {
        let server = match &running {
            Some(Running { version, process, .. }) if !version.is_empty() => format!("{version}, process {process}"),
            Some(_) => "runs".to_owned(),
            None => "does not run".to_owned(),
        };
        println!("Server       {server}");
        println!("Address      {url}");
        println!("Store        {}", banner::store(config));
        println!("Schema       {}", schema.map_or_else(|error| error, |number| number.to_string()));
        println!("Environment  {}", environment.unwrap_or("not known yet"));
    }
    Ok(if running.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// On SQLite the server describes itself through its admin socket; on PostgreSQL only its health check is known.
async fn server(config: &Config) -> Result<(String, Option<Running>), Failure> {
    if let Target::Sqlite(_) = config.target() {
        let answer = admin::ask(&config.data_dir, &AdminRequest::Status, &mut |_| {}).await?;
        // Servers of earlier versions answer without these members.
        let running = answer.map(|answer| answer.running.unwrap_or_default());
        let url = running.as_ref().map(|running| running.url.clone()).filter(|url| !url.is_empty());
        return Ok((url.unwrap_or_else(|| running_server::url(config)), running));
    }
    let url = running_server::url(config);
    let health = config.ops_listen.map_or_else(|| url.clone(), |address| format!("http://{address}"));
    let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let answers = http.get(format!("{health}/healthz")).send().await.is_ok_and(|answer| answer.status().is_success());
    Ok((url, answers.then(Running::default)))
}

async fn store(config: &Config) -> Result<Option<&'static str>, StoreError> {
    let installation = Database::open_read_only(&config.target()).await?.installation().await?;
    Ok(installation.map(|kept| if kept.is_sandbox { "sandbox" } else { "production" }))
}
