//! Tests named in documents: each must exist, so that no promise outlives its proof.

use std::collections::BTreeSet;

/// The table column whose words in backquotes are names of tests.
const COLUMN: &str = "Tests";

/// The names in the column of tests of every table, each with its line.
pub fn named(document: &str) -> Vec<(usize, &str)> {
    let (mut column, mut found) = (None, Vec::new());
    for (number, line) in document.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if cells.len() < 3 {
            column = None;
        } else if let Some(at) = cells.iter().position(|cell| *cell == COLUMN) {
            column = Some(at);
        } else if let Some(cell) = column.and_then(|at| cells.get(at)) {
            found.extend(cell.split('`').skip(1).step_by(2).map(|name| (number + 1, name)));
        }
    }
    found
}

/// The names of the tests in a source file: functions with a test attribute, or within a test macro.
pub fn tests(source: &str) -> BTreeSet<String> {
    let mut marked = false;
    let (mut found, mut inside) = (BTreeSet::new(), None);
    for line in source.lines() {
        let (text, depth) = (line.trim(), line.len() - line.trim_start().len());
        if text.starts_with("#[test]") || text.starts_with("#[tokio::test") {
            marked = true;
        }
        if text.starts_with("on_both_stores! {") || text.ends_with("on_both_stores! {") {
            inside = Some(depth);
        } else if text == "}" && inside == Some(depth) {
            inside = None;
        }
        let name = text.trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ");
        let Some(name) = name.and_then(|rest| rest.split(['(', '<']).next()) else { continue };
        if marked || inside.is_some_and(|outer| depth == outer + 4) {
            found.insert(name.to_owned());
        }
        marked = false;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{named, tests};

    #[test]
    fn names_and_tests_are_found() {
        let document = "| Risk | Tests |\n| --- | --- |\n| `x` | `a_b`, `c_d` |\n\n| A | B |\n| `e_f` | `g_h` |\n";
        assert_eq!(named(document), [(3, "a_b"), (3, "c_d")]);
        let source = "fn helper() {}\n#[test]\n#[allow(x)]\nfn a_b() {\n}\non_both_stores! {\n    async fn c_d(backend: Backend) {\n        fn inner() {}\n    }\n}\nasync fn after() {}";
        assert_eq!(tests(source).into_iter().collect::<Vec<_>>(), ["a_b", "c_d"]);
    }
}
