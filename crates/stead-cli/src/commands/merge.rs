//! `stead merge`

use std::path::PathBuf;

use clap::Args;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;

use super::documents::merge::merge;
use super::documents::{ChangeArgs, Missing, change, given};

/// Merge standard input into a JSON or TOML document
#[derive(Args, Debug)]
#[command(after_help = "\
Standard input is a JSON merge patch (RFC 7396): objects are merged key by key,
null deletes a key, and anything else, arrays included, takes the place of what is
there. The document is read, changed and replaced under its sidecar lock; a
missing file begins as {}. What is not changed stays as it is, see
`stead set --help`.

Examples:
  echo '{\"server\":{\"port\":8080,\"host\":null}}' | stead merge config.toml
  jq -n '{runs: 7}' | stead merge state.json

Exit codes:
    0  done                  73  FILE cannot be created
   64  the command line is wrong
   65  FILE or standard input cannot be understood, or FILE is larger than 64 MiB
   66  FILE is a folder, a FIFO or a device
   71  the filesystem or the system cannot do it
   74  reading or writing failed            75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed")]
pub(crate) struct MergeArgs {
    /// The document: TOML if it is named so, else JSON
    file: PathBuf,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(crate) fn run(args: &MergeArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let patch = given()?;
    change(&args.file, &args.change, Missing::Create, out, |document| {
        merge(document, patch.clone());
        Ok(())
    })
}
