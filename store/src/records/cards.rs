//! Columns of cards, their sealed secrets, fingerprints, reveal tokens and payment references.

use paygen_core::cards::{
    Brand, Card, CardFingerprint, CardSecret, CardStatus, CardType, FundingMode, PaymentReference, RevealPurpose,
    RevealToken,
};

use super::{Keyed, json, stored};

stored!(Card, "cards", key 2, {
    "client" Bytes = |c| c.client.0,
    "id" Bytes = |c| c.id.0,
    "debit_account" Bytes = |c| c.debit_account.0,
    "card_holder" Bytes = |c| c.card_holder.0,
    "program" Bytes = |c| c.program.0,
    "kind" Text = |c| c.kind.as_str(),
    "brand" Text = |c| c.brand.as_str(),
    "currency" Text = |c| c.currency.code(),
    "status" Text = |c| c.status.as_str(),
    "cancellation_reason" Text = |c| &c.cancellation_reason,
    "heir" Bytes = |c| c.credit_account.map(|id| id.0),
    "metadata" Text = |c| &c.metadata,
    "spending_controls" Text = |c| json(&c.controls),
    "enable_2fa" Integer = |c| c.enable_2fa,
    "disposable" Integer = |c| c.disposable,
    "funding_mode" Text = |c| c.funding_mode.as_str(),
    "funds" Bytes = |c| c.funds.0,
    "valid_from" Integer = |c| c.valid_from,
    "valid_until" Integer = |c| c.valid_until,
    "merchant_lock" Integer = |c| c.merchant_lock,
    "locked_merchant" Text = |c| &c.locked_merchant,
    "cancel_after" Integer = |c| c.cancel_after,
    "bin" Text = |c| &c.bin,
    "last4" Text = |c| &c.last4,
    "expiry_month" Integer = |c| c.expiry_month,
    "expiry_year" Integer = |c| c.expiry_year,
    "pin_set" Integer = |c| c.pin_set,
    "activated_at" Integer = |c| c.activated_at,
    "replacement_for" Bytes = |c| c.replacement_for.map(|id| id.0),
    "replaced_by" Bytes = |c| c.replaced_by.map(|id| id.0),
    "history" Text = |c| json(&c.history),
    "version" Integer = |c| c.version,
    "created_at" Integer = |c| c.created_at,
    "updated_at" Integer = |c| c.updated_at,
}, |row| Card {
    client: row.id()?,
    id: row.id()?,
    debit_account: row.id()?,
    card_holder: row.id()?,
    program: row.id()?,
    kind: row.word(CardType::parse)?,
    brand: row.word(Brand::parse)?,
    currency: row.currency()?,
    status: row.word(CardStatus::parse)?,
    cancellation_reason: row.optional_text()?,
    credit_account: row.optional_id()?,
    metadata: row.optional_text()?,
    controls: row.json()?,
    enable_2fa: row.boolean()?,
    disposable: row.boolean()?,
    funding_mode: row.word(FundingMode::parse)?,
    funds: row.id()?,
    valid_from: row.optional_time()?,
    valid_until: row.optional_time()?,
    merchant_lock: row.boolean()?,
    locked_merchant: row.optional_text()?,
    cancel_after: row.optional_integer()?,
    bin: row.text()?,
    last4: row.text()?,
    expiry_month: row.integer()?,
    expiry_year: row.integer()?,
    pin_set: row.boolean()?,
    activated_at: row.optional_time()?,
    replacement_for: row.optional_id()?,
    replaced_by: row.optional_id()?,
    history: row.json()?,
    version: row.integer()?,
    created_at: row.time()?,
    updated_at: row.time()?,
});
impl Keyed for Card {}

stored!(CardSecret, "card_secrets", key 2, {
    "client" Bytes = |s| s.client.0,
    "card" Bytes = |s| s.card.0,
    "sealed_number" Bytes = |s| &s.number,
    "sealed_pin" Bytes = |s| &s.pin,
    "pin_failures" Integer = |s| s.pin_failures,
    "pin_set_at" Integer = |s| s.pin_set_at,
    "wrong_tries" Integer = |s| s.wrong_tries,
    "wrong_tries_day" Integer = |s| s.wrong_tries_day,
}, |row| CardSecret {
    client: row.id()?,
    card: row.id()?,
    number: row.bytes()?,
    pin: row.optional_bytes()?,
    pin_failures: row.integer()?,
    pin_set_at: row.optional_time()?,
    wrong_tries: row.integer()?,
    wrong_tries_day: row.integer()?,
});
impl Keyed for CardSecret {}

stored!(CardFingerprint, "card_fingerprints", key 1, {
    "fingerprint" Bytes = |f| &f.fingerprint,
    "client" Bytes = |f| f.client.0,
    "card" Bytes = |f| f.card.0,
}, |row| CardFingerprint { fingerprint: row.hash()?, client: row.id()?, card: row.id()? });
impl Keyed for CardFingerprint {}

stored!(RevealToken, "reveal_tokens", key 1, {
    "hash" Bytes = |t| &t.hash,
    "client" Bytes = |t| t.client.0,
    "card" Bytes = |t| t.card.0,
    "purpose" Text = |t| t.purpose.as_str(),
    "origin" Text = |t| &t.origin,
    "expires_at" Integer = |t| t.expires_at,
    "used_at" Integer = |t| t.used_at,
    "created_at" Integer = |t| t.created_at,
}, |row| RevealToken {
    hash: row.hash()?,
    client: row.id()?,
    card: row.id()?,
    purpose: row.word(RevealPurpose::parse)?,
    origin: row.optional_text()?,
    expires_at: row.time()?,
    used_at: row.optional_time()?,
    created_at: row.time()?,
});
impl Keyed for RevealToken {}

stored!(PaymentReference, "payment_references", key 2, {
    "client" Bytes = |r| r.client.0,
    "hash" Bytes = |r| &r.hash,
    "card" Bytes = |r| r.card.0,
    "entry" Bytes = |r| r.entry.0,
    "created_at" Integer = |r| r.created_at,
}, |row| PaymentReference {
    client: row.id()?,
    hash: row.hash()?,
    card: row.id()?,
    entry: row.id()?,
    created_at: row.time()?,
});
impl Keyed for PaymentReference {}
