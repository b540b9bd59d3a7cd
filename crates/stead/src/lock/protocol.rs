//! How one waiter stands in line for a lock file among other processes: the steps alone, without a system call.
//!
//! A lock file has two lines, one for readers and one for writers. Who waits holds a *ticket*: one byte far past the end of
//! the file, at the time of its arrival, write-locked as a byte range, which leaves the lock itself alone. A reader lets
//! earlier writers go first, a writer everybody earlier; each sleeps until its nearest predecessor gives its ticket back, and
//! the first in line sleeps in the lock itself. The kernel takes the tickets of the dead away.
//!
//! The line is advice, the lock is the law: a stopped waiter, or a ticket kept by a fork's child, must not stop the rest, so
//! every waiter tries the lock itself now and then (trap 52). What it then gets may have been on its way to another, so it is
//! given back once and tried again before it is believed that nobody comes for it. A lock that others share is not free for
//! such a try, not even for a reader: the writer in line waits for those others, as it should (trap 6).
//!
//! ```text
//!   arrive ── try ─ granted ── anybody in line? ─ no ──────────────────────────────► granted
//!              │                      └─ yes ─ give it back ─┐
//!              └─ refused ── take a ticket ◄─────────────────┘
//!                               ▼
//!            ┌──────────── who is before me? ◄───────────────────────┐
//!          nobody               │ a ticket                           │
//!            ▼                  ▼                                    │
//!      sleep for the lock   sleep for that ticket ─ given back ──────┤
//!            │                  └─ a second passed ─ try, twice ─ no ┘
//!            │ granted                                 └ yes ┐
//!            └──────────────► does somebody upgrade? ◄───────┘
//!                               ├─ no ───────────────────────────────────────────────► granted
//!                               └─ yes ─ give it back, sleep for that ticket ─► who is before me?
//! ```

use crate::sys::Mode;

/// Where the line of the readers begins.
pub(crate) const READERS: u64 = 1 << 61;
/// Where that of the writers begins.
pub(crate) const WRITERS: u64 = 1 << 62;
/// How long each of them is: 36 years of nanoseconds.
pub(crate) const SPAN: u64 = 1 << 60;
/// The ticket of a holder that shares the lock and wants it alone: before every other.
pub(crate) const UPGRADE: u64 = WRITERS;

/// The ticket at this byte: in which line, and when its owner arrived, in nanoseconds since the boot.
pub(crate) fn ticket_of(byte: u64) -> Option<(Mode, u64)> {
    match byte {
        READERS..WRITERS if byte - READERS < SPAN => Some((Mode::Shared, byte - READERS)),
        WRITERS.. if byte - WRITERS < SPAN => Some((Mode::Exclusive, byte - WRITERS)),
        _ => None,
    }
}

/// The byte of a ticket.
pub(crate) fn byte_of(mode: Mode, arrival: u64) -> u64 {
    let line = match mode {
        Mode::Shared => READERS,
        Mode::Exclusive => WRITERS,
    };
    // Never the one of an upgrade.
    line + arrival.clamp(1, SPAN - 1)
}

/// Who goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Whoever came first.
    Line,
    /// Whoever is quick: the line is passed by. An upgrade is not.
    Barge,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Take the lock if it is free: [`Answer::Yes`] or [`Answer::No`].
    Try,
    /// Take the lock if nobody at all has it, also to share it: [`Answer::Yes`] or [`Answer::No`].
    TryAlone,
    /// Give the lock back: [`Answer::Yes`].
    GiveBack,
    /// Is anybody in line whom a newcomer lets go first? [`Answer::Yes`] or [`Answer::No`].
    LookForAnybody,
    /// Take a ticket: [`Answer::Yes`].
    TakeTicket,
    /// Who is the last of those before this ticket? [`Answer::Ahead`].
    LookAhead,
    /// Sleep until this ticket is given back ([`Answer::Yes`]) or some time has passed ([`Answer::Paused`]).
    AwaitTicket(u64),
    /// Sleep until the lock is granted ([`Answer::Yes`]) or some time has passed ([`Answer::Paused`]).
    AwaitLock,
    /// Does somebody upgrade? [`Answer::Yes`] or [`Answer::No`].
    LookForUpgrade,
    /// Let the one come whom the lock was perhaps meant for: [`Answer::Yes`].
    Linger,
    /// The lock is held; a ticket goes back.
    Granted,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    Ahead(Option<u64>),
    Paused,
}

