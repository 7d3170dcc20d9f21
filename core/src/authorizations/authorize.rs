//! Deciding an authorization: gathers the facts, decides, and holds the approved amount, all in one command.

use std::sync::Arc;

use crate::authorizations::advise::advise;
use crate::authorizations::decide::fails;
use crate::authorizations::emit::{emit_authorization, emit_declined};
use crate::authorizations::funds::{can_hold, emit_overdrawn, forward_released_funds, hold};
use crate::authorizations::gather::{CardContext, Under, card_context, facts, request};
use crate::authorizations::identity::{self, EarlyReversal, Known};
use crate::authorizations::release::release;
use crate::authorizations::reverse::early_reversal_amount;
use crate::authorizations::usage::{consume, prefetch_pools};
use crate::authorizations::{
    Authorization, AuthorizationStatus, AuthorizationView, Decided, Decision, DecisionOutcome, Reason, Step, decide,
    end_question, find, pricing,
};
use crate::cards::{self, Card, CardSecret, apply_payment_effects};
use crate::events::EventType;
use crate::exceptions::{Deferred, ExceptionDraft, ExceptionKind, raise_exception};
use crate::fields::not_negative;
use crate::ids::{AuthorizationId, CallId, ClientId, Id};
use crate::limits::{LimitUsage, MessageDigest, counters};
use crate::messages::{AuthorizationType, Match, NetworkRequest, Presented, ReferenceHash, ReferenceKind};
use crate::money::Currency;
use crate::programs::{self, ProgramTerms, Terms, billing};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::responders::{Asked, Payment, Question, Responder, responder_for};
use crate::table::Access::{Exclusive, Shared};
use crate::verb::Verb;
use crate::view::Pictured;
use crate::work::Work;

/// Decides an authorization request, or records an advice.
#[derive(Clone, Debug)]
pub struct Authorize {
    pub request: NetworkRequest,
    /// The network's decision, if this is an advice: approved or declined in our place (stand-in).
    pub advice: Option<bool>,
    pub terms: Arc<Terms>,
    /// Whom to ask, if anybody.
    pub asking: Option<Asking>,
}

/// The client's responders, as the server knows them, and the id of the call if one of them is to be asked.
#[derive(Clone, Debug)]
pub struct Asking {
    /// In the order of their ids.
    pub responders: Arc<[Responder]>,
    pub call: CallId,
}

impl Verb for Authorize {
    type Answer = Pictured<AuthorizationView>;

