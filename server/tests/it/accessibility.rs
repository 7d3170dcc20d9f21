//! Every page of the docs checked with axe-core, for users of screen readers, keyboards and high contrast: in both
//! themes, on wide and narrow screens.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::guides;
use crate::world::{Backend, World};

const AXE: &str = include_str!("../vendor/axe.min.js");

/// Violations and their places. The reference viewer is third-party code, and checking it would take minutes.
const RUN: &str = "axe.run({ exclude: ['#reference', LEFT] }, { ONLY resultTypes: ['violations'] }).then(({ violations }) => violations.map((one) => \
    `${one.id} (${one.impact}): ${one.nodes.slice(0, 3).map((node) => node.target.join(' ') + ' ' + node.html.slice(0, 120)).join(' | ')}`))";

fn pages() -> Vec<String> {
    let guide =
        |path: std::path::PathBuf| format!("/docs/guides/{}", path.file_stem().expect("a name").to_string_lossy());
    let others =
        ["/docs", "/docs/guides", "/docs/errors", "/docs/errors/insufficient_funds", "/docs/api", "/docs/none"];
    others.map(str::to_owned).into_iter().chain(guides::files().into_iter().map(guide)).collect()
}

fn read(browser: &mut Browser, place: &str, only: &str, faults: &mut Vec<String>) {
    // Code looks the same on every page, and checking its many colours takes most of the time.
    let left = if place.contains("quickstart") { "'#reference'" } else { "'pre code'" };
    let found = browser.evaluate(&RUN.replace("ONLY", only).replace("LEFT", left));
    let found = found.as_array().unwrap_or_else(|| panic!("{place}: {found}"));
    faults.extend(found.iter().map(|fault| format!("{place}: {}", fault.as_str().unwrap_or_default())));
}

async fn read_all(width: u32, height: u32) {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let mut browser = Browser::start();
    let mut faults = Vec::new();
    for path in pages() {
        browser.look(width, height, false);
        browser.open(&format!("{}{path}", server.url));
        browser.wait_for(&format!("location.pathname === '{path}' && document.readyState === 'complete'"));
        let known = browser.evaluate(&format!("{AXE}; typeof axe.run"));
        assert_eq!(known, Value::from("function"));
        // Colours do not depend on the size of the screen.
        let themes: &[bool] = if width > 1000 { &[false, true] } else { &[false] };
        for dark in themes.iter().copied() {
            browser.call(
                "Emulation.setEmulatedMedia",
                json!({"features": [
                    {"name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" }},
                    {"name": "prefers-reduced-motion", "value": "reduce"},
                ]}),
            );
            // The themes differ in their colours only.
            let (theme, only) = match (dark, width > 1000) {
                (true, _) => ("dark", "runOnly: ['color-contrast'],"),
                (false, true) => ("light", ""),
                (false, false) => ("light", "rules: { 'color-contrast': { enabled: false } },"),
            };
            read(&mut browser, &format!("{path} {width} {theme}"), only, &mut faults);
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_accessible_on_a_screen() {
    read_all(1400, 900).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_accessible_on_a_phone() {
    read_all(390, 844).await;
}
