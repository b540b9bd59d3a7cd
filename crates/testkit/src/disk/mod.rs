//! A disk in memory that can lose power, fill up and fail, for tests of what is kept on [`stead::disk::Disk`].
//!
//! What is certain to outlive a power cut, and what may or may not:
//!
//! | | durable after | before that, a power cut leaves |
//! |---|---|---|
//! | content and length | `sync`, `sync_data` | any mix of 512-byte sectors as they were after some write, with any length |
//! | mode, owner, attributes | `sync` | those after any of the changes |
//! | names | `sync_folder` of one of the folders that the change is about | any selection of the changes, each whole |
//!
//! A sync of a file does nothing for its name, and the other way round. [`SimDisk::crash_states`] goes through what a
//! power cut may leave; [`Scenario`](crate::Scenario) does so after each step of a piece of code.
//!
//! What the simulation does not do: symbolic links and FIFOs, permission checks, times, sectors that are torn inside,
//! other folders than those of one filesystem, and writes of other processes but by clones of the [`SimDisk`].

mod calls;
mod crash;
mod errno;
mod faults;
mod file;
mod look;
mod open_file;
mod outcomes;
mod scenario;
mod state;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stead::disk::Metadata;

pub use crash::CrashStates;
pub use faults::{Fault, Op, Trouble};
pub use open_file::SimFile;
pub use scenario::{Acked, Broken, Outcome, Report, Scenario};

use file::FileNode;
use state::{Control, Nature, State};
use tree::{Folders, ROOT, Tree};

