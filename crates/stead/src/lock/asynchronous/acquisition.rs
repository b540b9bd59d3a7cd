//! One lock that is awaited, from the arrival to the grant.
//!
//! A future first waits in memory, among the tasks and threads of its process, and occupies neither a thread nor a descriptor
//! there. With its turn it goes to the kernel, where a wait takes a thread: those of a process take
//! [few](crate::lock::asynchronous::threads) at a time, and who gets none looks again and again, as on a network filesystem.
//!
//! ```text
//!   arrive ── open, line up in memory ── a turn at once ── try ─ granted ────────────────► held
//!                      │                                    └─ refused ─┐
//!                      └─ others before it ── asleep ── its turn ──────►│
//!                                                                       ▼
//!                                            a thread to wait on? ─ yes ── wait in line ─► held
//!                                                ▲      └─ no ── try ─ granted ──────────► held
//!                                                └───── a pause ──────┘ refused
//! ```

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::lock::acquire::{Attempt, HeldTurn, RESTARTS_MAX, Tried, in_vain, never_the_same};
use crate::lock::asynchronous::asked::{Asked, pause_for};
use crate::lock::asynchronous::threads::{First, Permit, Threads, first, runtime};
use crate::lock::cancel::Cancel;
use crate::lock::core::Core;
use crate::lock::guard::Hold;
use crate::lock::open::OpenLock;
use crate::lock::registry::Process;
use crate::lock::trace;
use crate::lock::turns::Bell;
use crate::lock::wait::{End, Limit, Patience};
use crate::lock::waiting::Ended;
use crate::sys::{self, FileId};

/// The longest pause between two looks of a future that has no thread to wait on.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// One lock that is being awaited.
pub(crate) struct Acquisition {
    core: Arc<Core>,
    asked: Asked,
    runtime: Handle,
    process: &'static Process,
    threads: &'static Threads,
    /// Its place among those of this process.
    number: u64,
}

/// How far a step got.
enum Begun {
    Held(Hold),
    Stale,
    /// Others are before it in this process.
    InLine(HeldTurn),
    /// It is its turn, and the lock is not free.
    Refused(HeldTurn),
}

impl Acquisition {
    /// Gets its place.
    pub(crate) fn begin(core: Arc<Core>, asked: Asked) -> Result<Arc<Acquisition>> {
        let runtime = runtime(&core.shown)?;
        let (process, threads) = (Process::current(), Threads::current());
        let number = process.turns.draw();
        Ok(Arc::new(Acquisition { core, asked, runtime, process, threads, number }))
    }

    /// The lock, once it is granted.
    pub(crate) async fn hold(self: &Arc<Self>) -> Result<Hold> {
        for restart in 0..RESTARTS_MAX {
            // A lock file replaced in a loop must not outlast the deadline.
            if restart > 0
                && self.asked.limit != Limit::Now
                && let Some(end) = self.asked.end()
            {
                return Err(self.ended(end).await);
            }
            if let Some(hold) = self.once().await? {
                let waited = sys::now().saturating_duration_since(self.asked.started);
                trace::Wait::new(&self.core, self.asked.mode).granted(waited);
                return Ok(hold);
            }
        }
        Err(never_the_same(&self.core))
    }

    /// The file that is locked now; it is created when missing.
    pub(crate) async fn file(self: &Arc<Self>) -> Result<FileId> {
        for _ in 0..RESTARTS_MAX {
            let (me, permit) = (Arc::clone(self), self.step().await?);
            let look = move |stop: &Cancel| Ok(me.attempt(Limit::Now, stop).open()?.map(|open| open.id));
            if let Some(id) = self.on_a_thread(permit, Cancel::new(), look).await? {
                return Ok(id);
            }
        }
        Err(never_the_same(&self.core))
    }

    /// `None`: the file at the path is no longer the one that was locked; begin again.
    async fn once(self: &Arc<Self>) -> Result<Option<Hold>> {
        let (bell, rung) = oneshot::channel();
        let (me, permit) = (Arc::clone(self), self.step().await?);
        let line_up = move |stop: &Cancel| {
            let sound = move || {
                // Nobody listens any more? Then the turn goes back anyway.
                let _ = bell.send(());
            };
            me.line_up(stop, Box::new(sound))
        };
        match self.on_a_thread(permit, Cancel::new(), line_up).await? {
            Begun::Held(hold) => Ok(Some(hold)),
            Begun::Stale => Ok(None),
            Begun::Refused(turn) => self.with_turn(turn).await,
            Begun::InLine(turn) => match first(rung, self.asked.over(&self.runtime)).await {
                First::One(_) => {
                    debug_assert!(turn.is_granted(), "the bell rings for a turn");
                    self.with_turn(turn).await
                }
                First::Other(end) => {
                    drop(turn);
                    Err(self.ended(end).await)
                }
            },
        }
    }

