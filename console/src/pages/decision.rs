//! The decision page: every check of a payment with what was seen, the threshold, and what would have passed.

use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::access::Scope;
use paygen_core::cards::CardStatus;
use paygen_core::messages::{Channel, ThreeDs};
use paygen_edge::json::Json;

use super::{is_id, refused};
use crate::answer::ok;
use crate::door::{Answer, Call};
use crate::form::query;
use crate::json::{at, items, text_at};
use crate::pages::action::links;
use crate::resources::authorizations;
use crate::shell::{message, shell, shown};
use crate::show;
use crate::tables::{As, Column, column};
use crate::view::{Check, Choice, Crumb, DecisionPage, Field};
use crate::visitor::Visitor;

const WHO: &[Column] = &[
    column("Card", "cardId", As::Link("/cards/")),
    column("Card holder", "cardHolderId", As::Link("/card-holders/")),
    column("Account", "accountId", As::Link("/accounts/")),
    column("Network transaction", "networkTransactionId", As::Code),
    column("Approval code", "authorizationCode", As::Code),
];

const PAYMENT: &[Column] = &[
    column("Type", "type", As::Text),
    column("Channel", "channel", As::Text),
    column("Merchant", "merchant.name", As::Text),
    column("Merchant id", "merchant.merchantId", As::Code),
    column("Category", "merchant.category", As::Code),
    column("Country", "merchant.country", As::Text),
    column("Merchant amount", "merchantAmount", As::Money("merchantCurrency")),
    column("Fee", "fee", As::Money("currency")),
    column("Decided", "createdAt", As::Time),
];

/// A question that a check asks, by its code.
fn title(check: &str) -> String {
    let known = match check {
        "unknown_card" => "Is it one of our cards?",
        "duplicate" => "Is it new, not a repeat?",
        "card_inactive" => "Is the card active?",
        "card_canceled" => "Is the card not canceled?",
        "card_not_yet_valid" => "Is the card valid already?",
        "card_expired" => "Is the card not expired?",
        "too_many_attempts" => "Are there few enough wrong tries today?",
        "invalid_expiry" => "Is the expiry date right?",
        "invalid_cvv" => "Is the security code right?",
        "pin_tries_exceeded" => "Is the PIN not blocked?",
        "invalid_pin" => "Is the PIN right?",
        "card_holder_inactive" => "Is the card holder active?",
        "card_holder_unverified" => "Is the card holder verified?",
        "account_inactive" => "Is the account active?",
        "currency_not_supported" => "Can the amount be converted?",
        "channel_not_allowed" => "Is the channel allowed?",
        "country_not_allowed" => "Is the country allowed?",
        "merchant_not_allowed" => "Is the merchant allowed?",
        "category_blocked" => "Is the category not blocked?",
        "category_not_allowed" => "Is the category allowed?",
        "single_use_card_used" => "Is the card not used up?",
        "spending_limit_exceeded" => "Is it within the spending limits?",
        "suspected_fraud" => "Is the risk low enough?",
        "step_up_required" => "Was the card holder authenticated where that is required?",
        "step_up_failed" => "Did the authentication succeed?",
        "insufficient_funds" => "Is there enough money?",
        other => return show::words(other),
    };
    known.to_owned()
}

fn check(check: &Json, reason: &str) -> Check {
    let name = text_at(check, "check");
    let outcome = match text_at(check, "outcome").as_str() {
        "pass" => "passed",
        "fail" => "failed",
        _ => "skipped",
    };
    let would = text_at(check, "wouldPassIf");
    let text = match (outcome, would.is_empty()) {
        ("skipped", _) => match text_at(check, "outcome").as_str() {
            "not_given" => "The payment did not carry it.".to_owned(),
            _ => "Nothing is set that this check could apply.".to_owned(),
        },
        (_, false) => format!("It would pass if {}", would.trim_end_matches('.')) + ".",
        _ => String::new(),
    };
    let level = text_at(check, "level");
    let interval = text_at(check, "limit.interval");
    Check {
        title: title(&name),
        outcome: outcome.to_owned(),
        text,
        seen: text_at(check, "observed"),
        threshold: text_at(check, "threshold"),
        level: [interval, if level.is_empty() { level } else { format!("limits of the {}", level.replace('_', " ")) }]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", "),
        first: name == reason,
        name,
    }
}

