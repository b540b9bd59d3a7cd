//! Files that change all at once or not at all.
//!
//! | you want to | use |
//! |---|---|
//! | give a file a new content | [`replace`], or [`Options`] for conditions, backups and durability |
//! | write that content piece by piece | [`AtomicFile`] |
//! | add lines to a file that others add to as well | [`append_lines`], [`Appender`] |
//! | change a state file that others change as well | `Document` |
//!
//! # What is not protected
//! A writer that changes a file in place, through a descriptor that it opened before, changes the old content after
//! the new one is there: nobody will see what it wrote. `replace` itself takes no lock: of two that replace one file at
//! the same time the later wins.

mod append;
mod appender;
mod commit;
mod durability;
mod file;
mod intent;
mod keep;
mod names;
mod options;
#[doc(hidden)]
pub mod proof;
#[cfg(any(feature = "document", feature = "edit"))]
mod rewrite;
mod stage;
mod swap;
mod sweep;
mod target;
mod version;

use std::path::Path;

use crate::error::Result;

#[cfg(feature = "document")]
pub(crate) use self::keep::bytes as keep_bytes;
#[cfg(feature = "log")]
pub(crate) use self::keep::bytes_at as keep_bytes_at;
#[cfg(any(feature = "log", feature = "edit"))]
pub(crate) use self::stage::{Dress, Staged};
#[cfg(feature = "log")]
pub(crate) use self::{
    commit::{Commit, Rule},
    target::refused,
};
#[cfg(feature = "edit")]
pub(crate) use self::{intent::hexadecimal, names::Temporary};
#[cfg(any(feature = "document", feature = "edit"))]
pub(crate) use self::{
    rewrite::{Found, Rewrite, Whole, read_whole},
    target::Target,
};
pub use appender::{Appended, Appender, append_lines};
pub use durability::Durability;
pub use file::{AtomicFile, CommitError};
pub use options::{Options, Replaced};
pub use sweep::{Swept, sweep};
pub use version::{InvalidVersion, Version};

/// Replaces the content of the file at `path`, all at once and durably; it is created when missing.
///
/// When this returns, the new content outlives a power cut. Whoever reads meanwhile sees the old content or the new
/// one, whole. If it fails, the old one is in place, unless the error says
/// [`NotDurable`](crate::ErrorKind::NotDurable). Symbolic links are followed; permission bits, owner, access control
/// lists and extended attributes are kept as far as this user may set them.
///
/// The new content is written to a temporary file in the same folder (`.stead-*.tmp`), synced, renamed over the old one,
/// and the folder synced. No lock is taken.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("state.json");
/// stead::atomic::replace(&path, b"{\"n\":1}\n")?;
/// assert_eq!(std::fs::read(&path)?, b"{\"n\":1}\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`NotRegularFile`](crate::ErrorKind::NotRegularFile) for a folder, FIFO or device;
/// [`Permission`](crate::ErrorKind::Permission) for a file or folder that is read-only;
/// [`Unsupported`](crate::ErrorKind::Unsupported) for one that cannot be renamed over, such as a bind-mounted file;
/// [`Io`](crate::ErrorKind::Io) for a full disk or a failed sync.
pub fn replace(path: impl AsRef<Path>, content: &[u8]) -> Result<Replaced> {
    Options::new().replace(path, content)
}
