//! The bare system calls: the floors.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, Mode, OFlags, SeekFrom, fdatasync, flock, inotify, open, seek};
use rustix::io::{read, write};

use super::super::event::{LINE_LEN, stored_line};
use super::{Append, Next};

pub(crate) const NAME: &str = "write+fdatasync";
pub(crate) const RECIPE: &str = "flock+write+fdatasync+unlock";
pub(crate) const UNSYNCED: &str = "O_APPEND write";
pub(crate) const UNSYNCED_WITH_OFFSET: &str = "O_APPEND write+lseek";
pub(crate) const FOLLOW: &str = "inotify+read";

/// A prepared line.
pub(crate) fn appender(folder: &Path) -> Result<Append> {
    batch_appender(folder, 1)
}

/// So many prepared lines in one write.
pub(crate) fn batch_appender(folder: &Path, events: u64) -> Result<Append> {
    let lines: Result<Vec<Vec<u8>>> = (0..events).map(stored_line).collect();
    let (file, lines) = (open_to_append(folder)?, lines?.concat());
    Ok(Box::new(move || {
        write_all(&file, &lines)?;
        Ok(fdatasync(&file)?)
    }))
}

/// A prepared line, appended while the file is locked: what programs that share a log carry with them.
pub(crate) fn locked_appender(folder: &Path) -> Result<Append> {
    let (file, line) = (open_to_append(folder)?, stored_line(0)?);
    Ok(Box::new(move || {
        flock(&file, FlockOperation::LockExclusive)?;
        write_all(&file, &line)?;
        fdatasync(&file)?;
        Ok(flock(&file, FlockOperation::Unlock)?)
    }))
}

pub(crate) fn unsynced_appender(folder: &Path) -> Result<Append> {
    let (file, line) = (open_to_append(folder)?, stored_line(0)?);
    Ok(Box::new(move || write_all(&file, &line)))
}

/// What nobody can leave out who says where the line lies, when others may append as well.
pub(crate) fn unsynced_appender_with_offset(folder: &Path) -> Result<Append> {
    let (file, line) = (open_to_append(folder)?, stored_line(0)?);
    Ok(Box::new(move || {
        write_all(&file, &line)?;
        // O_APPEND leaves the position behind what was written.
        seek(&file, SeekFrom::Current(0))?;
        Ok(())
    }))
}

/// How many whole lines there are.
pub(crate) fn count(folder: &Path) -> Result<u64> {
    let mut lines = BufReader::new(File::open(path(folder)).context("read the lines")?);
    let (mut count, mut line) = (0, Vec::new());
    while lines.read_until(b'\n', &mut line)? > 0 {
        count += u64::from(line.len() == LINE_LEN && line.ends_with(b"}\n"));
        line.clear();
    }
    Ok(count)
}

/// Reads what there is, and sleeps in inotify(7) where there is nothing.
pub(crate) fn follower(folder: &Path) -> Result<Next> {
    let path = path(folder);
    let mut lines = BufReader::new(File::open(&path).context("open the log")?);
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    inotify::add_watch(&watch, &path, inotify::WatchFlags::MODIFY)?;
    let (mut line, mut changes) = (Vec::new(), [0_u8; 4096]);
    Ok(Box::new(move || {
        line.clear();
        while !line.ends_with(b"\n") {
            if lines.read_until(b'\n', &mut line)? == 0 {
                read(&watch, &mut changes)?;
            }
        }
        Ok(())
    }))
}

fn path(folder: &Path) -> PathBuf {
    folder.join("app.jsonl")
}

fn open_to_append(folder: &Path) -> Result<OwnedFd> {
    let (path, flags) = (path(folder), OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC);
    open(&path, flags, Mode::from_raw_mode(0o666)).with_context(|| format!("open {}", path.display()))
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        bytes = &bytes[write(file, bytes)?..];
    }
    Ok(())
}
