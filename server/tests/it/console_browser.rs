//! The console in a browser: scripts, themes, narrow screens, and what axe-core says.

use serde_json::json;

use crate::accessibility;
use crate::browser::Browser;
use crate::world::{Backend, World};

/// A sandbox with something on every page; the browser is signed in as its owner.
async fn begin(world: &World) -> (crate::world::Server, Browser, String, Vec<String>) {
    let server = world.start().await;
    let account = server.account("Operating account", 1_000).await;
    let holder =
        server.post("/card-holders", json!({"name": "Ada Obi", "person": {"email": "a@example.com"}})).await.id();
    let card = json!({"debitAccountId": account, "cardHolderId": holder, "type": "virtual", "brand": "Visa",
        "status": "active", "amount": 200, "spendingControls": {"spendingLimits": [{"amount": 100, "interval": "daily"}]}});
    let card = server.post("/cards", card).await.id();
    let paid = server.post("/simulator/authorizations", json!({"cardId": card, "amount": 25})).await.id();
    let declined = server.post("/simulator/authorizations", json!({"cardId": card, "amount": 180})).await.id();
    server.post(&format!("/simulator/authorizations/{paid}/clear"), json!({})).await;
    server.post("/simulator/force-posts", json!({"cardId": card, "amount": 4})).await;
    server.put("/approval-policy", json!({"rules": [{"action": "transfer.create"}]})).await;
    let other = server.account("Reserve", 0).await;
    let transfer = json!({"fromAccountId": account, "toAccountId": other, "amount": 5});
    let approval = server.post("/transfers", transfer).await.id();
    let link = server.console_link();
    let base = link.split("/console").next().expect("a base").to_owned();
    let mut browser = Browser::start();
    browser.open(&link);
    browser.wait_for("document.querySelector('form button[type=submit]') !== null");
    browser.evaluate("document.querySelector('form button[type=submit]').click()");
    browser.wait_for("location.pathname === '/console'");
    let mut paths: Vec<String> = [
        "/console",
        "/console/cards",
        "/console/card-holders",
        "/console/programs",
        "/console/authorizations",
        "/console/transactions",
        "/console/exceptions",
        "/console/responders",
        "/console/accounts",
        "/console/transfers",
        "/console/events",
        "/console/deliveries",
        "/console/webhooks",
        "/console/api-keys",
        "/console/simulator",
        "/console/audit-log",
        "/console/approvals",
        "/console/approval-policy",
        "/console/profile",
        "/console/password",
        "/console/authenticator",
        "/console/users",
        "/console/users/new",
        "/console/roles",
        "/console/search?q=Ada%20Obi",
        "/console/cards/new",
        "/console/simulator/pay",
        "/console/api-keys/new",
        "/console/nowhere",
    ]
    .map(str::to_owned)
    .into();
    paths.extend([
        format!("/console/accounts/{account}"),
        format!("/console/accounts/{account}/entries"),
        format!("/console/card-holders/{holder}"),
        format!("/console/card-holders/{holder}/review"),
        format!("/console/cards/{card}"),
        format!("/console/cards/{card}/controls"),
        format!("/console/authorizations/{declined}"),
        format!("/console/authorizations/{declined}/decision"),
        format!("/console/authorizations/{declined}/decision?amount=x"),
        format!("/console/approvals/{approval}"),
    ]);
    (server, browser, base, paths)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_accessible_in_both_themes_and_fit_a_phone() {
    let world = World::new(Backend::Sqlite).await;
    let (_server, mut browser, base, paths) = begin(&world).await;
    let mut faults = Vec::new();
    for path in &paths {
        accessibility::open(&mut browser, &base, path);
        browser.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true;");
        for size in accessibility::SIZES {
            accessibility::read(&mut browser, path, size, "document", &mut faults);
        }
        let wide = browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        if wide.as_i64() != Some(0) {
            faults.push(format!("{path}: {wide} px wider than a phone"));
        }
        let name = path.trim_start_matches("/console").replace(['/', '?', '=', '%'], "-");
        browser.screenshot(&format!("console{name}-dark-390"));
    }
    accessibility::assert_none(&faults);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_help_and_nothing_breaks_the_policy() {
    let world = World::new(Backend::Sqlite).await;
    let (_server, mut browser, base, paths) = begin(&world).await;
    browser.look(1280, 900, false);
    for path in &paths {
        accessibility::open(&mut browser, &base, path);
        let reports = browser.evaluate(
            "new Promise((done) => { const seen = []; const observer = new ReportingObserver((all) => \
             seen.push(...all.map((one) => `${one.body.effectiveDirective} ${one.body.blockedURL}`)), \
             { types: ['csp-violation'], buffered: true }); observer.observe(); setTimeout(() => done(seen), 50); })",
        );
        assert_eq!(reports, json!([]), "{path}");
        let bytes = browser.evaluate(
            "performance.getEntriesByType('resource').reduce((sum, one) => sum + one.encodedBodySize, \
            performance.getEntriesByType('navigation')[0].encodedBodySize)",
        );
        assert!(bytes.as_f64().is_some_and(|bytes| bytes < 120_000.0), "{path}: {bytes} bytes");
    }
    // The theme and the zone are kept; `/` finds the search.
    accessibility::open(&mut browser, &base, "/console/authorizations");
    browser.evaluate("document.querySelector('.theme').click()");
    browser.wait_for("document.documentElement.dataset.theme === 'dark'");
    browser.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', { key: '/', bubbles: true }))");
    browser.wait_for("document.activeElement.id === 'search'");
    browser.screenshot("console-dark-1280");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_list_shows_what_comes() {
    let world = World::new(Backend::Sqlite).await;
    let (server, mut browser, base, _) = begin(&world).await;
    browser.open(&format!("{base}/console/authorizations"));
    browser.wait_for("document.querySelector('button.live') !== null");
    let rows = browser.evaluate("document.querySelectorAll('[data-live] tbody tr').length").as_i64().expect("a number");
    browser.evaluate("document.querySelector('button.live').click()");
    browser.wait_for("document.querySelector('button.live').getAttribute('aria-pressed') === 'true'");
    let card = server.get("/cards?limit=1").await.expect(200).data()[0]["_id"].clone();
    server.post("/simulator/authorizations", json!({"cardId": card, "amount": 1.25})).await.expect(201);
    browser.wait_for(&format!("document.querySelectorAll('[data-live] tbody tr').length === {}", rows + 1));
    browser.wait_for("document.querySelector('tr.fresh').textContent.includes('1.25')");
    browser.evaluate("document.querySelector('button.live').click()");
    browser.wait_for("document.querySelector('button.live').getAttribute('aria-pressed') === 'false'");
}
