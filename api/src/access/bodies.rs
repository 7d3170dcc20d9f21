//! Bodies of calls on credentials.

use ipnet::IpNet;
use paygen_core::access::Scope;
use paygen_core::ids::{CardHolderId, CardId};

use crate::fields::{End, List, Text, Whole};

crate::body! {
    /// Creates an API key.
    pub struct CreateApiKeyBody {
        /// Name.
        required name: Text<1, 120> = "name", example "Back office";
        /// Scopes, at most those of the creating credential.
        required scopes: List<Scope, 1, 32> = "scopes";
        /// Expiry; a date includes that day, in UTC. Not later than the expiry of the creating key, which is the
        /// default.
        nullable expires_at: End = "expiresAt";
        /// Networks that the key may be used from, in CIDR notation, within those of the creating key. Defaults to the
        /// same. Without any, it works from everywhere.
        optional allowed_ips: List<IpNet, 0, 100> = "allowedIps";
    }
}

crate::body! {
    /// Rotates an API key.
    pub struct RotateApiKeyBody {
        /// Seconds for which the old key keeps working. Defaults to one day; 0 revokes it at once.
        optional overlap_seconds: Whole<0, 2_592_000> = "overlapSeconds", example 86400;
    }
}

crate::body! {
    /// Creates a bearer token.
    pub struct IssueTokenBody {
        /// Scopes. Defaults to those of the API key.
        optional scopes: List<Scope, 1, 32> = "scopes";
        /// Restricts the token to a card holder and their cards. Such a token cannot move money.
        nullable card_holder_id: CardHolderId = "cardHolderId";
        /// Restricts the token to a card.
        nullable card_id: CardId = "cardId";
        /// Lifetime in seconds.
        optional expires_in: Whole<1, 3_600> = "expiresIn", example 600;
    }
}
