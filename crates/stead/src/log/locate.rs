//! Which file holds a given byte of history, found without a lock while writers rotate.
//!
//! `app.jsonl` is opened first, then `segments/` is listed, then the path is looked at again: if it is another file by
//! now, all begins anew (trap 50). If the newest segment is the very file that was opened, a rotation is under way and
//! that file begins at the segment's base; else it begins where the newest segment ends.

use std::io;
use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};
use crate::log::archive::Archive;
use crate::log::cursor::LogId;
use crate::log::layout::{self, Segment};
use crate::log::manifest::{self, Manifest};
use crate::log::page;
use crate::log::store::Store;
use crate::sys::disk::Disk;
use crate::sys::{Access, FileId, FileKind};

/// How often the log may be rotated between two looks.
const TRIES: usize = 1000;

/// The parts of a log, as they were at one instant.
pub(crate) struct Parts<F> {
    pub(crate) manifest: Option<Manifest>,
    pub(crate) segments: Vec<Segment>,
    /// `app.jsonl`; `None` for an instant of a rotation where files cannot have two names.
    pub(crate) active: Option<Active<F>>,
    /// Where the active segment begins.
    pub(crate) base: u64,
    /// The newest segment, if it is the active one as well: a rotation is under way.
    pub(crate) sealing: Option<Segment>,
    /// How much of the beginning is in an archive of eventfold's.
    pub(crate) archive: u64,
}

/// The active segment, open for reading.
pub(crate) struct Active<F> {
    pub(crate) file: F,
    pub(crate) id: FileId,
    pub(crate) len: u64,
}

/// A file that holds a stretch of history.
pub(crate) struct Piece<D: Disk> {
    pub(crate) source: Source<D>,
    pub(crate) path: PathBuf,
    /// Where it begins.
    pub(crate) base: u64,
    /// Where it ends; `None` for the active segment.
    pub(crate) end: Option<u64>,
    /// The active segment: which file it is.
    pub(crate) id: Option<FileId>,
    /// From here on a power cut may have left anything.
    pub(crate) unsure_from: u64,
}

pub(crate) enum Source<D: Disk> {
    File(D::File),
    Archive(Box<Archive<D>>),
}

/// What is at an offset.
pub(crate) enum Place<D: Disk> {
    Here(Piece<D>),
    /// Known to be lost up to this offset.
    Gap(u64),
    /// Nothing now: the active segment is missing for an instant.
    Later,
    /// No file holds it, though this later offset is held.
    Missing {
        next: u64,
    },
}

impl<D: Disk + Clone> Store<D> {
    /// Which log it is; `None` for a directory of eventfold's that none of our writers has opened.
    pub(crate) fn name(&self) -> Result<Option<LogId>> {
        Ok(self.parts()?.manifest.map(|manifest| manifest.id))
    }

    /// Finds the parts of the log.
    pub(crate) fn parts(&self) -> Result<Parts<D::File>> {
        let paths = &self.paths;
        let fail = |error| Error::system("look at the log", &paths.folder, error);
        for _ in 0..TRIES {
            let manifest = manifest::read(&self.disk, &paths.manifest)?;
            let active = self.open_active()?;
            let segments = layout::segments(&self.disk, paths).map_err(fail)?;
            let seen = match self.disk.stat(&paths.active) {
                Ok(stat) => Some(stat.id),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(Error::system("look at", &paths.active, error)),
            };
            if seen != active.as_ref().map(|active| active.id) {
                continue;
            }
            let begins = segments.iter().any(|segment| segment.base == 0);
            let archive = if begins { 0 } else { self.archive_len()? };
            if active.is_none() && segments.is_empty() && manifest.is_none() && archive == 0 {
                return Err(self.missing());
            }
            let Ok(sealing) = self.sealing(active.as_ref().map(|active| active.id), &segments) else { continue };
            let base = sealing.map_or_else(
                || {
                    let base = layout::end_of(&segments, archive, manifest.as_ref());
                    self.base_by_page(base, active.as_ref(), manifest.as_ref())
                },
                |sealing| sealing.base,
            );
            // What is behind the end of a sealed segment is not part of it.
            let len_max = sealing.map_or(u64::MAX, |sealing| sealing.end - sealing.base);
            let active = active.map(|active| Active { len: active.len.min(len_max), ..active });
            return Ok(Parts { manifest, segments, active, base, sealing, archive });
        }
        Err(Error::new(ErrorKind::Unsupported, "look at the log", &paths.folder)
            .with_hint("its active segment is another file at every look: something replaces it, or the filesystem has no stable inodes"))
    }

    fn open_active(&self) -> Result<Option<Active<D::File>>> {
        let path = &self.paths.active;
        let fail = |error| Error::system("open", path, error);
        let file = match self.disk.open(path, Access::ReadOnly) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let stat = self.disk.stat_file(&file).map_err(fail)?;
        if stat.kind != FileKind::Regular {
            return Err(Error::new(ErrorKind::NotRegularFile, "open", path));
        }
        Ok(Some(Active { file, id: stat.id, len: stat.len }))
    }

