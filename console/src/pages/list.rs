//! Lists: filters, sorting and paging live in the URL.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use paygen_edge::json::Json;

use super::{is_id, refused};
use crate::answer::ok;
use crate::door::Call;
use crate::form::query;
use crate::json::{at, items, text_at};
use crate::pages::action::links;
use crate::shell::{message, shell, shown};
use crate::show;
use crate::tables::{Filter, FilterKind, List, fill};
use crate::view::{Choice, Crumb, Field, Link, ListPage};
use crate::visitor::Visitor;

/// Lists in which something new comes while they are read.
const LIVE: &[&str] = &["/authorizations", "/transactions", "/events", "/deliveries"];

/// Rows of a page.
const LIMIT: &str = "20";

/// The filter of the API, as JSON, of the values in the URL.
fn api_filter(visitor: &Visitor, filters: &[Filter]) -> String {
    let mut json = Json::Object(Vec::new());
    for filter in filters {
        let value = visitor.query.get(filter.name).trim();
        if value.is_empty() {
            continue;
        }
        let value = match filter.kind {
            FilterKind::From => format!("{value}T00:00:00.000Z"),
            FilterKind::To => format!("{value}T23:59:59.999Z"),
            FilterKind::Text | FilterKind::Words(_) => value.to_owned(),
        };
        // Names of fields have dots themselves, so they are members as they are.
        json.set(filter.name, Json::Text(value));
    }
    if json == Json::Object(Vec::new()) { String::new() } else { json.to_text() }
}

fn field(visitor: &Visitor, filter: &Filter) -> Field {
    let value = visitor.query.get(filter.name).to_owned();
    let all = Choice { title: "Any".to_owned(), selected: value.is_empty(), ..Choice::default() };
    let (kind, options) = match filter.kind {
        FilterKind::Text => ("text", Vec::new()),
        FilterKind::From | FilterKind::To => ("date", Vec::new()),
        FilterKind::Words(words) => {
            let choice =
                |word: &&str| Choice { value: (*word).to_owned(), title: show::words(word), selected: value == **word };
            ("select", std::iter::once(all).chain(words.iter().map(choice)).collect())
        }
    };
    Field {
        // The name of a parameter; an element's id has no dot.
        name: filter.name.to_owned(),
        id: filter.name.to_owned(),
        label: filter.label.to_owned(),
        kind: kind.to_owned(),
        value,
        required: true,
        options,
        ..Field::default()
    }
}

/// The URL of this page with some parameters changed.
fn here(visitor: &Visitor, list: &List, changes: &[(&str, &str)]) -> String {
    let names = list.filters.iter().map(|filter| filter.name).chain(["sort", "page"]);
    let parameters: Vec<(&str, &str)> = names
        .map(|name| {
            let changed = changes.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            (name, changed.unwrap_or_else(|| visitor.query.get(name)))
        })
        .collect();
    let text = query(&parameters);
    if text.is_empty() { visitor.path.clone() } else { format!("{}?{text}", visitor.path) }
}

fn call(visitor: &Visitor, list: &List, id: &str, paging: bool) -> Option<Call> {
    let path = fill(list.api, id, |_| String::new())?;
    let filter = api_filter(visitor, list.filters);
    let populate = show::populate(list.columns, |scope| visitor.may(scope));
    let mut parameters = vec![("filter", filter.as_str()), ("sort", visitor.query.get("sort"))];
    if paging {
        parameters.push(("populate", populate.as_str()));
        parameters.extend([("page", visitor.query.get("page")), ("limit", LIMIT)]);
    }
    let text = query(&parameters);
    Some(Call::get(if text.is_empty() { path } else { format!("{path}?{text}") }))
}

