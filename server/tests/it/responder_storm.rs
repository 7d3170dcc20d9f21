//! Many payments against a responder that is slow, fails and answers nonsense. `PAYGEN_RESPONDER_PAYMENTS` sets how many;
//! with 10,000 the deadlines are measured.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use paygen_core::testing::simulation::Dice;
use serde_json::{Value, json};

use crate::authorizations::{a_funded_card, money, pay, steps};
use crate::on_both_stores;
use crate::receiver::Answer;
use crate::responders::{NO, YES, receiver, responder, says};
use crate::webhooks::start;
use crate::world::{Backend, Server, World};

const CARDS: usize = 40;
/// The payments begin at this distance, so that they are not slowed by each other.
const GAP: Duration = Duration::from_millis(10);
const TIMEOUT_MS: i64 = 2_600;

/// Delays of up to 3 s, some wrong statuses, some garbage, some declines.
fn answer(draw: i64) -> Answer {
    let mut dice = Dice(u64::try_from(draw).expect("positive"));
    let delay = Duration::from_millis(dice.below(3_000));
    let answer = match dice.below(100) {
        0..5 => Answer::Body(503, String::new()),
        5..10 => says("garbage"),
        10..13 => Answer::Reset,
        13..30 => says(NO),
        30..40 => says(r#"{"decision":"approve","approvedAmount":1}"#),
        _ => says(YES),
    };
    Answer::After(delay, Box::new(answer))
}

/// All rows of a list.
async fn all(server: &Server, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), "&cursor=".to_owned());
    loop {
        let page = server.get(&format!("{path}limit=200{cursor}")).await.expect(200).json();
        let more = page["data"].as_array().expect("rows");
        rows.extend(more.iter().cloned());
        match page["meta"]["nextCursor"].as_str().filter(|_| more.len() == 200) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// By how many milliseconds the settlement of a timed out question was later than its deadline.
fn overrun(payment: &Value) -> Option<i64> {
    if payment["responder"]["outcome"] != "timeout" {
        return None;
    }
    let timeline = payment["timeline"].as_array()?;
    let at = |step: &Value| step["at"].as_str()?.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    Some(at(timeline.last()?)? - at(timeline.first()?)? - TIMEOUT_MS)
}

on_both_stores! {
    async fn every_payment_is_settled_exactly_once(backend: Backend) {
        let set = std::env::var("PAYGEN_RESPONDER_PAYMENTS").ok();
        let payments: usize = set.as_deref().map_or(300, |text| text.parse().expect("a number"));
        let world = World::new(backend).await;
        let server = start(&world).await;
        let draws = Arc::new(AtomicI64::new(1));
        let receiver = receiver(move |_| answer(draws.fetch_add(1, Ordering::Relaxed))).await;
        let settings = json!({
            "timeoutMs": TIMEOUT_MS, "onSilence": "rules", "fallback": {"maxAmount": 2, "perProgram": {"count": 1_000}},
        });
        let (id, _) = responder(&server, &receiver.url, settings).await;
        let mut cards = Vec::new();
        for _ in 0..CARDS {
            cards.push(a_funded_card(&server, 1_000).await);
        }
        let begun = tokio::time::Instant::now();
        let one = async |number: usize| {
            tokio::time::sleep_until(begun + GAP * u32::try_from(number).expect("small")).await;
            pay(&server, &cards[number % CARDS], json!(number % 3 + 1), json!({"partialAllowed": true})).await
        };
        let paid = futures_util::future::join_all((0..payments).map(one)).await;
        let mut outcomes = BTreeMap::<String, usize>::new();
        for payment in &paid {
            let settled = steps(payment).iter().filter(|step| ["approved", "declined"].contains(step)).count();
            assert_eq!((steps(payment)[0], settled), ("asked", 1), "{payment}");
            *outcomes.entry(format!("{}, {}", payment["responder"]["outcome"], payment["status"])).or_default() += 1;
        }
        for card in &cards {
            let of_card = paid.iter().filter(|one| one["cardId"] == **card);
            let approved: i64 = of_card.map(|one| one["approvedAmount"].as_i64().expect("whole")).sum();
            assert_eq!(money(&server, card).await, (json!(1_000), json!(1_000 - approved)));
        }
        let mut told = HashMap::<String, usize>::new();
        for kind in ["authorization.approved", "authorization.declined"] {
            for event in all(&server, &format!("/events?filter=type={kind}&")).await {
                let data = &event["data"];
                let id = data["authorization"]["_id"].as_str().or(data["transaction"]["authorizationId"].as_str());
                *told.entry(id.expect("an id").to_owned()).or_default() += 1;
            }
        }
        assert!(told.len() == payments && told.values().all(|times| *times == 1), "one event for each");
        let calls = all(&server, &format!("/responders/{id}/calls?")).await;
        assert_eq!(calls.iter().filter(|call| call["type"] == "authorization").count(), payments);
        let by_fallback = paid.iter().filter(|one| one["status"] == "approved" && one["responder"]["decidedBy"] == "fallback");
        assert!(by_fallback.count() <= 1_000, "the budget");
        let mut overruns: Vec<i64> = paid.iter().filter_map(overrun).collect();
        overruns.sort_unstable();
        let quantile = |part: usize| overruns.get(overruns.len() * part / 100).copied().unwrap_or(0);
        println!("{backend:?}: {payments} payments, {outcomes:?}");
        println!("{backend:?}: overrun of {} deadlines, in ms: p50 {}, p99 {}", overruns.len(), quantile(50), quantile(99));
        assert!(overruns.first().is_none_or(|least| *least >= -1), "no question is given up before its deadline: {overruns:?}");
        drop(server);
        let verify = world.command("ledger verify").output().expect("paygen ledger verify runs");
        assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    }
}
