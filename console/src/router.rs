//! Every page of the console, made from the tables of [`crate::resources`].

use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use futures_util::FutureExt;
use paygen_core::access::Scope;

use crate::answer::protect;
use crate::pages::{
    action, approval, decision, factors, home, list, object, oidc, passkeys, profile, reveal, review, search, sign_in,
};
use crate::resources;
use crate::visitor::Visitor;
use crate::{Console, shell};

/// A page, for tests of who may open it.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub method: &'static str,
    /// With `{id}` and `{document}`.
    pub path: &'static str,
    /// The scope that it needs; `None` if being signed in is enough.
    pub scope: Option<Scope>,
    /// Whether only the sandbox has it.
    pub sandbox: bool,
    /// Whether it needs a fresh proof.
    pub fresh: bool,
}

/// Pages of their own: they need a scope, but are in no table.
const OWN: &[(&str, &str, Option<Scope>)] = &[
    ("GET", "", None),
    ("GET", "/search", None),
    ("GET", "/profile", None),
    ("GET", "/profile/sessions", None),
    ("POST", "/profile/sessions", None),
    ("POST", "/client", None),
    ("GET", "/confirm", None),
    ("POST", "/confirm", None),
    ("GET", "/passkeys/{id}/remove", None),
    ("POST", "/passkeys/{id}/remove", None),
    ("GET", "/authorizations/{id}/decision", Some(Scope::AuthorizationsRead)),
    ("GET", "/approvals/{id}", Some(Scope::ApprovalsRead)),
    ("GET", "/approvals/{id}/run", Some(Scope::ApprovalsRead)),
    ("POST", "/approvals/{id}/run", Some(Scope::ApprovalsRead)),
    ("GET", "/cards/{id}/reveal", Some(Scope::CardsReveal)),
    ("POST", "/cards/{id}/reveal", Some(Scope::CardsReveal)),
    ("GET", "/card-holders/{id}/review", Some(Scope::CardHoldersRead)),
    ("GET", "/card-holders/{id}/documents/{document}", Some(Scope::CardHoldersRead)),
    ("POST", "/card-holders/{id}/documents/{document}/approve", Some(Scope::CardHoldersWrite)),
    ("POST", "/card-holders/{id}/documents/{document}/reject", Some(Scope::CardHoldersWrite)),
];

/// Every page that somebody who is signed in may ask for, without `/console`.
pub fn pages() -> Vec<Page> {
    let own = OWN.iter().map(|(method, path, scope)| {
        let fresh = *scope == Some(Scope::CardsReveal);
        Page { method, path, scope: *scope, sandbox: false, fresh }
    });
    let plain = |path, scope| Page { method: "GET", path, scope: Some(scope), sandbox: false, fresh: false };
    let lists = resources::lists().map(|list| plain(list.path, list.scope));
    let objects = resources::objects().map(|object| plain(object.path, object.scope));
    let actions = resources::actions().flat_map(|action| {
        let page = |method| Page {
            method,
            path: action.path,
            scope: Some(action.scope),
            sandbox: action.sandbox,
            fresh: action.fresh,
        };
        [page("GET"), page("POST")]
    });
    own.chain(lists).chain(objects).chain(actions).collect()
}

/// The id in a path that has one.
type Id = Option<Path<String>>;

fn id_of(id: Id) -> String {
    id.map(|Path(id)| id).unwrap_or_default()
}

/// The console's routes with their layers.
pub fn router(console: Console) -> Router {
    let at = |path: &str| format!("/console{path}");
    let mut routes = Router::new();
    for list in resources::lists() {
        let show = move |visitor: Visitor, id: Id| list::page(visitor, list, id_of(id));
        routes = routes.route(&at(list.path), get(show));
    }
    for object in resources::objects() {
        let show = move |visitor: Visitor, id: Id| object::page(visitor, object, id_of(id));
        routes = routes.route(&at(object.path), get(show));
    }
    for action in resources::actions() {
        let show = move |visitor: Visitor, id: Id| action::form(visitor, action, id_of(id));
        let submit = move |visitor: Visitor, id: Id, body: Body| action::submit(visitor, action, id_of(id), body);
        routes = routes.route(&at(action.path), get(show).post(submit));
    }
    routes
        .route("/", get(|| async { Redirect::to("/console") }))
        .route("/console/", get(|| async { Redirect::to("/console") }))
        .merge(own())
        .route("/console/assets/{name}", get(asset))
        .fallback(missing)
        .layer(middleware::from_fn(outer))
        .with_state(console)
}

