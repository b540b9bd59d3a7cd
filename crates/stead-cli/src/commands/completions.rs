//! `stead completions`

use clap::Args;
use clap_complete::Shell;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::program;

use crate::cli;

/// Print the completion script of a shell
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  stead completions bash > ~/.local/share/bash-completion/completions/stead
  stead completions fish > ~/.config/fish/completions/stead.fish")]
pub(crate) struct CompletionsArgs {
    /// For which shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    program::complete(args.shell, cli::definition(), out)
}
