//! Card programmes: the fees, rates and hold periods that cards run under, and the price of a message under them.

mod billing;
mod convert;
mod terms;

pub(crate) use billing::{billing, rate, share, stated};
pub use convert::convert;
pub use terms::{Fee, FeeRule, FeeTerms, HoldRule, RateRule, Terms};
