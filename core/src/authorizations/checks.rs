//! The checks of a decision, one function each. They compare values and make no text; [`crate::authorizations::explain`]
//! makes the texts.

use crate::accounts::AccountStatus;
use crate::authorizations::{CardFacts, Facts, Figures, LimitFact, Reason, Request};
use crate::card_holders::CardHolderStatus;
use crate::cards::CardStatus;
use crate::limits::{LimitLevel, SpendingControls, covers};
use crate::messages::{AuthorizationType, Channel, Match, ThreeDs};
use crate::programs::Fee;
use crate::responders::DecidedBy;

/// The input of a check.
pub(super) struct Ctx<'a> {
    pub(super) facts: &'a Facts,
    pub(super) request: &'a Request,
    /// The amount to be approved, in minor units of the card's currency.
    pub(super) amount: i64,
}

/// A value that a check looked at.
#[derive(Clone, Copy)]
pub(super) enum Seen<'a> {
    Nothing,
    Text(&'a str),
    Number(i64),
    /// In microseconds.
    Instant(i64),
    /// In minor units of the card's currency.
    Money(i64),
    List(&'a [String]),
    /// What a limit would have used with this payment.
    Total(i64, &'a LimitFact),
    /// Payments of a limit's window with this one.
    Count(i64, &'a LimitFact),
    /// Payments of a limit's window at most.
    MostPayments(i64),
}

/// The condition under which a check would have passed.
#[derive(Clone, Copy)]
pub(super) enum Fix {
    Condition(&'static str),
    ChannelAllowed(Channel),
    NotBlocked(&'static str),
    Allowed(&'static str),
    /// The amount is at most this, in minor units.
    AtMost(i64),
    /// So much more is needed, in minor units.
    Needed(i64),
}

/// What a check compared.
#[derive(Clone, Copy)]
pub(super) struct Compared<'a> {
    pub(super) observed: Seen<'a>,
    pub(super) threshold: Seen<'a>,
    /// For checks of amounts and limits.
    pub(super) figures: Option<Figures>,
    /// Whose settings these are, where more than one level has such settings.
    pub(super) level: Option<LimitLevel>,
}

/// The result of a check.
#[derive(Clone, Copy)]
pub(super) enum Verdict<'a> {
    Pass(Compared<'a>),
    Fail(Compared<'a>, Fix),
    NotGiven,
    NotApplicable,
}

impl<'a> Verdict<'a> {
    pub(super) fn fails(&self) -> bool {
        matches!(self, Verdict::Fail(..))
    }

    /// The same, of settings of a level.
    fn of(self, level: LimitLevel) -> Verdict<'a> {
        match self {
            Verdict::Pass(compared) => Verdict::Pass(Compared { level: Some(level), ..compared }),
            Verdict::Fail(compared, fix) => Verdict::Fail(Compared { level: Some(level), ..compared }, fix),
            other => other,
        }
    }
}

/// A check of what the card allows, and then of what its program does. Of two that pass, the card's is shown if it has
/// such a setting.
fn both<'a>(card: &'a CardFacts, check: impl Fn(&'a SpendingControls) -> Verdict<'a>) -> Verdict<'a> {
    let own = check(&card.controls).of(LimitLevel::Card);
    let Some(inherited) = &card.inherited else { return own };
    let inherited = check(inherited).of(LimitLevel::Program);
    match (&own, &inherited) {
        (Verdict::Fail(..), _) => own,
        (_, Verdict::Fail(..)) | (Verdict::NotApplicable, _) => inherited,
        _ => own,
    }
}

impl<'a> Ctx<'a> {
    /// The fee on an amount; for an increment, the difference to the fee on what was approved before.
    pub(super) fn fee(&self, amount: i64) -> Fee {
        let Some(card) = &self.facts.card else { return Fee::default() };
        if self.request.kind == AuthorizationType::Deposit {
            return Fee::default();
        }
        match self.facts.approved_before {
            Some(before) => card.fee.between(before, before.saturating_add(amount)),
            None => card.fee.on(amount, !self.facts.incremental),
        }
    }

    /// Whether the request asks for money.
    pub(super) fn spends(&self) -> bool {
        !matches!(self.request.kind, AuthorizationType::AccountVerification | AuthorizationType::Deposit)
            && self.request.amount.is_some()
    }

    /// The check that declines with this reason.
    pub(super) fn check(&self, reason: Reason) -> Verdict<'a> {
        let request = self.request;
        let Some(card) = &self.facts.card else { return self.check_without_card(reason) };
        match reason {
            Reason::UnknownCard => known(true),
            Reason::Duplicate => duplicate(self.facts),
            Reason::CardInactive => status(card, CardStatus::Inactive, "the card is active"),
            Reason::CardCanceled => status(card, CardStatus::Canceled, "another card is used"),
            Reason::CardNotYetValid => not_yet_valid(card, self.facts.now),
            Reason::CardExpired => expired(card, self.facts.now),
            Reason::TooManyAttempts => attempts(card, request),
            Reason::InvalidExpiry => guessable(card, request.expiry, "the card's expiry is given"),
            Reason::InvalidCvv => guessable(card, request.cvv, "the card's code is given"),
            Reason::PinTriesExceeded => pin_tries(card, request),
            Reason::InvalidPin => secret(request.pin, "the card's PIN is given"),
            Reason::CardHolderInactive => holder_inactive(card),
            Reason::CardHolderUnverified => holder_unverified(card),
            Reason::AccountInactive => account_inactive(card),
            Reason::CurrencyNotSupported => currency(card, request),
            Reason::ChannelNotAllowed => both(card, |controls| channel(controls, request.channel)),
            Reason::CountryNotAllowed => {
                let country = &request.merchant.country;
                both(card, |controls| {
                    listed(country, &controls.allowed_countries, &controls.blocked_countries, "country")
                })
            }
            Reason::MerchantNotAllowed => merchant(card, &request.merchant.merchant_id),
            Reason::CategoryBlocked => both(card, |controls| blocked(controls, &request.merchant.category)),
            Reason::CategoryNotAllowed => both(card, |controls| not_allowed(controls, &request.merchant.category)),
            Reason::SingleUseCardUsed => single_use(card, self.facts),
            Reason::SpendingLimitExceeded => limits(card, self),
            Reason::SuspectedFraud => fraud(self.facts, request),
            Reason::StepUpRequired => step_up_required(card, request.three_ds),
            Reason::StepUpFailed => step_up_failed(request.three_ds),
            Reason::InsufficientFunds => funds(card, self),
            Reason::EndpointDeclined => ruled(self.facts, DecidedBy::Responder, "the responder approves"),
            Reason::EndpointTimeout => {
                ruled(self.facts, DecidedBy::Fallback, "the responder answers in time, or its fallback approves")
            }
        }
    }

    /// A number that is not of a card issued here: only what is in the message can be looked at.
    fn check_without_card(&self, reason: Reason) -> Verdict<'a> {
        let request = self.request;
        match reason {
            Reason::UnknownCard => known(false),
            Reason::Duplicate => duplicate(self.facts),
            Reason::TooManyAttempts if request.expiry == Match::NotGiven && request.cvv == Match::NotGiven => {
                Verdict::NotGiven
            }
            Reason::InvalidExpiry => secret(request.expiry, "the card's expiry is given"),
            Reason::InvalidCvv => secret(request.cvv, "the card's code is given"),
            Reason::PinTriesExceeded if request.pin == Match::NotGiven => Verdict::NotGiven,
            Reason::InvalidPin => secret(request.pin, "the card's PIN is given"),
            Reason::SuspectedFraud => fraud(self.facts, request),
            Reason::StepUpFailed => step_up_failed(request.three_ds),
            _ => Verdict::NotApplicable,
        }
    }
}

fn compared<'a>(observed: Seen<'a>, threshold: Seen<'a>) -> Compared<'a> {
    Compared { observed, threshold, figures: None, level: None }
}

fn judge<'a>(passes: bool, observed: Seen<'a>, threshold: Seen<'a>, fix: &'static str) -> Verdict<'a> {
    let compared = compared(observed, threshold);
    if passes { Verdict::Pass(compared) } else { Verdict::Fail(compared, Fix::Condition(fix)) }
}

