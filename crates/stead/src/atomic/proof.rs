//! The steps below the public calls over any [`Disk`], for the proofs on a simulated one. Not part of the interface.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::append::{Append, Ledger, Tail};
use crate::atomic::commit::{Commit, Rule};
use crate::atomic::durability::Durability;
use crate::atomic::stage::{Dress, Staged};
use crate::atomic::swap::Expected;
use crate::atomic::sweep::{Swept, sweep_on};
use crate::atomic::version::Version;
use crate::error::{Error, Result};
use crate::sys::Access;
use crate::sys::disk::{Disk, metadata};

/// As `Options`.
#[derive(Debug, Clone, Default)]
pub struct Replace {
    pub durability: Durability,
    pub mode: Option<u32>,
    pub backup: Option<OsString>,
    pub no_clobber: bool,
    pub if_match: Option<Version>,
}

impl Replace {
    /// As `Options::replace`.
    pub fn run<D: Disk + Clone>(&self, disk: &D, target: &Path, content: &[u8]) -> Result<()> {
        self.run_between(disk, target, content, || {})
    }

    /// The same, with something that happens between the look at the target and the commit.
    pub fn run_between<D: Disk + Clone>(
        &self,
        disk: &D,
        target: &Path,
        content: &[u8],
        meanwhile: impl FnOnce(),
    ) -> Result<()> {
        let fail = |error| Error::system("replace", target, error);
        let like = match disk.stat(target).and_then(|stat| metadata(disk, target, &stat)) {
            Ok(like) => Some(like),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(fail(error)),
        };
        let rule = match self.if_match {
            Some(version) => {
                let pin = disk.open(target, Access::ReadOnly).map_err(fail)?;
                let stat = disk.stat_file(&pin).map_err(fail)?;
                assert_eq!(Version::of_file(disk, &pin).map_err(fail)?, version, "the scenario expects what is there");
                Rule::IfMatch(Expected { version, id: stat.id, len: stat.len, _pin: Some(pin) })
            }
            None if self.no_clobber => Rule::NoClobber,
            None => Rule::Replace,
        };
        let dress = Dress { like, mode: self.mode };
        let folder = target.parent().unwrap_or(Path::new("/"));
        let mut staged = Staged::create(disk, folder, &dress).map_err(fail)?;
        staged.write_all_at(content, 0).map_err(fail)?;
        meanwhile();
        let (backup, durability) = (self.backup.clone(), self.durability);
        Commit { step: "replace", shown: target, target, rule, new: None, dress, backup, durability }
            .run(&mut staged)
            .map(|_| ())
    }
}

/// As `Appender::append`, with the intent in the file at `ledger`, which is there.
pub fn append<D: Disk + Clone>(
    disk: &D,
    ledger: &Path,
    target: &Path,
    lines: &[u8],
    durability: Durability,
    json_lines: bool,
) -> io::Result<Vec<PathBuf>> {
    let file = disk.open(ledger, Access::ReadWrite)?;
    let tail = if json_lines { Tail::Json } else { Tail::Line };
    let ledger = Some(Ledger { file: &file, path: ledger });
    Ok(Append { disk, ledger, target, durability, tail }.run(lines)?.kept)
}

/// As `sweep`.
pub fn sweep<D: Disk>(disk: &D, folder: &Path) -> io::Result<Swept> {
    sweep_on(disk, folder)
}
