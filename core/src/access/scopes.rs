//! Scopes: the permissions of a credential.

use std::fmt;

crate::string_enum! {
    /// A permission.
    pub enum Scope {
        /// Accounts, balances, entries and transfers.
        AccountsRead = "accounts:read",
        /// Includes moving money between accounts.
        AccountsWrite = "accounts:write",
        AccountsAdjust = "accounts:adjust",
        CardHoldersRead = "card-holders:read",
        CardHoldersWrite = "card-holders:write",
        CardsRead = "cards:read",
        /// Includes funding cards and withdrawing from them.
        CardsWrite = "cards:write",
        CardsReveal = "cards:reveal",
        AuthorizationsRead = "authorizations:read",
        AuthorizationsWrite = "authorizations:write",
        EventsRead = "events:read",
        EventsWrite = "events:write",
        WebhooksRead = "webhooks:read",
        WebhooksWrite = "webhooks:write",
        RespondersRead = "responders:read",
        RespondersWrite = "responders:write",
        SimulatorRead = "simulator:read",
        /// Simulating the network, and moving the test clock.
        SimulatorWrite = "simulator:write",
        /// Card programs: number ranges, fees, controls.
        ProgramsRead = "programs:read",
        ProgramsWrite = "programs:write",
        KeysRead = "keys:read",
        /// Includes bearer tokens.
        KeysWrite = "keys:write",
        AuditRead = "audit:read",
        /// People who use the console, and their roles.
        UsersRead = "users:read",
        UsersWrite = "users:write",
        ApprovalsRead = "approvals:read",
        /// Only people approve; an API key with it can cancel what it asked for.
        ApprovalsWrite = "approvals:write",
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    pub fn all() -> Scopes {
        Scope::ALL.iter().copied().collect()
    }

    pub fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u32) != 0
    }

    /// The scopes of this set that are not in `other`.
    pub fn beyond(self, other: Scopes) -> Scopes {
        Scopes(self.0 & !other.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In the order of the documentation.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.has(*scope))
    }

    /// Parses what [`fmt::Display`] writes. Unknown scopes, of later versions, are ignored.
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