    /// The newest segment, if it is this very file; an error if it vanished meanwhile.
    pub(crate) fn sealing(&self, active: Option<FileId>, segments: &[Segment]) -> io::Result<Option<Segment>> {
        let (Some(newest), Some(active)) = (segments.last(), active) else { return Ok(None) };
        Ok((self.disk.stat(&self.paths.segment(*newest))?.id == active).then_some(*newest))
    }

    /// If the newest segments are missing, the page still says where the active one begins.
    fn base_by_page<F>(&self, base: u64, active: Option<&Active<F>>, manifest: Option<&Manifest>) -> u64 {
        let page = manifest.and_then(|manifest| page::read(&self.disk, &self.paths.page, manifest.id));
        let of_file = page.filter(|page| page.settled && active.is_some_and(|active| page.names(active.id, self.boot)));
        of_file.map_or(base, |page| page.base.max(base))
    }

    fn missing(&self) -> Error {
        Error::new(ErrorKind::NotFound, "open the log", &self.paths.folder)
            .with_hint("there is no app.jsonl; `stead log append` creates a log")
    }

    /// Finds what holds the byte at `offset`, or will hold it.
    pub(crate) fn place(&self, offset: u64) -> Result<(Option<Manifest>, Place<D>)> {
        for _ in 0..TRIES {
            let parts = self.parts()?;
            // Or a segment was taken away between the look and its opening.
            if let (manifest, Some(place)) = self.place_in(parts, offset)? {
                return Ok((manifest, place));
            }
        }
        Err(Error::new(ErrorKind::NotFound, "open a segment of", &self.paths.folder)
            .with_hint("segments vanish as soon as they are listed"))
    }

    fn place_in(&self, parts: Parts<D::File>, offset: u64) -> Result<(Option<Manifest>, Option<Place<D>>)> {
        let Parts { manifest, segments, active, base, sealing, archive } = parts;
        if offset >= base {
            let place = match (active, sealing) {
                (Some(_), Some(sealing)) if offset >= sealing.end => Place::Later,
                (Some(active), sealing) => {
                    let mut piece = self.active_piece(active, base, manifest.as_ref());
                    piece.end = sealing.map(|sealing| sealing.end);
                    Place::Here(piece)
                }
                (None, _) => Place::Later,
            };
            return Ok((manifest, Some(place)));
        }
        if let Some((_, end)) = manifest.as_ref().and_then(|manifest| manifest.gap_at(offset)) {
            return Ok((manifest, Some(Place::Gap(end))));
        }
        let holds = |segment: &&Segment| (segment.base..segment.end).contains(&offset);
        if let Some(segment) = segments.iter().filter(holds).max_by_key(|segment| segment.end) {
            let piece = self.sealed_piece(*segment)?;
            return Ok((manifest, piece.map(Place::Here)));
        }
        if offset < archive {
            let source = Archive::open(self.disk.clone(), &self.paths.archive);
            let source = source.map_err(|error| Error::system("unpack", &self.paths.archive, error))?;
            let piece = Piece {
                source: Source::Archive(Box::new(source)),
                path: self.paths.archive.clone(),
                base: 0,
                end: Some(archive),
                id: None,
                unsure_from: u64::MAX,
            };
            return Ok((manifest, Some(Place::Here(piece))));
        }
        let later = segments.iter().map(|segment| segment.base).filter(|base| *base > offset);
        let next = later.chain([base]).min().unwrap_or(base);
        Ok((manifest, Some(Place::Missing { next })))
    }

    fn active_piece(&self, active: Active<D::File>, base: u64, manifest: Option<&Manifest>) -> Piece<D> {
        let page = manifest.and_then(|manifest| page::read(&self.disk, &self.paths.page, manifest.id));
        let mount = self.disk.mount(&self.paths.folder);
        let unsure = page.filter(|page| page.names(active.id, self.boot) && !page.is_sure(self.boot, mount));
        Piece {
            source: Source::File(active.file),
            path: self.paths.active.clone(),
            base,
            end: None,
            id: Some(active.id),
            unsure_from: unsure.map_or(u64::MAX, |page| page.synced),
        }
    }

    fn sealed_piece(&self, segment: Segment) -> Result<Option<Piece<D>>> {
        let path = self.paths.segment(segment);
        let file = match self.disk.open(&path, Access::ReadOnly) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::system("open", &path, error)),
        };
        let (base, end) = (segment.base, Some(segment.end));
        Ok(Some(Piece { source: Source::File(file), path, base, end, id: None, unsure_from: u64::MAX }))
    }
}

impl<D: Disk + Clone> Piece<D> {
    /// Reads some bytes at a logical offset; 0 at the end.
    pub(crate) fn read_at(&mut self, disk: &D, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let room = self.end.map_or(u64::MAX, |end| end.saturating_sub(offset));
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(buffer.len());
        let Some(at) = offset.checked_sub(self.base) else { return Ok(0) };
        match &mut self.source {
            Source::File(file) => crate::sys::disk::uninterrupted(|| disk.read_at(file, &mut buffer[..room], at)),
            Source::Archive(archive) => archive.read_at(&mut buffer[..room], at),
        }
    }
}
