//! Sessions: found by their cookie, kept alive, ended.

use std::net::IpAddr;
use std::sync::Arc;

use paygen_core::access::{Actor, ClientStatus};
use paygen_core::ids::{ClientId, SessionId, UserId};
use paygen_core::people::{EndSessions, Passkey, Role, Session, SessionUse, TouchSessions, User, UserStatus};
use paygen_core::record::Key;
use paygen_core::work::Context;
use paygen_core::{Command, Request};
use paygen_engine::clock::wall;
use paygen_store::StoreError;

use super::Bearer;
use crate::callers::Caller;
use crate::{App, Failure};

/// The length of a cookie's text.
pub const COOKIE_BYTES: usize = 24 + 1 + 64;

/// How often it is stored that a session is used, in seconds.
const TOUCH_SECONDS: i64 = 60;

/// Somebody in a session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub session: Session,
    pub user: User,
    /// The role in the client that the session shows; `None` while the second factor is to be proven.
    pub role: Option<Role>,
    pub has_password: bool,
    /// Whether there is an authenticator or a passkey.
    pub has_factor: bool,
    pub has_authenticator: bool,
    /// The oldest first.
    pub passkeys: Vec<Passkey>,
    pub address: IpAddr,
}

impl SignedIn {
    /// The context of commands about the user themselves.
    pub fn context(&self) -> Context {
        let mut context = Context::system(self.session.client, "");
        context.actor = Actor::User(self.user.id);
        context.address = Some(self.address);
        context
    }

    /// The user as a caller of the API, in the client that the session shows.
    pub fn caller(&self) -> Caller {
        Caller::of_user(self.session.client, self.user.id, self.role, self.address)
    }

    /// Whether a factor was proven within the last minutes. A user who has none cannot prove one anew, unless at an
    /// identity provider.
    pub fn is_fresh(&self) -> bool {
        let can_prove = self.has_password || self.has_factor || self.session.is_federated;
        self.session.is_fresh(wall()) || !can_prove
    }
}

impl App {
    /// Who is in the session of a cookie.
    pub async fn signed_in(&self, cookie: &str, address: IpAddr) -> Result<Option<SignedIn>, StoreError> {
        let Some((id, hash)) = Bearer::read(cookie) else { return Ok(None) };
        let Some(session) = self.reader.get::<Session>(Key::of(ClientId::INSTALLATION, id)).await? else {
            return Ok(None);
        };
        if session.hash != hash || session.is_over(wall()) {
            return Ok(None);
        }
        let Some((user, secret)) = self.reader.user(session.user).await? else { return Ok(None) };
        // Whoever begins anew is invited again, and a session of before is not theirs to continue.
        let began_anew = user.status == UserStatus::Invited && !session.is_partial;
        if user.status == UserStatus::Disabled || began_anew {
            return Ok(None);
        }
        let is_active = self.client_is_active(session.client).await?;
        let role = user.role_in(session.client).filter(|_| is_active && !session.is_partial);
        if role.is_none() && !session.is_partial {
            return Ok(None);
        }
        Ok(Some(SignedIn {
            session,
            user,
            role,
            has_password: secret.password.is_some(),
            has_factor: secret.has_factor(),
            has_authenticator: secret.totp.is_some(),
            passkeys: secret.passkeys,
            address,
        }))
    }

    /// Keeps a session alive; stored once a minute.
    pub async fn keep_alive(&self, signed_in: &SignedIn) -> Result<(), Failure> {
        let now = wall();
        if now < signed_in.session.seen_at.plus_seconds(TOUCH_SECONDS) {
            return Ok(());
        }
        let seen = SessionUse { id: signed_in.session.id, at: now, client: None };
        self.touch(signed_in, seen).await
    }

    /// Shows another client in a session.
    pub async fn show_client(&self, signed_in: &SignedIn, client: ClientId) -> Result<(), Failure> {
        let seen = SessionUse { id: signed_in.session.id, at: wall(), client: Some(client) };
        self.touch(signed_in, seen).await
    }

    async fn touch(&self, signed_in: &SignedIn, seen: SessionUse) -> Result<(), Failure> {
        let command = Command::TouchSessions(TouchSessions { uses: vec![seen] });
        self.engine.run_background(Request::new(signed_in.context(), command)).await??;
        Ok(())
    }

    /// Ends sessions of a user.
    pub async fn end_sessions(&self, context: Context, user: UserId, ids: Vec<SessionId>) -> Result<(), Failure> {
        let command = Command::EndSessions(EndSessions { ids, user: Some(user) });
        self.engine.run_background(Request::new(context, command)).await??;
        Ok(())
    }

    /// The sessions of the user but the one they are in.
    pub(super) async fn other_sessions(&self, signed_in: &SignedIn) -> Result<Vec<SessionId>, StoreError> {
        let all = self.reader.sessions_of(signed_in.user.id).await?;
        Ok(all.iter().map(|session| session.id).filter(|id| *id != signed_in.session.id).collect())
    }

    /// The active clients that a user may look at, with their names.
    pub async fn clients_of(&self, user: &User) -> Result<Vec<(ClientId, Arc<str>)>, StoreError> {
        let all = self.reader.clients().await?;
        let active = all.into_iter().filter(|client| client.status == ClientStatus::Active);
        let seen = active.filter(|client| user.role_in(client.id).is_some());
        Ok(seen.map(|client| (client.id, Arc::from(client.name.as_str()))).collect())
    }
}
