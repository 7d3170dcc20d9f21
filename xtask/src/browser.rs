//! The browser the tests open the hosted page in: chromium, found on this machine or installed with apt.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Failure;

/// Where the tests learn which browser to drive.
pub const VARIABLE: &str = "PAYGEN_TEST_BROWSER";

const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];

/// The browser of `PAYGEN_TEST_BROWSER`, of the path, or fresh from apt. Nothing on the system is changed unless this runs as
/// root, as in a container.
pub fn path() -> Result<PathBuf, Failure> {
    if let Some(given) = std::env::var_os(VARIABLE).map(PathBuf::from) {
        let missing = || format!("{VARIABLE} is {}, which is no file", given.display()).into();
        return if given.is_file() { Ok(given) } else { Err(missing()) };
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    let why = format!("the tests of the pages need Chromium or Chrome; {VARIABLE} may name one");
    install(&["chromium"], &why)?;
    find().ok_or_else(|| "chromium was installed, but is not on the path".into())
}

fn find() -> Option<PathBuf> {
    let places: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let mut candidates = NAMES.iter().flat_map(|name| places.iter().map(move |place| place.join(name)));
    let mac = PathBuf::from("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
    candidates.find(|program| program.is_file()).or_else(|| mac.is_file().then_some(mac))
}

/// Installs Debian packages, or says which are needed and why.
pub fn install(packages: &[&str], why: &str) -> Result<(), Failure> {
    let names = packages.join(" ");
    let ask =
        format!("{why}. Install them: `sudo apt-get install {names}`, or your system's packages of these programs");
    let has_apt = Command::new("apt-get").arg("--version").output().is_ok_and(|output| output.status.success());
    if !crate::postgres::is_root() || !has_apt {
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
