//! The active segment in the hands of a writer that has its lock: appended to, synced.
//!
//! `ready` makes it whole before that, `rolling` puts another one in its place.

use std::io;
use std::path::PathBuf;

use crate::atomic::refused;
use crate::error::{Error, ErrorKind, Result};
use crate::log::manifest::Manifest;
use crate::log::page::{self, Page};
use crate::log::quarantine::{self, Stretch};
use crate::log::scan::scan;
use crate::log::store::Store;
use crate::sys::disk::{Disk, append_all, read_full_at, uninterrupted};
use crate::sys::{self, Access, FileId, NewFile};

pub(super) const STEP: &str = "append to";
/// The page is not written for less than this: its offset is a lower bound.
const PAGE_LAG: u64 = 64 << 10;
/// How often somebody who takes no lock may write into the midst of our lines.
const TRIES: usize = 16;

/// What a writer knows of the active segment. The file it works on is passed along: who holds its lock has it.
#[derive(Debug)]
pub(crate) struct ActiveSegment<D: Disk> {
    pub(crate) store: Store<D>,
    pub(crate) manifest: Manifest,
    pub(super) seen: Option<Seen>,
    pub(super) page: Option<(D::File, Page)>,
    /// All before this logical offset is durable, as far as this writer knows.
    pub(super) synced: u64,
    /// Where torn bytes were put.
    pub(crate) kept: Vec<PathBuf>,
    /// A sealed segment that somebody who takes no lock has appended to.
    pub(super) late: Option<crate::log::layout::Segment>,
    /// Whether the lock is held for as long as this lives: nobody else writes the page then.
    pub(super) alone: bool,
    /// A repair goes on where others stop: at a file that was cut, and after a sync that failed.
    pub(super) repairs: bool,
}

/// The file, up to where it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) id: FileId,
    pub(super) base: u64,
    pub(super) len: u64,
}

