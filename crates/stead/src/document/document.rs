//! A typed state file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::atomic::{Durability, Version};
use crate::document::format::{Format, Text, Wrong};
use crate::document::json::Json;
use crate::document::locked::Locked;
use crate::document::migrate::{Migrated, Step};
use crate::document::store::{Change, STEP, Seen, Store};
use crate::document::toml::Toml;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{FileLock, Guard, Hold, Options, Wait};

/// How often an update begins again because somebody who takes no lock came between.
const TRIES: usize = 1000;
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// A typed state file that many threads and processes read and change.
///
/// Reading takes no lock and never sees half of a change. A change re-reads the file under its sidecar lock, applies
/// itself to what is there now, and replaces the file durably before the lock is given back; so none is lost.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stead::document::Document;
///
/// #[derive(Debug, Default, Serialize, Deserialize)]
/// struct State {
///     runs: u64,
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("state.json");
/// let state = Document::<State>::json(&path).default(State::default);
/// state.update(|state| state.runs += 1)?;
/// assert_eq!(state.read()?.runs, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A `Document` is shared by threads as it is: they line up in memory. An update inside of an update of the same
/// document is answered with [`AlreadyHeld`](ErrorKind::AlreadyHeld).
pub struct Document<T> {
    pub(crate) store: Store,
    format: Box<dyn Format<T>>,
    /// What [`migrate`](Document::migrate) builds upon.
    raw: Option<Raw>,
    steps: BTreeMap<u64, Step>,
    pub(crate) lock: Option<FileLock>,
    /// Keeps the threads apart where there is no lock to do so.
    turn: Mutex<()>,
    pub(crate) wait: Wait,
    default: Option<Box<dyn Fn() -> T + Send + Sync>>,
}

#[derive(Clone, Copy)]
enum Raw {
    Json,
    Toml,
}

impl Document<String> {
    /// Plain text in UTF-8.
    pub fn text(path: impl AsRef<Path>) -> Document<String> {
        Document::with_format(path, Text)
    }
}

impl<T: Serialize + DeserializeOwned> Document<T> {
    /// JSON. An object with a key that occurs twice is damaged. The layout of the file is kept: its indentation, or
    /// all on one line.
    pub fn json(path: impl AsRef<Path>) -> Document<T> {
        Document { raw: Some(Raw::Json), ..Document::with_format(path, Json) }
    }

    /// TOML. Comments, order and layout are kept of all that a change does not touch.
    pub fn toml(path: impl AsRef<Path>) -> Document<T> {
        Document { raw: Some(Raw::Toml), ..Document::with_format(path, Toml) }
    }

    /// How to make version `from + 1` of the document of version `from`, which is found in the field `version` of the
    /// outermost object; without one it is 0. What is read is migrated in memory; the next update writes it so. The
    /// newest version is one more than the largest `from`; what a newer program wrote is refused, not overwritten.
    ///
    /// For JSON and TOML; other formats are read as if this had not been called.
    ///
    /// ```
    /// use serde_json::{Value, json};
    /// use stead::document::Document;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("config.json");
    /// std::fs::write(&path, r#"{"host":"h:80"}"#)?;
    /// let config = Document::<Value>::json(&path).migrate(0, |old| {
    ///     let (host, port) = old["host"].as_str().and_then(|host| host.split_once(':')).ok_or("no host")?;
    ///     Ok(json!({"host": host, "port": port}))
    /// });
    /// assert_eq!(config.read()?, json!({"host": "h", "port": "80", "version": 1}));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn migrate(
        mut self,
        from: u64,
        step: impl Fn(Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Document<T> {
        self.steps.insert(from, Arc::new(step));
        let steps = self.steps.clone();
        self.format = match self.raw {
            None => return self,
            Some(Raw::Json) => Box::new(Migrated { format: Json, steps }),
            Some(Raw::Toml) => Box::new(Migrated { format: Toml, steps }),
        };
        self
    }
}

impl<T> Document<T> {
    /// A document in a format of your own.
    pub fn with_format(path: impl AsRef<Path>, format: impl Format<T> + 'static) -> Document<T> {
        let path = path.as_ref();
        Document {
            store: Store::new(path),
            format: Box::new(format),
            raw: None,
            steps: BTreeMap::new(),
            lock: Some(FileLock::sidecar(path)),
            turn: Mutex::new(()),
            wait: Wait::Forever,
            default: None,
        }
    }

    /// What the document is as long as there is no file. Without it, a missing file is
    /// [`NotFound`](ErrorKind::NotFound). An empty file is not a missing one: it is damaged.
    #[must_use]
    pub fn default(mut self, default: impl Fn() -> T + Send + Sync + 'static) -> Document<T> {
        self.default = Some(Box::new(default));
        self
    }

