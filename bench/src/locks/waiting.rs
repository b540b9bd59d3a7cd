//! What a waiter costs while it waits.

use std::time::Duration;

use anyhow::Result;

use super::rivals::filelock::Python;
use super::rivals::{Holder, backoff, bare, filelock, stead};
use super::waiter::Waiter;
use crate::measure::{Measured, Samples};
use crate::report::{Bar, Case, Op, Report, Unit};
use crate::setup::Setup;

const WAIT: Duration = Duration::from_secs(2);
const WAKE_UPS_MAX: f64 = 2.0;

pub(super) fn waiting(setup: &Setup, python: Python<'_>, report: &mut Report) -> Result<()> {
    let folder = setup.folder("waiting")?;
    let rust = |name: &str| (name.to_owned(), Waiter::start(name, &folder.join(name)));
    let filelock = Waiter::start_python(python, &folder.join(filelock::NAME));
    let waiters = [rust(bare::NAME), rust(stead::NAME), rust(backoff::NAME), (filelock::NAME.to_owned(), filelock)];
    // All at the same time: they sleep, and so are in nobody's way.
    let threads: Vec<_> = waiters
        .into_iter()
        .map(|(name, waiter)| {
            let (lock, rounds) = (folder.join(&name), setup.pick(3, 1));
            let measure = move || waiter.and_then(|waiter| wake_ups(waiter, &mut bare::BareHolder::new(&lock), rounds));
            (name, std::thread::spawn(measure))
        })
        .collect();
    let join = |(name, thread): (String, std::thread::JoinHandle<Result<Samples>>)| {
        let outcome = thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("it panicked")));
        Measured { name, outcome }
    };
    let measured = threads.into_iter().map(join).collect();
    let case = Case::new("a wait of 2 s", Unit::WakeUpsPerSecond, bare::NAME, measured);
    let bar = Bar::new("wake-ups a second while waiting", Op::AtMost, WAKE_UPS_MAX, case.median(stead::NAME));
    report.bars.push(bar.marked(&case, Some(WAKE_UPS_MAX), &format!("≤ {WAKE_UPS_MAX} /s")));
    report.cases.push(case);
    Ok(())
}

/// Voluntary context switches a second, the last one at the grant included.
fn wake_ups(mut waiter: Waiter, holder: &mut dyn Holder, rounds: usize) -> Result<Samples> {
    let mut samples = Vec::new();
    for _ in 0..rounds {
        holder.hold()?;
        waiter.begin()?;
        std::thread::sleep(WAIT);
        holder.release()?;
        samples.push(waiter.end()?.sleeps as f64 / WAIT.as_secs_f64());
    }
    Ok(Samples::new(samples))
}
