//! The folder of one draft, over any [`Disk`]; see docs/FORMAT.md.
//!
//! There is a draft exactly if `draft.json` is there: it is written last, and removed first.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::{Dress, Durability, Staged, Temporary, Version, Whole, read_whole};
use crate::edit::description::Description;
use crate::edit::merge::has_all_lines;
use crate::edit::verdict::{Initial, is_changed};
use crate::filesystem::folder_of;
use crate::sys::disk::{Disk, uninterrupted};
use crate::sys::{Access, FileKind};

/// The largest text that is edited.
pub(crate) const BYTES_MAX: u64 = 1 << 30;
/// How many of the texts that the editor saved are kept while the draft is. One that is overwritten in place may be half
/// of the next one when everything dies, so the last is not enough.
const SAVES_MAX: usize = 4;

const DESCRIPTION: &str = "draft.json";
/// The description of a draft that is none any more.
const DONE: &str = "draft.done";
const BASE: &str = "base";
const TEXT: &str = "text";
const SAVES: &str = "saves";
const LOCK: &str = "session.lock";
/// What the name of a note says of what is to be put in place: it has lines that the file lacks, or only lacks some.
const MORE: &str = "more";
const LESS: &str = "less";

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
        match self.text() {
            Ok(before) => before.filter(|before| before != text).map_or(Ok(()), |before| self.keep(&before))?,
            Err(_) => self.put_away()?,
        }
        if description.conflict {
            // Before there are markers in the text: they are not to be taken for the user's.
            self.describe(description)?;
        }
        self.restore(text)?;
        self.rebase(base, text, description)
    }

    /// Lets the draft, whose text is this, be one of another content of the file. What was saved before is of no more account;
    /// the text itself is the first save of its own, for whoever dies while saving the next.
    pub(crate) fn rebase(&self, base: Option<&[u8]>, text: &[u8], description: &Description) -> io::Result<()> {
        match base {
            Some(base) => self.put(&self.folder.join(BASE), base)?,
            None => self.unlink(&self.folder.join(BASE))?,
        }
        let (before, saves_from) = (self.saves()?, self.next_save()?);
        self.put(&self.save_path(saves_from), text)?;
        self.describe(&Description { saves_from, ..description.clone() })?;
        for (index, (_, path)) in before.iter().rev().enumerate() {
            if index + 1 >= SAVES_MAX || self.read(path)?.is_some_and(|save| save == text) {
                self.unlink(path)?;
            }
        }
        Ok(())
    }

    /// Gives the draft a text again that was removed.
    pub(crate) fn restore(&self, text: &[u8]) -> io::Result<()> {
        self.disk.create_folder(&self.folder.join(TEXT))?;
        self.put(&self.text_path(), text)
    }

    /// What is said of it. From now on it is a draft.
    pub(crate) fn describe(&self, description: &Description) -> io::Result<()> {
        self.put(&self.folder.join(DESCRIPTION), &description.encode())
    }

    /// Whether there is a draft here, whatever its version.
    pub(crate) fn is_draft(&self) -> bool {
        self.disk.stat(&self.folder.join(DESCRIPTION)).is_ok()
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

    /// Whether something that is no file is in the place of the text.
    fn has_something_else(&self) -> bool {
        self.disk.stat(&self.text_path()).is_ok_and(|found| found.kind != FileKind::Regular)
    }

    /// Keeps a text that the editor has saved, durably. One that it only goes on with is replaced, or a slow save would take
    /// the place of all others; of the rest, the oldest goes.
    pub(crate) fn keep(&self, text: &[u8]) -> io::Result<()> {
        let saves = self.saves()?;
        self.put(&self.save_path(self.next_save()?), text)?;
        self.sync_text()?;
        let last = saves.last().map(|(_, path)| self.read(path)).transpose()?.flatten();
        if let (Some(last), Some((_, path))) = (last, saves.last())
            && text.starts_with(&last)
        {
            return self.unlink(path);
        }
        let old = (saves.len() + 1).saturating_sub(SAVES_MAX);
        saves.iter().take(old).try_for_each(|(_, path)| self.unlink(path))
    }

    fn save_path(&self, number: u64) -> PathBuf {
        self.folder.join(SAVES).join(format!("{number:08}"))
    }

    fn next_save(&self) -> io::Result<u64> {
        Ok(self.saves()?.last().map_or(1, |(number, _)| number + 1))
    }

    /// Makes durable what the editor has put there.
    fn sync_text(&self) -> io::Result<()> {
        match self.disk.open(&self.text_path(), Access::ReadWrite) {
            Ok(file) => uninterrupted(|| self.disk.sync(&file))?,
            // It is being replaced just now, or its editor lets nobody in: the copy is durable.
            Err(_) => return Ok(()),
        }
        uninterrupted(|| self.disk.sync_folder(&self.folder.join(TEXT)))
    }

    /// Lets what is in the place of the text, and cannot be read as one, lie beside it.
    fn put_away(&self) -> io::Result<()> {
        // A name that nothing has, and that does not say that it may go.
        let random = Temporary::Staged.name().replace(".tmp", "");
        self.disk.rename(&self.text_path(), &self.folder.join(TEXT).join(format!("was{random}")))
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

    /// What there is to go on with: the text, unless it is gone, something else is in its place, it was cut off while it was
    /// saved, or is what the draft began with although something else was saved. One that is there and cannot be read may be
    /// newer than all that is kept of it: that is an error.
    pub(crate) fn best_text(&self) -> io::Result<Option<Vec<u8>>> {
        let (base, description) = (self.base()?, self.description()?);
        let (initial, from) = description.map_or((Initial::Base, 0), |said| (said.initial, said.saves_from));
        let is_changed = |text: &[u8]| is_changed(base.as_deref(), initial, text);
        let (mut best, mut failed) = match self.text() {
            Ok(text) => (text, None),
            Err(error) if self.has_something_else() => (None, Some(error)),
            Err(error) => return Err(error),
        };
        let mut is_kept = false;
        for (_, path) in self.saves()?.iter().rev().filter(|(number, _)| *number >= from) {
            let Some(save) = self.read(path)? else { continue };
            if best.as_ref() == Some(&save) {
                is_kept = true;
                continue;
            }
            let is_better = |best: &Vec<u8>| is_cut_off(best, &save) || (!is_changed(best) && is_changed(&save));
            if !best.as_ref().is_none_or(is_better) {
                break;
            }
            (best, failed, is_kept) = (Some(save), None, true);
        }
        // A text that stood for a while may well be shorter than the file; but hardly empty.
        let is_doubtful = |best: &[u8]| !is_kept || best.is_empty();
        match (best, failed) {
            (None, Some(error)) => Err(error),
            (Some(best), _) if is_doubtful(&best) && base.as_ref().is_some_and(|base| is_cut_off(&best, base)) => {
                Ok(base)
            }
            (best, _) => Ok(best),
        }
    }

    /// Notes down, durably, what a file that holds `disk` is to hold once this text is merged into it.
    pub(crate) fn note_merged(&self, text: &[u8], disk: &[u8], merged: &[u8]) -> io::Result<()> {
        let kind = if has_all_lines(disk, merged) { LESS } else { MORE };
        self.put(&self.folder.join(format!("{}{kind}-{}", merged_start(text), Version::of(disk))), merged)
    }

    /// That did not come to be.
    pub(crate) fn forget_merged(&self, text: &[u8], disk: &[u8]) -> io::Result<()> {
        let start = merged_start(text);
        [MORE, LESS]
            .iter()
            .try_for_each(|kind| self.unlink(&self.folder.join(format!("{start}{kind}-{}", Version::of(disk)))))
    }

    /// Whether the file has got all that this text was to bring it: a session that died right then does it only once.
    pub(crate) fn is_merged_into(&self, text: &[u8], disk: &[u8]) -> io::Result<bool> {
        let (start, version) = (merged_start(text), Version::of(disk).to_string());
        for name in self.disk.list(&self.folder)? {
            let Some((kind, from)) = name.to_str().and_then(|name| name.strip_prefix(&start)?.split_once('-')) else {
                continue;
            };
            let Some(merged) = self.read(&self.folder.join(&name))? else { continue };
            // Others may have gone on with it since. They cannot have been told from us where lines only went.
            if from != version && (merged == disk || (kind == MORE && has_all_lines(disk, &merged))) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// From now on this is no draft any more: what is left of it can be removed by anybody.
    pub(crate) fn forget(&self) -> io::Result<()> {
        match self.disk.rename(&self.folder.join(DESCRIPTION), &self.folder.join(DONE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    /// Whether the text of what is no draft is one that somebody has written after it was one, or where there never was one.
    pub(crate) fn has_late_text(&self) -> io::Result<bool> {
        let Some(text) = self.text()?.filter(|text| !text.is_empty()) else { return Ok(false) };
        let Some(done) = self.read(&self.folder.join(DONE))? else {
            // A draft that was never finished has a folder for saves by then.
            return Ok(self.disk.stat(&self.folder.join(SAVES)).is_err());
        };
        let initial = Description::decode(&done).map_or(Initial::Recovered, |done| done.initial);
        let last = self.saves()?.last().map(|(_, path)| self.read(path)).transpose()?.flatten();
        Ok(is_changed(self.base()?.as_deref(), initial, &text) && last.as_ref() != Some(&text))
    }

    /// Other files than the text in its folder: what an editor that died left to recover from.
    pub(crate) fn beside_text(&self) -> io::Result<Vec<PathBuf>> {
        let folder = self.folder.join(TEXT);
        // A backup, or the sign of emacs that it has the file open.
        let is_backup =
            |name: &OsString| name.as_encoded_bytes().ends_with(b"~") || name.as_encoded_bytes().starts_with(b".#");
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

/// Whether a text is the start of another: one that was being written down when its writer died.
fn is_cut_off(text: &[u8], whole: &[u8]) -> bool {
    text.len() < whole.len() && whole.starts_with(text)
}

/// The start of the names of the notes of what this text is merged into.
fn merged_start(text: &[u8]) -> String {
    format!("merged-{}-", Version::of(text))
}
