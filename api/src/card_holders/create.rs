//! `POST /card-holders`.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::card_holders::{
    CardHolderStatus, CardHolderView, CreateCardHolder, DocumentPart, IdentificationView, NewDocument, Personal,
};
use paygen_core::ids::CardHolderId;
use paygen_core::limits::NewLimit;
use paygen_core::time::Instant;
use paygen_core::{Command, Outcome};

use super::bodies::{AddressBody, CreateCardHolderBody, CreateForm, PersonBody};
use super::form::{self, Form, FormSpec};
use super::{merge, refuse};
use crate::Api;
use crate::body::{self, Change, Faults, Fields, Members};
use crate::gate::{CARD_HOLDERS_WRITE, Unbound};
use crate::limits;
use crate::problem::{FieldProblem, Problem};
use crate::reply::Envelope;
use crate::write::{Success, Write, WriteParams};
use paygen_app::personal;
use paygen_edge::json::Json;

/// A flat field of the quickstart, and the nested field it stands for.
const FLAT: &[(&str, &str, &str)] = &[
    ("firstName", "person", "firstName"),
    ("lastName", "person", "lastName"),
    ("email", "person", "email"),
    ("phoneNumber", "person", "phoneNumber"),
    ("addressLine1", "address", "line1"),
    ("city", "address", "city"),
    ("state", "address", "state"),
    ("postalCode", "address", "postalCode"),
    ("country", "address", "countryCode"),
];

const FORM: FormSpec = FormSpec {
    texts: &[
        "name",
        "status",
        "firstName",
        "lastName",
        "email",
        "phoneNumber",
        "addressLine1",
        "city",
        "state",
        "postalCode",
        "country",
    ],
    json: &["person", "address", "identification", "meta", "metadata", "spendingLimits"],
};

/// Create a card holder
///
/// Required are a name, full or as first and last name, and an e-mail address or a phone number. A form may also
/// contain the files of an identity document and of a proof of address: JPEG, PNG or PDF, at most 10 MiB each.
#[utoipa::path(post, path = "/card-holders", tag = "Card holders", operation_id = "createCardHolder",
    request_body(content((CreateForm = "multipart/form-data"), (CreateCardHolderBody = "application/json"))),
    params(WriteParams),
    responses((status = 201, description = "The card holder.", body = Envelope<CardHolderView>)),
    security(("apiKey" = ["card-holders:write"]), ("bearer" = ["card-holders:write"])))]
pub async fn create_card_holder(
    State(app): State<Api>,
    Unbound(caller): Unbound<CARD_HOLDERS_WRITE>,
    write: Write,
    request: Request,
) -> Result<Response, Problem> {
    let id = CardHolderId(paygen_app::new_id_maker().next(app.clock.now()));
    let (key, kept) = app.vault.new_holder_key(caller.client.0.bytes(), id.0.bytes());
    let form = if form::is_form(&request) {
        form::no_dry_run(&write)?;
        form::read(&app, request, &FORM, (caller.client, id), &key).await?
    } else {
        Form::without_files(&app, body::read_json(request).await?)
    };
    let content = form.canonical();
    if let Some(answer) = write.replay_if_kept(&app, &caller, &content).await? {
        return Ok(answer);
    }
    let Form { json, files, faults, staged } = form;
    let new = read(&json, app.clock.now(), faults)?;
    let is_proof = |file: &NewDocument| file.part == DocumentPart::ProofOfAddress;
    let comes = (files.iter().any(|file| !is_proof(file)), files.iter().any(is_proof));
    let command = Command::CreateCardHolder(Box::new(CreateCardHolder {
        id,
        name: new.name,
        key: kept,
        personal: personal::seal(&app.vault, caller.client, id, &key, &new.personal, comes),
        status: new.status,
        metadata: new.metadata,
        limits: new.limits,
        documents: files,
    }));
    let success = Success::new(StatusCode::CREATED, "Card holder created successfully.", shown(&app)).about(id, key);
    staged.give(write.perform(&app, &caller, &content, command, success)).await
}

