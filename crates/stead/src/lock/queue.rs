//! The line of a lock file, as byte ranges of it. See [`protocol`](crate::lock::protocol) for how it is used.

use std::fs::File;
use std::io;
use std::time::Duration;

use crate::lock::protocol::{READERS, SPAN, UPGRADE, WRITERS, byte_of, ticket_of};
use crate::sys::{self, Mode, Range};

/// How many nanoseconds later a ticket is asked for while others have the very same ones.
pub(crate) const COLLISIONS_MAX: u64 = 1000;

/// How far back a waiter looks at first for who is before it, in nanoseconds, and how much further each time.
const WINDOW: u64 = 1 << 17;
const WINDOW_GROWTH: u64 = 4;

/// How often the ticket of an upgrade is asked for again while those who waited for the one before let go of it, and how long
/// to wait between.
const UPGRADE_TRIES: usize = 1000;
const UPGRADE_PAUSE: Duration = Duration::from_micros(100);

/// A place in the line; it goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket<'a> {
    file: &'a File,
    byte: u64,
}

impl<'a> Ticket<'a> {
    /// A place for somebody who arrived at this time, in nanoseconds since the boot. `None`: all that come near are taken.
    pub(crate) fn take(file: &'a File, mode: Mode, arrival: u64) -> io::Result<Option<Ticket<'a>>> {
        let first = byte_of(mode, arrival);
        for byte in first..first.saturating_add(COLLISIONS_MAX) {
            if sys::try_range(file, Mode::Exclusive, one(byte))? {
                return Ok(Some(Ticket { file, byte }));
            }
        }
        Ok(None)
    }

    /// The place itself, to be [adopted](Ticket::adopt) again.
    pub(crate) fn keep(self) -> u64 {
        std::mem::ManuallyDrop::new(self).byte
    }

    /// A place that this file has already.
    pub(crate) fn adopt(file: &'a File, byte: u64) -> Ticket<'a> {
        Ticket { file, byte }
    }

    /// The place before all others, for a holder that shares the lock and wants it alone. `None`: another has it.
    pub(crate) fn take_upgrade(file: &'a File) -> io::Result<Option<Ticket<'a>>> {
        for _ in 0..UPGRADE_TRIES {
            if sys::try_range(file, Mode::Exclusive, one(UPGRADE))? {
                return Ok(Some(Ticket { file, byte: UPGRADE }));
            }
            // Who slept until it was given back has a share in it for an instant, and does not upgrade.
            if is_upgrading(file)? {
                return Ok(None);
            }
            std::thread::park_timeout(UPGRADE_PAUSE);
        }
        Ok(None)
    }

    /// The ticket of the last one who is before this one, in nearly as few steps as there are: the kernel tells the oldest
    /// of those in a range, and who waits for the oldest is woken in vain by all others.
    pub(crate) fn nearest_before(&self) -> io::Result<Option<u64>> {
        let Some((mode, mine)) = ticket_of(self.byte) else { return Ok(None) };
        let mut window = WINDOW;
        loop {
            let from = mine.saturating_sub(window);
            if let Some(found) = nearest_between(self.file, mode, from, mine)? {
                return Ok(Some(found));
            }
            if from == 0 {
                return Ok(None);
            }
            window = window.saturating_mul(WINDOW_GROWTH);
        }
    }
}

/// The last ticket with an arrival of at least `from` and before `to`.
fn nearest_between(file: &File, mode: Mode, mut from: u64, to: u64) -> io::Result<Option<u64>> {
    let mut nearest = None;
    while let Some((byte, arrival)) = some_between(file, mode, from, to)? {
        nearest = Some(byte);
        from = arrival + 1;
    }
    Ok(nearest)
}

/// Some ticket between, of those that somebody waiting in `mode` lets go first.
fn some_between(file: &File, mode: Mode, from: u64, to: u64) -> io::Result<Option<(u64, u64)>> {
    if from >= to {
        return Ok(None);
    }
    let in_line = |line: u64| -> io::Result<Option<(u64, u64)>> {
        let found = sys::range_in_the_way(file, Mode::Shared, Range { start: line + from, len: to - from })?;
        let ticket = found.and_then(|range| Some((range.start, ticket_of(range.start)?.1)));
        // What covers more than a ticket is none of ours.
        Ok(ticket.filter(|(_, arrival)| (from..to).contains(arrival)))
    };
    let writer = in_line(WRITERS)?;
    match mode {
        Mode::Shared => Ok(writer),
        Mode::Exclusive => Ok(std::cmp::max_by_key(writer, in_line(READERS)?, |found| found.map(|(_, at)| at))),
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        // In so many words: a fork elsewhere in the process may have copied the descriptor.
        let _ = sys::unlock_range(self.file, one(self.byte));
    }
}

/// Whether anybody is in line whom a newcomer lets go first.
pub(crate) fn is_anybody_before(file: &File, mode: Mode) -> io::Result<bool> {
    let range = match mode {
        Mode::Shared => Range { start: WRITERS, len: SPAN },
        Mode::Exclusive => Range { start: READERS, len: WRITERS + SPAN - READERS },
    };
    Ok(sys::range_in_the_way(file, Mode::Shared, range)?.is_some())
}

/// The same, of those who came before this time only: who waited for its turn in its own process may have come before them.
pub(crate) fn is_anybody_before_arrival(file: &File, mode: Mode, arrival: impl FnOnce() -> u64) -> io::Result<bool> {
    Ok(is_anybody_before(file, mode)? && some_between(file, mode, 0, arrival().min(SPAN))?.is_some())
}

/// Whether a holder that shares the lock waits to have it alone.
pub(crate) fn is_upgrading(file: &File) -> io::Result<bool> {
    Ok(sys::range_in_the_way(file, Mode::Shared, one(UPGRADE))?.is_some())
}

/// The range of one ticket.
pub(crate) fn one(byte: u64) -> Range {
    Range { start: byte, len: 1 }
}

#[cfg(all(test, target_os = "linux", not(stead_other_unix)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn files(count: usize) -> Vec<File> {
        let path = tempfile::NamedTempFile::new().unwrap();
        (0..count).map(|_| File::options().read(true).write(true).open(path.path()).unwrap()).collect()
    }

    fn mode(shared: bool) -> Mode {
        if shared { Mode::Shared } else { Mode::Exclusive }
    }

    #[test]
    fn a_ticket_says_its_line_and_time() {
        for mode in [Mode::Shared, Mode::Exclusive] {
            assert_eq!(ticket_of(byte_of(mode, 7)), Some((mode, 7)));
            assert_eq!(ticket_of(byte_of(mode, 0)), Some((mode, 1)));
            assert_eq!(ticket_of(byte_of(mode, u64::MAX)), Some((mode, SPAN - 1)));
        }
        assert_eq!(ticket_of(UPGRADE), Some((Mode::Exclusive, 0)));
        assert_eq!([0, 1024, READERS - 1, READERS + SPAN, WRITERS + SPAN, u64::MAX].map(ticket_of), [None; 6]);
    }

    #[test]
    fn two_of_one_instant_get_tickets_next_to_each_other() {
        let files = files(2);
        let first = Ticket::take(&files[0], Mode::Exclusive, 5).unwrap().unwrap();
        let second = Ticket::take(&files[1], Mode::Exclusive, 5).unwrap().unwrap();
        assert_eq!((first.byte, second.byte), (WRITERS + 5, WRITERS + 6));
        assert_eq!(second.nearest_before().unwrap(), Some(first.byte));
        drop(first);
        assert_eq!(second.nearest_before().unwrap(), None);
        assert!(is_anybody_before(&files[0], Mode::Shared).unwrap());
        assert!(!is_upgrading(&files[0]).unwrap());
    }

    #[test]
    fn an_upgrade_is_before_everybody_and_there_is_one() {
        let files = files(3);
        let upgrade = Ticket::take_upgrade(&files[0]).unwrap().unwrap();
        assert!(Ticket::take_upgrade(&files[1]).unwrap().is_none());
        let reader = Ticket::take(&files[2], Mode::Shared, 1).unwrap().unwrap();
        assert_eq!(reader.nearest_before().unwrap(), Some(UPGRADE));
        assert!(is_upgrading(&files[2]).unwrap());
        drop(upgrade);
        assert!(!is_upgrading(&files[2]).unwrap());
    }

    proptest! {
        /// Against a plain list: the nearest is the last of those before.
        #[test]
        fn the_nearest_is_found(arrivals in prop::collection::hash_map(1..1_u64 << 40, any::<bool>(), 1..12)) {
            let files = files(arrivals.len());
            let tickets: Vec<_> = arrivals.iter().zip(&files).map(|((at, shared), file)| {
                (*at, *shared, Ticket::take(file, mode(*shared), *at).unwrap().unwrap())
            }).collect();
            for (at, shared, ticket) in &tickets {
                let before = tickets.iter().filter(|(other, other_shared, _)| other < at && !(*shared && *other_shared));
                let last = before.max_by_key(|(other, ..)| *other).map(|(.., ticket)| ticket.byte);
                prop_assert_eq!(ticket.nearest_before().unwrap(), last);
            }
        }
    }
}