/// One sentence that says what was decided and why.
fn verdict(authorization: &Json, decision: &Json) -> (String, &'static str) {
    let reason = text_at(decision, "reason");
    let currency = text_at(authorization, "currency");
    match text_at(decision, "outcome").as_str() {
        "declined" => {
            let checks = items(at(decision, "checks"));
            let failed = checks.iter().find(|check| text_at(check, "check") == reason);
            let seen = failed.map(|check| text_at(check, "observed")).filter(|seen| !seen.is_empty());
            let because = show::words(&reason).to_lowercase();
            let seen = seen.map_or(String::new(), |seen| format!(" It saw {seen}."));
            let would = failed.map(|check| text_at(check, "wouldPassIf")).filter(|would| !would.is_empty());
            let would = would
                .map_or(String::new(), |would| format!(" It would have passed if {}.", would.trim_end_matches('.')));
            (format!("Declined: {because}.{seen}{would}"), "bad")
        }
        "approved" | "partially_approved" => {
            let amount = show::money(&text_at(decision, "approvedAmount"), &currency);
            (format!("Approved for {amount}: every check passed that applied."), "good")
        }
        other => (show::words(other), "warn"),
    }
}

/// What can be supposed: the parameter, its label, and its words if it has some.
const SUPPOSED: &[(&str, &str, &[&str])] = &[
    ("amount", "Amount", &[]),
    ("available", "Available to the card", &[]),
    ("channel", "Channel", Channel::WORDS),
    ("category", "Merchant category", &[]),
    ("country", "Country", &[]),
    ("merchantId", "Merchant id", &[]),
    ("cardStatus", "Card's status", CardStatus::WORDS),
    ("riskScore", "Risk score", &[]),
    ("threeDs", "3-D Secure", ThreeDs::WORDS),
];

/// The parameters of the API for what the visitor supposes.
fn supposed(visitor: &Visitor) -> String {
    let parameters: Vec<(&str, &str)> =
        SUPPOSED.iter().map(|(name, _, _)| (*name, visitor.query.get(name).trim())).collect();
    query(&parameters)
}

fn what_if(visitor: &Visitor, authorization: &Json, again: Option<&Answer>) -> Vec<Field> {
    let wrong = again.map(Answer::wrong_fields).unwrap_or_default();
    let field = |(name, label, words): &(&str, &str, &[&str])| {
        let value = visitor.query.get(name).trim().to_owned();
        let stored = match *name {
            "amount" => text_at(authorization, "amount"),
            "channel" => text_at(authorization, "channel"),
            "category" => text_at(authorization, "merchant.category"),
            "country" => text_at(authorization, "merchant.country"),
            "merchantId" => text_at(authorization, "merchant.merchantId"),
            _ => String::new(),
        };
        let choice = |word: &str, title: String| Choice { value: word.to_owned(), title, selected: word == value };
        let mut options = Vec::new();
        if !words.is_empty() {
            let as_it_was = if stored.is_empty() { "As it was".to_owned() } else { format!("As it was: {stored}") };
            options.push(choice("", as_it_was));
            options.extend(words.iter().map(|word| choice(word, show::words(word))));
        }
        let errors: Vec<&str> =
            wrong.iter().filter(|field| field.pointer == *name).map(|field| field.message.as_str()).collect();
        Field {
            name: (*name).to_owned(),
            id: (*name).to_owned(),
            label: (*label).to_owned(),
            kind: if words.is_empty() { "text" } else { "select" }.to_owned(),
            // Every field may stay empty, so none says so.
            required: false,
            error: errors.join(" "),
            placeholder: stored,
            value,
            options,
            ..Field::default()
        }
    };
    SUPPOSED.iter().map(field).collect()
}

/// What came of the supposition, in a sentence.
fn what_if_result(authorization: &Json, again: Option<&Answer>) -> (String, &'static str) {
    match again {
        None => (String::new(), ""),
        Some(answer) if answer.status == StatusCode::OK => {
            let (text, tone) = verdict(authorization, answer.data());
            (format!("With these inputs: {text} The checks are those of this decision, not of the stored one."), tone)
        }
        Some(_) => ("Some of these inputs cannot be supposed; see below.".to_owned(), "bad"),
    }
}

