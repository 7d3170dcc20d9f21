//! The invariants checked after each kill.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use futures_util::stream::{StreamExt, iter};
use serde_json::{Value, json};

use super::load::{Effect, IN_AN_ACCOUNT, ON_A_CARD, Setting, Write};
use crate::receiver::Receiver;
use crate::world::{Reply, Server, World};

/// Concurrent checks.
const AT_ONCE: usize = 8;

/// Timeout for events to get positions and to be delivered.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every acknowledged write is found by its id, as it was answered.
pub(super) async fn acknowledged_is_there(server: &Server, writes: &[Write]) {
    let made = writes.iter().filter_map(|write| Some((write, write.data()?)));
    iter(made)
        .for_each_concurrent(AT_ONCE, async |(write, received)| {
            let path = match write.effect {
                Effect::Transfer { .. } => "transfers",
                Effect::Issue { .. } => "cards",
                Effect::Authorize { .. } => "authorizations",
                Effect::Clear { .. } => "transactions",
                // The effect of these shows in the balances.
                Effect::Fund { .. } | Effect::Withdraw { .. } | Effect::Reverse { .. } => return,
            };
            let found = server.get(&format!("/{path}/{}", text(&received, "_id"))).await.expect(200).data();
            if matches!(write.effect, Effect::Authorize { .. }) {
                // Later writes change the view, but not the decision.
                for name in ["cardId", "amount", "approvedAmount", "reason", "authorizationCode", "createdAt"] {
                    assert_eq!(found[name], received[name], "{name} of {received}");
                }
            } else {
                assert_eq!(found, received, "as it was answered");
            }
        })
        .await;
}

/// Sends each write twice more: an answered one gets the same answer, an unanswered one gets one answer that stays the
/// same.
pub(super) async fn repeats_have_one_effect(server: &Server, writes: &mut [Write]) {
    iter(writes.iter_mut())
        .for_each_concurrent(AT_ONCE, async |write| {
            if write.answer.is_none() {
                let reply = answered(server, write).await;
                write.answer = Some((reply.status, reply.text));
            }
            let again = answered(server, write).await;
            assert_eq!(again.header("idempotent-replayed"), Some("true"), "{write:?}");
            assert_eq!(Some((again.status, again.text)), write.answer, "a repeat tells the same");
        })
        .await;
}

