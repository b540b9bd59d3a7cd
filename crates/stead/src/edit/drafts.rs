//! The drafts of this user: where they are, and which there are.

use std::env;
use std::ffi::OsStr;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use etcetera::BaseStrategy;
use xxhash_rust::xxh3::xxh3_64;

use crate::edit::beside::{beside, left_beside};
use crate::edit::description::Description;
use crate::edit::room::Room;
use crate::edit::verdict::{Initial, is_changed};
use crate::error::{Error, ErrorKind, Result};
use crate::filesystem::folder_of;
use crate::lock::{FileLock, Guard};
use crate::sys::disk::{Disk, RealDisk};
use crate::sys::{self, Access};

/// The environment variable that names the folder of all drafts.
pub const DRAFTS_VARIABLE: &str = "STEAD_DRAFTS";

/// How many random names to try for a new folder.
const TRIES: usize = 16;
/// How far up a new folder's name is made durable.
const NEW_FOLDERS_MAX: usize = 4;

/// The folder of all drafts of this user: what `STEAD_DRAFTS` names, or `stead/drafts` in the platform's folder for state
/// (`$XDG_STATE_HOME` or `~/.local/state`). It need not be there yet.
///
/// # Errors
/// [`NotFound`](ErrorKind::NotFound) where the user has no home folder.
pub fn drafts_folder() -> Result<PathBuf> {
    if let Some(folder) = env::var_os(DRAFTS_VARIABLE).filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let strategy = etcetera::choose_base_strategy().map_err(|_| {
        Error::new(ErrorKind::NotFound, "find the home folder for drafts of", Path::new("this user"))
            .with_hint(format!("set HOME, or name a private folder in {DRAFTS_VARIABLE}"))
    })?;
    let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Ok(state.join("stead").join("drafts"))
}

/// The drafts in `folder` that hold something that their files do not, the newest first. Nothing there is no error.
///
/// # Errors
/// Where the folder cannot be read.
pub fn drafts(folder: impl AsRef<Path>) -> Result<Vec<Draft>> {
    let mut drafts: Vec<Draft> =
        all_in(&plain(folder.as_ref()), "")?.into_iter().filter(Draft::holds_something).collect();
    drafts.sort_by_key(|draft| std::cmp::Reverse(draft.saved()));
    Ok(drafts)
}

/// A draft that a session left, or works on.
#[derive(Debug, Clone)]
pub struct Draft {
    room: Room<RealDisk>,
    path: PathBuf,
    description: Description,
}

impl Draft {
    /// The real path of the file that it is a draft of.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its text is.
    pub fn draft(&self) -> PathBuf {
        self.room.text_path()
    }

    /// When its session began.
    pub fn started(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.description.started_us)
    }

    /// When its text was last saved.
    pub fn saved(&self) -> SystemTime {
        let modified = self.draft().metadata().and_then(|metadata| metadata.modified());
        modified.unwrap_or_else(|_| self.started())
    }

    /// Whether a session works on it now, or an editor that outlived its session, as far as can be told.
    pub fn is_in_use(&self) -> bool {
        self.is_in_session() || self.open_in().is_some()
    }

    /// Whether a session works on it now.
    pub fn is_in_session(&self) -> bool {
        FileLock::at(self.room.lock_path()).inspect().is_ok_and(|seen| seen.held)
    }

    /// A process that has its text open in an editor, where the system tells.
    pub fn open_in(&self) -> Option<u32> {
        sys::process_using(self.room.folder())
    }

    /// Whether it has both sides of a conflict in it.
    pub fn is_conflict(&self) -> bool {
        self.description.conflict
    }

    /// Its text: what the editor saved last, as far as that is whole.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn content(&self) -> Result<Vec<u8>> {
        let text = self.room.best_text().map_err(|error| Error::system("read the draft", &self.draft(), error))?;
        Ok(text.unwrap_or_default())
    }

    /// The texts that the editor saved before, the newest first.
    pub fn earlier(&self) -> Vec<PathBuf> {
        let mut saves = self.room.saves().unwrap_or_default();
        // What the session went on with is no text that an editor saved.
        saves.retain(|(number, _)| *number != self.description.saves_from);
        saves.into_iter().rev().map(|(_, path)| path).collect()
    }

    /// What else an editor left beside the text: what it recovers from, or something that was saved under another name.
    pub fn left_by_editor(&self) -> Vec<PathBuf> {
        beside(&self.room)
    }

    /// The start of its folder's name, which all drafts of its file have in common.
    pub(crate) fn key(&self) -> String {
        let name = self.room.folder().file_name().unwrap_or_default().to_string_lossy();
        name.split_inclusive('-').next().unwrap_or_default().to_owned()
    }

    pub(crate) fn description(&self) -> &Description {
        &self.description
    }

    pub(crate) fn room(&self) -> &Room<RealDisk> {
        &self.room
    }

    /// Whether there is anything in it that its file did not have. What cannot be read may be something.
    pub(crate) fn holds_something(&self) -> bool {
        let is_changed = || -> io::Result<bool> {
            let (base, text) = (self.room.base()?, self.room.best_text()?);
            Ok(text.is_some_and(|text| is_changed(base.as_deref(), self.description.initial, &text)))
        };
        self.is_conflict() || is_changed().unwrap_or(true) || !self.left_by_editor().is_empty()
    }
}

