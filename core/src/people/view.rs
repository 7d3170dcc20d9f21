//! The views of users and sessions. They never contain a secret.

use serde::Serialize;

use super::{Role, Session, User, UserSecret, UserStatus};
use crate::audit::{Audited, Picture};
use crate::ids::ClientId;
use crate::time::Instant;

crate::string_enum! {
    /// What a user proves besides a password.
    pub enum SecondFactor {
        None = "none",
        /// One-time codes of an authenticator (RFC 6238).
        Totp = "totp",
        /// A passkey, which also signs in alone (WebAuthn).
        Passkey = "passkey",
    }
}

impl SecondFactor {
    pub fn of(secret: &UserSecret) -> SecondFactor {
        match (secret.passkeys.is_empty(), &secret.totp) {
            (false, _) => SecondFactor::Passkey,
            (true, Some(_)) => SecondFactor::Totp,
            (true, None) => SecondFactor::None,
        }
    }
}

/// A user, as a client they belong to sees them.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// E-mail address, with which they sign in.
    #[schema(example = "ada@example.com")]
    pub email: String,
    /// Name.
    #[schema(example = "Ada Lovelace")]
    pub name: String,
    /// Status.
    pub status: UserStatus,
    /// The role in this client; null if they have none any more.
    #[schema(required = true)]
    pub role: Option<Role>,
    /// Whether the role is one for every client of the installation. Only the operator changes it.
    pub platform_wide: bool,
    /// What they prove besides the password.
    pub second_factor: SecondFactor,
    /// Until when signing in is locked after too many tries, in wall time; null if it is not.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub locked_until: Option<String>,
    /// Time of the last sign-in, in wall time.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub last_sign_in_at: Option<String>,
    /// Version of the object, from 1.
    pub version: i64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl UserView {
    /// `wall` is the present wall time.
    pub fn of(user: &User, secret: &UserSecret, client: ClientId, wall: Instant) -> UserView {
        let own = user.memberships.iter().any(|membership| membership.client == Some(client));
        UserView {
            id: user.id.to_string(),
            email: user.email.clone(),
            name: user.name.clone(),
            status: user.status,
            role: user.role_in(client),
            platform_wide: !own && user.is_of_platform(),
            second_factor: SecondFactor::of(secret),
            locked_until: secret.locked_until.filter(|until| *until > wall).map(|until| until.to_string()),
            last_sign_in_at: user.last_sign_in_at.map(|at| at.to_string()),
            version: user.version,
            created_at: user.created_at.to_string(),
            updated_at: user.updated_at.to_string(),
        }
    }
}

/// A session, as its user sees it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    #[serde(rename = "_id")]
    pub id: String,
    pub user_id: String,
    pub address: String,
    pub agent: String,
    pub since: String,
    pub seen_at: String,
}

impl SessionView {
    pub fn of(session: &Session) -> SessionView {
        SessionView {
            id: session.id.to_string(),
            user_id: session.user.to_string(),
            address: session.address.clone(),
            agent: session.agent.clone(),
            since: session.since.to_string(),
            seen_at: session.seen_at.to_string(),
        }
    }
}

impl Audited for User {
    const OBJECT: &'static str = "user";

    fn picture(&self) -> Picture {
        Picture::of(&serde_json::json!({
            "email": self.email, "name": self.name, "status": self.status, "memberships": self.memberships,
            "lastSignInAt": self.last_sign_in_at.map(|at| at.to_string()),
        }))
    }
}

impl Audited for UserSecret {
    const OBJECT: &'static str = "user_secret";

    fn picture(&self) -> Picture {
        let passkeys: Vec<&str> = self.passkeys.iter().map(|passkey| passkey.name.as_str()).collect();
        let shown = serde_json::json!({
            "secondFactor": SecondFactor::of(self), "hasAuthenticator": self.totp.is_some(), "passkeys": passkeys,
            "recoveryCodesLeft": self.recovery_codes.len(),
            "hasLink": self.link.is_some(), "tries": self.tries,
            "lockedUntil": self.locked_until.map(|at| at.to_string()),
        });
        match &self.password {
            Some(password) => Picture::of(&shown).with_hidden("password", password.as_bytes()),
            None => Picture::of(&shown),
        }
    }
}

impl Audited for Session {
    const OBJECT: &'static str = "session";

    fn picture(&self) -> Picture {
        Picture::of(&SessionView::of(self)).without(&["seenAt"])
    }
}
