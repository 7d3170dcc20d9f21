//! `paygen keys`: rotates, lists and rewraps the data keys. Key material is never shown.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use paygen_core::rotation::Sealed;
use paygen_store::Database;
use paygen_vault::{DataKey, FileKeyProvider, KeyProvider};

use super::{Failure, carry_out, print_json};
use crate::admin::AdminRequest;
use crate::config::Config;
use paygen_app::rotation::{Progress, purpose_of};
use paygen_app::vault_keys::from_row;

/// Creates a key file. It does not read the settings.
pub(super) fn new(file: &Path) -> Result<ExitCode, Failure> {
    let id = FileKeyProvider::create(file)?.key_id().to_owned();
    let file = file.display();
    println!("Made the key file {file}, whose id is {id}. Only you may read it.");
    println!("Keep a copy in another place, away from the backups: without it nothing that is sealed opens again.");
    println!();
    println!("Next:");
    println!("  export PAYGEN_KEY_FILE={file}   # or --key-file, or key_file in paygen.toml");
    println!("  paygen migrate   # makes the database");
    println!("  paygen clients create --name \"My company\"");
    println!("  paygen serve");
    Ok(ExitCode::SUCCESS)
}

/// Rotates the data keys, also beside a running server.
pub(super) async fn rotate(config: Config) -> Result<ExitCode, Failure> {
    let mut shown = Shown::default();
    let outcome = carry_out(config, AdminRequest::RotateKeys, &mut |step| shown.show(&step)).await;
    shown.end();
    outcome?;
    println!("Done: everything is sealed under the new keys, and the old ones are deleted.");
    Ok(ExitCode::SUCCESS)
}

/// Progress on the terminal: a bar for each kind of content, or plain lines.
#[derive(Default)]
struct Shown {
    bar: Option<(String, ProgressBar)>,
    tenths: Option<(String, u64)>,
}

impl Shown {
    fn show(&mut self, step: &Progress) {
        match step {
            Progress::Sealing { what, done, total } if std::io::stdout().is_terminal() => {
                self.bar(what, *total).set_position(*done);
            }
            Progress::Sealing { what, done, total } => self.line(what, *done, *total),
            Progress::Begun { keys } => println!("{keys} new data keys seal from now on."),
            Progress::Resumed { keys } => {
                println!("An earlier rotation was not finished: going on with it, {keys} retired keys are left.");
            }
            Progress::Waiting { seconds } => {
                self.end();
                println!("Waiting {seconds} s for every server to learn the new keys.");
            }
            Progress::Deleted { id, purpose } => {
                self.end();
                println!("Deleted {id} ({purpose}).");
            }
        }
    }

    fn bar(&mut self, what: &str, total: u64) -> &ProgressBar {
        if self.bar.as_ref().is_some_and(|(shown, _)| shown != what) {
            self.end();
        }
        let (_, bar) = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(total);
            if let Ok(style) = ProgressStyle::with_template("{msg:14} {bar:40} {pos}/{len}") {
                bar.set_style(style);
            }
            bar.set_message(what.to_owned());
            (what.to_owned(), bar)
        });
        bar
    }

    /// Prints at most ten lines for each kind.
    fn line(&mut self, what: &str, done: u64, total: u64) {
        let now = (what.to_owned(), done * 10 / total.max(1));
        if self.tenths.as_ref() != Some(&now) {
            println!("Sealed again: {what} {done}/{total}");
            self.tenths = Some(now);
        }
    }

    fn end(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish();
        }
    }
}

/// Prints every data key.
pub(super) async fn list(config: &Config, json: bool) -> Result<ExitCode, Failure> {
    let database = Database::open_read_only(&config.target()).await?;
    let mut table = comfy_table::Table::new();
    table.set_header(["Key", "Purpose", "Created", "Retired", "Sealed under it"]);
    let mut all = Vec::new();
    for key in database.vault_keys().await? {
        let kind = Sealed::ALL.iter().find(|sealed| purpose_of(**sealed).as_str() == key.purpose);
        let sealed = match kind {
            Some(kind) => Some(database.reader().count_sealed_under(*kind, std::slice::from_ref(&key.id)).await?),
            None => None,
        };
        let (created, retired) = (key.created_at.to_string(), key.retired_at.map(|at| at.to_string()));
        all.push(serde_json::json!({
            "_id": key.id, "purpose": key.purpose, "createdAt": created, "retiredAt": retired, "sealed": sealed,
        }));
        let sealed = sealed.map_or_else(|| "not rotated".to_owned(), |count| count.to_string());
        table.add_row([key.id, key.purpose, created, retired.unwrap_or_default(), sealed]);
    }
    if json {
        print_json(&all)?
    } else {
        println!("{table}")
    }
    Ok(ExitCode::SUCCESS)
}

/// Wraps every data key under another key file; repeating it is harmless.
pub(super) async fn rewrap(config: &Config, new: &Path) -> Result<ExitCode, Failure> {
    let from = FileKeyProvider::open(&config.key_file())?;
    // On SQLite this takes the lock: beside a running server it fails and changes nothing.
    let database = Database::open_existing(&config.target()).await?;
    let to = FileKeyProvider::open_or_create(new)?;
    if from.key_id() == to.key_id() {
        return Err(format!("{} holds the key that is used now.", new.display()).into());
    }
    let mut changed = Vec::new();
    let rows = database.vault_keys().await?;
    let all = rows.len();
    for row in rows {
        let wrapped = DataKey::rewrap(&from, &to, &from_row(&row))?.wrapped;
        if wrapped != row.wrapped {
            changed.push((row, wrapped));
        }
    }
    if !changed.is_empty() && !database.rewrap_vault_keys(changed).await? {
        return Err("another process changed the data keys meanwhile. Run the command again.".into());
    }
    database.note_key_file(to.key_id()).await?;
    let new = new.display();
    println!("{all} data keys are wrapped under {new}; {} no longer opens them.", config.key_file().display());
    println!("Set PAYGEN_KEY_FILE={new} and restart every server; one that still runs works on, but cannot learn new");
    println!("data keys: rotate only after the restart. Keep the old file for as long as backups made before this.");
    Ok(ExitCode::SUCCESS)
}
