//! Ids: 12 bytes, shown as 24 lowercase hex characters, ordered by time.
//!
//! Layout as of an ObjectId: 4 bytes of seconds, 5 bytes naming the node, a 3-byte counter.

use std::fmt;

use crate::time::Instant;

/// An untyped id. Prefer the typed ids below.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 12]);

impl Id {
    pub const fn from_bytes(bytes: [u8; 12]) -> Id {
        Id(bytes)
    }

    /// From a slice; `None` if it has not exactly twelve bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Id> {
        bytes.try_into().ok().map(Id)
    }

    pub const fn bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// Parses 24 lowercase hex characters.
    pub fn parse(text: &str) -> Option<Id> {
        let digits = text.as_bytes();
        if digits.len() != 24 {
            return None;
        }
        let mut bytes = [0; 12];
        for (slot, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *slot = (nibble(pair[0])? << 4) | nibble(pair[1])?;
        }
        Some(Id(bytes))
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 24];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Generates ids for one node. The counter wraps around; seconds never go back.
#[derive(Clone, Debug)]
pub struct IdGenerator {
    node: [u8; 5],
    counter: u32,
    seconds: u32,
    used_this_second: u32,
}

impl IdGenerator {
    /// A generator for the node identified by five random bytes, counting from `start`.
    pub fn new(node: [u8; 5], start: u32) -> IdGenerator {
        IdGenerator { node, counter: start & 0x00ff_ffff, seconds: 0, used_this_second: 0 }
    }

    /// A second generator whose ids differ from those of this one in the top bit of the node.
    pub fn split(&self) -> IdGenerator {
        let mut node = self.node;
        node[0] ^= 0x80;
        IdGenerator { node, ..self.clone() }
    }

    /// The next id, for an object created `now`.
    pub fn next(&mut self, now: Instant) -> Id {
        let seconds = u32::try_from(now.seconds().max(0)).unwrap_or(u32::MAX);
        if seconds > self.seconds {
            self.seconds = seconds;
            self.used_this_second = 0;
            // A low start keeps the ids of one second in order, without a wrap-around in between.
            self.counter &= 0x0000_ffff;
        } else if self.used_this_second >= 0x00fe_0000 {
            self.seconds += 1;
            self.used_this_second = 0;
            self.counter = 0;
        }
        self.used_this_second += 1;
        self.counter = (self.counter + 1) & 0x00ff_ffff;
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.seconds.to_be_bytes());
        bytes[4..9].copy_from_slice(&self.node);
        bytes[9..].copy_from_slice(&self.counter.to_be_bytes()[1..]);
        Id(bytes)
    }

    /// Whether this generator made the id after it was cloned to `before`.
    pub fn made_since(&self, before: &IdGenerator, id: Id) -> bool {
        let [a, b, c, d, node @ .., x, y, z] = id.0;
        let (seconds, counter) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([0, x, y, z]));
        let after = (before.seconds, before.counter) < (seconds, counter);
        node == self.node && after && (seconds, counter) <= (self.seconds, self.counter)
    }
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Id);

        impl $name {
            /// Parses 24 lowercase hex characters.
            pub fn parse(text: &str) -> Option<$name> {
                Id::parse(text).map($name)
            }
        }

        impl From<Id> for $name {
            fn from(id: Id) -> $name {
                $name(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}

typed_ids! {
    /// A tenant: the owner of credentials and of everything created with them.
    ClientId,
    /// An account. Its ledger account has the same id.
    AccountId,
    /// A bank account or wallet address attached to an account.
    DetailId,
    TransferId,
    EntryId,
    /// An account or card in the ledger.
    LedgerAccountId,
    AuthorizationId,
    /// A posted transaction of a card.
    TransactionId,
    /// A message of the network that needs an operator's attention.
    ExceptionId,
    CardHolderId,
    DocumentId,
    ProgramId,
    /// A card. Its ledger account has the same id.
    CardId,
    ApiKeyId,
    TokenId,
    EventId,
    WebhookId,
    AttemptId,
    ResponderId,
    /// A question to a responder.
    CallId,
    AuditId,
    /// Somebody who uses the console.
    UserId,
    SessionId,
    ApprovalId,
}

impl From<AccountId> for LedgerAccountId {
    fn from(id: AccountId) -> LedgerAccountId {
        LedgerAccountId(id.0)
    }
}

impl From<CardId> for LedgerAccountId {
    fn from(id: CardId) -> LedgerAccountId {
        LedgerAccountId(id.0)
    }
}

crate::stored_as_text!(AccountId => AccountId::parse, ResponderId => ResponderId::parse, CallId => CallId::parse, CardId => CardId::parse, AuthorizationId => AuthorizationId::parse, TransactionId => TransactionId::parse, EntryId => EntryId::parse, ProgramId => ProgramId::parse, ClientId => ClientId::parse);

impl ClientId {
    /// The owner of rows that belong to the installation instead of a client, such as the clock.
    pub const INSTALLATION: ClientId = ClientId(Id([0; 12]));
}

#[cfg(test)]
mod tests {
    use super::{Id, IdGenerator};
    use crate::time::Instant;

    #[test]
    fn ids_rise_whatever_the_clock_does() {
        let mut maker = IdGenerator::new([1; 5], 0xffff);
        let mut other = maker.split();
        let mut last = Id::from_bytes([0; 12]);
        for seconds in [100, 100, 101, 90, 101, 5000, 4999] {
            for _ in 0..1000 {
                let id = maker.next(Instant::default().plus_seconds(seconds));
                assert!(id > last, "{id:?} after {last:?}");
                assert_ne!(id, other.next(Instant::default().plus_seconds(seconds)));
                last = id;
            }
        }
        assert_eq!(Id::parse(&last.to_string()), Some(last));
        for wrong in ["", "abc", "665F1C4F4A4F4A4F4A4F4A4F", "665f1c4f4a4f4a4f4a4f4a4g", "665f1c4f4a4f4a4f4a4f4a4f0"] {
            assert_eq!(Id::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_maker_knows_what_it_made_since() {
        let now = Instant::default();
        let mut maker = IdGenerator::new([1; 5], 0xffff);
        let mut all: Vec<Id> = (0..3).map(|second| maker.next(now.plus_seconds(second))).collect();
        let before = maker.clone();
        let others = maker.split().next(now.plus_seconds(2));
        all.extend([2, 2, 9, 3].map(|second| maker.next(now.plus_seconds(second))));
        let to_come = maker.clone().next(now);
        let since = |id: &Id| maker.made_since(&before, *id);
        assert_eq!(all.iter().map(since).collect::<Vec<_>>(), [false, false, false, true, true, true, true]);
        assert!(!since(&others) && !since(&to_come));
    }
}
