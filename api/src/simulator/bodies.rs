//! Bodies of the simulator's other calls.

use paygen_core::money::Decimal;
use paygen_core::time::Instant;

use crate::fields::Whole;

crate::body! {
    /// Puts simulated money into an account.
    pub struct FundAccountBody {
        /// How much, above zero.
        required amount: Decimal = "amount", example 100, at least 0.0;
    }
}

crate::body! {
    /// Moves the test clock: one of the two.
    pub struct AdvanceClockBody {
        /// How many seconds forward.
        optional advance_seconds: Whole<1, 5_000_000_000> = "advanceSeconds", example 86400;
        /// The instant to stand at, not before now.
        optional set_to: Instant = "setTo";
    }
}
