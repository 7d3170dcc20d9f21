//! Key rotation: replacing sealed content by the same content sealed under a new key of the vault.

use crate::access::Idempotency;
use crate::card_holders::CardHolder;
use crate::cards::CardSecret;
use crate::ids::{ClientId, Id};
use crate::people::UserSecret;
use crate::record::Key;
use crate::refusal::Stop;
use crate::responders::Responder;
use crate::table::Access;
use crate::verb::Verb;
use crate::webhooks::Webhook;
use crate::work::Work;

crate::string_enum! {
    /// Kinds of stored content that is sealed under a rotated key.
    pub enum Sealed {
        CardNumber = "card_number",
        Pin = "pin",
        HolderKey = "holder_key",
        WebhookCredentials = "webhook_credentials",
        ResponderCredentials = "responder_credentials",
        /// Responses stored for idempotent retries.
        Answer = "answer",
        SecondFactor = "second_factor",
    }
}

/// One sealed value and its replacement.
#[derive(Clone, Debug)]
pub struct Resealed {
    pub key: Key,
    /// The sealed bytes as they were read.
    pub before: Vec<u8>,
    /// The same content, sealed under the new key.
    pub after: Vec<u8>,
}

/// Replaces sealed content.
#[derive(Clone, Debug)]
pub struct Reseal {
    pub sealed: Sealed,
    /// Values that changed since they were read are skipped; the next search finds them again.
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

/// Returns how many values were replaced.
fn reseal(work: &mut Work, command: &Reseal) -> Result<u64, Stop> {
    for piece in &command.pieces {
        match command.sealed {
            Sealed::CardNumber | Sealed::Pin => work.card_secrets.prefetch(piece.key, Access::Exclusive),
            Sealed::HolderKey => work.card_holders.prefetch(piece.key, Access::Exclusive),
            Sealed::WebhookCredentials => work.webhooks.prefetch(piece.key, Access::Exclusive),
            Sealed::ResponderCredentials => work.responders.prefetch(piece.key, Access::Exclusive),
            Sealed::Answer => work.idempotency.prefetch(piece.key, Access::Exclusive),
            Sealed::SecondFactor => work.user_secrets.prefetch(piece.key, Access::Exclusive),
        }
    }
    let (mut secrets, mut holders, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut webhooks, mut responders, mut factors) = (Vec::new(), Vec::new(), Vec::new());
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
            Sealed::ResponderCredentials => {
                let found = work.responders.get_for_update(key)?.filter(|row| row.credentials == piece.before);
                responders.extend(found.map(|row| Responder { credentials: after, ..(*row).clone() }));
            }
            Sealed::Answer => {
                let found = work.idempotency.get_for_update(key)?.filter(|row| row.body == piece.before);
                answers.extend(found.map(|row| Idempotency { body: after, ..(*row).clone() }));
            }
            Sealed::SecondFactor => {
                let found = work.user_secrets.get_for_update(key)?;
                let found = found.filter(|row| row.totp.as_ref() == Some(&piece.before));
                factors.extend(found.map(|row| UserSecret { totp: Some(after), ..(*row).clone() }));
            }
        }
    }
    let done = secrets.len() + holders.len() + answers.len() + webhooks.len() + responders.len() + factors.len();
    secrets.into_iter().for_each(|row| work.card_secrets.put(row));
    holders.into_iter().for_each(|row| work.card_holders.put(row));
    webhooks.into_iter().for_each(|row| work.webhooks.put(row));
    responders.into_iter().for_each(|row| work.responders.put(row));
    answers.into_iter().for_each(|row| work.idempotency.put(row));
    factors.into_iter().for_each(|row| work.user_secrets.put(row));
    Ok(done as u64)
}
