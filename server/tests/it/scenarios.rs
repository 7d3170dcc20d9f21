//! The scenarios of docs/scenarios, run on both stores; and `paygen simulate` itself.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::on_both_stores;
use crate::world::{Backend, KEY, World};

/// Every scenario.
fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenarios");
    let files = std::fs::read_dir(folder).expect("docs/scenarios").map(|entry| entry.expect("a file").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    files.sort();
    files
}

fn output_of(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat()
}

on_both_stores! {
    async fn every_scenario_passes(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let stories = stories();
        assert!(stories.len() >= 20, "{} stories", stories.len());
        let mut simulate = world.command("simulate");
        simulate.args(["--url", &server.url, "--api-key", KEY]).args(&stories);
        let output = tokio::task::spawn_blocking(move || simulate.output()).await;
        let output = output.expect("a thread").expect("paygen simulate runs");
        assert!(output.status.success(), "{}", output_of(&output));
        let verify = world.command("ledger verify").output().expect("paygen ledger verify runs");
        assert!(verify.status.success(), "{}", output_of(&verify));
    }
}

#[tokio::test]
async fn a_throw_away_sandbox_leaves_nothing_and_says_what_differs() {
    let world = World::new(Backend::Sqlite).await;
    let story = stories().into_iter().find(|path| path.ends_with("restaurant-with-tip.yaml")).expect("the restaurant");
    let simulate = |file: &Path| world.command("simulate").arg(file).output().expect("paygen simulate runs");
    let output = simulate(&story);
    assert!(output.status.success(), "{}", output_of(&output));
    assert!(!world.data_dir().exists(), "it has a directory of its own");
    let text = std::fs::read_to_string(&story).expect("the story");
    let file = world.dir.path().join("altered.yaml");
    for (good, bad, differs) in [
        ("approvedAmount: 40", "approvedAmount: 41", "approvedAmount: expected 41, is 40"),
        ("status: approved", "status: declined", "status: expected \"declined\", is \"approved\""),
        ("heldAmount: 40", "holdAmount: 40", "holdAmount: expected 40, but the answer has no such field"),
        ("available: 60", "available: 61", "visa available: expected 61, is 60"),
        ("[over_clearing]", "[]", "exceptions of visa: expected [], is [\"over_clearing\"]"),
        ("events: { visa: [authorization.approved] }", "events: { visa: [] }", "events of visa: expected []"),
        ("on: dinner", "on: lunch", "no message is called \"lunch\""),
        ("amount: 40,", "amount: 4000,", "is \"declined\" (insufficient_funds)"),
        ("amount: 40,", "amonut: 40,", "line 11"),
    ] {
        assert!(text.contains(good), "{good}");
        std::fs::write(&file, text.replace(good, bad)).expect("a file");
        let output = simulate(&file);
        assert_eq!(output.status.code(), Some(1), "{bad}: {}", output_of(&output));
        assert!(output_of(&output).contains(differs), "{bad}: {}", output_of(&output));
    }
}
