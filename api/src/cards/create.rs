//! `POST /cards`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::Command;
use paygen_core::cards::{CardStatus, CardView, CreateCard, FundingMode};
use paygen_core::limits::NewControls;
use paygen_core::money::{Category, Currency};
use paygen_core::programs::Program;

use super::bodies::{CreateCardBody, FirstStatus};
use super::{controls, shown};
use crate::Api;
use crate::body::Body;
use crate::card_currency::CardCurrency;
use crate::gate::{CARDS_WRITE, Caller, Unbound};
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{MAX_ATTEMPTS, Success, Write, WriteParams, contended};
use paygen_app::card_numbers;

/// Create a card
///
/// Issues a card to a card holder, funded by an account. An `amount` is moved from the account to the card in the same
/// transaction; if that fails, no card is issued.
#[utoipa::path(post, path = "/cards", tag = "Cards", operation_id = "createCard",
    request_body = CreateCardBody,
    params(WriteParams),
    responses((status = 201, description = "The card.", body = Envelope<CardView>)),
    security(("apiKey" = ["cards:write"]), ("bearer" = ["cards:write"])))]
pub async fn create_card(
    State(app): State<Api>,
    Unbound(caller): Unbound<CARDS_WRITE>,
    write: Write,
    body: Body<CreateCardBody>,
) -> Result<Response, Problem> {
    let mut command = match command(&app, &caller, body.value).await {
        Ok(command) => command,
        Err(trouble) => return write.or_replay(&app, &caller, &body.canonical, trouble).await,
    };
    for _ in 0..MAX_ATTEMPTS {
        let attempt = Command::CreateCard(Box::new(command.clone()));
        let success = Success::new(StatusCode::CREATED, "Card created successfully.", shown);
        if let Some(response) = write.attempt(&app, &caller, &body.canonical, attempt, success).await? {
            return Ok(response);
        }
        command.id = card_numbers::new_card_id(&app);
        let program = card_numbers::program(&app, caller.client, command.program).await?;
        command.number = card_numbers::draw(&app, &program, command.id, command.brand)?;
    }
    Err(contended())
}

/// The currency of a new card: the named one, that of its program, or US dollars.
fn currency_of(named: Option<CardCurrency>, program: &Program) -> Result<Currency, Problem> {
    if let (None, Some(currency)) = (named, program.settings.currency) {
        return Ok(currency);
    }
    let code = named.unwrap_or(CardCurrency::Usd).as_str();
    let found = Currency::find(code, Category::Fiat);
    found.ok_or_else(|| Problem::internal(format!("{code}, a currency of cards, is not known")))
}

async fn command(app: &Api, caller: &Caller, body: CreateCardBody) -> Result<CreateCard, Problem> {
    let id = card_numbers::new_card_id(app);
    let program = card_numbers::program(app, caller.client, body.program_id).await?;
    let currency = currency_of(body.currency, &program)?;
    let controls = body.spending_controls.map(|controls| controls::of_card(controls, currency)).transpose()?;
    let number = card_numbers::draw(app, &program, id, body.brand)?;
    Ok(CreateCard {
        id,
        debit_account: body.debit_account_id,
        card_holder: body.card_holder_id,
        program: body.program_id,
        kind: body.kind,
        brand: body.brand,
        status: match body.status {
            FirstStatus::Active => CardStatus::Active,
            FirstStatus::Inactive => CardStatus::Inactive,
        },
        currency,
        metadata: body.metadata.map(Into::into),
        controls: controls.unwrap_or_else(NewControls::default),
        enable_2fa: body.enable_2fa.unwrap_or(true),
        amount: body.amount,
        disposable: body.disposable.unwrap_or(false),
        funding_mode: body.funding_mode.or(program.settings.funding_mode).unwrap_or(FundingMode::Prefunded),
        valid_from: body.valid_from,
        valid_until: body.valid_until.map(Into::into),
        merchant_lock: body.merchant_lock.unwrap_or(false),
        cancel_after: body.cancel_after.map(|after| after.payments.0),
        number,
        expiry: card_numbers::expiry(app, &program),
        verified_only: app.settings.verified_to_issue,
    })
}
