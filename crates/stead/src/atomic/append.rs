//! Appending so that what was begun by a writer that died is found, and taken away by the next one.
//!
//! 1. Under the lock: what the intent in the lock file says was begun is either there as a whole, or cut off and kept.
//! 2. The intent of this append is written into the lock file, and synced.
//! 3. The bytes are appended in one write, and synced.
//! 4. The intent is withdrawn. That needs no sync: an intent whose bytes are all there says nothing.
//!
//! An intent that is durable before the first of its bytes can be is what tells torn bytes of ours from bytes of
//! others, which are never touched.

use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::atomic::commit::name_new;
use crate::atomic::durability::Durability;
use crate::atomic::intent::{BEFORE_MAX, INTENT_LEN, Intent, start_of};
use crate::atomic::keep;
use crate::atomic::stage::{Dress, Staged};
use crate::filesystem::folder_of;
use crate::lock::LEDGER_AT;
use crate::sys::disk::{Disk, append_all, read_full_at, uninterrupted, write_all_at};
use crate::sys::{Access, FileId, Stat};

/// How often the file may be replaced under us.
const TRIES: usize = 16;

/// What the end of a file that does not end in a newline is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// A line that its writer did not end: it gets its newline.
    Line,
    /// If it is JSON the same; else it is torn, and kept elsewhere.
    Json,
}

/// The file in which the intent is kept: a lock file that is held exclusively.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ledger<'a, F> {
    pub(crate) file: &'a F,
    pub(crate) path: &'a Path,
}

/// An append to one file, under its lock.
#[derive(Debug)]
pub(crate) struct Append<'a, D: Disk> {
    pub(crate) disk: &'a D,
    /// `None` where the lock has no room for one: then a tear is not told from what others write.
    pub(crate) ledger: Option<Ledger<'a, D::File>>,
    pub(crate) target: &'a Path,
    pub(crate) durability: Durability,
    pub(crate) tail: Tail,
}

/// What an append did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Where the first of the appended bytes is.
    pub(crate) offset: u64,
    pub(crate) created: bool,
    /// The file that was appended to, if it was there.
    id: Option<FileId>,
    /// Where torn bytes are that were in the way.
    pub(crate) kept: Vec<PathBuf>,
}

