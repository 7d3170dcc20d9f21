//! Bodies of calls on card programs, and what they ask for in the core's form.

use paygen_core::cards::{Brand, FundingMode};
use paygen_core::limits::NewControls;
use paygen_core::messages::AuthorizationType;
use paygen_core::money::{Category, Currency, Decimal};
use paygen_core::programs::{
    FeeRule, FeeTerms, HoldRule, NumberRange, ProgramChanges, ProgramStatus, ProgramView, RateRule, overlapping,
};
use paygen_vault::CardRange;

use crate::body::{Change, Faults};
use crate::card_currency::CardCurrency;
use crate::cards::{ControlsBody, of_program};
use crate::fields::{List, Text, Whole};
use crate::limits::{CategoryName, SpendingLimits, of_program_limits};
use crate::problem::{FieldProblem, Problem};

crate::words_fields!(ProgramStatus);

crate::body! {
    /// A range from which card numbers are drawn.
    pub struct NumberRangeInputBody {
        /// Card network.
        required brand: Brand = "brand", example "Visa";
        /// The digits that all its numbers begin with, 6 to 11. No other program may have numbers of it, except that
        /// all programs share the ranges of the server's settings.
        required prefix: Text<6, 11> = "prefix", example "40066612";
        /// Digits of a number. Defaults to 16.
        optional length: Whole<13, 19> = "length", example 16;
    }
}

crate::body! {
    /// A fee rule. The first rule that fits a payment applies.
    pub struct FeeRuleInputBody {
        /// For cards of this currency.
        required currency: CardCurrency = "currency", example "USD";
        /// For these types of payment; all if empty.
        nullable types: List<AuthorizationType, 0, 20> = "types";
        /// true: only abroad; false: only at home; null: both.
        nullable international: bool = "international", example true;
        /// The fixed part, in the card's currency. Defaults to 0.
        optional fixed: Decimal = "fixed", example 0.25, at least 0.0;
        /// The proportional part, in percent of the amount, at most 100 with two decimals. Defaults to 0.
        optional percent: Decimal = "percent", example 1.5, at least 0.0;
        /// Value added tax on the fee, in percent, at most 100 with two decimals. Defaults to 0.
        optional vat_percent: Decimal = "vatPercent", example 7.5, at least 0.0;
    }
}

crate::body! {
    /// A conversion rate.
    pub struct RateRuleInputBody {
        /// The merchant's currency, an ISO 4217 code.
        required from: Text<3, 3> = "from", example "EUR";
        /// The card's currency.
        required to: CardCurrency = "to", example "USD";
        /// Units of `to` for one unit of `from`, above 0.
        required rate: Decimal = "rate", example 1.0837;
    }
}

crate::body! {
    /// How long a hold lasts. The first rule that fits a payment applies; if none does, 7 days.
    pub struct HoldRuleInputBody {
        /// Only for this card network; null: both.
        nullable brand: Brand = "brand";
        /// true: only estimated amounts; false: only final ones; null: both.
        nullable estimated: bool = "estimated";
        /// Merchant categories; all if empty.
        nullable categories: List<CategoryName, 0, 100> = "categories";
        /// Days until the hold expires.
        required days: Whole<1, 90> = "days", example 7;
    }
}

