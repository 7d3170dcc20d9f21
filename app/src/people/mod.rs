//! People who use the console: signing in, sessions, second factors. A session acts with the scopes of its user's role,
//! as a [`Caller`](crate::callers::Caller) whose actor is the user.
//!
//! Passwords and codes are compared here, beside the engine; its commands count each try before it is compared, and use
//! up what works once.

mod factors;
pub mod oidc;
mod passkeys;
mod passwords;
mod sessions;
mod sign_in;

use aws_lc_rs::digest;
use paygen_core::Refusal;
use paygen_core::hash::hex;
use paygen_core::ids::{Id, UserId};
use paygen_core::people::PersonRefusal;
use paygen_core::people::Role;
use paygen_core::people::{AddUser, IssueLink, UserView};
use paygen_core::time::Instant;
use paygen_core::work::Context;
use paygen_core::{Command, Outcome, Request};
use paygen_engine::clock::wall;
use zeroize::Zeroizing;

pub use factors::{CODE_COUNT, NewFactor};
pub use passkeys::{CHALLENGE_SECONDS, Challenge, MAX_NAME, PasskeyError, Site};
pub use passwords::{MIN_CHARACTERS, Weakness};
pub use sessions::{COOKIE_BYTES, SignedIn};
pub use sign_in::{Opened, Origin, SignInError};

use crate::{App, Failure};

/// How long an invitation works.
pub const INVITATION_SECONDS: i64 = 3 * 86_400;

fn sha256(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}

/// The bytes of a text of hexadecimal digits, as far as it is one.
pub fn unhex(text: &str) -> Vec<u8> {
    let pair = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len() / 2).map_while(|at| pair(at * 2)).collect()
}

/// The address as it is stored and compared.
pub fn normal_email(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The hash under which an address is looked up.
pub fn email_hash(normal: &str) -> [u8; 32] {
    sha256(normal)
}

/// A secret that somebody holds, together with the id of what it opens: `ID.SECRET`. Only its hash is stored.
pub struct Bearer {
    text: Zeroizing<String>,
    pub hash: [u8; 32],
}

impl Bearer {
    /// 256 random bits as text.
    pub fn new() -> Bearer {
        let secret = Zeroizing::new(hex(&paygen_vault::random_bytes::<32>()));
        Bearer { hash: sha256(&secret), text: secret }
    }

    /// The text that opens the object of this id.
    pub fn of(&self, id: Id) -> Zeroizing<String> {
        Zeroizing::new(format!("{id}.{}", *self.text))
    }

    /// Splits a text into the id and the hash of its secret.
    pub fn read(text: &str) -> Option<(Id, [u8; 32])> {
        let (id, secret) = text.split_once('.')?;
        (secret.len() == 64).then_some(())?;
        Some((Id::parse(id)?, sha256(secret)))
    }
}

/// The path of a one-time link on the console's address.
pub fn link_path(text: &str) -> String {
    format!("/console/link/{text}")
}

impl Default for Bearer {
    fn default() -> Bearer {
        Bearer::new()
    }
}

/// Who is to be added.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// As [`normal_email`] makes it.
    pub email: String,
    pub name: String,
    pub role: Role,
    pub platform_wide: bool,
}

/// A user, and the one-time link they were given if they never signed in.
pub struct Invited {
    pub user: UserView,
    /// `ID.SECRET`, for the link.
    pub link: Option<Zeroizing<String>>,
    pub until: Instant,
}

impl App {
    /// Adds a user to the context's client.
    pub async fn add_user(
        &self,
        context: Context,
        newcomer: Newcomer,
        granter: paygen_core::access::Scopes,
    ) -> Result<Invited, Failure> {
        let (bearer, until) = (Bearer::new(), wall().plus_seconds(INVITATION_SECONDS));
        let Newcomer { email, name, role, platform_wide } = newcomer;
        let link = (bearer.hash, until);
        let email_hash = email_hash(&email);
        let command = AddUser { email, email_hash, name, role, platform_wide, granter, link };
        let request = Request::new(context, Command::AddUser(Box::new(command)));
        let Outcome::User(user) = self.engine.run_background(request).await?? else {
            return Err(Failure::Internal("a user was added with another outcome".to_owned()));
        };
        // Somebody who was known keeps how they sign in, and their link if they have not used it yet.
        let id = UserId::parse(&user.id).ok_or(Refusal::Person(PersonRefusal::NotFound))?;
        let stored = self.reader.user(id).await?.and_then(|(_, secret)| secret.link);
        let link = (stored == Some(bearer.hash)).then(|| bearer.of(id.0));
        Ok(Invited { user, link, until })
    }

    /// Gives a user a new one-time link, which replaces an earlier one.
    pub async fn issue_link(
        &self,
        context: Context,
        id: UserId,
        granter: paygen_core::access::Scopes,
    ) -> Result<Invited, Failure> {
        let (bearer, until) = (Bearer::new(), wall().plus_seconds(INVITATION_SECONDS));
        let command = Command::IssueLink(IssueLink { id, hash: bearer.hash, until, granter });
        match self.engine.run_background(Request::new(context, command)).await?? {
            Outcome::User(user) => Ok(Invited { user, link: Some(bearer.of(id.0)), until }),
            _ => Err(Failure::Internal("a link was issued with another outcome".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use paygen_core::ids::Id;

    use super::{Bearer, normal_email};

    #[test]
    fn a_bearer_text_reads_as_its_id_and_hash() {
        let (bearer, id) = (Bearer::new(), Id::from_bytes([7; 12]));
        let text = bearer.of(id);
        assert_eq!(Bearer::read(&text), Some((id, bearer.hash)));
        for wrong in ["", ".", "07", "070707070707070707070707.", "070707070707070707070707.ab", &text[1..]] {
            assert_eq!(Bearer::read(wrong), None, "{wrong}");
        }
        let other = Bearer::new();
        assert_ne!(Bearer::read(&other.of(id)), Some((id, bearer.hash)));
    }

    #[test]
    fn hexadecimal_is_read_as_far_as_it_goes() {
        assert_eq!(super::unhex("00ff1"), [0, 255]);
        assert_eq!(super::unhex("zz"), Vec::<u8>::new());
        assert_eq!(super::unhex("é0"), Vec::<u8>::new());
    }

    #[test]
    fn addresses_are_compared_without_case_and_blanks() {
        assert_eq!(normal_email(" Ada@Example.COM "), "ada@example.com");
    }
}
