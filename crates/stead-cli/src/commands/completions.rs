//! `stead completions`

use clap::Args;
use clap_complete::Shell;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;

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
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli::definition(), "stead", &mut script);
    out.raw(&script)?;
    Ok(ExitCode::Done)
}
