//! Passing signals on to the command.
//!
//! The command stays in our process group, so what the terminal sends (Ctrl-C, Ctrl-Z, a new window size) reaches it
//! without us, and must not reach it twice. What a process sends to us is passed on. The kernel tells the two apart.
//! One who signals the whole group by kill(2) sends to the command as well as to us: it gets that twice.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::{SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::{Origin, WithOrigin};

/// Those that end a process that does nothing about them.
const ENDING: [i32; 6] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2];
const OTHERS: [i32; 3] = [SIGTSTP, SIGCONT, SIGWINCH];

/// How long a command may take to stop once it was told to.
const STOPPING: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(5);

/// Makes the system keep the status of our child for us, also where we were started with `SIGCHLD` ignored.
pub(super) fn keep_children() -> io::Result<()> {
    signal_hook::flag::register(SIGCHLD, Arc::default()).map(drop)
}

/// The signals of ours that this process was started to ignore (nohup(1) does that), and that its child is to ignore
/// as well. `None`: the system does not tell.
pub(super) fn ignored() -> Option<Vec<i32>> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(ENDING.into_iter().chain(OTHERS).filter(|signal| mask >> (signal - 1) & 1 == 1).collect())
}

/// See [`super::before_ending`].
pub(super) fn before_ending(clean_up: impl Fn() -> bool + Send + 'static) -> io::Result<()> {
    // Where it is not known what was ignored on entry, a hangup may have been: nohup(1).
    let ours = match ignored() {
        Some(ignored) => ENDING.into_iter().filter(|signal| !ignored.contains(signal)).collect(),
        None => vec![SIGINT, SIGTERM],
    };
    let mut signals = collect(ours)?;
    let listen = move || {
        for origin in signals.forever() {
            if clean_up() {
                super::end_by(origin.signal);
            }
        }
    };
    thread::Builder::new().name("stead-signals".to_owned()).spawn(listen).map(drop)
}

/// From now on these signals are collected. They are held back meanwhile: one that came between the handler and the entry
/// that tells it what to do would be swallowed.
fn collect(signals: impl IntoIterator<Item = i32>) -> io::Result<SignalsInfo<WithOrigin>> {
    let signals: Vec<i32> = signals.into_iter().collect();
    let held: SigSet = signals.iter().filter_map(|signal| nix::sys::signal::Signal::try_from(*signal).ok()).collect();
    let before = held.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let collected = SignalsInfo::new(signals);
    before.thread_set_mask()?;
    collected
}

/// Signals that are no longer obeyed but collected.
#[derive(Debug)]
pub(super) struct Relay {
    signals: SignalsInfo<WithOrigin>,
}

/// Who passes them on.
struct Messenger {
    child: Pid,
    /// We were stopped, and the signal that continued us is still to be seen.
    resumed: bool,
}

impl Relay {
    /// From now on signals to this process are collected, but for those `ignored`.
    pub(super) fn listen(ignored: &[i32]) -> io::Result<Relay> {
        let all = ENDING.into_iter().chain(OTHERS).filter(|signal| !ignored.contains(signal));
        Ok(Relay { signals: collect(all)? })
    }

    /// A signal that came so far and would have ended us.
    pub(super) fn ending(&mut self) -> Option<i32> {
        self.signals.pending().map(|origin| origin.signal).find(|signal| ENDING.contains(signal))
    }

    /// Passes signals on to `child` while `work` runs, and never after it.
    pub(super) fn while_running<T>(mut self, child: Pid, work: impl FnOnce() -> T) -> T {
        // The terminal's signals of the last instants reached the child too early: before its own program was there,
        // our handler took them. If not, it is about to die by them, and once more is no harm.
        let mut messenger = Messenger { child, resumed: false };
        for origin in self.signals.pending() {
            messenger.pass_on(origin.signal);
        }
        let handle = self.signals.handle();
        thread::scope(|scope| {
            let listen = || {
                for origin in self.signals.forever() {
                    // The kernel names no sender for what the terminal sends.
                    match origin.process {
                        Some(_) => messenger.pass_on(origin.signal),
                        None => messenger.keep_up(&origin),
                    }
                }
            };
            // Without a thread to spare no signal is passed on; the command runs already, and keeps its lock.
            let _ = thread::Builder::new().name("stead-signals".to_owned()).spawn_scoped(scope, listen);
            let result = work();
            handle.close();
            result
        })
    }
}

impl Messenger {
    /// A signal that was sent to us.
    fn pass_on(&mut self, signal: i32) {
        match signal {
            SIGTSTP => {
                if !is_stopped(self.child) {
                    self.send(SIGTSTP);
                }
                self.stop();
            }
            // The shell continues the whole group: what was for the command has reached it.
            SIGCONT if std::mem::take(&mut self.resumed) && !is_stopped(self.child) => {}
            signal => self.send(signal),
        }
    }

    /// A signal that the terminal sent to the command as well.
    fn keep_up(&mut self, origin: &Origin) {
        if origin.signal == SIGTSTP {
            self.stop();
        }
    }

    fn send(&self, signal: i32) {
        if let Some(signal) = Signal::from_named_raw(signal) {
            // It may have ended; it is not reaped yet, so its number is still its own.
            let _ = kill_process(self.child, signal);
        }
    }

    /// Stops this process once the command has stopped. If it does not, neither do we: it may have chosen not to, or
    /// there is no shell that could continue us.
    fn stop(&mut self) {
        let mut left = STOPPING;
        while !is_stopped(self.child) {
            if left.is_zero() || has_ended(self.child) {
                return;
            }
            thread::sleep(LOOK);
            left = left.saturating_sub(LOOK);
        }
        self.resumed = signal_hook::low_level::emulate_default_handler(SIGTSTP).is_ok();
    }
}

fn is_stopped(child: Pid) -> bool {
    is(child, WaitIdOptions::STOPPED)
}

fn has_ended(child: Pid) -> bool {
    is(child, WaitIdOptions::EXITED)
}

fn is(child: Pid, state: WaitIdOptions) -> bool {
    let options = state | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    matches!(waitid(WaitId::Pid(child), options), Ok(Some(_)))
}
