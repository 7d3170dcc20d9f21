//! Restricts Paygen's files to their owner: the database, its log, documents, keys, sockets and backups.
//!
//! New files are created for their owner only. Existing files are checked when a server starts: production refuses
//! files that others can read or write, or that belong to another user, and names the fix; the sandbox restricts the
//! files it owns.

use std::fs::{Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

use crate::config::Config;
use crate::config_error::ConfigError;

/// Permissions of group and others.
const OTHERS: u32 = 0o077;

/// The sticky bit, as on directories that all may write to, such as /tmp.
const STICKY: u32 = 0o1000;

/// The files in a data directory.
const FILES: [&str; 8] = [
    "paygen.sqlite",
    "paygen.sqlite-wal",
    "paygen.sqlite-shm",
    "paygen.lock",
    "admin.sock",
    "sandbox.key",
    "sandbox-vault.key",
    "documents",
];

/// Sets the umask, so that files created from now on are accessible to their owner only.
pub fn keep_to_owner() {
    umask(Mode::from_raw_mode(OTHERS));
}

/// The existing directories and files to check: the data directory, the directory of documents and their content.
/// Symbolic links are followed, because their targets are what is used.
fn existing_files(config: &Config) -> impl Iterator<Item = (PathBuf, Metadata)> {
    let documents = config.documents_url.as_deref().and_then(|url| url.strip_prefix("file://")).map(PathBuf::from);
    let files = FILES.map(|name| config.data_dir.join(name));
    let paths = std::iter::once(config.data_dir.clone()).chain(files).chain(documents).chain(config.key_file.clone());
    paths.filter_map(|path| std::fs::metadata(&path).ok().map(|found| (path, found)))
}

/// The permissions that one of our files or directories must have.
fn expected_mode(found: &Metadata) -> u32 {
    if found.is_dir() { 0o700 } else { 0o600 }
}

/// Refuses files that others can access; the error lists them with the commands that fix them.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    let own = geteuid().as_raw();
    let (mut faults, mut fixes) = (Vec::new(), Vec::new());
    for (path, found) in existing_files(config) {
        let (shown, mode) = (path.display(), found.mode() & 0o7777);
        if found.uid() != own {
            faults.push(format!("{shown} belongs to the user {}, and paygen runs as {own}", found.uid()));
            fixes.push(format!("chown {own} {}", quoted(&path)));
        }
        if mode & OTHERS != 0 {
            faults.push(format!("{shown} is open to others (mode {mode:04o})"));
            fixes.push(format!("chmod {:o} {}", expected_mode(&found), quoted(&path)));
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(ConfigError(format!(
        "{}. They hold the ledger, personal data and keys, which must be their owner's alone. Run:\n  {}\nWhere the \
         directory cannot be changed, as the top of a mounted volume, name one below it with --data-dir: it is made \
         expected_mode.",
        faults.join("; "),
        fixes.join("\n  ")
    )))
}

/// Removes the access of others from files that this user owns.
pub fn tighten(config: &Config) {
    let own = geteuid().as_raw();
    for (path, found) in existing_files(config) {
        let is_ours = found.uid() == own && found.mode() & STICKY == 0;
        if is_ours
            && found.mode() & OTHERS != 0
            && let Err(error) = std::fs::set_permissions(&path, Permissions::from_mode(expected_mode(&found)))
        {
            tracing::warn!(error = %error, path = %path.display(), "others can access it, and its permissions could not be changed");
        }
    }
}

/// A path quoted for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.chars().all(|character| character.is_ascii_alphanumeric() || "/._-".contains(character));
    if is_plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{check, quoted, tighten};
    use crate::common_args::CommonArgs;
    use crate::config::{Config, Mode};

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
    }

    #[test]
    fn what_others_can_get_at_is_named_with_the_fix_and_taken_from_them() {
        let directory = tempfile::tempdir().expect("a directory");
        let data_dir = directory.path().join("data");
        std::fs::create_dir(&data_dir).expect("a directory");
        let args = CommonArgs { data_dir: Some(data_dir.clone()), ..CommonArgs::default() };
        let config = Config::load(Mode::Dev, &args).expect("settings");
        let database = data_dir.join("paygen.sqlite");
        std::fs::write(&database, "x").expect("a file");
        let wide = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
        let cases = [
            (0o755, 0o600, vec!["chmod 700 "]),
            (0o700, 0o640, vec!["chmod 600 "]),
            (0o707, 0o602, vec!["chmod 700 ", "chmod 600 "]),
        ];
        for (of_directory, of_file, fixes) in cases {
            wide(&data_dir, of_directory);
            wide(&database, of_file);
            let refused = check(&config).expect_err("others can get at it").to_string();
            assert_eq!(refused.matches("chmod ").count(), fixes.len(), "{refused}");
            assert!(fixes.iter().all(|fix| refused.contains(fix)), "{refused}");
            tighten(&config);
            assert_eq!((mode(&data_dir), mode(&database)), (0o700, 0o600));
            check(&config).expect("it is its owner's alone");
        }
    }

    #[test]
    fn a_directory_that_all_may_write_to_is_not_changed() {
        let directory = tempfile::tempdir().expect("a directory");
        let data_dir = directory.path().to_owned();
        std::fs::set_permissions(&data_dir, Permissions::from_mode(0o1777)).expect("a mode");
        let args = CommonArgs { data_dir: Some(data_dir.clone()), ..CommonArgs::default() };
        tighten(&Config::load(Mode::Dev, &args).expect("settings"));
        assert_eq!(mode(&data_dir), 0o1777);
    }

    #[test]
    fn paths_are_shown_as_a_shell_takes_them() {
        let cases = [("/var/lib/paygen", "/var/lib/paygen"), ("/my data/it's", "'/my data/it'\\''s'")];
        for (path, shown) in cases {
            assert_eq!(quoted(Path::new(path)), shown);
        }
    }
}