crate::body! {
    /// Creates a card program. Omitted settings are those that a new client's first program has.
    pub struct CreateProgramBody {
        /// Name.
        required name: Text<1, 120> = "name", example "Employee cards";
        /// Card network of its cards; null: any.
        nullable brand: Brand = "brand", example "Visa";
        /// Currency of its cards; null: any.
        nullable currency: CardCurrency = "currency", example "USD";
        /// How its cards are funded; null: in any way.
        nullable funding_mode: FundingMode = "fundingMode", example "on_demand";
        /// Ranges from which card numbers are drawn. Defaults to those of the server's settings.
        optional number_ranges: List<NumberRangeInputBody, 1, 32> = "numberRanges";
        /// Validity of a new card, in months.
        optional validity_months: Whole<1, 240> = "validityMonths", example 36;
        /// Wrong PINs in a row that block the PIN.
        optional pin_tries: Whole<1, 10> = "pinTries", example 3;
        /// Messages of a day that may carry a wrong expiry or code of a card.
        optional code_tries: Whole<1, 1000> = "codeTries", example 10;
        /// The network's fraud score from which a payment is declined.
        optional risk_threshold: Whole<1, 100> = "riskThreshold", example 90;
        /// Fees.
        optional fees: List<FeeRuleInputBody, 0, 100> = "fees";
        /// Whether fees are returned when a payment is refunded in full.
        optional refund_fees: bool = "refundFees", example true;
        /// Conversion rates, for messages that carry no amount in the card's currency and no rate.
        optional rates: List<RateRuleInputBody, 0, 200> = "rates";
        /// How long holds last.
        optional holds: List<HoldRuleInputBody, 0, 100> = "holds";
        /// Controls that each card inherits. Its limits count for each card by itself.
        nullable spending_controls: ControlsBody = "spendingControls";
        /// Whether a card's own settings replace inherited ones; otherwise both apply. Defaults to false.
        optional can_loosen: bool = "canLoosen", example false;
        /// Limits of all its cards together.
        nullable spending_limits: SpendingLimits = "spendingLimits";
    }
}

crate::body! {
    /// Updates a card program. Omitted fields keep their values; lists are replaced as a whole.
    pub struct UpdateProgramBody echoing ProgramView {
        /// Name.
        optional name: Text<1, 120> = "name", example "Employee cards";
        /// Status. An archived program issues no further cards; its cards go on working.
        optional status: ProgramStatus = "status", example "active";
        /// Card network of further cards; null: any.
        change brand: Brand = "brand";
        /// Currency of further cards; null: any.
        change currency: CardCurrency = "currency";
        /// How further cards are funded; null: in any way.
        change funding_mode: FundingMode = "fundingMode";
        /// Ranges from which card numbers are drawn.
        optional number_ranges: List<NumberRangeInputBody, 1, 32> = "numberRanges";
        /// Validity of a new card, in months.
        optional validity_months: Whole<1, 240> = "validityMonths", example 36;
        /// Wrong PINs in a row that block the PIN.
        optional pin_tries: Whole<1, 10> = "pinTries", example 3;
        /// Messages of a day that may carry a wrong expiry or code of a card.
        optional code_tries: Whole<1, 1000> = "codeTries", example 10;
        /// The network's fraud score from which a payment is declined.
        optional risk_threshold: Whole<1, 100> = "riskThreshold", example 90;
        /// Fees.
        optional fees: List<FeeRuleInputBody, 0, 100> = "fees";
        /// Whether fees are returned when a payment is refunded in full.
        optional refund_fees: bool = "refundFees", example true;
        /// Conversion rates.
        optional rates: List<RateRuleInputBody, 0, 200> = "rates";
        /// How long holds last.
        optional holds: List<HoldRuleInputBody, 0, 100> = "holds";
        /// Controls that each card inherits; null removes all.
        change spending_controls: ControlsBody = "spendingControls";
        /// Whether a card's own settings replace inherited ones; otherwise both apply.
        optional can_loosen: bool = "canLoosen";
        /// Limits of all its cards together; null removes all.
        change spending_limits: SpendingLimits = "spendingLimits";
    }
}

/// A whole list, or nothing if one of its members is wrong.
fn each<T, U, const MIN: usize, const MAX: usize>(
    list: Option<List<T, MIN, MAX>>,
    name: &str,
    faults: &mut Faults,
    mut read: impl FnMut(T, &str, &mut Faults) -> Option<U>,
) -> Option<Vec<U>> {
    let items = list?.0.into_iter().enumerate();
    let read: Vec<Option<U>> = items.map(|(at, item)| read(item, &format!("/{name}/{at}"), faults)).collect();
    read.into_iter().collect()
}

