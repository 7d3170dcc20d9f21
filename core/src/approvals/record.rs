//! The records of approvals and of the policy that asks for them.

use serde::{Deserialize, Serialize};

use super::{ApprovalAction, Ask};
use crate::access::{Actor, Scopes};
use crate::ids::{ApprovalId, ClientId, UserId};
use crate::money::Decimal;
use crate::record::{Key, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    pub enum ApprovalStatus {
        /// Waits for people.
        Pending = "pending",
        /// Enough people approved it. The call is about to be made.
        Approved = "approved",
        /// The call was made and succeeded.
        Executed = "executed",
        /// The call was made and refused, because something changed meanwhile.
        Failed = "failed",
        Rejected = "rejected",
        /// Its requester gave it up.
        Canceled = "canceled",
        Expired = "expired",
    }
}

crate::string_enum! {
    pub enum Verdict {
        Approve = "approve",
        Reject = "reject",
    }
}

/// What one person said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalDecision {
    #[serde(with = "as_text")]
    pub user: UserId,
    pub verdict: Verdict,
    pub note: Option<String>,
    /// Wall time, in microseconds.
    pub at: i64,
}

/// Ids of users as text.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::ids::UserId;

    pub(super) fn serialize<S: Serializer>(id: &UserId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UserId, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        UserId::parse(&text).ok_or_else(|| serde::de::Error::custom("not an id"))
    }
}

/// A call that waits for others.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    pub client: ClientId,
    pub id: ApprovalId,
    pub action: ApprovalAction,
    pub status: ApprovalStatus,
    pub requester: Actor,
    /// Who made the requester's API key, if a user did: they cannot approve what their key asks for.
    pub key_maker: Option<UserId>,
    pub method: String,
    pub path: String,
    /// JSON; empty without a body.
    pub body: String,
    /// The version that the object must still have.
    pub if_match: Option<i64>,
    /// The object as it would be, as JSON; empty if that is not known.
    pub preview: String,
    /// How many people must approve it.
    pub needed: i64,
    /// The scopes that each of them must have.
    pub scopes: Scopes,
    pub decisions: Vec<ApprovalDecision>,
    /// The status of the call's answer.
    pub result_status: Option<i64>,
    /// What the answer says.
    pub result_message: Option<String>,
    /// Wall time.
    pub expires_at: Instant,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Approval {
    /// How many people approved it.
    pub fn approvals(&self) -> i64 {
        self.decisions.iter().filter(|decision| decision.verdict == Verdict::Approve).count() as i64
    }
}

impl Record for Approval {
    const KIND: Kind = Kind::Approval;
    const TRANSIENT: bool = true;
    const HEAP_BYTES: usize = 2048;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}

/// An action that needs others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRule {
    pub action: ApprovalAction,
    /// Only amounts above this one, in the currency of the call; every amount if `None`.
    pub above: Option<Decimal>,
    /// How many people must approve.
    pub needed: i64,
}

/// What a client does not let anybody do alone. Without a row, nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalPolicy {
    pub client: ClientId,
    pub rules: Vec<ApprovalRule>,
    pub version: i64,
    pub updated_at: Instant,
}

impl ApprovalPolicy {
    /// Which of the actions of a command need others, the one that needs most first, and how many.
    pub fn needed(&self, asks: &[Ask]) -> Vec<(Ask, i64)> {
        let of = |ask: &Ask| {
            let above = |bound: Decimal| ask.amount.is_none_or(|amount| amount.is_above(bound));
            let applies = |rule: &&ApprovalRule| rule.action == ask.action && rule.above.is_none_or(above);
            self.rules.iter().filter(applies).map(|rule| rule.needed).max().map(|needed| (*ask, needed))
        };
        let mut found: Vec<(Ask, i64)> = asks.iter().filter_map(of).collect();
        found.sort_by_key(|(_, needed)| std::cmp::Reverse(*needed));
        found
    }
}

impl Record for ApprovalPolicy {
    const KIND: Kind = Kind::ApprovalPolicy;

    fn key(&self) -> Key {
        Key::of(self.client, self.client.0)
    }
}
