//! Torn and damaged bytes: kept in `quarantine/`, and then overwritten with newlines where they were.
//!
//! A byte of the log, once it is written, changes to a newline or not at all. So offsets stay what they are, a reader
//! never sees other bytes where it has read before, and `tail -F` never sees the file shrink.

use std::io;
use std::path::PathBuf;

use crate::atomic::keep_bytes_at;
use crate::log::framing;
use crate::log::layout::Paths;
use crate::sys::disk::{Disk, read_full_at, uninterrupted, write_all_at};

/// A stretch of a file: where its bytes are in the file, and where in history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// In the file.
    pub(crate) at: u64,
    pub(crate) len: u64,
    /// In history.
    pub(crate) offset: u64,
}

/// Keeps the bytes, durably, and then puts newlines in their place. `file` is open for writing anywhere. Returns where they
/// are kept.
pub(crate) fn put_away<D: Disk>(disk: &D, paths: &Paths, file: &D::File, stretch: Stretch) -> io::Result<PathBuf> {
    let kept = keep_copy(disk, paths, file, stretch)?;
    blank(disk, file, stretch)?;
    Ok(kept)
}

/// Overwrites a stretch with newlines, in an order in which no part of a batch ever looks like a line alone, whatever a
/// power cut leaves of it: first the last line, then the brace that the first one begins with, then the rest.
pub(crate) fn blank<D: Disk>(disk: &D, file: &D::File, stretch: Stretch) -> io::Result<()> {
    let Stretch { at, len, .. } = stretch;
    let all = framing::blanks(usize::try_from(len).map_err(io::Error::other)?);
    let last = last_line(disk, file, stretch)?;
    if last > 0 {
        let start = usize::try_from(last).map_err(io::Error::other)?;
        write_all_at(disk, file, &framing::blanks(all.len() - start), at + last)?;
        uninterrupted(|| disk.sync_data(file))?;
        write_all_at(disk, file, b"\n", at)?;
        uninterrupted(|| disk.sync_data(file))?;
    }
    write_all_at(disk, file, &all, at)
}

/// Where in the stretch its last line begins.
fn last_line<D: Disk>(disk: &D, file: &D::File, stretch: Stretch) -> io::Result<u64> {
    const CHUNK: usize = 64 << 10;
    let mut chunk = vec![0; CHUNK];
    // The newline that the stretch may end with ends that line.
    let mut end = stretch.len.saturating_sub(1);
    while end > 0 {
        let start = end.saturating_sub(CHUNK as u64);
        let piece = &mut chunk[..usize::try_from(end - start).map_err(io::Error::other)?];
        read_full_at(disk, file, piece, stretch.at + start)?;
        if let Some(newline) = memchr::memrchr(b'\n', piece) {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Keeps the bytes of a stretch, durably, under a name that says where they were.
pub(crate) fn keep_copy<D: Disk>(disk: &D, paths: &Paths, file: &D::File, stretch: Stretch) -> io::Result<PathBuf> {
    disk.create_folder(&paths.quarantine)?;
    uninterrupted(|| disk.sync_folder(&paths.folder))?;
    let mut bytes = vec![0; usize::try_from(stretch.len).map_err(io::Error::other)?];
    let read = read_full_at(disk, file, &mut bytes, stretch.at)?;
    keep_bytes_at(disk, &path_of(paths, stretch), &bytes[..read])
}

/// Whether there is a copy of the bytes of a stretch.
pub(crate) fn is_kept<D: Disk>(disk: &D, paths: &Paths, stretch: Stretch) -> bool {
    disk.stat(&path_of(paths, stretch)).is_ok_and(|stat| stat.len == stretch.len)
}

fn path_of(paths: &Paths, stretch: Stretch) -> PathBuf {
    paths.quarantine.join(format!("{:020}-{:020}.bytes", stretch.offset, stretch.offset + stretch.len))
}
