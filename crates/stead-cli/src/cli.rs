//! The command line, as clap sees it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand};
use stead::lock::Options;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::program;

use crate::commands::{
    append, clean, completions, delete, edit, flock, get, log, ls, man, merge, patch, run, set, update, who, write,
};
use crate::doctor;

/// The environment variable that says what `--lock-dir` says.
const LOCK_DIR_VARIABLE: &str = "STEAD_LOCK_DIR";

/// Let many processes share plain files without losing a byte
#[derive(Parser, Debug)]
#[command(name = "stead", version, subcommand_required = true, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "\
Exit codes:
    0  done; of `run`: those of its command, or 128 + the signal that killed it
    1  the answer is no: nobody holds it, nothing is there, a condition did not hold
   64  the command line is wrong             74  reading or writing failed
   65  unparsable data                       75  busy, and told not to wait
   66  no such file, or of the wrong kind    77  permission denied
   70  a bug of stead's                      78  wrong configuration
   71  the system cannot do it              124  the wait elapsed
   73  cannot create                   126, 127  the command cannot be run, found

Data goes to standard output, messages to standard error. NO_COLOR is honoured.";

#[derive(Subcommand, Debug)]
enum Command {
    Run(run::RunArgs),
    Flock(flock::FlockArgs),
    Who(who::WhoArgs),
    Ls(ls::LsArgs),
    Clean(clean::CleanArgs),
    Write(write::WriteArgs),
    Append(append::AppendArgs),
    Get(get::GetArgs),
    Set(set::SetArgs),
    Delete(delete::DeleteArgs),
    Merge(merge::MergeArgs),
    Patch(patch::PatchArgs),
    Update(update::UpdateArgs),
    Log(log::LogArgs),
    Edit(edit::EditArgs),
    Doctor(doctor::DoctorArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// The command line of `stead`, for completions and manual pages.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

/// Where the sidecar locks are.
#[derive(Args, Debug)]
pub(crate) struct LockDir {
    #[arg(
        long = "lock-dir",
        value_name = "DIR",
        help = "Where sidecar locks are, if not beside the data [env: STEAD_LOCK_DIR]"
    )]
    flag: Option<PathBuf>,
}

impl LockDir {
    /// The folder that the flag names.
    pub(crate) fn flag(&self) -> Option<&Path> {
        self.flag.as_deref()
    }

    /// The folder that the flag names, or else the environment.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.flag.clone().or_else(lock_dir_of_environment)
    }

    /// How locks are made that are to be there.
    pub(crate) fn options(&self) -> Options {
        self.folder().map_or_else(Options::new, |folder| Options::new().lock_dir(folder))
    }
}

/// The folder of all sidecar locks that the environment names.
pub(crate) fn lock_dir_of_environment() -> Option<PathBuf> {
    std::env::var_os(LOCK_DIR_VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// Does what the command line of this process says.
pub(crate) fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let mut out = Printer::new();
    let outcome = match args.split_first() {
        // First of all, for any of its words may be the name of a file.
        Some((name, words)) if flock::is_name(name) => flock::run_as_flock(words, &mut out),
        _ => match doctor::help_the_doctor(args.iter().cloned()) {
            Some(code) => Ok(code),
            None => dispatch(&args, &mut out),
        },
    };
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            out.failure(&failure);
            failure.code
        }
    }
}

fn dispatch(args: &[OsString], out: &mut Printer) -> Result<ExitCode, Failure> {
    let command = match Cli::try_parse_from(args) {
        Ok(cli) => cli.command,
        Err(answer) => return program::explain(&answer, out),
    };
    match &command {
        Command::Run(args) => run::run(args, out),
        Command::Flock(_) => flock::run(&args[2..], out),
        Command::Who(args) => who::run(args, out),
        Command::Ls(args) => ls::run(args, out),
        Command::Clean(args) => clean::run(args, out),
        Command::Write(args) => write::run(args, out),
        Command::Append(args) => append::run(args, out),
        Command::Get(args) => get::run(args, out),
        Command::Set(args) => set::run(args, out),
        Command::Delete(args) => delete::run(args, out),
        Command::Merge(args) => merge::run(args, out),
        Command::Patch(args) => patch::run(args, out),
        Command::Update(args) => update::run(args, out),
        Command::Log(args) => log::run(args, out),
        Command::Edit(args) => edit::run(args, out),
        Command::Doctor(args) => doctor::run(args, out),
        Command::Completions(args) => completions::run(args, out),
        Command::Man(args) => man::run(args, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }
}
