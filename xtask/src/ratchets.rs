//! Ratchets: bounds at the largest value in the workspace, which only go down; and closed lists that no match may cut short.

use crate::shape::{File, code, is_test};

/// Upper bound on the lines of a function in a crate's source, its signature included.
const MAX_FUNCTION_LINES: usize = 95;

/// The closed lists: a new variant must be handled wherever they are matched.
const CLOSED: [&str; 2] = ["Command::", "Refusal::"];

/// The violations in these files.
pub fn faults(files: &[File]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| file.path.contains("/src/") && !is_test(&file.path)) {
        let code = code(&file.text);
        let lines: Vec<&str> = code.lines().collect();
        for (at, name, length) in functions(&lines) {
            if length > MAX_FUNCTION_LINES {
                let place = format!("{}:{}", file.path, at + 1);
                faults.push(format!("{place}: `{name}` has {length} lines, more than {MAX_FUNCTION_LINES}; split it"));
            }
        }
        // The command line has a `Command` of its own.
        let catch_alls = if file.path.starts_with("server/src/cli/") { Vec::new() } else { catch_alls(&lines) };
        for at in catch_alls {
            let place = format!("{}:{}", file.path, at + 1);
            faults.push(format!("{place}: `_ =>` over a closed list (Command, Refusal); name every variant"));
        }
    }
    faults
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Functions with a body: line, name, number of lines. rustfmt puts the closing brace under the first word.
fn functions<'a>(lines: &[&'a str]) -> Vec<(usize, &'a str, usize)> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let words = line.trim_start();
        let Some((before, rest)) = words.split_once("fn ") else { continue };
        let is_signature = before
            .split_whitespace()
            .all(|word| matches!(word, "async" | "const" | "unsafe" | "pub") || word.starts_with("pub("));
        if !is_signature {
            continue;
        }
        let depth = indent(line);
        let body = &lines[at..];
        let end = body.iter().position(|line| indent(line) == depth && matches!(line.trim(), "}" | "};"));
        let is_declared = body.iter().take_while(|line| !line.contains('{')).any(|line| line.trim_end().ends_with(';'));
        if let Some(end) = end.filter(|_| !is_declared && !line.trim_end().ends_with('}')) {
            let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
            found.push((at, name, end + 1));
        }
    }
    found
}

/// The `_ =>` arms of matches with an arm for a variant of a closed list.
fn catch_alls(lines: &[&str]) -> Vec<usize> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if !line.trim_start().starts_with("_ =>") {
            continue;
        }
        let depth = indent(line);
        let arms = lines[..at].iter().rev().take_while(|line| line.trim().is_empty() || indent(line) >= depth);
        let mut arms = arms.filter(|line| indent(line) == depth).map(|line| line.trim_start().trim_start_matches("| "));
        if arms.any(|arm| CLOSED.iter().any(|closed| arm.starts_with(closed))) {
            found.push(at);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{MAX_FUNCTION_LINES, faults};
    use crate::shape::File;

    fn found(text: &str) -> Vec<String> {
        faults(&[File { path: "core/src/x.rs".to_owned(), text: text.to_owned() }])
    }

    #[test]
    fn long_functions_are_found() {
        let function =
            |lines: usize| format!("pub async fn long(\n    a: u8,\n) {{\n{}}}\n", "    a;\n".repeat(lines - 4));
        assert_eq!(found(&function(MAX_FUNCTION_LINES)), Vec::<String>::new());
        let faults = found(&function(MAX_FUNCTION_LINES + 1));
        assert!(faults.len() == 1 && faults[0].contains("x.rs:1: `long`"), "{faults:?}");
        let declared = format!("trait T {{\n    fn declared(&self);\n{}}}\n", "    const A: u8 = 1;\n".repeat(200));
        assert_eq!(found(&declared), Vec::<String>::new());
    }

    #[test]
    fn catch_alls_over_closed_lists_are_found() {
        let with = |arm: &str| format!("fn f() {{\n    match x {{\n        {arm} => 1,\n        _ => 2,\n    }}\n}}\n");
        for arm in ["Command::Clear(_)", "Refusal::Stale", "| Refusal::Stale"] {
            assert_eq!(found(&with(arm)).len(), 1, "{arm}");
        }
        for arm in ["Status::Active", "(Command::Clear(_), Outcome::Count(_))"] {
            assert_eq!(found(&with(arm)), Vec::<String>::new(), "{arm}");
        }
        let nested = "fn f() {\n    match x {\n        Command::A => match y {\n            1 => 2,\n            _ => 3,\n        },\n    }\n}\n";
        assert_eq!(found(nested), Vec::<String>::new());
    }
}
