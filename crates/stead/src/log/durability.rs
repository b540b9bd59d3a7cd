//! When appended events are synced.

use std::fmt;
use std::time::Duration;

/// When a writer makes what it appended durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Never by itself: the events outlive every process, but not a power cut, until somebody
    /// [syncs](crate::log::EventWriter::sync).
    None,
    /// Before each append returns: fdatasync(2).
    #[default]
    EveryAppend,
    /// At the latest this long after an append, by a thread of the writer's own, or as soon as so many bytes are not
    /// durable, whichever comes first. [`synced_to`](crate::log::EventWriter::synced_to) says how far it has come.
    Every {
        /// How long an event may wait for its sync.
        interval: Duration,
        /// How many bytes may wait.
        bytes: u64,
    },
}

impl Durability {
    /// Every `interval`, whatever the number of bytes.
    pub fn every(interval: Duration) -> Durability {
        Durability::Every { interval, bytes: u64::MAX }
    }

    /// Every `bytes` bytes, and at least once a minute.
    pub fn every_bytes(bytes: u64) -> Durability {
        Durability::Every { interval: Duration::from_secs(60), bytes }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Durability::None => f.write_str("none"),
            Durability::EveryAppend => f.write_str("every append"),
            Durability::Every { interval, bytes: u64::MAX } => write!(f, "every {interval:?}"),
            Durability::Every { interval, bytes } => write!(f, "every {interval:?} or {bytes} bytes"),
        }
    }
}
