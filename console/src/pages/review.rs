//! The review of a card holder's documents: pictures beside what the card holder stated.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use paygen_core::access::Scope;
use paygen_edge::json::Json;

use super::sign_in::read;
use super::{is_id, refused};
use crate::answer::{ok, see};
use crate::door::Call;
use crate::json::{items, text_at};
use crate::resources;
use crate::resources::card_holders;
use crate::shell::{message, shell, shown};
use crate::show;
use crate::view::{Crumb, Doc, ReviewPage};
use crate::visitor::{Visitor, with_flash};

fn doc(visitor: &Visitor, holder: &str, document: &Json) -> Doc {
    let id = text_at(document, "_id");
    let base = format!("/console/card-holders/{holder}/documents/{id}");
    let status = text_at(document, "status");
    let may_judge = visitor.may(Scope::CardHoldersWrite) && status == "pending";
    let action = |name: &str| if may_judge { format!("{base}/{name}") } else { String::new() };
    Doc {
        title: show::words(&text_at(document, "part")),
        kind: if text_at(document, "fileType").starts_with("image/") { "image" } else { "pdf" }.to_owned(),
        badge: show::status(&status),
        approve_action: action("approve"),
        reject_action: action("reject"),
        href: base,
    }
}

pub(crate) async fn page(visitor: Visitor, id: String) -> Response {
    if let Err(refusal) = visitor.needs(Scope::CardHoldersRead).await {
        return refusal;
    }
    if !is_id(&id) {
        return message(&visitor, StatusCode::NOT_FOUND, "There is no such page", "The address is not complete.").await;
    }
    let door = &visitor.console.door;
    let holder = door.get(&visitor.caller, format!("/card-holders/{id}")).await;
    if holder.status != StatusCode::OK {
        return refused(&visitor, &holder).await;
    }
    let call = Call::get(format!("/card-holders/{id}/documents?filter=current%3Dtrue&limit=50"));
    let documents = door.call(&visitor.caller, &call).await;
    let name = text_at(holder.data(), "name");
    let docs: Vec<Doc> = items(documents.data()).iter().map(|one| doc(&visitor, &id, one)).collect();
    let lead = match docs.is_empty() {
        true => "No documents were uploaded yet. The card holder's page has the form for it.",
        false => "Compare each document with what the card holder stated, then approve or reject it.",
    };
    let template = ReviewPage {
        shell: shell(&visitor, resources::REVIEW).await,
        crumbs: vec![
            Crumb { href: "/console/card-holders".to_owned(), title: "Card holders".to_owned() },
            Crumb { href: format!("/console/card-holders/{id}"), title: name.clone() },
            Crumb { href: String::new(), title: resources::REVIEW.to_owned() },
        ],
        heading: format!("Documents of {name}"),
        lead: lead.to_owned(),
        documents: docs,
        sections: card_holders::PARTS
            .iter()
            .map(|part| show::section(part.title, holder.data(), part.columns))
            .collect(),
        reason_error: String::new(),
        call: visitor.console.as_api_call(&call),
    };
    shown(&visitor, ok(&template))
}

/// The file of a document. It is shown, never run.
pub(crate) async fn file(visitor: Visitor, holder: String, id: String) -> Response {
    if let Err(refusal) = visitor.needs(Scope::CardHoldersRead).await {
        return refusal;
    }
    if !is_id(&holder) || !is_id(&id) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let call = Call::get(format!("/card-holders/{holder}/documents/{id}"));
    let answer = visitor.console.door.send(&visitor.caller, &call, "*/*").await;
    let (parts, body) = answer.into_parts();
    if parts.status != StatusCode::OK {
        return message(&visitor, parts.status, "There is no such document", "It may belong to another client.").await;
    }
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    if let Some(kind) = parts.headers.get(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, kind.clone());
    }
    let fixed = HeaderValue::from_static;
    headers.insert(header::CONTENT_DISPOSITION, fixed("inline"));
    headers.insert(header::CONTENT_SECURITY_POLICY, fixed("default-src 'none'; sandbox; frame-ancestors 'none'"));
    response
}

/// Approves or rejects a document.
pub(crate) async fn judge(visitor: Visitor, holder: String, id: String, approve: bool, body: Body) -> Response {
    let values = read(body).await;
    if let Some(refusal) = visitor.refused_form(&values) {
        return refusal;
    }
    if let Err(refusal) = visitor.needs(Scope::CardHoldersWrite).await {
        return refusal;
    }
    if !is_id(&holder) || !is_id(&id) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut json = Json::Object(Vec::new());
    json.set("status", Json::Text(if approve { "verified" } else { "rejected" }.to_owned()));
    if !approve {
        json.set("reason", Json::Text(values.get("reason").to_owned()));
    }
    let mut call = Call::get(format!("/card-holders/{holder}/documents/{id}/review"));
    call.method = axum::http::Method::POST;
    call.body = Some(json.to_text());
    let answer = visitor.console.door.call(&visitor.caller, &call).await;
    let mut text = answer.message();
    answer.wrong_fields().iter().for_each(|field| text.push_str(&format!(" {}", field.message)));
    let tone = if answer.status.is_success() { "good" } else { "bad" };
    with_flash(see(&format!("/console/card-holders/{holder}/review")), tone, &text)
}
