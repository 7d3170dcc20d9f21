//! The OpenAPI document: generated from the handlers, then completed with what every operation shares.

use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Document31, Ref, RefOr};

use super::problem::{ErrorBody, ErrorEnvelope, FieldProblem};

/// Title, tags and shared schemas.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Paygen Cards API", description = "A self-hosted card-issuing platform: accounts, transfers, the ledger, card holders, cards, events and access.", license(name = "Apache-2.0", identifier = "Apache-2.0")),
    tags(
        (name = "Accounts", description = "Who holds money, and where it came from."),
        (name = "Transfers", description = "Money moved between accounts."),
        (name = "Card holders", description = "Who holds cards, and their documents."),
        (name = "Cards", description = "Issued to card holders, funded from accounts, controlled, revealed and replaced."),
        (name = "Authorizations", description = "Payments asked for, how they were decided, what became of them."),
        (name = "Transactions", description = "What was posted to cards, and what did not fit."),
        (name = "Events", description = "What happened, in order."),
        (name = "Access", description = "API keys, bearer tokens, the audit log."),
        (name = "Simulator", description = "Simulated money and the test clock; the sandbox only."),
        (name = "Operations", description = "Health and metrics."),
    ),
    components(schemas(ErrorEnvelope, ErrorBody, FieldProblem)),
)]
pub struct Document;

const ERRORS: &[(&str, &str)] = &[
    ("400", "The request is malformed or invalid; every wrong field is named."),
    ("401", "The credential is missing, unknown, revoked or expired."),
    ("403", "The credential lacks the scope, or does not work from this address."),
    ("404", "There is no such object for this client."),
    ("409", "The object's state or a key is in the way."),
    ("412", "If-Match names another version than the stored one."),
    ("413", "The body is too large."),
    ("415", "The body is of a type that this call does not read."),
    ("422", "A rule refuses the request, such as insufficient funds."),
    ("429", "Too many requests; see Retry-After."),
    ("500", "Something went wrong on our side."),
    ("503", "Not ready, overloaded, or the query is too broad; see Retry-After."),
];

/// Completes the generated document: credentials, the error answers of every operation, descriptions.
pub fn finish(mut document: Document31) -> Document31 {
    let components = document.components.get_or_insert_with(Default::default);
    let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        "x-api-key",
        "An API key, server to server. The header apikey and the query parameter apiKey work too.",
    )));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("A short-lived token made with POST /auth/tokens."));
    components.add_security_scheme("apiKey", key);
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    for (path, item) in &mut document.paths.paths {
        let reads = item.get.as_mut().map(|operation| (operation, false));
        let writes = [&mut item.post, &mut item.put, &mut item.delete];
        let writes = writes.into_iter().filter_map(Option::as_mut).map(|operation| (operation, true));
        for (operation, writing) in reads.into_iter().chain(writes) {
            add_errors(operation, path, writing);
            // Files cannot be tried out.
            let uploads = operation.operation_id.as_deref() == Some("uploadCardHolderDocuments");
            if writing && !uploads && !is_open(operation) {
                add_dry_run(operation);
            }
        }
    }
    document
}

/// Whether an operation needs no credential of its own.
fn is_open(operation: &Operation) -> bool {
    operation.security.as_ref().is_some_and(|security| security.iter().all(|one| *one == Default::default()))
}

fn add_errors(operation: &mut Operation, path: &str, writing: bool) {
    let open = is_open(operation);
    let has_body = operation.request_body.is_some();
    for (status, description) in ERRORS {
        let fits = match *status {
            "401" | "403" | "429" => !open,
            "400" => !open,
            "404" => path.contains('{') || writing && names_others(path),
            "409" | "412" | "422" => writing,
            "413" => writing,
            "415" => has_body,
            _ => true,
        };
        if fits && !operation.responses.responses.contains_key(*status) {
            operation.responses.responses.insert((*status).to_owned(), RefOr::T(error(description)));
        }
    }
}

/// Whether the body of a call names objects that may not be there.
fn names_others(path: &str) -> bool {
    let simulated = path.starts_with("/simulator/") && path != "/simulator/clock";
    simulated || ["/transfers", "/auth/tokens", "/cards", "/cards/lookup"].contains(&path)
}

fn error(description: &str) -> Response {
    let mut response = Response::new(description);
    let schema = RefOr::<Schema>::Ref(Ref::from_schema_name("ErrorEnvelope"));
    response.content.insert("application/json".to_owned(), RefOr::T(Content::new(Some(schema))));
    response
}

fn add_dry_run(operation: &mut Operation) {
    let parameter = ParameterBuilder::new()
        .name("dryRun")
        .parameter_in(ParameterIn::Query)
        .description(Some("All rules, the would-be result, nothing stored."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::Boolean)));
    operation.parameters.get_or_insert_with(Vec::new).push(RefOr::T(parameter.build()));
}
