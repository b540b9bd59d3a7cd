//! Handing a lock to a child, which cannot be done.

use std::fs::File;
use std::io;
use std::process::Command;

/// Does nothing: here a lock belongs to the process that took it, also if a child inherits the handle. The child runs
/// under the lock for as long as this process holds it.
#[expect(clippy::unnecessary_wraps, reason = "it can fail on Unix")]
pub(crate) fn inherit(_command: &mut Command, _file: &File) -> io::Result<()> {
    Ok(())
}
