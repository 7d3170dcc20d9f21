//! Which calls an error comes from: those named here, those that take what was not found, or no one in particular.

use serde_json::Value;

use super::catalogue::Code;
use super::search::{Operation, members_of};

/// The calls that a policy can let wait for others.
#[rustfmt::skip]
const APPROVABLE: &[&str] = &["createAccount", "updateAccount", "closeAccount", "createTransfer", "reverseTransfer", "createCard", "fundCard", "withdrawFromCard", "updateCard", "unblockCardPin", "createProgram", "updateProgram", "archiveProgram", "createResponder", "updateResponder", "deleteResponder", "resolveException", "createApiKey", "rotateApiKey", "createUser", "issueUserLink", "updateUser", "removeUser", "setApprovalPolicy"];

/// The calls that read an approval: these, with the header `Approval-Id`, and those on approvals.
#[rustfmt::skip]
const WITH_APPROVAL: &[&str] = &["createAccount", "updateAccount", "closeAccount", "createTransfer", "reverseTransfer", "createCard", "fundCard", "withdrawFromCard", "updateCard", "unblockCardPin", "createProgram", "updateProgram", "archiveProgram", "createResponder", "updateResponder", "deleteResponder", "resolveException", "createApiKey", "rotateApiKey", "createUser", "issueUserLink", "updateUser", "removeUser", "setApprovalPolicy", "approve", "reject", "cancelApproval"];

