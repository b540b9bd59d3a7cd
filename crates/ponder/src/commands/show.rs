//! `ponder show`

use clap::Args;
use serde_json::Value;
use stead_console::printer::Printer;

use super::days::{day_or_today, with_failures};
use crate::cli::Common;
use crate::clock::Moment;
use crate::dates::dashed;
use crate::journal::Entry;
use crate::json::{self, Told};
use crate::search::read_all;
use crate::text::{tags_of, words};
use crate::{ExitCode, Failure, print};

/// Print the entry of a day
#[derive(Args, Debug)]
#[command(after_help = "\
Takes no lock, and never sees half of an entry. Bytes that are no text are shown
as such on a terminal, and printed as they are elsewhere.

Examples:
  ponder show
  ponder show last friday
  ponder show 2026-11-21 --json | jq -r .text

Exit codes:
    0  done                  66  PONDER_DIR is no folder
    1  there is no such entry
   64  DATE is wrong         74  reading failed
   77  permission denied     78  wrong configuration")]
pub(crate) struct ShowArgs {
    /// 2026-11-21, 20261121, yesterday, last friday, 3 days ago [default: today]
    date: Vec<String>,
    /// Print one JSON document, ponder.entry/1, with the text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ShowArgs, common: &Common, out: &mut Printer) -> Result<ExitCode, Failure> {
    let day = day_or_today(&args.date, Moment::now())?;
    let entries = common.journal(out)?.entries_of(day)?;
    if entries.is_empty() {
        let day = dashed(day);
        return Err(Failure::new(ExitCode::No, format!("there is no entry of {day}"))
            .with_hint(format!("`ponder -d {day}` writes one, `ponder list` shows which there are")));
    }
    if args.json {
        return as_json(&entries, out);
    }
    print::entries(&entries, out)?;
    Ok(ExitCode::Done)
}

fn as_json(entries: &[Entry], out: &mut Printer) -> Result<ExitCode, Failure> {
    let read = read_all(entries.to_vec(), |entry, text| {
        let told = Told { words: words(text), tags: tags_of(text) };
        let mut fields = json::entry(entry, &told, None);
        fields.insert("text".to_owned(), text.into());
        Some(Value::Object(fields))
    });
    for entry in read.found {
        out.data(entry)?;
    }
    Ok(with_failures(&read.failures, ExitCode::Done, out))
}
