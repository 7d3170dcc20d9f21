//! Who may open what in the console, and what keeps others out.

use paygen_core::access::Scope;
use paygen_core::people::Role;
use serde_json::json;

use crate::on_both_stores;
use crate::person::{COOKIE, Person};
use crate::tenants::another_client;
use crate::world::{Backend, Server, World};

/// An id for each kind of page, of objects of the server's client.
struct Ids {
    account: String,
    holder: String,
    card: String,
    payment: String,
    program: String,
    key: String,
    event: String,
}

async fn populate(server: &Server) -> Ids {
    let account = server.account("Money", 1_000).await;
    let id = |reply: crate::world::Reply| {
        reply.data()["_id"].as_str().unwrap_or_else(|| panic!("{}", reply.text)).to_owned()
    };
    let holder =
        id(server.post("/card-holders", json!({"name": "Ada Obi", "person": {"email": "a@example.com"}})).await);
    let card = json!({"debitAccountId": account, "cardHolderId": holder, "type": "virtual", "brand": "Visa",
        "status": "active", "amount": 100});
    let card = id(server.post("/cards", card).await);
    let payment = id(server.post("/simulator/authorizations", json!({"cardId": card, "amount": 5})).await);
    let first = |reply: crate::world::Reply| reply.json()["data"][0]["_id"].as_str().expect("an id").to_owned();
    let program = first(server.get("/programs").await);
    let key = first(server.get("/api-keys").await);
    let event = first(server.get("/events").await);
    Ids { account, holder, card, payment, program, key, event }
}

/// The path of a page with an id that exists, where this test has one.
fn path(template: &str, ids: &Ids) -> Option<String> {
    let id = match template.split('/').nth(1).unwrap_or_default() {
        "accounts" => &ids.account,
        "card-holders" => &ids.holder,
        "cards" => &ids.card,
        "authorizations" => &ids.payment,
        "programs" => &ids.program,
        "api-keys" => &ids.key,
        "events" => &ids.event,
        _ if template.contains('{') => return None,
        _ => "",
    };
    (!template.contains("{document}")).then(|| format!("/console{}", template.replace("{id}", id)))
}

