//! The simulation in memory, one command at a time, also crashed before its commit. A failing seed is printed:
//! `PAYGEN_SIMULATION_SEED=n` repeats it, `PAYGEN_SIMULATION_STEPS=n` makes it longer, `PAYGEN_SIMULATION_SEEDS=n` tries more.

use super::Simulation;
use crate::Command;
use crate::clock::AdvanceClock;
use crate::testing::World;

const SEEDS: u64 = 20;
const STEPS: u64 = 1_000;

/// Prints the seed when a check fails.
struct Report(u64, u64);

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("step {}: repeat with PAYGEN_SIMULATION_SEED={}", self.1, self.0);
        }
    }
}

fn step(world: &mut World, simulation: &mut Simulation) {
    if simulation.dice.one_in(30) {
        let to = simulation.now().plus_seconds(i64::try_from(simulation.dice.below(40_000)).expect("small"));
        let committed = world.run_and_tell(Command::AdvanceClock(AdvanceClock { to, offset: None, strict: true })).1;
        simulation.learn(&committed.expect("the clock moves"));
    }
    let command = simulation.draw();
    let crashed = simulation.dice.one_in(4).then(|| format!("{:?}", world.rehearse(command.clone())));
    let (done, committed) = world.run_and_tell(command.clone());
    if let Some(crashed) = crashed {
        assert_eq!(format!("{done:?}"), crashed, "the same again after a crash: {command:?}");
    }
    let imposed = matches!(command, Command::Clear(_) | Command::ForcePost(_) | Command::Refund(_));
    assert!(!imposed || !matches!(done, Err("currency_not_supported")), "refused: {command:?}");
    if let Some(committed) = &committed {
        simulation.learn(committed);
    }
    simulation.note(command, done.as_ref().ok());
    simulation.check();
}

#[test]
fn whatever_happens_the_rules_hold() {
    let set = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = set("PAYGEN_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let seeds = set("PAYGEN_SIMULATION_SEED").map_or(1..=seeds, |seed| seed..=seed);
    let steps = set("PAYGEN_SIMULATION_STEPS").unwrap_or(STEPS);
    for seed in seeds {
        let mut world = World::new();
        let mut simulation = Simulation::new(seed, world.client);
        let mut report = Report(seed, 0);
        for step_number in 0..steps {
            report.1 = step_number;
            step(&mut world, &mut simulation);
            if step_number % 250 == 249 {
                simulation.check_all();
            }
        }
        simulation.check_all();
        simulation.assert_stored(&world.work);
    }
}
