//! Values as people read them.

use paygen_core::access::Scope;
use paygen_core::money::Currency;
use paygen_edge::json::Json;

use crate::json::{at, items, pretty, text, text_at};
use crate::tables::{As, Column, fill};
use crate::view::{Cell, Head, Item, Row, Section, Table};

pub(crate) fn cell(kind: &str, text: impl Into<String>) -> Cell {
    Cell { kind: kind.to_owned(), text: text.into(), ..Cell::default() }
}

fn empty() -> Cell {
    cell("empty", "")
}

/// The tone of a status, an outcome or a step.
pub(crate) fn tone(word: &str) -> &'static str {
    match word {
        "active" | "approved" | "verified" | "succeeded" | "settled" | "resolved" | "cleared" | "enabled" | "pass"
        | "delivered" | "true" => "good",
        "declined" | "canceled" | "blocked" | "rejected" | "failed" | "revoked" | "gone" | "error" | "disabled"
        | "failing" | "fail" => "bad",
        "pending" | "open" | "suspended" | "inactive" | "invited" | "retrying" | "timeout" | "paused" | "expired"
        | "waiting" | "skipped" | "invalid_response" => "warn",
        "closed" | "reversed" | "archived" | "draft" => "quiet",
        _ => "info",
    }
}

/// `spending_limit_exceeded` as "Spending limit exceeded".
pub(crate) fn words(code: &str) -> String {
    let spaced = code.replace(['_', '-', '.'], " ");
    let mut characters = spaced.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

/// An amount with the digits of its currency and thousands apart: `1,204.50 USD`.
pub(crate) fn money(amount: &str, currency: &str) -> String {
    let exponent = Currency::from_code(currency).map_or(2, |currency| usize::from(currency.exponent()));
    let (sign, digits) = amount.strip_prefix('-').map_or(("", amount), |digits| ("−", digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) {
        return format!("{amount} {currency}").trim().to_owned();
    }
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if exponent.max(part.len()) > 0 { "." } else { "" };
    format!("{sign}{grouped}{point}{part:0<exponent$} {currency}").trim().to_owned()
}

/// `2026-11-29T05:03:29.123Z` as `2026-11-29 05:03:29`. Scripts show it in another zone.
pub(crate) fn time(text: &str) -> Cell {
    let short = text.get(..19).map_or_else(|| text.to_owned(), |short| short.replace('T', " "));
    Cell { time: text.to_owned(), ..cell("time", short) }
}

pub(crate) fn status(word: &str) -> Cell {
    Cell { tone: tone(word).to_owned(), ..cell("badge", words(word)) }
}

fn is_nothing(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Text(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

pub(crate) fn shown(object: &Json, column: &Column) -> Cell {
    let value = at(object, column.path);
    if let As::Named(path, id) = column.shown
        && is_nothing(value)
    {
        return shown(object, &Column { path: id, shown: As::Link(path), ..*column });
    }
    if is_nothing(value) {
        return empty();
    }
    match column.shown {
        As::Text => cell("text", text(value)),
        As::Code => cell("code", text(value)),
        As::Money(currency) => {
            let code = text_at(object, currency);
            let amount = text(value);
            let tone = if amount.starts_with('-') { "quiet" } else { "" };
            Cell { tone: tone.to_owned(), ..cell("money", money(&amount, &code)) }
        }
        As::Time => time(&text(value)),
        As::Word => cell("text", words(&text(value))),
        As::Joined(path, sign) => cell("text", format!("{}{sign}{}", text(value), text_at(object, path))),
        As::Status => status(&text(value)),
        As::Bool => cell("bool", text(value)),
        As::Json => cell("json", pretty(value)),
        As::Link(path) => {
            let id = text(value);
            let href = format!("/console{path}{id}");
            let kind = if id.len() == 24 { "code" } else { "link" };
            Cell { href, ..cell(kind, short(&id)) }
        }
        As::Named(path, id) => {
            Cell { href: format!("/console{path}{}", text_at(object, id)), ..cell("link", text(value)) }
        }
    }
}

/// An id as it is recognized: its end differs, its beginning is a time.
fn short(id: &str) -> String {
    if id.len() == 24 { format!("…{}", &id[16..]) } else { id.to_owned() }
}

/// What an audit entry says of each member that changed.
pub(crate) fn changes(title: &str, changes: &Json) -> Section {
    let Json::Object(members) = changes else { return Section { title: title.to_owned(), ..Section::default() } };
    let nothing = |text: String| if text.is_empty() { "nothing".to_owned() } else { text };
    let item = |(name, value): &(String, Json)| {
        let (before, after) = (value.member("before"), value.member("after"));
        let shown = match (before, after) {
            (None, None) if value.member("changed").is_some() => cell("text", "changed; its value is not kept"),
            (None, None) => cell("text", text(value)),
            (before, after) => {
                let [before, after] = [before, after].map(|side| nothing(side.map(text).unwrap_or_default()));
                Cell { sub: format!("before: {before}"), ..cell("text", after) }
            }
        };
        Item { label: name.clone(), cell: shown }
    };
    Section { id: String::new(), title: title.to_owned(), items: members.iter().map(item).collect() }
}

pub(crate) fn section(title: &str, object: &Json, columns: &[Column]) -> Section {
    let items = columns.iter().map(|column| Item { label: column.title.to_owned(), cell: shown(object, column) });
    Section { id: String::new(), title: title.to_owned(), items: items.collect() }
}

/// The parameter with which a list brings the records that its columns name, as far as the visitor may see them.
pub(crate) fn populate(columns: &[Column], may: impl Fn(Scope) -> bool) -> String {
    let named = columns.iter().filter(|column| matches!(column.shown, As::Named(..)));
    let records = named.filter_map(|column| {
        let (record, field) = column.path.split_once('.')?;
        let scope = if record == "cardHolder" { Scope::CardHoldersRead } else { Scope::AccountsRead };
        may(scope).then(|| format!("{record}:{field}"))
    });
    records.collect::<Vec<_>>().join(";")
}

/// The rows of a list. Amounts stand at the right.
pub(crate) fn table(caption: &str, rows: &Json, columns: &[Column], row: &str) -> Table {
    let head = |column: &Column| Head {
        title: column.title.to_owned(),
        numeric: matches!(column.shown, As::Money(_)),
        ..Head::default()
    };
    let line = |object: &Json| Row {
        href: fill(row, "", |name| text_at(object, name))
            .filter(|path| !path.is_empty())
            .map_or(String::new(), |path| format!("/console{path}")),
        cells: columns.iter().map(|column| shown(object, column)).collect(),
    };
    Table {
        caption: caption.to_owned(),
        heads: columns.iter().map(head).collect(),
        rows: items(rows).iter().map(line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{money, words};

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        for (amount, currency, expected) in [
            ("0", "USD", "0.00 USD"),
            ("1204.5", "USD", "1,204.50 USD"),
            ("-1234567.89", "USD", "−1,234,567.89 USD"),
            ("1000", "JPY", "1,000 JPY"),
            ("0.00000001", "BTC", "0.00000001 BTC"),
            ("90071992547409930.10", "USD", "90,071,992,547,409,930.10 USD"),
            ("5", "", "5.00"),
            ("abc", "USD", "abc USD"),
        ] {
            assert_eq!(money(amount, currency), expected, "{amount} {currency}");
        }
    }

    #[test]
    fn codes_are_read_as_words() {
        assert_eq!(words("spending_limit_exceeded"), "Spending limit exceeded");
        assert_eq!(words(""), "");
    }
}
