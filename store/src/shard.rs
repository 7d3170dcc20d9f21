//! Endpoints are divided into shards by their id.

use paygen_core::ids::WebhookId;

/// How many shards there are.
pub const SHARDS: usize = 64;

/// The shard of an endpoint: ids of one node rise, so their last bytes spread.
pub fn shard_of(webhook: WebhookId) -> usize {
    webhook.0.bytes().iter().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte))) % SHARDS
}
