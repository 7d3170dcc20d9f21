//! Bodies of calls on responders.

use std::collections::BTreeMap;

use paygen_core::ids::{AccountId, CallId, CardId, ProgramId};
use paygen_core::messages::{AuthorizationType, Channel};
use paygen_core::money::Decimal;
use paygen_core::responders::{
    AnswerWord, Ask, Budget, Fallback, IncrementRule, OnSilence, ResponderKind, ResponderScope, ResponderSwitch,
    ResponderView,
};
use paygen_delivery::asking::{MAX_METADATA, MAX_METADATA_KEY, MAX_METADATA_VALUE, MAX_REASON};

use crate::body::{Change, Faults};
use crate::fields::{List, Text, Whole};
use crate::limits::CategoryName;
use crate::problem::{FieldProblem, Problem};
use crate::webhooks::bodies::TargetUrl;
use paygen_edge::json::Json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};

/// The most decimals that an amount without a currency may have.
const MOST_DECIMALS: u8 = 8;

crate::words_fields!(AnswerWord, ResponderKind, ResponderSwitch, OnSilence, IncrementRule);

pub type Timeout = Whole<200, 3_000>;
type Ids<T> = List<T, 0, 200>;
type Categories = List<CategoryName, 0, 100>;

crate::body! {
    /// The cards a responder is responsible for; all if the lists are empty.
    pub struct ResponderScopeBody {
        /// Cards of these programs.
        nullable program_ids: Ids<ProgramId> = "programIds";
        /// Cards of these accounts.
        nullable account_ids: Ids<AccountId> = "accountIds";
        /// These cards.
        nullable card_ids: Ids<CardId> = "cardIds";
    }
}

crate::body! {
    /// Which payments a responder is asked about; all if nothing is set.
    pub struct ResponderAskBody {
        /// Only those of more than this, in the card's currency.
        nullable above: Decimal = "above", example 25, at least 0.0;
        /// Only these types; all if empty.
        nullable types: List<AuthorizationType, 0, 10> = "types", example ["purchase"];
        /// Only these merchant categories or groups; all if empty.
        nullable categories: Categories = "categories";
    }
}

crate::body! {
    /// What the fallback may approve in an hour.
    pub struct FallbackBudgetBody {
        /// The sum, in the card's currency.
        nullable amount: Decimal = "amount", example 100, at least 0.0;
        /// The number of payments.
        nullable count: Whole<0, 1_000_000> = "count", example 3;
    }
}

crate::body! {
    /// The rules that decide while the responder is silent. All must hold.
    pub struct ResponderFallbackBody {
        /// The most of one payment, in the card's currency.
        nullable max_amount: Decimal = "maxAmount", example 50, at least 0.0;
        /// For each card.
        nullable per_card: FallbackBudgetBody = "perCard";
        /// For all cards of a program, each currency for itself.
        nullable per_program: FallbackBudgetBody = "perProgram";
        /// Only these merchant categories or groups; all if empty.
        nullable categories: Categories = "categories";
        /// Only these channels; all if empty.
        nullable channels: List<Channel, 0, 4> = "channels", example ["pos"];
    }
}

crate::body! {
    /// Creates a responder.
    pub struct CreateResponderBody {
        /// What it decides. Defaults to authorization.
        optional kind: ResponderKind = "kind";
        /// URL that questions are sent to: https, in the sandbox also http; a public address unless the server allows
        /// others. Required in production; without it, a sandbox asks through the stream of events.
        nullable url: TargetUrl = "url", example "https://api.example.com/paygen/decide";
        /// Description.
        nullable description: Text<0, 500> = "description", example "Budget service";
        /// How long an answer may take, in milliseconds. Defaults to 1500.
        optional timeout_ms: Timeout = "timeoutMs", example 1500;
        /// The cards it is responsible for. Defaults to all.
        nullable scope: ResponderScopeBody = "scope";
        /// Which of their payments it is asked about. Defaults to all.
        nullable ask: ResponderAskBody = "ask";
        /// Whether it is asked about increments, too. Defaults to tell: the built-in checks decide.
        optional increments: IncrementRule = "increments";
        /// What decides when no answer comes in time. Defaults to decline.
        optional on_silence: OnSilence = "onSilence", example "rules";
        /// The rules for `onSilence: rules`.
        nullable fallback: ResponderFallbackBody = "fallback";
    }
}

crate::body! {
    /// Updates a responder. Omitted fields keep their values; null resets one to its default.
    pub struct UpdateResponderBody echoing ResponderView {
        /// URL that questions are sent to; null asks through the stream of events, in the sandbox. After a change, a test
        /// call has to be answered before it is asked.
        change url: TargetUrl = "url", example "https://api.example.com/paygen/decide";
        /// Description; null removes it.
        change description: Text<0, 500> = "description", example "Budget service";
        /// active: it is asked once it has answered a test call; paused: its fallback decides; disabled: the built-in
        /// checks alone decide.
        optional status: StatusWord = "status", example "paused";
        /// How long an answer may take, in milliseconds.
        optional timeout_ms: Timeout = "timeoutMs", example 1500;
        /// The cards it is responsible for, replaced as a whole.
        change scope: ResponderScopeBody = "scope";
        /// Which of their payments it is asked about, replaced as a whole.
        change ask: ResponderAskBody = "ask";
        /// Whether it is asked about increments, too.
        optional increments: IncrementRule = "increments";
        /// What decides when no answer comes in time.
        optional on_silence: OnSilence = "onSilence", example "rules";
        /// The rules for `onSilence: rules`, replaced as a whole.
        change fallback: ResponderFallbackBody = "fallback";
    }
}

