//! API keys: created, rotated with an overlap, revoked, expired.

use std::sync::Arc;

use crate::access::{ApiKey, ApiKeyHash, ApiKeyStatus, ApiKeyView, Scopes};
use crate::approvals::{ApprovalAction, Ask};
use crate::events::{EventType, Owner, emit};
use crate::ids::{ApiKeyId, ClientId, Id};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::time::Instant;
use crate::verb::Verb;
use crate::work::Work;

/// A key that the caller generated: hash and hint of its secret. The caller shows the key once.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The keyed hash that identifies the key.
    pub hash: [u8; 32],
    pub hint: String,
}

/// The permissions of the creating credential. A new credential cannot have more.
#[derive(Clone, Debug)]
pub struct Granter {
    pub scopes: Scopes,
    /// When the granter's key expires.
    pub until: Option<Instant>,
    /// The networks that the granter's key works from; all if empty.
    pub networks: Vec<ipnet::IpNet>,
}

impl Granter {
    /// Refuses a credential with more scopes, a longer life or more networks.
    fn covers(&self, scopes: Scopes, expires_at: Option<Instant>, networks: &[ipnet::IpNet]) -> Result<(), Refusal> {
        let beyond = scopes.beyond(self.scopes);
        if !beyond.is_empty() {
            return Err(Refusal::ScopesExceeded { scopes: beyond.to_string() });
        }
        if let Some(until) = self.until
            && expires_at.is_none_or(|at| at > until)
        {
            let bound = format!("its maker's key ends at {until}");
            return Err(Refusal::BoundsExceeded { field: "/expiresAt", bound });
        }
        let within = |network: &ipnet::IpNet| self.networks.iter().any(|outer| outer.contains(network));
        if !self.networks.is_empty() && (networks.is_empty() || !networks.iter().all(within)) {
            let places: Vec<String> = self.networks.iter().map(ToString::to_string).collect();
            let bound = format!("its maker's key works from {} only", places.join(", "));
            return Err(Refusal::BoundsExceeded { field: "/allowedIps", bound });
        }
        Ok(())
    }
}

/// Creates a key.
#[derive(Clone, Debug)]
pub struct CreateApiKey {
    pub name: String,
    pub scopes: Scopes,
    /// The granter's expiry if `None`.
    pub expires_at: Option<Instant>,
    /// The granter's networks if empty.
    pub allowed_ips: Vec<ipnet::IpNet>,
    pub key: NewKey,
    pub granter: Granter,
}

/// Replaces a key. The old one keeps working for a while.
#[derive(Clone, Debug)]
pub struct RotateApiKey {
    pub id: ApiKeyId,
    /// How long the old key keeps working; 0 revokes it at once.
    pub overlap_seconds: i64,
    pub key: NewKey,
    pub granter: Granter,
}

#[derive(Clone, Debug)]
pub struct RevokeApiKey {
    pub id: ApiKeyId,
}

/// Ends a key that has expired, or whose overlap after a rotation is over.
#[derive(Clone, Debug)]
pub struct ExpireApiKey {
    /// Checked again.
    pub id: ApiKeyId,
}

#[derive(Clone, Copy, Debug)]
pub struct KeyUse {
    pub client: ClientId,
    pub id: ApiKeyId,
    pub at: Instant,
}

/// Records when keys were last used.
#[derive(Clone, Debug)]
pub struct TouchApiKeys {
    /// At most one per key.
    pub uses: Vec<KeyUse>,
}

impl Verb for CreateApiKey {
    type Answer = ApiKeyView;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::ApiKeyCreate).scopes(self.scopes)]
    }

    fn run(&self, work: &mut Work) -> Result<ApiKeyView, Stop> {
        create_api_key(work, self)
    }
}

/// The new key cannot have more permissions than its granter.
fn create_api_key(work: &mut Work, command: &CreateApiKey) -> Result<ApiKeyView, Stop> {
    let granter = &command.granter;
    let expires_at = command.expires_at.or(granter.until);
    let given = &command.allowed_ips;
    let networks = if given.is_empty() { granter.networks.clone() } else { given.clone() };
    granter.covers(command.scopes, expires_at, &networks)?;
    if command.expires_at.is_some_and(|at| at <= work.now()) {
        return Err(Refusal::ExpiryInPast.into());
    }
    put_key(work, &command.key, &command.name, command.scopes, expires_at, networks)
}

