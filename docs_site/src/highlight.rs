//! Syntax highlighting: a scanner for strings, comments, numbers and a few keywords of each language. It covers the
//! short examples of the guides; anything else stays plain.

use super::escape;

struct Language {
    comment: &'static str,
    quotes: &'static str,
    words: &'static [&'static str],
}

const JSON: Language = Language { comment: "", quotes: "\"", words: &["true", "false", "null"] };
const SHELL: Language = Language {
    comment: "#",
    quotes: "\"'",
    words: &[
        "curl", "export", "cargo", "paygen", "git", "sudo", "apt-get", "if", "then", "fi", "for", "do", "done",
        "openssl", "cat", "echo", "pip", "npm",
    ],
};
const TOML: Language = Language { comment: "#", quotes: "\"'", words: &["true", "false"] };
const PYTHON: Language = Language {
    comment: "#",
    quotes: "\"'",
    words: &[
        "def", "return", "import", "from", "if", "else", "elif", "for", "in", "not", "and", "or", "None", "True",
        "False", "raise", "with", "as", "class", "try", "except", "while", "is", "lambda", "async", "await",
    ],
};
const JAVASCRIPT: Language = Language {
    comment: "//",
    quotes: "\"'`",
    words: &[
        "const",
        "let",
        "var",
        "function",
        "return",
        "if",
        "else",
        "for",
        "of",
        "in",
        "await",
        "async",
        "import",
        "from",
        "export",
        "new",
        "throw",
        "true",
        "false",
        "null",
        "undefined",
        "try",
        "catch",
        "typeof",
        "class",
    ],
};
const RUST: Language = Language {
    comment: "//",
    quotes: "\"",
    words: &[
        "fn", "let", "mut", "pub", "use", "return", "if", "else", "match", "for", "in", "async", "await", "impl",
        "struct", "enum", "const", "static", "true", "false", "move", "ref", "as", "mod", "self", "Some", "None", "Ok",
        "Err",
    ],
};
const PLAIN: Language = Language { comment: "", quotes: "", words: &[] };

fn language(name: &str) -> &'static Language {
    match name {
        "json" => &JSON,
        "bash" | "sh" => &SHELL,
        "toml" | "yaml" => &TOML,
        "python" => &PYTHON,
        "js" | "javascript" | "ts" => &JAVASCRIPT,
        "rust" => &RUST,
        _ => &PLAIN,
    }
}

/// The code as HTML.
pub fn highlight(name: &str, code: &str) -> String {
    let language = language(name);
    let mut html = String::with_capacity(code.len() * 2);
    let mut rest = code;
    let mut before = '\n';
    while let Some(first) = rest.chars().next() {
        let (length, class) = token(language, rest, first, before);
        let (text, after) = rest.split_at(length);
        let shell = std::ptr::eq(language, &SHELL);
        let class = match class {
            "w" if shell && !is_command(&code[..code.len() - rest.len()]) => "",
            // `"…"` stands for members that were left out.
            "s" if text == "\"…\"" => "c",
            "s" if after.trim_start().starts_with(':') && std::ptr::eq(language, &JSON) => "k",
            other => other,
        };
        if class.is_empty() {
            html.push_str(&escape(text));
        } else if class == "s" && std::ptr::eq(language, &SHELL) && !text.starts_with('\'') {
            html.push_str(&format!("<span class=\"t-s\">{}</span>", with_variables(text)));
        } else {
            html.push_str(&format!("<span class=\"t-{class}\">{}</span>", escape(text)));
        }
        before = text.chars().next_back().unwrap_or(before);
        rest = after;
    }
    html
}

/// Whether the shell runs the word that follows.
fn is_command(before: &str) -> bool {
    let since = before.rfind(['\n', '|', '&', ';', '(']).map_or(before, |at| &before[at + 1..]);
    let since = since.trim();
    since.is_empty() || ["sudo", "do", "then", "if"].contains(&since)
}

/// The length of the next token, and its class.
fn token(language: &Language, rest: &str, first: char, before: char) -> (usize, &'static str) {
    let until = |end: &dyn Fn(char) -> bool| rest.find(end).unwrap_or(rest.len());
    let in_word = before.is_alphanumeric() || before == '_';
    if !language.comment.is_empty() && rest.starts_with(language.comment) && before.is_whitespace() {
        return (until(&|sign| sign == '\n'), "c");
    }
    if language.quotes.contains(first) {
        return (quoted(rest, first), "s");
    }
    if std::ptr::eq(language, &SHELL) && first == '$' {
        return (variable(rest), "v");
    }
    if first.is_ascii_digit() && !in_word && !std::ptr::eq(language, &PLAIN) && !std::ptr::eq(language, &SHELL) {
        return (until(&|sign| !(sign.is_ascii_alphanumeric() || sign == '.' || sign == '_')), "n");
    }
    if std::ptr::eq(language, &SHELL) && first == '-' && before.is_whitespace() {
        return (until(&|sign| sign.is_whitespace()), "f");
    }
    if first.is_alphabetic() || first == '_' {
        let length = until(&|sign| !(sign.is_alphanumeric() || sign == '_' || sign == '-'));
        let known = !in_word && language.words.contains(&&rest[..length]);
        return (length, if known { "w" } else { "" });
    }
    (first.len_utf8(), "")
}

/// The length of a quoted text with its quotes. It may span lines, as bodies in shell examples do.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, sign) in rest.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if sign == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn variable(rest: &str) -> usize {
    if rest.starts_with("${") {
        return rest.find('}').map_or(rest.len(), |end| end + 1);
    }
    1 + rest[1..].find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_')).unwrap_or(rest.len() - 1)
}

fn with_variables(text: &str) -> String {
    let mut html = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let length = variable(&rest[at..]);
        html.push_str(&escape(&rest[..at]));
        html.push_str(&format!("<span class=\"t-v\">{}</span>", escape(&rest[at..at + length])));
        rest = &rest[at + length..];
    }
    html + &escape(rest)
}

#[cfg(test)]
mod tests {
    use super::highlight;

    #[test]
    fn code_gets_colours() {
        let cases = [
            ("json", r#"{"a": 1}"#, r#"{<span class="t-k">&quot;a&quot;</span>: <span class="t-n">1</span>}"#),
            (
                "bash",
                "curl -d \"$A\" # x",
                "<span class=\"t-w\">curl</span> <span class=\"t-f\">-d</span> <span class=\"t-s\">&quot;<span class=\"t-v\">$A</span>&quot;</span> <span class=\"t-c\"># x</span>",
            ),
            ("text", "let <a>", "let &lt;a&gt;"),
            (
                "rust",
                "let x1 = \"ü\";",
                "<span class=\"t-w\">let</span> x1 = <span class=\"t-s\">&quot;ü&quot;</span>;",
            ),
        ];
        for (name, code, html) in cases {
            assert_eq!(highlight(name, code), html, "{name}");
        }
    }
}
