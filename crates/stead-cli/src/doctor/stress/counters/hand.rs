//! What a worker does with the counters.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use fastrand::Rng;
use stead::lock::{Cancel, FileLock, Hold, LockSet, Mode, Request, Wait};

use super::count::{self, Count, Section};
use super::entry::{Entry, Intent};
use super::mark::Mark;
use super::{COUNTERS, count_path, ledgers_path, mark_path};
use crate::doctor::clock;
use crate::doctor::stress::ledger::Ledger;
use crate::doctor::stress::work::Hand;
use crate::doctor::trouble::Trouble;

/// The longest deadline, and the longest time until a wait is cancelled.
const PATIENCE_MAX_US: u64 = 5_000;
/// One in so many stays inside long enough to be waited for, and to be killed there.
const LINGERING: u32 = 50;
const LINGER_MAX_US: u64 = 1_000;

/// One worker's place at the counters.
pub(super) struct CounterHand {
    folder: PathBuf,
    section: Section,
    counters: Vec<Counter>,
    ledger: Ledger,
    cancels: Sender<(Cancel, Duration)>,
    rng: Rng,
}

struct Counter {
    path: PathBuf,
    lock: FileLock,
    mark: Mark,
}

/// What adds to a counter, and the token it is done under.
struct Change {
    counter: usize,
    delta: i64,
    token: Option<u64>,
}

impl CounterHand {
    pub(super) fn new(folder: &Path, worker: u32) -> Result<CounterHand, Trouble> {
        let counter = |counter| {
            let path = count_path(folder, counter);
            let (lock, mark) = (FileLock::sidecar(&path), Mark::open(mark_path(folder, counter))?);
            Ok(Counter { path, lock, mark })
        };
        let counters: Result<Vec<Counter>, Trouble> = (0..COUNTERS).map(counter).collect();
        Ok(CounterHand {
            folder: folder.to_path_buf(),
            section: Section { worker, number: 0 },
            counters: counters?,
            ledger: Ledger::begin(&ledgers_path(folder), worker)?,
            cancels: canceller()?,
            rng: Rng::new(),
        })
    }

    /// Adds one to a counter.
    fn increment(&mut self) -> Result<(), Trouble> {
        let counter = self.rng.usize(..COUNTERS);
        let (request, asked) = (self.request(Mode::Exclusive)?, clock::now());
        let Some(guard) = granted(self.counters[counter].lock.acquire(&request))? else { return Ok(()) };
        self.change(&[Change { counter, delta: 1, token: guard.token() }], &[&guard], asked.elapsed())?;
        Ok(guard.release()?)
    }

    /// Moves one from a counter to another, under both locks.
    fn shift(&mut self) -> Result<(), Trouble> {
        let from = self.rng.usize(..COUNTERS);
        let to = (from + self.rng.usize(1..COUNTERS)) % COUNTERS;
        let set = LockSet::new([self.counters[from].lock.clone(), self.counters[to].lock.clone()]);
        let (request, asked) = (self.request(Mode::Exclusive)?, clock::now());
        let Some(guards) = granted(set.acquire(&request))? else { return Ok(()) };
        let waited = asked.elapsed();
        let holds: Vec<&Hold> = guards.holds().collect();
        let changes: Vec<Change> = [(from, -1), (to, 1)]
            .into_iter()
            .zip(&holds)
            .map(|((counter, delta), hold)| Change { counter, delta, token: hold.token() })
            .collect();
        self.change(&changes, &holds, waited)?;
        Ok(guards.release()?)
    }

    /// Reads a counter twice under a shared lock: nothing may change in between.
    fn read(&mut self) -> Result<(), Trouble> {
        let counter = self.rng.usize(..COUNTERS);
        let (request, asked) = (self.request(Mode::Shared)?, clock::now());
        let Some(guard) = granted(self.counters[counter].lock.acquire(&request))? else { return Ok(()) };
        let wait_us = micros(asked.elapsed());
        let place = &mut self.counters[counter];
        let met = place.mark.read()?;
        let first = count::read(&place.path)?;
        linger(&mut self.rng);
        let second = count::read(&place.path)?;
        let met_late = place.mark.read()?.filter(|late| Some(*late) != met);
        let mut entries: Vec<Entry> = met.into_iter().chain(met_late).map(|section| Entry::Met { section }).collect();
        if first != second {
            entries.push(Entry::Torn { counter });
        }
        entries.push(Entry::Read { wait_us });
        self.ledger.write(&entries)?;
        Ok(guard.release()?)
    }

