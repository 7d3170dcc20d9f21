//! The record of a card program, and who owns which numbers.

use serde::{Deserialize, Serialize};

use crate::cards::{Brand, FundingMode};
use crate::ids::{ClientId, ProgramId};
use crate::limits::{SpendingControls, SpendingLimit};
use crate::money::Currency;
use crate::programs::terms::ProgramTerms;
use crate::record::{Key, KeyBytes, Kind, Record};
use crate::time::Instant;

crate::string_enum! {
    pub enum ProgramStatus {
        Active = "active",
        /// No further cards are issued; its cards go on working.
        Archived = "archived",
    }
}

/// A range from which card numbers are drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberRange {
    pub brand: Brand,
    /// 6 to 11 digits.
    pub prefix: String,
    /// Digits of a number.
    pub length: usize,
}

impl NumberRange {
    /// The digits that its row in the register of ranges has.
    pub fn bin(&self) -> &str {
        self.prefix.get(..BIN_DIGITS).unwrap_or(&self.prefix)
    }

    /// Whether it has numbers that begin with these digits, or all its numbers do.
    pub(super) fn overlaps(&self, prefix: &str) -> bool {
        prefix.starts_with(&self.prefix) || self.prefix.starts_with(prefix)
    }
}

/// The digits that a row of the register of ranges is about.
const BIN_DIGITS: usize = 6;

/// What a program sets for its cards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProgramSettings {
    /// Only cards of this brand; any if `None`.
    pub brand: Option<Brand>,
    /// Only cards of this currency; any if `None`.
    pub currency: Option<Currency>,
    /// Only cards funded in this way; any if `None`.
    pub funding_mode: Option<FundingMode>,
    pub ranges: Vec<NumberRange>,
    pub terms: ProgramTerms,
    /// What each card inherits. Its limits name their currency.
    pub controls: SpendingControls,
    /// Limits of all its cards together. They name their currency.
    pub limits: Vec<SpendingLimit>,
    /// Whether a card's own settings replace the inherited ones, instead of applying besides them.
    pub can_loosen: bool,
}

/// A card program.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    pub client: ClientId,
    pub id: ProgramId,
    pub name: String,
    pub status: ProgramStatus,
    pub settings: ProgramSettings,
    /// The sequence of its last event.
    pub event_seq: i64,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Program {
    /// The program of cards that are issued without naming one. It has the id of its client.
    pub fn default_of(client: ClientId) -> ProgramId {
        ProgramId(client.0)
    }

    pub fn is_default(&self) -> bool {
        self.id == Program::default_of(self.client)
    }
}

impl Record for Program {
    const KIND: Kind = Kind::Program;
    const HEAP_BYTES: usize = 1500;

    fn key(&self) -> Key {
        Key::of(self.client, self.id.0)
    }
}

/// A range that is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeClaim {
    pub prefix: String,
    /// The only program that may have it; `None` if it is in the installation's settings, whose ranges all programs share.
    pub owner: Option<(ClientId, ProgramId)>,
}

/// The ranges of all clients whose numbers begin with the same six digits. Who takes or leaves a range holds this row.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeRegister {
    /// Six digits.
    pub bin: String,
    pub claims: Vec<RangeClaim>,
}

impl RangeRegister {
    pub fn key_of(bin: &str) -> Key {
        Key { client: ClientId::INSTALLATION, id: KeyBytes::new(bin.as_bytes()) }
    }

    /// Whether another program has numbers of this range.
    pub(super) fn is_taken(&self, range: &NumberRange, owner: (ClientId, ProgramId)) -> bool {
        self.claims.iter().filter(|claim| range.overlaps(&claim.prefix)).any(|claim| match claim.owner {
            Some(known) => known != owner,
            None => claim.prefix != range.prefix,
        })
    }
}

impl Record for RangeRegister {
    const KIND: Kind = Kind::RangeRegister;

    fn key(&self) -> Key {
        RangeRegister::key_of(&self.bin)
    }
}
