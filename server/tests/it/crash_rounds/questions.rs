//! Servers are killed between the two commands of a payment that a responder is asked about. On PostgreSQL two servers
//! share the database, and one of them or both are killed.

use std::time::{Duration, Instant};

use paygen_core::testing::simulation::Dice;
use serde_json::{Value, json};

use crate::receiver::Answer;
use crate::responders::{NO, YES, receiver, responder, says};
use crate::world::{Backend, Server, World};

use super::checks::nothing_is_off;
use super::start;

const ON_A_CARD: i64 = 100_000;
const A_DAY: i64 = 60_000;
const CARDS: usize = 4;
const PAYMENTS: usize = 24;

/// Nothing is pending so long after a restart.
const SETTLED_AFTER: Duration = Duration::from_secs(5);

/// A payment, sent once or more often with the same key.
#[derive(Clone)]
struct Payment {
    card: String,
    amount: i64,
    key: String,
    /// Id and status of the first answer.
    answered: Option<(String, String)>,
}

impl Payment {
    /// Sends it; `None` when there was no answer that shows the outcome.
    async fn send(&self, server: &Server) -> Option<Value> {
        let body = json!({"cardId": self.card, "amount": self.amount});
        let request =
            server.request("POST", "/simulator/authorizations").header("idempotency-key", &self.key).json(body);
        let reply = request.try_send().await.ok()?;
        (reply.status == 201).then(|| reply.data())
    }
}

/// Some answers come at once, some late, some never.
fn answer(amount: i64) -> Answer {
    match amount % 5 {
        0 => says(NO),
        1 => Answer::Body(503, String::new()),
        2 => Answer::Slow(Duration::from_millis(150), YES.to_owned()),
        3 => Answer::Slow(Duration::from_millis(900), YES.to_owned()),
        _ => Answer::Held(200),
    }
}

async fn until_nothing_is_pending(server: &Server, deadline: Instant) {
    loop {
        let list = server.get("/authorizations?filter=status=pending&limit=1").await.expect(200).json();
        if list["meta"]["total"] == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "still pending: {list}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What is held and counted of a card is what was approved.
async fn holds_are_what_was_approved(server: &Server, card: &str) {
    let mut approved = 0;
    for page in 1.. {
        let path = format!("/cards/{card}/authorizations?limit=200&page={page}");
        let list = server.get(&path).await.expect(200).json();
        let list = list["data"].as_array().expect("authorizations").clone();
        approved += list.iter().map(|one| one["approvedAmount"].as_i64().expect("whole")).sum::<i64>();
        if list.len() < 200 {
            break;
        }
    }
    assert_eq!(crate::authorizations::money(server, card).await, (json!(ON_A_CARD), json!(ON_A_CARD - approved)));
    let limits = server.get(&format!("/cards/{card}/limits")).await.expect(200).data();
    assert_eq!(limits[0]["used"], approved, "{limits}");
}

async fn rounds(backend: Backend) {
    let set = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (seed, rounds) = (set("PAYGEN_CRASH_SEED").unwrap_or(1), set("PAYGEN_CRASH_ROUNDS").unwrap_or(3));
    println!("{backend:?}: {rounds} rounds, seed {seed}");
    let world = World::new(backend).await;
    let mut servers = vec![start(&world).await];
    if backend == Backend::Postgres {
        servers.push(start(&world).await);
    }
    let receiver = receiver(|got| answer(got.json()["authorization"]["amount"].as_i64().unwrap_or(0))).await;
    let fallback = json!({"maxAmount": 30, "perCard": {"amount": 2_000}});
    let settings = json!({"timeoutMs": 400, "onSilence": "rules", "fallback": fallback});
    responder(&servers[0], &receiver.url, settings).await;
    let mut cards = Vec::new();
    let limits = json!({"spendingLimits": [{"amount": A_DAY, "interval": "daily"}]});
    for _ in 0..CARDS {
        let more = json!({"amount": ON_A_CARD, "spendingControls": limits});
        let card = crate::cards::issued(&servers[0], ON_A_CARD, more).await.2;
        cards.push(crate::cards::id(&card).to_owned());
    }
    let (mut acknowledged, mut longest) = (0, Duration::ZERO);
    for round in 0..rounds {
        let mut dice = Dice(seed.wrapping_mul(1_000).wrapping_add(round));
        let payers: Vec<_> = (0..PAYMENTS)
            .map(|number| {
                let (card, amount) = (cards[number % CARDS].clone(), i64::try_from(dice.below(50)).expect("small") + 1);
                let mut payment = Payment { card, amount, key: format!("{seed}-{round}-{number}"), answered: None };
                let (server, after) = (servers[number % servers.len()].clone(), dice.below(300));
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(after)).await;
                    let shown = payment.send(&server).await;
                    payment.answered = shown.map(|shown| (text(&shown, "_id"), text(&shown, "status")));
                    payment
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50 + dice.below(600))).await;
        let both = dice.one_in(3);
        let victims: Vec<usize> =
            (0..servers.len()).filter(|at| both || *at as u64 == round % 2 || servers.len() == 1).collect();
        victims.iter().for_each(|at| servers[*at].kill());
        let mut payments = Vec::new();
        for payer in payers {
            payments.push(payer.await.expect("the payer ran"));
        }
        for at in victims {
            servers[at] = start(&world).await;
        }
        let begun = Instant::now();
        until_nothing_is_pending(&servers[0], begun + SETTLED_AFTER).await;
        longest = longest.max(begun.elapsed());
        for payment in &payments {
            let server = &servers[usize::try_from(dice.below(servers.len() as u64)).expect("small")];
            let again = payment.send(server).await.expect("an answer");
            assert!(["approved", "declined"].contains(&again["status"].as_str().expect("a status")), "{again}");
            if let Some(first) = &payment.answered {
                acknowledged += 1;
                assert_eq!(&(text(&again, "_id"), text(&again, "status")), first);
            }
        }
        for card in &cards {
            holds_are_what_was_approved(&servers[0], card).await;
        }
    }
    drop(servers);
    nothing_is_off(&world);
    println!(
        "{backend:?}: {rounds} rounds, {acknowledged} acknowledged; pending for {longest:?} after a restart at most"
    );
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().expect("a text").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_question_stays_open_on_sqlite() {
    rounds(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_question_stays_open_on_two_servers() {
    rounds(Backend::Postgres).await;
}
