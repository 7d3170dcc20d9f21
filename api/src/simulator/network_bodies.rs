//! Bodies of the simulated network's messages.

use paygen_core::ids::{CardId, TransactionId};
use paygen_core::messages::{AuthorizationType, Channel, Merchant, ThreeDs};
use paygen_core::money::{Category, Currency, Decimal};
use paygen_vault::{Pan, Pin};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::body::{Faults, Field};
use crate::fields::{NetworkText, Secret, Text, Whole};
use crate::problem::FieldProblem;
use crate::rate::Rate;
use paygen_edge::json::Json;

crate::words_fields!(Channel, AuthorizationType, ThreeDs);

/// A currency of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FiatCurrency(pub Currency);

impl Field for FiatCurrency {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<FiatCurrency> {
        let known = match json {
            Json::Text(text) => Currency::find(text, Category::Fiat),
            _ => None,
        };
        if known.is_none() {
            let hint = if let Json::Text(text) = json { Currency::hint(text, Category::Fiat) } else { String::new() };
            let message = format!("must be a currency code of ISO 4217 in capitals, such as USD.{hint}");
            let message = if hint.is_empty() { message.trim_end_matches('.') } else { &message };
            faults.push(FieldProblem::new(at, "currency", message));
        }
        known.map(FiatCurrency)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[A-Z]{3}$"))
            .description(Some("ISO 4217."))
            .examples(["USD"])
            .into()
    }
}

/// Text of `MIN` to `MAX` decimal digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Digits<const MIN: usize, const MAX: usize>(pub String);

impl<const MIN: usize, const MAX: usize> Field for Digits<MIN, MAX> {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Self> {
        match json {
            Json::Text(text) if (MIN..=MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) => {
                Some(Digits(text.clone()))
            }
            _ => {
                let message = if MIN == MAX {
                    format!("must be {MIN} decimal digits, as a string")
                } else {
                    format!("must be {MIN} to {MAX} decimal digits, as a string")
                };
                faults.push(FieldProblem::new(at, "digits", message));
                None
            }
        }
    }

