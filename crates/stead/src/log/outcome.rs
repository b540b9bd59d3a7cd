//! What appends and waits come to.

use std::fmt;
use std::io;

/// Where an appended event lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendResult {
    /// Where its line begins, as a logical offset: how many bytes of history are before it. Rotation changes none.
    pub start_offset: u64,
    /// Behind its newline: where the next event will begin.
    pub end_offset: u64,
    /// The [`line_hash`](crate::log::line_hash) of the stored line; of a batch, that of the last.
    pub line_hash: String,
}

/// What stood in the way of a conditional append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendConflict {
    /// Where the caller expected the log to end.
    pub expected_offset: u64,
    /// Where it ends.
    pub actual_offset: u64,
    /// The hash that the caller expected of the last line.
    pub expected_hash: String,
    /// The hash of the last line, if it was that which differed; `None` if the offsets did.
    pub actual_hash: Option<String>,
}

/// Why a conditional append did not happen.
#[derive(Debug)]
pub enum ConditionalAppendError {
    /// The log is not as it was expected to be; nothing was written.
    Conflict(AppendConflict),
    /// The look at the log, or the append, failed.
    Io(io::Error),
}

impl fmt::Display for ConditionalAppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConditionalAppendError::Conflict(conflict) => {
                let AppendConflict { expected_offset, actual_offset, expected_hash, actual_hash } = conflict;
                write!(f, "the log ends at offset {actual_offset}, expected was {expected_offset}")?;
                match actual_hash {
                    Some(actual) => {
                        write!(f, ", but its last line has the hash {actual:?}, expected was {expected_hash:?}")
                    }
                    None => Ok(()),
                }
            }
            ConditionalAppendError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConditionalAppendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ConditionalAppendError::Conflict(_) => None,
            ConditionalAppendError::Io(error) => Some(error),
        }
    }
}

impl From<io::Error> for ConditionalAppendError {
    fn from(error: io::Error) -> ConditionalAppendError {
        ConditionalAppendError::Io(error)
    }
}

/// How a wait for events ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitResult {
    /// There are events behind the offset; the log ends here now.
    NewData(u64),
    /// The time is over, and there are none.
    Timeout,
}

/// Who else may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LockMode {
    /// Nobody: `app.jsonl` is locked for as long as the writer lives.
    #[default]
    Flock,
    /// Anybody. For who knows that there is one process only, which uses one writer at a time: two that append at the
    /// same instant may be told wrong offsets, and a torn line is not told from one that is being written.
    None,
}
