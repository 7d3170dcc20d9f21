//! Creating and disabling clients, by the operator.

use crate::access::keys::put_key;
use crate::access::{ApiKeyView, Client, ClientStatus, NewKey, Scopes};
use crate::ids::{ClientId, Id};
use crate::programs::{ProgramSeed, seed_program};
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::work::Work;

/// Creates a client and its first API key, with all scopes.
#[derive(Clone, Debug)]
pub struct CreateClient {
    /// The client in the command's context.
    pub id: ClientId,
    pub name: String,
    pub key: NewKey,
    /// What its first program is made of.
    pub program: ProgramSeed,
}

/// Disables all credentials of a client, or enables them again.
#[derive(Clone, Debug)]
pub struct DisableClient {
    pub id: ClientId,
    pub disabled: bool,
}

impl Verb for CreateClient {
    type Answer = ApiKeyView;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<ApiKeyView, Stop> {
        create_client(work, self)
    }
}

fn create_client(work: &mut Work, command: &CreateClient) -> Result<ApiKeyView, Stop> {
    let now = work.now();
    let (id, name) = (command.id, command.name.clone());
    work.clients.put(Client { id, name, status: ClientStatus::Active, created_at: now, updated_at: now });
    seed_program(work, &command.program)?;
    put_key(work, &command.key, "First key", Scopes::all(), None, Vec::new())
}

impl Verb for DisableClient {
    type Answer = Client;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<Client, Stop> {
        disable_client(work, self)
    }
}

fn disable_client(work: &mut Work, command: &DisableClient) -> Result<Client, Stop> {
    let found = work.clients.get_for_update(Key::of(command.id, command.id.0))?;
    let client = found.ok_or(Refusal::ClientNotFound)?;
    let status = if command.disabled { ClientStatus::Disabled } else { ClientStatus::Active };
    if client.status == status {
        return Ok((*client).clone());
    }
    let changed = Client { status, updated_at: work.now(), ..(*client).clone() };
    work.clients.put(changed.clone());
    Ok(changed)
}
