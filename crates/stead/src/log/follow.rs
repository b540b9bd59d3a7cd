//! The lines to come.

use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::filesystem::{Filesystem, VolumeKind};
use crate::lock::Wait;
use crate::log::feed::{Feed, Span};
use crate::log::layout::ACTIVE;
use crate::log::lines::{Decoded, Line, Outcome, decode};
use crate::log::store::Store;
use crate::sys::disk::RealDisk;
use crate::sys::{self, Changes};

/// How long to sleep at most between two looks, where the system tells of changes.
const SURE: Duration = Duration::from_secs(2);
/// And where it does not: network and guest filesystems, or no room for one more watch.
const POLL: Duration = Duration::from_millis(20);

/// The lines from an offset on: those there are, and those to come. It is woken by the system when somebody appends, and
/// goes on across rotations.
///
/// ```
/// use std::time::Duration;
/// use stead::log::{Event, EventReader, EventWriter};
///
/// # let dir = tempfile::tempdir()?;
/// let mut writer = EventWriter::open(dir.path())?;
/// let mut follow = writer.reader().follow(0)?;
/// writer.append(&Event::new("click", serde_json::json!({})))?;
/// let event = follow.next::<Event>(Duration::from_secs(1))?.expect("it is there");
/// assert_eq!(event.value.event_type, "click");
/// assert!(follow.next_line(Duration::ZERO)?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Follow {
    store: Store<RealDisk>,
    feed: Feed<RealDisk>,
    watch: Option<Watch>,
    /// A line that was found by a wait, and is still to be handed out.
    found: Option<Span>,
}

/// How changes are noticed.
enum Watch {
    Told(Changes),
    Polled,
}

impl Follow {
    pub(crate) fn new(store: Store<RealDisk>, feed: Feed<RealDisk>) -> Follow {
        Follow { store, feed, watch: None, found: None }
    }

    /// The next line; `None` if there is none when the wait ends, which it never does early.
    ///
    /// # Errors
    /// [`Damaged`](crate::ErrorKind::Damaged) with the offset, once for each damaged stretch: the next call goes on behind
    /// it; [`Mismatch`](crate::ErrorKind::Mismatch) where the log was made anew.
    pub fn next_line(&mut self, wait: impl Into<Wait>) -> Result<Option<Line<'_>>> {
        let Some(span) = self.next_span(wait.into().deadline())? else { return Ok(None) };
        Ok(Some(Line { offset: span.offset, end: span.next, bytes: self.feed.line(span) }))
    }

    /// The next line, decoded.
    ///
    /// # Errors
    /// As [`next_line`](Follow::next_line); a line that is no `T` is [`Damaged`](crate::ErrorKind::Damaged) too.
    pub fn next<T: DeserializeOwned>(&mut self, wait: impl Into<Wait>) -> Result<Option<Decoded<T>>> {
        let deadline = wait.into().deadline();
        loop {
            let Some(span) = self.next_span(deadline)? else { return Ok(None) };
            match decode(&mut self.feed, span) {
                Outcome::Value(value) => return Ok(Some(value)),
                Outcome::Again => {}
                Outcome::Torn => {
                    if !self.sleep(deadline)? {
                        return Ok(None);
                    }
                }
                Outcome::Failed(error) => return Err(error),
            }
        }
    }

    /// Sleeps until there is a line, which the next call hands out. False: there is none when the wait ends.
    ///
    /// # Errors
    /// As [`next_line`](Follow::next_line).
    pub fn wait(&mut self, wait: impl Into<Wait>) -> Result<bool> {
        self.found = self.next_span(wait.into().deadline())?;
        Ok(self.found.is_some())
    }

    /// The logical offset behind the last line that was handed out.
    pub fn offset(&self) -> u64 {
        self.found.map_or(self.feed.at(), |span| span.offset)
    }

    fn next_span(&mut self, deadline: Option<Instant>) -> Result<Option<Span>> {
        if let Some(span) = self.found.take() {
            return Ok(Some(span));
        }
        loop {
            if let Some(span) = self.feed.next()? {
                return Ok(Some(span));
            }
            if self.watch.is_none() {
                if deadline.is_some_and(|deadline| sys::now() >= deadline) {
                    return Ok(None);
                }
                // What happens from here on is told; what happened before it is read now.
                self.watch = Some(self.begin_to_watch());
                continue;
            }
            if !self.sleep(deadline)? {
                return Ok(None);
            }
        }
    }

    fn begin_to_watch(&self) -> Watch {
        let folder = &self.store.paths.folder;
        let kind = Filesystem::of(folder).map_or(VolumeKind::Unknown, |filesystem| filesystem.kind());
        if matches!(kind, VolumeKind::Network | VolumeKind::Fuse | VolumeKind::Guest) {
            return Watch::Polled;
        }
        Changes::watch(folder, ACTIVE.as_ref()).map_or(Watch::Polled, Watch::Told)
    }

    /// False: the deadline came.
    fn sleep(&mut self, deadline: Option<Instant>) -> Result<bool> {
        let now = sys::now();
        if deadline.is_some_and(|deadline| now >= deadline) {
            return Ok(false);
        }
        let until = |pause: Duration| deadline.map_or(now + pause, |deadline| deadline.min(now + pause));
        match &mut self.watch {
            Some(Watch::Told(changes)) => {
                let told = changes.wait(Some(until(SURE)));
                let told = told.map_err(|error| Error::system("watch", &self.store.paths.folder, error))?;
                if !told {
                    // Perhaps it was moved away, and another one is there by now: watch that.
                    self.watch = None;
                }
            }
            _ => {
                std::thread::sleep(until(POLL).saturating_duration_since(now));
            }
        }
        Ok(true)
    }
}
