//! A folder of its own for each test, with a journal, a home and scripted editors; and the command in it.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use testkit::{PATIENCE, wait_until};

pub(crate) const PONDER: &str = env!("CARGO_BIN_EXE_ponder");

/// What could come in from whoever runs the tests.
const VARIABLES: [&str; 17] = [
    "PONDER_DIR",
    "PONDER_EDITOR",
    "STEAD_EDITOR",
    "VISUAL",
    "EDITOR",
    "STEAD_DRAFTS",
    "STEAD_HELD",
    "STEAD_LOCK_DIR",
    "XDG_DOCUMENTS_DIR",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "LC_ALL",
    "LC_CTYPE",
    "LANG",
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
];

/// A folder that goes away with the test.
pub(crate) struct Rig {
    folder: TempDir,
}

/// How a command ended and what it printed.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Rig {
    pub(crate) fn new() -> Rig {
        let rig = Rig { folder: tempfile::Builder::new().prefix("ponder-").tempdir().unwrap() };
        std::fs::create_dir(rig.path("home")).unwrap();
        rig
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path in the journal.
    pub(crate) fn journal(&self, name: &str) -> PathBuf {
        self.path("journal").join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path(name)).unwrap()).into_owned()
    }

    /// Writes a file, with its folders.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().write_all(content.as_ref()).unwrap();
    }

    /// Any program, in this folder, with nothing of stead in its environment.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        // Whoever runs the tests in the background may have had SIGINT and SIGQUIT ignored, which is inherited.
        let mut command = Command::new("/usr/bin/env");
        command.args(["--default-signal=INT,QUIT,HUP,TERM", program]);
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        command.env("HOME", self.path("home")).env("PONDER_DIR", self.path("journal")).env("TZ", "UTC");
        // For scripts.
        command.env("PONDER", PONDER).env("RIG", self.folder.path());
        command
    }

    pub(crate) fn ponder(&self, args: &[&str]) -> Command {
        self.command(PONDER, args)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Outcome {
        finish(self.ponder(args))
    }

    /// Runs with an editor that is this script: `$1` and so on are the drafts.
    pub(crate) fn edit(&self, args: &[&str], script: &str) -> Outcome {
        finish(self.editing(args, script))
    }

    /// The same, not yet started.
    pub(crate) fn editing(&self, args: &[&str], script: &str) -> Command {
        let number = std::fs::read_dir(self.folder.path()).unwrap().count();
        let name = format!("editor-{number}.sh");
        self.write(&name, script);
        let mut command = self.ponder(args);
        command.env("PONDER_EDITOR", format!("sh {}", self.path(&name).display()));
        command
    }

    /// Starts a session whose editor does `before`, waits to be let go on, and does `after`; returns once it waits.
    pub(crate) fn open(&self, name: &str, args: &[&str], before: &str, after: &str) -> Open {
        let (opened, gate) = (self.path(&format!("{name}.opened")), self.path(&format!("{name}.gate")));
        finish(self.command("mkfifo", &[gate.to_str().unwrap()])).expect(0);
        let script = format!(
            "{before}\nprintf '%s\\n' $$ \"$@\" > {0}.new; mv {0}.new {0}\nread line < {1}\n{after}\n",
            opened.display(),
            gate.display()
        );
        let mut command = self.editing(args, &script);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut open = Open { child: Some(child), gate, files: Vec::new(), editor: 0 };
        let said = wait_until("the editor is open", || {
            if open.has_ended() {
                panic!("it ended: {:?}", open.wait());
            }
            std::fs::read_to_string(&opened).ok()
        });
        let mut lines = said.lines();
        open.editor = lines.next().unwrap().parse().unwrap();
        open.files = lines.map(PathBuf::from).collect();
        open
    }

    /// The paths of all entries, below the journal.
    pub(crate) fn entries(&self) -> Vec<String> {
        let listed = self.run(&["list", "--json"]);
        let paths = listed.stdout.lines().map(|line| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            let path = Path::new(entry["path"].as_str().unwrap()).to_owned();
            path.strip_prefix(self.path("journal")).unwrap().to_str().unwrap().to_owned()
        });
        paths.collect()
    }

    /// Today's entry, as ponder says.
    pub(crate) fn today(&self) -> PathBuf {
        PathBuf::from(self.run(&["path"]).expect(0).stdout.trim_end())
    }

    /// How many lock files anybody holds.
    pub(crate) fn held(&self) -> usize {
        let locks = std::fs::read_dir(self.journal(".stead/locks")).into_iter().flatten();
        let is_held = |path: PathBuf| stead::lock::FileLock::at(path).inspect().is_ok_and(|seen| seen.held);
        locks.filter(|entry| is_held(entry.as_ref().unwrap().path())).count()
    }
}

/// A session whose editor waits.
pub(crate) struct Open {
    child: Option<Child>,
    gate: PathBuf,
    /// The drafts.
    pub(crate) files: Vec<PathBuf>,
    /// The pid of the editor.
    pub(crate) editor: i32,
}

impl Open {
    /// The pid of ponder.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.as_ref().unwrap().id()).unwrap()
    }

    fn has_ended(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Lets the editor go on, and waits for ponder.
    pub(crate) fn end(mut self) -> Outcome {
        self.let_go();
        self.wait()
    }

    /// Lets the editor go on.
    pub(crate) fn let_go(&self) {
        std::fs::OpenOptions::new().write(true).open(&self.gate).unwrap().write_all(b"go\n").unwrap();
    }

    /// Waits for ponder.
    pub(crate) fn wait(&mut self) -> Outcome {
        let child = self.child.take().unwrap();
        let (sender, receiver) = channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        receiver.recv_timeout(PATIENCE).expect("ponder ends").unwrap().into()
    }

    /// Kills ponder alone, and waits until it is gone; its editor lives on.
    pub(crate) fn kill_ponder(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = kill_process(Pid::from_raw(self.editor).unwrap(), Signal::KILL);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Outcome {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Whether stderr has it.
    #[track_caller]
    pub(crate) fn saying(self, text: &str) -> Outcome {
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

/// Runs to the end, which must come: a command that waits for itself fails the test.
#[track_caller]
pub(crate) fn finish(mut command: Command) -> Outcome {
    let shown = format!("{command:?}");
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(command.output()));
    let output = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("did not end: {shown}"));
    output.unwrap().into()
}

pub(crate) fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(crate) fn mode(path: impl AsRef<Path>) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.as_ref().metadata().unwrap().permissions().mode() & 0o7777
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
