//! `POST /accounts`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use paygen_core::access::Scope;
use paygen_core::accounts::{AccountStatus, AccountView, CategoryWord, CreateAccount};
use paygen_core::limits::NewLimit;
use paygen_core::money::{Currency, Decimal};
use paygen_core::view::Pictured;
use paygen_core::{Command, Outcome};

use super::bodies::CreateAccountBody;
use crate::Api;
use crate::body::{Body, Faults};
use crate::fields::Text;
use crate::gate::{ACCOUNTS_WRITE, Allowed, Caller};
use crate::limits::{SpendingLimits, of_account};
use crate::problem::Problem;
use crate::reply::Envelope;
use crate::write::{Success, Write, WriteParams};

/// Create an account
///
/// Creates an account in one currency. An opening `balance` is posted against the settlement account and requires the
/// scope `accounts:adjust`.
#[utoipa::path(post, path = "/accounts", tag = "Accounts", operation_id = "createAccount",
    request_body = CreateAccountBody,
    params(WriteParams),
    responses((status = 201, description = "The account.", body = Envelope<AccountView>)),
    security(("apiKey" = ["accounts:write"]), ("bearer" = ["accounts:write"])))]
pub async fn create_account(
    State(app): State<Api>,
    Allowed(caller): Allowed<ACCOUNTS_WRITE>,
    write: Write,
    body: Body<CreateAccountBody>,
) -> Result<Response, Problem> {
    same_client(body.value.client.as_ref().map(Text::as_str), &caller)?;
    let command = Command::CreateAccount(command(body.value, &caller)?);
    let success = Success::new(StatusCode::CREATED, "Account created successfully.", shown);
    write.perform(&app, &caller, &body.canonical, command, success).await
}

fn command(mut body: CreateAccountBody, caller: &Caller) -> Result<CreateAccount, Problem> {
    let limits = body.spending_limits.take();
    let limits = limits.map(|limits| limits_in(limits, body.currency.as_str(), body.category)).transpose()?;
    Ok(CreateAccount {
        owner_type: body.owner_type.into(),
        owner_id: body.owner_id.map(Into::into),
        name: body.name.into(),
        kind: body.kind,
        category: body.category,
        currency: body.currency.into(),
        status: body.status.unwrap_or(AccountStatus::Active),
        network: body.network.map(Into::into),
        balance: body.balance.unwrap_or(Decimal::ZERO),
        credit_limit: body.credit_limit.unwrap_or(Decimal::ZERO),
        can_debit: body.can_debit.unwrap_or(true),
        can_credit: body.can_credit.unwrap_or(true),
        metadata: body.metadata.map(Into::into),
        limits: limits.map(|(_, limits)| limits).unwrap_or_default(),
        may_adjust: caller.scopes.has(Scope::AccountsAdjust),
    })
}

/// Limits in a currency that a body names. The command refuses an unknown one.
pub(super) fn limits_in(
    limits: SpendingLimits,
    code: &str,
    category: CategoryWord,
) -> Result<(Currency, Vec<NewLimit>), Problem> {
    let currency = Currency::find(code, category.into()).unwrap_or_else(Currency::us_dollar);
    let mut faults = Faults::new();
    let limits = of_account(limits, currency, "/spendingLimits", &mut faults);
    limits.map(|limits| (currency, limits)).ok_or_else(|| Problem::invalid(faults))
}

/// The account of a command's outcome.
pub(super) fn shown(outcome: &Outcome) -> Option<Pictured<AccountView>> {
    match outcome {
        Outcome::Account(view) => Some(view.clone()),
        _ => None,
    }
}

/// `client` in a body is optional and must be the credential's client.
pub(super) fn same_client(client: Option<&str>, caller: &Caller) -> Result<(), Problem> {
    match client {
        Some(named) if named != caller.client.to_string() => {
            let message = "client must be the credential's own client. Leave it out: it is taken from the credential.";
            Err(Problem::new(StatusCode::FORBIDDEN, "client_mismatch", message).field(
                "/client",
                "client_mismatch",
                message,
            ))
        }
        _ => Ok(()),
    }
}
