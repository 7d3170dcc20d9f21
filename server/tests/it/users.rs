//! Users: invited, changed, removed; what a client cannot do to others and to itself; the operator's commands.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::backup::output_of;
use crate::on_both_stores;
use crate::operator::refused;
use crate::tenants::another_client;
use crate::world::{Backend, Reply, Server, World};

fn person(name: &str, role: &str) -> Value {
    json!({"email": format!("{name}@example.com"), "name": name, "role": role})
}

async fn invited(server: &Server, name: &str, role: &str) -> Value {
    server.post("/users", person(name, role)).await.expect(201).data()
}

fn path(user: &Value) -> String {
    format!("/users/{}", user["_id"].as_str().expect("an id"))
}

fn link(user: &Value) -> String {
    user["link"].as_str().expect("a link").to_owned()
}

/// A server whose console is at the returned address.
async fn with_console(world: &World) -> (Server, String) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let mut command = world.command("dev");
    command.args(["--console-listen", &address]);
    (Server::start(command, &world.data_dir()).await, format!("http://{address}"))
}

/// A browser that keeps its session by hand: its cookie is only sent over TLS.
struct Browser {
    http: reqwest::Client,
    console: String,
    cookie: String,
}

impl Browser {
    fn new(console: &str) -> Browser {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Browser { http, console: console.to_owned(), cookie: String::new() }
    }

    async fn call(&mut self, method: &str, path: &str, form: &str) -> (u16, String, String) {
        let request = self.http.request(method.parse().expect("a method"), format!("{}{path}", self.console));
        let request = request.header("cookie", &self.cookie);
        let request = match method {
            "POST" => request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned()),
            _ => request,
        };
        let response = request.send().await.expect("an answer");
        let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if let Some(session) =
            text("set-cookie").split(';').next().filter(|cookie| cookie.starts_with("__Host-paygen="))
        {
            self.cookie = session.to_owned();
        }
        let (status, place) = (response.status().as_u16(), text("location").to_owned());
        (status, place, response.text().await.expect("text"))
    }

    /// Signs in with a one-time link.
    async fn enter(console: &str, link: &str) -> Browser {
        let mut browser = Browser::new(console);
        let (status, place, _) = browser.call("POST", link, "").await;
        assert_eq!((status, place.as_str()), (303, "/console"));
        browser
    }

    async fn is_signed_in(&mut self) -> bool {
        self.call("GET", "/console", "").await.0 == 200
    }

    /// Sends a form of a page with this page's token.
    async fn submit(&mut self, path: &str, form: &str) -> (u16, String, String) {
        let (status, _, page) = self.call("GET", path, "").await;
        assert_eq!(status, 200, "{page}");
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").expect("a token");
        let token = rest.split('"').next().expect("a token").to_owned();
        self.call("POST", path, &format!("csrf={token}&{form}")).await
    }
}