    fn schema() -> RefOr<Schema> {
        let pattern = format!("^[0-9]{{{MIN},{MAX}}}$");
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

crate::body! {
    /// Who is paid. What is left out is made up.
    pub struct MerchantBody {
        /// The merchant category code, four digits; 5999 unless said.
        optional category: Digits<4, 4> = "category", example "5812";
        /// The network's id of the merchant.
        optional merchant_id: NetworkText<1, 64> = "merchantId", example "MID123456";
        /// The name on the receipt.
        optional name: NetworkText<1, 120> = "name", example "ACME CAFE";
        /// City.
        optional city: NetworkText<0, 120> = "city", example "Lagos";
        /// State or region.
        optional state: NetworkText<0, 60> = "state", example "LA";
        /// ISO 3166-1 alpha-2; US unless said.
        optional country: crate::country::CountryCode = "country", example "NG";
        /// Postal code.
        optional postal_code: NetworkText<0, 20> = "postalCode", example "101001";
    }
}

impl MerchantBody {
    /// The merchant; omitted parts are generated.
    pub fn merchant(body: Option<MerchantBody>) -> Merchant {
        let text = |text: Option<String>, other: &str| text.unwrap_or_else(|| other.to_owned());
        let Some(body) = body else {
            return Merchant {
                category: "5999".to_owned(),
                merchant_id: "SIM0000001".to_owned(),
                name: "SIMULATED MERCHANT".to_owned(),
                country: "US".to_owned(),
                ..Merchant::default()
            };
        };
        Merchant {
            category: text(body.category.map(|digits| digits.0), "5999"),
            merchant_id: text(body.merchant_id.map(Into::into), "SIM0000001"),
            name: text(body.name.map(Into::into), "SIMULATED MERCHANT"),
            city: text(body.city.map(Into::into), ""),
            state: text(body.state.map(Into::into), ""),
            country: text(body.country.map(Into::into), "US"),
            postal_code: text(body.postal_code.map(Into::into), ""),
        }
        .trimmed()
    }
}

crate::body! {
    /// How the network knows the message. What is left out is made up; the same again is the same message.
    pub struct NetworkBody {
        /// System trace audit number.
        optional stan: Digits<1, 12> = "stan", example "123456";
        /// Retrieval reference number.
        optional rrn: Digits<1, 12> = "rrn", example "123456789012";
        /// The network's transaction id.
        optional transaction_id: Text<1, 64> = "transactionId", example "304123456789012";
        /// The approval code.
        optional authorization_code: Text<1, 6> = "authorizationCode", example "123456";
    }
}

impl NetworkBody {
    /// Whether every field is omitted.
    pub fn is_empty(&self) -> bool {
        let NetworkBody { stan, rrn, transaction_id, authorization_code } = self;
        stan.is_none() && rrn.is_none() && transaction_id.is_none() && authorization_code.is_none()
    }
}

crate::body! {
    /// Asks for an authorization, as a merchant's terminal or web shop does.
    pub struct AuthorizeBody {
        /// The card; or its number.
        optional card_id: CardId = "cardId";
        /// The card's number.
        optional pan: Pan = "pan";
        /// With pan: the month on the card.
        optional expiry_month: Whole<1, 12> = "expiryMonth", example 12;
        /// With pan: the year on the card, four digits.
        optional expiry_year: Whole<2000, 2999> = "expiryYear", example 2030;
        /// With pan: the code on the card.
        optional cvv: Secret<3, 4> = "cvv";
        /// Where; web unless said.
        optional channel: Channel = "channel", example "pos";
        /// What for; purchase unless said.
        optional kind: AuthorizationType = "type", example "purchase";
        /// How much; 0 for an account_verification only.
        required amount: Decimal = "amount", example 25.5, at least 0.0;
        /// The merchant's currency; USD unless said.
        optional currency: FiatCurrency = "currency", example "USD";
        /// Who is paid.
        optional merchant: MerchantBody = "merchant";
        /// The PIN that is entered.
        optional pin: Pin = "pin";
        /// How far the cardholder is authenticated; none unless said.
        optional three_ds: ThreeDs = "threeDs", example "none";
        /// Whether the merchant takes less.
        optional partial_allowed: bool = "partialAllowed", example false;
        /// Whether the amount is an estimate, as at hotels and pumps.
        optional estimated: bool = "estimated", example false;
        /// The amount in the card's currency, when the network converts it.
        optional billing_amount: Decimal = "billingAmount", at least 0.0;
        /// Units of the card's currency for one of the merchant's, when the network tells it.
        optional rate: Rate = "rate";
        /// The network's fraud score.
        optional risk_score: Whole<0, 99> = "riskScore";
        /// How the network knows it.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Tells of an authorization that somebody else decided while we could not be asked (stand-in).
    pub struct AdviseBody {
        /// The card; or its number.
        optional card_id: CardId = "cardId";
        /// The card's number.
        optional pan: Pan = "pan";
        /// Whether it was approved; true unless said.
        optional approved: bool = "approved", example true;
        /// Where; pos unless said.
        optional channel: Channel = "channel", example "pos";
        /// What for; purchase unless said.
        optional kind: AuthorizationType = "type", example "purchase";
        /// How much.
        required amount: Decimal = "amount", example 25.5, at least 0.0;
        /// The merchant's currency; USD unless said.
        optional currency: FiatCurrency = "currency", example "USD";
        /// Who is paid.
        optional merchant: MerchantBody = "merchant";
        /// The amount in the card's currency, when the network converts it.
        optional billing_amount: Decimal = "billingAmount", at least 0.0;
        /// Units of the card's currency for one of the merchant's, when the network tells it.
        optional rate: Rate = "rate";
        /// How the network knows it.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Asks for more on an open authorization.
    pub struct IncrementBody {
        /// How much more, in the merchant's currency.
        required amount: Decimal = "amount", example 10, at least 0.0;
        /// Whether the merchant takes less.
        optional partial_allowed: bool = "partialAllowed", example false;
        /// How the network knows the message; the same again gets the first answer.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Takes an authorization back.
    pub struct ReverseBody {
        /// How much, in the card's currency; all that is open unless said.
        optional amount: Decimal = "amount", example 5, at least 0.0;
        /// How the network knows the message; the same again gets the first answer.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Collects on an authorization.
    pub struct ClearBody {
        /// How much, in the merchant's currency; all that is open by default.
        optional amount: Decimal = "amount", example 25.5, at least 0.0;
        /// With amount: the amount in the card's currency, when the network converts it. Default: at the authorization's rate.
        optional billing_amount: Decimal = "billingAmount", at least 0.0;
        /// With amount: units of the card's currency for one of the merchant's. Default: the authorization's rate.
        optional rate: Rate = "rate";
        /// Whether nothing follows; true unless said.
        optional is_final: bool = "final", example true;
        /// How the network knows it; the same again is the same clearing.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Gives money back: of a transaction, or to a card.
    pub struct RefundBody {
        /// The transaction that is given back.
        optional transaction_id: TransactionId = "transactionId";
        /// Without transactionId: the card.
        optional card_id: CardId = "cardId";
        /// How much; all of the transaction unless said.
        optional amount: Decimal = "amount", example 12.5, at least 0.0;
        /// The merchant's currency; default: that of the transaction, without transactionId USD.
        optional currency: FiatCurrency = "currency", example "USD";
        /// With amount: the amount in the card's currency, when the network converts it.
        optional billing_amount: Decimal = "billingAmount", at least 0.0;
        /// With amount: units of the card's currency for one of the merchant's, when the network sends it.
        optional rate: Rate = "rate";
        /// Without transactionId: who gives it.
        optional merchant: MerchantBody = "merchant";
        /// Without transactionId: where; web unless said.
        optional channel: Channel = "channel", example "web";
        /// How the network knows it; the same again is the same refund.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Posts a payment that was never authorized.
    pub struct ForcePostBody {
        /// The card.
        required card_id: CardId = "cardId";
        /// How much.
        required amount: Decimal = "amount", example 4.5, at least 0.0;
        /// The merchant's currency; USD unless said.
        optional currency: FiatCurrency = "currency", example "USD";
        /// The amount in the card's currency, when the network converts it.
        optional billing_amount: Decimal = "billingAmount", at least 0.0;
        /// Units of the card's currency for one of the merchant's, when the network sends it.
        optional rate: Rate = "rate";
        /// Who collects.
        optional merchant: MerchantBody = "merchant";
        /// Where; pos unless said.
        optional channel: Channel = "channel", example "pos";
        /// How the network knows it; the same again is the same message.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Takes back what a network transaction id leads to.
    pub struct ReverseByReferenceBody {
        /// The network's transaction id.
        required transaction_id: Text<1, 64> = "transactionId", example "304123456789012";
        /// How much; all that is open by default.
        optional amount: Decimal = "amount", example 5, at least 0.0;
        /// The currency of the amount, the card's or the merchant's; default: the card's.
        optional currency: FiatCurrency = "currency", example "USD";
        /// System trace audit number of this reversal; the same again, with rrn and amount, is the same message.
        optional stan: Digits<1, 12> = "stan", example "123456";
        /// Retrieval reference number of this reversal.
        optional rrn: Digits<1, 12> = "rrn", example "123456789012";
    }
}