    fn home(&self) -> Option<Id> {
        self.request.presented.card.map(|card| card.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        prefetch_message(work, client, &self.request.presented, &self.request.trace.transaction_id);
    }

    fn run(&self, work: &mut Work) -> Result<Pictured<AuthorizationView>, Stop> {
        authorize(work, self)
    }
}

/// A declined payment is stored like an approved one; it is not a refusal.
fn authorize(work: &mut Work, command: &Authorize) -> Result<Pictured<AuthorizationView>, Stop> {
    let message = &command.request;
    let card = match message.presented.card {
        Some(id) => Some(cards::find(work, id)?),
        None => None,
    };
    check_amount(message)?;
    let program = card.as_ref().map(|card| programs::of_card(work, card)).transpose()?;
    let terms = program.as_deref().map_or(&command.terms.program, |program| &program.settings.terms);
    let both = card.as_ref().zip(program.as_ref());
    let mut context = both.map(|(card, program)| card_context(work, card, program)).transpose()?;
    let digest = identity::of_request(message, command.advice);
    if let Some(again) = context.as_ref().and_then(|context| context.counters.of_card.answer_to(&digest)) {
        return Ok(AuthorizationView::of(&*find(work, again)?).into());
    }
    let (transaction, lookup) = (&message.trace.transaction_id, ReferenceHash::of(&message.trace.transaction_id));
    let known = Known::find(work, transaction, lookup, message.presented.card)?;
    let early = EarlyReversal::find(work, transaction, lookup, message.presented.card)?;
    let pin = checked_pin(context.as_ref(), message)?;
    // If no rate is known, the payment is still recorded in the card's currency.
    let currency = card.as_ref().map_or(message.requested.currency, |card| card.currency);
    let amount = billing(&message.requested, currency, terms)?;
    if let Some(own) = &known.own
        && let Some(answer) = answer_known(work, command, terms, own, amount)?
    {
        return remember_answer(work, card.as_deref(), digest, own.id).map(|()| answer.into());
    }
    let duplicate = known.own.as_ref().map(|own| own.id.0).or(known.other).map(|id| id.to_string());
    let request = request(message, amount, pin);
    if let (Some(context), Some(amount)) = (&mut context, amount) {
        context.counters.make_room(work, &message.merchant.category, amount, 1)?;
    }
    let under = Under { terms, verified_only: command.terms.verified_only };
    let facts = facts(work, context.as_ref(), message, under, duplicate, None);
    let decision = decide(&facts, &request);
    let mut made = new_authorization(work, command, terms, card.as_deref(), (currency, amount), &decision)?;
    made.decided.push(Decided::of(facts, request, &decision));
    if let Some(context) = &mut context {
        count_tries(work, context, &made, terms)?;
        context.counters.of_card.remember(digest, made.id);
    }
    // A transaction that we declined and the network approved later refers to its new authorization from now on.
    if known.own.is_none() || command.advice == Some(true) {
        known.lead_to(work, made.id);
    }
    let Some(context) = context else { return decline(work, command, None, made, &decision) };
    match command.advice {
        Some(true) if amount.is_none() => wait_for_price(work, command, context, made),
        None if decision.outcome == DecisionOutcome::Declined => decline(work, command, Some(context), made, &decision),
        Some(false) => decline(work, command, Some(context), made, &decision),
        None | Some(true) => approve(work, command, terms, context, made, &decision, &early),
    }
}

/// The answer to a message of a known transaction: the message was repeated, or the network has already decided. `None`
/// if the message has to be decided.
fn answer_known(
    work: &mut Work,
    command: &Authorize,
    terms: &ProgramTerms,
    own: &Authorization,
    amount: Option<i64>,
) -> Result<Option<AuthorizationView>, Stop> {
    let shown = || Some(AuthorizationView::of(own));
    if identity::is_same(own, &command.request, command.advice, amount) {
        return Ok(shown());
    }
    match command.advice {
        Some(_) if own.card.is_none() => Ok(shown()),
        Some(approved) => {
            let own = end_question(work, Arc::new(own.clone()))?;
            advise(work, &command.request, terms, &own, approved)
        }
        None => {
            let decided = own.stand_in && own.status != AuthorizationStatus::Declined;
            let same = own.kind == command.request.kind && amount == Some(own.approved);
            Ok(shown().filter(|_| decided && same))
        }
    }
}

/// An advice in a currency without a known rate. Nothing is held until an operator resolves its exception with a price.
fn wait_for_price(
    work: &mut Work,
    command: &Authorize,
    context: CardContext,
    mut made: Authorization,
) -> Result<Pictured<AuthorizationView>, Stop> {
    let CardContext { card, counters, .. } = context;
    work.counters.put(counters.of_card);
    let requested = &command.request.requested;
    made.note(Step::Advised, 0, None, Some("no rate is known"), work.now());
    made.version = 1;
    let exception = ExceptionDraft::unpriced(card.id, requested, &made.trace, Deferred::Advice(*requested))?;
    raise_exception(work, ExceptionDraft { authorization: Some(made.id), ..exception })?;
    let made = Arc::new(made);
    work.authorizations.put(made.clone());
    emit_authorization(work, &card, EventType::AuthorizationUpdated, &made)
}

/// Without a context, the number is not of a card issued here.
fn decline(
    work: &mut Work,
    command: &Authorize,
    context: Option<CardContext>,
    mut made: Authorization,
    decision: &Decision,
) -> Result<Pictured<AuthorizationView>, Stop> {
    made.status = AuthorizationStatus::Declined;
    made.reason = decision.reason;
    let note = decision.reason.map(|reason| reason.as_str());
    made.note(Step::Declined, made.requested, None, note, work.now());
    made.version = 1;
    let made = Arc::new(made);
    work.authorizations.put(made.clone());
    if let Some(CardContext { card, counters, .. }) = context {
        work.counters.put(counters.of_card);
        emit_declined(work, &card, &made, &command.terms.environment)?;
    }
    Ok(AuthorizationView::of(&made).into())
}

fn approve(
    work: &mut Work,
    command: &Authorize,
    terms: &ProgramTerms,
    context: CardContext,
    mut made: Authorization,
    decision: &Decision,
    early: &EarlyReversal,
) -> Result<Pictured<AuthorizationView>, Stop> {
    let now = work.now();
    let CardContext { card, mut counters, .. } = context;
    let card = &card;
    let amount = if command.advice.is_some() { made.requested } else { decision.approved };
    let fee = made.fee_terms.on(amount, true);
    made.approved = amount;
    made.status = AuthorizationStatus::Approved;
    let step = if made.stand_in { Step::Advised } else { Step::Approved };
    let early = early.exception.as_ref().map(|early| early_reversal_amount(early, &made).min(amount));
    let voided = early == Some(amount);
    let mut counted = false;
    let asked = if voided { None } else { responder_to_ask(command, card, &made).cloned() };
    let step = if asked.is_some() { Step::Asked } else { step };
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
        raise_exception(work, ExceptionDraft::about(ExceptionKind::UnmatchedAdvice, &made, amount))?;
    } else if made.kind == AuthorizationType::Deposit {
        made.outstanding = amount;
        made.note(step, amount, None, None, now);
    } else {
        made.outstanding = amount;
        made.outstanding_fee = fee.total();
        let entry = hold(work, card, made.id, made.held(), made.stand_in)?;
        made.note(step, amount, Some(entry.id), None, now);
        emit_overdrawn(work, card, &entry)?;
        counted = true;
    }
    if counted && card.replaced_by.is_none() {
        counters.consume(&mut made.limit_usage, &made.merchant.category, amount, 1);
        counters.keep(work);
    } else {
        work.counters.put(counters.of_card);
        if counted {
            consume(work, card, &mut made.limit_usage, &made.merchant.category, (amount, 1))?;
        }
    }
    if let Some(responder) = &asked {
        open_question(work, command, &mut made, responder);
    }
    if matches!(made.status, AuthorizationStatus::Approved | AuthorizationStatus::Pending) {
        let days = terms.hold_days(card.brand, command.request.estimated, &made.merchant.category);
        made.expires_at = Some(now.plus_seconds(days * 86_400));
        made.due_at = made.expires_at.filter(|_| asked.is_none());
    }
    let open = matches!(made.status, AuthorizationStatus::Approved | AuthorizationStatus::Pending);
    if let Some(back) = early.filter(|back| open && *back > 0) {
        release(work, card, &mut made, back, Step::Reversed, Some("its reversal had come before it"))?;
        made.reversed = back;
        let part = pricing::in_merchant_currency(&made, back);
        pricing::add_settled(&mut made, part);
    }
    made.version = 1;
    let made = Arc::new(made);
    work.authorizations.put(made.clone());
    if asked.is_some() {
        return Ok(AuthorizationView::of(&made).into());
    }
    let kind = if voided { EventType::AuthorizationReversed } else { EventType::AuthorizationApproved };
    let shown = emit_authorization(work, card, kind, &made)?;
    if counted {
        apply_payment_effects(work, card, &made.merchant.merchant_id)?;
    }
    forward_released_funds(work, card, Some(&made))?;
    Ok(shown)
}

