//! `GET /users`, `GET /users/{userId}` and `GET /roles`.
//!
//! Users belong to the installation, and their roles are part of them. An installation has few of them, so those of a
//! client are chosen in memory, and the list then asks the store for these ids.

use paygen_core::people::PersonRefusal;
use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use paygen_core::Refusal;
use paygen_core::access::Scope;
use paygen_core::ids::{ClientId, UserId};
use paygen_core::people::{Role, User, UserSecret, UserView};
use paygen_engine::clock::wall;
use paygen_store::lists::users as columns;
use paygen_store::query::{Filter, Operand, Paging, Test};
use paygen_store::value::Value;
use serde::Serialize;

use crate::Api;
use crate::gate::{Allowed, Caller, USERS_READ};
use crate::lists::{self, ListParams, ListSpec};
use crate::path::PathId;
use crate::problem::{FieldProblem, Problem};
use crate::query::{NoParams, Query};
use crate::reply::{self, Envelope, ListEnvelope};

const SPEC: ListSpec = ListSpec::of::<UserView>(columns::FIELDS);

/// Whether a role passes a condition on the field `role`.
fn passes(role: Role, test: &Test) -> bool {
    let is = |operand: &Operand| *operand == Operand::Value(Value::from(role.as_str()));
    match test {
        Test::Eq(operand) => is(operand),
        Test::Ne(operand) => !is(operand),
        Test::In(operands) => operands.iter().any(is),
        Test::NotIn(operands) => !operands.iter().any(is),
        Test::Exists(exists) => *exists,
        // Words have no order, so such a condition is refused where it is read.
        Test::Gt(_) | Test::Gte(_) | Test::Lt(_) | Test::Lte(_) | Test::Between(..) => false,
    }
}

/// List users
///
/// The people who have a role in this client; those with a role for every client are among them.
#[utoipa::path(get, path = "/users", tag = "People", operation_id = "listUsers",
    params(ListParams),
    responses((status = 200, description = "The users.", body = ListEnvelope<UserView>)),
    security(("apiKey" = ["users:read"]), ("bearer" = ["users:read"])))]
pub async fn list_users(
    State(app): State<Api>,
    Allowed(caller): Allowed<USERS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    let client = caller.client;
    let mut list = lists::read(&SPEC, params, ClientId::INSTALLATION, Vec::new(), app.settings.list_timeout_ms)?;
    if list.query.order.iter().any(|order| order.column == columns::ROLE) {
        let message = "cannot sort by \"role\": it differs from client to client. Filter by it";
        return Err(Problem::invalid(vec![FieldProblem::new("sort", "invalid", message)]));
    }
    let (of_role, others): (Vec<Filter>, _) =
        list.query.filters.drain(..).partition(|filter| filter.column == columns::ROLE);
    let fits =
        |user: &User| user.role_in(client).is_some_and(|role| of_role.iter().all(|filter| passes(role, &filter.test)));
    let users = app.reader.users().await?;
    let ids = users.iter().filter(|user| fits(user)).map(|user| Operand::Value(user.id.0.into())).collect();
    list.query.filters = others;
    list.query.filters.push(Filter { column: columns::ID, test: Test::In(ids) });
    let page = app.reader.list::<columns::List>(&list.query).await?;
    let secrets = secrets_of(&app, &page.rows).await?;
    let (wall, none) = (wall(), UserSecret::default());
    list.reply(page, |user| UserView::of(user, secrets.get(&user.id).unwrap_or(&none), client, wall))
}

async fn secrets_of(app: &Api, users: &[User]) -> Result<HashMap<UserId, UserSecret>, Problem> {
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    Ok(app.reader.user_secrets_of(&ids).await?.into_iter().map(|secret| (secret.user, secret)).collect())
}

/// Retrieve a user
///
/// One user who has a role in this client.
#[utoipa::path(get, path = "/users/{userId}", tag = "People", operation_id = "getUser",
    params(("userId" = String, Path, description = "The user.", pattern = "^[0-9a-f]{24}$")),
    responses((status = 200, description = "The user.", body = Envelope<UserView>)),
    security(("apiKey" = ["users:read"]), ("bearer" = ["users:read"])))]
pub async fn get_user(
    State(app): State<Api>,
    Allowed(caller): Allowed<USERS_READ>,
    PathId(id): PathId<UserId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let (user, secret) = found(&app, &caller, id).await?;
    let view = UserView::of(&user, &secret, caller.client, wall());
    Ok(reply::versioned("User fetched successfully.", user.version, &view))
}

/// A user who has a role in the caller's client.
async fn found(app: &Api, caller: &Caller, id: UserId) -> Result<(User, UserSecret), Problem> {
    let found = app.reader.user(id).await?.filter(|(user, _)| user.role_in(caller.client).is_some());
    Ok(found.ok_or(Refusal::Person(PersonRefusal::NotFound))?)
}

/// A role: a named set of scopes.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoleDefinition)]
pub struct RoleView {
    /// The role.
    role: Role,
    /// What it is for.
    #[schema(example = "Reads everything and changes nothing.")]
    description: &'static str,
    /// Its scopes.
    scopes: Vec<Scope>,
}

const ROLES: ListSpec = ListSpec::of::<RoleView>(&[columns::ROLE_FIELD]).sorted_by("role");

impl RoleView {
    fn of(role: Role) -> RoleView {
        RoleView { role, description: role.sentence(), scopes: role.scopes().iter().collect() }
    }

    /// Whether a text stands in the role or in what it is for.
    fn has(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.role.as_str().contains(&text) || self.description.to_lowercase().contains(&text)
    }
}

/// List roles
///
/// Every role with its scopes, from what may do most. A user may do in a client what an API key with the scopes of their
/// role may. The list is short and has no cursor.
#[utoipa::path(get, path = "/roles", tag = "People", operation_id = "listRoles",
    params(ListParams),
    responses((status = 200, description = "The roles.", body = ListEnvelope<RoleView>)),
    security(("apiKey" = ["users:read"]), ("bearer" = ["users:read"])))]
pub async fn list_roles(
    State(app): State<Api>,
    Allowed(caller): Allowed<USERS_READ>,
    Query(params): Query,
) -> Result<Response, Problem> {
    let list = lists::read(&ROLES, params, caller.client, Vec::new(), app.settings.list_timeout_ms)?;
    let query = &list.query;
    let Paging::Page { page } = query.paging else {
        return Err(Problem::invalid(vec![FieldProblem::new("cursor", "invalid", "cannot be used here: use page")]));
    };
    let fits = |view: &RoleView| {
        query.filters.iter().all(|filter| passes(view.role, &filter.test))
            && query.search.as_ref().is_none_or(|search| view.has(&search.text))
    };
    let mut roles: Vec<RoleView> = Role::ALL.iter().copied().map(RoleView::of).filter(fits).collect();
    if query.order.iter().any(|order| order.descending) {
        roles.reverse();
    }
    let (limit, total) = (query.limit as usize, roles.len() as u64);
    let before = (page as usize - 1).saturating_mul(limit);
    list.reply_with(roles.into_iter().skip(before).take(limit), Some(total), None)
}
