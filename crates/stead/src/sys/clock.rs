//! The two clocks: a monotonic one for deadlines, the wall clock for tokens and records.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the clocks")]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The monotonic clock, which deadlines are counted on. On Linux it stands still while the machine is suspended.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The wall clock in microseconds since 1970, 0 before.
pub(crate) fn wall_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
