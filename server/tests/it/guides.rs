//! The guides as a reader follows them: every request of every page as the server renders it, copied and run in order
//! against a fresh server, in the shell on both stores and in the page's other languages; every answer shown is
//! compared with the real one. The tests use nothing but the page.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::on_both_stores;
use crate::world::{Backend, Server, World};

/// Printed before each step, to standard output and standard error.
const STEP: &str = "@@step ";

/// Separates a request from the code that captures parts of its answer.
const KEEP: &str = "\n@@keep\n";

/// A request of a page, the code that captures parts of its answer, and the answer shown.
#[derive(Default)]
struct Step {
    /// The code in each language.
    code: BTreeMap<String, String>,
    /// The status shown by the page; a success when it shows none.
    expect: Option<u16>,
    shown: Option<String>,
}

pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides")
}

/// The guides' files.
pub fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory()).expect("docs/guides").flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect();
    files.sort();
    files
}

/// The text between two marks, and the rest.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to)
}

/// The text of HTML.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    for (number, piece) in html.split('<').enumerate() {
        text.push_str(if number == 0 { piece } else { piece.split_once('>').map_or("", |(_, rest)| rest) });
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The steps of a page.
fn steps(html: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in html.split("<div class=\"code").skip(1) {
        let (role, rest) = block.split_once("\">").expect("a class");
        let (bar, mut codes) = between(rest, "<div class=\"bar\">", "</div>").expect("a bar");
        let status = between(bar, "<b>", "</b>").map(|(status, _)| status.parse().expect("a status"));
        let mut code = BTreeMap::new();
        while let Some((attributes, rest)) = between(codes, "<pre ", ">") {
            let (shown, rest) = between(rest, ">", "</code></pre>").expect("code");
            let language = between(attributes, "data-lang=\"", "\"").map_or("curl", |(language, _)| language);
            code.insert(language.to_owned(), text_of(shown));
            codes = rest;
        }
        match role.trim() {
            "request" => steps.push(Step { code, expect: status, shown: None }),
            "response" => {
                let step = steps.last_mut().expect("an answer to a request");
                assert!(step.shown.is_none(), "a second answer to one request");
                step.expect = step.expect.or(status);
                step.shown = code.remove("curl");
            }
            "capture" => {
                let step = steps.last_mut().expect("something to keep");
                for (language, more) in code {
                    let code = step.code.get_mut(&language).expect("a request in this language");
                    let before = if code.contains(KEEP) { "\n" } else { KEEP };
                    *code = format!("{code}{before}{more}");
                }
            }
            _ => {}
        }
    }
    steps
}

/// Runs a script; returns its output and errors by step.
fn run(program: &[&str], script: &str, server: &Server, home: &Path) -> (Vec<String>, Vec<String>) {
    let file = home.join("script.mjs");
    std::fs::write(&file, script).expect("a file");
    let curl = "silent\nshow-error\nwrite-out = \"%{stderr}@@status %{http_code}\\n\"\n";
    std::fs::write(home.join(".curlrc"), curl).expect("a file");
    // The objects that a page expects before its requests.
    std::fs::write(home.join("passport.pdf"), crate::examples::PDF).expect("a file");
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg(&file).current_dir(home).env("CURL_HOME", home);
    command.env("PAYGEN_URL", &server.url).env("PAYGEN_API_KEY", &server.key);
    let output = command.output().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let by_step = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.split(STEP).skip(1).map(|part| part.split_once('\n').map_or("", |(_, rest)| rest).to_owned()).collect()
    };
    (by_step(&output.stdout), by_step(&output.stderr))
}

/// How a language runs a page's code.
fn script(language: &str, steps: &[Step]) -> String {
    let mut script = String::new();
    for (number, step) in steps.iter().enumerate() {
        let code = &step.code[language];
        let (code, keep) = code.split_once(KEEP).unwrap_or((code, ""));
        let more = match language {
            "python" => {
                format!(
                    "import sys\nprint('{STEP}{number}', file=sys.stderr)\n{code}\nprint('@@status', response.status_code, file=sys.stderr)\n{keep}\n"
                )
            }
            "node" => format!(
                "console.error('{STEP}{number}');\n{code}\nconsole.error('@@status', response.status);\n{keep}\n"
            ),
            _ => format!("echo '{STEP}{number}'; echo '{STEP}{number}' >&2\n{code}\n{keep}\n"),
        };
        script.push_str(&more);
    }
    script
}

async fn page(server: &Server, name: &str) -> String {
    server.get(&format!("/docs/guides/{name}")).await.expect(200).text
}

