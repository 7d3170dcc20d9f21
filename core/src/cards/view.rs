//! The views of cards, for answers and events. They never contain a full number, a CVV or a PIN.

use serde::Serialize;

use crate::audit::{Audited, Picture};
use crate::cards::{Brand, Card, CardStatus, CardType, FundingMode};
use crate::events::EventPart;
use crate::ledger::{Balance, Entry};
use crate::limits::{Interval, SpendingLimit};
use crate::money::Currency;
use crate::time::Instant;
use crate::view::{Free, Money};

/// Where a card may be used.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Channels)]
pub struct ChannelsView {
    /// Cash machines.
    pub atm: bool,
    /// Terminals in shops.
    pub pos: bool,
    /// Web shops.
    pub web: bool,
    /// Wallets and apps.
    pub mobile: bool,
}

/// A spending limit.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SpendingLimit)]
pub struct SpendingLimitView {
    /// The most that may be spent in a window; null when only the count is limited.
    #[schema(required = true)]
    pub amount: Option<Money>,
    /// How many authorizations there may be in a window.
    #[schema(required = true)]
    pub max_count: Option<i64>,
    /// The window.
    pub interval: Interval,
    /// Merchant category codes and groups it is about; all when empty.
    pub categories: Vec<String>,
    /// The zone whose midnight begins a window.
    #[schema(example = "UTC")]
    pub time_zone: String,
    /// On a card holder: the currency of the cards it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Since when it counts.
    #[schema(value_type = String, format = DateTime)]
    pub counting_since: String,
}

impl SpendingLimitView {
    /// The limit's amounts are in `currency`.
    pub fn of(limit: &SpendingLimit, currency: Currency) -> SpendingLimitView {
        SpendingLimitView {
            amount: limit.amount.map(|amount| Money::new(amount, currency)),
            max_count: limit.max_count,
            interval: limit.interval,
            categories: limit.categories.clone(),
            time_zone: limit.time_zone.clone(),
            currency: limit.currency.clone(),
            counting_since: limit.counting_since().to_string(),
        }
    }
}

/// What a card may be used for.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SpendingControls)]
pub struct SpendingControlsView {
    /// Where.
    pub channels: ChannelsView,
    /// Only these merchant categories, when there are any.
    pub allowed_categories: Vec<String>,
    /// Not these.
    pub blocked_categories: Vec<String>,
    /// Only these merchants, when there are any.
    pub allowed_merchants: Vec<String>,
    /// Not these.
    pub blocked_merchants: Vec<String>,
    /// Only in these countries, when there are any.
    pub allowed_countries: Vec<String>,
    /// Not in these.
    pub blocked_countries: Vec<String>,
    /// Up to how much.
    pub spending_limits: Vec<SpendingLimitView>,
}

/// A change of a card's status.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StatusChange)]
pub struct StatusChangeView {
    /// What it became.
    pub status: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: String,
    /// Why, where a reason was given.
    #[schema(required = true)]
    pub reason: Option<String>,
}

/// When a card ends by itself.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CancelAfter)]
pub struct CancelAfterView {
    /// After so many payments.
    pub payments: i64,
}

/// A card.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Card)]
pub struct CardView {
    /// Its id: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// The account behind it.
    pub debit_account_id: String,
    /// Who holds it.
    pub card_holder_id: String,
    /// Whether there is plastic.
    #[serde(rename = "type")]
    pub kind: CardType,
    /// The network.
    pub brand: Brand,
    /// The currency it spends.
    #[schema(example = "USD")]
    pub currency: String,
    /// Whether it can be used.
    pub status: CardStatus,
    /// Why it ended.
    #[schema(required = true)]
    pub cancellation_reason: Option<String>,
    /// The account that took what it had, once it ended.
    #[schema(required = true)]
    pub credit_account_id: Option<String>,
    /// What is posted: on the card, or on the debit account for fundingMode on_demand.
    pub balance: Money,
    /// The same, less holds: what it can spend.
    pub available_balance: Money,
    /// The first six and the last four digits of its number.
    #[schema(example = "400555******0019")]
    pub masked_pan: String,
    /// The last four digits.
    #[schema(example = "0019")]
    pub last4: String,
    /// The first six digits.
    #[schema(example = "400555")]
    pub bin: String,
    /// The month it is good through, until its last instant in UTC.
    #[schema(minimum = 1, maximum = 12)]
    pub expiry_month: i64,
    /// The year of that month.
    #[schema(example = 2029)]
    pub expiry_year: i64,
    /// Where its money is.
    pub funding_mode: FundingMode,
    /// Your own data.
    pub metadata: Free,
    /// What it may be used for.
    pub spending_controls: SpendingControlsView,
    /// Whether payments on the web ask for a second factor.
    #[serde(rename = "enable2FA")]
    pub enable_2fa: bool,
    /// Whether it is good for one payment only.
    pub disposable: bool,
    /// Not good before.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub valid_from: Option<String>,
    /// Not good after.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub valid_until: Option<String>,
    /// Whether it locks to the first merchant it pays.
    pub merchant_lock: bool,
    /// The merchant it is locked to.
    #[schema(required = true)]
    pub locked_merchant_id: Option<String>,
    /// When it ends by itself.
    #[schema(required = true)]
    pub cancel_after: Option<CancelAfterView>,
    /// Whether a PIN was set.
    pub pin_set: bool,
    /// When it was first activated.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub activated_at: Option<String>,
    /// The card it took the place of.
    #[schema(required = true)]
    pub replacement_for: Option<String>,
    /// The card that took its place.
    #[schema(required = true)]
    pub replaced_by: Option<String>,
    /// The last 50 changes of its status, oldest first.
    pub status_history: Vec<StatusChangeView>,
    /// Counts changes to the settings; balances do not move it.
    pub version: i64,
    /// When it was issued.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// When its settings last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl EventPart for CardView {
    const NAME: &'static str = "card";
}

