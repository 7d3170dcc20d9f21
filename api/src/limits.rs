//! Spending limits in bodies, of cards and of card holders: parsed with amounts in major units, then converted to the
//! core's form once the currency is known.

use paygen_core::limits::{Interval, MAX_LIMITS, NewLimit, SpendingLimit, categories};
use paygen_core::money::{Category, Currency, Decimal};
use paygen_core::time::Instant;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::body::{Faults, Field};
use super::card_currency::CardCurrency;
use super::fields::{List, Whole};
use super::problem::FieldProblem;
use paygen_edge::json::Json;
use paygen_edge::nearest::hint;

/// The limits of a card or card holder.
pub type SpendingLimits = List<SpendingLimitBody, 0, MAX_LIMITS>;

/// A merchant category code (ISO 18245), or the name of a group of codes.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryName(String);

impl From<CategoryName> for String {
    fn from(name: CategoryName) -> String {
        name.0
    }
}

impl Field for CategoryName {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<CategoryName> {
        let mut message =
            "must be an assigned merchant category code of four digits as a string, or a group".to_owned();
        if let Json::Text(text) = json {
            if categories::is_category(text) {
                return Some(CategoryName(text.clone()));
            }
            let shown: String = text.chars().take(64).collect();
            message.push_str(&format!(
                " such as restaurants.{}",
                hint(&shown, categories::GROUPS.iter().map(|group| group.name))
            ));
        }
        faults.push(FieldProblem::new(at, "category", message));
        None
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A merchant category code (ISO 18245) or a group."))
            .examples(["restaurants"])
            .into()
    }
}

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeZoneName(String);

impl Field for TimeZoneName {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<TimeZoneName> {
        if let Json::Text(text) = json {
            // Names match in any letter case; the database's spelling is stored.
            if let Ok(zone) = jiff::tz::TimeZone::get(text)
                && let Some(name) = zone.iana_name()
            {
                return Some(TimeZoneName(name.to_owned()));
            }
        }
        let message = "must be a time zone of the IANA database, such as Africa/Lagos or UTC";
        faults.push(FieldProblem::new(at, "time_zone", message));
        None
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A time zone of the IANA database."))
            .examples(["UTC"])
            .into()
    }
}

crate::body! {
    /// A spending limit: an amount, a count or both, in a window.
    pub struct SpendingLimitBody {
        /// Maximum amount in a window.
        nullable amount: Decimal = "amount", example 500, at least 0.0;
        /// Maximum number of authorizations in a window.
        nullable max_count: Whole<1, 1_000_000_000> = "maxCount", example 10;
        /// Window of the limit.
        required interval: Interval = "interval", example "monthly";
        /// Merchant categories that count; all if empty.
        nullable categories: List<CategoryName, 0, 100> = "categories";
        /// Time zone in which windows begin at midnight. Defaults to UTC.
        nullable time_zone: TimeZoneName = "timeZone", example "UTC";
        /// For a limit of a card holder or program: it applies to cards of this currency. Defaults to the program's, or USD.
        nullable currency: CardCurrency = "currency", example "USD";
        /// Read-only: start of the count.
        nullable counting_since: Instant = "countingSince";
    }
}

/// Converts the limits of an account in its currency.
pub fn of_account(limits: SpendingLimits, currency: Currency, at: &str, faults: &mut Faults) -> Option<Vec<NewLimit>> {
    of_card(limits, currency, at, faults)
}

/// Converts the limits of a card in a currency.
pub fn of_card(limits: SpendingLimits, currency: Currency, at: &str, faults: &mut Faults) -> Option<Vec<NewLimit>> {
    let read = |(number, limit): (usize, SpendingLimitBody), faults: &mut Faults| {
        let at = format!("{at}/{number}");
        if limit.currency.is_some_and(|named| named.as_str() != currency.code()) {
            let message = format!("must be {}, the currency of the card or account; leave it out", currency.code());
            faults.push(FieldProblem::new(format!("{at}/currency"), "currency", message));
        }
        to_new_limit(limit, currency, &at, faults)
    };
    all(limits, at, faults, read)
}

/// Converts limits that a program has for its cards; each names the currency of the cards it applies to.
pub fn of_program_limits(
    limits: SpendingLimits,
    currency: Option<CardCurrency>,
    at: &str,
    faults: &mut Faults,
) -> Option<Vec<NewLimit>> {
    named(limits, currency.unwrap_or(CardCurrency::Usd), at, faults)
}

/// Converts the limits of a card holder; each names the currency of the cards it applies to.
pub fn of_card_holder(limits: SpendingLimits, at: &str, faults: &mut Faults) -> Option<Vec<NewLimit>> {
    named(limits, CardCurrency::Usd, at, faults)
}

/// Converts limits that name their currency, or have this one.
fn named(limits: SpendingLimits, default: CardCurrency, at: &str, faults: &mut Faults) -> Option<Vec<NewLimit>> {
    let read = |(number, limit): (usize, SpendingLimitBody), faults: &mut Faults| {
        let code = limit.currency.unwrap_or(default).as_str();
        let currency = Currency::find(code, Category::Fiat)?;
        let mut new = to_new_limit(limit, currency, &format!("{at}/{number}"), faults)?;
        new.limit.currency = Some(code.to_owned());
        Some(new)
    };
    all(limits, at, faults, read)
}

