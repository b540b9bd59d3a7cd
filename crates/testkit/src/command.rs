//! Commands as their users run them: to their end, with what they print; and the processes they become.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use snapbox::Assert;
use snapbox::data::Data;

use crate::PATIENCE;

/// A user without rights, for tests that run as root.
pub const NOBODY: u32 = 65534;

/// How a command ended and what it printed.
#[derive(Debug)]
pub struct Outcome {
    /// The code that it ended with.
    pub code: Option<i32>,
    /// The signal that killed it.
    pub signal: Option<i32>,
    /// What it printed on standard output.
    pub stdout: String,
    /// And on standard error.
    pub stderr: String,
}

impl Outcome {
    /// Whether either stream has it.
    pub fn says(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }

    /// What it printed on standard output, which must be one JSON document.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same, if it ended with this code.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "often it is all that is asked")]
    pub fn expect(self, code: i32) -> Outcome {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// The same, if standard error has this.
    ///
    /// # Panics
    /// If it has not.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "often it is all that is asked")]
    pub fn saying(self, text: &str) -> Outcome {
        assert!(self.stderr.contains(text), "no {text:?} in {self:?}");
        self
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Outcome {
        Outcome {
            code: output.status.code(),
            signal: output.status.signal(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A program in this folder, with nothing on its standard input.
///
/// Whoever runs the tests in the background may have had SIGINT and SIGQUIT ignored, which is inherited: in this program
/// they are as usual.
pub fn program(name: &str, args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new("/usr/bin/env");
    command.args(["--default-signal=INT,QUIT,HUP,TERM", name]).args(args).current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs to the end, which must come: a command that waits for itself fails the test.
///
/// # Panics
/// If it cannot be started, or does not end within [`PATIENCE`].
#[track_caller]
pub fn finish(mut command: Command) -> Outcome {
    let shown = format!("{command:?}");
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(command.output()));
    let output = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("did not end: {shown}"));
    output.expect("the command starts").into()
}

/// Waits for the end of what runs already, which must come.
///
/// # Panics
/// If it does not end within [`PATIENCE`].
#[track_caller]
pub fn wait(child: Child) -> Outcome {
    let pid = child.id();
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("did not end: pid {pid}"));
    output.expect("the command can be waited for").into()
}

/// Sends a signal to a process that is there.
///
/// # Panics
/// If it is not.
pub fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).expect("a process"), signal).expect("it is there");
}

/// Whether a process is there and no zombie.
pub fn is_alive(pid: i32) -> bool {
    !matches!(state(pid), None | Some('Z' | 'X'))
}

/// The letter that ps(1) shows.
pub fn state(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The permission bits of a file.
///
/// # Panics
/// If it is not there.
pub fn mode(path: impl AsRef<Path>) -> u32 {
    path.as_ref().metadata().expect("it is there").permissions().mode() & 0o7777
}

/// Changes the permission bits of a file.
///
/// # Panics
/// If the system refuses.
pub fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the mode can be changed");
}

/// What a command prints for its help, on a terminal of 100 columns.
///
/// # Panics
/// If it fails, or says anything else.
#[track_caller]
pub fn help(mut command: Command) -> String {
    command.env("COLUMNS", "100");
    let help = finish(command).expect(0);
    assert_eq!(help.stderr, "");
    help.stdout
}

/// Compares a text with the one that is committed at `path`, or renews that under `SNAPSHOTS=overwrite`.
///
/// # Panics
/// If it is another one.
#[track_caller]
pub fn is_as_committed(path: &Path, text: String) {
    Assert::new().action_env("SNAPSHOTS").eq(Data::text(text), Data::read_from(path, None).raw());
}

/// The names of the commands that a `--help` lists.
pub fn listed_commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    listed.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}
