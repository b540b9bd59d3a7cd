//! Who keeps whom out, and for how long.

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use testkit::command::wait;

use super::{Flock, FlockRig, Link, Stead, System, is_here};
use crate::rig::{finish, kill};

const OURS: [Flock; 2] = [Link, Stead];

#[test]
fn each_excludes_the_other() {
    if !is_here() {
        return;
    }
    let rig = FlockRig::new();
    for (holder, other) in [(System, Link), (Link, System), (Stead, Link), (Link, Stead), (Stead, System)] {
        for (held, wanted, code) in [("-x", "-x", 1), ("-x", "-s", 1), ("-s", "-x", 1), ("-s", "-s", 0)] {
            let held = rig.hold(holder, &[held, "f"]);
            rig.run(other, &[wanted, "-n", "f", "true"]).expect(code);
            held.end();
            rig.run(other, &[wanted, "-n", "f", "true"]).expect(0);
        }
    }
    assert_eq!(rig.0.read("work/f"), b"");
}

#[test]
fn it_and_the_other_locks_of_stead_exclude_each_other() {
    let rig = FlockRig::new();
    for flock in OURS {
        let held = rig.hold(flock, &["f"]);
        rig.0.run(&["run", "--no-wait", "work/f", "--", "true"]).expect(75);
        held.end();
        rig.0.run(&["run", "--no-wait", "work/f", "--", "true"]).expect(0);
    }
    let held = rig.0.hold(&["work/f"]);
    for flock in OURS {
        rig.run(flock, &["-n", "f", "true"]).expect(1);
    }
    held.end();
}