async fn answered(server: &Server, write: &Write) -> Reply {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(reply) = write.send(server).await {
            return reply;
        }
        assert!(Instant::now() < deadline, "nothing answers {write:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Verifies the ledger from nothing, and replays every decision.
pub(super) fn nothing_is_off(world: &World) {
    for command in ["ledger verify", "replay"] {
        let output = world.command(command).output().expect("paygen runs");
        let received =
            format!("{} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command}: {received}");
    }
}

/// The expected state, computed from the answers alone.
pub(super) struct Books {
    accounts: Vec<(String, i64)>,
    /// Id, posted, held.
    cards: Vec<(String, i64, i64)>,
    /// Objects in each collection.
    totals: BTreeMap<&'static str, usize>,
    /// Events of each type that only one kind of write creates.
    events: BTreeMap<&'static str, usize>,
}

impl Books {
    pub(super) fn new(setting: &Setting) -> Books {
        let accounts = setting.accounts.iter().map(|id| (id.clone(), IN_AN_ACCOUNT)).collect();
        let cards: Vec<_> = setting.cards.iter().map(|id| (id.clone(), ON_A_CARD, 0)).collect();
        let totals = [("transfers", 0), ("cards", cards.len()), ("authorizations", 0), ("transactions", 0)].into();
        let events = [("card.created", cards.len())].into();
        Books { accounts, cards, totals, events }
    }

    /// Adds the outcome of a write.
    pub(super) fn enter(&mut self, write: &Write) {
        let Some(received) = write.data() else { return };
        let (collection, event) = match write.effect {
            Effect::Transfer { from, to, amount } => {
                self.accounts[from].1 -= amount;
                self.accounts[to].1 += amount;
                (Some("transfers"), Some("transfer.created"))
            }
            Effect::Issue { account, amount } => {
                self.accounts[account].1 -= amount;
                self.cards.push((text(&received, "_id").to_owned(), amount, 0));
                (Some("cards"), Some("card.created"))
            }
            Effect::Fund { account, card, amount } => {
                self.accounts[account].1 -= amount;
                self.cards[card].1 += amount;
                (None, None)
            }
            Effect::Withdraw { account, card, amount } => {
                self.accounts[account].1 += amount;
                self.cards[card].1 -= amount;
                (None, Some("card.withdrawn"))
            }
            Effect::Authorize { card, amount } if received["status"] == "approved" => {
                self.cards[card].2 += amount;
                (Some("authorizations"), Some("authorization.approved"))
            }
            Effect::Authorize { .. } => (Some("authorizations"), Some("authorization.declined")),
            Effect::Clear { card, held, amount } => {
                self.cards[card].1 -= amount;
                self.cards[card].2 -= held;
                (Some("transactions"), Some("transaction.created"))
            }
            Effect::Reverse { card, held } => {
                self.cards[card].2 -= held;
                (None, Some("authorization.reversed"))
            }
        };
        if let Some(collection) = collection {
            *self.totals.entry(collection).or_default() += 1;
        }
        if let Some(event) = event {
            *self.events.entry(event).or_default() += 1;
        }
    }

    /// Compares with the server's state.
    pub(super) async fn compare(&self, server: &Server) {
        for (id, available) in &self.accounts {
            let found = server.get(&format!("/accounts/{id}")).await.expect(200).data();
            assert_eq!(found["balance"], json!(available), "{found}");
        }
        iter(&self.cards)
            .for_each_concurrent(AT_ONCE, async |(id, posted, held)| {
                let found = server.get(&format!("/cards/{id}")).await.expect(200).data();
                let money = [&found["balance"], &found["availableBalance"]];
                assert_eq!(money, [&json!(posted), &json!(posted - held)], "{found}");
            })
            .await;
        for (collection, count) in &self.totals {
            let list = server.get(&format!("/{collection}?limit=1")).await.expect(200).json();
            assert_eq!(list["meta"]["total"], json!(count), "{collection}");
        }
    }
}

/// The events read so far.
#[derive(Default)]
pub(super) struct Told {
    /// The ids, in order.
    events: Vec<String>,
    cursor: String,
    /// Object and sequence of each event.
    places: HashMap<String, (String, i64)>,
    /// The last sequence of each object.
    sequences: HashMap<String, i64>,
    types: HashMap<String, usize>,
    /// Events not delivered yet.
    due: HashSet<String>,
    /// Deliveries checked, and the last sequence of each object among them.
    looked: usize,
    delivered: HashMap<String, i64>,
}

impl Told {
    pub(super) fn count(&self) -> usize {
        self.events.len()
    }

    /// Reads on by cursor until every expected event was read: no gap, no duplicate.
    pub(super) async fn read_on(&mut self, server: &Server, books: &Books) {
        let deadline = Instant::now() + PATIENCE;
        while !self.read_page(server).await || self.lacks(books).is_some() {
            assert!(Instant::now() < deadline, "{}", self.lacks(books).unwrap_or_default());
        }
        for (kind, count) in &books.events {
            assert_eq!(self.types.get(*kind), Some(count), "{kind}");
        }
    }

    fn lacks(&self, books: &Books) -> Option<String> {
        let found = |kind: &str| self.types.get(kind).copied().unwrap_or_default();
        let (kind, count) = books.events.iter().find(|(kind, count)| found(kind) < **count)?;
        Some(format!("{} of {count} events {kind} were stored", found(kind)))
    }

    /// Returns whether it was the last page.
    async fn read_page(&mut self, server: &Server) -> bool {
        let page = server.get(&format!("/events?limit=200&cursor={}", self.cursor)).await.expect(200).json();
        let found = page["data"].as_array().expect("events");
        for event in found {
            let (id, object) = (text(event, "_id").to_owned(), text(event, "objectId").to_owned());
            let sequence = event["sequence"].as_i64().expect("a number");
            assert_eq!(event["position"], json!(self.events.len() + 1), "positions have no gap: {event}");
            let last = self.sequences.insert(object.clone(), sequence).unwrap_or_default();
            assert_eq!(sequence, last + 1, "an object's events have no gap: {event}");
            *self.types.entry(text(event, "type").to_owned()).or_default() += 1;
            // Keys and endpoints are older than the endpoint that receives everything else.
            if !["api_key", "webhook"].contains(&text(event, "objectType")) {
                self.due.insert(id.clone());
            }
            self.places.insert(id.clone(), (object, sequence));
            self.events.push(id);
        }
        if let Some(cursor) = page["meta"]["nextCursor"].as_str() {
            self.cursor = cursor.to_owned();
        }
        if found.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        found.is_empty()
    }

    /// Every event reaches the receiver, those of an object in the order of their first arrival.
    pub(super) async fn reach(&mut self, server: &Server, receiver: &Receiver) {
        let deadline = Instant::now() + PATIENCE;
        while !self.due.is_empty() {
            for got in receiver.got_since(self.looked) {
                let event = got.event();
                // A delivered event may not have been read yet: it is checked again after the next page.
                let Some((object, sequence)) = self.places.get(&event) else { break };
                self.looked += 1;
                if self.due.remove(&event) {
                    let last = self.delivered.insert(object.clone(), *sequence).unwrap_or_default();
                    assert_eq!(last + 1, *sequence, "deliveries keep the order of {object}");
                }
            }
            assert!(Instant::now() < deadline, "{} events were not delivered", self.due.len());
            self.read_page(server).await;
        }
    }

    /// Read from the beginning, the events are the same as when read step by step.
    pub(super) async fn is_delivered_again(&self, server: &Server) {
        let mut again = Told::default();
        while !again.read_page(server).await {}
        assert!(again.events.starts_with(&self.events), "events that were listed once are listed again unchanged");
    }
}

#[track_caller]
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}
