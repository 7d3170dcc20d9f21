//! Deciding an authorization: opened (checks and hold) and settled in one go, while nobody outside is asked.

use std::sync::Arc;

use crate::authorizations::advise::advise;
use crate::authorizations::emit::{tell, tell_declined};
use crate::authorizations::funds::{can_hold, hold, sweep, tell_overdrawn};
use crate::authorizations::gather::{Behind, behind, facts, request};
use crate::authorizations::identity::{self, Known, Waiting};
use crate::authorizations::release::release;
use crate::authorizations::reverse::early_amount;
use crate::authorizations::usage::take;
use crate::authorizations::{
    Authorization, AuthorizationStatus, AuthorizationView, Decided, Decision, DecisionOutcome, Step, decide, find,
    pricing,
};
use crate::cards::{self, Card, CardSecret, used};
use crate::events::EventType;
use crate::exceptions::{Deferred, ExceptionKind, Exceptional, except};
use crate::fields::not_negative;
use crate::ids::{AuthorizationId, ClientId, Id};
use crate::limits::{MessageDigest, counters};
use crate::messages::{AuthorizationType, Match, NetworkReference, NetworkRequest, Presented, ReferenceKind};
use crate::money::Currency;
use crate::programs::{self, Terms, billing};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access::{Exclusive, Shared};
use crate::verb::Verb;
use crate::work::Work;

/// Decides a request of the network, or records one that somebody else decided.
#[derive(Clone, Debug)]
pub struct Authorize {
    /// The message.
    pub request: NetworkRequest,
    /// What somebody else decided while we could not be asked (stand-in).
    pub advice: Option<bool>,
    /// The terms of the card programme.
    pub terms: Arc<Terms>,
}

impl Verb for Authorize {
    type Shown = AuthorizationView;

