//! SQLite's disk is full, refuses writes, or loses data; and a second server opens the file.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::crashes::SmallDisk;
use crate::world::{Backend, Reply, Server, World, missing};

async fn fund(server: &Server, account: &str) -> Reply {
    server.post(&format!("/simulator/accounts/{account}/fund"), json!({"amount": 1})).await
}

#[track_caller]
fn is_unavailable(reply: Reply) {
    let reply = reply.expect(503);
    assert_eq!((reply.code().as_str(), reply.header("retry-after")), ("store_unavailable", Some("1")));
}

fn verify(world: &World) {
    let output = world.command("ledger verify").output().expect("paygen runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The server's log; not on the failing disk.
fn log(world: &World) -> String {
    std::fs::read_to_string(world.dir.path().join("stderr.log")).unwrap_or_default()
}

async fn start(world: &World) -> Server {
    Server::start(world.command("dev"), world.dir.path()).await
}

/// Runs a server that must not start; returns its output.
fn refused(world: &World) -> String {
    let output = world.command("dev").args(["--listen", "127.0.0.1:0"]).output().expect("paygen runs");
    assert!(!output.status.success(), "it started");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_one_file_is_refused_and_harms_nothing() {
    let world = World::new(Backend::Sqlite).await;
    let server = world.start().await;
    let account = server.account("Account", 1).await;
    let why = refused(&world);
    assert!(why.contains("another paygen process uses") && why.contains("--data-dir"), "{why}");
    fund(&server, &account).await.expect(200);
    assert_eq!(server.balance(&account).await, 2.0);
    server.kill();
    assert_eq!(world.start().await.balance(&account).await, 2.0, "the lock goes with its process");
}

/// Fills the disk.
fn fill(disk: &Path) -> PathBuf {
    let filler = disk.join("filler");
    let mut file = std::fs::File::create(&filler).expect("a file");
    while file.write_all(&[0; 1024]).is_ok() {}
    filler
}

/// Committed rows that are not flushed when the disk is full; returns the filler, and the number of acknowledged
/// writes.
async fn full_while_rows_wait(world: &World, server: &Server, account: &str) -> (PathBuf, f64) {
    let before = log(world).matches("rows stay in the journal").count();
    for _ in 0..5 {
        fund(server, account).await.expect(200);
        let filler = fill(&world.data_dir());
        let received = server.balance(account).await;
        let deadline = Instant::now() + Duration::from_secs(6);
        while Instant::now() < deadline {
            if log(world).matches("rows stay in the journal").count() > before {
                return (filler, received);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // They were flushed just before the disk was full.
        std::fs::remove_file(&filler).expect("room is made");
    }
    panic!("nothing was put off: {}", log(world));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_cannot_be_written_down_are_read_and_kept() {
    let world = World::new(Backend::Sqlite).await;
    let Some(_disk) = SmallDisk::mount(&world.data_dir(), 4096) else {
        return missing("mount");
    };
    let server = start(&world).await;
    let account = server.account("Account", 0).await;
    let (filler, received) = full_while_rows_wait(&world, &server, &account).await;
    assert_eq!(server.balance(&account).await, received, "by its key it is read from memory");
    // A list reads the table, which lacks the rows that could not be flushed: an error is better than a wrong answer.
    is_unavailable(server.get("/accounts?sort=-balance").await);
    is_unavailable(fund(&server, &account).await);
    std::fs::remove_file(filler).expect("room is made");
    let list = server.get("/accounts?sort=-balance").await.expect(200).json();
    assert_eq!(list["data"][0]["balance"].as_f64(), Some(received));
    fund(&server, &account).await.expect(200);
    let (filler, received) = full_while_rows_wait(&world, &server, &account).await;
    server.kill();
    let why = refused(&world);
    assert!(
        why.contains("full") && why.contains("make room"),
        "a start on a full disk says why, and what to do: {why}"
    );
    std::fs::remove_file(filler).expect("room is made");
    let server = start(&world).await;
    assert_eq!(server.balance(&account).await, received, "the journal has it after a kill");
    let list = server.get("/accounts?sort=-balance").await.expect(200).json();
    assert_eq!(list["data"][0]["balance"].as_f64(), Some(received));
    verify(&world);
}

/// Limits the size of files that a running process may write; beyond it each write fails with EFBIG.
fn limit_files(server: &Server, size: &str) -> bool {
    let limit = format!("--fsize={size}:unlimited");
    Command::new("prlimit").args(["--pid", &server.pid().to_string(), &limit]).status().is_ok_and(|run| run.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_fail_are_answered_503_and_go_on_when_they_no_longer_do() {
    let world = World::new(Backend::Sqlite).await;
    let direct = world.command("dev");
    // The signal that comes with such an error would end the process; ignoring it is inherited.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(direct.get_program()).args(direct.get_args());
    for (name, value) in direct.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.env_remove("PAYGEN_DATABASE_URL").current_dir(world.dir.path());
    let server = Server::start(command, world.dir.path()).await;
    let account = server.account("Account", 0).await;
    let size = std::fs::metadata(world.data_dir().join("paygen.sqlite-wal")).expect("a log").len();
    if !limit_files(&server, &size.to_string()) {
        return missing("prlimit");
    }
    let mut received = 0.0;
    let mut failed = 0;
    for _ in 0..200 {
        let reply = fund(&server, &account).await;
        if reply.status == 503 {
            is_unavailable(reply);
            failed += 1;
        } else {
            reply.expect(200);
            received += 1.0;
        }
        if failed == 5 {
            break;
        }
    }
    assert_eq!(failed, 5, "writes fail");
    // Also after a flush was retried.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    is_unavailable(server.get("/readyz").await);
    assert_eq!(server.balance(&account).await, received, "what is read is what was stored");
    assert!(limit_files(&server, "unlimited"));
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.get("/readyz").await.status != 200 {
        assert!(Instant::now() < deadline, "nobody needs to write for the server to be ready again: {}", log(&world));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    fund(&server, &account).await.expect(200);
    assert_eq!(server.balance(&account).await, received + 1.0, "it goes on without a restart");
    server.kill();
    let server = start(&world).await;
    assert_eq!(server.balance(&account).await, received + 1.0);
    verify(&world);
}

/// Makes every fsync of a file fail from now on, as on a disk that lost data.
struct FailingSync(Child);

impl FailingSync {
    fn attach(server: &Server, file: &Path) -> Option<FailingSync> {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"]);
        strace.arg("-P").arg(file).args(["-p", &server.pid().to_string()]);
        let mut child = strace.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().ok()?;
        let mut said = BufReader::new(child.stderr.take()?).lines();
        let attached = said
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.ends_with("attached") || line.contains("attached with"));
        std::thread::spawn(move || said.for_each(drop));
        let failing = FailingSync(child);
        attached.then_some(failing)
    }
}

impl Drop for FailingSync {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes until there are no answers any more; returns the number of acknowledged writes.
async fn write_until_it_ends(server: &Server, account: &str) -> f64 {
    let mut received = 0.0;
    for number in 0..20_000 {
        match one(server, account, number).await {
            Some(reply) if reply.status == 200 => received += 1.0,
            Some(reply) => is_unavailable(reply),
            None => return received,
        }
    }
    panic!("the server goes on");
}

async fn one(server: &Server, account: &str, number: usize) -> Option<Reply> {
    let call = server.request("POST", &format!("/simulator/accounts/{account}/fund"));
    call.header("Idempotency-Key", &format!("f-{number}")).json(json!({"amount": 1})).try_send().await.ok()
}

/// After a failed fsync the content of the disk is unknown, and a retry would not show it: the process logs this and
/// stops, and the next one starts from the disk.
async fn a_failed_fsync_stops_the_process(world: World, file: &str) {
    let server = start(&world).await;
    let account = server.account("Account", 0).await;
    let path = world.data_dir().join(file);
    let Some(failing) = FailingSync::attach(&server, &path) else {
        return missing("strace");
    };
    let received = write_until_it_ends(&server, &account).await;
    assert_eq!(server.ended().await.code(), Some(70), "{}", log(&world));
    assert!(log(&world).contains("what is on disk is unknown"), "{}", log(&world));
    drop(failing);
    let server = start(&world).await;
    let found = server.balance(&account).await;
    assert!(found == received || found == received + 1.0, "{received} acknowledged, {found} there");
    for number in 0..received as usize + 1 {
        one(&server, &account, number).await.expect("an answer").expect(200);
    }
    assert_eq!(server.balance(&account).await, received + 1.0, "the last one has one effect too");
    verify(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_fsync_of_the_log_stops_the_process() {
    a_failed_fsync_stops_the_process(World::new(Backend::Sqlite).await, "paygen.sqlite-wal").await;
}

/// Here the commit is safe in the log, and a checkpoint fails in its own thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_fsync_of_the_database_stops_the_process() {
    a_failed_fsync_stops_the_process(World::new(Backend::Sqlite).await, "paygen.sqlite").await;
}
