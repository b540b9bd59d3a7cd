//! Ctrl-C and its like: remembered, so that the doctor can clean up before it ends by them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::clock;
use super::trouble::Trouble;

/// How soon a pause notices an interruption.
const NOTICE: Duration = Duration::from_millis(20);

/// Whether a signal has asked the doctor to end.
#[derive(Debug, Clone)]
pub(super) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// From now on the signals that ask to end are remembered instead of obeyed.
    pub(super) fn watch() -> io::Result<Interrupt> {
        let seen = Arc::new(AtomicUsize::new(0));
        remember(&seen)?;
        Ok(Interrupt(seen))
    }

    /// The signal that came, if one did.
    pub(super) fn signal(&self) -> Option<i32> {
        i32::try_from(self.0.load(Ordering::SeqCst)).ok().filter(|signal| *signal != 0)
    }

    /// Fails once a signal came.
    pub(super) fn check(&self) -> Result<(), Trouble> {
        self.signal().map_or(Ok(()), |_| Err(Trouble::Interrupted))
    }

    /// Sleeps, and fails as soon as a signal comes.
    pub(super) fn pause(&self, duration: Duration) -> Result<(), Trouble> {
        let end = clock::now() + duration;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(clock::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(NOTICE));
        }
    }
}

/// Not `SIGHUP`: nohup(1) may have turned it off, and where it has not, the keeper cleans up after us.
#[cfg(unix)]
fn remember(seen: &Arc<AtomicUsize>) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};

    for signal in [SIGINT, SIGTERM] {
        let number = usize::try_from(signal).unwrap_or_default();
        signal_hook::flag::register_usize(signal, Arc::clone(seen), number)?;
    }
    Ok(())
}

/// There is nothing to remember: Ctrl-C ends us at once, and the keeper cleans up.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn remember(_: &Arc<AtomicUsize>) -> io::Result<()> {
    Ok(())
}
