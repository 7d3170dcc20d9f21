//! The field types of bodies.

use ipnet::IpNet;
use paygen_core::access::Scope;
use paygen_core::accounts::{AccountStatus, AccountType, CategoryWord, DetailType, OwnerType};
use paygen_core::card_holders::{CardHolderStatus, ReviewStatus};
use paygen_core::cards::{Brand, CancellationReason, CardStatus, CardType, FundingMode, ReplaceReason, RevealPurpose};
use paygen_core::fields::Echo;
use paygen_core::ids::{AccountId, CallId, CardHolderId, CardId, Id, ProgramId, TransactionId, WebhookId};
use paygen_core::limits::Interval;
use paygen_core::money::{Decimal, DecimalError, MAX_DIGITS};
use paygen_core::time::Instant;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};

use super::body::{Faults, Field};
use super::card_currency::CardCurrency;
use super::card_numbers;
use super::problem::FieldProblem;
pub use super::text::{DocumentNumber, NetworkText, Text};
use paygen_edge::json::Json;
use paygen_edge::nearest::hint;

/// Adds a fault.
pub(super) fn wrong<T>(faults: &mut Faults, at: &str, code: &str, message: impl Into<String>) -> Option<T> {
    faults.push(FieldProblem::new(at, code, message));
    None
}

/// A string, or a fault.
pub(super) fn text_of<'a>(json: &'a Json, at: &str, faults: &mut Faults) -> Option<&'a str> {
    match json {
        Json::Text(text) => Some(text),
        other => wrong(faults, at, "type", format!("must be a string, not {}", other.kind())),
    }
}

impl Field for bool {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<bool> {
        match json {
            Json::Bool(value) => Some(*value),
            other => wrong(faults, at, "type", format!("must be true or false, not {}", other.kind())),
        }
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).into()
    }
}

/// The fault of an amount that cannot be stored exactly, with the intended amount when it can be guessed.
fn not_exact(text: &str, at: &str, error: DecimalError) -> FieldProblem {
    let meant = Decimal::meant_by(text).filter(|_| error == DecimalError::TooManyDigits);
    let meant = meant.map(|meant| format!("; round to the currency's decimals: {meant}")).unwrap_or_default();
    FieldProblem::new(at, "amount", format!("{error}{meant}"))
}

impl Field for Decimal {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Decimal> {
        match json {
            Json::Number(text) => Decimal::parse(text).map_err(|error| faults.push(not_exact(text, at, error))).ok(),
            // Languages with a decimal type serialize it as a string, so that no float is involved.
            Json::Text(text) => match Decimal::parse_plain(text) {
                Ok(decimal) => Some(decimal),
                Err(DecimalError::Malformed) => {
                    let message = "must be a plain decimal number such as 12.5 or \"12.5\", without blanks, signs other \
                        than -, exponents or separators";
                    wrong(faults, at, "amount", message)
                }
                Err(error) => {
                    faults.push(not_exact(text, at, error));
                    None
                }
            },
            other => wrong(faults, at, "type", format!("must be a number such as 12.5, not {}", other.kind())),
        }
    }

    fn schema() -> RefOr<Schema> {
        let text = format!(
            "An amount in major units, as a number or a string, at most {MAX_DIGITS} significant digits and no more decimals \
             than the currency has."
        );
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Number, Type::String]))
            .pattern(Some(r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"))
            .description(Some(text))
            .examples([serde_json::json!(12.5)])
            .into()
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Whole<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Field for Whole<MIN, MAX> {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Self> {
        let Json::Number(text) = json else {
            return wrong(faults, at, "type", format!("must be a whole number, not {}", json.kind()));
        };
        match Decimal::parse(text).ok().filter(|number| number.scale() == 0).and_then(|number| number.to_minor(0)) {
            Some(number) if (MIN..=MAX).contains(&number) => Some(Whole(number)),
            _ => wrong(faults, at, "range", format!("must be a whole number from {MIN} to {MAX}")),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "JSON Schema's bounds are numbers; ours are far below 2^53")]
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(MIN as f64)).maximum(Some(MAX as f64)).into()
    }
}

/// Parses words of closed lists; the error names the nearest one.
#[macro_export]
macro_rules! words_fields {
    ($($word:ty),* $(,)?) => {$(
        impl $crate::body::Field for $word {
            fn read(
                json: &paygen_edge::json::Json,
                at: &str,
                faults: &mut $crate::body::Faults,
            ) -> Option<$word> {
                $crate::fields::word(json, at, faults, <$word>::WORDS, <$word>::parse)
            }

            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .title(Some($crate::fields::last_name(stringify!($word))))
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(<$word>::WORDS.iter().copied()))
                    .into()
            }
        }
    )*};
}

