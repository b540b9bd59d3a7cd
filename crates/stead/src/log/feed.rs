//! The lines of a log from an offset on, across rotations, without a lock.

use std::io;
use std::path::Path;
use std::time::Duration;

use memchr::memchr;

use crate::error::{Error, ErrorKind, Result};
use crate::log::cursor::LogId;
use crate::log::framing::{self, Ending, Run};
use crate::log::layout;
use crate::log::locate::{Piece, Place, Source};
use crate::log::manifest::Manifest;
use crate::log::store::Store;
use crate::sys::disk::Disk;

/// How much is read at a time.
const CHUNK: usize = 256 << 10;
const STEP: &str = "read";
/// How often what looks damaged in the active segment is read anew, a millisecond apart.
const RETRIES: u32 = 10;

/// Where a line is: its logical offsets, and its bytes in the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) offset: u64,
    /// Behind its newline.
    pub(crate) next: u64,
    from: usize,
    to: usize,
}

/// Reads lines one after the other. What it hands out are whole lines of whole batches; what is torn is waited for, and
/// damage is an error, after which it goes on behind it.
pub(crate) struct Feed<D: Disk> {
    store: Store<D>,
    /// Where reading began: perhaps in the midst of a batch.
    begun: u64,
    /// Where the next line begins.
    at: u64,
    log: Option<LogId>,
    piece: Option<Piece<D>>,
    buffer: Vec<u8>,
    /// The bytes of the buffer that are read and not used yet begin at `at`.
    from: usize,
    filled: usize,
    /// How many of them have no newline.
    searched: usize,
    /// The last read came to the end of the file. What has no newline then may be torn, and is read anew.
    hit_end: bool,
    /// All before this offset are lines alone or of whole batches.
    run_until: u64,
    /// How often the line at this offset was read anew from the disk.
    fresh: Option<(u64, u32)>,
    line_max: usize,
}

impl<D: Disk + Clone> Feed<D> {
    pub(crate) fn new(store: Store<D>, at: u64, line_max: usize) -> Feed<D> {
        Feed {
            store,
            begun: at,
            at,
            log: None,
            piece: None,
            buffer: Vec::new(),
            from: 0,
            filled: 0,
            searched: 0,
            hit_end: false,
            run_until: 0,
            fresh: None,
            line_max,
        }
    }

    /// Where the next line begins.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Whether the next line is of the same batch as the last one.
    pub(crate) fn is_inside_batch(&self) -> bool {
        self.at < self.run_until
    }

    /// Which log it reads, if that is known; another one at the same path is an error.
    pub(crate) fn of(mut self, log: Option<LogId>) -> Feed<D> {
        self.log = log;
        self
    }

    /// The file that the last line came from.
    pub(crate) fn path(&self) -> &Path {
        self.piece.as_ref().map_or(&self.store.paths.active, |piece| &piece.path)
    }

    /// The bytes of a line, without its newline; until the next call of [`next`](Feed::next).
    pub(crate) fn line(&self, span: Span) -> &[u8] {
        &self.buffer[span.from..span.to]
    }

    /// Goes back to a line, to read it anew from the disk: a writer may be putting newlines in its place. False: it was
    /// read anew often enough.
    fn again(&mut self, offset: u64) -> bool {
        let times = self.fresh.filter(|(at, _)| *at == offset).map_or(0, |(_, times)| times);
        let times_max = if self.piece().end.is_none() { RETRIES } else { 1 };
        if times >= times_max {
            return false;
        }
        if times > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.forget();
        (self.at, self.fresh) = (offset, Some((offset, times + 1)));
        true
    }

    /// The next line; `None` if there is none yet.
    pub(crate) fn next(&mut self) -> Result<Option<Span>> {
        loop {
            if self.piece.is_none() && !self.open()? {
                return Ok(None);
            }
            if self.piece().end.is_some_and(|end| self.at >= end) {
                self.close();
                continue;
            }
            if self.pass_newlines() {
                continue;
            }
            if let Some(newline) = memchr(b'\n', &self.buffer[self.from + self.searched..self.filled]) {
                let to = self.from + self.searched + newline;
                let span = Span { offset: self.at, next: self.at + (to - self.from) as u64 + 1, from: self.from, to };
                if let Some(verdict) = self.judge(span)? {
                    return Ok(verdict);
                }
                continue;
            }
            self.searched = self.filled - self.from;
            if self.searched > self.line_max + framing::MARKS_MAX {
                return Err(self.too_long()?);
            }
            if !self.fill()? && !self.end_of_piece()? {
                return Ok(None);
            }
        }
    }

