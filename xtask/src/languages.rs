//! The languages in which the tests run the guides' samples: found on this machine or installed with apt.

use std::process::{Command, Stdio};

use crate::workspace::Failure;

/// The commands that show whether each tool is present, and the package that provides it.
const TOOLS: &[(&[&str], &str)] = &[
    (&["curl", "--version"], "curl"),
    (&["jq", "--version"], "jq"),
    (&["node", "--version"], "nodejs"),
    (&["python3", "-c", "import requests"], "python3-requests"),
];

/// Ensures that the tools are present. The system is changed only when this runs as root, as in a container.
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
