//! Users whom an identity provider describes: their memberships from groups are replaced at every sign-in.

use super::manage::{email_key, find_for_update, secret_for_update};
use super::{Membership, User, UserEmail, UserSecret, UserStatus, UserView};
use crate::ids::{ClientId, Id, UserId};
use crate::people::PersonRefusal;
use crate::refusal::{Refusal, Stop};
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Makes a user's memberships from groups those given. A user who is not known is added, if there are any; memberships
/// that somebody granted here stay, and count before one from groups for the same client.
#[derive(Clone, Debug)]
pub struct Federate {
    /// In lower case, and verified by the provider.
    pub email: String,
    /// SHA-256 of the address.
    pub email_hash: [u8; 32],
    /// The name of a user who has none here.
    pub name: String,
    /// From groups, at most one for a client.
    pub memberships: Vec<Membership>,
}

impl Verb for Federate {
    type Answer = UserView;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        work.user_emails.prefetch(email_key(&self.email_hash), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<UserView, Stop> {
        let (client, now) = (work.client(), work.now());
        let Some(known) = work.user_emails.get_for_update(email_key(&self.email_hash))? else {
            if self.memberships.is_empty() {
                return Err(Refusal::Person(PersonRefusal::NotFound).into());
            }
            let id = UserId(work.new_id());
            let user = User {
                id,
                email: self.email.clone(),
                name: self.name.clone(),
                status: UserStatus::Invited,
                memberships: self.memberships.clone(),
                last_sign_in_at: None,
                version: 1,
                created_at: now,
                updated_at: now,
            };
            let secret = UserSecret { user: id, ..UserSecret::default() };
            let view = UserView::of(&user, &secret, client, work.wall());
            work.users.put(user);
            work.user_emails.put(UserEmail { hash: self.email_hash, user: id });
            work.user_secrets.put(secret);
            return Ok(view);
        };
        let user = find_for_update(work, known.user)?;
        let secret = secret_for_update(work, known.user)?;
        let mut changed = (*user).clone();
        changed.memberships.retain(|membership| !membership.is_federated);
        for given in &self.memberships {
            if changed.memberships.iter().all(|own| own.client != given.client) {
                changed.memberships.push(*given);
            }
        }
        if changed.name.is_empty() {
            changed.name.clone_from(&self.name);
        }
        if changed != *user {
            changed.version += 1;
            changed.updated_at = now;
            work.users.put(changed.clone());
        }
        Ok(UserView::of(&changed, &secret, client, work.wall()))
    }
}

#[cfg(test)]
mod tests {
    use super::Federate;
    use crate::access::Scopes;
    use crate::people::{AddUser, Membership, Role};
    use crate::testing::World;
    use crate::{Command, Outcome};

    fn federate(world: &mut World, memberships: Vec<Membership>) -> Result<(Option<Role>, i64), &'static str> {
        let command = Federate {
            email: "ada@example.com".to_owned(),
            email_hash: [9; 32],
            name: "Ada of the provider".to_owned(),
            memberships,
        };
        match world.run(Command::Federate(Box::new(command)))? {
            Outcome::User(user) => Ok((user.role, user.version)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn memberships_from_groups_are_those_of_the_last_sign_in() {
        let mut world = World::new();
        let of = |client, role| Membership { client, role, is_federated: true };
        let own = Some(world.client);
        assert_eq!(federate(&mut world, Vec::new()), Err("user_not_found"), "nobody is added without a role");
        assert_eq!(federate(&mut world, vec![of(own, Role::Support)]), Ok((Some(Role::Support), 1)));
        assert_eq!(federate(&mut world, vec![of(own, Role::Support)]), Ok((Some(Role::Support), 1)), "nothing changed");
        assert_eq!(federate(&mut world, vec![of(None, Role::Auditor)]), Ok((Some(Role::Auditor), 2)));
        assert_eq!(federate(&mut world, Vec::new()), Ok((None, 3)), "who left the groups has no role any more");
    }

    #[test]
    fn what_was_granted_here_stays_and_counts_first() {
        let mut world = World::new();
        let command = AddUser {
            email: "ada@example.com".to_owned(),
            email_hash: [9; 32],
            name: "Ada".to_owned(),
            role: Role::Finance,
            platform_wide: false,
            granter: Scopes::all(),
            link: ([1; 32], world.wall.plus_seconds(60)),
        };
        let Ok(Outcome::User(user)) = world.run(Command::AddUser(Box::new(command))) else { panic!("no user") };
        assert_eq!(user.name, "Ada");
        let from_group = Membership { client: Some(world.client), role: Role::Owner, is_federated: true };
        assert_eq!(federate(&mut world, vec![from_group]), Ok((Some(Role::Finance), 1)));
        assert_eq!(federate(&mut world, Vec::new()), Ok((Some(Role::Finance), 1)));
    }
}
