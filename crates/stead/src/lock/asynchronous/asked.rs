//! What was asked for, and when it has no point any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Sleep;

use crate::lock::asynchronous::threads::{First, first};
use crate::lock::cancel::Cancel;
use crate::lock::options::Request;
use crate::lock::wait::{End, Limit, Patience};
use crate::sys::{self, Mode};

/// A request, and since when it stands.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) mode: Mode,
    pub(crate) limit: Limit,
    pub(crate) started: Instant,
    pub(crate) cancel: Option<Cancel>,
}

impl Asked {
    pub(crate) fn new(request: &Request) -> Asked {
        let Patience { limit, started, .. } = Patience::new(request.wait, None);
        Asked { mode: request.mode, limit, started, cancel: request.cancel.clone() }
    }

    /// Its wait, on a thread that `stop` wakes.
    pub(crate) fn patience<'a>(&self, limit: Limit, stop: &'a Cancel) -> Patience<'a> {
        Patience { limit, cancel: Some(stop), started: self.started }
    }

    pub(crate) fn end(&self) -> Option<End> {
        Patience { limit: self.limit, cancel: self.cancel.as_ref(), started: self.started }.end()
    }

    /// Comes when the wait has no point any more.
    pub(crate) async fn over(&self, runtime: &Handle) -> End {
        match first(self.cancelled(), self.deadline(runtime)).await {
            First::One(()) => End::Cancelled,
            First::Other(()) => End::TimedOut,
        }
    }

    async fn deadline(&self, runtime: &Handle) {
        match self.limit {
            Limit::At(deadline) => timer(runtime, deadline).await,
            Limit::Now | Limit::Never => std::future::pending().await,
        }
    }

    async fn cancelled(&self) {
        let Some(cancel) = &self.cancel else { return std::future::pending().await };
        let notify = Arc::new(Notify::new());
        let bell = Arc::clone(&notify);
        let _watch = cancel.watch(move || bell.notify_one());
        // Cancelled before the watch was there?
        if !cancel.is_cancelled() {
            notify.notified().await;
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(Cancel::is_cancelled)
    }
}

/// Lets some time pass, or none.
pub(crate) async fn pause_for(runtime: &Handle, pause: Duration) {
    if !pause.is_zero() {
        timer(runtime, sys::now() + pause).await;
    }
}

fn timer(runtime: &Handle, end: Instant) -> Sleep {
    let _context = runtime.enter();
    tokio::time::sleep_until(end.into())
}
