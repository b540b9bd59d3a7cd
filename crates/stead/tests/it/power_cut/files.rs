//! What the worker writes, and what must be left of it after a power cut. Every content follows from a few numbers
//! that stand in it, so it is either whole or seen not to be.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stead::atomic::{append_lines, sweep};
use stead::document::Document;

pub(super) const DOCUMENT: &str = "state.json";
pub(super) const LOG: &str = "log";
/// In the place of a worker's number: the append of the test itself.
const NOBODY: usize = 99;

/// The document.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    counter: u64,
    text: String,
}

impl State {
    fn number(counter: u64) -> State {
        let len = if counter == 0 { 0 } else { counter * 997 % 9_000 };
        State { counter, text: text(counter, len) }
    }

    /// Counts one up, and says how far.
    pub(super) fn next(&mut self) -> u64 {
        *self = State::number(self.counter + 1);
        self.counter
    }
}

/// The file that a worker replaces.
pub(super) fn replaced(worker: usize) -> String {
    format!("replaced-{worker}")
}

/// What it gets.
pub(super) fn content(worker: usize, cycle: u64, number: u64) -> Vec<u8> {
    let len = [0, 90, 4_080, 5_000, 40_000, 102_400][usize::try_from(number % 6).expect("small")];
    format!("{worker} {cycle} {number}\n{}", text(cycle ^ number, len)).into_bytes()
}

/// The lines of one append: one or three, and now and then so long that they go to the disk in pieces.
pub(super) fn batch(worker: usize, cycle: u64, number: u64) -> Vec<String> {
    let count = 1 + number % 2 * 2;
    let most = if matches!(number % 4, 0 | 3) { 40_000 } else { 1_500 };
    let line =
        |part| format!("{worker} {cycle} {number} {part}/{count} {}", text(part, (number * 3_701 + part * 411) % most));
    (1..=count).map(line).collect()
}

fn text(seed: u64, len: u64) -> String {
    let letter =
        |at: u64| char::from(b'a' + u8::try_from((seed.wrapping_mul(31) + at * 7 + at / 26) % 26).expect("small"));
    (0..len).map(letter).collect()
}

/// The last number of each kind that a worker acknowledged; 0: none.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Acknowledged {
    pub(super) replaced: u64,
    pub(super) updated: u64,
    pub(super) appended: u64,
}

/// From when on nothing may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    TheLastCheck,
    Acknowledged,
}

/// What all cuts together have met.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Seen {
    replaces: u64,
    updates: u64,
    appends: u64,
    torn_appends: u64,
    temporaries: u64,
    kept: usize,
}

/// The files of a folder, and what they were when last looked at.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) folder: PathBuf,
    pub(super) seen: Seen,
    replaced: BTreeMap<usize, (u64, u64)>,
    counter: u64,
    log: String,
}

impl Files {
    pub(super) fn new(folder: PathBuf) -> Files {
        Files { folder, seen: Seen::default(), replaced: BTreeMap::new(), counter: 0, log: String::new() }
    }

    /// Other files, of another folder.
    pub(super) fn anew(&self, folder: PathBuf) -> Files {
        Files { seen: self.seen, ..Files::new(folder) }
    }

    /// Whether they leave too little room for many more cycles.
    pub(super) fn are_large(&self) -> bool {
        self.log.len() > 4 << 20
    }

    /// Looks at all of them after a power cut, and says what is wrong.
    pub(super) fn check(&mut self, cycle: u64, acknowledged: &[Acknowledged], since: Since) -> Vec<String> {
        let mut faults = Vec::new();
        for of in acknowledged {
            self.seen.replaces += of.replaced;
            self.seen.appends += of.appended;
        }
        let counter = acknowledged.iter().map(|of| of.updated).max().unwrap_or_default();
        self.seen.updates += counter.saturating_sub(self.counter);
        let acknowledged: Vec<_> = match since {
            Since::TheLastCheck => acknowledged.iter().map(|_| Acknowledged::default()).collect(),
            Since::Acknowledged => acknowledged.to_vec(),
        };
        for (worker, of) in acknowledged.iter().enumerate() {
            faults.extend(self.check_replaced(cycle, worker, of.replaced).err());
        }
        let updated = acknowledged.iter().map(|of| of.updated).max().unwrap_or_default();
        faults.extend(self.check_document(updated).err());
        let appended: Vec<_> = acknowledged.iter().map(|of| of.appended).collect();
        faults.extend(self.check_log(cycle, &appended).err());
        faults.extend(self.check_temporaries().err());
        faults
    }

