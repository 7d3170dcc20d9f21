//! The restore drill: a backup is taken during transfers and restored elsewhere with the same key file. Everything
//! acknowledged before is present, to the byte and to the cent, and the restored server works.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::authorizations::pay;
use crate::cards::a_card;
use crate::leaks::{Needles, files};
use crate::on_both_stores;
use crate::receiver::Receiver;
use crate::webhooks;
use crate::world::{Backend, Form, KEY, Server, World};

const DOCUMENT: &[u8] = b"%PDF-1.4\n% a document that is not erased\nxref\ntrailer\nstartxref\n9\n%%EOF\n";

/// Accounts of the ring of transfers.
const RING: usize = 6;

/// The initial balance of each account.
const FUNDS: i64 = 100_000;

pub fn backup(world: &World, to: &Path) -> Command {
    let mut command = world.command("backup");
    command.arg("--to").arg(to);
    command
}

pub fn restore(world: &World, from: &Path) -> Command {
    let mut command = world.command("restore");
    command.arg("--from").arg(from);
    command
}

/// The output of a command that succeeded.
#[track_caller]
pub fn output_of(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("paygen runs");
    let received = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{received}{}", String::from_utf8_lossy(&stderr));
    received
}

pub fn key_file(world: &World) -> PathBuf {
    world.data_dir().join("sandbox-vault.key")
}

/// A place to restore to, with the key file of another world.
pub async fn another_place(backend: Backend, like: &World) -> World {
    let world = World::new(backend).await;
    std::fs::create_dir_all(world.data_dir()).expect("the data directory");
    std::fs::copy(key_file(like), key_file(&world)).expect("the key file");
    world
}

/// Drops all tables of a PostgreSQL database.
pub async fn clear(world: &World) {
    let Some(url) = &world.database_url else { return };
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    let connection = tokio::spawn(connection);
    client.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.expect("an empty database");
    drop(client);
    let _ = connection.await;
}

/// Every ledger line by client, account and number, with its hash.
async fn lines(world: &World) -> BTreeMap<(Vec<u8>, Vec<u8>, i64), Vec<u8>> {
    let sql = "SELECT client, account, seq, hash FROM ledger_lines";
    if let Some(url) = &world.database_url {
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
        tokio::spawn(connection);
        let rows = client.query(sql, &[]).await.expect("the lines");
        return rows.iter().map(|row| ((row.get(0), row.get(1), row.get(2)), row.get(3))).collect();
    }
    let file = rusqlite::Connection::open(world.data_dir().join("paygen.sqlite")).expect("the file");
    let mut statement = file.prepare(sql).expect("SQL");
    let read = |row: &rusqlite::Row<'_>| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?));
    statement.query_map([], read).expect("rows").collect::<Result<_, _>>().expect("the lines")
}

/// Transfers round the ring until it is stopped; each acknowledged one by its key.
struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<Sent>>>,
    callers: Vec<tokio::task::JoinHandle<()>>,
}

#[derive(Clone)]
struct Sent {
    key: String,
    from: String,
    to: String,
    id: String,
}

impl Load {
    fn start(server: &Arc<Server>, ring: &[String]) -> Load {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let call = |caller: usize| {
            let (server, stop, acknowledged) = (server.clone(), stop.clone(), acknowledged.clone());
            let (from, to) = (ring[caller].clone(), ring[(caller + 1) % RING].clone());
            tokio::spawn(async move {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let key = format!("load-{caller}-{number}");
                    let id = transfer(&server, &key, &from, &to).await;
                    let sent = Sent { key, from: from.clone(), to: to.clone(), id };
                    acknowledged.lock().expect("the list").push(sent);
                }
            })
        };
        let callers = (0..RING).map(call).collect();
        Load { stop, acknowledged, callers }
    }

    fn acknowledged(&self) -> Vec<Sent> {
        self.acknowledged.lock().expect("the list").clone()
    }

    async fn stop(self) -> Vec<Sent> {
        self.stop.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.expect("the caller ran");
        }
        self.acknowledged.lock().expect("the list").clone()
    }
}

