//! Reveal tokens: single-use, short-lived permissions to show one card's number. The core only checks the token; the
//! vault shows the number.

use crate::cards::RevealRefusal;
use serde::Serialize;

use crate::cards::{
    CardFingerprint, CardView, RevealPurpose, RevealToken, RevealView, emit_card, find, not_canceled, view,
};
use crate::events::EventType;
use crate::ids::{CardId, ClientId, Id};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Issues a reveal token that the caller generated.
#[derive(Clone, Debug)]
pub struct IssueRevealToken {
    pub id: CardId,
    pub hash: [u8; 32],
    pub purpose: RevealPurpose,
    /// The only web origin it works for.
    pub origin: Option<String>,
    pub seconds: i64,
    /// Why, for the audit log.
    pub reason: Option<String>,
}

/// Redeems a reveal token.
#[derive(Clone, Debug)]
pub struct UseRevealToken {
    pub id: CardId,
    pub hash: [u8; 32],
    pub purpose: RevealPurpose,
    /// The web origin of the request, if a browser sent one.
    pub origin: Option<String>,
}

/// Finds a card by the fingerprint of its number.
#[derive(Clone, Debug)]
pub struct LookUpCard {
    pub fingerprint: [u8; 32],
}

/// Deletes old reveal tokens.
#[derive(Clone, Debug)]
pub struct PurgeRevealTokens {
    /// Candidates; each is checked again.
    pub keys: Vec<Key>,
}

/// How long used and expired tokens are kept, so that errors can distinguish them from unknown ones.
pub const TOKEN_RETENTION_SECONDS: i64 = 86_400;

/// A new reveal token.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RevealToken)]
pub struct RevealTokenView {
    /// The card it shows.
    pub card_id: String,
    /// How it shows the card.
    pub purpose: RevealPurpose,
    /// The only web origin it works for.
    #[schema(required = true)]
    pub origin: Option<String>,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: String,
}

impl Verb for IssueRevealToken {
    type Answer = RevealTokenView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<RevealTokenView, Stop> {
        issue_reveal_token(work, self)
    }
}

fn issue_reveal_token(work: &mut Work, command: &IssueRevealToken) -> Result<RevealTokenView, Stop> {
    let card = find(work, command.id)?;
    not_canceled(&card)?;
    let now = work.now();
    if let Some(reason) = &command.reason {
        let why = serde_json::json!({ "revealTokenIssued": command.purpose, "reason": reason });
        work.audit("card", &card.id.to_string(), why);
    }
    let token = RevealToken {
        hash: command.hash,
        client: card.client,
        card: card.id,
        purpose: command.purpose,
        origin: command.origin.clone(),
        expires_at: now.plus_seconds(command.seconds),
        used_at: None,
        created_at: now,
    };
    let shown = RevealTokenView {
        card_id: card.id.to_string(),
        purpose: token.purpose,
        origin: token.origin.clone(),
        expires_at: token.expires_at.to_string(),
    };
    work.reveal_tokens.put(token);
    Ok(shown)
}

impl Verb for UseRevealToken {
    type Answer = CardView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.prefetch_card(client, self.id, Access::Shared);
        work.reveal_tokens.prefetch(RevealToken::key_of(&self.hash), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<CardView, Stop> {
        use_reveal_token(work, self)
    }
}

/// Only the answer to this command may show the number.
fn use_reveal_token(work: &mut Work, command: &UseRevealToken) -> Result<CardView, Stop> {
    let found = work.reveal_tokens.get_for_update(RevealToken::key_of(&command.hash))?;
    let token = found.filter(|token| token.client == work.client() && token.card == command.id);
    let token = token.ok_or(Refusal::Reveal(RevealRefusal::Unknown))?;
    check_use(&token, command.purpose, command.origin.as_deref(), work.now())?;
    let card = find(work, command.id)?;
    not_canceled(&card)?;
    let now = work.now();
    work.reveal_tokens.put(RevealToken { used_at: Some(now), ..(*token).clone() });
    work.audit("card", &card.id.to_string(), serde_json::json!({ "revealed": command.purpose }));
    let address = work.context().address.map(|address| address.to_string());
    emit_card(work, &card, EventType::CardRevealed, RevealView { purpose: command.purpose, address })?;
    view(work, &card)
}

/// Refuses a token that is used, expired, or for another purpose or origin.
pub fn check_use(
    token: &RevealToken,
    purpose: RevealPurpose,
    origin: Option<&str>,
    now: crate::time::Instant,
) -> Result<(), Refusal> {
    if token.used_at.is_some() {
        return Err(Refusal::Reveal(RevealRefusal::Used));
    }
    if token.expires_at <= now {
        return Err(Refusal::Reveal(RevealRefusal::Expired));
    }
    if token.purpose != purpose {
        let wanted = match token.purpose {
            RevealPurpose::Reveal => "GET /cards/{cardId}/reveal (purpose reveal)",
            RevealPurpose::Page => "the hosted page (purpose page)",
        };
        return Err(Refusal::Reveal(RevealRefusal::Mismatch { wanted: wanted.to_owned() }));
    }
    // The server itself serves the hosted page; there, the token's origin says who may frame it.
    if let (RevealPurpose::Reveal, Some(pinned)) = (purpose, &token.origin)
        && origin != Some(pinned)
    {
        return Err(Refusal::Reveal(RevealRefusal::Mismatch { wanted: format!("the origin {pinned} only") }));
    }
    Ok(())
}

impl Verb for LookUpCard {
    type Answer = Option<CardView>;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Option<CardView>, Stop> {
        look_up(work, self)
    }
}

/// Another client's card counts as absent. Every look-up is audited, including one that finds nothing, so it is not a
/// refusal.
fn look_up(work: &mut Work, command: &LookUpCard) -> Result<Option<CardView>, Stop> {
    let found = work.card_fingerprints.get(CardFingerprint::key_of(&command.fingerprint))?;
    let card = match found.filter(|found| found.client == work.client()) {
        Some(found) => Some(find(work, found.card)?),
        None => None,
    };
    let id = card.as_ref().map(|card| card.id.to_string()).unwrap_or_default();
    work.audit("card", &id, serde_json::json!({ "lookedUp": card.is_some() }));
    card.map(|card| view(work, &card)).transpose()
}

impl Verb for PurgeRevealTokens {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        purge_reveal_tokens(work, self)
    }
}

/// Returns how many were deleted.
fn purge_reveal_tokens(work: &mut Work, command: &PurgeRevealTokens) -> Result<u64, Stop> {
    let mut over = Vec::new();
    for key in &command.keys {
        work.reveal_tokens.prefetch(*key, crate::table::Access::Exclusive);
    }
    for key in &command.keys {
        let found = work.reveal_tokens.get_for_update(*key)?;
        if found.is_some_and(|token| token.expires_at.plus_seconds(TOKEN_RETENTION_SECONDS) <= work.now()) {
            over.push(*key);
        }
    }
    for key in &over {
        work.reveal_tokens.delete(*key);
    }
    Ok(over.len() as u64)
}
