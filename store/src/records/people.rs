//! Columns of users, their secrets and sessions.

use paygen_core::ids::ClientId;
use paygen_core::people::{Session, User, UserEmail, UserSecret, UserStatus};

use super::{Keyed, json, stored};

stored!(User, "users", key 2, {
    "client" Bytes = |_u| ClientId::INSTALLATION.0,
    "id" Bytes = |u| u.id.0,
    "email" Text = |u| &u.email,
    "name" Text = |u| &u.name,
    "status" Text = |u| u.status.as_str(),
    "memberships" Text = |u| json(&u.memberships),
    "last_sign_in_at" Integer = |u| u.last_sign_in_at,
    "version" Integer = |u| u.version,
    "created_at" Integer = |u| u.created_at,
    "updated_at" Integer = |u| u.updated_at,
}, |row| User {
    id: { row.skip()?; row.id()? },
    email: row.text()?,
    name: row.text()?,
    status: row.word(UserStatus::parse)?,
    memberships: row.json()?,
    last_sign_in_at: row.optional_time()?,
    version: row.integer()?,
    created_at: row.time()?,
    updated_at: row.time()?,
});
impl Keyed for User {}

stored!(UserEmail, "user_emails", key 1, {
    "hash" Bytes = |e| &e.hash,
    "user_id" Bytes = |e| e.user.0,
}, |row| UserEmail { hash: row.hash()?, user: row.id()? });
impl Keyed for UserEmail {}

stored!(UserSecret, "user_secrets", key 2, {
    "client" Bytes = |_s| ClientId::INSTALLATION.0,
    "user_id" Bytes = |s| s.user.0,
    "password" Text = |s| &s.password,
    "former_passwords" Text = |s| json(&s.former_passwords),
    "totp" Bytes = |s| &s.totp,
    "totp_step" Integer = |s| s.totp_step,
    "passkeys" Text = |s| json(&s.passkeys),
    "recovery_codes" Text = |s| json(&s.recovery_codes),
    "link" Bytes = |s| s.link.as_ref(),
    "link_until" Integer = |s| s.link_until,
    "tries" Integer = |s| s.tries,
    "locked_until" Integer = |s| s.locked_until,
}, |row| UserSecret {
    user: { row.skip()?; row.id()? },
    password: row.optional_text()?,
    former_passwords: row.json()?,
    totp: row.optional_bytes()?,
    totp_step: row.integer()?,
    passkeys: row.json()?,
    recovery_codes: row.json()?,
    link: row.optional_hash()?,
    link_until: row.optional_time()?,
    tries: row.integer()?,
    locked_until: row.optional_time()?,
});
impl Keyed for UserSecret {}

stored!(Session, "sessions", key 2, {
    "client" Bytes = |_s| ClientId::INSTALLATION.0,
    "id" Bytes = |s| s.id.0,
    "user_id" Bytes = |s| s.user.0,
    "hash" Bytes = |s| &s.hash,
    "shown_client" Bytes = |s| s.client.0,
    "is_partial" Integer = |s| i64::from(s.is_partial),
    "is_federated" Integer = |s| i64::from(s.is_federated),
    "proven_at" Integer = |s| s.proven_at,
    "seen_at" Integer = |s| s.seen_at,
    "since" Integer = |s| s.since,
    "address" Text = |s| &s.address,
    "agent" Text = |s| &s.agent,
}, |row| Session {
    id: { row.skip()?; row.id()? },
    user: row.id()?,
    hash: row.hash()?,
    client: row.id()?,
    is_partial: row.boolean()?,
    is_federated: row.boolean()?,
    proven_at: row.time()?,
    seen_at: row.time()?,
    since: row.time()?,
    address: row.text()?,
    agent: row.text()?,
});
impl Keyed for Session {}