fn known(known: bool) -> Verdict<'static> {
    let observed = Seen::Text(if known { "known" } else { "unknown" });
    judge(known, observed, Seen::Nothing, "the number is one that was issued here")
}

fn duplicate(facts: &Facts) -> Verdict<'_> {
    let observed = facts.duplicate_of.as_deref().map_or(Seen::Nothing, Seen::Text);
    let fix = "the message has a network transaction id of its own";
    judge(facts.duplicate_of.is_none(), observed, Seen::Nothing, fix)
}

fn status(card: &CardFacts, refused: CardStatus, fix: &'static str) -> Verdict<'static> {
    judge(card.status != refused, Seen::Text(card.status.as_str()), Seen::Nothing, fix)
}

fn not_yet_valid(card: &CardFacts, now: i64) -> Verdict<'static> {
    let Some(from) = card.valid_from else { return Verdict::NotApplicable };
    judge(now >= from, Seen::Instant(now), Seen::Instant(from), "it is tried once the card is valid")
}

fn expired(card: &CardFacts, now: i64) -> Verdict<'static> {
    let fix = "the card is replaced, or its validity is longer";
    judge(now < card.ends, Seen::Instant(now), Seen::Instant(card.ends), fix)
}

fn secret(given: Match, fix: &'static str) -> Verdict<'static> {
    match given {
        Match::NotGiven => Verdict::NotGiven,
        given => judge(given == Match::Match, Seen::Text(given.as_str()), Seen::Nothing, fix),
    }
}

/// Whether so many expiries and CVVs were wrong today that no further ones are compared.
fn guessed_too_often(card: &CardFacts) -> bool {
    card.code_tries.is_some_and(|most| card.wrong_tries >= most)
}

fn attempts(card: &CardFacts, request: &Request) -> Verdict<'static> {
    if request.expiry == Match::NotGiven && request.cvv == Match::NotGiven {
        return Verdict::NotGiven;
    }
    let Some(most) = card.code_tries else { return Verdict::NotApplicable };
    let (tries, most) = (Seen::Number(card.wrong_tries), Seen::Number(most));
    judge(!guessed_too_often(card), tries, most, "the next day has begun, in UTC")
}

