//! Entries and their lines: what moved, when, and the balance after it.

use crate::ids::{AuthorizationId, ClientId, EntryId, Id, LedgerAccountId};
use crate::money::Currency;
use crate::time::Instant;

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// The hash before the first line.
pub const GENESIS: Hash = [0; 32];

crate::string_enum! {
    /// What an entry is about.
    pub enum EntryKind {
        /// Money moved between two accounts.
        Transfer = "transfer",
        /// A transfer given back, whole or in part.
        TransferReversal = "transfer_reversal",
        /// A balance set through the API, against the settlement account.
        Adjustment = "adjustment",
        /// Money put in by the simulator, against the settlement account.
        SimulatedFunding = "simulated_funding",
        /// Money moved from an account onto a card.
        CardFunding = "card_funding",
        /// Money moved from a card to an account.
        CardWithdrawal = "card_withdrawal",
        /// What an ended card had, given back.
        CardReturn = "card_return",
        /// What a replaced card had, moved to its replacement.
        CardReplacement = "card_replacement",
        /// Money reserved.
        Hold = "hold",
        /// Reserved money given back.
        HoldRelease = "hold_release",
        /// Money the network collects.
        Clearing = "clearing",
        /// Money the network collects without an authorization.
        ForcePost = "force_post",
        /// Money the network gives back.
        Refund = "refund",
        /// A refund taken back.
        RefundReversal = "refund_reversal",
        /// Money in suspense paid to an account, or what is owed there paid by one.
        SuspensePayout = "suspense_payout",
    }
}

crate::string_enum! {
    /// The system accounts of a client, one of each per currency.
    pub enum System {
        /// Money from and to outside.
        Settlement = "settlement",
        /// What is owed to the network.
        Network = "network",
        /// Fees earned.
        Fees = "fees",
        /// Taxes owed.
        Tax = "tax",
        /// What could not be booked where it belongs.
        Suspense = "suspense",
    }
}

/// One movement: its lines, on accounts and system accounts together, sum to zero in every currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: EntryId,
    /// What it is about.
    pub kind: EntryKind,
    /// The object that caused it, such as the transfer.
    pub source: Option<Id>,
    /// The authorization it belongs to.
    pub authorization: Option<AuthorizationId>,
    /// The caller's reference.
    pub reference: Option<String>,
    /// The caller's words.
    pub narration: Option<String>,
    /// Imposed by the network: posted even below the floor.
    pub forced: bool,
    /// When, in business time.
    pub at: Instant,
    /// The digest of the entry with the amounts of all its lines: see [`crate::ledger::entry_digest`].
    pub digest: Hash,
}

/// A line of an account or card: one link of its chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Whose.
    pub client: ClientId,
    /// Which ledger account.
    pub account: LedgerAccountId,
    /// From 1, without gaps.
    pub seq: i64,
    /// The entry it belongs to.
    pub entry: EntryId,
    /// What it is about: the entry's kind.
    pub kind: EntryKind,
    /// The authorization it belongs to.
    pub authorization: Option<AuthorizationId>,
    /// The account's currency.
    pub currency: Currency,
    /// What it adds to the posted balance, in minor units.
    pub delta: i64,
    /// What it adds to the held balance.
    pub held_delta: i64,
    /// The posted balance after it.
    pub ledger_after: i64,
    /// The held balance after it.
    pub held_after: i64,
    /// The credit limit when it was posted.
    pub credit_limit: i64,
    /// Whether it was posted without regard to the floor.
    pub forced: bool,
    /// The later of the entry's time and the time of the line before.
    pub at: Instant,
    /// Hash over the line before, the entry and this line.
    pub hash: Hash,
}

/// A line of a system account.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemLine {
    /// Whose.
    pub client: ClientId,
    /// The entry it belongs to.
    pub entry: EntryId,
    /// Its place in the entry, from 0.
    pub number: i64,
    /// Which system account.
    pub system: System,
    /// Of which currency.
    pub currency: Currency,
    /// What it adds, in minor units.
    pub delta: i64,
}
