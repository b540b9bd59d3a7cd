//! `stead run`

mod job;
mod named_locks;
mod status_file;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use stead::lock::SetGuard;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::platform;
use stead_console::printer::Printer;
use stead_console::waiting::Patience;

use self::job::Job;
use self::named_locks::NamedLocks;
use self::status_file::StatusFile;
use crate::cli::LockDir;
use crate::json::{self, Ran};

/// Run a command under one or several locks
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(override_usage = "stead run [OPTIONS] <LOCK | --for FILE>... -- CMD [ARG]...", after_help = AFTER)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    locks: NamedLocks,
    /// Share the locks with others who share them
    #[arg(long)]
    shared: bool,
    #[command(flatten)]
    patience: Patience,
    /// Succeed without running CMD if a lock is not free, at once or after --wait
    #[arg(long)]
    skip: bool,
    /// Do not line up behind those who came before: take the locks when they are free
    #[arg(long)]
    barge: bool,
    /// What the locks are needed for, shown to those who wait
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Do not let CMD inherit the locks: they end with stead
    #[arg(long)]
    close: bool,
    /// Write how it went into FILE, as JSON, stead.run/1
    #[arg(long, value_name = "FILE")]
    status_file: Option<PathBuf>,
    #[command(flatten)]
    lock_dir: LockDir,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

const AFTER: &str = "\
All locks are taken together or none, in an order that cannot deadlock. Who waits
for a lock file is served in the order of arrival, where the filesystem is local;
a file or folder of yours goes to whoever is quick. CMD
inherits the locks, so that it stays protected if stead is killed; when CMD ends they
are released, also if something that CMD started lives on. Signals sent to stead
reach CMD; those of the terminal reach it by themselves. On Windows signals are
not passed on and locks not inherited.

CMD sees:
  STEAD_TOKEN   the fencing token of the first lock, larger at each exclusive
                hold; not set for a shared lock or a file of yours
  STEAD_TOKENS  all of them, as JSON: {\"./deploy.lock\":1763719200000001}
  STEAD_HELD    lets a stead below this one proceed under the same locks

Examples:
  stead run ./deploy.lock -- ./deploy.sh
  stead run --for state.json -- ./edit-state
  stead run --wait 30s --label 'nightly import' a.lock b.lock -- ./import
  stead run --shared --for state.json -- ./report
  stead run --skip ~/.backup.lock -- ./backup      from cron: one at a time

Exit codes:
  CMD's own, or 128 + the signal that killed it
   64  the command line is wrong, or CMD would wait for itself
   66  a lock is neither a regular file nor a folder
   71  the filesystem or the system cannot do it
   73  a lock file or the status file cannot be created
   74  reading or writing failed            75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed
  126  CMD cannot be run                   127  CMD is not found
  --skip: 0 if the lock was not free";

pub(crate) fn run(args: &RunArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    // clap requires one.
    let [program, ..] = &args.command[..] else { return Err(Failure::new(ExitCode::Usage, "no command")) };
    platform::check_command(program)?;
    let status_file = args.status_file.as_deref().map(StatusFile::new).transpose()?;
    let job = Job::new(args);
    let (granted, waited) = job.take();
    let (ran, tokens, result) = match granted {
        Err(error) => (Ran { waited, ..Ran::default() }, json::no_tokens(), job.denied(&error, out)),
        Ok(guards) => {
            let tokens = job.tokens(&guards);
            let ended = job.run(&guards, &tokens);
            give_back(guards, out);
            let (ran, result) = job.outcome(ended);
            (Ran { waited, ..ran }, tokens, result)
        }
    };
    let written = status_file.map_or(Ok(()), |file| file.write(&json::run(&ran, &tokens)));
    match (written, result) {
        (Err(failure), Ok(ExitCode::Done | ExitCode::Child(0))) => Err(failure),
        // What went wrong before is what the caller needs to know.
        (Err(failure), result) => {
            out.failure(&failure);
            result
        }
        (Ok(()), result) => result,
    }
}

/// Releases the locks, and says if they did not protect what they should have.
fn give_back(guards: SetGuard, out: &mut Printer) {
    for hold in guards.holds() {
        if let Err(error) = hold.check() {
            out.failure(&Failure::from(&error));
        }
    }
    if let Err(error) = guards.release() {
        out.failure(&Failure::from(&error));
    }
}
