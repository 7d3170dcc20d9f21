//! The browser in which the tests open the hosted page: chromium, found on this machine or installed with apt.

use std::path::PathBuf;

use crate::workspace::Failure;

/// The variable that names the browser for the tests.
pub const VARIABLE: &str = "PAYGEN_TEST_BROWSER";

const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];

/// The browser named by `PAYGEN_TEST_BROWSER`, found on the path, or installed with apt. The system is changed only
/// when this runs as root, as in a container.
pub fn path() -> Result<PathBuf, Failure> {
    if let Some(given) = std::env::var_os(VARIABLE).map(PathBuf::from) {
        let missing = || format!("{VARIABLE} is {}, which is no file", given.display()).into();
        return if given.is_file() { Ok(given) } else { Err(missing()) };
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    let why = format!("the tests of the pages need Chromium or Chrome; {VARIABLE} may name one");
    crate::packages::install(&["chromium"], &why)?;
    find().ok_or_else(|| "chromium was installed, but is not on the path".into())
}

fn find() -> Option<PathBuf> {
    let places: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let mut candidates = NAMES.iter().flat_map(|name| places.iter().map(move |place| place.join(name)));
    let mac = PathBuf::from("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
    candidates.find(|program| program.is_file()).or_else(|| mac.is_file().then_some(mac))
}