/// The simulated disk. A clone is the same disk, as another process sees it.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// A disk with these folders, durably, and those above them.
    ///
    /// # Panics
    /// If a path is not absolute.
    pub fn new(folders: &[&str]) -> SimDisk {
        let disk = SimDisk::of(State {
            files: std::collections::BTreeMap::new(),
            tree: Tree::durable(Folders::from([(ROOT, Arc::default())])),
            next_inode: ROOT + 1,
            locks: std::collections::BTreeMap::new(),
            next_handle: 0,
            nature: Nature::default(),
            control: Control::default(),
        });
        for folder in folders {
            disk.put_folder(folder);
        }
        disk
    }

    /// Has another process come between: `work` is done right before the next exchange.
    pub fn before_exchange(&self, work: impl FnOnce(&SimDisk) + Send + 'static) {
        self.state().control.meanwhile.0 = Some(Box::new(work));
    }

    fn of(state: State) -> SimDisk {
        SimDisk(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether calls to `op` say Ok and do nothing, to show that a test would notice. For calls that return nothing,
    /// and for writes.
    pub fn ignore(&self, op: Op) {
        self.state().nature.ignored.insert(op);
    }

    /// Whether two files can be exchanged; else `Unsupported`. They can at first.
    pub fn exchange_supported(&self, supported: bool) {
        self.support(Op::Exchange, supported);
    }

    /// Whether a rename can refuse to replace; else `Unsupported`. It can at first.
    pub fn rename_new_supported(&self, supported: bool) {
        self.support(Op::RenameNew, supported);
    }

    /// Whether a file can have two names; else `PermissionDenied`. It can at first.
    pub fn links_supported(&self, supported: bool) {
        self.support(Op::Link, supported);
    }

    fn support(&self, op: Op, supported: bool) {
        let lacking = &mut self.state().nature.lacking;
        if supported {
            lacking.remove(&op)
        } else {
            lacking.insert(op)
        };
    }

    /// Whether a new file may get the number of one that is gone, as on ext4. Not at first.
    pub fn reuse_inodes(&self, reuse: bool) {
        self.state().nature.reuses_inodes = reuse;
    }

    /// Has something go wrong.
    pub fn fail(&self, fault: Fault) {
        self.state().control.faults.push(fault);
    }

    /// Lets files grow by this many bytes in all, and then has no space left. What is taken away makes room.
    pub fn full_after(&self, bytes: usize) {
        let mut state = self.state();
        let used = state.bytes_used();
        state.control.bytes_max = Some(used + bytes);
    }

    /// Takes the locks of all who have files open: they were killed.
    pub fn release_locks(&self) {
        self.state().locks.clear();
    }

    /// Ends all faults, and the lack of space.
    pub fn repair(&self) {
        let control = &mut self.state().control;
        control.faults.clear();
        control.bytes_max = None;
    }

    /// How many [steps](Op::is_step) have been taken.
    pub fn steps(&self) -> usize {
        self.state().control.steps.len()
    }

    /// What each of the steps was.
    pub fn steps_taken(&self) -> Vec<Op> {
        self.state().control.steps.clone()
    }

    /// Lets so many steps be taken, counted from the first, and has the power fail when one more is tried: that call
    /// and every later one of any kind return an error and do nothing.
    pub fn cut_after(&self, steps: usize) {
        self.state().control.cut_after = Some(steps);
    }

    /// Whether the power has failed.
    pub fn is_off(&self) -> bool {
        self.state().control.off
    }

    /// Another disk in the same condition, with what is uncertain on it, but with nothing open or locked there.
    #[must_use]
    pub fn copy(&self) -> SimDisk {
        let mut state = self.state().clone();
        state.locks.clear();
        state.files.values_mut().for_each(|file| file.handles = 0);
        SimDisk::of(state)
    }

    /// Makes everything durable, and counts steps from here.
    pub fn settle(&self) {
        let mut state = self.state();
        state.tree.sync_all();
        for file in state.files.values_mut() {
            *file =
                FileNode { handles: file.handles, ..FileNode::durable(file.live.clone(), file.live_metadata.clone()) };
        }
        state.control.steps.clear();
        state.control.trace = state.control.trace.take().map(|_| Vec::new());
    }

    /// Writes every step down, for [`trace`](SimDisk::trace).
    pub fn start_trace(&self) {
        self.state().control.trace = Some(Vec::new());
    }

    /// The steps since [`start_trace`](SimDisk::start_trace).
    pub fn trace(&self) -> Vec<String> {
        self.state().control.trace.clone().unwrap_or_default()
    }

    /// Makes a folder, durably, and those above it.
    ///
    /// # Panics
    /// If the path is not absolute, or leads through a file.
    pub fn put_folder(&self, path: impl AsRef<Path>) {
        let mut state = self.state();
        let mut above = PathBuf::new();
        for component in path.as_ref().components() {
            above.push(component);
            if !matches!(component, Component::Normal(_)) {
                continue;
            }
            let place = state.tree.place(&above).expect("folders above");
            if state.tree.at(&place).is_none() {
                let inode = state.new_inode();
                state.tree.add_folder(inode);
                state.tree.rename(vec![(place.0, place.1, Some(inode))], true);
            }
        }
    }

    /// Makes a file of this content, durably; one that is there gets it.
    ///
    /// # Panics
    /// If its folder is not there.
    pub fn put(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let old = self.look(path.as_ref(), |file| Metadata::clone(&file.live_metadata));
        self.put_with(path, content, &old.unwrap_or_else(|| calls::new_metadata(0o644)));
    }

    /// Makes a file of this content and metadata, durably; one that is there gets them.
    ///
    /// # Panics
    /// If its folder is not there.
    pub fn put_with(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>, metadata: &Metadata) {
        let mut state = self.state();
        let place = state.tree.place(path.as_ref()).expect("the folder is there");
        let inode = state.tree.at(&place).unwrap_or_else(|| state.new_inode());
        let handles = state.files.get(&inode).map_or(0, |file| file.handles);
        let file = FileNode::durable(Arc::new(content.as_ref().to_vec()), Arc::new(metadata.clone()));
        state.files.insert(inode, FileNode { handles, ..file });
        state.tree.rename(vec![(place.0, place.1, Some(inode))], true);
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
