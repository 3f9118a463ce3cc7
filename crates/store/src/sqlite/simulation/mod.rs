//! A farm of three nodes on one thread: bad days by the thousand, each from a seed.
//!
//! The nodes are real databases in memory under the functions that the service uses; messages between them are lost,
//! doubled, overtaken and held up by partitions, nodes die before and after the commit of any transaction, the clock
//! jumps, and administrators promote and re-point nodes as they like. [`check`] watches what must hold at all times.
//!
//! `SEKISHO_SIMULATION_SCHEDULES=100000` runs more of them, `SEKISHO_SIMULATION_SEED=4711` only one, which it tells.

mod check;
mod node;
mod single_use;
mod world;

use world::World;

const SCHEDULES: u64 = 2000;
/// Events of one schedule, before the farm is left in peace.
const EVENTS: usize = 250;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Runs one day. What went wrong is a panic that names the seed.
fn run(seed: u64, loud: bool) -> world::Tally {
    let mut world = World::new(seed, loud);
    for _ in 0..EVENTS {
        world.event();
    }
    world.peace();
    world.tally
}

/// Security cases 89, 90, 91 and 92.
#[test]
fn a_farm_keeps_its_promises_on_every_bad_day() {
    if let Some(seed) = setting("SEKISHO_SIMULATION_SEED") {
        eprintln!("{:?}", run(seed, true));
        return;
    }
    let schedules = setting("SEKISHO_SIMULATION_SCHEDULES").unwrap_or(SCHEDULES);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let mut sum = world::Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || {
                    let mut sum = world::Tally::default();
                    for seed in (first..schedules).step_by(threads as usize) {
                        sum.add(&run(seed, false));
                    }
                    sum
                })
            })
            .collect();
        for worker in workers {
            match worker.join() {
                Ok(part) => sum.add(&part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    eprintln!("{schedules} schedules: {sum:?}");
    // A simulation in which nothing happens shows nothing.
    for (what, count) in sum.counts() {
        assert!(count >= schedules / 20, "only {count} times in {schedules} schedules: {what}");
    }
}

#[test]
fn a_seed_gives_the_same_day_again() {
    assert_eq!(format!("{:?}", run(7, false)), format!("{:?}", run(7, false)));
}
