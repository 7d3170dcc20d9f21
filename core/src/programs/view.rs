//! The view of a program, for answers and events.

use serde::Serialize;

use crate::audit::{Audited, Picture};
use crate::cards::{Brand, FundingMode, SpendingControlsView, SpendingLimitView};
use crate::events::EventPart;
use crate::messages::AuthorizationType;
use crate::money::Decimal;
use crate::programs::record::{NumberRange, Program, ProgramStatus};
use crate::programs::terms::{FeeRule, HoldRule, RateRule};
use crate::view::{Figure, Money};

/// A range from which card numbers are drawn.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = NumberRange)]
pub struct NumberRangeView {
    /// Card network.
    pub brand: Brand,
    /// The digits that all its numbers begin with.
    #[schema(example = "400555")]
    pub prefix: String,
    /// Digits of a number.
    #[schema(example = 16)]
    pub length: usize,
}

impl From<&NumberRange> for NumberRangeView {
    fn from(range: &NumberRange) -> NumberRangeView {
        NumberRangeView { brand: range.brand, prefix: range.prefix.clone(), length: range.length }
    }
}

/// A fee rule.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FeeRule)]
pub struct FeeRuleView {
    /// For cards of this currency.
    #[schema(example = "USD")]
    pub currency: String,
    /// For these types of payment; all if empty.
    pub types: Vec<AuthorizationType>,
    /// true: only abroad; false: only at home; null: both.
    #[schema(required = true)]
    pub international: Option<bool>,
    /// The fixed part, in the card's currency.
    pub fixed: Money,
    /// The proportional part, in percent of the amount.
    pub percent: Figure,
    /// Value added tax on the fee, in percent.
    pub vat_percent: Figure,
}

impl From<&FeeRule> for FeeRuleView {
    fn from(rule: &FeeRule) -> FeeRuleView {
        let percent = |points: i64| Figure(Decimal::new(points, 2));
        FeeRuleView {
            currency: rule.currency.code().to_owned(),
            types: rule.kinds.clone(),
            international: rule.international,
            fixed: Money::new(rule.terms.fixed, rule.currency),
            percent: percent(rule.terms.basis_points),
            vat_percent: percent(rule.terms.vat_basis_points),
        }
    }
}

/// A conversion rate.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RateRule)]
pub struct RateRuleView {
    /// The merchant's currency.
    #[schema(example = "EUR")]
    pub from: String,
    /// The card's currency.
    #[schema(example = "USD")]
    pub to: String,
    /// Units of `to` for one unit of `from`.
    pub rate: Figure,
}

impl From<&RateRule> for RateRuleView {
    fn from(rule: &RateRule) -> RateRuleView {
        RateRuleView { from: rule.from.code().to_owned(), to: rule.to.code().to_owned(), rate: Figure(rule.rate) }
    }
}

/// How long a hold lasts.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = HoldRule)]
pub struct HoldRuleView {
    /// Only for this card network; null: both.
    #[schema(required = true)]
    pub brand: Option<Brand>,
    /// true: only estimated amounts; false: only final ones; null: both.
    #[schema(required = true)]
    pub estimated: Option<bool>,
    /// Merchant category codes and groups; all if empty.
    pub categories: Vec<String>,
    /// Days until the hold expires.
    #[schema(example = 7)]
    pub days: i64,
}

impl From<&HoldRule> for HoldRuleView {
    fn from(rule: &HoldRule) -> HoldRuleView {
        HoldRuleView {
            brand: rule.brand,
            estimated: rule.estimated,
            categories: rule.categories.clone(),
            days: rule.days,
        }
    }
}

/// A card program: what its cards have in common.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Program)]
pub struct ProgramView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// The client it belongs to.
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub client: String,
    /// Name.
    #[schema(example = "Employee cards")]
    pub name: String,
    /// Status. An archived program issues no further cards; its cards go on working.
    pub status: ProgramStatus,
    /// Whether cards that are issued without a `programId` belong to it.
    pub is_default: bool,
    /// Card network of its cards; null: any.
    #[schema(required = true)]
    pub brand: Option<Brand>,
    /// Currency of its cards; null: any.
    #[schema(required = true, example = "USD")]
    pub currency: Option<String>,
    /// How its cards are funded; null: in any way.
    #[schema(required = true)]
    pub funding_mode: Option<FundingMode>,
    /// Ranges from which card numbers are drawn; of several for a brand, one at random.
    pub number_ranges: Vec<NumberRangeView>,
    /// Validity of a new card, in months.
    #[schema(example = 48)]
    pub validity_months: i64,
    /// Wrong PINs in a row that block the PIN.
    #[schema(example = 3)]
    pub pin_tries: i64,
    /// Messages of a day that may carry a wrong expiry or code of a card.
    #[schema(example = 10)]
    pub code_tries: i64,
    /// The network's fraud score from which a payment is declined.
    #[schema(example = 95)]
    pub risk_threshold: i64,
    /// Fees. The first rule that fits a payment applies; none costs nothing.
    pub fees: Vec<FeeRuleView>,
    /// Whether fees are returned when a payment is refunded in full.
    pub refund_fees: bool,
    /// Conversion rates, for messages that carry no amount in the card's currency and no rate.
    pub rates: Vec<RateRuleView>,
    /// How long holds last. The first rule that fits a payment applies; if none does, 7 days.
    pub holds: Vec<HoldRuleView>,
    /// Controls that each card inherits. Its limits count for each card by itself.
    pub spending_controls: SpendingControlsView,
    /// Whether a card's own settings replace inherited ones; otherwise both apply.
    pub can_loosen: bool,
    /// Limits of all its cards together.
    pub spending_limits: Vec<SpendingLimitView>,
    /// Version of the settings, from 1.
    pub version: i64,
    /// Time of creation, ISO 8601 in UTC.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl EventPart for ProgramView {
    const NAME: &'static str = "program";
}

impl ProgramView {
    pub fn of(program: &Program) -> ProgramView {
        let (settings, terms) = (&program.settings, &program.settings.terms);
        let inherited = SpendingLimitView::in_their_currencies(&settings.controls.spending_limits);
        ProgramView {
            id: program.id.to_string(),
            client: program.client.to_string(),
            name: program.name.clone(),
            status: program.status,
            is_default: program.is_default(),
            brand: settings.brand,
            currency: settings.currency.map(|currency| currency.code().to_owned()),
            funding_mode: settings.funding_mode,
            number_ranges: settings.ranges.iter().map(Into::into).collect(),
            validity_months: terms.validity_months,
            pin_tries: terms.pin_tries,
            code_tries: terms.code_tries,
            risk_threshold: terms.risk_threshold,
            fees: terms.fees.iter().map(Into::into).collect(),
            refund_fees: terms.refund_fees,
            rates: terms.rates.iter().map(Into::into).collect(),
            holds: terms.holds.iter().map(Into::into).collect(),
            spending_controls: SpendingControlsView::of(&settings.controls, inherited),
            can_loosen: settings.can_loosen,
            spending_limits: SpendingLimitView::in_their_currencies(&settings.limits),
            version: program.version,
            created_at: program.created_at.to_string(),
            updated_at: program.updated_at.to_string(),
        }
    }
}

impl Audited for Program {
    const OBJECT: &'static str = "program";

    fn picture(&self) -> Picture {
        Picture::of(&ProgramView::of(self))
    }
}
