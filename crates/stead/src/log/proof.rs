//! The steps below the public calls over any [`Disk`], for the proofs on a simulated one. Not part of the interface.

use std::path::Path;

use crate::error::Result;
use crate::log::active::ActiveSegment;
use crate::log::feed::Feed;
use crate::log::foundation;
use crate::log::framing;
use crate::log::layout::{Paths, Segment};
use crate::log::options::LINE_MAX;
use crate::log::page::Boot;
use crate::log::ready::Ready;
use crate::log::repair::Repaired;
use crate::log::rotation::Limits;
use crate::log::store::Store;
use crate::log::verify::Look;
use crate::sys::Access;
use crate::sys::disk::Disk;

/// As an exclusive `EventWriter`.
pub struct Writer<D: Disk> {
    active: ActiveSegment<D>,
    file: D::File,
    durable: bool,
}

fn store<D: Disk>(disk: D, folder: &str, boot: &str) -> Store<D> {
    Store::new(disk, Paths::new(Path::new(folder)), Boot::named(Some(boot)))
}

impl<D: Disk + Clone> Writer<D> {
    /// Opens or creates a log, in a system that was started under this name.
    pub fn open(disk: &D, folder: &str, boot: &str, durable: bool) -> Result<Writer<D>> {
        let mut writer = Writer::unready(disk, folder, boot, durable)?;
        writer.make_ready()?;
        Ok(writer)
    }

    fn unready(disk: &D, folder: &str, boot: &str, durable: bool) -> Result<Writer<D>> {
        let store = store(disk.clone(), folder, boot);
        let manifest = foundation::lay(&store, Limits::default())?;
        foundation::lay_active(&store, &manifest)?;
        let file = open(disk, &store.paths.active)?;
        Ok(Writer { active: ActiveSegment::new(store, manifest, true), file, durable })
    }

    fn make_ready(&mut self) -> Result<()> {
        while let Ready::Sealed(segment) = self.active.make_ready(&self.file)? {
            self.roll(Some(segment))?;
        }
        Ok(())
    }

    /// As `append_lines`.
    pub fn append(&mut self, lines: &[&str]) -> Result<u64> {
        let mut framed = Vec::new();
        framing::join(lines.iter().map(|line| line.as_bytes()), &mut framed, |_| {});
        self.make_ready()?;
        let appended = self.active.append(&self.file, &framed)?;
        if self.durable {
            self.sync()?;
        }
        Ok(appended.end)
    }

    /// As `sync`.
    pub fn sync(&mut self) -> Result<()> {
        self.active.sync(&self.file)?;
        self.active.record();
        Ok(())
    }

    /// As `rotate_now`.
    pub fn rotate(&mut self) -> Result<()> {
        self.make_ready()?;
        self.roll(None)
    }

    fn roll(&mut self, sealed: Option<Segment>) -> Result<()> {
        let path = self.active.create_next(&self.file)?;
        let disk = self.active.store.disk.clone();
        let next = open(&disk, &path)?;
        let rotated = self.active.rotate(&self.file, &next, &path, sealed)?;
        self.file = next;
        rotated.durable?;
        // As there: made anew by a repair if it cannot be made here.
        let _ = self.active.make_index(rotated.segment);
        Ok(())
    }

    /// As `repair`, but for what a writer has to do after it.
    pub fn repair(disk: &D, folder: &str, boot: &str) -> Result<()> {
        let mut writer = Writer::unready(disk, folder, boot, true)?;
        writer.active.for_repair();
        writer.make_ready()?;
        writer.active.repair_files(&mut |_| {}, &mut Repaired::default()).map(|_| ())
    }
}

fn open<D: Disk>(disk: &D, path: &Path) -> Result<D::File> {
    let fail = |error| crate::Error::system("open", path, error);
    let file = disk.open(path, Access::Append).map_err(fail)?;
    disk.try_lock(&file).map_err(fail)?;
    Ok(file)
}

/// All lines that a reader gets, until it would wait.
pub fn read<D: Disk + Clone>(disk: &D, folder: &str, boot: &str) -> Result<Vec<String>> {
    let mut feed = Feed::new(store(disk.clone(), folder, boot), 0, LINE_MAX);
    let mut lines = Vec::new();
    while let Some(span) = feed.next()? {
        let line = feed.line(span).trim_ascii();
        assert_eq!(framing::objection(line), None, "what is read is JSON");
        lines.push(String::from_utf8_lossy(line).replace('\t', ""));
    }
    Ok(lines)
}

/// What `verify` calls damage.
pub fn verify<D: Disk + Clone>(disk: &D, folder: &str, boot: &str) -> Result<Vec<String>> {
    let store = store(disk.clone(), folder, boot);
    let look = Look::at(&store, &mut |_| {})?.found;
    Ok(look.damage.into_iter().map(|found| format!("{}..{}: {}", found.start, found.end, found.what)).collect())
}
