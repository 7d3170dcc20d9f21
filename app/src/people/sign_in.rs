//! Signing in with a password or a one-time link, and proving a second factor.

use std::net::IpAddr;

use paygen_core::ids::{ClientId, SessionId, UserId};
use paygen_core::people::{
    CountTry, NewSession, OpenSession, PersonRefusal, Proof, Session, SetPassword, User, UserStatus,
};
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Refusal, Request};
use zeroize::Zeroizing;

use super::factors::recovery_hash;
use super::passwords::{self, Weakness};
use super::{Bearer, SignedIn, email_hash, normal_email};
use crate::{App, Failure};

/// Longest name of a browser that is kept, in characters.
const MAX_AGENT: usize = 200;

/// Where somebody signs in from.
#[derive(Clone, Debug)]
pub struct Origin {
    pub address: IpAddr,
    /// The browser, as it names itself.
    pub agent: String,
}

/// A session, and the text of its cookie.
pub struct Opened {
    pub session: Session,
    pub cookie: Zeroizing<String>,
}

/// Why somebody is not signed in. It does not tell a wrong password from an unknown address.
#[derive(Debug)]
pub enum SignInError {
    Wrong,
    /// Until when, in wall time. Only somebody in a session is told: to others it would tell that the address is known.
    Locked(String),
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for SignInError {
    fn from(error: E) -> SignInError {
        match error.into() {
            Failure::Refused(
                Refusal::Person(PersonRefusal::ProofRefused) | Refusal::Person(PersonRefusal::NotFound),
            ) => SignInError::Wrong,
            Failure::Refused(Refusal::Person(PersonRefusal::Locked { until })) => SignInError::Locked(until),
            other => SignInError::Failed(other),
        }
    }
}

impl App {
    /// Signs in with a password. The session is partial while a second factor is to be proven.
    pub async fn sign_in(&self, email: &str, password: &str, from: &Origin) -> Result<Opened, SignInError> {
        let email = normal_email(email);
        let Some((user, secret)) = self.reader.user_by_email(&email_hash(&email)).await? else {
            passwords::is(password, None).await?;
            return Err(SignInError::Wrong);
        };
        // Without a password there is nothing to guess, and others could lock the user's codes.
        let Some(stored) = secret.password else {
            passwords::is(password, None).await?;
            return Err(SignInError::Wrong);
        };
        let context = self.sign_in_context(&user, from).await?;
        match self.count_try(&context, user.id).await {
            Err(SignInError::Locked(_)) => {
                passwords::is(password, None).await?;
                return Err(SignInError::Wrong);
            }
            counted => counted?,
        }
        let fits = passwords::is(password, Some(stored.as_str())).await?;
        if !fits || user.status == UserStatus::Disabled {
            return Err(SignInError::Wrong);
        }
        Ok(self.open_session(context, user.id, Proof::Password(stored), from, None).await?)
    }

    /// Signs in with the text of a one-time link, which is used up.
    pub async fn sign_in_with_link(&self, text: &str, from: &Origin) -> Result<Opened, SignInError> {
        let (id, hash) = Bearer::read(text).ok_or(SignInError::Wrong)?;
        let (user, _) = self.reader.user(UserId(id)).await?.ok_or(SignInError::Wrong)?;
        let context = self.sign_in_context(&user, from).await?;
        Ok(self.open_session(context, user.id, Proof::Link(hash), from, None).await?)
    }

    /// Proves the second factor, at sign-in or anew, with a one-time code or a recovery code. The session continues under
    /// a new secret.
    pub async fn prove_code(&self, signed_in: &SignedIn, code: &str, from: &Origin) -> Result<Opened, SignInError> {
        let (user, context) = (signed_in.user.id, signed_in.context());
        self.count_try(&context, user).await?;
        let (_, secret) = self.reader.user(user).await?.ok_or(SignInError::Wrong)?;
        let proof = match self.factor_step(&secret, code)? {
            Some(step) => Proof::Code { step, sealed: secret.totp.unwrap_or_default() },
            None => Proof::RecoveryCode(recovery_hash(code)),
        };
        Ok(self.open_session(context, user, proof, from, Some(signed_in)).await?)
    }