on_both_stores! {
    async fn users_are_invited_found_changed_and_removed(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let ada = server.post("/users", json!({"email": " Ada@Example.com", "name": "Ada", "role": "support"})).await;
        assert_eq!(ada.expect(400).pointers(), ["/email"], "blanks are a mistake");
        let ada = server.post("/users", json!({"email": "Ada@Example.com", "name": "Ada", "role": "support"})).await.expect(201).data();
        assert_eq!((&ada["email"], &ada["status"], &ada["role"]), (&json!("ada@example.com"), &json!("invited"), &json!("support")));
        assert!(link(&ada).starts_with("/console/link/") && ada["linkExpiresAt"].is_string(), "{ada}");
        invited(&server, "bob", "auditor").await;
        invited(&server, "eve", "support").await;

        let found = async |query: &str| {
            let list = server.get(&format!("/users?{query}")).await.expect(200).json();
            let names: Vec<String> = list["data"].as_array().expect("a list").iter().map(|user| user["name"].as_str().expect("a name").to_owned()).collect();
            (names.join(" "), list["meta"]["total"].clone())
        };
        assert_eq!(found("sort=name&filter=role=support").await, ("Ada eve".to_owned(), json!(2)));
        assert_eq!(found("sort=name&filter=role.ne=support%26status=invited&limit=1").await.1, json!(2), "the sandbox's owner is one");
        assert_eq!(found("sort=-createdAt&limit=1&page=2").await.0, "bob");
        assert_eq!(found("filter=role=finance").await, (String::new(), json!(0)));
        assert_eq!(found("search=BOB").await.0, "bob");
        assert_eq!(server.get("/users?sort=role").await.expect(400).pointers(), ["sort"]);
        assert_eq!(server.get("/users?filter=role=king").await.expect(400).pointers(), ["filter"]);
        let page = server.get("/users?cursor=&limit=2&sort=name&fields=name").await.expect(200).json();
        let next = page["meta"]["nextCursor"].as_str().expect("more");
        let rest = server.get(&format!("/users?cursor={next}&limit=2&sort=name&fields=name")).await.expect(200).data();
        assert_eq!(rest.as_array().map(Vec::len), Some(2));

        // What was read can be written back.
        let path = path(&ada);
        let mut read = server.get(&path).await.expect(200).data();
        assert!(read.get("link").is_none() && read["secondFactor"] == "none" && read["lockedUntil"].is_null(), "{read}");
        read["role"] = json!("operations");
        let changed = server.request("PUT", &path).header("If-Match", "\"1\"").json(read.clone()).send().await.expect(200);
        assert_eq!((&changed.data()["role"], &changed.data()["status"]), (&json!("operations"), &json!("invited")));
        assert_eq!(changed.header("etag"), Some("\"2\""));
        let outdated = server.request("PUT", &path).header("If-Match", "\"1\"").json(json!({"role": "support"})).send().await;
        assert_eq!(outdated.expect(412).code(), "version_mismatch");
        assert_eq!(server.put(&path, json!({"email": "x@example.com"})).await.expect(400).code(), "read_only_field");

        let again = server.request("POST", &format!("{path}/link")).send().await.expect(200).data();
        assert_ne!(link(&again), link(&ada));
        server.put(&path, json!({"status": "disabled"})).await.expect(200);
        assert_eq!(server.put(&path, json!({"status": "active"})).await.expect(200).data()["status"], "invited", "they never signed in");
        assert_eq!(server.delete(&path).await.expect(200).data()["role"], Value::Null);
        for gone in [server.get(&path).await, server.delete(&path).await, server.put(&path, json!({"name": "A"})).await] {
            assert_eq!(gone.expect(404).code(), "user_not_found");
        }
        let anew = invited(&server, "ada", "auditor").await;
        assert_eq!(anew["_id"], ada["_id"]);
        let roles = server.get("/roles").await.expect(200).json();
        assert_eq!((&roles["data"][0]["role"], &roles["meta"]["total"]), (&json!("owner"), &json!(8)));
        let log = server.get("/audit-log?filter=objectType=user&limit=200").await.expect(200).text;
        assert!(log.contains("user.add") && log.contains("user.change") && log.contains("ada@example.com"), "{log}");
    }

    async fn what_is_wrong_is_named(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        assert_eq!(server.post("/users", json!({})).await.expect(400).pointers(), ["/email", "/name", "/role"]);
        let wrong = json!({"email": "ada", "name": "", "role": "king"});
        assert_eq!(server.post("/users", wrong).await.expect(400).pointers(), ["/email", "/name", "/role"]);
        let ada = invited(&server, "ada", "support").await;
        let twice = server.post("/users", person("ADA", "auditor")).await.expect(409);
        assert_eq!((twice.code(), twice.pointers()), ("user_exists".to_owned(), vec!["/email".to_owned()]));
        assert_eq!(server.put(&path(&ada), json!({"status": "gone"})).await.expect(400).pointers(), ["/status"]);
        for absent in ["/users/665f1c4f4a4f4a4f4a4f4a4f", "/users/665f1c4f4a4f4a4f4a4f4a4f/link"] {
            let reply = if absent.ends_with("link") { server.request("POST", absent).send().await } else { server.get(absent).await };
            assert_eq!(reply.expect(404).code(), "user_not_found");
        }
        // Nobody gives more than they have, nor touches somebody who has more.
        let owner = invited(&server, "eve", "owner").await;
        let scopes = ["users:read", "users:write", "keys:write", "accounts:read", "card-holders:read", "cards:read", "cards:write", "authorizations:read", "events:read", "approvals:read"];
        let key = server.post("/api-keys", json!({"name": "people", "scopes": scopes})).await.expect(201).data();
        server.key = key["key"].as_str().expect("a key").to_owned();
        invited(&server, "bob", "support").await;
        let beyond: [Reply; 4] = [
            server.post("/users", person("dan", "operations")).await,
            server.put(&path(&ada), json!({"role": "admin"})).await,
            server.delete(&path(&owner)).await,
            server.request("POST", &format!("{}/link", path(&owner))).send().await,
        ];
        for reply in beyond {
            assert_eq!(reply.expect(403).code(), "role_exceeded");
        }
        let token = server.post("/auth/tokens", json!({})).await.expect(201).data()["token"].as_str().expect("a token").to_owned();
        let by_token = server.http.post(format!("{}/users", server.url)).bearer_auth(&token)
            .header("content-type", "application/json").body(person("dan", "support").to_string()).send().await;
        assert_eq!(by_token.expect("an answer").status(), 403, "a user would outlive the token");
        let reader = server.post("/api-keys", json!({"name": "reader", "scopes": ["users:read"]})).await.expect(201).data();
        server.key = reader["key"].as_str().expect("a key").to_owned();
        server.get("/users").await.expect(200);
        assert_eq!(server.post("/users", person("dan", "support")).await.expect(403).code(), "scope_missing");
    }

    async fn another_clients_users_are_absent(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let other = another_client(&world);
        let ada = invited(&server, "ada", "support").await;
        let owner = server.get("/users?filter=email=owner@sandbox.example").await.expect(200).data()[0].clone();
        let mine = std::mem::replace(&mut server.key, other);
        let path = path(&ada);
        let replies = [
            server.get(&path).await,
            server.put(&path, json!({"role": "auditor"})).await,
            server.delete(&path).await,
            server.request("POST", &format!("{path}/link")).send().await,
        ];
        for reply in replies {
            assert_eq!(reply.expect(404).code(), "user_not_found");
        }
        let listed = server.get("/users").await.expect(200).text;
        assert!(!listed.contains("ada@example.com") && listed.contains("owner@sandbox.example"), "{listed}");
        // Their link was shown to somebody else, so nobody but the operator gives them a role here.
        assert_eq!(server.post("/users", person("ada", "auditor")).await.expect(403).code(), "user_shared");
        for reply in [server.delete(&self::path(&owner)).await, server.put(&self::path(&owner), json!({"role": "auditor"})).await] {
            assert_eq!(reply.expect(403).code(), "user_of_platform");
        }
        let clients = serde_json::from_str::<Value>(&output_of(&mut world.command("clients list --json"))).expect("JSON");
        let here = clients.as_array().expect("clients").iter().find(|client| client["name"] == "Other").expect("it")["_id"].clone();
        let command = format!("users create --email ada@example.com --name Ada --role auditor --client {} --json", here.as_str().expect("an id"));
        let added: Value = serde_json::from_str(&output_of(&mut world.command(&command))).expect("JSON");
        assert_eq!(added, json!({"user": ada["_id"], "link": null, "linkExpiresAt": null}), "they sign in as before");
        assert_eq!(server.put(&path, json!({"name": "Eve"})).await.expect(403).code(), "user_shared");
        assert_eq!(server.put(&path, json!({"status": "disabled"})).await.expect(403).code(), "user_shared");
        assert_eq!(server.request("POST", &format!("{path}/link")).send().await.expect(403).code(), "user_shared");
        server.put(&path, json!({"role": "support"})).await.expect(200);
        server.delete(&path).await.expect(200);
        server.key = mine;
        assert_eq!(server.get(&path).await.expect(200).data()["role"], "support");
    }

    async fn one_address_at_once_is_one_user(backend: Backend) {
        let world = World::new(backend).await;
        let server = Arc::new(world.start().await);
        for round in 0..6 {
            let calls = (0..8).map(|_| {
                let server = server.clone();
                tokio::spawn(async move { server.post("/users", person(&format!("ada{round}"), "support")).await })
            });
            let mut statuses = Vec::new();
            for call in calls.collect::<Vec<_>>() {
                let reply = call.await.expect("the call ran");
                assert!(reply.status == 201 || reply.code() == "user_exists", "{}", reply.text);
                statuses.push(reply.status);
            }
            assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        }
    }

    async fn a_client_keeps_an_active_owner(backend: Backend) {
        let world = World::new(backend).await;
        let (server, console) = with_console(&world).await;
        let server = Arc::new(server);
        for round in 0..4 {
            let mut owners = Vec::new();
            for name in ["ada", "bob"] {
                let owner = invited(&server, &format!("{name}{round}"), "owner").await;
                Browser::enter(&console, &link(&owner)).await;
                owners.push(path(&owner));
            }
            let calls = owners.clone().into_iter().map(|path| {
                let server = server.clone();
                tokio::spawn(async move { server.delete(&path).await })
            });
            let mut statuses = Vec::new();
            for call in calls.collect::<Vec<_>>() {
                let reply = call.await.expect("the call ran");
                assert!(reply.status == 200 || reply.code() == "last_owner", "{}", reply.text);
                statuses.push(reply.status);
            }
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
            let left = &owners[usize::from(statuses[0] == 200)];
            for change in [json!({"role": "admin"}), json!({"status": "disabled"})] {
                assert_eq!(server.put(left, change).await.expect(409).code(), "last_owner");
            }
            // The operator can make another one, and so remove the last.
            let email = server.get(left).await.expect(200).data()["email"].as_str().expect("an address").to_owned();
            output_of(&mut world.command(&format!("users disable {email}")));
            server.delete(left).await.expect(200);
        }
    }

    async fn users_change_others_and_not_themselves(backend: Backend) {
        let world = World::new(backend).await;
        let (server, console) = with_console(&world).await;
        let (ada, bob) = (invited(&server, "ada", "admin").await, invited(&server, "bob", "support").await);
        let mut browser = Browser::enter(&console, &link(&ada)).await;
        let (_, _, listed) = browser.call("GET", "/console/users?sort=name", "").await;
        assert!(listed.contains("ada@example.com") && listed.contains("Invite a user"), "{listed}");
        let (status, _, roles) = browser.call("GET", "/console/roles", "").await;
        assert!(status == 200 && roles.contains("Reads everything and changes nothing."), "{roles}");
        for (action, form) in [("disable", "status=disabled"), ("change", "name=Ada&role=auditor"), ("remove", ""), ("link", "")] {
            let (status, _, page) = browser.submit(&format!("/console{}/{action}", path(&ada)), form).await;
            assert!(status != 303 && page.contains("Users cannot change their own"), "{action}: {status} {page}");
        }
        let (status, place, _) = browser.submit(&format!("/console{}/disable", path(&bob)), "status=disabled").await;
        assert_eq!((status, place), (303, format!("/console{}", path(&bob))));
        let entry = server.get("/audit-log?filter=action=user.change%26actorType=user").await.expect(200).data()[0].clone();
        assert_eq!((&entry["actor"]["id"], &entry["objectId"]), (&ada["_id"], &bob["_id"]), "{entry}");
        let (status, _, shown) = browser.submit("/console/users/new", "email=eve%40example.com&name=Eve&role=support").await;
        assert!(status < 400 && shown.contains("/console/link/"), "{status} {shown}");
        // Who is disabled, or has no role any more, is signed out at once.
        assert!(browser.is_signed_in().await);
        server.put(&path(&ada), json!({"status": "disabled"})).await.expect(200);
        assert!(!browser.is_signed_in().await);
        server.put(&path(&ada), json!({"status": "active"})).await.expect(200);
        assert!(!browser.is_signed_in().await, "the session has ended");
        let again = server.request("POST", &format!("{}/link", path(&ada))).send().await.expect(200).data();
        let mut browser = Browser::enter(&console, &link(&again)).await;
        assert!(browser.is_signed_in().await);
        server.delete(&path(&ada)).await.expect(200);
        assert!(!browser.is_signed_in().await);
        assert_eq!(Browser::new(&console).call("POST", &link(&again), "").await.0, 403, "a link works once");
    }

    async fn the_operator_manages_users_beside_a_server(backend: Backend) {
        let world = World::new(backend).await;
        let (server, console) = with_console(&world).await;
        let run = |command: &str| serde_json::from_str::<Value>(&output_of(&mut world.command(command))).expect("JSON");
        let made = run("users create --email Grace@example.com --name Grace --role owner --json");
        let link = link(&made);
        let path = link.strip_prefix(&console).unwrap_or(&link).to_owned();
        assert!(path.starts_with("/console/link/") && (backend == Backend::Postgres || link.starts_with(&console)), "{link}");
        let mut browser = Browser::enter(&console, &path).await;
        assert!(browser.is_signed_in().await);
        let twice = &["is a user of this client already"];
        refused(&mut world.command("users create --email grace@example.com --name G --role admin"), twice);
        refused(&mut world.command("users link nobody@example.com"), &["there is no user", "paygen users list"]);
        refused(&mut world.command("users create --email grace --name G --role admin"), &["is no e-mail address"]);
        let reviewed = run("users review --json");
        let grace = reviewed.as_array().expect("users").iter().find(|user| user["email"] == "grace@example.com").expect("her");
        assert_eq!(grace["roles"], json!([{"client": null, "clientName": "every client", "role": "owner"}]));
        assert_eq!((&grace["passwordSet"], &grace["secondFactor"], &grace["lockedUntil"]), (&json!(false), &json!("none"), &Value::Null));
        assert!(grace["lastSignInAt"].is_string(), "{grace}");
        assert_eq!(run("users disable grace@example.com --json")["status"], "disabled");
        assert!(!browser.is_signed_in().await);
        assert_eq!(run("users enable grace@example.com --json")["status"], "active");
        let printed = output_of(&mut world.command("users link grace@example.com"));
        assert!(printed.contains("/console/link/") && printed.contains("works once"), "{printed}");
        let table = output_of(&mut world.command("users review"));
        assert!(table.contains("grace@example.com") && table.contains("owner in every client"), "{table}");
        assert!(output_of(&mut world.command("users list")).contains("owner@sandbox.example"));
        let log = server.get("/audit-log?filter=actorType=operator%26objectType=user").await.expect(200).json();
        assert!(log["meta"]["total"].as_u64() >= Some(3), "{log}");
    }
}