/// Shows the card holder of a command's outcome.
pub(super) fn shown(app: &Api) -> impl Fn(&Outcome) -> Option<CardHolderView> + Send + Sync + 'static {
    let (vault, clock) = (app.vault.clone(), app.clock.clone());
    move |outcome| match outcome {
        Outcome::CardHolder(holder) => personal::show(&vault, holder, clock.now()).ok(),
        _ => None,
    }
}

/// A card holder to be created.
struct NewCardHolder {
    name: String,
    personal: Personal,
    status: CardHolderStatus,
    metadata: Option<String>,
    limits: Vec<NewLimit>,
}

/// Parses a new card holder; every wrong field is reported.
fn read(json: &Json, now: Instant, mut faults: Faults) -> Result<NewCardHolder, Problem> {
    let new = Members::of(json, "", &mut faults).and_then(|members| {
        contradictions(&members, &mut faults);
        has_name(&members, &mut faults);
        CreateCardHolderBody::read(members, &mut faults)
    });
    let new = new.map(|body| build(body, now, &mut faults));
    match new {
        Some(new) if faults.is_empty() => Ok(new),
        _ => Err(refuse(faults)),
    }
}

fn nested<'a>(members: &Members<'a>, part: &str, name: &str) -> Option<&'a Json> {
    members.get(part).and_then(|inner| inner.member(name))
}

/// A value given both flat and nested must be the same.
fn contradictions(members: &Members<'_>, faults: &mut Faults) {
    for (flat, part, name) in FLAT {
        if let (Some(one), Some(other)) = (members.get(flat), nested(members, part, name))
            && one != other
        {
            let message = format!("says something else than /{part}/{name}; send one of them");
            faults.push(FieldProblem::new(format!("/{flat}"), "contradiction", message));
            let message = format!("says something else than /{flat}; send one of them");
            faults.push(FieldProblem::new(format!("/{part}/{name}"), "contradiction", message));
        }
    }
}

fn has_name(members: &Members<'_>, faults: &mut Faults) {
    let given = |flat: &str| nested(members, "person", flat).or_else(|| members.get(flat)).is_some();
    let named = members.get("name").is_some() || given("firstName") && given("lastName");
    if !named {
        let message = "is required, or person.firstName and person.lastName";
        faults.push(FieldProblem::new("/name", "required", message));
    }
}

fn build(body: CreateCardHolderBody, now: Instant, faults: &mut Faults) -> NewCardHolder {
    let mut personal = Personal::default();
    let nothing = IdentificationView::default();
    let flat = PersonBody {
        first_name: body.first_name,
        last_name: body.last_name,
        email: body.email,
        phone_number: body.phone_number,
        date_of_birth: Change::Keep,
        gender: Change::Keep,
        nationality: Change::Keep,
    };
    merge::person(&mut personal.person, flat);
    let flat = AddressBody {
        line1: body.address_line1,
        city: body.city,
        state: body.state,
        postal_code: body.postal_code,
        country_code: body.country,
    };
    merge::address(&mut personal.address, flat);
    // A null part has no effect: there is nothing to clear.
    if let Change::Set(body) = body.person {
        merge::person(&mut personal.person, body);
    }
    if let Change::Set(body) = body.address {
        merge::address(&mut personal.address, body);
    }
    if let Change::Set(body) = body.identification {
        merge::identification(&mut personal.identification, body, &nothing, faults);
    }
    if let Change::Set(body) = body.meta {
        merge::meta(&mut personal.meta, body);
    }
    merge::check(&personal, now, faults);
    let limits = body.spending_limits.and_then(|limits| limits::of_card_holder(limits, "/spendingLimits", faults));
    let derived = || {
        let names = [&personal.person.first_name, &personal.person.last_name];
        names.into_iter().flatten().cloned().collect::<Vec<String>>().join(" ")
    };
    NewCardHolder {
        name: body.name.map(Into::into).unwrap_or_else(derived),
        status: body.status.unwrap_or(CardHolderStatus::Active),
        metadata: body.metadata.map(Into::into),
        limits: limits.unwrap_or_default(),
        personal,
    }
}
