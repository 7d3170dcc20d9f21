//! The currencies that cards have, as bodies take them.

paygen_core::string_enum! {
    /// The currencies that cards have.
    pub enum CardCurrency {
        /// US dollar.
        Usd = "USD",
        /// Nigerian naira.
        Ngn = "NGN",
    }
}
