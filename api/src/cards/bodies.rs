//! Bodies of calls on cards.

use paygen_core::cards::{
    Brand, CancellationReason, CardStatus, CardType, CardView, FundingMode, ReplaceReason, RevealPurpose,
};
use paygen_core::ids::{AccountId, CardHolderId};
use paygen_core::money::Decimal;
use paygen_core::time::Instant;
use paygen_vault::{Pan, Pin};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::controls::ControlsBody;
use crate::body::{Faults, Field};
use crate::card_currency::CardCurrency;
use crate::card_numbers;
use crate::fields::{End, Metadata, Secret, Text, Whole};
use crate::problem::FieldProblem;
use paygen_edge::json::Json;

paygen_core::string_enum! {
    /// The first status of a card.
    pub enum FirstStatus {
        /// It can be used at once, when it is virtual.
        Active = "active",
        /// It cannot be used until it is made active.
        Inactive = "inactive",
    }
}

crate::words_fields!(FirstStatus);

crate::body! {
    /// Says after how many payments a card ends by itself.
    pub struct CancelAfterBody {
        /// After so many payments.
        required payments: Whole<1, 1_000_000> = "payments", example 1;
    }
}

crate::body! {
    /// Issues a card.
    pub struct CreateCardBody {
        /// The account behind it: active, debitable, of the card's currency.
        required debit_account_id: AccountId = "debitAccountId";
        /// Who gets it.
        required card_holder_id: CardHolderId = "cardHolderId";
        /// Whether there is plastic.
        required kind: CardType = "type", example "virtual";
        /// The network.
        required brand: Brand = "brand", example "Visa";
        /// Whether it can be used at once; a physical card is inactive until it is activated.
        required status: FirstStatus = "status", example "active";
        /// The currency it spends; USD unless said.
        optional currency: CardCurrency = "currency", example "USD";
        /// Your own data.
        nullable metadata: Metadata = "metadata";
        /// What it may be used for.
        nullable spending_controls: ControlsBody = "spendingControls";
        /// Whether payments on the web ask for a second factor; true unless said.
        optional enable_2fa: bool = "enable2FA", example true;
        /// Its first money, at least 1, moved from the debit account in the same transaction; if it cannot be, there is
        /// no card.
        optional amount: Decimal = "amount", example 100, at least 1.0;
        /// Whether it is good for one payment only.
        optional disposable: bool = "disposable", example false;
        /// prefunded spends what was funded onto the card, on_demand the debit account; prefunded unless said.
        optional funding_mode: FundingMode = "fundingMode", example "prefunded";
        /// Not good before; a date is the beginning of that day, in UTC.
        nullable valid_from: Instant = "validFrom";
        /// Not good after; a date includes that day, in UTC.
        nullable valid_until: End = "validUntil";
        /// Whether it locks to the first merchant it pays.
        optional merchant_lock: bool = "merchantLock", example false;
        /// When it ends by itself.
        nullable cancel_after: CancelAfterBody = "cancelAfter";
    }
}

crate::body! {
    /// Changes a card. Fields left out stay as they are.
    pub struct UpdateCardBody echoing CardView {
        /// Whether it can be used; canceled is final.
        optional status: CardStatus = "status", example "inactive";
        /// Why it is canceled; with status canceled only.
        nullable cancellation_reason: CancellationReason = "cancellationReason", example "lost";
        /// Your own data, replaced whole.
        change metadata: Metadata = "metadata";
        /// What it may be used for, replaced whole; null clears.
        change spending_controls: ControlsBody = "spendingControls";
        /// The account that gets what is available on cancellation, the debit account unless said; with status canceled
        /// only.
        nullable credit_account_id: AccountId = "creditAccountId";
        /// Read-only.
        optional balance: Decimal = "balance";
        /// Read-only.
        optional available_balance: Decimal = "availableBalance";
    }
}

crate::body! {
    /// Moves money from an account onto a card.
    pub struct FundCardBody {
        /// The account that gives: active, debitable, of the card's currency.
        required debit_account_id: AccountId = "debitAccountId";
        /// How much, at least 0.01.
        required amount: Decimal = "amount", example 25, at least 0.01;
        /// Your reference; it works once, for ever.
        nullable payment_reference: Text<1, 255> = "paymentReference", example "auto-topup-feb-24";
        /// Your words.
        nullable narration: Text<1, 500> = "narration", example "Card funding";
    }
}

crate::body! {
    /// Moves money from a card to an account.
    pub struct WithdrawFromCardBody {
        /// The account that gets, the debit account unless said: active, creditable, of the card's currency.
        nullable credit_account_id: AccountId = "creditAccountId";
        /// How much, at least 0.01.
        required amount: Decimal = "amount", example 10, at least 0.01;
        /// Your reference; it works once, for ever.
        nullable payment_reference: Text<1, 255> = "paymentReference", example "refund-feb-24";
        /// Your words.
        nullable narration: Text<1, 500> = "narration", example "Card withdrawal";
    }
}