/// One acquisition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Protocol {
    order: OrderKey,
    state: State,
}

/// Hashable, for the model.
type OrderKey = bool;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum State {
    /// Tries as a newcomer.
    Arriving,
    /// Was granted as a newcomer and looks for those who came before.
    LookingRound,
    /// Gives back what is for others; the ticket is taken then, or the one who upgrades waited for.
    Yielding(Option<u64>),
    TakingTicket,
    LookingAhead,
    BehindTicket(u64),
    First,
    /// Tries out of turn: the first or the second time.
    TryingEarly(bool, u64),
    /// Was granted out of turn, and gives it back to see whether anybody comes.
    Doubting(u64),
    Lingering(u64),
    Confirming,
}

impl Protocol {
    /// Somebody arrives.
    pub(crate) fn new(order: Order) -> (Protocol, Step) {
        (Protocol { order: order == Order::Line, state: State::Arriving }, Step::Try)
    }

    /// Somebody who tried already, in vain.
    pub(crate) fn refused(order: Order) -> (Protocol, Step) {
        let (mut protocol, _) = Protocol::new(order);
        let step = protocol.next(Answer::No);
        (protocol, step)
    }

    /// Somebody who tried already and was granted the lock.
    pub(crate) fn granted(order: Order) -> (Protocol, Step) {
        let (mut protocol, _) = Protocol::new(order);
        let step = protocol.next(Answer::Yes);
        (protocol, step)
    }

    /// What follows on the answer to the step before.
    pub(crate) fn next(&mut self, answer: Answer) -> Step {
        let (state, step) = self.follow(answer);
        self.state = state;
        step
    }

    #[expect(clippy::match_same_arms, reason = "an arm for each arrow of the picture")]
    fn follow(self, answer: Answer) -> (State, Step) {
        let is_yes = answer == Answer::Yes;
        match self.state {
            State::Arriving if is_yes && self.order => (State::LookingRound, Step::LookForAnybody),
            State::Arriving if is_yes => (State::Confirming, Step::LookForUpgrade),
            State::Arriving => self.line_up(),
            State::LookingRound if is_yes => (State::Yielding(None), Step::GiveBack),
            State::LookingRound => (State::Confirming, Step::Granted),
            State::Yielding(None) => self.line_up(),
            State::Yielding(Some(ticket)) => (State::BehindTicket(ticket), Step::AwaitTicket(ticket)),
            State::TakingTicket => (State::LookingAhead, Step::LookAhead),
            State::LookingAhead => match answer {
                Answer::Ahead(Some(ticket)) => (State::BehindTicket(ticket), Step::AwaitTicket(ticket)),
                _ => (State::First, Step::AwaitLock),
            },
            State::BehindTicket(_) if is_yes => self.look_ahead(),
            State::BehindTicket(ticket) => (State::TryingEarly(false, ticket), Step::TryAlone),
            State::First if is_yes => (State::Confirming, Step::LookForUpgrade),
            State::First => (State::First, Step::AwaitLock),
            State::TryingEarly(false, ticket) if is_yes => (State::Doubting(ticket), Step::GiveBack),
            State::TryingEarly(true, _) if is_yes => (State::Confirming, Step::LookForUpgrade),
            State::TryingEarly(..) => self.look_ahead(),
            State::Doubting(ticket) => (State::Lingering(ticket), Step::Linger),
            State::Lingering(ticket) => (State::TryingEarly(true, ticket), Step::TryAlone),
            State::Confirming if is_yes => (State::Yielding(Some(UPGRADE)), Step::GiveBack),
            State::Confirming => (State::Confirming, Step::Granted),
        }
    }

    fn line_up(self) -> (State, Step) {
        if self.order { (State::TakingTicket, Step::TakeTicket) } else { (State::First, Step::AwaitLock) }
    }

    fn look_ahead(self) -> (State, Step) {
        if self.order { (State::LookingAhead, Step::LookAhead) } else { (State::First, Step::AwaitLock) }
    }
}

#[cfg(test)]
#[path = "protocol_model.rs"]
mod model;