fn all(
    limits: SpendingLimits,
    at: &str,
    faults: &mut Faults,
    mut read: impl FnMut((usize, SpendingLimitBody), &mut Faults) -> Option<NewLimit>,
) -> Option<Vec<NewLimit>> {
    let read: Vec<Option<NewLimit>> = limits.0.into_iter().enumerate().map(|limit| read(limit, faults)).collect();
    let mut fine = true;
    for (number, limit) in read.iter().enumerate() {
        let same = |other: &Option<NewLimit>| match (limit, other) {
            (Some(limit), Some(other)) => limit.limit.identity() == other.limit.identity(),
            _ => false,
        };
        if let Some(first) = read[..number].iter().position(same) {
            let message =
                format!("has the same interval, categories, time zone and currency as limit {first}; keep one of them");
            faults.push(FieldProblem::new(format!("{at}/{number}"), "duplicate", message));
            fine = false;
        }
    }
    read.into_iter().collect::<Option<Vec<NewLimit>>>().filter(|_| fine)
}

/// Converts one limit. Its `currency` is omitted: only a card holder's limits store it.
pub fn to_new_limit(limit: SpendingLimitBody, currency: Currency, at: &str, faults: &mut Faults) -> Option<NewLimit> {
    let before = faults.len();
    let amount = limit.amount.and_then(|amount| to_minor(amount, currency, &format!("{at}/amount"), faults));
    if limit.amount.is_none() && limit.max_count.is_none() {
        let message = "needs an amount, a maxCount or both";
        faults.push(FieldProblem::new(format!("{at}/amount"), "required", message));
    }
    let mut categories: Vec<String> =
        limit.categories.map(|list| list.0.into_iter().map(Into::into).collect()).unwrap_or_default();
    categories.sort();
    categories.dedup();
    let limit = NewLimit {
        limit: SpendingLimit {
            amount,
            max_count: limit.max_count.map(|count| count.0),
            interval: limit.interval,
            categories,
            time_zone: limit.time_zone.map_or_else(|| "UTC".to_owned(), |zone| zone.0),
            currency: None,
            since: 0,
        },
        counting_since: limit.counting_since,
    };
    (faults.len() == before).then_some(limit)
}

fn to_minor(amount: Decimal, currency: Currency, at: &str, faults: &mut Faults) -> Option<i64> {
    let (code, message) = match amount.to_minor(currency.exponent()) {
        Some(minor) if minor > 0 => return Some(minor),
        Some(_) => ("minimum", "must be greater than 0".to_owned()),
        None if amount.scale() > currency.exponent() => {
            let decimals = currency.exponent();
            ("decimals", format!("must have at most {decimals} decimals, as {} has", currency.code()))
        }
        None => ("maximum", "is larger than an amount can be".to_owned()),
    };
    faults.push(FieldProblem::new(at, code, message));
    None
}

#[cfg(test)]
mod tests {
    use super::{SpendingLimits, of_card, of_card_holder};
    use crate::body::Field;
    use paygen_core::money::{Category, Currency};
    use paygen_edge::json::Json;

    fn faults(text: &str) -> Vec<String> {
        let json = Json::parse(text.as_bytes()).expect("JSON");
        let mut faults = Vec::new();
        if let Some(limits) = SpendingLimits::read(&json, "/l", &mut faults) {
            assert_eq!(of_card_holder(limits, "/l", &mut faults).is_some(), faults.is_empty(), "{text}");
        }
        faults.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect()
    }

    #[test]
    fn limits_are_parsed_or_every_fault_is_reported() {
        let cases: &[(&str, &[&str])] = &[
            (r#"[]"#, &[]),
            (r#"[{"amount": 12.5, "interval": "daily"}]"#, &[]),
            (
                r#"[{"maxCount": 3, "interval": "weekly", "categories": ["5812", "fuel"], "timeZone": "Africa/Lagos"}]"#,
                &[],
            ),
            (r#"[{"amount": 1, "interval": "daily"}, {"amount": 1, "interval": "daily", "currency": "NGN"}]"#, &[]),
            (r#"[{"interval": "daily"}]"#, &["/l/0/amount required"]),
            (r#"[{"amount": 1}]"#, &["/l/0/interval required"]),
            (r#"[{"amount": 0, "interval": "daily"}]"#, &["/l/0/amount minimum"]),
            (r#"[{"amount": -1, "interval": "daily"}]"#, &["/l/0/amount minimum"]),
            (r#"[{"amount": 1.001, "interval": "daily"}]"#, &["/l/0/amount decimals"]),
            (r#"[{"maxCount": 0, "interval": "daily"}]"#, &["/l/0/maxCount range"]),
            (
                r#"[{"amount": 1, "interval": "dayly", "categories": ["resturants"], "timeZone": "Mars/One", "currency": "EUR"}]"#,
                &[
                    "/l/0/interval choice",
                    "/l/0/categories/0 category",
                    "/l/0/timeZone time_zone",
                    "/l/0/currency choice",
                ],
            ),
            (r#"[{"amount": 1, "interval": "daily"}, {"amount": 2, "interval": "daily"}]"#, &["/l/1 duplicate"]),
            (
                r#"[{"amount": 1, "interval": "daily", "categories": ["5812", "fuel"]},
                    {"amount": 2, "interval": "daily", "categories": ["fuel", "5812"]}]"#,
                &["/l/1 duplicate"],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(faults(text), *expected, "{text}");
        }
    }

    #[test]
    fn a_cards_limit_is_in_the_cards_currency() {
        let usd = Currency::find("USD", Category::Fiat).expect("USD");
        for (currency, fine) in [("USD", true), ("NGN", false)] {
            let text = format!(r#"[{{"amount": 1, "interval": "daily", "currency": "{currency}"}}]"#);
            let mut faults = Vec::new();
            let limits = SpendingLimits::read(&Json::parse(text.as_bytes()).expect("JSON"), "", &mut faults);
            let read = of_card(limits.expect("limits"), usd, "", &mut faults);
            assert_eq!(faults.is_empty(), fine, "{faults:?}");
            assert!(read.is_none_or(|read| read[0].limit.currency.is_none()));
        }
    }
}
