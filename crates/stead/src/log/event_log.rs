//! A writer, a reader and views in one.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::log::event::Event;
use crate::log::options::Options;
use crate::log::outcome::{AppendResult, ConditionalAppendError, LockMode, WaitResult};
use crate::log::reader::EventReader;
use crate::log::view::{ReduceFn, View, ViewOps};
use crate::log::writer::EventWriter;

type Views = HashMap<String, Box<dyn ViewOps>>;
type ViewFactory = Box<dyn FnOnce(&Path) -> Box<dyn ViewOps>>;

/// A log with one writer and with views of it.
///
/// ```
/// use serde_json::json;
/// use stead::log::{Event, EventLog};
///
/// # let dir = tempfile::tempdir()?;
/// let mut log = EventLog::builder(dir.path()).view::<u64>("clicks", |count, _| count + 1).open()?;
/// log.append(&Event::new("click", json!({"x": 10})))?;
/// log.refresh_all()?;
/// assert_eq!(*log.view::<u64>("clicks")?, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct EventLog {
    writer: EventWriter,
    reader: EventReader,
    views: Views,
}

/// How a log is opened.
pub struct EventLogBuilder {
    dir: PathBuf,
    options: Options,
    view_factories: Vec<ViewFactory>,
}

impl EventLogBuilder {
    /// Begins a new segment once the active one has at least this many bytes; 0, the default, never.
    #[must_use]
    pub fn max_log_size(mut self, bytes: u64) -> Self {
        self.options = self.options.max_log_size(bytes);
        self
    }

    /// Begins a new segment with the first append that finds the active one this old.
    #[must_use]
    pub fn max_log_age(mut self, age: Duration) -> Self {
        self.options = self.options.max_log_age(age);
        self
    }

    /// Who else may write: nobody, unless told.
    #[must_use]
    pub fn lock_mode(mut self, mode: LockMode) -> Self {
        self.options = self.options.lock_mode(mode);
        self
    }

    /// All that a writer can be told. Replaces what was told before.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Adds a view.
    #[must_use]
    pub fn view<S>(self, name: &str, reducer: ReduceFn<S>) -> Self
    where
        S: Serialize + DeserializeOwned + Default + Clone + 'static,
    {
        self.view_of_version(name, 0, reducer)
    }

    /// Adds a view whose reducer has a version, see [`View::with_version`].
    #[must_use]
    pub fn view_of_version<S>(mut self, name: &str, version: u64, reducer: ReduceFn<S>) -> Self
    where
        S: Serialize + DeserializeOwned + Default + Clone + 'static,
    {
        let name = name.to_owned();
        let factory = move |views_dir: &Path| -> Box<dyn ViewOps> {
            Box::new(View::new(&name, reducer, views_dir).with_version(version))
        };
        self.view_factories.push(Box::new(factory));
        self
    }

    /// Opens or creates the log. An active segment that is full already is sealed.
    ///
    /// # Errors
    /// As [`EventWriter::open`].
    pub fn open(self) -> io::Result<EventLog> {
        let mut writer = EventWriter::opened(&self.dir, self.options)?;
        let rotated = writer.rotate_if_full()?;
        let reader = writer.reader();
        let views = self.view_factories.into_iter().map(|factory| factory(writer.views_dir()));
        let views = views.map(|view| (view.view_name().to_owned(), view)).collect();
        let mut log = EventLog { writer, reader, views };
        if rotated {
            log.refresh_all()?;
        }
        Ok(log)
    }
}

impl fmt::Debug for EventLogBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLogBuilder")
            .field("dir", &self.dir)
            .field("options", &self.options)
            .field("view_count", &self.view_factories.len())
            .finish()
    }
}

impl EventLog {
    /// Opens or creates the log in `dir`, without views.
    ///
    /// # Errors
    /// As [`EventWriter::open`].
    pub fn open(dir: impl AsRef<Path>) -> io::Result<Self> {
        EventLog::builder(dir).open()
    }

    /// How it is opened, for who wants views and more.
    pub fn builder(dir: impl AsRef<Path>) -> EventLogBuilder {
        EventLogBuilder { dir: dir.as_ref().to_path_buf(), options: Options::new(), view_factories: Vec::new() }
    }

    /// See [`EventWriter::append`].
    ///
    /// # Errors
    /// As there.
    pub fn append(&mut self, event: &Event) -> io::Result<AppendResult> {
        self.writer.append(event)
    }