    /// What a change outlives once it has returned: [`Durability::Full`] by default.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Document<T> {
        self.store.durability = durability;
        self
    }

    /// How long a change waits for others: for ever by default.
    #[must_use]
    pub fn wait(mut self, wait: impl Into<Wait>) -> Document<T> {
        self.wait = wait.into();
        self
    }

    /// The largest file that is read or written, in bytes: 64 MiB by default.
    #[must_use]
    pub fn limit(mut self, bytes: u64) -> Document<T> {
        self.store.limit = bytes;
        self
    }

    /// How the sidecar lock is made; `None` for a document on a filesystem that cannot lock, or whose folder takes no
    /// `.stead`.
    ///
    /// Without a lock a change re-reads, applies itself and swaps if nothing has changed, again and again. So `f` may
    /// be called often. Everyone who changes the document has to agree on this.
    #[must_use]
    pub fn lock(mut self, options: impl Into<Option<Options>>) -> Document<T> {
        self.lock = options.into().map(|options| options.sidecar(&self.store.path));
        self
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.store.path
    }

    /// What the document says now. No lock is taken.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`Damaged`](ErrorKind::Damaged), [`TooLarge`](ErrorKind::TooLarge),
    /// [`NotRegularFile`](ErrorKind::NotRegularFile), [`Permission`](ErrorKind::Permission).
    pub fn read(&self) -> Result<T> {
        self.read_with_version().map(|(value, _)| value)
    }

    /// The same, and which version it is; `None` for the default of a missing file.
    ///
    /// # Errors
    /// As [`read`](Document::read).
    pub fn read_with_version(&self) -> Result<(T, Option<Version>)> {
        let seen = self.store.read()?;
        Ok((self.decode(&seen)?, seen.version()))
    }

    /// Changes the document: `f` gets what it says now, and what `f` makes of it is in place, durably, when this
    /// returns. If nothing is changed, nothing is written. A panic of `f` changes nothing.
    ///
    /// `f` is called again if somebody who takes no lock replaces the file meanwhile.
    ///
    /// # Errors
    /// Those of [`read`](Document::read), of [`FileLock::lock`], and of [`replace`](crate::atomic::replace). Unless it
    /// is [`NotDurable`](ErrorKind::NotDurable), the document is as it was.
    pub fn update<R>(&self, mut f: impl FnMut(&mut T) -> R) -> Result<R> {
        self.try_update(|value| Ok(f(value)))
    }

    /// The same, for a change that may decide against itself: an error of `f` is returned, and changes nothing.
    ///
    /// # Errors
    /// As [`update`](Document::update), and those of `f`.
    pub fn try_update<R, E: From<Error>>(&self, f: impl FnMut(&mut T) -> Result<R, E>) -> Result<R, E> {
        self.change(None, f)
    }

    /// Changes the document only if it is still this version.
    ///
    /// # Errors
    /// [`Mismatch`](ErrorKind::Mismatch) if it is another one; else as [`update`](Document::update).
    pub fn update_if<R>(&self, version: Version, mut f: impl FnMut(&mut T) -> R) -> Result<R> {
        self.change(Some(version), |value| Ok(f(value)))
    }

    /// Makes a stale document fresh, once: of all who find it stale at the same time one calls `refresh`, and the
    /// others get what it made. The decision and the write are under one lock, so that a token that can be used only
    /// once is used only once. Not stale, no lock is taken. Returns what the document says in the end.
    ///
    /// # Errors
    /// As [`try_update`](Document::try_update).
    pub fn refresh_if<E: From<Error>>(
        &self,
        mut stale: impl FnMut(&T) -> bool,
        mut refresh: impl FnMut(&mut T) -> Result<(), E>,
    ) -> Result<T, E> {
        let value = self.read()?;
        if !stale(&value) {
            return Ok(value);
        }
        self.try_update(|value| if stale(value) { refresh(value) } else { Ok(()) })?;
        Ok(self.read()?)
    }

    /// Replaces what the document says; it is created when missing. What is damaged is not overwritten.
    ///
    /// # Errors
    /// As [`update`](Document::update).
    pub fn set(&self, value: &T) -> Result<()> {
        self.write_under(self.enter()?.as_deref(), value, Damage::Refuse).map(|_| ())
    }

    /// The same, also if the file is damaged: its content is then kept in `.stead/kept`. Returns where.
    ///
    /// # Errors
    /// As [`update`](Document::update).
    pub fn overwrite(&self, value: &T) -> Result<Option<PathBuf>> {
        self.write_under(self.enter()?.as_deref(), value, Damage::Keep)
    }