fn own() -> Router<Console> {
    let decision = |visitor: Visitor, Path(id): Path<String>| decision::page(visitor, id);
    let waiting = |visitor: Visitor, Path(id): Path<String>| approval::page(visitor, id);
    let run_form = |visitor: Visitor, Path(id): Path<String>| approval::run_form(visitor, id);
    let run = |visitor: Visitor, Path(id): Path<String>, body: Body| approval::run(visitor, id, body);
    let reveal_form = |visitor: Visitor, Path(id): Path<String>| reveal::form(visitor, id);
    let reveal_submit = |visitor: Visitor, Path(id): Path<String>, body: Body| reveal::submit(visitor, id, body);
    let review = |visitor: Visitor, Path(id): Path<String>| review::page(visitor, id);
    let file = |visitor: Visitor, Path((holder, id)): Path<(String, String)>| review::file(visitor, holder, id);
    let approve = |visitor: Visitor, Path((holder, id)): Path<(String, String)>, body: Body| {
        review::judge(visitor, holder, id, true, body)
    };
    let reject = |visitor: Visitor, Path((holder, id)): Path<(String, String)>, body: Body| {
        review::judge(visitor, holder, id, false, body)
    };
    Router::new()
        .route("/console", get(home::page))
        .route("/console/search", get(search::page))
        .route("/console/profile", get(profile::page))
        .route("/console/profile/sessions", get(profile::sessions).post(profile::end_sessions))
        .route("/console/client", post(profile::show_client))
        .route("/console/authorizations/{id}/decision", get(decision))
        .route("/console/approvals/{id}", get(waiting))
        .route("/console/approvals/{id}/run", get(run_form).post(run))
        .route("/console/cards/{id}/reveal", get(reveal_form).post(reveal_submit))
        .route("/console/card-holders/{id}/review", get(review))
        .route("/console/card-holders/{id}/documents/{document}", get(file))
        .route("/console/card-holders/{id}/documents/{document}/approve", post(approve))
        .route("/console/card-holders/{id}/documents/{document}/reject", post(reject))
        .route("/console/sign-in", get(sign_in::form).post(sign_in::submit))
        .route("/console/forgotten", get(sign_in::forgotten))
        .route("/console/link/{text}", get(sign_in::link).post(sign_in::open_link))
        .route("/console/second-factor", get(sign_in::second_factor).post(sign_in::prove_second_factor))
        .route("/console/confirm", get(sign_in::confirm).post(sign_in::prove_again))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/password", get(factors::password).post(factors::set_password))
        .route("/console/passkeys/sign-in", post(passkeys::sign_in))
        .route("/console/passkeys/sign-in/options", post(passkeys::ask_sign_in))
        .route("/console/passkeys/proof", post(passkeys::prove))
        .route("/console/passkeys/proof/options", post(passkeys::ask_proof))
        .route("/console/passkeys/add", get(passkeys::add_form).post(passkeys::add))
        .route("/console/passkeys/add/options", post(passkeys::ask_add))
        .route("/console/passkeys/{id}/remove", get(passkeys::remove_form).post(passkeys::remove))
        .route("/console/oidc/start", get(oidc::start))
        .route("/console/oidc/callback", get(oidc::callback))
        .route("/console/authenticator", get(factors::authenticator).post(factors::set_authenticator))
}

async fn asset(State(console): State<Console>, uri: Uri, headers: HeaderMap) -> Response {
    console.assets.answer(uri.path(), &headers)
}

async fn missing(visitor: Visitor) -> Response {
    let text = "Nothing is at this address.";
    shell::message(&visitor, StatusCode::NOT_FOUND, "There is no such page", text).await
}

/// What every answer gets; a panic is answered like a defect that was found.
async fn outer(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    protect(answer.unwrap_or_else(|_| {
        tracing::error!("a page panicked");
        (StatusCode::INTERNAL_SERVER_ERROR, "This page failed. The log says more.").into_response()
    }))
}
