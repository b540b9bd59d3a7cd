//! `ponder search`

use clap::Args;
use serde_json::Value;
use stead_console::printer::Printer;

use super::days::{Between, with_failures};
use crate::cli::Common;
use crate::clock::Moment;
use crate::dates::dashed;
use crate::journal::Entry;
use crate::json::{self, Told};
use crate::print;
use crate::search::{Found, Query, read_all};
use crate::text::{tags_of, words};
use crate::{ExitCode, Failure};

/// Find entries by words, "phrases" and #tags
#[derive(Args, Debug)]
#[command(after_help = "\
An entry is found if all of it is in it: words, also as a part of longer ones, in
upper or lower case; phrases in double quotes, also across the end of a line;
tags, with those below them (#work finds #work/meeting). The first three lines of
each entry are printed, the oldest entry first. Keep the quotes and # from the
shell by single quotes.

Examples:
  ponder search apples
  ponder search '\"green apples\" #garden'
  ponder search --regex '^## 0[0-5]:' --from 2026-01-01
  ponder search '#idea' --json | jq -r .path

Exit codes:
    0  found                 66  PONDER_DIR is no folder
    1  nothing is found      74  reading failed
   64  QUERY is wrong        77  permission denied
   78  wrong configuration")]
pub(crate) struct SearchArgs {
    /// Words, "phrases" and #tags
    #[arg(required = true)]
    query: Vec<String>,
    /// QUERY is a regular expression; (?i) at its start: in upper or lower case
    #[arg(long)]
    regex: bool,
    #[command(flatten)]
    between: Between,
    /// Print a JSON document for each entry, ponder.entry/1, with the first line that is found
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &SearchArgs, common: &Common, out: &mut Printer) -> Result<ExitCode, Failure> {
    let text = args.query.join(" ");
    let query = if args.regex { Query::regex(&text)? } else { Query::parse(&text)? };
    let entries = args.between.entries(&common.journal(out)?, Moment::now())?;
    let columns = out.width().map_or(usize::MAX, usize::from);
    let read = read_all(entries, |entry, text| {
        let found = Found::new(text, &query.find(text)?);
        Some(if args.json { as_json(entry, text, &found) } else { shown(entry, &found, columns) })
    });
    if !read.found.is_empty() {
        out.data(read.found.join("\n"))?;
    }
    if read.found.is_empty() && read.failures.is_empty() {
        out.message("nothing found");
        return Ok(ExitCode::No);
    }
    Ok(with_failures(&read.failures, ExitCode::Done, out))
}

fn as_json(entry: &Entry, text: &str, found: &Found) -> String {
    let told = Told { words: words(text), tags: tags_of(text) };
    let first = found.lines.first().map(|line| line.text.as_str());
    Value::Object(json::entry(entry, &told, first)).to_string()
}

/// A line for each line that was found, with the day; and how many more there are.
fn shown(entry: &Entry, found: &Found, columns: usize) -> String {
    let day = dashed(entry.day);
    let room = columns.saturating_sub(day.len() + 2);
    let mut lines: Vec<String> =
        found.lines.iter().map(|line| format!("{}  {}", print::day(&day), print::line(line, room))).collect();
    if lines.is_empty() {
        lines.push(print::day(&day));
    }
    if found.more > 0 {
        lines.push(format!("{}  … {}", print::day(&day), print::counted(found.more, "more line", "more lines")));
    }
    lines.join("\n")
}
