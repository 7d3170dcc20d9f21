//! The currencies of cards in bodies.

paygen_core::string_enum! {
    /// The currencies that cards have.
    pub enum CardCurrency {
        /// US dollar.
        Usd = "USD",
        /// Nigerian naira.
        Ngn = "NGN",
    }
}
