//! Bodies of calls on approvals.

use paygen_core::approvals::ApprovalAction;
use paygen_core::money::Decimal;

use crate::fields::{List, Text, Whole};

crate::words_fields!(ApprovalAction);

crate::body! {
    /// Approves a call.
    pub struct ApproveBody {
        /// Why.
        nullable note: Text<1, 500> = "note", example "Checked with the invoice.";
    }
}

crate::body! {
    /// Rejects a call.
    pub struct RejectBody {
        /// Why.
        required note: Text<1, 500> = "note", example "The amount is not the invoice's.";
    }
}

crate::body! {
    /// A rule of the policy.
    pub struct ApprovalRuleBody {
        /// The action that needs others.
        required action: ApprovalAction = "action", example "transfer.create";
        /// Only amounts above this one, in the currency of the call; every amount if null.
        nullable above: Decimal = "above", example 1000, at least 0.0;
        /// How many people must approve, besides the one who asks.
        optional needed: Whole<1, 10> = "needed", example 1;
    }
}

crate::body! {
    /// Replaces the policy.
    pub struct SetApprovalPolicyBody {
        /// The rules; empty: everything is done alone.
        required rules: List<ApprovalRuleBody, 0, 50> = "rules";
    }
}
