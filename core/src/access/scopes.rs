//! Scopes: what a credential may do.

use std::fmt;

crate::string_enum! {
    /// One thing a credential may do.
    pub enum Scope {
        /// Read accounts, balances, entries and transfers.
        AccountsRead = "accounts:read",
        /// Open and change accounts, move money between them.
        AccountsWrite = "accounts:write",
        /// Set balances.
        AccountsAdjust = "accounts:adjust",
        /// Read card holders.
        CardHoldersRead = "card-holders:read",
        /// Enrol and change card holders.
        CardHoldersWrite = "card-holders:write",
        /// Read cards.
        CardsRead = "cards:read",
        /// Issue and change cards, move money to and from them.
        CardsWrite = "cards:write",
        /// See card numbers.
        CardsReveal = "cards:reveal",
        /// Read authorizations and transactions.
        AuthorizationsRead = "authorizations:read",
        /// Release authorizations.
        AuthorizationsWrite = "authorizations:write",
        /// Read events.
        EventsRead = "events:read",
        /// Send events again.
        EventsWrite = "events:write",
        /// Read webhook endpoints.
        WebhooksRead = "webhooks:read",
        /// Change webhook endpoints.
        WebhooksWrite = "webhooks:write",
        /// Read the test clock.
        SimulatorRead = "simulator:read",
        /// Play the network and move the test clock.
        SimulatorWrite = "simulator:write",
        /// Read API keys.
        KeysRead = "keys:read",
        /// Make and revoke API keys and tokens.
        KeysWrite = "keys:write",
        /// Read the audit log.
        AuditRead = "audit:read",
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    /// Every scope there is.
    pub fn all() -> Scopes {
        Scope::ALL.iter().copied().collect()
    }

    /// Whether the scope is in the set.
    pub fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u32) != 0
    }

    /// The scopes of this set that are not in the other.
    pub fn beyond(self, other: Scopes) -> Scopes {
        Scopes(self.0 & !other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes, in the order of the documentation.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.has(*scope))
    }

    /// Reads what [`fmt::Display`] writes; words of later versions are passed over.
    pub fn parse(text: &str) -> Scopes {
        text.split_whitespace().filter_map(Scope::parse).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Scopes {
        Scopes(scopes.into_iter().fold(0, |set, scope| set | 1 << scope as u32))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&words.join(" "))
    }
}
