//! What every command says of itself: its home, its rows and its rule.

use crate::ids::{ClientId, Id};
use crate::refusal::Stop;
use crate::work::Work;

/// A command. It is implemented beside its rule, and `commands!` in `command.rs` takes nothing that lacks a part of it.
pub trait Verb {
    /// What the command shows once it is done.
    type Answer;

    /// The object the command is about, as far as the command itself names it.
    ///
    /// Commands with the same home go to one lane of the engine and run in the order in which they came, also when one
    /// of them has to wait for rows. Commands with different homes, or with none, have no order but that of row locks.
    ///
    /// An authorization can be named in three ways, and each command has the home of the way it uses. Requests, advices and
    /// payments without an authorization have their card. What names an authorization or a transaction by its id has that
    /// id: increments, reversals, expiries and releases, clearings and refunds. A clearing, refund or reversal that only
    /// carries the network's transaction id has its card where the message names one, and no home otherwise. So with
    /// several lanes a request and a reversal of one authorization may be in two of them at once; both lock its rows, and
    /// the later one reads what the earlier one committed.
    fn home(&self) -> Option<Id>;

    /// Names the rows known to be needed from the start, so that a typical command loads once.
    fn prefetch(&self, work: &mut Work, client: ClientId);

    /// The rule: every refusal comes before the first change.
    fn run(&self, work: &mut Work) -> Result<Self::Answer, Stop>;
}
