//! The program that a client begins with, made of the settings.

use crate::ids::{ClientId, Id};
use crate::programs::ranges::share;
use crate::programs::record::{NumberRange, Program, ProgramSettings, ProgramStatus};
use crate::programs::terms::ProgramTerms;
use crate::record::Key;
use crate::refusal::Stop;
use crate::table::Access;
use crate::time::Instant;
use crate::verb::Verb;
use crate::work::Work;

/// The settings that become a program.
#[derive(Clone, Debug, Default)]
pub struct ProgramSeed {
    pub terms: ProgramTerms,
    pub ranges: Vec<NumberRange>,
}

impl ProgramSeed {
    pub(crate) fn program(&self, client: ClientId, now: Instant) -> Program {
        Program {
            client,
            id: Program::default_of(client),
            name: "Default program".to_owned(),
            status: ProgramStatus::Active,
            settings: ProgramSettings {
                terms: self.terms.clone(),
                ranges: self.ranges.clone(),
                ..ProgramSettings::default()
            },
            event_seq: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Makes the first program of a client that has none: of a database that was made before there were programs.
#[derive(Clone, Debug)]
pub struct SeedProgram {
    pub seed: ProgramSeed,
}

impl Verb for SeedProgram {
    type Answer = u64;

    fn home(&self) -> Option<Id> {
        None
    }

    fn prefetch(&self, work: &mut Work, client: ClientId) {
        work.programs.prefetch(Key::of(client, client.0), Access::Exclusive);
    }

    fn run(&self, work: &mut Work) -> Result<u64, Stop> {
        let client = work.client();
        if work.programs.get_for_update(Key::of(client, client.0))?.is_some() {
            return Ok(0);
        }
        seed_program(work, &self.seed).map(|()| 1)
    }
}

/// Makes the first program of the client in the context. It comes with the client, so no event tells of it.
pub(crate) fn seed_program(work: &mut Work, seed: &ProgramSeed) -> Result<(), Stop> {
    let (client, now) = (work.client(), work.now());
    for range in &seed.ranges {
        share(work, range)?;
    }
    work.programs.put(seed.program(client, now));
    Ok(())
}
