//! When a segment is full.

use std::time::Duration;

/// What makes the active segment full: writers then seal it and begin the next one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// At least this many bytes; 0 and `None`: any number.
    pub(crate) bytes: Option<u64>,
    /// Its first line was written at least this long ago.
    pub(crate) age: Option<Duration>,
}

impl Limits {
    /// These, and where they say nothing those.
    pub(crate) fn or(self, other: Limits) -> Limits {
        Limits { bytes: self.bytes.or(other.bytes), age: self.age.or(other.age) }
    }

    /// Whether a segment of `len` bytes that was begun at `since` is full at `now`; times in microseconds since 1970.
    pub(crate) fn reached(self, len: u64, since: u64, now: u64) -> bool {
        let large = self.bytes.is_some_and(|max| max > 0 && len >= max);
        let old = self.age.is_some_and(|max| since > 0 && Duration::from_micros(now.saturating_sub(since)) >= max);
        len > 0 && (large || old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_full_by_size_or_by_age_and_never_when_empty() {
        let limits = Limits { bytes: Some(100), age: Some(Duration::from_secs(1)) };
        assert!(limits.reached(100, 0, 0));
        assert!(!limits.reached(99, 1, 1_000_000));
        assert!(limits.reached(1, 1, 1_000_001));
        assert!(!limits.reached(0, 1, 9_000_000));
        assert!(!limits.reached(1, 0, 9_000_000));
        assert!(!Limits { bytes: Some(0), age: None }.reached(u64::MAX, 1, 2));
        assert_eq!(Limits::default().or(limits), limits);
    }
}
