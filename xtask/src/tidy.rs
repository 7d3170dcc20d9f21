//! The rules of the workspace, as a test: banned calls in each crate, layers, file length, module docs, named tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::workspace::Failure;
use crate::{named_tests, ratchets, shape};

/// Upper bound on the length of a file.
const MAX_FILE_LINES: usize = 595;

struct Rule {
    /// The rule applies to files whose path begins with one of these.
    paths: &'static [&'static str],
    /// Exempt files.
    except: &'static [&'static str],
    banned: &'static [&'static str],
    instead: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        paths: &["core/src"],
        except: &[],
        banned: &[
            "tokio::",
            "axum::",
            "rusqlite",
            "tokio_postgres",
            "std::fs",
            "std::net::Tcp",
            "SystemTime::now",
            "Instant::now",
            "async fn",
            "f32",
            "f64",
            "rand::",
        ],
        instead: "the core does no I/O, reads no clock, draws no randomness and uses no floats: pass it as an argument",
    },
    Rule {
        paths: &["store/src/sqlite"],
        except: &[],
        banned: &["tokio_postgres"],
        instead: "the two backends do not depend on each other",
    },
    Rule {
        paths: &["store/src/postgres"],
        except: &[],
        banned: &["rusqlite"],
        instead: "the two backends do not depend on each other",
    },
    Rule {
        paths: &["store/src", "vault/src", "engine/src", "app/src", "delivery/src", "server/src/backup"],
        except: &[],
        banned: &["axum::", "StatusCode"],
        instead: "HTTP belongs to the edge, the API and the docs site",
    },
    Rule {
        paths: &["edge/src", "engine/src", "app/src", "delivery/src", "docs_site/src", "api/src", "server/src"],
        // The driver's own log is silenced by its name.
        except: &["server/src/logging.rs"],
        banned: &["rusqlite", "tokio_postgres", "SELECT ", "INSERT INTO"],
        instead: "use the engine or a Reader; SQL belongs to the store",
    },
    Rule {
        paths: &["docs_site/src"],
        except: &[],
        banned: &["https://cdn"],
        instead: "the docs site loads nothing from other hosts",
    },
    Rule {
        paths: &[
            "core/src",
            "store/src",
            "vault/src",
            "engine/src",
            "app/src",
            "edge/src",
            "delivery/src",
            "docs_site/src",
            "api/src",
            "server/src",
        ],
        except: &["server/src/cli"],
        banned: &["println!(", "eprintln!("],
        instead: "use tracing; only the command line prints",
    },
    Rule {
        paths: &[""],
        except: &["xtask/src/tidy"],
        banned: &["todo!(", "unimplemented!(", "#[ignore", "dbg!("],
        instead: "finish it, or say in the issue that it is not finished",
    },
];

const BANNED_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "manager", "common", "misc"];

/// Checks every file; the error lists each violation with its place, the rule and the fix.
pub fn check(root: &Path) -> Result<(), Failure> {
    let mut faults = Vec::new();
    let mut files = Vec::new();
    let mut tests = BTreeSet::new();
    for crate_name in shape::crates() {
        collect(&root.join(crate_name), &mut files)?;
    }
    let mut read = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        let path = file.strip_prefix(root).unwrap_or(file).display().to_string();
        check_file(&path, &text, &mut faults);
        tests.extend(named_tests::tests(&text));
        read.push(shape::File { path, text });
    }
    faults.extend(shape::faults(&read));
    faults.extend(ratchets::faults(&read));
    for (line, name) in named_tests::named(&std::fs::read_to_string(root.join("SECURITY.md"))?) {
        if !tests.contains(name) {
            faults.push(format!("SECURITY.md:{line}: there is no test `{name}`; name the one that proves it"));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(format!("the workspace breaks its rules:\n{}", faults.join("\n")).into())
    }
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(directory)?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn check_file(path: &str, text: &str, faults: &mut Vec<String>) {
    if !text.starts_with("//!") {
        faults.push(format!("{path}:1: a file begins with a `//!` doc that states its purpose"));
    }
    let lines = text.lines().count();
    if lines > MAX_FILE_LINES {
        faults.push(format!("{path}:{lines}: longer than {MAX_FILE_LINES} lines; move a part to a file of its own"));
    }
    let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if BANNED_NAMES.contains(&stem) {
        faults.push(format!("{path}:1: \"{stem}\" is too vague; name the content"));
    }
    // This file has to name what it bans.
    if path == "xtask/src/tidy.rs" {
        return;
    }
    let code = shape::code(text);
    for rule in RULES {
        let begins = |paths: &[&str]| paths.iter().any(|crate_name| path.starts_with(crate_name));
        let tests = path.contains("/tests/") || path.contains("_tests.rs") || path.ends_with("/tests.rs");
        if !begins(rule.paths) || begins(rule.except) || (tests && !rule.banned.contains(&"todo!(")) {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            for banned in rule.banned.iter().filter(|banned| mentions(line, banned)) {
                faults.push(format!("{path}:{}: `{banned}`: {}", number + 1, rule.instead));
            }
        }
    }
}

/// Whether a line contains the word, not as part of a longer one.
fn mentions(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let ends_as_word = word.ends_with(|c: char| c.is_alphanumeric());
        !(joins(before) || ends_as_word && joins(after))
    })
}

#[cfg(test)]
mod tests {
    use super::{check, check_file};

    #[test]
    fn the_workspace_is_tidy() {
        check(&crate::workspace::root()).unwrap_or_else(|failure| panic!("{failure}"));
    }

    #[test]
    fn faults_are_found() {
        let cases = [
            ("core/src/x.rs", "//! X\nlet a: f64 = 1;", 1),
            ("core/src/x.rs", "use std::fs;", 2),
            ("core/src/helpers.rs", "//! X", 1),
            ("api/src/x.rs", "//! X\nlet q = \"SELECT 1\";", 1),
            ("engine/src/x.rs", "//! X\nuse axum::Router;", 1),
            ("store/src/sqlite/x.rs", "//! X\nuse tokio_postgres;", 1),
            ("server/src/x.rs", "//! X\nprintln!(\"x\");", 1),
            ("server/src/cli/x.rs", "//! X\nprintln!(\"x\");", 0),
            ("core/src/x.rs", "//! X\n// f64 in a comment", 0),
        ];
        for (path, text, expected) in cases {
            let mut faults = Vec::new();
            check_file(path, text, &mut faults);
            assert_eq!(faults.len(), expected, "{path}: {faults:?}");
        }
    }
}
