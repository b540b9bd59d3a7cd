//! From the release in one process to the grant in another that sleeps.

use std::time::Duration;

use anyhow::Result;

use super::rivals::filelock::Python;
use super::rivals::{Holder, backoff, bare, filelock, stead};
use super::waiter::Waiter;
use crate::agent::monotonic_ns;
use crate::measure::{Probe, Subject, interleaved};
use crate::report::{Bar, Case, Op, Report, Unit, ratio};
use crate::setup::Setup;

/// Those who are woken give this many samples for each of a poller.
const WOKEN_PER_ROUND: usize = 10;

/// How long the waiter sleeps before the release, where that makes no difference.
const SHORT_HOLD: Duration = Duration::from_millis(2);
/// Where it does: spread over this span, so that the release hits every phase of a poll.
const LONG_HOLD_MIN: Duration = Duration::from_millis(20);
const LONG_HOLD_SPREAD: Duration = Duration::from_millis(300);

pub(super) fn handoff(setup: &Setup, python: Python<'_>, report: &mut Report) -> Result<()> {
    let folder = setup.folder("handoff")?;
    let path = |name: &str| folder.join(name);
    let bare = |name: &str| {
        Ok(Handoff {
            waiter: Waiter::start(name, &path(name))?,
            holder: Box::new(bare::BareHolder::new(&path(name))),
            hold: Hold::Short,
        })
    };
    let ours = |name: &str| {
        let holder = Box::new(stead::SteadHolder::new(&path(name)));
        Ok(Handoff { waiter: Waiter::start(name, &path(name))?, holder, hold: Hold::Short })
    };
    let spread = |handoff: Handoff| Handoff { hold: Hold::Spread(0), ..handoff };
    // A poll takes so much longer than any release that the holder may as well be the bare one.
    let filelock = Waiter::start_python(python, &path("filelock")).map(|waiter| Handoff {
        waiter,
        holder: Box::new(bare::BareHolder::new(&path("filelock"))),
        hold: Hold::Spread(0),
    });
    let subjects = vec![
        Subject::new(bare::NAME, WOKEN_PER_ROUND, bare(bare::NAME)),
        Subject::new(stead::NAME, WOKEN_PER_ROUND, ours(stead::NAME)),
        Subject::new(stead::NO_DEADLINE, WOKEN_PER_ROUND, ours(stead::NO_DEADLINE)),
        Subject::new(backoff::NAME, 1, bare(backoff::NAME).map(spread)),
        Subject::new(filelock::NAME, 1, filelock),
    ];
    let measured = interleaved(subjects, setup.pick(120, 6));
    let case = Case::new("handoff", Unit::Microseconds, bare::NAME, measured);
    report.bars.push(case.at_most_times("handoff median, times blocking flock", stead::NAME, 1.6, bare::NAME));
    let p99 = ratio(case.p99(stead::NAME), case.p99(bare::NAME));
    report.bars.push(Bar::new("handoff p99, times blocking flock", Op::AtMost, 3.0, p99));
    report.cases.push(case);
    Ok(())
}

struct Handoff {
    waiter: Waiter,
    holder: Box<dyn Holder>,
    hold: Hold,
}

enum Hold {
    Short,
    /// How many there were.
    Spread(u32),
}

impl Hold {
    fn next(&mut self) -> Duration {
        match self {
            Hold::Short => SHORT_HOLD,
            Hold::Spread(count) => {
                *count += 1;
                // Multiples of the golden ratio fall evenly into the span, however many there are.
                let golden = (f64::from(*count) * 0.618_033_988_749_895).fract();
                LONG_HOLD_MIN + LONG_HOLD_SPREAD.mul_f64(golden)
            }
        }
    }
}

impl Probe for Handoff {
    fn sample(&mut self, count: usize, samples: &mut Vec<f64>) -> Result<()> {
        for _ in 0..count {
            self.holder.hold()?;
            self.waiter.begin()?;
            std::thread::sleep(self.hold.next());
            let released = monotonic_ns();
            self.holder.release()?;
            samples.push(self.waiter.end()?.granted_ns.saturating_sub(released) as f64 / 1000.0);
        }
        Ok(())
    }
}
