//! Approvals, and the policy that asks for them.

use paygen_core::access::Scope;

use super::Resource;
use crate::tables::{ACTION, Action, As, Column, FilterKind, Kind, List, Object, Verb, column, filter, input, part};

const COLUMNS: &[Column] = &[
    column("Action", "action", As::Word),
    column("Status", "status", As::Status),
    column("Call", "method", As::Joined("path", " ")),
    column("Asked by", "requester.type", As::Word),
    column("Needed", "needed", As::Text),
    column("Expires", "expiresAt", As::Time),
    column("Created", "createdAt", As::Time).sorted_by("createdAt"),
];

/// What is offered on the page of an approval.
pub(crate) const ACTIONS: &[&str] =
    &["/approvals/{id}/approve", "/approvals/{id}/run", "/approvals/{id}/reject", "/approvals/{id}/cancel"];

const PENDING: &[(&str, &[&str])] = &[("status", &["pending"])];

const RULES_HELP: &str = "JSON, such as [{\"action\": \"transfer.create\", \"above\": \"1000\", \"needed\": 1}]. Actions: \
    account.adjust, account.close, transfer.create, card.fund, limits.change, card.unblock, program.change, \
    responder.change, exception.resolve, user.role, api_key.create, approval_policy.change.";

pub(crate) const RESOURCE: Resource = Resource {
    lists: &[List {
        path: "/approvals",
        api: "/approvals",
        scope: Scope::ApprovalsRead,
        title: "Approvals",
        lead: "What somebody asked for and others have to approve.",
        noun: ("approval", "approvals"),
        columns: COLUMNS,
        filters: &[
            filter("status", "Status", FilterKind::Words(paygen_core::approvals::ApprovalStatus::WORDS)),
            filter("action", "Action", FilterKind::Words(paygen_core::approvals::ApprovalAction::WORDS)),
        ],
        row: "/approvals/{_id}",
        actions: &["/approval-policy/change"],
        empty: "Nothing waits. The policy says which actions nobody does alone; without rules, everything is done alone.",
        csv: false,
    }],
    objects: &[Object {
        path: "/approval-policy",
        api: "/approval-policy",
        scope: Scope::ApprovalsRead,
        list: ("/approvals", "Approvals"),
        heading: &[],
        noun: "Approval policy",
        badge: "",
        parts: &[part("What nobody does alone", &[column("Rules", "rules", As::Json)])],
        beside: &[],
        actions: &["/approval-policy/change"],
    }],
    actions: &[
        Action {
            path: "/approval-policy/change",
            method: Verb::Put,
            api: "/approval-policy",
            scope: Scope::UsersWrite,
            title: "Change the policy",
            lead: "Which actions need others, from which amount on, and how many people.",
            submit: "Save",
            fresh: true,
            inputs: &[input("rules", "Rules", Kind::Json).required().help(RULES_HELP)],
            of: "/approval-policy",
            then: "/approval-policy",
            ..ACTION
        },
        Action {
            path: "/approvals/{id}/approve",
            api: "/approvals/{id}/approve",
            scope: Scope::ApprovalsWrite,
            title: "Approve",
            lead: "When enough people have approved it, it is done at once, as asked.",
            submit: "Approve",
            fresh: true,
            inputs: &[input("note", "Note", Kind::Text)],
            then: "/approvals/{id}",
            when: PENDING,
            ..ACTION
        },
        Action {
            path: "/approvals/{id}/reject",
            api: "/approvals/{id}/reject",
            scope: Scope::ApprovalsWrite,
            title: "Reject",
            submit: "Reject",
            danger: true,
            inputs: &[input("note", "Why", Kind::Text).required()],
            then: "/approvals/{id}",
            when: PENDING,
            ..ACTION
        },
        Action {
            path: "/approvals/{id}/cancel",
            api: "/approvals/{id}/cancel",
            scope: Scope::ApprovalsRead,
            title: "Give it up",
            lead: "Only who asked for it can.",
            submit: "Cancel the request",
            danger: true,
            then: "/approvals/{id}",
            when: PENDING,
            ..ACTION
        },
    ],
};
