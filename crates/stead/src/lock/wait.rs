//! How long to wait.

use std::fmt;
use std::time::{Duration, Instant};

use crate::holder::Age;
use crate::lock::cancel::Cancel;
use crate::sys;

/// How long a caller is willing to wait for a lock.
///
/// Deadlines are counted on the monotonic clock, which a change of the wall clock does not touch (on Linux it stands
/// still while the machine is suspended). A wait returns neither before its deadline nor a poll interval after it.
///
/// ```
/// use std::time::Duration;
/// use stead::lock::Wait;
///
/// assert_eq!(Wait::from(Duration::ZERO), Wait::No);
/// assert_eq!(Wait::For(Duration::from_secs(192)).to_string(), "for at most 3m12s");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wait {
    /// Not at all: a lock that is not free now is [`Busy`](crate::ErrorKind::Busy).
    No,
    /// At most this long.
    For(Duration),
    /// Until this instant.
    Until(Instant),
    /// Until the lock is granted.
    #[default]
    Forever,
}

impl From<Duration> for Wait {
    /// Zero means not at all.
    fn from(duration: Duration) -> Wait {
        if duration.is_zero() { Wait::No } else { Wait::For(duration) }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::No => f.write_str("not at all"),
            Wait::For(duration) => write!(f, "for at most {}", Age(*duration)),
            Wait::Until(instant) => {
                write!(f, "for at most another {}", Age(instant.saturating_duration_since(sys::now())))
            }
            Wait::Forever => f.write_str("until it is granted"),
        }
    }
}

/// A wait that has begun: what is left of it, and whether it still has a point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience<'a> {
    pub(crate) limit: Limit,
    pub(crate) cancel: Option<&'a Cancel>,
    pub(crate) started: Instant,
}

/// When a wait ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Now,
    At(Instant),
    Never,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(wait: Wait, cancel: Option<&'a Cancel>) -> Patience<'a> {
        let started = sys::now();
        let limit = match wait {
            Wait::No => Limit::Now,
            Wait::For(duration) if duration.is_zero() => Limit::Now,
            // A deadline past the end of the clock is none.
            Wait::For(duration) => started.checked_add(duration).map_or(Limit::Never, Limit::At),
            Wait::Until(instant) => Limit::At(instant),
            Wait::Forever => Limit::Never,
        };
        Patience { limit, cancel, started }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.limit {
            Limit::At(instant) => Some(instant),
            Limit::Now | Limit::Never => None,
        }
    }

    /// Whether nothing ends it but the lock.
    pub(crate) fn is_endless(&self) -> bool {
        self.limit == Limit::Never && self.cancel.is_none()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(Cancel::is_cancelled)
    }

    /// Why to stop waiting now, if so.
    pub(crate) fn end(&self) -> Option<End> {
        if self.is_cancelled() {
            return Some(End::Cancelled);
        }
        match self.limit {
            Limit::Now => Some(End::Busy),
            Limit::At(deadline) => (sys::now() >= deadline).then_some(End::TimedOut),
            Limit::Never => None,
        }
    }

    pub(crate) fn waited(&self) -> Duration {
        sys::now().saturating_duration_since(self.started)
    }
}

/// Why a wait ended without the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Busy,
    TimedOut,
    Cancelled,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zero_is_no_wait_and_past_the_clock_is_for_ever() {
        assert_eq!(Patience::new(Wait::For(Duration::ZERO), None).limit, Limit::Now);
        assert_eq!(Patience::new(Wait::For(Duration::MAX), None).limit, Limit::Never);
        assert_eq!(Patience::new(Wait::No, None).end(), Some(End::Busy));
        assert_eq!(Patience::new(Wait::Forever, None).end(), None);
        assert_eq!(Patience::new(Wait::Until(sys::now()), None).end(), Some(End::TimedOut));
    }

    #[test]
    fn a_cancel_ends_any_wait() {
        let cancel = Cancel::new();
        let patience = Patience::new(Wait::Forever, Some(&cancel));
        assert_eq!(patience.end(), None);
        cancel.cancel();
        assert_eq!(patience.end(), Some(End::Cancelled));
    }

    proptest! {
        /// A deadline is never before what was asked for, and never ends a wait before it came.
        #[test]
        fn deadlines_are_where_they_should_be(millis in 1..10_000_000_u64) {
            let before = sys::now();
            let patience = Patience::new(Wait::For(Duration::from_millis(millis)), None);
            let deadline = patience.deadline().unwrap();
            prop_assert!(deadline >= before + Duration::from_millis(millis));
            prop_assert!(deadline <= sys::now() + Duration::from_millis(millis));
            prop_assert!(patience.end().is_none() || sys::now() >= deadline);
        }
    }
}
