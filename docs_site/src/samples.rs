//! The guides' requests in other languages: a `curl` command is parsed and written as Python and JavaScript, so that
//! the three samples on a page are the same request, and the tests run exactly what the page shows.

use std::fmt::Write;

use paygen_edge::json::Json;

#[derive(Clone, Copy, PartialEq)]
pub enum Language {
    /// Python with the requests library.
    Python,
    /// JavaScript with `fetch`, as in Node and browsers.
    JavaScript,
}

/// A text with variables.
#[derive(Clone, Debug, Default, PartialEq)]
struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Variable(String),
}

#[derive(Debug, Default, PartialEq)]
enum Body {
    #[default]
    None,
    Json(Json),
    Form(Vec<Field>),
}

/// A field of a form.
#[derive(Debug, PartialEq)]
struct Field {
    name: String,
    value: Template,
    /// The file name and content type of a file; `value` is then its path.
    file: Option<String>,
}

/// A request, parsed from a `curl` command.
#[derive(Debug, Default, PartialEq)]
pub struct Request {
    method: String,
    url: Template,
    headers: Vec<(String, Template)>,
    query: Vec<(String, Template)>,
    body: Body,
}

/// Appends to a script's last command; a here-document continues below it.
pub fn piped(script: &str, more: &str) -> String {
    match script.split_once("<<JSON") {
        Some((command, document)) => format!("{command}<<JSON {more}{document}"),
        None => format!("{script} {more}"),
    }
}

impl Request {
    /// Parses a script of one `curl` command; `None` for another command or an option not supported here.
    pub fn read(script: &str) -> Option<Request> {
        let (command, document) = match script.split_once(" <<JSON\n") {
            Some((command, document)) => (command, Some(document.trim_end().strip_suffix("JSON")?.trim_end())),
            None => (script, None),
        };
        let mut words = words(command)?.into_iter();
        if words.next()?.plain()? != "curl" {
            return None;
        }
        let mut request = Request::default();
        let (mut data, mut in_query) = (None, false);
        let mut pairs = Vec::new();
        while let Some(word) = words.next() {
            match word.plain() {
                Some("-s") => {}
                Some("-G") => in_query = true,
                Some("-X") => request.method = words.next()?.plain()?.to_owned(),
                Some("-H") => request.headers.push(words.next()?.split(": ")?),
                Some("-d") => data = Some(words.next()?),
                Some("--data-urlencode") => pairs.push(words.next()?.split("=")?),
                Some("-F") => {
                    let (name, value) = words.next()?.split("=")?;
                    request.body.add(Field::read(name, value));
                }
                Some(other) if other.starts_with('-') => return None,
                _ if request.url == Template::default() => request.url = word,
                _ => return None,
            }
        }
        if !pairs.is_empty() && !in_query {
            return None;
        }
        request.query = pairs;
        let data = match (data, document) {
            (Some(word), Some(document)) if word.plain() == Some("@-") => Some(document.to_owned()),
            (Some(word), None) => Some(word.source()),
            (None, None) => None,
            _ => return None,
        };
        if let Some(data) = data {
            request.body = Body::Json(Json::parse(data.as_bytes()).ok()?);
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        }
        if request.method.is_empty() {
            request.method = if request.body == Body::None { "GET" } else { "POST" }.to_owned();
        }
        Some(request)
    }

    /// The request in a language; the code leaves the response in `answer`.
    pub fn write(&self, language: Language) -> String {
        match language {
            Language::Python => self.python(),
            Language::JavaScript => self.javascript(),
        }
    }

    fn python(&self) -> String {
        let language = Language::Python;
        let mut code =
            format!("response = requests.{}(\n    {},\n", self.method.to_lowercase(), self.url.write(language));
        for (name, pairs) in [("params", &self.query), ("headers", &self.headers)] {
            if !pairs.is_empty() {
                let _ = writeln!(code, "    {name}={{{}}},", pairs_of(pairs, language));
            }
        }
        match &self.body {
            Body::None => {}
            Body::Json(json) => {
                let _ = writeln!(code, "    json={},", literal(json, language, 4));
            }
            Body::Form(fields) => {
                code.push_str("    files={\n");
                for Field { name, value, file } in fields {
                    let value = value.write(language);
                    let _ = match file {
                        Some(kind) => {
                            writeln!(code, "        \"{name}\": ({value}, open({value}, \"rb\"), \"{kind}\"),")
                        }
                        None => writeln!(code, "        \"{name}\": (None, {value}),"),
                    };
                }
                code.push_str("    },\n");
            }
        }
        code + ")\nanswer = response.json()\nprint(answer)"
    }

