//! Writing a log.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use xxhash_rust::xxh64::xxh64;

use crate::error::{Error, ErrorKind, Result};
use crate::lock::{self, FileLock, Request, SendGuard, Wait};
use crate::log::active::{ActiveSegment, Appended};
use crate::log::cursor::{Cursor, LogId, line_hash};
use crate::log::durability::Durability;
use crate::log::event::Event;
use crate::log::foundation;
use crate::log::framing;
use crate::log::layout::{Paths, Segment};
use crate::log::options::Options;
use crate::log::outcome::{AppendConflict, AppendResult, ConditionalAppendError, LockMode};
use crate::log::page::Boot;
use crate::log::reader::EventReader;
use crate::log::ready::Ready;
use crate::log::repair::{Repaired, Todo};
use crate::log::rotation::Limits;
use crate::log::store::Store;
use crate::log::syncer::{self, Syncer};
use crate::log::verify::Progress;
use crate::log::view::ViewOps;
use crate::sys::disk::{Disk, RealDisk};
use crate::sys::{self, Access, Links};

const STEP: &str = "append to";
/// How often the log may be rotated between two steps of ours.
const TRIES: usize = 1000;
/// The buffer that a writer keeps is not larger.
const BUFFER_MAX: usize = 1 << 20;
/// How long a writer that does not sync may append to a log that was moved away or removed.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// A writer of one log: by itself for as long as it lives, or one of many.
///
/// ```
/// use serde_json::json;
/// use stead::log::{Event, EventWriter};
///
/// # let dir = tempfile::tempdir()?;
/// let mut writer = EventWriter::open(dir.path())?;
/// let first = writer.append(&Event::new("opened", json!({"door": 1})))?;
/// assert_eq!(first.start_offset, 0);
/// // Durable, whole or not at all, wherever power or process ends.
/// let batch = [Event::new("closed", json!({})), Event::new("locked", json!({}))];
/// assert_eq!(writer.append_batch(&batch)?.start_offset, first.end_offset);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct EventWriter {
    store: Store<RealDisk>,
    archive_path: PathBuf,
    lock: FileLock,
    options: Options,
    limits: Limits,
    active: ActiveSegment<RealDisk>,
    grip: Option<Grip>,
    /// Whether it is held between appends: by a writer that is alone, and for several steps.
    keeps: bool,
    syncer: Option<Syncer>,
    /// The file that the syncer was told of.
    syncs: Option<sys::FileId>,
    /// Why the last rotation that nobody asked for failed.
    rotation_error: Option<Error>,
    /// When the path was looked at last, where that is not done each time.
    looked: Option<Instant>,
    /// Lines on their way.
    lines: Vec<u8>,
}

/// The active segment, open for appending, and the lock on it.
enum Grip {
    Locked(SendGuard),
    /// Nobody else is there, as the caller says.
    Alone(File),
}

impl Grip {
    fn file(&self) -> &File {
        match self {
            Grip::Locked(guard) => guard.file(),
            Grip::Alone(file) => file,
        }
    }
}

impl EventWriter {
    /// Opens or creates the log in `dir` for one writer, which has it to itself until it is dropped.
    ///
    /// # Errors
    /// `AlreadyExists` at once where another writer has the log, with its path and holder; see [`Options::open`].
    pub fn open(dir: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_with_lock(dir, LockMode::Flock)
    }

    /// The same, with or without a lock.
    ///
    /// # Errors
    /// As [`open`](EventWriter::open).
    pub fn open_with_lock(dir: impl AsRef<Path>, lock: LockMode) -> io::Result<Self> {
        EventWriter::opened(dir.as_ref(), Options::new().lock_mode(lock))
    }

    /// With the errors of eventfold.
    pub(crate) fn opened(dir: &Path, options: Options) -> io::Result<Self> {
        EventWriter::with(dir, options).map_err(already_exists)
    }

