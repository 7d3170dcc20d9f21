//! Passkeys in a real browser, whose authenticator is a virtual one (DevTools protocol, domain WebAuthn).

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::on_both_stores;
use crate::world::{Backend, Server, World};

const CHALLENGE: &str = "__Host-paygen-passkey";

/// A browser with an authenticator that asks for a finger and gets it; and the authenticator's id.
fn browser() -> (Browser, Value) {
    let mut browser = Browser::start();
    browser.call("WebAuthn.enable", json!({}));
    let options = json!({
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
        "isUserVerified": true, "automaticPresenceSimulation": true,
    });
    let added = browser.call("WebAuthn.addVirtualAuthenticator", json!({"options": options}));
    (browser, added["authenticatorId"].clone())
}

fn local(url: &str) -> String {
    url.replacen("127.0.0.1", "localhost", 1)
}

/// The console's origin as browsers on this machine open it, and the owner's one-time link.
fn console(server: &Server) -> (String, String) {
    let link = local(&server.printed("/console/link/"));
    let (origin, _) = link.split_once("/console").expect("a link of the console");
    (origin.to_owned(), link)
}

#[track_caller]
fn arrive(browser: &mut Browser, path: &str) {
    browser.wait_for(&format!("location.pathname === '{path}' && document.readyState === 'complete'"));
}

fn open(browser: &mut Browser, origin: &str, path: &str) {
    browser.open(&format!("{origin}{path}"));
    arrive(browser, path);
}

fn press(browser: &mut Browser, selector: &str) {
    browser.wait_for(&format!("document.querySelector('{selector}')?.checkVisibility()"));
    browser.evaluate(&format!("document.querySelector('{selector}').click()"));
}

/// Follows the one-time link and adds a passkey of this name; returns the recovery codes.
fn begin(browser: &mut Browser, origin: &str, link: &str, name: &str) -> Vec<Value> {
    browser.open(link);
    press(browser, "form button.primary");
    arrive(browser, "/console");
    open(browser, origin, "/console/passkeys/add");
    browser.wait_for("document.querySelector('#field-name')?.checkVisibility()");
    browser.evaluate(&format!("document.querySelector('#field-name').value = '{name}'"));
    browser.screenshot("passkey-add");
    press(browser, "form.passkey button");
    browser.wait_for("document.querySelector('h1')?.textContent === 'Keep these recovery codes'");
    let codes = browser.evaluate("[...document.querySelectorAll('main li')].map((item) => item.textContent.trim())");
    codes.as_array().expect("codes").clone()
}

fn sign_out(browser: &mut Browser, origin: &str) {
    open(browser, origin, "/console");
    browser.evaluate("document.querySelector('form[action=\"/console/sign-out\"]').requestSubmit()");
    arrive(browser, "/console/sign-in");
}

/// Signs a challenge with the page that is open, and returns the answer.
fn sign(browser: &mut Browser, options: &Value) -> String {
    let script = "(async ({publicKey}) => {
        const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
        const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
            .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
        const allowCredentials = publicKey.allowCredentials.map((one) => ({...one, id: bytes(one.id)}));
        const asked = {...publicKey, challenge: bytes(publicKey.challenge), allowCredentials};
        const credential = await navigator.credentials.get({publicKey: asked});
        const response = {};
        for (const name of ['clientDataJSON', 'authenticatorData', 'signature', 'userHandle'])
            response[name] = text(credential.response[name]);
        return JSON.stringify({id: credential.id, rawId: credential.id, type: credential.type, response});
    })";
    let answer = browser.evaluate(&format!("{script}({options})"));
    answer.as_str().expect("an answer").to_owned()
}

/// Replaces the authenticator's credential by one like it.
fn put(browser: &mut Browser, authenticator: &Value, kept: &Value, changes: Value) {
    browser.call("WebAuthn.clearCredentials", json!({"authenticatorId": authenticator}));
    let mut credential = kept.clone();
    for (name, value) in changes.as_object().expect("changes") {
        credential[name] = value.clone();
    }
    browser.call("WebAuthn.addCredential", json!({"authenticatorId": authenticator, "credential": credential}));
}

fn browser_cookie(browser: &mut Browser, origin: &str, name: &str) -> String {
    let cookies = browser.call("Network.getCookies", json!({"urls": [origin]}));
    let cookies = cookies["cookies"].as_array().expect("cookies").clone();
    let found = cookies.iter().find(|cookie| cookie["name"] == name).expect("the cookie");
    assert_eq!(
        (&found["httpOnly"], &found["secure"], &found["sameSite"]),
        (&json!(true), &json!(true), &json!("Strict"))
    );
    found["value"].as_str().expect("a value").to_owned()
}

