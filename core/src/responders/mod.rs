//! Responders: a client's own code that is asked, within a deadline, whether a payment is approved.
//!
//! A payment that the built-in checks approve is opened as pending, with its hold, and a [`Question`] is stored with it.
//! The question is asked outside the engine, and the answer, or its absence, settles the payment in a second command
//! (`authorizations::SettleAuthorization`). While a responder is silent its fallback decides; what the fallback may
//! approve in an hour is counted in [`BudgetUse`] rows, which only silent settlements touch.
//!
//! A responder without a URL gets its questions as events and answers them by calls: [`StreamedQuestion`].

mod answer;
mod budget;
mod call;
mod choose;
mod manage;
mod question;
mod record;
mod settings;
mod status;
mod streamed;
mod view;

pub use answer::{Answer, AnswerView, AnswerWord, Asked, AskedView, CallOutcome, DecidedBy, Ruling};
pub use budget::BudgetUse;
pub(crate) use budget::{FallbackPayment, rule_by_fallback};
pub use call::{CallResult, CallView, CalledAbout, ResponderCall};
pub use choose::responder_for;
pub(crate) use manage::find as find_responder;
pub use manage::{
    ChangedSecret, ChangedSettings, CreateResponder, DeleteResponder, MAX_RESPONDERS, RotateResponderSecret,
    UpdateResponder, VerifyResponder,
};
pub use question::Question;
pub use record::{Responder, ResponderKind, ResponderStatus, ResponderSwitch};
pub use settings::{Ask, Budget, Fallback, IncrementRule, OnSilence, Payment, ResponderScope, ResponderSettings};
pub use status::{NoteResponder, PurgeCalls};
pub use streamed::{
    AskThroughStream, CloseQuestion, LATE_WINDOW_SECONDS, PurgeStreamedQuestions, QuestionView, StreamedQuestion,
};
pub use view::ResponderView;

#[cfg(test)]
mod tests;
