//! The monotonic clock.
#![expect(clippy::disallowed_methods, reason = "the one place of the command that reads the clock")]

use std::time::Instant;

pub(crate) fn now() -> Instant {
    Instant::now()
}
