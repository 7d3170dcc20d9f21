//! Known faults of our dependencies: the advisories of RustSec, stored in `advisories.tsv` beside the lock file,
//! because the checks run where the advisories' repository cannot be reached.
//!
//! To update them: `git clone --depth 1 https://github.com/rustsec/advisory-db` and `cargo xtask advisories --from
//! advisory-db`. The file has all advisories, not only those of our dependencies, so that new dependencies are covered
//! too. A line is an advisory: id, crate, kind, fixed versions, versions never affected, title.

use std::path::Path;
use std::process::Command;

use semver::{Version, VersionReq};

use crate::workspace::Failure;

/// The file, at the root of the repository.
pub const FILE: &str = "advisories.tsv";

/// Advisories that are accepted, each with the reason; one that no longer applies must be removed.
const ACCEPTED: &[(&str, &str)] =
    &[("RUSTSEC-2023-0071", "passkeys are verified with public RSA keys; the fault is in the use of private ones")];

/// An advisory.
#[derive(Debug)]
pub struct Advisory {
    id: String,
    package: String,
    kind: String,
    patched: Vec<VersionReq>,
    unaffected: Vec<VersionReq>,
    title: String,
}

impl Advisory {
    fn affects(&self, package: &str, version: &Version) -> bool {
        let is_safe = |some: &[VersionReq]| some.iter().any(|required| required.matches(version));
        self.package == package && !is_safe(&self.patched) && !is_safe(&self.unaffected)
    }

    /// Whether it is a fault of the crate, rather than a notice about it.
    fn is_fault(&self) -> bool {
        matches!(self.kind.as_str(), "vulnerability" | "unsound")
    }
}

/// Parses the file.
pub fn read(text: &str) -> Result<Vec<Advisory>, Failure> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(advisory).collect()
}

fn advisory(line: &str) -> Result<Advisory, Failure> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [id, package, kind, patched, unaffected, title] = fields[..] else {
        return Err(format!("{FILE}: this is no advisory: {line}").into());
    };
    let versions = |text: &str| -> Result<Vec<VersionReq>, Failure> {
        let some = text.split(" | ").filter(|one| !one.is_empty());
        some.map(|one| VersionReq::parse(one).map_err(|error| format!("{FILE}, {id}: {error}").into())).collect()
    };
    Ok(Advisory {
        id: id.to_owned(),
        package: package.to_owned(),
        kind: kind.to_owned(),
        patched: versions(patched)?,
        unaffected: versions(unaffected)?,
        title: title.to_owned(),
    })
}

/// The advisories against these packages, by name and version: faults, and notices.
pub fn against(advisories: &[Advisory], packages: &[(String, String)]) -> Result<(Vec<String>, Vec<String>), Failure> {
    let (mut faults, mut news) = (Vec::new(), Vec::new());
    for (name, version) in packages {
        let parsed = Version::parse(version).map_err(|error| format!("{name} {version}: {error}"))?;
        for found in advisories.iter().filter(|advisory| advisory.affects(name, &parsed)) {
            let fix: Vec<String> = found.patched.iter().map(ToString::to_string).collect();
            let fix = if fix.is_empty() {
                "no version has a fix".to_owned()
            } else {
                format!("fixed in {}", fix.join(" or "))
            };
            let described = format!("{name} {version}: {} ({}), {fix}: {}", found.id, found.kind, found.title);
            match ACCEPTED.iter().any(|(id, _)| *id == found.id) {
                true => {}
                false if found.is_fault() => faults.push(described),
                false => news.push(described),
            }
        }
    }
    Ok((faults, news))
}

/// What is accepted although none of these packages has it any more.
pub fn idle(advisories: &[Advisory], packages: &[(String, String)]) -> Vec<String> {
    let has = |id: &str| {
        let affects = |advisory: &Advisory, (name, version): &(String, String)| {
            Version::parse(version).is_ok_and(|version| advisory.affects(name, &version))
        };
        let known = advisories.iter().filter(|advisory| advisory.id == id);
        known.into_iter().any(|advisory| packages.iter().any(|package| affects(advisory, package)))
    };
    let unused = ACCEPTED.iter().filter(|(id, _)| !has(id));
    unused.map(|(id, why)| format!("{id} is accepted ({why}) and applies to nothing any more")).collect()
}

