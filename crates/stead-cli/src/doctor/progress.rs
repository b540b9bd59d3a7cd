//! The line that moves on a terminal while the doctor works.

use std::time::Duration;

use stead_console::printer::Printer;

use super::report::{Thousands, rate};

/// How long the bar is.
const BAR: usize = 20;

/// Shows where the work is, or nothing at all.
pub(super) struct Progress<'a> {
    out: Option<&'a mut Printer>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(out: &'a mut Printer, quiet: bool) -> Progress<'a> {
        let shows = out.is_live() && !quiet;
        Progress { out: shows.then_some(out) }
    }

    /// Whether anybody sees it.
    pub(super) fn is_shown(&self) -> bool {
        self.out.is_some()
    }

    /// Which promise is tested now.
    pub(super) fn testing(&mut self, name: &str, done: usize, all: usize) {
        if let Some(out) = &mut self.out {
            out.progress(format_args!("{} testing {name}", bar(done, all)));
        }
    }

    /// How far the stress is.
    pub(super) fn stress(&mut self, elapsed: Duration, all: Duration, changes: u64, kills: u64) {
        if let Some(out) = &mut self.out {
            let part = |duration: Duration| usize::try_from(duration.as_millis()).unwrap_or(usize::MAX);
            out.progress(format_args!(
                "{} {:.1} of {} s, {} changes, {} a second, {kills} kills",
                bar(part(elapsed), part(all)),
                elapsed.as_secs_f64(),
                all.as_secs_f64(),
                Thousands(changes),
                Thousands(rate(changes, elapsed)),
            ));
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(out) = &mut self.out {
            out.clear_progress();
        }
    }
}

fn bar(done: usize, all: usize) -> String {
    let full = done.min(all).saturating_mul(BAR) / all.max(1);
    format!("[{:=<full$}{:.<empty$}]", "", "", empty = BAR - full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_and_never_overflows() {
        assert_eq!(bar(0, 10), "[....................]");
        assert_eq!(bar(5, 10), "[==========..........]");
        assert_eq!(bar(11, 10), "[====================]");
        assert_eq!(bar(0, 0), "[....................]");
    }
}
