//! What a replacement can be told.

use std::ffi::OsString;
use std::path::Path;

use crate::atomic::commit::Rule;
use crate::atomic::durability::Durability;
use crate::atomic::file::{AtomicFile, Plan, STEP};
use crate::atomic::stage::Dress;
use crate::atomic::swap::Expected;
use crate::atomic::target::{Target, refused};
use crate::atomic::version::Version;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::disk::{Disk, RealDisk, metadata};
use crate::sys::{self, Access};

/// How a file is replaced, for callers who need more than [`replace`](crate::atomic::replace).
///
/// ```
/// use stead::atomic::{Durability, Options, Version};
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("state.json");
/// Options::new().no_clobber(true).replace(&path, b"{}")?;
/// let seen = Version::of(b"{}");
/// Options::new().if_match(seen).backup("~").durability(Durability::Data).replace(&path, b"[]")?;
/// assert!(Options::new().if_match(seen).replace(&path, b"{}").unwrap_err().is_mismatch());
/// assert_eq!(std::fs::read(folder.path().join("state.json~"))?, b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Options {
    durability: Durability,
    mode: Option<u32>,
    backup: Option<OsString>,
    no_clobber: bool,
    if_match: Option<Version>,
}

/// What a replacement did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replaced {
    /// There was nothing before.
    pub created: bool,
    /// What of the old file's metadata could not be kept, in words: `owner ann`. Empty for who may set all of it.
    pub not_kept: Vec<String>,
}

impl Options {
    /// The defaults: [`Durability::Full`], the mode, owner and attributes of the old file kept, no conditions.
    pub fn new() -> Options {
        Options::default()
    }

    /// What the write is to outlive.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Options {
        self.durability = durability;
        self
    }

    /// The permission bits of the new file, whatever the old one's and the umask. On Windows only whether it may be
    /// written.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Options {
        self.mode = Some(mode);
        self
    }

    /// Keeps the old content under the file's name with this suffix, such as `~`, in place of an older backup. There
    /// is a whole backup at every instant. None is made where there was no file.
    #[must_use]
    pub fn backup(mut self, suffix: impl Into<OsString>) -> Options {
        self.backup = Some(suffix.into());
        self
    }

    /// Replaces nothing: what is there stays, and the error is [`Exists`](ErrorKind::Exists).
    #[must_use]
    pub fn no_clobber(mut self, no_clobber: bool) -> Options {
        self.no_clobber = no_clobber;
        self
    }

    /// Replaces this content only; the error is otherwise [`Mismatch`](ErrorKind::Mismatch). Where the system can
    /// exchange two files in one step (Linux, most filesystems), that holds also against writers that take no lock but
    /// replace the file by renaming; elsewhere such a one can come between the last look and the rename. One that
    /// writes into the file through an open descriptor cannot be seen.
    #[must_use]
    pub fn if_match(mut self, version: Version) -> Options {
        self.if_match = Some(version);
        self
    }

    /// Replaces the content of the file at `path`, see [`replace`](crate::atomic::replace).
    ///
    /// # Errors
    /// As there, and those of the conditions.
    pub fn replace(&self, path: impl AsRef<Path>, content: &[u8]) -> Result<Replaced> {
        let mut file = AtomicFile::new(self.plan(path.as_ref(), Some(content))?)?;
        std::io::Write::write_all(&mut file, content).map_err(|error| file.refused(error))?;
        file.commit().map_err(|failed| failed.error)
    }

    /// A new content for the file at `path`, to be written piece by piece; nobody sees it before it is
    /// [committed](AtomicFile::commit).
    ///
    /// # Errors
    /// As [`replace`](Options::replace).
    pub fn create(&self, path: impl AsRef<Path>) -> Result<AtomicFile> {
        AtomicFile::new(self.plan(path.as_ref(), None)?)
    }

    fn plan(&self, shown: &Path, content: Option<&[u8]>) -> Result<Plan> {
        let target = Target::find(shown, STEP)?;
        let fail = |error| refused(STEP, shown, &target.path, error);
        let rule = match (self.no_clobber, self.if_match) {
            (true, Some(_)) => {
                return Err(Error::new(ErrorKind::InvalidInput, STEP, shown)
                    .with_hint("no_clobber and if_match together can never hold"));
            }
            (true, None) if target.stat.is_some() => {
                return Err(Error::new(ErrorKind::Exists, STEP, shown).with_hint("it stays as it is"));
            }
            (true, None) => Rule::NoClobber,
            (false, None) => Rule::Replace,
            (false, Some(version)) => Rule::IfMatch(expected(shown, &target, version)?),
        };
        let like = target.stat.map(|stat| metadata(&RealDisk, &target.path, &stat)).transpose().map_err(fail)?;
        if let Some(suffix) = &self.backup
            && (suffix.is_empty()
                || suffix.as_encoded_bytes().iter().any(|byte| std::path::is_separator((*byte).into())))
        {
            return Err(Error::new(ErrorKind::InvalidInput, STEP, shown).with_hint("a backup suffix is part of a name"));
        }
        Ok(Plan {
            shown: shown.to_path_buf(),
            target,
            rule,
            dress: Dress { like, mode: self.mode },
            backup: self.backup.clone(),
            durability: self.durability,
            new: content.map(Version::of).filter(|_| self.if_match.is_some()),
        })
    }
}

/// What is there, if it has this version.
fn expected(shown: &Path, target: &Target, version: Version) -> Result<Expected<std::fs::File>> {
    let fail = |error| Error::system(STEP, shown, error);
    let mismatch = |hint: String| Error::new(ErrorKind::Mismatch, STEP, shown).with_hint(hint);
    if target.stat.is_none() {
        return Err(mismatch("there is no such file".to_owned()));
    }
    let pin = RealDisk.open(&target.path, Access::ReadOnly).map_err(fail)?;
    let found = Version::of_file(&RealDisk, &pin).map_err(fail)?;
    if found != version {
        return Err(mismatch(format!("its version is {found}; read it again")));
    }
    let stat = RealDisk.stat_file(&pin).map_err(fail)?;
    Ok(Expected { version, id: stat.id, len: stat.len, _pin: sys::REPLACES_OPEN_FILES.then_some(pin) })
}
