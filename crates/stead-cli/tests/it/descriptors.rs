//! Which descriptors CMD inherits, and when a lock ends that others still have one of (trap 4).

use testkit::wait_until;

use crate::rig::Rig;

/// Trap 4: a background process that lives on has the descriptor, but the lock ended with CMD.
#[test]
fn trap_4_a_background_process_does_not_keep_the_lock() {
    let rig = Rig::new();
    assert!(rig.sh("mkfifo end").code == Some(0));
    rig.run(&["run", "./l", "--", "sh", "-c", "(cat <end) >/dev/null 2>&1 &"]).expect(0);
    rig.run(&["run", "--no-wait", "./l", "--", "true"]).expect(0);
    rig.write("end", b"");
}

#[test]
fn the_command_inherits_its_locks_and_nothing_else() {
    let rig = Rig::new();
    let list = "for fd in /proc/self/fd/*; do readlink $fd; done | grep -v -e pipe: -e /dev/null -e /proc/";
    let said = rig.run(&["run", "./l", "--for", "s", "--", "sh", "-c", list]);
    let mut names: Vec<_> = said.stdout.lines().map(|line| line.rsplit('/').next().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["l", "s.lock"], "{said:?}");
    let said = rig.run(&["run", "--close", "./l", "--for", "s", "--", "sh", "-c", list]);
    assert_eq!(said.stdout, "");
}

#[test]
fn with_close_the_lock_ends_with_stead() {
    let rig = Rig::new();
    let mut held = rig.hold(&["--close", "./l"]);
    rig.run(&["run", "--no-wait", "./l", "--", "true"]).expect(75);
    held.kill_stead();
    assert!(crate::rig::is_alive(held.command()));
    rig.run(&["run", "--no-wait", "./l", "--", "true"]).expect(0);
}

#[test]
fn a_killed_waiter_does_not_take_the_lock_later() {
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    let mut waiter = rig.stead(&["run", "./l", "--", "touch", "ran"]).spawn().unwrap();
    let pid = format!("\"pid\":{},", waiter.id());
    wait_until("it waits", || rig.run(&["who", "--json", "./l"]).says(&pid).then_some(()));
    crate::rig::kill(i32::try_from(waiter.id()).unwrap(), rustix::process::Signal::TERM);
    let status = waiter.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    held.end();
    rig.run(&["run", "--no-wait", "./l", "--", "true"]).expect(0);
    assert!(!rig.exists("ran"));
}
