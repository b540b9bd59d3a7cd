//! The last line before a place, found from behind.

use std::io;

use memchr::memrchr;

use crate::error::{Error, Result};
use crate::log::framing::{self, Ending};
use crate::log::locate::{Parts, Piece, Place, Source};
use crate::log::store::Store;
use crate::log::tail::{self, Tail};
use crate::log::writer::hash_of;
use crate::sys::disk::{Disk, read_full_at};

const WINDOW: u64 = 4 << 10;

/// A line: where it ends, and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastLine {
    pub(crate) end: u64,
    pub(crate) hash: u64,
}

impl<D: Disk + Clone> Store<D> {
    /// The line whose newline is right before `offset`; `None` where there is none.
    pub(crate) fn line_before(&self, offset: u64) -> Result<Option<LastLine>> {
        let Some(inside) = offset.checked_sub(1) else { return Ok(None) };
        let (_, place) = self.place(inside)?;
        let Place::Here(mut piece) = place else { return Ok(None) };
        let fail = |path: &std::path::Path, error| Error::system("read", path, error);
        let line = piece.line_ending_at(&self.disk, offset).map_err(|error| fail(&piece.path, error))?;
        Ok(line.map(|line| LastLine { end: offset, hash: hash_of(&line) }))
    }

    /// The last line that readers get.
    pub(crate) fn last_line(&self) -> Result<Option<LastLine>> {
        let parts = self.parts()?;
        let Parts { segments, active, base, archive, .. } = parts;
        if let Some(active) = active {
            let found = last_in(&self.disk, &active.file, active.len);
            if let Some((end, hash)) = found.map_err(|error| Error::system("read", &self.paths.active, error))? {
                return Ok(Some(LastLine { end: base + end, hash }));
            }
        }
        for segment in segments.into_iter().rev().filter(|segment| segment.end <= base) {
            let (_, place) = self.place(segment.base)?;
            let Place::Here(piece) = place else { continue };
            let Source::File(file) = &piece.source else { continue };
            let found = last_in(&self.disk, file, segment.end - segment.base);
            if let Some((end, hash)) = found.map_err(|error| Error::system("read", &piece.path, error))? {
                return Ok(Some(LastLine { end: segment.base + end, hash }));
            }
        }
        if archive > 0 { self.line_before(archive) } else { Ok(None) }
    }
}

/// The last line of a file of which `len` bytes count, that is whole and of a whole batch: where it ends, and its hash.
fn last_in<D: Disk>(disk: &D, file: &D::File, len: u64) -> io::Result<Option<(u64, u64)>> {
    let mut window = WINDOW;
    loop {
        let from = len.saturating_sub(window);
        let mut bytes = vec![0; usize::try_from(len - from).map_err(io::Error::other)?];
        let read = read_full_at(disk, file, &mut bytes, from)?;
        bytes.truncate(read);
        match last_of(&bytes, from == 0) {
            Some(found) => return Ok(found.map(|(start, end)| (from + end as u64 + 1, hash_of(&bytes[start..end])))),
            None => window *= 4,
        }
    }
}

/// The last whole line in bytes: where it begins and where its newline is. `None`: more must be seen.
#[expect(clippy::option_option, reason = "found, surely not there, or unknown")]
fn last_of(bytes: &[u8], is_all: bool) -> Option<Option<(usize, usize)>> {
    let whole = match tail::look(bytes, is_all) {
        Tail::Whole => bytes.len(),
        Tail::NoNewline => memrchr(b'\n', bytes).map_or(0, |newline| newline + 1),
        Tail::Torn(start) => start,
        Tail::Unclear => return None,
    };
    let mut end = whole;
    while end > 0 {
        let start = memrchr(b'\n', &bytes[..end - 1]).map_or(0, |newline| newline + 1);
        if start == 0 && !is_all {
            return None;
        }
        let line = &bytes[start..end - 1];
        // The first lines of a batch are never the last ones of what is whole, but in damage.
        if !framing::is_blank(line) && !matches!(framing::ending(line), Ending::First | Ending::Between) {
            return Some(Some((start, end - 1)));
        }
        end = start;
    }
    is_all.then_some(None)
}

impl<D: Disk + Clone> Piece<D> {
    /// The line whose newline is right before `offset`.
    fn line_ending_at(&mut self, disk: &D, offset: u64) -> io::Result<Option<Vec<u8>>> {
        match &mut self.source {
            Source::Archive(_) => self.line_read_forwards(disk, offset),
            Source::File(file) => {
                let end = offset - self.base;
                let mut window = WINDOW;
                loop {
                    let from = end.saturating_sub(window);
                    let mut bytes = vec![0; usize::try_from(end - from).map_err(io::Error::other)?];
                    if read_full_at(disk, file, &mut bytes, from)? < bytes.len() || bytes.pop() != Some(b'\n') {
                        return Ok(None);
                    }
                    match memrchr(b'\n', &bytes) {
                        Some(newline) => return Ok(Some(bytes.split_off(newline + 1))),
                        None if from == 0 => return Ok(Some(bytes)),
                        None => window *= 4,
                    }
                }
            }
        }
    }

    fn line_read_forwards(&mut self, disk: &D, offset: u64) -> io::Result<Option<Vec<u8>>> {
        let (mut at, mut line) = (self.base, Vec::new());
        let mut chunk = vec![0; 64 << 10];
        loop {
            let read = self.read_at(disk, &mut chunk, at)?;
            if read == 0 {
                return Ok(None);
            }
            for byte in &chunk[..read] {
                at += 1;
                match byte {
                    b'\n' if at == offset => return Ok(Some(line)),
                    b'\n' => line.clear(),
                    byte => line.push(*byte),
                }
                if at > offset {
                    return Ok(None);
                }
            }
        }
    }
}
