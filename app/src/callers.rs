//! Who calls: API keys and bearer tokens checked, and what a caller may see and do.

use std::net::IpAddr;
use std::sync::Arc;

use paygen_core::access::{Actor, ApiKey, Granter, Scope, Scopes};
use paygen_core::ids::{ApiKeyId, CardHolderId, CardId, ClientId};
use paygen_core::time::Instant;
use paygen_core::work::Context;
use paygen_store::StoreError;
use paygen_store::query::{Filter, ListColumn, Operand, Test};

use crate::credentials::{KnownKey, Rejected};
use crate::tokens::{self, TokenError};
use crate::{App, Environment};

/// The one card holder or card that a bearer token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The card holder, with their cards.
    pub card_holder: Option<CardHolderId>,
    /// The card.
    pub card: Option<CardId>,
}

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose objects they see.
    pub client: ClientId,
    /// With which credential.
    pub actor: Actor,
    /// The API key, or the one the token was made with.
    pub api_key: ApiKeyId,
    /// What they may do.
    pub scopes: Scopes,
    /// Where from.
    pub address: IpAddr,
    /// What they are restricted to, when their token is for one card holder or card.
    pub bound: Option<Bound>,
    /// When their token ends, in wall time, when they call with one.
    pub token_until: Option<Instant>,
    /// When the API key ends, in business time.
    key_until: Option<Instant>,
    /// The networks the API key works from; everywhere when empty.
    networks: Vec<ipnet::IpNet>,
}

/// What a token that is for one card holder or card can be used for at all.
const FOR_BOUND: &[Scope] = &[
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
    /// The credential does not have this scope.
    Scope(Scope),
    /// The token is for one card holder or card.
    Bound,
    /// A bearer token makes and rotates no API keys: they would outlive it.
    ApiKeyRequired,
}

/// Why a credential is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAuthenticated {
    /// Nobody has this API key.
    KeyUnknown,
    /// It is a sandbox's key, and this is production.
    KeyOfSandbox,
    /// The API key, or the one a token was made with, does not work any more.
    Key(Rejected),
    /// The API key does not work from this address.
    Address(IpAddr),
    /// The bearer token is none of this server's.
    TokenUnknown,
    /// The bearer token expired.
    TokenExpired,
    /// The bearer token was revoked.
    TokenRevoked,
    /// The API key that the token was made with is not known.
    TokenKeyUnknown,
}

impl NotAuthenticated {
    /// Whether it could be a guess: these are counted and limited by address.
    pub fn may_be_guess(self) -> bool {
        matches!(self, NotAuthenticated::KeyUnknown | NotAuthenticated::KeyOfSandbox | NotAuthenticated::TokenUnknown)
    }
}

/// Why a caller is not known.
#[derive(Debug)]
pub enum AuthenticationError {
    /// The credential is not accepted.
    Rejected(NotAuthenticated),
    /// The store could not be read.
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
    /// Refuses a caller who lacks a scope, or whose token's restriction leaves no room for it.
    pub fn needs(&self, scope: Scope) -> Result<(), Denied> {
        if !self.scopes.has(scope) {
            return Err(Denied::Scope(scope));
        }
        if FOR_BOUND.contains(&scope) { Ok(()) } else { self.unbound() }
    }

    /// Refuses a caller who is restricted to one card holder or card: for calls that issue cards or move money.
    pub fn unbound(&self) -> Result<(), Denied> {
        match self.bound {
            None => Ok(()),
            Some(_) => Err(Denied::Bound),
        }
    }

    /// What they have and may hand on to a key they make: with an API key only.
    pub fn granter(&self) -> Result<Granter, Denied> {
        if self.token_until.is_some() {
            return Err(Denied::ApiKeyRequired);
        }
        Ok(Granter { scopes: self.scopes, until: self.key_until, networks: self.networks.clone() })
    }

    /// A caller with this key, who may do so much.
    fn with(key: &ApiKey, scopes: Scopes, address: IpAddr) -> Caller {
        Caller {
            client: key.client,
            actor: Actor::ApiKey(key.id),
            api_key: key.id,
            scopes,
            address,
            bound: None,
            token_until: None,
            // What falls due is the end of its time, or of the overlap after a rotation.
            key_until: key.due_at.or(key.expires_at),
            networks: key.allowed_ips.clone(),
        }
    }

    /// Whether they see this card holder; one they do not see is as absent.
    pub fn sees_holder(&self, id: CardHolderId) -> bool {
        self.bound.is_none_or(|bound| bound.card_holder == Some(id))
    }

    /// Whether they see this card of this card holder; one they do not see is as absent.
    pub fn sees_card(&self, id: CardId, holder: CardHolderId) -> bool {
        let fits = |bound: Bound| {
            bound.card.is_none_or(|card| card == id) && bound.card_holder.is_none_or(|known| known == holder)
        };
        self.bound.is_none_or(fits)
    }

    /// The conditions that leave a list the rows they see, by its columns of the card and the card holder.
    pub fn only_seen(&self, card: ListColumn, card_holder: ListColumn) -> Vec<Filter> {
        let bound = self.bound;
        let fixed = |column, id: paygen_core::ids::Id| Filter { column, test: Test::Eq(Operand::Value(id.into())) };
        let card = bound.and_then(|bound| bound.card).map(|id| fixed(card, id.0));
        let holder = bound.and_then(|bound| bound.card_holder).map(|id| fixed(card_holder, id.0));
        card.into_iter().chain(holder).collect()
    }

    /// The context of a command that this caller gives in the request with this id.
    pub fn context(&self, request_id: &str) -> Context {
        Context {
            client: self.client,
            actor: self.actor,
            request_id: Arc::from(request_id),
            address: Some(self.address),
            action: "",
        }
    }
}

impl App {
    /// The caller with this API key, as text.
    pub async fn authenticate_key(&self, key: &str, address: IpAddr) -> Result<Caller, AuthenticationError> {
        if self.environment == Environment::Production && paygen_vault::ApiKeySecret::is_of_sandbox(key) {
            return Err(NotAuthenticated::KeyOfSandbox.into());
        }
        let hash = paygen_vault::ApiKeySecret::hash_text(key, &self.vault);
        // Looked up always: 256 random bits are not guessed at any rate, and what others send from an address must not lock
        // its good keys out. Only what is unknown is counted and refused.
        let known = self.credentials.by_hash(hash).await?.ok_or(NotAuthenticated::KeyUnknown)?;
        self.check_key(&known, address)?;
        Ok(Caller::with(&known.key, known.key.scopes, address))
    }

    /// The caller with this bearer token.
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
        Ok(Caller { actor, bound, token_until, ..Caller::with(&known.key, scopes, address) })
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
