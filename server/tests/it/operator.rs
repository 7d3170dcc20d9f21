//! Protection against an operator's mistakes: file ownership, the environment of a database, lost files.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::backup::{another_place, backup, clear, key_file, output_of, restore};
use crate::on_both_stores;
use crate::world::{Backend, Form, Server, World};

const DOCUMENT: &[u8] = b"%PDF-1.4\nxref\ntrailer\nstartxref\n9\n%%EOF\n";

/// Expects a command to fail with this text.
#[track_caller]
pub fn refused(command: &mut Command, expected: &[&str]) {
    let output = command.output().expect("paygen runs");
    let why = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success(), "{command:?} should be refused: {why}");
    for words in expected {
        assert!(why.contains(words), "{words:?} is not in {why}");
    }
}

/// Runs SQL in the database, with no server on it.
pub async fn sql(world: &World, text: &str) {
    match &world.database_url {
        None => {
            let file = rusqlite::Connection::open(world.data_dir().join("paygen.sqlite")).expect("the file");
            file.execute_batch(text).expect("SQL");
        }
        Some(url) => {
            let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
            let (client, connection) = connected.expect("PostgreSQL answers");
            let connection = tokio::spawn(connection);
            client.batch_execute(text).await.expect("SQL");
            drop(client);
            let _ = connection.await;
        }
    }
}

/// The settings of production.
pub fn production(world: &World, subcommand: &str) -> Command {
    let mut command = world.command(subcommand);
    command.env_remove("PAYGEN_SANDBOX_API_KEY").env("PAYGEN_KEY_FILE", world.dir.path().join("vault.key"));
    command
}

