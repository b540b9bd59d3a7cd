//! Putting right what is damaged, without throwing anything away.

use std::path::{Path, PathBuf};

use crate::atomic::{Dress, Durability, Rule, Staged};
use crate::error::{Error, Result};
use crate::lock::Wait;
use crate::log::active::ActiveSegment;
use crate::log::foundation;
use crate::log::index::{self, Index};
use crate::log::layout::Segment;
use crate::log::manifest::Manifest;
use crate::log::options::Options;
use crate::log::page::{self, Page};
use crate::log::quarantine::{self, Stretch};
use crate::log::store::Store;
use crate::log::verify::{Finding, Kind, Look, Place, Progress};
use crate::log::writer::EventWriter;
use crate::sys::Access;
use crate::sys::disk::{Disk, read_full_at, uninterrupted};

const STEP: &str = "repair";

/// What [`repair`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repaired {
    /// What was damaged.
    pub findings: Vec<Finding>,
    /// Where bytes were put that are no events: nothing was thrown away.
    pub kept: Vec<PathBuf>,
    /// Stretches of history that were noted as lost.
    pub gaps: Vec<(u64, u64)>,
    /// How many bytes were appended again that stood behind the end of sealed segments.
    pub carried: u64,
}

/// Puts right what [`verify`](crate::log::verify) says is damaged in the log in `dir`, while no writer writes. Damaged bytes
/// go to `quarantine/`, with blanks in their place, so that no offset changes; what is missing is noted in `log.json`,
/// so that readers pass over it; all else stays. A log that was poisoned by a failed sync is written anew.
///
/// It can be cut short at any step, and begun again.
///
/// # Errors
/// [`Busy`](crate::ErrorKind::Busy) or [`TimedOut`](crate::ErrorKind::TimedOut) where a writer has the log; those of the system.
pub fn repair(dir: impl AsRef<Path>, wait: impl Into<Wait>, progress: &mut dyn FnMut(Progress)) -> Result<Repaired> {
    let dir = dir.as_ref();
    // A log is not made by repairing it.
    let store = EventWriter::store_of(dir);
    let parts = store.parts()?;
    let mut done = Repaired::default();
    if parts.active.is_none()
        && let Some(mut manifest) = parts.manifest
    {
        note_missing_active(&store, &mut manifest, parts.base, &mut done)?;
    }
    let mut writer = EventWriter::with(dir, Options::new().shared(true).wait(wait))?;
    writer.repair(progress, &mut done)?;
    Ok(done)
}

/// What was durable in an active segment that is gone is noted as lost, so that another one may begin behind it.
fn note_missing_active<D: Disk + Clone>(
    store: &Store<D>,
    manifest: &mut Manifest,
    base: u64,
    done: &mut Repaired,
) -> Result<()> {
    let (disk, path) = (&store.disk, &store.paths.page);
    let Some(page) = page::read(disk, path, manifest.id) else { return Ok(()) };
    if page.synced > base {
        note_gap(store, manifest, (base, page.synced), done)?;
    }
    let fail = |error| Error::system("write", path, error);
    let file = page::open(disk, path).map_err(fail)?;
    page::write(disk, &file, &Page { settled: false, ..page }).map_err(fail)
}

fn note_gap<D: Disk + Clone>(
    store: &Store<D>,
    manifest: &mut Manifest,
    gap: (u64, u64),
    done: &mut Repaired,
) -> Result<()> {
    manifest.add_gap(gap.0, gap.1);
    foundation::write_manifest(store, manifest, Rule::Replace)?;
    done.gaps.push(gap);
    Ok(())
}

