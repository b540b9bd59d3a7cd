//! Many locks held by one process at the same time.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stead::lock::FileLock;

use super::NAME;
use super::rivals::{fs4, std_file, stead as ours};
use crate::agent::Agent;
use crate::measure::{Measured, Samples};
use crate::report::{Case, Report, Unit};
use crate::setup::Setup;

/// The first argument of an agent that takes many locks.
pub(super) const ROLE: &str = "many";

const SUBJECTS: [&str; 4] = [std_file::NAME, ours::NAME, ours::SIDECAR, fs4::NAME];
/// A subject that took longer than this does not go into another round. Where each new file is synced, and the disk is
/// busy, ten thousand of them take a minute.
const SPENT_MAX: Duration = Duration::from_secs(10);
/// Descriptors that the process needs for itself.
const DESCRIPTORS_SPARE: usize = 100;

pub(super) fn many(setup: &Setup, report: &mut Report) -> Result<()> {
    let count = setup.pick(10_000, 300);
    let mut outcomes: Vec<Result<Outcome>> = SUBJECTS.iter().map(|_| Ok(Outcome::default())).collect();
    for round in 0..setup.pick(3, 1) {
        for turn in 0..SUBJECTS.len() {
            let index = (round + turn) % SUBJECTS.len();
            let Ok(outcome) = &mut outcomes[index] else { continue };
            if outcome.spent > SPENT_MAX {
                continue;
            }
            let folder = setup.folder(&format!("many-{round}-{index}"))?;
            if let Err(error) = outcome.add(SUBJECTS[index], &folder, count) {
                outcomes[index] = Err(error);
            }
            std::fs::remove_dir_all(&folder).context("remove the lock files")?;
        }
    }
    let mut case = |name: &str, unit, samples: fn(&Outcome) -> &Vec<f64>| {
        let measured = |(subject, outcome): (&&str, &Result<Outcome>)| Measured {
            name: (*subject).to_owned(),
            outcome: match outcome {
                Ok(outcome) => Ok(Samples::new(samples(outcome).clone())),
                Err(error) => Err(anyhow::anyhow!("{error:#}")),
            },
        };
        let measured = SUBJECTS.iter().zip(&outcomes).map(measured).collect();
        report.cases.push(Case::new(&format!("{count} locks, {name}"), unit, std_file::NAME, measured));
    };
    case("files created", Unit::Microseconds, |outcome| &outcome.created);
    case("files there", Unit::Microseconds, |outcome| &outcome.there);
    case("memory", Unit::Mebibytes, |outcome| &outcome.memory);
    Ok(())
}

/// The samples of one subject.
#[derive(Default)]
struct Outcome {
    created: Vec<f64>,
    there: Vec<f64>,
    memory: Vec<f64>,
    spent: Duration,
}

impl Outcome {
    fn add(&mut self, subject: &str, folder: &Path, count: usize) -> Result<()> {
        let started = Instant::now();
        self.created.push(take(subject, folder, count)?.micros);
        let again = take(subject, folder, count)?;
        self.there.push(again.micros);
        self.memory.push(again.mebibytes);
        self.spent += started.elapsed();
        Ok(())
    }
}

/// What one process said after it had taken all locks.
struct Taken {
    micros: f64,
    /// By how much its resident memory grew.
    mebibytes: f64,
}

/// In a process of its own, so that nothing is left of the one before.
fn take(subject: &str, folder: &Path, count: usize) -> Result<Taken> {
    let folder = folder.to_str().context("a path that is not UTF-8")?;
    let mut agent = Agent::start_own(NAME, &[ROLE, subject, folder, &count.to_string()])?;
    match agent.hear_numbers()?[..] {
        [nanoseconds, kibibytes] => {
            Ok(Taken { micros: nanoseconds as f64 / 1000.0, mebibytes: kibibytes as f64 / 1024.0 })
        }
        _ => bail!("the agent says too much"),
    }
}

/// What the agent does: takes `count` locks and says how long that took and how much the process grew.
pub(super) fn serve(subject: &str, folder: &Path, count: usize) -> Result<()> {
    raise_descriptor_limit(count + DESCRIPTORS_SPARE)?;
    match subject {
        std_file::NAME => hold(folder, count, std_file::lock),
        fs4::NAME => hold(folder, count, fs4::lock),
        ours::NAME => hold(folder, count, |path| Ok(FileLock::at(path).try_lock()?)),
        ours::SIDECAR => hold(folder, count, |path| Ok(FileLock::sidecar(path).try_lock()?)),
        _ => bail!("nobody called {subject} takes many locks"),
    }
}

fn hold<T>(folder: &Path, count: usize, lock: impl Fn(&Path) -> Result<T>) -> Result<()> {
    // One before the count begins: what a process does once belongs to no lock.
    let first = lock(&folder.join("first"))?;
    let mut held = Vec::with_capacity(count);
    let before = resident_kibibytes()?;
    let started = Instant::now();
    for index in 0..count {
        held.push(lock(&folder.join(index.to_string()))?);
    }
    let elapsed = started.elapsed();
    println!("{} {}", elapsed.as_nanos(), resident_kibibytes()?.saturating_sub(before));
    drop((first, held));
    Ok(())
}

pub(super) fn resident_kibibytes() -> Result<u64> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").context("look at the memory")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).context("no Rss")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

pub(super) fn raise_descriptor_limit(needed: usize) -> Result<()> {
    let needed = needed as u64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let maximum = maximum.map(|maximum| maximum.max(needed));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum });
    ensure!(raised.is_ok(), "this user may not open {needed} files");
    Ok(())
}
