//! Making the active segment whole before something is appended to it: what writers before us left torn is put away, and a
//! rotation that was cut short is found.

use std::io;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::filesystem::folder_of;
use crate::log::active::{ActiveSegment, STEP, Seen};
use crate::log::foundation;
use crate::log::framing;
use crate::log::layout::{self, Segment};
use crate::log::manifest;
use crate::log::page::{self, Page};
use crate::log::quarantine::{self, Stretch};
use crate::log::scan::scan;
use crate::log::tail::{self, Tail};
use crate::sys::disk::{Disk, append_all, read_full_at, uninterrupted};
use crate::sys::{FileKind, Stat};

/// What is looked at of the end of a file, at first.
const WINDOW: u64 = 4 << 10;
/// How often others may append while the end is looked at.
const TRIES: usize = 1000;

/// What has to be done before lines can be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    /// Nothing.
    Yes,
    /// It has been sealed already: the rotation is to be finished.
    Sealed(Segment),
    /// Somebody who takes no lock has appended to this sealed segment: that is to be appended again.
    Late(Segment),
}

impl<D: Disk + Clone> ActiveSegment<D> {
    /// Makes the file whole, which is to be locked.
    pub(crate) fn make_ready(&mut self, file: &D::File) -> Result<Ready> {
        if self.alone && self.is_as_left(file)? {
            self.refuse_if_poisoned()?;
            return Ok(Ready::Yes);
        }
        let stat = self.store.disk.stat_file(file).map_err(|error| self.fail("look at", error))?;
        if let Some(Seen { id, len, .. }) = self.seen
            && (id, len, 1) == (stat.id, stat.len, stat.names)
            && self.late.is_none()
        {
            self.refuse_if_poisoned()?;
            if self.seen.is_some() {
                return Ok(Ready::Yes);
            }
        }
        self.insist_on(&stat)?;
        match self.seen {
            Some(seen) if seen.id == stat.id => {
                if stat.len < seen.len && !self.repairs {
                    return Err(self.too_short(seen.base + seen.len, seen.base + stat.len));
                }
                if stat.names > 1
                    && let Some(sealed) = self.sealed_as(&stat)?
                {
                    return Ok(Ready::Sealed(sealed));
                }
            }
            _ => match self.meet(file, &stat)? {
                Ready::Yes => {}
                other => return Ok(other),
            },
        }
        self.refuse_if_poisoned()?;
        self.mend_tail(file)?;
        Ok(self.late.take().map_or(Ready::Yes, Ready::Late))
    }

    /// Whether nobody appended since this writer did, which has the file to itself. That it is not the log's any more is
    /// noticed by a look at the path.
    fn is_as_left(&self, file: &D::File) -> Result<bool> {
        let Some(seen) = self.seen.filter(|_| self.late.is_none() && !self.repairs) else { return Ok(false) };
        Ok(self.store.disk.len(file).map_err(|error| self.fail("look at", error))? == seen.len)
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
        self.read_manifest()?;
        let paths = self.store.paths.clone();
        let disk = self.store.disk.clone();
        let known = page::read(&disk, &paths.page, self.manifest.id);
        let poisoned = known.is_some_and(|page| page.poisoned && page.is_of(self.store.boot));
        if poisoned && !self.repairs {
            return Err(self.poisoned());
        }
        let fail = |error| Error::system("look at", &paths.segments, error);
        let segments = layout::segments(&disk, &paths).map_err(fail)?;
        if let Some(sealed) = self.newest_if(&segments, stat)? {
            return Ok(Ready::Sealed(sealed));
        }
        let archive = if segments.is_empty() { self.store.archive_len()? } else { 0 };
        if archive > 0 {
            foundation::adopt_archive(&self.store, archive)?;
        }
        let of_file = known.filter(|page| page.names(stat.id, self.store.boot));
        let base = self.base_of(layout::end_of(&segments, archive, Some(&self.manifest)), of_file)?;
        let bound = of_file.map_or(base, |page| page.synced.max(base));
        let end = base.checked_add(stat.len).ok_or_else(|| self.fail("look at", io::ErrorKind::FileTooLarge.into()))?;
        if bound > end && !self.repairs {
            return Err(self.too_short(bound, end));
        }
        let mount = disk.mount(&paths.folder);
        let page = Page {
            log: self.manifest.id,
            file: stat.id,
            boot: self.store.boot,
            mount,
            poisoned,
            settled: of_file.is_some_and(|page| page.settled),
            base,
            synced: bound,
            since: of_file.map_or(0, |page| page.since),
        };
        self.seen = Some(Seen { id: stat.id, base, len: 0 });
        self.synced = bound;
        let unsure = of_file.is_some_and(|page| !page.is_sure(self.store.boot, mount));
        let mut put_away = Ok(());
        if unsure && !poisoned && bound < end {
            put_away = self.put_away_bad(file, bound - base, stat.len);
        }
        if let Err(error) = put_away.and_then(|()| self.settle(page, of_file)) {
            // It is met anew the next time.
            (self.seen, self.page) = (None, None);
            return Err(error);
        }
        self.late = self.find_late(segments.last().copied());
        Ok(Ready::Yes)
    }

