//! What `paygen backup` and `paygen restore` refuse, each with the fix, and that a refusal leaves nothing behind.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::backup::{another_place, backup, clear, key_file, output_of, restore};
use crate::on_both_stores;
use crate::world::{Backend, Form, Server, World};

const DOCUMENT: &[u8] = b"%PDF-1.4\nxref\ntrailer\nstartxref\n9\n%%EOF\n";

/// Expects a command to fail with this text.
#[track_caller]
fn refused(command: &mut Command, expected: &[&str]) {
    let output = command.output().expect("paygen runs");
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{command:?} should be refused");
    for words in expected {
        assert!(why.contains(words), "{words:?} is not in {why}");
    }
}

/// A copy of a backup with one change.
fn altered(of: &Path, name: &str, change: impl Fn(&Path)) -> PathBuf {
    let copy = of.with_file_name(name);
    let copied = Command::new("cp").arg("-a").arg(of).arg(&copy).status().expect("cp");
    assert!(copied.success());
    change(&copy);
    copy
}

fn change_manifest(directory: &Path, change: impl Fn(&mut Value)) {
    let path = directory.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).expect("a manifest")).expect("JSON");
    change(&mut manifest);
    std::fs::write(path, manifest.to_string()).expect("a manifest");
}

fn flip(path: &Path) {
    let mut content = std::fs::read(path).expect("a file");
    let middle = content.len() / 2;
    content[middle] ^= 1;
    std::fs::write(path, content).expect("a file");
}

/// The path of the file of the backup with this prefix.
fn file(directory: &Path, begins: &str) -> String {
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(directory.join("manifest.json")).expect("a manifest")).expect("JSON");
    let paths = manifest["files"].as_array().expect("files").iter().filter_map(|file| file["path"].as_str());
    let mut found = paths.filter(|path| path.starts_with(begins));
    found.next().unwrap_or_else(|| panic!("no {begins}")).to_owned()
}

