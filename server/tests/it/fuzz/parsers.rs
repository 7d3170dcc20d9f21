//! Each parser of external text on its own, with its strictest property.

use std::net::IpAddr;

use axum::http::Request;
use paygen_api::body::{Faults, Field};
use paygen_api::filter;
use paygen_api::limits::SpendingLimits;
use paygen_api::lists::{self, FieldKind, ListField, ListSpec};
use paygen_api::query::Params;
use paygen_api::write::Write;
use paygen_app::documents::Checker;
use paygen_core::ids::{ClientId, Id};
use paygen_core::time::Instant;
use paygen_delivery::targets::Targets;
use paygen_edge::json::Json;
use paygen_store::lists::field::{boolean, hashed, id, integer, money, text, time, word};
use paygen_store::query::Paging;
use paygen_vault::Pan;

use super::Target;

fn must(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

#[test]
fn json_reads_as_another_reader_reads_it() {
    Target::new("json", 15_000).check(|input| {
        let (ours, bare) = (Json::parse(input), input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input));
        let theirs = serde_json::from_slice::<serde_json::Value>(bare);
        let json = match (ours, theirs) {
            (Err(_), Err(_)) => return Ok(()),
            (Err(why), Ok(value)) => {
                // Only we refuse these: duplicate members, and excessive depth.
                let ours = why.contains("stands twice") || why.contains("deeper") || why.contains("is empty");
                return must(ours, || format!("refused ({why}), but it is {value}"));
            }
            (Ok(json), Err(error)) => {
                let numbers = error.to_string().contains("number out of range");
                must(numbers, || format!("read, but another reader says {error}"))?;
                json
            }
            (Ok(json), Ok(value)) => {
                let again: serde_json::Value = serde_json::from_str(&json.to_text()).map_err(|e| e.to_string())?;
                must(again == value, || format!("written as {again}, it was {value}"))?;
                json
            }
        };
        let (text, canonical) = (json.to_text(), json.canonical());
        must(Json::parse(text.as_bytes()).as_ref() == Ok(&json), || format!("another value when written: {text}"))?;
        let again = Json::parse(canonical.as_bytes())?;
        must(again.canonical() == canonical, || format!("two canonical forms: {canonical}, {}", again.canonical()))?;
        must(canonical.len() <= 16 * input.len() + 64, || format!("{} bytes became {}", input.len(), canonical.len()))
    });
}

fn members() -> Vec<&'static str> {
    vec!["_id", "name", "status", "balance", "createdAt"]
}

const SPEC: ListSpec = ListSpec {
    aliases: &[("other", "name")],
    fields: &[
        text("name", "a.name").searched(),
        word("status", "a.status", &["active", "closed"]),
        money("balance", "b.ledger", "b.exponent"),
        time("createdAt", "a.created_at"),
        id("_id", "a.id"),
        integer("version", "a.version"),
        boolean("canDebit", "a.can_debit"),
        hashed("email", "a.kind"),
    ],
    members,
    populate: &[],
    default_sort: "-createdAt",
};

fn find(name: &str) -> Option<(paygen_store::query::ListColumn, FieldKind)> {
    SPEC.fields.iter().find(|field: &&ListField| field.name == name).map(|field| (field.column, field.kind))
}

#[test]
fn filters_say_the_same_as_text_and_as_json() {
    Target::new("filter", 10_000).check(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        let names: Vec<&str> = SPEC.fields.iter().map(|field| field.name).collect();
        let filters = match filter::read(text, false, find, &names) {
            Ok(filters) => filters,
            Err(faults) => {
                let received: usize = faults.iter().map(String::len).sum();
                return must(!faults.is_empty() && received <= 20 * 1024, || {
                    format!("{} faults, {received} bytes", faults.len())
                });
            }
        };
        must(filters.len() <= 20, || format!("{} conditions", filters.len()))?;
        if text.trim_start().starts_with('{') {
            return Ok(());
        }
        let pieces: Vec<(&str, &str)> = text.split('&').filter_map(|piece| piece.split_once('=')).collect();
        let members: serde_json::Map<String, serde_json::Value> =
            pieces.iter().map(|(name, value)| (name.trim().to_owned(), serde_json::json!(value))).collect();
        if members.len() < pieces.len() || pieces.iter().any(|(name, _)| name.trim().is_empty()) {
            return Ok(());
        }
        let json = serde_json::Value::Object(members).to_string();
        if json.len() > 4096 {
            return Ok(());
        }
        let mut same =
            filter::read(&json, false, find, &names).map_err(|faults| format!("as JSON it is refused: {faults:?}"))?;
        let by_text = |filters: &mut Vec<paygen_store::query::Filter>| filters.sort_by_key(|f| format!("{f:?}"));
        let mut filters = filters;
        by_text(&mut filters);
        by_text(&mut same);
        must(filters == same, || format!("{filters:?} as text, {same:?} as JSON"))
    });
}

