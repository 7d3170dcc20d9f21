//! The load: the callers' writes, and their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use paygen_core::testing::simulation::Dice;
use serde_json::{Value, json};

use crate::world::{Reply, Server};

/// Upper bound on the writes of one caller in a round.
const MOST: usize = 120;

/// The objects used by the load.
pub(super) struct Setting {
    pub(super) accounts: Vec<String>,
    pub(super) cards: Vec<String>,
    holder: String,
}

pub(super) const IN_AN_ACCOUNT: i64 = 1_000_000;
pub(super) const ON_A_CARD: i64 = 5_000;

impl Setting {
    pub(super) async fn make(server: &Server) -> Setting {
        let holder = crate::cards::card_holder(server).await;
        let (mut accounts, mut cards) = (Vec::new(), Vec::new());
        for number in 0..4 {
            let account = server.account(&format!("Account {number}"), IN_AN_ACCOUNT + ON_A_CARD).await;
            let mut body = crate::cards::a_card(&account, &holder);
            body["amount"] = json!(ON_A_CARD);
            cards.push(server.post("/cards", body).await.expect(201).id());
            accounts.push(account);
        }
        Setting { accounts, cards, holder }
    }
}

/// The effect of a write when it succeeds. Accounts and cards are named by their index in the setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Transfer { from: usize, to: usize, amount: i64 },
    Issue { account: usize, amount: i64 },
    Fund { account: usize, card: usize, amount: i64 },
    Withdraw { account: usize, card: usize, amount: i64 },
    Authorize { card: usize, amount: i64 },
    Clear { card: usize, held: i64, amount: i64 },
    Reverse { card: usize, held: i64 },
}

/// A write: sent once or more often, always with the same key.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) effect: Effect,
    path: String,
    body: Value,
    key: String,
    /// Status and body of an answer that shows the outcome.
    pub(super) answer: Option<(u16, String)>,
}

impl Write {
    /// Draws a random write.
    fn draw(setting: &Setting, dice: &mut Dice, key: String) -> Write {
        let mut one_of = |count: usize| usize::try_from(dice.below(count as u64)).expect("small");
        let (card, from) = (one_of(setting.cards.len()), one_of(setting.accounts.len()));
        let to = (from + 1 + one_of(setting.accounts.len() - 1)) % setting.accounts.len();
        let kind = one_of(10);
        let amount = i64::try_from(one_of(9)).expect("small") + 1;
        let (account, path) = (&setting.accounts[from], |verb: &str| format!("/cards/{}/{verb}", setting.cards[card]));
        let (effect, path, body) = match kind {
            0..=3 => (
                Effect::Transfer { from, to, amount },
                "/transfers".to_owned(),
                json!({"fromAccountId": account, "toAccountId": setting.accounts[to], "amount": amount}),
            ),
            4 => {
                let mut body = crate::cards::a_card(account, &setting.holder);
                body["amount"] = json!(amount);
                (Effect::Issue { account: from, amount }, "/cards".to_owned(), body)
            }
            5 => (
                Effect::Fund { account: from, card, amount },
                path("fund"),
                json!({"debitAccountId": account, "amount": amount, "paymentReference": key}),
            ),
            6 => (
                Effect::Withdraw { account: from, card, amount },
                path("withdraw"),
                json!({"creditAccountId": account, "amount": amount}),
            ),
            _ => (
                Effect::Authorize { card, amount: amount * 10 },
                "/simulator/authorizations".to_owned(),
                json!({"cardId": setting.cards[card], "amount": amount * 10}),
            ),
        };
        Write { effect, path, body, key, answer: None }
    }

    /// A write that follows an approved authorization: a capture, sometimes partial, or a reversal.
    fn after(&self, dice: &mut Dice, key: String) -> Option<Write> {
        let Effect::Authorize { card, amount: held } = self.effect else { return None };
        let data = self.data()?;
        if data["status"] != "approved" {
            return None;
        }
        let path = |verb: &str| format!("/simulator/authorizations/{}/{verb}", data["_id"].as_str().expect("an id"));
        if dice.one_in(4) {
            let (effect, body) = (Effect::Reverse { card, held }, json!({}));
            return Some(Write { effect, path: path("reverse"), body, key, answer: None });
        }
        let amount = held - i64::try_from(dice.below(3)).expect("small");
        let body = json!({"amount": amount, "final": true});
        Some(Write { effect: Effect::Clear { card, held, amount }, path: path("clear"), body, key, answer: None })
    }

    /// Sends it; returns nothing when there was no answer, or one that leaves the outcome unknown.
    pub(super) async fn send(&self, server: &Server) -> Option<Reply> {
        let call = server.request("POST", &self.path).header("Idempotency-Key", &self.key);
        let reply = call.json(self.body.clone()).try_send().await.ok()?;
        match reply.status {
            200 | 201 | 422 => Some(reply),
            503 => {
                assert!(reply.header("retry-after").is_some(), "{}", reply.text);
                None
            }
            other => panic!("{other} to {self:?}: {}", reply.text),
        }
    }

    /// The object in the answer; nothing when it was refused.
    pub(super) fn data(&self) -> Option<Value> {
        let (status, text) = self.answer.as_ref()?;
        let answer: Value = serde_json::from_str(text).expect("JSON");
        (*status < 300).then(|| answer["data"].clone())
    }
}

/// One caller: writes until the round is over, as fast as it gets answers.
pub(super) async fn write(
    server: Arc<Server>,
    setting: Arc<Setting>,
    name: String,
    mut dice: Dice,
    over: Arc<AtomicBool>,
) -> Vec<Write> {
    let mut writes: Vec<Write> = Vec::new();
    while writes.len() < MOST && !over.load(Ordering::SeqCst) {
        let key = format!("{name}-{}", writes.len());
        let after = writes.last().and_then(|last| last.after(&mut dice, key.clone()));
        let mut write = after.unwrap_or_else(|| Write::draw(&setting, &mut dice, key));
        let reply = write.send(&server).await;
        write.answer = reply.map(|reply| (reply.status, reply.text));
        if write.answer.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        writes.push(write);
    }
    writes
}