/// The responder that must be asked about a request. Advices are not asked about: the network has decided. Account
/// verifications and deposits are not either: they spend nothing.
fn responder_to_ask<'a>(command: &'a Authorize, card: &Card, made: &Authorization) -> Option<&'a Responder> {
    let asking = command.asking.as_ref().filter(|asking| command.advice.is_none() && !asking.responders.is_empty())?;
    if matches!(made.kind, AuthorizationType::AccountVerification | AuthorizationType::Deposit) {
        return None;
    }
    let payment = Payment {
        card: card.id,
        account: card.debit_account,
        program: card.program,
        kind: made.kind,
        category: &made.merchant.category,
        amount: made.approved,
        currency: made.currency,
    };
    responder_for(&asking.responders, &payment)
}

/// Makes the authorization wait for an answer: it holds and counts as if it were approved.
fn open_question(work: &mut Work, command: &Authorize, made: &mut Authorization, responder: &Responder) {
    let Some(asking) = &command.asking else { return };
    let wall = work.wall();
    made.status = AuthorizationStatus::Pending;
    made.approved = 0;
    made.responder = Some(Asked {
        responder: responder.id,
        call: asking.call,
        outcome: None,
        decided_by: None,
        latency_ms: None,
        late: false,
        answer: None,
    });
    work.responder_questions.put(Question {
        client: work.client(),
        authorization: made.id,
        responder: responder.id,
        call: asking.call,
        asked_at: wall,
        deadline: wall.plus_micros(responder.timeout_ms.saturating_mul(1000)),
    });
}

