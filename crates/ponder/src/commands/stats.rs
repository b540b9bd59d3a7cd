//! `ponder stats`

use clap::Args;
use stead_console::printer::Printer;

use super::days::with_failures;
use crate::cli::Common;
use crate::clock::Moment;
use crate::config::variable;
use crate::dates::dashed;
use crate::print::{counted, number};
use crate::search::read_all;
use crate::stats::calendar::{self, Marks, Period};
use crate::stats::{Days, Stats, Streak};
use crate::text::words;
use crate::{ExitCode, Failure, json};

/// Where stdout is no terminal.
const COLUMNS: usize = 80;

/// Count entries, words and days in a row, and draw a calendar
#[derive(Args, Debug)]
#[command(after_help = "\
The calendar has a column for each week of the last twelve months, or of a year:
the darker a day, the more was written on it. A streak is of days in a row; today
does not end it as long as it is not over.

Examples:
  ponder stats
  ponder stats --year 2025
  ponder stats --json | jq .longest_streak.days

Exit codes:
    0  done                  66  PONDER_DIR is no folder
   64  the command line is wrong
   74  reading failed
   77  permission denied     78  wrong configuration")]
pub(crate) struct StatsArgs {
    /// The year of the calendar [default: the last twelve months]
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1..=9999))]
    year: Option<i16>,
    /// Print one JSON document, ponder.stats/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &StatsArgs, common: &Common, out: &mut Printer) -> Result<ExitCode, Failure> {
    let today = Moment::now().today();
    let entries = common.journal(out)?.entries()?;
    let read = read_all(entries, |entry, text| Some((entry.day, words(text))));
    let mut days = Days::new();
    for (day, words) in read.found {
        *days.entry(day).or_default() += words;
    }
    let stats = Stats::of(&days, today);
    if args.json {
        out.data(json::stats(&stats))?;
    } else if days.is_empty() {
        out.message("no entries");
    } else {
        let period = args.year.map_or_else(|| Period::last_year(today), Period::year);
        let columns = out.width().map_or(COLUMNS, usize::from);
        out.data(format_args!("{}\n\n{}", told(&stats), calendar::draw(&days, period, marks(), columns)))?;
    }
    Ok(with_failures(&read.failures, ExitCode::Done, out))
}

fn told(stats: &Stats) -> String {
    let mut lines = vec![format!("{}, {}", entries(stats.total.entries), counted(stats.total.words, "word", "words"))];
    if let (Some(first), Some(last)) = (stats.first, stats.last) {
        lines.push(format!(
            "from {} to {}, {} words an entry",
            dashed(first),
            dashed(last),
            number(stats.total.mean())
        ));
    }
    lines.push(match stats.streaks.current {
        Some(streak) => format!("{} in a row now", days(streak)),
        None => "no streak now".to_owned(),
    });
    if let Some(longest) = stats.streaks.longest {
        lines.push(format!("{} at most, from {} to {}", days(longest), dashed(longest.first), dashed(longest.last)));
    }
    lines.push(String::new());
    let width = number(stats.total.entries).len();
    for (year, sum) in &stats.years {
        let unit = if sum.entries == 1 { "entry" } else { "entries" };
        lines.push(format!("{year:04}  {:>width$} {unit:7}  {:>9} words", number(sum.entries), number(sum.words)));
    }
    lines.join("\n")
}

fn entries(count: usize) -> String {
    counted(count, "entry", "entries")
}

fn days(streak: Streak) -> String {
    counted(streak.days, "day", "days")
}

/// Blocks where the terminal is known to have them.
fn marks() -> Marks {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    let is_utf8 = locale.is_some_and(|name| {
        let name = name.to_string_lossy().to_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    });
    if is_utf8 { Marks::BLOCKS } else { Marks::ASCII }
}
