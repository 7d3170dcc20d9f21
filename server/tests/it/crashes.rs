//! Crashes of the process or its disk: every acknowledged write is present, every replay has one effect.

use std::process::Command;
use std::sync::Arc;

use futures_util::StreamExt;
use serde_json::json;

use crate::on_both_stores;
use crate::world::{Backend, Form, Server, World, missing};

on_both_stores! {
    async fn a_kill_and_the_repeat_have_one_effect(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = Arc::new(world.start().await);
        let (from, to) = (server.account("From", 100_000).await, server.account("To", 0).await);
        let mut sent = 0;
        for round in 0..4u64 {
            let acknowledged = until_killed(&server, 40, 4 + 8 * round as usize, |number| {
                let (server, from, to) = (server.clone(), from.clone(), to.clone());
                async move { transfer(&server, &from, &to, &key(round, number)).await }
            })
            .await;
            server = Arc::new(world.start().await);
            for (number, id) in &acknowledged {
                let again = transfer(&server, &from, &to, &key(round, *number)).await;
                assert_eq!(again.as_ref(), Some(id), "an acknowledged write is there, and its repeat tells the same");
            }
            for number in 0..40 {
                assert!(transfer(&server, &from, &to, &key(round, number)).await.is_some());
            }
            sent += 40;
            assert_eq!(server.balance(&to).await, f64::from(sent), "each key had one effect");
        }
        let mut server = Arc::into_inner(server).expect("the only handle");
        server.stop();
        let verify = world.command("ledger verify").output().expect("paygen ledger verify runs");
        assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    }

    async fn no_card_without_its_money(backend: Backend) {
        let world = World::new(backend).await;
        let mut server = Arc::new(world.start().await);
        let (account, holder) = (server.account("Funds", 100_000).await, crate::cards::card_holder(&server).await);
        let card = server.post("/cards", crate::cards::a_card(&account, &holder)).await.expect(201).id();
        for round in 0..4u64 {
            let acknowledged = until_killed(&server, CALLS, 3 + 7 * round as usize, |number| {
                let (server, on) = (server.clone(), (account.clone(), holder.clone(), card.clone()));
                async move { issue_or_fund(&server, &on, &key(round, number), number).await }
            })
            .await;
            server = Arc::new(world.start().await);
            let on = (account.clone(), holder.clone(), card.clone());
            for (number, id) in &acknowledged {
                let again = issue_or_fund(&server, &on, &key(round, *number), *number).await;
                assert_eq!(again.as_ref(), Some(id), "an acknowledged write is there, and its repeat tells the same");
            }
            for number in 0..CALLS {
                assert!(issue_or_fund(&server, &on, &key(round, number), number).await.is_some());
            }
            // A third of the calls each: a card with a balance of 5, a payment of 1 onto one card, a card holder.
            let each = i64::try_from((round + 1) * CALLS as u64 / 3).expect("a count");
            let cards = server.get("/cards?limit=200").await.expect(200).json();
            assert_eq!(cards["meta"]["total"], 1 + each, "each key made one card");
            for made in cards["data"].as_array().expect("cards") {
                let expected = if made["_id"] == card.as_str() { each } else { 5 };
                assert_eq!(made["balance"], expected, "no card without its money");
            }
            assert_eq!(server.balance(&account).await, f64::from(100_000 - 6 * i32::try_from(each).expect("a count")));
            assert_eq!(server.get("/card-holders").await.expect(200).json()["meta"]["total"], 1 + each);
        }
        let mut server = Arc::into_inner(server).expect("the only handle");
        server.stop();
        let verify = world.command("ledger verify").output().expect("paygen ledger verify runs");
        assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    }
}

const CALLS: usize = 36;

/// How many calls are under way at once.
const AT_ONCE: usize = 8;

/// Makes calls, some at a time, and kills the server when so many were answered: so the kill falls between the first answer and
/// the last. The calls that were answered, with what came.
async fn until_killed<F: Future<Output = Option<String>>>(
    server: &Server,
    calls: usize,
    answers: usize,
    call: impl Fn(usize) -> F,
) -> Vec<(usize, String)> {
    let mut answered = Vec::new();
    let made = futures_util::stream::iter(0..calls).map(|number| {
        let call = call(number);
        async move { (number, call.await) }
    });
    let mut made = std::pin::pin!(made.buffer_unordered(AT_ONCE));
    while let Some((number, answer)) = made.next().await {
        let Some(answer) = answer else { continue };
        answered.push((number, answer));
        if answered.len() == answers {
            server.kill();
        }
    }
    assert!((answers..calls).contains(&answered.len()), "{} of {calls} calls were answered", answered.len());
    answered
}

