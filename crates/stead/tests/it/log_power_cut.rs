//! Real power cuts under a log: processes append, alone and in batches, and rotate, the power goes at a random moment, and
//! what was acknowledged is read once and in order when the filesystem is mounted again; batches wholly or not at all.
//!
//! `STEAD_POWER_CUTS` is how many cuts each filesystem suffers.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stead::log::{Durability, EventReader, EventWriter, Options, verify};
use testkit::{Actor, Cut, Stage, shutdown_filesystem};

use crate::cast::CAST;
use crate::mounted::{EXT4, Image, Mounted, XFS};

const CUTS: u64 = 8;
const WRITERS: u64 = 2;
/// After this many lines a log is made anew, so that the disk is not filled.
const LINES_MAX: usize = 20_000;

/// One line: which writer, in which cycle, the how manieth group of that, and the how manieth of how many of the group.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    writer: u64,
    cycle: u64,
    number: u64,
    part: u64,
    parts: u64,
    padding: String,
}

/// Traps 33, 35, 48 and 49, for real.
#[test]
fn trap_48_a_log_outlives_power_cuts_on_ext4() {
    suffer("ext4", EXT4);
}

/// The same on xfs.
#[test]
fn trap_48_a_log_outlives_power_cuts_on_xfs() {
    suffer("xfs", XFS);
}

/// The proof of the proof.
#[test]
fn a_log_that_acknowledges_without_a_sync_is_found_out() {
    let Some(mut rig) = Rig::new(EXT4) else { return };
    assert!((0..40).any(|_| rig.cut("none").is_err()), "nothing was lost");
}

#[expect(clippy::print_stderr, reason = "who asks for many cuts wants to know what they were")]
fn suffer(name: &str, image: Image<'_>) {
    let cuts = std::env::var("STEAD_POWER_CUTS").map_or(CUTS, |cuts| cuts.parse().expect("a number"));
    let Some(mut rig) = Rig::new(image) else { return };
    for cut in 0..cuts {
        if let Err(what) = rig.cut("every") {
            panic!("{name}, cut {cut}: {what}");
        }
    }
    eprintln!("{name}: {cuts} cuts, {} acknowledged, {} lines torn and put away", rig.acknowledged, rig.put_away);
}

struct Rig {
    disk: Mounted,
    folder: PathBuf,
    cycle: u64,
    /// The last number that was acknowledged to each writer in each cycle.
    kept: BTreeMap<(u64, u64), u64>,
    acknowledged: usize,
    put_away: usize,
}

impl Rig {
    fn new(image: Image<'_>) -> Option<Rig> {
        let disk = Mounted::image(image)?;
        let folder = disk.path().join("0");
        Some(Rig { disk, folder, cycle: 0, kept: BTreeMap::new(), acknowledged: 0, put_away: 0 })
    }