    /// Takes the lock for several steps.
    ///
    /// ```
    /// use stead::document::Document;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("count.json");
    /// let count = Document::<u64>::json(&path).default(|| 0);
    /// let mut locked = count.locked()?;
    /// if locked.read()? == 0 {
    ///     // Nobody else changes it here.
    ///     locked.set(&7)?;
    /// }
    /// drop(locked);
    /// assert_eq!(count.read()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`FileLock::lock`]; [`Unsupported`](ErrorKind::Unsupported) for a document that has no lock.
    pub fn locked(&self) -> Result<Locked<'_, T>> {
        match self.enter()? {
            Some(guard) => Ok(Locked::new(self, guard)),
            None => Err(Error::new(ErrorKind::Unsupported, "lock", self.path())
                .with_hint("this document was opened with lock(None)")),
        }
    }

    fn enter(&self) -> Result<Option<Guard>> {
        let Some(lock) = &self.lock else { return Ok(None) };
        // What is no file gets no lock beside it.
        self.store.look()?;
        let guard = lock.lock(self.wait)?;
        if guard.follows_a_death() {
            self.store.sweep();
        }
        Ok(Some(guard))
    }

    fn decode(&self, seen: &Seen) -> Result<T> {
        let path = self.path();
        match (seen.content(), &self.default) {
            (Some(content), _) => self.format.decode(content).map_err(|wrong| damaged(path, wrong)),
            (None, Some(default)) => Ok(default()),
            (None, None) => Err(Error::new(ErrorKind::NotFound, "read", path)
                .with_hint("there is no such document yet: create it, or give it a default")),
        }
    }

    fn encode(&self, value: &T, seen: &Seen) -> Result<Vec<u8>> {
        let before = seen.content().unwrap_or_default();
        self.format.encode(value, before).map_err(|wrong| {
            let error = Error::found(ErrorKind::InvalidInput, STEP, self.path(), wrong.0);
            error.with_hint("the document is as it was")
        })
    }

    fn change<R, E: From<Error>>(
        &self,
        version: Option<Version>,
        mut f: impl FnMut(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        // Dropped after the guard: to close the last descriptor of the file that was replaced takes the system as long as a
        // sync, and nobody need wait for that.
        let mut replaced = None;
        let guard = self.enter()?;
        self.change_under(guard.as_deref(), version, &mut f, &mut replaced)
    }

    pub(crate) fn change_under<R, E: From<Error>>(
        &self,
        guard: Option<&Hold>,
        version: Option<Version>,
        f: &mut impl FnMut(&mut T) -> Result<R, E>,
        replaced: &mut Option<Seen>,
    ) -> Result<R, E> {
        self.repeat(guard, || {
            let seen = replaced.insert(self.store.read()?);
            if version.is_some() && seen.version() != version {
                return Err(self.store.other_version(seen).into());
            }
            let mut value = self.decode(seen)?;
            let outcome = f(&mut value)?;
            let content = self.encode(&value, seen)?;
            let change = self.store.put(guard, seen, &content)?;
            Ok((change != Change::Overtaken).then_some(outcome))
        })
    }

    pub(crate) fn write_under(&self, guard: Option<&Hold>, value: &T, damage: Damage) -> Result<Option<PathBuf>> {
        self.repeat(guard, || {
            let seen = self.store.read()?;
            let (before, kept) = match seen.content().map(|content| self.format.decode(content)) {
                Some(Err(wrong)) if damage == Damage::Refuse => return Err(damaged(self.path(), wrong)),
                Some(Err(_)) => (Some(seen.blank()), Some(self.store.keep(&seen)?)),
                _ => (None, None),
            };
            let content = self.encode(value, before.as_ref().unwrap_or(&seen))?;
            let change = self.store.put(guard, &seen, &content)?;
            Ok((change != Change::Overtaken).then_some(kept))
        })
    }

    /// Calls `attempt` until nobody comes between.
    fn repeat<R, E: From<Error>>(
        &self,
        guard: Option<&Hold>,
        mut attempt: impl FnMut() -> Result<Option<R>, E>,
    ) -> Result<R, E> {
        let _turn = guard.is_none().then(|| self.turn.lock().unwrap_or_else(PoisonError::into_inner));
        let mut pause = Duration::from_micros(50);
        for _ in 0..TRIES {
            if let Some(outcome) = attempt()? {
                return Ok(outcome);
            }
            // Others who go on take their turn meanwhile.
            std::thread::park_timeout(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
        Err(Error::new(ErrorKind::Mismatch, STEP, self.path())
            .with_hint("somebody who takes no lock changes it again and again")
            .into())
    }
}

/// What becomes of a damaged file that is to be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    Refuse,
    Keep,
}

fn damaged(path: &Path, wrong: Wrong) -> Error {
    Error::found(ErrorKind::Damaged, "read", path, wrong.0)
        .with_hint("it is kept as it is: mend it by hand, or overwrite it on purpose")
}

impl<T> fmt::Debug for Document<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("store", &self.store).finish_non_exhaustive()
    }
}
