//! The OpenAPI document: generated from the handlers, then completed with the parts that every operation shares.

use std::collections::{BTreeMap, BTreeSet};

use paygen_core::catalogue::body_schema;
use paygen_core::events::EventType;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{ArrayItems, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, OpenApi as Document31, Ref, RefOr};

use super::examples;
use super::problem::{ErrorBody, ErrorEnvelope, FieldProblem};

/// Title, tags and shared schemas.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Paygen Cards API", description = include_str!("introduction.md"), contact(name = "Paygen", url = "https://github.com/paygen/paygen"), license(name = "Apache-2.0", identifier = "Apache-2.0")),
    servers((url = "/", description = "This server.")),
    tags(
        (name = "Accounts", description = "An account holds money of one owner in one currency. Its balance is the sum of its ledger lines, which are chained by hashes. Held amounts are reserved for approved payments and reduce the available balance."),
        (name = "Transfers", description = "Movements between two accounts of the same currency, in one ledger entry. A transfer can be reversed, fully or partially."),
        (name = "Card holders", description = "People that cards are issued to. Personal data and documents are encrypted at rest, reviewed by you, and erased after their retention period."),
        (name = "Programs", description = "What cards have in common: number ranges, fees, rates, holds, controls that each card inherits, and limits of all its cards together."),
        (name = "Cards", description = "Cards are issued to a card holder and funded by an account. They can be limited, frozen, replaced and canceled; the number is revealed once for a token, as JSON or on a hosted page."),
        (name = "Authorizations", description = "Payments requested by merchants. Every check of a decision can be read, with the observed values and what would have made it pass."),
        (name = "Transactions", description = "Transactions posted to cards: clearings, refunds, fees. Late and unmatched messages are posted too, and listed as exceptions that need an operator's attention."),
        (name = "Events", description = "Every change emits an event. An event belongs to one object; numbers and positions have no gaps, so that nothing can be missed. Events are listed, streamed, and delivered to webhooks."),
        (name = "Webhooks", description = "Your endpoints for events. Deliveries are signed, in order for each object, and retried until they succeed."),
        (name = "Responders", description = "Your code that decides payments in real time. A payment that the built-in checks approve is held while the responder is asked; what it answers within its time limit counts, otherwise its fallback."),
        (name = "Access", description = "API keys with scopes, short-lived bearer tokens that can be restricted to a card holder, and the audit log."),
        (name = "Approvals", description = "Actions that nobody does alone: a policy names them, a call for one of them is answered 202 and kept, and it is made when enough other people have approved it."),
        (name = "People", description = "Users of the console. Each has a role in a client, which is a set of scopes; they sign in with a password that they choose with a one-time link."),
        (name = "Simulator", description = "Simulates the card network, the bank and time. Sandbox only."),
        (name = "Operations", description = "For operators: health, readiness, metrics."),
    ),
    components(schemas(ErrorEnvelope, ErrorBody, FieldProblem)),
)]
pub struct Document;

const ERRORS: &[(&str, &str)] = &[
    ("400", "The request is malformed or invalid; every invalid field is named."),
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

/// Operations that are answered 202 where the client's policy asks others.
const APPROVABLE: &[&str] = &[
    "createAccount",
    "updateAccount",
    "closeAccount",
    "createTransfer",
    "reverseTransfer",
    "createCard",
    "fundCard",
    "withdrawFromCard",
    "updateCard",
    "unblockCardPin",
    "createProgram",
    "updateProgram",
    "archiveProgram",
    "createResponder",
    "updateResponder",
    "deleteResponder",
    "resolveException",
    "createApiKey",
    "rotateApiKey",
    "createUser",
    "issueUserLink",
    "updateUser",
    "removeUser",
    "setApprovalPolicy",
];

/// Completes the generated document: credentials, the error responses of every operation, descriptions.
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
    for (status, description) in ERRORS {
        components.responses.insert(format!("Error{status}"), RefOr::T(error(status, description)));
    }
    components.responses.insert("Waits".to_owned(), RefOr::T(waits()));
    components.add_security_scheme("apiKey", key);
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    let mut webhooks = PathsBuilder::new();
    for kind in EventType::ALL {
        let (body, named) = body_schema(*kind);
        for (name, schema) in named {
            components.schemas.entry(name).or_insert(schema);
        }
        webhooks = webhooks.path(kind.as_str(), PathItem::new(HttpMethod::Post, sent(*kind, body)));
    }
    document.webhooks = Some(webhooks.build());
    name_what_envelopes_hold(&mut components.schemas);
    for (path, item) in &mut document.paths.paths {
        let reads = item.get.as_mut().map(|operation| (operation, false));
        let writes = [&mut item.post, &mut item.put, &mut item.delete];
        let writes = writes.into_iter().filter_map(Option::as_mut).map(|operation| (operation, true));
        for (operation, writing) in reads.into_iter().chain(writes) {
            add_errors(operation, path, writing);
            // Uploads of files have no dry run.
            let uploads = operation.operation_id.as_deref() == Some("uploadCardHolderDocuments");
            if writing && !uploads && !is_open(operation) {
                add_dry_run(operation);
            }
            if operation.operation_id.as_deref().is_some_and(|id| APPROVABLE.contains(&id)) {
                let shared = RefOr::Ref(Ref::from_response_name("Waits"));
                operation.responses.responses.insert("202".to_owned(), shared);
            }
            add_scopes(operation);
            show_errors(operation);
        }
    }
    document
}

