//! The guides as a reader follows them: every request of every guide, run in order against a fresh server, and every answer
//! shown compared with the one that came.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::world::{Backend, Server, World};

/// Written after each answer by curl itself, so that several answers of one block are told apart.
const END: &str = "@@end of answer@@";

/// A block that is run, and what is said about its answer.
#[derive(Default)]
struct Step {
    line: usize,
    script: String,
    expect: Option<u16>,
    shown: Option<(usize, String)>,
    captures: Vec<(String, String)>,
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

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(info) = line.trim_start().strip_prefix("```").filter(|info| !info.is_empty()) {
            let body: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
            let words: Vec<&str> = info.split_whitespace().collect();
            if words.starts_with(&["bash", "run"]) {
                let expect = words.iter().find_map(|word| word.strip_prefix("expect="));
                let expect = expect.map(|status| status.parse().expect("a status"));
                steps.push(Step { line: number + 1, script: body.join("\n"), expect, ..Step::default() });
            } else if words.starts_with(&["json", "response"]) {
                let step = steps.last_mut().unwrap_or_else(|| panic!("line {}: an answer to nothing", number + 1));
                assert!(step.shown.is_none(), "line {}: a second answer to one block", number + 1);
                step.shown = Some((number + 1, body.join("\n")));
            }
        } else if let Some(words) = line.trim().strip_prefix("<!-- capture ") {
            let step = steps.last_mut().unwrap_or_else(|| panic!("line {}: nothing to capture from", number + 1));
            let pairs = words.trim_end_matches("-->").split_whitespace();
            step.captures
                .extend(pairs.filter_map(|pair| pair.split_once('=')).map(|(a, b)| (a.to_owned(), b.to_owned())));
        }
    }
    steps
}

/// Runs a script; its answers as status and body.
fn run(script: &str, variables: &BTreeMap<String, String>, home: &Path) -> Vec<(u16, String)> {
    let output =
        Command::new("sh").args(["-c", script]).current_dir(home).env("CURL_HOME", home).envs(variables).output();
    let output = output.expect("sh runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers: Vec<(u16, String)> = text
        .split(END)
        .filter_map(|answer| {
            let (body, status) = answer.rsplit_once("@@status ")?;
            Some((status.trim().parse().expect("a status"), body.trim().to_owned()))
        })
        .collect();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!answers.is_empty(), "no answer came:\n{script}\n{text}\n{complaint}");
    answers
}

/// What is wrong with a guide, line by line.
fn follow(path: &Path, server: &Server) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("a guide");
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    let home = tempfile::tempdir().expect("a directory");
    let curl = format!("silent\nshow-error\nwrite-out = \"\\n@@status %{{http_code}}\\n{END}\"\n");
    std::fs::write(home.path().join(".curlrc"), curl).expect("a file");
    let mut variables = BTreeMap::from([
        ("PAYGEN_URL".to_owned(), server.url.clone()),
        ("PAYGEN_API_KEY".to_owned(), server.key.clone()),
    ]);
    let mut faults = Vec::new();
    for step in steps(&text) {
        let answers = run(&step.script, &variables, home.path());
        let (status, body) = answers.last().expect("an answer");
        let fine = |status: u16| (200..300).contains(&status);
        let before = answers[..answers.len() - 1].iter().all(|(status, _)| fine(*status));
        if !before || !step.expect.map_or(fine(*status), |expected| expected == *status) {
            let expected = step.expect.map_or("2xx".to_owned(), |status| status.to_string());
            faults.push(format!("{name}:{}: {status} instead of {expected}: {body}", step.line));
            break;
        }
        let answer: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        if let Some((line, shown)) = &step.shown {
            match serde_json::from_str(shown) {
                Ok(shown) => {
                    let mut differences = Vec::new();
                    compare(&shown, &answer, "", &mut differences);
                    faults.extend(differences.into_iter().map(|difference| format!("{name}:{line}: {difference}")));
                }
                Err(why) => faults.push(format!("{name}:{line}: the answer shown is no JSON: {why}")),
            }
        }
        for (variable, pointer) in step.captures {
            match answer.pointer(&pointer) {
                Some(Value::String(text)) => drop(variables.insert(variable, text.clone())),
                Some(other) => drop(variables.insert(variable, other.to_string())),
                None => faults.push(format!("{name}:{}: {variable}: no {pointer} in {body}", step.line)),
            }
        }
    }
    faults
}

const MORE: &str = "…";

/// Members whose value is drawn or counted anew on each run.
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
        (Value::Array(shown), Value::Array(came)) if shown.len() == came.len() => {
            for (number, (one, other)) in shown.iter().zip(came).enumerate() {
                compare(one, other, &format!("{at}/{number}"), differences);
            }
        }
        (Value::String(one), Value::String(other)) if shape(one) == shape(other) => {}
        // The page of an error is told under the address that was called.
        (Value::String(one), Value::String(other)) if name == "docs" && path_of(one) == path_of(other) => {}
        _ if shown == came => {}
        // 1 and 1.0 are one amount.
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {}
        // The context's time is told in unix seconds.
        (Value::Number(_), Value::Number(_)) if at.ends_with("/context/createdAt") => {}
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) if DRAWN.contains(&name) => {}
        _ => differences.push(format!("{at}: {shown} is shown, {came} came")),
    }
}

/// A URL without scheme and host.
fn path_of(url: &str) -> &str {
    url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).map_or(url, |(_, path)| path)
}

/// A text with ids, times, numbers of cards, secrets and hashes replaced by what they are.
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_of_the_guides_is_true() {
    let mut faults = Vec::new();
    for path in files() {
        let world = World::new(Backend::Sqlite).await;
        let server = world.start().await;
        faults.extend(follow(&path, &server));
    }
    assert!(faults.is_empty(), "the guides say otherwise:\n{}", faults.join("\n"));
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
        (r#"{"amount": 1.0}"#, r#"{"amount": 1}"#, 0),
        (r#"{"pan": "4005550000000001"}"#, r#"{"pan": "4005551234567899"}"#, 0),
    ];
    for (shown, came, expected) in cases {
        assert_eq!(compared(shown, came), expected, "{shown} {came}");
    }
    let text = "```bash run expect=422\ncurl a\n```\n\n```json response\n{}\n```\n<!-- capture A=/data/_id B=/x -->\n";
    let steps = steps(text);
    assert_eq!((steps.len(), steps[0].expect, steps[0].captures.len()), (1, Some(422), 2));
}
