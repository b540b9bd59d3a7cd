//! Many processes at work on the same files, some of them killed; afterwards the proof that nothing was lost.
//!
//! | file | what it does |
//! |---|---|
//! | `work` | what a kind of work is, and the list of them: add yours there |
//! | `counters/` | the work with counters under sidecar locks |
//! | `files/` | the work with documents, replaced files and appended lines |
//! | `events/` | the work with an event log: writers, rotations, followers |
//! | `content`, `steps`, `proof` | of both: what they write, what they write down of it, and that it is there |
//! | `ledger` | what a worker writes down of its work |
//! | `worker` | what runs in a worker process |
//! | `crew` | starts workers, kills them, ends them |
//! | `findings` | what the proof says, and how long the waits were |
//!
//! A run goes in rounds, each with files of its own and checked at its end, so that a long run needs no more memory
//! and disk than a short one.

mod content;
mod counters;
mod crew;
mod events;
mod files;
mod findings;
mod ledger;
mod proof;
mod steps;
mod work;
mod worker;

use std::path::Path;
use std::time::{Duration, Instant};

use super::bench::PrivateFolder;
use super::clock;
use super::interrupt::Interrupt;
use super::progress::Progress;
use super::trouble::Trouble;
use crew::Crew;

pub(super) use findings::Findings;
pub(super) use worker::work_until_told;

/// How long a round may be: its ledgers are read into memory.
const ROUND_MAX: Duration = Duration::from_secs(30);
/// Between two kills: on average five a second.
const KILL_PAUSE_MS: std::ops::Range<u64> = 50..350;
/// How often the crew is looked after.
const TICK: Duration = Duration::from_millis(25);

/// What is asked for.
pub(super) struct Plan<'a> {
    pub(super) program: &'a Path,
    pub(super) duration: Duration,
    pub(super) processes: u32,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) elapsed: Duration,
    pub(super) processes: u32,
    pub(super) kills: u64,
    pub(super) findings: Findings,
}

impl Report {
    /// Operations that held a lock, a second.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub(super) fn rate_per_s(&self) -> f64 {
        self.findings.operations as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Whether all was as it must be.
    pub(super) fn is_sound(&self) -> bool {
        let Findings { lost, doubled, overlaps, failures, .. } = &self.findings;
        (*lost, *doubled, *overlaps) == (0, 0, 0) && failures.is_empty()
    }
}

/// Works for as long as planned.
pub(super) fn run(
    plan: &Plan<'_>,
    folder: &PrivateFolder,
    interrupt: &Interrupt,
    progress: &mut Progress<'_>,
) -> Result<Report, Trouble> {
    let mut report =
        Report { elapsed: Duration::ZERO, processes: plan.processes, kills: 0, findings: Findings::default() };
    for round in 1_u32.. {
        let left = plan.duration.saturating_sub(report.elapsed);
        if left.is_zero() || !report.findings.failures.is_empty() {
            break;
        }
        let room = folder.room(&format!("stress-{round}"))?;
        for work in work::ALL {
            let folder = work::folder(&room, *work);
            std::fs::create_dir(&folder).map_err(Trouble::at("create", &folder))?;
            work.prepare(&folder)?;
        }
        Round { plan, room: &room, interrupt, progress }.run(left.min(ROUND_MAX), &mut report)?;
        for work in work::ALL {
            report.findings += work.check(&work::folder(&room, *work))?;
        }
        std::fs::remove_dir_all(&room).map_err(Trouble::at("remove", &room))?;
    }
    if report.findings.acknowledged == 0 {
        report.findings.failures.push("not one change was acknowledged".to_owned());
    }
    Ok(report)
}

struct Round<'a, 'p> {
    plan: &'a Plan<'a>,
    room: &'a Path,
    interrupt: &'a Interrupt,
    progress: &'a mut Progress<'p>,
}

impl Round<'_, '_> {
    fn run(&mut self, duration: Duration, report: &mut Report) -> Result<(), Trouble> {
        let Plan { program, processes, .. } = *self.plan;
        let started = clock::now();
        let mut crew = Crew::start(program, self.room, processes)?;
        let mut next_kill = started + kill_pause();
        while started.elapsed() < duration {
            let until = (started + duration).min(next_kill).saturating_duration_since(clock::now());
            self.interrupt.pause(until.min(TICK))?;
            if let Some(died) = crew.anyone_dead()? {
                // The same Ctrl-C may have reached a worker first.
                self.interrupt.pause(TICK * 4)?;
                report.findings.failures.push(died);
                break;
            }
            if clock::now() >= next_kill {
                crew.replace_one()?;
                next_kill = clock::now() + kill_pause();
            }
            self.show(report, &crew, started);
        }
        report.elapsed += started.elapsed();
        let stuck = crew.end(self.interrupt)?;
        report.kills += crew.kills();
        report.findings.failures.extend(stuck);
        Ok(())
    }

    fn show(&mut self, report: &Report, crew: &Crew<'_>, started: Instant) {
        if !self.progress.is_shown() {
            return;
        }
        let done: u64 = work::ALL.iter().map(|work| work.progress(&work::folder(self.room, *work))).sum();
        let changes = report.findings.acknowledged + done;
        let elapsed = report.elapsed + started.elapsed();
        self.progress.stress(elapsed, self.plan.duration, changes, report.kills + crew.kills());
    }
}

fn kill_pause() -> Duration {
    Duration::from_millis(fastrand::u64(KILL_PAUSE_MS))
}