impl CardView {
    pub fn of(card: &Card, funds: &Balance) -> CardView {
        let controls = &card.controls;
        let channels = controls.channels;
        let time = |at: Option<Instant>| at.map(|at| at.to_string());
        let limits = controls.spending_limits.iter().map(|limit| SpendingLimitView::of(limit, card.currency));
        let history = card.history.iter().map(|change| StatusChangeView {
            status: change.status.clone(),
            at: Instant::from_micros(change.at).to_string(),
            reason: change.reason.clone(),
        });
        CardView {
            id: card.id.to_string(),
            debit_account_id: card.debit_account.to_string(),
            card_holder_id: card.card_holder.to_string(),
            kind: card.kind,
            brand: card.brand,
            currency: card.currency.code().to_owned(),
            status: card.status,
            cancellation_reason: card.cancellation_reason.clone(),
            credit_account_id: card.credit_account.map(|id| id.to_string()),
            balance: Money::new(funds.ledger, card.currency),
            available_balance: Money::new(funds.available(), card.currency),
            masked_pan: format!("{}******{}", card.bin, card.last4),
            last4: card.last4.clone(),
            bin: card.bin.clone(),
            expiry_month: card.expiry_month,
            expiry_year: card.expiry_year,
            funding_mode: card.funding_mode,
            metadata: Free::object(card.metadata.as_deref()),
            spending_controls: SpendingControlsView {
                channels: ChannelsView {
                    atm: channels.atm,
                    pos: channels.pos,
                    web: channels.web,
                    mobile: channels.mobile,
                },
                allowed_categories: controls.allowed_categories.clone(),
                blocked_categories: controls.blocked_categories.clone(),
                allowed_merchants: controls.allowed_merchants.clone(),
                blocked_merchants: controls.blocked_merchants.clone(),
                allowed_countries: controls.allowed_countries.clone(),
                blocked_countries: controls.blocked_countries.clone(),
                spending_limits: limits.collect(),
            },
            enable_2fa: card.enable_2fa,
            disposable: card.disposable,
            valid_from: time(card.valid_from),
            valid_until: time(card.valid_until),
            merchant_lock: card.merchant_lock,
            locked_merchant_id: card.locked_merchant.clone(),
            cancel_after: card.cancel_after.map(|payments| CancelAfterView { payments }),
            pin_set: card.pin_set,
            activated_at: time(card.activated_at),
            replacement_for: card.replacement_for.map(|id| id.to_string()),
            replaced_by: card.replaced_by.map(|id| id.to_string()),
            status_history: history.collect(),
            version: card.version,
            created_at: card.created_at.to_string(),
            updated_at: card.updated_at.to_string(),
        }
    }
}

/// Money moved onto or off a card, as `card.funded` and `card.withdrawn` tell it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardMovement)]
pub struct MovementView {
    /// How much.
    pub amount: Money,
    /// Of the card and the account.
    pub currency: String,
    /// The account on the other side.
    pub account_id: String,
    /// Your reference.
    #[schema(required = true)]
    pub payment_reference: Option<String>,
    /// Your words.
    #[schema(required = true)]
    pub narration: Option<String>,
    /// The ledger entry.
    pub entry_id: String,
    /// What is posted on the card now.
    pub balance: Money,
    /// What the card can spend now.
    pub available_balance: Money,
}

impl EventPart for MovementView {
    const NAME: &'static str = "movement";
}

impl MovementView {
    /// An entry that moved `amount` between the card and an account.
    pub fn of(entry: &Entry, amount: i64, account: crate::ids::AccountId, balance: &Balance) -> MovementView {
        MovementView {
            amount: Money::new(amount, balance.currency),
            currency: balance.currency.code().to_owned(),
            account_id: account.to_string(),
            payment_reference: entry.reference.clone(),
            narration: entry.narration.clone(),
            entry_id: entry.id.to_string(),
            balance: Money::new(balance.ledger, balance.currency),
            available_balance: Money::new(balance.available(), balance.currency),
        }
    }
}

/// That a card's number was shown, as `card.revealed` tells it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardReveal)]
pub struct RevealView {
    /// As JSON or on the hosted page.
    pub purpose: crate::cards::RevealPurpose,
    /// From where.
    #[schema(required = true)]
    pub address: Option<String>,
}

impl EventPart for RevealView {
    const NAME: &'static str = "reveal";
}

impl Audited for Card {
    const OBJECT: &'static str = "card";

    fn picture(&self) -> Picture {
        // Amounts are in another row, and the history repeats the status.
        let no_funds = Balance::opened(self.client, self.funds, self.currency, self.created_at);
        Picture::of(&CardView::of(self, &no_funds)).without(&["balance", "availableBalance", "statusHistory"])
    }
}
