//! The number of a card, shown once by the API's own page in a frame: it never passes through the console.

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use paygen_core::access::Scope;
use paygen_edge::json::Json;

use super::sign_in::{field, read};
use super::{is_id, refused};
use crate::answer::{POLICY, ok, page as page_of, see};
use crate::door::Call;
use crate::form::encoded;
use crate::json::text_at;
use crate::resources;
use crate::shell::{message, shell};
use crate::view::{Crumb, Field, FormPage, RevealPage};
use crate::visitor::Visitor;

fn crumbs(id: &str) -> Vec<Crumb> {
    vec![
        Crumb { href: "/console/cards".to_owned(), title: "Cards".to_owned() },
        Crumb { href: format!("/console/cards/{id}"), title: "Card".to_owned() },
        Crumb { href: String::new(), title: resources::REVEAL.to_owned() },
    ]
}

/// Why the visitor cannot reveal a number now.
async fn entrance(visitor: &Visitor, id: &str) -> Option<Response> {
    if let Err(refusal) = visitor.needs(Scope::CardsReveal).await {
        return Some(refusal);
    }
    if !is_id(id) {
        let text = "The address is not complete.";
        return Some(message(visitor, StatusCode::NOT_FOUND, "There is no such page", text).await);
    }
    if !visitor.signed_in.is_fresh() {
        return Some(see(&format!("/console/confirm?next={}", encoded(&visitor.path))));
    }
    None
}

async fn form_of(visitor: &Visitor, id: &str, value: &str, error: &str) -> FormPage {
    let reason = Field {
        value: value.to_owned(),
        error: error.to_owned(),
        help: "It is kept in the audit log with your name.".to_owned(),
        ..field("reason", "Why do you need it?", "text", "off")
    };
    FormPage {
        shell: shell(visitor, resources::REVEAL).await,
        crumbs: crumbs(id),
        heading: resources::REVEAL.to_owned(),
        lead: "The number, expiry and security code are shown once, for two minutes at most.".to_owned(),
        action: visitor.path.clone(),
        fields: vec![reason],
        submit: "Reveal".to_owned(),
        danger: true,
        cancel_href: format!("/console/cards/{id}"),
        call: visitor.console.as_api_call(&call_of(visitor, id, "…")),
        ..FormPage::default()
    }
}

fn call_of(visitor: &Visitor, id: &str, reason: &str) -> Call {
    let mut body = Json::Object(Vec::new());
    body.set("purpose", Json::Text("page".to_owned()));
    body.set("origin", Json::Text(visitor.site.clone()));
    body.set("reason", Json::Text(reason.to_owned()));
    Call { method: Method::POST, body: Some(body.to_text()), ..Call::get(format!("/cards/{id}/token")) }
}

pub(crate) async fn form(visitor: Visitor, id: String) -> Response {
    match entrance(&visitor, &id).await {
        Some(refusal) => refusal,
        None => ok(&form_of(&visitor, &id, "", "").await),
    }
}

pub(crate) async fn submit(visitor: Visitor, id: String, body: Body) -> Response {
    let values = read(body).await;
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    if let Some(refusal) = entrance(&visitor, &id).await {
        return refusal;
    }
    let reason = values.get("reason").trim();
    if reason.is_empty() {
        return page_of(StatusCode::BAD_REQUEST, &form_of(&visitor, &id, "", "Say why: it is required.").await);
    }
    let answer = visitor.console.door.call(&visitor.caller, &call_of(&visitor, &id, reason)).await;
    if let Some(wrong) = answer.wrong_fields().iter().find(|field| field.pointer == "/reason") {
        return page_of(answer.status, &form_of(&visitor, &id, reason, &wrong.message).await);
    }
    if !answer.status.is_success() {
        return refused(&visitor, &answer).await;
    }
    let api = &visitor.console.api_url;
    let (path, token) = (text_at(answer.data(), "url"), text_at(answer.data(), "token"));
    let template = RevealPage {
        shell: shell(&visitor, resources::REVEAL).await,
        crumbs: crumbs(&id),
        heading: resources::REVEAL.to_owned(),
        lead: "Shown once. It is gone when you leave this page.".to_owned(),
        frame: format!("{api}{path}#token={token}"),
        back: format!("/console/cards/{id}"),
    };
    let mut response = ok(&template);
    if let Ok(policy) = HeaderValue::from_str(&format!("{POLICY}; frame-src {api}")) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
