//! The views of cards, for answers and events. They never contain a full number, a CVV or a PIN.

use serde::Serialize;

use crate::audit::{Audited, Picture};
use crate::cards::{Brand, Card, CardStatus, CardType, FundingMode};
use crate::events::EventPart;
use crate::ledger::{Balance, Entry};
use crate::limits::{Interval, SpendingControls, SpendingLimit};
use crate::money::Currency;
use crate::time::Instant;
use crate::view::{Free, Money};

/// Channels that a card may be used in.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Channels)]
pub struct ChannelsView {
    /// Cash withdrawals at ATMs.
    pub atm: bool,
    /// Card-present payments at terminals (POS).
    pub pos: bool,
    /// Online payments.
    pub web: bool,
    /// Mobile wallets and apps.
    pub mobile: bool,
}

/// A spending limit.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SpendingLimit)]
pub struct SpendingLimitView {
    /// Maximum amount in a window; null if only the count is limited.
    #[schema(required = true)]
    pub amount: Option<Money>,
    /// Maximum number of authorizations in a window.
    #[schema(required = true)]
    pub max_count: Option<i64>,
    /// Window of the limit.
    pub interval: Interval,
    /// Merchant category codes and groups that count; all if empty.
    pub categories: Vec<String>,
    /// Time zone in which windows begin at midnight.
    #[schema(example = "UTC")]
    pub time_zone: String,
    /// For a limit of a card holder, account or program: it applies to cards of this currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Start of the count.
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

    /// Limits that name their currency.
    pub(crate) fn in_their_currencies(limits: &[SpendingLimit]) -> Vec<SpendingLimitView> {
        let of_currency = |limit: &SpendingLimit| {
            let currency = limit.currency.as_deref().and_then(Currency::from_code)?;
            Some(SpendingLimitView::of(limit, currency))
        };
        limits.iter().filter_map(of_currency).collect()
    }
}

/// Spending controls of a card.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SpendingControls)]
pub struct SpendingControlsView {
    /// Channels.
    pub channels: ChannelsView,
    /// If not empty, only payments in these merchant categories are allowed.
    pub allowed_categories: Vec<String>,
    /// Blocked.
    pub blocked_categories: Vec<String>,
    /// If not empty, only payments to these merchants are allowed.
    pub allowed_merchants: Vec<String>,
    /// Blocked.
    pub blocked_merchants: Vec<String>,
    /// If not empty, only payments in these countries are allowed.
    pub allowed_countries: Vec<String>,
    /// Blocked.
    pub blocked_countries: Vec<String>,
    /// Spending limits.
    pub spending_limits: Vec<SpendingLimitView>,
}

impl SpendingControlsView {
    pub(crate) fn of(controls: &SpendingControls, spending_limits: Vec<SpendingLimitView>) -> SpendingControlsView {
        let channels = controls.channels;
        SpendingControlsView {
            channels: ChannelsView { atm: channels.atm, pos: channels.pos, web: channels.web, mobile: channels.mobile },
            allowed_categories: controls.allowed_categories.clone(),
            blocked_categories: controls.blocked_categories.clone(),
            allowed_merchants: controls.allowed_merchants.clone(),
            blocked_merchants: controls.blocked_merchants.clone(),
            allowed_countries: controls.allowed_countries.clone(),
            blocked_countries: controls.blocked_countries.clone(),
            spending_limits,
        }
    }
}

/// A change of a card's status.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StatusChange)]
pub struct StatusChangeView {
    /// The new status.
    pub status: String,
    /// Time.
    #[schema(value_type = String, format = DateTime)]
    pub at: String,
    /// Reason, if one was given.
    #[schema(required = true)]
    pub reason: Option<String>,
}

/// When a card is canceled automatically.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CancelAfter)]
pub struct CancelAfterView {
    /// The number of payments.
    pub payments: i64,
}

