//! What a responder is asked about, and what decides while it is silent.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CardId, ProgramId};
use crate::limits::covers;
use crate::messages::{AuthorizationType, Channel};
use crate::money::{Currency, Decimal};

crate::string_enum! {
    /// What decides when no usable answer comes in time.
    #[derive(Default)]
    pub enum OnSilence {
        #[default]
        Decline = "decline",
        Approve = "approve",
        /// The rules of `fallback`.
        Rules = "rules",
    }
}

crate::string_enum! {
    /// What happens with increments of payments the responder is responsible for.
    #[derive(Default)]
    pub enum IncrementRule {
        Ask = "ask",
        /// The built-in checks decide; the responder learns of it from the events.
        #[default]
        Tell = "tell",
    }
}

/// The cards a responder is responsible for; all of the client's if the lists are empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResponderScope {
    pub program_ids: Vec<ProgramId>,
    pub account_ids: Vec<AccountId>,
    pub card_ids: Vec<CardId>,
}

/// Which payments of those cards it is asked about; all if nothing is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ask {
    /// Only those of more than this, in major units of the card's currency.
    pub above: Option<Decimal>,
    pub types: Vec<AuthorizationType>,
    /// Merchant categories, or groups of them.
    pub categories: Vec<String>,
}

/// What the fallback may approve in an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Budget {
    /// In major units of the card's currency.
    pub amount: Option<Decimal>,
    pub count: Option<i64>,
}

/// The rules that decide while the responder is silent, if `onSilence` says so. All must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Fallback {
    /// Of one payment, in major units of the card's currency.
    pub max_amount: Option<Decimal>,
    pub per_card: Budget,
    /// Of all cards of a program, each currency for itself.
    pub per_program: Budget,
    /// All if empty.
    pub categories: Vec<String>,
    /// All if empty.
    pub channels: Vec<Channel>,
}

/// The settings that are stored together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResponderSettings {
    pub scope: ResponderScope,
    pub ask: Ask,
    pub increments: IncrementRule,
    pub on_silence: OnSilence,
    pub fallback: Fallback,
}

/// A payment, as far as it matters to whether and whom to ask.
#[derive(Clone, Copy, Debug)]
pub struct Payment<'a> {
    pub card: CardId,
    pub account: AccountId,
    pub program: ProgramId,
    pub kind: AuthorizationType,
    pub category: &'a str,
    /// In minor units of the card's currency.
    pub amount: i64,
    pub currency: Currency,
}

impl ResponderScope {
    /// How specifically the scope covers a card; `None` if it does not.
    pub(super) fn covers(&self, card: CardId, account: AccountId, program: ProgramId) -> Option<u8> {
        if self.card_ids.contains(&card) {
            return Some(3);
        }
        if self.account_ids.contains(&account) {
            return Some(2);
        }
        if self.program_ids.contains(&program) {
            return Some(1);
        }
        (self.card_ids.is_empty() && self.account_ids.is_empty() && self.program_ids.is_empty()).then_some(0)
    }
}

impl Ask {
    pub(super) fn covers(&self, payment: &Payment<'_>) -> bool {
        let above = |least: Decimal| payment.amount > least.to_minor_rounded(payment.currency.exponent(), false);
        self.above.is_none_or(above)
            && (self.types.is_empty() || self.types.contains(&payment.kind))
            && covers(&self.categories, payment.category)
    }
}
