//! A folder of its own for each test, with a journal, a home and scripted editors; and the command in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use testkit::wait_until;

pub(crate) use testkit::command::{Outcome, finish, is_alive, is_root, kill, mode, set_mode};

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

/// Where it is noon: the day does not change under a test.
static ZONE: LazyLock<String> = LazyLock::new(|| zone_before_midnight(12 * 3600));

/// A folder that goes away with the test.
pub(crate) struct Rig {
    folder: TempDir,
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
        let mut command = testkit::command::program(program, args, self.folder.path());
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        command.env("HOME", self.path("home")).env("PONDER_DIR", self.path("journal")).env("TZ", &*ZONE);
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
            assert!(!open.has_ended(), "{:?}", open.wait());
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
        self.locks().iter().filter(|seen| seen.held).count()
    }

    /// The pid of whoever has an entry open.
    pub(crate) fn writer(&self) -> i32 {
        let mut holders = self.locks().into_iter().flat_map(|seen| seen.holders);
        let pid = holders.find_map(|holder| holder.pid).expect("somebody has an entry open");
        i32::try_from(pid).unwrap()
    }

    /// The process that this one has started.
    #[track_caller]
    pub(crate) fn child_of(pid: i32) -> i32 {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        children.trim().parse().expect("it has one child")
    }

    fn locks(&self) -> Vec<stead::lock::Inspection> {
        let locks = std::fs::read_dir(self.journal(".stead/locks")).into_iter().flatten();
        locks.filter_map(|lock| stead::lock::FileLock::at(lock.unwrap().path()).inspect().ok()).collect()
    }

    /// The drafts that are not in their entries, the newest first.
    pub(crate) fn drafts(&self) -> Vec<serde_json::Value> {
        let listed = self.run(&["recover", "--json"]);
        listed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The text of the only one.
    #[track_caller]
    pub(crate) fn draft(&self) -> String {
        let drafts = self.drafts();
        assert_eq!(drafts.len(), 1, "{drafts:?}");
        String::from_utf8_lossy(&std::fs::read(drafts[0]["draft"].as_str().unwrap()).unwrap()).into_owned()
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
        testkit::command::wait(self.child.take().unwrap())
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

/// A time zone in which midnight is so many seconds from now.
#[expect(clippy::disallowed_methods, reason = "a test has a clock of its own")]
pub(crate) fn zone_before_midnight(seconds: i64) -> String {
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let since_midnight = i64::try_from(now % 86_400).unwrap();
    let mut offset = 86_400 - seconds - since_midnight;
    if offset > 12 * 3600 {
        offset -= 86_400;
    }
    let (sign, east) = if offset < 0 { ('+', -offset) } else { ('-', offset) };
    format!("<TEST>{sign}{:02}:{:02}:{:02}", east / 3600, east / 60 % 60, east % 60)
}
