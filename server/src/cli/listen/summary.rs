//! A summary of an event on one line: how much, why and where.

use paygen_core::money::{Currency, Decimal};
use serde_json::Value;

/// The parts of the summary of an event's data.
pub(super) fn parts(kind: &str, data: &Value) -> Vec<String> {
    let mut parts = Vec::new();
    let of = |name: &str| data.get(name).filter(|member| member.is_object());
    if let Some(transaction) = of("transaction") {
        let amount = amount(&transaction["amount"], &transaction["currency"]);
        match of("decline") {
            Some(decline) => parts.extend([amount.trim_start_matches('-').to_owned(), text(&decline["reason"])]),
            None => parts.extend([amount, text(&transaction["type"])]),
        }
        parts.push(text(&transaction["merchant"]["name"]));
    } else if let Some(authorization) = of("authorization") {
        let currency = &authorization["currency"];
        parts.push(amount(&authorization["approvedAmount"], currency));
        if authorization["partial"] == true {
            parts.push(format!("of {}", amount(&authorization["amount"], currency)));
        }
        if kind != "authorization.approved" {
            parts.push(text(&authorization["status"]));
            parts.push(format!("held {}", amount(&authorization["heldAmount"], currency)));
        }
        parts.push(text(&authorization["merchant"]["name"]));
    } else if let Some(movement) = of("movement") {
        parts.extend([amount(&movement["amount"], &movement["currency"]), text(&movement["paymentReference"])]);
    } else if let Some(transfer) = of("transfer") {
        let (from, to) = (text(&transfer["fromAccountId"]), text(&transfer["toAccountId"]));
        parts.extend([amount(&transfer["amount"], &transfer["currency"]), format!("{from} to {to}")]);
    } else if let Some(balance) = of("balance") {
        let currency = &balance["currency"];
        let change = amount(&balance["change"], currency);
        let sign = if change.starts_with('-') { "" } else { "+" };
        let now = format!("{} available", amount(&balance["availableBalance"], currency));
        parts.extend([format!("{sign}{change}"), now]);
    } else if let Some(owner) = of("card").or_else(|| of("account")) {
        let now = format!("{} available", amount(&owner["availableBalance"], &owner["currency"]));
        parts.extend([text(&owner["status"]), now, text(&owner["name"])]);
    } else if let Some(question) = of("question") {
        let authorization = &question["request"]["authorization"];
        let asked = amount(&authorization["amount"], &authorization["currency"]);
        parts.extend([text(&question["type"]), asked, text(&authorization["merchant"]["name"])]);
    } else if let Some(call) = of("call") {
        parts.extend([text(&call["answer"]["decision"]), text(&call["authorizationId"])]);
    } else if let Some(other) =
        ["cardHolder", "apiKey", "webhook", "responder", "program"].iter().find_map(|name| of(name))
    {
        parts.extend([text(&other["status"]), text(&other["name"]), text(&other["url"])]);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The last digits of a card, where the event or a response has them.
pub(super) fn ending(card: &Value) -> Option<String> {
    let masked = card["maskedPan"].as_str()?;
    let digits: Vec<char> = masked.chars().rev().take_while(char::is_ascii_digit).take(4).collect();
    (digits.len() == 4).then(|| digits.into_iter().rev().collect())
}

/// A text of the event, without control characters, which could move the terminal's cursor.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().chars().filter(|c| !c.is_control()).collect()
}

/// An amount with all decimals of its currency.
pub(super) fn amount(value: &Value, currency: &Value) -> String {
    let Value::Number(number) = value else { return String::new() };
    let (written, code) = (number.to_string(), text(currency));
    let exact = Currency::from_code(&code).and_then(|currency| {
        let minor = Decimal::parse(&written).ok()?.to_minor(currency.exponent())?;
        Some(fixed(minor, usize::from(currency.exponent())))
    });
    format!("{} {code}", exact.unwrap_or(written)).trim_end().to_owned()
}

fn fixed(minor: i64, decimals: usize) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", minor.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{amount, ending, parts};

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let cases = [
            ("-4.5", "USD", "-4.50 USD"),
            ("700", "USD", "700.00 USD"),
            ("1000", "JPY", "1000 JPY"),
            ("1.5", "KWD", "1.500 KWD"),
            ("0.00000001", "BTC", "0.00000001 BTC"),
            ("0", "USD", "0.00 USD"),
            ("-0.05", "USD", "-0.05 USD"),
            ("9999999999999.99", "USD", "9999999999999.99 USD"),
            ("1.5", "XXX", "1.5 XXX"),
        ];
        for (number, currency, expected) in cases {
            let number: Value = serde_json::from_str(number).expect("a number");
            assert_eq!(amount(&number, &json!(currency)), expected);
        }
    }

    #[test]
    fn every_type_of_event_has_something_to_say() {
        for entry in paygen_core::catalogue::catalogue() {
            let entry = serde_json::to_value(entry).expect("JSON");
            let kind = entry["type"].as_str().expect("a type").to_owned();
            let said = parts(&kind, &entry["sample"]["data"]);
            let silent = ["card.revealed", "webhook.test"].contains(&kind.as_str());
            assert_eq!(said.is_empty(), silent, "{kind}: {said:?}");
        }
    }

    #[test]
    fn terminals_are_left_alone() {
        let data = json!({"transaction": {"amount": -7, "currency": "USD", "merchant": {"name": "A\u{1b}[2JB\n"}},
            "decline": {"reason": "insufficient_funds"}});
        assert_eq!(parts("authorization.declined", &data), ["7.00 USD", "insufficient_funds", "A[2JB"]);
        assert_eq!(ending(&json!({"maskedPan": "400555******3821"})).as_deref(), Some("3821"));
        assert_eq!(ending(&json!({"maskedPan": "…"})), None);
    }
}
