//! `ponder list`

use clap::Args;
use serde_json::Value;
use stead_console::printer::Printer;

use super::days::{Between, with_failures};
use crate::cli::Common;
use crate::clock::Moment;
use crate::dates::{dashed, weekday};
use crate::journal::Entry;
use crate::json::{self, Told};
use crate::search::read_all;
use crate::text::{tags_of, words};
use crate::{ExitCode, Failure, print};

/// List the entries, the oldest first
#[derive(Args, Debug)]
#[command(after_help = "\
Each with its day, how many words it has, and its tags.

Examples:
  ponder list
  ponder list --from 'last month'
  ponder list --json | jq -r 'select(.words > 500) | .path'

Exit codes:
    0  done                  66  PONDER_DIR is no folder
   64  a date is wrong       74  reading failed
   77  permission denied     78  wrong configuration")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    between: Between,
    /// Print a JSON document for each entry, ponder.entry/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ListArgs, common: &Common, out: &mut Printer) -> Result<ExitCode, Failure> {
    let journal = common.journal(out)?;
    let entries = args.between.entries(&journal, Moment::now())?;
    let read = read_all(entries, |entry, text| {
        let told = Told { words: words(text), tags: tags_of(text) };
        Some(if args.json { Value::Object(json::entry(entry, &told, None)).to_string() } else { line(entry, &told) })
    });
    if read.found.is_empty() && read.failures.is_empty() {
        out.message(format_args!("no entries in {}", journal.folder().display()));
        return Ok(ExitCode::Done);
    }
    out.raw((read.found.join("\n") + "\n").as_bytes())?;
    Ok(with_failures(&read.failures, ExitCode::Done, out))
}

fn line(entry: &Entry, told: &Told) -> String {
    let unit = if told.words == 1 { "word" } else { "words" };
    let count = format!("{:>7} {unit:5}", print::number(told.words));
    let tags: Vec<String> = told.tags.iter().map(|tag| print::tag(tag)).collect();
    let day = print::day(&dashed(entry.day));
    format!("{day} {} {count} {}", &weekday(entry.day)[..3], tags.join(" ")).trim_end().to_owned()
}
