//! The command line: help, accepted and refused arguments, and output for programs.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::backup::{clear, output_of};
use crate::on_both_stores;
use crate::operator::refused;
use crate::world::{Backend, KEY, Server, World};

/// The binary with only the settings of a fresh directory.
fn paygen(world: &World, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paygen"));
    command.args(args).current_dir(world.dir.path());
    command
}

fn json_of(command: &mut Command) -> Value {
    let text = output_of(command);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn with_key_file(world: &World, subcommand: &str) -> Command {
    let mut command = world.command(subcommand);
    command.env_remove("PAYGEN_SANDBOX_API_KEY").arg("--key-file").arg(world.dir.path().join("vault.key"));
    command
}

#[tokio::test]
async fn help_has_the_own_options_first_and_leaves_out_what_means_nothing() {
    let world = World::new(Backend::Sqlite).await;
    let help = |command: &str| output_of(paygen(&world, &[command, "--help"]).env_remove("PAYGEN_API_KEY"));
    for (command, own) in [("backup", "--to <DIR>"), ("restore", "--from <DIR>"), ("listen", "--forward-to <URL>")] {
        let text = help(command);
        let (settings, own) = (text.find("Settings:").expect("a heading"), text.find(own).expect("its option"));
        assert!(own < settings && settings < text.find("--data-dir").expect("a setting"), "{text}");
        assert!(text.find("Examples:").expect("examples") > settings, "{text}");
    }
    let listen = help("listen");
    for absent in ["--listen", "--database-url", "--key-file", "--log-level"] {
        assert!(!listen.contains(absent), "{absent}: {listen}");
    }
    assert!(help("dev").contains("--listen <ADDRESS>"));
    assert!(!help("completions").contains("Settings:"));
    // Options omitted from the help are accepted all the same.
    refused(
        paygen(&world, &["listen", "--database-url", "postgres://x"]).env("PAYGEN_DATA_DIR", "none"),
        &["there is no API key"],
    );
}

#[tokio::test]
async fn addresses_are_taken_as_people_type_them() {
    let world = World::new(Backend::Sqlite).await;
    let begin = |command: &mut Command| {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("paygen starts");
        let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("its output")));
        let line = lines.map_while(Result::ok).find(|line| line.contains("http://")).expect("an address");
        child.kill().and_then(|()| child.wait()).expect("it ends");
        line
    };
    for (flag, text) in [("--listen", "localhost:0"), ("--listen", ":0"), ("--listen", "0"), ("--port", "0")] {
        let line = begin(world.command("dev").args([flag, text]));
        assert!(line.contains("http://127.0.0.1:"), "{line}");
    }
    assert!(begin(world.command("dev").env("PAYGEN_LISTEN", "0")).contains("http://127.0.0.1:"));
    std::fs::write(world.dir.path().join("paygen.toml"), "listen = \"localhost:0\"").expect("a file");
    assert!(begin(&mut world.command("dev")).contains("http://127.0.0.1:"));
    std::fs::write(world.dir.path().join("paygen.toml"), "listen = 0").expect("a file");
    assert!(begin(&mut world.command("dev")).contains("http://127.0.0.1:"));
    refused(world.command("dev").args(["--listen", "nowhere"]), &["such as 127.0.0.1:4000, localhost:4000 or 4000"]);
    refused(world.command("dev").args(["--log-level", "loud"]), &["\"loud\"", "off, error, warn, info, debug, trace"]);
    std::fs::write(world.dir.path().join("paygen.toml"), "lisen = 1").expect("a file");
    refused(&mut world.command("dev"), &["paygen.toml: line 1, lisen: lisen is not a setting. Did you mean listen?"]);
}

#[tokio::test]
async fn an_unreachable_store_is_reported_once_in_plain_words() {
    let world = World::new(Backend::Sqlite).await;
    for command in ["dev", "migrate", "ledger verify"] {
        let mut command = world.command(command);
        let output =
            command.args(["--database-url", "postgres://u:secret@127.0.0.1:1/x"]).output().expect("paygen runs");
        let received = String::from_utf8_lossy(&output.stderr).into_owned();
        let expected = "paygen: cannot connect to PostgreSQL at 127.0.0.1:1: connection refused. Check database_url";
        assert!(!output.status.success() && received.contains(expected), "{received}");
        assert!(!received.contains("unavailable") && !received.contains("secret"), "{received}");
    }
    let output = world.command("clients list").output().expect("paygen runs");
    let received = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(received.starts_with("paygen: ") && !received.contains("the store is unavailable"), "{received}");
}