on_both_stores! {
    async fn each_role_opens_what_its_scopes_allow(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let ids = populate(&server).await;
        let base = server.console_link().split("/console").next().expect("a base").to_owned();
        let pages = paygen_console::pages();
        assert!(pages.len() > 90, "{}", pages.len());
        let mut faults = Vec::new();
        for role in Role::ALL {
            let mut person = Person::with_role(&server, &base, role.as_str()).await;
            for page in pages.iter().filter(|page| page.method == "GET") {
                let Some(path) = path(page.path, &ids) else { continue };
                let allowed = page.scope.is_none_or(|scope| role.scopes().has(scope));
                let answer = person.send("GET", &path, None).await;
                let fits = match answer.status {
                    403 => !allowed,
                    // Somebody may see an account and not the form to change it, which is the object's state.
                    200 | 303 | 404 | 409 => allowed,
                    _ => false,
                };
                if !fits {
                    faults.push(format!("{role} GET {path}: {} ({:?})", answer.status, page.scope));
                }
            }
            // A form that comes without the token of the session is no form of it, whatever the role.
            for page in pages.iter().filter(|page| page.method == "POST") {
                let Some(path) = path(page.path, &ids) else { continue };
                let forged = person.send("POST", &path, Some(&[("amount", "1")])).await;
                if forged.status != 403 {
                    faults.push(format!("{role} POST {path} without its token: {}", forged.status));
                }
            }
        }
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    }

    async fn forms_beyond_a_role_are_refused_with_the_scope(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let ids = populate(&server).await;
        let base = server.console_link().split("/console").next().expect("a base").to_owned();
        let mut auditor = Person::with_role(&server, &base, "auditor").await;
        let csrf = auditor.get("/console/profile").await.value("csrf");
        for page in paygen_console::pages().iter().filter(|page| page.method == "POST") {
            let writes = page.scope.is_some_and(|scope| !Role::Auditor.scopes().has(scope));
            let Some(path) = path(page.path, &ids).filter(|_| writes) else { continue };
            let refused = auditor.send("POST", &path, Some(&[("csrf", &csrf), ("amount", "1")])).await;
            assert_eq!(refused.status, 403, "{path}");
            refused.says("does not have the scope");
        }
        let mut support = Person::with_role(&server, &base, "support").await;
        support.get(&format!("/console/cards/{}", ids.card)).await.says("400555");
        assert_eq!(support.get(&format!("/console/cards/{}/reveal", ids.card)).await.status, 403);
        assert!(!Role::Support.scopes().has(Scope::CardsReveal));
    }

    async fn another_clients_objects_do_not_exist(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let ids = populate(&server).await;
        let base = server.console_link().split("/console").next().expect("a base").to_owned();
        let key = another_client(&world);
        let body = json!({"email": "o@example.com", "name": "O", "role": "owner"});
        let other = server.with_key(&key).post("/users", body).await;
        assert_eq!(other.status, 201, "{}", other.text);
        let link = other.data()["link"].as_str().expect("a link").to_owned();
        let mut stranger = Person::enter(&format!("{base}{link}")).await;
        for page in paygen_console::pages().iter().filter(|page| page.method == "GET" && page.path.contains("{id}")) {
            let Some(path) = path(page.path, &ids) else { continue };
            let answer = stranger.send("GET", &path, None).await;
            // A form without values of the object shows nothing of it; sending it is a 404.
            assert!([404, 200].contains(&answer.status), "{path}: {}", answer.status);
            assert!(!answer.text.contains("Ada Obi") && !answer.text.contains("400555"), "{path}");
        }
        let frozen = stranger.submit(&format!("/console/cards/{}/freeze", ids.card), &[("status", "inactive")]).await;
        assert_eq!(frozen.status, 404);
        assert_eq!(server.get(&format!("/cards/{}", ids.card)).await.data()["status"], "active");
    }

    async fn sessions_are_kept_from_others(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let link = server.console_link();
        let base = link.split("/console").next().expect("a base").to_owned();

        // Without a session, pages lead to the sign-in, and back afterwards; never to another site.
        let mut nobody = Person::stranger(&base);
        let asked = nobody.send("GET", "/console/cards?status=active", None).await;
        assert_eq!(asked.headers["location"], "/console/sign-in?next=%2Fconsole%2Fcards%3Fstatus%3Dactive");
        let page = nobody.get("/console/sign-in?next=https://evil.example/").await;
        assert_eq!(page.value("next"), "/console");

        // The cookie of a session that somebody else chose is not taken over.
        nobody.cookies.insert(COOKIE.to_owned(), format!("{}.{}", "0".repeat(24), "0".repeat(64)));
        assert!(nobody.get("/console/cards").await.path.starts_with("/console/sign-in"));
        let path = &link[base.len()..];
        let opened = nobody.send("POST", path, Some(&[])).await;
        let cookie = opened.headers["set-cookie"].to_str().expect("text").to_owned();
        for part in ["__Host-paygen=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains(&"0".repeat(64)) && !cookie.contains("Domain"), "{cookie}");

        // Every page says that nobody frames it, that nothing is cached, and what may run.
        let home = nobody.get("/console").await;
        for (name, part) in [("content-security-policy", "frame-ancestors 'none'"), ("content-security-policy", "script-src 'self';"),
            ("x-frame-options", "DENY"), ("cache-control", "no-store"), ("x-content-type-options", "nosniff")]
        {
            assert!(home.headers[name].to_str().is_ok_and(|value| value.contains(part)), "{name}: {:?}", home.headers[name]);
        }

        // A link works once.
        let mut second = Person::stranger(&base);
        let again = second.post(path, &[]).await;
        assert_eq!(again.status, 403);
        again.says("used already");

        // A form of another site is refused, even with the token.
        let csrf = home.value("csrf");
        let client = reqwest::Client::new();
        let foreign = client.post(format!("{base}/console/sign-out")).header("cookie", format!("{COOKIE}={}", nobody.cookies[COOKIE]))
            .header("origin", "https://evil.example").header("content-type", "application/x-www-form-urlencoded")
            .body(format!("csrf={csrf}")).send().await.expect("an answer");
        assert_eq!(foreign.status(), 403);

        // After signing out the cookie opens nothing.
        let mut copy = Person::stranger(&base);
        copy.cookies.clone_from(&nobody.cookies);
        nobody.post("/console/sign-out", &[("csrf", csrf.as_str())]).await;
        assert!(copy.get("/console/cards").await.path.starts_with("/console/sign-in"));
    }

    async fn passwords_and_codes_are_counted_and_used_once(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let mut owner = Person::owner(&server).await;
        let base = owner.base.clone();
        for (password, why) in [("short", "fewer than 12"), ("aaaaaaaaaaaaaaaa", "repeats a few"), ("owner@sandbox.example!", "e-mail")] {
            let page = owner.submit("/console/password", &[("password", password)]).await;
            assert_eq!(page.status, 400, "{password}");
            page.says(why);
        }
        owner.submit("/console/password", &[("password", "correct horse battery")]).await.says("The password is set.");
        let reused = owner.submit("/console/password", &[("password", "correct horse battery")]).await;
        reused.says("one of the last five");

        // An authenticator, and its recovery codes.
        let form = owner.get("/console/authenticator").await;
        let secret = form.text.split("<code id=\"secret\">").nth(1).and_then(|rest| rest.split('<').next()).expect("a secret").to_owned();
        let (csrf, factor) = (form.value("csrf"), form.value("factor"));
        let wrong = owner.post("/console/authenticator", &[("csrf", &csrf), ("factor", &factor), ("code", "000000")]).await;
        assert_eq!(wrong.status, 400);
        let code = one_time_code(&secret);
        let codes = owner.post("/console/authenticator", &[("csrf", &csrf), ("factor", &factor), ("code", &code)]).await;
        codes.says("Keep these recovery codes");
        let recovery = codes.text.split("<li><code>").nth(1).and_then(|rest| rest.split('<').next()).expect("a code").to_owned();

        // The password alone leaves the session partial: nothing else opens.
        let sign_in = [("email", " OWNER@sandbox.example"), ("password", "correct horse battery")];
        let mut again = Person::stranger(&base);
        let partial = again.submit("/console/sign-in", &sign_in).await;
        assert!(partial.path.starts_with("/console/second-factor"), "{}", partial.path);
        assert!(again.get("/console/cards").await.path.starts_with("/console/second-factor"));
        // The code that was used does not work again; a recovery code works once.
        let replayed = again.submit("/console/second-factor", &[("code", &code)]).await;
        assert_eq!(replayed.status, 403);
        assert_eq!(again.submit("/console/second-factor", &[("code", &recovery)]).await.path, "/console");
        let mut third = Person::stranger(&base);
        third.submit("/console/sign-in", &sign_in).await;
        assert_eq!(third.submit("/console/second-factor", &[("code", &recovery)]).await.status, 403);

        // Ten wrong tries lock for half an hour, the right password too. All say the same, also of an unknown address.
        let mut thief = Person::stranger(&base);
        let unknown = thief.submit("/console/sign-in", &[("email", "nobody@example.com"), ("password", "x")]).await;
        unknown.says("E-mail and password do not fit.");
        let guess = [("email", "owner@sandbox.example"), ("password", "wrong password here")];
        let mut statuses = Vec::new();
        for _ in 0..11 {
            statuses.push(thief.submit("/console/sign-in", &guess).await.status);
        }
        assert!(statuses.iter().all(|status| *status == 403), "{statuses:?}");
        let locked = thief.submit("/console/sign-in", &sign_in).await;
        assert_eq!(locked.status, 403);
        locked.says("E-mail and password do not fit.");
        locked.says("After ten wrong tries");
        let log = server.get("/audit-log?filter=action%3Duser.try&limit=50").await;
        assert!(log.json()["meta"]["total"].as_u64().is_some_and(|total| total >= 10), "{}", log.text);

        // One address tries a number of passwords, of whomever, and then waits.
        let mut last = None;
        for _ in 0..100 {
            let page = thief.submit("/console/sign-in", &[("email", "nobody@example.com"), ("password", "x")]).await;
            let is_over = page.status == 429;
            last = Some(page);
            if is_over {
                break;
            }
        }
        let last = last.expect("a page");
        assert_eq!(last.status, 429);
        last.says("too many tries from your network");
    }

    async fn a_password_ends_other_sessions(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let mut owner = Person::owner(&server).await;
        let sign_in = [("email", "owner@sandbox.example"), ("password", "correct horse battery")];
        owner.submit("/console/password", &[("password", "correct horse battery")]).await.says("The password is set.");
        let mut elsewhere = Person::stranger(&owner.base.clone());
        assert_eq!(elsewhere.submit("/console/sign-in", &sign_in).await.path, "/console");
        owner.submit("/console/password", &[("password", "another horse battery")]).await.says("The password is set.");
        assert!(elsewhere.get("/console/cards").await.path.starts_with("/console/sign-in"));
        assert_eq!(owner.get("/console/cards").await.path, "/console/cards");
    }

    async fn a_disabled_client_is_closed_to_its_people(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let base = server.console_link().split("/console").next().expect("a base").to_owned();
        server.key = another_client(&world);
        let account = server.account("Own", 0).await;
        let account = server.get(&format!("/accounts/{account}")).await.data();
        let client = account["client"].as_str().expect("an id").to_owned();
        let mut person = Person::with_role(&server, &base, "owner").await;
        assert_eq!(person.get("/console/accounts").await.path, "/console/accounts");
        for (word, place) in [("disable", "/console/sign-in"), ("enable", "/console/accounts")] {
            let done = world.command(&format!("clients {word} {client}")).output().expect("paygen runs");
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            let page = person.get("/console/accounts").await;
            assert!(page.path.starts_with(place), "{word}: {}", page.path);
        }
        // A client that is not this user's, or that does not exist, is not shown.
        let csrf = person.get("/console/profile").await.value("csrf");
        let absent = "0".repeat(24);
        let form = [("csrf", csrf.as_str()), ("client", absent.as_str())];
        person.post("/console/client", &form).await.says("There is no such client.");
    }
}

/// The code of an authenticator that knows this secret now, by an independent reader (pyotp).
pub fn one_time_code(secret: &str) -> String {
    let script = "import sys, pyotp; print(pyotp.TOTP(sys.argv[1]).now())";
    let output = std::process::Command::new("python3").args(["-c", script, secret]).output().expect("python3 runs");
    assert!(output.status.success(), "pyotp: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
