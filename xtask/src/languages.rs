//! The languages that the guides' samples are played in: found on this machine or installed with apt.

use std::process::{Command, Stdio};

use crate::house::Failure;

/// What each is looked for with, and the package that has it.
const TOOLS: &[(&[&str], &str)] = &[
    (&["curl", "--version"], "curl"),
    (&["jq", "--version"], "jq"),
    (&["node", "--version"], "nodejs"),
    (&["python3", "-c", "import requests"], "python3-requests"),
];

/// Makes sure that they are there. Nothing on the system is changed unless this runs as root, as in a container.
pub fn ensure() -> Result<(), Failure> {
    let works = |command: &[&str]| {
        let mut tool = Command::new(command[0]);
        tool.args(&command[1..]).stdout(Stdio::null()).stderr(Stdio::null());
        tool.status().is_ok_and(|status| status.success())
    };
    let missing: Vec<&str> = TOOLS.iter().filter(|(command, _)| !works(command)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        crate::packages::install(&missing, "the samples of the guides are played in them")
    }
}
