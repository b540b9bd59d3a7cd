//! Together with those who know nothing of stead: flock(1), Python, `std::fs::File::lock`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use stead::lock::FileLock;
use tempfile::tempdir;
// Those who release by closing only do so a little late while a fork or a reader of /proc has a copy of the descriptor.
use testkit::PATIENCE;

/// Holds the lock until a line comes.
const PYTHON: &str = "import fcntl, sys
f = open(sys.argv[1], 'a+')
fcntl.flock(f, fcntl.LOCK_EX)
print('held', flush=True)
sys.stdin.readline()";

/// Fails at once where the lock is held.
const PYTHON_TRY: &str = "import fcntl, sys
fcntl.flock(open(sys.argv[1], 'a+'), fcntl.LOCK_EX | fcntl.LOCK_NB)";

struct Foreign(Child);

impl Foreign {
    fn hold(command: &mut Command) -> Foreign {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Foreign(child)
    }

    fn release(mut self) {
        writeln!(self.0.stdin.take().unwrap()).unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

fn both_ways(path: &Path, holder: &mut Command, trier: impl Fn() -> bool) {
    for lock in [FileLock::at(path), FileLock::in_place(path), FileLock::open(path)] {
        let guard = lock.lock(PATIENCE).unwrap();
        assert!(!trier(), "it got in beside us");
        drop(guard);
        let guard = lock.lock_shared(PATIENCE).unwrap();
        assert!(!trier(), "it got in beside our shared lock");
        drop(guard);
        assert!(trier(), "our release was not seen");
    }
    let foreign = Foreign::hold(holder);
    for lock in [FileLock::at(path), FileLock::in_place(path)] {
        assert!(lock.try_lock().unwrap_err().is_busy(), "we got in beside it");
        assert!(lock.try_lock_shared().unwrap_err().is_busy());
    }
    foreign.release();
    drop(FileLock::at(path).lock(PATIENCE).unwrap());
}

#[test]
fn flock_1_and_we_exclude_each_other() {
    if !testkit::tool("flock") {
        return;
    }
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let trier = || Command::new("flock").arg("-n").arg(&path).arg("true").status().unwrap().success();
    both_ways(&path, Command::new("flock").arg(&path).args(["sh", "-c", "echo held; read line"]), trier);
}

#[test]
fn python_and_we_exclude_each_other() {
    if !testkit::tool("python3") {
        return;
    }
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let trier = || {
        let mut python = Command::new("python3");
        python.args(["-c", PYTHON_TRY]).arg(&path).stderr(Stdio::null()).status().unwrap().success()
    };
    both_ways(&path, Command::new("python3").args(["-c", PYTHON]).arg(&path), trier);
}

#[test]
fn the_standard_library_and_we_exclude_each_other() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let lock = FileLock::at(&path);
    let guard = lock.try_lock().unwrap();
    let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    assert!(file.try_lock().is_err());
    drop(guard);
    file.try_lock().unwrap();
    assert!(lock.try_lock().unwrap_err().is_busy());
    file.unlock().unwrap();
    drop(lock.try_lock().unwrap());
}

#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn lslocks_shows_us() {
    if !testkit::tool("lslocks") {
        return;
    }
    let folder = tempdir().unwrap();
    let _guard = FileLock::at(folder.path().join("l")).try_lock().unwrap();
    let pid = std::process::id().to_string();
    let list =
        Command::new("lslocks").args(["--noheadings", "--output", "PID,TYPE,MODE", "--pid", &pid]).output().unwrap();
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(
        list.lines().any(|line| line.split_whitespace().collect::<Vec<_>>() == [pid.as_str(), "FLOCK", "WRITE"]),
        "{list}"
    );
}

#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn foreign_holders_and_waiters_are_listed() {
    if !testkit::tool("flock") {
        return;
    }
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    fs::write(&path, "").unwrap();
    let foreign = Foreign::hold(Command::new("flock").arg(&path).args(["sh", "-c", "echo held; read line"]));
    let mut waiter = Command::new("flock").arg("-s").arg(&path).arg("true").spawn().unwrap();
    let seen = testkit::wait_until("the waiter is there", || {
        stead::lock::inspect(&path).ok().filter(|seen| !seen.waiters.is_empty())
    });
    assert!(seen.held && seen.holders[0].verified);
    assert_eq!(seen.holders[0].pid, Some(foreign.0.id()));
    assert!(seen.holders[0].command.as_ref().unwrap().starts_with("flock "));
    assert_eq!((seen.waiters[0].pid, seen.waiters[0].mode), (Some(waiter.id()), stead::lock::Mode::Shared));
    foreign.release();
    assert!(waiter.wait().unwrap().success());
    testkit::wait_until("it is free", || (!stead::lock::inspect(&path).ok()?.held).then_some(()));
}