async fn fill(server: &Server) {
    server.account("Account", 100).await;
    let form = Form::default().text("name", "Alex Johnson").text("person", r#"{"email": "a@example.com"}"#);
    let form = form.file("documentMain", "application/pdf", DOCUMENT);
    server.request("POST", "/card-holders").form(form).send().await.expect(201);
}

/// Starts a server and waits until it has assigned an event its position: from then on it holds its locks.
async fn served(world: &World) -> Server {
    let server = world.start().await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    server.account("Account", 1).await;
    while server.get("/events?cursor=").await.expect(200).data().as_array().is_none_or(Vec::is_empty) {
        assert!(std::time::Instant::now() < deadline, "no event got its position");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    server
}

on_both_stores! {
    async fn each_says_why_and_leaves_nothing(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = world.start().await;
        fill(&server).await;
        let backups = world.dir.path().join("backups");
        let good = backups.join("good");
        output_of(&mut backup(&world, &good));
        server.stop();
        refused(&mut backup(&world, &good), &["good is not empty", "absent or empty"]);
        refused(&mut backup(&world, &key_file(&world)), &["sandbox-vault.key"]);

        let target = another_place(backend, &world).await;
        let from = |backup: &Path, expected: &[&str]| refused(&mut restore(&target, backup), expected);
        from(&backups.join("nowhere"), &["nowhere has no manifest.json", "--from"]);
        let cut = altered(&good, "cut", |at| std::fs::remove_file(at.join("manifest.json")).expect("removed"));
        from(&cut, &["cut has no manifest.json", "cut short"]);
        let newer = altered(&good, "newer", |at| change_manifest(at, |it| {
            it["format"] = json!(2);
            it["paygen"] = json!("9.1.0");
        }));
        from(&newer, &["format 2", "up to 1", "paygen 9.1.0"]);
        let torn = altered(&good, "torn", |at| std::fs::write(at.join("manifest.json"), "{").expect("written"));
        from(&torn, &["does not read as it should"]);
        let ahead = altered(&good, "ahead", |at| change_manifest(at, |it| {
            let next = json!({"number": 999, "checksum": "00"});
            it["schema"].as_array_mut().expect("a schema").push(next);
        }));
        from(&ahead, &["schema 999", "newer paygen"]);
        let outside = altered(&good, "outside", |at| change_manifest(at, |it| {
            it["files"][0]["path"] = json!("documents/../../x");
        }));
        from(&outside, &["names documents/../../x"]);
        let short = altered(&good, "short", |at| change_manifest(at, |it| it["files"] = json!([])));
        from(&short, &["does not name database/"]);
        for begins in ["database/", "documents/"] {
            let path = file(&good, begins);
            let changed = altered(&good, &format!("changed-{}", begins.trim_matches('/')), |at| flip(&at.join(&path)));
            from(&changed, &[&path, "is not what was backed up"]);
            let name = format!("missing-{}", begins.trim_matches('/'));
            let missing = altered(&good, &name, |at| std::fs::remove_file(at.join(&path)).expect("removed"));
            from(&missing, &[&path, "is missing"]);
        }

        let wrong = target.dir.path().join("wrong.key");
        std::fs::write(&wrong, format!("paygen-key-1 deadbeef {}=\n", "A".repeat(43))).expect("a key file");
        std::fs::set_permissions(&wrong, std::fs::Permissions::from_mode(0o600)).expect("permissions");
        let key = std::fs::read_to_string(key_file(&world)).expect("the key file");
        let id = key.split_whitespace().nth(1).expect("an id");
        let wanted = format!("the key file with the id {id}");
        let expected = ["wrong.key, whose id is deadbeef, does not open", &wanted, "PAYGEN_KEY_FILE"];
        refused(restore(&target, &good).env("PAYGEN_KEY_FILE", &wrong), &expected);
        let nowhere = target.dir.path().join("nowhere.key");
        refused(restore(&target, &good).env("PAYGEN_KEY_FILE", nowhere), &["nowhere.key", &wanted]);

        let mut elsewhere = Command::new(env!("CARGO_BIN_EXE_paygen"));
        elsewhere.args(["restore", "--data-dir"]).arg(target.dir.path().join("elsewhere"));
        elsewhere.arg("--from").arg(&good).current_dir(target.dir.path()).env_remove("PAYGEN_DATABASE_URL");
        match backend {
            Backend::Sqlite => elsewhere.args(["--database-url", "postgres://nobody@127.0.0.1:1/none"]),
            Backend::Postgres => &mut elsewhere,
        };
        refused(&mut elsewhere, &["only be restored to its own kind"]);
        assert!(!target.data_dir().join("paygen.sqlite").exists() && !target.data_dir().join("documents").exists());

        let stray = target.data_dir().join("documents/documents").join(["a"; 3].map(|id| id.repeat(24)).join("/"));
        std::fs::create_dir_all(stray.parent().expect("a directory")).expect("a directory");
        std::fs::write(&stray, "x").expect("a document");
        from(&good, &[&"a".repeat(24), "not in the backup", "PAYGEN_DOCUMENTS_URL"]);
        std::fs::remove_file(&stray).expect("removed");

        cut_short(backend, &target, &good);
        output_of(&mut restore(&target, &good));
        assert!(!target.data_dir().join("paygen.restoring-wal").exists());
        output_of(&mut target.command("ledger verify"));
        match backend {
            Backend::Sqlite => from(&good, &["paygen.sqlite is there already", "--data-dir"]),
            Backend::Postgres => from(&good, &["has rows in", "empty"]),
        }
    }

    async fn nothing_is_restored_beside_a_server(backend: Backend) {
        let world = World::new(backend).await;
        let server = served(&world).await;
        let made = world.dir.path().join("made");
        output_of(&mut backup(&world, &made));
        match backend {
            Backend::Sqlite => refused(&mut restore(&world, &made), &["another paygen process uses", "Stop it"]),
            Backend::Postgres => refused(&mut restore(&world, &made), &["a Paygen server is using", "stop it"]),
        }
        assert_eq!(server.get("/accounts").await.expect(200).json()["meta"]["total"], 1);
    }

    async fn a_lost_document_is_reported(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        fill(&server).await;
        let holder = server.get("/card-holders").await.expect(200).data()[0]["_id"].as_str().expect("an id").to_owned();
        for area in ["documents", "staging"] {
            let _ = std::fs::remove_dir_all(world.data_dir().join("documents").join(area));
        }
        let made = world.dir.path().join("made");
        refused(&mut backup(&world, &made), &["the file of document", &holder, "documents_url"]);
        assert!(made.read_dir().expect("the directory").next().is_none(), "what was copied is gone");
        // Once erased, they have no documents.
        server.delete(&format!("/card-holders/{holder}?erase=true")).await.expect(200);
        assert!(output_of(&mut backup(&world, &made)).contains("0 documents"));
    }
}

/// An interrupted restore leaves no database and does not block the next one.
fn cut_short(backend: Backend, target: &World, good: &Path) {
    match backend {
        Backend::Sqlite => {
            for draft in ["paygen.restoring", "paygen.restoring-wal"] {
                std::fs::write(target.data_dir().join(draft), "the beginning of a database").expect("a draft");
            }
            let log = target.data_dir().join("paygen.sqlite-wal");
            std::fs::write(&log, "of another database").expect("a log");
            refused(&mut restore(target, good), &["paygen.sqlite-wal is there already"]);
            std::fs::remove_file(log).expect("removed");
        }
        Backend::Postgres => {
            // A table that is restored late is cut, and the manifest agrees: many others are restored by then.
            let cut = altered(good, "cut-table", |at| {
                // As in an old backup, whose manifest has no MAC.
                std::fs::remove_file(at.join("manifest.mac")).expect("removed");
                let path = "database/delivery_attempts.copy";
                std::fs::write(at.join(path), "").expect("a table");
                change_manifest(at, |it| {
                    let files = it["files"].as_array_mut().expect("files");
                    let file = files.iter_mut().find(|file| file["path"] == path).expect("the table");
                    file["size"] = json!(0);
                    file["sha256"] = json!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
                });
            });
            refused(&mut restore(target, &cut), &["COPY"]);
        }
    }
}

/// The schema of the first four migrations, and a client.
const OLDER: [&str; 4] = [
    include_str!("../../../store/migrations/0001_foundations.sql"),
    include_str!("../../../store/migrations/0002_cards.sql"),
    include_str!("../../../store/migrations/0003_authorizations.sql"),
    include_str!("../../../store/migrations/0004_transaction_pins.sql"),
];

fn older(words: [&str; 5]) -> String {
    let [int, text, bytes, options, long] = words;
    let mut sql = format!("CREATE TABLE schema_migrations (number {int} PRIMARY KEY, name text, checksum text);");
    for (number, migration) in (1..).zip(OLDER) {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, migration.as_bytes());
        let checksum: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let written = migration.replace("@table_options", options).replace("@long_rows", long);
        sql += &written.replace("@int", int).replace("@text", text).replace("@bytes", bytes);
        sql += &format!("INSERT INTO schema_migrations VALUES ({number}, 'older', '{checksum}');");
    }
    sql
}

on_both_stores! {
    async fn an_older_backup_is_brought_up_to_date(backend: Backend) {
        let (world, target) = (World::new(backend).await, World::new(backend).await);
        if let Some(url) = &world.database_url {
            clear(&world).await;
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
            tokio::spawn(connection);
            client.batch_execute(&older(["bigint", "text", "bytea", "", ""])).await.expect("the older schema");
            let row = "INSERT INTO clients VALUES (decode(repeat('0a', 12), 'hex'), decode(repeat('0a', 12), 'hex'),
                'Of old', 'active', 0, 0)";
            client.batch_execute(row).await.expect("a client");
        } else {
            std::fs::create_dir_all(world.data_dir()).expect("the data directory");
            let file = rusqlite::Connection::open(world.data_dir().join("paygen.sqlite")).expect("a file");
            file.execute_batch(&older(["INTEGER", "TEXT", "BLOB", "", ""])).expect("the older schema");
            let id = [10_u8; 12];
            let row = "INSERT INTO clients VALUES (?1, ?1, 'Of old', 'active', 0, 0)";
            file.execute(row, [id.as_slice()]).expect("a client");
        }
        let made = world.dir.path().join("made");
        assert!(output_of(&mut backup(&world, &made)).contains("schema 4"));
        if backend == Backend::Postgres {
            refused(&mut restore(&target, &made), &["the backup 4", "without tables"]);
            clear(&target).await;
        }
        output_of(&mut restore(&target, &made));
        assert!(output_of(&mut target.command("migrate")).contains("up to date"));
        let server = target.start().await;
        server.account("Account", 1).await;
        assert!(output_of(&mut target.command("clients list")).contains("Of old"));
    }
}
