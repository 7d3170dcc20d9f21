//! A decision made again with other inputs, to see what it would have come to. Nothing is stored.

use crate::authorizations::{Decided, decide};
use crate::card_holders::CardHolderStatus;
use crate::cards::CardStatus;
use crate::messages::{Channel, ThreeDs};

/// Inputs that are supposed to differ; the others stay as they were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Supposition {
    /// In minor units of the card's currency.
    pub amount: Option<i64>,
    /// What the card can spend, in minor units.
    pub available: Option<i64>,
    pub card_status: Option<CardStatus>,
    pub card_holder_status: Option<CardHolderStatus>,
    pub channel: Option<Channel>,
    /// Limits of other categories were not among the facts, so they are not looked at.
    pub category: Option<String>,
    pub country: Option<String>,
    pub merchant: Option<String>,
    pub risk_score: Option<i64>,
    pub three_ds: Option<ThreeDs>,
}

impl Supposition {
    pub fn is_empty(&self) -> bool {
        *self == Supposition::default()
    }

    /// The decision under the present rules.
    pub fn decide(self, decided: &Decided) -> Decided {
        let (mut facts, mut request) = (decided.facts.clone(), decided.request.clone());
        request.amount = self.amount.or(request.amount);
        request.channel = self.channel.unwrap_or(request.channel);
        request.risk_score = self.risk_score.or(request.risk_score);
        request.three_ds = self.three_ds.unwrap_or(request.three_ds);
        let merchant = &mut request.merchant;
        for (member, supposed) in [
            (&mut merchant.category, self.category),
            (&mut merchant.country, self.country),
            (&mut merchant.merchant_id, self.merchant),
        ] {
            if let Some(supposed) = supposed {
                *member = supposed;
            }
        }
        if let Some(card) = &mut facts.card {
            card.available = self.available.unwrap_or(card.available);
            card.status = self.card_status.unwrap_or(card.status);
            card.holder_status = self.card_holder_status.unwrap_or(card.holder_status);
        }
        let decision = decide(&facts, &request);
        Decided::of(facts, request, &decision)
    }
}
