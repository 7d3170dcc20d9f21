//! Bearer tokens: short-lived, with a subset of the scopes of the key they are issued with.

use crate::access::{Scopes, Token, TokenView};
use crate::ids::{ApiKeyId, CardHolderId, CardId, ClientId, Id, TokenId};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::time::Instant;
use crate::verb::Verb;
use crate::work::Work;

/// Issues a token. The caller signs it.
#[derive(Clone, Debug)]
pub struct IssueToken {
    pub api_key: ApiKeyId,
    pub scopes: Scopes,
    /// The scopes of the key.
    pub granter: Scopes,
    /// If set, the token only sees this card holder and their cards.
    pub card_holder: Option<CardHolderId>,
    /// If set, the token only sees this card.
    pub card: Option<CardId>,
    /// The lifetime; one hour if `None`, or less if the credential used to issue it ends earlier.
    pub seconds: Option<i64>,
    /// When the token used to issue it expires, in wall time. The end of a key ends its tokens anyway.
    pub until: Option<Instant>,
}

#[derive(Clone, Debug)]
pub struct RevokeToken {
    pub id: TokenId,
}

/// Deletes expired tokens.
#[derive(Clone, Debug)]
pub struct PurgeTokens {
    /// Candidates; each is checked again.
    pub keys: Vec<Key>,
}

impl Verb for IssueToken {
    type Answer = TokenView;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<TokenView, Stop> {
        issue_token(work, self)
    }
}

fn issue_token(work: &mut Work, command: &IssueToken) -> Result<TokenView, Stop> {
    let beyond = command.scopes.beyond(command.granter);
    if !beyond.is_empty() {
        return Err(Refusal::ScopesExceeded { scopes: beyond.to_string() }.into());
    }
    let expires_at = match (command.seconds.map(|seconds| work.wall().plus_seconds(seconds)), command.until) {
        (Some(at), Some(until)) if at > until => {
            let bound = format!("the token it is made with ends at {until}");
            return Err(Refusal::BoundsExceeded { field: "/expiresIn", bound }.into());
        }
        (Some(at), _) => at,
        (None, until) => until.into_iter().fold(work.wall().plus_seconds(3_600), Ord::min),
    };
    if let Some(id) = command.card_holder {
        let found = work.card_holders.get(Key::of(work.client(), id.0))?;
        found.ok_or(Refusal::CardHolderNotFound { field: Some("/cardHolderId") })?;
    }
    if let Some(id) = command.card {
        let card = work.cards.get(Key::of(work.client(), id.0))?.ok_or(Refusal::CardNotFound)?;
        if command.card_holder.is_some_and(|holder| holder != card.card_holder) {
            return Err(Refusal::CardNotFound.into());
        }
    }
    let token = Token {
        client: work.client(),
        id: TokenId(work.new_id()),
        api_key: command.api_key,
        scopes: command.scopes,
        card_holder: command.card_holder,
        card: command.card,
        expires_at,
        revoked_at: None,
        created_at: work.now(),
    };
    let view = TokenView::of(&token);
    work.tokens.put(token);
    Ok(view)
}

impl Verb for RevokeToken {
    type Answer = TokenView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<TokenView, Stop> {
        revoke_token(work, self)
    }
}

/// Revoking a revoked token changes nothing.
fn revoke_token(work: &mut Work, command: &RevokeToken) -> Result<TokenView, Stop> {
    let found = work.tokens.get_for_update(Key::of(work.client(), command.id.0))?;
    let token = found.ok_or(Refusal::TokenNotFound)?;
    if token.revoked_at.is_some() {
        return Ok(TokenView::of(&token));
    }
    let revoked = Token { revoked_at: Some(work.now()), ..(*token).clone() };
    let view = TokenView::of(&revoked);
    work.tokens.put(revoked);
    Ok(view)
}

impl Verb for PurgeTokens {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        purge_tokens(work, self)
    }
}

/// Returns how many were deleted.
fn purge_tokens(work: &mut Work, command: &PurgeTokens) -> Result<u64, Stop> {
    let mut over = Vec::new();
    for key in &command.keys {
        let found = work.tokens.get_for_update(*key)?;
        if found.is_some_and(|token| token.expires_at <= work.wall()) {
            over.push(*key);
        }
    }
    for key in &over {
        work.tokens.delete(*key);
    }
    Ok(over.len() as u64)
}
