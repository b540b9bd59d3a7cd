//! Where the tests work: a private folder below the one that is examined, gone afterwards whatever happens.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use stead::filesystem::Filesystem;
use tempfile::TempDir;

use super::helper::{self, Role};
use super::interrupt::Interrupt;
use super::trouble::Trouble;

/// How the private folder's name begins. Only such a folder is ever removed by the keeper.
const PREFIX: &str = ".stead-doctor-";
/// How often the keeper tries to empty the folder, while others who lost the doctor are still on their way out.
const REMOVALS_MAX: u32 = 50;

/// What a test has to work with.
pub(super) struct Bench<'a> {
    /// A folder of this test's own.
    pub(super) folder: PathBuf,
    /// This program, to be started again as a helper.
    pub(super) program: &'a Path,
    pub(super) filesystem: &'a Filesystem,
    pub(super) interrupt: &'a Interrupt,
}

/// The private folder. A process keeps watch over it, so that it goes even when the doctor is killed.
pub(super) struct PrivateFolder {
    // Declared in this order: the folder goes first, then its keeper.
    folder: TempDir,
    _keeper: Keeper,
}

struct Keeper {
    child: Child,
    _lifeline: Option<ChildStdin>,
}

impl PrivateFolder {
    /// Makes one in `folder`.
    pub(super) fn create(folder: &Path, program: &Path) -> io::Result<PrivateFolder> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(std::path::absolute(folder)?)?;
        let mut command = helper::command(program, &Role::Keeper { folder: folder.path().to_path_buf() });
        helper::set_apart(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let keeper = Keeper { _lifeline: child.stdin.take(), child };
        Ok(PrivateFolder { folder, _keeper: keeper })
    }

    /// A new folder in it.
    pub(super) fn room(&self, name: &str) -> Result<PathBuf, Trouble> {
        let path = self.folder.path().join(name);
        std::fs::create_dir(&path).map_err(Trouble::at("create", &path))?;
        Ok(path)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Nothing is left to keep; a failure means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The keeper's work: waits for the doctor's end, then removes the folder. The doctor ends its keeper when there is
/// nothing left to remove, so this is reached only when the doctor was killed.
pub(super) fn keep(folder: &Path) {
    // The end of the pipe is all there is to read.
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    if !is_private(folder) {
        return;
    }
    for _ in 0..REMOVALS_MAX {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::sleep(Duration::from_millis(20)),
            _ => return,
        }
    }
}

fn is_private(folder: &Path) -> bool {
    folder.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keeper_removes_private_folders_only() {
        assert!(is_private(Path::new("/tmp/.stead-doctor-x7")));
        assert!(!is_private(Path::new("/home/ann")));
        assert!(!is_private(Path::new("/")));
        assert!(!is_private(Path::new("/tmp/.stead-doctor-x7/..")));
    }
}
