//! Why a command on users, or a sign-in, is refused.

/// The rules of users and signing in. The error text is shown to the caller.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PersonRefusal {
    #[error("There is no such user of this client.")]
    NotFound,
    #[error("The user's role is one for every client. Only the operator changes it, with `paygen users`.")]
    OfPlatform,
    #[error(
        "The user also has a role in another client. Only the operator adds them here or changes their name, status and link, with `paygen users`."
    )]
    Shared,
    #[error("Somebody with this e-mail address is a user of this client already.")]
    Exists,
    #[error("Users cannot change their own role, status or link. Another owner or admin can.")]
    Own,
    #[error("The user is the client's only active owner. Make another user an owner first, who signs in.")]
    LastOwner,
    /// A role has scopes that its granter lacks.
    #[error("The role {role} has scopes that you do not have: {scopes}.")]
    RoleExceeded { role: &'static str, scopes: String },
    #[error("There were too many tries. Passwords and codes are locked until {until}.")]
    Locked {
        /// Wall time.
        until: String,
    },
    #[error("This link or code was used already, or its time is over.")]
    ProofRefused,
}

impl PersonRefusal {
    /// The stable error code.
    pub fn code(&self) -> &'static str {
        match self {
            PersonRefusal::NotFound => "user_not_found",
            PersonRefusal::OfPlatform => "user_of_platform",
            PersonRefusal::Shared => "user_shared",
            PersonRefusal::Exists => "user_exists",
            PersonRefusal::Own => "own_user",
            PersonRefusal::LastOwner => "last_owner",
            PersonRefusal::RoleExceeded { .. } => "role_exceeded",
            PersonRefusal::Locked { .. } => "sign_in_locked",
            PersonRefusal::ProofRefused => "proof_refused",
        }
    }

    /// The field at fault, as a JSON pointer into the body; `None` if no single field is.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            PersonRefusal::RoleExceeded { .. } => Some("/role"),
            PersonRefusal::Exists => Some("/email"),
            PersonRefusal::NotFound
            | PersonRefusal::OfPlatform
            | PersonRefusal::Shared
            | PersonRefusal::Own
            | PersonRefusal::LastOwner
            | PersonRefusal::Locked { .. }
            | PersonRefusal::ProofRefused => None,
        }
    }
}
