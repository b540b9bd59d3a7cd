//! What a test sees of a disk without asking it as a program would.

use std::fmt::Write as _;
use std::path::Path;

use super::SimDisk;
use super::file::FileNode;
use super::state::State;
use super::tree::ROOT;

/// How much of a file's content is shown.
const SHOWN_MAX: usize = 400;

impl SimDisk {
    pub(super) fn look<T>(&self, path: &Path, what: impl FnOnce(&FileNode) -> T) -> Option<T> {
        let state = self.state();
        let inode = state.tree.find(path).ok()?;
        state.files.get(&inode).map(what)
    }

    /// What can be read of a file.
    pub fn content(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        self.look(path.as_ref(), |file| Vec::clone(&file.live))
    }

    /// Its permission bits.
    pub fn mode(&self, path: impl AsRef<Path>) -> Option<u32> {
        self.look(path.as_ref(), |file| file.live_metadata.mode)
    }

    /// One of its extended attributes.
    pub fn attribute(&self, path: impl AsRef<Path>, name: &str) -> Option<Vec<u8>> {
        let attribute = |file: &FileNode| {
            let mut attributes = file.live_metadata.attributes.iter();
            attributes.find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        self.look(path.as_ref(), attribute).flatten()
    }

    /// Whether a file or folder is there.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.state().tree.find(path.as_ref()).is_ok()
    }

    /// The names in a folder, sorted; none if there is no such folder.
    pub fn names(&self, folder: impl AsRef<Path>) -> Vec<String> {
        let state = self.state();
        let entries = state.tree.find(folder.as_ref()).and_then(|folder| state.tree.entries(folder));
        entries.into_iter().flatten().map(|(name, _)| name.to_string_lossy().into_owned()).collect()
    }

    /// Everything on the disk, a line for each name.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        let state = self.state();
        describe_folder(&state, ROOT, "", &mut text);
        text
    }
}

fn describe_folder(state: &State, folder: u64, path: &str, text: &mut String) {
    // A folder can be inside itself after renames that were half lost.
    if path.len() > 1000 {
        return;
    }
    for (name, inode) in state.tree.entries(folder).into_iter().flatten() {
        let path = format!("{path}/{}", name.to_string_lossy());
        if let Some(file) = state.files.get(inode) {
            let (len, mode) = (file.live.len(), file.live_metadata.mode);
            let _ = writeln!(text, "{path}  inode {inode}, mode {mode:o}, {len} bytes: {}", shown(&file.live));
        } else {
            let _ = writeln!(text, "{path}/  inode {inode}");
            describe_folder(state, *inode, &path, text);
        }
    }
}

/// Text with escapes; what repeats is counted.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for run in bytes.chunk_by(|one, other| one == other) {
        if text.len() > SHOWN_MAX {
            return text + "\" and more";
        }
        if run.len() > 8 {
            let _ = write!(text, "{}{{{} times}}", run[0].escape_ascii(), run.len());
        } else {
            let _ = write!(text, "{}", run.escape_ascii());
        }
    }
    text + "\""
}
