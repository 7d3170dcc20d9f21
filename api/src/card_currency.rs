//! The currencies that cards have, as bodies take them.

paygen_core::words! {
    /// The currencies that cards have.
    pub enum CardCurrency {
        /// US dollar.
        Usd = "USD",
        /// Nigerian naira.
        Ngn = "NGN",
    }
}