    fn cut(&mut self, durability: &str) -> Result<(), String> {
        self.cycle += 1;
        drop(EventWriter::open(&self.folder).map_err(|error| error.to_string())?);
        let args = |writer: u64| {
            [self.folder.display().to_string(), writer.to_string(), self.cycle.to_string(), durability.to_owned()]
        };
        let mut writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let args = args(writer);
                let mut actor = CAST.start("log_power", &args.each_ref().map(String::as_str));
                actor.expect("ready");
                actor
            })
            .collect();
        let said: Vec<_> = std::thread::scope(|scope| {
            let listeners: Vec<_> = writers.iter_mut().map(|writer| scope.spawn(|| listen(writer))).collect();
            std::thread::sleep(Duration::from_micros(2_000 + random(40_000)));
            shutdown_filesystem(self.disk.path(), if random(4) == 0 { Cut::LogFlushed } else { Cut::LogLost })
                .expect("root may");
            listeners.into_iter().map(|listener| listener.join().expect("no panic")).collect()
        });
        drop(writers);
        // What was said after the cut began may have been said in vain: the last word of each is not counted on.
        for (writer, numbers) in (0..).zip(said) {
            if let Some(last) = numbers.iter().rev().nth(1) {
                self.kept.insert((writer, self.cycle), *last);
                self.acknowledged += numbers.len() - 1;
            }
        }
        self.disk.reboot();
        let checked = self.check();
        if checked.as_ref().is_ok_and(|lines| *lines > LINES_MAX) || checked.is_err() {
            std::fs::remove_dir_all(&self.folder).map_err(|error| error.to_string())?;
            self.folder = self.disk.path().join(self.cycle.to_string());
            self.kept.clear();
        }
        checked.map(|_| ())
    }

    /// Reads the log before and after the next writer, and says what is wrong.
    fn check(&mut self) -> Result<usize, String> {
        let before = read(&self.folder)?;
        let writer = EventWriter::open(&self.folder).map_err(|error| error.to_string())?;
        self.put_away += writer.kept().len();
        drop(writer);
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(|error| error.to_string())?;
        let after = read(&self.folder)?;
        self.groups(&before, false)?;
        self.groups(&after, true)?;
        let found = verify(&self.folder, &mut |_| {}).map_err(|error| error.to_string())?;
        if !found.damage.is_empty() {
            return Err(format!("damage: {:?}", found.damage));
        }
        Ok(after.len())
    }

    fn groups(&self, entries: &[Entry], complete: bool) -> Result<(), String> {
        let mut last: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        let mut rest = entries;
        while let Some(first) = rest.first() {
            let parts = usize::try_from(first.parts).expect("small");
            let group = &rest[..parts.min(rest.len())];
            let is_whole = group.len() == parts
                && group.iter().zip(0..).all(|(entry, part)| {
                    (entry.writer, entry.cycle, entry.number, entry.part)
                        == (first.writer, first.cycle, first.number, part)
                });
            if !is_whole {
                return Err(format!("a part of a batch: {first:?}"));
            }
            let before = last.insert((first.writer, first.cycle), first.number);
            if before.is_some_and(|before| before >= first.number) {
                return Err(format!("twice or out of order: {first:?} after {before:?}"));
            }
            rest = &rest[parts..];
        }
        let missing = self.kept.iter().find(|(key, number)| last.get(key).is_none_or(|last| last < number));
        match missing {
            Some((key, number)) if complete => Err(format!("{key:?} was told {number}, read was {:?}", last.get(key))),
            _ => Ok(()),
        }
    }
}

fn read(folder: &Path) -> Result<Vec<Entry>, String> {
    let entries = EventReader::new(folder).read::<Entry>(0).map_err(|error| error.to_string())?;
    entries.map(|entry| entry.map(|entry| entry.value).map_err(|error| error.to_string())).collect()
}

/// All numbers that a writer acknowledged, until it says that it failed.
fn listen(writer: &mut Actor) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Ok(number) = writer.word().parse() {
        numbers.push(number);
    }
    numbers
}

/// `FOLDER WRITER CYCLE DURABILITY`: appends and rotates until the power goes.
pub(crate) fn work(stage: &mut Stage) {
    let [folder, writer, cycle, durability] = &stage.args[..] else { panic!("four arguments") };
    let durability = if durability == "none" { Durability::None } else { Durability::EveryAppend };
    let (writer, cycle) = (writer.parse().expect("a number"), cycle.parse().expect("a number"));
    let mut log = Options::new().shared(true).durability(durability).open(folder).expect("a log");
    stage.tell("ready");
    for number in 0.. {
        let parts = 1 + random(4).saturating_sub(1) * 3;
        let entries: Vec<_> = (0..parts)
            .map(|part| {
                let padding = "x".repeat(usize::try_from(random(1500)).expect("small"));
                let entry = Entry { writer, cycle, number, part, parts, padding };
                serde_json::to_vec(&entry).expect("JSON")
            })
            .collect();
        let rotated = if random(8) == 0 { log.rotate_now().map(|_| ()) } else { Ok(()) };
        match rotated.and_then(|()| log.append_lines(&entries)) {
            Ok(_) => stage.tell(&number.to_string()),
            Err(error) => {
                // The power is gone, and we shall soon be.
                stage.tell(&format!("failed {error}"));
                stage.cue();
                return;
            }
        }
    }
}

fn random(below: u64) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish() % below
}
