//! Users and their roles: added, changed, given one-time links.

use super::{Membership, Role, User, UserEmail, UserSecret, UserStatus, UserView};
use crate::access::{Actor, Scopes};
use crate::fields::check_version;
use crate::ids::{ClientId, Id, UserId};
use crate::record::{Key, KeyBytes};
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::time::Instant;
use crate::verb::Verb;
use crate::work::Work;

fn key(user: UserId) -> Key {
    Key::of(ClientId::INSTALLATION, user.0)
}

pub(super) fn email_key(hash: &[u8; 32]) -> Key {
    Key { client: ClientId::INSTALLATION, id: KeyBytes::new(hash) }
}

/// A user for update.
pub(super) fn find_for_update(work: &mut Work, id: UserId) -> Result<std::sync::Arc<User>, Stop> {
    Ok(work.users.get_for_update(key(id))?.ok_or(Refusal::UserNotFound)?)
}

/// A user's secrets for update.
pub(super) fn secret_for_update(work: &mut Work, id: UserId) -> Result<std::sync::Arc<UserSecret>, Stop> {
    Ok(work.user_secrets.get_for_update(key(id))?.ok_or(Refusal::UserNotFound)?)
}

/// Prefetches a user with their secrets.
pub(super) fn prefetch(work: &mut Work, id: UserId) {
    work.users.prefetch(key(id), Access::Exclusive);
    work.user_secrets.prefetch(key(id), Access::Exclusive);
}

/// Refuses to grant a role, or to change someone who has one, beyond the granter's scopes: otherwise who may manage users
/// could make themselves anything.
fn covers(granter: Scopes, role: Role) -> Result<(), Refusal> {
    let beyond = role.scopes().beyond(granter);
    if beyond.is_empty() {
        Ok(())
    } else {
        Err(Refusal::RoleExceeded { role: role.as_str(), scopes: beyond.to_string() })
    }
}

/// Adds a user to the client in the command's context, or to every client. Somebody whose address is known keeps their
/// name and how they sign in.
#[derive(Clone, Debug)]
pub struct AddUser {
    /// In lower case.
    pub email: String,
    /// SHA-256 of the address.
    pub email_hash: [u8; 32],
    pub name: String,
    pub role: Role,
    /// Whether the role applies to every client.
    pub platform_wide: bool,
    pub granter: Scopes,
    /// The one-time link of a new user: SHA-256 of its secret, and until when it works, in wall time.
    pub link: ([u8; 32], Instant),
}

/// Changes the name, status or role of a user of the client in the command's context.
#[derive(Clone, Debug, Default)]
pub struct ChangeUser {
    pub id: UserId,
    pub if_version: Option<i64>,
    pub name: Option<String>,
    pub status: Option<UserStatus>,
    pub membership: ChangeMembership,
    pub granter: Scopes,
}

/// What becomes of a membership.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ChangeMembership {
    #[default]
    Keep,
    Role(Role),
    Remove,
}

/// Gives a user a one-time link with which they choose a password. It replaces an earlier one.
#[derive(Clone, Debug)]
pub struct IssueLink {
    pub id: UserId,
    /// SHA-256 of the secret in the link.
    pub hash: [u8; 32],
    /// Wall time.
    pub until: Instant,
    pub granter: Scopes,
}

impl Verb for AddUser {
    type Answer = UserView;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        work.user_emails.prefetch(email_key(&self.email_hash), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<UserView, Stop> {
        covers(self.granter, self.role)?;
        let client = work.client();
        let client_of = (!self.platform_wide).then_some(client);
        let membership = Membership { client: client_of, role: self.role, is_federated: false };
        let now = work.now();
        if let Some(known) = work.user_emails.get_for_update(email_key(&self.email_hash))? {
            let user = find_for_update(work, known.user)?;
            if user.memberships.iter().any(|known| known.client == membership.client) {
                return Err(Refusal::UserExists.into());
            }
            let mut changed = User { version: user.version + 1, updated_at: now, ..(*user).clone() };
            changed.memberships.push(membership);
            let view = UserView::of(&changed, client);
            work.users.put(changed);
            return Ok(view);
        }
        let id = UserId(work.new_id());
        let user = User {
            id,
            email: self.email.clone(),
            name: self.name.clone(),
            status: UserStatus::Invited,
            memberships: vec![membership],
            last_sign_in_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let (hash, until) = self.link;
        let view = UserView::of(&user, client);
        work.users.put(user);
        work.user_emails.put(UserEmail { hash: self.email_hash, user: id });
        work.user_secrets.put(UserSecret {
            user: id,
            link: Some(hash),
            link_until: Some(until),
            ..UserSecret::default()
        });
        Ok(view)
    }
}

impl Verb for ChangeUser {
    type Answer = UserView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        work.users.prefetch(key(self.id), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<UserView, Stop> {
        let client = work.client();
        let user = find_for_update(work, self.id)?;
        let of = |wanted| user.memberships.iter().position(|membership| membership.client == wanted);
        let by_operator = work.context().actor == Actor::Operator;
        let own = of(Some(client)).or_else(|| of(None).filter(|_| by_operator));
        let Some(own) = own else {
            // Somebody else's user behaves as absent; one of the whole installation is the operator's.
            let why = if user.is_of_platform() { Refusal::UserOfPlatform } else { Refusal::UserNotFound };
            return Err(why.into());
        };
        check_version(self.if_version, user.version)?;
        covers(self.granter, user.memberships[own].role)?;
        let mut changed = (*user).clone();
        if let Some(name) = &self.name {
            changed.name = name.clone();
        }
        if let Some(status) = self.status {
            changed.status = status;
        }
        match self.membership {
            ChangeMembership::Keep => {}
            ChangeMembership::Role(role) => {
                covers(self.granter, role)?;
                changed.memberships[own].role = role;
            }
            ChangeMembership::Remove => {
                changed.memberships.remove(own);
            }
        }
        if changed != *user {
            changed.version += 1;
            changed.updated_at = work.now();
            work.users.put(changed.clone());
        }
        Ok(UserView::of(&changed, client))
    }
}

impl Verb for IssueLink {
    type Answer = UserView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        prefetch(work, self.id);
    }

    fn run(&self, work: &mut Work) -> Result<UserView, Stop> {
        let client = work.client();
        let user = find_for_update(work, self.id)?;
        let role = user.role_in(client).ok_or(Refusal::UserNotFound)?;
        covers(self.granter, role)?;
        let secret = secret_for_update(work, self.id)?;
        work.user_secrets.put(UserSecret { link: Some(self.hash), link_until: Some(self.until), ..(*secret).clone() });
        Ok(UserView::of(&user, client))
    }
}