async fn transfer(server: &Server, key: &str, from: &str, to: &str) -> String {
    let body = json!({"fromAccountId": from, "toAccountId": to, "amount": 1});
    server.request("POST", "/transfers").header("Idempotency-Key", key).json(body).send().await.expect(201).id()
}

async fn reveal(server: &Server, card: &str) -> String {
    let token = server.post(&format!("/cards/{card}/token"), json!({})).await.expect(201);
    let token = token.data()["token"].as_str().expect("a token").to_owned();
    let shown = server.get(&format!("/cards/{card}/reveal?token={token}")).await.expect(200);
    shown.data()["pan"].as_str().expect("a number").to_owned()
}

/// Answers that do not change while the ring runs.
async fn shown(server: &Server, paths: &[String]) -> Vec<Value> {
    let mut all = Vec::new();
    for path in paths {
        all.push(server.get(path).await.expect(200).json()["data"].clone());
    }
    all
}

async fn total(server: &Server) -> f64 {
    let accounts = server.get("/accounts?limit=200").await.expect(200).data();
    accounts.as_array().expect("accounts").iter().map(|account| account["balance"].as_f64().expect("a balance")).sum()
}

/// Every event of the server, once there are at least this many; checks that their positions have no gap.
async fn events(server: &Server, at_least: usize) -> usize {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let page = server.get(&format!("/events?limit=200&cursor={cursor}")).await.expect(200).json();
        let found = page["data"].as_array().cloned().unwrap_or_default();
        for event in &found {
            count += 1;
            assert_eq!(event["position"], count, "positions have no gap");
        }
        if found.is_empty() && count >= at_least {
            return count;
        }
        assert!(std::time::Instant::now() < deadline, "{count} events of {at_least}");
        cursor = page["meta"]["nextCursor"].as_str().expect("a cursor").to_owned();
    }
}

