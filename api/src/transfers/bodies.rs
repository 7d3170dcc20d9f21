//! Bodies of calls on transfers.

use paygen_core::ids::AccountId;
use paygen_core::money::Decimal;

use crate::fields::{Metadata, Text};

crate::body! {
    /// Moves money between two accounts.
    pub struct CreateTransferBody {
        /// The account to debit.
        required from_account_id: AccountId = "fromAccountId";
        /// The account to credit.
        required to_account_id: AccountId = "toAccountId";
        /// Amount, greater than zero.
        required amount: Decimal = "amount", example 25, at least 0.0;
        /// Your reference.
        nullable reference: Text<1, 255> = "reference", example "invoice-1001";
        /// Your description.
        nullable narration: Text<1, 500> = "narration", example "Invoice 1001";
        /// Your own data.
        nullable metadata: Metadata = "metadata";
    }
}

crate::body! {
    /// Reverses a transfer.
    pub struct ReverseTransferBody {
        /// The amount. Defaults to what is not reversed yet.
        optional amount: Decimal = "amount", example 10, at least 0.0;
        /// Reason; stored with the entry.
        nullable reason: Text<1, 500> = "reason", example "Paid twice";
    }
}
