//! A file of JSON values, one a line, that many processes append to and read.

use std::fmt;
use std::fs::File;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::atomic::{Appended, Appender, Durability, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Options, Wait};
use crate::sys::Access;
use crate::sys::disk::{Disk, RealDisk, read_full_at};

const STEP: &str = "read";
/// How much is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// A file of JSON lines: one value a line, appended durably by many processes, read without a lock.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stead::document::JsonLines;
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Issue {
///     id: u32,
///     title: String,
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("issues.jsonl");
/// let issues = JsonLines::<Issue>::new(&path);
/// issues.append(&Issue { id: 1, title: "it hangs".into() })?;
/// for issue in issues.iter()? {
///     println!("{}", issue?.title);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JsonLines<T> {
    appender: Appender,
    value: PhantomData<fn(T) -> T>,
}

impl<T> JsonLines<T> {
    /// The file at `path`, which is created by the first append.
    pub fn new(path: impl AsRef<Path>) -> JsonLines<T> {
        JsonLines::with_lock(path, Options::new())
    }

    /// The same, with a lock that is told more.
    pub fn with_lock(path: impl AsRef<Path>, lock: Options) -> JsonLines<T> {
        JsonLines { appender: Appender::with_lock(path, lock).json_lines(true), value: PhantomData }
    }

    /// What an append outlives: [`Durability::Full`] by default.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> JsonLines<T> {
        self.appender = self.appender.durability(durability);
        self
    }

    /// How long an append waits for others: for ever by default.
    #[must_use]
    pub fn wait(mut self, wait: impl Into<Wait>) -> JsonLines<T> {
        self.appender = self.appender.wait(wait);
        self
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        self.appender.path()
    }
}

impl<T: Serialize> JsonLines<T> {
    /// Appends one value, durably.
    ///
    /// # Errors
    /// Those of [`append_lines`](crate::atomic::append_lines); [`InvalidInput`](ErrorKind::InvalidInput) for a value
    /// that JSON cannot say.
    pub fn append(&self, value: &T) -> Result<Appended> {
        self.append_all([value])
    }

    /// Appends the values together: all of them or, if that fails, none.
    ///
    /// # Errors
    /// As [`append`](JsonLines::append).
    pub fn append_all<'a>(&self, values: impl IntoIterator<Item = &'a T>) -> Result<Appended>
    where
        T: 'a,
    {
        let mut lines = Vec::new();
        for value in values {
            serde_json::to_writer(&mut lines, value)
                .map_err(|error| Error::found(ErrorKind::InvalidInput, "append to", self.path(), error.to_string()))?;
            lines.push(b'\n');
        }
        self.appender.append_bytes(&lines)
    }
}

impl<T: DeserializeOwned> JsonLines<T> {
    /// The values that are there now, in order. No lock is taken; what is appended meanwhile may or may not be seen. A
    /// missing file has none.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    #[expect(clippy::iter_not_returning_iterator, reason = "opening the file may fail")]
    pub fn iter(&self) -> Result<Iter<T>> {
        let path = self.path();
        let target = Target::look(path, STEP)?;
        let file = match RealDisk.open(&target.path, Access::ReadOnly) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::system(STEP, path, error)),
        };
        let path = path.to_path_buf();
        Ok(Iter { file, path, line: 0, offset: 0, begin: 0, buffer: Vec::new(), torn: None, value: PhantomData })
    }
}

/// The values of a [`JsonLines`]. A line that is damaged is an error with its number, and those behind it follow.
pub struct Iter<T> {
    /// `None` at the end.
    file: Option<File>,
    path: PathBuf,
    line: u64,
    /// Where the next piece is read.
    offset: u64,
    /// Where in the buffer the next line begins.
    begin: usize,
    buffer: Vec<u8>,
    torn: Option<TornTail>,
    value: PhantomData<fn() -> T>,
}

/// Bytes at the end of a file that are no whole line: somebody is writing them now, or died while doing so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TornTail {
    /// Where in the file they begin.
    pub offset: u64,
    /// They themselves. The next append keeps them elsewhere.
    pub bytes: Vec<u8>,
}

impl<T> Iter<T> {
    /// What stood at the end and is no whole value, once the iteration is over.
    pub fn torn_tail(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// The next line without its newline, and whether it had one.
    fn next_line(&mut self) -> Result<Option<(std::ops::Range<usize>, bool)>> {
        let mut looked_at = self.begin;
        loop {
            if let Some(at) = self.buffer[looked_at..].iter().position(|byte| *byte == b'\n') {
                let line = self.begin..looked_at + at;
                self.begin = line.end + 1;
                return Ok(Some((line, true)));
            }
            looked_at = self.buffer.len();
            let gone = self.begin;
            if !self.fill()? {
                let line = self.begin..self.buffer.len();
                self.begin = line.end;
                return Ok((!line.is_empty()).then_some((line, false)));
            }
            looked_at -= gone;
        }
    }

    /// Reads on, and forgets what was given out. False: there is no more.
    fn fill(&mut self) -> Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        self.buffer.drain(..self.begin);
        self.begin = 0;
        let filled = self.buffer.len();
        self.buffer.resize(filled + PIECE, 0);
        let read = read_full_at(&RealDisk, file, &mut self.buffer[filled..], self.offset)
            .map_err(|error| Error::system(STEP, &self.path, error))?;
        self.buffer.truncate(filled + read);
        self.offset += read as u64;
        if read < PIECE {
            self.file = None;
        }
        Ok(read > 0)
    }
}

impl<T: DeserializeOwned> Iter<T> {
    /// `None`: a blank line, or torn bytes.
    fn value(&mut self, line: std::ops::Range<usize>, is_whole: bool) -> Option<Result<T>> {
        let bytes = &self.buffer[line.clone()];
        if bytes.trim_ascii().is_empty() {
            return None;
        }
        let parsed = serde_json::from_slice(bytes);
        // Of a number or a word without its newline the rest may be missing.
        let ends_itself = matches!(bytes.trim_ascii().last(), Some(b'}' | b']' | b'"'));
        if !(is_whole || ends_itself && crate::document::json::check(bytes).is_ok()) {
            let offset = self.offset - (self.buffer.len() - line.start) as u64;
            self.torn = Some(TornTail { offset, bytes: bytes.to_vec() });
            return None;
        }
        Some(parsed.map_err(|error| {
            Error::found(ErrorKind::Damaged, STEP, &self.path, format!("line {}: {error}", self.line))
                .with_hint("the lines before and after it can be read; it is kept as it is")
        }))
    }
}

impl<T: DeserializeOwned> Iterator for Iter<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        loop {
            let (line, is_whole) = match self.next_line() {
                Ok(line) => line?,
                Err(error) => {
                    self.file = None;
                    self.buffer.clear();
                    self.begin = 0;
                    return Some(Err(error));
                }
            };
            self.line += 1;
            if let Some(value) = self.value(line, is_whole) {
                return Some(value);
            }
        }
    }
}

impl<T> fmt::Debug for JsonLines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").field("appender", &self.appender).finish()
    }
}

impl<T> fmt::Debug for Iter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("path", &self.path).field("line", &self.line).finish_non_exhaustive()
    }
}
