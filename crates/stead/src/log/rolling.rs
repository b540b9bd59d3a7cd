//! Putting another file in the place of the active segment: the next segment, or a copy of it.

use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::{Dress, Staged, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::log::active::{ActiveSegment, Seen};
use crate::log::layout::{self, Segment};
use crate::log::page::{self, Page};
use crate::sys::disk::{Disk, metadata, read_full_at, uninterrupted};

/// What a rotation came to, once the next segment is in place.
#[derive(Debug)]
pub(crate) struct Rotated {
    /// The one that was sealed.
    pub(crate) segment: Segment,
    /// Whether that outlives a power cut; if not, the log is poisoned.
    pub(crate) durable: Result<()>,
}

impl<D: Disk + Clone> ActiveSegment<D> {
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

    /// Seals the active segment, or finishes sealing it, and puts `next` in its place, which is locked and lies under the
    /// temporary name `next_path`. Only after this returned may anything be appended to it. An error: it is not in place.
    pub(crate) fn rotate(
        &mut self,
        file: &D::File,
        next: &D::File,
        next_path: &Path,
        sealed: Option<Segment>,
    ) -> Result<Rotated> {
        let paths = self.store.paths.clone();
        let disk = self.store.disk.clone();
        let fail = |error| Error::system("rotate", &paths.active, error);
        let poisoned = page::read(&disk, &paths.page, self.manifest.id);
        let poisoned = poisoned.is_some_and(|page| page.poisoned && page.is_of(self.store.boot));
        let mut segment = sealed.map_or_else(|| self.seal(file), Ok)?;
        let stat = disk.stat_file(next).map_err(fail)?;
        let page = Page {
            log: self.manifest.id,
            file: stat.id,
            boot: self.store.boot,
            mount: disk.mount(&paths.folder),
            poisoned,
            settled: false,
            base: 0,
            synced: segment.end,
            since: 0,
        };
        let (page_file, mut page) = match self.put_in_place(file, next_path, &mut segment, page) {
            Ok(placed) => placed,
            Err(error) => {
                self.unseal(file, segment);
                return Err(error);
            }
        };
        let durable = uninterrupted(|| disk.sync_folder(&paths.folder));
        let durable = durable.map_err(|error| fail(error).with_kind(ErrorKind::NotDurable));
        let base = layout::end_of(&[segment], 0, Some(&self.manifest));
        // What is appended to a file without a durable name is not durable.
        page = Page {
            settled: durable.is_ok(),
            poisoned: poisoned || durable.is_err(),
            base,
            synced: segment.end,
            ..page
        };
        let noted = page::write(&disk, &page_file, &page).map_err(fail);
        self.page = Some((page_file, page));
        self.seen = Some(Seen { id: stat.id, base, len: 0 });
        self.synced = segment.end;
        self.late = None;
        Ok(Rotated { segment, durable: durable.and(noted) })
    }

    /// The steps from the sealed name to the new active segment.
    fn put_in_place(
        &self,
        file: &D::File,
        next_path: &Path,
        segment: &mut Segment,
        page: Page,
    ) -> Result<(D::File, Page)> {
        let (disk, paths) = (&self.store.disk, &self.store.paths);
        let fail = |error| refused("rotate", &paths.active, &paths.active, error);
        self.take_in_late(file, segment)?;
        let page = Page { synced: segment.end, ..page };
        // The sealed name first: a writer that was killed may have given it without a sync.
        uninterrupted(|| disk.sync_folder(&paths.segments)).map_err(fail)?;
        // Durable before the first line can be in the new segment: without it nobody could tell what a power cut tore.
        let page_file = page::open(disk, &paths.page).map_err(|error| Error::system("open", &paths.page, error))?;
        page::write(disk, &page_file, &page).map_err(fail)?;
        uninterrupted(|| disk.sync_data(&page_file)).map_err(fail)?;
        disk.rename(next_path, &paths.active).map_err(fail)?;
        Ok((page_file, page))
    }

    /// A rotation that did not come to its end leaves the segment active, if it still has that name.
    fn unseal(&mut self, file: &D::File, segment: Segment) {
        let (disk, paths) = (&self.store.disk, &self.store.paths);
        let is_active = match (disk.stat(&paths.active), disk.stat_file(file)) {
            (Ok(active), Ok(ours)) => active.id == ours.id && ours.names > 1,
            _ => false,
        };
        if is_active {
            let _ = disk.unlink(&paths.segment(segment));
        }
        // Whatever the page says now, the file is met anew.
        (self.seen, self.page) = (None, None);
    }

    /// Where the segment ends is decided once it has its second name: what somebody who takes no lock appended until then
    /// becomes part of it, for readers may have read it; what he appends later they leave alone, and it is appended again.
    fn take_in_late(&self, file: &D::File, segment: &mut Segment) -> Result<()> {
        let paths = &self.store.paths;
        let disk = &self.store.disk;
        let old = paths.segment(*segment);
        let fail = |error| Error::system("rotate", &old, error);
        let late = self.late(*segment)?.len() as u64;
        if late > 0 {
            let longer = Segment { base: segment.base, end: segment.end + late };
            uninterrupted(|| disk.sync_data(file)).map_err(fail)?;
            disk.rename_new(&old, &paths.segment(longer)).map_err(fail)?;
            *segment = longer;
        }
        Ok(())
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
        Ok(segment)
    }

    /// What was appended to a segment behind where it was sealed, by somebody who takes no lock: whole lines.
    pub(crate) fn late(&self, sealed: Segment) -> Result<Vec<u8>> {
        let path = self.store.paths.segment(sealed);
        let fail = |error| Error::system("read", &path, error);
        let file = self.store.disk.open(&path, crate::sys::Access::ReadOnly).map_err(fail)?;
        let len = sealed.end - sealed.base;
        let late = self.store.disk.stat_file(&file).map_err(fail)?.len.saturating_sub(len);
        let mut bytes = vec![0; usize::try_from(late).unwrap_or(usize::MAX)];
        let read = read_full_at(&self.store.disk, &file, &mut bytes, len).map_err(fail)?;
        bytes.truncate(memchr::memrchr(b'\n', &bytes[..read]).map_or(0, |newline| newline + 1));
        Ok(bytes)
    }

    /// Puts a synced copy of the active segment in its place: `next`, which is locked and lies at `next_path`. A log that a
    /// failed sync poisoned is sound again, and one without lines begins behind what is noted as lost.
    pub(crate) fn renew(&mut self, next: &D::File, next_path: &Path) -> Result<()> {
        let paths = self.store.paths.clone();
        let disk = self.store.disk.clone();
        let fail = |error| Error::system("write anew", &paths.active, error);
        let stat = disk.stat_file(next).map_err(fail)?;
        let Some(seen) = self.seen else { return Err(fail(io::Error::other("not looked at yet"))) };
        let segments = layout::segments(&disk, &paths).map_err(fail)?;
        let base = if stat.len == 0 { layout::end_of(&segments, 0, Some(&self.manifest)) } else { seen.base };
        let synced = base + stat.len;
        let page = Page {
            log: self.manifest.id,
            file: stat.id,
            boot: self.store.boot,
            mount: disk.mount(&paths.folder),
            poisoned: false,
            settled: false,
            base,
            synced,
            since: self.since(),
        };
        let file = page::open(&disk, &paths.page).map_err(fail)?;
        disk.rename(next_path, &paths.active).map_err(fail)?;
        page::write(&disk, &file, &page).map_err(fail)?;
        uninterrupted(|| disk.sync_data(&file))
            .and_then(|()| uninterrupted(|| disk.sync_folder(&paths.folder)))
            .map_err(fail)?;
        let page = Page { settled: true, ..page };
        page::write(&disk, &file, &page).map_err(fail)?;
        (self.seen, self.page, self.synced) =
            (Some(Seen { id: stat.id, base, len: stat.len }), Some((file, page)), synced);
        Ok(())
    }
}

/// Whether a filesystem says that its files have one name each.
fn means_no_links(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported)
        || crate::sys::means_unsupported(error)
}
