//! Replay: every stored decision is made again from its facts and compared with its stored result.

use crate::authorizations::{Authorization, Decided, DecisionOutcome, RULES_VERSION, decide};
use crate::ids::{AuthorizationId, ClientId};

/// A decision whose result would differ today, or an authorization that contradicts its decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub client: ClientId,
    pub authorization: AuthorizationId,
    pub rules_version: i64,
    /// The stored result, as JSON.
    pub kept: String,
    /// Today's result, as JSON.
    pub now: String,
}

/// The counts of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    pub authorizations: u64,
    /// Including increments.
    pub decisions: u64,
    /// Including partial approvals.
    pub approved: u64,
    pub declined: u64,
    /// Decisions made under another version of the rules.
    pub other_rules: u64,
    /// Differences under the same version of the rules. There must be none.
    pub differing: u64,
    /// Differences under another version of the rules.
    pub changed: u64,
}

impl Replay {
    /// Replays the decisions of an authorization and returns the differences.
    pub fn look(&mut self, at: &Authorization) -> Vec<Difference> {
        self.authorizations += 1;
        let mut found: Vec<Difference> = at.decided.iter().filter_map(|decided| self.again(at, decided)).collect();
        found.extend(self.beside(at));
        found
    }

    fn again(&mut self, at: &Authorization, decided: &Decided) -> Option<Difference> {
        self.decisions += 1;
        match decided.outcome {
            DecisionOutcome::Declined => self.declined += 1,
            DecisionOutcome::Approved | DecisionOutcome::PartiallyApproved => self.approved += 1,
        }
        let same_rules = decided.rules_version == RULES_VERSION;
        self.other_rules += u64::from(!same_rules);
        let decision = decide(&decided.facts, &decided.request);
        let again = Decided::of(decided.facts.clone(), decided.request.clone(), &decision);
        let (kept, now) = (came_to(decided), came_to(&again));
        if kept == now {
            return None;
        }
        *(if same_rules { &mut self.differing } else { &mut self.changed }) += 1;
        Some(self.difference(at, decided.rules_version, kept, now))
    }

    /// The authorization must agree with its decisions, unless the network decided, or a responder is still asked.
    fn beside(&mut self, at: &Authorization) -> Option<Difference> {
        if at.stand_in || at.awaits_answer() {
            return None;
        }
        let reason = at.decided.first().and_then(|decided| decided.reason);
        let approved: i64 = at.decided.iter().map(|decided| decided.approved).sum();
        if (at.reason, at.approved) == (reason, approved) {
            return None;
        }
        self.differing += 1;
        let text =
            |reason: &Option<_>, approved| serde_json::json!({"reason": reason, "approved": approved}).to_string();
        Some(self.difference(at, RULES_VERSION, text(&at.reason, at.approved), text(&reason, approved)))
    }

    fn difference(&self, at: &Authorization, rules_version: i64, kept: String, now: String) -> Difference {
        Difference { client: at.client, authorization: at.id, rules_version, kept, now }
    }
}

/// The result of a decision, byte for byte as it is stored.
fn came_to(decided: &Decided) -> String {
    let Decided { outcome, reason, approved, fee, .. } = decided;
    serde_json::json!({"outcome": outcome, "reason": reason, "approved": approved, "fee": fee}).to_string()
}