    /// What a line is: `Some(Some)`: to be handed out; `Some(None)`: torn, to be waited for; `None`: passed over.
    #[expect(clippy::option_option, reason = "three answers, and this is how the caller returns two of them")]
    fn judge(&mut self, span: Span) -> Result<Option<Option<Span>>> {
        let line = &self.buffer[span.from..span.to];
        let is_sure = span.offset < self.piece().unsure_from;
        // Nearly every line.
        if let [b'{', .., b'}'] = line
            && is_sure
            && span.offset >= self.run_until
            && line.len() <= self.line_max
        {
            self.consume(span);
            return Ok(Some(Some(span)));
        }
        if framing::is_blank(line) {
            self.consume(span);
            return Ok(None);
        }
        if span.to - span.from > self.line_max + framing::MARKS_MAX {
            self.consume(span);
            return Err(self.error(ErrorKind::TooLarge, span.offset, span.next, "a line longer than the limit"));
        }
        let objection = if is_sure {
            (!framing::looks_like_object(line)).then(|| framing::objection(line).unwrap_or_default())
        } else {
            framing::objection(line)
        };
        if let Some(objection) = objection {
            return self.bad(span.offset, span.next, &objection);
        }
        if span.offset >= self.run_until {
            let is_inside = match framing::ending(line) {
                Ending::First => Some(false),
                Ending::Between if span.offset == self.begun => Some(true),
                Ending::Between => {
                    return self.bad(span.offset, span.next, "a line of a batch without its first line");
                }
                Ending::Alone | Ending::Last => None,
            };
            if let Some(inside) = is_inside {
                match self.follow_run(span.offset, inside)? {
                    Follow::Whole(end) => self.run_until = end,
                    Follow::Cut(end) => return self.bad(span.offset, end, "a batch that was cut short"),
                    Follow::Open if self.piece().end.is_none() => {
                        self.forget();
                        return Ok(Some(None));
                    }
                    Follow::Open => {
                        let end = self.piece().end.unwrap_or(span.next);
                        return self.bad(span.offset, end, "a batch that was cut short");
                    }
                }
            }
        }
        self.consume(span);
        Ok(Some(Some(span)))
    }

    /// Bytes that are no line of the log. After a power cut, and above what is known to be durable, they are torn: the
    /// next writer takes them away.
    #[expect(clippy::option_option, reason = "as its caller")]
    fn bad(&mut self, start: u64, end: u64, what: &str) -> Result<Option<Option<Span>>> {
        if self.again(start) {
            return Ok(None);
        }
        if start >= self.piece().unsure_from {
            self.close();
            return Ok(Some(None));
        }
        if self.is_being_put_away(start)? {
            self.forget();
            return Ok(Some(None));
        }
        let error = self.error(ErrorKind::Damaged, start, end, what);
        self.forget();
        self.at = end;
        Err(error)
    }

    /// Whether nothing follows at the end of the log but lines of a batch and newlines: a writer is putting a torn batch away,
    /// or was killed when it did.
    fn is_being_put_away(&mut self, start: u64) -> Result<bool> {
        if self.piece().end.is_some() {
            return Ok(false);
        }
        let mut of_batch = false;
        let other = self.look_ahead(start, false, |line| {
            let is_part = matches!(line.ending, Ending::First | Ending::Between) && !line.blank;
            of_batch |= is_part;
            (line.newline && !is_part && !line.blank).then_some(())
        })?;
        Ok(of_batch && other.is_none())
    }

    /// What to make of a line that was handed out and turned out to be an object from outside only.
    pub(crate) fn reconsider(&mut self, span: Span) -> Reconsidered {
        let Some(objection) = framing::objection(self.line(span)) else { return Reconsidered::Sound };
        match self.bad(span.offset, span.next, &objection) {
            Ok(None) => Reconsidered::Again,
            Ok(Some(_)) => {
                self.at = span.offset;
                Reconsidered::Torn
            }
            Err(error) => Reconsidered::Damaged(error),
        }
    }

    fn error(&self, kind: ErrorKind, start: u64, end: u64, what: &str) -> Error {
        Error::found(kind, STEP, self.path(), format!("{what}, at offset {start} to {end}"))
            .with_hint("`stead log verify` says all that is damaged; `stead log repair` moves it to quarantine")
    }

    fn too_long(&mut self) -> Result<Error> {
        // On to its end, so that a caller who goes on does so behind it.
        let start = self.at;
        let end = self.look_ahead(start, false, |line| line.newline.then_some(line.end))?;
        let end = end.unwrap_or(start + self.searched as u64);
        let error = self.error(ErrorKind::TooLarge, start, end, "a line longer than the limit");
        self.forget();
        self.at = end;
        Ok(error)
    }

