//! Another process that locks, looks and waits as it is told, so that a test reads as a dialogue.

mod serve;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use stead::lock::Mode;

use super::bench::Bench;
use super::clock;
use super::helper::{self, Role};
use super::interrupt::Interrupt;
use super::trouble::Trouble;

pub(super) use serve::serve;

/// How long a peer may take for what it should do at once.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How soon an interruption is noticed while waiting for an answer.
const NOTICE: Duration = Duration::from_millis(20);

/// A process that works in the test's folder.
pub(super) struct Peer<'a> {
    child: Child,
    orders: ChildStdin,
    answers: Receiver<String>,
    interrupt: &'a Interrupt,
}

impl<'a> Peer<'a> {
    pub(super) fn start(bench: &Bench<'a>) -> Result<Peer<'a>, Trouble> {
        let mut command = helper::command(bench.program, &Role::Peer);
        command.current_dir(&bench.folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(Trouble::at("start", bench.program))?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Trouble::failed("failed to talk to a helper process"));
        };
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            BufReader::new(answers).lines().map_while(Result::ok).all(|line| send.send(line).is_ok());
        });
        Ok(Peer { child, orders, answers: receive, interrupt: bench.interrupt })
    }

    /// Takes the lock `name` if it is free. True: it was.
    pub(super) fn try_lock(&mut self, mode: Mode, name: &str) -> Result<bool, Trouble> {
        match self.ask(&format!("try {mode} {name}"))?.as_str() {
            "granted" => Ok(true),
            "busy" => Ok(false),
            other => Err(from_line(other)),
        }
    }

    /// Takes the lock `name`, which must be free.
    pub(super) fn lock(&mut self, mode: Mode, name: &str) -> Result<(), Trouble> {
        let granted = self.try_lock(mode, name)?;
        if granted { Ok(()) } else { Err(Trouble::failed("a lock that nobody holds was refused as busy")) }
    }

    /// Begins to wait for the lock `name`, for ever; see [`Peer::granted`].
    pub(super) fn wait_for(&mut self, mode: Mode, name: &str) -> Result<(), Trouble> {
        self.tell(&format!("wait {mode} {name}"))
    }

    /// Whether the lock waited for is granted within this time.
    pub(super) fn granted(&mut self, within: Duration) -> Result<bool, Trouble> {
        match self.answer(within)?.as_deref() {
            None => Ok(false),
            Some("granted") => Ok(true),
            Some(other) => Err(from_line(other)),
        }
    }

    pub(super) fn release(&mut self) -> Result<(), Trouble> {
        self.ask("release").map(drop)
    }

    /// Whether the lock that it holds is still the one at the path.
    pub(super) fn holds_soundly(&mut self) -> Result<bool, Trouble> {
        match self.ask("check")?.as_str() {
            "sound" => Ok(true),
            "lost" => Ok(false),
            other => Err(from_line(other)),
        }
    }

    /// Begins to read the file `name` over and over for this long; see [`Peer::readings`].
    pub(super) fn read_for(&mut self, duration: Duration, name: &str, len: usize) -> Result<(), Trouble> {
        self.tell(&format!("read {} {len} {name}", duration.as_millis()))
    }

    /// What the reading gave.
    pub(super) fn readings(&mut self) -> Result<Readings, Trouble> {
        let answer = self.answer(ANSWER_MAX)?.unwrap_or_default();
        Readings::parse(&answer).ok_or_else(|| from_line(&answer))
    }

    /// Creates the file `name`.
    #[cfg_attr(
        not(any(target_os = "linux", target_os = "android")),
        expect(dead_code, reason = "for change notification")
    )]
    pub(super) fn create(&mut self, name: &str) -> Result<(), Trouble> {
        match self.ask(&format!("create {name}"))?.as_str() {
            "created" => Ok(()),
            other => Err(from_line(other)),
        }
    }

    /// Ends it at once: `SIGKILL`.
    pub(super) fn kill(&mut self) -> Result<(), Trouble> {
        self.child.kill().map_err(Trouble::at("kill", Path::new("a helper process")))
    }

    fn ask(&mut self, question: &str) -> Result<String, Trouble> {
        self.tell(question)?;
        self.answer(ANSWER_MAX)?.ok_or_else(|| {
            Trouble::failed(format!("a helper process has not answered \"{question}\" for {}s", ANSWER_MAX.as_secs()))
        })
    }

    fn tell(&mut self, order: &str) -> Result<(), Trouble> {
        writeln!(self.orders, "{order}").map_err(Trouble::at("talk to", Path::new("a helper process")))
    }

    /// `None`: not within this time.
    fn answer(&self, within: Duration) -> Result<Option<String>, Trouble> {
        let end = clock::now() + within;
        loop {
            self.interrupt.check()?;
            let left = end.saturating_duration_since(clock::now());
            match self.answers.recv_timeout(left.min(NOTICE)) {
                Ok(answer) => return Ok(Some(answer)),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Trouble::failed("a helper process ended before its time"));
                }
            }
        }
    }
}

impl Drop for Peer<'_> {
    fn drop(&mut self) {
        // It has nothing that must be saved; a failure means that it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a peer's trouble crosses the pipe.
const NO_ROOM: &str = "no room: ";

fn to_line(trouble: &Trouble) -> String {
    let line = trouble.to_string().replace('\n', " ");
    if matches!(trouble, Trouble::NoRoom(_)) { format!("{NO_ROOM}{line}") } else { line }
}

fn from_line(line: &str) -> Trouble {
    let text = line.strip_prefix(NO_ROOM);
    text.map_or_else(|| Trouble::failed(line), |text| Trouble::NoRoom(text.to_owned()))
}

/// What a peer saw of a file that is being replaced.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Readings {
    pub(super) whole: u64,
    pub(super) missing: u64,
    pub(super) half: u64,
}

impl Readings {
    fn parse(answer: &str) -> Option<Readings> {
        let mut words = answer.strip_prefix("read ")?.split(' ').map(str::parse);
        let mut next = || words.next()?.ok();
        Some(Readings { whole: next()?, missing: next()?, half: next()? })
    }
}

impl std::fmt::Display for Readings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "read {} {} {}", self.whole, self.missing, self.half)
    }
}
