//! Moving the test clock.

use crate::audit::{Audited, Picture};
use crate::clock::Clock;
use crate::ids::{ClientId, Id};
use crate::refusal::{Refusal, Stop};
use crate::time::{Instant, SECOND};
use crate::verb::Verb;
use crate::work::Work;

/// Moves the sandbox's test clock forward to an instant.
#[derive(Clone, Debug)]
pub struct AdvanceClock {
    pub to: Instant,
    /// The new offset, if the clock moves by a number of seconds: the move is then exact, however long the command
    /// waited.
    pub offset: Option<i64>,
    /// Whether an instant in the past is refused instead of ignored.
    pub strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockReading {
    /// Business time.
    pub now: Instant,
    /// Microseconds ahead of wall time.
    pub offset: i64,
}

/// 2200-12-31T23:59:59Z. Beyond it, durations and time zones stop being meaningful.
const LAST: Instant = Instant::from_micros(7_289_654_399_000_000);

impl Audited for Clock {
    const OBJECT: &'static str = "clock";

    fn picture(&self) -> Picture {
        Picture::of(&serde_json::json!({ "offsetSeconds": self.offset / SECOND }))
    }
}

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
        work.put_clock(Clock { offset: clock.offset + ahead });
    }
    Ok(ClockReading { now: work.now(), offset: clock.offset + ahead.max(0) })
}
