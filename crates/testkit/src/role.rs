//! Processes that play a part in a test: the test binary itself, started again with a role.
//!
//! A test binary declares its cast once and plays it in one test:
//!
//! ```text
//! const CAST: Cast = Cast::new("cast::enter", &[("hold", hold)]);
//! #[test]
//! fn enter() { CAST.enter() }                      // does nothing unless started with a role
//! fn hold(stage: &mut Stage) { /* stage.args, stage.tell("held"), stage.await_cue() */ }
//! let mut actor = CAST.start("hold", &[path]);     // in a test
//! actor.expect("held");
//! ```

use std::io::{BufRead, BufReader, Lines, Stdin, Write, stdin, stdout};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const ROLE: &str = "TESTKIT_ROLE";
const ARGS: &str = "TESTKIT_ARGS";
/// What separates the words of an actor from those of the test harness around it.
const MARK: &str = "\u{1}";

/// A part to be played.
pub type Part = fn(&mut Stage);

/// The roles of a test binary.
#[derive(Debug, Clone, Copy)]
pub struct Cast {
    test: &'static str,
    parts: &'static [(&'static str, Part)],
}

/// Where a part is played: inside the process that was started for it.
#[derive(Debug)]
pub struct Stage {
    /// What the test passed.
    pub args: Vec<String>,
    lines: Lines<BufReader<Stdin>>,
}

impl Stage {
    /// Says a word to the test. An actor whose test is gone leaves.
    pub fn tell(&mut self, word: &str) {
        let mut out = stdout().lock();
        if writeln!(out, "{MARK}{word}").and_then(|()| out.flush()).is_err() {
            std::process::exit(1);
        }
    }

    /// Waits for a word of the test; `None` once it is gone or has dropped us.
    pub fn cue(&mut self) -> Option<String> {
        self.lines.next().and_then(Result::ok)
    }
}

impl Cast {
    /// `test` is the full name of the test that calls [`enter`](Cast::enter).
    pub const fn new(test: &'static str, parts: &'static [(&'static str, Part)]) -> Cast {
        Cast { test, parts }
    }

    /// Plays the part that this process was started for, if any.
    ///
    /// # Panics
    /// If there is no such part.
    pub fn enter(&self) {
        let Ok(role) = std::env::var(ROLE) else { return };
        let (_, part) = self.parts.iter().find(|(name, _)| *name == role).expect("a part of this cast");
        let args = std::env::var(ARGS).unwrap_or_default().split('\u{2}').map(str::to_owned).collect();
        part(&mut Stage { args, lines: BufReader::new(stdin()).lines() });
        std::process::exit(0);
    }

    /// The command that starts an actor for `role`; `through` goes before it, such as `strace -f`.
    ///
    /// # Panics
    /// If this binary has no path.
    pub fn command(&self, through: &[&str], role: &str, args: &[&str]) -> Command {
        let me = std::env::current_exe().expect("this binary has a path");
        let mut command = match through {
            [] => Command::new(me),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(me);
                command
            }
        };
        command.args([self.test, "--exact", "--nocapture", "--test-threads=1"]);
        command.env(ROLE, role).env(ARGS, args.join("\u{2}"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    /// Starts an actor.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(&self, role: &str, args: &[&str]) -> Actor {
        Actor::new(&mut self.command(&[], role, args))
    }
}

/// A process that plays a part; killed when dropped.
#[derive(Debug)]
pub struct Actor {
    child: Child,
    cues: Option<ChildStdin>,
    words: Lines<BufReader<ChildStdout>>,
}

impl Actor {
    /// Starts the command that [`Cast::command`] made.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn new(command: &mut Command) -> Actor {
        let mut child = command.spawn().expect("the actor starts");
        let cues = child.stdin.take();
        let words = BufReader::new(child.stdout.take().expect("piped")).lines();
        Actor { child, cues, words }
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its next word.
    ///
    /// # Panics
    /// If it ends without one.
    pub fn word(&mut self) -> String {
        for line in self.words.by_ref() {
            let line = line.expect("text");
            if let Some((_, word)) = line.split_once(MARK) {
                return word.to_owned();
            }
        }
        panic!("the actor left without a word");
    }

    /// Waits for its next word, which must be this one.
    ///
    /// # Panics
    /// If it is another.
    pub fn expect(&mut self, word: &str) {
        assert_eq!(self.word(), word);
    }

    /// Says a word to it.
    ///
    /// # Panics
    /// If it is gone.
    pub fn cue(&mut self, word: &str) {
        let cues = self.cues.as_mut().expect("not dismissed yet");
        writeln!(cues, "{word}").and_then(|()| cues.flush()).expect("the actor is there");
    }

    /// Kills it, by SIGKILL where there is such a thing, and waits until it is gone.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it can be waited for");
    }

    /// Waits until it is gone, whatever ended it.
    ///
    /// # Panics
    /// If it cannot be waited for.
    pub fn wait_for_its_end(&mut self) {
        self.child.wait().expect("it can be waited for");
    }

    /// Lets it end by itself, and says whether it did so well.
    ///
    /// # Panics
    /// If it cannot be waited for.
    pub fn dismiss(mut self) -> bool {
        self.cues = None;
        self.child.wait().expect("it can be waited for").success()
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