    fn home(&self) -> Option<Id> {
        self.request.presented.card.map(|card| card.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        expect(work, client, &self.request.presented, &self.request.trace.transaction_id);
    }

    fn run(&self, work: &mut Work) -> Result<AuthorizationView, Stop> {
        authorize(work, self)
    }
}

/// Decides. A declined payment is a result like any other: it is stored.
fn authorize(work: &mut Work, command: &Authorize) -> Result<AuthorizationView, Stop> {
    let asked = &command.request;
    let card = match asked.presented.card {
        Some(id) => Some(cards::find(work, id)?),
        None => None,
    };
    check_amount(asked)?;
    let behind = card.as_ref().map(|card| behind(work, card)).transpose()?;
    let digest = identity::of_request(asked, command.advice);
    if let Some(again) = behind.as_ref().and_then(|behind| behind.card_counters.answer_to(&digest)) {
        return Ok(AuthorizationView::of(&*find(work, again)?));
    }
    let known = Known::find(work, &asked.trace.transaction_id, asked.presented.card)?;
    let waiting = Waiting::find(work, &asked.trace.transaction_id, asked.presented.card)?;
    let pin = pin_found(behind.as_ref(), asked)?;
    // A message that another currency's rate is missing for is billed in the card's currency all the same.
    let currency = card.as_ref().map_or(asked.asked.currency, |card| card.currency);
    let amount = billing(&asked.asked, currency, &command.terms)?;
    if let Some(own) = &known.own
        && let Some(answer) = answer_known(work, command, own, amount)?
    {
        remember(work, behind.as_ref(), digest, own.id)?;
        return Ok(answer);
    }
    let duplicate = known.own.as_ref().map(|own| own.id.0).or(known.other).map(|id| id.to_string());
    let request = request(asked, amount, pin);
    let facts = facts(work, behind.as_ref(), asked, &command.terms, duplicate, None);
    let decision = decide(&facts, &request);
    let mut made = new_authorization(work, command, card.as_deref(), (currency, amount), &decision)?;
    made.decided.push(Decided::of(facts, request, &decision));
    if let Some(behind) = &behind {
        count_pin(work, behind, pin, &decision)?;
        count_tries(work, behind, &made, &command.terms)?;
    }
    // What was declined here and approved by the network since has an authorization of its own from then on.
    if known.own.is_none() || command.advice == Some(true) {
        known.lead_to(work, &made);
    }
    remember(work, behind.as_ref(), digest, made.id)?;
    if command.advice == Some(true) && card.is_some() && amount.is_none() {
        return wait_for_price(work, command, card.as_ref(), made);
    }
    settle(work, command, card.as_ref(), made, &decision, &waiting)
}

/// The answer to a message of a transaction that is known: it is the same message again, or the network decided already.
/// None when it is decided like any other.
fn answer_known(
    work: &mut Work,
    command: &Authorize,
    own: &Authorization,
    amount: Option<i64>,
) -> Result<Option<AuthorizationView>, Stop> {
    let shown = || Some(AuthorizationView::of(own));
    if identity::is_same(own, &command.request, command.advice, amount) {
        return Ok(shown());
    }
    match command.advice {
        Some(_) if own.card.is_none() => Ok(shown()),
        Some(approved) => advise(work, &command.request, &command.terms, own, approved),
        None => {
            let decided = own.stand_in && own.status != AuthorizationStatus::Declined;
            let same = own.kind == command.request.kind && amount == Some(own.approved);
            Ok(shown().filter(|_| decided && same))
        }
    }
}

/// An advice in a currency that no rate is known for: it is held for when somebody resolves its exception with a rate.
fn wait_for_price(
    work: &mut Work,
    command: &Authorize,
    card: Option<&Arc<Card>>,
    mut made: Authorization,
) -> Result<AuthorizationView, Stop> {
    let card = card.ok_or(Refusal::CardNotFound)?;
    let asked = &command.request.asked;
    made.note(Step::Advised, 0, None, Some("no rate is known"), work.now());
    made.version = 1;
    let exception = Exceptional::unpriced(card.id, asked, &made.trace, Deferred::Advice(*asked))?;
    except(work, Exceptional { authorization: Some(made.id), ..exception })?;
    work.authorizations.put(made.clone());
    tell(work, card, EventType::AuthorizationUpdated, &made)?;
    Ok(AuthorizationView::of(&made))
}

fn settle(
    work: &mut Work,
    command: &Authorize,
    card: Option<&Arc<Card>>,
    mut made: Authorization,
    decision: &Decision,
    waiting: &Waiting,
) -> Result<AuthorizationView, Stop> {
    let now = work.now();
    let approved = match command.advice {
        Some(approved) => approved && card.is_some(),
        None => decision.outcome != DecisionOutcome::Declined,
    };
    let Some(card) = card.filter(|_| approved) else {
        made.status = AuthorizationStatus::Declined;
        made.reason = decision.reason;
        let note = decision.reason.map(|reason| reason.as_str());
        made.note(Step::Declined, made.asked, None, note, now);
        made.version = 1;
        work.authorizations.put(made.clone());
        if let Some(card) = card {
            tell_declined(work, card, &made, &command.terms.environment)?;
        }
        return Ok(AuthorizationView::of(&made));
    };
    let amount = if command.advice.is_some() { made.asked } else { decision.approved };
    let fee = made.fee_terms.on(amount, true);
    made.approved = amount;
    made.status = AuthorizationStatus::Approved;
    let step = if made.stand_in { Step::Advised } else { Step::Approved };
    let early = waiting.exception.as_ref().map(|early| early_amount(early, &made).min(amount));
    let voided = early == Some(amount);
    if voided {
        made.status = AuthorizationStatus::Reversed;
        made.reversed = amount;
        made.note(step, amount, None, None, now);
        made.note(Step::Voided, amount, None, Some("its reversal had come before it"), now);
    } else if made.kind == AuthorizationType::AccountVerification {
        made.status = AuthorizationStatus::Closed;
        made.note(step, 0, None, None, now);
    } else if made.stand_in && !can_hold(work, card)? {
        made.status = AuthorizationStatus::Closed;
        made.note(step, amount, None, Some("the account is closed: nothing can be held"), now);
        except(work, Exceptional::about(ExceptionKind::UnmatchedAdvice, &made, amount))?;
    } else if made.kind == AuthorizationType::Deposit {
        made.open = amount;
        made.note(step, amount, None, None, now);
    } else {
        made.open = amount;
        made.open_fee = fee.total();
        let entry = hold(work, card, made.id, made.held(), made.stand_in)?;
        made.note(step, amount, Some(entry.id), None, now);
        tell_overdrawn(work, card, &entry)?;
        made.taken = take(work, card, &made.merchant.category, (amount, 1))?;
    }
    if made.status == AuthorizationStatus::Approved {
        let days = command.terms.hold_days(card.brand, command.request.estimated, &made.merchant.category);
        made.expires_at = Some(now.plus_seconds(days * 86_400));
        made.due_at = made.expires_at;
    }
    let open = made.status == AuthorizationStatus::Approved;
    if let Some(back) = early.filter(|back| open && *back > 0) {
        release(work, card, &mut made, back, Step::Reversed, Some("its reversal had come before it"))?;
        made.reversed = back;
        let part = pricing::in_merchant_currency(&made, back);
        pricing::settle(&mut made, part);
    }
    made.version = 1;
    work.authorizations.put(made.clone());
    let kind = if voided { EventType::AuthorizationReversed } else { EventType::AuthorizationApproved };
    tell(work, card, kind, &made)?;
    if !made.taken.is_empty() {
        used(work, card, &made.merchant.merchant_id)?;
    }
    sweep(work, card, Some(&made))?;
    Ok(AuthorizationView::of(&made))
}

fn check_amount(asked: &NetworkRequest) -> Result<(), Refusal> {
    let zero = asked.asked.amount.is_zero();
    if (asked.kind == AuthorizationType::AccountVerification) != zero {
        return Err(if zero {
            Refusal::AmountNotPositive { field: "/amount" }
        } else {
            Refusal::VerificationWithAmount
        });
    }
    Ok(())
}

fn remember(work: &mut Work, behind: Option<&Behind>, digest: MessageDigest, id: AuthorizationId) -> Result<(), Stop> {
    if let Some(behind) = behind {
        let mut counters = counters(work, behind.card.id.0)?;
        counters.remember(digest, id);
        work.counters.put(counters);
    }
    Ok(())
}

/// The PIN was compared beside the engine: what it was compared with must still be the card's.
fn pin_found(behind: Option<&Behind>, asked: &NetworkRequest) -> Result<Match, Refusal> {
    let pin = asked.presented.pin;
    let Some(secret) = behind.and_then(|behind| behind.secret.as_ref()) else { return Ok(pin) };
    if pin != Match::NotGiven && secret.pin != asked.presented.pin_sealed {
        return Err(Refusal::Stale);
    }
    Ok(pin)
}

/// A wrong PIN counts, a right one forgets the wrong ones; once there were too many, neither does.
fn count_pin(work: &mut Work, behind: &Behind, pin: Match, decision: &Decision) -> Result<(), Stop> {
    let failures = match pin {
        Match::Mismatch => 1,
        Match::Match => 0,
        Match::NotGiven | Match::NotSet => return Ok(()),
    };
    let blocked = crate::authorizations::Reason::PinTriesExceeded;
    let exceeded = decision
        .checks
        .iter()
        .any(|check| check.check == blocked && check.outcome == crate::authorizations::CheckOutcome::Fail);
    let Some(secret) = behind.secret.as_ref().filter(|_| !exceeded) else { return Ok(()) };
    let counted = if failures == 0 { 0 } else { secret.pin_failures + 1 };
    if counted != secret.pin_failures {
        let key = Key::of(work.client(), behind.card.id.0);
        let secret = work.card_secrets.get_to_change(key)?.expect("the secret was just read");
        work.card_secrets.put(CardSecret { pin_failures: counted, ..(*secret).clone() });
    }
    Ok(())
}

/// A message with a wrong expiry or code counts, until there were too many for the day: that is told, once.
fn count_tries(work: &mut Work, behind: &Behind, made: &Authorization, terms: &Terms) -> Result<(), Stop> {
    let given = made.decided.first().map(|decided| (decided.request.expiry, decided.request.cvv));
    let wrong = given.is_some_and(|(expiry, cvv)| expiry == Match::Mismatch || cvv == Match::Mismatch);
    let now = work.now();
    let before = behind.secret.as_ref().map(|secret| secret.wrong_tries(now));
    let Some(before) = before.filter(|before| wrong && *before < terms.code_tries) else { return Ok(()) };
    let key = Key::of(work.client(), behind.card.id.0);
    // Read again: a wrong PIN of the same message was just counted.
    let secret = work.card_secrets.get_to_change(key)?.expect("the secret was just read");
    let counted = CardSecret { wrong_tries: before + 1, wrong_tries_day: now.day(), ..(*secret).clone() };
    work.card_secrets.put(counted);
    if before + 1 == terms.code_tries {
        except(work, Exceptional::about(ExceptionKind::TooManyAttempts, made, made.asked))?;
    }
    Ok(())
}

fn new_authorization(
    work: &mut Work,
    command: &Authorize,
    card: Option<&Card>,
    (currency, amount): (Currency, Option<i64>),
    decision: &Decision,
) -> Result<Authorization, Stop> {
    let asked = &command.request;
    let now = work.now();
    let id = AuthorizationId(work.new_id());
    let merchant_amount = not_negative(asked.asked.amount, asked.asked.currency, "/amount")?;
    let mut trace = asked.trace.clone();
    if decision.outcome != DecisionOutcome::Declined || command.advice == Some(true) {
        trace.authorization_code.get_or_insert_with(|| code_of(id));
    }
    let fee_terms = card.map(|card| command.terms.fee(card.currency, asked.kind, &asked.merchant.country));
    let made = Authorization {
        client: work.client(),
        id,
        card: card.map(|card| card.id),
        card_holder: card.map(|card| card.card_holder),
        account: card.map(|card| card.debit_account),
        kind: asked.kind,
        channel: asked.channel,
        status: AuthorizationStatus::Pending,
        reason: None,
        currency,
        asked: amount.unwrap_or(0),
        approved: 0,
        open: 0,
        open_fee: 0,
        cleared: 0,
        reversed: 0,
        refunded: 0,
        merchant_amount,
        merchant_currency: asked.asked.currency,
        merchant_settled: 0,
        rate: programs::rate(&asked.asked, currency, &command.terms),
        merchant: asked.merchant.clone(),
        trace,
        stand_in: command.advice.is_some(),
        fee_terms: fee_terms.unwrap_or_default(),
        decided: Vec::new(),
        taken: Vec::new(),
        timeline: Vec::new(),
        expires_at: None,
        due_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    if command.advice == Some(true) && card.is_none() {
        let exception = Exceptional::about(ExceptionKind::UnmatchedAdvice, &made, merchant_amount);
        except(work, Exceptional { currency: asked.asked.currency, ..exception })?;
    }
    Ok(made)
}

/// Six digits that follow from the authorization's id.
fn code_of(id: AuthorizationId) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, id.0.bytes());
    let number = digest.as_ref().iter().take(4).fold(0u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("{:06}", number % 1_000_000)
}

/// Names the rows of an authorization on a card.
fn expect(work: &mut Work, client: ClientId, presented: &Presented, transaction: &str) {
    if let Some(card) = presented.card {
        work.cards.expect(Key::of(client, card.0), Shared);
        work.card_secrets.expect(Key::of(client, card.0), Shared);
        work.counters.expect(Key::of(client, card.0), Exclusive);
        work.balances.expect(Key::of(client, card.0), Exclusive);
    }
    if let Some(links) = presented.links {
        work.card_holders.expect(Key::of(client, links.card_holder.0), Shared);
        work.accounts.expect(Key::of(client, links.account.0), Shared);
        work.counters.expect(Key::of(client, links.card_holder.0), Exclusive);
        work.balances.expect(Key::of(client, links.funds.0), Exclusive);
    }
    for (kind, access) in [(ReferenceKind::Authorization, Exclusive), (ReferenceKind::Reversal, Shared)] {
        work.network_references.expect(NetworkReference::key_of(client, kind, transaction), access);
    }
}
