//! The door of the card network: messages as the core sees them, whoever speaks them. The simulator fills them; a
//! gateway for ISO 8583 will. Field numbers in comments are those of ISO 8583:1987.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CardHolderId, CardId, LedgerAccountId};
use crate::money::{Currency, Decimal};

crate::string_enum! {
    /// Where the card is used (field 22).
    pub enum Channel {
        /// A cash machine.
        Atm = "atm",
        /// A terminal in a shop.
        Pos = "pos",
        /// A web shop.
        Web = "web",
        /// A wallet or app.
        Mobile = "mobile",
    }
}

crate::string_enum! {
    /// What the card is used for (field 3).
    pub enum AuthorizationType {
        /// Goods and services.
        Purchase = "purchase",
        /// Cash from a machine or counter.
        CashWithdrawal = "cash_withdrawal",
        /// Money paid in.
        Deposit = "deposit",
        /// Money sent to another.
        Transfer = "transfer",
        /// A bill.
        Payment = "payment",
        /// A check of the card; no money is asked for.
        AccountVerification = "account_verification",
    }
}

crate::string_enum! {
    /// How far the cardholder was authenticated (3-D Secure).
    #[derive(Default)]
    pub enum ThreeDs {
        /// It was not asked for.
        #[default]
        None = "none",
        /// The merchant can ask for it.
        Offered = "offered",
        /// The cardholder passed.
        Authenticated = "authenticated",
        /// The cardholder failed.
        Failed = "failed",
    }
}

crate::string_enum! {
    /// What the vault found of a secret that came with the message.
    #[derive(Default)]
    pub enum Match {
        /// It is the card's.
        Match = "match",
        /// It is not.
        Mismatch = "mismatch",
        /// None came.
        #[default]
        NotGiven = "not_given",
        /// One came, but the card has none.
        NotSet = "not_set",
    }
}

/// Who is paid (fields 18, 42, 43).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Merchant {
    /// The merchant category code, four digits.
    #[schema(example = "5812")]
    pub category: String,
    /// The network's id of the merchant.
    #[schema(example = "MID123456")]
    pub merchant_id: String,
    /// The name on the receipt.
    #[schema(example = "ACME CAFE")]
    pub name: String,
    /// City.
    pub city: String,
    /// State or region.
    pub state: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "NG")]
    pub country: String,
    /// Postal code.
    pub postal_code: String,
}

impl Merchant {
    /// Without the padding of fields that have a fixed width.
    #[must_use]
    pub fn trimmed(self) -> Merchant {
        let Merchant { category, merchant_id, name, city, state, country, postal_code } = self;
        let trim =
            |text: String| if text.ends_with(' ') || text.starts_with(' ') { text.trim().to_owned() } else { text };
        Merchant {
            category: trim(category),
            merchant_id: trim(merchant_id),
            name: trim(name),
            city: trim(city),
            state: trim(state),
            country: trim(country),
            postal_code: trim(postal_code),
        }
    }
}

/// How the network knows a message (fields 11, 37, 38, and its transaction id).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// System trace audit number.
    pub stan: String,
    /// Retrieval reference number.
    pub rrn: String,
    /// The network's transaction id: the same on every message of one transaction.
    pub transaction_id: String,
    /// The approval code; made by the issuer unless an advice brings one.
    pub authorization_code: Option<String>,
}

/// What is asked for, before it is known in which currency the card is billed (fields 4 to 6, 9, 10, 49 to 51).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestedAmount {
    /// In the currency of the merchant.
    pub amount: Decimal,
    /// That currency.
    pub currency: Currency,
    /// In the currency of the card, when the network converted it.
    pub billing: Option<Decimal>,
    /// Units of the card's currency for one of the merchant's, when the network tells it.
    pub rate: Option<Decimal>,
}

/// What the edge found of the card before the command was made: the secrets themselves stay outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Presented {
    /// The card; none when its number is not one of ours.
    pub card: Option<CardId>,
    /// Its expiry.
    pub expiry: Match,
    /// Its code.
    pub cvv: Match,
    /// Its PIN.
    pub pin: Match,
    /// The PIN as it was sealed when it was compared.
    pub pin_sealed: Option<Vec<u8>>,
    /// What the card was linked to then, where the edge has read it.
    pub links: Option<Links>,
}

/// What a card is linked to. It only tells which rows will be needed, so that they are loaded at once: the command goes by
/// the card itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Links {
    /// Its card holder.
    pub card_holder: CardHolderId,
    /// The account behind it.
    pub account: AccountId,
    /// What it spends.
    pub funds: LedgerAccountId,
}

/// A request for an authorization, or the advice of one that somebody else gave.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkRequest {
    /// The card.
    pub presented: Presented,
    /// Where.
    pub channel: Channel,
    /// What for.
    pub kind: AuthorizationType,
    /// How much.
    pub requested: RequestedAmount,
    /// For whom.
    pub merchant: Merchant,
    /// How far the cardholder was authenticated.
    pub three_ds: ThreeDs,
    /// Whether the merchant takes less than was asked for.
    pub partial_allowed: bool,
    /// Whether the amount is an estimate and a final one follows.
    pub estimated: bool,
    /// The network's fraud score, 0 to 99, when it tells one.
    pub risk_score: Option<i64>,
    /// How the network knows it.
    pub trace: Trace,
}