    /// Opens or creates the log in `dir` for one of many writers: each append waits until it is this one's turn.
    ///
    /// # Errors
    /// See [`Options::open`].
    pub fn open_shared(dir: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Options::new().shared(true).open(dir)?)
    }

    pub(crate) fn with(dir: &Path, options: Options) -> Result<EventWriter> {
        if dir.as_os_str().is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, "open the log", dir).with_hint("name a folder"));
        }
        let store = EventWriter::store_of(dir);
        let manifest = foundation::lay(&store, options.limits)?;
        let views = &store.paths.views;
        std::fs::create_dir_all(views).map_err(|error| Error::system("create the folder", views, error))?;
        let lock = lock::Options::new().for_appending().in_place(&store.paths.active);
        let syncer = match options.durability {
            Durability::Every { interval, bytes } => Some(Syncer::start(interval, bytes)),
            Durability::None | Durability::EveryAppend => None,
        };
        let syncer = syncer.transpose().map_err(|error| Error::system("start a thread for", dir, error))?;
        let is_alone = !options.shared && options.lock == LockMode::Flock;
        let mut writer = EventWriter {
            archive_path: store.paths.segments.clone(),
            limits: options.limits.or(manifest.limits),
            active: ActiveSegment::new(store.clone(), manifest, is_alone),
            store,
            lock,
            keeps: !options.shared,
            options,
            grip: None,
            syncer,
            syncs: None,
            rotation_error: None,
            looked: None,
            lines: Vec::new(),
        };
        writer.lay_active()?;
        if !writer.options.shared {
            writer.under_lock(EventWriter::make_ready)?;
        }
        Ok(writer)
    }

    pub(crate) fn store_of(dir: &Path) -> Store<RealDisk> {
        Store::new(RealDisk, Paths::new(dir), boot())
    }

    /// Creates the active segment where there is none.
    fn lay_active(&self) -> Result<()> {
        let paths = &self.store.paths;
        if sys::stat(&paths.active, Links::Refuse).is_ok() {
            return Ok(());
        }
        let _founding = self.founding()?;
        foundation::lay_active(&self.store, &self.active.manifest)
    }

    /// Held while the active segment may be missing.
    fn founding(&self) -> Result<SendGuard> {
        FileLock::in_place(&self.store.paths.manifest).acquire_send(&Request::exclusive())
    }

    /// Appends an event. When this returns, it is as durable as the writer was told to make it.
    ///
    /// # Errors
    /// Where it could not be appended, it is not there; where it could not be synced
    /// ([`NotDurable`](ErrorKind::NotDurable)), it is there, and the log takes nothing more until it is repaired
    /// ([`Poisoned`](ErrorKind::Poisoned)).
    pub fn append(&mut self, event: &Event) -> io::Result<AppendResult> {
        self.append_value(event)
    }

    /// Appends any value that is a JSON object.
    ///
    /// # Errors
    /// As [`append`](EventWriter::append); `InvalidInput` for a value that is no object.
    pub fn append_value(&mut self, value: &impl Serialize) -> io::Result<AppendResult> {
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        let outcome = self.write_value(value, &mut lines).and_then(|()| self.append_framed(&lines, lines.len() - 1));
        self.keep_buffer(lines);
        outcome
    }

    fn write_value(&self, value: &impl Serialize, lines: &mut Vec<u8>) -> io::Result<()> {
        serde_json::to_writer(&mut *lines, value)?;
        self.insist_on_line(lines, lines.first() == Some(&b'{') && memchr::memchr(b'\n', lines).is_none())?;
        lines.push(b'\n');
        Ok(())
    }

    /// Appends events, all or none of them: readers see none before all are there, whatever dies meanwhile. Of no events
    /// it does nothing.
    ///
    /// # Errors
    /// As [`append`](EventWriter::append).
    pub fn append_batch(&mut self, events: &[Event]) -> io::Result<AppendResult> {
        let lines = events.iter().map(serde_json::to_vec).collect::<Result<Vec<_>, _>>()?;
        self.append_lines(&lines)
    }

    /// Appends lines that are JSON objects already, without newlines, all or none of them. Blanks around them are not
    /// kept.
    ///
    /// # Errors
    /// As [`append`](EventWriter::append); `InvalidInput` for a line that is no JSON object.
    pub fn append_lines<L: AsRef<[u8]>>(&mut self, lines: &[L]) -> io::Result<AppendResult> {
        for (index, line) in lines.iter().enumerate() {
            let line = line.as_ref();
            let objection = framing::objection(line)
                .or_else(|| memchr::memchr(b'\n', line).is_some().then(|| "a newline inside".to_owned()));
            if let Some(objection) = objection {
                let error = Error::found(ErrorKind::InvalidInput, STEP, &self.store.paths.active, objection);
                return Err(error
                    .with_hint(format!("line {} is not one JSON object; nothing was appended", index + 1))
                    .into());
            }
            self.insist_on_line(line, true)?;
        }
        if lines.is_empty() {
            let end = self.reader().end()?;
            let hash = end.line_hash();
            return Ok(AppendResult { start_offset: end.offset, end_offset: end.offset, line_hash: hash });
        }
        let mut framed = std::mem::take(&mut self.lines);
        framed.clear();
        let (mut last, mut end) = (0, 0);
        framing::join(lines.iter().map(AsRef::as_ref), &mut framed, |next| (last, end) = (end, next));
        let outcome = self.append_framed(&framed, end - last - 1);
        self.keep_buffer(framed);
        outcome
    }

    /// Keeps a buffer for the next append, unless it is a large one.
    fn keep_buffer(&mut self, lines: Vec<u8>) {
        if lines.capacity() <= BUFFER_MAX {
            self.lines = lines;
        }
    }

    /// An error for a line that must not be in a log.
    fn insist_on_line(&self, line: &[u8], is_object: bool) -> io::Result<()> {
        let active = &self.store.paths.active;
        if !is_object {
            let error = Error::new(ErrorKind::InvalidInput, STEP, active);
            return Err(error
                .with_hint("a line of a log is a JSON object without newlines between its parts; wrap the value in one")
                .into());
        }
        if framing::is_too_deep(line) {
            let what = format!("values more than {} deep in each other", framing::DEPTH_MAX);
            return Err(Error::found(ErrorKind::InvalidInput, STEP, active, what).into());
        }
        if line.len() > self.options.line_max {
            let what = format!("a line of {} bytes; the limit is {}", line.len(), self.options.line_max);
            let error = Error::found(ErrorKind::TooLarge, STEP, active, what);
            return Err(error
                .with_hint("keep large things in files of their own, or raise the limit (max_line)")
                .into());
        }
        Ok(())
    }

    /// Appends framed lines, the last of which has `last` bytes without its newline.
    fn append_framed(&mut self, lines: &[u8], last: usize) -> io::Result<AppendResult> {
        Ok(self.under_lock(|writer, grip| writer.append_locked(grip, lines, last))?)
    }

    fn append_locked(&mut self, grip: &mut Grip, lines: &[u8], last: usize) -> Result<AppendResult> {
        self.make_ready(grip)?;
        let Appended { start, end } = self.active.append(grip.file(), lines)?;
        self.make_durable(grip, end)?;
        self.roll_if_full(grip);
        let line = &lines[lines.len() - 1 - last..lines.len() - 1];
        Ok(AppendResult { start_offset: start, end_offset: end, line_hash: line_hash(line) })
    }

    /// Syncs as the writer was told.
    fn make_durable(&mut self, grip: &Grip, end: u64) -> Result<()> {
        let file = grip.file();
        let Some(syncer) = &self.syncer else {
            return if self.options.durability == Durability::None { Ok(()) } else { self.active.sync(file) };
        };
        let id = self.active.id();
        let anew = self.syncs != id;
        let is_time =
            syncer.note(file, anew, end).map_err(|error| Error::system("sync", &self.store.paths.active, error))?;
        self.syncs = id;
        if is_time { self.sync_now(grip) } else { Ok(()) }
    }

    /// Syncs, in turn with the thread that does so too: of two at once the system tells one only of an error.
    fn sync_now(&mut self, grip: &Grip) -> Result<()> {
        let gate = self.syncer.as_ref().map(Syncer::gate);
        let _gate = gate.as_deref().map(syncer::lock);
        self.active.sync(grip.file())?;
        self.hear_syncer()?;
        if let Some(syncer) = &self.syncer {
            syncer.note_synced(self.active.synced());
        }
        Ok(())
    }

    /// Learns how far the thread has come that syncs; an error if it failed.
    fn hear_syncer(&mut self) -> Result<()> {
        let Some(syncer) = &self.syncer else { return Ok(()) };
        let (end, failed) = syncer.look();
        self.active.note_synced(end);
        match failed {
            None => Ok(()),
            Some(error) => {
                self.active.poison();
                Err(Error::system("sync", &self.store.paths.active, error).with_kind(ErrorKind::Poisoned).with_hint(
                    "events appended before may not outlive a power cut; see to the disk, then `stead log repair`",
                ))
            }
        }
    }

    /// Appends an event if the log ends at `expected_offset` with a line of this hash; for an empty log, 0 and `""`.
    ///
    /// # Errors
    /// [`Conflict`](ConditionalAppendError::Conflict) if it does not, and nothing is written; those of
    /// [`append`](EventWriter::append).
    pub fn append_if(
        &mut self,
        event: &Event,
        expected_offset: u64,
        expected_hash: &str,
    ) -> Result<AppendResult, ConditionalAppendError> {
        let line = serde_json::to_vec(event).map_err(io::Error::from)?;
        self.append_lines_if(&[line], expected_offset, expected_hash)
    }

    /// The same for lines, see [`append_lines`](EventWriter::append_lines).
    ///
    /// # Errors
    /// As [`append_if`](EventWriter::append_if).
    pub fn append_lines_if<L: AsRef<[u8]>>(
        &mut self,
        lines: &[L],
        expected_offset: u64,
        expected_hash: &str,
    ) -> Result<AppendResult, ConditionalAppendError> {
        // Where the log ends is looked at under the lock that the append is made under.
        self.under_lock_io(|writer| {
            let end = writer.reader().end().map_err(io::Error::from)?;
            let actual_hash = end.line_hash();
            if (end.offset, actual_hash.as_str()) != (expected_offset, expected_hash) {
                return Err(ConditionalAppendError::Conflict(AppendConflict {
                    expected_offset,
                    actual_offset: end.offset,
                    expected_hash: expected_hash.to_owned(),
                    actual_hash: (end.offset == expected_offset).then_some(actual_hash),
                }));
            }
            Ok(writer.append_lines(lines)?)
        })
    }

    /// Appends an event if the log ends at this cursor.
    ///
    /// # Errors
    /// As [`append_if`](EventWriter::append_if); a cursor of another log is an error of its own
    /// ([`Mismatch`](ErrorKind::Mismatch)).
    pub fn append_at(&mut self, event: &Event, cursor: &Cursor) -> Result<AppendResult, ConditionalAppendError> {
        let line = serde_json::to_vec(event).map_err(io::Error::from)?;
        self.append_lines_at(&[line], cursor)
    }

    /// The same for lines, see [`append_lines`](EventWriter::append_lines).
    ///
    /// # Errors
    /// As [`append_at`](EventWriter::append_at).
    pub fn append_lines_at<L: AsRef<[u8]>>(
        &mut self,
        lines: &[L],
        cursor: &Cursor,
    ) -> Result<AppendResult, ConditionalAppendError> {
        if cursor.log != self.log_id() {
            return Err(io::Error::from(foreign_cursor(cursor, self.log_id(), &self.store.paths.folder)).into());
        }
        self.append_lines_if(lines, cursor.offset, &cursor.line_hash())
    }

    /// Makes all that this writer appended durable.
    ///
    /// # Errors
    /// Those of fdatasync(2). The log takes nothing more then until it is repaired.
    pub fn sync(&mut self) -> io::Result<()> {
        Ok(self.under_lock(|writer, grip| {
            writer.make_ready(grip)?;
            writer.sync_now(grip)
        })?)
    }

    /// All before this logical offset is durable, as far as this writer knows.
    pub fn synced_to(&self) -> u64 {
        self.active.synced().max(self.syncer.as_ref().map_or(0, Syncer::synced))
    }

    /// Seals the active segment and begins a new one; offsets go on as they were. Refreshes `views` first. An empty segment
    /// stays.
    ///
    /// # Errors
    /// Those of the views, after the rotation; those of the system, which leave the log whole and the segment active.
    pub fn rotate(&mut self, reader: &EventReader, views: &mut HashMap<String, Box<dyn ViewOps>>) -> io::Result<()> {
        self.rotate_now()?;
        views.values_mut().try_for_each(|view| view.refresh_boxed(reader))
    }

    /// Seals the active segment and begins a new one. False: it was empty, and stays.
    ///
    /// # Errors
    /// As [`rotate`](EventWriter::rotate).
    pub fn rotate_now(&mut self) -> io::Result<bool> {
        let rotated = self.under_lock(|writer, grip| {
            writer.make_ready(grip)?;
            if writer.active.len() == 0 {
                return Ok(false);
            }
            writer.roll(grip, None).map(|()| true)
        })?;
        self.rotation_error = None;
        Ok(rotated)
    }

    /// Seals the active segment if it is as large or as old as the writer was told, and says whether it was.
    ///
    /// # Errors
    /// As [`rotate`](EventWriter::rotate).
    pub fn rotate_if_full(&mut self) -> io::Result<bool> {
        Ok(self.under_lock(|writer, grip| {
            writer.make_ready(grip)?;
            let is_full = writer.is_full();
            if is_full { writer.roll(grip, None).map(|()| true) } else { Ok(false) }
        })?)
    }

    /// Why the last rotation that an append asked for failed. The events are in the log all the same, and the next append
    /// tries again.
    pub fn rotation_error(&self) -> Option<&Error> {
        self.rotation_error.as_ref()
    }

    /// Seals a full segment. A failure is no failure of the append, which is done.
    fn roll_if_full(&mut self, grip: &mut Grip) {
        if self.is_full() {
            self.rotation_error = self.roll(grip, None).err();
        }
    }

    fn is_full(&self) -> bool {
        // The clock is looked at for those only who asked for an age.
        let now = if self.limits.age.is_some() { sys::wall_micros() } else { 0 };
        self.limits.reached(self.active.len(), self.active.since(), now)
    }

    /// Locks the active segment, unless this writer holds it, and works on it.
    fn under_lock<T>(&mut self, work: impl FnOnce(&mut EventWriter, &mut Grip) -> Result<T>) -> Result<T> {
        let mut grip = match self.grip.take() {
            Some(grip) => grip,
            None => self.take_hold()?,
        };
        let outcome = self.hear_syncer().and_then(|()| work(self, &mut grip));
        if self.keeps {
            self.grip = Some(grip);
        }
        outcome
    }

    /// The same for several steps.
    fn under_lock_io<T, E: From<io::Error>>(
        &mut self,
        work: impl FnOnce(&mut EventWriter) -> Result<T, E>,
    ) -> Result<T, E> {
        let keeps = std::mem::replace(&mut self.keeps, true);
        let ready = self.under_lock(EventWriter::make_ready);
        let outcome = ready.map_err(|error| E::from(error.into())).and_then(|()| work(self));
        self.keeps = keeps;
        if !keeps {
            self.grip = None;
        }
        outcome
    }

    fn take_hold(&self) -> Result<Grip> {
        let active = &self.store.paths.active;
        for _ in 0..TRIES {
            if self.options.lock == LockMode::None {
                let file = RealDisk.open(active, Access::Append);
                return file.map(Grip::Alone).map_err(|error| Error::system("open", active, error));
            }
            let wait = self.options.wait.unwrap_or(if self.options.shared { Wait::Forever } else { Wait::No });
            match self.lock.acquire_send(&Request::exclusive().wait(wait)) {
                Ok(guard) => return Ok(Grip::Locked(guard)),
                // Missing for an instant of a rotation, or for good.
                Err(error) if error.is_not_found() => self.find_again(error)?,
                Err(error) if error.is_busy() => {
                    let holder = self.lock.inspect().ok().and_then(|seen| seen.holders.into_iter().next());
                    let error = Error::found(error.kind(), "lock", active, "another writer holds the lock");
                    return Err(error.with_holder(holder).with_hint(
                        "wait for it, or write beside others: `stead log append`, or open_shared in programs",
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::NotFound, STEP, active).with_hint("it vanishes again and again"))
    }

    /// The active segment is missing. An error if the log is gone altogether.
    fn find_again(&self, error: Error) -> Result<()> {
        let paths = &self.store.paths;
        match crate::log::manifest::read(&RealDisk, &paths.manifest)? {
            Some(manifest) if manifest.id == self.log_id() => self.lay_active(),
            _ => Err(error
                .with_kind(ErrorKind::Lost)
                .with_hint("the log was removed, or made anew, while it was open; nothing was appended: open it anew")),
        }
    }

    /// Sees to it that lines can be appended.
    fn make_ready(&mut self, grip: &mut Grip) -> Result<()> {
        self.insist_on_path(grip)?;
        for _ in 0..TRIES {
            match self.active.make_ready(grip.file())? {
                Ready::Yes => return Ok(()),
                Ready::Sealed(segment) => self.roll(grip, Some(segment))?,
                Ready::Late(segment) => self.carry_over(grip, segment).map(|_| ())?,
            }
        }
        Err(Error::new(ErrorKind::Unsupported, "rotate", &self.store.paths.active)
            .with_hint("the new active segment is always an old one: the filesystem has no stable inodes"))
    }

    /// What is locked must be what the path leads to, before anything is said to be durable in it.
    fn insist_on_path(&mut self, grip: &mut Grip) -> Result<()> {
        let active = &self.store.paths.active;
        if self.options.durability == Durability::None && self.options.lock == LockMode::Flock {
            // A look costs as much as the write.
            let now = sys::now();
            if self.looked.is_some_and(|looked| now.saturating_duration_since(looked) < LOOK_PAUSE) {
                return Ok(());
            }
        }
        let at_path = sys::stat(active, Links::Refuse).map(|stat| stat.id).ok();
        // A file that was met before is known by its number.
        let known = self.active.id().filter(|_| self.options.lock == LockMode::Flock && !self.options.shared);
        let held = known.or_else(|| RealDisk.stat_file(grip.file()).map(|stat| stat.id).ok());
        match (at_path, self.options.lock) {
            (at_path, _) if at_path.is_some() && at_path == held => {
                self.looked = Some(sys::now());
                Ok(())
            }
            (Some(_), LockMode::None) => {
                // Rotated by another writer that takes no lock either.
                let file = RealDisk.open(active, Access::Append);
                *grip = Grip::Alone(file.map_err(|error| Error::system("open", active, error))?);
                Ok(())
            }
            _ => Err(Error::new(ErrorKind::Lost, STEP, active).with_hint(
                "the log was removed, moved or made anew while it was open; nothing was appended: open it anew",
            )),
        }
    }

    /// Puts a new active segment in place of this one, locked all the while.
    fn roll(&mut self, grip: &mut Grip, sealed: Option<Segment>) -> Result<()> {
        if sealed.is_none() {
            // What comes late to the segment before is older than what will come late to this one. And others may have
            // appended beside the lock.
            self.active.look_for_late()?;
            self.make_ready(grip)?;
        }
        let _founding = self.founding()?;
        let gate = self.syncer.as_ref().map(Syncer::gate);
        let _gate = gate.as_deref().map(syncer::lock);
        // What writers left that died while they did this.
        let _ = crate::atomic::sweep(&self.store.paths.folder);
        let path = self.active.create_next(grip.file())?;
        let mut next = self.open_next(&path).inspect_err(|_| drop(RealDisk.unlink(&path)))?;
        let rotated = self.active.rotate(grip.file(), next.file(), &path, sealed);
        let rotated = rotated.inspect_err(|_| drop(RealDisk.unlink(&path)))?;
        if let Grip::Locked(guard) = &mut next {
            guard.is_now_of(&self.lock)?;
        }
        *grip = next;
        rotated.durable?;
        // Both are made up for, by the next writer and by a repair.
        let _ = self.carry_over(grip, rotated.segment);
        let _ = self.active.make_index(rotated.segment);
        Ok(())
    }

    fn open_next(&self, path: &Path) -> Result<Grip> {
        if self.options.lock == LockMode::None {
            let file = RealDisk.open(path, Access::Append);
            return file.map(Grip::Alone).map_err(|error| Error::system("open", path, error));
        }
        let lock = lock::Options::new().for_appending().in_place(path);
        lock.acquire_send(&Request::exclusive().wait(Wait::No)).map(Grip::Locked)
    }

    /// See [`repair`](crate::log::repair).
    pub(crate) fn repair(&mut self, progress: &mut dyn FnMut(Progress), done: &mut Repaired) -> Result<()> {
        self.active.for_repair();
        self.under_lock(|writer, grip| {
            writer.make_ready(grip)?;
            let todo = writer.active.repair_files(progress, done)?;
            for todo in todo {
                match todo {
                    Todo::Seal if writer.active.len() > 0 => writer.roll(grip, None)?,
                    Todo::Seal | Todo::Renew => writer.renew(grip)?,
                    Todo::Carry(segment) => done.carried += writer.carry_over(grip, segment)?,
                }
            }
            done.kept.append(&mut writer.active.kept);
            Ok(())
        })
    }

    /// Writes the active segment anew, into a file that no sync has failed for.
    fn renew(&mut self, grip: &mut Grip) -> Result<()> {
        let path = self.active.copy_for_renewal(grip.file())?;
        let renewed = self.open_next(&path).and_then(|mut next| {
            self.active.renew(next.file(), &path)?;
            if let Grip::Locked(guard) = &mut next {
                guard.is_now_of(&self.lock)?;
            }
            *grip = next;
            Ok(())
        });
        if renewed.is_err() {
            let _ = RealDisk.unlink(&path);
        }
        renewed
    }

    /// Appends again what somebody who takes no lock appended to a segment after it was sealed, and then takes it from
    /// there. Returns how many bytes it was.
    fn carry_over(&mut self, grip: &Grip, sealed: Segment) -> Result<u64> {
        let late = self.active.late(sealed)?;
        if late.is_empty() {
            return Ok(0);
        }
        self.active.make_ready(grip.file())?;
        // Not again, if whoever did so was killed before the cut.
        if !self.active.begins_with(grip.file(), &late)? {
            self.active.append(grip.file(), &late)?;
            self.active.sync(grip.file())?;
        }
        self.active.cut_late(sealed)?;
        Ok(late.len() as u64)
    }

    /// A reader of the same log.
    pub fn reader(&self) -> EventReader {
        EventReader::of(self.store.clone(), self.options.line_max)
    }

    /// Which log it is.
    pub fn log_id(&self) -> LogId {
        self.active.manifest.id
    }

    /// Where torn bytes were put that writers before this one had left.
    pub fn kept(&self) -> &[PathBuf] {
        &self.active.kept
    }

    /// The folder of the log.
    pub fn dir(&self) -> &Path {
        &self.store.paths.folder
    }

    /// The active segment, `app.jsonl`.
    pub fn log_path(&self) -> &Path {
        &self.store.paths.active
    }

    /// Where sealed history is: the folder `segments`.
    pub fn archive_path(&self) -> &Path {
        &self.archive_path
    }

    /// The folder of the views.
    pub fn views_dir(&self) -> &Path {
        &self.store.paths.views
    }

    /// The size of `app.jsonl` in bytes; [`EventReader::end_offset`] is where the log ends.
    ///
    /// # Errors
    /// Those of stat(2).
    pub fn active_log_size(&self) -> io::Result<u64> {
        self.reader().active_log_size()
    }
}

/// The hash of a line as a cursor has it.
pub(crate) fn hash_of(line: &[u8]) -> u64 {
    xxh64(line, 0)
}

/// Which start of the system this is.
pub(crate) fn boot() -> Boot {
    static BOOT: std::sync::OnceLock<Boot> = std::sync::OnceLock::new();
    *BOOT.get_or_init(|| Boot::named(sys::identity().boot_id.as_deref()))
}

pub(crate) fn foreign_cursor(cursor: &Cursor, log: LogId, folder: &Path) -> Error {
    Error::found(
        ErrorKind::Mismatch,
        "use a cursor of",
        folder,
        format!("it is of log {}, and this one is {log}", cursor.log),
    )
    .with_hint("the log was made anew, or the cursor is another one's; begin at offset 0")
}

/// The kind that eventfold gives a log that another writer has.
fn already_exists(error: Error) -> io::Error {
    if error.is_busy() || error.is_timed_out() {
        return io::Error::new(io::ErrorKind::AlreadyExists, error);
    }
    error.into()
}

impl fmt::Debug for EventWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWriter")
            .field("dir", &self.store.paths.folder)
            .field("log", &self.log_id())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        if self.syncer.is_some() && self.synced_to() < self.active.end() {
            // Nobody to tell; who wants to know syncs before.
            let _ = self.sync();
        }
        // Only under the lock: the page may be another one's by now.
        if self.grip.is_some() {
            self.active.record();
        }
    }
}
