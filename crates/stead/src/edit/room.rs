//! The folder of one draft, over any [`Disk`]; see docs/FORMAT.md.
//!
//! There is a draft exactly if `draft.json` is there: it is written last, and removed first.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::{Dress, Durability, Staged, Whole, read_whole};
use crate::edit::description::Description;
use crate::filesystem::folder_of;
use crate::sys::FileKind;
use crate::sys::disk::{Disk, uninterrupted};

/// The largest text that is edited.
pub(crate) const BYTES_MAX: u64 = 1 << 30;
/// How many of the texts that the editor saved are kept while the draft is. One that is overwritten in place may be half
/// of the next one when everything dies, so the last is not enough.
const SAVES_MAX: usize = 4;

const DESCRIPTION: &str = "draft.json";
const BASE: &str = "base";
const TEXT: &str = "text";
const SAVES: &str = "saves";
const LOCK: &str = "session.lock";

/// Where one draft lies.
#[derive(Debug, Clone)]
pub(crate) struct Room<D> {
    disk: D,
    folder: PathBuf,
    /// That of the file, so that editors know what it is.
    name: OsString,
}

impl<D: Disk + Clone> Room<D> {
    pub(crate) fn new(disk: D, folder: &Path, name: &OsStr) -> Room<D> {
        Room { disk, folder: folder.to_path_buf(), name: name.to_owned() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file that the editor works on.
    pub(crate) fn text_path(&self) -> PathBuf {
        self.folder.join(TEXT).join(&self.name)
    }

    /// Held by a session as long as it uses the draft.
    pub(crate) fn lock_path(&self) -> PathBuf {
        self.folder.join(LOCK)
    }

    /// Makes the draft, durably, in a folder that is there.
    pub(crate) fn furnish(&self, base: Option<&[u8]>, text: &[u8], description: &Description) -> io::Result<()> {
        for name in [TEXT, SAVES] {
            self.disk.create_folder(&self.folder.join(name))?;
        }
        if let Some(base) = base {
            self.put(&self.folder.join(BASE), base)?;
        }
        self.put(&self.text_path(), text)?;
        for folder in [&*self.folder, folder_of(&self.folder)] {
            uninterrupted(|| self.disk.sync_folder(folder))?;
        }
        self.describe(description)
    }

    /// Lets the draft go on with another text, which was made for another content of the file. The text before is among
    /// the saves. Whoever dies in between leaves both texts, and a base that the next merge can do with.
    pub(crate) fn refit(&self, base: Option<&[u8]>, text: &[u8], description: &Description) -> io::Result<()> {
        if let Some(before) = self.text()?.filter(|before| before != text) {
            self.keep(&before)?;
        }
        self.put(&self.text_path(), text)?;
        match base {
            Some(base) => self.put(&self.folder.join(BASE), base)?,
            None => self.unlink(&self.folder.join(BASE))?,
        }
        self.describe(description)
    }

    /// Gives the draft a text again that was removed.
    pub(crate) fn restore(&self, text: &[u8]) -> io::Result<()> {
        self.put(&self.text_path(), text)
    }

    /// What is said of it. From now on it is a draft.
    pub(crate) fn describe(&self, description: &Description) -> io::Result<()> {
        self.put(&self.folder.join(DESCRIPTION), &description.encode())
    }

    /// `None`: there is no draft here, or one of a newer version.
    pub(crate) fn description(&self) -> io::Result<Option<Description>> {
        Ok(self.read(&self.folder.join(DESCRIPTION))?.as_deref().and_then(Description::decode))
    }

    /// What was in the file when the draft was made of it; `None`: there was no file.
    pub(crate) fn base(&self) -> io::Result<Option<Vec<u8>>> {
        self.read(&self.folder.join(BASE))
    }

    /// The text as it is now; `None`: the editor has removed it.
    pub(crate) fn text(&self) -> io::Result<Option<Vec<u8>>> {
        self.read(&self.text_path())
    }

    /// Keeps a text that the editor has saved, durably, and lets the oldest go.
    pub(crate) fn keep(&self, text: &[u8]) -> io::Result<()> {
        let saves = self.saves()?;
        let next = saves.last().map_or(1, |(number, _)| number + 1);
        self.put(&self.folder.join(SAVES).join(format!("{next:08}")), text)?;
        let old = (saves.len() + 1).saturating_sub(SAVES_MAX);
        saves.iter().take(old).try_for_each(|(_, path)| self.unlink(path))
    }

    /// The last text that was kept.
    pub(crate) fn last_save(&self) -> io::Result<Option<Vec<u8>>> {
        match self.saves()?.last() {
            Some((_, path)) => self.read(path),
            None => Ok(None),
        }
    }

    /// The texts that were kept, the oldest first.
    pub(crate) fn saves(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let folder = self.folder.join(SAVES);
        let names = match self.disk.list(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            names => names?,
        };
        let number = |name: &OsString| name.to_str()?.parse().ok();
        let mut saves: Vec<(u64, PathBuf)> =
            names.iter().filter_map(|name| Some((number(name)?, folder.join(name)))).collect();
        saves.sort();
        Ok(saves)
    }

    /// What there is to go on with: the text, unless it is gone, or was cut off while it was saved.
    pub(crate) fn best_text(&self) -> io::Result<Option<Vec<u8>>> {
        let (text, save) = (self.text()?, self.last_save()?);
        Ok(match (text, save) {
            (Some(text), Some(save)) if text.len() < save.len() && save.starts_with(&text) => Some(save),
            (None, save) => save,
            (text, _) => text,
        })
    }

    /// From now on this is no draft any more: what is left of it can be removed by anybody.
    pub(crate) fn forget(&self) -> io::Result<()> {
        self.unlink(&self.folder.join(DESCRIPTION))
    }

    /// Other files than the text in its folder: what an editor that died left to recover from.
    pub(crate) fn beside_text(&self) -> io::Result<Vec<PathBuf>> {
        let folder = self.folder.join(TEXT);
        let is_backup = |name: &OsString| name.as_encoded_bytes().ends_with(b"~");
        let names = match self.disk.list(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            names => names?,
        };
        let others = names.into_iter().filter(|name| *name != self.name && !is_backup(name));
        Ok(others.map(|name| folder.join(name)).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        match read_whole(&self.disk, path, BYTES_MAX)? {
            Whole::Missing => Ok(None),
            Whole::Found(found) if found.stat.kind == FileKind::Regular => Ok(Some(found.content)),
            Whole::Found(_) => Err(io::Error::other("it is no regular file any more")),
            Whole::TooLarge => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }

    /// Replaces a file of the room, durably. It is made beside the text's folder, which is the editor's.
    fn put(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let dress = Dress { like: None, mode: Some(0o600) };
        let mut staged = Staged::create(&self.disk, &self.folder, &dress)?;
        staged.write_all_at(content, 0)?;
        staged.finish(&dress, Durability::Full)?;
        self.disk.rename(staged.path()?, path)?;
        staged.settled();
        uninterrupted(|| self.disk.sync_folder(folder_of(path)))
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        match self.disk.unlink(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
