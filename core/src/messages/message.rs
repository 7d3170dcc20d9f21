//! Messages of the card network, independent of their source: the simulator today, an ISO 8583 gateway later. Field
//! numbers in comments are those of ISO 8583:1987.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CardHolderId, CardId, LedgerAccountId, ProgramId};
use crate::money::{Currency, Decimal};

crate::string_enum! {
    /// Where the card is used (field 22).
    pub enum Channel {
        Atm = "atm",
        Pos = "pos",
        Web = "web",
        Mobile = "mobile",
    }
}

crate::string_enum! {
    /// What the card is used for (field 3).
    pub enum AuthorizationType {
        Purchase = "purchase",
        CashWithdrawal = "cash_withdrawal",
        Deposit = "deposit",
        Transfer = "transfer",
        Payment = "payment",
        /// A check of the card, without an amount.
        AccountVerification = "account_verification",
    }
}

crate::string_enum! {
    /// The result of 3-D Secure.
    #[derive(Default)]
    pub enum ThreeDs {
        /// Not requested.
        #[default]
        None = "none",
        /// Not performed, but the merchant supports it.
        Offered = "offered",
        Authenticated = "authenticated",
        Failed = "failed",
    }
}

crate::string_enum! {
    /// Whether a secret in the message (expiry, CVV, PIN) is the card's. The vault compares them; the core never sees
    /// one.
    #[derive(Default)]
    pub enum Match {
        Match = "match",
        Mismatch = "mismatch",
        #[default]
        NotGiven = "not_given",
        /// The message had one, but the card has none.
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
    /// Without blanks at the ends: networks pad fields to a fixed width.
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

/// The identifiers of a message in the network (fields 11, 37, 38, and the transaction id).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// System trace audit number.
    pub stan: String,
    /// Retrieval reference number.
    pub rrn: String,
    /// The same on every message of one transaction.
    pub transaction_id: String,
    /// The approval code. The issuer makes it, unless an advice brings one.
    pub authorization_code: Option<String>,
}

/// An amount as the network sends it, before it is converted to the card's currency (fields 4 to 6, 9, 10, 49 to 51).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestedAmount {
    /// In the merchant's currency.
    pub amount: Decimal,
    pub currency: Currency,
    /// The amount in the card's currency, if the network converted it.
    pub billing: Option<Decimal>,
    /// Units of the card's currency for one unit of the merchant's, if the network sent a rate.
    pub rate: Option<Decimal>,
}

/// What the server found out about the presented card before the command was made. It contains no secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Presented {
    /// `None` if the number is not of a card issued here.
    pub card: Option<CardId>,
    pub expiry: Match,
    pub cvv: Match,
    pub pin: Match,
    /// The stored PIN that the presented one was compared with, sealed. The decision is refused as stale if it has
    /// changed since.
    pub pin_sealed: Option<Vec<u8>>,
    /// The rows related to the card at that time, if they were read.
    pub links: Option<Links>,
}

/// The rows related to a card. They are only used to prefetch rows; the command itself reads the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Links {
    pub card_holder: CardHolderId,
    pub account: AccountId,
    /// The ledger account it spends from.
    pub funds: LedgerAccountId,
    pub program: ProgramId,
}

/// An authorization request, or an advice of a decision that the network made in our place.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkRequest {
    pub presented: Presented,
    pub channel: Channel,
    pub kind: AuthorizationType,
    pub requested: RequestedAmount,
    pub merchant: Merchant,
    pub three_ds: ThreeDs,
    /// Whether a lower amount than requested may be approved.
    pub partial_allowed: bool,
    /// Whether the amount is an estimate, followed by a final one.
    pub estimated: bool,
    /// The network's fraud score, 0 to 99.
    pub risk_score: Option<i64>,
    pub trace: Trace,
}
