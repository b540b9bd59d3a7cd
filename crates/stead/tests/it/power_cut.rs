//! Real power cuts: a process works on a filesystem of its own, the power goes at a random moment, and what it was told
//! to be durable has to be there, whole, once the filesystem is mounted again. The source of the method and its one
//! artefact: `testkit::shutdown_filesystem`.
//!
//! `STEAD_POWER_CUTS` is how many cuts each filesystem suffers: a few by default, a thousand by hand.

mod files;
mod worker;

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;
use std::time::Duration;

use stead::atomic::Durability;
use testkit::{Cut, shutdown_filesystem};

use self::files::{Files, Since};
use self::worker::Worker;
use crate::mounted::{EXT4, Image, Mounted, XFS};

pub(crate) use self::worker::work;

const CUTS: u64 = 10;

/// Trap 24 and the promises of [`Durability`].
#[test]
fn trap_24_what_was_acknowledged_outlives_power_cuts_on_ext4() {
    suffer("ext4", EXT4);
}

/// The same where no heuristic hides a missing sync.
#[test]
fn trap_24_what_was_acknowledged_outlives_power_cuts_on_xfs() {
    suffer("xfs", XFS);
}

/// The proof of the proof: who acknowledges without a sync is found out, whichever way it writes.
#[test]
fn who_acknowledges_too_early_is_found_out() {
    for (name, image) in [("ext4", EXT4), ("xfs", XFS)] {
        let Some(mut rig) = Rig::new(image) else { return };
        for work in ["r", "u", "a"] {
            let honest = Cycle { work, durability: Durability::Full, ..Cycle::short() };
            assert_eq!(rig.cut(honest), [""; 0], "{name} {work}");
            let careless = Cycle { durability: Durability::None, ..honest };
            assert!((0..20).any(|_| !rig.cut(careless).is_empty()), "{name} {work}: nothing was lost");
            rig.move_on();
        }
    }
}

#[expect(clippy::print_stderr, reason = "who asks for many cuts wants to know what they were")]
fn suffer(name: &str, image: Image<'_>) {
    let cuts = std::env::var("STEAD_POWER_CUTS").map_or(CUTS, |cuts| cuts.parse().expect("a number"));
    let Some(mut rig) = Rig::new(image) else { return };
    let mut faults = Vec::new();
    for _ in 0..cuts {
        if random(4) == 0 || rig.files.are_large() {
            rig.move_on();
        }
        let cycle = Cycle::any();
        let found = rig.cut(cycle);
        if !found.is_empty() {
            faults.push(format!("cycle {}, {cycle:?}: {found:#?}", rig.cycle));
            // One fault is not to be told again and again.
            rig.move_on();
        }
    }
    eprintln!("{name}: {cuts} cuts, {} faults, {:?}", faults.len(), rig.files.seen);
    assert!(faults.is_empty(), "{name}: {faults:#?}");
}

/// How one cycle goes.
#[derive(Debug, Clone, Copy)]
struct Cycle {
    /// What each worker does in turn: `r`eplace, `u`pdate, `a`ppend.
    work: &'static str,
    workers: usize,
    /// How sure the worker makes what it acknowledges.
    durability: Durability,
    /// When the power goes; `None`: as soon as something has been acknowledged.
    after: Option<Duration>,
    cut: Cut,
}

impl Cycle {
    fn any() -> Cycle {
        Cycle {
            // One kind alone, for the sync of another would hide one that is missing.
            work: ["r", "u", "a", "rua"][below(4)],
            workers: 1 + below(2),
            durability: if random(5) == 0 { Durability::Data } else { Durability::Full },
            after: Some(Duration::from_micros(1_000 + random(29_000))),
            cut: if random(4) == 0 { Cut::LogFlushed } else { Cut::LogLost },
        }
    }

    fn short() -> Cycle {
        Cycle { workers: 1, after: None, cut: Cut::LogLost, ..Cycle::any() }
    }
}

/// A filesystem whose power goes again and again.
struct Rig {
    disk: Mounted,
    cycle: u64,
    files: Files,
}

impl Rig {
    fn new(image: Image<'_>) -> Option<Rig> {
        let disk = Mounted::image(image)?;
        let files = Files::new(disk.path().join("0"));
        let mut rig = Rig { disk, cycle: 0, files };
        rig.move_on();
        Some(rig)
    }

    /// Goes on in a new folder, in which all files are made anew.
    fn move_on(&mut self) {
        let old = self.files.folder.clone();
        let _ = std::fs::remove_dir_all(old);
        let folder: PathBuf = self.disk.path().join(self.cycle.to_string());
        std::fs::create_dir(&folder).unwrap();
        for made in [&*folder, self.disk.path()] {
            File::open(made).unwrap().sync_all().unwrap();
        }
        self.files = self.files.anew(folder);
    }

    /// Lets the workers work, cuts the power, and says what is wrong after it.
    fn cut(&mut self, cycle: Cycle) -> Vec<String> {
        self.cycle += 1;
        let mut workers: Vec<_> =
            (0..cycle.workers).map(|worker| Worker::start(&self.files.folder, worker, self.cycle, cycle)).collect();
        workers.iter_mut().for_each(Worker::wait_until_ready);
        match cycle.after {
            Some(time) => std::thread::sleep(time),
            None => workers.iter_mut().for_each(Worker::wait_for_an_acknowledgement),
        }
        let acknowledged: Vec<_> = workers.iter_mut().map(Worker::acknowledged).collect();
        shutdown_filesystem(self.disk.path(), cycle.cut).unwrap();
        drop(workers);
        self.disk.reboot();
        let since = match cycle.durability {
            Durability::Data => Since::TheLastCheck,
            _ => Since::Acknowledged,
        };
        self.files.check(self.cycle, &acknowledged, since)
    }
}

fn random(below: u64) -> u64 {
    RandomState::new().build_hasher().finish() % below
}

fn below(count: usize) -> usize {
    usize::try_from(random(count as u64)).expect("small")
}
