//! Whose a setting is.

crate::string_enum! {
    /// Whose settings a value comes from.
    pub enum LimitLevel {
        Card = "card",
        CardHolder = "card_holder",
        Account = "account",
        Program = "program",
    }
}
