//! Bodies of the simulator's other calls.

use paygen_core::money::Decimal;
use paygen_core::time::Instant;

use crate::fields::Whole;

crate::body! {
    /// Funds an account with simulated money.
    pub struct FundAccountBody {
        /// Amount, greater than zero.
        required amount: Decimal = "amount", example 100, at least 0.0;
    }
}

crate::body! {
    /// Advances the test clock. Send exactly one field.
    pub struct AdvanceClockBody {
        /// Seconds to advance.
        optional advance_seconds: Whole<1, 5_000_000_000> = "advanceSeconds", example 86400;
        /// The new time, not before the present one.
        optional set_to: Instant = "setTo";
    }
}