    /// Makes the changes; their locks are held.
    fn change(&mut self, changes: &[Change], holds: &[&Hold], waited: Duration) -> Result<(), Trouble> {
        self.section.number += 1;
        let (section, mut entries, mut counts) = (self.section, Vec::new(), Vec::new());
        for Change { counter, delta, token } in changes {
            let place = &mut self.counters[*counter];
            entries.extend(place.mark.read()?.map(|section| Entry::Met { section }));
            place.mark.write(Some(section))?;
            let old = count::read(&place.path)?;
            let token = token.ok_or_else(|| Trouble::failed("an exclusive lock came without a token"))?;
            if token <= old.token {
                entries.push(Entry::Stale { counter: *counter, token, stored: old.token });
            }
            let new = Count { version: old.version + 1, balance: old.balance + delta, token, maker: section };
            entries.push(Entry::Intent(Intent {
                section: section.number,
                counter: *counter,
                version: new.version,
                delta: *delta,
                after: old.maker,
            }));
            counts.push((*counter, new));
        }
        self.ledger.write(&entries)?;
        linger(&mut self.rng);
        for hold in holds {
            hold.check()?;
        }
        let beside = self.folder.join(format!("new-{}", section.worker));
        for (counter, count) in &counts {
            count::replace(&self.counters[*counter].path, &beside, count)?;
        }
        entries.clear();
        for (counter, _) in &counts {
            let mark = &mut self.counters[*counter].mark;
            if mark.read()? != Some(section) {
                entries.push(Entry::Intruder { counter: *counter });
            }
            mark.write(None)?;
        }
        // Only now that the marks are blank: a mark of one who wrote this down is one who was inside.
        entries.push(Entry::Done { section: section.number, wait_us: micros(waited) });
        self.ledger.write(&entries)
    }

    /// Waits for ever, for a moment, not at all, or until cancelled at a random instant.
    fn request(&mut self, mode: Mode) -> Result<Request, Trouble> {
        let request = Request::new(mode);
        let patience = Duration::from_micros(self.rng.u64(1..PATIENCE_MAX_US));
        Ok(match self.rng.u8(..8) {
            0..3 => request,
            3..5 => request.wait(patience),
            5 => request.wait(Wait::No),
            _ => {
                let cancel = Cancel::new();
                self.cancels
                    .send((cancel.clone(), patience))
                    .map_err(|_| Trouble::failed("the thread that cancels is gone"))?;
                request.cancel(&cancel)
            }
        })
    }
}

impl Hand for CounterHand {
    fn step(&mut self) -> Result<(), Trouble> {
        match self.rng.u8(..8) {
            0..4 => self.increment(),
            4..6 => self.shift(),
            _ => self.read(),
        }
    }

    fn give_up(&mut self, trouble: &Trouble) {
        // If even this fails, the worker's exit code says that something did.
        let _ = self.ledger.write(&[Entry::Failed { why: trouble.to_string() }]);
    }
}

/// `None`: not granted, as the request allows.
fn granted<T>(outcome: stead::Result<T>) -> Result<Option<T>, Trouble> {
    match outcome {
        Ok(guard) => Ok(Some(guard)),
        Err(error) if error.is_busy() || error.is_timed_out() || error.is_cancelled() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn linger(rng: &mut Rng) {
    if rng.u32(..LINGERING) == 0 {
        std::thread::sleep(Duration::from_micros(rng.u64(..LINGER_MAX_US)));
    }
}

/// A thread that cancels each of what it is sent after its time, one after the other.
fn canceller() -> Result<Sender<(Cancel, Duration)>, Trouble> {
    let (send, cancels) = mpsc::channel::<(Cancel, Duration)>();
    let work = move || {
        for (cancel, after) in cancels {
            std::thread::sleep(after);
            cancel.cancel();
        }
    };
    std::thread::Builder::new()
        .name("cancels".to_owned())
        .spawn(work)
        .map(|_| send)
        .map_err(|error| Trouble::failed(format!("failed to start a thread: {error}")))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
