//! Bodies of calls on transfers.

use paygen_core::ids::AccountId;
use paygen_core::money::Decimal;

use crate::fields::{Metadata, Text};

crate::body! {
    /// Moves money between two accounts.
    pub struct CreateTransferBody {
        /// The account that gives.
        required from_account_id: AccountId = "fromAccountId";
        /// The account that gets.
        required to_account_id: AccountId = "toAccountId";
        /// How much, above zero.
        required amount: Decimal = "amount", example 25, at least 0.0;
        /// Your reference.
        nullable reference: Text<1, 255> = "reference", example "invoice-1001";
        /// Your words.
        nullable narration: Text<1, 500> = "narration", example "Invoice 1001";
        /// Your own data.
        nullable metadata: Metadata = "metadata";
    }
}

crate::body! {
    /// Gives a transfer back.
    pub struct ReverseTransferBody {
        /// How much; all that is left when it is left out.
        optional amount: Decimal = "amount", example 10, at least 0.0;
        /// Why; kept with the entry.
        nullable reason: Text<1, 500> = "reason", example "Paid twice";
    }
}
