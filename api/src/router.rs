//! The whole API on one page.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::FutureExt;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::{
    access, accounts, authorizations, card_holders, cards, compress, events, exceptions, headers, health, incoming,
    openapi, people, programs, request_id, responders, root, simulator, transactions, transfers, watch, webhooks,
};
use crate::Api;
use paygen_app::Environment;
use paygen_edge::nearest::hint;

/// Where the metrics are served.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Metrics {
    /// On the API's port.
    Here,
    /// On the operator's own port.
    Apart,
}

/// Every call of the API.
fn api(environment: Environment, metrics: Metrics) -> OpenApiRouter<Api> {
    let api = OpenApiRouter::with_openapi(openapi::Document::openapi())
        // Accounts
        .routes(routes!(accounts::list_accounts, accounts::create_account))
        .routes(routes!(accounts::get_account, accounts::update_account, accounts::close_account))
        .routes(routes!(accounts::get_balance))
        .routes(routes!(accounts::list_entries))
        .routes(routes!(accounts::get_account_limits))
        .routes(routes!(accounts::list_details, accounts::create_detail))
        .routes(routes!(accounts::get_detail, accounts::update_detail, accounts::delete_detail))
        // Transfers
        .routes(routes!(transfers::list_transfers, transfers::create_transfer))
        .routes(routes!(transfers::get_transfer))
        .routes(routes!(transfers::reverse_transfer))
        // Card holders
        .routes(routes!(card_holders::list_card_holders, card_holders::create_card_holder))
        .routes(routes!(
            card_holders::get_card_holder,
            card_holders::update_card_holder,
            card_holders::delete_card_holder
        ))
        .routes(routes!(card_holders::list_documents, card_holders::upload_documents))
        .routes(routes!(card_holders::get_document))
        .routes(routes!(card_holders::get_card_holder_limits))
        .routes(routes!(card_holders::review_document))
        // Programs
        .routes(routes!(programs::list_programs, programs::create_program))
        .routes(routes!(programs::get_program, programs::update_program, programs::archive_program))
        .routes(routes!(programs::get_program_limits))
        .routes(routes!(programs::get_program_impact))
        // Cards
        .routes(routes!(cards::list_cards, cards::create_card))
        .routes(routes!(cards::look_up_card))
        .routes(routes!(cards::get_card, cards::update_card, cards::terminate_card))
        .routes(routes!(cards::fund_card))
        .routes(routes!(cards::withdraw_from_card))
        .routes(routes!(cards::activate_card))
        .routes(routes!(cards::replace_card))
        .routes(routes!(cards::set_card_pin))
        .routes(routes!(cards::unblock_card_pin))
        .routes(routes!(cards::issue_reveal_token))
        .routes(routes!(cards::reveal_card))
        .routes(routes!(cards::get_card_page))
        .routes(routes!(cards::reveal_on_card_page))
        .routes(routes!(cards::get_card_limits))
        .routes(routes!(authorizations::list_card_authorizations))
        .routes(routes!(transactions::list_card_transactions))
        // Authorizations and transactions
        .routes(routes!(authorizations::list_authorizations))
        .routes(routes!(authorizations::get_authorization))
        .routes(routes!(authorizations::get_authorization_decision))
        .routes(routes!(authorizations::release_authorization))
        .routes(routes!(transactions::list_transactions))
        .routes(routes!(transactions::get_transaction))
        .routes(routes!(exceptions::list_exceptions))
        .routes(routes!(exceptions::resolve_exception))
        // Events
        .routes(routes!(events::list_events))
        .routes(routes!(events::list_event_types))
        .routes(routes!(events::stream_events))
        .routes(routes!(events::get_event))
        .routes(routes!(webhooks::list_deliveries))
        .routes(routes!(webhooks::list_event_deliveries))
        .routes(routes!(webhooks::resend_event))
        // Webhooks
        .routes(routes!(webhooks::list_webhooks, webhooks::create_webhook))
        .routes(routes!(webhooks::get_webhook, webhooks::update_webhook, webhooks::delete_webhook))
        .routes(routes!(webhooks::test_webhook))
        .routes(routes!(webhooks::rotate_webhook_secret))
        .routes(routes!(webhooks::recover_webhook))
        // Responders
        .merge(of_responders())
        // Access
        .routes(routes!(access::list_api_keys, access::create_api_key))
        .routes(routes!(access::get_api_key, access::revoke_api_key))
        .routes(routes!(access::rotate_api_key))
        .routes(routes!(access::issue_token))
        .routes(routes!(access::revoke_token))
        .routes(routes!(access::jwks))
        .routes(routes!(access::list_audit_log))
        .merge(of_people())
        // Operations
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz));
    let api = match metrics {
        Metrics::Here => api.routes(routes!(health::metrics)),
        Metrics::Apart => api,
    };
    match environment {
        Environment::Production => api,
        Environment::Sandbox => with_simulator(api),
    }
}

