//! The shape of the house, as a test: what each room may know, and what no room may do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::house::Failure;
use crate::{named_tests, shape};

/// The longest file, in lines.
const LONGEST: usize = 620;

struct Rule {
    /// Files whose path begins with one of these.
    rooms: &'static [&'static str],
    /// Files whose path begins with one of these are free.
    except: &'static [&'static str],
    banned: &'static [&'static str],
    instead: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        rooms: &["core/src"],
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
        instead: "the core does no I/O, reads no clock, draws no randomness and knows no float: hand it in",
    },
    Rule {
        rooms: &["store/src/sqlite"],
        except: &[],
        banned: &["tokio_postgres"],
        instead: "the two backends do not see each other",
    },
    Rule {
        rooms: &["store/src/postgres"],
        except: &[],
        banned: &["rusqlite"],
        instead: "the two backends do not see each other",
    },
    Rule {
        rooms: &["store/src", "vault/src", "engine/src", "app/src", "delivery/src", "server/src/backup"],
        except: &[],
        banned: &["axum::", "StatusCode"],
        instead: "HTTP is known at the edge, in the API and in the docs site",
    },
    Rule {
        rooms: &["edge/src", "engine/src", "app/src", "delivery/src", "docs_site/src", "api/src", "server/src"],
        // The driver's own log is quieted by its name.
        except: &["server/src/logging.rs"],
        banned: &["rusqlite", "tokio_postgres", "SELECT ", "INSERT INTO"],
        instead: "ask the engine or a Reader; SQL lives in the store",
    },
    Rule {
        rooms: &["docs_site/src"],
        except: &[],
        banned: &["https://cdn"],
        instead: "nothing of the docs site comes from elsewhere",
    },
    Rule {
        rooms: &[
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
        rooms: &[""],
        except: &["xtask/src/tidy"],
        banned: &["todo!(", "unimplemented!(", "#[ignore", "dbg!("],
        instead: "finish it, or say in the issue that it is not finished",
    },
];

const BANNED_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "manager", "common", "misc"];

/// Checks every file; the error lists each place, the rule and the way out.
pub fn check(root: &Path) -> Result<(), Failure> {
    let mut faults = Vec::new();
    let mut files = Vec::new();
    let mut tests = BTreeSet::new();
    for room in shape::crates() {
        collect(&root.join(room), &mut files)?;
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
    for (line, name) in named_tests::named(&std::fs::read_to_string(root.join("SECURITY.md"))?) {
        if !tests.contains(name) {
            faults.push(format!("SECURITY.md:{line}: there is no test `{name}`; name the one that shows it"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("the house is untidy:\n{}", faults.join("\n")).into()) }
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
        faults.push(format!("{path}:1: a file begins with `//!` and what it is for"));
    }
    let lines = text.lines().count();
    if lines > LONGEST {
        faults.push(format!("{path}:{lines}: longer than {LONGEST} lines; move a part to a room of its own"));
    }
    let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if BANNED_NAMES.contains(&stem) {
        faults.push(format!("{path}:1: \"{stem}\" says nothing; name what is in it"));
    }
    // What this file bans it has to name.
    if path == "xtask/src/tidy.rs" {
        return;
    }
    let code = shape::code(text);
    for rule in RULES {
        let begins = |rooms: &[&str]| rooms.iter().any(|room| path.starts_with(room));
        let tests = path.contains("/tests/") || path.contains("_tests.rs") || path.ends_with("/tests.rs");
        if !begins(rule.rooms) || begins(rule.except) || (tests && !rule.banned.contains(&"todo!(")) {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            for banned in rule.banned.iter().filter(|banned| mentions(line, banned)) {
                faults.push(format!("{path}:{}: `{banned}`: {}", number + 1, rule.instead));
            }
        }
    }
}

/// Whether a line has the word, not as a part of a longer one.
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
    fn the_house_is_tidy() {
        check(&crate::house::root()).unwrap_or_else(|failure| panic!("{failure}"));
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