/// The last part of a type's path.
pub fn last_name(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path).trim()
}

/// Parses one of these words.
pub fn word<T>(
    json: &Json,
    at: &str,
    faults: &mut Faults,
    words: &'static [&'static str],
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = text_of(json, at, faults)?;
    if let Some(value) = parse(text) {
        return Some(value);
    }
    let shown: String = text.chars().take(64).collect();
    let hint = hint(&shown, words.iter().copied());
    wrong(faults, at, "choice", format!("must be one of {}.{hint}", words.join(", ")))
}

words_fields!(
    AccountStatus,
    AccountType,
    Brand,
    CancellationReason,
    CardCurrency,
    CardHolderStatus,
    CardStatus,
    CardType,
    CategoryWord,
    DetailType,
    FundingMode,
    Interval,
    ReplaceReason,
    RevealPurpose,
    ReviewStatus,
    Scope,
);

/// An owner type; `individual`, as the published guide calls a person, is accepted for `user`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnerTypeWord(pub OwnerType);

impl From<OwnerTypeWord> for OwnerType {
    fn from(word: OwnerTypeWord) -> OwnerType {
        word.0
    }
}

impl Field for OwnerTypeWord {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<OwnerTypeWord> {
        let text = text_of(json, at, faults)?;
        let parsed = if text == "individual" { Some(OwnerType::User) } else { OwnerType::parse(text) };
        let shown: String = text.chars().take(64).collect();
        let message = format!(
            "must be one of {}.{}",
            OwnerType::WORDS.join(", "),
            hint(&shown, OwnerType::WORDS.iter().copied())
        );
        parsed.map(OwnerTypeWord).or_else(|| wrong(faults, at, "choice", message))
    }

    fn schema() -> RefOr<Schema> {
        let words = OwnerType::WORDS.iter().copied().chain(["individual"]);
        let title = Some("OwnerTypeInput");
        ObjectBuilder::new().title(title).schema_type(Type::String).enum_values(Some(words)).into()
    }
}

impl Field for Id {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Id> {
        let text = text_of(json, at, faults)?;
        let message = "must be an id: 24 lowercase hex characters";
        Id::parse(text).or_else(|| wrong(faults, at, "id", message))
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9a-f]{24}$"))
            .examples(["665f1c4f4a4f4a4f4a4f4a4f"])
            .into()
    }
}

macro_rules! id_fields {
    ($($id:ident),*) => {$(
        impl Field for $id {
            fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<$id> {
                Id::read(json, at, faults).map($id)
            }

            fn schema() -> RefOr<Schema> {
                Id::schema()
            }
        }
    )*};
}
id_fields!(AccountId, CallId, CardHolderId, CardId, ProgramId, TransactionId, WebhookId);

impl Field for Instant {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Instant> {
        let text = text_of(json, at, faults)?;
        let message = "must be an instant in ISO 8601, such as 2026-04-23T10:00:00.000Z";
        Instant::parse(text).or_else(|| wrong(faults, at, "instant", message))
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-04-23T10:00:00.000Z"])
            .into()
    }
}

/// The end of a period: a date alone includes that day, in UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End(pub Instant);

impl From<End> for Instant {
    fn from(end: End) -> Instant {
        end.0
    }
}

impl Field for End {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<End> {
        let day = match json {
            Json::Text(text) => Instant::parse_date(text),
            _ => None,
        };
        day.map(Instant::end_of_day).or_else(|| Instant::read(json, at, faults)).map(End)
    }

    fn schema() -> RefOr<Schema> {
        Instant::schema()
    }
}

impl Field for IpNet {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<IpNet> {
        let text = text_of(json, at, faults)?;
        let address = || text.parse::<std::net::IpAddr>().ok().map(IpNet::from);
        let message = "must be a network in CIDR form, such as 203.0.113.0/24, or an address";
        text.parse().ok().or_else(address).or_else(|| wrong(faults, at, "cidr", message))
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).examples(["203.0.113.0/24"]).into()
    }
}

/// A list of at least `MIN` and at most `MAX` items.
#[derive(Clone, Debug, PartialEq)]
pub struct List<T, const MIN: usize, const MAX: usize>(pub Vec<T>);

impl<T: Field, const MIN: usize, const MAX: usize> Field for List<T, MIN, MAX> {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Self> {
        let Json::Array(items) = json else {
            return wrong(faults, at, "type", format!("must be a list, not {}", json.kind()));
        };
        if !(MIN..=MAX).contains(&items.len()) {
            return wrong(faults, at, "length", format!("must have {MIN} to {MAX} items; it has {}", items.len()));
        }
        let read: Vec<Option<T>> =
            items.iter().enumerate().map(|(number, item)| T::read(item, &format!("{at}/{number}"), faults)).collect();
        read.into_iter().collect::<Option<Vec<T>>>().map(List)
    }

