//! The bar of a long look at a log, on a terminal.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use stead_console::clock;
use stead_console::printer::{Printer, program};

/// What is quicker than this shows nothing.
const SILENCE: Duration = Duration::from_millis(200);
/// What comes after the program's name.
const FORM: &str = "{msg} [{bar:20}] {bytes} of {total_bytes}, {bytes_per_sec}";

/// Shows how far it is, once it has taken a while; goes away when dropped.
pub(super) struct Bar {
    what: &'static str,
    is_shown: bool,
    since: Option<Instant>,
    shown: Option<ProgressBar>,
}

impl Bar {
    pub(super) fn new(what: &'static str, out: &Printer) -> Bar {
        Bar { what, is_shown: out.is_live(), since: None, shown: None }
    }

    pub(super) fn show(&mut self, progress: stead::log::Progress) {
        let since = *self.since.get_or_insert_with(clock::now);
        if !self.is_shown || since.elapsed() < SILENCE {
            return;
        }
        let bar = self.shown.get_or_insert_with(|| begin(self.what));
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn begin(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template(&format!("{}: {FORM}", program()))
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style.progress_chars("==.")).with_message(what)
}
