//! The terms of a client's first program, from the section `[program]`: fees, rates and expiry of holds.

use std::sync::Arc;

use paygen_core::cards::Brand;
use paygen_core::limits::categories;
use paygen_core::messages::AuthorizationType;
use paygen_core::money::{Category, Currency, Decimal};
use paygen_core::programs::{FeeRule, FeeTerms, HoldRule, ProgramTerms, RateRule, Terms};
use serde::Deserialize;

use paygen_app::Environment;

/// The section `[program]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProgramConfig {
    /// Fees; the first match applies.
    pub fees: Vec<FeeConfig>,
    pub rates: Vec<RateConfig>,
    /// Expiry of holds, before the built-in rules; the first match applies.
    pub holds: Vec<HoldConfig>,
    /// Whether fees are returned when a payment is refunded in full.
    pub refund_fees: bool,
    /// The network's fraud score from which an authorization is declined.
    pub risk_threshold: Option<i64>,
    /// Wrong PINs in a row that block the PIN.
    pub pin_tries: Option<i64>,
    /// Messages per day that may have a wrong expiry or card code.
    pub code_tries: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeConfig {
    /// The card's currency.
    pub currency: String,
    /// Authorization types; all when omitted.
    #[serde(default)]
    pub types: Vec<String>,
    /// Only international (true) or only domestic (false) payments.
    pub international: Option<bool>,
    /// The fixed part, in major units as text, such as "0.25".
    #[serde(default)]
    pub fixed: Option<String>,
    /// The proportional part, in percent as text, such as "1.5".
    #[serde(default)]
    pub percent: Option<String>,
    /// Value added tax on the fee, in percent as text.
    #[serde(default)]
    pub vat_percent: Option<String>,
}

/// A conversion rate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateConfig {
    /// The merchant's currency.
    pub from: String,
    /// The card's currency.
    pub to: String,
    /// Units of `to` for one unit of `from`, as text.
    pub rate: String,
}

/// Expiry of holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldConfig {
    /// The brand of the card; all when omitted.
    pub brand: Option<String>,
    /// Estimated amounts (true) or final ones (false).
    pub estimated: Option<bool>,
    /// Merchant categories or groups; all when omitted.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Days until the hold expires, 1 to 90.
    pub days: i64,
}

/// Validates the terms; the error names the setting.
pub fn terms(
    config: &ProgramConfig,
    validity_months: u32,
    environment: Environment,
    verified_only: bool,
) -> Result<Arc<Terms>, String> {
    let environment = match environment {
        Environment::Production => "production",
        Environment::Sandbox => "sandbox",
    };
    let program = ProgramTerms { validity_months: i64::from(validity_months), ..program_terms(config)? };
    Ok(Arc::new(Terms { environment: environment.to_owned(), verified_only, program }))
}

fn program_terms(config: &ProgramConfig) -> Result<ProgramTerms, String> {
    let mut terms = ProgramTerms { refund_fees: config.refund_fees, ..ProgramTerms::default() };
    if let Some(threshold) = config.risk_threshold {
        terms.risk_threshold = in_range("program.risk_threshold", threshold, 1, 100)?;
    }
    if let Some(tries) = config.pin_tries {
        terms.pin_tries = in_range("program.pin_tries", tries, 1, 10)?;
    }
    if let Some(tries) = config.code_tries {
        terms.code_tries = in_range("program.code_tries", tries, 1, 1000)?;
    }
    terms.fees = config.fees.iter().map(fee).collect::<Result<_, _>>()?;
    terms.rates = config.rates.iter().map(rate).collect::<Result<_, _>>()?;
    let mut holds = config.holds.iter().map(hold).collect::<Result<Vec<_>, _>>()?;
    holds.append(&mut terms.holds);
    terms.holds = holds;
    Ok(terms)
}

fn in_range(name: &str, value: i64, low: i64, high: i64) -> Result<i64, String> {
    if (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(format!("{name} is {value}; it must be from {low} to {high}."))
    }
}

fn currency(name: &str, code: &str) -> Result<Currency, String> {
    Currency::find(code, Category::Fiat).ok_or_else(|| {
        let hint = Currency::hint(code, Category::Fiat);
        format!("{name} is {code}; it must be an ISO 4217 code such as USD.{hint}")
    })
}