/// The backup is accessible to its owner only, and contains no key file, card number or API key.
fn assert_secrets_are_kept(directory: &Path, world: &World, pan: &str) {
    let key = std::fs::read_to_string(key_file(world)).expect("the key file");
    let encoded = key.split_whitespace().nth(2).expect("the key");
    let mut needles = Needles::default();
    needles.add_text("the key file's key", encoded);
    needles.add_text("the key itself", &hex(&STANDARD.decode(encoded).expect("base64")));
    needles.add("the key's bytes", STANDARD.decode(encoded).expect("base64"));
    needles.add_text("the API key", KEY);
    needles.add_text("the document", "a document that is not erased");
    needles.add_pan(pan);
    let mut all = Vec::new();
    files(directory, &mut all);
    let found: Vec<String> = all.iter().flat_map(|(path, content)| needles.found_in(path, content)).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert_modes(directory);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn assert_modes(path: &Path) {
    let metadata = std::fs::metadata(path).expect("it is there");
    let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(metadata.permissions().mode() & 0o777, expected, "{}", path.display());
    if metadata.is_dir() {
        path.read_dir().expect("entries").flatten().for_each(|entry| assert_modes(&entry.path()));
    }
}

on_both_stores! {
    async fn what_was_acknowledged_comes_back_in_another_place(backend: Backend) {
        let world = World::new(backend).await;
        let server = Arc::new(webhooks::start(&world).await);
        let receiver = Receiver::good().await;
        let (_, secret) =
            webhooks::endpoint(&server, &receiver.url, json!(["account.created"]), json!({})).await;
        let mut ring = Vec::new();
        for number in 0..RING {
            ring.push(server.account(&format!("Ring {number}"), FUNDS).await);
        }
        let account = server.account("Quiet", 1000).await;
        let form = Form::default()
            .text("name", "Alex Johnson")
            .text("person", r#"{"email": "alex.johnson@example.com"}"#)
            .file("documentMain", "application/pdf", DOCUMENT);
        let holder = server.request("POST", "/card-holders").form(form).send().await.expect(201).id();
        let path = format!("/card-holders/{holder}/documents");
        let document = server.get(&path).await.expect(200).data()[0]["_id"].as_str().expect("an id").to_owned();
        let document = format!("{path}/{document}");
        let mut body = a_card(&account, &holder);
        body["amount"] = json!(50);
        let card = server.post("/cards", body).await.expect(201).id();
        let authorization = pay(&server, &card, json!(10), json!({})).await;
        let pan = reveal(&server, &card).await;
        let quiet = [
            format!("/accounts/{account}"),
            format!("/accounts/{account}/entries?limit=200"),
            format!("/card-holders/{holder}"),
            format!("/cards/{card}"),
            format!("/authorizations/{}", authorization["_id"].as_str().expect("an id")),
        ];
        let before = shown(&server, &quiet).await;
        let money = total(&server).await;

        let load = Load::start(&server, &ring);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while load.acknowledged().len() < 10 * RING {
            assert!(std::time::Instant::now() < deadline, "the ring turns: {}", load.acknowledged().len());
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let acknowledged = load.acknowledged();
        let made = world.dir.path().join("backups/first");
        let mut command = backup(&world, &made);
        let printed = tokio::task::spawn_blocking(move || output_of(&mut command)).await.expect("the backup ran");
        assert!(printed.contains("1 documents"), "{printed}");
        let during = load.acknowledged().len() - acknowledged.len();
        assert!(during > 0, "writing goes on beside a backup");
        load.stop().await;
        assert_secrets_are_kept(&made, &world, &pan);
        // A later restore has the key file, but no longer the data keys that were live then.
        output_of(&mut world.command("keys rotate"));
        let all = lines(&world).await;
        let mut server = Arc::into_inner(server).expect("the only handle");
        server.stop();

        let other = another_place(backend, &world).await;
        clear(&other).await;
        let printed = output_of(&mut restore(&other, &made));
        assert!(printed.contains("Restored from") && printed.contains("ledger verify"), "{printed}");
        let verified = output_of(&mut other.command("ledger verify"));
        assert!(verified.contains("every chain is whole"), "{verified}");
        let restored = lines(&other).await;
        assert!(restored.len() >= 2 * acknowledged.len() && restored.len() < all.len());
        for (line, hash) in &restored {
            assert_eq!(all.get(line), Some(hash), "the chain is a beginning of the live one");
        }

        let server = webhooks::start(&other).await;
        assert_eq!(shown(&server, &quiet).await, before);
        assert_eq!(total(&server).await, money, "one instant: no transfer is half in it");
        assert_eq!(server.get(&document).await.expect(200).text.as_bytes(), DOCUMENT);
        assert_eq!(reveal(&server, &card).await, pan);
        for sent in &acknowledged {
            let again = transfer(&server, &sent.key, &sent.from, &sent.to).await;
            assert_eq!(again, sent.id, "the repeat of what was acknowledged before tells the same");
        }
        assert_eq!(lines(&other).await.len(), restored.len(), "and has no effect");

        let known = events(&server, 1).await;
        let added = server.account("After", 5).await;
        transfer(&server, "after", &ring[0], &added).await;
        events(&server, known + 4).await;
        assert_eq!(server.balance(&added).await, 6.0);
        let got = receiver.until("an event of the restored server", |got| {
            got.iter().any(|one| one.json()["data"]["account"]["name"] == "After")
        });
        assert!(got.await.iter().all(|one| one.is_signed_with(&secret)), "the secret is the same");
        output_of(&mut other.command("keys rotate"));
        assert_eq!(reveal(&server, &card).await, pan, "the keys of then can be rotated");
    }

    async fn a_backup_of_a_restored_place_is_the_same(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (from, to) = (server.account("From", 100).await, server.account("To", 0).await);
        for number in 0..20 {
            transfer(&server, &format!("key-{number}"), &from, &to).await;
        }
        server.kill();
        // Also without a server: the log and journal of a killed one are included.
        let (one, two) = (world.dir.path().join("one"), world.dir.path().join("two"));
        output_of(&mut backup(&world, &one));
        let other = another_place(backend, &world).await;
        output_of(&mut restore(&other, &one));
        assert_eq!(lines(&other).await.len(), 41, "an opening balance and twenty transfers");
        output_of(&mut backup(&other, &two));
        let manifest = |directory: &Path| {
            let text = std::fs::read(directory.join("manifest.json")).expect("a manifest");
            serde_json::from_slice::<Value>(&text).expect("JSON")
        };
        let (one, two) = (manifest(&one), manifest(&two));
        for member in ["schema", "keyFile", "dataKeys", "tables", "erased"] {
            assert_eq!(one[member], two[member], "{member}");
        }
        assert!(one["dataKeys"].as_array().is_some_and(|keys| !keys.is_empty()));
        if backend == Backend::Postgres {
            assert_tables_are_all(&world, &one["tables"]).await;
            assert_eq!(sizes(&one), sizes(&two));
        }
    }

    async fn a_kill_leaves_a_whole_one_or_none(backend: Backend) {
        let world = World::new(backend).await;
        let server = world.start().await;
        let (from, to) = (server.account("From", 1000).await, server.account("To", 0).await);
        for number in 0..200 {
            transfer(&server, &format!("key-{number}"), &from, &to).await;
        }
        let other = another_place(backend, &world).await;
        let mut whole = None;
        for round in 0..12 {
            let made = world.dir.path().join(format!("backup-{round}"));
            // The first kill comes before anything is done; the last run has time to finish.
            kill_after(&mut backup(&world, &made), if round == 11 { None } else { Some(4 * round) });
            if made.join("manifest.json").exists() {
                whole = Some(made);
                break;
            }
            let output = restore(&other, &made).output().expect("paygen runs");
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && why.contains("has no manifest.json"), "{why}");
        }
        let whole = whole.expect("a backup that was not killed");
        for round in 0.. {
            kill_after(&mut restore(&other, &whole), Some(4 * round));
            let lines = match backend {
                Backend::Sqlite if !other.data_dir().join("paygen.sqlite").exists() => 0,
                _ => lines(&other).await.len(),
            };
            if lines > 0 {
                assert_eq!(lines, 401, "all of it");
                break;
            }
            assert!(round < 200, "it never had the time");
        }
        output_of(&mut other.command("ledger verify"));
    }
}

/// Runs a command and kills it after this many milliseconds, unless it has finished.
fn kill_after(command: &mut Command, milliseconds: Option<u64>) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("paygen runs");
    if let Some(milliseconds) = milliseconds {
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        child.kill().expect("kill");
    }
    child.wait().expect("wait");
}

/// The sizes of the files. Digests may differ, because the order of rows may.
fn sizes(manifest: &Value) -> Vec<(Value, Value)> {
    let files = manifest["files"].as_array().expect("files");
    files.iter().map(|file| (file["path"].clone(), file["size"].clone())).collect()
}

/// Every table created by the migrations is in a backup.
async fn assert_tables_are_all(world: &World, tables: &Value) {
    let url = world.database_url.as_ref().expect("PostgreSQL");
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    let sql = "SELECT table_name::text FROM information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'schema_migrations'";
    let rows = client.query(sql, &[]).await.expect("the tables");
    let mut there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let tables = tables.as_array().expect("tables").iter();
    let mut named: Vec<String> = tables.map(|table| table["name"].as_str().expect("a name").to_owned()).collect();
    there.sort();
    named.sort();
    assert_eq!(there, named);
}
