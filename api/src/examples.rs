//! An example of each error, for the OpenAPI document.

use serde_json::{Value, json};

/// Status, code and sentence.
pub const ERRORS: &[(&str, &str, &str)] = &[
    ("400", "validation_failed", "/amount: is required"),
    ("401", "credential_unknown", "This API key is not known."),
    ("403", "scope_missing", "This needs a scope that the credential does not have."),
    ("404", "card_not_found", "There is no such card for this client."),
    (
        "409",
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request, or with another credential. Use a new key for a new request.",
    ),
    (
        "412",
        "version_mismatch",
        "The object is at version 4, not at the version named in If-Match. Read it again and retry with its present version.",
    ),
    ("413", "body_too_large", "The body is larger than 1048576 bytes."),
    ("415", "unsupported_media_type", "Send the body as JSON, with the header content-type: application/json."),
    ("422", "insufficient_funds", "The account 665f1c4f4a4f4a4f4a4f4a4f has 10 USD available; 25 USD are needed."),
    ("429", "rate_limited", "This API key calls too often. Wait as Retry-After says, then go on."),
    ("500", "internal_error", "Something went wrong on our side. The request's id helps to find out what."),
    ("503", "overloaded", "Too many requests are waiting. Nothing was done; try again shortly."),
];

/// The body of an error of this status.
pub fn of_error(status: &str) -> Option<Value> {
    let (_, code, message) = ERRORS.iter().find(|(of, ..)| *of == status)?;
    let fields = match status {
        "400" => json!([{"pointer": "/amount", "code": "required", "message": "is required"}]),
        _ => json!([]),
    };
    Some(json!({
        "statusCode": status.parse::<u16>().ok()?, "message": message, "data": null,
        "error": {"code": code, "requestId": "0199a3b2-6c1e-7d40-9f5e-3a1c2b4d5e6f", "docs": format!("http://127.0.0.1:4000/docs/errors/{code}"), "fields": fields},
    }))
}

/// The answer of a call that waits for the approval of others.
pub fn of_approval() -> Value {
    json!({
        "statusCode": 202, "message": "Others have to approve this. It is done when they have.",
        "data": {
            "_id": "665f1c4f4a4f4a4f4a4f4a4f", "action": "transfer.create", "status": "pending",
            "requester": {"type": "api_key", "id": "665f1c4f4a4f4a4f4a4f4a40"}, "method": "POST", "path": "/transfers",
            "body": {
                "amount": 2500, "fromAccountId": "665f1c4f4a4f4a4f4a4f4a41", "toAccountId": "665f1c4f4a4f4a4f4a4f4a42",
            },
            "ifMatch": null, "preview": {}, "needed": 1, "decisions": [], "runByRequester": false, "resultStatus": null,
            "resultMessage": null, "expiresAt": "2026-04-30T10:00:00.000Z", "version": 1,
            "createdAt": "2026-04-23T10:00:00.000Z", "updatedAt": "2026-04-23T10:00:00.000Z",
        },
    })
}
