//! API keys: made, rotated with an overlap, revoked, and ended when their time is over.

use std::sync::Arc;

use crate::access::{ApiKey, ApiKeyHash, ApiKeyStatus, ApiKeyView, Scopes};
use crate::events::{EventType, Owner, emit};
use crate::ids::{ApiKeyId, ClientId, Id};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::time::Instant;
use crate::verb::Verb;
use crate::work::Work;

/// What is kept of a key's secret: the caller made the key, and shows it once.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The keyed hash it is found by.
    pub hash: [u8; 32],
    /// How it begins and ends.
    pub hint: String,
}

/// What the one has who makes a credential: it hands on no more.
#[derive(Clone, Debug)]
pub struct Granter {
    /// What they may do.
    pub scopes: Scopes,
    /// When their key ends.
    pub until: Option<Instant>,
    /// The networks it works from; everywhere when empty.
    pub networks: Vec<ipnet::IpNet>,
}

impl Granter {
    /// Refuses a credential that does more, lives longer or works from elsewhere.
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

/// Makes a key.
#[derive(Clone, Debug)]
pub struct CreateApiKey {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it ends; with its maker's key unless given.
    pub expires_at: Option<Instant>,
    /// Where it works from; where its maker's key does when empty.
    pub allowed_ips: Vec<ipnet::IpNet>,
    /// Its secret's traces.
    pub key: NewKey,
    /// What its maker has.
    pub granter: Granter,
}

/// Puts a new key in the place of one, which works on for a while.
#[derive(Clone, Debug)]
pub struct RotateApiKey {
    /// The key to be replaced.
    pub id: ApiKeyId,
    /// How long it works on; 0 ends it at once.
    pub overlap_seconds: i64,
    /// The new secret's traces.
    pub key: NewKey,
    /// What the one who rotates has.
    pub granter: Granter,
}

/// Makes a key stop working.
#[derive(Clone, Debug)]
pub struct RevokeApiKey {
    /// Which.
    pub id: ApiKeyId,
}

/// Ends a key whose time is over.
#[derive(Clone, Debug)]
pub struct ExpireApiKey {
    /// Which; checked again.
    pub id: ApiKeyId,
}

/// A key was used.
#[derive(Clone, Copy, Debug)]
pub struct KeyUse {
    /// Whose key.
    pub client: ClientId,
    /// Which key.
    pub id: ApiKeyId,
    /// When.
    pub at: Instant,
}

/// Notes when keys were last used.
#[derive(Clone, Debug)]
pub struct TouchApiKeys {
    /// The uses, at most one a key.
    pub uses: Vec<KeyUse>,
}

impl Verb for CreateApiKey {
    type Answer = ApiKeyView;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<ApiKeyView, Stop> {
        create_api_key(work, self)
    }
}

/// Makes the key; it does no more, lives no longer and works from nowhere else than its maker's.
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
    emit(work, Owner::ApiKey(key.id), EventType::ApiKeyCreated, &view)?;
    Ok(view)
}

impl Verb for RotateApiKey {
    type Answer = ApiKeyView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<ApiKeyView, Stop> {
        rotate_api_key(work, self)
    }
}

/// Rotates the key: the new one has its name, scopes, end and networks.
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

/// Revokes the key; one that ended already stays as it is.
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

/// Ends the key if its time is over; tells whether it did.
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

/// Notes the uses; a use of a key that is gone is passed over.
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
    emit(work, Owner::ApiKey(key.id), EventType::ApiKeyRevoked, &view)?;
    Ok(view)
}
