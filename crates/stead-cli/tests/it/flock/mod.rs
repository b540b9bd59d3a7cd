//! `stead flock`, and a link to stead named `flock`, beside flock(1) of the system.

mod commands;
mod locks;
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
mod ranges;
mod same;
mod text;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use testkit::command::NOBODY;
use testkit::{tool, wait_until};

use crate::rig::{Outcome, Rig, STEAD, finish, is_root, set_mode};

/// Which flock is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flock {
    /// flock(1) of util-linux.
    System,
    /// A link to stead.
    Link,
    /// `stead flock`.
    Stead,
}

use Flock::{Link, Stead, System};

impl Flock {
    /// As a shell takes it, in a folder below that of the rig.
    fn words(self) -> &'static [&'static str] {
        match self {
            System => &["flock"],
            Link => &["../bin/flock"],
            Stead => &["../stead", "flock"],
        }
    }
}

/// Whether util-linux is here; if not, the test is to return.
fn is_here() -> bool {
    if !tool("flock") {
        return false;
    }
    let version = Command::new("flock").arg("--version").output().unwrap().stdout;
    let is_known = String::from_utf8_lossy(&version).contains("util-linux");
    if !is_known {
        testkit::skip("flock is not that of util-linux");
    }
    is_known
}

/// `stead`, `bin/flock`, and a folder for what is locked.
struct FlockRig(Rig);

impl FlockRig {
    fn new() -> FlockRig {
        let rig = Rig::new();
        set_mode(&rig.path(""), 0o755);
        symlink(STEAD, rig.path("stead")).unwrap();
        FlockRig::with_links(rig)
    }

    /// The same, with a `stead` that any user may run.
    fn for_all() -> FlockRig {
        FlockRig::with_links(Rig::for_all())
    }

    fn with_links(rig: Rig) -> FlockRig {
        for folder in ["bin", "work"] {
            std::fs::create_dir(rig.path(folder)).unwrap();
            set_mode(&rig.path(folder), 0o777);
        }
        symlink("../stead", rig.path("bin/flock")).unwrap();
        FlockRig(rig)
    }

    /// In the folder, with these arguments.
    fn command(&self, flock: Flock, args: &[impl AsRef<OsStr>]) -> Command {
        let words = flock.words();
        let mut command = self.0.command(words[0], &words[1..]);
        command.args(args).current_dir(self.0.path("work")).env("LC_ALL", "C").env("SHELL", "/bin/sh");
        command
    }

    fn run(&self, flock: Flock, args: &[&str]) -> Outcome {
        finish(self.command(flock, args))
    }

    /// A script in the folder, to which `$FLOCK` is the command.
    fn script(&self, flock: Flock, script: &str) -> Command {
        let mut command = self.0.command("sh", &["-c", script]);
        command.current_dir(self.0.path("work")).env("LC_ALL", "C").env("FLOCK", flock.words().join(" "));
        command
    }

    fn sh(&self, flock: Flock, script: &str) -> Outcome {
        finish(self.script(flock, script))
    }

    /// `flock ARGS sh -c ...`, once it holds the lock.
    fn hold(&self, flock: Flock, args: &[&str]) -> Held {
        let script = "echo $$; read line || true";
        Held::start(self.command(flock, &[args, &["sh", "-c", script]].concat()))
    }

    /// `flock ARGS`, once it waits for a lock of a whole file.
    fn wait(&self, flock: Flock, args: &[&str]) -> Child {
        let child = self.command(flock, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until("it waits", || is_waiting(child.id()).then_some(()));
        child
    }
}

/// Whether the kernel lists this process among those who wait for a lock.
fn is_waiting(pid: u32) -> bool {
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| line.contains("->") && line.split_whitespace().any(|word| word == pid.to_string()))
}

/// As a user without rights if we are root.
fn without_rights(mut command: Command) -> Command {
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// A flock whose command runs until it is told to end.
struct Held {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The pid of the command.
    command: i32,
}

impl Held {
    fn start(mut command: Command) -> Held {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let command = line.trim().parse().expect("the command says its pid once it holds the lock");
        Held { child, stdin, stdout, command }
    }

    /// The pid of flock.
    fn flock(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits for the end of flock alone.
    fn flock_ended(&mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    /// Lets the command end, and waits for all.
    fn end(mut self) {
        self.stdin = None;
        assert!(self.child.wait().unwrap().success());
        // To its end, which comes when nobody writes any more.
        let mut rest = String::new();
        while self.stdout.read_line(&mut rest).unwrap() > 0 {}
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}