/// The calls of rules, as the contract names them, by code.
#[rustfmt::skip]
pub const CALLERS: &[(&str, &[&str])] = &[
    ("account_closed", &["updateAccount", "createAccountDetail", "updateAccountDetail", "deleteAccountDetail"]),
    ("account_detail_not_found", &["getAccountDetail", "updateAccountDetail", "deleteAccountDetail"]),
    ("account_has_entries", &["updateAccount"]),
    ("account_in_use", &["closeAccount"]),
    ("account_inactive", &["createTransfer", "reverseTransfer", "createCard", "updateCard", "fundCard", "withdrawFromCard", "resolveException", "simulateFunding"]),
    ("already_decided", &["approve", "reject"]),
    ("already_refunded", &["simulateRefund"]),
    ("already_reversed", &["reverseTransfer"]),
    ("api_key_required", &["createApiKey", "rotateApiKey", "createUser", "issueUserLink", "updateUser", "issueUserLink"]),
    ("api_key_revoked", &["rotateApiKey"]),
    ("approval_id_invalid", APPROVABLE),
    ("approval_mismatch", APPROVABLE),
    ("approval_not_pending", WITH_APPROVAL),
    ("approver_not_person", &["approve", "reject"]),
    ("authorization_not_open", &["releaseAuthorization", "simulateIncrement", "simulateReversal", "simulateExpiry", "simulateClearing"]),
    ("bounds_exceeded", &["createApiKey", "rotateApiKey", "issueToken"]),
    ("brand_not_available", &["createCard", "replaceCard"]),
    ("card_already_activated", &["activateCard"]),
    ("card_canceled", &["updateCard", "activateCard", "fundCard", "withdrawFromCard", "setCardPin", "unblockCardPin", "replaceCard", "issueRevealToken", "revealCard", "revealOnCardPage"]),
    ("card_frozen_by_client", &["updateCard"]),
    ("card_holder_erased", &["createCardHolder", "updateCardHolder", "uploadCardHolderDocuments", "reviewCardHolderDocument", "createCard", "updateCard"]),
    ("card_holder_in_use", &["deleteCardHolder"]),
    ("card_holder_inactive", &["createCard", "updateCard"]),
    ("card_holder_unverified", &["createCard", "updateCard"]),
    ("card_not_activated", &["updateCard"]),
    ("check_digits_invalid", &["createAccountDetail", "updateAccountDetail"]),
    ("clock_backwards", &["advanceClock"]),
    ("clock_shared", &["advanceClock"]),
    ("clock_too_far", &["advanceClock"]),
    ("credit_limit_not_allowed", &["createAccount", "updateAccount"]),
    ("credit_not_allowed", &["createTransfer", "reverseTransfer", "createCard", "fundCard", "withdrawFromCard", "resolveException", "simulateFunding", "updateCard"]),
    ("currency_mismatch", &["createTransfer", "reverseTransfer", "createCard", "updateCard", "fundCard", "withdrawFromCard", "resolveException"]),
    ("debit_not_allowed", &["createTransfer", "reverseTransfer", "createCard", "fundCard", "withdrawFromCard", "resolveException", "updateCard"]),
    ("default_program", &["updateProgram", "archiveProgram"]),
    ("document_replaced", &["reviewCardHolderDocument"]),
    ("exception_resolved", &["resolveException"]),
    ("fallback_required", &["createResponder", "updateResponder"]),
    ("funding_mode_mismatch", &["createCard", "fundCard", "withdrawFromCard"]),
    ("insufficient_funds", &["createTransfer", "reverseTransfer", "createCard", "fundCard", "withdrawFromCard", "terminateCard", "updateAccount", "resolveException"]),
    ("last_owner", &["updateUser", "removeUser"]),
    ("limits_in_currency", &["updateAccount"]),
    ("loosens_program", &["createCard", "updateCard"]),
    ("more_than_owed", &["fundCard"]),
    ("no_free_card_number", &["createCard", "replaceCard"]),
    ("no_webhook", &["resendEvent"]),
    ("not_refundable", &["simulateRefund", "simulateRefundReversal"]),
    ("not_requester", WITH_APPROVAL),
    ("nothing_to_clear", &["simulateClearing"]),
    ("number_range_taken", &["createProgram", "updateProgram"]),
    ("own_approval", &["approve", "reject"]),
    ("own_user", &["updateUser", "removeUser", "issueUserLink"]),
    ("payment_reference_used", &["fundCard", "withdrawFromCard"]),
    ("personal_data_masked", &["getCardHolderDocument"]),
    ("pin_not_set", &["unblockCardPin"]),
    ("program_archived", &["createCard"]),
    ("program_invalid", &["createProgram", "updateProgram"]),
    ("program_mismatch", &["createCard"]),
    ("question_answered", &["answerQuestion"]),
    ("question_closed", &["answerQuestion"]),
    ("question_not_found", &["answerQuestion"]),
    ("refund_reversed", &["simulateRefundReversal"]),
    ("resolution_mismatch", &["resolveException"]),
    ("responder_has_url", &["answerQuestion"]),
    ("retention_not_over", &["deleteCardHolder"]),
    ("reveal_token_expired", &["revealCard", "revealOnCardPage"]),
    ("reveal_token_mismatch", &["revealCard", "revealOnCardPage"]),
    ("reveal_token_unknown", &["revealCard", "revealOnCardPage"]),
    ("reveal_token_used", &["revealCard", "revealOnCardPage"]),
    ("reversal_too_large", &["reverseTransfer"]),
    ("role_exceeded", &["createUser", "issueUserLink", "updateUser", "removeUser", "issueUserLink"]),
    ("same_account", &["createTransfer"]),
    ("scopes_exceeded", &["createApiKey", "rotateApiKey", "issueToken"]),
    ("too_many_api_keys", &["createApiKey", "rotateApiKey"]),
    ("too_many_approvals", APPROVABLE),
    ("too_many_increments", &["simulateIncrement"]),
    ("too_many_responders", &["createResponder"]),
    ("too_many_streams", &["streamEvents"]),
    ("too_many_webhooks", &["createWebhook"]),
    ("user_exists", &["createUser"]),
    ("user_of_platform", &["updateUser", "removeUser", "issueUserLink"]),
    ("user_shared", &["createUser", "issueUserLink", "updateUser", "issueUserLink"]),
    ("verification_with_amount", &["simulateAuthorization"]),
    ("webhook_disabled", &["testWebhook", "resendEvent", "recoverWebhook"]),
    ("zone_pin_key_missing", &["setCardPin", "simulateAuthorization"]),
];

/// The calls that a code comes from; none where it can come from any.
pub fn of<'a>(code: &Code, contract: &Value, operations: &'a [Operation]) -> Vec<&'a Operation> {
    if let Some((_, names)) = CALLERS.iter().find(|(of, _)| *of == code.code) {
        return operations.iter().filter(|operation| names.contains(&operation.id.as_str())).collect();
    }
    let Some(noun) = code.code.strip_suffix("_not_found") else { return Vec::new() };
    // Such as cardHolderId, and debitAccountId as well as accountId.
    let wanted = format!("{}id", noun.replace('_', ""));
    let takes = |operation: &&Operation| {
        let operation = &contract["paths"][&operation.path][operation.method.to_lowercase()];
        let answers = code.status.iter().any(|status| operation["responses"].get(status.to_string()).is_some());
        answers && members_of(contract, operation).iter().any(|name| name.to_lowercase().ends_with(&wanted))
    };
    operations.iter().filter(takes).collect()
}
