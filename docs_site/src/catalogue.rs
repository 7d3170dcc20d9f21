//! The catalogue of error codes: each code of the API with its statuses, meaning and fix. The pages under
//! `/docs/errors` are generated from this table, and a test compares it with the codes in the source.

/// A code of `error.code`.
pub struct Code {
    pub code: &'static str,
    /// The HTTP statuses it is answered with.
    pub status: &'static [u16],
    pub meaning: &'static str,
    pub fix: &'static str,
}

/// A code of `error.fields[].code` that is not one of [`CODES`].
pub struct FieldCode {
    pub code: &'static str,
    pub meaning: &'static str,
}

const fn code(code: &'static str, status: &'static [u16], meaning: &'static str, fix: &'static str) -> Code {
    Code { code, status, meaning, fix }
}

const fn field(code: &'static str, meaning: &'static str) -> FieldCode {
    FieldCode { code, meaning }
}

pub fn find(wanted: &str) -> Option<&'static Code> {
    CODES.iter().find(|entry| entry.code == wanted)
}

/// Whether a code may appear in `error.fields`: a field code, or the code of a rule.
pub fn is_field_code(wanted: &str) -> bool {
    FIELD_CODES.iter().any(|entry| entry.code == wanted) || find(wanted).is_some()
}

/// Every code, in alphabetical order.
#[rustfmt::skip]
pub const CODES: &[Code] = &[
    code("account_closed", &[409], "The account is closed. Closing is final: a closed account is kept for its history and never changes again.", "Use another account, or open a new one with POST /accounts."),
    code("account_detail_not_found", &[404], "The account has no bank detail record with this id.", "List the account's records with GET /accounts/{accountId}/details and use an id from there."),
    code("account_has_entries", &[409], "Currency and category describe what the ledger already holds, so they are fixed from the account's first ledger entry or card on.", "Open another account in the currency you need, and move money there with a transfer."),
    code("account_in_use", &[409], "The account cannot be closed while it has a balance, held funds or cards that spend from it. The message says which.", "Empty it, wait for open authorizations to clear or expire, and cancel or move its cards; then close it."),
    code("account_inactive", &[422], "The account is suspended or closed, so no money moves in or out of it.", "Set its status to active with PUT /accounts/{accountId}, or use another account."),
    code("account_not_found", &[404], "No account with this id belongs to the client of your credential. Accounts of other clients look exactly like missing ones.", "Check the id, and that the API key belongs to the client that owns the account."),
    code("address_not_allowed", &[403], "The API key works only from the networks in its allowedIps, and the request came from elsewhere.", "Call from an allowed network, or create a key with other networks. Behind a proxy, set trusted_proxies so that the real address is seen."),
    code("already_decided", &[409], "You have said yes or no to this approval before.", "Wait for the others; one person counts once."),
    code("already_refunded", &[409], "The transaction is fully refunded already.", "Nothing to do. A further refund must name its amount, and waits under /exceptions."),
    code("already_reversed", &[409], "The transfer is fully reversed already.", "Nothing to do. Read the transfer to see its reversals."),
    code("amount_negative", &[400], "The amount is below zero where only zero or more makes sense.", "Send zero or a positive amount; the direction is given by the call, not by the sign."),
    code("amount_not_positive", &[400], "The amount is zero or below.", "Send an amount greater than zero."),
    code("amount_too_large", &[400], "The amount, or the balance it would lead to, is larger than the ledger can keep exactly.", "Send a smaller amount."),
    code("amount_too_precise", &[400], "The amount has more decimals than its currency, such as 1.005 USD. Amounts are never rounded silently.", "Round on your side to the decimals of the currency: two for USD, none for JPY, six for USDC."),
    code("api_key_in_browser", &[403], "An API key came from a web page of another origin. Anyone who opens the page could read the key.", "Call from your server, or create a bearer token for the page with POST /auth/tokens."),
    code("api_key_not_found", &[404], "No API key with this id belongs to your client.", "List keys with GET /api-keys."),
    code("api_key_required", &[403], "Bearer tokens cannot create API keys, and cannot invite or change users, because these outlive a token.", "Call from your server with an API key."),
    code("api_key_revoked", &[409], "The key was revoked. A revoked key cannot be rotated or used again.", "Create a new key with POST /api-keys."),
    code("approval_id_invalid", &[400], "The header Approval-Id is not the id of an approval.", "Send the id from the answer 202: 24 lowercase hex characters."),
    code("approval_mismatch", &[409], "The call with Approval-Id differs from the one that was approved, in method, path or body.", "Send the call exactly as it was answered 202, or ask for another approval."),
    code("approval_not_found", &[404], "The client has no approval with this id.", "List them with GET /approvals."),
    code("approval_not_pending", &[409], "The approval does not wait any more, or is not approved yet: its status is in the message.", "Read it with GET /approvals/{approvalId}. To try again, make the call again."),
    code("approver_not_person", &[403], "Approvals are given by people. An API key or token cannot approve or reject.", "Sign in to the console as another user and decide there."),
    code("authorization_not_found", &[404], "No authorization with this id belongs to your client.", "List them with GET /authorizations."),
    code("authorization_not_open", &[409], "The authorization is already declined, reversed, expired or fully cleared, so it cannot be changed any more.", "Read it to see its status. A posted amount can only be refunded."),
    code("billing_amount_mismatch", &[400], "The amount is already in the card's currency, and billingAmount or rate contradicts it.", "Leave billingAmount and rate out, or send the same amount and the rate 1."),
    code("body_incomplete", &[400], "The connection ended before the whole body had arrived.", "Send the request again, with the same Idempotency-Key."),
    code("body_too_large", &[413], "The body is larger than this call takes: 1 MiB, more only for uploads of documents.", "Send less. For documents, each file may have up to 10 MiB."),
    code("bounds_exceeded", &[403], "A key or token would be valid for longer, or from other networks, than the one that creates or rotates it. The message names the bound.", "Send an earlier expiry or narrower networks, or use a key without the bound."),
    code("brand_not_available", &[422], "The card's program has no range of numbers for the brand, so it cannot issue such a card.", "Use a brand that it has, or add a range to its numberRanges with PUT /programs/{programId}."),
    code("card_already_activated", &[409], "The card was activated before.", "Nothing to do; the card is ready."),
    code("card_canceled", &[409], "The card is canceled, which is final: it cannot be changed, funded, revealed or reopened.", "Issue a new card with POST /cards, or use the one that replaced it."),
    code("card_frozen_by_client", &[403], "A token restricted to a card holder or card can only unfreeze what was frozen with such a token. This card was frozen, or created inactive, with an API key.", "Unfreeze it from your server with an API key, if it may be used again."),
    code("card_holder_erased", &[409], "The card holder's personal data was erased. The rest is needed by the ledger and cannot be changed.", "Create a new card holder."),
    code("card_holder_in_use", &[409], "The card holder has cards that are not canceled, so their data cannot be erased yet.", "Cancel the cards first."),
    code("card_holder_inactive", &[422], "Only an active card holder gets a card.", "Activate the card holder with PUT /card-holders/{cardHolderId}, or name another."),
    code("card_holder_not_found", &[404], "No card holder with this id belongs to your client.", "Check the id, or list them with GET /card-holders."),
    code("card_holder_unverified", &[422], "This server issues cards only to verified card holders, and this one is not verified yet.", "Upload their documents and have them reviewed; see kyc.required_for in the configuration."),
    code("card_not_activated", &[409], "A physical card must be activated before it can be used.", "Call POST /cards/{cardId}/activate when the card holder has received the card."),
    code("card_not_found", &[404], "No card with this id, or with this number, belongs to your client.", "Check the id, or list cards with GET /cards."),
    code("changed_meanwhile", &[409], "The object changed while the request was processed.", "Send the request again."),
    code("check_digits_invalid", &[400], "A bank number such as an IBAN or routing number fails its own check digits, so at least one character is mistyped.", "Correct the number; the field is named in error.fields."),
    code("client_disabled", &[401], "The client that this credential belongs to is disabled.", "The operator of this server can enable it again with paygen clients enable."),
    code("client_mismatch", &[403], "The body names another client than the one the credential belongs to.", "Leave client out: it is taken from the credential."),
    code("client_not_found", &[404], "The client does not exist.", "Check the id with paygen clients list."),
    code("clock_backwards", &[400], "Business time only moves forward, and the requested instant is in the past.", "Read the clock first, and move it to a later instant."),
    code("clock_shared", &[409], "The sandbox has other active clients, whose keys, cards and holds end by the same clock.", "Start the sandbox with `PAYGEN_SHARED_CLOCK=true` to allow it, or use a sandbox of your own."),
    code("clock_too_far", &[400], "The test clock stops at the end of the year 2200.", "Choose an earlier instant, or start a fresh sandbox."),
    code("contended", &[503], "Other requests keep changing the same object at this moment. Nothing was done.", "Wait as Retry-After says and repeat with the same Idempotency-Key."),
    code("content_encoding_unsupported", &[415], "The body is compressed or otherwise encoded, and this server reads bodies as they are.", "Send the body without Content-Encoding. The header Accept-Encoding of the answer says the same."),
    code("credential_ambiguous", &[401], "The request carries two different credentials: an API key and a bearer token, or one of them twice. So it is unclear for whom it acts.", "Send one of them. The same credential in two places is fine."),
    code("credential_bound", &[403], "The bearer token is restricted to one card holder or card and cannot make this call.", "Call from your server with an API key."),
    code("credential_expired", &[401], "The API key or bearer token has passed its expiry.", "Create a new token with POST /auth/tokens, or rotate the key before it expires."),
    code("credential_malformed", &[401], "The Authorization header is not `Bearer` followed by a token, or a credential is given twice.", "Send `Authorization: Bearer <token>`, or the API key in x-api-key."),
    code("credential_missing", &[401], "The request carries no credential.", "Send an API key in the header x-api-key, or a bearer token in Authorization."),
    code("credential_revoked", &[401], "The API key or token was revoked.", "Use another credential. The audit log shows who revoked it."),
    code("credential_unknown", &[401], "The API key or token is not known to this server: it is mistyped, truncated, or from another environment.", "Check the value and that it belongs to this server."),
    code("credit_limit_not_allowed", &[400], "A credit limit was given for an account that is not of type credit.", "Leave creditLimit out, or open an account of type credit."),
    code("credit_not_allowed", &[422], "The account cannot be credited: its canCredit is false.", "Set canCredit to true, or use another account."),
    code("currency_mismatch", &[422], "Money moves only within one currency, and the two sides keep different ones.", "Use accounts and cards of the same currency."),
    code("currency_not_supported", &[422], "The payment is in another currency than the card, and no exchange rate is known.", "Send billingAmount or rate with the message, or configure the rate under [[program.rates]]."),
    code("currency_unknown", &[400], "The code is not a currency of that category.", "Use an ISO 4217 code such as USD for fiat; USDC, USDT or BTC for crypto."),
    code("debit_not_allowed", &[422], "The account cannot be debited: its canDebit is false.", "Set canDebit to true, or use another account."),
    code("default_program", &[409], "Cards that are issued without a programId belong to the client's first program, so it cannot be archived.", "Change its settings instead, or name another program when you issue cards."),
    code("document_not_found", &[404], "The card holder has no document with this id.", "List documents with GET /card-holders/{cardHolderId}/documents."),
    code("document_replaced", &[409], "A later upload replaced this document, so a review would have no effect.", "Review the current document instead."),
    code("documents_unavailable", &[503], "The document store cannot be reached.", "Wait as Retry-After says and try again. Operators: check documents_url."),
    code("event_not_found", &[404], "No event with this id belongs to your client.", "List events with GET /events."),
    code("exception_not_found", &[404], "No exception with this id belongs to your client.", "List them with GET /exceptions."),
    code("exception_resolved", &[409], "This exception is resolved already.", "Nothing to do."),
    code("expiry_in_past", &[400], "expiresAt lies in the past, so the credential would never work.", "Send a later instant, or leave it out."),
    code("fallback_required", &[400], "onSilence is rules, but the fallback has no rule: everything would be approved while the responder is silent.", "Set at least one rule in fallback, or say so with onSilence approve."),
    code("file_invalid", &[400], "An uploaded file is not a complete JPEG, PNG or PDF, or not of its declared type.", "Send the original file, with its own media type or none."),
    code("file_too_large", &[413], "An uploaded file is larger than 10 MiB.", "Send a smaller file, for example a photo at a lower resolution."),
    code("funding_mode_mismatch", &[422], "Cards of fundingMode on_demand spend from their account directly and hold no money of their own, so there is nothing to fund or withdraw.", "Fund the account instead, or issue a prefunded card."),
    code("header_repeated", &[400], "A header was sent more than once, with different values. A proxy could use one and this server another.", "Send the header once. A proxy that adds it has to replace what the caller sent."),
    code("idempotency_key_invalid", &[400], "The Idempotency-Key is empty, longer than 255 characters, or has characters that are not printable ASCII.", "Send 1 to 255 printable ASCII characters; a UUID is a good choice."),
    code("idempotency_key_reused", &[409], "The Idempotency-Key was used before for a different request, or with another credential. The first answer could hide a mistake, or reveal what this credential may not see. Nothing was done.", "Use a new key for each new request, and the same key only to retry the same request with the same credential. After a change of credentials, check whether the first request took effect."),
    code("if_match_invalid", &[400], "If-Match is not an ETag as this API sends it.", "Send the ETag header of your last read unchanged, such as \"3\"."),
    code("if_match_required", &[400], "A change of the balance must name the version that it is based on.", "Read the account, and send its ETag in If-Match."),
    code("insufficient_funds", &[422], "The account has less available than is needed. Available is the ledger balance, less what is held, plus a credit limit.", "Fund the account or send a smaller amount. GET /accounts/{accountId}/balance?explain=true says what is held and why."),
    code("internal_error", &[500], "An internal error. The answer contains no details because they could reveal confidential data.", "Retry with the same Idempotency-Key. If the error persists, look for the requestId in the server's log."),
    code("invalid_id", &[400], "The id in the path is not 24 lowercase hexadecimal characters.", "Check that the whole id was copied, and that no placeholder is left in the path."),
    code("last_owner", &[409], "The user is the only active owner of the client. Without one, nobody could give every role.", "Make another user an owner who signs in, then repeat. Operators can change the last one with paygen users."),
    code("limits_in_currency", &[400], "The account has spending limits, whose amounts are in its currency, and the currency would change without them.", "Send spendingLimits in the same call, in the new currency; null removes them."),
    code("loosens_program", &[400], "The card's spending controls allow more than its program, which does not permit that (canLoosen is false). Every such field is named.", "Send tighter controls, issue the card under another program, or set canLoosen on the program."),
    code("malformed_form", &[400], "The body is not readable as multipart/form-data.", "Let your HTTP library build the form and its content-type header with the boundary."),
    code("malformed_json", &[400], "The body is not valid JSON. The message says where reading stopped.", "Fix the syntax; usual causes are a trailing comma, single quotes, or an unescaped quote in a shell."),
    code("malformed_request", &[400], "The request is ambiguous: where it ends, or which host it is for. The message says what is wrong. The connection is closed.", "Send Content-Length or Transfer-Encoding, not both; end lines of the head with CR LF; send one Host header; send a PUT without Content-Range."),
    code("method_not_allowed", &[405], "The path exists, but not with this method.", "See the Allow header for the methods it has."),
    code("minimum", &[400], "The amount is below the smallest this call takes. The message names it.", "Send at least the minimum."),
    code("more_than_owed", &[422], "The card is canceled, and can only be funded up to the amount it owes.", "Fund at most the amount that the message names."),
    code("no_free_card_number", &[409], "All generated card numbers were already in use.", "Try again. If this happens often, the configured ranges are nearly exhausted: add one."),
    code("no_webhook", &[409], "No enabled webhook endpoint is subscribed to this type of event, so the event cannot be sent.", "Create or enable an endpoint that is subscribed to the type."),
    code("not_refundable", &[422], "A transaction of this type cannot be refunded; a refund, for example.", "Refund the purchase itself."),
    code("not_requester", &[403], "Only who asked for an approval can cancel it, or make its call.", "Use the credential or user that was answered 202."),
    code("nothing_to_clear", &[409], "The authorization has no outstanding amount, so the amount to clear has no default.", "Send the amount."),
    code("number_range_taken", &[409], "Card numbers of a range belong to one program. Another program, perhaps of another client, has numbers of this one.", "Choose another prefix. Ranges of the server's settings may be used by all programs, exactly as they are there."),
    code("overloaded", &[503], "More requests are waiting, or more bytes of bodies or answers are in memory, than the server accepts in total or from you. Nothing was done.", "Wait as Retry-After says and repeat with the same Idempotency-Key. Send fewer large bodies at a time, read answers faster, and ask for less in one."),
    code("own_approval", &[403], "Nobody approves what they asked for themselves, or what an API key of theirs asked for.", "Ask another user with approvals:write and the scope of the action."),
    code("own_user", &[409], "A user tried to change their own role, status or link. Nobody gives themselves more, or locks themselves out.", "Ask another owner or admin. Your own password and second factor are on your profile in the console."),
    code("payment_reference_used", &[409], "The paymentReference was used before. A reference can be used once per client, ever, so that no payment is made twice.", "If this is a retry, the first request took effect: read the card. Otherwise use a new reference."),
    code("personal_data_masked", &[403], "The role of the user sees personal data masked, and opens no documents.", "Ask somebody in operations, or an owner for another role."),
    code("pin_block_invalid", &[422], "The block does not decrypt to a PIN of four digits for this card's number.", "Build an ISO 9564-1 format 0 block with this card's number, encrypted under the zone PIN key."),
    code("pin_not_set", &[409], "The card has no PIN, so there is none to be unblocked.", "Set one with PUT /cards/{cardId}/pin."),
    code("program_archived", &[409], "The program is archived, so it issues no further cards. Its cards go on working.", "Name another program, or activate this one with PUT /programs/{programId}."),
    code("program_invalid", &[400], "Two settings of the program contradict each other; the message says which.", "Change one of them in the same call."),
    code("program_mismatch", &[422], "The program issues only cards of one brand, currency or funding mode, and this is another one. The message names it.", "Leave the field out or send what the program has, or name another program."),
    code("program_not_found", &[404], "No card program with this id belongs to your client.", "Check the id, or list programs with GET /programs."),
    code("proof_refused", &[403], "The one-time link or code was used before, or its time is over.", "Ask for a new link with POST /users/{userId}/link, or enter the next code of your authenticator."),
    code("query_too_broad", &[503], "The list took longer than list_timeout_ms.", "Narrow it with a filter, ask for fewer rows, or page with a cursor."),
    code("question_answered", &[409], "The question was answered before: the first answer counts.", "Nothing to do. GET /responders/{responderId}/calls shows what was answered."),
    code("question_closed", &[409], "The answer came too late: a question of a test or an increment ends at its deadline, one about an authorization 5 seconds later.", "Answer before deadlineAt, or give the responder more time with timeoutMs."),
    code("question_not_found", &[404], "The responder has no question with this callId.", "Send the callId of a responder.question event of this responder."),
    code("rate_limited", &[429], "The key, all keys of its client together, or the address of unknown credentials or reveal tokens, exceeded its rate limit.", "Wait as Retry-After says. Spread calls out, and follow events instead of polling."),
    code("read_only_field", &[400], "The field is shown but cannot be set, and the value sent differs from the stored one.", "Leave it out, or send it exactly as it was read."),
    code("reads_busy", &[503], "The client has too many lists or other reads in progress, and the request timed out while it waited for one of them to end.", "Ask for fewer things at once, narrow slow lists with a filter, and try again after the seconds of `Retry-After`."),
    code("refund_reversed", &[409], "The refund is already reversed.", "Nothing to do."),
    code("request_timeout", &[503], "The request took longer than request_timeout_seconds. Whether it took effect is not known to the caller.", "Repeat it with the same Idempotency-Key: it takes effect once."),
    code("resolution_mismatch", &[400], "The resolution does not fit the exception: type unpriced requires a rate or billingAmount, an amount in suspense an accountId, others only a note.", "Send only the fields that the message names."),
    code("responder_has_url", &[409], "The responder has a URL, which answers its questions itself.", "Answer there, or remove the URL in a sandbox with PUT /responders/{responderId}."),
    code("responder_not_found", &[404], "No responder with this id belongs to your client.", "List them with GET /responders."),
    code("retention_not_over", &[409], "The retention period of the card holder's data is not over. The message names its end.", "Erase it after that day."),
    code("reveal_token_expired", &[403], "The reveal token has expired.", "Create a new one with POST /cards/{cardId}/token shortly before it is used."),
    code("reveal_token_mismatch", &[403], "The reveal token is for another use, such as the hosted page, or for another origin.", "Create a token with the purpose and origin you need."),
    code("reveal_token_unknown", &[404], "The token is not one of this card.", "Create one with POST /cards/{cardId}/token and use it for the same card."),
    code("reveal_token_used", &[409], "A reveal token can be used once, and this one was used.", "Create a new token for each reveal."),
    code("reversal_too_large", &[422], "The amount exceeds what is not reversed yet.", "Reverse at most the amount that the message names."),
    code("role_exceeded", &[403], "A role can be given, and who has it can be changed, only by who has all of its scopes. The message names the scopes that are missing.", "Choose a smaller role, or ask somebody who has these scopes. GET /roles lists the scopes of each role."),
    code("route_not_found", &[404], "No call of the API has this path. The message names the nearest one.", "Compare the path with the API reference. Simulator calls exist in the sandbox only."),
    code("same_account", &[400], "fromAccountId and toAccountId are the same account.", "Name two accounts."),
    code("scope_missing", &[403], "The credential does not have the scope this call needs. The message names it.", "Use a key with the scope. A key's scopes cannot be changed: create another key."),
    code("scopes_exceeded", &[403], "A key or token cannot grant scopes that it does not have itself.", "Request fewer scopes, or use a key that has them."),
    code("sign_in_locked", &[403], "There were ten tries to sign in without a success, so signing in is locked for 30 minutes.", "Wait until the time in the message. If it was not you, tell the owner of your client: the audit log has the addresses."),
    code("stopping", &[503], "This server is shutting down. Nothing was done.", "Repeat with the same Idempotency-Key; a load balancer sends it to another server."),
    code("store_unavailable", &[503], "The database cannot be read or written at this moment.", "Repeat with the same Idempotency-Key after Retry-After. Operators: see the log for the cause."),
    code("token_not_found", &[404], "No bearer token with this id belongs to your client.", "Check the id returned by POST /auth/tokens."),
    code("too_many_api_keys", &[422], "The client has reached the maximum number of working API keys.", "Revoke keys that are not used, or rotate with overlapSeconds 0."),
    code("too_many_approvals", &[409], "As many approvals of the client (1,000) or of the requester (200) wait as may.", "Decide or cancel some of them first."),
    code("too_many_connections", &[503], "The address has reached max_connections_per_address, its maximum number of open connections.", "Use fewer connections, and keep them open between requests. Add the addresses of your own proxies to trusted_proxies, which are exempt."),
    code("too_many_increments", &[409], "The authorization has reached the maximum number of increments.", "Request a new authorization for the rest."),
    code("too_many_parts", &[400], "The form has more parts than any call reads.", "Send only the documented fields."),
    code("too_many_responders", &[422], "The client has reached the maximum number of responders.", "Delete a responder that is not used, or give one responder a wider scope."),
    code("too_many_streams", &[429, 503], "The client (429) or the server in total (503) has reached its maximum number of open event streams.", "Close streams that are not read, or read several types over one stream."),
    code("too_many_webhooks", &[422], "The client has reached the maximum number of webhook endpoints.", "Delete an endpoint that is not used, or subscribe one endpoint to more types."),
    code("transaction_not_found", &[404], "No transaction with this id belongs to your client.", "List them with GET /transactions."),
    code("transfer_encoding_unsupported", &[501], "The body has a transfer coding other than chunked.", "Send Transfer-Encoding: chunked or Content-Length, and the body as it is."),
    code("transfer_not_found", &[404], "No transfer with this id belongs to your client.", "List them with GET /transfers."),
    code("unsupported_media_type", &[415], "The body is of a type that this call does not read.", "Send JSON with the header content-type: application/json; documents as multipart/form-data."),
    code("user_exists", &[409], "Somebody with this e-mail address has a role in your client already.", "Find them with GET /users and change their role with PUT /users/{userId}, or give them a new link."),
    code("user_not_found", &[404], "No user with this id has a role in your client.", "List users with GET /users."),
    code("user_of_platform", &[403], "The user has a role for every client of the installation, which no single client changes.", "Ask the operator, who changes it with paygen users."),
    code("user_shared", &[403], "The user also has a role in another client. What they sign in with, their name and their status take effect there, too.", "Change or remove their role in your client, or ask the operator, who has paygen users."),
    code("validation_failed", &[400], "One or more fields or parameters are invalid. error.fields names each of them, with what is expected.", "Correct all fields in error.fields; its codes are explained below."),
    code("validity_invalid", &[400], "validFrom, validUntil and the card's expiry contradict each other.", "validFrom must be before validUntil, and both before the expiry."),
    code("verification_with_amount", &[400], "An account_verification checks a card and moves no money, so its amount is 0.", "Send amount 0, or another type."),
    code("version_mismatch", &[412], "The object was changed since you read it: If-Match names an older version.", "Read it again, decide again, and send the new ETag."),
    code("webhook_disabled", &[409], "The endpoint is disabled, so nothing is sent to it.", "Enable it first with PUT /webhooks/{webhookId}."),
    code("webhook_not_found", &[404], "No webhook endpoint with this id belongs to your client.", "List them with GET /webhooks."),
    code("zone_pin_key_missing", &[422], "Encrypted PIN blocks need a zone PIN key, and this server has none.", "Set PAYGEN_ZONE_PIN_KEY, or send the PIN as pin in the sandbox."),
];

