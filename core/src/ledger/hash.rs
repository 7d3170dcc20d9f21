//! The hash chain: SHA-256 (FIPS 180-4) over length-prefixed fields, so that no two entries encode alike.

use aws_lc_rs::digest::{Context, SHA256};

use crate::ledger::{Entry, GENESIS, Hash, Line, SystemLine};

struct Digest(Context);

impl Digest {
    fn new(domain: &str) -> Digest {
        let mut digest = Digest(Context::new(&SHA256));
        digest.field(domain.as_bytes());
        digest
    }

    fn field(&mut self, bytes: &[u8]) -> &mut Digest {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    fn number(&mut self, number: i64) -> &mut Digest {
        self.field(&number.to_be_bytes())
    }

    fn optional(&mut self, bytes: Option<&[u8]>) -> &mut Digest {
        match bytes {
            Some(bytes) => self.field(&[1]).field(bytes),
            None => self.field(&[0]),
        }
    }

    fn finish(self) -> Hash {
        let mut hash = GENESIS;
        hash.copy_from_slice(self.0.finish().as_ref());
        hash
    }
}

/// The digest of an entry: its fields and the amounts of all its lines.
///
/// `lines` are the customer lines in the order of their accounts, `system` the system lines in order. Only account,
/// currency and deltas enter, so the digest does not depend on the chains.
pub fn entry_digest<'a>(entry: &Entry, lines: impl Iterator<Item = &'a Line>, system: &[SystemLine]) -> Hash {
    let mut digest = Digest::new("paygen entry 1");
    digest
        .field(entry.client.0.bytes())
        .field(entry.id.0.bytes())
        .field(entry.kind.as_str().as_bytes())
        .optional(entry.source.as_ref().map(|id| id.bytes().as_slice()))
        .optional(entry.authorization.as_ref().map(|id| id.0.bytes().as_slice()))
        .optional(entry.reference.as_deref().map(str::as_bytes))
        .optional(entry.narration.as_deref().map(str::as_bytes))
        .number(i64::from(entry.forced))
        .number(entry.at.micros());
    for line in lines {
        digest.field(b"line").field(line.account.0.bytes()).field(line.currency.code().as_bytes());
        digest.number(line.delta).number(line.held_delta);
    }
    for line in system {
        digest.field(b"system").field(line.system.as_str().as_bytes()).field(line.currency.code().as_bytes());
        digest.number(line.delta);
    }
    digest.finish()
}

/// The hash of a line, from the previous line's hash and the entry's digest.
pub fn line_hash(before: &Hash, entry: &Hash, line: &Line) -> Hash {
    let mut digest = Digest::new("paygen line 1");
    digest
        .field(before)
        .field(entry)
        .field(line.account.0.bytes())
        .number(line.seq)
        .number(line.ledger_after)
        .number(line.held_after)
        .number(line.credit_limit)
        .number(line.at.micros());
    digest.finish()
}