crate::body! {
    /// Answers a question of a responder without a URL, as a URL would answer it.
    pub struct AnswerQuestionBody {
        /// The call: `question.callId` of the event.
        required call_id: CallId = "callId", example "665f1c4f4a4f4a4f4a4f4a50";
        /// approve or decline.
        required decision: AnswerWord = "decision", example "approve";
        /// The amount to approve: less than `approvableAmount`, where `partialAllowed` is true.
        nullable approved_amount: Decimal = "approvedAmount", example 25, at least 0.0;
        /// Your reason.
        nullable reason: Text<0, MAX_REASON> = "reason", example "over the project's budget";
        /// Your own data: texts by name.
        nullable metadata: AnswerMetadata = "metadata", example serde_json::json!({"project": "alpha"});
    }
}

/// The metadata of an answer: texts by name.
#[derive(Debug, Default)]
pub struct AnswerMetadata(pub BTreeMap<String, String>);

impl crate::body::Field for AnswerMetadata {
    fn read(json: &Json, at: &str, faults: &mut Faults) -> Option<AnswerMetadata> {
        let Json::Object(members) = json else {
            faults.push(FieldProblem::new(at, "type", format!("must be an object, not {}", json.kind())));
            return None;
        };
        if members.len() > MAX_METADATA {
            let message = format!("must have at most {MAX_METADATA} members; it has {}", members.len());
            faults.push(FieldProblem::new(at, "length", message));
            return None;
        }
        let mut read = BTreeMap::new();
        for (name, value) in members {
            let shown: String = name.chars().take(MAX_METADATA_KEY).collect();
            let at = format!("{at}/{}", shown.replace('~', "~0").replace('/', "~1"));
            if name.chars().count() > MAX_METADATA_KEY || crate::card_numbers::is_in(name) {
                let message =
                    format!("must have a name of at most {MAX_METADATA_KEY} characters, without a card number");
                faults.push(FieldProblem::new(at, "max_length", message));
                continue;
            }
            if let Some(value) = Text::<0, MAX_METADATA_VALUE>::read(value, &at, faults) {
                read.insert(name.clone(), value.into());
            }
        }
        Some(AnswerMetadata(read))
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .max_properties(Some(MAX_METADATA))
            .additional_properties(Some(AdditionalProperties::from(Text::<0, MAX_METADATA_VALUE>::schema())))
            .into()
    }
}

crate::body! {
    /// Rotates the signing secret.
    pub struct RotateResponderSecretBody {
        /// Seconds for which the old secret also signs. Defaults to one day; 0 ends it at once.
        optional overlap_seconds: Whole<0, 2_592_000> = "overlapSeconds", example 86400;
    }
}

/// A status as it is set. `pending` is accepted because it is shown: it means active, not yet verified.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatusWord(pub ResponderSwitch);

impl crate::body::Field for StatusWord {
    fn read(json: &paygen_edge::json::Json, at: &str, faults: &mut Faults) -> Option<StatusWord> {
        if matches!(json, paygen_edge::json::Json::Text(text) if text == "pending") {
            return Some(StatusWord(ResponderSwitch::Active));
        }
        ResponderSwitch::read(json, at, faults).map(StatusWord)
    }

    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <ResponderSwitch as crate::body::Field>::schema()
    }
}

fn amount(given: Option<Decimal>, at: &str, faults: &mut Faults) -> Option<Decimal> {
    let amount = given?;
    if amount.is_negative() || amount.scale() > MOST_DECIMALS || amount.to_minor(MOST_DECIMALS).is_none() {
        let message =
            format!("must be at least 0, with at most {MOST_DECIMALS} decimals, and not too large to be exact");
        faults.push(FieldProblem::new(at, "range", message));
    }
    Some(amount)
}

fn categories(given: Option<Categories>) -> Vec<String> {
    given.map(|list| list.0.into_iter().map(Into::into).collect()).unwrap_or_default()
}

fn budget(given: Option<FallbackBudgetBody>, at: &str, faults: &mut Faults) -> Budget {
    let Some(given) = given else { return Budget::default() };
    Budget { amount: amount(given.amount, &format!("{at}/amount"), faults), count: given.count.map(|count| count.0) }
}

pub fn scope(given: Option<ResponderScopeBody>) -> ResponderScope {
    given.map_or_else(ResponderScope::default, |given| ResponderScope {
        program_ids: given.program_ids.map(|list| list.0).unwrap_or_default(),
        account_ids: given.account_ids.map(|list| list.0).unwrap_or_default(),
        card_ids: given.card_ids.map(|list| list.0).unwrap_or_default(),
    })
}

pub fn ask(given: Option<ResponderAskBody>, faults: &mut Faults) -> Ask {
    let Some(given) = given else { return Ask::default() };
    Ask {
        above: amount(given.above, "/ask/above", faults),
        types: given.types.map(|list| list.0).unwrap_or_default(),
        categories: categories(given.categories),
    }
}

pub fn fallback(given: Option<ResponderFallbackBody>, faults: &mut Faults) -> Fallback {
    let Some(given) = given else { return Fallback::default() };
    Fallback {
        max_amount: amount(given.max_amount, "/fallback/maxAmount", faults),
        per_card: budget(given.per_card, "/fallback/perCard", faults),
        per_program: budget(given.per_program, "/fallback/perProgram", faults),
        categories: categories(given.categories),
        channels: given.channels.map(|list| list.0).unwrap_or_default(),
    }
}

/// A part that is replaced: `None` keeps it, null resets it.
pub fn replaced<T, U>(change: Change<T>, convert: impl FnOnce(Option<T>) -> U) -> Option<U> {
    match change {
        Change::Keep => None,
        Change::Clear => Some(convert(None)),
        Change::Set(given) => Some(convert(Some(given))),
    }
}

pub fn unless_wrong(faults: Faults) -> Result<(), Problem> {
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}