    /// Where the file begins, as the segments say; the page must say the same.
    fn base_of(&self, base: u64, of_file: Option<Page>) -> Result<u64> {
        match of_file.filter(|page| page.settled && page.base != base) {
            Some(page) if self.repairs => Ok(page.base),
            Some(page) => {
                let what = format!("the segments end at offset {base}, and the active one begins at {}", page.base);
                Err(Error::found(ErrorKind::Damaged, STEP, &self.store.paths.segments, what)
                    .with_hint("restore the missing file, or let `stead log repair` note that it is lost"))
            }
            None => Ok(base),
        }
    }

    /// Another log may be at the same path by now; and a repair may have noted what is lost.
    fn read_manifest(&mut self) -> Result<()> {
        let path = &self.store.paths.manifest;
        match manifest::read(&self.store.disk, path)? {
            Some(manifest) if manifest.id == self.manifest.id => {
                self.manifest = manifest;
                Ok(())
            }
            found => {
                let what = found
                    .map_or("the log was removed".to_owned(), |found| format!("it is the log {} by now", found.id));
                Err(Error::found(ErrorKind::Lost, STEP, &self.store.paths.folder, what)
                    .with_hint("nothing was appended: open the log anew"))
            }
        }
    }

    /// Writes the page for a file that was met, and makes the name of that file durable.
    fn settle(&mut self, mut page: Page, before: Option<Page>) -> Result<()> {
        let (disk, paths) = (&self.store.disk, &self.store.paths);
        let fail = |error| Error::system("write", &paths.page, error);
        let file = page::open(disk, &paths.page).map_err(fail)?;
        if before != Some(page) {
            page::write(disk, &file, &page).map_err(fail)?;
        }
        if !page.settled {
            // A writer that was killed may have left a name that is not durable, and without the page nobody could tell what
            // a power cut tore.
            let synced = uninterrupted(|| disk.sync_data(&file))
                .and_then(|()| uninterrupted(|| disk.sync_folder(&paths.folder)))
                .and_then(|()| sync_above(disk, &paths.folder));
            if let Err(error) = synced {
                // A second try may say that all is well (trap 26).
                let _ = page::write(disk, &file, &Page { poisoned: true, ..page });
                return Err(Error::system("sync", &paths.folder, error));
            }
            page.settled = true;
            page::write(disk, &file, &page).map_err(fail)?;
        }
        self.page = Some((file, page));
        Ok(())
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

    /// Looks whether somebody still appends to the newest sealed segment: [`make_ready`](Self::make_ready) says so then.
    pub(crate) fn look_for_late(&mut self) -> Result<()> {
        let paths = &self.store.paths;
        let segments = layout::segments(&self.store.disk, paths);
        let segments = segments.map_err(|error| Error::system("look at", &paths.segments, error))?;
        self.late = self.find_late(segments.last().copied());
        Ok(())
    }

    /// The newest segment, if something stands behind its end.
    fn find_late(&self, newest: Option<Segment>) -> Option<Segment> {
        let newest = newest?;
        let stat = self.store.disk.stat(&self.store.paths.segment(newest)).ok()?;
        (stat.len > newest.end - newest.base && !self.repairs).then_some(newest)
    }

    fn too_short(&self, bound: u64, end: u64) -> Error {
        let what = format!("it ends at offset {end}, but there was more, up to {bound}: bytes were cut off");
        Error::found(ErrorKind::Damaged, STEP, &self.store.paths.active, what)
            .with_hint("restore the file, or let `stead log repair` note what is lost")
    }

    /// Sees to it that the file ends with a whole line of a whole batch.
    fn mend_tail(&mut self, file: &D::File) -> Result<()> {
        let mut window = WINDOW;
        for _ in 0..TRIES {
            let len = self.store.disk.stat_file(file).map_err(|error| self.fail("look at", error))?.len;
            let from = len.saturating_sub(window);
            let room = usize::try_from(len - from).map_err(|error| self.fail("read", io::Error::other(error)))?;
            let mut bytes = vec![0; room];
            let read = read_full_at(&self.store.disk, file, &mut bytes, from);
            bytes.truncate(read.map_err(|error| self.fail("read", error))?);
            match tail::look(&bytes, from == 0) {
                Tail::Whole => {
                    self.finish_putting_away(&bytes, from)?;
                    if let Some(seen) = &mut self.seen {
                        seen.len = len;
                    }
                    return Ok(());
                }
                Tail::NoNewline => self.end_line(file)?,
                Tail::Torn(start) if is_perhaps_under_way(&bytes[start..]) => {
                    self.end_torn_line(file, from + start as u64, (bytes.len() - start) as u64)?;
                }
                Tail::Torn(start) => self.put_away(from + start as u64, (bytes.len() - start) as u64)?,
                Tail::Unclear => window *= 4,
            }
        }
        Err(self.fail(STEP, io::Error::other("somebody who takes no lock writes pieces of lines all the time")))
    }

    /// If the last line is one that a writer began to put away when it was killed, after it had kept it.
    fn finish_putting_away(&mut self, bytes: &[u8], from: u64) -> Result<()> {
        let Some(lines) = bytes.strip_suffix(b"\n") else { return Ok(()) };
        let start = memchr::memrchr(b'\n', lines).map_or(0, |newline| newline + 1);
        let line = &lines[start..];
        if framing::is_blank(line) || framing::objection(line).is_none() {
            return Ok(());
        }
        let at = from + start as u64;
        let stretch = Stretch { at, len: line.len() as u64, offset: self.base() + at };
        if quarantine::is_kept(&self.store.disk, &self.store.paths, stretch) {
            let stretch = Stretch { len: stretch.len + 1, ..stretch };
            quarantine::blank(&self.store.disk, &self.writable()?, stretch)
                .map_err(|error| self.fail("put torn bytes away from", error))?;
        }
        Ok(())
    }

    fn end_line(&self, file: &D::File) -> Result<()> {
        append_all(&self.store.disk, file, b"\n").1.map_err(|error| self.refused(error))
    }

    /// A line that is torn, or that somebody who takes no lock is writing at this instant: the newline is written after him.
    /// What is no line even then is put away; a copy of it is kept before, so that no reader has to look at it for long.
    fn end_torn_line(&mut self, file: &D::File, at: u64, len: u64) -> Result<()> {
        let (disk, paths) = (self.store.disk.clone(), self.store.paths.clone());
        let fail = |error| Error::system("put torn bytes away from", &paths.active, error);
        let stretch = Stretch { at, len, offset: self.base() + at };
        let kept = quarantine::keep_copy(&disk, &paths, file, stretch).map_err(fail)?;
        self.end_line(file)?;
        let end = disk.stat_file(file).map_err(fail)?.len;
        let bad = scan(&disk, file, self.base(), (at, end), &mut |_| {}).map_err(fail)?.bad;
        let is_as_kept = |stretch: &Stretch| (stretch.at, stretch.len) == (at, len + 1);
        if bad.iter().any(|(stretch, _)| is_as_kept(stretch)) {
            self.kept.push(kept);
        } else {
            // It was under way, and all of it is in the log.
            let _ = disk.unlink(&kept);
        }
        for (stretch, _) in bad {
            if is_as_kept(&stretch) {
                quarantine::blank(&disk, &self.writable()?, stretch).map_err(fail)?;
            } else {
                self.put_away(stretch.at, stretch.len)?;
            }
        }
        Ok(())
    }
}

/// Makes the name of a folder durable, if the one above may be looked into.
fn sync_above<D: Disk>(disk: &D, folder: &Path) -> io::Result<()> {
    match uninterrupted(|| disk.sync_folder(folder_of(folder))) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        outcome => outcome,
    }
}

/// Whether torn bytes may be a line that is being written: one line, and none of a batch, for those are ours.
fn is_perhaps_under_way(torn: &[u8]) -> bool {
    !torn.contains(&b'\n') && !torn.ends_with(b"\t}") && !torn.ends_with(b"\t")
}
