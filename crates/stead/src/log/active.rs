//! The active segment in the hands of a writer that has its lock: made whole, appended to, synced, sealed.

use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::{Dress, Staged, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::log::foundation;
use crate::log::layout::{self, Segment};
use crate::log::manifest::Manifest;
use crate::log::page::{self, Page};
use crate::log::quarantine::{self, Stretch};
use crate::log::scan::scan;
use crate::log::store::Store;
use crate::log::tail::{self, Tail};
use crate::sys::disk::{Disk, append_all, metadata, read_full_at, uninterrupted};
use crate::sys::{Access, FileId, FileKind, NewFile, Stat};

const STEP: &str = "append to";
/// The page is not written for less than this: its offset is a lower bound.
const PAGE_LAG: u64 = 64 << 10;
/// What is looked at of the end of a file, at first.
const WINDOW: u64 = 4 << 10;

/// What a writer knows of the active segment. The file it works on is passed along: who holds its lock has it.
#[derive(Debug)]
pub(crate) struct ActiveSegment<D: Disk> {
    pub(crate) store: Store<D>,
    pub(crate) manifest: Manifest,
    seen: Option<Seen>,
    page: Option<(D::File, Page)>,
    /// All before this logical offset is durable, as far as this writer knows.
    synced: u64,
    /// Where torn bytes were put.
    pub(crate) kept: Vec<PathBuf>,
    /// Whether the lock is held for as long as this lives: nobody else writes the page then.
    alone: bool,
    /// A repair goes on where others stop: at a file that was cut, and after a sync that failed.
    repairs: bool,
}

/// The file, up to where it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    id: FileId,
    base: u64,
    len: u64,
}

/// What has to be done before lines can be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    /// Nothing.
    Yes,
    /// A newline is to be written first.
    NoNewline,
    /// It has been sealed already: the rotation is to be finished.
    Sealed(Segment),
}

