//! Who owns which numbers: a range belongs to one program, or all programs share it because the settings have it.

use std::collections::BTreeSet;

use crate::ids::{ClientId, Id, ProgramId};
use crate::programs::record::{NumberRange, RangeClaim, RangeRegister};
use crate::refusal::{Refusal, Stop};
use crate::verb::Verb;
use crate::work::Work;

fn register(work: &mut Work, bin: &str) -> Result<RangeRegister, Stop> {
    let found = work.range_registers.get_for_update(RangeRegister::key_of(bin))?;
    Ok(found.map_or_else(|| RangeRegister { bin: bin.to_owned(), claims: Vec::new() }, |known| (*known).clone()))
}

/// Notes a range of the settings, which all programs may have. Not one of which a program has numbers: it stays that
/// program's. Returns whether the range is shared.
pub(super) fn share(work: &mut Work, range: &NumberRange) -> Result<bool, Stop> {
    let mut register = register(work, range.bin())?;
    let is_shared = |claim: &RangeClaim| claim.prefix == range.prefix && claim.owner.is_none();
    if register.claims.iter().any(is_shared) {
        return Ok(true);
    }
    if register.claims.iter().any(|claim| claim.owner.is_some() && range.overlaps(&claim.prefix)) {
        return Ok(false);
    }
    register.claims.push(RangeClaim { prefix: range.prefix.clone(), owner: None });
    work.range_registers.put(register);
    Ok(true)
}

/// Notes the ranges of the settings when a server starts. The answer is how many of them belong to a program already, so
/// that other programs cannot have them.
#[derive(Clone, Debug)]
pub struct ShareRanges {
    pub ranges: Vec<NumberRange>,
}

impl Verb for ShareRanges {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, _: &mut Work, _: ClientId) {}

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let mut taken = 0;
        for range in &self.ranges {
            taken += u64::from(!share(work, range)?);
        }
        Ok(taken)
    }
}

/// Gives a program its new ranges in place of the ones before. Refused if another program, of any client, has numbers
/// of one of them.
pub(super) fn take(
    work: &mut Work,
    owner: (ClientId, ProgramId),
    before: &[NumberRange],
    after: &[NumberRange],
) -> Result<(), Stop> {
    let bins: BTreeSet<&str> = before.iter().chain(after).map(NumberRange::bin).collect();
    let (mut taken, mut changed) = (Vec::new(), Vec::new());
    for bin in bins {
        let mut register = register(work, bin)?;
        register.claims.retain(|claim| claim.owner != Some(owner));
        for (at, range) in after.iter().enumerate().filter(|(_, range)| range.bin() == bin) {
            if register.is_taken(range, owner) {
                taken.push((at, range.prefix.clone()));
            } else if !register.claims.iter().any(|claim| claim.prefix == range.prefix) {
                register.claims.push(RangeClaim { prefix: range.prefix.clone(), owner: Some(owner) });
            }
        }
        changed.push(register);
    }
    if !taken.is_empty() {
        taken.sort_unstable();
        return Err(Refusal::RangesTaken { ranges: taken }.into());
    }
    changed.into_iter().for_each(|register| work.range_registers.put(register));
    Ok(())
}

/// Two ranges of one list that have numbers in common, by their places.
pub fn overlapping(ranges: &[NumberRange]) -> Option<(usize, usize)> {
    ranges.iter().enumerate().find_map(|(at, range)| {
        ranges[..at].iter().position(|earlier| range.overlaps(&earlier.prefix)).map(|earlier| (earlier, at))
    })
}
