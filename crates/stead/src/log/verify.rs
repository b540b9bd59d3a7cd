//! Looking at every byte of a log.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::log::archive;
use crate::log::cursor::LogId;
use crate::log::index::{self, Index};
use crate::log::layout::{Paths, Segment};
use crate::log::locate::{Active, Parts};
use crate::log::manifest::{self, Manifest};
use crate::log::page::{self, Page};
use crate::log::scan::{Scanned, scan};
use crate::log::store::Store;
use crate::log::writer::boot;
use crate::sys::Access;
use crate::sys::disk::{Disk, RealDisk};

/// How far a long look has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes looked at.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// What [`verify`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Which log it is, if it has a name.
    pub log: Option<LogId>,
    /// Where history begins, as a logical offset.
    pub start: u64,
    /// Where the files end.
    pub end: u64,
    /// How many files hold it.
    pub files: u64,
    /// How many events there are.
    pub lines: u64,
    /// What is damaged: [`repair`](crate::log::repair) sees to it.
    pub damage: Vec<Finding>,
    /// What needs no repair: the next append sees to it, or it does no harm.
    pub notes: Vec<Finding>,
}

/// Something that was found in a file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// Where it begins, as a logical offset.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// What it is, in words.
    pub what: String,
    pub(crate) kind: Kind,
}

/// What there is to be done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The bytes are to be put away.
    Bad(Place),
    /// Lines that parse, in a block that is not what it was.
    Changed(Segment),
    /// The file of this segment has this many bytes only.
    Cut(Segment, u64),
    /// No file holds it.
    Missing,
    /// The active segment is shorter than what was durable.
    Short,
    /// Lines behind the end of a sealed segment.
    Late(Segment),
    /// A sync failed.
    Poisoned,
    /// Nothing.
    Nothing,
}

/// The file that bytes are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Active,
    Sealed(Segment),
}

/// Looks at every byte of the log in `dir`, without a lock and without changing anything: that every line is a JSON
/// object, every batch whole, every segment there and as it was sealed, and that nothing is missing that was durable.
///
/// # Errors
/// Where there is no log, or it cannot be read. Damage is no error here, but what it is about.
pub fn verify(dir: impl AsRef<Path>, progress: &mut dyn FnMut(Progress)) -> Result<Verified> {
    let store = Store::new(RealDisk, Paths::new(dir.as_ref()), boot());
    let first = Look::at(&store, progress)?;
    if first.found.damage.is_empty() {
        return Ok(first.found);
    }
    // A writer may have been at work there: what is damage is so at a second look, too.
    std::thread::sleep(std::time::Duration::from_millis(20));
    let mut second = Look::at(&store, &mut |_| {})?.found;
    second.damage.retain(|finding| first.found.damage.contains(finding));
    Ok(second)
}

