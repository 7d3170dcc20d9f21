//! The actions of a step: each is an API call with the fields it takes.

#[derive(Debug)]
pub struct Action {
    /// Its name in the file.
    pub name: &'static str,
    pub method: &'static str,
    /// The path; `{on}`, `{card}`, `{account}`, `{cardHolder}`, `{responder}` and `{exception}` are replaced by ids.
    pub path: &'static str,
    /// The fields it takes.
    pub fields: &'static [&'static str],
    /// Fields that refer to a name of the scenario, with the field of the call that takes its id when it is not in the
    /// path.
    pub names: &'static [(&'static str, &'static str)],
}

const CARD: (&str, &str) = ("card", "cardId");

const fn action(
    name: &'static str,
    call: (&'static str, &'static str),
    names: &'static [(&'static str, &'static str)],
    fields: &'static [&'static str],
) -> Action {
    Action { name, method: call.0, path: call.1, fields, names }
}

/// Advances the clock; what falls due on the way is done at its own instant.
pub const ADVANCE: &str = "advance";

/// Every action.
pub const ACTIONS: &[Action] = &[
    action(
        "authorize",
        ("POST", "/simulator/authorizations"),
        &[CARD],
        &[
            "card",
            "channel",
            "type",
            "amount",
            "currency",
            "merchant",
            "pin",
            "threeDs",
            "partialAllowed",
            "estimated",
            "billingAmount",
            "rate",
            "riskScore",
            "network",
        ],
    ),
    action(
        "increment",
        ("POST", "/simulator/authorizations/{on}/increment"),
        &[("on", "")],
        &["on", "amount", "partialAllowed"],
    ),
    action("reverse", ("POST", "/simulator/authorizations/{on}/reverse"), &[("on", "")], &["on", "amount"]),
    action(
        "clear",
        ("POST", "/simulator/authorizations/{on}/clear"),
        &[("on", "")],
        &["on", "amount", "final", "billingAmount", "rate", "network"],
    ),
    action("expire", ("POST", "/simulator/authorizations/{on}/expire"), &[("on", "")], &["on"]),
    action("release", ("POST", "/authorizations/{on}/release"), &[("on", "")], &["on", "reason"]),
    action(
        "advise",
        ("POST", "/simulator/advices"),
        &[CARD],
        &["card", "approved", "channel", "type", "amount", "currency", "merchant", "billingAmount", "rate", "network"],
    ),
    action(
        "refund",
        ("POST", "/simulator/refunds"),
        &[("on", "transactionId"), CARD],
        &["on", "card", "amount", "currency", "merchant", "channel", "billingAmount", "rate", "network"],
    ),
    action("reverseRefund", ("POST", "/simulator/refunds/{on}/reverse"), &[("on", "")], &["on"]),
    action(
        "forcePost",
        ("POST", "/simulator/force-posts"),
        &[CARD],
        &["card", "amount", "currency", "merchant", "channel", "billingAmount", "rate", "network"],
    ),
    action(
        "reverseByReference",
        ("POST", "/simulator/reversals"),
        &[],
        &["transactionId", "amount", "currency", "stan", "rrn"],
    ),
    action(
        "resolve",
        ("POST", "/exceptions/{exception}/resolve"),
        &[("account", "accountId")],
        &["card", "type", "note", "account", "rate", "billingAmount"],
    ),
    action(
        "fund",
        ("POST", "/cards/{card}/fund"),
        &[("card", ""), ("account", "debitAccountId")],
        &["card", "account", "amount", "narration"],
    ),
    action(
        "withdraw",
        ("POST", "/cards/{card}/withdraw"),
        &[("card", ""), ("account", "creditAccountId")],
        &["card", "account", "amount", "narration"],
    ),
    action(
        "updateCard",
        ("PUT", "/cards/{card}"),
        &[("card", ""), ("account", "creditAccountId")],
        &["card", "account", "status", "cancellationReason", "metadata", "spendingControls"],
    ),
    action("replaceCard", ("POST", "/cards/{card}/replace"), &[("card", "")], &["card", "reason"]),
    action("terminateCard", ("DELETE", "/cards/{card}"), &[("card", "")], &["card"]),
    action("setPin", ("PUT", "/cards/{card}/pin"), &[("card", "")], &["card", "pin"]),
    action("unblockPin", ("POST", "/cards/{card}/pin/unblock"), &[("card", "")], &["card"]),
    action(
        "updateCardHolder",
        ("PUT", "/card-holders/{cardHolder}"),
        &[("cardHolder", "")],
        &["cardHolder", "status", "spendingLimits", "metadata"],
    ),
    action("fundAccount", ("POST", "/simulator/accounts/{account}/fund"), &[("account", "")], &["account", "amount"]),
    action(
        "updateAccount",
        ("PUT", "/accounts/{account}"),
        &[("account", "")],
        &["account", "name", "status", "canDebit", "canCredit", "creditLimit", "metadata"],
    ),
    action("closeAccount", ("DELETE", "/accounts/{account}"), &[("account", "")], &["account"]),
    action("read", ("GET", "/authorizations/{on}"), &[("on", "")], &["on"]),
    action(
        "updateResponder",
        ("PUT", "/responders/{responder}"),
        &[("responder", "")],
        &["responder", "status", "timeoutMs", "ask", "increments", "onSilence", "fallback"],
    ),
    action(
        "faults",
        ("POST", "/simulator/responders/{responder}/faults"),
        &[("responder", "")],
        &["responder", "delayMs", "status", "garbage", "drop", "percent"],
    ),
    action(ADVANCE, ("POST", "/simulator/clock"), &[], &["by", "to", "timeZone"]),
];

/// Actions that a responder may be asked about.
pub const ASKED: [&str; 2] = ["authorize", "increment"];

pub fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}
