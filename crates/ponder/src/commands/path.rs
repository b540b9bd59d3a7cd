//! `ponder path`

use clap::Args;
use stead_console::printer::Printer;

use super::days::day_or_today;
use crate::cli::Common;
use crate::clock::Moment;
use crate::{ExitCode, Failure, json};

/// Print where the entry of a day is, or would be
#[derive(Args, Debug)]
#[command(after_help = "\
Whoever changes the file should go through `stead`, with the lock folder
PONDER_DIR/.stead/locks: what ponder's users write meanwhile is merged then.

Examples:
  ponder path
  wc -w \"$(ponder path yesterday)\"
  ponder path --json | jq .exists

Exit codes:
    0  done                  66  PONDER_DIR is no folder
   64  DATE is wrong         77  permission denied
   78  wrong configuration")]
pub(crate) struct PathArgs {
    /// 2026-11-21, 20261121, yesterday, last friday, 3 days ago [default: today]
    date: Vec<String>,
    /// Print one JSON document, ponder.path/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &PathArgs, common: &Common, out: &mut Printer) -> Result<ExitCode, Failure> {
    let day = day_or_today(&args.date, Moment::now())?;
    let entry = common.journal(out)?.entry(day)?;
    if args.json {
        out.data(json::path(&entry))?;
    } else {
        out.exact(entry.path.as_os_str().as_encoded_bytes())?;
        out.exact(b"\n")?;
    }
    Ok(ExitCode::Done)
}