#[test]
fn lists_are_bounded_whatever_is_asked_for() {
    Target::new("list-query", 10_000).check(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        let client = ClientId(Id::from_bytes([7; 12]));
        let read = Params::parse(text).and_then(|params| lists::read(&SPEC, params, client, Vec::new(), 1000));
        match read {
            Ok(list) => {
                let query = list.query;
                let bounded = (1..=200).contains(&query.limit)
                    && query.filters.len() <= 20
                    && (1..=8).contains(&query.order.len())
                    && query.search.is_none_or(|search| search.text.chars().count() <= 200);
                must(bounded, || format!("not bounded: {} {:?}", query.limit, query.order))?;
                match query.paging {
                    Paging::Page { page } => must((1..=1_000_000).contains(&page), || format!("page {page}")),
                    Paging::After(values) => must(values.is_none(), || format!("a cursor out of nothing: {values:?}")),
                }
            }
            Err(problem) => {
                must(problem.status() == 400, || format!("{}", problem.status()))?;
                let received = problem.to_body().len();
                must(received <= 64 * 1024, || format!("{} bytes are answered with {received}", input.len()))
            }
        }
    });
}

#[test]
fn parameters_read_as_another_reader_reads_them() {
    Target::new("query", 10_000).check(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        let Ok(mut params) = Params::parse(text) else { return Ok(()) };
        let theirs: Vec<(String, String)> = url::form_urlencoded::parse(input).into_owned().collect();
        let mut taken = Vec::new();
        for (name, value) in theirs.iter().filter(|(name, _)| name != "apiKey") {
            taken.extend(params.take(name).map(|found| (name, value, found)));
        }
        match params.finish(&[]) {
            Ok(()) => {
                let wrong = taken.iter().find(|(_, value, found)| *value != found);
                must(wrong.is_none(), || format!("{wrong:?}"))?;
                let count = theirs.iter().filter(|(name, _)| name != "apiKey").count();
                must(taken.len() == count, || format!("{count} parameters became {}", taken.len()))
            }
            Err(problem) => {
                let received = problem.to_body().len();
                must(problem.status() == 400 && received <= 64 * 1024, || format!("answered with {received} bytes"))
            }
        }
    });
}

#[test]
fn ids_and_instants_show_themselves_again() {
    let target = Target::new("id", 10_000);
    target.check(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        let right = text.len() == 24 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let id = Id::parse(text);
        must(id.is_some() == right && id.is_none_or(|id| id.to_string() == text), || format!("{id:?}"))
    });
    Target::new("instant", 10_000).check(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        let Some(instant) = Instant::parse(text) else { return Ok(()) };
        let shown = instant.to_string();
        must(Instant::parse(&shown) == Some(instant), || format!("shown as {shown}, which reads as another one"))?;
        must(shown.ends_with('Z') && instant.to_millis() == instant, || format!("{shown} is not to the millisecond"))
    });
}

#[test]
fn webhook_urls_lead_to_public_places_only() {
    let public = Targets { allow: Vec::new(), loopback: false, plain_http: false };
    Target::new("webhook-url", 10_000).check(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        let url = match public.check(text) {
            Ok(url) => url,
            Err(why) => return must(!why.is_empty() && why.len() < 4096, || format!("{} bytes of error", why.len())),
        };
        must(Targets::anywhere().check(text).is_ok(), || "refused where everything is allowed".to_owned())?;
        let again = public.check(url.as_str()).map_err(|why| format!("{url} itself is refused: {why}"))?;
        must(again == url, || format!("{url} reads as {again}"))?;
        must(url.scheme() == "https" && url.username().is_empty() && url.password().is_none(), || url.to_string())?;
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_end_matches('.');
        must(!host.is_empty() && bare != "localhost" && !bare.ends_with(".localhost"), || format!("host {host:?}"))?;
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        must(literal.is_none_or(|address| public.allow(address)), || format!("{literal:?}"))
    });
}