impl<D: Disk + Clone> ActiveSegment<D> {
    /// Repairs all files of the log, and hears what has to be done by a writer: whether the active segment is to be sealed
    /// (it was cut), or written anew (a sync failed), and lines that are to be appended again.
    pub(crate) fn repair_files(
        &mut self,
        progress: &mut dyn FnMut(Progress),
        done: &mut Repaired,
    ) -> Result<Vec<Todo>> {
        let found = Look::at(&self.store, progress)?.found;
        let mut todo = Vec::new();
        for finding in &found.damage {
            let range = (finding.start, finding.end);
            match finding.kind {
                Kind::Bad(place) => done.kept.push(self.put_away_range(&finding.path, place, range)?),
                Kind::Changed(segment) => {
                    done.kept.push(self.keep(&finding.path, segment.base, range)?);
                    self.make_index(segment)?;
                }
                Kind::Cut(segment, there) => self.shorten(segment, there, done)?,
                Kind::Missing => note_gap(&self.store, &mut self.manifest, range, done)?,
                Kind::Short => {
                    note_gap(&self.store, &mut self.manifest, range, done)?;
                    todo.push(Todo::Seal);
                }
                Kind::Late(segment) => todo.push(Todo::Carry(segment)),
                Kind::Poisoned => todo.push(Todo::Renew),
                Kind::Nothing => {}
            }
        }
        // They can be made anew at any time, when there is room.
        let _ = self.index_all();
        done.findings = found.damage;
        Ok(todo)
    }

    fn put_away_range(&self, path: &Path, place: Place, (start, end): (u64, u64)) -> Result<PathBuf> {
        let base = match place {
            Place::Sealed(segment) => segment.base,
            Place::Active => self.store.parts()?.base,
        };
        let fail = |error| Error::system("put damaged bytes away from", path, error);
        let file = self.store.disk.open(path, Access::ReadWrite).map_err(fail)?;
        let stretch = Stretch { at: start - base, len: end - start, offset: start };
        let kept = quarantine::put_away(&self.store.disk, &self.store.paths, &file, stretch).map_err(fail)?;
        uninterrupted(|| self.store.disk.sync_data(&file)).map_err(fail)?;
        if let Place::Sealed(segment) = place {
            let _ = self.store.disk.unlink(&index::path_of(&self.store.paths.segment(segment)));
        }
        Ok(kept)
    }

    fn keep(&self, path: &Path, base: u64, (start, end): (u64, u64)) -> Result<PathBuf> {
        let fail = |error| Error::system("keep a copy of", path, error);
        let file = self.store.disk.open(path, Access::ReadOnly).map_err(fail)?;
        let stretch = Stretch { at: start - base, len: end - start, offset: start };
        quarantine::keep_copy(&self.store.disk, &self.store.paths, &file, stretch).map_err(fail)
    }

    pub(crate) fn make_index(&self, segment: Segment) -> Result<()> {
        let path = self.store.paths.segment(segment);
        let fail = |error| Error::system("index", &path, error);
        let file = self.store.disk.open(&path, Access::ReadOnly).map_err(fail)?;
        let index = Index::of(&self.store.disk, &file, segment).map_err(fail)?;
        index.save(&self.store.disk, &index::path_of(&path)).map_err(fail)
    }

    /// Makes the indexes that are missing.
    fn index_all(&self) -> Result<()> {
        let parts = self.store.parts()?;
        for segment in parts.segments.iter().filter(|segment| segment.end <= parts.base) {
            if Index::load(&self.store.disk, &index::path_of(&self.store.paths.segment(*segment)), *segment).is_none() {
                self.make_index(*segment)?;
            }
        }
        Ok(())
    }

