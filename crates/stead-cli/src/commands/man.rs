//! `stead man`

use std::path::PathBuf;

use clap::Args;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::program;

use crate::cli;

/// Print the manual page, or write one for each command into a folder
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  stead man | man -l -
  stead man ~/.local/share/man/man1

Exit codes:
    0  done                  74  DIR cannot be written
   66  DIR is no folder      77  permission denied")]
pub(crate) struct ManArgs {
    /// The folder to write stead.1, stead-run.1 and so on into; without it, stead.1 goes to standard output
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    program::manual(cli::definition(), args.dir.as_deref(), out)
}
