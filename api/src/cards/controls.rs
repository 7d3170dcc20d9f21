//! Spending controls in bodies: allowed uses, places and amounts of a card.

use paygen_core::limits::{Channels, NewControls, NewLimit, SpendingControls};
use paygen_core::money::Currency;

use crate::body::Faults;
use crate::card_currency::CardCurrency;
use crate::country::CountryCode;
use crate::fields::{List, Text};
use crate::limits::{self, CategoryName, SpendingLimits};
use crate::problem::{FieldProblem, Problem};

crate::body! {
    /// Channels that a card may be used in. Omitted channels are allowed.
    pub struct ChannelsBody {
        /// Cash withdrawals at ATMs.
        optional atm: bool = "atm", example true;
        /// Card-present payments at terminals (POS).
        optional pos: bool = "pos", example true;
        /// Online payments.
        optional web: bool = "web", example true;
        /// Mobile wallets and apps.
        optional mobile: bool = "mobile", example true;
    }
}

crate::body! {
    /// Spending controls of a card, or of each card of a program. Omitted controls do not limit.
    pub struct ControlsBody {
        /// Channels.
        nullable channels: ChannelsBody = "channels";
        /// If not empty, only payments in these merchant categories (codes or groups) are allowed.
        nullable allowed_categories: List<CategoryName, 0, 200> = "allowedCategories";
        /// Blocked.
        nullable blocked_categories: List<CategoryName, 0, 200> = "blockedCategories";
        /// If not empty, only payments to these merchants are allowed, by the network's merchant id.
        nullable allowed_merchants: List<Text<1, 64>, 0, 200> = "allowedMerchants";
        /// Blocked.
        nullable blocked_merchants: List<Text<1, 64>, 0, 200> = "blockedMerchants";
        /// If not empty, only payments in these countries are allowed.
        nullable allowed_countries: List<CountryCode, 0, 200> = "allowedCountries";
        /// Blocked.
        nullable blocked_countries: List<CountryCode, 0, 200> = "blockedCountries";
        /// Spending limits, of each card by itself.
        nullable spending_limits: SpendingLimits = "spendingLimits";
    }
}

/// The pointer of the spending controls in a body.
const AT: &str = "/spendingControls";

/// Converts the spending controls of a card in a currency.
pub fn of_card(body: ControlsBody, currency: Currency) -> Result<NewControls, Problem> {
    let mut faults = Faults::new();
    let controls = read(body, &mut faults, |limits, at, faults| limits::of_card(limits, currency, at, faults));
    controls.filter(|_| faults.is_empty()).ok_or_else(|| Problem::invalid(faults))
}

/// Converts the controls that cards of a program inherit. Limits without a currency are in the program's.
pub fn of_program(body: ControlsBody, currency: Option<CardCurrency>, faults: &mut Faults) -> Option<NewControls> {
    read(body, faults, |limits, at, faults| limits::of_program_limits(limits, currency, at, faults))
}

fn read(
    body: ControlsBody,
    faults: &mut Faults,
    read_limits: impl FnOnce(SpendingLimits, &str, &mut Faults) -> Option<Vec<NewLimit>>,
) -> Option<NewControls> {
    let names_all_channels = body.channels.as_ref().is_some_and(|channels| {
        [channels.atm, channels.pos, channels.web, channels.mobile].iter().all(Option::is_some)
    });
    let opened = body.channels.as_ref().map_or(Channels::NONE, |channels| Channels {
        atm: channels.atm == Some(true),
        pos: channels.pos == Some(true),
        web: channels.web == Some(true),
        mobile: channels.mobile == Some(true),
    });
    let channels = body.channels.map_or_else(Channels::default, |channels| Channels {
        atm: channels.atm.unwrap_or(true),
        pos: channels.pos.unwrap_or(true),
        web: channels.web.unwrap_or(true),
        mobile: channels.mobile.unwrap_or(true),
    });
    let controls = SpendingControls {
        channels,
        opened: Some(opened).filter(|opened| *opened != Channels::NONE),
        allowed_categories: texts(body.allowed_categories),
        blocked_categories: texts(body.blocked_categories),
        allowed_merchants: texts(body.allowed_merchants),
        blocked_merchants: texts(body.blocked_merchants),
        allowed_countries: texts(body.allowed_countries),
        blocked_countries: texts(body.blocked_countries),
        spending_limits: Vec::new(),
    };
    contradictions("Categories", &controls.allowed_categories, &controls.blocked_categories, faults);
    contradictions("Merchants", &controls.allowed_merchants, &controls.blocked_merchants, faults);
    contradictions("Countries", &controls.allowed_countries, &controls.blocked_countries, faults);
    let limits = body.spending_limits.unwrap_or(List(Vec::new()));
    let limits = read_limits(limits, &format!("{AT}/spendingLimits"), faults)?;
    Some(NewControls { controls, names_all_channels, limits })
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
