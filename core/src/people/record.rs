//! The records of users, their secrets and sessions. They belong to the installation, and their times but `created_at`
//! and `updated_at` of users are wall time: moving the test clock ends no session.

use serde::{Deserialize, Serialize};

use super::Role;
use crate::access::Scopes;
use crate::ids::{ClientId, SessionId, UserId};
use crate::record::{Key, KeyBytes, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    pub enum UserStatus {
        /// Has never signed in.
        Invited = "invited",
        Active = "active",
        Disabled = "disabled",
    }
}

/// A role in one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Every client if `None`.
    pub client: Option<ClientId>,
    pub role: Role,
    /// Whether it comes from a group at an identity provider, and is given anew at each sign-in.
    #[serde(default)]
    pub is_federated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub id: UserId,
    /// In lower case.
    pub email: String,
    pub name: String,
    pub status: UserStatus,
    pub memberships: Vec<Membership>,
    pub last_sign_in_at: Option<Instant>,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl User {
    /// The role in a client: that of the client, or else that for every client.
    pub fn role_in(&self, client: ClientId) -> Option<Role> {
        let of = |wanted| self.memberships.iter().find(|membership| membership.client == wanted);
        of(Some(client)).or_else(|| of(None)).map(|membership| membership.role)
    }

    /// What the user may do in a client.
    pub fn scopes_in(&self, client: ClientId) -> Scopes {
        self.role_in(client).map_or_else(Scopes::default, Role::scopes)
    }

    /// Whether a role applies to every client.
    pub fn is_of_platform(&self) -> bool {
        self.memberships.iter().any(|membership| membership.client.is_none())
    }
}

impl Record for User {
    const KIND: Kind = Kind::User;

    fn key(&self) -> Key {
        Key::of(ClientId::INSTALLATION, self.id.0)
    }
}

/// Maps the hash of an e-mail address to its user.
#[derive(Clone, Debug, PartialEq)]
pub struct UserEmail {
    pub hash: [u8; 32],
    pub user: UserId,
}

impl Record for UserEmail {
    const KIND: Kind = Kind::UserEmail;

    fn key(&self) -> Key {
        Key { client: ClientId::INSTALLATION, id: KeyBytes::new(&self.hash) }
    }
}

/// An instant as it is stored within JSON.
mod micros {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::time::Instant;

    pub(super) fn serialize<S: Serializer>(at: &Instant, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.micros())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Instant, D::Error> {
        i64::deserialize(from).map(Instant::from_micros)
    }
}

/// A public key whose private key an authenticator keeps for the user (WebAuthn).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passkey {
    /// The credential's id as the authenticator chose it, in hexadecimal digits.
    pub id: String,
    /// What the user calls it.
    pub name: String,
    /// Public key and counter, as JSON.
    pub credential: String,
    /// Wall time.
    #[serde(with = "micros")]
    pub added_at: Instant,
    /// Wall time, at first that of the addition. Never before the last challenge that was answered, so that a challenge
    /// is answered once.
    #[serde(with = "micros")]
    pub used_at: Instant,
}

/// What a user signs in with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserSecret {
    pub user: UserId,
    /// Argon2id, as a PHC string.
    pub password: Option<String>,
    /// The latest first, without the present one.
    pub former_passwords: Vec<String>,
    /// The secret of one-time codes (RFC 6238), sealed.
    pub totp: Option<Vec<u8>>,
    /// The time step of the last code that was used: a code works once.
    pub totp_step: i64,
    /// The oldest first.
    pub passkeys: Vec<Passkey>,
    /// SHA-256 of the recovery codes that are left, as hex.
    pub recovery_codes: Vec<String>,
    /// SHA-256 of the secret in the open one-time link.
    pub link: Option<[u8; 32]>,
    pub link_until: Option<Instant>,
    /// Tries since the last success.
    pub tries: i64,
    pub locked_until: Option<Instant>,
}

impl UserSecret {
    /// Whether a password or a link alone signs in only partially.
    pub fn has_factor(&self) -> bool {
        self.totp.is_some() || !self.passkeys.is_empty()
    }
}

impl Record for UserSecret {
    const KIND: Kind = Kind::UserSecret;

    fn key(&self) -> Key {
        Key::of(ClientId::INSTALLATION, self.user.0)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    /// SHA-256 of the secret in the session's cookie.
    pub hash: [u8; 32],
    /// The client that is shown.
    pub client: ClientId,
    /// Whether the second factor is still to be proven: nothing else can be done.
    pub is_partial: bool,
    /// Whether it was opened at an identity provider, whose factors then count.
    pub is_federated: bool,
    /// When a factor was proven last.
    pub proven_at: Instant,
    /// To the minute.
    pub seen_at: Instant,
    /// When the user signed in.
    pub since: Instant,
    pub address: String,
    /// The browser, as it names itself.
    pub agent: String,
}

impl Session {
    /// Whether the session has ended at an instant of wall time.
    pub fn is_over(&self, wall: Instant) -> bool {
        // `seen_at` is recorded to the minute.
        let idle = self.seen_at.plus_seconds(super::IDLE_SECONDS) <= wall;
        idle || self.since.plus_seconds(super::SESSION_SECONDS) <= wall
    }

    /// Whether a factor was proven within the last minutes.
    pub fn is_fresh(&self, wall: Instant) -> bool {
        self.proven_at.plus_seconds(super::FRESH_SECONDS) > wall
    }
}

impl Record for Session {
    const KIND: Kind = Kind::Session;

    fn key(&self) -> Key {
        Key::of(ClientId::INSTALLATION, self.id.0)
    }
}
