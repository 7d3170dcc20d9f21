//! The languages in which the tests run the guides' samples: found on this machine or installed with apt.

use std::process::{Command, Stdio};

use crate::workspace::{Failure, is_root};

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
    // Debian has no package of the signatures' library, of the identity provider and of one-time codes; without pip their tests say what is
    // missing.
    if !works(&["python3", "-c", "import standardwebhooks, oidc_provider_mock, pyotp"]) && is_root() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "standardwebhooks", "oidc-provider-mock", "pyotp"])
            .env("PIP_BREAK_SYSTEM_PACKAGES", "1");
        let _ = pip.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    let missing: Vec<&str> = TOOLS.iter().filter(|(command, _)| !works(command)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        crate::packages::install(&missing, "the samples of the guides are played in them")
    }
}
