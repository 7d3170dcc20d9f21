//! Users and their roles: added, changed, given one-time links.

use super::sessions;
use super::{Membership, Role, User, UserEmail, UserSecret, UserStatus, UserView};
use crate::access::{Actor, Scopes};
use crate::approvals::{ApprovalAction, Ask};
use crate::fields::{Echo, check_read_only, check_version};
use crate::ids::{ClientId, Id, SessionId, UserId};
use crate::people::PersonRefusal;
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
    Ok(work.users.get_for_update(key(id))?.ok_or(Refusal::Person(PersonRefusal::NotFound))?)
}

/// A user's secrets for update.
pub(super) fn secret_for_update(work: &mut Work, id: UserId) -> Result<std::sync::Arc<UserSecret>, Stop> {
    Ok(work.user_secrets.get_for_update(key(id))?.ok_or(Refusal::Person(PersonRefusal::NotFound))?)
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
        Err(Refusal::Person(PersonRefusal::RoleExceeded { role: role.as_str(), scopes: beyond.to_string() }))
    }
}

/// Whether the operator runs the command, on the command line of the server.
fn by_operator(work: &Work) -> bool {
    work.context().actor == Actor::Operator
}

/// Refuses to change how somebody signs in, or whether they may, where they have a role beyond this client: it would
/// take effect there.
fn belongs_here_only(user: &User, work: &Work) -> Result<(), Refusal> {
    let client = work.client();
    if by_operator(work) {
        return Ok(());
    }
    match user.memberships.iter().find(|membership| membership.client != Some(client)) {
        Some(Membership { client: None, .. }) => Err(Refusal::Person(PersonRefusal::OfPlatform)),
        Some(_) => Err(Refusal::Person(PersonRefusal::Shared)),
        None => Ok(()),
    }
}

/// Users change themselves on their profile, where the console asks for a proof.
fn not_themselves(id: UserId, work: &Work) -> Result<(), Refusal> {
    if work.context().actor == Actor::User(id) { Err(Refusal::Person(PersonRefusal::Own)) } else { Ok(()) }
}

/// Whether a client can be run by this user.
fn runs(user: &User, client: ClientId) -> bool {
    user.status == UserStatus::Active && user.role_in(client) == Some(Role::Owner)
}

/// Adds a user to the client in the command's context, or to every client. Only the operator adds somebody who has a role
/// elsewhere: whoever invited them there was shown their link. Somebody who has no role any more begins anew.
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
    pub name: Option<String>,
    pub switch: Option<UserSwitch>,
    pub membership: ChangeMembership,
    pub granter: Scopes,
    /// Another active owner of the client, read beside the engine; checked again here, where both rows are locked, so that
    /// two owners cannot remove each other at once.
    pub other_owner: Option<UserId>,
    /// Sessions to end if the user may do less afterwards.
    pub sessions: Vec<SessionId>,
    /// Read-only fields that were sent; they must equal the stored ones.
    pub echo: Echo,
    pub if_match: Option<i64>,
}

crate::string_enum! {
    /// Whether a user may sign in.
    pub enum UserSwitch {
        Active = "active",
        Disabled = "disabled",
    }
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

impl AddUser {
    fn secret(&self, user: UserId) -> UserSecret {
        let (hash, until) = self.link;
        UserSecret { user, link: Some(hash), link_until: Some(until), ..UserSecret::default() }
    }

    /// Adds a role to somebody whose address is known.
    fn known(&self, work: &mut Work, id: UserId, membership: Membership) -> Result<UserView, Stop> {
        let (client, now) = (work.client(), work.now());
        let user = find_for_update(work, id)?;
        let has_it = user.memberships.iter().any(|known| known.client == membership.client);
        if has_it || (!by_operator(work) && user.role_in(client).is_some()) {
            return Err(Refusal::Person(PersonRefusal::Exists).into());
        }
        let mut secret = (*secret_for_update(work, id)?).clone();
        let mut changed = User { version: user.version + 1, updated_at: now, ..(*user).clone() };
        if user.memberships.is_empty() {
            (changed.status, changed.name) = (UserStatus::Invited, self.name.clone());
            secret = self.secret(id);
            work.user_secrets.put(secret.clone());
        } else if !by_operator(work) {
            return Err(Refusal::Person(PersonRefusal::Shared).into());
        }
        changed.memberships.push(membership);
        let view = UserView::of(&changed, &secret, client, work.wall());
        work.users.put(changed);
        Ok(view)
    }
}

impl Verb for AddUser {
    type Answer = UserView;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        work.user_emails.prefetch(email_key(&self.email_hash), Access::Exclusive);
    }

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::UserRole).scopes(self.role.scopes())]
    }

    fn run(&self, work: &mut Work) -> Result<UserView, Stop> {
        covers(self.granter, self.role)?;
        let client = work.client();
        let client_of = (!self.platform_wide).then_some(client);
        let membership = Membership { client: client_of, role: self.role, is_federated: false };
        let now = work.now();
        if let Some(known) = work.user_emails.get_for_update(email_key(&self.email_hash))? {
            return self.known(work, known.user, membership);
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
        let secret = self.secret(id);
        let view = UserView::of(&user, &secret, client, work.wall());
        work.users.put(user);
        work.user_emails.put(UserEmail { hash: self.email_hash, user: id });
        work.user_secrets.put(secret);
        Ok(view)
    }
}

