//! Days on the command line.

use clap::Args;
use jiff::civil::Date;
use stead_console::printer::Printer;

use crate::clock::Moment;
use crate::dates::{self, dashed};
use crate::journal::{Journal, Listed};
use crate::{ExitCode, Failure};

/// The day that is written, seen from `now`.
pub(super) fn day(text: &str, now: Moment) -> Result<Date, Failure> {
    dates::parse(text, now.today()).map_err(|wrong| Failure::new(ExitCode::Usage, wrong.to_string()))
}

/// The day that these words are, or today.
pub(super) fn day_or_today(words: &[String], now: Moment) -> Result<Date, Failure> {
    if words.is_empty() { Ok(now.today()) } else { day(&words.join(" "), now) }
}

/// `--from` and `--to`.
#[derive(Args, Debug)]
pub(super) struct Between {
    /// Only entries of this day and later
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Only entries of this day and earlier
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
}

impl Between {
    /// The entries of the journal between these days.
    pub(super) fn entries(&self, journal: &Journal, now: Moment) -> Result<Listed, Failure> {
        let from = self.from.as_deref().map(|from| day(from, now)).transpose()?;
        let to = self.to.as_deref().map(|to| day(to, now)).transpose()?;
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            let (from, to) = (dashed(from), dashed(to));
            return Err(Failure::new(ExitCode::Usage, format!("--from {from} is after --to {to}")));
        }
        let mut listed = journal.entries()?;
        listed.entries.retain(|entry| from.is_none_or(|from| entry.day >= from) && to.is_none_or(|to| entry.day <= to));
        Ok(listed)
    }
}

/// Says what could not be read; the exit code is that of the first of it, or else `code`.
pub(super) fn with_failures(failures: &[Failure], code: ExitCode, out: &mut Printer) -> ExitCode {
    for failure in failures {
        out.failure(failure);
    }
    failures.first().map_or(code, |failure| failure.code)
}
