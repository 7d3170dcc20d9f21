//! The people of an installation: users, their roles in clients, how they sign in, and their sessions.
//!
//! A user belongs to the installation. Each of their memberships is a role in one client, or in every client. A role is a
//! set of scopes, so that a user may do what an API key with these scopes may.

mod federate;
mod manage;
mod passkeys;
mod record;
mod refusal;
mod roles;
mod sessions;
mod sign_in;
mod view;

pub use federate::Federate;
pub use manage::{AddUser, ChangeMembership, ChangeUser, IssueLink, UserSwitch};
pub use passkeys::{AddPasskey, RemovePasskey};
pub use record::{Membership, Passkey, Session, User, UserEmail, UserSecret, UserStatus};
pub use refusal::PersonRefusal;
pub use roles::Role;
pub use sessions::{EndSessions, SessionUse, TouchSessions};
pub use sign_in::{CountTry, NewSession, OpenSession, PasskeyUse, Proof, SetPassword, SetSecondFactor};
pub use view::{SecondFactor, SessionView, UserView};

/// Tries after which signing in is locked.
pub const MAX_TRIES: i64 = 10;

/// How long it stays locked, in seconds.
pub const LOCK_SECONDS: i64 = 30 * 60;

/// How many former passwords cannot be used again.
pub const FORMER_PASSWORDS: usize = 5;

/// The most passkeys of a user.
pub const MAX_PASSKEYS: usize = 10;

/// After how many seconds without a request a session ends.
pub const IDLE_SECONDS: i64 = 15 * 60;

/// How long a session lasts at most, in seconds.
pub const SESSION_SECONDS: i64 = 12 * 3600;

/// How long a proven factor counts as fresh, in seconds.
pub const FRESH_SECONDS: i64 = 5 * 60;

#[cfg(test)]
mod tests;