    fn check_replaced(&mut self, cycle: u64, worker: usize, acknowledged: u64) -> Result<(), String> {
        let name = replaced(worker);
        let at_least = match acknowledged {
            0 => self.replaced.get(&worker).copied(),
            number => Some((cycle, number)),
        };
        let Some(found) = read(&self.folder.join(&name))? else {
            return at_least.map_or(Ok(()), |wanted| Err(format!("{name} is missing, {wanted:?} was acknowledged")));
        };
        let numbers = numbers(found.lines().next().unwrap_or_default());
        let [of, cycle, number] = numbers[..] else { return Err(torn(&name, &found)) };
        if found.as_bytes() != content(worker, cycle, number) || of != worker as u64 {
            return Err(torn(&name, &found));
        }
        if at_least > Some((cycle, number)) {
            return Err(format!("{name} is {:?}, {at_least:?} was acknowledged", (cycle, number)));
        }
        self.replaced.insert(worker, (cycle, number));
        Ok(())
    }

    fn check_document(&mut self, acknowledged: u64) -> Result<(), String> {
        let path = self.folder.join(DOCUMENT);
        let document = Document::<State>::json(&path).default(State::default);
        let state = document.read().map_err(|error| error.to_string())?;
        if state != State::number(state.counter) {
            return Err(format!("{DOCUMENT} is torn: {state:?}"));
        }
        let at_least = acknowledged.max(self.counter);
        if state.counter < at_least {
            return Err(format!("{DOCUMENT} counts {}, {at_least} was acknowledged", state.counter));
        }
        // As the next to come.
        self.counter = document.update(State::next).map_err(|error| error.to_string())?;
        Ok(())
    }

    /// With an append of our own, which takes torn bytes out of the way.
    fn check_log(&mut self, cycle: u64, acknowledged: &[u64]) -> Result<(), String> {
        let path = self.folder.join(LOG);
        let appended = append_lines(&path, batch(NOBODY, cycle, 1)).map_err(|error| error.to_string())?;
        self.seen.torn_appends += appended.kept.len() as u64;
        let log = read(&path)?.unwrap_or_default();
        let Some(new) = log.strip_prefix(&*self.log) else {
            return Err(format!("{LOG} no longer begins with what was in it before: {}", torn(LOG, &log)));
        };
        let mut counts = BTreeMap::from([(NOBODY, 0)]);
        let mut rest = new;
        while !rest.is_empty() {
            let next = rest.lines().next().unwrap_or_default();
            let [of, _, number, ..] = numbers(next)[..] else { return Err(torn(LOG, rest)) };
            let worker = usize::try_from(of).map_err(|error| error.to_string())?;
            let count = counts.entry(worker).or_insert(0_u64);
            let expected = batch(worker, cycle, *count + 1).join("\n") + "\n";
            rest = rest.strip_prefix(&*expected).ok_or_else(|| format!("after {number}: {}", torn(LOG, rest)))?;
            *count += 1;
        }
        for (worker, acknowledged) in acknowledged.iter().enumerate() {
            let count = counts.get(&worker).copied().unwrap_or_default();
            if count < *acknowledged {
                return Err(format!("{LOG} has {count} appends of {worker}, {acknowledged} were acknowledged"));
            }
        }
        if counts[&NOBODY] != 1 {
            return Err(format!("{LOG} has not the last append"));
        }
        self.log = log;
        Ok(())
    }

    /// What lies around is found by a sweep.
    fn check_temporaries(&mut self) -> Result<(), String> {
        self.seen.temporaries += temporaries(&self.folder).len() as u64;
        // A process that another test forks keeps locks of ours until it is another program.
        let swept = testkit::wait_until("the sweep finds nothing in use", || {
            let swept = sweep(&self.folder).unwrap();
            (swept.in_use == 0).then_some(swept)
        });
        self.seen.kept += swept.kept.len();
        let left = temporaries(&self.folder);
        if !left.is_empty() || !swept.failed.is_empty() || !swept.put_back.is_empty() {
            return Err(format!("{left:?} stay, {swept:?}"));
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<String>, String> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn temporaries(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(".stead-")).collect()
}

/// The numbers that a line begins with.
fn numbers(line: &str) -> Vec<u64> {
    line.split(' ').map_while(|word| word.parse().ok()).collect()
}

fn torn(name: &str, found: &str) -> String {
    let start: String = found.chars().take(120).collect();
    format!("{name} is torn: {} bytes, {start:?}", found.len())
}
