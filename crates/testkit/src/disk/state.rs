//! All that there is of a simulated disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;

use super::SimDisk;
use super::errno;
use super::faults::{Fault, Op, Trouble};
use super::file::FileNode;
use super::tree::Tree;

/// What is on the disk, and who has it open.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) files: BTreeMap<u64, FileNode>,
    pub(super) tree: Tree,
    /// The first number that no file has had.
    pub(super) next_inode: u64,
    /// By file, the handle that has it locked.
    pub(super) locks: BTreeMap<u64, u64>,
    pub(super) next_handle: u64,
    pub(super) nature: Nature,
    pub(super) control: Control,
}

/// What kind of disk it is; a power cut changes nothing about that.
#[derive(Debug, Clone, Default)]
pub(super) struct Nature {
    pub(super) lacking: BTreeSet<Op>,
    pub(super) ignored: BTreeSet<Op>,
    pub(super) reuses_inodes: bool,
}

/// What another process does right before the next exchange; a copy of the disk has none.
#[derive(Default)]
pub(super) struct Meanwhile(pub(super) Option<Work>);

type Work = Box<dyn FnOnce(&SimDisk) + Send>;

impl Clone for Meanwhile {
    fn clone(&self) -> Meanwhile {
        Meanwhile(None)
    }
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some" } else { "None" })
    }
}

/// What the test does with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Control {
    pub(super) meanwhile: Meanwhile,
    pub(super) steps: Vec<Op>,
    pub(super) cut_after: Option<usize>,
    pub(super) off: bool,
    pub(super) faults: Vec<Fault>,
    /// How many bytes all files may have together.
    pub(super) bytes_max: Option<usize>,
    pub(super) trace: Option<Vec<String>>,
}

/// How a call is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// As it should.
    Open,
    /// It does nothing and says Ok.
    Ignored,
    /// It takes only so many bytes.
    Short(usize),
}

impl State {
    /// What every call passes first.
    pub(super) fn gate(&mut self, op: Op, paths: &[&Path], detail: impl FnOnce() -> String) -> io::Result<Gate> {
        let control = &mut self.control;
        if op.is_step() && control.cut_after.is_some_and(|steps| control.steps.len() >= steps) {
            control.off = true;
        }
        if control.off {
            return Err(io::Error::other("power is off"));
        }
        if op.is_step() {
            control.steps.push(op);
        }
        if let Some(trace) = control.trace.as_mut().filter(|_| op.is_step()) {
            let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
            trace.push(
                format!("{:>3} {op:?} {} {}", control.steps.len(), paths.join(" "), detail()).trim_end().to_owned(),
            );
        }
        match self.strike(op, paths) {
            Some(Trouble::Short(bytes)) => return Ok(Gate::Short(bytes)),
            Some(trouble) => return Err(trouble.error().unwrap_or_else(|| errno::IO.into())),
            None => {}
        }
        if self.nature.ignored.contains(&op) {
            return Ok(Gate::Ignored);
        }
        if self.nature.lacking.contains(&op) {
            let unsupported = io::Error::from(io::ErrorKind::Unsupported);
            return Err(if op == Op::Link { errno::PERM.into() } else { unsupported });
        }
        Ok(Gate::Open)
    }

    /// The fault that strikes now, if one does. That of a sync is dealt with by [`State::sync_gate`].
    fn strike(&mut self, op: Op, paths: &[&Path]) -> Option<Trouble> {
        let control = &mut self.control;
        if control.faults.is_empty() {
            return None;
        }
        let struck = control.faults.iter_mut().filter_map(|fault| fault.strikes(op, paths));
        let trouble = struck.collect::<Vec<_>>().first().copied();
        control.faults.retain(|fault| !fault.is_over());
        if let (Some(trouble), Some(trace)) = (trouble, control.trace.as_mut()) {
            trace.push(format!("    that call: {trouble:?}"));
        }
        trouble
    }

    /// A gate for syncs, which lose what they were to write when they fail.
    pub(super) fn sync_gate(&mut self, op: Op, path: &Path, inode: u64) -> io::Result<Gate> {
        let struck = |wanted| {
            let mut faults = self.control.faults.clone();
            faults.iter_mut().any(|fault| fault.strikes(op, &[path]) == Some(wanted))
        };
        let (reverted, killed) = (struck(Trouble::IoReverted), struck(Trouble::Killed));
        let gate = self.gate(op, &[path], String::new);
        if let Err(error) = &gate
            && error.kind() != io::ErrorKind::Interrupted
            && !self.control.off
            && !killed
            && let Some(file) = self.files.get_mut(&inode)
        {
            file.drop_unsynced(reverted);
        }
        gate
    }

    /// A number for a new file or folder.
    pub(super) fn new_inode(&mut self) -> u64 {
        if self.nature.reuses_inodes {
            let named = self.tree.named();
            self.files.retain(|inode, file| file.handles > 0 || named.contains(inode));
            let taken = |inode: &u64| self.files.contains_key(inode) || self.tree.live.contains_key(inode);
            if let Some(free) = (2..self.next_inode).find(|inode| !taken(inode)) {
                return free;
            }
        }
        self.next_inode += 1;
        self.next_inode - 1
    }

    /// How many more bytes there is room for.
    pub(super) fn room(&self) -> usize {
        let Some(bytes_max) = self.control.bytes_max else { return usize::MAX };
        bytes_max.saturating_sub(self.bytes_used())
    }

    /// How many bytes all files have that have a name or are open.
    pub(super) fn bytes_used(&self) -> usize {
        let named: BTreeSet<_> = self.tree.live.values().flat_map(|entries| entries.values()).collect();
        let used = self.files.iter().filter(|(inode, file)| file.handles > 0 || named.contains(inode));
        used.map(|(_, file)| file.live.len()).sum()
    }
}