    /// Proves the password anew, for users without a second factor.
    pub async fn prove_password(
        &self,
        signed_in: &SignedIn,
        password: &str,
        from: &Origin,
    ) -> Result<Opened, SignInError> {
        let (user, context) = (signed_in.user.id, signed_in.context());
        self.count_try(&context, user).await?;
        let (_, secret) = self.reader.user(user).await?.ok_or(SignInError::Wrong)?;
        let fits = passwords::is(password, secret.password.as_deref()).await?;
        let proof = Proof::Password(secret.password.filter(|_| fits).ok_or(SignInError::Wrong)?);
        Ok(self.open_session(context, user, proof, from, Some(signed_in)).await?)
    }

    /// Sets the password of a user, and ends their other sessions.
    pub async fn set_password(&self, signed_in: &SignedIn, password: &str) -> Result<Result<(), Weakness>, Failure> {
        if let Err(weakness) = passwords::check(password, &signed_in.user.email) {
            return Ok(Err(weakness));
        }
        let user = signed_in.user.id;
        let (_, secret) = self.reader.user(user).await?.ok_or(Refusal::Person(PersonRefusal::NotFound))?;
        let compared = secret.passwords();
        if passwords::is_one_of(password, &compared).await? {
            return Ok(Err(Weakness::Former));
        }
        let password = passwords::hash(password).await?;
        let command = SetPassword { user, password, compared, ends: self.other_sessions(signed_in).await? };
        let request = Request::new(signed_in.context(), Command::SetPassword(command));
        self.engine.run_background(request).await??;
        Ok(Ok(()))
    }

    async fn count_try(&self, context: &Context, user: UserId) -> Result<(), SignInError> {
        let request = Request::new(context.clone(), Command::CountTry(CountTry { user }));
        self.engine.run_background(request).await??;
        Ok(())
    }

    pub(super) async fn open_session(
        &self,
        context: Context,
        user: UserId,
        proof: Proof,
        from: &Origin,
        within: Option<&SignedIn>,
    ) -> Result<Opened, Failure> {
        let replaces = within.map(|signed_in| signed_in.session.id);
        self.replace_session(context, user, proof, from, replaces).await
    }

    /// The same of a session that only its id is known of.
    pub(super) async fn replace_session(
        &self,
        context: Context,
        user: UserId,
        proof: Proof,
        from: &Origin,
        replaces: Option<SessionId>,
    ) -> Result<Opened, Failure> {
        if !self.client_is_active(context.client).await? {
            return Err(Refusal::Person(PersonRefusal::ProofRefused).into());
        }
        let found = self.reader.user(user).await?;
        let ends: Vec<SessionId> = match found.is_some_and(|(user, _)| user.status == UserStatus::Invited) {
            true => {
                let all = self.reader.sessions_of(user).await?;
                all.iter().map(|session| session.id).filter(|id| Some(*id) != replaces).collect()
            }
            false => Vec::new(),
        };
        let bearer = Bearer::new();
        let agent = from.agent.chars().filter(|c| !c.is_control()).take(MAX_AGENT).collect();
        let session = NewSession { hash: bearer.hash, address: from.address.to_string(), agent };
        let command = Command::OpenSession(Box::new(OpenSession { user, proof, session, replaces, ends }));
        match self.engine.run_background(Request::new(context, command)).await?? {
            Outcome::Session(session) => {
                let cookie = bearer.of(session.id.0);
                Ok(Opened { session: *session, cookie })
            }
            _ => Err(Failure::Internal("a session was opened with another outcome".to_owned())),
        }
    }

    /// The client in whose audit log a sign-in stands, and which the session shows first: that of the first membership in
    /// an active client, or the installation's first active one. Without any, no session is opened.
    pub(super) async fn sign_in_context(&self, user: &User, from: &Origin) -> Result<Context, Failure> {
        let client = self.first_active_client(user).await?;
        let mut context = Context::system(client, "");
        context.actor = paygen_core::access::Actor::User(user.id);
        context.address = Some(from.address);
        Ok(context)
    }

    async fn first_active_client(&self, user: &User) -> Result<ClientId, Failure> {
        let own: Vec<ClientId> = user.memberships.iter().filter_map(|membership| membership.client).collect();
        for client in &own {
            if self.client_is_active(*client).await? {
                return Ok(*client);
            }
        }
        let any = if user.is_of_platform() { self.clients_of(user).await? } else { Vec::new() };
        let first = any.into_iter().map(|(client, _)| client).chain(own).next();
        match first {
            Some(client) => Ok(client),
            None => Ok(self.reader.clients().await?.first().map_or(ClientId::INSTALLATION, |client| client.id)),
        }
    }
}
