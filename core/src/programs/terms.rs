//! The terms a card programme runs under: fees, rates and deadlines, from the configuration.

use serde::{Deserialize, Serialize};

use crate::cards::Brand;
use crate::messages::AuthorizationType;
use crate::money::{Currency, Decimal};
use crate::programs::convert::divide_half_even;

/// A fee, by what it is charged for. The first that fits applies.
#[derive(Clone, Debug, PartialEq)]
pub struct FeeRule {
    /// The currency of the card.
    pub currency: Currency,
    /// For these types; for all when empty.
    pub kinds: Vec<AuthorizationType>,
    /// Only when the merchant is abroad (true) or at home (false).
    pub international: Option<bool>,
    /// How much.
    pub terms: FeeTerms,
}

/// What is charged for a payment.
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
    /// The fee on an amount. `first` says whether the fixed part is still to be charged.
    pub fn on(self, amount: i64, first: bool) -> Fee {
        if amount == 0 {
            return Fee::default();
        }
        let fee = (if first { self.fixed } else { 0 }).saturating_add(share(amount, self.basis_points));
        Fee { fee, vat: share(fee, self.vat_basis_points) }
    }

    /// The fee on what comes to an amount, by the running total: parts of an amount are charged what the whole is.
    pub fn between(self, before: i64, after: i64) -> Fee {
        let (before, after) = (self.on(before, true), self.on(after, true));
        Fee { fee: after.fee - before.fee, vat: after.vat - before.vat }
    }
}

/// A rate: units of `to` for one of `from`.
#[derive(Clone, Debug, PartialEq)]
pub struct RateRule {
    /// The merchant's currency.
    pub from: Currency,
    /// The card's currency.
    pub to: Currency,
    /// The rate.
    pub rate: Decimal,
}

/// How long a hold lives.
#[derive(Clone, Debug, PartialEq)]
pub struct HoldRule {
    /// For cards of this brand; for all when none.
    pub brand: Option<Brand>,
    /// For estimated amounts (true) or final ones (false); for both when none.
    pub estimated: Option<bool>,
    /// For these merchant categories or groups; for all when empty.
    pub categories: Vec<String>,
    /// How many days.
    pub days: i64,
}

/// Everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// sandbox or production.
    pub environment: String,
    /// Where merchants are at home: ISO 3166-1 alpha-2, by the card's currency.
    pub home: Vec<(Currency, String)>,
    /// Fees.
    pub fees: Vec<FeeRule>,
    /// Rates.
    pub rates: Vec<RateRule>,
    /// Deadlines of holds; the first that fits.
    pub holds: Vec<HoldRule>,
    /// Fees are given back when a payment is refunded.
    pub refund_fees: bool,
    /// The network's fraud score from which on an authorization is declined.
    pub risk_threshold: i64,
    /// How many wrong PINs in a row block it.
    pub pin_tries: i64,
    /// How many messages a day may have a wrong expiry or code of a card.
    pub code_tries: i64,
    /// Only verified card holders may spend.
    pub verified_only: bool,
}

impl Default for Terms {
    fn default() -> Terms {
        let usd = Currency::from_code("USD").expect("USD is a currency");
        let ngn = Currency::from_code("NGN").expect("NGN is a currency");
        let travel = ["lodging", "car_rental", "travel"].map(str::to_owned);
        let hold = |brand, estimated, categories: &[String], days| HoldRule {
            brand,
            estimated,
            categories: categories.to_vec(),
            days,
        };
        Terms {
            environment: "sandbox".to_owned(),
            home: vec![(usd, "US".to_owned()), (ngn, "NG".to_owned())],
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
            verified_only: false,
        }
    }
}

/// A fee and the tax on it, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    /// The fee.
    pub fee: i64,
    /// The tax on it.
    pub vat: i64,
}

impl Fee {
    /// Both.
    pub fn total(self) -> i64 {
        self.fee.saturating_add(self.vat)
    }
}

impl Terms {
    /// Whether a merchant of this country is abroad for cards of this currency.
    pub fn is_international(&self, currency: Currency, country: &str) -> bool {
        let home = self.home.iter().find(|(known, _)| *known == currency);
        home.is_some_and(|(_, home)| !country.is_empty() && home != country)
    }

    /// What is charged for a payment; nothing unless a rule fits.
    pub fn fee(&self, currency: Currency, kind: AuthorizationType, country: &str) -> FeeTerms {
        let international = self.is_international(currency, country);
        let fits = |rule: &&FeeRule| {
            rule.currency == currency
                && (rule.kinds.is_empty() || rule.kinds.contains(&kind))
                && rule.international.is_none_or(|wanted| wanted == international)
        };
        self.fees.iter().find(fits).map_or(FeeTerms::default(), |rule| rule.terms)
    }

    /// The rate between two currencies.
    pub fn rate(&self, from: Currency, to: Currency) -> Option<Decimal> {
        self.rates.iter().find(|rule| rule.from == from && rule.to == to).map(|rule| rule.rate)
    }

    /// How many days a hold lives.
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

/// Hundredths of a percent of an amount, half to even.
fn share(amount: i64, basis_points: i64) -> i64 {
    let value = i128::from(amount) * i128::from(basis_points);
    i64::try_from(divide_half_even(value, 10_000)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Fee, FeeRule, FeeTerms, Terms};
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
        let terms = Terms { fees: vec![cash, rule(Some(true), 25, 150), rule(Some(false), 0, 10)], ..Terms::default() };
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
