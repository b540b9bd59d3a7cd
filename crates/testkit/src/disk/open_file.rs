//! An open file of a simulated disk.

use std::path::PathBuf;
use std::sync::Arc;

use stead::disk::Access;

use super::SimDisk;

/// An open file, usable after its name is gone. Dropping it gives back its lock.
///
/// Stricter than a real one: `write_at` is refused on one that was opened for appending, `append` on any other.
#[derive(Debug)]
pub struct SimFile {
    pub(super) disk: SimDisk,
    pub(super) inode: u64,
    pub(super) handle: u64,
    pub(super) access: Access,
    /// As it was opened.
    pub(super) path: PathBuf,
}

impl SimFile {
    pub(super) fn is_on(&self, disk: &SimDisk) -> bool {
        Arc::ptr_eq(&self.disk.0, &disk.0)
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.locks.get(&self.inode) == Some(&self.handle) {
            state.locks.remove(&self.inode);
        }
        if let Some(file) = state.files.get_mut(&self.inode) {
            file.handles -= 1;
        }
    }
}
