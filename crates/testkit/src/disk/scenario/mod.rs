//! A piece of code that keeps data, and what must hold of it whenever the power fails.

mod explore;
mod report;

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

pub use report::{Broken, Report};

use super::{Op, SimDisk};

/// How many states are looked at after each step, unless said otherwise.
const BUDGET: usize = 3000;
/// How many of them have their recovery cut.
const RECOVERIES: usize = 20;
/// How many states are looked at after each step of one of those, at most.
const RECOVERY_BUDGET: usize = 24;
/// How many states are looked at after each thing that has gone wrong, at most.
const FAULT_BUDGET: usize = 200;

/// What the parts of a scenario return.
pub type Outcome = Result<(), Box<dyn Error>>;

/// What the code under test has told its caller to be kept.
#[derive(Debug, Clone)]
pub struct Acked {
    disk: SimDisk,
    notes: Arc<Mutex<Vec<String>>>,
}

impl Acked {
    /// Notes something down as kept from now on; after a power cut, nothing.
    pub fn note(&self, what: impl Into<String>) {
        if !self.disk.is_off() {
            self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
        }
    }

    fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

type Recovery<'a> = Box<dyn Fn(&SimDisk) -> Outcome + 'a>;
type Run<'a> = Box<dyn Fn(&SimDisk, &Acked) -> Outcome + 'a>;
type Check<'a> = Box<dyn Fn(&SimDisk, &[String]) -> Result<(), String> + 'a>;

/// A piece of code that keeps data, and what must hold of it whenever the power fails.
///
/// ```
/// use std::path::Path;
///
/// use stead::disk::{Access, Disk};
/// use testkit::Scenario;
///
/// let report = Scenario::new("append and sync")
///     .setup(|disk| disk.put("/d/log", b"old\n"))
///     .run(|disk, acked| {
///         let log = disk.open(Path::new("/d/log"), Access::Append)?;
///         disk.append(&log, b"new\n")?;
///         disk.sync_data(&log)?;
///         acked.note("new");
///         Ok(())
///     })
///     .check(|disk, acked| {
///         let content = disk.content("/d/log").unwrap_or_default();
///         let kept = if acked.is_empty() { content.starts_with(b"old\n") } else { content == b"old\nnew\n" };
///         if kept { Ok(()) } else { Err(format!("{} is lost", content.escape_ascii())) }
///     })
///     .explore()?;
/// assert_eq!(report.runs, 3);
/// # Ok::<(), testkit::Broken>(())
/// ```
pub struct Scenario<'a> {
    name: String,
    disk: Box<dyn Fn() -> SimDisk + 'a>,
    setup: Box<dyn Fn(&SimDisk) + 'a>,
    run: Run<'a>,
    recover: Option<Recovery<'a>>,
    check: Check<'a>,
    sabotaged: Vec<Op>,
    budget: usize,
    recoveries: usize,
    seed: u64,
}

impl<'a> Scenario<'a> {
    /// One that does nothing yet, on a disk with the folder `/d`.
    pub fn new(name: impl Into<String>) -> Scenario<'a> {
        Scenario {
            name: name.into(),
            disk: Box::new(|| SimDisk::new(&["/d"])),
            setup: Box::new(|_| ()),
            run: Box::new(|_, _| Ok(())),
            recover: None,
            check: Box::new(|_, _| Ok(())),
            sabotaged: Vec::new(),
            budget: BUDGET,
            recoveries: RECOVERIES,
            seed: 1,
        }
    }

    /// On this disk instead; asked for a new one for each run.
    #[must_use]
    pub fn disk(self, disk: impl Fn() -> SimDisk + 'a) -> Self {
        Scenario { disk: Box::new(disk), ..self }
    }

    /// What is on the disk before; all of it durably, however it is put there.
    #[must_use]
    pub fn setup(self, setup: impl Fn(&SimDisk) + 'a) -> Self {
        Scenario { setup: Box::new(setup), ..self }
    }

    /// The code under test. It must succeed with the power on, and take the same steps each time.
    #[must_use]
    pub fn run(self, run: impl Fn(&SimDisk, &Acked) -> Outcome + 'a) -> Self {
        Scenario { run: Box::new(run), ..self }
    }

    /// What the next process does after the power cut, before the check. It must succeed, and will be cut as well.
    #[must_use]
    pub fn recover(self, recover: impl Fn(&SimDisk) -> Outcome + 'a) -> Self {
        Scenario { recover: Some(Box::new(recover)), ..self }
    }

    /// What must hold, given what was acknowledged; else it says in words what does not.
    #[must_use]
    pub fn check(self, check: impl Fn(&SimDisk, &[String]) -> Result<(), String> + 'a) -> Self {
        Scenario { check: Box::new(check), ..self }
    }

    /// Makes the disk [ignore](SimDisk::ignore) these calls once it is set up, to show that the check would notice.
    #[must_use]
    pub fn sabotage(mut self, op: Op) -> Self {
        self.sabotaged.push(op);
        self
    }

    /// How many crash states are looked at after each step, at most; 3,000 if not said.
    #[must_use]
    pub fn budget(self, states: usize) -> Self {
        Scenario { budget: states, ..self }
    }

    /// How many of those have their recovery cut after each of its steps, at most; 20 if not said.
    #[must_use]
    pub fn cut_recoveries(self, states: usize) -> Self {
        Scenario { recoveries: states, ..self }
    }

    /// What is drawn where not everything can be looked at.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Scenario { seed, ..self }
    }
}

impl fmt::Debug for Scenario<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenario").field("name", &self.name).finish_non_exhaustive()
    }
}