fn of_responders() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(responders::list_responders, responders::create_responder))
        .routes(routes!(responders::get_responder, responders::update_responder, responders::delete_responder))
        .routes(routes!(responders::test_responder))
        .routes(routes!(responders::answer_question))
        .routes(routes!(responders::rotate_responder_secret))
        .routes(routes!(responders::list_responder_calls))
        .routes(routes!(responders::get_responder_stats))
}

fn of_people() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(people::list_users, people::create_user))
        .routes(routes!(people::get_user, people::update_user, people::remove_user))
        .routes(routes!(people::issue_user_link))
        .routes(routes!(people::list_roles))
}

/// The calls of the sandbox.
fn with_simulator(api: OpenApiRouter<Api>) -> OpenApiRouter<Api> {
    api.routes(routes!(simulator::fund_account))
        .routes(routes!(simulator::set_responder_faults))
        .routes(routes!(simulator::simulate_authorization))
        .routes(routes!(simulator::simulate_increment))
        .routes(routes!(simulator::simulate_reversal))
        .routes(routes!(simulator::simulate_clearing))
        .routes(routes!(simulator::simulate_expiry))
        .routes(routes!(simulator::simulate_advice))
        .routes(routes!(simulator::simulate_refund))
        .routes(routes!(simulator::simulate_refund_reversal))
        .routes(routes!(simulator::simulate_force_post))
        .routes(routes!(simulator::simulate_reversal_by_reference))
        .routes(routes!(simulator::read_clock, simulator::advance_clock))
}

/// The OpenAPI document of an environment.
pub fn document(environment: Environment) -> utoipa::openapi::OpenApi {
    openapi::finish(api(environment, Metrics::Here).into_openapi())
}

/// The published contract of an environment.
pub fn contract(environment: Environment) -> String {
    super::contract::publish(&document(environment)).to_text()
}

/// Makes the documentation's routes, given the contract.
pub type Documentation = fn(Contract) -> Router<Api>;

/// The contract, rendered on the first request, so that starting does not wait for it. Clones share it.
#[derive(Clone)]
pub struct Contract(Arc<LazyLock<Bytes, Box<dyn FnOnce() -> Bytes + Send>>>);

impl Contract {
    fn of(document: utoipa::openapi::OpenApi) -> Contract {
        Contract(Arc::new(LazyLock::new(Box::new(move || super::contract::publish(&document).to_text().into()))))
    }

    /// The document, as JSON.
    pub fn bytes(&self) -> Bytes {
        Bytes::clone(&self.0)
    }
}

/// The API with its layers: request ids, metrics, timeouts, caught panics, fallbacks.
pub fn router(app: Api, site: Option<Documentation>) -> Router {
    let metrics = if app.settings.operations_apart { Metrics::Apart } else { Metrics::Here };
    let (routes, document) = api(app.environment, metrics).split_for_parts();
    let document = openapi::finish(document);
    let paths: Vec<String> = document.paths.paths.keys().cloned().collect();
    let routes = match site {
        Some(site) => routes.merge(documentation(site, Contract::of(document))),
        None => routes,
    };
    around(app, routes, paths)
}

