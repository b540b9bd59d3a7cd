//! Writers that are killed at any moment. Each event that was acknowledged is there once, in order, and no reader ever sees
//! a part of a batch.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use stead::log::{Event, EventReader};
use tempfile::{TempDir, tempdir};
use testkit::Actor;

use super::{event, scale, shared};
use crate::cast::CAST;

/// What a writer was told, and how many of its batches it was told are there.
struct Told {
    name: String,
    size: u64,
    acks: PathBuf,
}

impl Told {
    fn acked(&self) -> u64 {
        fs::metadata(&self.acks).map_or(0, |file| file.len())
    }
}

struct Storm {
    log: TempDir,
    acks: TempDir,
    told: Vec<Told>,
}

impl Storm {
    fn new() -> Storm {
        let storm = Storm { log: tempdir().unwrap(), acks: tempdir().unwrap(), told: Vec::new() };
        drop(shared(storm.dir()));
        storm
    }

    fn dir(&self) -> &Path {
        self.log.path()
    }

    fn start(&mut self, options: &str, size: u64) -> (Actor, usize) {
        let name = self.told.len().to_string();
        let acks = self.acks.path().join(&name);
        let args = [self.dir().to_str().unwrap(), options, &name, &size.to_string(), acks.to_str().unwrap()];
        let actor = CAST.start("log_batches", &args);
        self.told.push(Told { name, size, acks });
        (actor, self.told.len() - 1)
    }

    /// Reads all that is there, and holds it against what was acknowledged.
    fn check(&self) {
        let whole = read_whole_batches(&EventReader::new(self.dir()), 0);
        for told in &self.told {
            let there = whole.get(&told.name).copied().unwrap_or_default();
            let acked = told.acked();
            assert!(there == acked || there == acked + 1, "writer {}: {there} of {acked} + 1", told.name);
        }
    }
}

/// How many batches each writer has; each is whole, in order, and there once.
fn read_whole_batches(reader: &EventReader, from: u64) -> HashMap<String, u64> {
    let mut whole: HashMap<String, u64> = HashMap::new();
    let mut open: Option<(String, u64, u64)> = None;
    for event in reader.read::<Event>(from).unwrap() {
        let data = event.unwrap().value.data;
        let number = |key: &str| data[key].as_u64().expect("a number");
        let (by, batch, place, of) =
            (data["by"].as_str().expect("text"), number("batch"), number("place"), number("of"));
        let expected = open.take().unwrap_or_else(|| (by.to_owned(), whole.get(by).copied().unwrap_or_default(), 0));
        if from == 0 {
            assert_eq!((by, batch, place), (expected.0.as_str(), expected.1, expected.2));
        } else {
            assert_eq!((by, place), (expected.0.as_str(), expected.2));
        }
        if place + 1 == of {
            *whole.entry(by.to_owned()).or_default() += 1;
        } else {
            open = Some((by.to_owned(), batch, place + 1));
        }
    }
    assert_eq!(open, None, "a part of a batch was seen");
    whole
}

/// Kills writers one after the other, each after a random number of acknowledgements, while a reader looks.
fn storm(kills: u64, options: &str, sizes: &[u64], acks_max: u64) {
    let mut storm = Storm::new();
    let dir = storm.dir().to_path_buf();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let reader = EventReader::new(&dir);
            let mut at = 0;
            while !done.load(Ordering::Relaxed) {
                let end = reader.end_offset().unwrap();
                assert!(end >= at, "from {at} back to {end}");
                read_whole_batches(&reader, at);
                at = end;
            }
        });
        // The thread above is to end whatever happens here.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut actors: Vec<_> = sizes.iter().map(|size| storm.start(options, *size)).collect();
            for kill in 0..kills {
                let index = usize::try_from(kill).unwrap() % actors.len();
                let (actor, told) = &mut actors[index];
                let until = storm.told[*told].acked() + 1 + u64::from(rand(acks_max));
                testkit::wait_until("it has appended", || (storm.told[*told].acked() >= until).then_some(()));
                actor.kill();
                let size = storm.told[*told].size;
                actors[index] = storm.start(options, size);
            }
            drop(actors);
        }));
        done.store(true, Ordering::Relaxed);
        looking.join().unwrap();
        outcome.unwrap();
    });
    storm.check();
    // And the next writer finds nothing in its way.
    shared(storm.dir()).append(&event(0)).unwrap();
}

/// A number below `max`.
fn rand(max: u64) -> u32 {
    use std::hash::{BuildHasher, Hasher};
    let drawn = std::collections::hash_map::RandomState::new().build_hasher().finish();
    u32::try_from(drawn % max.max(1)).expect("small")
}

/// Longer storms: `STEAD_KILLS`.
#[test]
fn every_acknowledged_event_outlives_kills() {
    storm(scale("STEAD_KILLS", 30), "shared none max=20000", &[1, 1, 1], 40);
}

/// The same, as durable as can be.
#[test]
fn every_durable_event_outlives_kills() {
    storm(scale("STEAD_KILLS", 15), "shared max=5000", &[1, 3], 10);
}

#[test]
fn trap_49_batches_are_whole_whatever_is_killed() {
    storm(scale("STEAD_KILLS", 20), "shared none max=2000000", &[1, 7, 900], 5);
}

/// A batch of about a megabyte, by a writer that has the log to itself; half of the kills come midway.
#[test]
fn trap_49_a_large_batch_is_whole_or_not_there() {
    let kills = scale("STEAD_KILLS", 10);
    let mut storm = Storm::new();
    let mut put_away = 0;
    for _ in 0..kills {
        let (mut actor, told) = storm.start("none", 1_900);
        let acked = rand(3);
        testkit::wait_until("it appends", || (storm.told[told].acked() >= u64::from(acked)).then_some(()));
        // Midway: the file grows from one look to the next.
        let len = || fs::metadata(storm.dir().join("app.jsonl")).unwrap().len();
        let before = len();
        testkit::wait_until("it grows", || (len() > before).then_some(()));
        actor.kill();
        let writer = testkit::wait_until("it is free", || stead::log::EventWriter::open(storm.dir()).ok());
        put_away += writer.kept().len();
        drop(writer);
        storm.check();
    }
    let kept = fs::read_dir(storm.dir().join("quarantine")).map_or(0, Iterator::count);
    assert_eq!(kept, put_away);
}

/// Writers that have the log to themselves, and are killed while they rotate.
#[test]
fn trap_35_kills_during_rotations() {
    let mut storm = Storm::new();
    for _ in 0..scale("STEAD_KILLS", 15) {
        let (mut actor, told) = storm.start("none max=1", 2);
        let until = 1 + u64::from(rand(12));
        testkit::wait_until("it has appended", || (storm.told[told].acked() >= until).then_some(()));
        actor.kill();
        testkit::wait_until("it is free", || stead::log::EventWriter::open(storm.dir()).ok());
        storm.check();
    }
}
