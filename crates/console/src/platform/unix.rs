//! Unix.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Access, AtFlags, CWD, FileType, accessat};
use rustix::process::{Pid, WaitId, WaitIdOptions, getpgrp, waitid};

use super::signals::{self, Relay};
use super::{Ended, cannot_run, command_not_found};
use crate::failure::Failure;

/// Where execvp(3) looks when there is no PATH.
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// The longest `#!` line that any system takes.
const SHEBANG_MAX: u64 = 512;

/// Looks whether `name` can be run, as execvp(3) will look for it: before anything is locked or created.
pub fn check_command(name: &OsStr) -> Result<(), Failure> {
    let candidates: Vec<PathBuf> = if name.as_bytes().contains(&b'/') || name.is_empty() {
        vec![name.into()]
    } else {
        let path = env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
        env::split_paths(&path).map(|folder| folder.join(name)).collect()
    };
    let mut denied = None;
    for candidate in candidates.iter().filter(|candidate| candidate.exists()) {
        match what_prevents(candidate) {
            None => return Ok(()),
            Some(why) => denied.get_or_insert(cannot_run(candidate.as_os_str(), why)),
        };
    }
    Err(denied.unwrap_or_else(|| command_not_found(name)))
}

fn what_prevents(program: &Path) -> Option<String> {
    if !program.is_file() {
        return Some("it is not a file".to_owned());
    }
    if accessat(CWD, program, Access::EXEC_OK, AtFlags::EACCESS).is_err() {
        return Some("permission denied".to_owned());
    }
    let interpreter = interpreter(program)?;
    let missing = !interpreter.exists();
    missing.then(|| format!("its interpreter {} is not there", interpreter.display()))
}

/// What the `#!` line of a script names. A program that we may run but not read has none that we know.
fn interpreter(program: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    File::open(program).ok()?.take(SHEBANG_MAX).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let word = line.split(|byte| matches!(byte, b' ' | b'\t' | b'\r')).find(|word| !word.is_empty())?;
    Some(PathBuf::from(OsString::from_vec(word.to_vec())))
}

/// The failure to say when the system did not start `name` after all.
pub fn not_started(name: &OsStr, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => command_not_found(name),
        _ => cannot_run(name, error),
    }
}

/// Runs `command` in our process group, passes on the signals that are sent to us, and waits for its end. `serve` is
/// called once it runs, for its pipes.
pub fn run(command: &mut Command, serve: impl FnOnce(&mut Child)) -> io::Result<Ended> {
    signals::keep_children()?;
    let ignored = signals::ignored();
    let mut early = ignored.as_deref().map(Relay::listen).transpose()?;
    if let Some(signal) = early.as_mut().and_then(Relay::ending) {
        return Ok(Ended::NotStarted(signal));
    }
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    // Where it is not known what was ignored on entry, a handler installed before the start would have had the command
    // start with the default instead.
    match early.or_else(|| Relay::listen(&[]).ok()) {
        Some(relay) => relay.while_running(pid, || serve_to_end(&mut child, pid, serve))?,
        None => serve_to_end(&mut child, pid, serve)?,
    }
    // Only now is it reaped and its number free for others: no signal was on its way to it any more.
    Ok(ended(child.wait()?))
}

fn serve_to_end(child: &mut Child, pid: Pid, serve: impl FnOnce(&mut Child)) -> io::Result<()> {
    serve(child);
    wait_for_end(pid)
}

/// Waits until the command has ended, and leaves it unreaped.
fn wait_for_end(child: Pid) -> io::Result<()> {
    loop {
        match waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(code),
        (None, signal) => Ended::Signal(signal.unwrap_or(0)),
    }
}

/// Whether the shell above wants to see this signal kill us, too.
pub fn is_interrupt(signal: i32) -> bool {
    signal == signal_hook::consts::SIGINT
}

/// From now on a signal that asks to end calls `clean_up` first. Where that says no, we do not end by it.
pub fn before_ending(clean_up: impl Fn() -> bool + Send + 'static) -> io::Result<()> {
    signals::before_ending(clean_up)
}

/// Whether standard input is a terminal or another character device, such as /dev/null.
pub fn stdin_is_device() -> bool {
    let stat = rustix::fs::fstat(io::stdin());
    stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice)
}

/// Whether standard output is a pipe whose reader has gone away.
pub fn stdout_is_deserted() -> bool {
    let stdout = io::stdout();
    let mut looked = [PollFd::new(&stdout, PollFlags::empty())];
    let found = poll(&mut looked, Some(&Timespec::default()));
    found.is_ok() && looked[0].revents().contains(PollFlags::ERR)
}

/// Ends this process by a signal. Returns where the system does not let it.
pub fn end_by(signal: i32) {
    // The first process of a container is not killed by a signal that it has no handler for.
    if std::process::id() != 1 {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
}

/// Whether locking the file at `path`, or creating it (with its folders, for a sidecar), would fail for a reason that
/// can be seen beforehand.
pub fn is_unusable(path: &Path, with_folders: bool) -> bool {
    match path.metadata() {
        Ok(metadata) => {
            !(metadata.is_file() || metadata.is_dir())
                || accessat(CWD, path, Access::READ_OK, AtFlags::EACCESS).is_err()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut folders = path.ancestors().skip(1);
            let folder = folders.find(|folder| !with_folders || folder.symlink_metadata().is_ok());
            let is_writable = |folder: &Path| {
                folder.is_dir() && accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
            };
            path.is_symlink() || !folder.is_some_and(is_writable)
        }
        Err(_) => true,
    }
}

/// How the terminal on standard input is set.
pub struct TerminalModes(Option<rustix::termios::Termios>);

impl TerminalModes {
    /// As it is now; nothing where it is no terminal.
    pub fn now() -> TerminalModes {
        TerminalModes(rustix::termios::tcgetattr(io::stdin()).ok())
    }

    /// Sets it back.
    pub fn restore(&self) {
        let is_in_front = || rustix::termios::tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp());
        if let Some(modes) = self.0.as_ref().filter(|_| is_in_front()) {
            // Where that is not possible, nothing was changed either.
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Drain, modes);
        }
    }
}

/// A new folder that nobody else can look into, gone when it is dropped.
///
/// # Errors
/// Those of mkdir(2).
pub fn private_folder(prefix: &str) -> io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().prefix(prefix).permissions(std::fs::Permissions::from_mode(0o700)).tempdir()
}
