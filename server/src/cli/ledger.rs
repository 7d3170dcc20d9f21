//! `paygen ledger verify`: recomputes the whole ledger from its lines and compares it with every chain's head, with
//! everything that refers to a line, and with an earlier state.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use paygen_core::hash::hex;
use paygen_core::ledger::{Heads, Verifier};
use paygen_store::Database;
use serde_json::json;

use super::args::VerifyArgs;
use super::progress::Progress;
use super::{Failure, print_json};
use crate::config::Config;

pub(super) async fn verify(config: &Config, args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let before = args.since.as_deref().map(|path| heads_of(path, args.digest.as_deref())).transpose()?;
    if let Some(path) = args.save.as_deref().filter(|path| path.exists()) {
        return Err(format!(
            "{} is there already. Name a file that is not, so that none of before is lost.",
            path.display()
        )
        .into());
    }
    let database = Database::open_read_only(&config.target()).await?;
    let verifier = before.clone().map_or_else(Verifier::default, Verifier::since);
    let progress = Progress::with("Verifying the ledger");
    let report = database.verify_ledger_with_progress(verifier, &mut |lines| progress.at(lines, "lines")).await?;
    drop(progress);
    if report.is_clean()
        && let Some(path) = &args.save
    {
        save(path, &report.heads)?;
    }
    if args.output.json {
        print_json(&json!({
            "entries": report.entries, "lines": report.lines, "accounts": report.balances, "faults": report.faults,
            "findings": report.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "chains": report.heads.count(), "digest": hex(&report.heads.digest()),
        }))?;
        return Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    println!("{} entries, {} lines, {} accounts looked at.", report.entries, report.lines, report.balances);
    if let (Some(before), Some(path)) = (&before, &args.since) {
        let (digest, lines) = (hex(&before.digest()), before.lines());
        println!("Held against {}: {} chains with {lines} lines, digest {digest}.", path.display(), before.count());
    }
    if !report.is_clean() {
        println!("{} things are off. The first:", report.faults);
        for finding in &report.findings {
            println!("  {finding}");
        }
        return Ok(ExitCode::FAILURE);
    }
    println!(
        "Every entry balances, every chain is whole, every balance is the end of its chain, and what names them is there."
    );
    println!("Digest of all {} chains: {}", report.heads.count(), hex(&report.heads.digest()));
    if let Some(path) = &args.save {
        println!("Saved to {}: hold the ledger against it later with --since.", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The heads of a file saved earlier, which must have this digest.
fn heads_of(path: &Path, digest: Option<&str>) -> Result<Heads, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let heads = Heads::read(&text)
        .map_err(|why| format!("{} is no file that `paygen ledger verify --save` wrote: {why}.", path.display()))?;
    match digest {
        Some(digest) if !digest.eq_ignore_ascii_case(&hex(&heads.digest())) => Err(format!(
            "{} has the digest {}, not {digest}: it is another file than the one that was saved then.",
            path.display(),
            hex(&heads.digest())
        )
        .into()),
        _ => Ok(heads),
    }
}

fn save(path: &Path, heads: &Heads) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(heads.write().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(())
}
