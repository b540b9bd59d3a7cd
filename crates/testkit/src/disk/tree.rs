//! The folders: what is in them, what is so for certain, and what has been asked for since.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path};
use std::sync::Arc;

use super::errno;

/// The number of the root folder.
pub(super) const ROOT: u64 = 1;

/// What is in a folder.
pub(super) type Entries = BTreeMap<OsString, u64>;
/// All folders by number.
pub(super) type Folders = BTreeMap<u64, Arc<Entries>>;

/// One change of names, which happens as a whole or not at all.
#[derive(Debug, Clone)]
pub(super) struct Naming {
    /// What each of the names stands for afterwards.
    pub(super) names: Vec<(u64, OsString, Option<u64>)>,
    pub(super) durable: bool,
}

impl Naming {
    pub(super) fn apply(&self, folders: &mut Folders) {
        for (folder, name, inode) in &self.names {
            let entries = Arc::make_mut(folders.entry(*folder).or_default());
            match inode {
                Some(inode) => entries.insert(name.clone(), *inode),
                None => entries.remove(name),
            };
        }
    }
}

/// The folders of a disk.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub(super) live: Folders,
    pub(super) durable: Folders,
    /// In the order in which they happened; the first is not durable.
    pub(super) pending: Vec<Naming>,
}

impl Tree {
    pub(super) fn durable(folders: Folders) -> Tree {
        Tree { live: folders.clone(), durable: folders, pending: Vec::new() }
    }

    /// What a path leads to.
    pub(super) fn find(&self, path: &Path) -> io::Result<u64> {
        parts(path)?.into_iter().try_fold(ROOT, |folder, name| self.child(folder, name))
    }

    /// How many names a file has.
    pub(super) fn names_of(&self, inode: u64) -> u64 {
        self.live.values().flat_map(|entries| entries.values()).filter(|named| **named == inode).count() as u64
    }

    /// The folder of a path's last name, and that name.
    pub(super) fn place(&self, path: &Path) -> io::Result<(u64, OsString)> {
        let mut parts = parts(path)?;
        let name = parts.pop().ok_or(errno::BUSY)?;
        let folder = parts.into_iter().try_fold(ROOT, |folder, name| self.child(folder, name))?;
        self.entries(folder)?;
        Ok((folder, name.to_owned()))
    }

    /// What has a name, if anything has.
    pub(super) fn at(&self, place: &(u64, OsString)) -> Option<u64> {
        self.live.get(&place.0)?.get(&place.1).copied()
    }

    pub(super) fn entries(&self, folder: u64) -> io::Result<&Entries> {
        Ok(self.live.get(&folder).ok_or(errno::NOTDIR)?)
    }

    fn child(&self, folder: u64, name: &OsStr) -> io::Result<u64> {
        Ok(*self.entries(folder)?.get(name).ok_or(errno::NOENT)?)
    }

    pub(super) fn rename(&mut self, names: Vec<(u64, OsString, Option<u64>)>, durable: bool) {
        let naming = Naming { names, durable };
        naming.apply(&mut self.live);
        self.pending.push(naming);
        self.settle();
    }

    pub(super) fn add_folder(&mut self, inode: u64) {
        self.live.insert(inode, Arc::default());
        self.durable.insert(inode, Arc::default());
    }

    pub(super) fn sync_folder(&mut self, folder: u64) {
        for naming in &mut self.pending {
            naming.durable |= naming.names.iter().any(|(touched, _, _)| *touched == folder);
        }
        self.settle();
    }

    pub(super) fn sync_all(&mut self) {
        self.pending.iter_mut().for_each(|naming| naming.durable = true);
        self.settle();
    }

    /// One that is durable stays among the others for as long as an earlier one could still undo it.
    fn settle(&mut self) {
        let settled = self.pending.iter().take_while(|naming| naming.durable).count();
        for naming in self.pending.drain(..settled) {
            naming.apply(&mut self.durable);
        }
    }

    /// Every number that a name has, had when it was durable, or may have after a power cut.
    pub(super) fn named(&self) -> BTreeSet<u64> {
        let live = self.live.values().flat_map(|entries| entries.values().copied());
        let durable = self.durable.values().flat_map(|entries| entries.values().copied());
        let pending = self.pending.iter().flat_map(|naming| naming.names.iter().filter_map(|(_, _, inode)| *inode));
        live.chain(durable).chain(pending).collect()
    }
}

/// Every number that can be reached from the root.
pub(super) fn reachable(folders: &Folders) -> BTreeSet<u64> {
    let mut found = BTreeSet::from([ROOT]);
    let mut ahead = vec![ROOT];
    while let Some(folder) = ahead.pop() {
        let entries = folders.get(&folder).into_iter().flat_map(|entries| entries.values());
        ahead.extend(entries.copied().filter(|inode| found.insert(*inode)));
    }
    found
}

fn parts(path: &Path) -> io::Result<Vec<&OsStr>> {
    let mut parts = Vec::new();
    if !path.has_root() {
        return Err(errno::NOENT.into());
    }
    for component in path.components() {
        match component {
            Component::Normal(name) => parts.push(name),
            Component::ParentDir => drop(parts.pop()),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    Ok(parts)
}
