//! The terms that cards run under: fees, rates, hold periods and thresholds of their program, and what holds for the
//! whole installation.

use serde::{Deserialize, Serialize};

use crate::cards::Brand;
use crate::messages::AuthorizationType;
use crate::money::{Currency, Decimal};
use crate::programs::convert::divide_half_even;

/// A fee rule. The first rule that matches applies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeeRule {
    pub currency: Currency,
    /// All types if empty.
    pub kinds: Vec<AuthorizationType>,
    /// Only abroad (true) or only at home (false).
    pub international: Option<bool>,
    pub terms: FeeTerms,
}

/// What a payment costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeTerms {
    /// In minor units of the card's currency.
    pub fixed: i64,
    /// In hundredths of a percent of the amount.
    pub basis_points: i64,
    /// Value added tax on the fee, in hundredths of a percent.
    pub vat_basis_points: i64,
}

impl FeeTerms {
    /// The fee on an amount. `first` says whether the fixed part has not been charged yet.
    pub fn on(self, amount: i64, first: bool) -> Fee {
        if amount == 0 {
            return Fee::default();
        }
        let fee = (if first { self.fixed } else { 0 }).saturating_add(share(amount, self.basis_points));
        Fee { fee, vat: share(fee, self.vat_basis_points) }
    }

    /// The fee on a part, by the running total: the parts of an amount cost the same as the whole.
    pub fn between(self, before: i64, after: i64) -> Fee {
        let (before, after) = (self.on(before, true), self.on(after, true));
        Fee { fee: after.fee - before.fee, vat: after.vat - before.vat }
    }
}

/// Units of `to` for one unit of `from`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateRule {
    pub from: Currency,
    pub to: Currency,
    pub rate: Decimal,
}

/// How long a hold lasts. The first rule that matches applies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldRule {
    /// All brands if `None`.
    pub brand: Option<Brand>,
    /// Only estimated amounts (true) or only final ones (false); both if `None`.
    pub estimated: Option<bool>,
    /// Merchant categories or groups; all if empty.
    pub categories: Vec<String>,
    pub days: i64,
}

/// What holds for all cards of the installation, and the terms of the program that a new client begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// `sandbox` or `production`.
    pub environment: String,
    /// Whether only verified card holders may spend.
    pub verified_only: bool,
    /// From the settings. Messages about numbers that were not issued here are decided under them too.
    pub program: ProgramTerms,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms { environment: "sandbox".to_owned(), verified_only: false, program: ProgramTerms::default() }
    }
}

/// The terms of a card program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProgramTerms {
    pub fees: Vec<FeeRule>,
    pub rates: Vec<RateRule>,
    pub holds: Vec<HoldRule>,
    /// Whether a refund that completes a payment's refunds also returns the fee.
    pub refund_fees: bool,
    /// Fraud scores from this one on are declined.
    pub risk_threshold: i64,
    /// How many consecutive wrong PINs block the PIN.
    pub pin_tries: i64,
    /// How many messages of a day may carry a wrong expiry or CVV of a card.
    pub code_tries: i64,
    /// Validity of a new card, in months.
    pub validity_months: i64,
}

impl Default for ProgramTerms {
    fn default() -> ProgramTerms {
        let travel = ["lodging", "car_rental", "travel"].map(str::to_owned);
        let hold = |brand, estimated, categories: &[String], days| HoldRule {
            brand,
            estimated,
            categories: categories.to_vec(),
            days,
        };
        ProgramTerms {
            fees: Vec::new(),
            rates: Vec::new(),
            holds: vec![
                hold(None, Some(true), &travel, 31),
                hold(Some(Brand::Mastercard), Some(true), &[], 30),
                hold(None, None, &travel, 31),
                hold(None, None, &[], 7),
            ],
            refund_fees: false,
            risk_threshold: 95,
            pin_tries: 3,
            code_tries: 10,
            validity_months: 48,
        }
    }
}

/// The home country (ISO 3166-1 alpha-2) by card currency.
const HOME: [(&str, &str); 2] = [("USD", "US"), ("NGN", "NG")];

/// In minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    pub fee: i64,
    pub vat: i64,
}

impl Fee {
    pub fn total(self) -> i64 {
        self.fee.saturating_add(self.vat)
    }
}

impl ProgramTerms {
    /// Whether a merchant in this country is abroad for cards of this currency.
    pub fn is_international(&self, currency: Currency, country: &str) -> bool {
        let home = HOME.iter().find(|(known, _)| *known == currency.code());
        home.is_some_and(|(_, home)| !country.is_empty() && *home != country)
    }

    /// The fee terms of a payment; zero if no rule matches.
    pub fn fee(&self, currency: Currency, kind: AuthorizationType, country: &str) -> FeeTerms {
        let international = self.is_international(currency, country);
        let fits = |rule: &&FeeRule| {
            rule.currency == currency
                && (rule.kinds.is_empty() || rule.kinds.contains(&kind))
                && rule.international.is_none_or(|wanted| wanted == international)
        };
        self.fees.iter().find(fits).map_or(FeeTerms::default(), |rule| rule.terms)
    }

    pub fn rate(&self, from: Currency, to: Currency) -> Option<Decimal> {
        self.rates.iter().find(|rule| rule.from == from && rule.to == to).map(|rule| rule.rate)
    }

    /// How many days a hold lasts.
    pub fn hold_days(&self, brand: Brand, estimated: bool, category: &str) -> i64 {
        let fits = |rule: &&HoldRule| {
            rule.brand.is_none_or(|wanted| wanted == brand)
                && rule.estimated.is_none_or(|wanted| wanted == estimated)
                && (rule.categories.is_empty()
                    || rule.categories.iter().any(|known| crate::limits::categories::covers(known, category)))
        };
        self.holds.iter().find(fits).map_or(7, |rule| rule.days)
    }
}

/// Hundredths of a percent of an amount, rounded half to even.
fn share(amount: i64, basis_points: i64) -> i64 {
    let value = i128::from(amount) * i128::from(basis_points);
    i64::try_from(divide_half_even(value, 10_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Fee, FeeRule, FeeTerms, ProgramTerms};
    use crate::messages::AuthorizationType;
    use crate::money::Currency;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).expect("a currency")
    }

    #[test]
    fn fees_with_tax() {
        let rule = |international, fixed, basis_points| FeeRule {
            currency: currency("USD"),
            kinds: vec![],
            international,
            terms: FeeTerms { fixed, basis_points, vat_basis_points: 750 },
        };
        let cash = FeeRule { kinds: vec![AuthorizationType::CashWithdrawal], ..rule(None, 200, 0) };
        let fees = vec![cash, rule(Some(true), 25, 150), rule(Some(false), 0, 10)];
        let terms = ProgramTerms { fees, ..ProgramTerms::default() };
        for (kind, country, amount, first, fee, vat) in [
            (AuthorizationType::CashWithdrawal, "US", 10_000, true, 200, 15),
            (AuthorizationType::Purchase, "NG", 10_000, true, 175, 13),
            (AuthorizationType::Purchase, "NG", 10_000, false, 150, 11),
            (AuthorizationType::Purchase, "US", 10_000, true, 10, 1),
            (AuthorizationType::Purchase, "", 10_000, true, 10, 1),
            (AuthorizationType::Purchase, "NG", 0, true, 0, 0),
        ] {
            let got = terms.fee(currency("USD"), kind, country).on(amount, first);
            assert_eq!(got, Fee { fee, vat }, "{kind:?} {country} {amount} {first}");
        }
        assert_eq!(terms.fee(currency("NGN"), AuthorizationType::Purchase, "US"), FeeTerms::default());
    }
}
