//! The simulated disk as a [`Disk`].

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::{Arc, MutexGuard};

use stead::disk::{Access, Disk, FileId, FileKind, Metadata, NewFile, Stat};

use super::errno;
use super::file::FileNode;
use super::state::{Gate, State};
use super::{Op, SimDisk, SimFile};

const DEVICE: u64 = 1;
const UMASK: u32 = 0o022;
const USER: u32 = 1000;
/// No file is longer: what writes further has miscounted.
const LEN_MAX: usize = 64 << 20;

/// What a new file has.
pub(super) fn new_metadata(mode: u32) -> Metadata {
    Metadata { mode, owner: USER, group: USER, attributes: Vec::new() }
}

impl SimDisk {
    /// Counts a new handle.
    fn opened(&self, mut state: MutexGuard<'_, State>, inode: u64, access: Access, path: &Path) -> SimFile {
        let handle = state.next_handle;
        state.next_handle += 1;
        if let Some(file) = state.files.get_mut(&inode) {
            file.handles += 1;
        }
        drop(state);
        SimFile { disk: self.clone(), inode, handle, access, path: path.to_owned() }
    }

    /// Passes the gate with a call about an open file.
    fn enter(
        &self,
        op: Op,
        file: &SimFile,
        detail: impl FnOnce() -> String,
    ) -> io::Result<(MutexGuard<'_, State>, Gate)> {
        if !file.is_on(self) {
            return Err(errno::BADF.into());
        }
        let mut state = self.state();
        let gate = state.gate(op, &[&file.path], detail)?;
        Ok((state, gate))
    }

    fn sync_by(&self, op: Op, file: &SimFile) -> io::Result<()> {
        if !file.is_on(self) {
            return Err(errno::BADF.into());
        }
        let mut state = self.state();
        if state.sync_gate(op, &file.path, file.inode)? == Gate::Ignored {
            return Ok(());
        }
        match state.files.get_mut(&file.inode) {
            Some(node) => {
                node.sync_content();
                if op == Op::Sync {
                    node.sync_metadata();
                }
            }
            None => state.tree.sync_folder(file.inode),
        }
        Ok(())
    }

