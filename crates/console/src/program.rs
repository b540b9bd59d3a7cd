//! A command from its first line to its last: what clap says, completions, manual pages, the end.

use std::path::Path;

use clap::error::ErrorKind;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::platform;
use crate::printer::Printer;

/// Runs `main` and ends the process with its code. A panic is a bug; its message was printed where it arose.
pub fn run(main: impl FnOnce() -> ExitCode + std::panic::UnwindSafe) -> ! {
    let code = std::panic::catch_unwind(main).unwrap_or(ExitCode::Bug);
    if let ExitCode::Killed(signal) = code {
        platform::end_by(signal);
    }
    std::process::exit(code.number())
}

/// What clap says instead of a command: help that was asked for, or what is wrong.
///
/// # Errors
/// Where standard output does not take the help.
pub fn explain(answer: &clap::Error, out: &mut Printer) -> Result<ExitCode, Failure> {
    let text = answer.render().ansi().to_string();
    match answer.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            out.raw(text.as_bytes())?;
            Ok(ExitCode::Done)
        }
        _ => {
            out.usage(text);
            Ok(ExitCode::Usage)
        }
    }
}

/// Prints the completion script of a shell.
///
/// # Errors
/// Where standard output does not take it.
pub fn complete(shell: Shell, mut definition: clap::Command, out: &mut Printer) -> Result<ExitCode, Failure> {
    let (name, mut script) = (definition.get_name().to_owned(), Vec::new());
    clap_complete::generate(shell, &mut definition, name, &mut script);
    out.raw(&script)?;
    Ok(ExitCode::Done)
}

/// Prints the manual page, or writes one for each command into a folder.
///
/// # Errors
/// Where standard output or the folder does not take them.
pub fn manual(definition: clap::Command, folder: Option<&Path>, out: &mut Printer) -> Result<ExitCode, Failure> {
    if let Some(folder) = folder {
        clap_mangen::generate_to(definition, folder)
            .map_err(|error| Failure::system("write manual pages into", folder, &error))?;
        return Ok(ExitCode::Done);
    }
    let mut page = Vec::new();
    Man::new(definition)
        .render(&mut page)
        .map_err(|error| Failure::new(ExitCode::Bug, format!("failed to make the manual page: {error}")))?;
    out.raw(&page)?;
    Ok(ExitCode::Done)
}
