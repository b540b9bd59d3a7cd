//! Sleeping until a file may have changed, over the crate `notify`: kqueue, `ReadDirectoryChangesW`, and inotify where
//! this is tested.
//!
//! A thread of `notify` hears the events and leaves a note; the waiter sleeps on a condition. kqueue tells neither of
//! writes below a folder nor which name in it changed, so the file is watched as well, each time anew after something
//! happened, and an event about the folder alone makes us look which file has the name.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use notify::event::ModifyKind;
use notify::{Config, Event, EventKind, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher, WatcherKind};

use crate::sys::{FileId, FileKind, Links, now, stat};

/// Whether the file is watched beside its folder. Windows tells of writes below a folder, and cannot watch a file.
const WATCHES_FILE: bool = cfg!(unix);

/// Whether two spellings of a name that differ in case are one name.
const IGNORES_CASE: bool = cfg!(windows);

/// How often it is tried to watch a file that comes and goes.
const ATTEMPTS_MAX: u32 = 8;

/// Tells that something may have changed about one name in a folder.
#[derive(Debug)]
pub(crate) struct Changes {
    watcher: RecommendedWatcher,
    shared: Arc<Shared>,
    path: PathBuf,
    /// The file that had the name when it was last looked at, before the file was watched.
    seen: Option<FileId>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    name: OsString,
    heard: Mutex<Heard>,
    changed: Condvar,
}

/// What has been heard since the last look: it does not grow.
#[derive(Debug, Default)]
struct Heard {
    /// Something about the name, or about the folder as a whole.
    is_told: bool,
    /// Something in the folder, perhaps about the name.
    is_doubtful: bool,
    error: Option<io::Error>,
}

impl Changes {
    /// Watches `name` in `folder`: that it is written into, truncated, created, renamed to or from, removed; and that
    /// the folder itself is removed or moved. Changes after this returns are told.
    ///
    /// Windows tells of a write when it is flushed or its file is closed, which can be much later, and of a moved
    /// folder not at all; both Windows and kqueue tell nothing of a network's other machines.
    ///
    /// # Errors
    /// Those of the system; `Unsupported` where `notify` would only poll, which the caller does better.
    pub(crate) fn watch(folder: &Path, name: &OsStr) -> io::Result<Changes> {
        if RecommendedWatcher::kind() == WatcherKind::PollWatcher {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let folder = absolute(folder)?;
        // The errors of `notify` do not always say it.
        if stat(&folder, Links::Follow)?.kind != FileKind::Folder {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let path = folder.join(name);
        let shared = Arc::new(Shared { folder, name: name.into(), heard: Mutex::default(), changed: Condvar::new() });
        let its = Arc::clone(&shared);
        // Without the events of opening and closing: a look at the file must not be a change of it.
        let config = Config::default().with_event_kinds(EventKindMask::CORE);
        let watcher = RecommendedWatcher::new(move |event| its.hear(event), config).map_err(io_error)?;
        let mut changes = Changes { watcher, shared, path, seen: None };
        changes.watcher.watch(&changes.shared.folder, RecursiveMode::NonRecursive).map_err(io_error)?;
        changes.watch_file()?;
        Ok(changes)
    }

    /// Sleeps until something may have changed since the last call returned (or since `watch`), or until `deadline`
    /// (None: for ever). True: look. False: the deadline came. Events about other names in the folder are not told;
    /// that some were lost is.
    ///
    /// # Errors
    /// What the watching thread reports. Nothing may be told any more then.
    pub(crate) fn wait(&mut self, deadline: Option<Instant>) -> io::Result<bool> {
        loop {
            let heard = self.shared.take(deadline);
            if let Some(error) = heard.error {
                return Err(error);
            }
            if heard.is_told || (heard.is_doubtful && self.has_another_file()) {
                // Before the caller looks, so that nothing falls between.
                self.watch_file()?;
                return Ok(true);
            }
            if deadline.is_some_and(|deadline| now() >= deadline) {
                return Ok(false);
            }
        }
    }

    /// Watches the file that has the name now, if there is one: the last one may be another, and what watched it may
    /// have ended with a rename.
    fn watch_file(&mut self) -> io::Result<()> {
        if !WATCHES_FILE {
            return Ok(());
        }
        // It is not watched if it was not there, or if it has gone.
        let _ = self.watcher.unwatch(&self.path);
        let mut attempt = 1;
        loop {
            // Looked at first: a file that comes between is another one at the next look.
            self.seen = self.file();
            let Err(error) = self.watcher.watch(&self.path, RecursiveMode::NonRecursive) else { return Ok(()) };
            if self.file().is_none() {
                // The folder tells when it comes.
                self.seen = None;
                return Ok(());
            }
            // It came between, or else it cannot be watched, and what is written into it would never be told.
            if attempt == ATTEMPTS_MAX {
                return Err(io_error(error));
            }
            attempt += 1;
        }
    }

    fn has_another_file(&self) -> bool {
        self.file() != self.seen
    }

    fn file(&self) -> Option<FileId> {
        stat(&self.path, Links::Refuse).ok().map(|stat| stat.id)
    }
}

impl Shared {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until something is heard or the deadline comes, and takes it.
    fn take(&self, deadline: Option<Instant>) -> Heard {
        let mut heard = self.heard();
        while heard.is_empty() {
            heard = match deadline.map(|deadline| deadline.saturating_duration_since(now())) {
                Some(left) if left.is_zero() => break,
                Some(left) => self.changed.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(heard).unwrap_or_else(PoisonError::into_inner),
            };
        }
        std::mem::take(&mut *heard)
    }

    /// What the thread of `notify` calls.
    fn hear(&self, event: notify::Result<Event>) {
        let mut heard = self.heard();
        match event {
            Ok(event) => self.weigh(&event, &mut heard),
            Err(error) => heard.error = Some(io_error(error)),
        }
        if !heard.is_empty() {
            self.changed.notify_one();
        }
    }

    /// Adds what the event says about the name.
    fn weigh(&self, event: &Event, heard: &mut Heard) {
        if event.kind.is_access() {
            return;
        }
        // Events were lost, or it is not said what this is about.
        heard.is_told |= event.need_rescan() || event.paths.is_empty();
        for path in &event.paths {
            if *path != self.folder {
                heard.is_told |= path.file_name().is_some_and(|name| self.is_name(name));
            } else if is_about_the_folder_as_a_whole(event.kind) {
                heard.is_told = true;
            } else {
                heard.is_doubtful = true;
            }
        }
    }

    fn is_name(&self, name: &OsStr) -> bool {
        if IGNORES_CASE { name.eq_ignore_ascii_case(&self.name) } else { name == self.name }
    }
}

impl Heard {
    fn is_empty(&self) -> bool {
        !self.is_told && !self.is_doubtful && self.error.is_none()
    }
}

/// That it is gone or elsewhere. All else that is said of a folder is how kqueue tells of the names in it.
fn is_about_the_folder_as_a_whole(kind: EventKind) -> bool {
    matches!(kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)))
}