pub(crate) async fn page(visitor: Visitor, id: String) -> Response {
    if let Err(refusal) = visitor.needs(Scope::AuthorizationsRead).await {
        return refusal;
    }
    if !is_id(&id) {
        return message(&visitor, StatusCode::NOT_FOUND, "There is no such page", "The address is not complete.").await;
    }
    let door = &visitor.console.door;
    let stored = Call::get(format!("/authorizations/{id}/decision"));
    let original = door.call(&visitor.caller, &stored).await;
    if original.status != StatusCode::OK {
        return refused(&visitor, &original).await;
    }
    let found = door.get(&visitor.caller, format!("/authorizations/{id}")).await;
    let authorization = found.data();
    let supposed = supposed(&visitor);
    let again = match supposed.is_empty() {
        true => None,
        false => {
            let call = Call::get(format!("{}?{supposed}", stored.path));
            Some((door.call(&visitor.caller, &call).await, call))
        }
    };
    // Inputs that cannot be supposed are named beside the form, and the stored decision is shown.
    let (answer, call) = match &again {
        Some((answer, call)) if answer.status == StatusCode::OK => (answer, call),
        _ => (&original, &stored),
    };
    let decision = answer.data();
    let (what_if_result, what_if_tone) = what_if_result(authorization, again.as_ref().map(|(answer, _)| answer));
    let reason = text_at(decision, "reason");
    let (verdict, tone) = verdict(authorization, decision);
    let currency = text_at(authorization, "currency");
    let is_again = again.as_ref().is_some_and(|(answer, _)| answer.status == StatusCode::OK);
    let amount = match visitor.query.get("amount").trim() {
        supposed if is_again && !supposed.is_empty() => show::money(supposed, &currency),
        _ => show::money(&text_at(authorization, "amount"), &currency),
    };
    let merchant = text_at(authorization, "merchant.name");
    let template = DecisionPage {
        shell: shell(&visitor, "Decision").await,
        crumbs: vec![
            Crumb { href: "/console/authorizations".to_owned(), title: "Payments".to_owned() },
            Crumb { href: format!("/console/authorizations/{id}"), title: amount.clone() },
            Crumb { href: String::new(), title: "Decision".to_owned() },
        ],
        heading: if is_again { "Decision with other inputs" } else { "Decision" }.to_owned(),
        code: id.clone(),
        badge: show::status(&text_at(authorization, "status")),
        amount,
        merchant: if merchant.is_empty() { "Unnamed merchant".to_owned() } else { merchant },
        when: show::time(&text_at(decision, "decidedAt")),
        verdict,
        tone: tone.to_owned(),
        links: links(&visitor, authorizations::DECISION_ACTIONS, &id, authorization),
        steps: items(at(decision, "checks")).iter().map(|one| check(one, &reason)).collect(),
        facts: vec![show::section("Payment", authorization, PAYMENT), show::section("Whose", authorization, WHO)],
        what_if: what_if(&visitor, authorization, again.as_ref().map(|(answer, _)| answer)),
        what_if_action: visitor.path.clone(),
        what_if_result,
        what_if_tone: what_if_tone.to_owned(),
        call: visitor.console.as_api_call(call),
    };
    shown(&visitor, ok(&template))
}

#[cfg(test)]
mod tests {
    use paygen_core::authorizations::Reason;
    use paygen_edge::json::Json;

    use super::{check, title, verdict};

    #[test]
    fn every_reason_has_a_question() {
        for reason in Reason::WORDS {
            let asked = title(reason);
            let own = asked.ends_with('?');
            // What the network or a responder decided is no check of ours.
            assert!(own || !super::show::words(reason).is_empty(), "{reason}");
        }
    }

    #[test]
    fn a_declined_payment_says_what_would_have_passed() {
        let json = |text: &str| Json::parse(text.as_bytes()).expect("JSON");
        let decision = json(
            r#"{"outcome":"declined","reason":"insufficient_funds","checks":[{"check":"insufficient_funds",
            "observed":"700.00 USD","threshold":"185.00 USD","outcome":"fail","wouldPassIf":"515.00 USD more is needed."}]}"#,
        );
        let (text, tone) = verdict(&json(r#"{"currency":"USD"}"#), &decision);
        let expected =
            "Declined: insufficient funds. It saw 700.00 USD. It would have passed if 515.00 USD more is needed.";
        assert_eq!((text.as_str(), tone), (expected, "bad"));
        let shown = check(&json(r#"{"check":"invalid_pin","outcome":"not_given"}"#), "x");
        assert_eq!((shown.outcome.as_str(), shown.first), ("skipped", false));
    }
}
