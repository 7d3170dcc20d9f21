//! The first page: what happens now, and what to do first where nothing did yet.

use axum::response::Response;
use futures_util::future::join;
use paygen_core::access::Scope;
use paygen_edge::json::Json;

use crate::answer::ok;
use crate::door::Call;
use crate::form::query;
use crate::json::{at, items, text_at};
use crate::resources::{authorizations, exceptions};
use crate::shell::{shell, shown};
use crate::show;
use crate::view::{Chart, HomePage, Related, Step, Tile};
use crate::visitor::Visitor;

/// The latest payments that figures are made of.
const LATEST: &str = "200";

/// Figures are of this many seconds.
const PERIOD_SECONDS: i64 = 86_400;

/// The number of objects of a list; `None` if the visitor may not see them.
async fn total(visitor: &Visitor, scope: Scope, path: &str, filter: &str) -> Option<u64> {
    if !visitor.may(scope) {
        return None;
    }
    let path = format!("{path}?{}", query(&[("filter", filter), ("limit", "1")]));
    let answer = visitor.console.door.get(&visitor.caller, path).await;
    text_at(&answer.body, "meta.total").parse().ok()
}

fn count(number: u64) -> String {
    show::money(&number.to_string(), "JPY").replace(" JPY", "")
}

fn tile(label: &str, value: String, sub: &str, tone: &str, path: &str) -> Tile {
    Tile { label: label.to_owned(), value, sub: sub.to_owned(), tone: tone.to_owned(), href: format!("/console{path}") }
}