/// Beyond that bound the result does not reveal whether expiry and CVV were right.
fn guessable(card: &CardFacts, given: Match, fix: &'static str) -> Verdict<'static> {
    if guessed_too_often(card) { Verdict::NotApplicable } else { secret(given, fix) }
}

fn pin_tries(card: &CardFacts, request: &Request) -> Verdict<'static> {
    if request.pin == Match::NotGiven {
        return Verdict::NotGiven;
    }
    let (failures, tries) = (Seen::Number(card.pin_failures), Seen::Number(card.pin_tries));
    judge(card.pin_failures < card.pin_tries, failures, tries, "the PIN is unblocked or set anew")
}

fn holder_inactive(card: &CardFacts) -> Verdict<'static> {
    let active = card.holder_status == CardHolderStatus::Active;
    judge(active, Seen::Text(card.holder_status.as_str()), Seen::Nothing, "the card holder is active")
}

fn holder_unverified(card: &CardFacts) -> Verdict<'static> {
    if !card.verified_only {
        return Verdict::NotApplicable;
    }
    let observed = Seen::Text(if card.holder_verified { "verified" } else { "unverified" });
    judge(card.holder_verified, observed, Seen::Text("verified"), "the card holder's documents are verified")
}

fn account_inactive(card: &CardFacts) -> Verdict<'static> {
    let active = card.account_status == AccountStatus::Active;
    let no_debits = active && !card.account_can_debit;
    let observed = if no_debits { "debits not allowed" } else { card.account_status.as_str() };
    let fix = "the account is active and may be debited";
    judge(active && card.account_can_debit, Seen::Text(observed), Seen::Nothing, fix)
}