fn ranges(list: Option<List<NumberRangeInputBody, 1, 32>>, faults: &mut Faults) -> Option<Vec<NumberRange>> {
    let ranges = each(list, "numberRanges", faults, |range, at, faults| {
        let (prefix, length) = (String::from(range.prefix), range.length.map_or(16, |length| length.0));
        let length = usize::try_from(length).ok()?;
        let network = match range.brand {
            Brand::Visa => prefix.starts_with('4'),
            Brand::Mastercard => prefix.starts_with(['2', '5']),
        };
        if CardRange::new(&prefix, length).is_none() {
            let message = "must be 6 to 11 digits, at least 4 fewer than a number has";
            faults.push(FieldProblem::new(format!("{at}/prefix"), "prefix", message));
        } else if !network {
            let message = "is not of the brand's network: Visa's numbers begin with 4, Mastercard's with 2 or 5";
            faults.push(FieldProblem::new(format!("{at}/prefix"), "prefix", message));
        }
        Some(NumberRange { brand: range.brand, prefix, length })
    })?;
    if let Some((first, second)) = overlapping(&ranges) {
        let message = format!("has numbers of range {first} too; keep one of them");
        faults.push(FieldProblem::new(format!("/numberRanges/{second}"), "duplicate", message));
    }
    Some(ranges)
}

fn currency(code: CardCurrency) -> Option<Currency> {
    Currency::find(code.as_str(), Category::Fiat)
}

/// Percent as hundredths of a percent.
fn points(percent: Option<Decimal>, at: &str, faults: &mut Faults) -> i64 {
    let points = percent.unwrap_or(Decimal::ZERO).to_minor(2).filter(|points| (0..=10_000).contains(points));
    points.unwrap_or_else(|| {
        faults.push(FieldProblem::new(at, "range", "must be from 0 to 100, with at most two decimals"));
        0
    })
}

fn fees(list: Option<List<FeeRuleInputBody, 0, 100>>, faults: &mut Faults) -> Option<Vec<FeeRule>> {
    each(list, "fees", faults, |fee, at, faults| {
        let currency = currency(fee.currency)?;
        let fixed = fee.fixed.unwrap_or(Decimal::ZERO).to_minor(currency.exponent());
        let fixed = fixed.filter(|fixed| (0..=1_000_000_000).contains(fixed)).unwrap_or_else(|| {
            let decimals = currency.exponent();
            let message = format!("must be from 0 to ten million, with at most {decimals} decimals");
            faults.push(FieldProblem::new(format!("{at}/fixed"), "range", message));
            0
        });
        Some(FeeRule {
            currency,
            kinds: fee.types.map(|types| types.0).unwrap_or_default(),
            international: fee.international,
            terms: FeeTerms {
                fixed,
                basis_points: points(fee.percent, &format!("{at}/percent"), faults),
                vat_basis_points: points(fee.vat_percent, &format!("{at}/vatPercent"), faults),
            },
        })
    })
}

fn rates(list: Option<List<RateRuleInputBody, 0, 200>>, faults: &mut Faults) -> Option<Vec<RateRule>> {
    each(list, "rates", faults, |rule, at, faults| {
        let code = String::from(rule.from);
        let from = Currency::find(&code, Category::Fiat);
        if from.is_none() {
            let hint = Currency::hint(&code, Category::Fiat);
            let message = format!("must be an ISO 4217 code such as EUR.{hint}");
            faults.push(FieldProblem::new(format!("{at}/from"), "currency", message));
        }
        if rule.rate.is_negative() || rule.rate.is_zero() {
            faults.push(FieldProblem::new(format!("{at}/rate"), "minimum", "must be greater than 0"));
        }
        Some(RateRule { from: from?, to: currency(rule.to)?, rate: rule.rate })
    })
}

