//! `paygen replay`: decides every stored authorization again, from what it was decided on, and tells what differs.

use std::process::ExitCode;

use paygen_core::authorizations::{Difference, RULES_VERSION, Replay};
use paygen_store::Database;

use super::Failure;
use crate::config::Config;

/// The most differences that are printed one by one; all are counted.
const MOST_PRINTED: u64 = 1000;

/// Fails when a decision differs under the very rules it was made under.
pub(super) async fn run(config: &Config) -> Result<ExitCode, Failure> {
    let database = Database::open_read_only(&config.target()).await?;
    let mut replay = Replay::default();
    let mut printed = 0;
    database
        .each_authorization(|authorization| {
            for difference in replay.look(authorization) {
                if printed < MOST_PRINTED {
                    tell(&difference);
                }
                printed += 1;
            }
        })
        .await?;
    if printed > MOST_PRINTED {
        println!("{} more are not shown.", printed - MOST_PRINTED);
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
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn tell(difference: &Difference) {
    let Difference { client, authorization, rules_version, kept, now } = difference;
    println!("authorization {authorization} of client {client}, rules version {rules_version}: was {kept}, is {now}");
}