/// The start of the names of all drafts of the file at this real path.
pub(crate) fn key(path: &Path) -> String {
    format!("{:016x}-", xxh3_64(path.as_os_str().as_encoded_bytes()))
}

/// The drafts in folders whose name begins so, whether they hold something or not.
pub(crate) fn all_in(folder: &Path, start: &str) -> Result<Vec<Draft>> {
    let rooms = rooms(folder, start)?;
    Ok(rooms.iter().filter_map(|room| read(room).ok().flatten()).collect())
}

/// Removes what is left in folders of drafts of the file at this real path that were committed, or never came to be. If
/// somebody has written a text there since, it becomes a draft.
pub(crate) fn sweep(folder: &Path, path: &Path) -> Result<()> {
    for found in rooms(folder, &key(path))? {
        let room = Room::new(RealDisk, &found, path.file_name().unwrap_or_default());
        let is_draft = || room.is_draft();
        if is_draft() {
            continue;
        }
        if let Ok(guard) = enter(&room)
            && !is_draft()
        {
            let is_late = room.has_late_text().unwrap_or(true);
            if !is_late && left_beside(&room).is_empty() {
                clear(&room, guard);
            } else {
                adopt(&room, path);
            }
        }
    }
    Ok(())
}

/// Makes a draft of a text that nobody described. Where that fails it stays as it is.
fn adopt(room: &Room<RealDisk>, path: &Path) {
    let (path, started_us) = (path.to_path_buf(), sys::wall_micros());
    let _ =
        room.describe(&Description { path, initial: Initial::Recovered, conflict: false, started_us, saves_from: 0 });
}

fn rooms(folder: &Path, start: &str) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| Error::system("list the drafts in", folder, error))?,
    };
    let is_named = |path: &PathBuf| {
        path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(start) && is_name(name))
    };
    // One that another user has put there is not ours to go on with.
    Ok(entries.flatten().map(|entry| entry.path()).filter(|path| is_named(path) && sys::is_own(path)).collect())
}

/// Whether it is one of ours: two numbers of 16 hexadecimal digits.
fn is_name(name: &str) -> bool {
    let is_number = |word: &str| word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    name.split_once('-').is_some_and(|(key, random)| is_number(key) && is_number(random))
}

fn read(folder: &Path) -> io::Result<Option<Draft>> {
    let Some(description) = Room::new(RealDisk, folder, OsStr::new("")).description()? else { return Ok(None) };
    let path = description.path.clone();
    let room = Room::new(RealDisk, folder, path.file_name().unwrap_or_default());
    Ok(Some(Draft { room, path, description }))
}

/// A new folder for a draft of the file at this real path, in use by this thread.
pub(crate) fn create(folder: &Path, path: &Path) -> Result<(Room<RealDisk>, Guard)> {
    let fail = |error: io::Error| {
        Error::system("make a private folder for drafts in", folder, error)
            .with_hint(format!("name a folder of your own in {DRAFTS_VARIABLE}; nothing was touched"))
    };
    if sys::create_private_folder(folder).map_err(fail)? {
        let above = std::path::absolute(folder).map_err(fail)?;
        // What cannot be synced was there before.
        above.ancestors().skip(1).take(NEW_FOLDERS_MAX).for_each(|folder| drop(sys::sync_folder(folder)));
    }
    let (folder, name) = (plain(folder), path.file_name().unwrap_or_default());
    for _ in 0..TRIES {
        let random = RandomState::new().build_hasher().finish();
        let room = Room::new(RealDisk, &folder.join(format!("{}{random:016x}", key(path))), name);
        if !sys::create_private_folder(room.folder()).map_err(fail)? {
            continue;
        }
        // A sweep may take it for a remainder until it is entered.
        match enter(&room) {
            Ok(guard) => {
                // Its folder keeps others out already.
                let lock = RealDisk.open(&room.lock_path(), Access::ReadWrite);
                let _ = lock.and_then(|lock| RealDisk.set_mode(&lock, 0o600));
                return Ok((room, guard));
            }
            Err(error) if error.is_busy() || error.is_not_found() => {}
            Err(error) => {
                let _ = std::fs::remove_dir(room.folder());
                return Err(error);
            }
        }
    }
    Err(fail(io::Error::other("new folders are swept away as soon as they are made")))
}

/// Keeps other sessions from a draft.
pub(crate) fn enter(room: &Room<RealDisk>) -> Result<Guard> {
    FileLock::at(room.lock_path()).try_lock()
}

/// Removes a draft that is in use by this thread, as `guard` shows. What stays is swept some day.
pub(crate) fn remove(room: &Room<RealDisk>, guard: Guard) -> Result<()> {
    room.forget().map_err(|error| Error::system("remove the draft", &room.text_path(), error))?;
    clear(room, guard);
    Ok(())
}

/// Some systems remove no file that is open: the lock goes last, once it is given back.
fn clear(room: &Room<RealDisk>, guard: Guard) {
    if std::fs::remove_dir_all(room.folder()).is_err() {
        drop(guard);
        let _ = std::fs::remove_dir_all(room.folder());
    }
}

/// The path of a file without links, of which there is a key.
pub(crate) fn real_path(target: &Path) -> io::Result<PathBuf> {
    Ok(folder_of(target).canonicalize()?.join(target.file_name().unwrap_or_default()))
}

/// The one spelling of a folder that need not be there yet, by which all processes know it.
pub(crate) fn plain(folder: &Path) -> PathBuf {
    folder.canonicalize().or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.to_path_buf())
}
