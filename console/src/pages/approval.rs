//! An approval: what was asked for, what it would change, who decided. What its requester has to do themselves after it
//! was approved is done here too.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use paygen_core::access::Scope;
use paygen_edge::json::Json;

use super::action::{done, links};
use super::sign_in::read;
use super::{is_id, refused};
use crate::answer::{ok, see};
use crate::door::{Answer, Call};
use crate::form::encoded;
use crate::json::{at, pretty, text_at};
use crate::resources;
use crate::resources::approvals::ACTIONS;
use crate::shell::{message, shell, shown};
use crate::show;
use crate::tables::{ACTION, Action, As, Column, column};
use crate::view::{Crumb, DetailPage, FormPage, Related, Section};
use crate::visitor::{Visitor, with_flash};

const FACTS: &[Column] = &[
    column("Action", "action", As::Word),
    column("Call", "method", As::Joined("path", " ")),
    column("Asked by", "requester.type", As::Word),
    column("Id", "requester.id", As::Code),
    column("People needed", "needed", As::Text),
    column("Expires", "expiresAt", As::Time),
    column("Came of it", "resultMessage", As::Text),
    column("Created", "createdAt", As::Time),
];

const DECISIONS: &[Column] = &[
    column("Person", "userId", As::Code),
    column("Said", "verdict", As::Word),
    column("Note", "note", As::Text),
    column("Time", "at", As::Time),
];

/// What the result of a call shows once: the members that answers have secrets in.
const ONCE: &[(&str, &str)] = &[("key", "API key"), ("secret", "Signing secret"), ("link", "One-time link")];

async fn fetch(visitor: &Visitor, id: &str) -> Result<(Call, Answer), Response> {
    visitor.needs(Scope::ApprovalsRead).await?;
    if !is_id(id) {
        let text = "The address is not complete.";
        return Err(message(visitor, StatusCode::NOT_FOUND, "There is no such page", text).await);
    }
    let call = Call::get(format!("/approvals/{id}"));
    let answer = visitor.console.door.call(&visitor.caller, &call).await;
    if answer.status == StatusCode::OK { Ok((call, answer)) } else { Err(refused(visitor, &answer).await) }
}

/// The members in which the object would differ from what it is now. Without an object that exists, what would be made.
async fn difference(visitor: &Visitor, approval: &Json) -> Section {
    let after = at(approval, "preview");
    let is_change = text_at(approval, "method") == "PUT";
    let before = match is_change {
        true => Some(visitor.console.door.get(&visitor.caller, text_at(approval, "path")).await),
        false => None,
    };
    let before = before.as_ref().filter(|answer| answer.status == StatusCode::OK).map(Answer::data);
    let title = if before.is_some() { "What it changes" } else { "What it makes" };
    let Json::Object(members) = after else { return Section { title: title.to_owned(), ..Section::default() } };
    let mut changes = Json::Object(Vec::new());
    for (name, value) in members {
        let known = before.map(|before| at(before, name));
        let technical =
            ["_id", "version", "createdAt", "updatedAt", "client", "entryId", "hint"].contains(&name.as_str());
        if technical || *known.unwrap_or(&Json::Null) == *value {
            continue;
        }
        let Some(known) = known else {
            changes.set(name, value.clone());
            continue;
        };
        let mut change = Json::Object(Vec::new());
        change.set("before", known.clone());
        change.set("after", value.clone());
        changes.set(name, change);
    }
    show::changes(title, &changes)
}