/// Scopes are in `security` for programs; people read descriptions.
fn add_scopes(operation: &mut Operation) {
    let security = serde_json::to_value(&operation.security).unwrap_or_default();
    let mut scopes: Vec<&str> = security
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_object)
        .flat_map(|one| one.values())
        .filter_map(serde_json::Value::as_array)
        .flatten()
        .filter_map(serde_json::Value::as_str)
        .collect();
    scopes.dedup();
    scopes.sort_unstable();
    scopes.dedup();
    if !scopes.is_empty() {
        let description = operation.description.get_or_insert_default();
        description.push_str(&format!("\n\nScope: `{}`.", scopes.join("`, `")));
    }
}

/// Errors that an operation describes itself get the example of their status.
fn show_errors(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if let Some(RefOr::T(content)) = response.content.get_mut("application/json")
            && content.example.is_none()
        {
            content.example = examples::of_error(status);
        }
    }
}

/// Replaces the copies of objects in envelopes by references: they are shorter, and tools then know the object by its
/// name.
fn name_what_envelopes_hold(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let names: BTreeSet<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas.iter_mut() {
        let Some(held) = name.strip_prefix("Envelope_").or_else(|| name.strip_prefix("ListEnvelope_")) else {
            continue;
        };
        let held = held.strip_prefix("Vec_").or_else(|| held.strip_prefix("Option_")).unwrap_or(held);
        let RefOr::T(Schema::Object(envelope)) = schema else { continue };
        let Some(data) = envelope.properties.get_mut("data").filter(|_| names.contains(held)) else { continue };
        let reference = RefOr::Ref(Ref::from_schema_name(held));
        match data {
            RefOr::T(Schema::Array(list)) => list.items = ArrayItems::RefOrSchema(Box::new(reference)),
            RefOr::T(Schema::OneOf(choices)) if choices.items.len() == 2 => choices.items[1] = reference,
            one => *one = reference,
        }
    }
}

/// The request sent to an endpoint that subscribes to events of this type.
fn sent(kind: EventType, body: serde_json::Value) -> Operation {
    let schema: RefOr<Schema> = serde_json::from_value(body).expect("the catalogue has schemas");
    let body = RequestBodyBuilder::new().content("application/json", Content::new(Some(schema)));
    OperationBuilder::new()
        .tag("Events")
        .summary(Some(kind.as_str()))
        .request_body(Some(body.build()))
        .response("200", Response::new("Any 2xx: it was taken."))
        .build()
}

/// Whether an operation needs no credential.
fn is_open(operation: &Operation) -> bool {
    operation.security.as_ref().is_some_and(|security| security.iter().all(|one| *one == Default::default()))
}

fn add_errors(operation: &mut Operation, path: &str, writing: bool) {
    let open = is_open(operation);
    let has_body = operation.request_body.is_some();
    for (status, _) in ERRORS {
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
            let shared = RefOr::Ref(Ref::from_response_name(format!("Error{status}")));
            operation.responses.responses.insert((*status).to_owned(), shared);
        }
    }
}

/// Whether a call's body refers to objects that may not exist.
fn names_others(path: &str) -> bool {
    let simulated = path.starts_with("/simulator/") && path != "/simulator/clock";
    simulated || ["/transfers", "/auth/tokens", "/cards", "/cards/lookup"].contains(&path)
}

/// The answer of a call that waits for the approval of others.
fn waits() -> Response {
    let mut response = Response::new("The client's policy asks others first: the call is kept as an approval.");
    let schema = RefOr::<Schema>::Ref(Ref::from_schema_name("Envelope_Approval"));
    let mut content = Content::new(Some(schema));
    content.example = Some(examples::of_approval());
    response.content.insert("application/json".to_owned(), RefOr::T(content));
    response
}

fn error(status: &str, description: &str) -> Response {
    let mut response = Response::new(description);
    let schema = RefOr::<Schema>::Ref(Ref::from_schema_name("ErrorEnvelope"));
    let mut content = Content::new(Some(schema));
    content.example = examples::of_error(status);
    response.content.insert("application/json".to_owned(), RefOr::T(content));
    response
}

fn add_dry_run(operation: &mut Operation) {
    let parameter = ParameterBuilder::new()
        .name("dryRun")
        .parameter_in(ParameterIn::Query)
        .description(Some("Validates the request and returns the result without saving it."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::Boolean)));
    operation.parameters.get_or_insert_with(Vec::new).push(RefOr::T(parameter.build()));
}
