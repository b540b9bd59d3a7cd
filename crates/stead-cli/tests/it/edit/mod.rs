//! `stead edit`

mod busy;
mod check;
mod choice;
mod drafts;
mod ends;
mod refused;
mod saving;
mod terminal;
mod terminal_leftovers;

use std::io::{BufRead, BufReader, Read, Write};
use std::ops::Deref;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use testkit::wait_until;

use crate::rig::{Outcome, Rig, finish, set_mode};

/// An editor's line: waits until the first text that was saved is kept.
const UNTIL_KEPT: &str = "until [ -e \"${1%/text/*}/saves/00000001\" ]; do kill -0 $PPID || exit 1; sleep 0.01; done";

/// A folder to edit in, with a home and drafts of its own.
struct Desk {
    rig: Rig,
    scripts: AtomicU32,
}

impl Deref for Desk {
    type Target = Rig;

    fn deref(&self) -> &Rig {
        &self.rig
    }
}

impl Desk {
    fn new() -> Desk {
        Desk::on(Rig::new())
    }

    /// With `f` in it.
    fn with(content: &str) -> Desk {
        let desk = Desk::new();
        desk.write("f", content.as_bytes());
        desk
    }

    fn on(rig: Rig) -> Desk {
        for folder in ["home", "tools"] {
            std::fs::create_dir(rig.path(folder)).unwrap();
        }
        Desk { rig, scripts: AtomicU32::new(0) }
    }

    /// A command with the home of this desk, and with no editor named.
    fn dressed(&self, mut command: Command) -> Command {
        for variable in ["STEAD_DRAFTS", "STEAD_EDITOR", "VISUAL", "EDITOR"] {
            command.env_remove(variable);
        }
        command.env("HOME", self.path("home")).env("XDG_STATE_HOME", self.path("home/state"));
        command
    }

    /// `stead edit ARGS`
    fn command(&self, args: &[&str]) -> Command {
        self.dressed(self.rig.stead(&[&["edit"], args].concat()))
    }

    /// Any command of stead.
    fn stead(&self, args: &[&str]) -> Outcome {
        finish(self.dressed(self.rig.stead(args)))
    }

    fn run(&self, args: &[&str]) -> Outcome {
        finish(self.command(args))
    }

    /// A command line of an editor that does this; `$1`, `$2`... are the drafts. Its folder is the desk.
    fn editor(&self, script: &str) -> String {
        let name = format!("tools/{}.sh", self.scripts.fetch_add(1, Ordering::Relaxed));
        self.write(&name, script.as_bytes());
        format!("sh {}", self.path(&name).display())
    }

    /// A program `tools/NAME` that does this.
    fn program(&self, name: &str, script: &str) -> PathBuf {
        let name = format!("tools/{name}");
        // Written by another process: one that is forked here meanwhile would keep it open for writing, and "text busy".
        let mut command = self.rig.command("sh", &["-c", "printf '#!/bin/sh\n%s\n' \"$SCRIPT\" >\"$NAME\""]);
        command.env("SCRIPT", script).env("NAME", &name);
        finish(command).expect(0);
        set_mode(&self.path(&name), 0o755);
        self.path(&name)
    }

    /// Edits with an editor that does this, to the end.
    fn edit(&self, args: &[&str], script: &str) -> Outcome {
        let editor = self.editor(script);
        self.run(&[args, &["--editor", &editor]].concat())
    }

    /// The same, and leaves a draft of `f` with this line at its end; where it is.
    fn leave_draft(&self, line: &str) -> PathBuf {
        self.edit(&["f"], &format!("echo {line} >>\"$1\"; echo \"$1\" >draft-path; exit 9")).expect(9);
        PathBuf::from(self.text("draft-path").trim())
    }

    /// Starts to edit, with an editor that says that it is there and then does this: `read line` waits for the test.
    fn start(&self, args: &[&str], script: &str) -> Sitting {
        let editor = self.editor(&format!("echo $$\n{script}\n:"));
        let mut command = self.command(&[args, &["--editor", &editor]].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Sitting { child, stdin, stdout, editor: 0 }
    }

    /// The same, and the editor is there.
    fn sit_down(&self, args: &[&str], script: &str) -> Sitting {
        let mut sitting = self.start(args, script);
        sitting.begun();
        sitting
    }

    /// The same while somebody else edits, and what is said about him.
    fn queue_up(&self, args: &[&str], script: &str) -> (Sitting, String) {
        let mut sitting = self.start(args, script);
        let mut said = vec![0; 4096];
        let length = sitting.child.stderr.as_mut().unwrap().read(&mut said).unwrap();
        said.truncate(length);
        (sitting, String::from_utf8(said).unwrap())
    }

    /// The list of drafts.
    fn drafts(&self) -> Vec<Value> {
        let listed = finish(self.command(&["--list-drafts", "--json"]));
        let list = json(&listed);
        assert_eq!(list["schema"], "stead.drafts/1");
        let drafts = list["drafts"].as_array().unwrap().clone();
        assert_eq!(listed.code, Some(i32::from(drafts.is_empty())), "{listed:?}");
        drafts
    }

    /// The only draft's text.
    #[track_caller]
    fn draft(&self) -> String {
        let drafts = self.drafts();
        assert_eq!(drafts.len(), 1, "{drafts:?}");
        std::fs::read_to_string(drafts[0]["draft"].as_str().unwrap()).unwrap()
    }

    /// How many drafts there are, those included that hold nothing: such a one stays until the next session where an editor
    /// was back so soon that it may have left a window open.
    fn rooms(&self) -> usize {
        std::fs::read_dir(self.path("home/state/stead/drafts")).map_or(0, Iterator::count)
    }

    fn inode(&self, name: &str) -> u64 {
        use std::os::unix::fs::MetadataExt;
        self.path(name).metadata().unwrap().ino()
    }
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
}

/// A running `stead edit`.
struct Sitting {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The pid of the editor.
    editor: i32,
}

impl Sitting {
    /// The pid of stead.
    fn stead(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits until the editor is there.
    #[track_caller]
    fn begun(&mut self) {
        self.editor = self.line().parse().expect("the editor says its pid");
    }

    /// The pid of the editor.
    fn editor(&self) -> i32 {
        self.editor
    }

    /// A line that the editor printed.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// A line for the editor to read.
    fn tell(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Kills stead alone, and waits until it is gone.
    fn kill_stead(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets the editor end, and waits for stead.
    fn end(mut self) -> Outcome {
        use std::os::unix::process::ExitStatusExt;
        self.stdin = None;
        let status = wait_until("stead ends", || self.child.try_wait().unwrap());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        self.editor = 0;
        Outcome { code: status.code(), signal: status.signal(), stdout, stderr }
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        self.stdin = None;
        if self.editor != 0 {
            // A test that failed may have left it.
            let _ = kill_process(Pid::from_raw(self.editor).unwrap(), Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
