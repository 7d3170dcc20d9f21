//! The layers of the workspace as its `use` lines show them: which crate may depend on which, and no import cycles
//! between files.
//!
//! A path counts as an import of the file that defines the item. A name that a `mod.rs` re-exports from a file of its
//! folder (`pub use`) is resolved to that file, and the re-export itself is no import. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};

/// Every crate with those it may depend on, lowest layer first. Crates of one layer do not depend on each other.
const LAYERS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("vault", &[]),
    ("store", &["core"]),
    ("edge", &["core"]),
    ("engine", &["core", "store"]),
    ("app", &["core", "vault", "store", "engine"]),
    ("delivery", &["core", "vault", "store", "engine"]),
    ("docs_site", &["edge"]),
    ("api", &["core", "vault", "store", "edge", "engine", "app", "delivery"]),
    ("console", &["core", "edge", "engine", "app", "store"]),
    ("server", &["core", "vault", "store", "edge", "engine", "app", "delivery", "docs_site", "api", "console"]),
    ("xtask", &[]),
];

/// A source file: its path from the root, such as `core/src/cards/create.rs`, and its text.
pub struct File {
    pub path: String,
    pub text: String,
}

/// The names of the crates, each a directory.
pub fn crates() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().map(|(name, _)| *name)
}

/// The violations in these files.
pub fn faults(files: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, allowed) in LAYERS {
        let root = format!("{name}/src/");
        let own: Vec<&File> = files.iter().filter(|file| file.path.starts_with(&root)).collect();
        for file in &own {
            arrows_up(name, allowed, file, &mut faults);
        }
        for circle in circles(&root, &own) {
            faults.push(format!("{root}: these import each other in a circle: {}", circle.join(", ")));
        }
    }
    for file in files {
        let name = file.path.split('/').next().unwrap_or_default();
        if !LAYERS.iter().any(|(known, _)| *known == name) {
            faults.push(format!("{}: the crate {name} has no layer in xtask/src/shape.rs", file.path));
        }
    }
    faults
}

fn arrows_up(name: &str, allowed: &[&str], file: &File, faults: &mut Vec<String>) {
    for (number, line) in code(&file.text).lines().enumerate() {
        for (other, _) in LAYERS {
            let crate_name = format!("paygen_{other}");
            let named = has_word(line, &crate_name);
            let is_own = *other == name;
            if named && !is_own && !allowed.contains(other) {
                let knows = if allowed.is_empty() { "no other crate".to_owned() } else { allowed.join(", ") };
                let place = format!("{}:{}", file.path, number + 1);
                faults.push(format!(
                    "{place}: `{crate_name}`: {name} may know {knows}; no crate imports upwards or sideways"
                ));
            }
        }
    }
}

/// The code of a file, without its unit tests and line comments.
pub fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    code.lines().map(without_comment).collect::<Vec<_>>().join("\n")
}

/// A line up to its comment. `//` within a string, as in a URL, does not begin one.
pub fn without_comment(line: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    let bytes = line.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\\' if quoted && !escaped => {
                escaped = true;
                continue;
            }
            b'"' if !escaped && (at == 0 || bytes[at - 1] != b'\'') => quoted = !quoted,
            b'/' if !quoted && bytes.get(at + 1) == Some(&b'/') => return &line[..at],
            _ => {}
        }
        escaped = false;
    }
    line
}

fn has_word(line: &str, word: &str) -> bool {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word)
        .any(|(at, _)| !joins(line[..at].chars().next_back()) && !joins(line[at + word.len()..].chars().next()))
}

/// A module: its file, the names it defines, and those it re-exports.
struct Module<'a> {
    file: &'a str,
    text: String,
    /// Re-exported names with their paths; `*` re-exports everything.
    re_exports: Vec<(String, Vec<String>)>,
    imports: Vec<Vec<String>>,
}

fn circles(root: &str, files: &[&File]) -> Vec<Vec<String>> {
    let mut modules = BTreeMap::new();
    for file in files {
        let inner = file.path.strip_prefix(root).unwrap_or(&file.path);
        if is_test(&file.path) {
            continue;
        }
        let path = module_path(inner);
        let text = code(&file.text);
        let (re_exports, imports) = paths(&text, &path);
        modules.insert(path, Module { file: &file.path, text, re_exports, imports });
    }
    let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for module in modules.values() {
        let to = arrows.entry(module.file).or_default();
        for import in &module.imports {
            if let Some(file) = defining_file(&modules, import, 0).filter(|file| *file != module.file) {
                to.insert(file);
            }
        }
    }
    components(&arrows).into_iter().map(|circle| circle.into_iter().map(str::to_owned).collect()).collect()
}

/// Whether a file, by its path from the root, is compiled for tests only.
pub fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/") || path.contains("/testing/")
}

