//! Moving the test clock.

use crate::clock::Clock;
use crate::ids::{ClientId, Id};
use crate::refusal::{Refusal, Stop};
use crate::time::Instant;
use crate::verb::Verb;
use crate::work::Work;

/// Moves business time forward to an instant; the sandbox's test clock.
#[derive(Clone, Debug)]
pub struct AdvanceClock {
    /// Where to.
    pub to: Instant,
    /// The offset itself, where the clock is moved by a number of seconds: it is then exact, however long the
    /// command was on its way.
    pub offset: Option<i64>,
    /// Whether an instant that has passed already is an error, or simply nothing to do.
    pub strict: bool,
}

/// Where the clock stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockReading {
    /// Business time.
    pub now: Instant,
    /// Microseconds ahead of wall time.
    pub offset: i64,
}

/// 2200-12-31T23:59:59Z: beyond it, durations and time zones stop being meaningful.
const LAST: Instant = Instant::from_micros(7_289_654_399_000_000);

impl Verb for AdvanceClock {
    type Answer = ClockReading;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<ClockReading, Stop> {
        advance(work, self)
    }
}

/// Advances the clock.
fn advance(work: &mut Work, command: &AdvanceClock) -> Result<ClockReading, Stop> {
    let clock = work.clock.get_for_update(Clock::singleton_key())?.unwrap_or_default();
    let now = work.now();
    if command.to < now && command.strict {
        return Err(Refusal::ClockBackwards { now: now.to_string() }.into());
    }
    if command.to > LAST {
        return Err(Refusal::ClockTooFar.into());
    }
    let ahead = match command.offset {
        Some(offset) => offset - clock.offset,
        None => command.to.micros() - now.micros(),
    };
    if ahead > 0 {
        work.clock.put(Clock { offset: clock.offset + ahead });
    }
    Ok(ClockReading { now: work.now(), offset: clock.offset + ahead.max(0) })
}
