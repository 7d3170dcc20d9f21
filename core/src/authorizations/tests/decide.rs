//! The decision alone: every check, passing and failing, and their order.

use crate::accounts::AccountStatus;
use crate::authorizations::{
    CardFacts, CheckOutcome, Decision, DecisionOutcome, Facts, LimitFact, Reason, Request, decide, explain,
};
use crate::card_holders::CardHolderStatus;
use crate::cards::CardStatus;
use crate::limits::{Interval, LimitLevel, SpendingControls};
use crate::messages::{AuthorizationType, Channel, Match, Merchant, ThreeDs};
use crate::money::Currency;
use crate::programs::FeeTerms;
use crate::responders::{DecidedBy, Ruling};

fn limit(amount: i64, used_amount: i64) -> LimitFact {
    LimitFact {
        of_holder: false,
        shared: None,
        inherited: false,
        interval: Interval::Daily,
        categories: Vec::new(),
        amount: Some(amount),
        max_count: None,
        used_amount,
        used_count: 0,
        at_most: false,
    }
}

/// A card with 100 USD that is asked for 10.
fn plain() -> (Facts, Request) {
    let card = CardFacts {
        status: CardStatus::Active,
        valid_from: None,
        ends: 1_000,
        currency: Currency::us_dollar(),
        exponent: 2,
        controls: SpendingControls::default(),
        inherited: None,
        program_version: None,
        enable_2fa: true,
        most_payments: None,
        payments: 0,
        locked_merchant: None,
        pin_failures: 0,
        pin_tries: 3,
        wrong_tries: 0,
        code_tries: Some(10),
        holder_status: CardHolderStatus::Active,
        holder_verified: false,
        verified_only: false,
        account_status: AccountStatus::Active,
        account_can_debit: true,
        available: 10_000,
        fee: FeeTerms::default(),
        limits: Vec::new(),
    };
    let facts = Facts {
        now: 500,
        card: Some(card),
        duplicate_of: None,
        risk_threshold: 95,
        incremental: false,
        approved_before: None,
        ruling: None,
    };
    let merchant = Merchant {
        category: "5812".to_owned(),
        merchant_id: "M1".to_owned(),
        country: "NG".to_owned(),
        ..Merchant::default()
    };
    let request = Request {
        kind: AuthorizationType::Purchase,
        channel: Channel::Web,
        amount: Some(1_000),
        merchant_currency: Currency::us_dollar(),
        merchant,
        three_ds: ThreeDs::None,
        partial_allowed: false,
        risk_score: None,
        expiry: Match::NotGiven,
        cvv: Match::NotGiven,
        pin: Match::NotGiven,
    };
    (facts, request)
}

