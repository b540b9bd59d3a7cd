//! What an editor leaves beside the text.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::atomic::{Whole, read_whole};
use crate::edit::room::{BYTES_MAX, Room};
use crate::sys::disk::RealDisk;

/// What an editor wrote last: into the draft, or, as nano and emacs do when they are killed, into a file beside it. One that
/// is but the start of what there is else was cut off itself.
pub(crate) fn newest_text(room: &Room<RealDisk>) -> io::Result<Vec<u8>> {
    let best = match room.best_text() {
        // Something else is in its place, and stays beside it.
        Err(_) if room.text_path().symlink_metadata().is_ok_and(|seen| !seen.is_file()) => room.base()?,
        best => best?,
    };
    let best = best.unwrap_or_default();
    let emergency = |path: &PathBuf| role_of(room, path) == Role::Emergency && !is_older(path, &room.text_path());
    let newer = beside(room).into_iter().filter(emergency).max_by_key(|path| modified(path));
    if let Some(Whole::Found(found)) = newer.map(|path| read_whole(&RealDisk, &path, BYTES_MAX)).transpose()? {
        let base = room.base()?.unwrap_or_default();
        if !best.starts_with(&found.content) && !base.starts_with(&found.content) {
            return Ok(found.content);
        }
    }
    Ok(best)
}

/// What lies beside the text, but for what no user would miss.
pub(crate) fn beside(room: &Room<RealDisk>) -> Vec<PathBuf> {
    let mut found = room.beside_text().unwrap_or_default();
    found.retain(|path| role_of(room, path) != Role::Junk);
    found
}

/// What lies beside a text that was saved, and is not for the editor alone: its recovery files count only if they may hold
/// more than the text.
pub(crate) fn left_beside(room: &Room<RealDisk>) -> Vec<PathBuf> {
    let mut left = beside(room);
    left.retain(|path| role_of(room, path) == Role::Users || !is_older(path, &room.text_path()));
    left
}

/// What a file beside the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A whole text, saved by nano or emacs when it was killed.
    Emergency,
    /// What vim recovers from.
    Swap,
    /// What editors and desktops leave anywhere, and what is empty.
    Junk,
    /// Something that was saved under another name.
    Users,
}

fn role_of(room: &Room<RealDisk>, path: &Path) -> Role {
    let of = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (name, found) = (of(&room.text_path()), of(path));
    let is_number = |rest: &str| rest.strip_prefix('.').is_some_and(|digits| digits.parse::<u32>().is_ok());
    let is_nanos = found.strip_prefix(&format!("{name}.save")).is_some_and(|rest| rest.is_empty() || is_number(rest));
    match found.strip_prefix(&format!(".{name}.sw")) {
        Some(letter) if letter.len() == 1 => Role::Swap,
        _ if is_nanos || found == format!("#{name}#") => Role::Emergency,
        _ if found.starts_with('.') || path.extension().is_some_and(|end| end == "tmp") => Role::Junk,
        _ if path.symlink_metadata().is_ok_and(|seen| seen.is_file() && seen.len() == 0) => Role::Junk,
        _ => Role::Users,
    }
}

fn is_older(path: &Path, than: &Path) -> bool {
    modified(path) < modified(than)
}

fn modified(path: &Path) -> SystemTime {
    path.metadata().and_then(|seen| seen.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}