pub fn make_key_file(world: &World) {
    let path = world.dir.path().join("vault.key");
    std::fs::write(&path, format!("paygen-key-1 0badcafe {}=\n", "A".repeat(43))).expect("a key file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("permissions");
}

fn open_to_others(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in directory.read_dir().expect("a directory").flatten() {
        let path = entry.path();
        let found = std::fs::symlink_metadata(&path).expect("it is there");
        if found.mode() & 0o077 != 0 {
            into.push(path.clone());
        }
        if found.is_dir() {
            open_to_others(&path, into);
        }
    }
}

on_both_stores! {
    async fn a_sandbox_and_production_do_not_run_on_each_others_data(backend: Backend) {
        let sandbox = World::new(backend).await;
        make_key_file(&sandbox);
        sandbox.start().await.stop();
        refused(&mut production(&sandbox, "serve"), &["this database is a sandbox's", "--data-dir"]);
        // From before the environment was stored: the content shows it.
        sql(&sandbox, "DELETE FROM installation").await;
        refused(&mut production(&sandbox, "serve"), &["this database is a sandbox's"]);

        let real = World::new(backend).await;
        make_key_file(&real);
        output_of(&mut production(&real, "migrate"));
        let made = output_of(&mut production(&real, "clients create --name Company"));
        let key = made.lines().find_map(|line| line.strip_prefix("API key")).expect("a key").trim().to_owned();
        let mut server = Server::start(production(&real, "serve"), &real.data_dir()).await;
        let sandbox_key = server.get("/accounts").await.expect(401);
        assert!(sandbox_key.text.contains("a sandbox's key"), "{}", sandbox_key.text);
        server.key = key.clone();
        server.get("/accounts").await.expect(200);
        let contract = server.get("/openapi.json").await.expect(200).json();
        let paths = contract["paths"].as_object().expect("paths");
        assert!(paths.contains_key("/cards") && !paths.keys().any(|path| path.starts_with("/simulator")));
        assert_eq!(server.post("/simulator/clock", json!({"advanceSeconds": 1})).await.expect(404).code(), "route_not_found");
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let hook = json!({"url": format!("https://{host}:3000/"), "events": ["*"]});
            let refused = server.post("/webhooks", hook).await.expect(400);
            assert!(refused.text.contains("not a public address"), "{host}: {}", refused.text);
        }
        let no_url = server.post("/responders", json!({"timeoutMs": 500})).await.expect(400);
        assert_eq!(no_url.pointers(), ["/url"]);
        let responder = server.post("/responders", json!({"url": "https://example.com/"})).await.expect(201).id();
        let removed = server.put(&format!("/responders/{responder}"), json!({"url": null})).await.expect(400);
        assert!(removed.text.contains("only a sandbox asks through its stream"), "{}", removed.text);
        server.stop();
        for _ in 0..2 {
            refused(&mut real.command("dev"), &["this database is production's", "--data-dir"]);
            sql(&real, "DELETE FROM installation").await;
        }

        // A backup contains it.
        let to = real.dir.path().join("backup");
        Server::start(production(&real, "serve"), &real.data_dir()).await.stop();
        output_of(production(&real, "backup").args(["--to"]).arg(&to));
        let other = World::new(backend).await;
        make_key_file(&other);
        clear(&other).await;
        output_of(production(&other, "restore").args(["--from"]).arg(&to));
        refused(&mut other.command("dev"), &["this database is production's"]);
    }

    async fn what_paygen_makes_is_its_owners_alone(backend: Backend) {
        let world = World::new(backend).await;
        let mut command = world.command("dev");
        // The log is the test's own, and is elsewhere.
        command.stderr(std::process::Stdio::null());
        let mut server = Server::start(command, world.dir.path()).await;
        server.account("A", 1).await;
        let form = Form::default().text("name", "Alex Johnson").text("person", r#"{"email": "a@example.com"}"#);
        let form = form.file("documentMain", "application/pdf", DOCUMENT);
        server.request("POST", "/card-holders").form(form).send().await.expect(201);
        let to = world.dir.path().join("backup");
        output_of(&mut backup(&world, &to));
        let mut open = Vec::new();
        for directory in [world.data_dir(), to] {
            let mode = std::fs::metadata(&directory).expect("it is there").mode() & 0o777;
            assert_eq!(mode, 0o700, "{}", directory.display());
            open_to_others(&directory, &mut open);
        }
        assert!(open.is_empty(), "others can get at {open:?}");
        server.stop();

        let saved = world.dir.path().join("heads");
        output_of(world.command("ledger verify").arg("--save").arg(&saved));
        assert_eq!(std::fs::metadata(&saved).expect("the file").mode() & 0o777, 0o600);

        // Files left open by an earlier version are restricted by the sandbox and refused by production.
        let wide = |path: PathBuf, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        wide(world.data_dir(), 0o755);
        make_key_file(&world);
        refused(&mut production(&world, "serve"), &["is open to others (mode 0755)", "chmod 700 "]);
        Server::start(world.command("dev"), world.dir.path()).await.stop();
        assert_eq!(std::fs::metadata(world.data_dir()).expect("it is there").mode() & 0o777, 0o700);
    }

    async fn a_lost_key_file_is_asked_for_by_its_id_and_not_replaced(backend: Backend) {
        let world = World::new(backend).await;
        world.start().await.stop();
        let key = std::fs::read_to_string(key_file(&world)).expect("the key file");
        let id = format!("the key file with the id {}", key.split_whitespace().nth(1).expect("an id"));
        let aside = world.dir.path().join("aside.key");
        std::fs::rename(key_file(&world), &aside).expect("moved");
        refused(&mut world.command("dev"), &["sandbox-vault.key is not there", &id, "PAYGEN_KEY_FILE"]);
        assert!(!key_file(&world).exists(), "no other one is made in its place");
        make_key_file(&world);
        std::fs::copy(world.dir.path().join("vault.key"), key_file(&world)).expect("another key file");
        refused(&mut world.command("dev"), &["whose id is 0badcafe, does not open", &id]);
        std::fs::rename(&aside, key_file(&world)).expect("moved back");
        world.start().await.stop();
    }

    async fn chores_refuse_a_schema_that_is_not_theirs(backend: Backend) {
        let world = World::new(backend).await;
        world.start().await.stop();
        sql(&world, "INSERT INTO schema_migrations (number, name, checksum) VALUES (999, 'of later', 'x')").await;
        for chore in ["ledger verify", "replay", "clients list", "keys list", "dev"] {
            refused(&mut world.command(chore), &["schema 999", "newer paygen"]);
        }
        sql(&world, "DELETE FROM schema_migrations WHERE number >= 7").await;
        for chore in ["ledger verify", "replay", "clients list", "keys list"] {
            refused(&mut world.command(chore), &["older than this binary", "paygen migrate"]);
        }
    }

    async fn a_backup_whose_manifest_was_rewritten_is_refused(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        server.account("A", 5).await;
        let to = world.dir.path().join("backup");
        output_of(&mut backup(&world, &to));
        let target = another_place(backend, &world).await;
        clear(&target).await;
        let path = to.join("manifest.json");
        let text = std::fs::read(&path).expect("a manifest");
        // All files match each other: only the key file shows the difference.
        let mut manifest: Value = serde_json::from_slice(&text).expect("JSON");
        manifest["madeAt"] = json!("2020-01-01T00:00:00Z");
        std::fs::write(&path, manifest.to_string()).expect("written");
        refused(&mut restore(&target, &to), &["MAC under the key file does not fit"]);
        std::fs::write(&path, text).expect("written back");
        let word = to.join("manifest.mac");
        let mac = std::fs::read_to_string(&word).expect("a MAC");
        for other in ["", "x", &"0".repeat(64), &"ä".repeat(32)] {
            std::fs::write(&word, other).expect("written");
            refused(&mut restore(&target, &to), &["MAC under the key file does not fit"]);
        }
        std::fs::write(&word, mac).expect("written back");
        let output = restore(&target, &to).output().expect("paygen runs");
        assert!(output.status.success() && !String::from_utf8_lossy(&output.stderr).contains("WARNING"));

        // A backup from before the MAC is restored with a warning.
        std::fs::remove_file(&word).expect("removed");
        let second = another_place(backend, &world).await;
        clear(&second).await;
        let output = restore(&second, &to).output().expect("paygen runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.contains("WARNING: the backup has no MAC"), "{said}");
        output_of(&mut second.command("ledger verify"));
    }
}

#[tokio::test]
async fn an_emptied_or_missing_database_is_not_recreated() {
    let world = World::new(Backend::Sqlite).await;
    make_key_file(&world);
    for chore in ["serve", "clients create --name Company"] {
        refused(&mut production(&world, chore), &["there is no database at", "mounted", "paygen migrate"]);
    }
    assert!(!world.data_dir().join("paygen.sqlite").exists());
    output_of(&mut production(&world, "migrate"));
    let database = world.data_dir().join("paygen.sqlite");
    std::fs::write(&database, "").expect("emptied");
    for chore in ["serve", "dev", "migrate", "ledger verify", "clients list"] {
        let mut command = if chore == "dev" { world.command(chore) } else { production(&world, chore) };
        refused(&mut command, &["paygen.sqlite is empty", "Restore a backup"]);
    }
    assert_eq!(std::fs::metadata(&database).expect("it is there").len(), 0, "nothing was begun in it");
    std::fs::remove_file(&database).expect("removed");
    std::fs::write(world.data_dir().join("paygen.sqlite-wal"), "what was written last").expect("a log");
    refused(&mut world.command("dev"), &["paygen.sqlite-wal is there", "Restore a backup"]);
}