    fn schema() -> RefOr<Schema> {
        let minimum = (MIN > 0).then_some(MIN);
        ArrayBuilder::new().items(T::schema()).min_items(minimum).max_items(Some(MAX)).into()
    }
}

/// A free-form JSON object, stored as it was written: at most `BYTES` bytes, `MEMBERS` members.
#[derive(Clone, Debug, PartialEq)]
pub struct FreeForm<const BYTES: usize, const MEMBERS: usize>(String);

impl<const BYTES: usize, const MEMBERS: usize> From<FreeForm<BYTES, MEMBERS>> for String {
    fn from(free: FreeForm<BYTES, MEMBERS>) -> String {
        free.0
    }
}

/// The caller's own data on an object.
pub type Metadata = FreeForm<16_384, 50>;

/// The data of a bank account or wallet.
pub type DetailsObject = FreeForm<16_384, 50>;

impl<const BYTES: usize, const MEMBERS: usize> Field for FreeForm<BYTES, MEMBERS> {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Self> {
        let Json::Object(members) = json else {
            return wrong(faults, at, "type", format!("must be an object, not {}", json.kind()));
        };
        if members.len() > MEMBERS {
            return wrong(
                faults,
                at,
                "length",
                format!("must have at most {MEMBERS} members; it has {}", members.len()),
            );
        }
        let text = json.to_text();
        if text.len() > BYTES {
            return wrong(
                faults,
                at,
                "max_length",
                format!("must have at most {BYTES} bytes as JSON; it has {}", text.len()),
            );
        }
        if text.contains("\\u0000") {
            return wrong(faults, at, "control_character", "must not contain the character U+0000");
        }
        card_numbers::refuse(&text, at, faults).then_some(FreeForm(text))
    }

    fn schema() -> RefOr<Schema> {
        let free = AdditionalProperties::<Schema>::FreeForm(true);
        ObjectBuilder::new()
            .title(Some("JsonObject"))
            .schema_type(Type::Object)
            .max_properties(Some(MEMBERS))
            .additional_properties(Some(free))
            .into()
    }
}

/// Read-only fields that were sent back.
pub fn echo<const N: usize>(
    amounts: [(&'static str, Option<Decimal>); N],
    others: Vec<(&'static str, serde_json::Value)>,
) -> Echo {
    let sent = |(field, amount): (_, Option<Decimal>)| amount.map(|amount| (field, amount));
    Echo { amounts: amounts.into_iter().filter_map(sent).collect(), others }
}

/// The schema of a read-only field that an update accepts as it was read. The contract shows the view's own schema instead.
pub fn read_only() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some("Read-only.")).into()
}

/// The schema with a description.
pub fn described(schema: RefOr<Schema>, text: &str) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            let bounds = object.description.take().map(|bounds| format!(" {bounds}")).unwrap_or_default();
            object.description = Some(format!("{text}{bounds}"));
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = Some(text.to_owned());
            RefOr::T(Schema::Array(array))
        }
        other => other,
    }
}

/// The schema with an example.
pub fn with_example(schema: RefOr<Schema>, example: serde_json::Value) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.examples = vec![example];
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

/// The schema of an amount with a minimum.
pub fn with_minimum(schema: RefOr<Schema>, minimum: f64) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.minimum = Some(utoipa::Number::Float(minimum));
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

/// The schema, or null.
pub fn or_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.schema_type = match object.schema_type {
                SchemaType::Type(kind) => SchemaType::from_iter([kind, Type::Null]),
                SchemaType::Array(kinds) => kinds.into_iter().chain([Type::Null]).collect(),
                SchemaType::AnyValue => SchemaType::AnyValue,
            };
            if let Some(values) = &mut object.enum_values {
                values.push(serde_json::Value::Null);
            }
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

/// Text that must not be printed.
pub struct Secret<const MIN: usize, const MAX: usize>(zeroize::Zeroizing<String>);

impl<const MIN: usize, const MAX: usize> std::fmt::Debug for Secret<MIN, MAX> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl<const MIN: usize, const MAX: usize> Secret<MIN, MAX> {
    /// The text, for where it is used.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> Field for Secret<MIN, MAX> {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<Self> {
        let text = text_of(json, at, faults)?;
        if !(MIN..=MAX).contains(&text.len()) {
            faults.push(FieldProblem::new(at, "length", format!("must have {MIN} to {MAX} characters")));
            return None;
        }
        Some(Secret(zeroize::Zeroizing::new(text.to_owned())))
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).min_length(Some(MIN)).max_length(Some(MAX)).into()
    }
}
