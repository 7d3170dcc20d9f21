//! What several resources use: objects to choose from, and the state of spending limits.

use crate::tables::{As, Column, Kind, column};

pub(crate) const LIMITS: &[Column] = &[
    column("Of the", "level", As::Word),
    column("Interval", "interval", As::Word),
    column("Categories", "categories", As::Text),
    column("Limit", "amount", As::Money("currency")),
    column("Used", "used", As::Money("currency")),
    column("Remaining", "remaining", As::Money("currency")),
    column("Payments", "usedCount", As::Text),
    column("Binds first", "binds", As::Bool),
    column("Resets at", "resetsAt", As::Time),
];

/// Accounts to choose from.
pub(crate) const ACCOUNT: Kind = Kind::Pick("/accounts?sort=name", "_id", &["name", "currency", "status"]);

/// Cards to pay with.
pub(crate) const CARD: Kind = Kind::Pick("/cards", "_id", &["maskedPan", "status", "availableBalance", "currency"]);

pub(crate) const CARD_HOLDER: Kind = Kind::Pick("/card-holders?sort=name", "_id", &["name", "status"]);

pub(crate) const ENDPOINT: Kind = Kind::Pick("/webhooks", "_id", &["url", "description"]);
