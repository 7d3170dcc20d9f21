//! Queries about users and sessions.

use paygen_core::ids::{ClientId, Id, SessionId, UserId};
use paygen_core::people::{Session, User, UserEmail, UserSecret};
use paygen_core::record::{Key, KeyBytes};
use paygen_core::time::Instant;

use crate::{Reader, StoreError};

/// The most users of an installation that are read.
const MAX_USERS: u32 = 10_000;

impl Reader {
    /// The user with this hash of an e-mail address, and what they sign in with.
    pub async fn user_by_email(&self, hash: &[u8; 32]) -> Result<Option<(User, UserSecret)>, StoreError> {
        let key = Key { client: ClientId::INSTALLATION, id: KeyBytes::new(hash) };
        match self.get::<UserEmail>(key).await? {
            Some(found) => self.user(found.user).await,
            None => Ok(None),
        }
    }

    pub async fn user(&self, id: UserId) -> Result<Option<(User, UserSecret)>, StoreError> {
        let key = Key::of(ClientId::INSTALLATION, id.0);
        let Some(user) = self.get::<User>(key).await? else { return Ok(None) };
        Ok(self.get::<UserSecret>(key).await?.map(|secret| (user, secret)))
    }

    /// All users of the installation, the oldest first.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.records(ClientId::INSTALLATION, &format!("ORDER BY id LIMIT {MAX_USERS}"), Vec::new()).await
    }

    /// What all users sign in with, in the order of [`Reader::users`].
    pub async fn user_secrets(&self) -> Result<Vec<UserSecret>, StoreError> {
        self.records(ClientId::INSTALLATION, &format!("ORDER BY user_id LIMIT {MAX_USERS}"), Vec::new()).await
    }

    /// What these users sign in with, at most as many as a page of a list has.
    pub async fn user_secrets_of(&self, users: &[UserId]) -> Result<Vec<UserSecret>, StoreError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (1..=users.len()).map(|number| format!("?{number}")).collect();
        let ids = users.iter().map(|user| user.0.into()).collect();
        self.records(ClientId::INSTALLATION, &format!("WHERE user_id IN ({})", places.join(", ")), ids).await
    }

    /// The sessions of a user, the latest first.
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        let rest = "WHERE user_id = ?1 ORDER BY seen_at DESC, id LIMIT 1000";
        self.records(ClientId::INSTALLATION, rest, vec![user.0.into()]).await
    }

    /// Sessions that were last seen at or before an instant of wall time, oldest first.
    pub async fn idle_sessions(&self, until: Instant, limit: u32) -> Result<Vec<SessionId>, StoreError> {
        let keys = self.keys_until("sessions", "id", "seen_at", until, limit).await?;
        Ok(keys.iter().filter_map(|key| Id::from_slice(key.id.as_slice()).map(SessionId)).collect())
    }
}
