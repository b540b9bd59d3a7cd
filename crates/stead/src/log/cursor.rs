//! A place in a log that outlives rotation, and is recognised in no other log.

use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh64::xxh64;

/// The xxh64 (seed 0) of a stored line without its newline, as 16 hexadecimal digits.
///
/// ```
/// assert_eq!(stead::log::line_hash(b"hello world"), "45ab6734b21e6968");
/// ```
pub fn line_hash(line: &[u8]) -> String {
    // What the formatter of the standard library does in ten times as many instructions, for every append.
    let hash = xxh64(line, 0);
    let digit = |place: u32| char::from(b"0123456789abcdef"[(hash >> (60 - 4 * place) & 15) as usize]);
    (0..16).map(digit).collect()
}

/// The name of a log: drawn by lot when it is created, so that a log made anew at the same path is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(pub(crate) u64);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for LogId {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<LogId, InvalidCursor> {
        hex(text).map(LogId).ok_or(InvalidCursor)
    }
}

/// A place between two events: which log, how many bytes of history lie before it, and the hash of the line that ends
/// there. As text, `ID:OFFSET:HASH`; the hash is `-` at the beginning of history.
///
/// ```
/// let cursor: stead::log::Cursor = "00000000000000ff:97:45ab6734b21e6968".parse()?;
/// assert_eq!(cursor.offset, 97);
/// assert_eq!(cursor.to_string(), "00000000000000ff:97:45ab6734b21e6968");
/// # Ok::<(), stead::log::InvalidCursor>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The log.
    pub log: LogId,
    /// The logical offset: how many bytes of history lie before this place.
    pub offset: u64,
    /// The hash of the line before it; `None` where there is none.
    pub(crate) hash: Option<u64>,
}

impl Cursor {
    /// The [`line_hash`] of the line before this place; empty at the beginning.
    pub fn line_hash(&self) -> String {
        self.hash.map(|hash| format!("{hash:016x}")).unwrap_or_default()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.log, self.offset)?;
        match self.hash {
            Some(hash) => write!(f, "{hash:016x}"),
            None => f.write_str("-"),
        }
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Cursor, InvalidCursor> {
        let mut parts = text.split(':');
        let (Some(log), Some(offset), Some(hash), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidCursor);
        };
        let is_number = offset.bytes().all(|byte| byte.is_ascii_digit());
        let offset = offset.parse().ok().filter(|_| is_number).ok_or(InvalidCursor)?;
        let hash = match hash {
            "-" => None,
            hash => Some(hex(hash).ok_or(InvalidCursor)?),
        };
        if hash.is_none() != (offset == 0) {
            return Err(InvalidCursor);
        }
        Ok(Cursor { log: log.parse()?, offset, hash })
    }
}

/// Sixteen lower-case hexadecimal digits.
pub(crate) fn hex(text: &str) -> Option<u64> {
    let is_hex = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    u64::from_str_radix(text, 16).ok().filter(|_| is_hex)
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidCursor;

impl fmt::Display for InvalidCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cursor is LOGID:OFFSET:HASH, as `stead log append --json` and `stead log stat` print it")
    }
}

impl std::error::Error for InvalidCursor {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(log: u64, offset in 1_u64.., hash: u64) {
            for cursor in [
                Cursor { log: LogId(log), offset, hash: Some(hash) },
                Cursor { log: LogId(log), offset: 0, hash: None },
            ] {
                prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
            }
        }

        #[test]
        fn nonsense_is_refused(text in "[0-9a-f:+-]{0,40}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
            }
        }
    }
}
