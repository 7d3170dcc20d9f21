//! Rotation of the data keys, under traffic: create new keys, seal all content again, delete the old keys.
//!
//! 1. A new key of each rotated purpose replaces the active one, which becomes retired: all or none, and only if no
//!    other run did so meanwhile. From here on the retired keys in the database mark a rotation in progress, so a run
//!    after a crash resumes it, and two concurrent runs do the same work.
//! 2. Content under retired keys is sealed again, [`ROWS_PER_STEP`] rows a command, as background work of the engine. A
//!    row that changed since it was read is skipped and found by the next pass.
//! 3. Servers that share the database reload the keys within [`RELOAD_INTERVAL`]; after [`SETTLE_TIME`] no running
//!    server seals under a retired key. What they sealed until then is sealed again.
//! 4. A retired key is deleted in a transaction that finds nothing sealed under it. A commit made under that key is
//!    either seen by that transaction or refused, even when its node was suspended meanwhile (`paygen_store`'s `sealing`).

use std::time::Duration;

use paygen_core::hash::hex;
use paygen_core::ids::ClientId;
use paygen_core::rotation::{Reseal, Resealed, Sealed};
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};
use paygen_store::{StoreError, VaultKeyRow};
use paygen_vault::{DataKey, Purpose};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::App;
use crate::vault_keys::{KeysError, RELOAD_INTERVAL, to_row};
use paygen_engine::Unanswered;

/// How many rows are sealed again in one command.
const ROWS_PER_STEP: u32 = 200;

/// How long a retired key is kept at least after a run began: three reload intervals.
pub const SETTLE_TIME: Duration = Duration::from_secs(3 * RELOAD_INTERVAL.as_secs());

/// How often a step, or the deletion, is retried when it conflicts with other work.
const MAX_TRIES: u32 = 40;
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The progress of a rotation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "camelCase")]
pub enum Progress {
    Begun {
        keys: usize,
    },
    /// Retired keys exist: an interrupted rotation is resumed, and no new keys are created.
    Resumed {
        keys: usize,
    },
    Sealing {
        /// The kind of content, a word of [`Sealed`].
        what: String,
        done: u64,
        total: u64,
    },
    /// Waiting until every server has reloaded the keys.
    Waiting {
        seconds: u64,
    },
    Deleted {
        id: String,
        purpose: String,
    },
}

/// Why a rotation is not finished. Another run resumes it.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    /// Keys could not be read or replaced.
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] Unanswered),
    #[error("the server is stopping. Run `paygen keys rotate` again: it goes on where it was")]
    Stopping,
    /// Content is still being sealed under a retired key.
    #[error(
        "{0} pieces of content are still sealed under retired keys, which are kept. Is there a server that cannot learn \
         the new keys (its log says so)? Restart it, then run `paygen keys rotate` again"
    )]
    StillUsed(u64),
    /// Content cannot be opened.
    #[error(
        "{0} pieces of content do not open under the key they name: they were altered. The retired keys are kept; the \
         log names the rows"
    )]
    Unopened(u64),
}

/// The purpose of the keys under which a kind of content is sealed.
pub fn purpose_of(sealed: Sealed) -> Purpose {
    match sealed {
        Sealed::CardNumber => Purpose::CardNumbers,
        Sealed::Pin => Purpose::Pins,
        Sealed::HolderKey => Purpose::HolderKeys,
        Sealed::WebhookCredentials => Purpose::WebhookCredentials,
        Sealed::ResponderCredentials => Purpose::ResponderCredentials,
        Sealed::Answer => Purpose::IdempotencyBody,
        Sealed::SecondFactor => Purpose::SecondFactors,
    }
}

/// Rotates the data keys, or resumes an interrupted rotation.
pub async fn rotate(app: &App, report: &mut (dyn FnMut(Progress) + Send)) -> Result<(), Unfinished> {
    let retired = begin(app, report).await?;
    app.keys.reload(&app.vault).await?;
    let settled_at = Instant::now() + SETTLE_TIME;
    pass(app, &retired, report).await?;
    let left = settled_at.saturating_duration_since(Instant::now());
    report(Progress::Waiting { seconds: left.as_secs_f64().ceil() as u64 });
    pause(app, left).await?;
    let mut unopened = 0;
    for _ in 0..MAX_TRIES {
        unopened = pass(app, &retired, report).await?;
        if delete_unused(app, &retired, report).await? {
            // A reader that loaded a row just before it was sealed again may still need the old key.
            pause(app, RETRY_PAUSE).await?;
            app.keys.reload(&app.vault).await?;
            return Ok(());
        }
        if unopened > 0 {
            break;
        }
        pause(app, RETRY_PAUSE).await?;
    }
    if unopened > 0 {
        return Err(Unfinished::Unopened(unopened));
    }
    let mut used = 0;
    for sealed in Sealed::ALL {
        used += app.reader.count_sealed_under(*sealed, &ids(&retired, *sealed)).await?;
    }
    Err(Unfinished::StillUsed(used))
}

