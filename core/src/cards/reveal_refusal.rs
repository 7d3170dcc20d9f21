//! Why a token does not reveal a card.

/// The rules of the tokens that reveal cards. The error text is shown to the caller.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RevealRefusal {
    /// No reveal token of this card has the given value.
    #[error("This token is unknown for this card. Create one with POST /cards/{{cardId}}/token.")]
    Unknown,
    #[error("This token was already used. A token works once; create a new one.")]
    Used,
    #[error("This token has expired. Create a new one.")]
    Expired,
    /// The reveal token was issued for another purpose or origin.
    #[error("This token is for {wanted}.")]
    Mismatch { wanted: String },
}

impl RevealRefusal {
    /// The stable error code.
    pub fn code(&self) -> &'static str {
        match self {
            RevealRefusal::Unknown => "reveal_token_unknown",
            RevealRefusal::Used => "reveal_token_used",
            RevealRefusal::Expired => "reveal_token_expired",
            RevealRefusal::Mismatch { .. } => "reveal_token_mismatch",
        }
    }
}
