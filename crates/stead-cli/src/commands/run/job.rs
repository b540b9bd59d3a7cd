//! One `stead run`: its locks, its command, and the words for what went wrong.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use stead::lock::{FileLock, Hold, LockSet, Mode, Request, SetGuard, Wait};
use stead::{Error, ErrorKind};
use stead_console::clock;
use stead_console::exit::ExitCode;
use stead_console::failure::Failure;
use stead_console::messages::{Vain, not_granted};
use stead_console::platform::{self, Ended};
use stead_console::printer::Printer;
use stead_console::waiting;

use super::RunArgs;
use crate::json::{self, Ran};
use crate::under;

const VIA: &str = "stead run";

/// What the command line asks for.
pub(super) struct Job<'a> {
    args: &'a RunArgs,
    set: LockSet,
    wait: Wait,
}

impl Job<'_> {
    pub(super) fn new(args: &RunArgs) -> Job<'_> {
        let words: Vec<_> = args.command.iter().map(|word| word.to_string_lossy()).collect();
        let mut options = args.lock_dir.options().command(words.join(" ")).via(VIA).barge(args.barge);
        if let Some(label) = &args.label {
            options = options.label(label);
        }
        let wait = match args.patience.wait() {
            Wait::Forever if args.skip => Wait::No,
            wait => wait,
        };
        Job { args, set: LockSet::new(args.locks.open(&options)), wait }
    }

    /// Takes the locks, and says for whom we wait if that takes long; and how long it took.
    pub(super) fn take(&self) -> (Result<SetGuard, Error>, Duration) {
        let started = clock::now();
        let request = Request::new(if self.args.shared { Mode::Shared } else { Mode::Exclusive });
        let granted = self.first_unusable(&request).unwrap_or_else(|| {
            waiting::take(self.set.locks(), self.wait, |wait| self.set.acquire(&request.clone().wait(wait)))
        });
        (granted, clock::now().saturating_duration_since(started))
    }

    /// The error of a lock that can be seen to be unusable before the others of the set are created.
    fn first_unusable(&self, request: &Request) -> Option<Result<SetGuard, Error>> {
        let locks = self.set.locks();
        if locks.len() < 2 {
            return None;
        }
        let is_unusable = |lock: &&FileLock| {
            let is_sidecar = |path: &Path| std::path::absolute(lock.path()).is_ok_and(|named| named != path);
            lock.lock_path().map_or(true, |path| platform::is_unusable(&path, is_sidecar(&path)))
        };
        let look = |lock: &FileLock| lock.acquire(&request.clone().wait(Wait::No)).err().filter(|e| !e.is_busy());
        locks.iter().filter(is_unusable).find_map(look).map(Err)
    }

    /// The tokens by the paths as they were named.
    pub(super) fn tokens(&self, guards: &SetGuard) -> Value {
        let paths = self.set.locks().iter().map(FileLock::path);
        json::tokens(paths.zip(guards.holds().map(Hold::token)))
    }

    /// Runs the command under them.
    pub(super) fn run(&self, guards: &SetGuard, tokens: &Value) -> std::io::Result<Ended> {
        let mut command = Command::new(&self.args.command[0]);
        command.args(&self.args.command[1..]);
        under::tell(&mut command, guards.holds().next().and_then(Hold::token), tokens, guards.held_variable());
        if !self.args.close {
            guards.holds().try_for_each(|hold| hold.inherit(&mut command))?;
        }
        platform::run(&mut command, |_| ())
    }

    /// What is told of its end, and how we end.
    pub(super) fn outcome(&self, ended: std::io::Result<Ended>) -> (Ran, Result<ExitCode, Failure>) {
        match ended {
            Ok(Ended::Code(code)) => (Ran { code: Some(code), ..Ran::default() }, Ok(ExitCode::Child(code))),
            Ok(Ended::Signal(signal)) => {
                let code = if platform::is_interrupt(signal) {
                    ExitCode::Killed(signal)
                } else {
                    ExitCode::Child(128 + signal)
                };
                (Ran { signal: Some(signal), ..Ran::default() }, Ok(code))
            }
            Ok(Ended::NotStarted(signal)) => (Ran::default(), Ok(ExitCode::Killed(signal))),
            Err(error) => (Ran::default(), Err(platform::not_started(&self.args.command[0], &error))),
        }
    }

    /// What to say when the locks were not granted.
    pub(super) fn denied(&self, error: &Error, out: &mut Printer) -> Result<ExitCode, Failure> {
        let vain = match error.kind() {
            ErrorKind::Busy | ErrorKind::TimedOut if self.args.skip => Vain::Skipped,
            ErrorKind::Busy => Vain::Busy,
            ErrorKind::TimedOut => Vain::TimedOut(self.args.patience.limit()),
            _ => return Err(self.unusable(error)),
        };
        let failure = not_granted(vain, error, self.set.locks(), self.args.lock_dir.flag());
        if vain == Vain::Skipped {
            out.failure(&failure);
            return Ok(failure.code);
        }
        Err(failure)
    }

    fn unusable(&self, error: &Error) -> Failure {
        let failure = Failure::from(error);
        let is_missing =
            |lock: &FileLock| lock.lock_path().map_or_else(|error| error.is_not_found(), |path| is_missing(&path));
        let was_to_be_created = || self.set.locks().iter().any(|lock| lock.path() == error.path() && is_missing(lock));
        match error.kind() {
            ErrorKind::NotFound => failure.with_code(ExitCode::CannotCreate),
            ErrorKind::Permission | ErrorKind::Io if was_to_be_created() => failure.with_code(ExitCode::CannotCreate),
            _ => failure,
        }
    }
}

fn is_missing(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}
