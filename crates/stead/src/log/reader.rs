//! Reading a log.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};
use crate::lock::Wait;
use crate::log::cursor::{Cursor, LogId, line_hash};
use crate::log::event::Event;
use crate::log::feed::Feed;
use crate::log::follow::Follow;
use crate::log::layout::Paths;
use crate::log::lines::{Events, Lines};
use crate::log::options::LINE_MAX;
use crate::log::outcome::WaitResult;
use crate::log::store::Store;
use crate::log::writer::{boot, foreign_cursor};
use crate::sys::disk::RealDisk;
use crate::sys::{self, Links};

/// Reads a log, without a lock, while others write and rotate it: each event once and in order.
///
/// It opens what it needs at each call, is cheap to clone, and can be sent to other threads.
///
/// ```
/// use serde_json::json;
/// use stead::log::{Event, EventReader, EventWriter};
///
/// # let dir = tempfile::tempdir()?;
/// EventWriter::open(dir.path())?.append(&Event::new("click", json!({"x": 1})))?;
/// let reader = EventReader::new(dir.path());
/// for event in reader.read::<Event>(0)? {
///     let event = event?;
///     println!("{} at {}", event.value.event_type, event.offset);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct EventReader {
    store: Store<RealDisk>,
    archive_path: PathBuf,
    line_max: usize,
}

impl EventReader {
    /// A reader of the log in `dir`; nothing is looked at yet.
    pub fn new(dir: impl AsRef<Path>) -> Self {
        EventReader::of(Store::new(RealDisk, Paths::new(dir.as_ref()), boot()), LINE_MAX)
    }

    pub(crate) fn of(store: Store<RealDisk>, line_max: usize) -> EventReader {
        EventReader { archive_path: store.paths.segments.clone(), store, line_max }
    }

    /// The longest line that is read, in bytes; 64 MiB unless told. A longer one is an error, and passed over.
    #[must_use]
    pub fn max_line(mut self, bytes: usize) -> EventReader {
        self.line_max = bytes;
        self
    }

    /// The events from a logical offset to the end, each with the offset behind it and the hash of its line. Offset 0 is
    /// the beginning of history, whatever was rotated since.
    ///
    /// # Errors
    /// `NotFound` where there is no log. An item is an error where the log is damaged or a line is no event; the next
    /// one is what follows behind it.
    pub fn read_from(&self, offset: u64) -> io::Result<impl Iterator<Item = io::Result<(Event, u64, String)>>> {
        self.events_from(offset)
    }

    fn events_from(&self, offset: u64) -> io::Result<impl Iterator<Item = io::Result<(Event, u64, String)>> + use<>> {
        let mut events = self.read::<Event>(offset)?;
        Ok(std::iter::from_fn(move || {
            let event = events.next()?;
            Some(event.map(|event| (event.value, event.end, line_hash(events.line()))).map_err(io::Error::from))
        }))
    }

    /// All events there are, each with the hash of its line.
    ///
    /// # Errors
    /// As [`read_from`](EventReader::read_from).
    #[expect(clippy::type_complexity, reason = "the signature of eventfold")]
    pub fn read_full(&self) -> io::Result<Box<dyn Iterator<Item = io::Result<(Event, String)>>>> {
        let events = self.events_from(0)?;
        Ok(Box::new(events.map(|event| event.map(|(event, _, hash)| (event, hash)))))
    }

    /// The lines from an offset to the end, as whatever they are decoded to.
    ///
    /// # Errors
    /// As [`read_from`](EventReader::read_from).
    pub fn read<T: DeserializeOwned>(&self, offset: u64) -> Result<Events<T>> {
        Ok(Events::new(self.lines(offset)?))
    }

    /// The stored lines from an offset to the end, without decoding, and without an allocation for each of them.
    ///
    /// # Errors
    /// As [`read_from`](EventReader::read_from).
    pub fn lines(&self, offset: u64) -> Result<Lines> {
        let parts = self.store.parts()?;
        let log = parts.manifest.map(|manifest| manifest.id);
        let end = parts.base + parts.active.map_or(0, |active| active.len);
        Ok(Lines::new(self.feed(offset).of(log), end))
    }

    /// The lines from an offset on, those there are and those to come.
    ///
    /// # Errors
    /// As [`read_from`](EventReader::read_from).
    pub fn follow(&self, offset: u64) -> Result<Follow> {
        let log = self.store.parts()?.manifest.map(|manifest| manifest.id);
        Ok(Follow::new(self.store.clone(), self.feed(offset).of(log)))
    }

    fn feed(&self, offset: u64) -> Feed<RealDisk> {
        Feed::new(self.store.clone(), offset, self.line_max)
    }

