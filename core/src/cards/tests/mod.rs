//! Cards: one row per rule.

mod issuing;
mod life;
mod money;
mod replacing;
mod secrets;

use super::{
    ActivateCard, CardSecret, CardStatus, CardType, CreateCard, FundCard, FundingMode, IssueRevealToken, LookUpCard,
    PurgeRevealTokens, ReplaceCard, ReplaceReason, ReplacementNumber, RevealPurpose, RevealToken, SetPin,
    TOKEN_RETENTION_SECONDS, TerminateCard, UnblockPin, UpdateCard, UseRevealToken, WithdrawFromCard,
};
use crate::accounts::{AccountStatus, CategoryWord, CloseAccount, UpdateAccount};
use crate::card_holders::{CardHolderStatus, UpdateCardHolder};
use crate::ids::{AccountId, CardHolderId, CardId, ClientId, Id};
use crate::limits::{Interval, NewControls, NewLimit, SpendingControls, SpendingLimit};
use crate::money::{Category, Currency};
use crate::record::Key;
use crate::rotation::{Reseal, Resealed, Sealed};
use crate::testing::{SEALED, World, a_number, decimal, fingerprint_of, replacement};
use crate::time::Instant;
use crate::{Command, Outcome};

type Done = Result<(), &'static str>;

/// Runs a command, returns its outcome, and checks the invariants.
fn run(world: &mut World, command: Command) -> Done {
    let done = world.run(command).map(|_| ());
    world.check();
    done
}

/// An account with 100 USD and an active card holder.
fn people() -> (World, AccountId, CardHolderId) {
    let mut world = World::new();
    let account = world.account(100);
    let holder = world.holder();
    (world, account, holder)
}

/// A card with 50 USD on it; as much is left on its account.
fn funded() -> (World, AccountId, CardId) {
    let (mut world, account, holder) = people();
    let card = world.card(account, holder, 50);
    (world, account, card)
}

fn as_another_client<T>(world: &mut World, act: impl FnOnce(&mut World) -> T) -> T {
    let own = std::mem::replace(&mut world.client, ClientId(Id::from_bytes([8; 12])));
    let done = act(world);
    world.client = own;
    done
}

fn set_holder(world: &mut World, id: CardHolderId, status: CardHolderStatus) {
    let command = UpdateCardHolder { id, status: Some(status), ..UpdateCardHolder::default() };
    run(world, Command::UpdateCardHolder(Box::new(command))).expect("the card holder changes");
}

fn update(id: CardId) -> UpdateCard {
    UpdateCard { id, ..UpdateCard::default() }
}

fn updated(world: &mut World, command: UpdateCard) -> Done {
    run(world, Command::UpdateCard(Box::new(command)))
}

fn set_status(world: &mut World, id: CardId, status: CardStatus) -> Done {
    updated(world, UpdateCard { status: Some(status), ..update(id) })
}

fn terminate(world: &mut World, id: CardId) -> Done {
    run(world, Command::TerminateCard(TerminateCard { id, if_match: None }))
}

fn fund(world: &mut World, id: CardId, debit_account: AccountId, amount: &str, reference: Option<&str>) -> Done {
    let payment_reference = reference.map(str::to_owned);
    let command = FundCard { id, debit_account, amount: decimal(amount), payment_reference, narration: None };
    run(world, Command::FundCard(command))
}

fn withdraw(world: &mut World, id: CardId, to: Option<AccountId>, amount: &str, reference: Option<&str>) -> Done {
    let payment_reference = reference.map(str::to_owned);
    let command =
        WithdrawFromCard { id, credit_account: to, amount: decimal(amount), payment_reference, narration: None };
    run(world, Command::WithdrawFromCard(command))
}

fn limit(amount: i64) -> SpendingLimit {
    SpendingLimit {
        amount: Some(amount),
        max_count: None,
        interval: Interval::Monthly,
        categories: Vec::new(),
        time_zone: "UTC".to_owned(),
        currency: None,
        since: 0,
    }
}

fn limited(amount: i64) -> NewControls {
    let blocked_countries = vec!["KP".to_owned()];
    NewControls {
        controls: SpendingControls { blocked_countries, ..SpendingControls::default() },
        names_all_channels: false,
        limits: vec![NewLimit { limit: limit(amount), counting_since: None }],
    }
}

fn set_pin(world: &mut World, id: CardId, sealed: &str) -> Done {
    run(world, Command::SetPin(SetPin { id, sealed: format!("{SEALED}{sealed}").into_bytes() }))
}
