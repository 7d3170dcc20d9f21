//! Why a command on approvals is refused.

/// The rules of approvals. The error text is shown to the caller.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ApprovalRefusal {
    #[error("There is no such approval for this client.")]
    NotFound,
    #[error("The approval is {status}, so this cannot be done with it.")]
    NotPending { status: &'static str },
    #[error("Only people approve, in the console. An API key cannot.")]
    NotPerson,
    #[error("You asked for this yourself, or the API key that did is yours. Somebody else must approve it.")]
    Own,
    #[error("You have decided about this already.")]
    AlreadyDecided,
    #[error("Only who asked for it can do this.")]
    NotRequester,
}

impl ApprovalRefusal {
    /// The stable error code.
    pub fn code(&self) -> &'static str {
        match self {
            ApprovalRefusal::NotFound => "approval_not_found",
            ApprovalRefusal::NotPending { .. } => "approval_not_pending",
            ApprovalRefusal::NotPerson => "approver_not_person",
            ApprovalRefusal::Own => "own_approval",
            ApprovalRefusal::AlreadyDecided => "already_decided",
            ApprovalRefusal::NotRequester => "not_requester",
        }
    }
}