    /// Writes at an offset, or at the end.
    fn write_by(&self, op: Op, file: &SimFile, bytes: &[u8], offset: Option<u64>) -> io::Result<usize> {
        let (mut state, gate) = self.enter(op, file, || match offset {
            Some(offset) => format!("at {offset}, {} bytes", bytes.len()),
            None => format!("{} bytes", bytes.len()),
        })?;
        let wanted = if offset.is_some() { Access::ReadWrite } else { Access::Append };
        match file.access {
            access if access == wanted => {}
            Access::ReadOnly => return Err(errno::BADF.into()),
            // pwrite on such a file appends on Linux and does not elsewhere; write on the other one goes to its start.
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "write_at is for ReadWrite, append for Append",
                ));
            }
        }
        let mut count = match gate {
            Gate::Open => bytes.len(),
            Gate::Ignored => return Ok(bytes.len()),
            Gate::Short(count) => count.min(bytes.len()),
        };
        let room = state.room();
        let node = state.files.get_mut(&file.inode).ok_or(errno::ISDIR)?;
        let offset = offset.map_or(Ok(node.live.len()), usize::try_from).map_err(|_| errno::FBIG)?;
        if offset.checked_add(count).is_none_or(|end| end > LEN_MAX) {
            return Err(errno::FBIG.into());
        }
        let end_max = node.live.len().saturating_add(room);
        if offset + count > end_max && count > 0 {
            count = end_max.saturating_sub(offset);
            if count == 0 {
                return Err(errno::NOSPC.into());
            }
        }
        if count > 0 {
            node.write(offset, &bytes[..count]);
        }
        Ok(count)
    }

    /// Puts what is at `from` at `to`, in place of what is there.
    fn move_name(state: &mut State, from: &Path, to: &Path) -> io::Result<()> {
        let from = state.tree.place(from)?;
        let to = state.tree.place(to)?;
        let inode = state.tree.at(&from).ok_or(errno::NOENT)?;
        if let Some(old) = state.tree.at(&to) {
            // Two names of one file: rename(2) leaves both.
            if old == inode {
                return Ok(());
            }
            if state.tree.live.contains_key(&old) {
                return Err(errno::ISDIR.into());
            }
            if state.tree.live.contains_key(&inode) {
                return Err(errno::NOTDIR.into());
            }
        }
        state.tree.rename(vec![(from.0, from.1, None), (to.0, to.1, Some(inode))], false);
        Ok(())
    }

    fn stat_inode(state: &State, inode: u64) -> Stat {
        let id = FileId { device: DEVICE, inode };
        let Some(file) = state.files.get(&inode) else {
            return Stat { id, kind: FileKind::Folder, len: 4096, names: 1, mode: 0o755, owner: 0, group: 0 };
        };
        let Metadata { mode, owner, group, .. } = *file.live_metadata;
        let (len, names) = (file.live.len() as u64, state.tree.names_of(inode));
        Stat { id, kind: FileKind::Regular, len, names, mode, owner, group }
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    fn open(&self, path: &Path, access: Access) -> io::Result<SimFile> {
        let mut state = self.state();
        state.gate(Op::Open, &[path], String::new)?;
        let inode = state.tree.find(path)?;
        if state.tree.live.contains_key(&inode) && access != Access::ReadOnly {
            return Err(errno::ISDIR.into());
        }
        Ok(self.opened(state, inode, access, path))
    }

    fn create(&self, path: &Path, new: NewFile) -> io::Result<SimFile> {
        let mut state = self.state();
        state.gate(Op::Create, &[path], String::new)?;
        let place = state.tree.place(path)?;
        if state.tree.at(&place).is_some() {
            return Err(errno::EXIST.into());
        }
        if state.room() == 0 {
            return Err(errno::NOSPC.into());
        }
        let mode = match new {
            NewFile::Default => 0o666 & !UMASK,
            NewFile::AtMost(mode) => mode & !UMASK,
        };
        let inode = state.new_inode();
        state.files.insert(inode, FileNode::durable(Arc::default(), Arc::new(new_metadata(mode))));
        state.tree.rename(vec![(place.0, place.1, Some(inode))], false);
        Ok(self.opened(state, inode, Access::ReadWrite, path))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.gate(Op::CreateFolder, &[path], String::new)? == Gate::Ignored {
            return Ok(());
        }
        let Ok(place) = state.tree.place(path) else { return state.tree.find(path).map(drop) };
        if let Some(old) = state.tree.at(&place) {
            return if state.files.contains_key(&old) { Err(errno::EXIST.into()) } else { Ok(()) };
        }
        let inode = state.new_inode();
        state.tree.add_folder(inode);
        state.tree.rename(vec![(place.0, place.1, Some(inode))], false);
        Ok(())
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let mut state = self.state();
        state.gate(Op::Stat, &[path], String::new)?;
        let inode = state.tree.find(path)?;
        Ok(SimDisk::stat_inode(&state, inode))
    }

    fn stat_file(&self, file: &SimFile) -> io::Result<Stat> {
        let (state, _) = self.enter(Op::StatFile, file, String::new)?;
        Ok(SimDisk::stat_inode(&state, file.inode))
    }

    fn attributes(&self, path: &Path) -> io::Result<Vec<(OsString, Vec<u8>)>> {
        let mut state = self.state();
        state.gate(Op::Attributes, &[path], String::new)?;
        let inode = state.tree.find(path)?;
        Ok(state.files.get(&inode).map(|file| file.live_metadata.attributes.clone()).unwrap_or_default())
    }

    fn set_metadata(&self, file: &SimFile, _ours: &Stat, like: &Metadata) -> io::Result<Vec<String>> {
        let (mut state, gate) = self.enter(Op::SetMetadata, file, || format!("mode {:o}", like.mode))?;
        if gate == Gate::Ignored {
            return Ok(Vec::new());
        }
        let node = state.files.get_mut(&file.inode).ok_or(errno::ISDIR)?;
        // First the mode and the owner, then one attribute after the other, as it really is.
        let mut metadata = Metadata::clone(&node.live_metadata);
        (metadata.mode, metadata.owner, metadata.group) = (like.mode, like.owner, like.group);
        node.set_metadata(metadata.clone());
        for (name, value) in &like.attributes {
            metadata.attributes.retain(|(known, _)| known != name);
            metadata.attributes.push((name.clone(), value.clone()));
            node.set_metadata(metadata.clone());
        }
        Ok(Vec::new())
    }

    fn set_mode(&self, file: &SimFile, mode: u32) -> io::Result<()> {
        let (mut state, gate) = self.enter(Op::SetMode, file, || format!("{mode:o}"))?;
        if gate == Gate::Ignored {
            return Ok(());
        }
        let node = state.files.get_mut(&file.inode).ok_or(errno::ISDIR)?;
        let metadata = Metadata { mode, ..Metadata::clone(&node.live_metadata) };
        node.set_metadata(metadata);
        Ok(())
    }

    fn read_at(&self, file: &SimFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let (state, gate) = self.enter(Op::Read, file, String::new)?;
        let node = state.files.get(&file.inode).ok_or(errno::ISDIR)?;
        let rest = usize::try_from(offset).ok().and_then(|offset| node.live.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len()).min(if let Gate::Short(count) = gate { count } else { usize::MAX });
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, file: &SimFile, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.write_by(Op::Write, file, bytes, Some(offset))
    }

    fn append(&self, file: &SimFile, bytes: &[u8]) -> io::Result<usize> {
        self.write_by(Op::Append, file, bytes, None)
    }

    fn len(&self, file: &SimFile) -> io::Result<u64> {
        self.stat_file(file).map(|stat| stat.len)
    }

    fn position(&self, file: &SimFile) -> io::Result<u64> {
        // Whoever else appends is not between two calls of a test.
        self.stat_file(file).map(|stat| stat.len)
    }

    fn set_len(&self, file: &SimFile, len: u64) -> io::Result<()> {
        let (mut state, gate) = self.enter(Op::SetLen, file, || len.to_string())?;
        if gate == Gate::Ignored {
            return Ok(());
        }
        if file.access == Access::ReadOnly {
            return Err(errno::INVAL.into());
        }
        let len = usize::try_from(len).ok().filter(|len| *len <= LEN_MAX).ok_or(errno::FBIG)?;
        let room = state.room();
        let node = state.files.get_mut(&file.inode).ok_or(errno::INVAL)?;
        if len > node.live.len().saturating_add(room) {
            return Err(errno::NOSPC.into());
        }
        node.set_len(len);
        Ok(())
    }

    fn sync_data(&self, file: &SimFile) -> io::Result<()> {
        self.sync_by(Op::SyncData, file)
    }

    fn sync(&self, file: &SimFile) -> io::Result<()> {
        self.sync_by(Op::Sync, file)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.gate(Op::SyncFolder, &[path], String::new)? == Gate::Ignored {
            return Ok(());
        }
        let folder = state.tree.find(path)?;
        state.tree.entries(folder)?;
        state.tree.sync_folder(folder);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.gate(Op::Rename, &[from, to], String::new)? == Gate::Ignored {
            return Ok(());
        }
        SimDisk::move_name(&mut state, from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.gate(Op::RenameNew, &[from, to], String::new)? == Gate::Ignored {
            return Ok(());
        }
        let place = state.tree.place(to)?;
        if state.tree.at(&place).is_some() {
            return Err(errno::EXIST.into());
        }
        SimDisk::move_name(&mut state, from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let meanwhile = self.state().control.meanwhile.0.take();
        if let Some(meanwhile) = meanwhile {
            meanwhile(self);
        }
        let mut state = self.state();
        if state.gate(Op::Exchange, &[one, other], String::new)? == Gate::Ignored {
            return Ok(());
        }
        let (one, other) = (state.tree.place(one)?, state.tree.place(other)?);
        let inode = state.tree.at(&one).ok_or(errno::NOENT)?;
        let other_inode = state.tree.at(&other).ok_or(errno::NOENT)?;
        state.tree.rename(vec![(one.0, one.1, Some(other_inode)), (other.0, other.1, Some(inode))], false);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.gate(Op::Link, &[from, to], String::new)? == Gate::Ignored {
            return Ok(());
        }
        let inode = state.tree.find(from)?;
        if !state.files.contains_key(&inode) {
            return Err(errno::PERM.into());
        }
        let place = state.tree.place(to)?;
        if state.tree.at(&place).is_some() {
            return Err(errno::EXIST.into());
        }
        state.tree.rename(vec![(place.0, place.1, Some(inode))], false);
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.gate(Op::Unlink, &[path], String::new)? == Gate::Ignored {
            return Ok(());
        }
        let place = state.tree.place(path)?;
        let inode = state.tree.at(&place).ok_or(errno::NOENT)?;
        if state.tree.live.contains_key(&inode) {
            return Err(errno::ISDIR.into());
        }
        state.tree.rename(vec![(place.0, place.1, None)], false);
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let mut state = self.state();
        state.gate(Op::List, &[folder], String::new)?;
        let folder = state.tree.find(folder)?;
        Ok(state.tree.entries(folder)?.keys().cloned().collect())
    }

    fn try_lock(&self, file: &SimFile) -> io::Result<bool> {
        let (mut state, _) = self.enter(Op::TryLock, file, String::new)?;
        Ok(*state.locks.entry(file.inode).or_insert(file.handle) == file.handle)
    }

    fn mount(&self, _: &Path) -> u64 {
        0
    }
}
