//! Rules for dependencies: allowed licences, one source, no second crypto library, no known faults, exact JSON numbers.

use std::path::Path;

use crate::advisories;
use crate::workspace::{Failure, cargo};

const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "0BSD",
    "CC0-1.0",
    "Unlicense",
    "MIT-0",
    "BSL-1.0",
    "OpenSSL",
    "CDLA-Permissive-2.0",
    // Copyleft of the files alone: they are used as published, and nothing of ours becomes part of them.
    "MPL-2.0",
];

const BANNED: &[(&str, &str)] = &[
    ("openssl", "aws-lc-rs does all crypto"),
    ("openssl-sys", "aws-lc-rs does all crypto"),
    ("native-tls", "rustls with aws-lc-rs does TLS"),
    ("ring", "aws-lc-rs does all crypto"),
];

const ONCE: &[&str] = &["rusqlite", "tokio", "axum", "jiff", "aws-lc-rs", "rustls", "serde_json", "tokio-postgres"];

/// Checks every package of the lock file.
pub fn check(root: &Path) -> Result<(), Failure> {
    let output = cargo().current_dir(root).args(["metadata", "--format-version", "1", "--locked"]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let built = built(root)?;
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let packages: Vec<serde_json::Value> = packages
        .into_iter()
        .filter(|package| built.contains(&format!("{} v{}", text_of(package, "name"), text_of(package, "version"))))
        .collect();
    let mut faults = Vec::new();
    for package in &packages {
        let text = |field: &str| text_of(package, field);
        let (name, version, licence, source) = (text("name"), text("version"), text("license"), text("source"));
        if source.is_empty() {
            continue;
        }
        if !source.starts_with("registry+") && !source.starts_with("sparse+") {
            faults.push(format!("{name} {version}: comes from {source}; only a crates registry will do"));
        }
        if let Some((_, instead)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            faults.push(format!("{name} {version}: is banned; {instead}"));
        }
        if !allowed(&licence) {
            faults.push(format!("{name} {version}: its licence \"{licence}\" is not on the list"));
        }
    }
    for once in ONCE {
        let count = packages.iter().filter(|package| package["name"] == *once).count();
        if count > 1 {
            faults.push(format!("{once}: {count} versions of it; one will do"));
        }
    }
    let advisories = advisories::read(&std::fs::read_to_string(root.join(advisories::FILE))?)?;
    let versions: Vec<(String, String)> =
        packages.iter().map(|package| (text_of(package, "name"), text_of(package, "version"))).collect();
    let (known, news) = advisories::against(&advisories, &versions)?;
    faults.extend(known);
    faults.extend(advisories::idle(&advisories, &versions));
    news.iter().for_each(|news| println!("note: {news}"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml"))?;
    if manifest.contains("arbitrary_precision") {
        faults.push(
            "serde_json's arbitrary_precision breaks flattened and tagged types everywhere; use RawValue".to_owned(),
        );
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("dependencies:\n{}", faults.join("\n")).into()) }
}

fn text_of(package: &serde_json::Value, field: &str) -> String {
    package[field].as_str().unwrap_or_default().to_owned()
}

/// The packages that are built for some target: the lock file also lists those of disabled optional features.
fn built(root: &Path) -> Result<std::collections::HashSet<String>, Failure> {
    let arguments = ["tree", "--workspace", "--target", "all", "--prefix", "none", "--format", "{p}", "--locked"];
    let output = cargo().current_dir(root).args(arguments).output()?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let name_and_version = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    Ok(lines.lines().map(name_and_version).collect())
}

/// Whether one of the expression's alternatives consists of allowed licences only.
fn allowed(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" OR ").any(|alternative| {
        alternative
            .split(" AND ")
            .map(|licence| licence.split(" WITH ").next().unwrap_or(licence).trim())
            .all(|licence| LICENCES.contains(&licence))
    })
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn expressions_are_read() {
        let cases = [
            ("MIT", true),
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0 OR MIT", true),
            ("AGPL-3.0-only", false),
            ("ISC AND (Apache-2.0 OR ISC)", true),
            ("", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(allowed(expression), expected, "{expression}");
        }
    }
}