    fn javascript(&self) -> String {
        let language = Language::JavaScript;
        let mut code = String::new();
        if let Body::Form(fields) = &self.body {
            code.push_str("form = new FormData();\n");
            for Field { name, value, file } in fields {
                let value = value.write(language);
                let _ = match file {
                    Some(kind) => writeln!(
                        code,
                        "form.set(\"{name}\", new Blob([await readFile({value})], {{ type: \"{kind}\" }}), {value});"
                    ),
                    None => writeln!(code, "form.set(\"{name}\", {value});"),
                };
            }
        }
        let url = if self.query.is_empty() {
            self.url.write(language)
        } else {
            let query = format!("${{new URLSearchParams({{ {} }})}}", pairs_of(&self.query, language));
            format!("`{}?{query}`", self.url.inside(language))
        };
        let mut headers: Vec<String> = self.headers.iter().map(|(name, value)| pair(name, value, language)).collect();
        if matches!(self.body, Body::Json(_)) {
            headers.push("\"content-type\": \"application/json\"".to_owned());
        }
        let _ = writeln!(code, "response = await fetch({url}, {{");
        if self.method != "GET" {
            let _ = writeln!(code, "  method: \"{}\",", self.method);
        }
        if !headers.is_empty() {
            let _ = writeln!(code, "  headers: {{ {} }},", headers.join(", "));
        }
        match &self.body {
            Body::None => {}
            Body::Json(json) => {
                let _ = writeln!(code, "  body: JSON.stringify({}),", literal(json, language, 2));
            }
            Body::Form(_) => code.push_str("  body: form,\n"),
        }
        code + "});\nanswer = await response.json();\nconsole.log(answer);"
    }
}

/// The code that precedes the samples of a page, once.
pub fn preamble(language: Language) -> &'static str {
    match language {
        Language::Python => {
            "import os\nimport requests\n\nPAYGEN_URL = os.environ[\"PAYGEN_URL\"]\nPAYGEN_API_KEY = os.environ[\"PAYGEN_API_KEY\"]\n\n"
        }
        Language::JavaScript => {
            "import { readFile } from \"node:fs/promises\";\n\nconst { PAYGEN_URL, PAYGEN_API_KEY } = process.env;\nlet response, answer, form;\n\n"
        }
    }
}

/// The code that captures a part of the response; `pointer` is a JSON pointer.
pub fn capture(language: Option<Language>, name: &str, pointer: &str) -> String {
    let step = |step: &str| match language {
        _ if step.bytes().all(|byte| byte.is_ascii_digit()) => format!("[{step}]"),
        Some(Language::Python) => format!("[\"{step}\"]"),
        None | Some(Language::JavaScript) => format!(".{step}"),
    };
    let path: String = pointer.split('/').skip(1).map(step).collect();
    match language {
        None => format!("export {name}=$(jq -r '{path}' answer.json)"),
        Some(Language::Python) => format!("{name} = answer{path}"),
        Some(Language::JavaScript) => format!("var {name} = answer{path};"),
    }
}

impl Body {
    fn add(&mut self, field: Field) {
        match self {
            Body::Form(fields) => fields.push(field),
            _ => *self = Body::Form(vec![field]),
        }
    }
}

impl Field {
    fn read(name: String, value: Template) -> Field {
        let file = value.plain().and_then(|text| text.strip_prefix('@')).map(str::to_owned);
        let Some(file) = file else { return Field { name, value, file: None } };
        let (path, kind) = file.split_once(";type=").unwrap_or((&file, "application/octet-stream"));
        Field { name, value: Template(vec![Part::Text(path.to_owned())]), file: Some(kind.to_owned()) }
    }
}

fn pair(name: &str, value: &Template, language: Language) -> String {
    format!("\"{name}\": {}", value.write(language))
}

fn pairs_of(pairs: &[(String, Template)], language: Language) -> String {
    pairs.iter().map(|(name, value)| pair(name, value, language)).collect::<Vec<_>>().join(", ")
}

