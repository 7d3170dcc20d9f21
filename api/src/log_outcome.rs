//! What the log records of a response.

use std::borrow::Cow;

/// A short code of the outcome, set as an extension of the response.
#[derive(Clone, Debug)]
pub struct LogOutcome(pub Cow<'static, str>);
