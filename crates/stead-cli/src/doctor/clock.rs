//! The clocks, which the doctor measures with and tests.
#![expect(clippy::disallowed_methods, reason = "the one place of the command that reads the wall clock")]

use std::time::SystemTime;

pub(super) use stead_console::clock::now;

/// The wall clock.
pub(super) fn wall() -> SystemTime {
    SystemTime::now()
}
