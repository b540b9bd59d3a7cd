//! `stead ls`

use std::path::PathBuf;

use clap::Args;
use stead::lock::{inspect_folder, inspect_machine};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;

use crate::json;
use crate::table;

/// List the locks below a folder, or of the whole machine
#[derive(Args, Debug)]
#[command(after_help = "\
Lists lock files of stead's, held or free, and every other file below the folder
that some program locks.

Examples:
  stead ls
  stead ls ~/work --json | jq '.locks[] | select(.held) | .path'
  stead ls --all

Exit codes:
    0  done                  71  --all: this system does not list its locks
   66  no such folder        77  permission denied")]
pub(crate) struct LsArgs {
    /// The folder to walk down [default: .]
    #[arg(conflicts_with = "all")]
    dir: Option<PathBuf>,
    /// Every file lock on this machine, byte-range locks too, as far as this user may see
    #[arg(long)]
    all: bool,
    /// Print one JSON document, stead.ls/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &LsArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let locks = if args.all { inspect_machine()? } else { inspect_folder(folder)? };
    if args.json {
        out.data(json::ls(&locks))?;
    } else if locks.is_empty() {
        out.message("no locks here");
    } else {
        out.data(table::of(&locks, out.width()))?;
    }
    Ok(ExitCode::Done)
}