/// The errors of a page, step by step.
async fn follow(name: &str, language: &str, server: &Server) -> Vec<String> {
    let steps = steps(&page(server, name).await);
    let untold: Vec<String> = steps
        .iter()
        .filter(|step| !step.code.contains_key(language))
        .map(|step| format!("{name} has no {language} of this: {}", step.code["curl"]))
        .collect();
    if !untold.is_empty() {
        return untold;
    }
    let home = tempfile::tempdir().expect("a directory");
    let program: &[&str] = match language {
        "python" => &["python3"],
        "node" => &["node"],
        _ => &["bash"],
    };
    let (answers, complaints) = run(program, &script(language, &steps), server, home.path());
    let mut faults = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let place = format!("{name}, request {}, {language}", number + 1);
        let complaint = complaints.get(number).map_or("it did not come so far", String::as_str);
        let status = complaint.split("@@status ").nth(1).and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
        let fine = status
            .is_some_and(|status| step.expect.map_or((200..300).contains(&status), |expected| expected == status));
        let answer = answers.get(number).map_or("", String::as_str);
        if !fine {
            faults.push(format!("{place}: {status:?}: {complaint} {answer}"));
            break;
        }
        let Some(shown) = step.shown.as_ref().filter(|_| language == "curl") else { continue };
        let read = |text: &str| serde_json::from_str::<Value>(text);
        match (read(shown), read(answer)) {
            (Ok(shown), Ok(answer)) => {
                let mut differences = Vec::new();
                compare(&shown, &answer, "", &mut differences);
                faults.extend(differences.into_iter().map(|difference| format!("{place}: {difference}")));
            }
            (Err(why), _) => faults.push(format!("{place}: the answer shown is no JSON: {why}")),
            (_, Err(why)) => faults.push(format!("{place}: the answer is no JSON: {why}: {answer}")),
        }
    }
    faults
}

async fn follow_all(backend: Backend, language: &str) {
    let mut faults = Vec::new();
    for path in files() {
        let world = World::new(backend).await;
        let server = world.start().await;
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        faults.extend(follow(&name, language, &server).await);
    }
    assert!(faults.is_empty(), "the guides say otherwise:\n{}", faults.join("\n"));
}

const MORE: &str = "…";

/// Members whose value differs on each run.
const DRAWN: &[&str] = &[
    "requestId",
    "pan",
    "cvv",
    "expiryMonth",
    "expiryYear",
    "last4",
    "maskedPan",
    "approvalCode",
    "authorizationCode",
    "hint",
    "reference",
    "terminalId",
    "networkTransactionId",
    "stan",
    "rrn",
    "position",
    "retrievalReferenceNumber",
    "systemTraceAuditNumber",
    "traceNumber",
    "token",
    "secret",
    "key",
    "url",
    "hash",
    "kid",
    "x",
    "nextCursor",
    "durationMs",
    "latencyMs",
    "address",
];

pub fn compare(shown: &Value, came: &Value, at: &str, differences: &mut Vec<String>) {
    let name = at.rsplit('/').next().unwrap_or_default();
    match (shown, came) {
        (Value::Object(shown), Value::Object(came)) => {
            for (member, value) in shown.iter().filter(|(member, _)| *member != MORE) {
                match came.get(member) {
                    Some(other) => compare(value, other, &format!("{at}/{member}"), differences),
                    None => differences.push(format!("{at}/{member} is shown, but did not come")),
                }
            }
            let left_out = came.keys().filter(|member| !shown.contains_key(*member) && !shown.contains_key(MORE));
            differences
                .extend(left_out.map(|member| format!("{at}/{member} came, but is not shown: {}", came[member])));
        }
        // Some items are omitted from the page: those shown have to appear in their order.
        (Value::Array(shown), Value::Array(came)) if shown.iter().any(|item| item == MORE) => {
            let mut left = came.iter();
            for one in shown.iter().filter(|item| *item != MORE) {
                let fits = |other: &&Value| {
                    let mut differences = Vec::new();
                    compare(one, other, at, &mut differences);
                    differences.is_empty()
                };
                if !left.any(|other| fits(&other)) {
                    differences.push(format!("{at}: {one} is shown, but did not come"));
                }
            }
        }
        (Value::Array(shown), Value::Array(came)) if shown.len() == came.len() => {
            for (number, (one, other)) in shown.iter().zip(came).enumerate() {
                compare(one, other, &format!("{at}/{number}"), differences);
            }
        }
        (Value::String(one), Value::String(other)) if shape(one) == shape(other) => {}
        // The URL of an error's page has the address that was called.
        (Value::String(one), Value::String(other)) if name == "docs" && path_of(one) == path_of(other) => {}
        _ if shown == came => {}
        // 1 and 1.0 are one amount.
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {}
        // The context's time is in unix seconds.
        (Value::Number(_), Value::Number(_)) if at.ends_with("/context/createdAt") => {}
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) if DRAWN.contains(&name) => {}
        _ => differences.push(format!("{at}: {shown} is shown, {came} came")),
    }
}

/// A URL without scheme and host.
fn path_of(url: &str) -> &str {
    url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).map_or(url, |(_, path)| path)
}