    /// A segment whose end is missing gets the name of what is there; the rest is noted as lost.
    fn shorten(&mut self, segment: Segment, there: u64, done: &mut Repaired) -> Result<()> {
        let path = self.store.paths.segment(segment);
        let fail = |error| Error::system("shorten", &path, error);
        let file = self.store.disk.open(&path, Access::ReadWrite).map_err(fail)?;
        let whole = whole_lines(&self.store.disk, &file, there).map_err(fail)?;
        if whole < there {
            let torn = Stretch { at: whole, len: there - whole, offset: segment.base + whole };
            let (disk, paths) = (&self.store.disk, &self.store.paths);
            done.kept.push(quarantine::put_away(disk, paths, &file, torn).map_err(fail)?);
            uninterrupted(|| disk.sync_data(&file)).map_err(fail)?;
        }
        note_gap(&self.store, &mut self.manifest, (segment.base + there, segment.end), done)?;
        let (disk, folder) = (&self.store.disk, &self.store.paths.segments);
        // The index of the longer name is of no use.
        let _ = disk.unlink(&index::path_of(&path));
        if there == 0 {
            disk.unlink(&path).map_err(fail)?;
        } else {
            let shorter = Segment { base: segment.base, end: segment.base + there };
            disk.rename_new(&path, &self.store.paths.segment(shorter)).map_err(fail)?;
            self.make_index(shorter)?;
        }
        uninterrupted(|| disk.sync_folder(folder)).map_err(fail)
    }

    /// Whether these lines are the first of the active segment.
    pub(crate) fn begins_with(&self, file: &D::File, lines: &[u8]) -> Result<bool> {
        let mut bytes = vec![0; lines.len()];
        let read = read_full_at(&self.store.disk, file, &mut bytes, 0);
        let read = read.map_err(|error| Error::system(STEP, &self.store.paths.active, error))?;
        Ok(bytes[..read] == *lines)
    }

    /// Cuts off what stands behind the end of a sealed segment, and was appended again.
    pub(crate) fn cut_late(&self, segment: Segment) -> Result<()> {
        let path = self.store.paths.segment(segment);
        let fail = |error| Error::system(STEP, &path, error);
        let file = self.store.disk.open(&path, Access::ReadWrite).map_err(fail)?;
        let len = segment.end - segment.base;
        let there = self.store.disk.stat_file(&file).map_err(fail)?.len;
        if there > len {
            let late = Stretch { at: len, len: there - len, offset: segment.end };
            quarantine::keep_copy(&self.store.disk, &self.store.paths, &file, late).map_err(fail)?;
        }
        self.store.disk.set_len(&file, len).map_err(fail)?;
        uninterrupted(|| self.store.disk.sync(&file)).map_err(fail)
    }

    /// Copies the active segment into a new file, which is synced: what the disk lost of the old one is written anew. Says
    /// where it lies, under a temporary name.
    pub(crate) fn copy_for_renewal(&self, file: &D::File) -> Result<PathBuf> {
        let path = &self.store.paths.active;
        let fail = |error| Error::system("write anew", path, error);
        let disk = &self.store.disk;
        let stat = disk.stat_file(file).map_err(fail)?;
        let like = crate::sys::disk::metadata(disk, path, &stat).map_err(fail)?;
        let dress = Dress { like: Some(like), mode: None };
        let mut staged = Staged::create(disk, &self.store.paths.folder, &dress).map_err(fail)?;
        let (mut buffer, mut at) = (vec![0; 256 << 10], 0);
        loop {
            let read = read_full_at(disk, file, &mut buffer, at).map_err(fail)?;
            staged.write_all_at(&buffer[..read], at).map_err(fail)?;
            at += read as u64;
            if read < buffer.len() {
                break;
            }
        }
        staged.finish(&dress, Durability::Full).map_err(fail)?;
        let copy = staged.path().map_err(fail)?.to_path_buf();
        staged.settled();
        Ok(copy)
    }
}

/// What is left for a writer to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Todo {
    Seal,
    Renew,
    Carry(Segment),
}

/// How many bytes of a file are lines with a newline.
fn whole_lines<D: Disk>(disk: &D, file: &D::File, len: u64) -> std::io::Result<u64> {
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(64 << 10);
        let mut bytes = vec![0; usize::try_from(end - start).map_err(std::io::Error::other)?];
        let read = read_full_at(disk, file, &mut bytes, start)?;
        if let Some(newline) = memchr::memrchr(b'\n', &bytes[..read]) {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
