//! What the log says of an answer.

use std::borrow::Cow;

/// What a request came to, in a word of ours or two: an extension of its answer.
#[derive(Clone, Debug)]
pub struct Said(pub Cow<'static, str>);
