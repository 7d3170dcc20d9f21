//! Deciding again: every kept decision is made anew from what it was made on, and compared with what it came to.

use crate::authorizations::{Authorization, Decided, DecisionOutcome, RULES_VERSION, decide};
use crate::ids::{AuthorizationId, ClientId};

/// A decision that would be another one now, or an authorization that says something else than its decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Whose.
    pub client: ClientId,
    /// Which authorization.
    pub authorization: AuthorizationId,
    /// The rules it was decided under.
    pub rules_version: i64,
    /// What is kept, as JSON.
    pub kept: String,
    /// What it comes to now, as JSON.
    pub now: String,
}

/// How many were looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// How many authorizations.
    pub authorizations: u64,
    /// How many decisions: those about more are decisions of their own.
    pub decisions: u64,
    /// How many of them were approved, in part too.
    pub approved: u64,
    /// How many were declined.
    pub declined: u64,
    /// How many were made under another version of the rules.
    pub other_rules: u64,
    /// How many differ under the rules they were made under: there must be none.
    pub differing: u64,
    /// How many differ because the rules changed since.
    pub changed: u64,
}

impl Replay {
    /// Decides an authorization's decisions again; tells what differs.
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

    /// What the authorization itself says must be what its decisions came to. What somebody else decided is theirs.
    fn beside(&mut self, at: &Authorization) -> Option<Difference> {
        if at.stand_in {
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

/// What a decision came to, byte for byte as it is kept.
fn came_to(decided: &Decided) -> String {
    let Decided { outcome, reason, approved, fee, .. } = decided;
    serde_json::json!({"outcome": outcome, "reason": reason, "approved": approved, "fee": fee}).to_string()
}
