//! Which filesystem a path lies on, and how far its locks can be trusted.

mod links;

use std::fmt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::sys::{self, Access, Links};

pub use crate::sys::VolumeKind;
pub(crate) use crate::sys::folder_of;
pub(crate) use links::{follow, is_spelled_as_folder};

/// A filesystem.
///
/// ```
/// let filesystem = stead::filesystem::Filesystem::of(".")?;
/// println!("{filesystem}"); // ext4 (local)
/// # Ok::<(), stead::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filesystem {
    name: String,
    kind: VolumeKind,
}

impl Filesystem {
    /// The filesystem that `path` lies on.
    ///
    /// # Errors
    /// Where the path cannot be opened for reading.
    pub fn of(path: impl AsRef<Path>) -> Result<Filesystem> {
        let path = path.as_ref();
        let fail = |error| Error::system("recognise the filesystem of", path, error);
        let file = sys::open(path, Access::ReadOnly, Links::Follow).map_err(fail)?;
        let volume = sys::volume_of(&file).map_err(fail)?;
        Ok(Filesystem { name: volume.name, kind: volume.kind })
    }

    /// Its name as the system says it: `ext4`, `nfs4`, `fuse.sshfs`; `unknown` where it does not.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How far its locks can be trusted.
    pub fn kind(&self) -> VolumeKind {
        self.kind
    }
}

impl fmt::Display for Filesystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.kind)
    }
}
