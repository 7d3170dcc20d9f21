//! Roles: named sets of scopes.

use crate::access::{Scope, Scopes};

crate::string_enum! {
    /// What a user may do in a client.
    pub enum Role {
        /// Everything.
        Owner = "owner",
        /// Everything but revealing card numbers and adjusting balances.
        Admin = "admin",
        /// Accounts are read; card holders, cards and exceptions are handled.
        Operations = "operations",
        /// Accounts, transfers and adjustments; nothing about cards is changed.
        Finance = "finance",
        /// Cards, programs and responders; accounts are read.
        Fraud = "fraud",
        /// Helps card holders: reads, and freezes or replaces cards.
        Support = "support",
        /// Keys, webhooks, responders, events and the simulator.
        Developer = "developer",
        /// Reads everything, changes nothing.
        Auditor = "auditor",
    }
}

impl Role {
    /// Whether personal data of card holders is masked: enough to recognize somebody who gives it, not to learn it.
    pub fn masks_personal_data(self) -> bool {
        self == Role::Support
    }

    /// One sentence for who chooses a role.
    pub fn sentence(self) -> &'static str {
        match self {
            Role::Owner => "Everything.",
            Role::Admin => "Everything but revealing card numbers and adjusting balances.",
            Role::Operations => "Reads accounts; works on card holders, cards, payments and exceptions.",
            Role::Finance => "Works on accounts, transfers and adjustments; changes nothing about cards.",
            Role::Fraud => "Works on cards, payments, programs and responders; reads accounts.",
            Role::Support => "Reads, and freezes or replaces cards for their holders.",
            Role::Developer => "Works on API keys, webhooks, responders, events and the simulator.",
            Role::Auditor => "Reads everything and changes nothing.",
        }
    }

    pub fn scopes(self) -> Scopes {
        use Scope::*;
        let every = |fits: fn(&Scope) -> bool| Scope::ALL.iter().copied().filter(fits).collect::<Scopes>();
        let some = |scopes: &[Scope]| scopes.iter().copied().collect::<Scopes>();
        match self {
            Role::Owner => Scopes::all(),
            Role::Admin => every(|scope| !matches!(scope, CardsReveal | AccountsAdjust)),
            Role::Auditor => every(|scope| scope.as_str().ends_with(":read")),
            Role::Operations => some(&[
                AccountsRead,
                CardHoldersRead,
                CardHoldersWrite,
                CardsRead,
                CardsWrite,
                AuthorizationsRead,
                AuthorizationsWrite,
                EventsRead,
                EventsWrite,
                WebhooksRead,
                RespondersRead,
                ProgramsRead,
                SimulatorRead,
                SimulatorWrite,
                ApprovalsRead,
                ApprovalsWrite,
            ]),
            Role::Finance => some(&[
                AccountsRead,
                AccountsWrite,
                AccountsAdjust,
                CardsRead,
                AuthorizationsRead,
                EventsRead,
                ProgramsRead,
                AuditRead,
                SimulatorRead,
                ApprovalsRead,
                ApprovalsWrite,
            ]),
            Role::Fraud => some(&[
                AccountsRead,
                CardHoldersRead,
                CardsRead,
                CardsWrite,
                AuthorizationsRead,
                AuthorizationsWrite,
                EventsRead,
                ProgramsRead,
                ProgramsWrite,
                RespondersRead,
                RespondersWrite,
                AuditRead,
                SimulatorRead,
                ApprovalsRead,
                ApprovalsWrite,
            ]),
            Role::Support => some(&[
                AccountsRead,
                CardHoldersRead,
                CardsRead,
                CardsWrite,
                AuthorizationsRead,
                EventsRead,
                ApprovalsRead,
            ]),
            Role::Developer => some(&[
                AccountsRead,
                CardsRead,
                AuthorizationsRead,
                EventsRead,
                EventsWrite,
                WebhooksRead,
                WebhooksWrite,
                RespondersRead,
                RespondersWrite,
                ProgramsRead,
                KeysRead,
                KeysWrite,
                SimulatorRead,
                SimulatorWrite,
                ApprovalsRead,
            ]),
        }
    }
}
