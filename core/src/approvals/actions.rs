//! The actions that a policy can name. A command says which of them it does (`Verb::approvals`). Calls about card holders are
//! not among them: their bodies have personal data, and a call that waits is kept as it came.

use crate::access::{Scope, Scopes};
use crate::money::Decimal;

crate::string_enum! {
    /// An action that can need the approval of others.
    pub enum ApprovalAction {
        /// Setting the balance of an account.
        AccountAdjust = "account.adjust",
        /// Closing an account.
        AccountClose = "account.close",
        /// A transfer between accounts.
        TransferCreate = "transfer.create",
        /// Moving money onto a card, or off it.
        CardFund = "card.fund",
        /// Spending limits and controls of a card or account, and credit limits.
        LimitsChange = "limits.change",
        /// Making a frozen card active, or unblocking its PIN.
        CardUnblock = "card.unblock",
        /// A card program and its terms.
        ProgramChange = "program.change",
        /// A responder, and what its fallback approves.
        ResponderChange = "responder.change",
        /// Resolving an exception.
        ExceptionResolve = "exception.resolve",
        /// Giving, changing or taking away a role.
        UserRole = "user.role",
        /// Making or rotating an API key.
        ApiKeyCreate = "api_key.create",
        /// This policy.
        PolicyChange = "approval_policy.change",
    }
}

impl ApprovalAction {
    /// The scope of who does it.
    fn scope(self) -> Scope {
        match self {
            ApprovalAction::AccountAdjust => Scope::AccountsAdjust,
            ApprovalAction::AccountClose | ApprovalAction::TransferCreate => Scope::AccountsWrite,
            ApprovalAction::CardFund | ApprovalAction::CardUnblock | ApprovalAction::LimitsChange => Scope::CardsWrite,
            ApprovalAction::ProgramChange => Scope::ProgramsWrite,
            ApprovalAction::ResponderChange => Scope::RespondersWrite,
            ApprovalAction::ExceptionResolve => Scope::AuthorizationsWrite,
            ApprovalAction::UserRole | ApprovalAction::PolicyChange => Scope::UsersWrite,
            ApprovalAction::ApiKeyCreate => Scope::KeysWrite,
        }
    }

    /// Whether its answer has a secret that is shown once. Then its requester makes the call themselves, after it was
    /// approved.
    pub fn has_secret(self) -> bool {
        matches!(self, ApprovalAction::ApiKeyCreate | ApprovalAction::ResponderChange | ApprovalAction::UserRole)
    }
}

/// What a command does that a policy can ask others about. A command can do several such things.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ask {
    pub action: ApprovalAction,
    /// In major units; `None` if it is not known or the action has none.
    pub amount: Option<Decimal>,
    /// What an approver must have: who could not do it cannot allow it.
    pub scopes: Scopes,
}

impl Ask {
    pub fn of(action: ApprovalAction) -> Ask {
        Ask { action, amount: None, scopes: Scopes::from_iter([action.scope()]) }
    }

    pub fn amount(self, amount: Decimal) -> Ask {
        Ask { amount: Some(amount), ..self }
    }

    /// Such as those that a new key has.
    pub fn scopes(self, more: Scopes) -> Ask {
        Ask { scopes: self.scopes.iter().chain(more.iter()).collect(), ..self }
    }
}
