//! `stead log`: one file for each of its commands, and what they share.
//!
//! | file | what it does |
//! |---|---|
//! | `given` | the events on the command line or standard input |
//! | `writing` | a shared writer, and the wait for an exclusive one |
//! | `place` | a place in the log, as `--from` names it |
//! | `lines` | which lines are asked for, and printing them many at a time |
//! | `newest` | the last lines of many |
//! | `turn` | signals that come while something is printed |
//! | `cursor_file` | the place where the last `tail` ended |
//! | `progress` | the bar of a long look |

mod append;
mod cat;
mod cursor_file;
mod given;
mod lines;
mod newest;
mod place;
mod progress;
mod repair;
mod rotate;
mod stat;
mod tail;
mod turn;
mod verify;
mod writing;

use std::io;
use std::path::Path;

use clap::{Args, Subcommand};
use stead::log::EventReader;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;

/// Append to an event log, read and follow it, look after it
#[derive(Args, Debug)]
#[command(after_help = "\
A log is a folder. app.jsonl in it holds the newest events, one JSON object a
line, readable by jq and tail -F; older ones are in segments/. An event is there
whole or not at all, wherever a process dies or the power is cut. Many processes
append at the same time; readers take no lock.

Examples:
  stead log append data --type deploy --data '{\"version\":7}'
  stead log cat data | jq -r .type | sort | uniq -c
  stead log tail data --follow
  stead log verify data

Exit codes: those of each command, see `stead log COMMAND --help`.")]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Subcommand, Debug)]
enum LogCommand {
    Append(Box<append::AppendArgs>),
    Cat(cat::CatArgs),
    Tail(tail::TailArgs),
    Rotate(rotate::RotateArgs),
    Verify(verify::VerifyArgs),
    Repair(repair::RepairArgs),
    Stat(stat::StatArgs),
}

pub(crate) fn run(args: &LogArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    match &args.command {
        LogCommand::Append(args) => append::run(args, out),
        LogCommand::Cat(args) => cat::run(args, out),
        LogCommand::Tail(args) => tail::run(args, out),
        LogCommand::Rotate(args) => rotate::run(args, out),
        LogCommand::Verify(args) => verify::run(args, out),
        LogCommand::Repair(args) => repair::run(args, out),
        LogCommand::Stat(args) => stat::run(args, out),
    }
}

/// A reader of the log in `dir`, which must be there: a writer would create it.
fn existing(dir: &Path) -> Result<EventReader, Failure> {
    if dir.metadata().is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(Failure::new(ExitCode::NoInput, format!("{} is no folder", dir.display()))
            .with_hint("a log is a folder: name that, not a file in it"));
    }
    let reader = EventReader::new(dir);
    reader.lines(0)?;
    Ok(reader)
}

/// An error of the library's as such; one that is none of its own stays inside.
fn sorted<T>(outcome: io::Result<T>) -> Result<io::Result<T>, stead::Error> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(error) => error.downcast::<stead::Error>().map_or_else(|foreign| Ok(Err(foreign)), Err),
    }
}
