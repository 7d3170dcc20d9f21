//! What every command defines: its home, the rows it prefetches, and its rule.

use crate::approvals::Ask;
use crate::ids::{ClientId, Id};
use crate::refusal::Stop;
use crate::work::Work;

/// A command. The implementation stands beside the rule; `commands!` in `command.rs` does not compile without all of
/// it.
pub trait Verb {
    /// The result of the command.
    type Answer;

    /// The object that the command names and acts on. It decides which lane of the engine runs the command.
    ///
    /// Commands with the same home go to the same lane and run in the order in which they were submitted, even if one
    /// of them has to wait for rows. The lane of a card's commands is that of the account that pays, while the
    /// engine remembers it: when it learns of it, commands that are submitted next may overtake those that wait. Between commands with different homes, or without one, only row locks decide the
    /// order.
    ///
    /// An authorization can be named in three ways, and the home follows the way a command uses. Requests, advices and
    /// force posts name the card. Increments, reversals, expiries and releases, and clearings and refunds of a known
    /// object, name the id of the authorization or transaction. Clearings, refunds and reversals that carry only the
    /// network's transaction id have the card as their home if they name one, and no home otherwise. With several
    /// lanes, two commands about one authorization can therefore run in different lanes; both lock its rows, and the
    /// later one reads what the earlier one committed.
    fn home(&self) -> Option<Id>;

    /// Names the rows that are known to be needed, so that a typical command loads its rows in one round trip.
    fn prefetch(&self, work: &mut Work, client: ClientId);

    /// The actions about which a policy can ask others.
    fn approvals(&self) -> Vec<Ask> {
        Vec::new()
    }

    /// The rule. Every refusal comes before the first change.
    fn run(&self, work: &mut Work) -> Result<Self::Answer, Stop>;
}
