//! Bodies of calls on users.

use paygen_core::people::{Role, UserSwitch, UserView};

use crate::body::Faults;
use crate::card_holders::fields::Email;
use crate::fields::Text;

crate::words_fields!(Role, UserSwitch);

crate::body! {
    /// Invites a user.
    pub struct CreateUserBody {
        /// E-mail address, with which they sign in. Letter case does not count.
        required email: Email = "email", example "ada@example.com";
        /// Name.
        required name: Text<1, 120> = "name", example "Ada Lovelace";
        /// The role in this client. You need all of its scopes.
        required role: Role = "role", example "operations";
    }
}

crate::body! {
    /// Changes a user; omitted fields keep their values.
    pub struct UpdateUserBody echoing UserView {
        /// Name.
        optional name: Text<1, 120> = "name", example "Ada Lovelace";
        /// The role in this client. You need all scopes of the present one and of the new one.
        optional role: Role = "role", example "support";
        /// disabled: signed out, and cannot sign in; active: may again.
        optional status: UserStatusWord = "status", example "disabled";
    }
}

/// The status that an update sets. A user who was read as `invited` can be written back: they remain invited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UserStatusWord(pub UserSwitch);

impl crate::body::Field for UserStatusWord {
    fn read(json: &paygen_edge::json::Json, at: &str, faults: &mut Faults) -> Option<UserStatusWord> {
        if matches!(json, paygen_edge::json::Json::Text(text) if text == "invited") {
            return Some(UserStatusWord(UserSwitch::Active));
        }
        UserSwitch::read(json, at, faults).map(UserStatusWord)
    }

    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <UserSwitch as crate::body::Field>::schema()
    }
}
