//! Who holds and who waits.

use std::fs;
use std::process::{Command, Stdio};

use stead::lock::{FileLock, Mode, Options, inspect, inspect_folder, inspect_machine};
use tempfile::tempdir;

use crate::cast::CAST;

#[test]
fn a_holder_of_ours_is_told_in_full() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let guard = Options::new().label("nightly").via("test").command("cargo bench").at(&path).try_lock().unwrap();
    let seen = inspect(&path).unwrap();
    let [holder] = &seen.holders[..] else { panic!("{seen:?}") };
    assert_eq!(holder.pid, Some(std::process::id()));
    assert_eq!((holder.mode, holder.verified, holder.token), (Mode::Exclusive, true, guard.token()));
    assert_eq!((holder.label.as_deref(), holder.via.as_deref()), (Some("nightly"), Some("test")));
    assert_eq!(holder.command.as_deref(), Some("cargo bench"));
    assert!(holder.user.is_some() && holder.host.is_some());
    assert!(holder.age().unwrap().as_secs() < 60);
    drop(guard);
    assert!(!inspect(&path).unwrap().held);
}

#[test]
fn shared_holders_are_all_listed() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let mut others: Vec<_> =
        (0..2).map(|_| CAST.start("hold", &[&format!("at:{}", path.display()), "shared"])).collect();
    for other in &mut others {
        other.expect("held");
    }
    let _mine = FileLock::at(&path).try_lock_shared().unwrap();
    let mut pids: Vec<_> = inspect(&path).unwrap().holders.iter().map(|holder| holder.pid.unwrap()).collect();
    let mut expected: Vec<_> = others.iter().map(testkit::Actor::pid).chain([std::process::id()]).collect();
    pids.sort_unstable();
    expected.sort_unstable();
    assert_eq!(pids, expected);
}

/// Trap 7: the process that took the lock is dead, and a child that inherited it keeps it.
#[test]
fn trap_07_a_child_that_keeps_the_lock_is_the_holder() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    fs::write(&path, "").unwrap();
    let python = "import fcntl, os, sys
f = open(sys.argv[1], 'a+')
fcntl.flock(f, fcntl.LOCK_EX)
os.set_inheritable(f.fileno(), True)
if os.fork() == 0:
    os.execvp('sleep', ['sleep', '3600'])
print('held', flush=True)";
    if !testkit::tool("python3") {
        return;
    }
    let parent = Command::new("python3").args(["-c", python]).arg(&path).stdout(Stdio::null()).spawn().unwrap();
    let dead = parent.id();
    parent.wait_with_output().unwrap();
    let seen = testkit::wait_until("the child runs sleep", || {
        let seen = inspect(&path).ok()?;
        seen.holders.first().filter(|holder| holder.command.as_deref() == Some("sleep 3600")).cloned()
    });
    assert!(seen.verified && seen.pid != Some(dead) && seen.pid.is_some());
    let pid = rustix::process::Pid::from_raw(i32::try_from(seen.pid.unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    testkit::wait_until("the lock is free", || (!inspect(&path).ok()?.held).then_some(()));
}

/// Trap 8: a record whose process is dead, its PID now somebody else's, names nobody.
#[test]
fn trap_08_a_stale_record_does_not_name_a_stranger() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("l");
    let mut dead = CAST.start("hold", &[&format!("at:{}", path.display()), "exclusive"]);
    dead.expect("held");
    dead.kill();
    let record = fs::read_to_string(&path).unwrap();
    assert!(record.starts_with(&format!("{}\n", dead.pid())), "it died without blanking its record");
    testkit::wait_until("the lock is free", || (!inspect(&path).ok()?.held).then_some(()));
    // Now a stranger holds it, who writes no record.
    let file = fs::File::open(&path).unwrap();
    file.try_lock_shared().unwrap();
    let seen = inspect(&path).unwrap();
    assert_eq!(seen.holders.len(), 1);
    assert_eq!(
        (seen.holders[0].pid, seen.holders[0].token, seen.holders[0].since),
        (Some(std::process::id()), None, None)
    );
    // In so many words: while another process looks at our descriptors, a close alone may free it a little late.
    file.unlock().unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.try_lock().unwrap();
    let seen = inspect(&path).unwrap();
    assert_eq!((seen.holders[0].pid, seen.holders[0].token), (Some(std::process::id()), None));
    let error = FileLock::at(&path).try_lock().unwrap_err();
    assert_eq!(error.holder(), None, "nobody is named rather than the wrong one");
}

#[test]
fn a_folder_and_the_machine_are_listed() {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let (held, free, foreign) = (folder.path().join("sub/d"), folder.path().join("e"), folder.path().join("data.txt"));
    let _guard = FileLock::sidecar(&held).try_lock().unwrap();
    drop(FileLock::sidecar(&free).try_lock().unwrap());
    fs::write(&foreign, "").unwrap();
    fs::write(folder.path().join("unrelated.lock"), "").unwrap();
    let file = fs::File::open(&foreign).unwrap();
    file.try_lock().unwrap();
    let seen = inspect_folder(folder.path()).unwrap();
    let list: Vec<_> =
        seen.iter().map(|seen| (seen.path.strip_prefix(folder.path()).unwrap().to_str().unwrap(), seen.held)).collect();
    assert_eq!(list, [(".stead/locks/e.lock", false), ("data.txt", true), ("sub/.stead/locks/d.lock", true)]);
    let machine = inspect_machine().unwrap();
    let real = foreign.canonicalize().unwrap();
    let found = machine.iter().find(|seen| seen.path == real).expect("our lock is among those of the machine");
    assert_eq!((found.primitive, found.holders[0].pid), ("flock", Some(std::process::id())));
}

/// Looking must not get into the way of those who lock.
#[test]
fn looking_takes_no_lock() {
    let folder = tempdir().unwrap();
    let lock = FileLock::at(folder.path().join("l"));
    drop(lock.try_lock().unwrap());
    std::thread::scope(|scope| {
        let looker = scope.spawn(|| (0..300).for_each(|_| drop(inspect(lock.path()).unwrap())));
        while !looker.is_finished() {
            drop(lock.try_lock().unwrap());
        }
    });
}