fn percent(part: u64, of: u64) -> String {
    let tenths = (part * 1000 + of / 2).checked_div(of).unwrap_or(0);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

async fn tiles(visitor: &Visitor) -> Vec<Tile> {
    // By the minute, so that what was counted serves the next visitors too.
    let since = visitor.console.app.clock.now().plus_seconds(-PERIOD_SECONDS).to_string();
    let since = since.get(..16).map_or_else(String::new, |minute| format!("{minute}:00.000Z"));
    let recent = format!("{{\"createdAt.gte\":\"{since}\"}}");
    let declined = format!("{{\"createdAt.gte\":\"{since}\",\"status\":\"declined\"}}");
    let authorizations = Scope::AuthorizationsRead;
    let mut tiles = Vec::new();
    let all = total(visitor, authorizations, "/authorizations", &recent).await;
    let refused = total(visitor, authorizations, "/authorizations", &declined).await;
    if let (Some(all), Some(refused)) = (all, refused) {
        tiles.push(tile("Payments", count(all), "in the last 24 hours", "", "/authorizations"));
        let rate = if all == 0 { "–".to_owned() } else { percent(all - refused.min(all), all) };
        let path = "/authorizations?status=declined";
        tiles.push(tile("Approval rate", rate, &format!("{} declined", count(refused)), "", path));
    }
    if let Some(open) = total(visitor, authorizations, "/exceptions", "{\"status\":\"open\"}").await {
        let tone = if open > 0 { "warn" } else { "good" };
        tiles.push(tile("Open exceptions", count(open), "to be resolved", tone, "/exceptions?status=open"));
    }
    let pending = "{\"identification.document.verificationStatus\":\"pending\"}";
    if let Some(waiting) = total(visitor, Scope::CardHoldersRead, "/card-holders", pending).await {
        let path = "/card-holders?identification.document.verificationStatus=pending";
        let tone = if waiting > 0 { "warn" } else { "good" };
        tiles.push(tile("Documents to review", count(waiting), "identity documents", tone, path));
    }
    if let Some(cards) = total(visitor, Scope::CardsRead, "/cards", "{\"status\":\"active\"}").await {
        tiles.push(tile("Active cards", count(cards), "", "", "/cards?status=active"));
    }
    if let Some(failing) = total(visitor, Scope::WebhooksRead, "/webhooks", "{\"failingSince.exists\":\"true\"}").await
    {
        let tone = if failing > 0 { "bad" } else { "good" };
        tiles.push(tile("Failing webhooks", count(failing), "endpoints", tone, "/webhooks"));
    }
    tiles
}

/// Bars with their labels: what stands beside each, how long it is, and its tone.
fn bars(rows: &[(String, u64, &str)]) -> String {
    let most = rows.iter().map(|(_, value, _)| *value).max().unwrap_or(0).max(1);
    let height = rows.len() * 26 + 6;
    let mut svg = format!("<svg viewBox=\"0 0 400 {height}\" aria-hidden=\"true\">");
    for (at, (label, value, tone)) in rows.iter().enumerate() {
        let (y, width) = (at * 26 + 4, (value * 180 / most).max(2));
        let label = escaped(label);
        svg.push_str(&format!(
            "<text class=\"label\" x=\"0\" y=\"{}\">{label}</text>\
             <rect class=\"bar {tone}\" x=\"180\" y=\"{y}\" width=\"{width}\" height=\"16\" rx=\"3\"/>\
             <text class=\"label\" x=\"{}\" y=\"{}\">{value}</text>",
            y + 13,
            186 + width,
            y + 13
        ));
    }
    svg + "</svg>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// How often each word stands in a member of the rows, the most frequent first.
fn counted(rows: &Json, path: &str) -> Vec<(String, u64)> {
    let mut counts: Vec<(String, u64)> = Vec::new();
    for row in items(rows) {
        let word = text_at(row, path);
        if word.is_empty() {
            continue;
        }
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

fn charts(latest: &Json) -> Vec<Chart> {
    let number = items(latest).len();
    let sub = format!("of the latest {number} payments");
    let outcomes: Vec<(String, u64, &str)> = counted(latest, "status")
        .into_iter()
        .map(|(word, count)| {
            let tone = show::tone(&word);
            (show::words(&word), count, tone)
        })
        .collect();
    let reasons: Vec<(String, u64, &str)> =
        counted(latest, "reason").into_iter().take(8).map(|(word, count)| (show::words(&word), count, "bad")).collect();
    let mut charts = Vec::new();
    if !outcomes.is_empty() {
        charts.push(Chart { title: "Outcomes".to_owned(), sub: sub.clone(), svg: bars(&outcomes) });
    }
    if !reasons.is_empty() {
        charts.push(Chart { title: "Declines by reason".to_owned(), sub, svg: bars(&reasons) });
    }
    charts
}

/// What to do first, until a card was paid with.
async fn steps(visitor: &Visitor) -> Vec<Step> {
    let all = "";
    let accounts = total(visitor, Scope::AccountsRead, "/accounts", all).await;
    let holders = total(visitor, Scope::CardHoldersRead, "/card-holders", all).await;
    let cards = total(visitor, Scope::CardsRead, "/cards", all).await;
    let payments = total(visitor, Scope::AuthorizationsRead, "/authorizations", all).await;
    let may = [Scope::AccountsWrite, Scope::CardHoldersWrite, Scope::CardsWrite, Scope::SimulatorWrite];
    if payments.is_none_or(|payments| payments > 0) || may.iter().any(|scope| !visitor.may(*scope)) {
        return Vec::new();
    }
    let step = |title: &str, text: &str, path: &str, link: &str, done: Option<u64>| Step {
        title: title.to_owned(),
        text: text.to_owned(),
        href: format!("/console{path}"),
        done: done.is_some_and(|done| done > 0),
        link_title: link.to_owned(),
    };
    let mut steps = vec![
        step("Open an account", "It holds the money that cards spend.", "/accounts/new", "Open an account", accounts),
        step("Enrol a card holder", "The person who gets the card.", "/card-holders/new", "Enrol", holders),
        step("Issue a card", "Virtual or physical, with its limits.", "/cards/new", "Issue a card", cards),
    ];
    if visitor.is_sandbox() {
        steps.push(step("Pay with it", "The simulator plays the merchant.", "/simulator/pay", "Pay", payments));
    }
    steps
}

pub(crate) async fn page(visitor: Visitor) -> Response {
    let steps = steps(&visitor).await;
    let latest_call = Call::get(format!("/authorizations?limit={LATEST}"));
    let may_see = visitor.may(Scope::AuthorizationsRead);
    let (tiles, latest) = join(tiles(&visitor), async {
        match may_see {
            true => Some(visitor.console.door.call(&visitor.caller, &latest_call).await),
            false => None,
        }
    })
    .await;
    let mut lists = Vec::new();
    let mut charts_shown = Vec::new();
    if let Some(latest) = &latest {
        charts_shown = charts(latest.data());
        let newest = Json::Array(items(latest.data()).iter().take(8).cloned().collect());
        lists.push(Related {
            title: "Latest payments".to_owned(),
            href: "/console/authorizations".to_owned(),
            link_title: "See all".to_owned(),
            table: show::table("Latest payments", &newest, authorizations::COLUMNS, "/authorizations/{_id}"),
            empty_text: "No payment yet.".to_owned(),
        });
        let open = visitor.console.door.get(&visitor.caller, "/exceptions?filter=status%3Dopen&limit=5").await;
        lists.push(Related {
            title: "Open exceptions".to_owned(),
            href: "/console/exceptions?status=open".to_owned(),
            link_title: "See all".to_owned(),
            table: show::table("Open exceptions", at(&open.body, "data"), exceptions::COLUMNS, "/exceptions/{_id}"),
            empty_text: "None. What the network posted fits what was decided.".to_owned(),
        });
    }
    let template = HomePage {
        shell: shell(&visitor, "Home").await,
        heading: "Home".to_owned(),
        tiles: if steps.is_empty() { tiles } else { Vec::new() },
        charts: charts_shown,
        lists: if steps.is_empty() { lists } else { Vec::new() },
        steps,
        call: if may_see { visitor.console.as_api_call(&latest_call) } else { Default::default() },
    };
    shown(&visitor, ok(&template))
}

#[cfg(test)]
mod tests {
    use paygen_edge::json::Json;

    use super::{bars, counted, percent};

    #[test]
    fn words_are_counted_and_shares_rounded() {
        let rows = Json::parse(br#"[{"s":"a"},{"s":"b"},{"s":"b"},{"s":null},{}]"#).expect("JSON");
        assert_eq!(counted(&rows, "s"), [("b".to_owned(), 2), ("a".to_owned(), 1)]);
        assert_eq!((percent(1, 3), percent(0, 0), percent(2, 2)), ("33.3 %".into(), "0.0 %".into(), "100.0 %".into()));
    }

    #[test]
    fn labels_of_a_chart_are_text() {
        let svg = bars(&[("<b>&".to_owned(), 3, "bad")]);
        assert!(svg.contains("&lt;b&gt;&amp;") && !svg.contains("<b>"), "{svg}");
    }
}