#[tokio::test]
async fn completions_need_nothing() {
    let world = World::new(Backend::Sqlite).await;
    std::fs::write(world.dir.path().join("paygen.toml"), "nonsense").expect("a file");
    for shell in ["bash", "zsh", "fish"] {
        let script = output_of(&mut paygen(&world, &["completions", shell]));
        assert!(script.contains("create-key") && script.contains("forward-to"), "{shell}");
    }
    refused(&mut paygen(&world, &["completions", "cmd"]), &["bash"]);
}

on_both_stores! {
    async fn a_key_file_is_made_once_and_production_starts_with_it(backend: Backend) {
        let world = World::new(backend).await;
        let said = output_of(&mut paygen(&world, &["keys", "new", "vault.key"]));
        assert!(said.contains("export PAYGEN_KEY_FILE=vault.key") && said.contains("paygen migrate"), "{said}");
        let path = world.dir.path().join("vault.key");
        let kept = std::fs::read(&path).expect("the file");
        assert_eq!(std::fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o600);
        refused(&mut paygen(&world, &["keys", "new", "vault.key"]), &["vault.key", "it is there already"]);
        assert_eq!(std::fs::read(&path).expect("the file"), kept);
        assert_eq!(std::fs::read_dir(world.dir.path()).expect("a directory").flatten().filter(|entry| entry.path().is_file()).count(), 1);

        output_of(&mut with_key_file(&world, "migrate"));
        let made = json_of(with_key_file(&world, "clients create --name Company").arg("--json"));
        let mut command = with_key_file(&world, "serve");
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("paygen starts");
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("its output")));
        let first = lines.next().and_then(Result::ok).expect("a line");
        let store = if backend == Backend::Sqlite { ", on SQLite in " } else { ", on PostgreSQL at " };
        for words in [concat!("Paygen ", env!("CARGO_PKG_VERSION")), "http://127.0.0.1:", store, "with 1 client."] {
            assert!(first.contains(words), "{words}: {first}");
        }
        assert!(lines.next().and_then(Result::ok).expect("a line").contains("/docs"));
        child.kill().and_then(|()| child.wait()).expect("it ends");
        assert!(made["apiKey"].as_str().expect("a key").starts_with("pgk_live_"), "{made}");
    }

    async fn a_client_that_lost_its_key_gets_another(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let client = json_of(&mut world.command("clients list --json"))[0]["_id"].as_str().expect("an id").to_owned();
        // Beside the running server.
        let made = json_of(world.command("clients create-key").args([&client, "--name", "Second", "--json"]));
        let plain = output_of(world.command("clients create-key").arg(&client));
        assert!(plain.contains("shown this once"), "{plain}");
        server.key = made["apiKey"].as_str().expect("a key").to_owned();
        server.get("/accounts").await.expect(200);
        let audit = server.get("/audit-log?limit=200").await.expect(200).data();
        let entry = audit.as_array().expect("entries").iter().find(|entry| entry["objectId"] == made["_id"]);
        let entry = entry.unwrap_or_else(|| panic!("no entry of {made}: {audit}"));
        assert_eq!(entry["actor"]["type"], "operator", "{entry}");

        let keys = json_of(world.command("clients keys").args([&client, "--json"]));
        let names: Vec<&str> = keys.as_array().expect("keys").iter().filter_map(|key| key["name"].as_str()).collect();
        assert!(names.len() == 3 && names.contains(&"Second") && names.contains(&"Made by the operator"), "{keys}");
        let table = output_of(world.command("clients keys").arg(&client));
        assert!(table.contains("Second") && table.contains("active") && table.contains("all"), "{table}");
        for shown in [table, keys.to_string()] {
            assert!(!shown.contains(&server.key) && !shown.contains(KEY), "{shown}");
        }
        let nobody = "000000000000000000000001";
        for command in ["clients keys", "clients create-key"] {
            refused(world.command(command).arg(nobody), &["there is no client", "paygen clients list"]);
            refused(world.command(command).arg("x"), &["24 lowercase hex"]);
        }
        // And without a server.
        server.stop();
        let third = json_of(world.command("clients create-key").args([&client, "--json"]));
        let mut server = world.start().await;
        server.key = third["apiKey"].as_str().expect("a key").to_owned();
        server.get("/accounts").await.expect(200);
    }

    async fn results_are_printed_for_programs(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        server.account("A", 5).await;
        server.stop();
        let verified = json_of(&mut world.command("ledger verify --json"));
        assert_eq!((&verified["faults"], &verified["findings"]), (&json!(0), &json!([])), "{verified}");
        assert!(verified["digest"].as_str().is_some_and(|digest| digest.len() == 64), "{verified}");
        let replayed = json_of(&mut world.command("replay --json"));
        assert_eq!((&replayed["differing"], &replayed["differences"]), (&json!(0), &json!([])), "{replayed}");
        let keys = json_of(&mut world.command("keys list --json"));
        assert!(keys.as_array().expect("keys").iter().all(|key| key["purpose"].is_string()), "{keys}");
        // No progress is shown without a terminal.
        let output = world.command("ledger verify").output().expect("paygen runs");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn the_status_shows_whether_a_server_runs(backend: Backend) {
        let world = World::new(backend).await;
        let status = |more: &[&str]| world.command("status").arg("--json").args(more).output().expect("paygen runs");
        let read = |output: &Output| serde_json::from_str::<Value>(&out(output)).expect("JSON");
        let path = world.dir.path().join("at.toml");
        let at = path.to_str().expect("a path");
        std::fs::write(&path, "listen = 1").expect("a file");
        let before = status(&["--config", at]);
        assert!(!before.status.success());
        assert_eq!(read(&before)["running"], false, "{before:?}");

        let mut server = world.start().await;
        let port = server.url.rsplit(':').next().expect("a port").to_owned();
        std::fs::write(&path, format!("listen = {port}")).expect("a file");
        let running = status(&["--config", at]);
        let received = read(&running);
        assert!(running.status.success(), "{received}");
        let expected = json!({"running": true, "url": server.url, "environment": "sandbox", "storeError": null});
        for (name, value) in expected.as_object().expect("members") {
            assert_eq!(&received[name], value, "{received}");
        }
        assert!(received["schema"].as_i64().is_some_and(|number| number >= 8), "{received}");
        let store = received["store"].as_str().expect("a store");
        match backend {
            Backend::Sqlite => {
                assert_eq!(received["server"]["process"], server.pid(), "{received}");
                assert_eq!(received["server"]["version"], env!("CARGO_PKG_VERSION"), "{received}");
                assert!(store.starts_with("SQLite in "), "{store}");
            }
            Backend::Postgres => assert!(received["server"].is_null() && store.starts_with("PostgreSQL at "), "{received}"),
        }
        let words = output_of(world.command("status").args(["--config", at]));
        assert!(words.contains(&server.url) && words.contains("Environment  sandbox"), "{words}");
        server.stop();
        let after = status(&["--config", at]);
        assert!(!after.status.success());
        assert_eq!((&read(&after)["running"], &read(&after)["environment"]), (&json!(false), &json!("sandbox")));
    }

    async fn clients_are_disabled_and_given_keys_as_the_api_would(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        let made = json_of(&mut world.command("clients create --name Acme --json"));
        let client = made["client"].as_str().expect("an id").to_owned();
        for (word, status) in [("disable", "disabled"), ("enable", "active")] {
            let received = json_of(&mut world.command(&format!("clients {word} {client} --json")));
            assert_eq!(received, json!({"client": client, "status": status}));
        }
        server.key = made["apiKey"].as_str().expect("a key").to_owned();
        for number in 1..100 {
            let body = json!({"name": format!("k{number}"), "scopes": ["accounts:read"]});
            server.post("/api-keys", body).await.expect(201);
        }
        let why = "A client has at most 100 API keys that work. Revoke one";
        refused(&mut world.command(&format!("clients create-key {client}")), &[why]);
    }

    async fn a_demo_is_ready_to_be_paid_with(backend: Backend) {
        let world = World::new(backend).await;
        let mut dev = world.command("dev");
        // The sandbox's default key, as on a first start.
        dev.env_remove("PAYGEN_SANDBOX_API_KEY");
        let mut server = Server::start(dev, &world.data_dir()).await;
        let at = server.url.clone();
        let demo = || {
            let mut command = world.command("demo");
            command.env_remove("PAYGEN_SANDBOX_API_KEY").env_remove("PAYGEN_API_KEY").args(["--url", &at]);
            command.output().expect("paygen runs")
        };
        let (first, second) = (demo(), demo());
        let errors = String::from_utf8_lossy(&first.stderr).into_owned();
        assert!(first.status.success() && second.status.success(), "{errors}");
        assert!(errors.contains("eval \"$(paygen demo)\""), "{errors}");
        let lines = out(&first);
        assert!(lines.lines().all(|line| line.starts_with("export ")), "{lines}");
        let script = "eval \"$1\"; echo $PAYGEN_URL $PAYGEN_API_KEY $ACCOUNT_ID $CARD_HOLDER_ID $CARD_ID";
        let output = Command::new("sh").args(["-c", script, "sh", &lines]).output().expect("sh runs");
        let variables = out(&output);
        let [url, key, account, holder, card] = variables.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{variables}");
        };
        assert_eq!(url, server.url);
        server.key = key.to_owned();
        assert_eq!(server.get(&format!("/accounts/{account}")).await.expect(200).data()["balance"], 750);
        server.get(&format!("/card-holders/{holder}")).await.expect(200);
        let pay = |amount: i64| json!({"cardId": card, "amount": amount});
        let paid = server.post("/simulator/authorizations", pay(40)).await.expect(201);
        assert_eq!(paid.data()["status"], "approved", "{}", paid.text);
        let refused = server.post("/simulator/authorizations", pay(70)).await;
        assert_eq!(refused.data()["reason"], "spending_limit_exceeded", "{}", refused.text);
        assert_ne!(out(&second), lines, "each makes its own");
        server.stop();
        let gone = demo();
        let received = String::from_utf8_lossy(&gone.stderr).into_owned();
        assert!(!gone.status.success() && gone.stdout.is_empty() && received.contains("no sandbox answers"), "{received}");
    }

    async fn stories_come_along_and_the_key_is_found(backend: Backend) {
        let world = World::new(backend).await;
        let list = output_of(&mut paygen(&world, &["simulate", "--list"]));
        assert!(list.lines().count() >= 20 && list.contains("restaurant-with-tip\n"), "{list}");
        refused(&mut paygen(&world, &["simulate", "--builtin", "restaurant"]), &["no scenario is called restaurant", "--list"]);
        refused(&mut paygen(&world, &["simulate"]), &["FILE"]);
        let one = output_of(&mut paygen(&world, &["simulate", "--builtin", "restaurant-with-tip"]));
        assert!(one.contains("Passed: 1."), "{one}");
        let mut dev = world.command("dev");
        dev.env_remove("PAYGEN_SANDBOX_API_KEY");
        let server = Server::start(dev, &world.data_dir()).await;
        let mut simulate = world.command("simulate");
        simulate.env_remove("PAYGEN_SANDBOX_API_KEY").env_remove("PAYGEN_API_KEY").args(["--url", &server.url, "--builtin"]);
        let all = tokio::task::spawn_blocking(move || output_of(&mut simulate)).await.expect("a thread");
        assert!(all.contains(&format!("Passed: {}.", list.lines().count())), "{all}");
    }
}

#[tokio::test]
async fn a_sandbox_begins_on_an_empty_postgresql_and_production_does_not() {
    let world = World::new(Backend::Postgres).await;
    clear(&world).await;
    output_of(&mut paygen(&world, &["keys", "new", "vault.key"]));
    for chore in ["serve", "clients list", "clients create --name X"] {
        refused(&mut with_key_file(&world, chore), &["the database has no schema yet", "paygen migrate"]);
    }
    refused(&mut world.command("ledger verify"), &["the database has no schema yet"]);
    let mut server = world.start().await;
    server.account("A", 5).await;
    server.stop();
    output_of(&mut world.command("ledger verify"));

    // A database with other content belongs to somebody else.
    clear(&world).await;
    crate::operator::sql(&world, "CREATE TABLE theirs (id int)").await;
    refused(&mut world.command("dev"), &["the database has no schema yet", "paygen migrate"]);
}