fn holds(list: Option<List<HoldRuleInputBody, 0, 100>>, faults: &mut Faults) -> Option<Vec<HoldRule>> {
    each(list, "holds", faults, |rule, _, _| {
        let categories = rule.categories.map(|list| list.0.into_iter().map(Into::into).collect());
        let (brand, estimated, days) = (rule.brand, rule.estimated, rule.days.0);
        Some(HoldRule { brand, estimated, categories: categories.unwrap_or_default(), days })
    })
}

fn finished<T>(value: T, faults: Faults) -> Result<T, Problem> {
    if faults.is_empty() { Ok(value) } else { Err(Problem::invalid(faults)) }
}

impl CreateProgramBody {
    /// The settings that it asks for. `own` are the server's ranges.
    pub fn settings(self, own: &[NumberRange]) -> Result<ProgramChanges, Problem> {
        let mut faults = Faults::new();
        let in_currency = self.currency;
        let shared =
            || own.iter().filter(|range| self.brand.is_none_or(|brand| range.brand == brand)).cloned().collect();
        let settings = ProgramChanges {
            brand: Some(self.brand),
            currency: Some(in_currency.and_then(currency)),
            funding_mode: Some(self.funding_mode),
            ranges: ranges(self.number_ranges, &mut faults).or_else(|| Some(shared())),
            fees: fees(self.fees, &mut faults),
            rates: rates(self.rates, &mut faults),
            holds: holds(self.holds, &mut faults),
            refund_fees: self.refund_fees,
            risk_threshold: self.risk_threshold.map(|number| number.0),
            pin_tries: self.pin_tries.map(|number| number.0),
            code_tries: self.code_tries.map(|number| number.0),
            validity_months: self.validity_months.map(|number| number.0),
            controls: self.spending_controls.and_then(|body| of_program(body, in_currency, &mut faults)),
            limits: self
                .spending_limits
                .and_then(|body| of_program_limits(body, in_currency, "/spendingLimits", &mut faults)),
            can_loosen: self.can_loosen,
        };
        finished(settings, faults)
    }
}

impl UpdateProgramBody {
    /// The settings that it asks for. Limits without a currency are in the program's, which is `stored` unless it changes.
    pub fn settings(&mut self, stored: Option<Currency>) -> Result<ProgramChanges, Problem> {
        let mut faults = Faults::new();
        let named = std::mem::take(&mut self.currency).into_option::<CardCurrency>();
        let stored = stored.and_then(|currency| CardCurrency::parse(currency.code()));
        let in_currency = named.unwrap_or(stored);
        let controls = match std::mem::take(&mut self.spending_controls) {
            Change::Keep => None,
            Change::Clear => Some(NewControls::default()),
            Change::Set(body) => of_program(body, in_currency, &mut faults),
        };
        let limits = match std::mem::take(&mut self.spending_limits) {
            Change::Keep => None,
            Change::Clear => Some(Vec::new()),
            Change::Set(body) => of_program_limits(body, in_currency, "/spendingLimits", &mut faults),
        };
        let settings = ProgramChanges {
            brand: std::mem::take(&mut self.brand).into_option(),
            currency: named.map(|code| code.and_then(currency)),
            funding_mode: std::mem::take(&mut self.funding_mode).into_option(),
            ranges: ranges(self.number_ranges.take(), &mut faults),
            fees: fees(self.fees.take(), &mut faults),
            rates: rates(self.rates.take(), &mut faults),
            holds: holds(self.holds.take(), &mut faults),
            refund_fees: self.refund_fees,
            risk_threshold: self.risk_threshold.map(|number| number.0),
            pin_tries: self.pin_tries.map(|number| number.0),
            code_tries: self.code_tries.map(|number| number.0),
            validity_months: self.validity_months.map(|number| number.0),
            controls,
            limits,
            can_loosen: self.can_loosen,
        };
        finished(settings, faults)
    }
}
