//! Checks environment variables with the prefix `PAYGEN_`: a misspelled one would silently leave its setting at the
//! default.

use clap::CommandFactory;

use crate::cli::args::Args;
use crate::config::FROM_ENVIRONMENT;
use crate::config_error::ConfigError;
use paygen_edge::nearest::nearest;

const PREFIX: &str = "PAYGEN_";

/// Prefixes of variables that Paygen's own chores read.
const CHORES: [&str; 5] = ["PAYGEN_TEST_", "PAYGEN_SIMULATION_", "PAYGEN_FUZZ_", "PAYGEN_CRASH_", "PAYGEN_BENCH_"];

/// Refuses a name that is nearly one of a setting; returns warnings for other unknown names, which have no effect.
pub fn check(names: impl Iterator<Item = String>) -> Result<Vec<String>, ConfigError> {
    let args = Args::command();
    let commands = std::iter::once(&args).chain(args.get_subcommands());
    let flags = commands.flat_map(clap::Command::get_arguments).filter_map(|arg| arg.get_env()?.to_str());
    let known: Vec<&str> = flags.chain(FROM_ENVIRONMENT).collect();
    let mut notes = Vec::new();
    for name in names.filter(|name| name.starts_with(PREFIX)) {
        if known.contains(&name.as_str()) || CHORES.iter().any(|chore| name.starts_with(chore)) || is_service(&name) {
            continue;
        }
        // The common prefix would make short names look alike.
        let bare = known.iter().map(|name| name.trim_start_matches(PREFIX));
        if let Some(meant) = nearest(name.trim_start_matches(PREFIX), bare) {
            return Err(ConfigError(format!(
                "the environment has {name}, which is not a setting. Did you mean {PREFIX}{meant}? Unset it or give it its right name."
            )));
        }
        notes.push(format!("the environment has {name}, which is not a setting of Paygen; it has no effect"));
    }
    notes.sort();
    Ok(notes)
}

/// Whether Kubernetes or Docker set the variable for a service named after this program, such as `PAYGEN_SERVICE_HOST`.
fn is_service(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.contains("_PORT_")
}

#[cfg(test)]
mod tests {
    use super::check;

    fn checked(names: &[&str]) -> Result<Vec<String>, String> {
        check(names.iter().map(|name| (*name).to_owned())).map_err(|error| error.to_string())
    }

    #[test]
    fn mistyped_variables_stop_the_start_and_unknown_ones_are_reported() {
        let known = [
            "PATH",
            "PAYGEN_LISTEN",
            "PAYGEN_SHARED_CLOCK",
            "PAYGEN_KEY_FILE",
            "PAYGEN_URL",
            "PAYGEN_API_KEY",
            "PAYGEN_TEST_BROWSER",
        ];
        assert_eq!(checked(&known), Ok(Vec::new()));
        let services =
            ["PAYGEN_SERVICE_HOST", "PAYGEN_PORT", "PAYGEN_PORT_4000_TCP_ADDR", "PAYGEN_API_SERVICE_PORT_HTTP"];
        assert_eq!(checked(&services), Ok(Vec::new()));
        let slips = [
            ("PAYGEN_LISTN", "PAYGEN_LISTEN"),
            ("PAYGEN_KEYFILE", "PAYGEN_KEY_FILE"),
            ("PAYGEN_DATABASEURL", "PAYGEN_DATABASE_URL"),
            ("PAYGEN_WEBHOOK_RETRY_SCHEDULE", "PAYGEN_WEBHOOKS_RETRY_SCHEDULE"),
        ];
        for (slip, meant) in slips {
            let error = checked(&["PAYGEN_LISTEN", slip]).expect_err(slip);
            assert!(error.contains(slip) && error.contains(&format!("Did you mean {meant}?")), "{error}");
        }
        let strange = checked(&["PAYGEN_ENV", "PAYGEN_SOMETHING_ELSE_ENTIRELY"]).expect("no slip");
        assert!(strange.len() == 2 && strange[0].contains("has no effect"), "{strange:?}");
    }
}
