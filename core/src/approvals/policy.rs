//! The policy: which actions need others.

use serde::Serialize;

use super::{ApprovalAction, ApprovalPolicy, ApprovalRule, Ask};
use crate::fields::check_version;
use crate::ids::{ClientId, Id};
use crate::record::Key;
use crate::refusal::Stop;
use crate::table::Access;
use crate::verb::Verb;
use crate::work::Work;

/// Replaces the rules.
#[derive(Clone, Debug)]
pub struct SetApprovalPolicy {
    pub rules: Vec<ApprovalRule>,
    pub if_match: Option<i64>,
}

/// A rule of the policy.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApprovalRule)]
pub struct ApprovalRuleView {
    /// The action.
    pub action: ApprovalAction,
    /// Only amounts above this one, in the currency of the call; null: every amount.
    #[schema(required = true, value_type = Option<String>, example = "1000")]
    pub above: Option<String>,
    /// How many people must approve, besides the one who asks.
    pub needed: i64,
}

/// What nobody does alone.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApprovalPolicy)]
pub struct ApprovalPolicyView {
    /// The rules; empty: everything is done alone.
    #[schema(value_type = Vec<ApprovalRuleView>)]
    pub rules: Vec<ApprovalRuleView>,
    /// Version of the object; 0 before it was set first.
    pub version: i64,
}

impl ApprovalPolicyView {
    pub fn of(policy: Option<&ApprovalPolicy>) -> ApprovalPolicyView {
        let rule = |rule: &ApprovalRule| ApprovalRuleView {
            action: rule.action,
            above: rule.above.map(|above| above.to_string()),
            needed: rule.needed,
        };
        ApprovalPolicyView {
            rules: policy.map_or_else(Vec::new, |policy| policy.rules.iter().map(rule).collect()),
            version: policy.map_or(0, |policy| policy.version),
        }
    }
}

fn key(client: ClientId) -> Key {
    Key::of(client, client.0)
}

impl Verb for SetApprovalPolicy {
    type Answer = ApprovalPolicyView;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.approval_policies.prefetch(key(client), Access::Exclusive);
    }

    fn approvals(&self) -> Vec<Ask> {
        vec![Ask::of(ApprovalAction::PolicyChange)]
    }

    fn run(&self, work: &mut Work) -> Result<ApprovalPolicyView, Stop> {
        let client = work.client();
        let known = work.approval_policies.get_for_update(key(client))?;
        let version = known.map_or(0, |policy| policy.version);
        check_version(self.if_match, version)?;
        let policy = ApprovalPolicy { client, rules: self.rules.clone(), version: version + 1, updated_at: work.now() };
        let view = ApprovalPolicyView::of(Some(&policy));
        work.approval_policies.put(policy);
        Ok(view)
    }
}