    /// See [`EventWriter::append_batch`].
    ///
    /// # Errors
    /// As there.
    pub fn append_batch(&mut self, events: &[Event]) -> io::Result<AppendResult> {
        self.writer.append_batch(events)
    }

    /// See [`EventWriter::append_if`].
    ///
    /// # Errors
    /// As there.
    pub fn append_if(
        &mut self,
        event: &Event,
        expected_offset: u64,
        expected_hash: &str,
    ) -> Result<AppendResult, ConditionalAppendError> {
        self.writer.append_if(event, expected_offset, expected_hash)
    }

    /// See [`EventReader::read_from`].
    ///
    /// # Errors
    /// As there.
    pub fn read_from(&self, offset: u64) -> io::Result<impl Iterator<Item = io::Result<(Event, u64, String)>>> {
        self.reader.read_from(offset)
    }

    /// See [`EventReader::read_full`].
    ///
    /// # Errors
    /// As there.
    #[expect(clippy::type_complexity, reason = "the signature of eventfold")]
    pub fn read_full(&self) -> io::Result<Box<dyn Iterator<Item = io::Result<(Event, String)>>>> {
        self.reader.read_full()
    }

    /// Seals the active segment, and refreshes the views. An empty one stays.
    ///
    /// # Errors
    /// As [`EventWriter::rotate`].
    pub fn rotate(&mut self) -> io::Result<()> {
        self.writer.rotate(&self.reader, &mut self.views)
    }

    /// Refreshes all views.
    ///
    /// # Errors
    /// As [`View::refresh`], of the first that fails; the others are refreshed all the same.
    pub fn refresh_all(&mut self) -> io::Result<()> {
        let mut outcome = Ok(());
        for view in self.views.values_mut() {
            outcome = outcome.and(view.refresh_boxed(&self.reader));
        }
        outcome
    }

    /// The state of a view.
    ///
    /// # Errors
    /// `NotFound` where there is no view of that name, `InvalidInput` where its state is of another type.
    pub fn view<S>(&self, name: &str) -> io::Result<&S>
    where
        S: Serialize + DeserializeOwned + Default + Clone + 'static,
    {
        let error = |kind, what| io::Error::new(kind, format!("view '{name}' {what}"));
        let view = self.views.get(name).ok_or_else(|| error(io::ErrorKind::NotFound, "not found"))?;
        let view = view.as_any().downcast_ref::<View<S>>();
        Ok(view.ok_or_else(|| error(io::ErrorKind::InvalidInput, "type mismatch"))?.state())
    }

    /// A reader of the same log.
    pub fn reader(&self) -> EventReader {
        self.reader.clone()
    }

    /// The writer.
    pub fn writer(&self) -> &EventWriter {
        &self.writer
    }

    /// The writer.
    pub fn writer_mut(&mut self) -> &mut EventWriter {
        &mut self.writer
    }

    /// The folder of the log.
    pub fn dir(&self) -> &Path {
        self.writer.dir()
    }

    /// The active segment, `app.jsonl`.
    pub fn log_path(&self) -> &Path {
        self.writer.log_path()
    }

    /// Where sealed history is: the folder `segments`.
    pub fn archive_path(&self) -> &Path {
        self.writer.archive_path()
    }

    /// The folder of the views.
    pub fn views_dir(&self) -> &Path {
        self.writer.views_dir()
    }

    /// See [`EventReader::active_log_size`].
    ///
    /// # Errors
    /// As there.
    pub fn active_log_size(&self) -> io::Result<u64> {
        self.reader.active_log_size()
    }

    /// See [`EventReader::end_offset`].
    ///
    /// # Errors
    /// As there.
    pub fn end_offset(&self) -> io::Result<u64> {
        self.reader.end_offset()
    }

    /// See [`EventReader::has_new_events`].
    ///
    /// # Errors
    /// As there.
    pub fn has_new_events(&self, offset: u64) -> io::Result<bool> {
        self.reader.has_new_events(offset)
    }

    /// See [`EventReader::wait_for_events`].
    ///
    /// # Errors
    /// As there.
    pub fn wait_for_events(&self, offset: u64, timeout: Duration) -> io::Result<WaitResult> {
        self.reader.wait_for_events(offset, timeout)
    }

    /// See [`EventReader::read_line_hash_before`].
    ///
    /// # Errors
    /// As there.
    pub fn read_line_hash_before(&self, offset: u64) -> io::Result<Option<String>> {
        self.reader.read_line_hash_before(offset)
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLog")
            .field("writer", &self.writer)
            .field("view_count", &self.views.len())
            .finish_non_exhaustive()
    }
}