fn io_error(error: notify::Error) -> io::Error {
    match error.kind {
        notify::ErrorKind::Io(error) => error,
        notify::ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
        _ => io::Error::other(error),
    }
}

/// The promises of every platform are tested in `sys/changes_tests.rs`. Here is what only kqueue does: events about the
/// folder without a name.
#[cfg(all(test, unix))]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use notify::event::{DataChange, Flag, RemoveKind};

    use super::*;

    fn soon() -> Instant {
        now() + Duration::from_millis(50)
    }

    /// A change of something in `folder`, as kqueue tells it.
    fn in_folder(changes: &Changes) -> Event {
        let kind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        Event::new(kind).add_path(changes.shared.folder.clone())
    }

    /// Watches `log`, but nothing is told by the system.
    fn deaf(folder: &Path) -> Changes {
        let mut changes = Changes::watch(folder, OsStr::new("log")).unwrap();
        changes.watcher.unwatch(folder).unwrap();
        changes.watcher = RecommendedWatcher::new(|_| {}, Config::default()).unwrap();
        changes.wait(Some(soon())).unwrap();
        changes
    }

    #[test]
    fn a_change_in_the_folder_is_told_if_another_file_has_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut changes = deaf(folder.path());
        changes.shared.hear(Ok(in_folder(&changes)));
        assert!(!changes.wait(Some(soon())).unwrap());
        let first = File::create(&log).unwrap();
        assert!(!changes.wait(Some(soon())).unwrap());
        changes.shared.hear(Ok(in_folder(&changes)));
        assert!(changes.wait(Some(soon())).unwrap());
        changes.shared.hear(Ok(in_folder(&changes)));
        assert!(!changes.wait(Some(soon())).unwrap());
        std::fs::remove_file(&log).unwrap();
        File::create(&log).unwrap();
        changes.shared.hear(Ok(in_folder(&changes)));
        assert!(changes.wait(Some(soon())).unwrap());
        std::fs::remove_file(&log).unwrap();
        changes.shared.hear(Ok(in_folder(&changes)));
        assert!(changes.wait(Some(soon())).unwrap());
        changes.shared.hear(Ok(in_folder(&changes)));
        assert!(!changes.wait(Some(soon())).unwrap());
        drop(first);
    }

    #[test]
    fn what_is_told_is_not_lost_behind_a_doubt() {
        let folder = tempfile::tempdir().unwrap();
        let mut changes = deaf(folder.path());
        let gone = Event::new(EventKind::Remove(RemoveKind::Any)).add_path(changes.shared.folder.clone());
        for event in [gone, Event::new(EventKind::Other).set_flag(Flag::Rescan)] {
            changes.shared.hear(Ok(in_folder(&changes)));
            changes.shared.hear(Ok(event));
            changes.shared.hear(Ok(in_folder(&changes)));
            assert!(changes.wait(Some(soon())).unwrap());
            assert!(!changes.wait(Some(soon())).unwrap());
        }
    }

    #[test]
    fn an_error_of_the_watching_thread_is_returned_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut changes = deaf(folder.path());
        changes.shared.hear(Err(notify::Error::generic("deaf")));
        assert!(changes.wait(None).unwrap_err().to_string().contains("deaf"));
        assert!(!changes.wait(Some(soon())).unwrap());
    }
}
