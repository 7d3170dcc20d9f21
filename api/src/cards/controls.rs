//! Spending controls in bodies: allowed uses, places and amounts of a card.

use paygen_core::limits::{Channels, NewControls, SpendingControls};
use paygen_core::money::Currency;

use crate::body::Faults;
use crate::country::CountryCode;
use crate::fields::{List, Text};
use crate::limits::{self, CategoryName, SpendingLimits};
use crate::problem::{FieldProblem, Problem};

crate::body! {
    /// Where a card may be used. What is left out, it may.
    pub struct ChannelsBody {
        /// Cash machines.
        optional atm: bool = "atm", example true;
        /// Terminals in shops.
        optional pos: bool = "pos", example true;
        /// Web shops.
        optional web: bool = "web", example true;
        /// Wallets and apps.
        optional mobile: bool = "mobile", example true;
    }
}

crate::body! {
    /// What a card may be used for. What is left out is not limited.
    pub struct ControlsBody {
        /// Where.
        nullable channels: ChannelsBody = "channels";
        /// Only these merchant categories, when there are any: codes or groups.
        nullable allowed_categories: List<CategoryName, 0, 200> = "allowedCategories";
        /// Not these.
        nullable blocked_categories: List<CategoryName, 0, 200> = "blockedCategories";
        /// Only these merchants, when there are any, by the network's merchant id.
        nullable allowed_merchants: List<Text<1, 64>, 0, 200> = "allowedMerchants";
        /// Not these.
        nullable blocked_merchants: List<Text<1, 64>, 0, 200> = "blockedMerchants";
        /// Only in these countries, when there are any.
        nullable allowed_countries: List<CountryCode, 0, 200> = "allowedCountries";
        /// Not in these.
        nullable blocked_countries: List<CountryCode, 0, 200> = "blockedCountries";
        /// Up to how much, in the card's currency.
        nullable spending_limits: SpendingLimits = "spendingLimits";
    }
}

/// The pointer of the spending controls in a body.
const AT: &str = "/spendingControls";

/// Converts the spending controls of a card in a currency.
pub fn of_card(body: ControlsBody, currency: Currency) -> Result<NewControls, Problem> {
    let mut faults = Faults::new();
    let channels = body.channels.map_or_else(Channels::default, |channels| Channels {
        atm: channels.atm.unwrap_or(true),
        pos: channels.pos.unwrap_or(true),
        web: channels.web.unwrap_or(true),
        mobile: channels.mobile.unwrap_or(true),
    });
    let controls = SpendingControls {
        channels,
        allowed_categories: texts(body.allowed_categories),
        blocked_categories: texts(body.blocked_categories),
        allowed_merchants: texts(body.allowed_merchants),
        blocked_merchants: texts(body.blocked_merchants),
        allowed_countries: texts(body.allowed_countries),
        blocked_countries: texts(body.blocked_countries),
        spending_limits: Vec::new(),
    };
    contradictions("Categories", &controls.allowed_categories, &controls.blocked_categories, &mut faults);
    contradictions("Merchants", &controls.allowed_merchants, &controls.blocked_merchants, &mut faults);
    contradictions("Countries", &controls.allowed_countries, &controls.blocked_countries, &mut faults);
    let limits = body.spending_limits.unwrap_or(List(Vec::new()));
    let limits = limits::of_card(limits, currency, &format!("{AT}/spendingLimits"), &mut faults);
    match limits {
        Some(limits) if faults.is_empty() => Ok(NewControls { controls, limits }),
        _ => Err(Problem::invalid(faults)),
    }
}

fn texts<T: Into<String>, const MIN: usize, const MAX: usize>(list: Option<List<T, MIN, MAX>>) -> Vec<String> {
    list.map(|list| list.0.into_iter().map(Into::into).collect()).unwrap_or_default()
}

fn contradictions(what: &str, allowed: &[String], blocked: &[String], faults: &mut Faults) {
    for (number, text) in blocked.iter().enumerate() {
        if allowed.contains(text) {
            let message = format!("stands in allowed{what} too; keep it in one of them");
            faults.push(FieldProblem::new(format!("{AT}/blocked{what}/{number}"), "contradiction", message));
        }
    }
}
