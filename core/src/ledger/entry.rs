//! Entries and lines: what moved, when, and the balance after it.

use crate::ids::{AuthorizationId, ClientId, EntryId, Id, LedgerAccountId};
use crate::money::Currency;
use crate::time::Instant;

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// The hash before the first line of a chain.
pub const GENESIS: Hash = [0; 32];

crate::string_enum! {
    pub enum EntryKind {
        Transfer = "transfer",
        /// In full or in part.
        TransferReversal = "transfer_reversal",
        /// A balance set through the API, against the settlement account.
        Adjustment = "adjustment",
        /// Funds added by the simulator, against the settlement account.
        SimulatedFunding = "simulated_funding",
        /// From an account to a card.
        CardFunding = "card_funding",
        /// From a card to an account.
        CardWithdrawal = "card_withdrawal",
        /// Funds of a canceled card, returned.
        CardReturn = "card_return",
        /// Funds of a replaced card, moved to its replacement.
        CardReplacement = "card_replacement",
        Hold = "hold",
        HoldRelease = "hold_release",
        Clearing = "clearing",
        /// A payment without an authorization.
        ForcePost = "force_post",
        Refund = "refund",
        RefundReversal = "refund_reversal",
        /// From suspense to an account, or from an account that pays a debt.
        SuspensePayout = "suspense_payout",
    }
}

crate::string_enum! {
    /// The system accounts of a client: one of each per currency.
    pub enum System {
        /// Money from outside, and to outside.
        Settlement = "settlement",
        /// Owed to the network.
        Network = "network",
        Fees = "fees",
        Tax = "tax",
        /// Amounts whose account is closed.
        Suspense = "suspense",
    }
}

/// One movement. Its lines, system lines included, sum to zero in every currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub client: ClientId,
    pub id: EntryId,
    pub kind: EntryKind,
    pub source: Option<Id>,
    pub authorization: Option<AuthorizationId>,
    pub reference: Option<String>,
    pub narration: Option<String>,
    /// Imposed by the network: posted even if funds are insufficient.
    pub forced: bool,
    /// Business time.
    pub at: Instant,
    /// See [`crate::ledger::entry_digest`].
    pub digest: Hash,
}

/// A line of an account or card: one link of its chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub client: ClientId,
    pub account: LedgerAccountId,
    /// From 1, without gaps.
    pub seq: i64,
    pub entry: EntryId,
    /// The entry's kind.
    pub kind: EntryKind,
    pub authorization: Option<AuthorizationId>,
    pub currency: Currency,
    /// The change of the posted balance, in minor units.
    pub delta: i64,
    /// The change of the held balance, in minor units.
    pub held_delta: i64,
    pub ledger_after: i64,
    pub held_after: i64,
    /// The credit limit at that time.
    pub credit_limit: i64,
    /// The entry's `forced`.
    pub forced: bool,
    /// The later one of the entry's time and the previous line's.
    pub at: Instant,
    /// The hash over the previous line's hash, the entry's digest and this line.
    pub hash: Hash,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SystemLine {
    pub client: ClientId,
    pub entry: EntryId,
    /// The position within the entry, from 0.
    pub number: i64,
    pub system: System,
    pub currency: Currency,
    /// The change in minor units.
    pub delta: i64,
}
