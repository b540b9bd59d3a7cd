//! `stead write`

mod staging;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use stead::atomic::{Options, Version, sweep};
use stead::lock::{FileLock, Guard};
use stead_console::durable::DurabilityFlag;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::printer::Printer;
use stead_console::waiting::{self, Patience};
use xxhash_rust::xxh3::Xxh3;

use self::staging::Staging;
use crate::cli::LockDir;
use crate::json::{self, Written};

const MODE_MAX: u32 = 0o7777;

/// Replace a file with standard input, all at once and durably
#[derive(Args, Debug)]
#[command(after_help = "\
Readers see the old content or the new one, never half of it. The new one is
written beside the file, synced, and renamed over it, under the file's sidecar
lock, which is not held while standard input is read. Links are followed; mode,
owner, access control lists and extended attributes are kept as far as this user
may set them. What ends before its time changes nothing; mind that a pipe does
not tell it that its other end failed: `set -o pipefail` comes too late.

VERSION is the xxh3-128 of a content, as --json prints it, or xxhsum -H2.

Examples:
  ./report | stead write report.txt
  stead write --backup=.old config.toml <new.toml
  stead write --if-match \"$version\" state.json <state.new

Exit codes:
    0  done                  73  FILE cannot be created
    1  FILE is there (--no-clobber), or is another version (--if-match)
   64  the command line is wrong
   66  FILE is a folder, a FIFO or a device
   71  FILE cannot be replaced atomically
   74  reading or writing failed            75  busy (--no-wait)
   77  permission denied                   124  --wait elapsed")]
pub(crate) struct WriteArgs {
    /// The file to replace, created when missing
    file: PathBuf,
    /// Replace nothing: FILE must not be there (1)
    #[arg(long, conflicts_with = "if_match")]
    no_clobber: bool,
    /// Replace this version only (1)
    #[arg(long, value_name = "VERSION")]
    if_match: Option<Version>,
    /// Keep the old content as FILE with this suffix, in place of an older backup
    #[arg(long, value_name = "SUFFIX", num_args = 0..=1, require_equals = true, default_missing_value = "~")]
    backup: Option<OsString>,
    /// The permission bits, octal; without it, those of the old file
    #[arg(long, value_name = "MODE", value_parser = parse_mode)]
    mode: Option<u32>,
    #[command(flatten)]
    durability: DurabilityFlag,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    lock_dir: LockDir,
    /// Print one JSON document, stead.write/1
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &WriteArgs, out: &mut Printer) -> Result<ExitCode, Failure> {
    let lock = args.lock_dir.options().sidecar(&args.file);
    let place = lock.lock_path().ok();
    let staging = Staging::begin(&args.file, &args.options())?;
    let written = staging.fill()?;
    let guard = args.lock(&lock)?;
    if place.is_some_and(|place| place != guard.lock_path()) {
        return Err(Failure::new(
            ExitCode::No,
            format!("failed to replace {}: it leads elsewhere by now", args.shown()),
        )
        .with_hint("a link was changed meanwhile: write again; nothing was replaced"));
    }
    if guard.follows_a_death()
        && let Some(folder) = args.file.canonicalize().ok().as_deref().and_then(Path::parent)
    {
        // What cannot be swept now is in nobody's way.
        let _ = sweep(folder);
    }
    let written = Written { changed: !args.json || args.changes(&written), ..written };
    guard.check()?;
    let Some(file) = staging.take() else { return Err(Failure::new(ExitCode::Bug, "a signal took the new content")) };
    let replaced = file.commit().map_err(|failed| Failure::from(&failed.error))?;
    for lost in &replaced.not_kept {
        out.message(format_args!("{}: not kept of the old file: {lost}", args.shown()));
    }
    if args.json {
        out.data(json::written(&args.file, &written))?;
    }
    Ok(ExitCode::Done)
}

impl WriteArgs {
    fn options(&self) -> Options {
        let mut options = Options::new().durability(self.durability.level()).no_clobber(self.no_clobber);
        if let Some(version) = self.if_match {
            options = options.if_match(version);
        }
        if let Some(suffix) = &self.backup {
            options = options.backup(suffix);
        }
        if let Some(mode) = self.mode {
            options = options.mode(mode);
        }
        options
    }

    fn lock(&self, lock: &FileLock) -> Result<Guard, Failure> {
        let granted = waiting::take(std::slice::from_ref(lock), self.patience.wait(), |wait| lock.lock(wait));
        granted.map_err(|error| self.patience.denied(&error, &self.file, lock, self.lock_dir.flag()))
    }

    /// Whether the file says something else now. One that cannot be read is taken to do so.
    fn changes(&self, new: &Written) -> bool {
        let same_length = self.file.metadata().is_ok_and(|old| old.len() == new.bytes);
        !(same_length && version_of(&self.file).is_ok_and(|old| old == new.version))
    }

    fn shown(&self) -> std::path::Display<'_> {
        self.file.display()
    }
}

fn version_of(path: &std::path::Path) -> io::Result<String> {
    let (mut file, mut piece, mut hasher) = (File::open(path)?, vec![0; 256 << 10], Xxh3::new());
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(format!("{:032x}", hasher.digest128())),
            read => hasher.update(&piece[..read]),
        }
    }
}

fn parse_mode(text: &str) -> Result<u32, String> {
    let digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= MODE_MAX);
    mode.ok_or_else(|| "a mode is octal: 644, 0600".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal() {
        assert_eq!(parse_mode("0644"), Ok(0o644));
        assert_eq!(parse_mode("600"), Ok(0o600));
        for bad in ["", "8", "+644", "-1", "10000", "u+w"] {
            assert!(parse_mode(bad).is_err(), "{bad}");
        }
    }
}
