//! Replacing a card. Lost and stolen cards get a new number, damaged and expired ones keep theirs. Funds, limits and
//! counters move to the new card.

use crate::cards::create::{first_status, put_number};
use crate::cards::{
    Card, CardFingerprint, CardSecret, CardStatus, CardView, Expiry, FundingMode, NewNumber, ReplaceReason, emit_card,
    find_live, funds_of, view,
};
use crate::events::EventType;
use crate::ids::{CardId, ClientId, Id, LedgerAccountId};
use crate::ledger::{Balance, EntryKind, Leg, Posting, post};
use crate::limits::Counters;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::view::Pictured;
use crate::work::Work;

#[derive(Clone, Debug)]
pub enum ReplacementNumber {
    New(NewNumber),
    /// The same number, sealed for the new card.
    Same {
        fingerprint: [u8; 32],
        sealed: Vec<u8>,
        pin: Option<Vec<u8>>,
        /// The old card's sealed PIN when the command was prepared. If it has changed, the command is refused as stale.
        pin_before: Option<Vec<u8>>,
    },
}

#[derive(Clone, Debug)]
pub struct ReplaceCard {
    pub id: CardId,
    pub new_id: CardId,
    pub reason: ReplaceReason,
    pub number: ReplacementNumber,
    /// For the same number, the replacement's expiry is later than the old card's.
    pub expiry: Expiry,
    pub if_match: Option<i64>,
}

impl Verb for ReplaceCard {
    type Answer = Pictured<CardView>;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Pictured<CardView>, Stop> {
        replace(work, self)
    }
}

/// Returns the replacement.
fn replace(work: &mut Work, command: &ReplaceCard) -> Result<Pictured<CardView>, Stop> {
    let old = find_live(work, command.id)?;
    crate::fields::check_version(command.if_match, old.version)?;
    let secret = work.card_secrets.get_for_update(Key::of(work.client(), old.id.0))?.ok_or(Refusal::CardNotFound)?;
    match &command.number {
        ReplacementNumber::New(number) => {
            if work.card_fingerprints.get_for_update(CardFingerprint::key_of(&number.fingerprint))?.is_some() {
                return Err(Refusal::NumberTaken.into());
            }
        }
        ReplacementNumber::Same { pin_before, fingerprint, .. } => {
            let found = work.card_fingerprints.get_for_update(CardFingerprint::key_of(fingerprint))?;
            if *pin_before != secret.pin || found.is_none_or(|found| found.card != old.id) {
                return Err(Refusal::Stale.into());
            }
        }
    }

    let used = crate::limits::counters(work, old.id.0)?;

    let new = replacement(work, command, &old);
    let now = work.now();
    work.balances.put(Balance::opened(new.client, new.id.into(), new.currency, now));
    match &command.number {
        ReplacementNumber::New(number) => put_number(work, &new, number),
        ReplacementNumber::Same { fingerprint, sealed, pin, .. } => {
            work.card_fingerprints.put(CardFingerprint { fingerprint: *fingerprint, client: new.client, card: new.id });
            // The PIN is the same, so wrong tries continue to count.
            work.card_secrets.put(CardSecret {
                card: new.id,
                number: sealed.clone(),
                pin: pin.clone(),
                ..(*secret).clone()
            });
            // The number belongs to the new card; the old card must not reveal it.
            work.card_secrets.delete(Key::of(old.client, old.id.0));
        }
    }
    work.cards.put(new.clone());
    work.counters.put(Counters { owner: new.id.0, answered: Vec::new(), ..used });
    move_funds(work, &old, &new)?;
    let shown = view(work, &new)?;
    let shown = emit_card(work, &new, EventType::CardCreated, shown)?;
    retire(work, &old, &new, command.reason)?;
    Ok(shown)
}

fn replacement(work: &Work, command: &ReplaceCard, old: &Card) -> Card {
    let now = work.now();
    let status = first_status(old.kind, old.status);
    let own = LedgerAccountId::from(command.new_id);
    let mut new = Card {
        id: command.new_id,
        status,
        funds: if old.funding_mode == FundingMode::OnDemand { old.funds } else { own },
        activated_at: (status == CardStatus::Active).then_some(now),
        replacement_for: Some(old.id),
        history: Vec::new(),
        version: 1,
        created_at: now,
        updated_at: now,
        ..old.clone()
    };
    let expiry = match &command.number {
        ReplacementNumber::New(number) => {
            new.bin.clone_from(&number.bin);
            new.last4.clone_from(&number.last4);
            new.pin_set = false;
            command.expiry
        }
        ReplacementNumber::Same { .. } => {
            let before = Expiry { year: old.expiry_year, month: old.expiry_month };
            command.expiry.max(before.next())
        }
    };
    (new.expiry_year, new.expiry_month) = (expiry.year, expiry.month);
    new.set_status(status, Some("replacement"), now);
    // The freeze, and who may lift it, carry over.
    new.set_frozen_by(old.frozen_by());
    new
}

/// Moves the available funds to the new card. Held amounts follow when they are released.
fn move_funds(work: &mut Work, old: &Card, new: &Card) -> Result<(), Stop> {
    let available = funds_of(work, old)?.available();
    if old.funding_mode == FundingMode::OnDemand || available == 0 {
        return Ok(());
    }
    let legs = [
        Leg::Account { account: old.id.into(), delta: -available, held: 0 },
        Leg::Account { account: new.id.into(), delta: available, held: 0 },
    ];
    // A debt imposed by the network moves too; the next funding repays it.
    let forced = available < 0;
    let posting = Posting { source: Some(new.id.0), forced, ..Posting::new(EntryKind::CardReplacement, &legs) };
    post(work, posting).map(|_| ())
}

fn retire(work: &mut Work, old: &Card, new: &Card, reason: ReplaceReason) -> Result<(), Stop> {
    let now = work.now();
    let mut retired = old.clone();
    retired.set_status(CardStatus::Canceled, Some(reason.as_str()), now);
    retired.cancellation_reason = Some(reason.as_str().to_owned());
    retired.replaced_by = Some(new.id);
    retired.touch(now);
    work.cards.put(retired.clone());
    crate::cards::update_unsettled_count(work, &retired, false)?;
    let shown = view(work, &retired)?;
    emit_card(work, &retired, EventType::CardReplaced, shown).map(|_| ())
}
