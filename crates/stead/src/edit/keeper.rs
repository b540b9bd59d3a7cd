//! Keeps what the editor saves, while it runs.
//!
//! A thread for each draft sleeps until its file changes (or a second has passed), waits until that is settled, and keeps
//! a durable copy. A system that tells of no changes is looked at every second.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::atomic::Version;
use crate::edit::room::Room;
use crate::filesystem::folder_of;
use crate::sys::disk::RealDisk;
use crate::sys::{self, Changes};

/// How long to sleep at most between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// A text is settled when nothing has happened for so long,
const QUIET: Duration = Duration::from_millis(20);
/// or so long after the first change.
const SETTLED: Duration = Duration::from_millis(200);

/// Watches one draft until it is dropped.
#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Mutex<Watched>>,
}

#[derive(Debug)]
struct Watched {
    room: Room<RealDisk>,
    /// What was kept last, or need not be.
    known: Version,
    /// What the file looked like then.
    seen: Option<Look>,
    /// Nobody wants to know any more.
    is_over: bool,
}

/// What tells one state of a file from another without reading it.
type Look = (u64, Option<SystemTime>, u64);

impl Keeper {
    /// Keeps what is saved from now on in the place of `known`. Where the system has no thread to spare, only what is there
    /// at the end is kept.
    pub(crate) fn start(room: Room<RealDisk>, known: &[u8]) -> Keeper {
        let path = room.text_path();
        // Before the editor starts, so that nothing comes between.
        let changes = path.file_name().and_then(|name| Changes::watch(folder_of(&path), name).ok());
        let known = Version::of(known);
        let shared = Arc::new(Mutex::new(Watched { room, known, seen: None, is_over: false }));
        let its = Arc::clone(&shared);
        let _ = std::thread::Builder::new().name("draft".to_owned()).spawn(move || watch(&its, changes));
        Keeper { shared }
    }

    /// Keeps what is there now, and then no more. If the editor did not end by itself, `is_whole` is false: what is only the
    /// start of the text before was cut off, and is not kept.
    pub(crate) fn stop(self, is_whole: bool) -> std::io::Result<()> {
        let mut watched = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        watched.is_over = true;
        if !is_whole && watched.room.text()? != watched.room.best_text()? {
            return Ok(());
        }
        watched.keep()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The thread finds out at its next look, and does nothing any more.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
    }
}

fn watch(shared: &Mutex<Watched>, mut changes: Option<Changes>) {
    loop {
        let is_told = sleep(&mut changes, sys::now().checked_add(LOOK));
        if is_told {
            settle(&mut changes);
        }
        let mut watched = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.is_over {
            return;
        }
        if is_told || watched.looks_changed() {
            // It is tried again after the next change, and at the end.
            let _ = watched.keep();
        }
    }
}

/// Waits until nothing has happened for a while.
fn settle(changes: &mut Option<Changes>) {
    let begun = sys::now();
    while sleep(changes, sys::now().checked_add(QUIET)) && sys::now().saturating_duration_since(begun) < SETTLED {}
}

/// Whether something may have changed; false: the deadline came.
fn sleep(changes: &mut Option<Changes>, deadline: Option<Instant>) -> bool {
    if let Some(told) = changes {
        match told.wait(deadline) {
            Ok(is_told) => return is_told,
            Err(_) => *changes = None,
        }
    }
    let left = deadline.map_or(LOOK, |deadline| deadline.saturating_duration_since(sys::now()));
    std::thread::park_timeout(left);
    false
}

impl Watched {
    fn looks_changed(&self) -> bool {
        self.look() != self.seen
    }

    fn look(&self) -> Option<Look> {
        look(&self.room.text_path())
    }

    /// Keeps the text if it is another one.
    fn keep(&mut self) -> std::io::Result<()> {
        let look = self.look();
        let Some(text) = self.room.text()? else { return Ok(()) };
        let version = Version::of(&text);
        if version != self.known {
            self.room.keep(&text)?;
            self.known = version;
        }
        self.seen = look;
        Ok(())
    }
}

fn look(path: &Path) -> Option<Look> {
    let metadata = path.symlink_metadata().ok()?;
    let id = sys::stat(path, sys::Links::Refuse).ok()?.id;
    Some((metadata.len(), metadata.modified().ok(), id.inode))
}
