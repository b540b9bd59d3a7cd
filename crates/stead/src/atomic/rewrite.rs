//! A file that is read whole, and replaced only if it is still what was read.

use std::io;
use std::path::Path;

use crate::atomic::commit::{Commit, Rule};
use crate::atomic::durability::Durability;
use crate::atomic::stage::{Dress, Staged};
use crate::atomic::swap::Expected;
use crate::atomic::target::refused;
use crate::atomic::version::Version;
use crate::error::{Error, Result};
use crate::filesystem::folder_of;
use crate::sys::disk::{Disk, metadata, read_full_at, uninterrupted};
use crate::sys::{self, Access, Stat};

/// A file and all that is in it.
#[derive(Debug)]
pub(crate) struct Found<F> {
    /// Open, so that no other file gets its inode; `None` where an open file could not be replaced.
    #[cfg_attr(not(feature = "document"), expect(dead_code, reason = "only documents lock it"))]
    pub(crate) file: Option<F>,
    pub(crate) stat: Stat,
    pub(crate) content: Vec<u8>,
}

/// What was read.
#[derive(Debug)]
pub(crate) enum Whole<F> {
    Missing,
    Found(Found<F>),
    /// It has more bytes than it may have.
    TooLarge,
}

/// All of the file at `path`, as it is at one instant, unless somebody writes into it in place.
pub(crate) fn read_whole<D: Disk>(disk: &D, path: &Path, bytes_max: u64) -> io::Result<Whole<D::File>> {
    let file = match disk.open(path, Access::ReadOnly) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Whole::Missing),
        Err(error) => return Err(error),
    };
    let stat = disk.stat_file(&file)?;
    let content = read_content(disk, &file, stat.len, bytes_max)?;
    let file = sys::REPLACES_OPEN_FILES.then_some(file);
    Ok(content.map_or(Whole::TooLarge, |content| Whole::Found(Found { file, stat, content })))
}

/// The whole content of a file that was seen to be `len` bytes long, if it is at most `bytes_max`; `None`: it is
/// longer.
fn read_content<D: Disk>(disk: &D, file: &D::File, len: u64, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    if len > bytes_max {
        return Ok(None);
    }
    // It may grow while it is read; one byte more than it has tells.
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX).saturating_add(1)];
    let mut filled = uninterrupted(|| disk.read_at(file, &mut bytes, 0))?;
    if filled as u64 == len {
        bytes.truncate(filled);
        return Ok(Some(bytes));
    }
    filled += read_full_at(disk, file, &mut bytes[filled..], filled as u64)?;
    while filled == bytes.len() {
        if filled as u64 > bytes_max {
            return Ok(None);
        }
        bytes.resize(filled * 2, 0);
        filled += read_full_at(disk, file, &mut bytes[filled..], filled as u64)?;
    }
    bytes.truncate(filled);
    Ok((filled as u64 <= bytes_max).then_some(bytes))
}

/// How a file is rewritten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rewrite<'a> {
    /// What is done, as words that go after "failed to".
    pub(crate) step: &'static str,
    /// The path as the caller wrote it, for messages.
    pub(crate) shown: &'a Path,
    /// The path to rename over, no link itself.
    pub(crate) target: &'a Path,
    pub(crate) durability: Durability,
    /// The permission bits of a file that is created.
    pub(crate) mode: Option<u32>,
}

/// A new content beside its target.
#[derive(Debug)]
pub(crate) struct Ready<'a, D: Disk> {
    commit: Commit<'a, D::File>,
    staged: Staged<D>,
}

impl<'a> Rewrite<'a> {
    /// Writes `content` down beside the target, of which `found` was read.
    pub(crate) fn stage<D: Disk + Clone>(
        &self,
        disk: &D,
        found: Option<&Found<D::File>>,
        content: &[u8],
    ) -> Result<Ready<'a, D>> {
        let Rewrite { step, shown, target, durability, mode } = *self;
        let fail = |error| refused(step, shown, target, error);
        let (rule, dress) = match found {
            None => (Rule::NoClobber, Dress { like: None, mode }),
            Some(Found { stat, content: before, .. }) => {
                let version = Version::of(before);
                let expected = Expected { version, id: stat.id, len: before.len() as u64, _pin: None };
                let like = metadata(disk, target, stat).map_err(fail)?;
                (Rule::IfMatch(expected), Dress { like: Some(like), mode: None })
            }
        };
        let staged = Staged::create(disk, folder_of(target), &dress).map_err(fail)?;
        staged.write_all_at(content, 0).map_err(fail)?;
        let new = Some(Version::of(content));
        Ok(Ready { commit: Commit { step, shown, target, rule, new, dress, backup: None, durability }, staged })
    }
}

impl<D: Disk + Clone> Ready<'_, D> {
    /// Puts it in place, and says in words what could not be kept of the metadata. `None`: the target is not what was
    /// read any more.
    pub(crate) fn put(mut self) -> Result<Option<Vec<String>>, Error> {
        match self.commit.run(&mut self.staged) {
            Ok(lost) => Ok(Some(lost)),
            Err(error) if error.is_mismatch() || error.is_exists() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