    /// In memory it is our turn; now the kernel's lock.
    async fn with_turn(self: &Arc<Self>, mut turn: HeldTurn) -> Result<Option<Hold>> {
        let mut thread = pin!(self.threads.waits.acquire());
        let mut pause = Duration::ZERO;
        loop {
            match first(thread.as_mut(), first(self.asked.over(&self.runtime), pause_for(&self.runtime, pause))).await {
                First::One(permit) => return self.wait(permit.expect("never closed"), turn).await,
                First::Other(First::One(end)) => {
                    drop(turn);
                    return Err(self.ended(end).await);
                }
                First::Other(First::Other(())) => {}
            }
            match self.look(turn).await? {
                Begun::Held(hold) => return Ok(Some(hold)),
                Begun::Stale => return Ok(None),
                Begun::InLine(still) | Begun::Refused(still) => turn = still,
            }
            pause = (pause * 2).max(self.core.options.poll.0).min(PAUSE_MAX);
        }
    }

    /// Tries once more.
    async fn look(self: &Arc<Self>, turn: HeldTurn) -> Result<Begun> {
        let (me, permit) = (Arc::clone(self), self.step().await?);
        let look = move |stop: &Cancel| match me.attempt(Limit::Now, stop).open()? {
            Some(open) if turn.is_for(open.id) => me.try_for_now(open, turn, stop),
            _ => Ok(Begun::Stale),
        };
        self.on_a_thread(permit, Cancel::new(), look).await
    }

    /// Waits in the kernel, with a thread to do so.
    async fn wait(self: &Arc<Self>, permit: Permit, turn: HeldTurn) -> Result<Option<Hold>> {
        let stop = Cancel::new();
        let _watch = self.asked.cancel.as_ref().map(|cancel| {
            let stop = stop.clone();
            cancel.watch(move || stop.cancel())
        });
        if self.asked.is_cancelled() {
            stop.cancel();
        }
        let me = Arc::clone(self);
        let wait = move |stop: &Cancel| {
            let attempt = me.attempt(me.asked.limit, stop);
            match attempt.open()? {
                Some(open) if turn.is_for(open.id) => attempt.with_turn(open, turn),
                _ => Ok(None),
            }
        };
        self.on_a_thread(permit, stop, wait).await
    }

    /// On a borrowed thread: gets a place in memory, and tries where it is the first.
    fn line_up(&self, stop: &Cancel, bell: Bell) -> Result<Begun> {
        let attempt = self.attempt(Limit::Now, stop);
        let Some(open) = attempt.open()? else { return Ok(Begun::Stale) };
        let bell = || if self.asked.limit == Limit::Now { Err(End::Busy) } else { Ok(bell) };
        let turn = self.process.turns.line_up_with(self.number, open.id, self.asked.mode, bell);
        let turn = attempt.turn_or_error(&open, turn)?;
        if turn.waited() {
            // Closed until its turn comes: those who wait in memory have no descriptor.
            return Ok(Begun::InLine(turn));
        }
        self.try_for_now(open, turn, stop)
    }

    /// On a borrowed thread: one try. It is in vain for good only where nobody wants to wait.
    fn try_for_now(&self, open: OpenLock, turn: HeldTurn, stop: &Cancel) -> Result<Begun> {
        let attempt = self.attempt(Limit::Now, stop);
        if self.asked.limit == Limit::Now {
            return Ok(attempt.with_turn(open, turn)?.map_or(Begun::Stale, Begun::Held));
        }
        Ok(match attempt.try_with(open, turn)? {
            Tried::Held(hold) => Begun::Held(hold),
            Tried::Stale => Begun::Stale,
            Tried::Ended(_, turn, _) => Begun::Refused(turn),
        })
    }

    fn attempt<'a>(&'a self, limit: Limit, stop: &'a Cancel) -> Attempt<'a> {
        let patience = self.asked.patience(limit, stop);
        Attempt { core: &self.core, process: self.process, mode: self.asked.mode, owner: None, patience }
    }

    /// A thread for a step, as soon as there is one.
    async fn step(&self) -> Result<Permit> {
        match first(self.threads.steps.acquire(), self.asked.over(&self.runtime)).await {
            First::One(permit) => Ok(permit.expect("never closed")),
            First::Other(end) => Err(self.in_vain(end, None)),
        }
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        permit: Permit,
        stop: Cancel,
        work: impl FnOnce(&Cancel) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.threads.run(&self.core.shown, permit, stop, work).await
    }

    /// The error of a wait that ended in memory. The holder is looked for where a thread is free to do so: if ten thousand
    /// give up at once, they do it in time.
    async fn ended(self: &Arc<Self>, end: End) -> Error {
        let permit = match self.threads.steps.try_acquire() {
            Ok(permit) if end == End::TimedOut => permit,
            _ => return self.in_vain(end, None),
        };
        let me = Arc::clone(self);
        let look = move |stop: &Cancel| {
            let open = me.attempt(Limit::Now, stop).open().ok().flatten();
            Ok(me.in_vain(end, open.as_ref()))
        };
        self.on_a_thread(permit, Cancel::new(), look).await.unwrap_or_else(|_| self.in_vain(end, None))
    }

    fn in_vain(&self, end: End, open: Option<&OpenLock>) -> Error {
        let patience = Patience { limit: self.asked.limit, cancel: None, started: self.asked.started };
        in_vain(&self.core, Ended::InVain(end), &patience, open)
    }
}