#[test]
fn a_waiter_has_it_when_the_holder_ends() {
    let rig = FlockRig::new();
    for patience in [&[][..], &["-w", "60"], &["-s"], &["-sw", "60"]] {
        for flock in OURS {
            let held = rig.hold(flock, &["f"]);
            let waiter = rig.wait(flock, &[patience, &["f", "echo", "mine"]].concat());
            held.end();
            assert_eq!(wait(waiter).expect(0).stdout, "mine\n");
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a deadline is measured by another clock than the one it is counted on")]
fn a_wait_ends_in_time() {
    let rig = FlockRig::new();
    let held = rig.hold(Link, &["f"]);
    for (options, code, least_ms, most_ms) in [
        (&["-w", ".25"][..], 1, 250, 10_000),
        (&["-w", "0.3", "-E", "9"], 9, 300, 10_000),
        (&["-w", "0"], 1, 0, 10_000),
        (&["-n"], 1, 0, 10_000),
    ] {
        for flock in OURS {
            let started = Instant::now();
            rig.run(flock, &[options, &["f", "touch", "ran"]].concat()).expect(code);
            let took = started.elapsed();
            assert!(took >= Duration::from_millis(least_ms) && took < Duration::from_millis(most_ms), "{took:?}");
        }
    }
    assert!(!rig.0.exists("work/ran"));
    held.end();
}

/// Ctrl-C, at its best, ends who waits.
#[test]
fn a_signal_ends_who_waits() {
    let rig = FlockRig::new();
    let held = rig.hold(Link, &["f"]);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::USR1] {
        for options in [&["f", "true"][..], &["-w", "60", "f", "true"]] {
            let waiter = rig.wait(Link, options);
            kill(i32::try_from(waiter.id()).unwrap(), signal);
            let ended = wait(waiter);
            assert_eq!((ended.signal, ended.stderr.as_str()), (Some(signal.as_raw()), ""));
        }
    }
    held.end();
}

/// A signal that means nothing does not end a wait.
#[test]
fn a_wait_goes_on_after_a_stop() {
    let rig = FlockRig::new();
    let held = rig.hold(Link, &["f"]);
    let waiter = rig.wait(Link, &["-w", "60", "f", "echo", "mine"]);
    let pid = i32::try_from(waiter.id()).unwrap();
    kill(pid, Signal::STOP);
    testkit::wait_until("it is stopped", || (crate::rig::state(pid) == Some('T')).then_some(()));
    kill(pid, Signal::CONT);
    held.end();
    assert_eq!(wait(waiter).expect(0).stdout, "mine\n");
}

/// The lock is the command's as well: it ends with the last who has the descriptor.
#[test]
fn the_command_keeps_the_lock_when_flock_is_killed() {
    let rig = FlockRig::new();
    for flock in OURS {
        let mut held = rig.hold(flock, &["f"]);
        kill(held.flock(), Signal::TERM);
        assert!(!held.flock_ended().success());
        rig.run(flock, &["-n", "f", "true"]).expect(1);
        assert!(crate::rig::is_alive(held.command));
        drop(held);
        rig.run(flock, &["-w", "20", "f", "true"]).expect(0);
    }
}

#[test]
fn what_the_command_leaves_behind_keeps_the_lock_but_for_close() {
    let rig = FlockRig::new();
    // It ends when somebody writes.
    let left_behind = "cat fifo >/dev/null 2>&1 &";
    finish(rig.script(Link, "mkfifo fifo")).expect(0);
    for flock in OURS {
        rig.run(flock, &["f", "sh", "-c", left_behind]).expect(0);
        rig.run(flock, &["-n", "f", "true"]).expect(1);
        rig.sh(flock, ": >fifo").expect(0);
        rig.run(flock, &["-w", "20", "f", "true"]).expect(0);
        rig.run(flock, &["-o", "f", "sh", "-c", left_behind]).expect(0);
        rig.run(flock, &["-n", "f", "true"]).expect(0);
        rig.sh(flock, ": >fifo").expect(0);
    }
    // While flock itself is there, it holds the lock, also under -o.
    let held = rig.hold(Link, &["-o", "f"]);
    rig.run(Stead, &["-n", "f", "true"]).expect(1);
    held.end();
}

#[test]
fn a_descriptor_of_the_shell_is_locked_until_it_is_closed() {
    let rig = FlockRig::new();
    let script = "\
        exec 9>f; $FLOCK 9 || exit 10
        $FLOCK -n f true && exit 11
        $FLOCK -n 9 || exit 12
        $FLOCK -u 9 || exit 13
        $FLOCK -n f true || exit 14
        $FLOCK -s 9; $FLOCK -sn f true || exit 15
        $FLOCK -n f true && exit 16
        $FLOCK -x 9; exec 9>&-; $FLOCK -n f true || exit 17";
    for flock in OURS {
        rig.sh(flock, script).expect(0);
    }
}

#[test]
fn no_increment_is_lost() {
    let rig = FlockRig::new();
    rig.0.write("work/n", b"0\n");
    let one = "read n <n; echo $((n+1)) >n.new; mv n.new n";
    let times = "for i in 1 2 3 4 5 6 7 8 9 10; do";
    let by_command = format!("{times} $FLOCK lock sh -c '{one}' || exit 1; done");
    let by_descriptor = format!("{times} ( $FLOCK -w 60 9 || exit 1; {one} ) 9>lock; done");
    let all = format!("f() {{ {by_command}; }}; g() {{ {by_descriptor}; }}; f & g & f & g & wait");
    rig.sh(Stead, &all).expect(0);
    assert_eq!(rig.0.text("work/n"), "40\n");
}

#[test]
fn a_file_stays_as_it_is() {
    let rig = FlockRig::new();
    let contents: [&[u8]; 4] = [b"", b"one line", b"\x00\xff", b"4312\n{\"stead\":\"lock/2\"}\n"];
    for (number, content) in contents.into_iter().enumerate() {
        let name = format!("work/file{number}");
        rig.0.write(&name, content);
        let facts = || {
            let m = rig.0.path(&name).metadata().unwrap();
            (m.ino(), m.mode(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec(), m.len())
        };
        let before = facts();
        for flock in OURS {
            for options in [&["-x"][..], &["-s"], &["-u"], &["-w", "1"], &["-F"], &["-o"], &["--verbose"]] {
                rig.run(flock, &[options, &[&format!("file{number}"), "true"]].concat()).expect(0);
            }
        }
        assert_eq!((facts(), rig.0.read(&name).as_slice()), (before, content));
    }
    // And nothing beside it.
    assert!(!rig.0.exists("work/.stead") && rig.0.path("work").read_dir().unwrap().count() == contents.len());
}