pub(super) fn put_key(
    work: &mut Work,
    new: &NewKey,
    name: &str,
    scopes: Scopes,
    expires_at: Option<Instant>,
    allowed_ips: Vec<ipnet::IpNet>,
) -> Result<ApiKeyView, Stop> {
    let now = work.now();
    let key = ApiKey {
        client: work.client(),
        id: ApiKeyId(work.new_id()),
        name: name.to_owned(),
        hint: new.hint.clone(),
        hash: new.hash,
        scopes,
        status: ApiKeyStatus::Active,
        expires_at,
        allowed_ips,
        last_used_at: None,
        replaced_by: None,
        due_at: expires_at,
        event_seq: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let view = ApiKeyView::of(&key);
    work.api_key_hashes.put(ApiKeyHash { hash: new.hash, client: key.client, api_key: key.id });
    work.api_keys.put(key.clone());
    emit(work, Owner::ApiKey(key.id), EventType::ApiKeyCreated, view.clone())?;
    Ok(view)
}

impl Verb for RotateApiKey {
    type Answer = ApiKeyView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn approvals(&self) -> Vec<Ask> {
        // The key can do no more than its granter.
        vec![Ask::of(ApprovalAction::ApiKeyCreate).scopes(self.granter.scopes)]
    }

    fn run(&self, work: &mut Work) -> Result<ApiKeyView, Stop> {
        rotate_api_key(work, self)
    }
}

/// The new key has the name, scopes, expiry and networks of the old one.
fn rotate_api_key(work: &mut Work, command: &RotateApiKey) -> Result<ApiKeyView, Stop> {
    let key = find(work, command.id)?;
    if key.status != ApiKeyStatus::Active {
        return Err(Refusal::ApiKeyRevoked.into());
    }
    command.granter.covers(key.scopes, key.expires_at, &key.allowed_ips)?;
    let ips = key.allowed_ips.clone();
    let view = put_key(work, &command.key, &key.name, key.scopes, key.expires_at, ips)?;
    let now = work.now();
    let overlap_ends = now.plus_seconds(command.overlap_seconds);
    let replaced = ApiKey {
        replaced_by: ApiKeyId::parse(&view.id),
        due_at: Some(key.due_at.map_or(overlap_ends, |due| due.min(overlap_ends))),
        version: key.version + 1,
        updated_at: now,
        ..(*key).clone()
    };
    work.api_keys.put(replaced.clone());
    if command.overlap_seconds == 0 {
        end(work, &replaced, ApiKeyStatus::Revoked)?;
    }
    Ok(view)
}

impl Verb for RevokeApiKey {
    type Answer = ApiKeyView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<ApiKeyView, Stop> {
        revoke_api_key(work, self)
    }
}

/// Revoking an ended key changes nothing.
fn revoke_api_key(work: &mut Work, command: &RevokeApiKey) -> Result<ApiKeyView, Stop> {
    let key = find(work, command.id)?;
    if key.status != ApiKeyStatus::Active {
        return Ok(ApiKeyView::of(&key));
    }
    end(work, &key, ApiKeyStatus::Revoked)
}

impl Verb for ExpireApiKey {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        expire_api_key(work, self)
    }
}

/// Returns whether the key ended, as 0 or 1.
fn expire_api_key(work: &mut Work, command: &ExpireApiKey) -> Result<u64, Stop> {
    let key = find(work, command.id)?;
    let due = key.due_at.is_some_and(|due| due <= work.now());
    if key.status != ApiKeyStatus::Active || !due {
        return Ok(0);
    }
    let rotated = key.replaced_by.is_some() && key.expires_at.is_none_or(|at| at > work.now());
    end(work, &key, if rotated { ApiKeyStatus::Revoked } else { ApiKeyStatus::Expired })?;
    Ok(1)
}

impl Verb for TouchApiKeys {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        touch_api_keys(work, self)
    }
}

/// Uses of deleted keys are ignored. Returns how many were recorded.
fn touch_api_keys(work: &mut Work, command: &TouchApiKeys) -> Result<u64, Stop> {
    for key_use in &command.uses {
        work.api_keys.prefetch(Key::of(key_use.client, key_use.id.0), Access::Exclusive);
    }
    let mut touched = Vec::new();
    for key_use in &command.uses {
        if let Some(key) = work.api_keys.get_for_update(Key::of(key_use.client, key_use.id.0))? {
            touched.push((key, key_use.at));
        }
    }
    let count = touched.len() as u64;
    for (key, at) in touched {
        work.api_keys.put(ApiKey { last_used_at: Some(at), ..(*key).clone() });
    }
    Ok(count)
}

fn find(work: &mut Work, id: ApiKeyId) -> Result<Arc<ApiKey>, Stop> {
    let found = work.api_keys.get_for_update(Key::of(work.client(), id.0))?;
    Ok(found.ok_or(Refusal::ApiKeyNotFound)?)
}

fn end(work: &mut Work, key: &ApiKey, status: ApiKeyStatus) -> Result<ApiKeyView, Stop> {
    let now = work.now();
    let ended = ApiKey { status, due_at: None, version: key.version + 1, updated_at: now, ..key.clone() };
    let view = ApiKeyView::of(&ended);
    work.api_keys.put(ended);
    emit(work, Owner::ApiKey(key.id), EventType::ApiKeyRevoked, view.clone())?;
    Ok(view)
}
