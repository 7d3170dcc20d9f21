//! Sealing kept content again under a new key of the vault: the same content, so nothing else changes.

use crate::access::Idempotency;
use crate::card_holders::CardHolder;
use crate::cards::CardSecret;
use crate::ids::{ClientId, Id};
use crate::record::Key;
use crate::refusal::Stop;
use crate::table::Access;
use crate::verb::Verb;
use crate::webhooks::Webhook;
use crate::work::Work;

crate::string_enum! {
    /// What is kept sealed under a key that is rotated.
    pub enum Sealed {
        /// Card numbers.
        CardNumber = "card_number",
        /// PIN verification values.
        Pin = "pin",
        /// Keys of card holders.
        HolderKey = "holder_key",
        /// Tokens and signing secrets of webhook endpoints.
        WebhookCredentials = "webhook_credentials",
        /// Answers kept for repeats.
        Answer = "answer",
    }
}

/// A piece of content that was sealed again.
#[derive(Clone, Debug)]
pub struct Resealed {
    /// The row.
    pub key: Key,
    /// As it was sealed when it was read.
    pub before: Vec<u8>,
    /// As it is sealed now.
    pub after: Vec<u8>,
}

/// Puts newly sealed content in the place of the old.
#[derive(Clone, Debug)]
pub struct Reseal {
    /// What kind of content.
    pub sealed: Sealed,
    /// The pieces; one that changed since it was read is passed over, and found again by the next look.
    pub pieces: Vec<Resealed>,
}

impl Verb for Reseal {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        reseal(work, self)
    }
}

/// Replaces them; tells how many.
fn reseal(work: &mut Work, command: &Reseal) -> Result<u64, Stop> {
    for piece in &command.pieces {
        match command.sealed {
            Sealed::CardNumber | Sealed::Pin => work.card_secrets.prefetch(piece.key, Access::Exclusive),
            Sealed::HolderKey => work.card_holders.prefetch(piece.key, Access::Exclusive),
            Sealed::WebhookCredentials => work.webhooks.prefetch(piece.key, Access::Exclusive),
            Sealed::Answer => work.idempotency.prefetch(piece.key, Access::Exclusive),
        }
    }
    let (mut secrets, mut holders, mut answers, mut webhooks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for piece in &command.pieces {
        let (key, after) = (piece.key, piece.after.clone());
        match command.sealed {
            Sealed::CardNumber => {
                let found = work.card_secrets.get_for_update(key)?.filter(|row| row.number == piece.before);
                secrets.extend(found.map(|row| CardSecret { number: after, ..(*row).clone() }));
            }
            Sealed::Pin => {
                let found = work.card_secrets.get_for_update(key)?;
                let found = found.filter(|row| row.pin.as_ref() == Some(&piece.before));
                secrets.extend(found.map(|row| CardSecret { pin: Some(after), ..(*row).clone() }));
            }
            Sealed::HolderKey => {
                let found = work.card_holders.get_for_update(key)?;
                let found = found.filter(|row| row.key.as_ref() == Some(&piece.before));
                holders.extend(found.map(|row| CardHolder { key: Some(after), ..(*row).clone() }));
            }
            Sealed::WebhookCredentials => {
                let found = work.webhooks.get_for_update(key)?.filter(|row| row.credentials == piece.before);
                webhooks.extend(found.map(|row| Webhook { credentials: after, ..(*row).clone() }));
            }
            Sealed::Answer => {
                let found = work.idempotency.get_for_update(key)?.filter(|row| row.body == piece.before);
                answers.extend(found.map(|row| Idempotency { body: after, ..(*row).clone() }));
            }
        }
    }
    let done = secrets.len() + holders.len() + answers.len() + webhooks.len();
    secrets.into_iter().for_each(|row| work.card_secrets.put(row));
    holders.into_iter().for_each(|row| work.card_holders.put(row));
    webhooks.into_iter().for_each(|row| work.webhooks.put(row));
    answers.into_iter().for_each(|row| work.idempotency.put(row));
    Ok(done as u64)
}