/// A text with ids, times, card numbers, secrets and hashes replaced by their kind.
fn shape(text: &str) -> String {
    if is_time(text) {
        return "TIME".to_owned();
    }
    let mut shape = String::new();
    let text = text.split(' ').map(|word| if is_time(word) { "TIME" } else { word }).collect::<Vec<_>>().join(" ");
    for word in text.split_inclusive(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '-')) {
        let bare = word.trim_end_matches(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '-'));
        let hex = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let secret = shape.ends_with('_') && bare.len() >= 8;
        shape.push_str(match bare.len() {
            24 if hex => "ID",
            36 if bare.matches('-').count() == 4 => "UUID",
            32.. if hex => "HASH",
            13..=19 if bare.bytes().all(|byte| byte.is_ascii_digit()) => "PAN",
            _ if secret => "SECRET",
            _ => bare,
        });
        shape.push_str(&word[bare.len()..]);
    }
    shape
}

fn is_time(text: &str) -> bool {
    let pattern = "dddd-dd-ddTdd:dd:dd";
    let fits = |(byte, wanted): (u8, u8)| if wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted };
    let length = if text.len() == 10 { 10 } else { pattern.len() };
    text.len() >= length && text.bytes().zip(pattern.bytes()).take(length).all(fits)
}

on_both_stores! {
    async fn what_the_guides_show_works_by_copy_and_paste(backend: Backend) {
        follow_all(backend, "curl").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_guides_show_works_in_python() {
    follow_all(Backend::Sqlite, "python").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_guides_show_works_in_node() {
    follow_all(Backend::Sqlite, "node").await;
}

#[test]
fn differences_are_seen() {
    let compared = |shown: &str, came: &str| {
        let mut differences = Vec::new();
        let read = |text| serde_json::from_str(text).expect("JSON");
        compare(&read(shown), &read(came), "", &mut differences);
        differences.len()
    };
    let cases = [
        (r#"{"a": 1, "…": "…"}"#, r#"{"a": 1, "b": 2}"#, 0),
        (r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#, 1),
        (r#"{"a": 1, "b": 2}"#, r#"{"a": 2}"#, 2),
        (r#"{"_id": "665f1c4f4a4f4a4f4a4f4a4f"}"#, r#"{"_id": "6925a1f04a4f4a4f4a4f4a40"}"#, 0),
        (r#"{"at": "2026-01-01T00:00:00.000Z"}"#, r#"{"at": "2026-11-25T02:08:33.123Z"}"#, 0),
        (r#"{"secret": "whsec_MfKQ9r8GKYqrTwjU"}"#, r#"{"secret": "whsec_C2FVsBQIhrscChlQ"}"#, 0),
        (r#"{"status": "active"}"#, r#"{"status": "closed"}"#, 1),
        (r#"{"docs": "http://127.0.0.1:4000/docs/errors/a"}"#, r#"{"docs": "http://127.0.0.1:5/docs/errors/a"}"#, 0),
        (r#"{"docs": "http://127.0.0.1:4000/docs/errors/a"}"#, r#"{"docs": "http://127.0.0.1:4000/docs/errors/b"}"#, 1),
        (r#"{"list": [1, 2]}"#, r#"{"list": [1]}"#, 1),
        (r#"{"list": ["…", {"a": 2}]}"#, r#"{"list": [{"a": 1}, {"a": 2}]}"#, 0),
        (r#"{"list": ["…", {"a": 3}]}"#, r#"{"list": [{"a": 1}, {"a": 2}]}"#, 1),
        (r#"{"amount": 1.0}"#, r#"{"amount": 1}"#, 0),
        (r#"{"pan": "4005550000000001"}"#, r#"{"pan": "4005551234567899"}"#, 0),
    ];
    for (shown, came, expected) in cases {
        assert_eq!(compared(shown, came), expected, "{shown} {came}");
    }
}

on_both_stores! {
    async fn the_readme_ends_in_an_explained_decline(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let readme = std::fs::read_to_string(directory().join("../../README.md")).expect("README.md");
        let (calls, _) = between(&readme, "\n## Five calls\n", "\n## ").expect("the calls");
        let code: Vec<&str> = calls.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).collect();
        let (settings, calls) = code.split_first().expect("the settings");
        assert!(settings.contains("PAYGEN_URL") && settings.contains("PAYGEN_API_KEY"), "{settings}");
        let home = tempfile::tempdir().expect("a directory");
        let script = format!("echo '{STEP}' 0\n{}", calls.join("\n"));
        let (answers, _) = run(&["bash"], &script, &server, home.path());
        let decision: Value = serde_json::from_str(&answers[0]).expect("JSON");
        assert_eq!(decision["reason"], "spending_limit_exceeded");
        let failed = decision["checks"].as_array().expect("checks");
        assert!(failed.len() == 2 && failed.iter().all(|check| check["wouldPassIf"].is_string()), "{decision}");
    }
}