impl ChangeUser {
    /// The user after the change.
    fn changed(&self, work: &Work, user: &User) -> Result<User, Refusal> {
        let client = work.client();
        let of = |wanted| user.memberships.iter().position(|membership| membership.client == wanted);
        let own = of(Some(client)).or_else(|| of(None).filter(|_| by_operator(work)));
        let Some(own) = own else {
            // Somebody else's user behaves as absent; one of the whole installation is the operator's.
            return Err(if user.is_of_platform() {
                Refusal::Person(PersonRefusal::OfPlatform)
            } else {
                Refusal::Person(PersonRefusal::NotFound)
            });
        };
        check_version(self.if_match, user.version)?;
        not_themselves(self.id, work)?;
        covers(self.granter, user.memberships[own].role)?;
        let mut changed = user.clone();
        if let Some(name) = &self.name {
            changed.name = name.clone();
        }
        match self.switch {
            None => {}
            Some(UserSwitch::Disabled) => changed.status = UserStatus::Disabled,
            Some(UserSwitch::Active) if user.status != UserStatus::Disabled => {}
            Some(UserSwitch::Active) => {
                let was_there = user.last_sign_in_at.is_some();
                changed.status = if was_there { UserStatus::Active } else { UserStatus::Invited };
            }
        }
        if changed != *user {
            belongs_here_only(user, work)?;
        }
        match self.membership {
            ChangeMembership::Keep => {}
            ChangeMembership::Role(role) => {
                covers(self.granter, role)?;
                let membership = &mut changed.memberships[own];
                if membership.role != role {
                    // The next sign-in at the identity provider would give the group's role again.
                    (membership.role, membership.is_federated) = (role, false);
                }
            }
            ChangeMembership::Remove => {
                changed.memberships.remove(own);
            }
        }
        Ok(changed)
    }

    /// Refuses to take the last active owner away from the client.
    fn leaves_an_owner(&self, work: &mut Work, before: &User, after: &User) -> Result<(), Stop> {
        let client = work.client();
        if by_operator(work) || !runs(before, client) || runs(after, client) {
            return Ok(());
        }
        let other =
            self.other_owner.filter(|other| *other != self.id).ok_or(Refusal::Person(PersonRefusal::LastOwner))?;
        let other = work.users.get_for_update(key(other))?;
        if other.is_some_and(|other| runs(&other, client)) { Ok(()) } else { Err(Refusal::Stale.into()) }
    }
}

impl Verb for ChangeUser {
    type Answer = UserView;

    fn home(&self) -> Option<Id> {
        Some(self.id.0)
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        prefetch(work, self.id);
        if let Some(other) = self.other_owner {
            work.users.prefetch(key(other), Access::Exclusive);
        }
        sessions::prefetch(work, &self.sessions);
    }

    fn approvals(&self) -> Vec<Ask> {
        let given = match self.membership {
            ChangeMembership::Role(role) => role.scopes(),
            _ => Scopes::default(),
        };
        vec![Ask::of(ApprovalAction::UserRole).scopes(given)]
    }

    fn run(&self, work: &mut Work) -> Result<UserView, Stop> {
        let (client, wall) = (work.client(), work.wall());
        let user = find_for_update(work, self.id)?;
        let secret = secret_for_update(work, self.id)?;
        let mut changed = self.changed(work, &user)?;
        check_read_only(&self.echo, &UserView::of(&user, &secret, client, wall))?;
        self.leaves_an_owner(work, &user, &changed)?;
        let mut ended = Vec::new();
        if changed.status == UserStatus::Disabled || changed.role_in(client).is_none() {
            ended = sessions::of_user(work, &self.sessions, self.id)?;
        }
        if changed != *user {
            changed.version += 1;
            changed.updated_at = work.now();
            work.users.put(changed.clone());
        }
        ended.into_iter().for_each(|session| work.sessions.delete(session));
        Ok(UserView::of(&changed, &secret, client, wall))
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

    /// Who has the link signs in as the user, who can do no more than its granter.
    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::UserRole).scopes(self.granter)]
    }

    fn run(&self, work: &mut Work) -> Result<UserView, Stop> {
        let client = work.client();
        let user = find_for_update(work, self.id)?;
        let role = user.role_in(client).ok_or(Refusal::Person(PersonRefusal::NotFound))?;
        not_themselves(self.id, work)?;
        belongs_here_only(&user, work)?;
        covers(self.granter, role)?;
        let secret = secret_for_update(work, self.id)?;
        let secret = UserSecret { link: Some(self.hash), link_until: Some(self.until), ..(*secret).clone() };
        work.user_secrets.put(secret.clone());
        Ok(UserView::of(&user, &secret, client, work.wall()))
    }
}