fn currency<'a>(card: &'a CardFacts, request: &'a Request) -> Verdict<'a> {
    let (observed, threshold) = (Seen::Text(request.merchant_currency.code()), Seen::Text(card.currency.code()));
    judge(request.amount.is_some(), observed, threshold, "the message or the configuration has a rate")
}

fn channel(controls: &SpendingControls, channel: Channel) -> Verdict<'static> {
    let channels = controls.channels;
    let open = match channel {
        Channel::Atm => channels.atm,
        Channel::Pos => channels.pos,
        Channel::Web => channels.web,
        Channel::Mobile => channels.mobile,
    };
    let compared = compared(Seen::Text(channel.as_str()), Seen::Nothing);
    if open { Verdict::Pass(compared) } else { Verdict::Fail(compared, Fix::ChannelAllowed(channel)) }
}

/// Checks a value against a list of allowed and a list of blocked values.
fn listed<'a>(value: &'a str, allowed: &'a [String], blocked: &'a [String], what: &'static str) -> Verdict<'a> {
    if allowed.is_empty() && blocked.is_empty() {
        return Verdict::NotApplicable;
    }
    let observed = Seen::Text(if value.is_empty() { "not given" } else { value });
    if blocked.iter().any(|known| known == value) {
        return Verdict::Fail(compared(observed, Seen::List(blocked)), Fix::NotBlocked(what));
    }
    let passes = allowed.is_empty() || allowed.iter().any(|known| known == value);
    let compared = compared(observed, Seen::List(allowed));
    if passes { Verdict::Pass(compared) } else { Verdict::Fail(compared, Fix::Allowed(what)) }
}

fn merchant<'a>(card: &'a CardFacts, id: &'a str) -> Verdict<'a> {
    if let Some(locked) = card.locked_merchant.as_deref().filter(|locked| *locked != id) {
        let fix = "it is paid at the merchant the card is locked to";
        return judge(false, Seen::Text(id), Seen::Text(locked), fix);
    }
    both(card, |controls| listed(id, &controls.allowed_merchants, &controls.blocked_merchants, "merchant"))
}

fn blocked<'a>(controls: &'a SpendingControls, category: &'a str) -> Verdict<'a> {
    let list = &controls.blocked_categories;
    if list.is_empty() {
        return Verdict::NotApplicable;
    }
    let fix = "the category is not among the blocked ones";
    judge(!covers(list, category), Seen::Text(category), Seen::List(list), fix)
}

fn not_allowed<'a>(controls: &'a SpendingControls, category: &'a str) -> Verdict<'a> {
    let list = &controls.allowed_categories;
    if list.is_empty() {
        return Verdict::NotApplicable;
    }
    judge(covers(list, category), Seen::Text(category), Seen::List(list), "the category is among the allowed ones")
}

fn single_use(card: &CardFacts, facts: &Facts) -> Verdict<'static> {
    match card.most_payments {
        // An increment is not a further payment.
        Some(most) if !facts.incremental => {
            let (payments, most_seen) = (Seen::Number(card.payments), Seen::Number(most));
            judge(card.payments < most, payments, most_seen, "the card had payments left")
        }
        _ => Verdict::NotApplicable,
    }
}

/// Whose setting a limit is.
fn source(limit: &LimitFact) -> LimitLevel {
    if limit.inherited { LimitLevel::Program } else { limit.level() }
}