/// Where lines came to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl<D: Disk + Clone> ActiveSegment<D> {
    pub(crate) fn new(store: Store<D>, manifest: Manifest, alone: bool) -> ActiveSegment<D> {
        ActiveSegment {
            store,
            manifest,
            seen: None,
            page: None,
            synced: 0,
            kept: Vec::new(),
            late: None,
            alone,
            repairs: false,
        }
    }

    /// The same, for who repairs the log.
    pub(crate) fn for_repair(&mut self) {
        self.repairs = true;
    }

    pub(super) fn base(&self) -> u64 {
        self.seen.map_or(0, |seen| seen.base)
    }

    /// The end of the active segment, when it was last looked at.
    pub(crate) fn end(&self) -> u64 {
        self.seen.map_or(0, |seen| seen.base + seen.len)
    }

    /// Which file it is.
    pub(crate) fn id(&self) -> Option<FileId> {
        self.seen.map(|seen| seen.id)
    }

    pub(crate) fn len(&self) -> u64 {
        self.seen.map_or(0, |seen| seen.len)
    }

    /// When the first line of the active segment may have been written, in microseconds since 1970; 0: unknown.
    pub(crate) fn since(&self) -> u64 {
        self.page.as_ref().map_or(0, |(_, page)| page.since)
    }

    /// All before this logical offset is durable.
    pub(crate) fn synced(&self) -> u64 {
        self.synced
    }

    /// Appends lines, which end in a newline, to a file that is ready. If this fails they are not there.
    pub(crate) fn append(&mut self, file: &D::File, lines: &[u8]) -> Result<Appended> {
        for _ in 0..TRIES {
            let Some(seen) = self.seen else { return Err(self.fail(STEP, io::Error::other("not looked at yet"))) };
            if let (written, Err(error)) = append_all(&self.store.disk, file, lines) {
                self.take_back(file, &lines[..written]);
                self.seen = Some(seen).filter(|_| written == 0);
                return Err(self.refused(error));
            }
            let end = self.store.disk.position(file).map_err(|error| self.fail("look at", error))?;
            let start = end.saturating_sub(lines.len() as u64);
            // Others who take no lock may have appended just before us, or, if it took us several writes, between them.
            if start == seen.len || self.is_there(file, start, lines)? {
                self.seen = Some(Seen { len: end, ..seen });
                self.note_begin();
                return Ok(Appended { start: seen.base + start, end: seen.base + end });
            }
            self.put_away_bad(file, seen.len, end)?;
            self.seen = Some(Seen { len: end, ..seen });
        }
        Err(self
            .fail(STEP, io::Error::other("somebody who takes no lock writes into the midst of lines again and again")))
    }

    /// Whether these lines are at this place of the file, and what is before them ends in a newline.
    fn is_there(&self, file: &D::File, start: u64, lines: &[u8]) -> Result<bool> {
        let from = start.saturating_sub(1);
        let before = usize::from(start > 0);
        let mut bytes = vec![0; lines.len() + before];
        let read = read_full_at(&self.store.disk, file, &mut bytes, from).map_err(|error| self.fail("read", error))?;
        Ok(read == bytes.len() && bytes[..before].iter().all(|byte| *byte == b'\n') && &bytes[before..] == lines)
    }

    /// Puts away what is no line between two places of the file.
    pub(super) fn put_away_bad(&mut self, file: &D::File, from: u64, to: u64) -> Result<()> {
        let scanned = scan(&self.store.disk, file, self.base(), (from, to), &mut |_| {});
        let scanned = scanned.map_err(|error| self.fail("read", error))?;
        scanned.bad.iter().try_for_each(|(stretch, _)| self.put_away(stretch.at, stretch.len))
    }

    pub(super) fn put_away(&mut self, at: u64, len: u64) -> Result<()> {
        let paths = self.store.paths.clone();
        let file = self.writable()?;
        let stretch = Stretch { at, len, offset: self.base() + at };
        let kept = quarantine::put_away(&self.store.disk, &paths, &file, stretch)
            .map_err(|error| Error::system("put torn bytes away from", &paths.active, error))?;
        self.kept.push(kept);
        Ok(())
    }

    /// The file once more, open for writing anywhere.
    pub(super) fn writable(&self) -> Result<D::File> {
        let active = &self.store.paths.active;
        let fail = |error| Error::system("open", active, error);
        let file = self.store.disk.open(active, Access::ReadWrite).map_err(fail)?;
        let id = self.store.disk.stat_file(&file).map_err(fail)?.id;
        match self.seen {
            Some(seen) if seen.id != id => Err(Error::new(ErrorKind::Lost, STEP, active)
                .with_hint("it was replaced while its lock was held: look by whom")),
            _ => Ok(file),
        }
    }

    /// Puts newlines in place of what was written of lines that were not accepted, if it is there in one piece. Else the
    /// next writer finds them torn.
    fn take_back(&self, file: &D::File, written: &[u8]) {
        let Ok(end) = self.store.disk.position(file) else { return };
        let Some(start) = end.checked_sub(written.len() as u64).filter(|_| !written.is_empty()) else { return };
        let mut bytes = vec![0; written.len()];
        let is_ours = read_full_at(&self.store.disk, file, &mut bytes, start).is_ok() && bytes == written;
        if let (true, Ok(file)) = (is_ours, self.writable()) {
            let stretch = Stretch { at: start, len: written.len() as u64, offset: self.base() + start };
            let _ = quarantine::blank(&self.store.disk, &file, stretch);
        }
    }

    /// The age of a segment is counted from its first line.
    fn note_begin(&mut self) {
        if let Some((file, page)) = &mut self.page
            && page.since == 0
        {
            page.since = sys::wall_micros();
            // For limits of age only; if it cannot be told, the segment is younger than it is.
            let _ = page::write(&self.store.disk, file, page);
        }
    }

    /// Makes all that was appended durable. A failure poisons the log: what it holds may be lost, and a later sync would
    /// not say so (trap 26).
    pub(crate) fn sync(&mut self, file: &D::File) -> Result<()> {
        let end = self.end();
        match uninterrupted(|| self.store.disk.sync_data(file)) {
            Ok(()) => {
                self.note_synced(end);
                Ok(())
            }
            Err(error) => {
                self.poison();
                Err(self.fail("sync", error).with_kind(ErrorKind::NotDurable).with_hint(
                    "the events are in the log, but may not outlive a power cut; nothing more is appended until `stead log repair`",
                ))
            }
        }
    }

    /// All before `offset` is durable.
    pub(crate) fn note_synced(&mut self, offset: u64) {
        self.synced = self.synced.max(offset);
        if self.page.as_ref().is_some_and(|(_, page)| page.synced + PAGE_LAG <= self.synced) {
            self.record();
        }
    }

    /// Writes down how far the log is durable; a lower bound, so that it is no loss if it cannot be. To be called under
    /// the lock.
    pub(crate) fn record(&mut self) {
        self.read_page();
        if let Some((file, page)) = &mut self.page
            && page.synced < self.synced
        {
            page.synced = self.synced;
            let _ = page::write(&self.store.disk, file, page);
        }
    }

    /// Says to all writers that a sync failed.
    pub(crate) fn poison(&mut self) {
        self.read_page();
        let (disk, path) = (&self.store.disk, &self.store.paths.page);
        if let Some((file, page)) = &mut self.page {
            page.poisoned = true;
            let _ = page::write(disk, file, page);
        } else if let (Ok(file), Some(page)) = (page::open(disk, path), page::read(disk, path, self.manifest.id)) {
            let _ = page::write(disk, &file, &Page { poisoned: true, boot: self.store.boot, ..page });
        }
    }

    /// Learns what other writers have written into the page. One that is about another file by now is not ours to write.
    pub(super) fn read_page(&mut self) {
        if self.alone {
            return;
        }
        let Some((file, known)) = &mut self.page else { return };
        match page::read_open(&self.store.disk, file, self.manifest.id) {
            Some(page) if page.file == known.file => {
                (known.since, known.synced) = (page.since, page.synced);
                known.poisoned = page.poisoned && page.is_of(self.store.boot);
            }
            Some(_) => (self.page, self.seen) = (None, None),
            None => {}
        }
    }

    /// An error if a sync of this log failed since the system started.
    pub(super) fn refuse_if_poisoned(&mut self) -> Result<()> {
        self.read_page();
        let is_poisoned = self.page.as_ref().is_some_and(|(_, page)| page.poisoned);
        if is_poisoned && !self.repairs { Err(self.poisoned()) } else { Ok(()) }
    }

    pub(super) fn poisoned(&self) -> Error {
        Error::new(ErrorKind::Poisoned, STEP, &self.store.paths.active).with_hint(
            "see to the disk; then `stead log repair` writes anew what may be lost, or a restart of the system forgets it",
        )
    }

    pub(super) fn refused(&self, error: io::Error) -> Error {
        refused(STEP, &self.store.paths.active, &self.store.paths.active, error)
    }

    pub(super) fn fail(&self, step: &'static str, error: io::Error) -> Error {
        Error::system(step, &self.store.paths.active, error)
    }
}

/// Creates an active segment where there is none; another one that came first is as good.
pub(crate) fn create_active<D: Disk>(store: &Store<D>) -> Result<()> {
    let path = &store.paths.active;
    let fail = |error| refused("create", path, path, error);
    match store.disk.create(path, NewFile::Default) {
        Ok(_) => uninterrupted(|| store.disk.sync_folder(&store.paths.folder)).map_err(fail),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(fail(error)),
    }
}
