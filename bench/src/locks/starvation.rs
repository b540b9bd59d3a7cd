//! A writer among readers who leave the lock never free.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::NAME;
use super::rivals::{bare, holder, shared_holder, stead};
use crate::agent::{Agent, monotonic_ns};
use crate::measure::{Probe, Subject, interleaved, micros};
use crate::report::{Bar, Case, Op, Report, Unit, ratio};
use crate::setup::Setup;

/// The first arguments of the agents.
pub(super) const READER: &str = "read";
pub(super) const WRITER: &str = "write";

const READERS: u64 = 3;
const HOLD: Duration = Duration::from_millis(10);
const HOLD_NS: u64 = 10_000_000;

/// Longer than this no writer is waited for; it counts as this much.
const CAP: Duration = Duration::from_secs(2);
/// Between two tries: so long that the readers overlap again, and spread over the phases of their holds.
const PAUSE_MIN: Duration = Duration::from_millis(20);

/// Samples of each round. One that is never granted is waited for as long as the cap, each time.
const STEAD_PER_ROUND: usize = 30;
const BARE_PER_ROUND: usize = 1;

const HOLDS_WAITED_MAX: f64 = 2.0;

pub(super) fn starvation(setup: &Setup, report: &mut Report) -> Result<()> {
    let folder = setup.folder("starvation")?;
    let subject = |name: &'static str, per_round: usize| {
        let writes = Writes { subject: name, lock: folder.join(name), count: 0 };
        Subject::new(name, per_round, anyhow::Ok(writes))
    };
    let subjects = vec![subject(bare::NAME, BARE_PER_ROUND), subject(stead::NAME, STEAD_PER_ROUND)];
    let measured = interleaved(subjects, setup.pick(4, 1));
    let name = format!("a writer among {READERS} readers of {} ms", HOLD.as_millis());
    let case = Case::new(&name, Unit::Microseconds, bare::NAME, measured);
    let limit = micros(HOLD) * HOLDS_WAITED_MAX;
    for (what, value) in [("median", case.median(stead::NAME)), ("p99", case.p99(stead::NAME))] {
        let value = ratio(value, Some(micros(HOLD)));
        let name = format!("{name}: {what}, in their holds");
        let bar = Bar::new(&name, Op::AtMost, HOLDS_WAITED_MAX, value);
        let marked = what == "p99";
        report.bars.push(if marked { bar.marked(&case, Some(limit), "≤ 2 holds") } else { bar });
    }
    report.cases.push(case);
    Ok(())
}

/// How long one writer after the other waits for its turn.
struct Writes {
    subject: &'static str,
    lock: PathBuf,
    /// How many there were.
    count: u32,
}

impl Probe for Writes {
    fn sample(&mut self, count: usize, samples: &mut Vec<f64>) -> Result<()> {
        let lock = self.lock.to_str().context("a path that is not UTF-8")?;
        let reader = |index: u64| {
            let phase = (HOLD_NS * index / READERS).to_string();
            Agent::start_own(NAME, &[READER, self.subject, lock, &phase])
        };
        let readers: Result<Vec<Agent>> = (0..READERS).map(reader).collect();
        let mut readers = readers?;
        for agent in &mut readers {
            ready(agent)?;
        }
        for _ in 0..count {
            let mut writer = Agent::start_own(NAME, &[WRITER, self.subject, lock])?;
            ready(&mut writer)?;
            self.count += 1;
            // Multiples of the golden ratio fall evenly into a hold, however many there are.
            let golden = (f64::from(self.count) * 0.618_033_988_749_895).fract();
            std::thread::sleep(PAUSE_MIN + HOLD.mul_f64(golden));
            writer.tell("come")?;
            let [nanoseconds] = writer.hear_numbers()?[..] else { bail!("the writer says too much") };
            samples.push(nanoseconds as f64 / 1000.0);
        }
        Ok(())
    }
}

fn ready(agent: &mut Agent) -> Result<()> {
    let reply = agent.hear()?;
    ensure!(reply == "ready", "an agent says {reply}");
    Ok(())
}

/// What a reader does until its input ends: shares the lock, from one release on to the next end of its phase. All have
/// other phases, and keep to them, so that one's release is always in the midst of the others' holds.
pub(super) fn serve_reader(subject: &str, lock: &Path, phase: u64) -> Result<()> {
    let mut holder = shared_holder(subject, lock)?;
    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_over);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_line(&mut String::new());
        told.store(true, Ordering::SeqCst);
    });
    let mut is_ready = false;
    while !is_over.load(Ordering::SeqCst) {
        holder.hold()?;
        if !is_ready {
            println!("ready");
            is_ready = true;
        }
        let into_phase = (monotonic_ns() + HOLD_NS - phase) % HOLD_NS;
        std::thread::sleep(Duration::from_nanos(HOLD_NS - into_phase));
        holder.release()?;
    }
    Ok(())
}

/// What a writer does: says `ready`; comes when told to; says after how many nanoseconds it was granted the lock.
pub(super) fn serve_writer(subject: &str, lock: &Path) -> Result<()> {
    println!("ready");
    std::io::stdin().read_line(&mut String::new()).context("read a command")?;
    let (subject, lock) = (subject.to_owned(), lock.to_path_buf());
    let (answer, answered) = mpsc::channel();
    // In a thread that ends with the process if it is never granted.
    std::thread::spawn(move || {
        let write = || {
            let mut holder = holder(&subject, &lock)?;
            let called = monotonic_ns();
            holder.hold()?;
            let waited = monotonic_ns() - called;
            holder.release()?;
            anyhow::Ok(waited)
        };
        answer.send(write())
    });
    let waited = match answered.recv_timeout(CAP) {
        Ok(waited) => u128::from(waited?),
        Err(mpsc::RecvTimeoutError::Timeout) => CAP.as_nanos(),
        Err(error) => return Err(error).context("the writer is gone"),
    };
    println!("{waited}");
    Ok(())
}
