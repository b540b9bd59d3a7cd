//! `stead who`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use stead::lock::{Inspection, Options, find_cycles, inspect};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::text::plain;

use crate::cli::LockDir;
use crate::json;
use crate::table;

/// Say who holds a lock and who waits for it
#[derive(Args, Debug)]
#[command(after_help = "\
PATH is a lock file, or a data file: then its own lock is looked at, that of its
sidecar, and who has it open in an editor (`stead edit`). Holders are found whatever program they are: flock(1), Python and
cargo as well as stead. A program that polls is not seen waiting.
Those who wait are numbered: #1 is the next one.

--cycles looks for programs that wait for each other for ever: each of a circle
waits for a lock that the next one holds, or for its own child. Programs with
several threads are passed over, for another thread may release what is held.

Examples:
  stead who ./deploy.lock
  stead who state.json --json
  stead who --cycles

Exit codes:
    0  someone holds it      66  there is neither such a file nor a lock for it
    1  nobody does           77  permission denied
  --cycles: 0 there is a deadlock, 1 there is none, 71 the system does not tell")]
pub(crate) struct WhoArgs {
    /// Lock files or data files
    #[arg(required_unless_present = "cycles", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Tell who waits for each other for ever, on the whole machine
    #[arg(long, conflicts_with = "paths")]
    cycles: bool,
    /// Print one JSON document, stead.who/1 or stead.cycles/1
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    lock_dir: LockDir,
}

pub(crate) fn run(args: &WhoArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    if args.cycles { tell_cycles(args.json, out) } else { tell_locks(args, out) }
}

fn tell_cycles(as_json: bool, out: &mut Printer) -> Result<ExitCode, Failure> {
    let cycles = find_cycles()?;
    if as_json {
        out.data(json::cycles(&cycles))?;
    } else if cycles.is_empty() {
        out.message("no deadlock among the locks that can be seen");
    } else {
        let blocks: Vec<String> = cycles.iter().map(table::cycle::block).collect();
        out.data(blocks.join("\n\n"))?;
    }
    Ok(if cycles.is_empty() { ExitCode::No } else { ExitCode::Done })
}

fn tell_locks(args: &WhoArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let (mut locks, mut free, mut failed) = (Vec::new(), Vec::new(), None);
    let mut seen = BTreeSet::new();
    for path in &args.paths {
        match look(path, args.lock_dir.options()) {
            Ok(found) => {
                if found.iter().all(|lock| !lock.held && lock.waiters.is_empty()) {
                    free.push(path);
                }
                locks.extend(found.into_iter().filter(|lock| seen.insert(real(&lock.path))));
            }
            Err(failure) => {
                out.failure(&failure);
                failed.get_or_insert(failure.code);
            }
        }
    }
    if args.json {
        out.data(json::who(&locks))?;
    } else {
        let busy: Vec<Inspection> =
            locks.iter().filter(|lock| lock.held || !lock.waiters.is_empty()).cloned().collect();
        if !busy.is_empty() {
            out.data(table::of(&busy, out.width()))?;
        }
        for (lock, why) in busy.iter().filter_map(|lock| Some((lock, lock.unordered?))) {
            if !lock.waiters.is_empty() {
                out.message(format_args!(
                    "{}: waiters are served in no order: {why}",
                    plain(&lock.path.to_string_lossy())
                ));
            }
        }
        for path in free {
            out.data(format_args!("{}: nobody holds it", plain(&path.to_string_lossy())))?;
        }
    }
    let held = locks.iter().any(|lock| lock.held);
    Ok(failed.unwrap_or(if held { ExitCode::Done } else { ExitCode::No }))
}

/// The lock of the file itself and those beside it, as far as they are there.
fn look(path: &Path, options: Options) -> Result<Vec<Inspection>, Failure> {
    let mut found = Vec::new();
    if path.exists() {
        found.push(inspect(path)?);
    }
    for beside in [options.clone().sidecar(path), options.session(path)] {
        match beside.lock_path() {
            Ok(file) if file.exists() => found.push(beside.inspect()?),
            Ok(_) => {}
            // The root of the filesystem has a lock, but none beside it; what has neither is an error.
            Err(_) if !found.is_empty() => {}
            Err(error) => return Err(error.into()),
        }
    }
    if found.is_empty() {
        let message = format!("{}: there is no such file, and no lock for it", path.display());
        return Err(Failure::new(ExitCode::NoInput, message));
    }
    Ok(found)
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}