/// The retired keys: those of a rotation in progress, otherwise those that were active until now.
async fn begin(app: &App, report: &mut (dyn FnMut(Progress) + Send)) -> Result<Vec<VaultKeyRow>, Unfinished> {
    let retired = retired(app).await?;
    if !retired.is_empty() {
        report(Progress::Resumed { keys: retired.len() });
        return Ok(retired);
    }
    let provider = app.keys.provider()?;
    let stored = app.keys.database.vault_keys().await?;
    let is_rotated = |key: &&VaultKeyRow| Purpose::parse(&key.purpose).is_some_and(|p| Purpose::ROTATED.contains(&p));
    let before: Vec<String> = stored.iter().filter(is_rotated).map(|key| key.id.clone()).collect();
    let mut new = Vec::new();
    for purpose in Purpose::ROTATED {
        new.push(to_row(DataKey::generate(&provider, *purpose).map_err(KeysError::from)?));
    }
    let made = new.len();
    if app.keys.database.replace_vault_keys(&before, new).await? {
        report(Progress::Begun { keys: made });
        return self::retired(app).await;
    }
    // Another run was first; its keys are as new as ours would have been.
    let retired = self::retired(app).await?;
    report(Progress::Resumed { keys: retired.len() });
    Ok(retired)
}

async fn retired(app: &App) -> Result<Vec<VaultKeyRow>, Unfinished> {
    let stored = app.keys.database.vault_keys().await?;
    Ok(stored.into_iter().filter(|key| key.retired_at.is_some()).collect())
}

fn ids(keys: &[VaultKeyRow], sealed: Sealed) -> Vec<String> {
    let purpose = purpose_of(sealed).as_str();
    keys.iter().filter(|key| key.purpose == purpose).map(|key| key.id.clone()).collect()
}

/// Seals again all content found under retired keys; returns how much of it cannot be opened.
async fn pass(
    app: &App,
    retired: &[VaultKeyRow],
    report: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, Unfinished> {
    let mut unopened = 0;
    for sealed in Sealed::ALL {
        let keys = ids(retired, *sealed);
        let total = if keys.is_empty() { 0 } else { app.reader.count_sealed_under(*sealed, &keys).await? };
        if total == 0 {
            continue;
        }
        let (mut after, mut done) = (None, 0);
        loop {
            let found = app.reader.sealed_under(*sealed, &keys, after, ROWS_PER_STEP).await?;
            let Some((last, _)) = found.last() else { break };
            (after, done) = (Some(*last), done + found.len() as u64);
            let count = found.len();
            let pieces = seal_again(app, *sealed, found);
            unopened += (count - pieces.len()) as u64;
            submit(app, Reseal { sealed: *sealed, pieces }).await?;
            report(Progress::Sealing { what: sealed.as_str().to_owned(), done: done.min(total), total });
        }
    }
    Ok(unopened)
}

/// Seals content again under the active key. Content that cannot be opened is logged and omitted.
fn seal_again(app: &App, sealed: Sealed, found: Vec<(paygen_core::record::Key, Vec<u8>)>) -> Vec<Resealed> {
    let again = |(key, before): (paygen_core::record::Key, Vec<u8>)| {
        let place = [key.client.0.bytes().as_slice(), key.id.as_slice()];
        match app.vault.reseal(purpose_of(sealed), &place, &before) {
            Ok(after) => Some(Resealed { key, before, after }),
            Err(error) => {
                let row = hex(key.id.as_slice());
                tracing::error!(error = %error, what = %sealed, client = %key.client, row, "content does not open");
                None
            }
        }
    };
    found.into_iter().filter_map(again).collect()
}

async fn submit(app: &App, command: Reseal) -> Result<(), Unfinished> {
    let mut tries = 0;
    loop {
        if *app.stopping.borrow() {
            return Err(Unfinished::Stopping);
        }
        let command = Command::Reseal(command.clone());
        match app.engine.run_background(Request::new(Context::system(ClientId::INSTALLATION, ""), command)).await {
            Ok(Ok(Outcome::Count(_))) => return Ok(()),
            Ok(_) => return Err(Unanswered::Internal("sealing again came to another outcome".to_owned()).into()),
            Err(Unanswered::Draining) => return Err(Unfinished::Stopping),
            // Back off: requests take precedence.
            Err(Unanswered::Overloaded | Unanswered::Unavailable(_)) if tries < MAX_TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
        pause(app, RETRY_PAUSE).await?;
    }
}

/// Deletes the retired keys under which nothing is sealed; returns whether none is left.
async fn delete_unused(
    app: &App,
    retired: &[VaultKeyRow],
    report: &mut (dyn FnMut(Progress) + Send),
) -> Result<bool, Unfinished> {
    let mut gone = true;
    for sealed in Sealed::ALL {
        for id in ids(retired, *sealed) {
            match app.keys.database.delete_vault_key(&id, *sealed).await {
                Ok(true) => report(Progress::Deleted { id, purpose: purpose_of(*sealed).as_str().to_owned() }),
                Ok(false) => {}
                // An open transaction relies on the key: wait for its end.
                Err(StoreError::Conflict(_)) => gone = false,
                Err(error) => return Err(error.into()),
            }
        }
    }
    let left = self::retired(app).await?;
    Ok(gone && !left.iter().any(|key| retired.iter().any(|old| old.id == key.id)))
}

async fn pause(app: &App, time: Duration) -> Result<(), Unfinished> {
    let mut stopping = app.stopping.clone();
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        () = paygen_engine::stopped(&mut stopping) => Err(Unfinished::Stopping),
    }
}
