//! An object: its members, lists beside it, and what can be done with it.

use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::join_all;
use paygen_edge::json::Json;

use super::{is_id, refused};
use crate::answer::ok;
use crate::door::Call;
use crate::form::query;
use crate::json::{NULL, at, pretty, text_at};
use crate::pages::action::links;
use crate::shell::{message, shell, shown};
use crate::show;
use crate::tables::{Beside, Object, Part, fill};
use crate::view::{Cell, Crumb, DetailPage, Related, Section};
use crate::visitor::Visitor;

pub(crate) async fn page(visitor: Visitor, object: &'static Object, id: String) -> Response {
    if let Err(refusal) = visitor.needs(object.scope).await {
        return refusal;
    }
    let path = fill(object.api, &id, |_| String::new()).filter(|_| is_id(&id) || !object.path.contains("{id}"));
    let Some(path) = path else {
        return message(&visitor, StatusCode::NOT_FOUND, "There is no such page", "The address is not complete.").await;
    };
    let call = Call::get(path);
    let answer = visitor.console.door.call(&visitor.caller, &call).await;
    if answer.status != StatusCode::OK {
        return refused(&visitor, &answer).await;
    }
    // Where the API has no call for one object, its list is asked for the one with this id.
    let data = match answer.data() {
        Json::Array(rows) => rows.first().unwrap_or(&NULL),
        one => one,
    };
    if *data == Json::Null {
        let text = "Nothing has this id here. It may belong to another client.";
        return message(&visitor, StatusCode::NOT_FOUND, "There is no such page", text).await;
    }
    let tables = join_all(object.beside.iter().map(|beside| beside_of(&visitor, beside, &id, data))).await;
    let heading = heading(object, data);
    let template = DetailPage {
        shell: shell(&visitor, &heading).await,
        crumbs: crumbs(object, &heading),
        code: text_at(data, "_id"),
        badge: badge(object, data),
        lead: String::new(),
        links: links(&visitor, object.actions, &id, data),
        sections: object.parts.iter().map(|part| section(part, data)).collect(),
        tables: tables.into_iter().flatten().collect(),
        json: pretty(data),
        call: visitor.console.as_api_call(&call),
        heading,
    };
    shown(&visitor, ok(&template))
}

pub(crate) fn section(part: &Part, data: &Json) -> Section {
    match part.changes {
        "" => show::section(part.title, data, part.columns),
        path => show::changes(part.title, at(data, path)),
    }
}

fn heading(object: &Object, data: &Json) -> String {
    let texts = object.heading.iter().map(|path| text_at(data, path)).filter(|text| !text.is_empty());
    let text = texts.collect::<Vec<_>>().join(" ");
    if text.is_empty() { object.noun.to_owned() } else { text }
}

fn crumbs(object: &Object, heading: &str) -> Vec<Crumb> {
    let (path, title) = object.list;
    vec![
        Crumb { href: format!("/console{path}"), title: title.to_owned() },
        Crumb { href: String::new(), title: heading.to_owned() },
    ]
}

fn badge(object: &Object, data: &Json) -> Cell {
    match text_at(data, object.badge) {
        word if word.is_empty() || object.badge.is_empty() => show::cell("empty", ""),
        word => show::status(&word),
    }
}

/// A list beside the object; `None` if the visitor may not see it, or it has no meaning here.
async fn beside_of(visitor: &Visitor, beside: &Beside, id: &str, data: &Json) -> Option<Related> {
    if !visitor.may(beside.scope) {
        return None;
    }
    let member = |name: &str| text_at(data, name);
    let mut path = fill(beside.api, id, member)?;
    let populate = show::populate(beside.columns, |scope| visitor.may(scope));
    if !populate.is_empty() {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(&query(&[("populate", &populate)]));
    }
    let answer = visitor.console.door.get(&visitor.caller, path).await;
    let rows = at(answer.data(), beside.within);
    let empty_text = match answer.status {
        StatusCode::OK => beside.empty.to_owned(),
        _ => answer.message(),
    };
    let all = fill(beside.all, id, member).filter(|path| !path.is_empty());
    Some(Related {
        title: beside.title.to_owned(),
        href: all.map_or(String::new(), |path| format!("/console{path}")),
        link_title: "See all".to_owned(),
        table: show::table(beside.title, rows, beside.columns, beside.row),
        empty_text,
    })
}