/// A look at a whole log.
pub(crate) struct Look<'a, D: Disk> {
    store: &'a Store<D>,
    pub(crate) found: Verified,
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl<'a, D: Disk + Clone> Look<'a, D> {
    pub(crate) fn at(store: &'a Store<D>, progress: &'a mut dyn FnMut(Progress)) -> Result<Look<'a, D>> {
        // Before the files: what it says is durable is then surely to be there.
        let manifest = manifest::read(&store.disk, &store.paths.manifest)?;
        let page = manifest.and_then(|manifest| page::read(&store.disk, &store.paths.page, manifest.id));
        let parts = store.parts()?;
        let sealed: u64 = parts.segments.iter().map(|segment| segment.end - segment.base).sum();
        let active = parts.active.as_ref().map_or(0, |active| active.len);
        let total = sealed + active + parts.archive;
        let found = Verified { log: parts.manifest.as_ref().map(|manifest| manifest.id), ..Verified::default() };
        let mut look = Look { store, found, done: 0, total, progress };
        look.all(&parts, page)?;
        Ok(look)
    }

    fn all(&mut self, parts: &Parts<D::File>, page: Option<Page>) -> Result<()> {
        let Parts { manifest, segments, active, base, archive, .. } = parts;
        let begun = if *archive > 0 { Some(0) } else { segments.first().map(|segment| segment.base) };
        self.found.start = begun.unwrap_or(*base);
        self.archive(*archive)?;
        let mut at = if *archive > 0 { *archive } else { self.found.start };
        // The newest segment is the active one for an instant of a rotation.
        for segment in segments.iter().filter(|segment| segment.end <= *base || active.is_none()) {
            self.between(at, segment.base, manifest.as_ref());
            self.sealed(*segment)?;
            at = at.max(segment.end);
        }
        self.between(at, *base, manifest.as_ref());
        self.found.end = *base;
        match active {
            Some(active) => self.active(active, *base, page)?,
            None => self.no_active(*base, page),
        }
        self.strangers()
    }

    fn archive(&mut self, len: u64) -> Result<()> {
        let path = &self.store.paths.archive;
        if self.store.disk.stat(path).is_err() {
            return Ok(());
        }
        let mut lines = 0;
        let wrong = archive::copy(&self.store.disk, path, |bytes| {
            lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
            Ok(())
        })?;
        if len > 0 {
            self.found.files += 1;
            self.found.lines += lines;
            self.come(len);
        }
        if let Some(what) = wrong {
            let what = format!("the archive of eventfold cannot be unpacked beyond this: {what}");
            self.note(path.clone(), (len, len), what);
        }
        Ok(())
    }

    /// What lies between two files.
    fn between(&mut self, at: u64, next: u64, manifest: Option<&Manifest>) {
        let path = self.store.paths.segments.clone();
        if at < next && manifest.and_then(|manifest| manifest.gap_at(at)).is_none_or(|(_, end)| end < next) {
            self.damage(path, (at, next), "no segment holds this".to_owned(), Kind::Missing);
        } else if at > next {
            self.note(path, (next, at), "two segments hold this; the longer one is read".to_owned());
        }
    }

    fn sealed(&mut self, segment: Segment) -> Result<()> {
        let path = self.store.paths.segment(segment);
        let fail = |error| Error::system("read", &path, error);
        let disk = &self.store.disk;
        let file = match disk.open(&path, Access::ReadOnly) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.damage(path, (segment.base, segment.end), "it was taken away".to_owned(), Kind::Missing);
                return Ok(());
            }
            Err(error) => return Err(fail(error)),
        };
        let (len, there) = (segment.end - segment.base, disk.stat_file(&file).map_err(fail)?.len);
        let scanned = self.scan(&file, segment.base, there.min(len)).map_err(fail)?;
        self.found.files += 1;
        self.found.lines += scanned.lines;
        let bad: Vec<_> =
            scanned.bad.iter().map(|(stretch, _)| (stretch.offset, stretch.offset + stretch.len)).collect();
        for (stretch, what) in scanned.bad {
            let range = (stretch.offset, stretch.offset + stretch.len);
            self.damage(path.clone(), range, what, Kind::Bad(Place::Sealed(segment)));
        }
        if there < len {
            let what = format!("{} bytes at its end are missing", len - there);
            self.damage(path, (segment.base + scanned.end, segment.end), what, Kind::Cut(segment, there));
            return Ok(());
        }
        if scanned.end < len {
            let range = (segment.base + scanned.end, segment.end);
            self.damage(path.clone(), range, "no newline at its end".to_owned(), Kind::Bad(Place::Sealed(segment)));
        }
        if there > len {
            let what = format!("{} bytes behind its end, appended without the lock after it was sealed", there - len);
            self.damage(path.clone(), (segment.end, segment.end), what, Kind::Late(segment));
        }
        let Some(stored) = Index::load(disk, &index::path_of(&path), segment) else { return Ok(()) };
        for (start, end) in stored.differences(&Index::of(disk, &file, segment).map_err(fail)?) {
            if bad.iter().all(|(from, to)| *to <= start || end <= *from) {
                let what = "its checksum differs, though every line of it is JSON: a byte of it was changed".to_owned();
                self.damage(path.clone(), (start, end), what, Kind::Changed(segment));
            }
        }
        Ok(())
    }

    fn active(&mut self, active: &Active<D::File>, base: u64, page: Option<Page>) -> Result<()> {
        let path = self.store.paths.active.clone();
        let fail = |error| Error::system("read", &path, error);
        let scanned = self.scan(&active.file, base, active.len).map_err(fail)?;
        let Scanned { bad, lines, end, is_open } = scanned;
        self.found.files += 1;
        self.found.lines += lines;
        self.found.end = base + active.len;
        let of_file = page.filter(|page| page.names(active.id, self.store.boot));
        let mount = self.store.disk.mount(&self.store.paths.folder);
        let unsure = of_file.filter(|page| !page.is_sure(self.store.boot, mount)).map_or(u64::MAX, |page| page.synced);
        let last = bad.len().saturating_sub(1);
        for (index, (stretch, what)) in bad.into_iter().enumerate() {
            let range = (stretch.offset, stretch.offset + stretch.len);
            if stretch.offset >= unsure {
                self.note(path.clone(), range, format!("torn by a power cut ({what}); the next writer puts it away"));
            } else if index == last && is_open {
                self.note(
                    path.clone(),
                    range,
                    "a batch that is not whole yet, or never will be; the next writer sees to it".to_owned(),
                );
            } else {
                self.damage(path.clone(), range, what, Kind::Bad(Place::Active));
            }
        }
        if end < active.len {
            let what = "no newline yet: a line that is being written, or was torn; the next writer sees to it";
            self.note(path.clone(), (base + end, base + active.len), what.to_owned());
        }
        if let Some(page) = of_file.filter(|page| page.synced > base + active.len) {
            let what = "this was durable, and is not there: the file was cut".to_owned();
            self.damage(path.clone(), (base + active.len, page.synced), what, Kind::Short);
        }
        if page.is_some_and(|page| page.poisoned && page.is_of(self.store.boot)) {
            let what = "a sync failed since the system started: what was not durable before may be lost".to_owned();
            self.damage(path, (page.map_or(base, |page| page.synced), base + active.len), what, Kind::Poisoned);
        }
        Ok(())
    }

    fn no_active(&mut self, base: u64, page: Option<Page>) {
        let path = self.store.paths.active.clone();
        match page.filter(|page| page.synced > base) {
            Some(page) => self.damage(path, (base, page.synced), "it is missing".to_owned(), Kind::Missing),
            None => self.note(path, (base, base), "it is missing; the next writer creates it".to_owned()),
        }
    }

    /// What lies among the segments and is none.
    fn strangers(&mut self) -> Result<()> {
        let folder = &self.store.paths.segments;
        let names = match self.store.disk.list(folder) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::system("look at", folder, error)),
        };
        for name in names {
            let is_index = Path::new(&name).extension().is_some_and(|extension| extension == "idx");
            let is_temporary = name.to_string_lossy().starts_with(".stead-");
            if Segment::parse(&name).is_none() && !is_index && !is_temporary {
                self.note(folder.join(name), (0, 0), "a file that is no segment: it is not read".to_owned());
            }
        }
        Ok(())
    }

    fn scan(&mut self, file: &D::File, base: u64, len: u64) -> io::Result<Scanned> {
        let (done, total) = (self.done, self.total);
        let progress = &mut *self.progress;
        let mut told = |bytes| progress(Progress { done: done + bytes, total });
        let scanned = scan(&self.store.disk, file, base, (0, len), &mut told)?;
        self.come(len);
        Ok(scanned)
    }

    fn come(&mut self, bytes: u64) {
        self.done += bytes;
        (self.progress)(Progress { done: self.done, total: self.total });
    }

    fn damage(&mut self, path: PathBuf, (start, end): (u64, u64), what: String, kind: Kind) {
        self.found.damage.push(Finding { path, start, end, what, kind });
    }

    fn note(&mut self, path: PathBuf, (start, end): (u64, u64), what: String) {
        self.found.notes.push(Finding { path, start, end, what, kind: Kind::Nothing });
    }
}
