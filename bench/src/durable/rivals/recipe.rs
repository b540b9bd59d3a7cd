//! Gas Town's `WithWriteLock` (seed 003): a lock file that is tried again after 10 ms, from the sixth attempt on after
//! 50, from the eleventh after 100; under it the file is read, changed, written beside and renamed. It syncs nothing;
//! here it does, as far as is asked for.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde_json::Value;
use stead::atomic::Durability;

use super::{Step, Work, increment, sync, sync_folder_of};

pub(crate) const NAME: &str = "recipe";

pub(crate) fn updater(path: &Path, durability: Durability) -> Work {
    let (lock, temporary, path) = (beside(path, ".lock"), beside(path, ".tmp"), path.to_path_buf());
    Box::new(move || {
        let lock = take(&lock)?;
        let mut document: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        increment(&mut document)?;
        let mut file = File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(&document)?)?;
        sync(&file, durability)?;
        drop(file);
        std::fs::rename(&temporary, &path)?;
        sync_folder_of(&path, durability)?;
        flock(&lock, FlockOperation::Unlock)?;
        Ok(Step::Done)
    })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn take(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path).with_context(|| format!("open {}", path.display()))?;
    for attempt in 1.. {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(Errno::WOULDBLOCK | Errno::INTR) => std::thread::sleep(pause_after(attempt)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(file)
}

fn pause_after(attempt: u32) -> Duration {
    Duration::from_millis(match attempt {
        ..=5 => 10,
        6..=10 => 50,
        _ => 100,
    })
}