/// Makes a card with money on it, pays onto a card, or enrols a card holder with a document; what it came to, or
/// nothing when there was no answer.
async fn issue_or_fund(
    server: &Server,
    (account, holder, card): &(String, String, String),
    key: &str,
    number: usize,
) -> Option<String> {
    let post = |path: &str| server.request("POST", path).header("Idempotency-Key", key);
    let sent = match number % 3 {
        0 => {
            let mut body = crate::cards::a_card(account, holder);
            body["amount"] = json!(5);
            post("/cards").json(body)
        }
        1 => {
            // Without an idempotency key: the payment reference is enough.
            let body = json!({"debitAccountId": account, "amount": 1, "paymentReference": key});
            server.request("POST", &format!("/cards/{card}/fund")).json(body)
        }
        _ => {
            let pdf = b"%PDF-1.4\nxref\ntrailer\nstartxref\n9\n%%EOF\n";
            let form = Form::default().text("name", key).text("person", r#"{"email": "a@example.com"}"#);
            post("/card-holders").form(form.file("documentMain", "application/pdf", pdf))
        }
    };
    let reply = sent.try_send().await.ok()?;
    match reply.status {
        409 if number % 3 == 1 => {
            assert_eq!(reply.code(), "payment_reference_used");
            Some(card.clone())
        }
        200 | 201 => Some(reply.id()),
        503 => None,
        other => panic!("{other}: {}", reply.text),
    }
}

fn key(round: u64, number: usize) -> String {
    format!("round-{round}-{number}")
}

/// The transfer's id, or nothing when there was no answer.
async fn transfer(server: &Server, from: &str, to: &str, key: &str) -> Option<String> {
    let body = json!({"fromAccountId": from, "toAccountId": to, "amount": 1});
    let reply = server.request("POST", "/transfers").header("Idempotency-Key", key).json(body).try_send().await.ok()?;
    assert!(matches!(reply.status, 201 | 503), "{}", reply.text);
    (reply.status == 201).then(|| reply.id())
}

/// A small file system for the data directory; unmounted on drop.
pub struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    pub fn mount(at: &std::path::Path, kib: u32) -> Option<SmallDisk> {
        std::fs::create_dir_all(at).expect("a directory");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"]).arg(at).status();
        mounted.is_ok_and(|status| status.success()).then(|| SmallDisk(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_answers_503_and_what_is_read_is_on_disk() {
    let world = World::new(Backend::Sqlite).await;
    let Some(disk) = SmallDisk::mount(&world.data_dir(), 4096) else {
        return missing("mount");
    };
    let server = world.start().await;
    let (from, to) = (server.account("From", 100_000).await, server.account("To", 0).await);
    let narration = "x".repeat(400);
    let (mut made, mut refused) = (0u32, 0);
    for number in 0..20_000 {
        let metadata = json!({"a": narration, "b": narration, "c": narration});
        let body = json!({"fromAccountId": from, "toAccountId": to, "amount": 1, "metadata": metadata});
        let reply = server.post("/transfers", body).await;
        match reply.status {
            201 => made += 1,
            503 => {
                assert_eq!(reply.code(), "store_unavailable");
                assert!(reply.header("retry-after").is_some());
                refused += 1;
            }
            other => panic!("{other}: {}", reply.text),
        }
        if refused >= 3 {
            break;
        }
        assert!(number < 19_999, "the disk never filled");
    }
    assert_eq!(server.balance(&to).await, f64::from(made), "what is read is what was stored");
    server.kill();
    let bigger = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&disk.0).status().expect("remount");
    assert!(bigger.success());
    let server = world.start().await;
    assert_eq!(server.balance(&to).await, f64::from(made), "after a restart too");
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_gets_room_again_and_writing_goes_on() {
    let world = World::new(Backend::Sqlite).await;
    let Some(disk) = SmallDisk::mount(&world.data_dir(), 4096) else {
        return missing("mount");
    };
    let server = world.start().await;
    let id = server.account("Account", 0).await;
    let filler = world.data_dir().join("filler");
    let full = (0..8192).scan(std::fs::File::create(&filler).ok(), |file, _| {
        use std::io::Write;
        file.as_mut()?.write_all(&[0; 1024]).ok()
    });
    assert!(full.count() < 8192, "the disk is full");
    let mut unavailable = false;
    for _ in 0..200 {
        let reply = server.post(&format!("/simulator/accounts/{id}/fund"), json!({"amount": 1})).await;
        unavailable |= reply.status == 503;
        if unavailable {
            break;
        }
    }
    assert!(unavailable, "a full disk is reported");
    let received = server.balance(&id).await;
    std::fs::remove_file(&filler).expect("room is made");
    server.post(&format!("/simulator/accounts/{id}/fund"), json!({"amount": 1})).await.expect(200);
    assert_eq!(server.balance(&id).await, received + 1.0);
    drop(server);
    drop(disk);
}
