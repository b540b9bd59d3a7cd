//! State that is folded from events.

use std::any::Any;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::log::cursor::{LogId, line_hash};
use crate::log::event::Event;
use crate::log::reader::EventReader;
use crate::log::snapshot::{self, Saved};

/// Folds an event into the state. It should depend on nothing else, and pass over events it does not know.
pub type ReduceFn<S> = fn(S, &Event) -> S;

mod sealed {
    pub trait Sealed {}
}

/// What can be done with a view of any state.
pub trait ViewOps: sealed::Sealed {
    /// Folds in what is new.
    ///
    /// # Errors
    /// As [`View::refresh`].
    fn refresh_boxed(&mut self, reader: &EventReader) -> io::Result<()>;
    /// Saves the snapshot. Offsets are logical, so that there is nothing to reset: a rotation changes none.
    ///
    /// # Errors
    /// As [`snapshot::save`].
    fn reset_offset(&mut self) -> io::Result<()>;
    /// The name of the view.
    fn view_name(&self) -> &str;
    /// The view itself.
    fn as_any(&self) -> &dyn Any;
    /// The view itself.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// State folded from the events of a log, with a snapshot that saves folding all of them each time.
///
/// ```
/// use serde_json::json;
/// use stead::log::{Event, EventWriter, View};
///
/// # let dir = tempfile::tempdir()?;
/// let mut writer = EventWriter::open(dir.path())?;
/// let mut clicks: View<u64> = View::new("clicks", |count, _| count + 1, writer.views_dir()).with_version(1);
/// writer.append(&Event::new("click", json!({})))?;
/// assert_eq!(*clicks.refresh(&writer.reader())?, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct View<S> {
    name: String,
    reducer: ReduceFn<S>,
    version: u64,
    snapshot_path: PathBuf,
    state: S,
    log: Option<LogId>,
    offset: u64,
    hash: String,
    /// Whether the state above is that of the offset above.
    loaded: bool,
}

impl<S> View<S>
where
    S: Serialize + DeserializeOwned + Default + Clone,
{
    /// A view with this name, whose snapshot is `NAME.snapshot.json` in `views_dir`. Nothing is read yet.
    pub fn new(name: &str, reducer: ReduceFn<S>, views_dir: &Path) -> Self {
        View {
            name: name.to_owned(),
            reducer,
            version: 0,
            snapshot_path: views_dir.join(format!("{name}.snapshot.json")),
            state: S::default(),
            log: None,
            offset: 0,
            hash: String::new(),
            loaded: false,
        }
    }

    /// Says which version of the reducer this is: a snapshot of another one is not used, and all is folded anew.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Folds in what is new, and saves the snapshot if there was anything. Lines that are no events are passed over.
    ///
    /// # Errors
    /// Where the log cannot be read: what was folded in before that stays, and the next refresh goes on there (trap 37);
    /// where the snapshot cannot be saved: the state is right, and will be folded once more by the next process.
    pub fn refresh(&mut self, reader: &EventReader) -> io::Result<&S> {
        let log = reader.store().name()?;
        if !self.loaded || self.log != log {
            self.load(reader, log)?;
        }
        // A reducer that panics takes the state with it: the next refresh begins with the snapshot.
        self.loaded = false;
        let from = self.offset;
        let mut state = std::mem::take(&mut self.state);
        let outcome = reader.read::<Event>(from).and_then(|mut events| {
            while let Some(event) = events.next() {
                match event {
                    Ok(event) => {
                        state = (self.reducer)(std::mem::take(&mut state), &event.value);
                        (self.offset, self.hash) = (event.end, line_hash(events.line()));
                    }
                    // An object of somebody else's is no event, and nothing to fold in.
                    Err(error) if error.is_unexpected() && !is_meant_as_event(events.line()) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        self.state = state;
        self.loaded = true;
        let saved = if self.offset == from { Ok(()) } else { self.save() };
        outcome?;
        saved?;
        Ok(&self.state)
    }

    /// The state as it was folded last; the default one before the first refresh. Nothing is read.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// Forgets the snapshot and folds all events anew.
    ///
    /// # Errors
    /// As [`refresh`](View::refresh).
    pub fn rebuild(&mut self, reader: &EventReader) -> io::Result<&S> {
        snapshot::delete(&self.snapshot_path)?;
        self.forget();
        self.log = reader.store().name()?;
        self.loaded = true;
        self.refresh(reader)
    }

    /// The name of the view.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn forget(&mut self) {
        (self.state, self.offset, self.hash) = (S::default(), 0, String::new());
    }

    /// Takes what the snapshot says, if it is of this log, of this version of the reducer, and of what the log holds.
    fn load(&mut self, reader: &EventReader, log: Option<LogId>) -> io::Result<()> {
        self.forget();
        self.log = log;
        let saved: Option<Saved<S>> = snapshot::load_as(&self.snapshot_path)?;
        let is_ours = |saved: &Saved<S>| log.is_some() && saved.log() == log && saved.version == self.version;
        if let Some(Saved { state, offset, hash, .. }) = saved.filter(is_ours) {
            // A log that cannot be read is an error, and no reason to fold anew.
            let before = reader.read_line_hash_before(offset)?;
            if before.as_deref().unwrap_or_default() == hash && before.is_some() == (offset > 0) {
                (self.state, self.offset, self.hash) = (state, offset, hash);
            }
        }
        self.loaded = true;
        Ok(())
    }

    fn save(&self) -> io::Result<()> {
        let Some(log) = self.log else { return Ok(()) };
        let saved = Saved::new(&self.state, self.offset, self.hash.clone(), log, self.version);
        snapshot::save_as(&self.snapshot_path, &saved)
    }
}

/// Whether an object has what makes an event, so that one that cannot be decoded is an error.
fn is_meant_as_event(line: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Shape {
        #[serde(rename = "type")]
        _type: serde::de::IgnoredAny,
        #[serde(rename = "data")]
        _data: serde::de::IgnoredAny,
    }
    serde_json::from_slice::<Shape>(line).is_ok()
}

impl<S: fmt::Debug> fmt::Debug for View<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("name", &self.name)
            .field("snapshot_path", &self.snapshot_path)
            .field("state", &self.state)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl<S> sealed::Sealed for View<S> {}

impl<S> ViewOps for View<S>
where
    S: Serialize + DeserializeOwned + Default + Clone + 'static,
{
    fn refresh_boxed(&mut self, reader: &EventReader) -> io::Result<()> {
        self.refresh(reader).map(|_| ())
    }

    fn reset_offset(&mut self) -> io::Result<()> {
        if self.loaded { self.save() } else { Ok(()) }
    }

    fn view_name(&self) -> &str {
        &self.name
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
