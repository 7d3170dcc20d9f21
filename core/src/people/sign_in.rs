//! Signing in. What is expensive (Argon2id) or secret (one-time codes) is compared beside the engine; the commands count
//! the tries, use up what works once, and open the session.

use super::manage::{find_for_update, prefetch, secret_for_update};
use super::sessions;
use super::{FORMER_PASSWORDS, LOCK_SECONDS, MAX_TRIES, Session, User, UserSecret, UserStatus};
use crate::ids::{ClientId, Id, SessionId, UserId};
use crate::people::PersonRefusal;
use crate::record::Key;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::time::Instant;
use crate::verb::Verb;
use crate::work::Work;

/// Counts a try before it is compared, so that tries at the same time cannot exceed the bound.
#[derive(Clone, Debug)]
pub struct CountTry {
    pub user: UserId,
}

/// What the caller compared. The command checks that it still holds.
#[derive(Clone, Debug)]
pub enum Proof {
    /// SHA-256 of the secret in a one-time link.
    Link([u8; 32]),
    /// The stored PHC string that the password fits.
    Password(String),
    /// The time step of a one-time code, and the sealed secret it was computed from.
    Code { step: i64, sealed: Vec<u8> },
    /// SHA-256 of a recovery code, as hex.
    RecoveryCode(String),
    /// An answer to a challenge, signed with a passkey.
    Passkey(PasskeyUse),
    /// The word of an identity provider, which the caller has checked.
    Federated,
}

/// A passkey whose signature fits. It counts as both factors: authenticators ask for a PIN or a finger themselves.
#[derive(Clone, Debug)]
pub struct PasskeyUse {
    pub id: String,
    /// The stored credential that was compared.
    pub before: String,
    /// The same with the authenticator's new counter.
    pub after: String,
    /// When the challenge was made, in wall time.
    pub asked_at: Instant,
}

/// The session to open.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// SHA-256 of the secret in its cookie.
    pub hash: [u8; 32],
    pub address: String,
    pub agent: String,
}

/// Opens a session, or proves a factor in one, which then continues under a new secret.
#[derive(Clone, Debug)]
pub struct OpenSession {
    pub user: UserId,
    pub proof: Proof,
    pub session: NewSession,
    /// The session in which the factor is proven.
    pub replaces: Option<SessionId>,
    /// Sessions to end if the user is invited: they are of before the user began anew.
    pub ends: Vec<SessionId>,
}

/// Sets a password, after the caller compared the new one with the former ones.
#[derive(Clone, Debug)]
pub struct SetPassword {
    pub user: UserId,
    /// Argon2id, as a PHC string.
    pub password: String,
    /// The stored strings that were compared: the present one and the former ones.
    pub compared: Vec<String>,
    /// The user's other sessions, which end.
    pub ends: Vec<SessionId>,
}

/// Sets or removes the secret of one-time codes, with new recovery codes.
#[derive(Clone, Debug)]
pub struct SetSecondFactor {
    pub user: UserId,
    /// Sealed.
    pub totp: Option<Vec<u8>>,
    /// The step of the code that proved the new secret.
    pub step: i64,
    /// SHA-256 of each, as hex.
    pub recovery_codes: Vec<String>,
    /// The user's other sessions, which end.
    pub ends: Vec<SessionId>,
}

impl UserSecret {
    /// All stored passwords, the present one first.
    pub fn passwords(&self) -> Vec<String> {
        self.password.iter().chain(&self.former_passwords).cloned().collect()
    }
}

impl Verb for CountTry {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.user.0)
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        work.user_secrets.prefetch(Key::of(ClientId::INSTALLATION, self.user.0), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let wall = work.wall();
        let secret = secret_for_update(work, self.user)?;
        if let Some(until) = secret.locked_until.filter(|until| *until > wall) {
            return Err(Refusal::Person(PersonRefusal::Locked { until: until.to_string() }).into());
        }
        // A lock that is over gives all tries back.
        let tries = if secret.locked_until.is_some() { 1 } else { secret.tries + 1 };
        let locked_until = (tries >= MAX_TRIES).then(|| wall.plus_seconds(LOCK_SECONDS));
        work.user_secrets.put(UserSecret { tries, locked_until, ..(*secret).clone() });
        Ok(tries as u64)
    }
}

impl Verb for OpenSession {
    type Answer = Session;

    fn home(&self) -> Option<Id> {
        Some(self.user.0)
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        prefetch(work, self.user);
        if let Some(id) = self.replaces {
            work.sessions.prefetch(Key::of(ClientId::INSTALLATION, id.0), Access::Exclusive);
        }
        sessions::prefetch(work, &self.ends);
    }

