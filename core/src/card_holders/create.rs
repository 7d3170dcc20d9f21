//! Enrolling a card holder.

use crate::card_holders::documents::{add_documents, open_reviews};
use crate::card_holders::{CardHolder, CardHolderNotice, CardHolderStatus, Files, NewDocument, SealedPersonal};
use crate::events::{EventType, Owner, emit};
use crate::ids::{CardHolderId, ClientId, Id};
use crate::limits::{Counters, NewLimit, start_limits};
use crate::record::Key;
use crate::refusal::Stop;
use crate::verb::Verb;
use crate::work::Work;

#[derive(Clone, Debug)]
pub struct CreateCardHolder {
    /// Chosen beforehand, because the key is sealed for it.
    pub id: CardHolderId,
    pub name: String,
    /// The card holder's key, sealed by the vault.
    pub key: Vec<u8>,
    pub personal: SealedPersonal,
    pub status: CardHolderStatus,
    pub metadata: Option<String>,
    pub limits: Vec<NewLimit>,
    pub documents: Vec<NewDocument>,
}

impl Verb for CreateCardHolder {
    type Answer = CardHolder;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<CardHolder, Stop> {
        create(work, self)
    }
}

fn create(work: &mut Work, command: &CreateCardHolder) -> Result<CardHolder, Stop> {
    let now = work.now();
    let mut holder = CardHolder {
        client: work.client(),
        id: command.id,
        name: command.name.clone(),
        status: command.status,
        key: Some(command.key.clone()),
        personal: Some(command.personal.sealed.clone()),
        hashes: command.personal.hashes.clone(),
        metadata: crate::fields::unless_empty(command.metadata.clone()),
        document_status: None,
        document_expires: command.personal.document_expires,
        proof_status: None,
        files: Files::default(),
        documents: 0,
        limits: start_limits(&[], &command.limits, now, now)?,
        live_cards: 0,
        retain_from: now,
        erased_at: None,
        event_seq: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    open_reviews(&mut holder, &command.personal);
    add_documents(work, &mut holder, &command.documents)?;
    work.card_holders.put(holder.clone());
    work.counters.put(Counters::new(holder.client, holder.id.0));
    emit(work, Owner::CardHolder(holder.id), EventType::CardHolderCreated, CardHolderNotice::of(&holder, now))?;
    current(work, holder.id)
}

/// The card holder's current row, including its event counter.
pub(super) fn current(work: &mut Work, id: CardHolderId) -> Result<CardHolder, Stop> {
    let found = work.card_holders.get(Key::of(work.client(), id.0))?;
    Ok((*found.expect("a card holder that was put is there")).clone())
}