/// `cards/create.rs` is `cards::create`, `cards/mod.rs` is `cards`, `lib.rs` is the root.
fn module_path(inner: &str) -> Vec<String> {
    let mut path: Vec<String> = inner.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        path.pop();
    }
    path
}

type Paths = (Vec<(String, Vec<String>)>, Vec<Vec<String>>);

/// The re-exports (`pub use`) of a file, and the other paths of this crate that it names.
fn paths(text: &str, module: &[String]) -> Paths {
    let (mut re_exports, mut imports) = (Vec::new(), Vec::new());
    let mut rest = String::with_capacity(text.len());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        let is_public = trimmed.starts_with("pub use ") || trimmed.starts_with("pub(") && trimmed.contains(") use ");
        let Some(tree) = trimmed.split_once("use ").filter(|(before, _)| before.is_empty() || is_public) else {
            rest.push_str(line);
            rest.push('\n');
            continue;
        };
        let mut tree = tree.1.to_owned();
        while !tree.contains(';') {
            let Some(next) = lines.next() else { break };
            tree.push_str(next.trim());
        }
        let mut found = Vec::new();
        expand(tree.split(';').next().unwrap_or_default(), &[], &mut found);
        for path in found {
            let Some((path, name)) = absolute(path, module) else { continue };
            if is_public { re_exports.push((name, path)) } else { imports.push(path) }
        }
    }
    for begin in ["crate::", "super::"] {
        for (at, _) in rest.match_indices(begin) {
            let before = rest[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '$')) {
                continue;
            }
            let end =
                rest[at..].find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':'))).unwrap_or(rest.len() - at);
            let named = rest[at..at + end].trim_end_matches(':');
            // A macro is at the crate's root wherever it is defined.
            if rest[at + end..].starts_with('!') {
                continue;
            }
            let path: Vec<String> = named.split("::").map(str::to_owned).collect();
            imports.extend(absolute(path, module).map(|(path, _)| path));
        }
    }
    (re_exports, imports)
}

/// The single paths of a tree such as `a::{b, c::{d as e, f}}`.
fn expand(tree: &str, before: &[String], found: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    if tree.is_empty() {
        return;
    }
    let Some(open) = tree.find('{') else {
        let path = tree.split("::").map(|part| part.trim().to_owned());
        found.push(before.iter().cloned().chain(path).collect());
        return;
    };
    let stem: Vec<String> =
        tree[..open].split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    let before: Vec<String> = before.iter().cloned().chain(stem).collect();
    let inside = tree[open + 1..].rfind('}').map_or(&tree[open + 1..], |close| &tree[open + 1..open + 1 + close]);
    let (mut depth, mut from) = (0, 0);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                expand(&inside[from..at], &before, found);
                from = at + 1;
            }
            _ => {}
        }
    }
    expand(&inside[from..], &before, found);
}

/// A path from the crate's root and the name it is imported as; `None` for another crate's.
fn absolute(path: Vec<String>, module: &[String]) -> Option<(Vec<String>, String)> {
    let mut path = path;
    let last = path.pop()?;
    let (last, name) = match last.split_once(" as ") {
        Some((last, name)) => (last.trim().to_owned(), name.trim().to_owned()),
        None => (last.clone(), last),
    };
    path.push(last);
    let mut steps = path.into_iter().peekable();
    let mut at: Vec<String> = match steps.peek().map(String::as_str) {
        Some("crate") => Vec::new(),
        Some("super") | Some("self") => module.to_vec(),
        // A child named without `self`, as in `pub use child::Name`.
        Some(first) if first.starts_with(char::is_lowercase) => {
            return Some((module.iter().cloned().chain(steps).collect(), name));
        }
        _ => return None,
    };
    while let Some(step) = steps.peek().cloned() {
        match step.as_str() {
            "crate" | "self" => {}
            "super" => drop(at.pop()),
            _ => break,
        }
        steps.next();
    }
    at.extend(steps);
    let name = if name == "self" { at.last().cloned().unwrap_or_default() } else { name };
    if at.last().is_some_and(|last| last == "self") {
        at.pop();
    }
    Some((at, name))
}

