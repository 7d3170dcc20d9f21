//! Debian packages that chores need: installed when run as root, otherwise named in the error.

use std::process::{Command, Stdio};

use crate::workspace::{Failure, is_root};

/// Installs Debian packages, or fails with which are needed and why.
pub fn install(packages: &[&str], why: &str) -> Result<(), Failure> {
    let names = packages.join(" ");
    let ask =
        format!("{why}. Install them: `sudo apt-get install {names}`, or your system's packages of these programs");
    let has_apt = Command::new("apt-get").arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_root() || !has_apt {
        return Err(ask.into());
    }
    eprintln!("xtask: installing {names}");
    let install = [&["install", "-q", "-y", "--no-install-recommends"], packages].concat();
    for arguments in [vec!["update", "-q"], install] {
        let mut apt = Command::new("apt-get");
        apt.args(&arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null());
        if !apt.status().is_ok_and(|status| status.success()) {
            return Err(format!("{apt:?} failed; {ask}").into());
        }
    }
    Ok(())
}
