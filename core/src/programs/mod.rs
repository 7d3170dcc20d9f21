//! Card programmes: the fees, rates and deadlines that cards run under, and what a message costs by them.

mod billing;
mod convert;
mod terms;

pub(crate) use billing::{billing, rate, share, stated};
pub use convert::convert;
pub use terms::{Fee, FeeRule, FeeTerms, HoldRule, RateRule, Terms};