crate::body! {
    /// Replaces a card.
    pub struct ReplaceCardBody {
        /// Lost and stolen cards get another number; damaged and expired ones keep theirs, with a new expiry.
        required reason: ReplaceReason = "reason", example "damaged";
    }
}

crate::body! {
    /// Makes a token that shows a card's number once.
    pub struct IssueRevealTokenBody {
        /// reveal: the number as JSON; page: the hosted page. reveal unless said.
        optional purpose: RevealPurpose = "purpose", example "reveal";
        /// The only web origin it works for: of the page that reveals, or that frames the hosted page.
        nullable origin: Origin = "origin", example "https://app.example.com";
    }
}

crate::body! {
    /// Shows a card's number on the hosted page.
    pub struct RevealOnPageBody {
        /// The token.
        required token: Secret<1, 200> = "token";
        /// The origin that the page was opened for.
        nullable origin: Origin = "origin", example "https://app.example.com";
    }
}

crate::body! {
    /// Sets a card's PIN: one of the two.
    pub struct SetPinBody {
        /// Four digits; in the sandbox only.
        optional pin: Pin = "pin";
        /// An ISO 9564-1 format 0 block for the card's number, encrypted under the zone PIN key: 16 hexadecimal digits.
        optional pin_block: Secret<16, 16> = "pinBlock";
    }
}

crate::body! {
    /// Finds a card by its number.
    pub struct LookUpCardBody {
        /// The whole number.
        required pan: Pan = "pan";
    }
}

/// A web origin as browsers send it: https, or http on this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin(String);

impl From<Origin> for String {
    fn from(origin: Origin) -> String {
        origin.0
    }
}

impl Origin {
    /// Parses an origin.
    pub fn parse(text: &str) -> Option<Origin> {
        let url = url::Url::parse(text).ok()?;
        let local = matches!(url.host_str()?, "localhost" | "127.0.0.1" | "[::1]");
        let safe = url.scheme() == "https" || (url.scheme() == "http" && local);
        // URLs allow characters in host names that would end a directive of a content security policy.
        let plain = |sign: char| sign.is_ascii_alphanumeric() || ".-:[]/".contains(sign);
        (safe && text.chars().all(plain) && url.origin().ascii_serialization() == text).then(|| Origin(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The error of an invalid origin.
pub const ORIGIN_RULE: &str =
    "must be a web origin such as https://app.example.com, without a path; http only for localhost";

fn text<'a>(json: &'a Json, at: &str, faults: &mut Faults) -> Option<&'a str> {
    match json {
        Json::Text(text) => Some(text),
        other => {
            faults.push(FieldProblem::new(at, "type", format!("must be a string, not {}", other.kind())));
            None
        }
    }
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

impl Field for Origin {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Origin> {
        let text = text(json, at, faults)?;
        if !card_numbers::refuse(text, at, faults) {
            return None;
        }
        Origin::parse(text).or_else(|| {
            faults.push(FieldProblem::new(at, "origin", ORIGIN_RULE));
            None
        })
    }

    fn schema() -> RefOr<Schema> {
        string().max_length(Some(300)).into()
    }
}

impl Field for Pin {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Pin> {
        Pin::parse(text(json, at, faults)?).or_else(|| {
            faults.push(FieldProblem::new(at, "pin", "must be four digits, in quotes"));
            None
        })
    }

    fn schema() -> RefOr<Schema> {
        string().pattern(Some("^[0-9]{4}$")).into()
    }
}

/// The error never repeats the number.
impl Field for Pan {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Pan> {
        match Pan::parse(text(json, at, faults)?) {
            Ok(pan) => Some(pan),
            Err(error) => {
                faults.push(FieldProblem::new(at, "pan", error.to_string()));
                None
            }
        }
    }

    fn schema() -> RefOr<Schema> {
        string().min_length(Some(12)).max_length(Some(40)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn only_origins_are_origins() {
        let good = ["https://app.example.com", "https://a.example:8443", "http://localhost:3000", "http://127.0.0.1:1"];
        let bad = [
            "",
            "https://app.example.com/",
            "https://app.example.com/x",
            "http://app.example.com",
            "null",
            "*",
            "javascript:alert(1)",
            "https://App.example.com",
            "https://a.example:443",
            "https://user@a.example",
            "https://a.example https://b.example",
            "https://a.example;",
            "https://a;sandbox",
            "https://a,b",
            "file:///",
            "https://*.example.com",
        ];
        for text in good {
            assert!(Origin::parse(text).is_some(), "{text}");
        }
        for text in bad {
            assert!(Origin::parse(text).is_none(), "{text}");
        }
    }
}
