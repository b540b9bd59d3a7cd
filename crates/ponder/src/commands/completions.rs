//! `ponder completions`

use clap::Args;
use clap_complete::Shell;
use stead_console::printer::Printer;
use stead_console::program;

use crate::{ExitCode, Failure, cli};

/// Print the completion script of a shell
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  ponder completions bash > ~/.local/share/bash-completion/completions/ponder
  ponder completions fish > ~/.config/fish/completions/ponder.fish

Exit codes:
    0  done                  64  SHELL is wrong
   74  writing failed")]
pub(crate) struct CompletionsArgs {
    /// For which shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    program::complete(args.shell, cli::definition(), out)
}