fn decimal(name: &str, text: Option<&String>) -> Result<Decimal, String> {
    let Some(text) = text else { return Ok(Decimal::ZERO) };
    let read = Decimal::parse(text).ok().filter(|number| !number.is_negative());
    read.ok_or_else(|| format!("{name} is {text}; it must be a number such as \"1.5\", not below zero."))
}

/// Percent as hundredths of a percent.
fn basis_points(name: &str, text: Option<&String>) -> Result<i64, String> {
    let points = decimal(name, text)?.to_minor(2);
    points
        .filter(|points| *points <= 1_000_000)
        .ok_or_else(|| format!("{name} has more than two decimals or is too large."))
}

fn fee(config: &FeeConfig) -> Result<FeeRule, String> {
    let currency = currency("program.fees.currency", &config.currency)?;
    let kind = |word: &String| {
        AuthorizationType::parse(word).ok_or_else(|| {
            format!("program.fees.types has {word}; it may have {}.", AuthorizationType::WORDS.join(", "))
        })
    };
    let fixed = decimal("program.fees.fixed", config.fixed.as_ref())?.to_minor(currency.exponent());
    Ok(FeeRule {
        currency,
        kinds: config.types.iter().map(kind).collect::<Result<_, _>>()?,
        international: config.international,
        terms: FeeTerms {
            fixed: fixed.ok_or("program.fees.fixed has more decimals than its currency.")?,
            basis_points: basis_points("program.fees.percent", config.percent.as_ref())?,
            vat_basis_points: basis_points("program.fees.vat_percent", config.vat_percent.as_ref())?,
        },
    })
}

fn rate(config: &RateConfig) -> Result<RateRule, String> {
    let read = decimal("program.rates.rate", Some(&config.rate))?;
    if read.is_zero() {
        return Err("program.rates.rate is 0; it must be above zero.".to_owned());
    }
    Ok(RateRule {
        from: currency("program.rates.from", &config.from)?,
        to: currency("program.rates.to", &config.to)?,
        rate: read,
    })
}

fn hold(config: &HoldConfig) -> Result<HoldRule, String> {
    let brand = match &config.brand {
        Some(word) => Some(
            Brand::parse(word)
                .ok_or_else(|| format!("program.holds.brand is {word}; it must be Visa or Mastercard."))?,
        ),
        None => None,
    };
    if let Some(unknown) = config.categories.iter().find(|category| !categories::is_category(category)) {
        return Err(format!("program.holds.categories has {unknown}, which is no merchant category or group."));
    }
    Ok(HoldRule {
        brand,
        estimated: config.estimated,
        categories: config.categories.clone(),
        days: in_range("program.holds.days", config.days, 1, 90)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{ProgramConfig, program_terms};

    #[test]
    fn wrong_terms_are_named() {
        let cases = [
            ("risk_threshold = 0", "program.risk_threshold"),
            ("pin_tries = 99", "program.pin_tries"),
            ("code_tries = 0", "program.code_tries"),
            ("[[fees]]\ncurrency = \"EURO\"", "program.fees.currency"),
            ("[[fees]]\ncurrency = \"USD\"\nfixed = \"0.001\"", "program.fees.fixed"),
            ("[[fees]]\ncurrency = \"USD\"\npercent = \"-1\"", "program.fees.percent"),
            ("[[fees]]\ncurrency = \"USD\"\ntypes = [\"fun\"]", "program.fees.types"),
            ("[[rates]]\nfrom = \"EUR\"\nto = \"USD\"\nrate = \"0\"", "program.rates.rate"),
            ("[[holds]]\ndays = 0", "program.holds.days"),
            ("[[holds]]\ndays = 7\ncategories = [\"fun\"]", "program.holds.categories"),
        ];
        for (text, expected) in cases {
            let config: ProgramConfig = toml::from_str(text).expect(text);
            let error = program_terms(&config).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
        let text = "[[fees]]\ncurrency = \"USD\"\nfixed = \"0.25\"\npercent = \"1.5\"\nvat_percent = \"7.5\"";
        let read = program_terms(&toml::from_str(text).expect("TOML")).expect("terms");
        let fee = read.fees[0].terms;
        assert_eq!((fee.fixed, fee.basis_points, fee.vat_basis_points), (25, 150, 750));
    }
}
