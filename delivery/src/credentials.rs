//! An endpoint's token and signing secrets: generated here, stored sealed, opened where a delivery is signed.

use paygen_core::ids::{ClientId, ResponderId, WebhookId};
use paygen_core::responders::Responder;
use paygen_core::time::Instant;
use paygen_core::webhooks::Webhook;
use paygen_store::StoreError;
use paygen_vault::{Purpose, Vault, random_bytes};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::sign::Secret;

/// The sealed content.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Kept {
    token: Option<String>,
    secret: String,
    previous: Option<String>,
}

/// The credentials of an endpoint. They cannot be printed.
pub struct Credentials {
    kept: Kept,
    previous_until: Option<Instant>,
}

impl Credentials {
    /// New credentials, with a random secret.
    pub fn new(token: Option<&str>) -> Credentials {
        let kept = Kept { token: token.map(str::to_owned), secret: new_secret(), previous: None };
        Credentials { kept, previous_until: None }
    }

    /// Opens the credentials of an endpoint.
    pub fn open(vault: &Vault, webhook: &Webhook) -> Result<Credentials, StoreError> {
        let place = [webhook.client.0.bytes().as_slice(), webhook.id.0.bytes()];
        let closed = || StoreError::CommandFault(format!("the credentials of webhook {} do not open", webhook.id));
        let plain = vault.open_sealed(Purpose::WebhookCredentials, &place, &webhook.credentials);
        let plain = plain.map_err(|_| closed())?;
        let kept = serde_json::from_slice(&plain).map_err(|_| closed())?;
        Ok(Credentials { kept, previous_until: webhook.previous_until })
    }

    /// Seals the credentials for an endpoint.
    pub fn seal(&self, vault: &Vault, client: ClientId, webhook: WebhookId) -> Vec<u8> {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&self.kept).unwrap_or_default());
        vault.seal(Purpose::WebhookCredentials, &[client.0.bytes(), webhook.0.bytes()], &plain)
    }

    /// Opens the secrets of a responder.
    pub fn of_responder(vault: &Vault, responder: &Responder) -> Result<Credentials, StoreError> {
        let place = [responder.client.0.bytes().as_slice(), responder.id.0.bytes()];
        let closed = || StoreError::CommandFault(format!("the secret of responder {} does not open", responder.id));
        let plain = vault.open_sealed(Purpose::ResponderCredentials, &place, &responder.credentials);
        let plain = plain.map_err(|_| closed())?;
        let kept = serde_json::from_slice(&plain).map_err(|_| closed())?;
        Ok(Credentials { kept, previous_until: responder.previous_until })
    }

    /// Seals the secrets for a responder.
    pub fn seal_for_responder(&self, vault: &Vault, client: ClientId, responder: ResponderId) -> Vec<u8> {
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&self.kept).unwrap_or_default());
        vault.seal(Purpose::ResponderCredentials, &[client.0.bytes(), responder.0.bytes()], &plain)
    }

    /// Replaces or removes the token.
    pub fn with_token(mut self, token: Option<&str>) -> Credentials {
        self.kept.token = token.map(str::to_owned);
        self
    }

    /// Adds a new secret; the present one becomes the previous one.
    pub fn rotated(mut self) -> Credentials {
        let before = std::mem::replace(&mut self.kept.secret, new_secret());
        self.kept.previous = Some(before);
        self
    }

    /// The signing secret as shown to its owner: `whsec_…`.
    pub fn secret(&self) -> &str {
        &self.kept.secret
    }

    pub fn token(&self) -> Option<&str> {
        self.kept.token.as_deref()
    }

    /// The secrets that are valid at a time, the present one first.
    pub fn signing(&self, now: Instant) -> impl Iterator<Item = Secret> + '_ {
        let previous = self.kept.previous.as_deref().filter(|_| self.previous_until.is_some_and(|until| until > now));
        std::iter::once(self.kept.secret.as_str()).chain(previous).filter_map(Secret::parse)
    }
}

fn new_secret() -> String {
    Secret::new(random_bytes()).shown()
}
