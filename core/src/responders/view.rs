//! What is shown of a responder: never its secret.

use serde::Serialize;

use super::{Ask, Budget, Fallback, IncrementRule, OnSilence, Responder, ResponderKind, ResponderStatus};
use crate::audit::{Audited, Picture};
use crate::events::EventPart;
use crate::messages::{AuthorizationType, Channel};
use crate::view::Money;

/// The cards a responder is responsible for.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ResponderScope)]
pub struct ScopeView {
    /// Cards of these programs.
    pub program_ids: Vec<String>,
    /// Cards of these accounts.
    pub account_ids: Vec<String>,
    /// These cards.
    pub card_ids: Vec<String>,
}

/// Which payments a responder is asked about.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ResponderAsk)]
pub struct AskView {
    /// Only those of more than this, in the card's currency.
    #[schema(required = true, value_type = Option<Money>)]
    pub above: Option<Money>,
    /// Only these types; all if empty.
    pub types: Vec<AuthorizationType>,
    /// Only these merchant categories or groups; all if empty.
    pub categories: Vec<String>,
}

/// What the fallback may approve in an hour.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FallbackBudget)]
pub struct BudgetView {
    /// The sum, in the card's currency.
    #[schema(required = true, value_type = Option<Money>)]
    pub amount: Option<Money>,
    /// The number of payments.
    #[schema(required = true, example = 20)]
    pub count: Option<i64>,
}

/// The rules that decide while a responder is silent.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ResponderFallback)]
pub struct FallbackView {
    /// The most of one payment, in the card's currency.
    #[schema(required = true, value_type = Option<Money>)]
    pub max_amount: Option<Money>,
    /// For each card.
    pub per_card: BudgetView,
    /// For all cards of a program, each currency for itself.
    pub per_program: BudgetView,
    /// Only these merchant categories or groups; all if empty.
    pub categories: Vec<String>,
    /// Only these channels; all if empty.
    pub channels: Vec<Channel>,
}

/// A responder: your code that decides payments in real time.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Responder)]
pub struct ResponderView {
    /// Id of the object: 24 lowercase hex characters.
    #[serde(rename = "_id")]
    #[schema(example = "665f1c4f4a4f4a4f4a4f4a4f", pattern = "^[0-9a-f]{24}$")]
    pub id: String,
    /// What it decides.
    pub kind: ResponderKind,
    /// URL that questions are sent to; null if it is asked through the stream of events, in the sandbox.
    #[schema(required = true, example = "https://api.example.com/paygen/decide")]
    pub url: Option<String>,
    /// What it is for.
    #[schema(required = true, example = "Budget service")]
    pub description: Option<String>,
    /// pending until a test call was answered; paused: the fallback decides; disabled: the built-in checks alone decide.
    pub status: ResponderStatus,
    /// How long an answer may take, in milliseconds.
    #[schema(example = 1500)]
    pub timeout_ms: i64,
    /// The cards it is responsible for; all if both lists are empty.
    pub scope: ScopeView,
    /// Which of their payments it is asked about.
    pub ask: AskView,
    /// Whether it is asked about increments, too.
    pub increments: IncrementRule,
    /// What decides when no answer comes in time.
    pub on_silence: OnSilence,
    /// The rules for `onSilence: rules`.
    pub fallback: FallbackView,
    /// When its URL last answered a test call.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub verified_at: Option<String>,
    /// Time until which the previous secret also signs.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub previous_secret_expires_at: Option<String>,
    /// Version of the object, from 1.
    #[schema(example = 1)]
    pub version: i64,
    /// Time of creation.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: String,
}

impl EventPart for ResponderView {
    const NAME: &'static str = "responder";
}

impl BudgetView {
    fn of(budget: Budget) -> BudgetView {
        BudgetView { amount: budget.amount.map(Money::of), count: budget.count }
    }
}

impl AskView {
    fn of(ask: &Ask) -> AskView {
        AskView { above: ask.above.map(Money::of), types: ask.types.clone(), categories: ask.categories.clone() }
    }
}

impl FallbackView {
    fn of(fallback: &Fallback) -> FallbackView {
        FallbackView {
            max_amount: fallback.max_amount.map(Money::of),
            per_card: BudgetView::of(fallback.per_card),
            per_program: BudgetView::of(fallback.per_program),
            categories: fallback.categories.clone(),
            channels: fallback.channels.clone(),
        }
    }
}

impl ResponderView {
    pub fn of(of: &Responder) -> ResponderView {
        let scope = &of.settings.scope;
        ResponderView {
            id: of.id.to_string(),
            kind: of.kind,
            url: of.url.clone(),
            description: of.description.clone(),
            status: of.status(),
            timeout_ms: of.timeout_ms,
            scope: ScopeView {
                program_ids: scope.program_ids.iter().map(ToString::to_string).collect(),
                account_ids: scope.account_ids.iter().map(ToString::to_string).collect(),
                card_ids: scope.card_ids.iter().map(ToString::to_string).collect(),
            },
            ask: AskView::of(&of.settings.ask),
            increments: of.settings.increments,
            on_silence: of.settings.on_silence,
            fallback: FallbackView::of(&of.settings.fallback),
            verified_at: of.verified_at.map(|at| at.to_string()),
            previous_secret_expires_at: of.previous_until.map(|at| at.to_string()),
            version: of.version,
            created_at: of.created_at.to_string(),
            updated_at: of.updated_at.to_string(),
        }
    }
}

impl Audited for Responder {
    const OBJECT: &'static str = "responder";

    fn picture(&self) -> Picture {
        // A URL may contain a credential.
        Picture::of(&ResponderView::of(self)).hiding("url").with_hidden("credentials", &self.credentials)
    }
}
