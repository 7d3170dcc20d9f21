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
    /// The merchant. Omitted fields are generated.
    pub struct MerchantBody {
        /// Merchant category code, four digits. Defaults to 5999.
        optional category: Digits<4, 4> = "category", example "5812";
        /// The network's id of the merchant.
        optional merchant_id: NetworkText<1, 64> = "merchantId", example "MID123456";
        /// Merchant name.
        optional name: NetworkText<1, 120> = "name", example "ACME CAFE";
        /// City.
        optional city: NetworkText<0, 120> = "city", example "Lagos";
        /// State or region.
        optional state: NetworkText<0, 60> = "state", example "LA";
        /// Country, ISO 3166-1 alpha-2. Defaults to US.
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
    /// The network's references of a message. Omitted ones are generated; a message with the same references is a
    /// repeat.
    pub struct NetworkBody {
        /// System trace audit number (STAN).
        optional stan: Digits<1, 12> = "stan", example "123456";
        /// Retrieval reference number (RRN).
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
    /// Requests an authorization, as a merchant's terminal or online shop does.
    pub struct AuthorizeBody {
        /// The card; alternative to pan.
        optional card_id: CardId = "cardId";
        /// Card number (PAN).
        optional pan: Pan = "pan";
        /// With pan: the expiry month.
        optional expiry_month: Whole<1, 12> = "expiryMonth", example 12;
        /// With pan: the expiry year, four digits.
        optional expiry_year: Whole<2000, 2999> = "expiryYear", example 2030;
        /// With pan: the CVV.
        optional cvv: Secret<3, 4> = "cvv";
        /// Channel. Defaults to web.
        optional channel: Channel = "channel", example "pos";
        /// Type of the authorization. Defaults to purchase.
        optional kind: AuthorizationType = "type", example "purchase";
        /// The amount; 0 only for an account_verification.
        required amount: Decimal = "amount", example 25.5, at least 0.0;
        /// The merchant's currency. Defaults to USD.
        optional currency: FiatCurrency = "currency", example "USD";
        /// The merchant.
        optional merchant: MerchantBody = "merchant";
        /// The entered PIN.
        optional pin: Pin = "pin";
        /// 3-D Secure result. Defaults to none.
        optional three_ds: ThreeDs = "threeDs", example "none";
        /// Whether a partial approval is accepted.
        optional partial_allowed: bool = "partialAllowed", example false;
        /// Whether the amount is an estimate, as at hotels and fuel pumps.
        optional estimated: bool = "estimated", example false;
        /// Amount in the card's currency, if the network converts it.
        optional billing_amount: Decimal = "billingAmount", at least 0.0;
        /// Exchange rate: units of the card's currency for one unit of the merchant's, if the network sends it.
        optional rate: Rate = "rate";
        /// The network's risk score.
        optional risk_score: Whole<0, 99> = "riskScore";
        /// The network's references of the message.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Advises of an authorization that the network decided on the issuer's behalf (stand-in processing).
    pub struct AdviseBody {
        /// The card; alternative to pan.
        optional card_id: CardId = "cardId";
        /// Card number (PAN).
        optional pan: Pan = "pan";
        /// Whether it was approved. Defaults to true.
        optional approved: bool = "approved", example true;
        /// Channel. Defaults to pos.
        optional channel: Channel = "channel", example "pos";
        /// Type of the authorization. Defaults to purchase.
        optional kind: AuthorizationType = "type", example "purchase";
        /// The amount.
        required amount: Decimal = "amount", example 25.5, at least 0.0;
        /// The merchant's currency. Defaults to USD.
        optional currency: FiatCurrency = "currency", example "USD";
        /// The merchant.
        optional merchant: MerchantBody = "merchant";
        /// Amount in the card's currency, if the network converts it.
        optional billing_amount: Decimal = "billingAmount", at least 0.0;
        /// Exchange rate: units of the card's currency for one unit of the merchant's, if the network sends it.
        optional rate: Rate = "rate";
        /// The network's references of the message.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Increases an open authorization.
    pub struct IncrementBody {
        /// Additional amount, in the merchant's currency.
        required amount: Decimal = "amount", example 10, at least 0.0;
        /// Whether a partial approval is accepted.
        optional partial_allowed: bool = "partialAllowed", example false;
        /// The network's references of the message. A repeat with the same references gets the first answer.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Reverses an authorization.
    pub struct ReverseBody {
        /// Amount in the card's currency. Defaults to the outstanding amount.
        optional amount: Decimal = "amount", example 5, at least 0.0;
        /// The network's references of the message. A repeat with the same references gets the first answer.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Clears an authorization.
    pub struct ClearBody {
        /// Amount in the merchant's currency. Defaults to the outstanding amount.
        optional amount: Decimal = "amount", example 25.5, at least 0.0;
        /// With amount: the amount in the card's currency, if the network converts it. Defaults to the authorization's
        /// rate.
        optional billing_amount: Decimal = "billingAmount", at least 0.0;
        /// With amount: exchange rate, units of the card's currency for one unit of the merchant's. Defaults to the
        /// authorization's.
        optional rate: Rate = "rate";
        /// Whether this is the final clearing. Defaults to true.
        optional is_final: bool = "final", example true;
        /// The network's references of the message. A clearing with the same references is a repeat.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Refunds a transaction or a card.
    pub struct RefundBody {
        /// The transaction to refund.
        optional transaction_id: TransactionId = "transactionId";
        /// Without transactionId: the card.
        optional card_id: CardId = "cardId";
        /// The amount. Defaults to the amount of the transaction.
        optional amount: Decimal = "amount", example 12.5, at least 0.0;
        /// The merchant's currency. Defaults to the transaction's currency, without transactionId to USD.
        optional currency: FiatCurrency = "currency", example "USD";
        /// With amount: the amount in the card's currency, if the network converts it.
        optional billing_amount: Decimal = "billingAmount", at least 0.0;
        /// With amount: exchange rate, units of the card's currency for one unit of the merchant's, if the network
        /// sends it.
        optional rate: Rate = "rate";
        /// Without transactionId: the merchant.
        optional merchant: MerchantBody = "merchant";
        /// Without transactionId: the channel. Defaults to web.
        optional channel: Channel = "channel", example "web";
        /// The network's references of the message. A refund with the same references is a repeat.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Posts a payment without an authorization.
    pub struct ForcePostBody {
        /// The card.
        required card_id: CardId = "cardId";
        /// The amount.
        required amount: Decimal = "amount", example 4.5, at least 0.0;
        /// The merchant's currency. Defaults to USD.
        optional currency: FiatCurrency = "currency", example "USD";
        /// Amount in the card's currency, if the network converts it.
        optional billing_amount: Decimal = "billingAmount", at least 0.0;
        /// Exchange rate: units of the card's currency for one unit of the merchant's, if the network sends it.
        optional rate: Rate = "rate";
        /// The merchant.
        optional merchant: MerchantBody = "merchant";
        /// Channel. Defaults to pos.
        optional channel: Channel = "channel", example "pos";
        /// The network's references of the message. A message with the same references is a repeat.
        optional network: NetworkBody = "network";
    }
}

crate::body! {
    /// Reverses the authorization or transaction with a network transaction id.
    pub struct ReverseByReferenceBody {
        /// The network's transaction id.
        required transaction_id: Text<1, 64> = "transactionId", example "304123456789012";
        /// The amount. Defaults to the outstanding amount.
        optional amount: Decimal = "amount", example 5, at least 0.0;
        /// Currency of the amount, the card's or the merchant's. Defaults to the card's.
        optional currency: FiatCurrency = "currency", example "USD";
        /// System trace audit number (STAN) of this reversal. A reversal with the same stan, rrn and amount is a
        /// repeat.
        optional stan: Digits<1, 12> = "stan", example "123456";
        /// Retrieval reference number (RRN) of this reversal.
        optional rrn: Digits<1, 12> = "rrn", example "123456789012";
    }
}
