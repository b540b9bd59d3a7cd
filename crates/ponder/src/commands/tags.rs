//! `ponder tags`

use std::collections::BTreeMap;

use clap::Args;
use stead_console::printer::Printer;

use super::days::{Between, with_failures};
use crate::cli::Common;
use crate::clock::Moment;
use crate::search::read_all;
use crate::text::tags_of;
use crate::{ExitCode, Failure, json, print};

/// List the #tags, the most used first
#[derive(Args, Debug)]
#[command(after_help = "\
A tag is # and letters, digits, -, _ or /, with one letter at least; upper and
lower case are the same. What is in code or in a URL is none. Each is printed
with how many entries have it.

Examples:
  ponder tags
  ponder tags --from 'a year ago'
  ponder tags --json | jq -r '.tags[].tag'

Exit codes:
    0  done                  66  PONDER_DIR is no folder
   64  a date is wrong       74  reading failed
   77  permission denied     78  wrong configuration")]
pub(crate) struct TagsArgs {
    #[command(flatten)]
    between: Between,
    /// Print one JSON document, ponder.tags/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &TagsArgs, common: &Common, out: &mut Printer) -> Result<ExitCode, Failure> {
    let entries = args.between.entries(&common.journal(out)?, Moment::now())?;
    let read = read_all(entries, |_, text| Some(tags_of(text)));
    let tags = counted(read.found.into_iter().flatten());
    if args.json {
        out.data(json::tags(&tags))?;
    } else if tags.is_empty() {
        out.message("no tags");
    }
    if !args.json {
        let width = tags.first().map_or(0, |(_, most)| print::number(*most).len());
        for (tag, entries) in &tags {
            out.data(format_args!("{:>width$} {}", print::number(*entries), print::tag(tag)))?;
        }
    }
    Ok(with_failures(&read.failures, ExitCode::Done, out))
}

/// How often each is there, the most frequent first.
fn counted(tags: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for tag in tags {
        *counts.entry(tag).or_default() += 1;
    }
    let mut counted: Vec<(String, usize)> = counts.into_iter().collect();
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_are_first_and_others_by_name() {
        let tags = counted(["b", "c", "a", "c"].into_iter().map(str::to_owned));
        assert_eq!(tags, [("c".to_owned(), 2), ("a".to_owned(), 1), ("b".to_owned(), 1)]);
    }
}