/// The first limit that is exceeded, or the one that leaves the least room.
fn limits<'a>(card: &'a CardFacts, ctx: &Ctx<'_>) -> Verdict<'a> {
    if !ctx.spends() || card.limits.is_empty() {
        return Verdict::NotApplicable;
    }
    let mut tightest: Option<((bool, i64), Compared<'a>)> = None;
    for limit in &card.limits {
        let of = |amounts| Some(Figures { amounts, limit: Some((limit.level(), limit.interval)) });
        if let Some(most) = limit.amount {
            let total = limit.used_amount.saturating_add(ctx.amount);
            let (observed, threshold) = (Seen::Total(total, limit), Seen::Money(most));
            let figures = of(Some((total, most)).filter(|_| !limit.at_most));
            let compared = Compared { observed, threshold, figures, level: Some(source(limit)) };
            if total > most {
                return Verdict::Fail(compared, Fix::AtMost(most.saturating_sub(limit.used_amount).max(0)));
            }
            let room = (limit.at_most, most - total);
            if tightest.as_ref().is_none_or(|(known, _)| room < *known) {
                tightest = Some((room, compared));
            }
        }
        if let Some(most) = limit.max_count.filter(|_| !ctx.facts.incremental) {
            let count = limit.used_count.saturating_add(1);
            if count > most {
                let (observed, threshold) = (Seen::Count(count, limit), Seen::MostPayments(most));
                let compared = Compared { observed, threshold, figures: of(None), level: Some(source(limit)) };
                return Verdict::Fail(compared, Fix::Condition("the window has payments left"));
            }
        }
    }
    Verdict::Pass(tightest.map_or(compared(Seen::Nothing, Seen::Nothing), |(_, compared)| compared))
}

fn fraud(facts: &Facts, request: &Request) -> Verdict<'static> {
    let Some(score) = request.risk_score else { return Verdict::NotGiven };
    let threshold = facts.risk_threshold;
    judge(score < threshold, Seen::Number(score), Seen::Number(threshold), "the network's score is lower")
}

fn step_up_required(card: &CardFacts, three_ds: ThreeDs) -> Verdict<'static> {
    if three_ds == ThreeDs::None {
        return Verdict::NotGiven;
    }
    let passes = !(card.enable_2fa && three_ds == ThreeDs::Offered);
    let (observed, threshold) = (Seen::Text(three_ds.as_str()), Seen::Text("authenticated"));
    judge(passes, observed, threshold, "the cardholder authenticates (3-D Secure)")
}

fn step_up_failed(three_ds: ThreeDs) -> Verdict<'static> {
    if three_ds == ThreeDs::None {
        return Verdict::NotGiven;
    }
    let observed = Seen::Text(three_ds.as_str());
    judge(three_ds != ThreeDs::Failed, observed, Seen::Nothing, "the cardholder passes the authentication")
}

/// A check that only applies if the ruling is of this kind.
fn ruled<'a>(facts: &'a Facts, by: DecidedBy, fix: &'static str) -> Verdict<'a> {
    let Some(ruling) = facts.ruling.as_ref().filter(|ruling| ruling.by == by) else { return Verdict::NotApplicable };
    let said = ruling.reason.as_deref().unwrap_or(if ruling.approves { "approve" } else { "decline" });
    judge(ruling.approves, Seen::Text(said), Seen::Nothing, fix)
}

fn funds(card: &CardFacts, ctx: &Ctx<'_>) -> Verdict<'static> {
    if !ctx.spends() {
        return Verdict::NotApplicable;
    }
    let needed = ctx.amount.saturating_add(ctx.fee(ctx.amount).total());
    let compared = Compared {
        observed: Seen::Money(needed),
        threshold: Seen::Money(card.available),
        figures: Some(Figures { amounts: Some((needed, card.available)), limit: None }),
        level: None,
    };
    if needed <= card.available {
        Verdict::Pass(compared)
    } else {
        Verdict::Fail(compared, Fix::Needed(needed.saturating_sub(card.available)))
    }
}
