//! Terminals that a test types into and reads the screen of, as a user does: windows of a private tmux server.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{tool, wait_until};

const COLUMNS: &str = "100";
const ROWS: &str = "30";
/// An interactive shell without any configuration. Its prompt begins with how many commands were run in it, and how the
/// last one ended: `[3|0] `.
const SHELL: &str = r"PS1='[\#|$?] ' PS2='' HISTFILE= exec bash --norc --noprofile --noediting -i";

/// A terminal of 100 columns and 30 rows with a shell (bash) in it. It is closed when dropped; the server ends with the
/// last terminal.
///
/// ```no_run
/// let Some(terminal) = testkit::Tmux::open() else { return };
/// terminal.type_line("vim notes.md");
/// terminal.expect("notes.md");
/// terminal.press("i");
/// terminal.literal("a line");
/// terminal.press("Escape");
/// terminal.type_line(":wq");
/// assert_eq!(terminal.ended(), 0);
/// ```
#[derive(Debug)]
pub struct Tmux {
    server: Arc<Server>,
    /// tmux's name of the terminal: `%1`.
    pane: String,
    /// The process of the shell.
    shell: u32,
    /// The number of the last prompt that was seen.
    prompt: AtomicU32,
}

/// A server of our own. It ends when dropped.
#[derive(Debug)]
struct Server {
    /// Where its socket is.
    folder: PathBuf,
}

impl Tmux {
    /// A terminal with the folder and environment of the test. `None`, and said why, where tmux or bash is missing.
    pub fn open() -> Option<Tmux> {
        Tmux::open_as(&Command::new("bash"))
    }

    /// A terminal with the folder and environment that this command has; the command itself is not run.
    ///
    /// # Panics
    /// If tmux does not start.
    pub fn open_as(command: &Command) -> Option<Tmux> {
        if !tool("tmux") || !tool("bash") {
            return None;
        }
        let server = Server { folder: private_folder().expect("a folder for the socket") };
        let mut tmux = server.tmux(&["new-session", "-d", "-x", COLUMNS, "-y", ROWS, "-P", "-F", FACTS, SHELL]);
        // The server keeps the environment that it is started with, and so do its windows.
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => tmux.env(name, value),
                None => tmux.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            tmux.current_dir(folder);
        }
        tmux.env("TMUX_TMPDIR", &server.folder).env("SHELL", "/bin/sh");
        Some(Tmux::new(Arc::new(server), &said(&mut tmux)))
    }

    /// One more terminal like this one.
    ///
    /// # Panics
    /// If tmux does not open it.
    #[must_use]
    pub fn another(&self) -> Tmux {
        let folder = said(&mut self.server.tmux(&["display", "-p", "-t", &self.pane, "#{session_path}"]));
        let made = said(&mut self.server.tmux(&["new-window", "-d", "-c", folder.trim(), "-P", "-F", FACTS, SHELL]));
        Tmux::new(Arc::clone(&self.server), &made)
    }

    fn new(server: Arc<Server>, facts: &str) -> Tmux {
        let (pane, shell) = facts.trim().split_once(' ').expect("tmux names the terminal");
        let shell = shell.parse().expect("tmux names the shell");
        let terminal = Tmux { server, pane: pane.to_owned(), shell, prompt: AtomicU32::new(0) };
        terminal.ended();
        terminal
    }

    /// The process of the shell.
    pub fn shell(&self) -> u32 {
        self.shell
    }

    /// Types this, and Enter.
    ///
    /// # Panics
    /// If the terminal is closed.
    pub fn type_line(&self, line: &str) {
        self.literal(line);
        self.press("Enter");
    }

    /// Types this as it is.
    ///
    /// # Panics
    /// If the terminal is closed.
    pub fn literal(&self, text: &str) {
        said(&mut self.server.tmux(&["send-keys", "-t", &self.pane, "-l", "--", text]));
    }

    /// Presses keys by their names in tmux(1), separated by blanks: `Escape`, `C-x Enter`.
    ///
    /// # Panics
    /// If the terminal is closed.
    pub fn press(&self, keys: &str) {
        let keys: Vec<&str> = keys.split_whitespace().collect();
        said(&mut self.server.tmux(&[&["send-keys", "-t", &self.pane, "--"], &keys[..]].concat()));
    }

    /// What is on the screen now. A line that was wrapped is one; no line ends with blanks. Nothing once it is closed.
    pub fn screen(&self) -> String {
        let output = self.server.tmux(&["capture-pane", "-p", "-J", "-t", &self.pane]).output();
        let shown = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// Waits until this is on the screen, and returns the screen. What was typed is on it, too.
    ///
    /// # Panics
    /// If it does not come; the screen is printed then.
    #[track_caller]
    pub fn expect(&self, text: &str) -> String {
        self.until(&format!("the screen shows {text:?}"), |screen| screen.contains(text).then(|| screen.to_owned()))
    }

    /// Waits until the screen gives something.
    ///
    /// # Panics
    /// If it does not; the screen is printed then.
    #[track_caller]
    pub fn until<T>(&self, what: &str, mut condition: impl FnMut(&str) -> Option<T>) -> T {
        wait_until(what, || condition(&self.screen()))
    }

    /// Waits for the next prompt of the shell, and returns how the last command ended. One that was stopped has ended
    /// so, too, for the shell.
    ///
    /// # Panics
    /// If no prompt comes.
    #[track_caller]
    pub fn ended(&self) -> i32 {
        let before = self.prompt.load(Ordering::Relaxed);
        let (number, code) =
            self.until("there is a new prompt", |screen| prompt(screen).filter(|(number, _)| *number > before));
        self.prompt.store(number, Ordering::Relaxed);
        code
    }

    /// Takes everything off the screen, at the prompt.
    ///
    /// # Panics
    /// If the shell does not do it.
    pub fn clear(&self) {
        self.type_line("clear");
        self.ended();
    }

    /// Closes the terminal, as somebody does who closes its window: it hangs up.
    ///
    /// # Panics
    /// If it is closed.
    pub fn close(self) {
        said(&mut self.server.tmux(&["kill-pane", "-t", &self.pane]));
    }
}

