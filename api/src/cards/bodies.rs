//! Bodies of calls on cards.

use paygen_core::cards::{
    Brand, CancellationReason, CardStatus, CardType, CardView, FundingMode, ReplaceReason, RevealPurpose,
};
use paygen_core::ids::{AccountId, CardHolderId, ProgramId};
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
    /// Initial status of a card.
    pub enum FirstStatus {
        /// A virtual card can be used at once.
        Active = "active",
        /// The card cannot be used until it is activated.
        Inactive = "inactive",
    }
}

crate::words_fields!(FirstStatus);

crate::body! {
    /// Cancels a card automatically after a number of payments.
    pub struct CancelAfterBody {
        /// The number of payments.
        required payments: Whole<1, 1_000_000> = "payments", example 1;
    }
}

crate::body! {
    /// Issues a card.
    pub struct CreateCardBody {
        /// The account that funds the card. It must be active, debitable and in the card's currency.
        required debit_account_id: AccountId = "debitAccountId";
        /// The card holder.
        required card_holder_id: CardHolderId = "cardHolderId";
        /// The card program. Defaults to the client's default program.
        optional program_id: ProgramId = "programId";
        /// Virtual or physical.
        required kind: CardType = "type", example "virtual";
        /// Card network.
        required brand: Brand = "brand", example "Visa";
        /// Initial status. A physical card is inactive until it is activated.
        required status: FirstStatus = "status", example "active";
        /// The card's currency. Defaults to that of the program, or USD.
        optional currency: CardCurrency = "currency", example "USD";
        /// Your own data.
        nullable metadata: Metadata = "metadata";
        /// Spending controls.
        nullable spending_controls: ControlsBody = "spendingControls";
        /// Whether online payments require a second factor. Defaults to true.
        optional enable_2fa: bool = "enable2FA", example true;
        /// Initial funding, at least 1, moved from the debit account in the same transaction; if that fails, no card is
        /// issued.
        optional amount: Decimal = "amount", example 100, at least 1.0;
        /// Whether the card is for a single payment.
        optional disposable: bool = "disposable", example false;
        /// prefunded cards have their own balance, on_demand cards spend from the debit account. Defaults to that of the
        /// program, or prefunded.
        optional funding_mode: FundingMode = "fundingMode", example "prefunded";
        /// Start of validity. A date means the beginning of that day, in UTC.
        nullable valid_from: Instant = "validFrom";
        /// End of validity. A date includes that day, in UTC.
        nullable valid_until: End = "validUntil";
        /// Whether the card locks to the merchant of its first payment.
        optional merchant_lock: bool = "merchantLock", example false;
        /// When the card is canceled automatically.
        nullable cancel_after: CancelAfterBody = "cancelAfter";
    }
}

crate::body! {
    /// Updates a card. Omitted fields keep their values.
    pub struct UpdateCardBody echoing CardView {
        /// Status; canceled is final.
        optional status: CardStatus = "status", example "inactive";
        /// Reason of the cancellation; only with status canceled.
        nullable cancellation_reason: CancellationReason = "cancellationReason", example "lost";
        /// Your own data; replaces the stored object.
        change metadata: Metadata = "metadata";
        /// Spending controls; replace the stored ones. null removes all.
        change spending_controls: ControlsBody = "spendingControls";
        /// The account that receives the available balance on cancellation. Defaults to the debit account; with status
        /// canceled only.
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
        /// The account to debit: active, debitable and in the card's currency.
        required debit_account_id: AccountId = "debitAccountId";
        /// Amount, at least 0.01.
        required amount: Decimal = "amount", example 25, at least 0.01;
        /// Your reference. It can be used once only, ever.
        nullable payment_reference: Text<1, 255> = "paymentReference", example "auto-topup-feb-24";
        /// Your description.
        nullable narration: Text<1, 500> = "narration", example "Card funding";
    }
}

crate::body! {
    /// Moves money from a card to an account.
    pub struct WithdrawFromCardBody {
        /// The account to credit: active, creditable and in the card's currency. Defaults to the debit account.
        nullable credit_account_id: AccountId = "creditAccountId";
        /// Amount, at least 0.01.
        required amount: Decimal = "amount", example 10, at least 0.01;
        /// Your reference. It can be used once only, ever.
        nullable payment_reference: Text<1, 255> = "paymentReference", example "refund-feb-24";
        /// Your description.
        nullable narration: Text<1, 500> = "narration", example "Card withdrawal";
    }
}

crate::body! {
    /// Replaces a card.
    pub struct ReplaceCardBody {
        /// Replacements of lost and stolen cards get a new number; those of damaged and expired cards keep it, with a
        /// new expiry.
        required reason: ReplaceReason = "reason", example "damaged";
    }
}

crate::body! {
    /// Creates a single-use reveal token.
    pub struct IssueRevealTokenBody {
        /// reveal: the number as JSON; page: the hosted page. Defaults to reveal.
        optional purpose: RevealPurpose = "purpose", example "reveal";
        /// Restricts the token to a web origin: of the page that reveals, or that frames the hosted page.
        nullable origin: Origin = "origin", example "https://app.example.com";
        /// Why the number is needed, for the audit log.
        nullable reason: Text<1, 500> = "reason", example "The card holder reported a failed payment by phone.";
    }
}

crate::body! {
    /// Reveals a card's number on the hosted page.
    pub struct RevealOnPageBody {
        /// The token.
        required token: Secret<1, 200> = "token";
        /// Origin that the hosted page was opened for.
        nullable origin: Origin = "origin", example "https://app.example.com";
    }
}

crate::body! {
    /// Sets a card's PIN. Send exactly one field.
    pub struct SetPinBody {
        /// The PIN, four digits. Sandbox only.
        optional pin: Pin = "pin";
        /// An ISO 9564-1 format 0 block for the card's number, encrypted under the zone PIN key: 16 hexadecimal digits.
        optional pin_block: Secret<16, 16> = "pinBlock";
    }
}

crate::body! {
    /// Looks up a card by its number.
    pub struct LookUpCardBody {
        /// The full card number.
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
