//! Authorizations: requests and advices decided, incremented, reversed, released and expired.
//!
//! [`decide`] is pure: facts and request in, decision out; [`explain`] makes the texts of its checks. The rules around it gather the facts, hold money, count
//! spending, and emit events.

mod advise;
mod answered;
mod authorize;
mod checks;
mod decide;
mod decision;
pub(crate) mod emit;
mod explain;
mod facts;
mod find;
pub(crate) mod funds;
mod gather;
pub(crate) mod identity;
mod increment;
pub(crate) mod pricing;
mod record;
pub(crate) mod release;
mod replay;
mod reverse;
mod settle;
mod suppose;
pub(crate) mod usage;
mod view;
mod what_if;

pub(crate) use advise::price_pending_advice;

pub use answered::{AnswerQuestion, AnsweredView};
pub use authorize::{Asking, Authorize};
pub use decide::decide;
pub use decision::{Check, CheckOutcome, Decision, DecisionOutcome, Figures, RULES_VERSION, Reason};
pub use explain::explain;
pub(crate) use explain::explain_one;
pub use facts::{CardFacts, Facts, LimitFact, Request};
pub(crate) use find::{find, find_for_update};
pub use increment::{AskedIncrement, IncrementAuthorization};
#[cfg(any(test, feature = "testing"))]
pub(crate) use record::MAX_TIMELINE_STEPS;
pub use record::{Authorization, AuthorizationStatus, Decided, Step, TimelineStep};
pub use replay::{Difference, Replay};
pub use reverse::{ExpireAuthorization, ReleaseAuthorization, ReverseAuthorization, ReverseByReference};
pub use settle::SettleAuthorization;
pub(crate) use settle::end_question;
pub use suppose::Supposition;
pub(crate) use view::StepView;
pub use view::{AuthorizationView, CheckView, DecisionView};
pub use what_if::{WhatIf, inherits_otherwise};

#[cfg(test)]
mod tests;
