//! The lines that are there.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};
use crate::log::cursor::line_hash;
use crate::log::feed::{Feed, Reconsidered, Span};
use crate::sys::disk::RealDisk;

/// A stored line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Where it begins, as a logical offset.
    pub offset: u64,
    /// Behind its newline.
    pub end: u64,
    /// Its bytes, without the newline. Lines of a batch have blanks at their end, which JSON allows.
    pub bytes: &'a [u8],
}

impl Line<'_> {
    /// Its [`line_hash`](crate::log::line_hash).
    pub fn hash(&self) -> String {
        line_hash(self.bytes)
    }
}

/// The lines from an offset to where the log ended when they were asked for. A lending iterator: a line lives until the
/// next is asked for.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # stead::log::EventWriter::open(dir.path())?.append(&stead::log::Event::new("a", serde_json::json!(1)))?;
/// let mut lines = stead::log::EventReader::new(dir.path()).lines(0)?;
/// let mut bytes = 0;
/// while let Some(line) = lines.next()? {
///     bytes += line.bytes.len();
/// }
/// # assert!(bytes > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Lines {
    feed: Feed<RealDisk>,
    end: u64,
    is_over: bool,
}

impl Lines {
    pub(crate) fn new(feed: Feed<RealDisk>, end: u64) -> Lines {
        Lines { feed, end, is_over: false }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// [`Damaged`](ErrorKind::Damaged) with the offset, once for each damaged stretch; the next line is then the one behind
    /// it. After any other error it is over.
    #[expect(clippy::should_implement_trait, reason = "it lends its items")]
    pub fn next(&mut self) -> Result<Option<Line<'_>>> {
        let Some(span) = self.next_span()? else { return Ok(None) };
        Ok(Some(Line { offset: span.offset, end: span.next, bytes: self.feed.line(span) }))
    }

    fn next_span(&mut self) -> Result<Option<Span>> {
        if self.is_over || self.feed.at() >= self.end && !self.feed.is_inside_batch() {
            return Ok(None);
        }
        let next = self.feed.next();
        self.is_over = match &next {
            Ok(span) => span.is_none(),
            Err(error) => !passes(error),
        };
        next
    }

    /// The logical offset behind the last line that was read.
    pub fn offset(&self) -> u64 {
        self.feed.at()
    }
}

/// Whether reading can go on behind what the error is about.
pub(crate) fn passes(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Unexpected | ErrorKind::TooLarge)
}

/// A decoded line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decoded<T> {
    /// What the line says.
    pub value: T,
    /// Where it begins, as a logical offset.
    pub offset: u64,
    /// Behind its newline.
    pub end: u64,
}

/// The decoded lines from an offset to where the log ended when they were asked for.
pub struct Events<T> {
    lines: Lines,
    last: Option<Span>,
    decoded: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Events<T> {
    pub(crate) fn new(lines: Lines) -> Events<T> {
        Events { lines, last: None, decoded: PhantomData }
    }

    /// The line of the last event, or of the last [`Unexpected`](ErrorKind::Unexpected) error, without its newline.
    pub fn line(&self) -> &[u8] {
        self.last.map_or(&[], |span| self.lines.feed.line(span))
    }
}

impl<T: DeserializeOwned> Iterator for Events<T> {
    type Item = Result<Decoded<T>>;

    fn next(&mut self) -> Option<Result<Decoded<T>>> {
        loop {
            let span = match self.lines.next_span() {
                Ok(span) => span?,
                Err(error) => return Some(Err(error)),
            };
            match decode(&mut self.lines.feed, span) {
                Outcome::Value(value) => {
                    self.last = Some(span);
                    return Some(Ok(value));
                }
                Outcome::Again => {}
                Outcome::Torn => return None,
                Outcome::Failed(error) => {
                    self.last = Some(span).filter(|_| error.is_unexpected());
                    return Some(Err(error));
                }
            }
        }
    }
}

/// What a line was decoded to.
pub(crate) enum Outcome<T> {
    Value(Decoded<T>),
    /// The next line of the feed is this one once more.
    Again,
    Torn,
    Failed(Error),
}

/// Decodes a line of a feed.
#[inline]
pub(crate) fn decode<T: DeserializeOwned>(feed: &mut Feed<RealDisk>, span: Span) -> Outcome<T> {
    let error = match from_line(feed.line(span)) {
        Ok(value) => return Outcome::Value(Decoded { value, offset: span.offset, end: span.next }),
        Err(error) => error,
    };
    match feed.reconsider(span) {
        Reconsidered::Again => Outcome::Again,
        Reconsidered::Torn => Outcome::Torn,
        Reconsidered::Damaged(error) => Outcome::Failed(error),
        Reconsidered::Sound => {
            let what =
                format!("the line at offset {} is a JSON object, but not what was asked for: {error}", span.offset);
            Outcome::Failed(Error::found(ErrorKind::Unexpected, "decode", feed.path(), what))
        }
    }
}

fn from_line<T: DeserializeOwned>(line: &[u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(line) {
        // Text that is known to be text is decoded faster.
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(line),
    }
}
