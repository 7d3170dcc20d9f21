//! The error of an invalid setting.

/// An invalid setting; the text names it and the fix.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(crate) String);