impl Drop for Tmux {
    #[expect(clippy::print_stderr, reason = "what was on the screen tells why a test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the screen:\n{}\n", self.screen());
        }
        let _ = self.server.tmux(&["kill-pane", "-t", &self.pane]).output();
    }
}

impl Server {
    fn tmux(&self, args: &[&str]) -> Command {
        let mut tmux = Command::new("tmux");
        // As UTF-8 in any locale; as somebody who is in no tmux.
        tmux.args(["-u", "-L", "testkit", "-f", "/dev/null"]).args(args);
        tmux.env("TMUX_TMPDIR", &self.folder).env_remove("TMUX").env_remove("TMUX_PANE").stdin(Stdio::null());
        tmux
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]).output();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What tmux says of a new terminal.
const FACTS: &str = "#{pane_id} #{pane_pid}";

/// What a tmux command prints, which must be well.
#[track_caller]
fn said(tmux: &mut Command) -> String {
    let Output { status, stdout, stderr } = tmux.output().expect("tmux starts");
    assert!(status.success(), "{tmux:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).into_owned()
}

/// The number of the prompt in the last line, and the exit code that it shows; nothing is typed behind it yet.
fn prompt(screen: &str) -> Option<(u32, i32)> {
    let (number, code) = screen.lines().last()?.strip_prefix('[')?.strip_suffix(']')?.split_once('|')?;
    Some((number.parse().ok()?, code.parse().ok()?))
}

/// A folder with a short path, for a socket's may not be long, that nobody else may enter.
fn private_folder() -> io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    loop {
        let name = format!("testkit-tmux-{:08x}", fastrand::u32(..));
        let folder = std::env::temp_dir().join(OsStr::new(&name));
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| folder),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn two_terminals_are_typed_into_and_read() {
        let Some(one) = Tmux::open() else { return };
        let other = one.another();
        one.type_line("echo $((6 * 7)); stty size; exit_with() { return $1; }; exit_with 3");
        assert_eq!(one.ended(), 3);
        let screen = one.screen();
        assert!(screen.contains("\n42\n30 100\n"), "{screen}");
        assert!(!other.screen().contains("42"));
        other.type_line("cat");
        other.literal("a  -b ; Enter");
        other.press("Enter");
        other.expect("a  -b ; Enter\na  -b ; Enter");
        other.press("C-c");
        assert_eq!(other.ended(), 130);
    }

    #[test]
    fn it_has_the_folder_and_the_variables_of_a_command() {
        let mut command = Command::new("true");
        command.current_dir("/usr").env("TESTKIT_SAID", "a word").env_remove("PWD");
        let Some(one) = Tmux::open_as(&command) else { return };
        for terminal in [&one, &one.another()] {
            terminal.type_line("pwd; echo \"$TESTKIT_SAID\"; printf 'x%.0s' {1..120}; echo");
            assert_eq!(terminal.ended(), 0);
            let screen = terminal.expect(&"x".repeat(120));
            assert!(screen.contains("\n/usr\na word\nxxx"), "{screen}");
        }
    }

    #[test]
    fn what_runs_in_it_ends_when_it_is_closed() {
        let Some(one) = Tmux::open() else { return };
        let shell = one.shell();
        one.type_line("echo running; exec sleep 60");
        one.expect("\nrunning");
        let folder = one.server.folder.clone();
        one.close();
        wait_until("the shell is gone", || (!Path::new(&format!("/proc/{shell}")).exists()).then_some(()));
        assert!(!folder.exists());
    }
}
