//! Rewrites errors of the settings parser in plain words: its own messages name Rust types and may repeat a value that
//! is a secret.

use paygen_edge::nearest::hint;

/// The names of number types in the parser's errors.
const NUMBERS: [&str; 10] = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];

/// The message in plain words; a message of an unknown form is returned unchanged.
pub fn plain(message: &str) -> String {
    reworded(message).unwrap_or_else(|| message.to_owned())
}

fn reworded(message: &str) -> Option<String> {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let (name, known) = rest.split_once('`')?;
        let known = quoted(known);
        let hint = hint(name, known.iter().copied());
        let which =
            if hint.is_empty() && known.len() <= 12 { format!(" There are {}.", list(&known, "and")) } else { hint };
        return Some(format!("{name} is not a setting.{which}"));
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let (found, known) = rest.split_once('`')?;
        return Some(format!("it is {found}; it must be {}.", list(&quoted(known), "or")));
    }
    if let Some(rest) = message.strip_prefix("missing field `") {
        return Some(format!("{} is missing.", rest.split('`').next()?));
    }
    if message.contains("IP address syntax") || message.contains("IP network") {
        return Some("must be networks, such as [\"10.0.0.0/8\", \"192.168.1.7/32\"].".to_owned());
    }
    let (found, wanted) = message.strip_prefix("invalid ")?.split_once(", expected ")?;
    let wanted = wanted_in_words(wanted);
    match found.split_once(": ")? {
        ("type", found) => Some(format!("must be {wanted}, and is {}.", found_in_words(found))),
        ("value", _) => Some(format!("must be {wanted}.")),
        _ => None,
    }
}

/// The texts in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn list(words: &[&str], last: &str) -> String {
    match words.split_last() {
        Some((end, [])) => (*end).to_owned(),
        Some((end, others)) => format!("{} {last} {end}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}

fn wanted_in_words(wanted: &str) -> String {
    let words = match wanted {
        "a string" | "a borrowed string" | "path string" | "string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list, such as [\"…\"]",
        _ if NUMBERS.contains(&wanted) => "a whole number, not below zero",
        _ if wanted.starts_with("a nonzero") => "a whole number of at least 1",
        _ if wanted.starts_with("struct ") || wanted == "a map" => "a table of settings",
        _ => wanted,
    };
    words.to_owned()
}

/// The kind of the value found, never the value itself.
fn found_in_words(found: &str) -> &'static str {
    match found.split([' ', '`']).next() {
        Some("integer") => "a number",
        Some("floating") => "a number with a point",
        Some("boolean") => "true or false",
        Some("string") => "a text",
        Some("sequence") => "a list",
        Some("map") => "a table",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn errors_name_neither_rust_types_nor_values() {
        let cases = [
            (
                "unknown field `lissten`, expected one of `listen`, `data_dir`",
                "lissten is not a setting. Did you mean listen?",
            ),
            ("unknown field `x`, expected `fixed` or `percent`", "x is not a setting. There are fixed and percent."),
            (
                "unknown variant `always`, expected one of `none`, `issue`, `spend`",
                "it is always; it must be none, issue or spend.",
            ),
            ("missing field `prefix`", "prefix is missing."),
            ("invalid type: string \"secret\", expected u64", "must be a whole number, not below zero, and is a text."),
            ("invalid type: integer `5`, expected a string", "must be a text in quotes, and is a number."),
            ("invalid value: integer `0`, expected a nonzero u32", "must be a whole number of at least 1."),
            ("unclosed table, expected `]`", "unclosed table, expected `]`"),
        ];
        for (message, expected) in cases {
            assert_eq!(plain(message), expected);
        }
    }
}
