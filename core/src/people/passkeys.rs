//! Passkeys of a user: added after their authenticator signed a challenge, and removed.

use super::manage::{prefetch, secret_for_update};
use super::{MAX_PASSKEYS, Passkey, UserSecret};
use crate::ids::{ClientId, Id, UserId};
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::work::Work;

/// Adds a passkey.
#[derive(Clone, Debug)]
pub struct AddPasskey {
    pub user: UserId,
    /// The credential's id, in hexadecimal digits.
    pub id: String,
    pub name: String,
    /// Public key and counter, as JSON.
    pub credential: String,
    /// SHA-256 of new recovery codes, as hex. They are kept for a user who has none left.
    pub recovery_codes: Vec<String>,
}

/// Removes a passkey. One that is not there is no error.
#[derive(Clone, Debug)]
pub struct RemovePasskey {
    pub user: UserId,
    pub id: String,
}

impl Verb for AddPasskey {
    /// How many of the recovery codes are kept: all or none.
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.user.0)
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        prefetch(work, self.user);
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let wall = work.wall();
        let secret = secret_for_update(work, self.user)?;
        // The caller has looked at both; here they changed meanwhile.
        if secret.passkeys.len() >= MAX_PASSKEYS || secret.passkeys.iter().any(|passkey| passkey.id == self.id) {
            return Err(Refusal::Stale.into());
        }
        let mut changed = (*secret).clone();
        changed.passkeys.push(Passkey {
            id: self.id.clone(),
            name: self.name.clone(),
            credential: self.credential.clone(),
            added_at: wall,
            used_at: wall,
        });
        let mut kept = 0;
        if changed.recovery_codes.is_empty() {
            changed.recovery_codes.clone_from(&self.recovery_codes);
            kept = self.recovery_codes.len() as u64;
        }
        work.user_secrets.put(changed);
        Ok(kept)
    }
}