/// Rewrites the file from a clone of the advisories' repository.
pub fn update(from: &Path, root: &Path) -> Result<(), Failure> {
    let log = Command::new("git").arg("-C").arg(from).args(["log", "-1", "--format=%H %cs"]).output()?;
    let of = String::from_utf8_lossy(&log.stdout).trim().to_owned();
    if of.is_empty() {
        return Err(format!("{} is no copy of https://github.com/rustsec/advisory-db", from.display()).into());
    }
    let mut lines = Vec::new();
    for package in std::fs::read_dir(from.join("crates"))? {
        for file in std::fs::read_dir(package?.path())? {
            let path = file?.path();
            let text = std::fs::read_to_string(&path)?;
            let line = line_of(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            lines.extend(line);
        }
    }
    lines.sort();
    let head = "# Advisories of RustSec (https://rustsec.org), CC0-1.0, some CC-BY-4.0; written by `cargo xtask advisories` from the commit";
    std::fs::write(root.join(FILE), format!("{head} {of}\n{}\n", lines.join("\n")))?;
    println!("{FILE} has {} advisories of {of}.", lines.len());
    read(&std::fs::read_to_string(root.join(FILE))?).map(|_| ())
}

/// The line for an advisory in the repository's form, a TOML block followed by text; `None` when it was withdrawn.
fn line_of(text: &str) -> Result<Option<String>, Failure> {
    let (_, rest) = text.split_once("```toml").ok_or("it has no TOML block")?;
    let (block, prose) = rest.split_once("```").ok_or("its TOML block has no end")?;
    let parsed: toml::Table = block.parse()?;
    let about = &parsed["advisory"];
    if about.get("withdrawn").is_some() {
        return Ok(None);
    }
    let word = |name: &str| about.get(name).and_then(toml::Value::as_str).map(str::to_owned);
    let versions = |name: &str| {
        let all = parsed.get("versions").and_then(|versions| versions.get(name)).and_then(toml::Value::as_array);
        let all = all.map_or(&[][..], Vec::as_slice).iter().filter_map(toml::Value::as_str);
        all.collect::<Vec<_>>().join(" | ")
    };
    let title = prose.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default().replace('\t', " ");
    let (id, package) = (word("id").ok_or("it has no id")?, word("package").ok_or("it has no package")?);
    let kind = word("informational").unwrap_or_else(|| "vulnerability".to_owned());
    Ok(Some([id, package, kind, versions("patched"), versions("unaffected"), title].join("\t")))
}

#[cfg(test)]
mod tests {
    use super::{FILE, against, line_of, read};

    fn packages(some: &[(&str, &str)]) -> Vec<(String, String)> {
        some.iter().map(|(name, version)| ((*name).to_owned(), (*version).to_owned())).collect()
    }

    #[test]
    fn a_version_with_a_known_fault_is_named_and_a_safe_one_is_not() {
        let line = "RUSTSEC-2021-0072\ttokio\tvulnerability\t>= 1.5.1, < 1.6.0 | >= 1.8.1\t< 0.3.0\tTask dropped";
        let news = "RUSTSEC-2030-0001\told\tunmaintained\t\t\told is unmaintained";
        let advisories = read(&format!("# head\n{line}\n{news}\n")).expect("advisories");
        let cases = [
            ("tokio", "1.8.0", 1, 0),
            ("tokio", "1.8.1", 0, 0),
            ("tokio", "1.5.2", 0, 0),
            ("tokio", "0.2.9", 0, 0),
            ("tokio-util", "1.8.0", 0, 0),
            ("old", "9.9.9", 0, 1),
        ];
        for (name, version, faults, notices) in cases {
            let found = against(&advisories, &packages(&[(name, version)])).expect("versions");
            assert_eq!((found.0.len(), found.1.len()), (faults, notices), "{name} {version}: {found:?}");
        }
        let (faults, _) = against(&advisories, &packages(&[("tokio", "1.8.0")])).expect("versions");
        assert!(faults[0].contains("RUSTSEC-2021-0072") && faults[0].contains(">=1.8.1"), "{faults:?}");
    }

    #[test]
    fn the_kept_advisories_read_and_would_find_a_planted_one() {
        let root = crate::workspace::root();
        let advisories = read(&std::fs::read_to_string(root.join(FILE)).expect("the file")).expect("advisories");
        assert!(advisories.len() > 500, "{}", advisories.len());
        let planted = packages(&[("tokio", "1.8.0"), ("rustls", "0.20.0"), ("time", "0.1.43")]);
        let (faults, _) = against(&advisories, &planted).expect("versions");
        for (name, version) in planted {
            assert!(faults.iter().any(|fault| fault.starts_with(&format!("{name} {version}: RUSTSEC-"))), "{faults:?}");
        }
    }

    #[test]
    fn an_advisory_becomes_a_line_unless_it_was_withdrawn() {
        let text = "```toml\n[advisory]\nid = \"RUSTSEC-1\"\npackage = \"a\"\n[versions]\npatched = [\"^1.2\", \">= 2\"]\n```\n\n# It breaks\n";
        assert_eq!(
            line_of(text).expect("it reads").as_deref(),
            Some("RUSTSEC-1\ta\tvulnerability\t^1.2 | >= 2\t\tIt breaks")
        );
        let withdrawn = text.replace("package", "withdrawn = \"2024-01-01\"\npackage");
        assert_eq!(line_of(&withdrawn).expect("it reads"), None);
        assert!(line_of("no block").is_err() && read("RUSTSEC-1\ta").is_err());
    }
}
