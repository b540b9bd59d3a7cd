//! `stead clean`

use std::path::PathBuf;

use clap::Args;
use stead::lock::{Cleaned, clean};

use crate::cli;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::json;
use crate::printer::Printer;
use crate::table::plain;

/// Remove lock files that nobody holds
#[derive(Args, Debug)]
#[command(after_help = "\
Removes files of stead's own, named *.lock, in a .stead/locks below DIR or in a
lock folder, that nobody holds and nobody waits for; each is locked while it is
removed. Never needed: a lock file that is left behind locks nobody out.

Examples:
  stead clean .                      every .stead/locks below this folder
  stead clean --lock-dir /run/locks  a lock folder

Exit codes:
    0  done                  74  something could not be removed
   66  no such folder        77  permission denied")]
pub(crate) struct CleanArgs {
    /// The folder to walk down
    #[arg(required_unless_present = "lock_dir")]
    dir: Option<PathBuf>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_name = "DIR", help = "A lock folder, to clean as well; DIR is one if STEAD_LOCK_DIR names it")]
    lock_dir: Option<PathBuf>,
    /// Print one JSON document, stead.clean/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CleanArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let mut all = Cleaned::default();
    if let Some(dir) = &args.dir {
        let named = cli::lock_dir_of_environment().and_then(|folder| folder.canonicalize().ok());
        let is_lock_dir = named.is_some() && named == dir.canonicalize().ok();
        add(&mut all, clean(dir, is_lock_dir, args.dry_run)?);
    }
    if let Some(lock_dir) = &args.lock_dir {
        add(&mut all, clean(lock_dir, true, args.dry_run)?);
    }
    if args.json {
        out.data(json::clean(&all))?;
    } else {
        for path in &all.removed {
            out.data(plain(&path.to_string_lossy()))?;
        }
        let done = if args.dry_run { "would remove" } else { "removed" };
        out.message(format_args!("{done} {}, left {} that are in use", files(all.removed.len()), all.held));
    }
    for (path, why) in &all.failed {
        out.message(plain(&format!("not removed: {}: {why}", path.display())));
    }
    Ok(if all.failed.is_empty() { ExitCode::Done } else { ExitCode::Io })
}

fn add(all: &mut Cleaned, more: Cleaned) {
    all.removed.extend(more.removed);
    all.held += more.held;
    all.failed.extend(more.failed);
}

fn files(count: usize) -> String {
    if count == 1 { "1 lock file".to_owned() } else { format!("{count} lock files") }
}
