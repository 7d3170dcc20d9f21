//! Every page of the docs, read by axe-core as people with a screen reader, a keyboard or little contrast meet it: in both
//! themes, wide and narrow.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::guides;
use crate::world::{Backend, World};

const AXE: &str = include_str!("../vendor/axe.min.js");

/// What is wrong, and where.
const RUN: &str = "(async () => { const where = WHERE;
    if (where.include?.length === 0) return [];
    const { violations } = await axe.run(where, { ONLY, resultTypes: ['violations'] });
    const received = (node) => `${node.target.join(' ')} ${node.html.slice(0, 120)}`;
    return violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.slice(0, 3).map(received).join(' | ')}`); })()";

/// One text of each look that was not on a page before, because to measure the contrast of every word takes minutes: what
/// differs in the colour, the size or anything behind it.
const LOOKS: &str = "(() => { const looks = new Map(), grounds = new Map();
    const known = new Set(JSON.parse(sessionStorage.looks ?? '[]'));
    const ground = (element) => {
      if (!element) return '';
      if (!grounds.has(element)) {
        const { backgroundColor, backgroundImage, opacity } = getComputedStyle(element);
        grounds.set(element, `${ground(element.parentElement)}|${backgroundColor} ${backgroundImage} ${opacity}`);
      }
      return grounds.get(element);
    };
    const walker = document.createTreeWalker(ROOT, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
      const { color, fontSize, fontWeight } = getComputedStyle(element);
      const look = `${color} ${fontSize} ${fontWeight} ${ground(element)}`;
      if (!known.has(look)) looks.set(look, element);
      known.add(look);
    }
    sessionStorage.looks = JSON.stringify([...known]);
    return { include: [...looks.values()] }; })()";

pub const SIZES: [(u32, u32); 2] = [(1400, 900), (390, 844)];

fn pages() -> Vec<String> {
    let guide =
        |path: std::path::PathBuf| format!("/docs/guides/{}", path.file_stem().expect("a name").to_string_lossy());
    let others = ["/docs", "/docs/guides", "/docs/errors", "/docs/errors/insufficient_funds", "/docs/none"];
    others.map(str::to_owned).into_iter().chain(guides::files().into_iter().map(guide)).collect()
}

pub fn open(browser: &mut Browser, url: &str, path: &str) {
    browser.open(&format!("{url}{path}"));
    let bare = path.split('?').next().unwrap_or(path);
    browser.wait_for(&format!("location.pathname === '{bare}' && document.readyState === 'complete'"));
    let known = browser.evaluate(&format!("{AXE}; typeof axe.run"));
    assert_eq!(known, Value::from("function"));
}

fn look(browser: &mut Browser, (width, height): (u32, u32), dark: bool) {
    browser.look(width, height, dark);
    let scheme = if dark { "dark" } else { "light" };
    let features = json!([
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]);
    browser.call("Emulation.setEmulatedMedia", json!({"features": features}));
}

/// Reads what is open in both themes, which differ in their colours only.
pub fn read(browser: &mut Browser, place: &str, size: (u32, u32), within: &str, faults: &mut Vec<String>) {
    let colours = ("runOnly: ['color-contrast']", LOOKS.replace("ROOT", within));
    let others = ("rules: { 'color-contrast': { enabled: false } }", within.to_owned());
    for (dark, (only, place_of)) in [(false, &others), (false, &colours), (true, &colours)] {
        look(browser, size, dark);
        let found = browser.evaluate(&RUN.replace("ONLY", only).replace("WHERE", place_of));
        let found = found.as_array().unwrap_or_else(|| panic!("{place}: {found}"));
        let place = format!("{place} {}{}", size.0, if dark { " dark" } else { "" });
        faults.extend(found.iter().map(|fault| format!("{place}: {}", fault.as_str().unwrap_or_default())));
    }
}

pub fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Every second page, so that two browsers share the work.
async fn read_every_second(first: usize) {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let mut browser = Browser::start();
    let mut faults = Vec::new();
    for path in pages().iter().skip(first).step_by(2) {
        open(&mut browser, &server.url, path);
        // The samples in every language, and what is folded.
        browser.evaluate(
            "for (const one of document.querySelectorAll('pre[hidden]')) one.hidden = false; \
             for (const one of document.querySelectorAll('main details')) one.open = true;",
        );
        for size in SIZES {
            read(&mut browser, path, size, "document", &mut faults);
        }
    }
    assert_none(&faults);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_accessible() {
    read_every_second(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_pages_are_accessible() {
    read_every_second(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_and_its_console_are_accessible() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let mut browser = Browser::start();
    let mut faults = Vec::new();
    look(&mut browser, SIZES[0], false);
    open(&mut browser, &server.url, "/docs/api");
    browser.wait_for("Boolean(document.querySelector('#reference main h1'))");
    // A part is drawn when it is scrolled to, and the page grows meanwhile.
    browser.evaluate(
        "(async () => { for (let at = 0; at < document.documentElement.scrollHeight; at += 1500) { \
         scrollTo(0, at); await new Promise((done) => setTimeout(done, 100)); } })()",
    );
    browser.wait_for("!document.querySelector('#reference button[class*=copy-button]:not([aria-label])')");
    let drawn = browser.evaluate("document.querySelectorAll('#reference .response-card').length");
    assert!(drawn.as_u64().is_some_and(|drawn| drawn > 10), "{drawn}");
    for size in SIZES {
        read(&mut browser, "/docs/api", size, "document", &mut faults);
    }
    look(&mut browser, SIZES[0], false);
    browser.evaluate("location.hash = '#createAccount'");
    let button = "[...document.querySelectorAll('#reference button')].find((one) => /Test Request\\(post \\/accounts\\)/.test(one.textContent))";
    browser.wait_for(&format!("Boolean({button})"));
    browser.evaluate(&format!("{button}.click()"));
    browser.wait_for("document.querySelector('.scalar-client .cm-content')?.ariaLabel === 'Body'");
    for size in SIZES {
        read(&mut browser, "the console", size, "document.querySelector('.scalar-client')", &mut faults);
    }
    assert_none(&faults);
}