fn list(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

type Change = fn(&mut Facts, &mut Request);

fn card(facts: &mut Facts) -> &mut CardFacts {
    facts.card.as_mut().expect("a card")
}

/// A change that makes a check fail, and one that gives it something to look at and lets it pass.
const CASES: &[(Reason, Change, Change)] = &[
    (Reason::UnknownCard, |f, _| f.card = None, |_, _| {}),
    (Reason::Duplicate, |f, _| f.duplicate_of = Some("other".to_owned()), |_, _| {}),
    (Reason::CardInactive, |f, _| card(f).status = CardStatus::Inactive, |_, _| {}),
    (Reason::CardCanceled, |f, _| card(f).status = CardStatus::Canceled, |_, _| {}),
    (Reason::CardNotYetValid, |f, _| card(f).valid_from = Some(501), |f, _| card(f).valid_from = Some(500)),
    (Reason::CardExpired, |f, _| card(f).ends = 500, |f, _| card(f).ends = 501),
    (
        Reason::TooManyAttempts,
        |f, r| (card(f).wrong_tries, r.cvv) = (10, Match::Match),
        |f, r| (card(f).wrong_tries, r.cvv) = (9, Match::Match),
    ),
    (Reason::InvalidExpiry, |_, r| r.expiry = Match::Mismatch, |_, r| r.expiry = Match::Match),
    (Reason::InvalidCvv, |_, r| r.cvv = Match::Mismatch, |_, r| r.cvv = Match::Match),
    (
        Reason::PinTriesExceeded,
        |f, r| (card(f).pin_failures, r.pin) = (3, Match::Match),
        |f, r| (card(f).pin_failures, r.pin) = (2, Match::Match),
    ),
    (Reason::InvalidPin, |_, r| r.pin = Match::NotSet, |_, r| r.pin = Match::Match),
    (Reason::CardHolderInactive, |f, _| card(f).holder_status = CardHolderStatus::Blocked, |_, _| {}),
    (
        Reason::CardHolderUnverified,
        |f, _| card(f).verified_only = true,
        |f, _| (card(f).verified_only, card(f).holder_verified) = (true, true),
    ),
    (Reason::AccountInactive, |f, _| card(f).account_can_debit = false, |_, _| {}),
    (Reason::CurrencyNotSupported, |_, r| r.amount = None, |_, _| {}),
    (Reason::ChannelNotAllowed, |f, _| card(f).controls.channels.web = false, |_, _| {}),
    (
        Reason::CountryNotAllowed,
        |f, _| card(f).controls.blocked_countries = list(&["NG"]),
        |f, _| card(f).controls.allowed_countries = list(&["NG", "US"]),
    ),
    (
        Reason::MerchantNotAllowed,
        |f, _| card(f).locked_merchant = Some("M2".to_owned()),
        |f, _| card(f).controls.blocked_merchants = list(&["M2"]),
    ),
    (
        Reason::CategoryBlocked,
        |f, _| card(f).controls.blocked_categories = list(&["restaurants"]),
        |f, _| card(f).controls.blocked_categories = list(&["5813"]),
    ),
    (
        Reason::CategoryNotAllowed,
        |f, _| card(f).controls.allowed_categories = list(&["5813"]),
        |f, _| card(f).controls.allowed_categories = list(&["restaurants"]),
    ),
    (
        Reason::SingleUseCardUsed,
        |f, _| (card(f).most_payments, card(f).payments) = (Some(1), 1),
        |f, _| card(f).most_payments = Some(1),
    ),
    (
        Reason::SpendingLimitExceeded,
        |f, _| card(f).limits = vec![limit(9_000, 0), limit(1_999, 1_000)],
        |f, _| card(f).limits = vec![limit(9_000, 0), limit(2_000, 1_000)],
    ),
    (Reason::SuspectedFraud, |_, r| r.risk_score = Some(95), |_, r| r.risk_score = Some(94)),
    (Reason::StepUpRequired, |_, r| r.three_ds = ThreeDs::Offered, |_, r| r.three_ds = ThreeDs::Authenticated),
    (Reason::StepUpFailed, |_, r| r.three_ds = ThreeDs::Failed, |_, r| r.three_ds = ThreeDs::Authenticated),
    (Reason::InsufficientFunds, |f, _| card(f).available = 999, |f, _| card(f).available = 1_000),
];

fn ruling(by: DecidedBy, approves: bool) -> Ruling {
    Ruling { by, approves, most: None, reason: None }
}

/// A decision that was kept and read again is the same one.
fn decided(facts: &Facts, request: &Request) -> Decision {
    let (decision, before) = (decide(facts, request), (facts, request));
    let kept = serde_json::to_string(&(facts, request)).expect("facts are kept");
    let (facts, request): (Facts, Request) = serde_json::from_str(&kept).expect("facts are read");
    assert_eq!(decide(&facts, &request), decision);
    assert_eq!(explain(&facts, &request), explain(before.0, before.1));
    decision
}

#[test]
fn every_check_fails_and_passes() {
    let names: Vec<Reason> = CASES.iter().map(|case| case.0).collect();
    let built_in = &Reason::ALL[..names.len()];
    assert_eq!(names, built_in, "a case for every reason, in order");
    assert_eq!(Reason::ALL[names.len()..], [Reason::EndpointDeclined, Reason::EndpointTimeout]);
    for (reason, fails, passes) in CASES {
        let (mut facts, mut request) = plain();
        fails(&mut facts, &mut request);
        let decision = decided(&facts, &request);
        assert_eq!((decision.outcome, decision.reason), (DecisionOutcome::Declined, Some(*reason)), "{reason}");
        assert_eq!((decision.approved, decision.fee.total()), (0, 0), "{reason}");
        let checks = explain(&facts, &request);
        let names: Vec<Reason> = checks.iter().map(|check| check.check).collect();
        assert_eq!(names, built_in, "every check is shown");
        for check in &checks {
            let failed = check.outcome == CheckOutcome::Fail;
            assert_eq!(failed, check.would_pass_if.is_some(), "{reason}: {check:?}");
            assert_eq!(failed, check.check == *reason, "{reason}: only it fails: {check:?}");
            assert!(!failed || check.observed.is_some(), "{reason}: {check:?}");
        }
        let (mut facts, mut request) = plain();
        passes(&mut facts, &mut request);
        let decision = decided(&facts, &request);
        assert_eq!((decision.outcome, decision.reason), (DecisionOutcome::Approved, None), "{reason}");
        let checks = explain(&facts, &request);
        let check = checks.iter().find(|check| check.check == *reason).expect("a check");
        assert_eq!(check.outcome, CheckOutcome::Pass, "{reason}");
    }
}

#[test]
fn the_reason_is_the_first_that_fails() {
    // What cannot be wrong at once with what comes later: without a card there is nothing to look at, a card has one
    // status, and so has the authentication.
    let alone = [Reason::UnknownCard, Reason::CardCanceled, Reason::CurrencyNotSupported, Reason::StepUpFailed];
    let together: Vec<_> = CASES.iter().filter(|case| !alone.contains(&case.0)).collect();
    for first in 0..together.len() {
        let (mut facts, mut request) = plain();
        for (_, fails, _) in &together[first..] {
            fails(&mut facts, &mut request);
        }
        assert_eq!(decided(&facts, &request).reason, Some(together[first].0));
    }
}

#[test]
fn what_would_have_passed() {
    let seen = |change: Change, reason: Reason| {
        let (mut facts, mut request) = plain();
        change(&mut facts, &mut request);
        let check = explain(&facts, &request).into_iter().find(|check| check.check == reason).expect("a check");
        [check.observed, check.threshold, check.would_pass_if].map(Option::unwrap_or_default)
    };
    let funds = seen(|f, _| card(f).available = 250, Reason::InsufficientFunds);
    assert_eq!(funds, ["10.00 USD", "2.50 USD", "7.50 USD more is needed."]);
    let limits = seen(|f, _| card(f).limits = vec![limit(1_500, 700)], Reason::SpendingLimitExceeded);
    assert_eq!(limits, ["17.00 USD (daily card)", "15.00 USD", "the amount is at most 8.00 USD"]);
    let channel = seen(|f, _| card(f).controls.channels.web = false, Reason::ChannelNotAllowed);
    assert_eq!(channel, ["web", "", "channels.web is true"]);
    let country = seen(|f, _| card(f).controls.allowed_countries = list(&["US"]), Reason::CountryNotAllowed);
    assert_eq!(country, ["NG", "US", "the country is among the allowed ones"]);
}

#[test]
fn figures_say_what_the_texts_say() {
    let seen = |change: Change, reason: Reason| {
        let (mut facts, mut request) = plain();
        change(&mut facts, &mut request);
        let check = explain(&facts, &request).into_iter().find(|check| check.check == reason).expect("a check");
        check.figures.map(|figures| (figures.amounts, figures.limit.map(|(level, _)| level)))
    };
    let funds = seen(|f, _| card(f).available = 250, Reason::InsufficientFunds);
    assert_eq!(funds, Some((Some((1_000, 250)), None)));
    let passed =
        seen(|f, _| card(f).limits = vec![limit(9_000, 700), limit(2_000, 700)], Reason::SpendingLimitExceeded);
    assert_eq!(passed, Some((Some((1_700, 2_000)), Some(LimitLevel::Card))), "the one with the least room");
    let failed: Change = |f, _| {
        card(f).limits = vec![LimitFact { of_holder: true, ..limit(1_500, 700) }];
    };
    assert_eq!(seen(failed, Reason::SpendingLimitExceeded), Some((Some((1_700, 1_500)), Some(LimitLevel::CardHolder))));
    assert_eq!(seen(|_, _| {}, Reason::ChannelNotAllowed), None);
}

#[test]
fn partial_approvals() {
    const FEE: FeeTerms = FeeTerms { fixed: 100, basis_points: 100, vat_basis_points: 1_000 };
    const ALL: DecisionOutcome = DecisionOutcome::Approved;
    const PART: DecisionOutcome = DecisionOutcome::PartiallyApproved;
    const NO: DecisionOutcome = DecisionOutcome::Declined;
    let cases: &[(&str, Change, DecisionOutcome, i64)] = &[
        ("all of it", |_, _| {}, ALL, 1_000),
        ("what is there", |f, _| card(f).available = 400, PART, 400),
        ("what a limit leaves", |f, _| card(f).limits = vec![limit(900, 600)], PART, 300),
        ("the least of both", |f, _| (card(f).available, card(f).limits) = (200, vec![limit(900, 600)]), PART, 200),
        ("nothing there", |f, _| card(f).available = 0, NO, 0),
        ("overdrawn", |f, _| card(f).available = -5, NO, 0),
        ("a limit that is used up", |f, _| card(f).limits = vec![limit(900, 900)], NO, 0),
        // 500 + 105 of fee + 10 of tax (10.5, half to even).
        ("fees fit in", |f, _| (card(f).available, card(f).fee) = (615, FEE), PART, 500),
        ("fees alone are more", |f, _| (card(f).available, card(f).fee) = (110, FEE), NO, 0),
        (
            "a count is not divided",
            |f, _| card(f).limits = vec![LimitFact { max_count: Some(0), ..limit(1_000, 0) }],
            NO,
            0,
        ),
        ("a deposit needs no funds", |f, r| (card(f).available, r.kind) = (0, AuthorizationType::Deposit), ALL, 1_000),
        ("other reasons decline", |f, _| (card(f).available, card(f).ends) = (400, 0), NO, 0),
    ];
    for (name, change, outcome, approved) in cases {
        let (mut facts, mut request) = plain();
        request.partial_allowed = true;
        change(&mut facts, &mut request);
        let decision = decided(&facts, &request);
        assert_eq!((decision.outcome, decision.approved), (*outcome, *approved), "{name}");
        if *outcome == PART {
            let card = card(&mut facts);
            assert!(approved + decision.fee.total() <= card.available, "{name}");
        }
        request.partial_allowed = false;
        let whole = decided(&facts, &request).approved;
        assert!(whole == 0 || whole == 1_000, "{name}");
    }
}

#[test]
fn money_is_not_asked_for() {
    let broke: Change = |f, r| {
        (card(f).available, r.amount, r.kind) = (-1, Some(0), AuthorizationType::AccountVerification);
        card(f).limits = vec![limit(0, 5)];
    };
    let (mut facts, mut request) = plain();
    broke(&mut facts, &mut request);
    assert_eq!(decided(&facts, &request).outcome, DecisionOutcome::Approved);
    request.cvv = Match::Mismatch;
    assert_eq!(decided(&facts, &request).reason, Some(Reason::InvalidCvv));
}

#[test]
fn beyond_the_tries_of_a_day_nothing_reveals_what_was_right() {
    use Match::{Match as Right, Mismatch as Wrong, NotGiven};
    let given = [(Right, Right), (Wrong, Right), (Right, Wrong), (Wrong, Wrong), (NotGiven, Wrong), (Right, NotGiven)];
    let mut decisions = Vec::new();
    for (expiry, cvv) in given {
        let (mut facts, mut request) = plain();
        (card(&mut facts).wrong_tries, request.expiry, request.cvv) = (10, expiry, cvv);
        let decision = decided(&facts, &request);
        assert_eq!(decision.reason, Some(Reason::TooManyAttempts), "{expiry:?} {cvv:?}");
        decisions.push(format!("{decision:?} {:?}", explain(&facts, &request)));
        // Decisions of before there was a count come to what they came to then.
        card(&mut facts).code_tries = None;
        let before = decided(&facts, &request).reason;
        let wrong = (expiry == Wrong).then_some(Reason::InvalidExpiry).or((cvv == Wrong).then_some(Reason::InvalidCvv));
        assert_eq!(before, wrong, "{expiry:?} {cvv:?}");
    }
    decisions.dedup();
    assert_eq!(decisions.len(), 1, "{decisions:?}");
    let (mut facts, request) = plain();
    card(&mut facts).wrong_tries = 10;
    assert_eq!(
        decided(&facts, &request).outcome,
        DecisionOutcome::Approved,
        "where neither is given nothing is guessed"
    );
}

#[test]
fn what_a_responder_says_comes_after_every_other_check() {
    for (case, by, approves, available, expected) in [
        ("it approves", DecidedBy::Responder, true, 10_000, None),
        ("it declines", DecidedBy::Responder, false, 10_000, Some(Reason::EndpointDeclined)),
        ("it is silent", DecidedBy::Fallback, false, 10_000, Some(Reason::EndpointTimeout)),
        ("its fallback approves", DecidedBy::Fallback, true, 10_000, None),
        ("there is no money", DecidedBy::Responder, true, 10, Some(Reason::InsufficientFunds)),
    ] {
        let (mut facts, request) = plain();
        (facts.ruling, card(&mut facts).available) = (Some(ruling(by, approves)), available);
        assert_eq!(decided(&facts, &request).reason, expected, "{case}");
        assert_eq!(explain(&facts, &request).len(), Reason::ALL.len(), "{case}");
    }
}
