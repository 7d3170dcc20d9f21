//! `paygen replay`: decides every stored authorization again, from its stored facts, and reports the differences.

use std::process::ExitCode;

use paygen_core::authorizations::{Difference, RULES_VERSION, Replay};
use paygen_store::Database;
use serde_json::json;

use super::progress::Progress;
use super::{Failure, print_json};
use crate::config::Config;

/// Upper bound on the differences that are printed; all are counted.
const MAX_PRINTED: u64 = 1000;

/// Fails when a decision differs although the rules' version is the same.
pub(super) async fn run(config: &Config, json: bool) -> Result<ExitCode, Failure> {
    let database = Database::open_read_only(&config.target()).await?;
    let progress = Progress::with("Deciding again");
    let mut replay = Replay::default();
    let (mut differences, mut listed) = (0, Vec::new());
    database
        .each_authorization(|authorization| {
            for difference in replay.look(authorization) {
                differences += 1;
                match differences {
                    ..=MAX_PRINTED if json => listed.push(as_json(&difference)),
                    ..=MAX_PRINTED => progress.aside(|| print(&difference)),
                    _ => {}
                }
            }
            progress.at(replay.authorizations, "authorizations");
        })
        .await?;
    drop(progress);
    let code = if replay.differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if json {
        print_json(&json!({
            "rulesVersion": RULES_VERSION, "authorizations": replay.authorizations, "decisions": replay.decisions,
            "approved": replay.approved, "declined": replay.declined, "underAnotherVersion": replay.other_rules,
            "changedByTheRulesSince": replay.changed, "differing": replay.differing, "differences": listed,
        }))?;
        return Ok(code);
    }
    if differences > MAX_PRINTED {
        println!("{} more are not shown.", differences - MAX_PRINTED);
    }
    println!("{:<30}{:>12}", format!("Rules version {RULES_VERSION}"), "how many");
    for (what, count) in [
        ("authorizations", replay.authorizations),
        ("decisions", replay.decisions),
        ("approved", replay.approved),
        ("declined", replay.declined),
        ("under another version", replay.other_rules),
        ("changed by the rules since", replay.changed),
        ("differing", replay.differing),
    ] {
        println!("{what:<30}{count:>12}");
    }
    if replay.differing == 0 {
        println!("Every decision of this version comes to the same again.");
    }
    Ok(code)
}

fn as_json(difference: &Difference) -> serde_json::Value {
    let Difference { client, authorization, rules_version, kept, now } = difference;
    json!({
        "client": client.to_string(), "authorization": authorization.to_string(), "rulesVersion": rules_version,
        "was": kept.to_string(), "is": now.to_string(),
    })
}

fn print(difference: &Difference) {
    let Difference { client, authorization, rules_version, kept, now } = difference;
    println!("authorization {authorization} of client {client}, rules version {rules_version}: was {kept}, is {now}");
}
