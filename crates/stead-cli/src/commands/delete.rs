//! `stead delete`

use std::path::PathBuf;

use clap::Args;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;

use super::documents::pointer::Pointer;
use super::documents::{ChangeArgs, Missing, astray, change};

/// Delete a value of a JSON or TOML document
#[derive(Args, Debug)]
#[command(after_help = "\
The document is read, changed and replaced under its sidecar lock. What is not
deleted stays as it is, see `stead set --help`.

Examples:
  stead delete package.json /scripts/test
  stead delete state.json /queue/0

Exit codes:
    0  done                  66  no such file, or of the wrong kind
    1  nothing is there      71  the filesystem or the system cannot do it
   64  POINTER is wrong
   65  FILE is neither JSON nor TOML, larger than 64 MiB, or has no such place
   74  reading or writing failed            75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed")]
pub(crate) struct DeleteArgs {
    /// The document: TOML if it is named so, else JSON
    file: PathBuf,
    /// Where in it
    pointer: Pointer,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(crate) fn run(args: &DeleteArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    change(&args.file, &args.change, Missing::Refuse, out, |document| {
        args.pointer.remove(document).map(drop).map_err(|error| {
            if error.is_nothing() {
                Failure::new(ExitCode::No, format!("{}: {error}", args.file.display()))
            } else {
                astray(&args.file, &error)
            }
        })
    })
}