    fn run(&self, work: &mut Work) -> Result<Session, Stop> {
        let (client, wall) = (work.client(), work.wall());
        let user = find_for_update(work, self.user)?;
        let secret = secret_for_update(work, self.user)?;
        if user.status == UserStatus::Disabled || user.role_in(client).is_none() {
            return Err(Refusal::Person(PersonRefusal::ProofRefused).into());
        }
        let before = match self.replaces {
            Some(id) => {
                let found = work.sessions.get_for_update(Key::of(ClientId::INSTALLATION, id.0))?;
                let open = found.filter(|session| session.user == self.user && !session.is_over(wall));
                Some(open.ok_or(Refusal::Person(PersonRefusal::ProofRefused))?)
            }
            None => None,
        };
        let ended = match user.status {
            UserStatus::Invited => sessions::of_user(work, &self.ends, self.user)?,
            UserStatus::Active | UserStatus::Disabled => Vec::new(),
        };
        let used = self.use_up(&secret, work)?;
        let is_partial = match (&self.proof, &before) {
            (Proof::Passkey(_) | Proof::Federated, _) | (Proof::Code { .. } | Proof::RecoveryCode(_), Some(_)) => false,
            // Codes alone open nothing.
            (Proof::Code { .. } | Proof::RecoveryCode(_), None) => {
                return Err(Refusal::Person(PersonRefusal::ProofRefused).into());
            }
            // A password proves nothing anew to somebody who has a second factor, and a link only begins.
            (Proof::Password(_), Some(_)) if !secret.has_factor() => false,
            (Proof::Link(_) | Proof::Password(_), Some(_)) => {
                return Err(Refusal::Person(PersonRefusal::ProofRefused).into());
            }
            (Proof::Link(_) | Proof::Password(_), None) => secret.has_factor(),
        };
        let session = Session {
            id: SessionId(work.new_id()),
            user: self.user,
            hash: self.session.hash,
            client,
            is_partial,
            is_federated: match (&self.proof, &before) {
                (Proof::Federated, _) => true,
                (_, before) => before.as_ref().is_some_and(|session| session.is_federated),
            },
            proven_at: wall,
            seen_at: wall,
            since: before.as_ref().map_or(wall, |session| session.since),
            address: self.session.address.clone(),
            agent: self.session.agent.clone(),
        };
        work.user_secrets.put(used);
        if !is_partial && before.as_ref().is_none_or(|session| session.is_partial) {
            let signed_in = User { status: UserStatus::Active, last_sign_in_at: Some(wall), ..(*user).clone() };
            work.users.put(signed_in);
        }
        ended.into_iter().for_each(|session| work.sessions.delete(session));
        if let Some(before) = before {
            work.sessions.delete(Key::of(ClientId::INSTALLATION, before.id.0));
        }
        work.sessions.put(session.clone());
        Ok(session)
    }
}

impl OpenSession {
    /// The user's secrets after the proof was used. A lock holds for passwords and codes, whose tries are counted before;
    /// passkeys and identity providers cannot be guessed, and confirm who it is (PCI DSS 8.3.4). A success gives the tries
    /// back, unless the second factor is still to come: otherwise a known password would allow any number of codes.
    fn use_up(&self, secret: &UserSecret, work: &Work) -> Result<UserSecret, Refusal> {
        let mut used = secret.clone();
        match &self.proof {
            Proof::Link(hash) => {
                let open = secret.link.is_some_and(|link| link == *hash);
                if !open || secret.link_until.is_none_or(|until| until <= work.wall()) {
                    return Err(Refusal::Person(PersonRefusal::ProofRefused));
                }
                (used.link, used.link_until) = (None, None);
            }
            Proof::Password(compared) => {
                if secret.password.as_ref() != Some(compared) {
                    return Err(Refusal::Person(PersonRefusal::ProofRefused));
                }
                if secret.has_factor() {
                    return Ok(used);
                }
            }
            Proof::Code { step, sealed } => {
                if secret.totp.as_ref() != Some(sealed) || *step <= secret.totp_step {
                    return Err(Refusal::Person(PersonRefusal::ProofRefused));
                }
                used.totp_step = *step;
            }
            Proof::RecoveryCode(hash) => {
                let at = secret
                    .recovery_codes
                    .iter()
                    .position(|left| left == hash)
                    .ok_or(Refusal::Person(PersonRefusal::ProofRefused))?;
                used.recovery_codes.remove(at);
            }
            Proof::Passkey(answered) => {
                answered.record(&mut used, work.wall())?;
            }
            Proof::Federated => {}
        }
        (used.tries, used.locked_until) = (0, None);
        Ok(used)
    }
}

impl PasskeyUse {
    /// Records the use. A challenge that was answered, or is older than one that was, is refused: what was recorded once
    /// cannot be sent again.
    fn record(&self, secret: &mut UserSecret, wall: Instant) -> Result<(), Refusal> {
        let passkey = secret.passkeys.iter_mut().find(|passkey| passkey.id == self.id);
        let passkey = passkey.ok_or(Refusal::Person(PersonRefusal::ProofRefused))?;
        if passkey.credential != self.before || passkey.used_at >= self.asked_at {
            return Err(Refusal::Person(PersonRefusal::ProofRefused));
        }
        passkey.credential.clone_from(&self.after);
        // Another server's clock may have been ahead when it made the challenge.
        passkey.used_at = wall.max(self.asked_at);
        Ok(())
    }
}

impl Verb for SetPassword {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.user.0)
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        prefetch(work, self.user);
        sessions::prefetch(work, &self.ends);
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let secret = secret_for_update(work, self.user)?;
        let mut former = secret.passwords();
        if former != self.compared {
            return Err(Refusal::Stale.into());
        }
        let ended = sessions::of_user(work, &self.ends, self.user)?;
        former.truncate(FORMER_PASSWORDS - 1);
        work.user_secrets.put(UserSecret {
            password: Some(self.password.clone()),
            former_passwords: former,
            link: None,
            link_until: None,
            ..(*secret).clone()
        });
        ended.into_iter().for_each(|session| work.sessions.delete(session));
        Ok(1)
    }
}

impl Verb for SetSecondFactor {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.user.0)
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        prefetch(work, self.user);
        sessions::prefetch(work, &self.ends);
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let secret = secret_for_update(work, self.user)?;
        let ended = sessions::of_user(work, &self.ends, self.user)?;
        work.user_secrets.put(UserSecret {
            totp: self.totp.clone(),
            totp_step: self.step,
            recovery_codes: self.recovery_codes.clone(),
            ..(*secret).clone()
        });
        ended.into_iter().for_each(|session| work.sessions.delete(session));
        Ok(1)
    }
}