/// A card.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Card)]
pub struct CardView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// The account that funds the card.
    pub debit_account_id: String,
    /// The card holder.
    pub card_holder_id: String,
    /// The card program, whose terms and controls it inherits.
    pub program_id: String,
    /// Virtual or physical.
    #[serde(rename = "type")]
    pub kind: CardType,
    /// Card network.
    pub brand: Brand,
    /// The card's currency.
    #[schema(example = "USD")]
    pub currency: String,
    /// Status.
    pub status: CardStatus,
    /// Reason of the cancellation.
    #[schema(required = true)]
    pub cancellation_reason: Option<String>,
    /// The account that received the balance on cancellation.
    #[schema(required = true)]
    pub credit_account_id: Option<String>,
    /// Ledger balance of the card, or of the debit account for fundingMode on_demand.
    pub balance: Money,
    /// Available balance: the balance less holds.
    pub available_balance: Money,
    /// First six and last four digits of the card number.
    #[schema(example = "400555******0019")]
    pub masked_pan: String,
    /// Last four digits of the card number.
    #[schema(example = "0019")]
    pub last4: String,
    /// First six digits of the card number.
    #[schema(example = "400555")]
    pub bin: String,
    /// Expiry month. The card is valid until the end of that month, in UTC.
    #[schema(minimum = 1, maximum = 12)]
    pub expiry_month: i64,
    /// Expiry year.
    #[schema(example = 2029)]
    pub expiry_year: i64,
    /// Whether the card has its own balance or spends from the debit account.
    pub funding_mode: FundingMode,
    /// Your own data.
    pub metadata: Free,
    /// Spending controls.
    pub spending_controls: SpendingControlsView,
    /// Whether online payments require a second factor.
    #[serde(rename = "enable2FA")]
    pub enable_2fa: bool,
    /// Whether the card is for a single payment.
    pub disposable: bool,
    /// Start of validity.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub valid_from: Option<String>,
    /// End of validity.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub valid_until: Option<String>,
    /// Whether the card locks to the merchant of its first payment.
    pub merchant_lock: bool,
    /// The merchant that the card is locked to.
    #[schema(required = true)]
    pub locked_merchant_id: Option<String>,
    /// When the card is canceled automatically.
    #[schema(required = true)]
    pub cancel_after: Option<CancelAfterView>,
    /// Whether a PIN was set.
    pub pin_set: bool,
    /// Time of the first activation.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub activated_at: Option<String>,
    /// The card that this card replaced.
    #[schema(required = true)]
    pub replacement_for: Option<String>,
    /// The card that replaced this card.
    #[schema(required = true)]
    pub replaced_by: Option<String>,
    /// The last 50 status changes, oldest first.
    pub status_history: Vec<StatusChangeView>,
    /// Version of the settings, from 1. Movements of money do not change it.
    pub version: i64,
    /// Time of issue.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change of the settings.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl EventPart for CardView {
    const NAME: &'static str = "card";
}

impl CardView {
    pub fn of(card: &Card, funds: &Balance) -> CardView {
        let controls = &card.controls;
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
            program_id: card.program.to_string(),
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
            spending_controls: SpendingControlsView::of(controls, limits.collect()),
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

/// A movement between a card and an account, in the events `card.funded` and `card.withdrawn`.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardMovement)]
pub struct MovementView {
    /// The amount.
    pub amount: Money,
    /// Currency of the card and the account.
    pub currency: String,
    /// The account.
    pub account_id: String,
    /// Your reference.
    #[schema(required = true)]
    pub payment_reference: Option<String>,
    /// Your description.
    #[schema(required = true)]
    pub narration: Option<String>,
    /// The ledger entry.
    pub entry_id: String,
    /// Ledger balance of the card.
    pub balance: Money,
    /// Available balance of the card.
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

/// A reveal of a card's number, in the event `card.revealed`.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardReveal)]
pub struct RevealView {
    /// How the number was revealed: as JSON or on the hosted page.
    pub purpose: crate::cards::RevealPurpose,
    /// The caller's network address.
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
