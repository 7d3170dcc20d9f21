//! Transactions posted to cards: clearings, payments without an authorization, refunds, and reversed refunds.

mod clear;
mod force_post;
mod identity;
mod messages;
mod post;
mod pricing;
mod record;
mod refund;
mod view;

pub(crate) use clear::post_clearing;
pub(crate) use force_post::post_unauthorized;
pub use messages::{Clear, ForcePost, Refund, Unmatched};
pub use record::{Transaction, TransactionType};
pub use refund::ReverseRefund;
pub(crate) use refund::post_refund;
pub use view::{DeclineView, RefundView, TransactionView};
pub(crate) use view::{DetailsView, FeeDetailView, RequestHistoryView, TransactionMetadataView};