/// Calls beside the browser, which cannot send a cookie again that the server took away.
struct Caller {
    http: reqwest::Client,
    url: String,
}

impl Caller {
    fn new(origin: &str) -> Caller {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Caller { http, url: origin.replacen("localhost", "127.0.0.1", 1) }
    }

    async fn try_ask(&self, what: &str, session: &str, token: &str) -> reqwest::Response {
        let request = self.http.post(format!("{}/console/passkeys/{what}/options", self.url)).header("x-csrf", token);
        request.header("cookie", format!("__Host-paygen={session}")).send().await.expect("an answer")
    }

    /// The options of a challenge, and the cookie that belongs to it.
    async fn ask(&self, what: &str, session: &str, token: &str) -> (Value, String) {
        let answer = self.try_ask(what, session, token).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let line = answer.headers()["set-cookie"].to_str().expect("a cookie").to_owned();
        assert!(line.contains("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=300"), "{line}");
        let kept = line.split([';', '=']).nth(1).expect("a value").to_owned();
        (serde_json::from_str(&answer.text().await.expect("text")).expect("JSON"), kept)
    }

    /// Signs in with an answer.
    async fn answer(&self, kept: &str, answer: &str) -> StatusCode {
        let form: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("credential", answer), ("next", "/console")])
            .finish();
        let request = self.http.post(format!("{}/console/passkeys/sign-in", self.url)).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.header("cookie", format!("{CHALLENGE}={kept}")).send().await.expect("an answer").status()
    }
}