/// The file that defines the item of a path.
fn defining_file<'a>(modules: &BTreeMap<Vec<String>, Module<'a>>, path: &[String], depth: usize) -> Option<&'a str> {
    if depth > 8 {
        return None;
    }
    let length = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
    let module = &modules[&path[..length]];
    let Some(name) = path.get(length) else { return Some(module.file) };
    // A name of another crate that looks like a child.
    if length == 0
        && path.len() > 1
        && !defines(&module.text, name)
        && !module.re_exports.iter().any(|(on, _)| on == name)
    {
        return None;
    }
    if let Some((_, from)) = module.re_exports.iter().find(|(on, _)| on == name) {
        let further: Vec<String> = from.iter().chain(&path[length + 1..]).cloned().collect();
        return defining_file(modules, &further, depth + 1);
    }
    if name != "*" && !defines(&module.text, name) {
        for (_, from) in module.re_exports.iter().filter(|(on, _)| on == "*") {
            let child: Vec<String> = from[..from.len() - 1].to_vec();
            if modules.get(&child).is_some_and(|child| defines(&child.text, name)) {
                return modules.get(&child).map(|child| child.file);
            }
        }
        // An item generated by a macro, or of another crate: no known file defines it.
        let made_here = module.text.contains(name.as_str()) && !name.starts_with(char::is_lowercase);
        return made_here.then_some(module.file);
    }
    Some(module.file)
}

fn defines(text: &str, name: &str) -> bool {
    let kinds = ["struct ", "enum ", "trait ", "fn ", "const ", "static ", "type ", "mod ", "union ", "macro_rules! "];
    kinds.iter().any(|kind| {
        text.match_indices(kind).any(|(at, _)| {
            let rest = &text[at + kind.len()..];
            rest.starts_with(name) && !rest[name.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
        })
    })
}

/// Groups of two or more files that reach each other.
fn components<'a>(arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    let reach = |from: &'a str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(at) = next.pop() {
            for to in arrows.get(at).into_iter().flatten() {
                if seen.insert(*to) {
                    next.push(to);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = arrows.keys().map(|from| (*from, reach(from))).collect();
    let mut found: Vec<Vec<&str>> = Vec::new();
    for (from, to) in &reached {
        if !to.contains(from) || found.iter().any(|circle| circle.contains(from)) {
            continue;
        }
        let circle = to.iter().filter(|other| reached.get(*other).is_some_and(|back| back.contains(from)));
        found.push(circle.copied().collect());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{File, expand, faults, without_comment};

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<File> =
            files.iter().map(|(path, text)| File { path: (*path).to_owned(), text: (*text).to_owned() }).collect();
        faults(&files)
    }

    #[test]
    fn arrows_up_and_sideways_are_found() {
        let cases = [
            ("core/src/x.rs", "use paygen_store::Reader;", 1),
            ("store/src/x.rs", "use paygen_core::ids::Id;", 0),
            ("engine/src/x.rs", "let x = paygen_vault::Vault::new();", 1),
            ("app/src/x.rs", "use paygen_api::problem::Problem;", 1),
            ("delivery/src/x.rs", "use paygen_app::App;", 1),
            ("api/src/x.rs", "use paygen_docs_site::router;", 1),
            ("api/src/x.rs", "use paygen_app::App; // not paygen_server", 0),
            ("docs_site/src/x.rs", "use paygen_core::money::Money;", 1),
            ("attic/src/x.rs", "", 1),
        ];
        for (path, text, expected) in cases {
            assert_eq!(found(&[(path, text)]).len(), expected, "{path}: {text}");
        }
    }

    #[test]
    fn circles_are_found_through_faces_and_paths_in_code() {
        let one = ("core/src/a/one.rs", "use crate::b::Two;\npub struct One;");
        let face = ("core/src/b/mod.rs", "mod two;\npub use two::Two;");
        let two = ("core/src/b/two.rs", "pub struct Two;\nfn f(_: crate::a::one::One) {}");
        let circle = found(&[one, face, two]);
        assert!(circle.len() == 1 && circle[0].contains("a/one.rs, core/src/b/two.rs"), "{circle:?}");
        let free = ("core/src/b/two.rs", "pub struct Two;\n#[cfg(test)]\nmod tests {\n    use crate::a::one::One;\n}");
        assert_eq!(found(&[one, face, free]), Vec::<String>::new());
        let child = ("core/src/a/mod.rs", "pub mod one;\nuse one::One;\npub fn help(_: One) {}");
        let up = ("core/src/a/one.rs", "pub struct One;\nuse super::help;");
        assert_eq!(found(&[child, up]).len(), 1, "a face with code of its own is a file like others");
    }

    #[test]
    fn trees_are_expanded_and_comments_cut() {
        let mut paths = Vec::new();
        expand("crate::a::{b, c::{d as e, f}, self}", &[], &mut paths);
        let paths: Vec<String> = paths.into_iter().map(|path| path.join("::")).collect();
        assert_eq!(paths, ["crate::a::b", "crate::a::c::d as e", "crate::a::c::f", "crate::a::self"]);
        let cases = [
            ("let a = \"http://x\"; // y", "let a = \"http://x\"; "),
            ("let a = '\"'; // y", "let a = '\"'; "),
            ("let a = \"\\\"// no\"; b", "let a = \"\\\"// no\"; b"),
        ];
        for (line, cut) in cases {
            assert_eq!(without_comment(line), cut);
        }
    }
}