pub(crate) async fn page(visitor: Visitor, id: String) -> Response {
    let (call, answer) = match fetch(&visitor, &id).await {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let approval = answer.data();
    let heading = show::words(&text_at(approval, "action"));
    let ready = text_at(approval, "status") == "approved" && text_at(approval, "runByRequester") == "true";
    let mut links = links(&visitor, ACTIONS, &id, approval);
    let own = text_at(approval, "requester.id") == visitor.signed_in.user.id.to_string();
    links.retain(|link| match link.href.rsplit('/').next() {
        Some("run") => ready && own,
        Some("cancel") => own,
        _ => !own,
    });
    let body = at(approval, "body");
    let sent = Section {
        title: "What was sent".to_owned(),
        items: vec![crate::view::Item { label: "Body".to_owned(), cell: show::cell("json", pretty(body)) }],
        ..Section::default()
    };
    let mut sections = vec![show::section("Request", approval, FACTS), difference(&visitor, approval).await];
    if *body != Json::Object(Vec::new()) {
        sections.push(sent);
    }
    let template = DetailPage {
        shell: shell(&visitor, &heading).await,
        crumbs: vec![
            Crumb { href: "/console/approvals".to_owned(), title: "Approvals".to_owned() },
            Crumb { href: String::new(), title: heading.clone() },
        ],
        heading,
        code: id,
        badge: show::status(&text_at(approval, "status")),
        links,
        sections: sections.into_iter().filter(|section| !section.items.is_empty()).collect(),
        tables: vec![Related {
            title: "What people said".to_owned(),
            table: show::table("What people said", at(approval, "decisions"), DECISIONS, ""),
            empty_text: "Nobody has decided yet.".to_owned(),
            ..Related::default()
        }],
        call: visitor.console.as_api_call(&call),
        ..DetailPage::default()
    };
    shown(&visitor, ok(&template))
}

/// The call that was approved, with its approval.
fn approved(approval: &Json, id: &str) -> Call {
    let body = at(approval, "body");
    Call {
        method: Method::from_bytes(text_at(approval, "method").as_bytes()).unwrap_or(Method::POST),
        body: (*body != Json::Object(Vec::new())).then(|| body.to_text()),
        if_match: Some(text_at(approval, "ifMatch"))
            .filter(|version| !version.is_empty())
            .map_or_else(String::new, |version| format!("\"{version}\"")),
        approval: id.to_owned(),
        ..Call::get(text_at(approval, "path"))
    }
}

/// What asked for a new proof asks for one again when it is made.
fn proof_first(visitor: &Visitor) -> Option<Response> {
    let confirm = || see(&format!("/console/confirm?next={}", encoded(&visitor.path)));
    (!visitor.signed_in.is_fresh()).then(confirm)
}

pub(crate) async fn run_form(visitor: Visitor, id: String) -> Response {
    if let Some(confirm) = proof_first(&visitor) {
        return confirm;
    }
    let answer = match fetch(&visitor, &id).await {
        Ok((_, answer)) => answer,
        Err(refusal) => return refusal,
    };
    let template = FormPage {
        shell: shell(&visitor, resources::RUN_APPROVED).await,
        heading: resources::RUN_APPROVED.to_owned(),
        lead: "Others have approved it, and you do it. If its answer has a secret, you see it once, here.".to_owned(),
        action: visitor.path.clone(),
        submit: resources::RUN_APPROVED.to_owned(),
        cancel_href: format!("/console/approvals/{id}"),
        call: visitor.console.as_api_call(&approved(answer.data(), &id)),
        ..FormPage::default()
    };
    ok(&template)
}

pub(crate) async fn run(visitor: Visitor, id: String, body: Body) -> Response {
    let values = read(body).await;
    if let Some(refusal) = visitor.refused_form(&values).or_else(|| proof_first(&visitor)) {
        return refusal;
    }
    let answer = match fetch(&visitor, &id).await {
        Ok((_, answer)) => answer,
        Err(refusal) => return refusal,
    };
    let made = visitor.console.door.call(&visitor.caller, &approved(answer.data(), &id)).await;
    if !made.status.is_success() {
        return with_flash(see(&format!("/console/approvals/{id}")), "bad", &made.message());
    }
    const RUN: Action = Action { title: resources::RUN_APPROVED, then: "/approvals/{id}", once: ONCE, ..ACTION };
    done(&visitor, &RUN, &id, &made).await
}
