//! Authentication of callers by API key or bearer token, and what a caller may see and do.

use std::net::IpAddr;
use std::sync::Arc;

use paygen_core::access::{Actor, Client, ClientStatus, Granter, Scope, Scopes, Token};
use paygen_core::ids::{ApiKeyId, CardHolderId, CardId, ClientId, UserId};
use paygen_core::people::{Role, UserStatus};
use paygen_core::record::Key;
use paygen_core::time::Instant;
use paygen_core::work::Context;
use paygen_engine::clock::wall;
use paygen_store::StoreError;
use paygen_store::query::{Filter, ListColumn};

use crate::credentials::{KnownKey, Rejected};
use crate::tokens::{self, TokenError};
use crate::{App, Environment};

/// The one card holder or card to which a bearer token is restricted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The card holder, with all their cards.
    pub card_holder: Option<CardHolderId>,
    pub card: Option<CardId>,
}

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client whose objects the caller sees.
    pub client: ClientId,
    /// The credential, as the audit log names it.
    pub actor: Actor,
    pub scopes: Scopes,
    pub address: IpAddr,
    /// The restriction of a token to one card holder or card.
    pub bound: Option<Bound>,
    /// Whether personal data of card holders is masked.
    pub is_masked: bool,
    /// Expiry of the token, in wall time; `None` for an API key.
    pub token_until: Option<Instant>,
    /// The API key, or for a token the API key it was issued with; `None` for a user.
    key: Option<Arc<KnownKey>>,
}

/// The scopes a token restricted to one card holder or card can use.
const BOUND_SCOPES: &[Scope] = &[
    Scope::CardHoldersRead,
    Scope::CardHoldersWrite,
    Scope::CardsRead,
    Scope::CardsWrite,
    Scope::CardsReveal,
    Scope::AuthorizationsRead,
];

/// Why a caller may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The credential lacks this scope.
    Scope(Scope),
    /// The token is restricted to one card holder or card.
    Bound,
    /// API keys and users are not created with bearer tokens: they would outlive the token.
    ApiKeyRequired,
    /// Tokens are issued with API keys only: they end with them.
    NoKey,
}

/// Why a credential is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAuthenticated {
    /// No API key has this hash.
    KeyUnknown,
    /// A sandbox key, used in production.
    KeyOfSandbox,
    /// The API key, or the one a token was issued with, is no longer valid.
    Key(Rejected),
    /// The API key is not allowed from this address.
    Address(IpAddr),
    /// The bearer token was not issued by this server, or was altered.
    TokenUnknown,
    TokenExpired,
    TokenRevoked,
    /// The API key that the token was issued with does not exist.
    TokenKeyUnknown,
}

impl NotAuthenticated {
    /// Whether the credential may be a guess: such failures are counted and rate limited by address.
    pub fn may_be_guess(self) -> bool {
        matches!(self, NotAuthenticated::KeyUnknown | NotAuthenticated::KeyOfSandbox | NotAuthenticated::TokenUnknown)
    }
}

/// Why authentication failed.
#[derive(Debug)]
pub enum AuthenticationError {
    Rejected(NotAuthenticated),
    Store(StoreError),
}

impl From<NotAuthenticated> for AuthenticationError {
    fn from(rejected: NotAuthenticated) -> AuthenticationError {
        AuthenticationError::Rejected(rejected)
    }
}

impl From<StoreError> for AuthenticationError {
    fn from(error: StoreError) -> AuthenticationError {
        AuthenticationError::Store(error)
    }
}

impl Caller {
    /// Refuses a caller who lacks a scope, or whose token's restriction excludes it.
    pub fn needs(&self, scope: Scope) -> Result<(), Denied> {
        if !self.scopes.has(scope) {
            return Err(Denied::Scope(scope));
        }
        if BOUND_SCOPES.contains(&scope) { Ok(()) } else { self.unbound() }
    }

    /// Refuses a caller restricted to one card holder or card: for calls that issue cards or move money.
    pub fn unbound(&self) -> Result<(), Denied> {
        match self.bound {
            None => Ok(()),
            Some(_) => Err(Denied::Bound),
        }
    }

    /// The rights the caller can pass on to a key or user they create. An API key or a user is required.
    pub fn granter(&self) -> Result<Granter, Denied> {
        if self.token_until.is_some() {
            return Err(Denied::ApiKeyRequired);
        }
        let Some(key) = &self.key else {
            return Ok(Granter { scopes: self.scopes, until: None, networks: Vec::new() });
        };
        let key = &key.key;
        // The key falls due at its expiry, or at the end of its overlap after a rotation.
        let until = key.due_at.or(key.expires_at);
        Ok(Granter { scopes: self.scopes, until, networks: key.allowed_ips.clone() })
    }

    /// The API key, or for a token the API key it was issued with.
    pub fn api_key(&self) -> Result<ApiKeyId, Denied> {
        self.key.as_ref().map(|key| key.key.id).ok_or(Denied::NoKey)
    }

    /// A user with their role in a client.
    pub fn of_user(client: ClientId, user: UserId, role: Option<Role>, address: IpAddr) -> Caller {
        let actor = Actor::User(user);
        let scopes = role.map(Role::scopes).unwrap_or_default();
        let is_masked = role.is_none_or(Role::masks_personal_data);
        Caller { client, actor, scopes, address, bound: None, is_masked, token_until: None, key: None }
    }

    /// A caller with this API key and these scopes.
    fn new(key: Arc<KnownKey>, scopes: Scopes, address: IpAddr) -> Caller {
        Caller {
            client: key.key.client,
            actor: Actor::ApiKey(key.key.id),
            scopes,
            address,
            bound: None,
            is_masked: false,
            token_until: None,
            key: Some(key),
        }
    }

