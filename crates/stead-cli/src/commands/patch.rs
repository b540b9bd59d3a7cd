//! `stead patch`

use std::path::PathBuf;

use clap::Args;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;

use super::documents::patch::{Failed, Patch};
use super::documents::{ChangeArgs, Missing, change, given};

/// Apply the operations on standard input to a JSON or TOML document
#[derive(Args, Debug)]
#[command(after_help = "\
Standard input is a JSON patch (RFC 6902), an array of operations: add, remove,
replace, move, copy and test. If one fails nothing is changed; a test lets a
change depend on what is there. The document is read, changed and replaced under
its sidecar lock. What is not changed stays as it is, see `stead set --help`.

Examples:
  stead patch state.json <ops.json
  echo '[{\"op\":\"test\",\"path\":\"/owner\",\"value\":null},
         {\"op\":\"replace\",\"path\":\"/owner\",\"value\":\"ann\"}]' | stead patch task.json

Exit codes:
    0  done                  66  no such file, or of the wrong kind
    1  a test failed         71  the filesystem or the system cannot do it
   64  the command line is wrong
   65  FILE or standard input cannot be understood, an operation failed, or FILE
       is larger than 64 MiB
   74  reading or writing failed            75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed")]
pub(crate) struct PatchArgs {
    /// The document: TOML if it is named so, else JSON
    file: PathBuf,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(crate) fn run(args: &PatchArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let patch = Patch::parse(given()?).map_err(|why| Failure::new(ExitCode::Data, format!("standard input: {why}")))?;
    change(&args.file, &args.change, Missing::Refuse, out, |document| {
        *document = patch.apply(document).map_err(|failed| args.refused(&failed))?;
        Ok(())
    })
}

impl PatchArgs {
    fn refused(&self, failed: &Failed) -> Failure {
        let code = if failed.is_test() { ExitCode::No } else { ExitCode::Data };
        Failure::new(code, format!("failed to patch {}: {failed}", self.file.display())).with_hint("it is as it was")
    }
}
