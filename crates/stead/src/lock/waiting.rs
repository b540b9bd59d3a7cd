//! Waiting for the kernel's lock: in line where there is one, asleep until the release itself wakes us.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::lock::cycle::{self, Cycle};
use crate::lock::nesting;
use crate::lock::open::OpenLock;
use crate::lock::options::{Options, Wake};
use crate::lock::protocol::{Answer, Order, Protocol, Step};
use crate::lock::queue::{self, Ticket};
use crate::lock::registry::Process;
use crate::lock::wait::{End, Patience};
use crate::sys::{self, Alarm, FileId, Mode};

/// How long a waiter relies on the one before it before it tries the lock itself (trap 52).
const TRUST: Duration = Duration::from_secs(1);
/// How long a lock that was perhaps meant for another is left to it.
const LINGER: Duration = Duration::from_millis(2);
/// The same for somebody who does not mean to wait.
const LINGER_OF_A_TRY: Duration = Duration::from_micros(500);
/// After how long a wait looks for the first time whether it is part of a circle; each later look takes twice as long.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// No pause between two looks is longer.
const LOOKS_DOUBLED_MAX: u32 = 9;

/// One wait under way.
pub(crate) struct Waiting<'a> {
    pub(crate) open: &'a OpenLock,
    pub(crate) mode: Mode,
    pub(crate) patience: &'a Patience<'a>,
    pub(crate) options: &'a Options,
    /// What the waiting thread holds.
    pub(crate) held: &'a dyn Fn() -> Vec<FileId>,
    polls: bool,
    pause: Cell<Duration>,
    looks: Cell<u32>,
    slept: Cell<bool>,
}

/// How a wait ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Granted,
    InVain(End),
    /// Waiting on would never end.
    Circle(Cycle),
}

/// How one sleep ended.
enum Nap {
    Done,
    Paused,
    Over(Ended),
}

