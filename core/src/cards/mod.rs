//! Cards: issued to a card holder, funded from an account, controlled, shown, replaced and ended.

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
mod unsettled;
mod update;
mod view;

pub use activate::{ActivateCard, activate};
pub use cancel::{TerminateCard, terminate};
pub(crate) use create::expect as expect_create;
pub use create::{CreateCard, Expiry, NewNumber, create};
pub(crate) use find::{find, owner};
use find::{find_live, find_payer, find_receiver, funds_of, not_canceled, tell, view};
pub use money::{FundCard, WithdrawFromCard, fund, withdraw};
pub(crate) use money::{expect as expect_movement, return_money};
pub(crate) use payments::used;
pub use pin::{SetPin, UnblockPin, set_pin, unblock_pin};
pub use record::{
    Brand, CancellationReason, Card, CardFingerprint, CardSecret, CardStatus, CardType, FrozenBy, FundingMode,
    PaymentReference, ReplaceReason, RevealPurpose, RevealToken, StatusChange,
};
pub use replace::{ReplaceCard, ReplacementNumber, replace};
pub use reveal::{
    IssueRevealToken, LookUpCard, PurgeRevealTokens, REMEMBERED_SECONDS, RevealTokenView, UseRevealToken, check_use,
    issue_reveal_token, look_up, purge_reveal_tokens, use_reveal_token,
};
pub(crate) use unsettled::{is_unsettled, note_settled};
pub use update::{CardEcho, UpdateCard, update};
pub use view::{CardView, MovementView, RevealView, SpendingLimitView};
pub(crate) use view::{ChannelsView, SpendingControlsView, StatusChangeView};

#[cfg(test)]
mod property_tests;
#[cfg(test)]
pub(crate) mod tests;