    /// Passes over newlines that stand in place of torn bytes, if there are any.
    fn pass_newlines(&mut self) -> bool {
        let bytes = &self.buffer[self.from..self.filled];
        let newlines = bytes.iter().position(|byte| *byte != b'\n').unwrap_or(bytes.len());
        if newlines > 0 {
            self.from += newlines;
            self.at += newlines as u64;
            self.searched = 0;
        }
        newlines > 0
    }

    fn piece(&self) -> &Piece<D> {
        self.piece.as_ref().expect("opened before")
    }

    fn consume(&mut self, span: Span) {
        self.from = span.to + 1;
        self.searched = 0;
        self.at = span.next;
    }

    /// Drops what was read: it is read anew from `at` on.
    fn forget(&mut self) {
        (self.from, self.filled, self.searched, self.hit_end) = (0, 0, 0, false);
    }

    fn close(&mut self) {
        self.forget();
        self.piece = None;
    }

    /// Opens the file that holds the next line. False: there is none now.
    fn open(&mut self) -> Result<bool> {
        loop {
            let (manifest, place) = self.store.place(self.at)?;
            self.insist_on_log(manifest.as_ref())?;
            match place {
                Place::Here(piece) => {
                    self.piece = Some(piece);
                    return Ok(true);
                }
                Place::Gap(end) => self.at = end,
                Place::Later => return Ok(false),
                Place::Missing { next } => {
                    let start = std::mem::replace(&mut self.at, next);
                    return Err(Error::found(
                        ErrorKind::Damaged,
                        STEP,
                        &self.store.paths.segments,
                        format!("no segment holds offset {start} to {next}"),
                    )
                    .with_hint("restore the missing file, or let `stead log repair` note that it is lost"));
                }
            }
        }
    }

    /// A log made anew at the same path is another one (trap 38).
    fn insist_on_log(&mut self, manifest: Option<&Manifest>) -> Result<()> {
        let Some(manifest) = manifest else { return Ok(()) };
        match self.log {
            Some(log) if log != manifest.id => Err(Error::found(
                ErrorKind::Mismatch,
                STEP,
                &self.store.paths.folder,
                format!("it is another log by now: {} in place of {log}", manifest.id),
            )
            .with_hint("it was removed and made anew; begin at its offset 0")),
            _ => {
                self.log = Some(manifest.id);
                Ok(())
            }
        }
    }

    /// Reads more of the file into the buffer. False: it has no more.
    fn fill(&mut self) -> Result<bool> {
        if self.hit_end && !self.is_inside_batch() {
            // What has no newline may be torn, and overwritten by now: it is read anew, later.
            return Ok(false);
        }
        if self.hit_end {
            // The rest of the batch has been seen to be there since.
            self.forget();
        }
        let kept = self.filled - self.from;
        if self.from > 0 {
            self.buffer.copy_within(self.from..self.filled, 0);
            (self.from, self.filled) = (0, kept);
        }
        if self.buffer.len() < kept + CHUNK {
            let len = (kept + CHUNK).next_power_of_two();
            self.buffer.resize(len, 0);
        } else if kept == 0 && self.buffer.len() > 4 * CHUNK {
            // One long line is not to be paid for ever.
            self.buffer.truncate(CHUNK);
            self.buffer.shrink_to_fit();
        }
        let piece = self.piece.as_mut().expect("opened before");
        let room = self.buffer.len() - kept;
        let read = piece.read_at(&self.store.disk, &mut self.buffer[kept..], self.at + kept as u64);
        let read = read.map_err(|error| Error::system(STEP, &piece.path, error))?;
        self.filled += read;
        self.hit_end = read < room;
        if self.stop_at_seal()? {
            // Anew, up to there.
            self.forget();
            return Ok(true);
        }
        Ok(read > 0)
    }

    /// A file that had one name after it was read, and that the path still leads to after that, was not sealed when it was
    /// read: what was read is part of its segment. Else the segment's name says where it ends, and what stands behind that is
    /// not part of it.
    fn stop_at_seal(&mut self) -> Result<bool> {
        let piece = self.piece.as_mut().expect("opened before");
        let (Source::File(file), Some(id), None) = (&piece.source, piece.id, piece.end) else { return Ok(false) };
        let (disk, paths) = (&self.store.disk, &self.store.paths);
        let fail = |error| Error::system(STEP, &paths.active, error);
        let has_one_name = disk.stat_file(file).map_err(fail)?.names < 2;
        if has_one_name && disk.stat(&paths.active).is_ok_and(|stat| stat.id == id) {
            return Ok(false);
        }
        let segments = layout::segments(disk, paths).map_err(fail)?;
        let sealed = segments.iter().rev().find(|segment| {
            segment.base == piece.base && disk.stat(&paths.segment(**segment)).is_ok_and(|stat| stat.id == id)
        });
        piece.end = sealed.map(|sealed| sealed.end);
        Ok(piece.end.is_some())
    }