/// The codes of invalid fields.
#[rustfmt::skip]
pub const FIELD_CODES: &[FieldCode] = &[
    field("amount", "Not an amount: a plain decimal number such as 12.5, without exponent."),
    field("card_number", "Contains a card number. Card numbers are stored in the vault only; refer to the card by its id."),
    field("category", "Not an assigned merchant category code, nor the name of a group of them."),
    field("choice", "Not one of the values allowed; the message lists them."),
    field("cidr", "Not a network, such as 203.0.113.0/24."),
    field("clear_pin", "A clear PIN is accepted in the sandbox only; send pinBlock."),
    field("contradiction", "Contradicts another field with the same meaning, or lists the same value as allowed and blocked."),
    field("control_character", "Contains control characters."),
    field("country", "Not a country; ISO 3166-1 codes such as US."),
    field("currency", "Not a currency that is allowed here."),
    field("date", "Not a date; YYYY-MM-DD."),
    field("decimals", "More decimals than the currency has."),
    field("digits", "Not the required number of digits."),
    field("dry_run", "Is not compared in a dry run, because wrong tries are counted."),
    field("duplicate", "Occurs twice in the list."),
    field("email", "Not an e-mail address."),
    field("encoding", "Not percent-encoded UTF-8; a percent sign is written %25."),
    field("exclusive", "Cannot be combined with another parameter or field; the message names it."),
    field("id", "Not an id: 24 lowercase hexadecimal characters."),
    field("instant", "Not an instant in ISO 8601, such as 2026-04-23T10:00:00Z."),
    field("invalid", "Not a value of this parameter; the message describes it."),
    field("invalid_cursor", "Not a cursor of this list. Take it from meta.nextCursor, and do not change sort and filter."),
    field("length", "Too short or too long; the message names the bounds."),
    field("malformed", "A part of a form that cannot be read."),
    field("max_length", "Too long; the message names the bound."),
    field("maximum", "Above the maximum."),
    field("min_length", "Too few visible characters; the message names the bound."),
    field("one_of", "Exactly one of several fields is required; the message names them."),
    field("only_with_cancellation", "Allowed only with status canceled."),
    field("origin", "Not an origin, such as https://shop.example.com."),
    field("pan", "Not a card number: wrong length or check digit."),
    field("phone", "Not a phone number with its country, such as +12125550198."),
    field("pin", "Not a PIN: four digits, in quotes."),
    field("prefix", "Not the beginning of a card number: 6 to 11 digits, at least 4 fewer than a number has, of the brand's network."),
    field("range", "Outside the range that the message names."),
    field("repeated", "Sent twice."),
    field("required", "Missing."),
    field("time_zone", "Not a time zone of the IANA database, such as Africa/Lagos."),
    field("type", "Wrong JSON type; the message names the expected one."),
    field("unknown_field", "Not a field of this call. The message names the nearest one."),
    field("unknown_parameter", "Not a parameter of this call. The message names the nearest one; an & inside a filter is written %26."),
    field("unknown_type", "Not a type of event."),
    field("unsupported", "Cannot be used with this call."),
];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::{CODES, FIELD_CODES, find, is_field_code};

    fn sources(directory: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "docs_site" && name != "scenarios") {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("text");
                found.push(text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned());
            }
        }
    }

    /// The string literals that look like codes within the first arguments of every call of a function.
    fn literals(text: &str, call: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (at, _) in text.match_indices(call) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|sign| sign.is_alphanumeric() || sign == '_') && !call.starts_with('.') {
                continue;
            }
            let arguments = &text[at + call.len()..];
            let end = arguments.find(';').unwrap_or(arguments.len());
            let literal = arguments[..end].split('"').skip(1).step_by(2).find(|text| looks_like_a_code(text));
            found.extend(literal.map(str::to_owned));
        }
        found
    }

    fn looks_like_a_code(text: &str) -> bool {
        text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }

    /// The source of every crate that answers errors.
    fn server() -> String {
        let mut found = Vec::new();
        for name in ["api", "app", "server"] {
            sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src"), &mut found);
        }
        found.join("\n")
    }

    fn core(path: &str) -> String {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("text")
    }

    /// The status of each refusal's code, read from the two tables in the source.
    fn refusals() -> BTreeMap<String, BTreeSet<u16>> {
        let files = ["refusal", "people/refusal", "approvals/refusal", "cards/reveal_refusal"];
        let texts = files.map(|file| core(&format!("../core/src/{file}.rs")));
        let codes = texts.iter().filter_map(|text| text.split("pub fn code(").nth(1)?.split("pub fn ").next());
        // Such as Refusal::CardNotFound and PersonRefusal::NotFound.
        let code_of: BTreeMap<String, &str> = codes
            .flat_map(str::lines)
            .filter_map(|line| {
                let (of, variant) = line.trim().split_once("Refusal::")?;
                let name = variant.split(|sign: char| !sign.is_alphanumeric()).next()?;
                Some((format!("{of}Refusal::{name}"), variant.split('"').nth(1)?))
            })
            .collect();
        let statuses = core("../api/src/refusals.rs");
        let statuses = statuses.split_once("match refusal {").and_then(|(_, rest)| rest.split("impl From").next());
        let mut found: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
        let mut variants = Vec::new();
        for word in statuses.expect("statuses").split_whitespace() {
            variants.extend(code_of.get_key_value(word).map(|(name, _)| name));
            let status = match word.split_once("StatusCode::").map(|(_, name)| name.trim_end_matches(',')) {
                None => continue,
                Some("NOT_FOUND") => 404,
                Some("PRECONDITION_FAILED") => 412,
                Some("FORBIDDEN") => 403,
                Some("BAD_REQUEST") => 400,
                Some("CONFLICT") => 409,
                Some("UNPROCESSABLE_ENTITY") => 422,
                Some(other) => panic!("{other}: teach the test this status"),
            };
            for name in variants.drain(..) {
                found.entry(code_of[name].to_owned()).or_default().insert(status);
            }
        }
        assert_eq!(found.values().map(BTreeSet::len).sum::<usize>(), found.len(), "each code has one status");
        assert!(code_of.values().all(|code| found.contains_key(*code)), "every rule has a status");
        found
    }

    #[test]
    fn every_code_of_the_source_is_explained_and_no_other() {
        let text = server();
        let mut used: BTreeSet<String> = refusals().into_keys().collect();
        for call in ["Problem::new(", "busy(", "refused(", "unauthorized("] {
            used.extend(literals(&text, call));
        }
        let listed: BTreeSet<String> = CODES.iter().map(|entry| entry.code.to_owned()).collect();
        assert_eq!(used.difference(&listed).collect::<Vec<_>>(), [""; 0], "not explained in the catalogue");
        assert_eq!(listed.difference(&used).collect::<Vec<_>>(), [""; 0], "explained, but never answered");
        for (code, status) in refusals() {
            let entry = find(&code).expect("an entry");
            assert_eq!(entry.status.iter().copied().collect::<BTreeSet<u16>>(), status, "{code}");
        }
    }

    #[test]
    fn every_code_of_a_field_is_explained() {
        let text = server();
        let missing: BTreeSet<String> = ["FieldProblem::new(", "fault(", ".fault(", "wrong("]
            .iter()
            .flat_map(|call| literals(&text, call))
            .filter(|code| !is_field_code(code))
            // Names of parameters and fields precede the code.
            .filter(|code| {
                ![
                    "filter", "query", "cursor", "sort", "search", "populate", "types", "token", "at", "bearer",
                    "proposed",
                ]
                .contains(&code.as_str())
            })
            .collect();
        assert_eq!(missing, BTreeSet::new(), "not explained in the catalogue");
    }

    #[test]
    fn the_catalogue_is_in_order() {
        assert!(CODES.windows(2).all(|two| two[0].code < two[1].code));
        assert!(FIELD_CODES.windows(2).all(|two| two[0].code < two[1].code));
        for entry in CODES {
            assert!(entry.meaning.ends_with('.') && entry.fix.ends_with('.'), "{}", entry.code);
        }
    }
}
