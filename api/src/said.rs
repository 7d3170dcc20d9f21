//! What the log records of a response.

use std::borrow::Cow;

/// The outcome of a request in a word or two of ours: an extension of its response.
#[derive(Clone, Debug)]
pub struct Said(pub Cow<'static, str>);