#[test]
fn a_file_type_is_detected_however_the_bytes_are_split() {
    Target::new("document", 10_000).check(|input| {
        let received = |step: usize| {
            let mut checker = Checker::default();
            input.chunks(step).try_for_each(|piece| checker.push(piece))?;
            checker.finish()
        };
        let whole = received(input.len().max(1));
        for step in [1, 7, 64] {
            let cut = received(step);
            must(cut.is_ok() == whole.is_ok() && cut.ok() == whole.ok(), || {
                format!("{whole:?} whole, {cut:?} by {step}")
            })?;
        }
        must(whole.is_err() || input.len() >= 20, || format!("{} bytes are {whole:?}", input.len()))
    });
}

/// The check digit by ISO/IEC 7812-1 annex B, computed from the right.
pub fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let value = u32::from(digit - b'0') * if at % 2 == 1 { 2 } else { 1 };
            value / 10 + value % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[test]
fn card_numbers_have_their_check_digit() {
    Target::new("card-number", 10_000).check(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        let digits: String = text.chars().filter(|sign| !matches!(sign, ' ' | '-')).collect();
        let right = (12..=19).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && passes_luhn(&digits);
        let read = Pan::parse(text);
        must(read.is_ok() == right, || format!("{} for {digits}", read.is_ok()))?;
        must(read.is_ok_and(|pan| pan.expose() == digits) == right, || "other digits".to_owned())
    });
}

#[test]
fn spending_limits_are_parsed_or_every_fault_is_reported() {
    let target = Target::new("spending-limits", 5_000);
    let seeds: Vec<serde_json::Value> =
        target.corpus.iter().filter_map(|seed| serde_json::from_slice(seed).ok()).collect();
    let property = |input: &[u8]| {
        let Ok(json) = Json::parse(input) else { return Ok(()) };
        let mut faults = Faults::new();
        let read = SpendingLimits::read(&json, "/spendingLimits", &mut faults);
        must(read.is_some() || !faults.is_empty(), || "refused without a word".to_owned())?;
        must(faults.iter().all(|fault| fault.pointer.starts_with("/spendingLimits")), || format!("{faults:?}"))?;
        let received: usize = faults.iter().map(|fault| fault.message.len() + fault.pointer.len()).sum();
        must(received <= 256 * 1024, || format!("{received} bytes of faults"))
    };
    target.check(property);
    for round in target.rounds() {
        let mut dice = target.dice(round);
        let seed = usize::try_from(dice.below(seeds.len() as u64)).expect("few");
        let input = super::json::changed(&mut dice, &seeds[seed]);
        property(&input).unwrap_or_else(|why| target.failed(Some(round), &input, &why));
    }
}

#[test]
fn headers_of_writes_are_read_or_refused() {
    Target::new("headers", 10_000).check(|input| {
        let mut lines = input.splitn(2, |byte| *byte == b'\n');
        let (key, version) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let request = Request::put("/accounts/x").header("idempotency-key", key).header("if-match", version).body(());
        // HTTP's own grammar refuses these before they get here.
        let Ok(request) = request else { return Ok(()) };
        match Write::read(&request.into_parts().0) {
            Ok((write, _)) => {
                let visible = key.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
                must(visible && (1..=255).contains(&key.len()), || {
                    "an Idempotency-Key that nobody can repeat".to_owned()
                })?;
                let text = std::str::from_utf8(version).unwrap_or_default().trim();
                let Some(number) = write.if_match else {
                    return must(text == "*", || format!("no version in {text:?}"));
                };
                let forms =
                    [number.to_string(), format!("\"{number}\""), format!("W/\"{number}\""), format!("W/{number}")];
                must(number >= 0 && forms.iter().any(|form| form == text), || format!("version {number} of {text:?}"))
            }
            Err(problem) => must(problem.status() == 400, || format!("{}", problem.status())),
        }
    });
}