impl<D: Disk + Clone> Append<'_, D> {
    /// Appends `lines`, which end in a newline: all of them or, if this fails, none. If somebody who takes no lock renames
    /// another file there meanwhile, they are appended to that one as well.
    pub(crate) fn run(&self, lines: &[u8]) -> io::Result<Done> {
        let mut kept = Vec::new();
        for _ in 0..TRIES {
            let Some(mut done) = self.once(lines)? else { continue };
            kept.append(&mut done.kept);
            if done.created || self.disk.stat(self.target).is_ok_and(|stat| Some(stat.id) == done.id) {
                return Ok(Done { kept, ..done });
            }
        }
        Err(io::Error::other("somebody who takes no lock replaces it again and again"))
    }

    /// `None`: it was removed between two looks.
    fn once(&self, lines: &[u8]) -> io::Result<Option<Done>> {
        let file = match self.disk.open(self.target, Access::Append) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let done = Done { created: true, ..Done::default() };
                return Ok(self.create(lines)?.then_some(done));
            }
            Err(error) => return Err(error),
        };
        self.extend(&file, lines).map(Some)
    }

    /// A file that is born with its first lines is whole from the start. False: there is one by now.
    fn create(&self, lines: &[u8]) -> io::Result<bool> {
        let folder = folder_of(self.target);
        let dress = Dress::default();
        let mut staged = Staged::create(self.disk, folder, &dress)?;
        staged.write_all_at(lines, 0)?;
        staged.finish(&dress, self.durability)?;
        match name_new(self.disk, staged.path()?, self.target) {
            Ok(()) => staged.settled(),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(error),
        }
        if self.durability == Durability::Full
            && let Err(error) = uninterrupted(|| self.disk.sync_folder(folder))
        {
            // All or nothing, unless others have appended since.
            if self.disk.stat(self.target)?.len == lines.len() as u64 {
                let _ = self.disk.unlink(self.target);
            }
            return Err(error);
        }
        Ok(true)
    }

    fn extend(&self, file: &D::File, lines: &[u8]) -> io::Result<Done> {
        let seen = self.disk.stat_file(file)?;
        let mut done = Done { offset: seen.len, id: Some(seen.id), ..Done::default() };
        let last = self.read_intent(&seen)?.filter(|intent| intent.id == seen.id);
        if let Some(intent) = last.filter(|intent| intent.pending) {
            self.recover(file, &intent, &mut done)?;
        }
        let missing_newline = self.end_last_line(file, &mut done)?;
        let bytes = if missing_newline { [b"\n", lines].concat() } else { lines.to_vec() };
        // Another file may have got the number of one that was removed; but hardly its length as well.
        let anchored = last.is_some_and(|intent| intent.anchored && intent.base + intent.len == seen.len);
        let before = if self.ledger.is_some() { self.hash_before(file, done.offset)? } else { 0 };
        let (base, len, hash) = (done.offset, bytes.len() as u64, xxh3_64(&bytes));
        let intent = Intent { pending: true, id: seen.id, base, before, start: start_of(&bytes), len, hash, anchored };
        let announced = self.announce(intent);
        if announced.is_err() {
            self.withdraw(&intent);
        }
        let intent = announced?;
        self.write(file, &bytes, &intent)?;
        self.withdraw(&intent);
        done.offset += u64::from(missing_newline);
        Ok(done)
    }

    /// Nothing is pending any more. An intent that stays is found to be fulfilled, or not to fit.
    fn withdraw(&self, intent: &Intent) {
        let _ = self.write_intent(&Intent { pending: false, ..*intent });
    }

    /// Cuts off what a writer that died left half done, and keeps it.
    fn recover(&self, file: &D::File, intent: &Intent, done: &mut Done) -> io::Result<()> {
        let end = intent.base.saturating_add(intent.len);
        // Not begun; or cut by somebody else; or others have appended since, and the torn bytes are among theirs; or somebody
        // has written into the file.
        let is_theirs = || Ok::<_, io::Error>(self.hash_before(file, intent.base)? != intent.before);
        if done.offset <= intent.base || done.offset > end || is_theirs()? {
            return Ok(());
        }
        let mut bytes = vec![0; usize::try_from(done.offset - intent.base).map_err(io::Error::other)?];
        read_full_at(self.disk, file, &mut bytes, intent.base)?;
        let is_whole = done.offset == end && xxh3_64(&bytes) == intent.hash;
        // Torn bytes are ours, or, after a power cut, zeros in their place.
        let mut pairs = bytes.iter().zip(&intent.start);
        if is_whole || !pairs.all(|(found, ours)| found == ours || *found == 0) {
            return Ok(());
        }
        self.cut(file, intent.base, &bytes, done)
    }

    /// Whether the last line lacks its newline. In a file of JSON lines a torn one is cut off.
    fn end_last_line(&self, file: &D::File, done: &mut Done) -> io::Result<bool> {
        let mut last = [b'\n'];
        if done.offset > 0 {
            read_full_at(self.disk, file, &mut last, done.offset - 1)?;
        }
        if last == *b"\n" {
            return Ok(false);
        }
        if self.tail == Tail::Line {
            return Ok(true);
        }
        let (start, line) = self.last_line(file, done.offset)?;
        if is_json(&line) {
            return Ok(true);
        }
        self.cut(file, start, &line, done)?;
        Ok(false)
    }

    /// Where the last line of a file of this length begins, and that line.
    fn last_line(&self, file: &D::File, len: u64) -> io::Result<(u64, Vec<u8>)> {
        let mut window = 4096;
        loop {
            let from = len.saturating_sub(window);
            let mut piece = vec![0; usize::try_from(len - from).map_err(io::Error::other)?];
            read_full_at(self.disk, file, &mut piece, from)?;
            if let Some(newline) = piece.iter().rposition(|byte| *byte == b'\n') {
                return Ok((from + newline as u64 + 1, piece.split_off(newline + 1)));
            }
            if from == 0 {
                return Ok((0, piece));
            }
            window *= 2;
        }
    }

    /// Keeps `bytes`, and then cuts the file where they begin; durably, for the next intent is about the file without
    /// them.
    fn cut(&self, file: &D::File, at: u64, bytes: &[u8], done: &mut Done) -> io::Result<()> {
        done.kept.push(keep::bytes(self.disk, self.target, bytes)?);
        self.disk.set_len(file, at)?;
        uninterrupted(|| self.disk.sync(file))?;
        done.offset = at;
        Ok(())
    }

    /// Writes the intent down. What is to outlive a power cut needs an intent that does.
    fn announce(&self, mut intent: Intent) -> io::Result<Intent> {
        let Some(ledger) = &self.ledger else { return Ok(intent) };
        self.write_intent(&intent)?;
        if self.durability == Durability::None {
            return Ok(intent);
        }
        uninterrupted(|| self.disk.sync_data(ledger.file))?;
        if !intent.anchored {
            // Once for each pair of files: an intent in a file without a durable name is lost with it.
            // `.stead/locks`, `.stead` and the folder that it is in.
            let of_ledger = ledger.path.ancestors().skip(1).take(3);
            for folder in of_ledger.chain([folder_of(self.target)]) {
                uninterrupted(|| self.disk.sync_folder(folder))?;
            }
            intent.anchored = true;
        }
        Ok(intent)
    }

    /// What the file says right before `base`.
    fn hash_before(&self, file: &D::File, base: u64) -> io::Result<u64> {
        let mut bytes = [0; BEFORE_MAX];
        let room = usize::try_from(base).map_or(BEFORE_MAX, |base| base.min(BEFORE_MAX));
        let start = base - room as u64;
        let read = read_full_at(self.disk, file, &mut bytes[..room], start)?;
        Ok(xxh3_64(&bytes[..read]))
    }

    /// All or nothing: what was written is taken back if the rest of it, or the sync, fails.
    fn write(&self, file: &D::File, bytes: &[u8], intent: &Intent) -> io::Result<()> {
        let (written, outcome) = append_all(self.disk, file, bytes);
        let outcome = outcome.and_then(|()| self.sync(file));
        if outcome.is_err() && self.take_back(file, intent.base, written).is_ok() {
            self.withdraw(intent);
        }
        outcome
    }

    /// Cuts the file to where it ended, if nobody has written behind that but we. If it cannot be, the intent stays for
    /// the next to come.
    fn take_back(&self, file: &D::File, base: u64, written: usize) -> io::Result<()> {
        if self.disk.stat_file(file)?.len != base + written as u64 {
            return Err(io::Error::other("others have written behind it"));
        }
        self.disk.set_len(file, base)?;
        self.sync(file)
    }

    fn sync(&self, file: &D::File) -> io::Result<()> {
        match self.durability {
            Durability::None => Ok(()),
            // The name is durable already; of the metadata only the length matters.
            Durability::Data | Durability::Full => uninterrupted(|| self.disk.sync_data(file)),
        }
    }

    /// The intent, if those who could have written it could also have written into the file.
    fn read_intent(&self, target: &Stat) -> io::Result<Option<Intent>> {
        const OTHERS: u32 = 0o002;
        let Some(ledger) = &self.ledger else { return Ok(None) };
        let seen = self.disk.stat_file(ledger.file)?;
        let is_open = seen.mode & OTHERS & !target.mode != 0;
        let folder = || self.disk.stat(folder_of(self.target)).map(|folder| folder.owner);
        let is_known = seen.owner == 0 || seen.owner == target.owner || seen.owner == folder()?;
        if is_open || !is_known {
            return Ok(None);
        }
        let mut bytes = [0; INTENT_LEN];
        let read = read_full_at(self.disk, ledger.file, &mut bytes, LEDGER_AT)?;
        Ok(Intent::decode(&bytes[..read]))
    }

    fn write_intent(&self, intent: &Intent) -> io::Result<()> {
        let Some(ledger) = &self.ledger else { return Ok(()) };
        write_all_at(self.disk, ledger.file, &intent.encode(), LEDGER_AT)
    }
}

/// Whether these bytes are one JSON value.
pub(crate) fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}
