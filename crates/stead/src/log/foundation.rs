//! The folders and files that make a folder a log.

use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::Path;

use crate::atomic::{Commit, Dress, Durability, Rule, Staged};
use crate::error::{Error, ErrorKind, Result};
use crate::filesystem::folder_of;
use crate::log::active::create_active;
use crate::log::archive;
use crate::log::cursor::LogId;
use crate::log::layout::{self, Segment};
use crate::log::manifest::{self, Manifest};
use crate::log::page::{self, Page};
use crate::log::rotation::Limits;
use crate::log::store::Store;
use crate::sys::FileKind;
use crate::sys::disk::{Disk, uninterrupted};

/// Makes the folder, and those above it, durably; then the log in it, but for its active segment.
pub(crate) fn lay<D: Disk + Clone>(store: &Store<D>, limits: Limits) -> Result<Manifest> {
    let paths = &store.paths;
    create_folders(&store.disk, &paths.folder)?;
    if let Some(manifest) = manifest::read(&store.disk, &paths.manifest)? {
        return Ok(manifest);
    }
    let manifest = Manifest::new(LogId(by_lot()), limits);
    match write_manifest(store, &manifest, Rule::NoClobber) {
        Ok(()) => Ok(manifest),
        // Somebody was quicker.
        Err(error) if error.is_exists() => manifest::read(&store.disk, &paths.manifest)?
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "read", &paths.manifest)),
        Err(error) => Err(error),
    }
}

/// Creates the active segment where there is none. To be called under the lock on `log.json`: where files cannot have two
/// names it may be missing for an instant of a rotation.
pub(crate) fn lay_active<D: Disk + Clone>(store: &Store<D>, manifest: &Manifest) -> Result<()> {
    let paths = &store.paths;
    match store.disk.stat(&paths.active) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::system("look at", &paths.active, error)),
    }
    let segments = layout::segments(&store.disk, paths);
    let segments = segments.map_err(|error| Error::system("look at", &paths.segments, error))?;
    let end = layout::end_of(&segments, 0, Some(manifest));
    // The page names the file that was there; if that is the newest segment, a rotation was cut short.
    let page = page::read(&store.disk, &paths.page, manifest.id);
    let newest = segments.last().and_then(|newest| store.disk.stat(&paths.segment(*newest)).ok()).map(|stat| stat.id);
    let is_lost = |page: &Page| page.synced > end || (page.settled && Some(page.file) != newest);
    if let Some(page) = page.filter(is_lost) {
        let what = format!(
            "it is missing: what was behind offset {end} is lost, up to {} it was durable",
            page.synced.max(end)
        );
        return Err(Error::found(ErrorKind::Damaged, "open", &paths.active, what)
            .with_hint("restore the file, or let `stead log repair` note what is lost"));
    }
    create_active(store)
}

/// Writes `log.json`, durably.
pub(crate) fn write_manifest<D: Disk + Clone>(
    store: &Store<D>,
    manifest: &Manifest,
    rule: Rule<D::File>,
) -> Result<()> {
    let (disk, paths) = (&store.disk, &store.paths);
    let fail = |error| crate::atomic::refused("write", &paths.manifest, &paths.manifest, error);
    let dress = Dress::default();
    let mut staged = Staged::create(disk, &paths.folder, &dress).map_err(fail)?;
    staged.write_all_at(&manifest.encode(), 0).map_err(fail)?;
    let commit = Commit {
        step: "write",
        shown: &paths.manifest,
        target: &paths.manifest,
        rule,
        new: None,
        dress,
        backup: None,
        durability: Durability::Full,
    };
    commit.run(&mut staged).map(|_| ())
}

/// Unpacks the history of a directory that eventfold wrote into the first sealed segment. The archive stays where it is.
/// To be called under the lock on the active segment.
pub(crate) fn adopt_archive<D: Disk + Clone>(store: &Store<D>, len: u64) -> Result<Segment> {
    let (disk, paths) = (&store.disk, &store.paths);
    let fail = |error| Error::system("unpack", &paths.archive, error);
    disk.create_folder(&paths.segments).map_err(fail)?;
    uninterrupted(|| disk.sync_folder(&paths.folder)).map_err(fail)?;
    let mut staged = Staged::create(disk, &paths.segments, &Dress::default()).map_err(fail)?;
    let mut at = 0;
    archive::copy(disk, &paths.archive, |lines| {
        staged.write_all_at(lines, at).map_err(fail)?;
        at += lines.len() as u64;
        Ok(())
    })?;
    let segment = Segment { base: 0, end: len };
    if at != len {
        return Err(Error::new(ErrorKind::Mismatch, "unpack", &paths.archive)
            .with_hint("it grew while it was unpacked: does a program still write to it through eventfold?"));
    }
    staged.finish(&Dress::default(), Durability::Full).map_err(fail)?;
    disk.rename(staged.path().map_err(fail)?, &paths.segment(segment)).map_err(fail)?;
    staged.settled();
    uninterrupted(|| disk.sync_folder(&paths.segments)).map_err(fail)?;
    Ok(segment)
}

fn create_folders<D: Disk>(disk: &D, folder: &Path) -> Result<()> {
    let fail = |error| crate::atomic::refused("create the folder", folder, folder, error);
    match disk.stat(folder) {
        Ok(stat) if stat.kind == FileKind::Folder => return Ok(()),
        // A link to a folder is as good.
        Ok(stat) if stat.kind == FileKind::Link && disk.list(folder).is_ok() => return Ok(()),
        Ok(_) => {
            return Err(Error::new(ErrorKind::NotRegularFile, "open the log", folder)
                .with_hint("it is not a folder: a log is a folder of its own"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(fail(error)),
    }
    let above = folder_of(folder);
    if above != folder {
        create_folders(disk, above)?;
    }
    disk.create_folder(folder).map_err(fail)?;
    uninterrupted(|| disk.sync_folder(above)).map_err(fail)
}

/// A number that nobody has drawn before.
fn by_lot() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