impl<'a> Waiting<'a> {
    pub(crate) fn new(
        open: &'a OpenLock,
        mode: Mode,
        patience: &'a Patience<'a>,
        options: &'a Options,
        held: &'a dyn Fn() -> Vec<FileId>,
        is_remote: bool,
    ) -> Waiting<'a> {
        let polls = is_remote || options.wake == Wake::Poll;
        let pause = Cell::new(options.poll.0);
        Waiting { open, mode, patience, options, held, polls, pause, looks: Cell::new(0), slept: Cell::new(false) }
    }

    /// Whether the lock was not to be had at once.
    pub(crate) fn has_slept(&self) -> bool {
        self.slept.get()
    }

    /// Goes on from a step of the protocol until the lock is granted or the wait is over. Nothing is held after an error.
    /// A ticket that was taken before goes back when it is over.
    pub(crate) fn follow(&self, begin: (Protocol, Step), ticket: Option<Ticket<'_>>) -> io::Result<Ended> {
        self.steps(begin, ticket).inspect_err(|_| {
            let _ = sys::unlock(&self.open.file);
        })
    }

    fn steps(&self, (mut protocol, mut step): (Protocol, Step), ticket: Option<Ticket<'_>>) -> io::Result<Ended> {
        let file = &self.open.file;
        let mut ticket: Option<Ticket<'_>> = ticket;
        loop {
            let answer = match step {
                Step::Granted => return Ok(Ended::Granted),
                Step::Try => said(sys::try_lock(file, self.mode)?),
                Step::GiveBack => sys::unlock(file).map(|()| Answer::Yes)?,
                Step::TryAlone => said(self.try_alone()?),
                Step::LookForAnybody => said(self.is_for_another()?),
                Step::LookForUpgrade => said(self.open.has_line() && queue::is_upgrading(file)?),
                Step::TakeTicket => {
                    if ticket.is_none()
                        && let Some(arrival) = self.arrival()
                    {
                        ticket = Ticket::take(&self.open.file, self.mode, arrival)?;
                    }
                    Answer::Yes
                }
                Step::LookAhead => Answer::Ahead(ticket.as_ref().map_or(Ok(None), Ticket::nearest_before)?),
                Step::Linger => {
                    std::thread::park_timeout(LINGER);
                    Answer::Yes
                }
                Step::AwaitTicket(byte) => match self.await_ticket(byte)? {
                    Nap::Done => Answer::Yes,
                    Nap::Paused => Answer::Paused,
                    Nap::Over(ended) => return Ok(ended),
                },
                Step::AwaitLock => match self.await_lock()? {
                    Nap::Done => Answer::Yes,
                    Nap::Paused => Answer::Paused,
                    Nap::Over(ended) => return Ok(ended),
                },
            };
            step = protocol.next(answer);
        }
    }

    /// Takes the lock if nobody has it, and shares it then where that is what is wanted.
    fn try_alone(&self) -> io::Result<bool> {
        let is_alone = sys::try_lock(&self.open.file, Mode::Exclusive)?;
        if is_alone && self.mode == Mode::Shared {
            sys::downgrade(&self.open.file)?;
        }
        Ok(is_alone)
    }

    /// Whether the lock that we were granted is for those in line.
    fn is_for_another(&self) -> io::Result<bool> {
        let file = &self.open.file;
        Ok(queue::is_anybody_before_arrival(file, self.mode, || self.arrival().unwrap_or(u64::MAX))?
            && !self.shares_already())
    }

    /// Whether this thread, or a `stead run` above it, shares the lock already: the writers in line wait for us.
    fn shares_already(&self) -> bool {
        // Our own turn is among those of the thread, where it belongs to one.
        let own = usize::from((self.held)().contains(&self.open.id));
        let is_again = || Process::current().turns.count_of(self.open.id, std::thread::current().id()) > own;
        let is_below = || matches!(nesting::held_above(self.open, self.mode, &self.open.path), Ok(Some(_)));
        self.mode == Mode::Shared && (is_again() || is_below())
    }

    /// When we came, in nanoseconds since the boot; how long we waited for our turn in this process counts. `None`: there is no
    /// clock that all processes read alike.
    fn arrival(&self) -> Option<u64> {
        let waited = u64::try_from(self.patience.waited().as_nanos()).unwrap_or(u64::MAX);
        Some(sys::boot_nanos()?.saturating_sub(waited))
    }

    fn await_ticket(&self, byte: u64) -> io::Result<Nap> {
        let (file, range) = (&self.open.file, queue::one(byte));
        let is_back = |granted: bool| {
            if granted {
                sys::unlock_range(file, range)?;
            }
            Ok(granted)
        };
        let looks = || sys::range_in_the_way(file, Mode::Shared, range).map(|found| found.is_none());
        self.nap(Some(TRUST), &looks, &|alarm| is_back(sys::range_with_alarm(file, Mode::Shared, range, alarm)?))
    }

    fn await_lock(&self) -> io::Result<Nap> {
        let file = &self.open.file;
        let pause = sys::HAS_RANGES.then(|| self.until_next_look());
        if !self.polls && pause.is_none() && self.patience.is_endless() {
            return sys::lock_blocking(file, self.mode).map(|()| Nap::Done);
        }
        self.nap(pause, &|| sys::try_lock(file, self.mode), &|alarm| sys::lock_with_alarm(file, self.mode, alarm))
    }

    /// Sleeps until `sleep` says that it happened, no longer than `pause`; where nothing can wake us, asks `attempt` again
    /// and again.
    fn nap(
        &self,
        pause: Option<Duration>,
        attempt: &dyn Fn() -> io::Result<bool>,
        sleep: &dyn Fn(&Alarm) -> io::Result<bool>,
    ) -> io::Result<Nap> {
        let pause_end = pause.and_then(|pause| sys::now().checked_add(pause));
        let until = self.patience.deadline().into_iter().chain(pause_end).min();
        self.slept.set(true);
        let alarm = if self.polls { None } else { Alarm::new(until).map(Arc::new) };
        let is_done = match alarm {
            Some(alarm) => {
                let watch = self.patience.cancel.map(|cancel| {
                    let alarm = Arc::clone(&alarm);
                    cancel.watch(move || alarm.ring())
                });
                // Cancelled before the watch was there?
                let is_done = self.patience.end().is_none() && sleep(&alarm)?;
                drop(watch);
                is_done
            }
            None => self.poll(until, attempt)?,
        };
        if is_done {
            return Ok(Nap::Done);
        }
        if let Some(end) = self.patience.end() {
            return Ok(Nap::Over(Ended::InVain(end)));
        }
        Ok(self.look_for_circle().map_or(Nap::Paused, |cycle| Nap::Over(Ended::Circle(cycle))))
    }

    /// Looks again and again, with growing pauses that end at `until` (trap 15).
    fn poll(&self, until: Option<Instant>, attempt: &dyn Fn() -> io::Result<bool>) -> io::Result<bool> {
        let thread = std::thread::current();
        let _watch = self.patience.cancel.map(|cancel| cancel.watch(move || thread.unpark()));
        loop {
            let left = until.map_or(Duration::MAX, |at| at.saturating_duration_since(sys::now()));
            if left.is_zero() || self.patience.end().is_some() {
                return Ok(false);
            }
            std::thread::park_timeout(self.pause.get().min(left));
            if attempt()? {
                return Ok(true);
            }
            self.pause.set((self.pause.get() * 2).min(self.options.poll.1));
        }
    }

    fn next_look(&self) -> Duration {
        // 1 s, 2 s, 4 s and so on after the wait began.
        FIRST_LOOK * 2_u32.pow(self.looks.get().min(LOOKS_DOUBLED_MAX))
    }

    fn until_next_look(&self) -> Duration {
        self.next_look().saturating_sub(self.patience.waited()).max(Duration::from_millis(1))
    }

    fn look_for_circle(&self) -> Option<Cycle> {
        if !sys::HAS_RANGES || self.patience.waited() < self.next_look() {
            return None;
        }
        let look = self.looks.replace(self.looks.get() + 1);
        cycle::through_us(self.open.id, self.mode, &(self.held)(), look as usize)
    }
}