fn check_amount(message: &NetworkRequest) -> Result<(), Refusal> {
    let zero = message.requested.amount.is_zero();
    if (message.kind == AuthorizationType::AccountVerification) != zero {
        return Err(if zero {
            Refusal::AmountNotPositive { field: "/amount" }
        } else {
            Refusal::VerificationWithAmount
        });
    }
    Ok(())
}

/// Remembers the answer to a message of a known transaction, whose counters an advice may have changed.
fn remember_answer(
    work: &mut Work,
    card: Option<&Card>,
    digest: MessageDigest,
    id: AuthorizationId,
) -> Result<(), Stop> {
    if let Some(card) = card {
        let mut counters = counters(work, card.id.0)?;
        counters.remember(digest, id);
        work.counters.put(counters);
    }
    Ok(())
}

/// The PIN was compared before the command; the stored PIN must still be the one it was compared with.
fn checked_pin(context: Option<&CardContext>, message: &NetworkRequest) -> Result<Match, Refusal> {
    let pin = message.presented.pin;
    let Some(secret) = context.and_then(|context| context.secret.as_ref()) else { return Ok(pin) };
    if pin != Match::NotGiven && secret.pin != message.presented.pin_sealed {
        return Err(Refusal::Stale);
    }
    Ok(pin)
}

/// Counts wrong secrets: a wrong PIN, whose count a right one resets, and a wrong expiry or CVV. Once the PIN is
/// blocked, its count stays. The last counted message of a day with a wrong expiry or CVV raises an exception.
fn count_tries(work: &mut Work, context: &CardContext, made: &Authorization, terms: &ProgramTerms) -> Result<(), Stop> {
    let (Some(secret), Some(decided)) = (&context.secret, made.decided.first()) else { return Ok(()) };
    let Decided { facts, request, .. } = decided;
    let pin_failures = match request.pin {
        Match::NotGiven | Match::NotSet => secret.pin_failures,
        Match::Match | Match::Mismatch if fails(facts, request, Reason::PinTriesExceeded) => secret.pin_failures,
        Match::Match => 0,
        Match::Mismatch => secret.pin_failures + 1,
    };
    let now = work.now();
    let before = secret.wrong_tries(now);
    let wrong = [request.expiry, request.cvv].contains(&Match::Mismatch) && before < terms.code_tries;
    if pin_failures == secret.pin_failures && !wrong {
        return Ok(());
    }
    let key = Key::of(work.client(), context.card.id.0);
    let secret = work.card_secrets.get_for_update(key)?.expect("the secret was just read");
    let mut counted = CardSecret { pin_failures, ..(*secret).clone() };
    if wrong {
        (counted.wrong_tries, counted.wrong_tries_day) = (before + 1, now.day());
    }
    work.card_secrets.put(counted);
    if wrong && before + 1 == terms.code_tries {
        raise_exception(work, ExceptionDraft::about(ExceptionKind::TooManyAttempts, made, made.requested))?;
    }
    Ok(())
}

