//! Bodies of calls on credentials.

use ipnet::IpNet;
use paygen_core::access::Scope;
use paygen_core::ids::{CardHolderId, CardId};

use crate::fields::{End, List, Text, Whole};

crate::body! {
    /// Makes an API key.
    pub struct CreateApiKeyBody {
        /// Its name.
        required name: Text<1, 120> = "name", example "Back office";
        /// What it may do; not more than the credential that makes it.
        required scopes: List<Scope, 1, 32> = "scopes";
        /// When it ends, a date with the end of that day in UTC; not later than the key it is made with, and with that one
        /// unless given.
        nullable expires_at: End = "expiresAt";
        /// The networks it works from, in CIDR form, within those of the key it is made with, and the same unless given.
        /// Everywhere when neither has any.
        optional allowed_ips: List<IpNet, 0, 100> = "allowedIps";
    }
}

crate::body! {
    /// Replaces an API key.
    pub struct RotateApiKeyBody {
        /// How long the old key works on; a day unless said, 0 ends it at once.
        optional overlap_seconds: Whole<0, 2_592_000> = "overlapSeconds", example 86400;
    }
}

crate::body! {
    /// Makes a bearer token.
    pub struct IssueTokenBody {
        /// What it may do; all that the API key may unless said.
        optional scopes: List<Scope, 1, 32> = "scopes";
        /// The one card holder it is for: it sees them and their cards, and moves no money.
        nullable card_holder_id: CardHolderId = "cardHolderId";
        /// The one card it is for.
        nullable card_id: CardId = "cardId";
        /// How many seconds it works.
        optional expires_in: Whole<1, 3_600> = "expiresIn", example 600;
    }
}
