//! Signing in at an identity provider: PyPI's `oidc-provider-mock`, a program of its own.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::on_both_stores;
use crate::world::{Backend, Server, World, missing};

/// A provider that runs until it is dropped.
struct Provider {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    /// One whose tokens are valid for so many seconds; `None` where it is not installed.
    async fn start(seconds: i64) -> Option<Provider> {
        let mut look = Command::new("python3");
        look.args(["-c", "import oidc_provider_mock"]).stdout(Stdio::null()).stderr(Stdio::null());
        if !look.status().is_ok_and(|status| status.success()) {
            missing("oidc-provider-mock");
            return None;
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a port").port().to_string();
        let mut command = Command::new("python3");
        command.args(["-m", "oidc_provider_mock", "-p", &port, "-e", &seconds.to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("python3 starts");
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let provider = Provider { child, url: format!("http://127.0.0.1:{port}"), http };
        let deadline = Instant::now() + Duration::from_secs(60);
        while provider.http.get(format!("{}/jwks", provider.url)).send().await.is_err() {
            assert!(Instant::now() < deadline, "the provider was not ready in time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some(provider)
    }

    async fn describe(&self, who: &str, claims: Value) {
        let request = self.http.put(format!("{}/users/{who}", self.url)).header("content-type", "application/json");
        let answer = request.body(claims.to_string()).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }

    /// Signs in there; where it sends the browser.
    async fn sign_in(&self, url: &str, who: &str) -> String {
        let form = self.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        let answer = form.body(format!("sub={who}")).send().await.expect("an answer");
        answer.headers()[LOCATION].to_str().expect("a URL").to_owned()
    }
}

/// A sandbox whose console knows the provider under this issuer.
async fn started(world: &World, issuer: &str) -> Server {
    let settings = format!(
        "[console.oidc]\nissuer = '{issuer}'\nclient_id = 'paygen'\nname = 'Example ID'\n\
         roles = [{{ group = 'ops', role = 'operations' }}, {{ group = 'audit', role = 'auditor' }}]\n"
    );
    std::fs::write(world.dir.path().join("paygen.toml"), settings).expect("the settings");
    let mut command = world.command("dev");
    command.env("PAYGEN_OIDC_CLIENT_SECRET", "not-a-real-secret");
    Server::start(command, &world.data_dir()).await
}

/// A browser without scripts.
struct Visit {
    http: reqwest::Client,
    console: String,
}

fn cookie(answer: &Response, name: &str) -> Option<String> {
    let lines = answer.headers().get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
    let value = lines.filter_map(|line| line.strip_prefix(&format!("{name}="))).next()?;
    value.split(';').next().map(str::to_owned)
}

impl Visit {
    fn new(server: &Server) -> Visit {
        let link = server.printed("/console/link/");
        let (console, _) = link.split_once("/console").expect("a link of the console");
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Visit { http, console: console.to_owned() }
    }

    async fn start(&self) -> (String, String) {
        let answer = self.http.get(format!("{}/console/oidc/start?next=/console/profile", self.console)).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let line = answer.headers()[SET_COOKIE].to_str().expect("a cookie");
        assert!(line.contains("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"), "{line}");
        let place = answer.headers()[LOCATION].to_str().expect("a URL").to_owned();
        (place, cookie(&answer, "__Host-paygen-oidc").expect("the attempt"))
    }

    /// Comes back; the status, the page and the session's cookie.
    async fn back(&self, url: &str, attempt: &str) -> (StatusCode, String, Option<String>) {
        let request = self.http.get(url).header(COOKIE, format!("__Host-paygen-oidc={attempt}"));
        let answer = request.send().await.expect("an answer");
        let (status, session) = (answer.status(), cookie(&answer, "__Host-paygen"));
        (status, answer.text().await.expect("a page"), session)
    }

    /// All of it.
    async fn sign_in(&self, provider: &Provider, who: &str) -> (StatusCode, String, Option<String>) {
        let (place, attempt) = self.start().await;
        self.back(&provider.sign_in(&place, who).await, &attempt).await
    }

    async fn page(&self, session: &str) -> (StatusCode, String) {
        let request = self.http.get(format!("{}/console/profile", self.console));
        let answer = request.header(COOKIE, format!("__Host-paygen={session}")).send().await.expect("an answer");
        (answer.status(), answer.text().await.expect("a page"))
    }
}

fn person(email: &str, groups: &[&str]) -> Value {
    json!({"email": email, "email_verified": true, "name": "Ada Lovelace", "groups": groups})
}

on_both_stores! {
    async fn groups_of_the_provider_bring_roles(backend: Backend) {
        let Some(provider) = Provider::start(3600).await else { return };
        let world = World::new(backend).await;
        let server = started(&world, &provider.url).await;
        let visit = Visit::new(&server);

        provider.describe("ada", person("Ada@Example.com", &["staff", "ops"])).await;
        let (status, page, session) = visit.sign_in(&provider, "ada").await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(page.contains("content=\"0;url=/console/profile\""), "{page}");
        let first = session.expect("a session");
        let (status, page) = visit.page(&first).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("ada@example.com") && page.contains("operations"), "{page}");

        // Other groups next time: another role, at once in every session.
        provider.describe("ada", person("ada@example.com", &["audit"])).await;
        let (status, page, session) = visit.sign_in(&provider, "ada").await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let second = session.expect("a session");
        for session in [&first, &second] {
            assert!(visit.page(session).await.1.contains("auditor"));
        }

        // In no group that has a role: no role, in no session.
        provider.describe("ada", person("ada@example.com", &["staff"])).await;
        let (status, page, session) = visit.sign_in(&provider, "ada").await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(page.contains("none of your groups has a role here") && session.is_none(), "{page}");
        assert_eq!(visit.page(&second).await.0, StatusCode::SEE_OTHER);

        // Who was added here keeps the role they were given.
        provider.describe("owner", person("owner@sandbox.example", &["audit"])).await;
        let (_, _, session) = visit.sign_in(&provider, "owner").await;
        assert!(visit.page(&session.expect("a session")).await.1.contains("owner"));
    }

    async fn what_the_provider_did_not_sign_for_this_sign_in_is_refused(backend: Backend) {
        let Some(provider) = Provider::start(3600).await else { return };
        let world = World::new(backend).await;
        let server = started(&world, &provider.url).await;
        let visit = Visit::new(&server);
        provider.describe("ada", person("ada@example.com", &["ops"])).await;

        let (place, attempt) = visit.start().await;
        let back = provider.sign_in(&place, "ada").await;
        let (_, other) = visit.start().await;
        let changed = back.replace("state=", "state=0");
        for (case, url, attempt) in [
            ("another state", &changed, &attempt),
            ("another attempt", &back, &other),
            ("no attempt", &back, &String::new()),
            ("no code", &back.replace("code=", "ignored="), &attempt),
        ] {
            let (status, _, session) = visit.back(url, attempt).await;
            assert_eq!((status, session), (StatusCode::FORBIDDEN, None), "{case}");
        }
        assert_eq!(visit.back(&back, &attempt).await.0, StatusCode::OK, "the right one");
        let (status, _, session) = visit.back(&back, &attempt).await;
        assert_eq!((status, session), (StatusCode::FORBIDDEN, None), "a code is redeemed once");

        let (place, attempt) = visit.start().await;
        let back = provider.sign_in(&place.replace("nonce=", "nonce=0"), "ada").await;
        let (status, page, _) = visit.back(&back, &attempt).await;
        assert!(status == StatusCode::FORBIDDEN && page.contains("is not valid"), "another nonce: {page}");

        for claims in [json!(false), json!("true"), json!(null)] {
            let mut unverified = person("ada@example.com", &["ops"]);
            unverified["email_verified"] = claims.clone();
            provider.describe("ada", unverified).await;
            let (status, page, _) = visit.sign_in(&provider, "ada").await;
            assert!(status == StatusCode::FORBIDDEN && page.contains("e-mail address is verified"), "{claims}: {page}");
        }
    }

    async fn tokens_that_expired_and_other_issuers_are_refused(backend: Backend) {
        let Some(provider) = Provider::start(-300).await else { return };
        let world = World::new(backend).await;
        let mut server = started(&world, &provider.url).await;
        provider.describe("ada", person("ada@example.com", &["ops"])).await;
        let (status, page, _) = Visit::new(&server).sign_in(&provider, "ada").await;
        assert!(status == StatusCode::FORBIDDEN && page.contains("is not valid"), "{page}");
        server.stop();

        // The provider says it is another issuer than the settings do.
        let server = started(&world, &format!("{}/", provider.url)).await;
        let visit = Visit::new(&server);
        let answer = visit.http.get(format!("{}/console/oidc/start", visit.console)).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().get(LOCATION).is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_comes_back_signed_in_from_another_site() {
    let Some(provider) = Provider::start(3600).await else { return };
    let world = World::new(Backend::Sqlite).await;
    let server = started(&world, &provider.url).await;
    provider.describe("ada", person("ada@example.com", &["ops"])).await;
    // To a browser, localhost and 127.0.0.1 are two sites.
    let console = Visit::new(&server).console.replacen("127.0.0.1", "localhost", 1);
    let mut browser = Browser::start();
    browser.open(&format!("{console}/console/sign-in?next=/console/profile"));
    browser.wait_for("document.querySelector('a.provider')?.textContent.includes('Example ID')");
    browser.screenshot("oidc-sign-in");
    browser.evaluate("document.querySelector('a.provider').click()");
    browser.wait_for("location.hostname === '127.0.0.1' && document.querySelector('input[name=sub]') !== null");
    browser.evaluate(
        "(() => { const field = document.querySelector('input[name=sub]'); field.value = 'ada';
          field.form.requestSubmit(); })()",
    );
    browser.wait_for("location.pathname === '/console/profile' && document.readyState === 'complete'");
    let page = browser.evaluate("document.querySelector('main').textContent");
    assert!(page.as_str().is_some_and(|page| page.contains("ada@example.com")), "{page}");
}