    /// Checks that a cursor belongs here, and gives its offset.
    ///
    /// # Errors
    /// [`Mismatch`](ErrorKind::Mismatch) for a cursor of another log, and where the line before it is another one: the log
    /// was restored from a backup, or lost what was not durable in a power cut.
    pub fn offset_of(&self, cursor: &Cursor) -> Result<u64> {
        let id = self.log_id()?;
        if cursor.log != id {
            return Err(foreign_cursor(cursor, id, &self.store.paths.folder));
        }
        let found = self.store.line_before(cursor.offset)?.map(|line| line.hash);
        if found != cursor.hash {
            let what = match found {
                Some(found) => format!("before offset {} is a line with the hash {found:016x}", cursor.offset),
                None => format!("no line ends at offset {}", cursor.offset),
            };
            return Err(Error::found(ErrorKind::Mismatch, "use a cursor of", &self.store.paths.folder, what)
                .with_hint(
                    "the log holds another history: it was restored, or lost in a power cut what was not durable yet",
                ));
        }
        Ok(cursor.offset)
    }

    /// The place behind the line that ends at `offset`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) where no line ends there.
    pub fn cursor_at(&self, offset: u64) -> Result<Cursor> {
        let log = self.log_id()?;
        let hash = self.store.line_before(offset)?.map(|line| line.hash);
        if hash.is_none() && offset > 0 {
            return Err(Error::found(
                ErrorKind::InvalidInput,
                "make a cursor of",
                &self.store.paths.folder,
                format!("no line ends at offset {offset}"),
            ));
        }
        Ok(Cursor { log, offset, hash })
    }

    /// The place behind the last event.
    ///
    /// # Errors
    /// As [`lines`](EventReader::lines).
    pub fn end(&self) -> Result<Cursor> {
        let log = self.log_id()?;
        Ok(match self.store.last_line()? {
            Some(line) => Cursor { log, offset: line.end, hash: Some(line.hash) },
            None => Cursor { log, offset: 0, hash: None },
        })
    }

    /// Which log it is.
    ///
    /// # Errors
    /// Where there is no log, or none that has a name yet: a directory of eventfold's gets one from the first writer.
    pub fn log_id(&self) -> Result<LogId> {
        self.store.name()?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "read", &self.store.paths.manifest)
                .with_hint("the log has no name yet; its first writer gives it one")
        })
    }

    /// Where the last event ends, as a logical offset; 0 without events.
    ///
    /// # Errors
    /// As [`lines`](EventReader::lines).
    pub fn end_offset(&self) -> io::Result<u64> {
        Ok(self.store.last_line()?.map_or(0, |line| line.end))
    }

    /// Whether there are events behind this offset.
    ///
    /// # Errors
    /// As [`lines`](EventReader::lines).
    pub fn has_new_events(&self, offset: u64) -> io::Result<bool> {
        Ok(self.end_offset()? > offset)
    }

    /// Sleeps until there are events behind this offset, or the time is over; neither earlier nor later.
    ///
    /// # Errors
    /// As [`lines`](EventReader::lines), and where the log is damaged behind the offset.
    pub fn wait_for_events(&self, offset: u64, timeout: Duration) -> io::Result<WaitResult> {
        let found = self.follow(offset)?.wait(timeout)?;
        Ok(if found { WaitResult::NewData(self.end_offset()?) } else { WaitResult::Timeout })
    }

    /// The hash of the line that ends at this offset; `None` where none does.
    ///
    /// # Errors
    /// As [`lines`](EventReader::lines).
    pub fn read_line_hash_before(&self, offset: u64) -> io::Result<Option<String>> {
        Ok(self.store.line_before(offset)?.map(|line| format!("{:016x}", line.hash)))
    }

    /// The size of `app.jsonl` in bytes, which is not where the log ends: see [`end_offset`](EventReader::end_offset).
    ///
    /// # Errors
    /// Those of stat(2).
    pub fn active_log_size(&self) -> io::Result<u64> {
        let path = &self.store.paths.active;
        Ok(sys::stat(path, Links::Follow).map_err(|error| Error::system("look at", path, error))?.len)
    }

    /// The active segment, `app.jsonl`.
    pub fn log_path(&self) -> &Path {
        &self.store.paths.active
    }

    /// Where sealed history is: the folder `segments`.
    pub fn archive_path(&self) -> &Path {
        &self.archive_path
    }

    pub(crate) fn store(&self) -> &Store<RealDisk> {
        &self.store
    }
}

impl Wait {
    /// The same wait, if it is one for events: no wait is one look.
    pub(crate) fn deadline(self) -> Option<std::time::Instant> {
        match self {
            Wait::No => Some(sys::now()),
            Wait::For(duration) => sys::now().checked_add(duration),
            Wait::Until(instant) => Some(instant),
            Wait::Forever => None,
        }
    }
}
