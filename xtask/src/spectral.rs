//! Lints the contract with Spectral, from npm, and its rules for OpenAPI.

use std::path::Path;
use std::process::Command;

use crate::contract::Server;
use crate::workspace::{Failure, run};

const VERSION: &str = "6.16.3";

/// OpenAPI 3.1 lets every kind of credential list scopes; the disabled rule allows them for OAuth 2 only.
const RULES: &str = "extends: [\"spectral:oas\"]\nrules:\n  oas3-operation-security-defined: off\n";

/// Lints `/openapi.json` of a running server. Without Node it prints a notice and succeeds: its findings are about
/// form, and a machine with Node reports them.
pub fn lint(root: &Path) -> Result<(), Failure> {
    if !Command::new("npm").arg("--version").output().is_ok_and(|output| output.status.success()) {
        println!("spectral: left out, because npm is not installed");
        return Ok(());
    }
    crate::contract::build()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let directory = target.join("spectral");
    let tool = directory.join("node_modules/.bin/spectral");
    std::fs::create_dir_all(&directory)?;
    if !tool.exists() {
        let package = format!("@stoplight/spectral-cli@{VERSION}");
        let mut install = Command::new("npm");
        install.args(["install", "--silent", "--no-fund", "--no-audit", "--no-save", "--prefix"]);
        run(install.arg(&directory).arg(package))?;
    }
    let rules = directory.join("rules.yaml");
    std::fs::write(&rules, RULES)?;
    let server = Server::start(&target.join("debug/paygen"), None)?;
    let mut lint = Command::new(&tool);
    lint.args(["lint", "--fail-severity", "hint", "--ruleset"]).arg(&rules);
    run(lint.arg(format!("{}/openapi.json", server.url)))
}