fn new_authorization(
    work: &mut Work,
    command: &Authorize,
    terms: &ProgramTerms,
    card: Option<&Card>,
    (currency, amount): (Currency, Option<i64>),
    decision: &Decision,
) -> Result<Authorization, Stop> {
    let message = &command.request;
    let now = work.now();
    let id = AuthorizationId(work.new_id());
    let merchant_amount = not_negative(message.requested.amount, message.requested.currency, "/amount")?;
    let mut trace = message.trace.clone();
    if decision.outcome != DecisionOutcome::Declined || command.advice == Some(true) {
        trace.authorization_code.get_or_insert_with(|| code_of(id));
    }
    let fee_terms = card.map(|card| terms.fee(card.currency, message.kind, &message.merchant.country));
    let made = Authorization {
        client: work.client(),
        id,
        card: card.map(|card| card.id),
        card_holder: card.map(|card| card.card_holder),
        account: card.map(|card| card.debit_account),
        kind: message.kind,
        channel: message.channel,
        status: AuthorizationStatus::Pending,
        reason: None,
        currency,
        requested: amount.unwrap_or(0),
        approved: 0,
        outstanding: 0,
        outstanding_fee: 0,
        cleared: 0,
        reversed: 0,
        refunded: 0,
        merchant_amount,
        merchant_currency: message.requested.currency,
        merchant_settled: 0,
        rate: programs::rate(&message.requested, currency, terms),
        merchant: message.merchant.clone(),
        trace,
        stand_in: command.advice.is_some(),
        fee_terms: fee_terms.unwrap_or_default(),
        decided: Vec::new(),
        limit_usage: LimitUsage::default(),
        timeline: Vec::new(),
        expires_at: None,
        due_at: None,
        responder: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    if command.advice == Some(true) && card.is_none() {
        let exception = ExceptionDraft::about(ExceptionKind::UnmatchedAdvice, &made, merchant_amount);
        raise_exception(work, ExceptionDraft { currency: message.requested.currency, ..exception })?;
    }
    Ok(made)
}

/// Six digits derived from the authorization's id.
fn code_of(id: AuthorizationId) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, id.0.bytes());
    let number = digest.as_ref().iter().take(4).fold(0u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("{:06}", number % 1_000_000)
}

/// Prefetches the rows of a request or advice.
fn prefetch_message(work: &mut Work, client: ClientId, presented: &Presented, transaction: &str) {
    if let Some(card) = presented.card {
        work.cards.prefetch(Key::of(client, card.0), Shared);
        work.card_secrets.prefetch(Key::of(client, card.0), Shared);
        work.counters.prefetch(Key::of(client, card.0), Exclusive);
        work.balances.prefetch(Key::of(client, card.0), Exclusive);
    }
    let card = presented.card.map(|card| Key::of(client, card.0));
    let links = match (card, presented.links) {
        (Some(card), Some(links)) => {
            work.hints.note(card, links);
            Some(links)
        }
        (Some(card), None) => work.hints.links(card),
        (None, links) => links,
    };
    if let Some(links) = links {
        work.card_holders.prefetch(Key::of(client, links.card_holder.0), Shared);
        work.accounts.prefetch(Key::of(client, links.account.0), Shared);
        work.counters.prefetch(Key::of(client, links.card_holder.0), Exclusive);
        work.balances.prefetch(Key::of(client, links.funds.0), Exclusive);
        work.programs.prefetch(Key::of(client, links.program.0), Shared);
        prefetch_pools(work, client, &links);
    }
    let reference = ReferenceHash::of(transaction);
    let [own, reversal] =
        [ReferenceKind::Authorization, ReferenceKind::Reversal].map(|kind| reference.key(client, kind));
    work.expect_new(own, reversal);
}
