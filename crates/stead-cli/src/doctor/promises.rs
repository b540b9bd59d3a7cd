//! What stead needs of a filesystem, and what became of each need.

use std::fmt;

use super::bench::Bench;
use super::exclusion;
use super::probes;
use super::trouble::Trouble;

/// How a promise fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It holds here.
    Kept,
    /// It is missing here, but stead does it another way.
    Fallback,
    /// It does not hold, and stead cannot do without.
    Broken,
    /// There is no such thing on this system.
    NotApplicable,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Outcome::Kept => "kept",
            Outcome::Fallback => "fallback",
            Outcome::Broken => "broken",
            Outcome::NotApplicable => "not applicable",
        })
    }
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) detail: String,
}

impl Verdict {
    /// `detail`: what was measured, or nothing.
    pub(super) fn kept(detail: impl Into<String>) -> Verdict {
        Verdict { outcome: Outcome::Kept, detail: detail.into() }
    }

    /// `detail`: how stead does it instead.
    pub(super) fn fallback(detail: impl Into<String>) -> Verdict {
        Verdict { outcome: Outcome::Fallback, detail: detail.into() }
    }

    /// `detail`: what was seen; what it means is added from the list of tests.
    pub(super) fn broken(detail: impl Into<String>) -> Verdict {
        Verdict { outcome: Outcome::Broken, detail: detail.into() }
    }

    /// `detail`: why not.
    #[cfg_attr(any(target_os = "linux", target_os = "android"), expect(dead_code, reason = "Linux has them all"))]
    pub(super) fn not_applicable(detail: impl Into<String>) -> Verdict {
        Verdict { outcome: Outcome::NotApplicable, detail: detail.into() }
    }
}

/// A promise and how it fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Promise {
    pub(super) name: &'static str,
    pub(super) outcome: Outcome,
    pub(super) detail: String,
}

/// One thing that is tested.
pub(super) struct Test {
    pub(super) name: &'static str,
    /// What it means for the user when it is broken, and what to do.
    meaning: &'static str,
    run: fn(&Bench<'_>) -> Result<Verdict, Trouble>,
}

const NO_EXCLUSION: &str = "two programs can change a file at the same time here, and updates get lost: keep the data, \
    or the lock folder (--lock-dir), on a local disk";
const NO_REPLACE: &str = "readers can see a file missing or half written: keep the data on a local disk";
const NOT_DURABLE: &str = "what was acknowledged may be gone after a power cut: keep the data on another disk";

/// All that is tested, in the order of the table.
pub(super) const TESTS: &[Test] = &[
    Test { name: "exclusion between processes", meaning: NO_EXCLUSION, run: exclusion::between_processes },
    Test { name: "exclusion between threads", meaning: NO_EXCLUSION, run: exclusion::between_threads },
    Test { name: "shared together, exclusive alone", meaning: NO_EXCLUSION, run: exclusion::shared_together },
    Test {
        name: "waiters served in order",
        meaning: "a waiter may be passed by again and again here: keep the lock folder (--lock-dir) on a local disk",
        run: exclusion::turns,
    },
    Test {
        name: "release on SIGKILL",
        meaning: "a killed program keeps its locks for a while here, and others wait for nobody: use --wait, and keep \
            the lock folder (--lock-dir) on a local disk",
        run: exclusion::release_on_kill,
    },
    Test { name: "lock file renamed away", meaning: NO_EXCLUSION, run: exclusion::renamed_away },
    Test { name: "lock file removed", meaning: NO_EXCLUSION, run: exclusion::removed },
    Test {
        name: "waits end on their deadline",
        meaning: "--wait cannot be relied on here: keep the lock folder (--lock-dir) on a local disk",
        run: exclusion::deadline,
    },
    Test { name: "atomic rename", meaning: NO_REPLACE, run: probes::atomic_rename },
    Test { name: "exchange rename", meaning: NO_REPLACE, run: probes::exchange_rename },
    Test { name: "hard link", meaning: NO_REPLACE, run: probes::hard_link },
    Test { name: "unnamed file (O_TMPFILE)", meaning: NO_REPLACE, run: probes::unnamed_file },
    Test { name: "file sync", meaning: NOT_DURABLE, run: probes::sync_file },
    Test { name: "directory sync", meaning: NOT_DURABLE, run: probes::sync_folder },
    Test {
        name: "extended attributes",
        meaning: "attributes of a file may get lost when it is replaced: keep such files on another disk",
        run: probes::attributes,
    },
    Test {
        name: "change notification",
        meaning: "`stead watch` may miss changes: keep the data on a local disk",
        run: probes::notification,
    },
    Test {
        name: "clock",
        meaning: "ages, times and fencing tokens will be wrong: set the clock, for instance by turning NTP on",
        run: probes::clock,
    },
    Test {
        name: "case kept apart",
        meaning: "names that differ in case only may be mixed up: do not use such names here",
        run: probes::case,
    },
];

impl Test {
    /// Runs it. A step that fails breaks the promise; only what is not the filesystem's fault is passed on.
    pub(super) fn run(&self, bench: &Bench<'_>) -> Result<Promise, Trouble> {
        bench.interrupt.check()?;
        let verdict = match (self.run)(bench) {
            Ok(verdict) => verdict,
            Err(trouble @ (Trouble::Interrupted | Trouble::NoRoom(_))) => return Err(trouble),
            // A helper that died of the same Ctrl-C, before we noticed it ourselves.
            Err(_) if bench.interrupt.signal().is_some() => return Err(Trouble::Interrupted),
            Err(Trouble::Failed(text)) => Verdict::broken(text),
        };
        Ok(self.judge(verdict))
    }

    fn judge(&self, Verdict { outcome, detail }: Verdict) -> Promise {
        let detail = if outcome == Outcome::Broken { format!("{detail}; {}", self.meaning) } else { detail };
        Promise { name: self.name, outcome, detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_says_what_was_seen_and_what_it_means() {
        let promise = TESTS[0].judge(Verdict::broken("both got the lock"));
        assert_eq!(promise.outcome, Outcome::Broken);
        assert!(promise.detail.starts_with("both got the lock; two programs can change a file"), "{}", promise.detail);
    }

    #[test]
    fn every_name_is_there_once() {
        let mut names: Vec<_> = TESTS.iter().map(|test| test.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TESTS.len());
    }
}
