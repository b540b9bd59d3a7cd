//! `stead clean`

mod orphans;

use std::path::PathBuf;

use clap::Args;
use stead::atomic::Swept;
use stead::lock::{Cleaned, clean};
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::text::plain;

use crate::cli;
use crate::json;

/// Remove lock files that nobody holds, and temporary files of writers that died
#[derive(Args, Debug)]
#[command(after_help = "\
Removes files of stead's own, named *.lock, in a .stead/locks below DIR or in a
lock folder, that nobody holds and nobody waits for; each is locked while it is
removed. Never needed: a lock file that is left behind locks nobody out.

Then removes the temporary files, .stead-*.tmp, that a killed writer left in DIR
or in a folder below it that has a .stead; each holds its file locked while it
lives, and age is never a reason. A replacement that was half done when it died is
put right. --dry-run passes them over.

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
    let mut swept = Swept::default();
    if let Some(dir) = &args.dir {
        let named = cli::lock_dir_of_environment().and_then(|folder| folder.canonicalize().ok());
        let is_lock_dir = named.is_some() && named == dir.canonicalize().ok();
        add(&mut all, clean(dir, is_lock_dir, args.dry_run)?);
        if !args.dry_run {
            swept = orphans::sweep_below(dir)?;
        }
    }
    if let Some(lock_dir) = &args.lock_dir {
        add(&mut all, clean(lock_dir, true, args.dry_run)?);
    }
    if args.json {
        out.data(json::clean(&all, &swept))?;
    } else {
        for path in all.removed.iter().chain(&swept.removed) {
            out.data(plain(&path.to_string_lossy()))?;
        }
        if !swept.removed.is_empty() {
            out.message(format_args!("removed {}", temporaries(swept.removed.len())));
        }
        let done = if args.dry_run { "would remove" } else { "removed" };
        out.message(format_args!("{done} {}, left {} that are in use", files(all.removed.len()), all.held));
    }
    for path in &swept.put_back {
        out.message(plain(&format!("got back what a writer that died had taken: {}", path.display())));
    }
    for path in &swept.kept {
        out.message(plain(&format!("kept what nothing else holds: {}", path.display())));
    }
    for (path, why) in all.failed.iter().chain(&swept.failed) {
        out.message(plain(&format!("not removed: {}: {why}", path.display())));
    }
    Ok(if all.failed.is_empty() && swept.failed.is_empty() { ExitCode::Done } else { ExitCode::Io })
}

fn add(all: &mut Cleaned, more: Cleaned) {
    all.removed.extend(more.removed);
    all.held += more.held;
    all.failed.extend(more.failed);
}

fn temporaries(count: usize) -> String {
    if count == 1 { "1 temporary file".to_owned() } else { format!("{count} temporary files") }
}

fn files(count: usize) -> String {
    if count == 1 { "1 lock file".to_owned() } else { format!("{count} lock files") }
}
