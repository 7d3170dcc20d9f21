//! What the page of an error says of the calls it comes from, held against the contract and against every answer that any
//! test gets.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use paygen_docs_site::callers::CALLERS;
use serde_json::Value;

use crate::world::{Backend, World};

const CONTRACT: &str = include_str!("../../../api/src/snapshots/paygen_api__router__tests__openapi.snap");

/// Method, path and name of every call.
static CALLS: LazyLock<Vec<(String, String, String)>> = LazyLock::new(|| {
    let contract: Value = serde_json::from_str(CONTRACT.splitn(3, "---\n").nth(2).expect("a contract")).expect("JSON");
    let mut calls = Vec::new();
    for (path, item) in contract["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("calls") {
            let name = operation["operationId"].as_str().expect("a name").to_owned();
            calls.push((method.to_uppercase(), path.clone(), name));
        }
    }
    calls
});

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut had) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), had.next()) {
            (None, None) => return true,
            (Some(wanted), Some(had)) if wanted == had || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// Fails when the page of this error does not name the call that it came from.
#[track_caller]
pub fn check(method: &str, path: &str, text: &str) {
    let Ok(answer) = serde_json::from_str::<Value>(text) else { return };
    let Some(code) = answer["error"]["code"].as_str() else { return };
    let Some((_, received)) = CALLERS.iter().find(|(of, _)| *of == code) else { return };
    let fitting = CALLS.iter().filter(|(of, template, _)| of == method && fits(template, path));
    // Of /cards/lookup and /cards/{cardId} the first is meant.
    let call = fitting.min_by_key(|(_, template, _)| template.matches('{').count());
    let name = call.map_or("", |(_, _, name)| name.as_str());
    assert!(received.contains(&name), "{code} came from {method} {path} ({name}), which CALLERS does not name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_lead_to_the_calls_that_answer_them() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let contract = server.get("/openapi.json").await.expect(200).json();
    let mut answers: BTreeMap<&str, &Value> = BTreeMap::new();
    for item in contract["paths"].as_object().expect("paths").values() {
        for operation in item.as_object().expect("calls").values() {
            answers.insert(operation["operationId"].as_str().expect("a name"), &operation["responses"]);
        }
    }
    for (code, names) in CALLERS {
        let page = server.get(&format!("/docs/errors/{code}")).await.expect(200).text;
        for name in *names {
            let statuses = answers.get(name).unwrap_or_else(|| panic!("{code}: there is no call {name}"));
            assert!(page.contains(&format!("href=\"/docs/api#{name}\"")), "{code}: {name}");
            let received = statuses.as_object().expect("answers").keys();
            assert!(received.into_iter().any(|status| page.contains(&format!(">{status}</span>"))), "{code}: {name}");
        }
    }
    let page = async |code: &str| server.get(&format!("/docs/errors/{code}")).await.expect(200).text;
    let missing = page("card_holder_not_found").await;
    assert!(missing.contains("#getCardHolder\"") && missing.contains("#createCard\""), "{missing}");
    assert!(!missing.contains("#getCard\""), "{missing}");
    assert!(page("rate_limited").await.contains("No call in particular."));
}