impl Verb for RemovePasskey {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        Some(self.user.0)
    }

    fn prefetch(&self, work: &mut Work, _: ClientId) {
        prefetch(work, self.user);
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let secret = secret_for_update(work, self.user)?;
        let left: Vec<Passkey> = secret.passkeys.iter().filter(|passkey| passkey.id != self.id).cloned().collect();
        let removed = secret.passkeys.len() - left.len();
        if removed > 0 {
            work.user_secrets.put(UserSecret { passkeys: left, ..(*secret).clone() });
        }
        Ok(removed as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::{AddPasskey, MAX_PASSKEYS, RemovePasskey};
    use crate::access::Scopes;
    use crate::ids::UserId;
    use crate::people::{AddUser, CountTry, MAX_TRIES, NewSession, OpenSession, PasskeyUse, Proof, Role};
    use crate::testing::World;
    use crate::time::Instant;
    use crate::{Command, Outcome};

    fn invited() -> (World, UserId) {
        let mut world = World::new();
        let link = ([1; 32], world.wall.plus_seconds(3600));
        let command = AddUser {
            email: "ada@example.com".to_owned(),
            email_hash: [9; 32],
            name: "Ada".to_owned(),
            role: Role::Owner,
            platform_wide: false,
            granter: Scopes::all(),
            link,
        };
        let Ok(Outcome::User(user)) = world.run(Command::AddUser(Box::new(command))) else { panic!("no user") };
        (world, UserId::parse(&user.id).expect("an id"))
    }

    fn add(world: &mut World, user: UserId, id: &str) -> Result<u64, &'static str> {
        let command = AddPasskey {
            user,
            id: id.to_owned(),
            name: "Laptop".to_owned(),
            credential: "counter 0".to_owned(),
            recovery_codes: vec!["code".to_owned()],
        };
        match world.run(Command::AddPasskey(Box::new(command)))? {
            Outcome::Count(kept) => Ok(kept),
            other => panic!("{other:?}"),
        }
    }

    /// Opens a session; whether it is partial.
    fn open(world: &mut World, user: UserId, proof: Proof) -> Result<bool, &'static str> {
        let session = NewSession { hash: [5; 32], address: String::new(), agent: String::new() };
        let command = OpenSession { user, proof, session, replaces: None, ends: Vec::new() };
        match world.run(Command::OpenSession(Box::new(command)))? {
            Outcome::Session(session) => Ok(session.is_partial),
            other => panic!("{other:?}"),
        }
    }

    fn answer(id: &str, before: &str, after: &str, asked_at: Instant) -> Proof {
        Proof::Passkey(PasskeyUse { id: id.to_owned(), before: before.to_owned(), after: after.to_owned(), asked_at })
    }

    #[test]
    fn a_passkey_alone_signs_in_and_a_link_no_longer_does() {
        let (mut world, user) = invited();
        assert_eq!(add(&mut world, user, "aa"), Ok(1), "the first brings recovery codes");
        assert_eq!(add(&mut world, user, "bb"), Ok(0), "the second does not");
        assert_eq!(open(&mut world, user, Proof::Link([1; 32])), Ok(true));
        let asked = world.wall.plus_seconds(1);
        world.wall = asked.plus_seconds(1);
        assert_eq!(open(&mut world, user, answer("aa", "counter 0", "counter 1", asked)), Ok(false));
    }

    #[test]
    fn a_challenge_is_answered_once_and_the_credential_is_the_stored_one() {
        let (mut world, user) = invited();
        add(&mut world, user, "aa").expect("a passkey");
        let asked = world.wall.plus_seconds(10);
        // The server that made the challenge has a clock that is ahead.
        world.wall = asked.plus_seconds(-5);
        for (case, proof) in [
            ("unknown", answer("cc", "counter 0", "counter 0", asked)),
            ("another credential", answer("aa", "counter 7", "counter 8", asked)),
        ] {
            assert_eq!(open(&mut world, user, proof), Err("proof_refused"), "{case}");
        }
        // An authenticator without a counter leaves the credential as it is.
        assert_eq!(open(&mut world, user, answer("aa", "counter 0", "counter 0", asked)), Ok(false));
        for (case, asked) in [("again", asked), ("an older challenge", asked.plus_seconds(-1))] {
            let again = answer("aa", "counter 0", "counter 0", asked);
            assert_eq!(open(&mut world, user, again), Err("proof_refused"), "{case}");
        }
        let later = asked.plus_seconds(1);
        assert_eq!(open(&mut world, user, answer("aa", "counter 0", "counter 1", later)), Ok(false));
    }

    #[test]
    fn a_lock_does_not_hold_for_passkeys_and_they_end_it() {
        let (mut world, user) = invited();
        add(&mut world, user, "aa").expect("a passkey");
        for _ in 0..MAX_TRIES {
            world.run(Command::CountTry(CountTry { user })).expect("a try");
        }
        let locked = world.run(Command::CountTry(CountTry { user })).map(|_| ());
        assert_eq!(locked, Err("sign_in_locked"), "passwords and codes");
        let proof = answer("aa", "counter 0", "counter 0", world.wall.plus_seconds(1));
        assert_eq!(open(&mut world, user, proof), Ok(false));
        world.run(Command::CountTry(CountTry { user })).expect("a try");
    }

    #[test]
    fn passkeys_are_bounded_unique_and_removed() {
        let (mut world, user) = invited();
        for number in 0..MAX_PASSKEYS {
            add(&mut world, user, &number.to_string()).expect("a passkey");
        }
        assert_eq!(add(&mut world, user, "one more"), Err("changed_meanwhile"));
        let mut remove = |id: &str| world.run(Command::RemovePasskey(RemovePasskey { user, id: id.to_owned() }));
        assert!(matches!(remove("0"), Ok(Outcome::Count(1))));
        assert!(matches!(remove("0"), Ok(Outcome::Count(0))));
        assert_eq!(add(&mut world, user, "1"), Err("changed_meanwhile"), "it is there already");
        assert_eq!(add(&mut world, user, "0"), Ok(0));
    }
}