    /// Whether the caller sees this card holder; one they do not see is answered as not found.
    pub fn sees_holder(&self, id: CardHolderId) -> bool {
        self.bound.is_none_or(|bound| bound.card_holder == Some(id))
    }

    /// Whether the caller sees this card; one they do not see is answered as not found.
    pub fn sees_card(&self, id: CardId, holder: CardHolderId) -> bool {
        let fits = |bound: Bound| {
            bound.card.is_none_or(|card| card == id) && bound.card_holder.is_none_or(|known| known == holder)
        };
        self.bound.is_none_or(fits)
    }

    /// The filters that restrict a list to the rows the caller sees, given its card and card holder columns.
    pub fn only_seen(&self, card: ListColumn, card_holder: ListColumn) -> Vec<Filter> {
        let bound = self.bound;
        let card = bound.and_then(|bound| bound.card).map(|id| Filter::equals(card, id.0));
        let holder = bound.and_then(|bound| bound.card_holder).map(|id| Filter::equals(card_holder, id.0));
        card.into_iter().chain(holder).collect()
    }

    /// The context of a command that the caller submits in this request.
    pub fn context(&self, request_id: Arc<str>) -> Context {
        Context { client: self.client, actor: self.actor, request_id, address: Some(self.address), action: "" }
    }
}

impl App {
    /// Authenticates an API key given as text.
    pub async fn authenticate_key(&self, key: &str, address: IpAddr) -> Result<Caller, AuthenticationError> {
        if self.environment == Environment::Production && paygen_vault::ApiKeySecret::is_of_sandbox(key) {
            return Err(NotAuthenticated::KeyOfSandbox.into());
        }
        let hash = paygen_vault::ApiKeySecret::hash_text(key, &self.vault);
        // The key is looked up even when its address is rate limited: 256 random bits cannot be guessed at any rate,
        // and failures caused by others at an address must not lock out its valid keys. Only unknown keys are counted
        // and refused.
        let known = self.credentials.by_hash(hash).await?.ok_or(NotAuthenticated::KeyUnknown)?;
        self.check_key(&known, address)?;
        let scopes = known.key.scopes;
        Ok(Caller::new(known, scopes, address))
    }

    /// Authenticates a bearer token.
    pub async fn authenticate_token(&self, token: &str, address: IpAddr) -> Result<Caller, AuthenticationError> {
        let claims = tokens::read(token, &self.vault).map_err(|error| match error {
            TokenError::Expired => NotAuthenticated::TokenExpired,
            TokenError::Invalid => NotAuthenticated::TokenUnknown,
        })?;
        let known = self.credentials.by_id(claims.client, claims.api_key).await?;
        let known = known.ok_or(NotAuthenticated::TokenKeyUnknown)?;
        self.check_key(&known, address)?;
        if !self.credentials.token_works(claims.client, claims.id).await? {
            return Err(NotAuthenticated::TokenRevoked.into());
        }
        let scopes = claims.scopes.iter().filter(|scope| known.key.scopes.has(*scope)).collect();
        let bound = (claims.card_holder.is_some() || claims.card.is_some())
            .then_some(Bound { card_holder: claims.card_holder, card: claims.card });
        let token_until = Some(Instant::default().plus_seconds(claims.expires));
        let actor = Actor::Token(claims.id);
        Ok(Caller { actor, bound, token_until, ..Caller::new(known, scopes, address) })
    }

    /// The caller that an actor would be now, with the rights that they have now; `None` if they have none any more.
    pub async fn caller_again(
        &self,
        client: ClientId,
        actor: Actor,
        address: IpAddr,
    ) -> Result<Option<Caller>, StoreError> {
        let (key, scopes) = match actor {
            Actor::ApiKey(id) => (id, None),
            Actor::Token(id) => {
                let token = self.reader.get::<Token>(Key::of(client, id.0)).await?;
                let works = token.filter(|token| token.revoked_at.is_none() && token.expires_at > wall());
                let Some(token) = works else { return Ok(None) };
                (token.api_key, Some(token.scopes))
            }
            Actor::User(id) => {
                let Some((user, _)) = self.reader.user(id).await? else { return Ok(None) };
                if !self.client_is_active(client).await? {
                    return Ok(None);
                }
                let role = user.role_in(client).filter(|_| user.status == UserStatus::Active);
                return Ok(role.map(|role| Caller::of_user(client, id, Some(role), address)));
            }
            Actor::RevealToken | Actor::Operator | Actor::System => return Ok(None),
        };
        let Some(known) = self.credentials.by_id(client, key).await? else { return Ok(None) };
        if known.check(self.clock.now()).is_err() {
            return Ok(None);
        }
        let own = known.key.scopes;
        let scopes = scopes.map_or(own, |scopes| scopes.iter().filter(|scope| own.has(*scope)).collect());
        Ok(Some(Caller { actor, ..Caller::new(known, scopes, address) }))
    }

    /// Whether users may do anything in a client. Users of the whole installation sign in before there is any client.
    pub(crate) async fn client_is_active(&self, client: ClientId) -> Result<bool, StoreError> {
        if client == ClientId::INSTALLATION {
            return Ok(true);
        }
        let found = self.reader.get::<Client>(Key::of(client, client.0)).await?;
        Ok(found.is_some_and(|found| found.status == ClientStatus::Active))
    }

    fn check_key(&self, known: &KnownKey, address: IpAddr) -> Result<(), NotAuthenticated> {
        known.check(self.clock.now()).map_err(NotAuthenticated::Key)?;
        let networks = &known.key.allowed_ips;
        if networks.is_empty() || networks.iter().any(|network| network.contains(&address)) {
            return Ok(());
        }
        Err(NotAuthenticated::Address(address))
    }
}