/// Where lines came to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl<D: Disk + Clone> ActiveSegment<D> {
    pub(crate) fn new(store: Store<D>, manifest: Manifest, alone: bool) -> ActiveSegment<D> {
        ActiveSegment { store, manifest, seen: None, page: None, synced: 0, kept: Vec::new(), alone, repairs: false }
    }

    /// The same, for who repairs the log.
    pub(crate) fn for_repair(&mut self) {
        self.repairs = true;
    }

    /// Makes the file whole, which is to be locked: what writers before us left torn is put away.
    pub(crate) fn make_ready(&mut self, file: &D::File) -> Result<Ready> {
        let stat = self.store.disk.stat_file(file).map_err(|error| self.fail("look at", error))?;
        if let Some(Seen { id, len, .. }) = self.seen
            && (id, len, 1) == (stat.id, stat.len, stat.names)
        {
            self.refuse_if_poisoned()?;
            return Ok(Ready::Yes);
        }
        self.insist_on(&stat)?;
        if self.seen.is_none_or(|seen| seen.id != stat.id) {
            match self.meet(file, &stat)? {
                Ready::Yes => {}
                other => return Ok(other),
            }
        } else if stat.names > 1
            && let Some(sealed) = self.sealed_as(&stat)?
        {
            return Ok(Ready::Sealed(sealed));
        }
        self.refuse_if_poisoned()?;
        self.mend_tail(file, stat.len)
    }

    fn insist_on(&self, stat: &Stat) -> Result<()> {
        let active = &self.store.paths.active;
        if stat.names == 0 {
            return Err(Error::new(ErrorKind::Lost, STEP, active)
                .with_hint("the log was removed while it was open; nothing was appended: open it anew"));
        }
        if stat.kind != FileKind::Regular {
            return Err(Error::new(ErrorKind::NotRegularFile, STEP, active));
        }
        Ok(())
    }

    /// A file that was not worked on before.
    fn meet(&mut self, file: &D::File, stat: &Stat) -> Result<Ready> {
        let paths = self.store.paths.clone();
        let fail = |error| Error::system("look at", &paths.segments, error);
        let segments = layout::segments(&self.store.disk, &paths).map_err(fail)?;
        if let Some(sealed) = self.newest_if(&segments, stat)? {
            return Ok(Ready::Sealed(sealed));
        }
        let archive = if segments.is_empty() { self.store.archive_len()? } else { 0 };
        if archive > 0 {
            foundation::adopt_archive(&self.store, archive)?;
        }
        let base = layout::end_of(&segments, archive, Some(&self.manifest));
        let (disk, path) = (&self.store.disk, &paths.page);
        let opened = page::open(disk, path).map_err(|error| Error::system("open", path, error))?;
        let known = page::read(disk, path, self.manifest.id);
        let of_file = known.filter(|page| page.file == stat.id);
        let bound = of_file.map_or(base, |page| page.synced.max(base));
        if bound > base + stat.len && !self.repairs {
            return Err(self.too_short(bound, base + stat.len));
        }
        let mount = disk.mount(&paths.folder);
        let unsure = of_file.is_some_and(|page| !page.is_sure(self.store.boot, mount));
        let poisoned = known.is_some_and(|page| page.poisoned && page.is_of(self.store.boot));
        let since = of_file.map_or(0, |page| page.since);
        let (log, boot) = (self.manifest.id, self.store.boot);
        let page = Page { log, file: stat.id, boot, mount, poisoned, synced: bound, since };
        self.seen = Some(Seen { id: stat.id, base, len: 0 });
        self.synced = bound;
        if bound > base + stat.len {
            return Ok(Ready::Yes);
        }
        if unsure && !poisoned {
            self.put_away_torn(file, bound - base, stat.len)?;
        }
        let disk = &self.store.disk;
        if of_file != Some(page) {
            page::write(disk, &opened, &page).map_err(|error| Error::system("write", &paths.page, error))?;
        }
        if of_file.is_none() {
            // Durable before the first line is: without it nobody could tell what a power cut tore.
            uninterrupted(|| disk.sync_data(&opened))
                .and_then(|()| uninterrupted(|| disk.sync_folder(&paths.folder)))
                .map_err(|error| Error::system("sync", &paths.page, error))?;
        }
        self.page = Some((opened, page));
        Ok(Ready::Yes)
    }

    fn sealed_as(&self, stat: &Stat) -> Result<Option<Segment>> {
        let paths = &self.store.paths;
        let segments = layout::segments(&self.store.disk, paths);
        self.newest_if(&segments.map_err(|error| Error::system("look at", &paths.segments, error))?, stat)
    }

    /// The newest segment, if it is this very file.
    fn newest_if(&self, segments: &[Segment], stat: &Stat) -> Result<Option<Segment>> {
        let Some(newest) = segments.last() else { return Ok(None) };
        let path = self.store.paths.segment(*newest);
        match self.store.disk.stat(&path) {
            Ok(seen) => Ok((seen.id == stat.id).then_some(*newest)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::system("look at", &path, error)),
        }
    }

    fn too_short(&self, bound: u64, end: u64) -> Error {
        let what = format!("it ends at offset {end}, but all up to {bound} was durable: bytes were cut off");
        Error::found(ErrorKind::Damaged, STEP, &self.store.paths.active, what)
            .with_hint("restore the file, or let `stead log repair` note what is lost")
    }

    /// An error if a sync of this log failed since the system started.
    fn refuse_if_poisoned(&mut self) -> Result<()> {
        self.read_page();
        let Some((_, known)) = &self.page else { return Ok(()) };
        if known.poisoned && !self.repairs {
            return Err(Error::new(ErrorKind::Poisoned, STEP, &self.store.paths.active).with_hint(
                "see to the disk; then `stead log repair` writes anew what may be lost, or a restart of the system forgets it",
            ));
        }
        Ok(())
    }

    /// Learns what other writers have written into the page.
    fn read_page(&mut self) {
        if let Some((file, known)) = &mut self.page
            && !self.alone
            && let Some(page) = page::read_open(&self.store.disk, file, self.manifest.id)
        {
            known.poisoned |= page.poisoned && page.is_of(self.store.boot);
            if page.file == known.file {
                (known.since, known.synced) = (page.since, page.synced);
            }
        }
    }

    /// Puts away what a power cut tore above what was durable.
    fn put_away_torn(&mut self, file: &D::File, from: u64, len: u64) -> Result<()> {
        let scanned = scan(&self.store.disk, file, self.base(), (from, len), &mut |_| {});
        let scanned = scanned.map_err(|error| self.fail("read", error))?;
        scanned.bad.iter().try_for_each(|(stretch, _)| self.put_away(stretch.at, stretch.len))
    }

    /// Sees to it that the file ends with a whole line of a whole batch.
    fn mend_tail(&mut self, file: &D::File, len: u64) -> Result<Ready> {
        let mut window = WINDOW;
        loop {
            let from = len.saturating_sub(window);
            let room = usize::try_from(len - from).map_err(|error| self.fail("read", io::Error::other(error)))?;
            let mut bytes = vec![0; room];
            let read =
                read_full_at(&self.store.disk, file, &mut bytes, from).map_err(|error| self.fail("read", error))?;
            bytes.truncate(read);
            let ready = match tail::look(&bytes, from == 0) {
                Tail::Whole => Ready::Yes,
                Tail::NoNewline => Ready::NoNewline,
                Tail::Torn(start) => {
                    self.put_away(from + start as u64, (read - start) as u64)?;
                    Ready::Yes
                }
                Tail::Unclear => {
                    window *= 4;
                    continue;
                }
            };
            if let Some(seen) = &mut self.seen {
                seen.len = len;
            }
            return Ok(ready);
        }
    }

    fn put_away(&mut self, at: u64, len: u64) -> Result<()> {
        let paths = self.store.paths.clone();
        let file = self.writable()?;
        let stretch = Stretch { at, len, offset: self.base() + at };
        let kept = quarantine::put_away(&self.store.disk, &paths, &file, stretch)
            .map_err(|error| Error::system("put torn bytes away from", &paths.active, error))?;
        self.kept.push(kept);
        Ok(())
    }

    /// The file once more, open for writing anywhere.
    fn writable(&self) -> Result<D::File> {
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

    fn base(&self) -> u64 {
        self.seen.map_or(0, |seen| seen.base)
    }

    /// The end of the active segment, when it was last looked at; torn bytes count.
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
    pub(crate) fn append(&mut self, file: &D::File, ready: Ready, lines: &[u8], now: u64) -> Result<Appended> {
        debug_assert!(!matches!(ready, Ready::Sealed(_)), "a sealed segment does not grow");
        let Some(seen) = self.seen else { return Err(self.fail(STEP, io::Error::other("not looked at yet"))) };
        let newline = u64::from(ready == Ready::NoNewline);
        let outcome = if newline > 0 {
            append_all(&self.store.disk, file, &[b"\n", lines].concat())
        } else {
            append_all(&self.store.disk, file, lines)
        };
        if let (written, Err(error)) = outcome {
            if written > 0 {
                self.take_back(seen, newline, written as u64);
            }
            self.seen = Some(Seen { len: seen.len + newline.min(written as u64), ..seen }).filter(|_| written == 0);
            return Err(self.refused(error));
        }
        let start = seen.base + seen.len + newline;
        let end = start + lines.len() as u64;
        self.seen = Some(Seen { len: end - seen.base, ..seen });
        self.note_begin(now);
        Ok(Appended { start, end })
    }

    /// Puts blanks in place of what was written of lines that were not accepted. If that fails too, the next writer
    /// finds them torn.
    fn take_back(&self, seen: Seen, newline: u64, written: u64) {
        // The newline that ended the line of somebody else stays.
        let stretch = Stretch { at: seen.len + newline, len: written.saturating_sub(newline), offset: 0 };
        if stretch.len > 0
            && let Ok(file) = self.writable()
        {
            let _ = quarantine::blank(&self.store.disk, &file, stretch);
        }
    }

    /// The age of a segment is counted from its first line.
    fn note_begin(&mut self, now: u64) {
        if let Some((file, page)) = &mut self.page
            && page.since == 0
        {
            page.since = now;
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
                Err(Error::system("sync", &self.store.paths.active, error).with_kind(ErrorKind::NotDurable).with_hint(
                    "the events are in the log, but may not outlive a power cut; nothing more is appended until `stead log repair`",
                ))
            }
        }
    }

    /// All before `offset` is durable.
    pub(crate) fn note_synced(&mut self, offset: u64) {
        self.synced = self.synced.max(offset);
        let is_late = self.page.as_ref().is_some_and(|(_, page)| page.synced + PAGE_LAG <= self.synced);
        if is_late {
            self.record();
        }
    }

    /// Writes down how far the log is durable; a lower bound, so that it is no loss if it cannot be.
    pub(crate) fn record(&mut self) {
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
        if let Some((file, page)) = &mut self.page {
            page.poisoned = true;
            let _ = page::write(&self.store.disk, file, page);
        }
    }

    /// Creates the file that is to be the next active segment, under a temporary name, with the metadata of this one. It
    /// is not locked.
    pub(crate) fn create_next(&self, file: &D::File) -> Result<PathBuf> {
        let paths = &self.store.paths;
        let fail = |error| refused("create the next segment of", &paths.folder, &paths.active, error);
        let disk = &self.store.disk;
        let stat = disk.stat_file(file).map_err(fail)?;
        let like = metadata(disk, &paths.active, &stat).map_err(fail)?;
        let dress = Dress { like: Some(like), mode: None };
        let mut staged = Staged::create(disk, &paths.folder, &dress).map_err(fail)?;
        let path = staged.path().map_err(fail)?.to_path_buf();
        staged.settled();
        Ok(path)
    }

    /// Puts a synced copy of the active segment in its place: `next`, which is locked and lies at `next_path`.
    pub(crate) fn renew(&mut self, next: &D::File, next_path: &Path) -> Result<()> {
        let paths = self.store.paths.clone();
        let disk = &self.store.disk;
        let fail = |error| Error::system("write anew", &paths.active, error);
        let stat = disk.stat_file(next).map_err(fail)?;
        let Some(seen) = self.seen else { return Err(fail(io::Error::other("not looked at yet"))) };
        disk.rename(next_path, &paths.active).map_err(fail)?;
        uninterrupted(|| disk.sync_folder(&paths.folder)).map_err(fail)?;
        self.seen = Some(Seen { id: stat.id, base: seen.base, len: stat.len });
        self.synced = seen.base + stat.len;
        let Some((file, page)) = &mut self.page else { return Ok(()) };
        *page = Page { file: stat.id, poisoned: false, synced: self.synced, ..*page };
        page::write(disk, file, page).and_then(|()| uninterrupted(|| disk.sync_data(file))).map_err(fail)
    }

    /// Seals the active segment, or finishes sealing it, and puts `next` in its place, which is locked and lies under the
    /// temporary name `next_path`. Only after this returned may anything be appended to it.
    pub(crate) fn rotate(
        &mut self,
        file: &D::File,
        next: &D::File,
        next_path: &Path,
        sealed: Option<Segment>,
    ) -> Result<Segment> {
        let paths = self.store.paths.clone();
        let segment = match sealed {
            Some(segment) => segment,
            None => self.seal(file)?,
        };
        let disk = &self.store.disk;
        let fail = |error| Error::system("rotate", &paths.active, error);
        let stat = disk.stat_file(next).map_err(fail)?;
        let page_file = page::open(disk, &paths.page).map_err(|error| Error::system("open", &paths.page, error))?;
        let page = Page {
            log: self.manifest.id,
            file: stat.id,
            boot: self.store.boot,
            mount: disk.mount(&paths.folder),
            poisoned: false,
            synced: segment.end,
            since: 0,
        };
        // Durable before the first line can be in the new segment: without it nobody could tell what a power cut tore.
        page::write(disk, &page_file, &page).map_err(fail)?;
        uninterrupted(|| disk.sync_data(&page_file)).map_err(fail)?;
        disk.rename(next_path, &paths.active).map_err(fail)?;
        let synced = uninterrupted(|| disk.sync_folder(&paths.folder));
        self.page = Some((page_file, page));
        self.seen = Some(Seen { id: stat.id, base: layout::end_of(&[segment], 0, Some(&self.manifest)), len: 0 });
        self.synced = segment.end;
        synced.map_err(|error| fail(error).with_kind(ErrorKind::NotDurable))?;
        Ok(segment)
    }

    /// Gives the active segment its final name beside the one it has.
    fn seal(&mut self, file: &D::File) -> Result<Segment> {
        let paths = self.store.paths.clone();
        let segment = Segment { base: self.base(), end: self.end() };
        self.sync(file)?;
        let disk = &self.store.disk;
        let fail = |error| refused("rotate", &paths.active, &paths.segments.join("x"), error);
        disk.create_folder(&paths.segments).map_err(fail)?;
        uninterrupted(|| disk.sync_folder(&paths.folder)).map_err(fail)?;
        let path = paths.segment(segment);
        match disk.link(&paths.active, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(fail(error).with_hint("a segment of that name is there already: look what it is"));
            }
            // Files cannot have two names here. For an instant there is no active segment, which is believed only under
            // the lock on log.json.
            Err(error) if means_no_links(&error) => disk.rename(&paths.active, &path).map_err(fail)?,
            Err(error) => return Err(fail(error)),
        }
        uninterrupted(|| disk.sync_folder(&paths.segments)).map_err(fail)?;
        Ok(segment)
    }

    fn refused(&self, error: io::Error) -> Error {
        refused(STEP, &self.store.paths.active, &self.store.paths.active, error)
    }

    fn fail(&self, step: &'static str, error: io::Error) -> Error {
        Error::system(step, &self.store.paths.active, error)
    }
}

/// Whether a filesystem says that its files have one name each.
fn means_no_links(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported)
        || crate::sys::means_unsupported(error)
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
