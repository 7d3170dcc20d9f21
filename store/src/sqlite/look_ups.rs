//! Look-ups with random keys: the lines of an account, and the authorizations of a card.
//!
//! The rows themselves are appended. A look-up goes through the write-back cache, because an index would change a page
//! of its own for each payment.

use paygen_core::authorizations::Authorization;
use paygen_core::ids::{AuthorizationId, CardId, ClientId, EntryId, Id, LedgerAccountId};
use paygen_core::ledger::Line;
use paygen_core::record::{Key, KeyBytes};

use crate::records::stored;

/// Leads from an account's line to the entry that it lies beside.
pub(super) struct LineLookUp {
    client: ClientId,
    account: LedgerAccountId,
    seq: i64,
    entry: EntryId,
}

impl LineLookUp {
    pub(super) fn of(line: &Line) -> LineLookUp {
        LineLookUp { client: line.client, account: line.account, seq: line.seq, entry: line.entry }
    }

    pub(super) fn key(&self) -> Key {
        // Numbers are positive, so their bytes are in the order of the numbers.
        key(self.client, self.account.0, &self.seq.to_be_bytes())
    }
}

stored!(LineLookUp, "line_look_ups", key 3, {
    "client" Bytes = |l| l.client.0,
    "account" Bytes = |l| l.account.0,
    "seq" Integer = |l| l.seq,
    "entry" Bytes = |l| l.entry.0,
}, |row| LineLookUp { client: row.id()?, account: row.id()?, seq: row.integer()?, entry: row.id()? });

/// Leads from a card to one of its authorizations.
pub(super) struct AuthorizationLookUp {
    client: ClientId,
    card: CardId,
    id: AuthorizationId,
}

impl AuthorizationLookUp {
    /// `None` if the number was not of a card issued here.
    pub(super) fn of(authorization: &Authorization) -> Option<AuthorizationLookUp> {
        Some(AuthorizationLookUp { client: authorization.client, card: authorization.card?, id: authorization.id })
    }

    pub(super) fn key(&self) -> Key {
        key(self.client, self.card.0, self.id.0.bytes())
    }
}

stored!(AuthorizationLookUp, "authorization_look_ups", key 3, {
    "client" Bytes = |a| a.client.0,
    "card" Bytes = |a| a.card.0,
    "id" Bytes = |a| a.id.0,
}, |row| AuthorizationLookUp { client: row.id()?, card: row.id()?, id: row.id()? });

fn key(client: ClientId, of: Id, last: &[u8]) -> Key {
    let mut bytes = [0; 24];
    let whole = &mut bytes[..of.bytes().len() + last.len()];
    let (first, second) = whole.split_at_mut(of.bytes().len());
    first.copy_from_slice(of.bytes());
    second.copy_from_slice(last);
    Key { client, id: KeyBytes::new(whole) }
}