    /// The file has no more. True: go on with another one.
    fn end_of_piece(&mut self) -> Result<bool> {
        if let Some(end) = self.piece().end {
            let start = self.at + self.searched as u64;
            let (from, what) =
                if start < end { (self.at, "bytes are missing") } else { (self.at, "no newline at its end") };
            let error = self.error(ErrorKind::Damaged, from, end, what);
            self.close();
            self.at = end;
            return Err(error);
        }
        // What was torn when it was looked at is read anew.
        self.forget();
        let id = match self.store.disk.stat(&self.store.paths.active) {
            Ok(stat) => Some(stat.id),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::system("look at", &self.store.paths.active, error)),
        };
        if id == self.piece().id {
            if self.piece().unsure_from < u64::MAX {
                // A writer may have come since, and made it sure.
                self.close();
            }
            return Ok(false);
        }
        // Rotated: what was appended to it since the last read is read under its new name (trap 38).
        self.close();
        Ok(true)
    }

    fn follow_run(&mut self, start: u64, mut inside: bool) -> Result<Follow> {
        let is_unsure = start >= self.piece().unsure_from;
        match framing::run(&self.buffer[self.from..self.filled], inside) {
            Run::Whole(len) if !is_unsure => return Ok(Follow::Whole(start + len as u64)),
            Run::Cut(len) => return Ok(Follow::Cut(start + len as u64)),
            _ => {}
        }
        let mut end = start;
        let followed = self.look_ahead(start, is_unsure, |line| {
            let verdict = match (line.ending, inside) {
                _ if !line.newline => return Some(Follow::Open),
                // One torn line tears the batch.
                _ if is_unsure && framing::objection(&line.last).is_some() => return Some(Follow::Open),
                _ if line.blank => Some(Follow::Cut(end)),
                (Ending::First, false) | (Ending::Between, true) => None,
                (Ending::Last, true) => Some(Follow::Whole(line.end)),
                _ => Some(Follow::Cut(end)),
            };
            (inside, end) = (true, line.end);
            verdict
        })?;
        Ok(followed.unwrap_or(Follow::Open))
    }

    /// Goes through the lines of the open file from `at` on, of which all or the end only is kept, until `answer` has one.
    fn look_ahead<T>(
        &mut self,
        mut at: u64,
        keeps: bool,
        mut answer: impl FnMut(&Glance) -> Option<T>,
    ) -> Result<Option<T>> {
        let piece = self.piece.as_mut().expect("opened before");
        let mut chunk = vec![0; CHUNK];
        let mut line = Glance::default();
        loop {
            let read = piece.read_at(&self.store.disk, &mut chunk, at);
            let read = read.map_err(|error| Error::system(STEP, &piece.path, error))?;
            if read == 0 {
                return Ok(if line.last.is_empty() { None } else { answer(&line) });
            }
            let mut rest = &chunk[..read];
            while let Some(newline) = memchr(b'\n', rest) {
                line.take(&rest[..newline], keeps);
                at += newline as u64 + 1;
                (line.newline, line.end) = (true, at);
                line.ending = framing::ending(&line.last);
                if let Some(found) = answer(&line) {
                    return Ok(Some(found));
                }
                line = Glance::default();
                rest = &rest[newline + 1..];
            }
            line.take(rest, keeps);
            at += rest.len() as u64;
        }
    }
}

/// A line that was looked at closely.
pub(crate) enum Reconsidered {
    /// It is one JSON object.
    Sound,
    /// It is to be read once more.
    Again,
    /// It is waited for.
    Torn,
    Damaged(Error),
}

/// Where a batch leads.
enum Follow {
    Whole(u64),
    Cut(u64),
    Open,
}

/// What is kept of a line that is only looked at.
struct Glance {
    /// Its last bytes, enough for its ending; or all.
    last: Vec<u8>,
    blank: bool,
    ending: Ending,
    newline: bool,
    /// Behind its newline.
    end: u64,
}

impl Default for Glance {
    fn default() -> Glance {
        Glance { last: Vec::with_capacity(6), blank: true, ending: Ending::Alone, newline: false, end: 0 }
    }
}

impl Glance {
    fn take(&mut self, bytes: &[u8], keeps: bool) {
        self.blank &= framing::is_blank(bytes);
        if keeps {
            return self.last.extend_from_slice(bytes);
        }
        self.last.extend_from_slice(&bytes[bytes.len().saturating_sub(3)..]);
        let surplus = self.last.len().saturating_sub(3);
        self.last.drain(..surplus);
    }
}