/// The page of a list.
pub(crate) async fn page(visitor: Visitor, list: &'static List, id: String) -> Response {
    if let Err(refusal) = visitor.needs(list.scope).await {
        return refusal;
    }
    let call = call(&visitor, list, &id, true).filter(|_| id.is_empty() || is_id(&id));
    let Some(call) = call else {
        return message(&visitor, StatusCode::NOT_FOUND, "There is no such page", "The address is not complete.").await;
    };
    if visitor.query.has("csv") && list.csv {
        return as_csv(&visitor, list, &id).await;
    }
    let answer = visitor.console.door.call(&visitor.caller, &call).await;
    if answer.status != StatusCode::OK {
        return refused(&visitor, &answer).await;
    }
    let meta = at(&answer.body, "meta");
    let number = |name: &str| text_at(meta, name).parse::<u64>().unwrap_or(0);
    let (page, pages, total) = (number("page"), number("pages"), number("total"));
    let mut table = show::table(list.title, answer.data(), list.columns, list.row);
    let sort = text_at(meta, "sort");
    for (head, column) in table.heads.iter_mut().zip(list.columns) {
        if column.sort.is_empty() {
            continue;
        }
        let descending = sort == format!("-{}", column.sort);
        let ascending = sort == column.sort;
        let other = if descending { column.sort.to_owned() } else { format!("-{}", column.sort) };
        head.href = here(&visitor, list, &[("sort", &other), ("page", "")]);
        head.sorted = if descending {
            "descending"
        } else if ascending {
            "ascending"
        } else {
            ""
        }
        .to_owned();
    }
    let filtered = list.filters.iter().any(|filter| !visitor.query.get(filter.name).is_empty());
    let count = items(answer.data()).len() as u64;
    let first = (page.max(1) - 1) * 20 + 1;
    let links = links(&visitor, list.actions, &id, &Json::Null);
    let noun = if total == 1 { list.noun.0 } else { list.noun.1 };
    let template = ListPage {
        shell: shell(&visitor, list.title).await,
        crumbs: crumbs(list, &id),
        heading: list.title.to_owned(),
        lead: list.lead.to_owned(),
        filters: list.filters.iter().map(|filter| field(&visitor, filter)).collect(),
        filtered,
        clear_href: visitor.path.clone(),
        csv_href: if list.csv && count > 0 { csv_href(&visitor, list) } else { String::new() },
        live: LIVE.contains(&list.path),
        table,
        total: format!("{} {noun}", show::money(&total.to_string(), "JPY").replace(" JPY", "")),
        previous_href: match page {
            0 | 1 => String::new(),
            _ => here(&visitor, list, &[("page", &(page - 1).to_string())]),
        },
        next_href: if page < pages {
            here(&visitor, list, &[("page", &(page + 1).to_string())])
        } else {
            String::new()
        },
        range: if count > 0 { format!("{first}–{}", first + count - 1) } else { String::new() },
        empty_title: if filtered { "Nothing matches these filters" } else { "Nothing here yet" }.to_owned(),
        empty_text: if filtered { "Change or clear them to see more." } else { list.empty }.to_owned(),
        empty_link: if filtered { Link::default() } else { links.first().cloned().unwrap_or_default() },
        links,
        call: visitor.console.as_api_call(&call),
    };
    shown(&visitor, ok(&template))
}

fn crumbs(list: &List, id: &str) -> Vec<Crumb> {
    let Some((parent, _)) = list.path.split_once("/{id}") else { return Vec::new() };
    let back = Crumb { href: format!("/console{parent}/{id}"), title: show::words(parent.trim_matches('/')) };
    vec![back, Crumb { href: String::new(), title: list.title.to_owned() }]
}

fn csv_href(visitor: &Visitor, list: &List) -> String {
    let path = here(visitor, list, &[("page", "")]);
    format!("{path}{}csv=1", if path.contains('?') { '&' } else { '?' })
}

/// The API's CSV of every matching row, under its own name.
async fn as_csv(visitor: &Visitor, list: &'static List, id: &str) -> Response {
    let Some(call) = call(visitor, list, id, false) else { return StatusCode::NOT_FOUND.into_response() };
    let answer = visitor.console.door.send(&visitor.caller, &call, "text/csv").await;
    let (parts, body) = answer.into_parts();
    let kept = [header::CONTENT_TYPE, header::CONTENT_DISPOSITION];
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    for name in kept {
        if let Some(value) = parts.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}
