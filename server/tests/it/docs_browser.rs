//! The docs in a real browser: a guide, the search by keyboard, both themes, copying, and a call from the reference's
//! console; no request goes to another server.

use serde_json::json;

use crate::browser::Browser;
use crate::world::{Backend, World};

/// Records what the page's policy blocked.
const WATCH: &str = "window.forbidden = []; addEventListener('securitypolicyviolation', \
    (event) => forbidden.push(`${event.violatedDirective} ${event.blockedURI}`));";

fn press(browser: &mut Browser, key: &str, code: u32, text: Option<&str>) {
    let mut event = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code});
    if let Some(text) = text {
        event["text"] = json!(text);
    }
    browser.call("Input.dispatchKeyEvent", event);
    browser.call("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}));
}

fn start() -> Browser {
    let mut browser = Browser::start();
    browser.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": WATCH}));
    browser
}

#[track_caller]
fn assert_stays(browser: &mut Browser, server: &str) {
    let elsewhere = format!(
        "performance.getEntriesByType('resource').map((one) => one.name).filter((name) => !/^(data|blob):/.test(name) && !name.startsWith('{server}/'))"
    );
    assert_eq!(browser.evaluate(&elsewhere), json!([]), "nothing is loaded from elsewhere");
    // The viewer checks whether it may compile code from text, and works without.
    let forbidden = "forbidden.filter((one) => !one.endsWith(' eval'))";
    assert_eq!(browser.evaluate(forbidden), json!([]), "nothing is tried that the policy forbids");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guide_is_read_searched_copied_and_darkened() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let mut browser = start();
    browser.look(1440, 900, false);
    browser.open(&format!("{}/docs", server.url));
    browser.wait_for("document.querySelector('.door')?.href.endsWith('/docs/guides/quickstart')");
    browser.screenshot("docs-home");
    browser.open(&format!("{}/docs/guides/quickstart", server.url));
    browser
        .wait_for("document.querySelector('h1')?.textContent === 'Quickstart' && document.readyState === 'complete'");
    browser.screenshot("docs-guide-light");

    let copied = browser.evaluate(
        "(async () => { const button = document.querySelector('.copy'); let text = '';
          navigator.clipboard.writeText = async (given) => { text = given; };
          button.click(); await new Promise((done) => setTimeout(done, 50));
          return [text === button.closest('.code').querySelector('code').textContent, button.textContent]; })()",
    );
    assert_eq!(copied, json!([true, "Copied"]));

    let ground = "getComputedStyle(document.body).backgroundColor";
    let light = browser.evaluate(ground);
    browser.evaluate("document.querySelector('button.theme').click()");
    let dark = browser.evaluate(ground);
    assert_ne!(light, dark, "dark is dark");
    browser.screenshot("docs-guide-dark");
    browser.open(&format!("{}/docs/guides", server.url));
    browser.wait_for("location.pathname === '/docs/guides' && document.readyState === 'complete'");
    assert_eq!(browser.evaluate(ground), dark, "the choice is remembered");

    press(&mut browser, "/", 191, Some("/"));
    browser.wait_for("document.querySelector('dialog.search')?.open === true");
    browser.call("Input.insertText", json!({"text": "quickst"}));
    browser.wait_for("document.querySelector('#hits [aria-selected=true] a')?.getAttribute('href').startsWith('/docs/guides/quickstart')");
    browser.screenshot("docs-search");
    press(&mut browser, "Enter", 13, Some("\r"));
    browser.wait_for("location.pathname === '/docs/guides/quickstart'");
    browser.wait_for("document.readyState === 'complete'");
    assert_stays(&mut browser, &server.url);

    browser.look(390, 844, false);
    for path in ["/docs", "/docs/guides/quickstart", "/docs/errors", "/docs/errors/insufficient_funds"] {
        browser.open(&format!("{}{path}", server.url));
        browser.wait_for(&format!("location.pathname === '{path}' && document.readyState === 'complete'"));
        assert_eq!(browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), true, "{path} fits a phone");
        browser.screenshot(&format!("docs-narrow{}", path.replace('/', "-")));
        // A heading of a page is on it, whatever the styles of other pages say of its name.
        let unseen =
            "[...document.querySelectorAll('main h2')].filter((one) => !one.checkVisibility()).map((one) => one.id)";
        assert_eq!(browser.evaluate(unseen), json!([]), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_calls_the_running_server() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    server.account("From the console", 0).await;
    let mut browser = start();
    browser.look(1440, 900, false);
    browser.open(&format!("{}/docs/api#listAccounts", server.url));
    browser.wait_for("location.hash === '#tag/accounts/listAccounts'");
    browser.wait_for("document.querySelector('#reference')?.innerText.includes('List accounts')");
    browser.screenshot("docs-reference");
    let opened = "[...document.querySelectorAll('#reference button')].find((one) => /Test Request\\(get \\/accounts\\)/.test(one.textContent))";
    browser.wait_for(&format!("Boolean({opened})"));
    browser.evaluate(&format!("{opened}.click()"));
    // The key is typed into the page, as a user does.
    let asks = "[...document.querySelectorAll('.scalar-client .scalar-password-input, [role=dialog] .scalar-password-input')].at(-1)";
    browser.wait_for(&format!("Boolean({asks}?.offsetParent)"));
    browser.evaluate(&format!("{asks}.focus()"));
    browser.call("Input.insertText", json!({"text": server.key}));
    let sends = "[...document.querySelectorAll('button')].findLast((one) => /^Send/.test(one.textContent.trim()) && one.offsetParent)";
    browser.evaluate(&format!("{sends}.click()"));
    browser.wait_for("performance.getEntriesByType('resource').some((one) => new URL(one.name).pathname === '/accounts' && one.responseStatus === 200)");
    browser.wait_for("/200 OK/.test(document.body.innerText)");
    browser.screenshot("docs-console");
    assert_stays(&mut browser, &server.url);
}
