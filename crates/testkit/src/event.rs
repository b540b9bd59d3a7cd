//! Waiting for an event instead of sleeping.
#![expect(clippy::disallowed_methods, reason = "a test has a clock of its own")]

use std::time::{Duration, Instant};

/// How long a test waits for what must happen. Far longer than it takes: reaching it is a failure.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until `condition` gives something.
///
/// # Panics
/// If that has not happened after [`PATIENCE`].
pub fn wait_until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