/// Where a wait begins that tried the lock in vain: in line, or at the lock itself.
pub(crate) fn refused(open: &OpenLock, options: &Options) -> (Protocol, Step) {
    Protocol::refused(order(open, options))
}

/// Where an acquisition goes on that was granted the lock at once.
pub(crate) fn granted(open: &OpenLock, options: &Options) -> (Protocol, Step) {
    Protocol::granted(order(open, options))
}

/// What becomes of a lock that was free when somebody tried it who does not wait. It is for those in line, unless none of them
/// comes for it at once: the first may be stopped. False: it was given back.
pub(crate) fn keep_a_try(open: &OpenLock, mode: Mode, options: &Options) -> io::Result<bool> {
    let kept = is_ours_to_keep(open, mode, options);
    if !matches!(kept, Ok(true)) {
        let _ = sys::unlock(&open.file);
    }
    kept
}

fn is_ours_to_keep(open: &OpenLock, mode: Mode, options: &Options) -> io::Result<bool> {
    let file = &open.file;
    if !open.has_line() || !(options.barge || queue::is_anybody_before(file, mode)?) {
        return Ok(true);
    }
    if !options.barge {
        sys::unlock(file)?;
        std::thread::sleep(LINGER_OF_A_TRY);
        if !sys::try_lock(file, mode)? {
            return Ok(false);
        }
    }
    Ok(!queue::is_upgrading(file)?)
}

pub(crate) fn order(open: &OpenLock, options: &Options) -> Order {
    if open.has_line() && !options.barge { Order::Line } else { Order::Barge }
}

fn said(yes: bool) -> Answer {
    if yes { Answer::Yes } else { Answer::No }
}
