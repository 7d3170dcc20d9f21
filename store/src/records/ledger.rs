//! Columns of balances, entries, lines, and the clock.

use paygen_core::clock::Clock;
use paygen_core::ledger::{Balance, Entry, EntryKind, Line, System, SystemLine};

use super::{Keyed, stored};

stored!(Clock, "clock", key 1, {
    "id" Bytes = |_c| Clock::singleton_key().id.as_slice().to_vec(),
    "time_offset" Integer = |c| c.offset,
}, |row| Clock { offset: { row.skip()?; row.integer()? } });
impl Keyed for Clock {}

stored!(Balance, "balances", key 2, {
    "client" Bytes = |b| b.client.0,
    "id" Bytes = |b| b.id.0,
    "currency" Text = |b| b.currency.code(),
    "exponent" Integer = |b| i64::from(b.currency.exponent()),
    "ledger" Integer = |b| b.ledger,
    "held" Integer = |b| b.held,
    "credit_limit" Integer = |b| b.credit_limit,
    "seq" Integer = |b| b.seq,
    "hash" Bytes = |b| &b.hash,
    "at" Integer = |b| b.at,
    "event_seq" Integer = |b| b.event_seq,
}, |row| Balance {
    client: row.id()?,
    id: row.id()?,
    currency: { let currency = row.currency()?; row.skip()?; currency },
    ledger: row.integer()?,
    held: row.integer()?,
    credit_limit: row.integer()?,
    seq: row.integer()?,
    hash: row.hash()?,
    at: row.time()?,
    event_seq: row.integer()?,
});
impl Keyed for Balance {
    fn is_sound(&self) -> bool {
        self.held >= 0 && self.credit_limit >= 0 && self.seq >= 0 && self.event_seq >= 0
    }
}

stored!(Entry, "ledger_entries", key 2, {
    "client" Bytes = |e| e.client.0,
    "id" Bytes = |e| e.id.0,
    "kind" Text = |e| e.kind.as_str(),
    "source" Bytes = |e| e.source,
    "authorization_id" Bytes = |e| e.authorization.map(|id| id.0),
    "reference" Text = |e| &e.reference,
    "narration" Text = |e| &e.narration,
    "forced" Integer = |e| e.forced,
    "at" Integer = |e| e.at,
    "digest" Bytes = |e| &e.digest,
}, |row| Entry {
    client: row.id()?,
    id: row.id()?,
    kind: row.word(EntryKind::parse)?,
    source: row.optional_id()?,
    authorization: row.optional_id()?,
    reference: row.optional_text()?,
    narration: row.optional_text()?,
    forced: row.boolean()?,
    at: row.time()?,
    digest: row.hash()?,
});

stored!(Line, "ledger_lines", key 3, {
    "client" Bytes = |l| l.client.0,
    "account" Bytes = |l| l.account.0,
    "seq" Integer = |l| l.seq,
    "entry" Bytes = |l| l.entry.0,
    "kind" Text = |l| l.kind.as_str(),
    "authorization_id" Bytes = |l| l.authorization.map(|id| id.0),
    "currency" Text = |l| l.currency.code(),
    "exponent" Integer = |l| i64::from(l.currency.exponent()),
    "delta" Integer = |l| l.delta,
    "held_delta" Integer = |l| l.held_delta,
    "ledger_after" Integer = |l| l.ledger_after,
    "held_after" Integer = |l| l.held_after,
    "credit_limit" Integer = |l| l.credit_limit,
    "forced" Integer = |l| l.forced,
    "at" Integer = |l| l.at,
    "hash" Bytes = |l| &l.hash,
}, |row| Line {
    client: row.id()?,
    account: row.id()?,
    seq: row.integer()?,
    entry: row.id()?,
    kind: row.word(EntryKind::parse)?,
    authorization: row.optional_id()?,
    currency: { let currency = row.currency()?; row.skip()?; currency },
    delta: row.integer()?,
    held_delta: row.integer()?,
    ledger_after: row.integer()?,
    held_after: row.integer()?,
    credit_limit: row.integer()?,
    forced: row.boolean()?,
    at: row.time()?,
    hash: row.hash()?,
});

stored!(SystemLine, "ledger_system_lines", key 3, {
    "client" Bytes = |l| l.client.0,
    "entry" Bytes = |l| l.entry.0,
    "number" Integer = |l| l.number,
    "system" Text = |l| l.system.as_str(),
    "currency" Text = |l| l.currency.code(),
    "delta" Integer = |l| l.delta,
}, |row| SystemLine {
    client: row.id()?,
    entry: row.id()?,
    number: row.integer()?,
    system: row.word(System::parse)?,
    currency: row.currency()?,
    delta: row.integer()?,
});