on_both_stores! {
    async fn a_passkey_signs_in_alone_and_proves_a_factor(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (origin, link) = console(&server);
        let (mut browser, _) = browser();
        let codes = begin(&mut browser, &origin, &link, "Work laptop");
        assert_eq!(codes.len(), 10, "the first passkey brings recovery codes");
        open(&mut browser, &origin, "/console/profile");
        let page = browser.evaluate("document.querySelector('main').textContent");
        assert!(page.as_str().is_some_and(|page| page.contains("Work laptop")), "{page}");
        browser.screenshot("passkey-profile");

        sign_out(&mut browser, &origin);
        browser.screenshot("passkey-sign-in");
        press(&mut browser, "form.passkey button");
        arrive(&mut browser, "/console");

        // A proof anew, after which the page asked for is shown.
        browser.open(&format!("{origin}/console/confirm?next=/console/profile"));
        arrive(&mut browser, "/console/confirm");
        press(&mut browser, "form.passkey button");
        arrive(&mut browser, "/console/profile");

        // With a password, the passkey is the second factor.
        open(&mut browser, &origin, "/console/password");
        browser.evaluate("document.querySelector('#field-password').value = 'correct horse battery'");
        press(&mut browser, "form button.primary");
        arrive(&mut browser, "/console/profile");
        sign_out(&mut browser, &origin);
        browser.evaluate("document.querySelector('#field-email').value = 'owner@sandbox.example'");
        browser.evaluate("document.querySelector('#field-password').value = 'correct horse battery'");
        press(&mut browser, "form button.primary");
        arrive(&mut browser, "/console/second-factor");
        browser.screenshot("passkey-second-factor");
        press(&mut browser, "form.passkey button");
        arrive(&mut browser, "/console");

        // So is a recovery code, once.
        sign_out(&mut browser, &origin);
        browser.evaluate("document.querySelector('#field-email').value = 'owner@sandbox.example'");
        browser.evaluate("document.querySelector('#field-password').value = 'correct horse battery'");
        press(&mut browser, "form button.primary");
        arrive(&mut browser, "/console/second-factor");
        browser.evaluate(&format!("document.querySelector('#field-code').value = {}", codes[0]));
        press(&mut browser, "form button.primary");
        arrive(&mut browser, "/console");

        open(&mut browser, &origin, "/console/profile");
        let place = "document.querySelector('a[href$=\"/remove\"]').getAttribute('href')";
        let place = browser.evaluate(place).as_str().expect("a link").to_owned();
        open(&mut browser, &origin, &place);
        press(&mut browser, "button.danger");
        arrive(&mut browser, "/console/profile");
        let page = browser.evaluate("document.querySelector('main').textContent");
        assert!(page.as_str().is_some_and(|page| !page.contains("Work laptop")), "{page}");
        sign_out(&mut browser, &origin);
        press(&mut browser, "form.passkey button");
        browser.wait_for("document.querySelector('[role=alert]')?.textContent.includes('not known here')");
    }

    async fn what_does_not_fit_is_refused(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (origin, link) = console(&server);
        let (mut browser, authenticator) = browser();
        begin(&mut browser, &origin, &link, "Phone");
        let caller = Caller::new(&origin);

        // The right answer signs in, once; without its challenge, or with one for something else, it does not.
        let (options, challenge) = caller.ask("sign-in", "", "").await;
        let answer = sign(&mut browser, &options);
        assert_eq!(caller.answer("", &answer).await, StatusCode::FORBIDDEN);
        let (_, other) = caller.ask("sign-in", "", "").await;
        assert_eq!(caller.answer(&other, &answer).await, StatusCode::FORBIDDEN, "another challenge");
        assert_eq!(caller.answer(&challenge, "{}").await, StatusCode::FORBIDDEN);
        assert_eq!(caller.answer(&challenge, &answer).await, StatusCode::SEE_OTHER);
        assert_eq!(caller.answer(&challenge, &answer).await, StatusCode::FORBIDDEN, "the same again");

        // A challenge for a proof in a session belongs to that session, and needs its token.
        let session = browser_cookie(&mut browser, &origin, "__Host-paygen");
        open(&mut browser, &origin, "/console/profile");
        let token = browser.evaluate("document.querySelector('input[name=csrf]').value");
        let token = token.as_str().expect("a token");
        let refused = caller.try_ask("proof", &session, "").await.status();
        assert_eq!(refused, StatusCode::FORBIDDEN, "without the token");
        let (options, of_session) = caller.ask("proof", &session, token).await;
        assert_eq!(options["publicKey"]["allowCredentials"].as_array().map(Vec::len), Some(1));
        let answer = sign(&mut browser, &options);
        assert_eq!(caller.answer(&of_session, &answer).await, StatusCode::FORBIDDEN, "it signs in nowhere");

        // Requests that another site began.
        let forged = caller.http.post(format!("{}/console/passkeys/sign-in/options", caller.url));
        let forged = forged.header("sec-fetch-site", "cross-site").send().await.expect("an answer");
        assert_eq!(forged.status(), StatusCode::FORBIDDEN);

        // A copy whose counter is behind, and a credential that names another user.
        let kept = browser.call("WebAuthn.getCredentials", json!({"authenticatorId": authenticator}));
        let kept = kept["credentials"][0].clone();
        put(&mut browser, &authenticator, &kept, json!({"signCount": 0}));
        let (options, challenge) = caller.ask("sign-in", "", "").await;
        let behind = sign(&mut browser, &options);
        assert_eq!(caller.answer(&challenge, &behind).await, StatusCode::FORBIDDEN, "the counter went back");
        let changes = json!({"userHandle": "AAAAAAcHBwcHBwcHBwcHBw==", "signCount": 100});
        put(&mut browser, &authenticator, &kept, changes);
        let (options, challenge) = caller.ask("sign-in", "", "").await;
        let foreign = sign(&mut browser, &options);
        assert_eq!(caller.answer(&challenge, &foreign).await, StatusCode::FORBIDDEN, "another user's");

        // Signed for another site on the same host.
        put(&mut browser, &authenticator, &kept, json!({"signCount": 200}));
        let (options, challenge) = caller.ask("sign-in", "", "").await;
        open(&mut browser, &local(&server.url), "/docs");
        let elsewhere = sign(&mut browser, &options);
        assert_eq!(caller.answer(&challenge, &elsewhere).await, StatusCode::FORBIDDEN, "another origin");
        open(&mut browser, &origin, "/console/sign-in");
        let own = sign(&mut browser, &options);
        assert_eq!(caller.answer(&challenge, &own).await, StatusCode::SEE_OTHER, "the same challenge, signed here");

        // Browsers have no passkeys at an IP address, so the page leads to the name.
        browser.open(&format!("{}/console/sign-in", origin.replacen("localhost", "127.0.0.1", 1)));
        browser.wait_for("document.querySelector('.passkey-elsewhere a')?.checkVisibility()");
        let place = browser.evaluate("document.querySelector('.passkey-elsewhere a').href");
        assert_eq!(place, json!(format!("{origin}/console/sign-in")));
    }
}