impl Template {
    /// The text, when it contains no variable.
    fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text as in double quotes of a shell.
    fn source(&self) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Variable(name) => format!("${name}"),
        };
        self.0.iter().map(part).collect()
    }

    fn push(&mut self, sign: char) {
        match self.0.last_mut() {
            Some(Part::Text(text)) => text.push(sign),
            _ => self.0.push(Part::Text(sign.to_string())),
        }
    }

    /// Splits the text at the first separator.
    fn split(mut self, between: &str) -> Option<(String, Template)> {
        let Part::Text(first) = self.0.first_mut()? else { return None };
        let (name, rest) = first.split_once(between)?;
        let (name, rest) = (name.to_owned(), rest.to_owned());
        *first = rest;
        self.0.retain(|part| *part != Part::Text(String::new()));
        Some((name, self))
    }

    /// The text as it stands within quotes of the language.
    fn inside(&self, language: Language) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match (part, language) {
                (Part::Variable(name), Language::Python) => text.push_str(&format!("{{{name}}}")),
                (Part::Variable(name), Language::JavaScript) => text.push_str(&format!("${{{name}}}")),
                (Part::Text(plain), Language::Python) => {
                    let quoted = quoted(plain).replace('{', "{{").replace('}', "}}");
                    text.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
                }
                (Part::Text(plain), Language::JavaScript) => {
                    text.push_str(&plain.replace('\\', "\\\\").replace('`', "\\`"))
                }
            }
        }
        text
    }

    /// The text as an expression of the language.
    fn write(&self, language: Language) -> String {
        match (self.0.as_slice(), language) {
            ([], _) => "\"\"".to_owned(),
            ([Part::Text(text)], _) => quoted(text),
            ([Part::Variable(name)], _) => name.clone(),
            (_, Language::Python) => format!("f\"{}\"", self.inside(language)),
            (_, Language::JavaScript) => format!("`{}`", self.inside(language)),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Parses a here-document's text, or a word in double quotes: `$NAME` is a variable.
fn with_variables(text: &str) -> Template {
    let mut template = Template::default();
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        rest = &rest[sign.len_utf8()..];
        let name = if sign == '$' { variable(rest) } else { "" };
        if name.is_empty() {
            template.push(sign);
        } else {
            template.0.push(Part::Variable(name.to_owned()));
            rest = &rest[name.len()..];
        }
    }
    template
}

fn variable(text: &str) -> &str {
    let end = text.find(|sign: char| !(sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_'));
    &text[..end.unwrap_or(text.len())]
}

/// The words of a command, split as a shell does.
fn words(command: &str) -> Option<Vec<Template>> {
    let mut words = Vec::new();
    let mut word: Option<Template> = None;
    let mut rest = command;
    while let Some(sign) = rest.chars().next() {
        rest = &rest[sign.len_utf8()..];
        match sign {
            '\\' if rest.starts_with('\n') => rest = &rest[1..],
            ' ' | '\n' => words.extend(word.take()),
            '\'' => {
                let end = rest.find('\'')?;
                let word = word.get_or_insert_default();
                rest[..end].chars().for_each(|sign| word.push(sign));
                rest = &rest[end + 1..];
            }
            '"' => {
                let mut within = String::new();
                let mut signs = rest.char_indices();
                let end = loop {
                    match signs.next()? {
                        (end, '"') => break end,
                        (_, '\\') => within.push(signs.next()?.1),
                        (_, sign) => within.push(sign),
                    }
                };
                word.get_or_insert_default().0.extend(with_variables(&within).0);
                rest = &rest[end + 1..];
            }
            '|' | ';' | '&' | '>' | '<' | '`' | '(' => return None,
            '$' => {
                let name = variable(rest);
                word.get_or_insert_default().0.push(Part::Variable(name.to_owned()));
                rest = &rest[name.len()..];
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

/// Upper bound on the characters of an object on one line.
const MAX_LINE_CHARS: usize = 60;

/// A JSON value as a literal, on one line where it fits.
fn literal(json: &Json, language: Language, indent: usize) -> String {
    let python = language == Language::Python;
    let step = if python { 4 } else { 2 };
    let parts: Vec<String> = match json {
        Json::Null => return if python { "None" } else { "null" }.to_owned(),
        Json::Bool(value) if python => return if *value { "True" } else { "False" }.to_owned(),
        Json::Bool(value) => return value.to_string(),
        Json::Number(text) => return text.clone(),
        Json::Text(text) => return with_variables(text).write(language),
        Json::Array(items) => items.iter().map(|item| literal(item, language, indent + step)).collect(),
        Json::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let plain = !python && name.chars().all(char::is_alphanumeric) && !name.starts_with(char::is_numeric);
                let name = if plain { name.clone() } else { quoted(name) };
                format!("{name}: {}", literal(value, language, indent + step))
            })
            .collect(),
    };
    let (open, close) = if matches!(json, Json::Array(_)) { ("[", "]") } else { ("{", "}") };
    let line = parts.join(", ");
    if parts.is_empty() || (line.len() <= MAX_LINE_CHARS && !line.contains('\n')) {
        let gap = if python || open == "[" || parts.is_empty() { "" } else { " " };
        return format!("{open}{gap}{line}{gap}{close}");
    }
    let pad = " ".repeat(indent + step);
    let lines: String = parts.iter().map(|part| format!("{pad}{part},\n")).collect();
    format!("{open}\n{lines}{}{close}", " ".repeat(indent))
}

#[cfg(test)]
mod tests {
    use super::{Language, Request, capture, piped};

    const FUND: &str = "curl -s \"$PAYGEN_URL/cards/$CARD_ID/fund\" \\\n  -H \"x-api-key: $PAYGEN_API_KEY\" -H \"content-type: application/json\" \\\n  -d @- <<JSON\n{ \"debitAccountId\": \"$ACCOUNT_ID\", \"amount\": 25.50, \"final\": true, \"note\": null, \"reference\": \"topup-$DAY\" }\nJSON";

    #[test]
    fn a_command_is_written_in_other_languages() {
        let request = Request::read(FUND).expect("a request");
        let python = "response = requests.post(\n    f\"{PAYGEN_URL}/cards/{CARD_ID}/fund\",\n    headers={\"x-api-key\": PAYGEN_API_KEY},\n    json={\n        \"debitAccountId\": ACCOUNT_ID,\n        \"amount\": 25.50,\n        \"final\": True,\n        \"note\": None,\n        \"reference\": f\"topup-{DAY}\",\n    },\n)\nanswer = response.json()\nprint(answer)";
        assert_eq!(request.write(Language::Python), python);
        let javascript = "response = await fetch(`${PAYGEN_URL}/cards/${CARD_ID}/fund`, {\n  method: \"POST\",\n  headers: { \"x-api-key\": PAYGEN_API_KEY, \"content-type\": \"application/json\" },\n  body: JSON.stringify({\n    debitAccountId: ACCOUNT_ID,\n    amount: 25.50,\n    final: true,\n    note: null,\n    reference: `topup-${DAY}`,\n  }),\n});\nanswer = await response.json();\nconsole.log(answer);";
        assert_eq!(request.write(Language::JavaScript), javascript);
    }

    #[test]
    fn queries_and_forms_are_written() {
        let get = "curl -s -G \"$PAYGEN_URL/cards\" -H \"x-api-key: $PAYGEN_API_KEY\" --data-urlencode \"filter=status=active\"";
        let get = Request::read(get).expect("a request");
        assert!(
            get.write(Language::Python)
                .contains("requests.get(\n    f\"{PAYGEN_URL}/cards\",\n    params={\"filter\": \"status=active\"},")
        );
        assert!(
            get.write(Language::JavaScript)
                .contains("`${PAYGEN_URL}/cards?${new URLSearchParams({ \"filter\": \"status=active\" })}`")
        );
        let form = "curl -s \"$PAYGEN_URL/x\" -F 'name=A \"b\"' -F \"file=@a.pdf;type=application/pdf\"";
        let form = Request::read(form).expect("a request").write(Language::Python);
        assert!(form.contains("\"name\": (None, \"A \\\"b\\\"\"),"), "{form}");
        assert!(form.contains("\"file\": (\"a.pdf\", open(\"a.pdf\", \"rb\"), \"application/pdf\"),"), "{form}");
    }

    #[test]
    fn what_is_not_known_is_not_written() {
        for script in [
            "curl -s --max-time 3 $URL",
            "echo $URL",
            "curl -s $URL | jq .",
            "curl -s $URL && echo",
            "curl -d @file $URL",
        ] {
            assert_eq!(Request::read(script), None, "{script}");
        }
    }

    #[test]
    fn answers_are_kept() {
        assert_eq!(capture(None, "ID", "/data/0/_id"), "export ID=$(jq -r '.data[0]._id' answer.json)");
        assert_eq!(capture(Some(Language::Python), "ID", "/data/0/_id"), "ID = answer[\"data\"][0][\"_id\"]");
        assert_eq!(capture(Some(Language::JavaScript), "ID", "/data/0/_id"), "var ID = answer.data[0]._id;");
        assert_eq!(piped("curl $URL", "| jq"), "curl $URL | jq");
        assert_eq!(piped("curl $URL -d @- <<JSON\n{}\nJSON", "| jq"), "curl $URL -d @- <<JSON | jq\n{}\nJSON");
    }
}
