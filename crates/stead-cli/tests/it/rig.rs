//! A folder of its own for each test, and the command in it.

use std::io::{BufRead, BufReader, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use testkit::command::NOBODY;

pub(crate) use testkit::command::{Outcome, finish, is_alive, is_root, kill, set_mode, state};

pub(crate) const STEAD: &str = env!("CARGO_BIN_EXE_stead");

/// A folder that goes away with the test.
pub(crate) struct Rig {
    folder: TempDir,
}

impl Rig {
    pub(crate) fn new() -> Rig {
        Rig { folder: tempfile::Builder::new().prefix("stead-cli-").tempdir().unwrap() }
    }

    /// The same, with `stead` in it, open to a user without rights.
    pub(crate) fn for_all() -> Rig {
        let rig = Rig::new();
        set_mode(rig.folder.path(), 0o777);
        // By another process: one that is forked here meanwhile would keep a copy open for writing, and "text busy".
        finish(rig.command("cp", &[STEAD, "stead"])).expect(0);
        rig
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        std::fs::File::create(self.path(name)).unwrap().write_all(content).unwrap();
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// Everything below the folder: names, kinds, lengths and contents of files.
    pub(crate) fn everything(&self) -> Vec<(PathBuf, String)> {
        let mut all = Vec::new();
        walk(self.folder.path(), &mut all);
        all.sort();
        all
    }

    /// Any program, in this folder, with nothing of stead in its environment.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = testkit::command::program(program, args, self.folder.path());
        for variable in ["STEAD_TOKEN", "STEAD_TOKENS", "STEAD_HELD", "STEAD_LOCK_DIR", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(variable);
        }
        // For scripts.
        command.env("STEAD", STEAD);
        command
    }

    pub(crate) fn stead(&self, args: &[&str]) -> Command {
        self.command(STEAD, args)
    }

    /// As a user without rights if we are root, else as we are; for [`Rig::for_all`].
    pub(crate) fn stead_without_rights(&self, args: &[&str]) -> Command {
        let mut command = self.command("./stead", args);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        finish(self.stead(args))
    }

    /// The same, with this on standard input.
    pub(crate) fn feed(&self, args: &[&str], input: impl AsRef<[u8]>) -> Outcome {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(input.as_ref()).unwrap();
        file.rewind().unwrap();
        let mut command = self.stead(args);
        command.stdin(file);
        finish(command)
    }

    /// The names in the folder, without `.stead`: a temporary file that was left behind would be one of them.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).filter(|name| name != ".stead").collect();
        names.sort();
        names
    }

    pub(crate) fn sh(&self, script: &str) -> Outcome {
        finish(self.command("sh", &["-c", script]))
    }

    /// `stead run ARGS -- ...`, once it holds the locks.
    pub(crate) fn hold(&self, args: &[&str]) -> Held {
        self.hold_with(args, "read line || true")
    }

    /// The same, and what the shell does under the lock.
    pub(crate) fn hold_with(&self, args: &[&str], script: &str) -> Held {
        let script = format!("echo $$; {script}");
        let mut command = self.stead(&[&["run"], args, &["--", "sh", "-c", &script]].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let command = line.trim().parse().expect("the command says its pid once it holds the lock");
        Held { child, stdin, stdout, command }
    }
}

/// A running `stead run` that holds its locks.
pub(crate) struct Held {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The pid of CMD.
    command: i32,
}

impl Held {
    /// The pid of stead.
    pub(crate) fn stead(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// The pid of CMD.
    pub(crate) fn command(&self) -> i32 {
        self.command
    }

    /// A line that CMD printed.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// A line for CMD to read.
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Kills stead alone, and waits until it is gone.
    pub(crate) fn kill_stead(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets CMD end, and waits for stead.
    pub(crate) fn end(mut self) -> ExitStatus {
        self.stdin = None;
        self.child.wait().unwrap()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // CMD reads to its end; a test that failed may have left stead stopped.
        self.stdin = None;
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process(Pid::from_child(&self.child), Signal::CONT);
        }
        let _ = self.child.wait();
    }
}

/// To be held by tests with many processes: all at once, they would make the kernel's list of locks so long that the
/// tests that look into it cannot rely on it.
pub(crate) fn crowd() -> MutexGuard<'static, ()> {
    static CROWD: Mutex<()> = Mutex::new(());
    CROWD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn walk(folder: &Path, all: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let content = if metadata.is_file() {
            format!(
                "{} bytes {:?}",
                metadata.len(),
                std::fs::read(&path).ok().map(|bytes| bytes.iter().take(4096).copied().collect::<Vec<u8>>())
            )
        } else {
            format!("{:?}", metadata.file_type())
        };
        if metadata.is_dir() {
            walk(&path, all);
        }
        all.push((path, content));
    }
}
