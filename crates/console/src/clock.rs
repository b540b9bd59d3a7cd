//! The monotonic clock.
#![expect(clippy::disallowed_methods, reason = "the one place of the commands that reads the monotonic clock")]

use std::time::Instant;

/// This instant.
pub fn now() -> Instant {
    Instant::now()
}