/// The operator's own port: health, readiness and metrics.
pub fn operator_router(app: Api) -> Router {
    let routes = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics));
    around(app, routes, ["/healthz", "/readyz", "/metrics"].map(str::to_owned).into())
}

/// The docs site, the contract, and redirects to them.
fn documentation(site: Documentation, contract: Contract) -> Router<Api> {
    let kept = compress::Compressed::default();
    site(contract.clone())
        .route("/openapi.json", get(move || async move { super::reply::shared(contract.bytes()) }))
        .layer(middleware::from_fn(move |request, next| compress::shared(kept.clone(), request, next)))
        .route("/", get(root::root))
}

/// Adds the layers that all routes share.
fn around(app: Api, routes: Router<Api>, paths: Vec<String>) -> Router {
    routes
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(move |uri: Uri| async move { not_found(&uri, &paths) })
        .layer(middleware::from_fn_with_state(app.clone(), inner))
        .layer(cors(&app))
        .layer(middleware::from_fn_with_state(app.clone(), outer))
        .with_state(app)
}

/// What every response gets, those to a browser's preflight too. Each layer of axum's costs several allocations, so
/// what belongs together is one.
async fn outer(State(app): State<Api>, request: Request, next: Next) -> Response {
    request_id::assign(request, |request| headers::protect(app.environment, next.run(request))).await
}

/// What surrounds a handler.
async fn inner(State(app): State<Api>, request: Request, next: Next) -> Response {
    let handle = |request| limit_time(app.settings.request_timeout, caught(next.run(request)));
    let receive = |request| incoming::receive(&app, request, |request| compress::api(request, handle));
    watch::watch(&app, request, receive).await
}

/// The handler's response; a panic is answered like a defect that was found.
async fn caught(response: impl Future<Output = Response>) -> Response {
    let panicked = |_| Problem::internal("a handler panicked").into_response();
    AssertUnwindSafe(response).catch_unwind().await.unwrap_or_else(panicked)
}

fn not_found(uri: &Uri, paths: &[String]) -> Problem {
    let path: String = uri.path().chars().take(128).collect();
    let hint = hint(&path, paths.iter().map(String::as_str));
    Problem::new(StatusCode::NOT_FOUND, "route_not_found", format!("Unknown path: {path}.{hint}"))
}

async fn method_not_allowed(request: Request) -> Problem {
    let method: String = request.method().as_str().chars().take(32).collect();
    let message = format!("{method} is not a method of this path; see the header Allow.");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}

async fn limit_time(limit: Duration, response: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(limit, response).await {
        Ok(response) => response,
        Err(_) => {
            let message =
                format!("The request took longer than {} s. Repeat it with the same Idempotency-Key.", limit.as_secs());
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "request_timeout", message).retry_after(1).into_response()
        }
    }
}

