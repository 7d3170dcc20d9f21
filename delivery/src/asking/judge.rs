//! A question as it is sent, and what the response to it comes to.

use paygen_core::ids::{AuthorizationId, CallId};
use paygen_core::responders::{Answer, AnswerWord, CallOutcome, CallResult, CalledAbout};
use paygen_core::time::Instant;

use super::answer::Bounds;
use crate::sender::Asked;

/// Characters of a response's body that are kept when it is not understood.
const EXCERPT_CHARS: usize = 1024;

/// A question as it is sent.
pub(super) struct Sent {
    pub(super) id: CallId,
    pub(super) about: CalledAbout,
    /// `None` for tests.
    pub(super) authorization: Option<AuthorizationId>,
    /// Wall time.
    pub(super) deadline: Instant,
    pub(super) body: Vec<u8>,
    /// `None` for tests, which approve nothing.
    pub(super) bounds: Option<Bounds>,
}

/// What a response comes to.
pub(super) fn judged(
    mut result: CallResult,
    asked: Result<Asked, String>,
    read: impl FnOnce(&Asked) -> Result<Answer, String>,
) -> CallResult {
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => {
            return CallResult { outcome: CallOutcome::Error, error: Some(error), ..result };
        }
    };
    result.status = Some(i64::from(asked.status));
    let excerpt = excerpt(&asked.body);
    if asked.status != 200 {
        let error = Some(format!("the status is {}, not 200", asked.status));
        return CallResult { outcome: CallOutcome::Error, excerpt, error, ..result };
    }
    match read(&asked) {
        Ok(answer) => CallResult { outcome: outcome_of(&answer), answer: Some(answer), error: None, ..result },
        Err(why) => CallResult { outcome: CallOutcome::InvalidResponse, excerpt, error: Some(why), ..result },
    }
}

pub(super) fn outcome_of(answer: &Answer) -> CallOutcome {
    match answer.decision {
        AnswerWord::Approve => CallOutcome::Approved,
        AnswerWord::Decline => CallOutcome::Declined,
    }
}

fn excerpt(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').take(EXCERPT_CHARS).collect();
    (!text.is_empty()).then(|| paygen_vault::mask::masked(text))
}
