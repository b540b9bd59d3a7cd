//! What is said about a lock that is not free: while waiting for it, and when giving up.

use std::fmt::{self, Display, Formatter};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use stead::lock::{Age, FileLock, Holder};
use unicode_width::UnicodeWidthStr;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::text::plain;

/// A wait shorter than this is not worth a word.
const SILENCE: Duration = Duration::from_millis(200);
/// How often the line on a terminal is rewritten.
const REWRITE: Duration = Duration::from_secs(1);
/// How often a line is added to a log.
const REPEAT: Duration = Duration::from_secs(30);
/// What begins like this is no reason for others to think that this process does more than wait.
const SPEAKER: &str = "stead-speaker";
const UNSEEN: &str = "waiting for a lock whose holder cannot be seen";
/// How much of a command is left where there is little room.
const COMMAND_MIN: usize = 4;

/// A thread that says for whom we wait, until it is dropped.
#[derive(Debug)]
pub struct Speaker {
    /// Dropped, it ends the thread.
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Speaker {
    /// Speaks about the locks that another process holds, from now on. Where the system has no thread to spare, the
    /// wait is silent.
    pub fn start(locks: &[FileLock]) -> Speaker {
        Speaker::begin(locks, Unseen::Told)
    }

    /// The same, for work that takes the locks now and then: where no holder is to be seen, nobody is waited for.
    pub fn start_seeing(locks: &[FileLock]) -> Speaker {
        Speaker::begin(locks, Unseen::Passed)
    }

    fn begin(locks: &[FileLock], unseen: Unseen) -> Speaker {
        let (alive, ended) = channel();
        let locks = locks.to_vec();
        let thread = std::thread::Builder::new().name(SPEAKER.to_owned()).spawn(move || speak(&locks, unseen, &ended));
        Speaker { alive: Some(alive), thread: thread.ok() }
    }
}

impl Drop for Speaker {
    /// On a terminal the line is gone when this returns.
    fn drop(&mut self) {
        self.alive = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What is said of a lock that is waited for, and whose holder is not to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unseen {
    Told,
    Passed,
}

fn speak(locks: &[FileLock], unseen: Unseen, ended: &Receiver<()>) {
    let mut out = Printer::new();
    let mut pause = SILENCE;
    let mut was_free = false;
    while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let text = match locks.iter().find_map(Obstacle::of) {
            Some(seen) => seen.within(out.room()).to_string(),
            // What is done under them takes its time.
            None if unseen == Unseen::Passed || locks.iter().all(is_ours) => {
                out.clear_progress();
                pause = REWRITE;
                continue;
            }
            None if was_free => UNSEEN.to_owned(),
            // Released just now: we have it soon, or somebody new to name.
            None => {
                (was_free, pause) = (true, REWRITE);
                continue;
            }
        };
        if out.is_live() {
            out.progress(text);
            pause = REWRITE;
        } else {
            out.message(text);
            pause = REPEAT;
        }
    }
    out.clear_progress();
}

/// Whether this process holds it.
fn is_ours(lock: &FileLock) -> bool {
    let me = Some(std::process::id());
    lock.inspect().is_ok_and(|seen| seen.holders.iter().any(|holder| holder.pid == me))
}

/// A lock that others hold.
#[derive(Debug, Clone)]
struct Obstacle {
    path: String,
    /// The first of them.
    holder: Holder,
    /// How many more there are.
    more: usize,
    /// How many waiters are to get it before us.
    ahead: usize,
}

impl Obstacle {
    /// `None`: nobody else holds it, as far as can be seen.
    fn of(lock: &FileLock) -> Option<Obstacle> {
        let seen = lock.inspect().ok()?;
        let me = Some(std::process::id());
        let mut others = seen.holders.into_iter().filter(|holder| holder.pid != me);
        Some(Obstacle {
            path: plain(&lock.path().to_string_lossy()),
            holder: others.next()?,
            more: others.count(),
            ahead: seen.waiters.iter().position(|waiter| waiter.pid == me).unwrap_or(0),
        })
    }

    /// The same in a narrow place: what matters least goes first, who and since when stay.
    fn within(mut self, columns: usize) -> Obstacle {
        let excess = |obstacle: &Obstacle| obstacle.to_string().width().saturating_sub(columns);
        if excess(&self) > 0 {
            self.holder.user = None;
        }
        let excess_left = excess(&self);
        if let Some(command) = self.holder.command.as_mut().filter(|_| excess_left > 0) {
            let kept = command.chars().count().saturating_sub(excess_left + 1).max(COMMAND_MIN);
            *command = command.chars().take(kept).chain(['…']).collect();
        }
        if excess(&self) > 0 {
            self.holder.command = None;
        }
        if excess(&self) > 0 {
            self.holder.label = None;
        }
        self
    }

    fn holders(&self) -> String {
        match self.more {
            0 => self.holder.to_string(),
            more => format!("{}, and {more} more", self.holder),
        }
    }
}

impl Display for Obstacle {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "waiting for {}, held {}", self.path, self.holders())?;
        match self.ahead {
            0 => Ok(()),
            ahead => write!(f, "; {ahead} ahead of you"),
        }
    }
}

/// What a lock was wanted for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vain {
    /// We were told not to wait.
    Busy,
    /// The same, and that is no failure.
    Skipped,
    /// The wait elapsed; this long it was to be.
    TimedOut(Duration),
}

/// The failure to say for a lock of `locks` that was not granted: who holds it, and what next.
pub fn not_granted(vain: Vain, error: &stead::Error, locks: &[FileLock], lock_dir: Option<&Path>) -> Failure {
    let path = error.path();
    let same = || locks.iter().filter(|lock| lock.path() == path);
    let seen = same().find_map(|lock| Some(Obstacle::of(lock)?.holders()));
    let held = match seen.or_else(|| error.holder().map(ToString::to_string)) {
        Some(holder) => format!("{} is held {holder}", path.display()),
        None => format!("{} was held until just now", path.display()),
    };
    let who = match lock_dir {
        Some(folder) => format!("stead who --lock-dir {} {}", quoted(folder), quoted(path)),
        None => format!("stead who {}", quoted(path)),
    };
    match vain {
        Vain::Skipped => Failure::new(ExitCode::Done, format!("skipped: {held}")),
        Vain::Busy => Failure::new(ExitCode::Busy, format!("busy: {held}"))
            .with_hint(format!("wait with --wait 30s, or see `{who}`")),
        Vain::TimedOut(after) => Failure::new(ExitCode::TimedOut, format!("timed out after {}: {held}", Age(after)))
            .with_hint(format!("wait longer with --wait, or see `{who}`")),
    }
}

/// What is said where bytes of an earlier writer were put away.
pub fn torn_bytes(of: &Path, kept: &Path) -> String {
    plain(&format!("{} ended in torn bytes of an earlier writer: they are in {}", of.display(), kept.display()))
}

/// A path as a shell takes it.
pub fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@%=".contains(c);
    let text = if text.starts_with('-') { format!("./{text}") } else { text.into_owned() };
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_can_be_pasted_into_a_shell() {
        for (path, text) in
            [("./a.lock", "./a.lock"), ("my file", "'my file'"), ("it's", r"'it'\''s'"), ("-n", "./-n"), ("$x", "'$x'")]
        {
            assert_eq!(quoted(Path::new(path)), text);
        }
    }
}