/// Browsers of the configured origins may call with bearer tokens.
fn cors(app: &Api) -> CorsLayer {
    let origins = app.settings.cors_origins.iter().filter_map(|origin| origin.parse().ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([
            axum::http::Method::GET,
            axum::http::Method::POST,
            axum::http::Method::PUT,
            axum::http::Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([
            header::ETAG,
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("idempotent-replayed"),
        ])
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::{contract, document};
    use paygen_app::Environment;

    fn published() -> Value {
        serde_json::from_str(&contract(Environment::Sandbox)).expect("JSON")
    }

    /// Recorded examples are reviewed where they are recorded.
    fn without_recorded(value: &mut Value) {
        if let Value::Object(members) = value {
            members.remove("example");
            members.values_mut().for_each(without_recorded);
        } else if let Value::Array(items) = value {
            items.iter_mut().for_each(without_recorded);
        }
    }

    /// The contract is a checked-in snapshot, so that its changes are reviewed. To accept a change, run the tests with
    /// `INSTA_UPDATE=always`.
    #[test]
    fn the_contract_is_the_one_that_was_reviewed() {
        let mut contract = published();
        without_recorded(&mut contract["paths"]);
        for change in changes(&reviewed(), &contract) {
            eprintln!("contract: {change}");
        }
        insta::assert_json_snapshot!("openapi", contract);
    }

    /// The contract that was reviewed last.
    fn reviewed() -> Value {
        let snapshot = include_str!("snapshots/paygen_api__router__tests__openapi.snap");
        let json = snapshot.splitn(3, "---\n").nth(2).expect("a head between two lines, then JSON");
        serde_json::from_str(json).expect("JSON")
    }

    /// Which operations and schemas were added, removed or changed: what a reviewer reads before 30,000 lines.
    fn changes(before: &Value, after: &Value) -> Vec<String> {
        let parts = |contract: &Value| -> BTreeMap<String, Value> {
            let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
            let operations = object(&contract["paths"]).into_iter().flat_map(|(path, item)| {
                let named = move |(method, operation): (String, Value)| {
                    (format!("{} {path}", method.to_uppercase()), operation)
                };
                object(&item).into_iter().map(named)
            });
            let schemas = object(&contract["components"]["schemas"]).into_iter();
            operations.chain(schemas.map(|(name, schema)| (format!("schema {name}"), schema))).collect()
        };
        let (before, after) = (parts(before), parts(after));
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let change = |name: &String| match (before.get(name), after.get(name)) {
            (None, Some(_)) => Some(format!("added {name}")),
            (Some(_), None) => Some(format!("removed {name}")),
            (one, other) if one != other => Some(format!("changed {name}")),
            _ => None,
        };
        names.into_iter().filter_map(change).collect()
    }

    #[test]
    fn changed_operations_and_schemas_are_named() {
        let contract = |amount: &str| {
            serde_json::json!({
                "paths": {"/cards": {"get": {"summary": amount}}, (format!("/{amount}")): {"post": {}}},
                "components": {"schemas": {"Card": {"type": "object"}}},
            })
        };
        let found = changes(&contract("a"), &contract("b"));
        assert_eq!(found, ["changed GET /cards", "removed POST /a", "added POST /b"]);
        assert!(changes(&contract("a"), &contract("a")).is_empty());
    }

    #[test]
    fn production_has_no_simulator() {
        let paths = |environment| document(environment).paths.paths;
        let simulated = |path: &&String| path.starts_with("/simulator");
        assert_eq!(paths(Environment::Production).keys().filter(simulated).count(), 0);
        let (all, real) = (paths(Environment::Sandbox), paths(Environment::Production));
        assert_eq!(all.keys().filter(|path| !simulated(path)).count(), real.len(), "and everything else");
        let text = serde_json::to_string(&document(Environment::Production)).expect("JSON");
        assert!(!text.contains("/simulator/"), "nor does it speak of one");
    }

    #[test]
    fn every_operation_is_complete() {
        let document = published();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let place = format!("{method} {path}");
                for field in ["summary", "description", "operationId"] {
                    assert!(operation[field].as_str().is_some_and(|text| !text.is_empty()), "{place}: {field}");
                }
                let responses = operation["responses"].as_object().expect("responses");
                for (status, response) in responses {
                    let shared = response["$ref"].as_str().and_then(|to| document.pointer(to.strip_prefix('#')?));
                    let response = shared.unwrap_or(response);
                    let json = &response["content"]["application/json"];
                    assert!(json.is_null() || json.get("example").is_some(), "{place}: {status} has no example");
                    assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{place}: {status}");
                }
                let body = &operation["requestBody"]["content"]["application/json"];
                assert!(body.is_null() || body.get("example").is_some(), "{place}: no example of the body");
                assert!(responses.keys().any(|status| status.starts_with('2')), "{place}: no success");
                assert!(responses.contains_key("503"), "{place}: no 503");
                assert!(operation.get("security").is_some(), "{place}: security");
            }
        }
    }
}
