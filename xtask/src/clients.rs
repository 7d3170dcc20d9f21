//! Clients generated from the contract, as an integrator would: TypeScript and Python, type-checked strictly, each
//! running a scenario of sixteen calls against a sandbox.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::contract::Server;
use crate::workspace::{Failure, run};

const NPM: &[&str] = &["@hey-api/openapi-ts@0.99.0", "typescript@5.9.3", "tsx@4.23.15", "@types/node@20.19.43"];
const PYPI: &[&str] = &["openapi-python-client==0.29.1", "ruff==0.17.6", "mypy==2.4.1"];

const TSCONFIG: &str = r#"{"compilerOptions": {"strict": true, "target": "es2022", "module": "esnext", "moduleResolution": "bundler",
    "noEmit": true, "skipLibCheck": true, "types": ["node"], "noUncheckedIndexedAccess": true}, "include": ["src"]}"#;

/// Generates, checks and runs both clients.
pub fn check(root: &Path) -> Result<(), Failure> {
    crate::contract::build()?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let server = Server::start(&target.join("debug/paygen"), None)?;
    typescript(root, &target.join("clients/typescript"), &server)?;
    python(root, &target.join("clients/python"), &server)
}

fn within(directory: &Path, program: PathBuf, arguments: &[&str], server: &Server) -> Result<(), Failure> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory).env("PAYGEN_URL", &server.url).env("PAYGEN_API_KEY", server.key());
    run(&mut command)
}

fn typescript(root: &Path, directory: &Path, server: &Server) -> Result<(), Failure> {
    let works = Command::new("npm").arg("--version").output().is_ok_and(|output| output.status.success());
    if !works {
        println!("clients: TypeScript left out, because npm is not installed");
        return Ok(());
    }
    std::fs::create_dir_all(directory.join("src"))?;
    std::fs::write(directory.join("package.json"), "{\"private\": true, \"type\": \"module\"}")?;
    std::fs::write(directory.join("tsconfig.json"), TSCONFIG)?;
    std::fs::copy(root.join("xtask/clients/story.ts"), directory.join("src/story.ts"))?;
    let bin = directory.join("node_modules/.bin");
    if !bin.join("tsx").exists() {
        let install = [&["install", "--silent", "--no-fund", "--no-audit", "--no-save"], NPM].concat();
        within(directory, "npm".into(), &install, server)?;
    }
    let contract = format!("{}/openapi.json", server.url);
    within(directory, bin.join("openapi-ts"), &["-i", &contract, "-o", "src/paygen"], server)?;
    within(directory, bin.join("tsc"), &[], server)?;
    within(directory, bin.join("tsx"), &["src/story.ts"], server)
}

fn python(root: &Path, directory: &Path, server: &Server) -> Result<(), Failure> {
    std::fs::create_dir_all(directory)?;
    let bin = directory.join("venv/bin");
    if !bin.join("mypy").exists() {
        within(directory, "python3".into(), &["-m", "venv", "venv"], server)?;
        within(directory, bin.join("pip"), &[&["install", "--quiet"], PYPI].concat(), server)?;
    }
    std::fs::write(
        directory.join("config.yml"),
        "project_name_override: paygen-client\npackage_name_override: paygen\n",
    )?;
    std::fs::copy(root.join("xtask/clients/story.py"), directory.join("story.py"))?;
    let contract = format!("{}/openapi.json", server.url);
    // The generator formats with ruff, which it looks for on the path.
    let path = std::env::var("PATH").unwrap_or_default();
    let mut generate = Command::new(bin.join("openapi-python-client"));
    generate.args(["generate", "--url", &contract, "--config", "config.yml", "--output-path", "client", "--overwrite"]);
    run(generate.current_dir(directory).env("PATH", format!("{}:{path}", bin.display())))?;
    within(directory, bin.join("pip"), &["install", "--quiet", "--force-reinstall", "--no-deps", "./client"], server)?;
    within(directory, bin.join("pip"), &["install", "--quiet", "./client"], server)?;
    within(directory, bin.join("mypy"), &["--strict", "--python-executable", "venv/bin/python", "story.py"], server)?;
    within(directory, bin.join("python"), &["story.py"], server)
}
