//! Cards: issued, funded, controlled, revealed, replaced, canceled.

mod activate;
mod cancel;
mod create;
mod find;
mod money;
mod payments;
mod pin;
mod record;
mod replace;
mod reveal;
mod reveal_refusal;
mod unsettled;
mod update;
mod view;

pub use activate::ActivateCard;
pub(crate) use cancel::CANCELED_AFTER_PAYMENTS;
pub use cancel::TerminateCard;
pub use reveal_refusal::RevealRefusal;

pub use create::{CreateCard, Expiry, NewNumber};
use find::{emit_card, find_live, find_payer, find_receiver, funds_of, not_canceled, view};
pub(crate) use find::{find, owner};
pub(crate) use money::return_money;
pub use money::{FundCard, WithdrawFromCard};
pub(crate) use payments::apply_payment_effects;
pub use pin::{SetPin, UnblockPin};
pub use record::{
    Brand, CancellationReason, Card, CardFingerprint, CardSecret, CardStatus, CardType, FrozenBy, FundingMode,
    PaymentReference, ReplaceReason, RevealPurpose, RevealToken, StatusChange,
};
pub use replace::{ReplaceCard, ReplacementNumber};
pub use reveal::{
    IssueRevealToken, LookUpCard, PurgeRevealTokens, RevealTokenView, TOKEN_RETENTION_SECONDS, UseRevealToken,
    check_use,
};
pub(crate) use unsettled::{is_unsettled, update_unsettled_count};
pub use update::UpdateCard;
pub use view::{CardView, MovementView, RevealView, SpendingLimitView};
pub(crate) use view::{ChannelsView, SpendingControlsView, StatusChangeView};

#[cfg(test)]
mod property_tests;
#[cfg(test)]
pub(crate) mod tests;
