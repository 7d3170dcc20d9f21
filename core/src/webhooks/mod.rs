//! Webhook endpoints and their deliveries.
//!
//! An endpoint has a cursor: every event of its client up to that position was delivered, does not concern it, or has a
//! [`Delivery`] row. A delivery that succeeds at once leaves an [`Attempt`] and no row, so that rows exist only for
//! what is still to be tried, or was given up.

mod deliver;
mod manage;
mod record;
mod view;

pub use deliver::{DeliveryResult, Next, PurgeDeliveries, QueueDeliveries, Queued, RecordDeliveries, ResendEvent};
pub use manage::{
    ChangedCredentials, CreateWebhook, DeleteWebhook, RecoverWebhook, RotateWebhookSecret, TestMessage, TestWebhook,
    UpdateWebhook,
};
pub use record::{
    Attempt, AttemptOutcome, Delivery, DeliveryStatus, DisabledReason, FAILING_SECONDS, Subscriptions, Webhook,
    WebhookProgress,
};
pub use view::{AttemptView, WebhookView};

#[cfg(test)]
mod tests;
