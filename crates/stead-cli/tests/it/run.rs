//! `stead run`: what the issue asks to be seen.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Instant;

use testkit::{tool, wait_until};

use crate::rig::{Rig, kill};

#[test]
#[expect(clippy::disallowed_methods, reason = "a deadline is measured by another clock than the one it is counted on")]
fn a_holder_is_named_refused_and_timed_out_for() {
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    let pid = format!("pid {} (sh -c", held.stead());

    let who = rig.run(&["who", "./l"]).expect(0);
    assert!(who.stdout.contains(&held.stead().to_string()) && who.stdout.contains("exclusive"), "{who:?}");

    let started = Instant::now();
    let late = rig.run(&["run", "--wait", "1s", "./l", "--", "true"]).expect(124);
    assert!(started.elapsed().as_secs_f64() >= 1.0);
    assert!(
        late.stderr.contains("timed out after 1s: ./l is held exclusively by") && late.stderr.contains(&pid),
        "{late:?}"
    );

    let busy = rig.run(&["run", "--no-wait", "./l", "--", "true"]).expect(75);
    assert!(busy.stderr.contains("busy: ./l is held exclusively by") && busy.stderr.contains(&pid), "{busy:?}");
    assert!(busy.stderr.contains("hint: wait with --wait 30s, or see `stead who ./l`"), "{busy:?}");

    assert!(held.end().success());
    let nobody = rig.run(&["who", "./l"]).expect(1);
    assert_eq!(nobody.stdout, "./l: nobody holds it\n");
}

#[test]
fn flock_is_refused_while_we_hold_and_we_while_flock_does() {
    if !tool("flock") {
        return;
    }
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    rig.sh("flock -n ./l true").expect(1);
    held.end();
    rig.sh("flock -n ./l true").expect(0);
    let refused = rig.sh("flock ./l $STEAD run --no-wait ./l -- true").expect(75);
    assert!(refused.stderr.contains("busy: ./l is held exclusively by pid"), "{refused:?}");
}

/// Trap 4 and trap 7: the lock lives on with CMD, and `who` names the process that keeps it, not the dead one.
#[test]
fn trap_7_killing_stead_alone_leaves_the_lock_with_the_command() {
    let rig = Rig::new();
    let mut held = rig.hold(&["./l"]);
    held.kill_stead();
    rig.run(&["run", "--no-wait", "./l", "--", "true"]).expect(75);
    let who = rig.run(&["who", "--json", "./l"]).expect(0);
    assert!(who.stdout.contains(&format!("\"pid\":{},", held.command())), "{who:?}");

    kill(held.command(), rustix::process::Signal::KILL);
    // Nobody waits for the orphan but init: look until the kernel has closed its files.
    wait_until("both are dead", || rig.run(&["who", "./l"]).code.filter(|code| *code == 1));
    rig.run(&["run", "--no-wait", "./l", "--", "true"]).expect(0);
}

#[test]
fn killing_both_frees_the_lock_at_once() {
    let rig = Rig::new();
    let mut held = rig.hold(&["./l"]);
    kill(held.command(), rustix::process::Signal::KILL);
    held.kill_stead();
    rig.run(&["run", "--wait", "10s", "./l", "--", "true"]).expect(0);
}

#[test]
fn a_users_file_stays_as_it_is() {
    let rig = Rig::new();
    let contents: [&[u8]; 5] =
        [b"", b"one line without end", b"{}\n", b"\x00\xff\x00", b"4312\n{\"stead\":\"lock/2\"}\n"];
    for (number, content) in contents.into_iter().enumerate() {
        let name = format!("file{number}");
        rig.write(&name, content);
        std::fs::set_permissions(rig.path(&name), std::fs::Permissions::from_mode(0o640)).unwrap();
        let before = rig.path(&name).metadata().unwrap();
        let said = rig.run(&["run", &name, "--", "sh", "-c", "echo ${STEAD_TOKEN-none} $STEAD_TOKENS"]).expect(0);
        assert_eq!(said.stdout, format!("none {{\"{name}\":null}}\n"));
        let after = rig.path(&name).metadata().unwrap();
        assert_eq!(rig.read(&name), content);
        let facts = |m: &std::fs::Metadata| (m.ino(), m.mode(), m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
        assert_eq!(facts(&before), facts(&after));
    }
    assert_eq!(rig.everything().len(), contents.len());
}

#[test]
fn a_folder_and_a_file_behind_a_link_are_locked_in_place() {
    let rig = Rig::new();
    std::fs::create_dir(rig.path("folder")).unwrap();
    rig.write("file", b"content");
    std::os::unix::fs::symlink("file", rig.path("link")).unwrap();
    let before = rig.everything();
    rig.run(&["run", "folder", "link", "--", "true"]).expect(0);
    let held = rig.hold(&["link"]);
    rig.run(&["run", "--no-wait", "file", "--", "true"]).expect(75);
    held.end();
    assert_eq!(rig.everything(), before);
}

#[test]
fn skip_succeeds_and_runs_nothing() {
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    for wait in [&["--skip"][..], &["--skip", "--no-wait"], &["--skip", "--wait", "100ms"]] {
        let skipped = rig.run(&[&["run"], wait, &["./l", "--", "touch", "ran"]].concat()).expect(0);
        // After a wait, also what was said then.
        let said = skipped.stderr.lines().last().unwrap();
        assert!(said.starts_with("stead: skipped: ./l is held exclusively by pid"), "{skipped:?}");
    }
    assert!(!rig.exists("ran"));
    held.end();
    rig.run(&["run", "--skip", "./l", "--", "touch", "ran"]).expect(0);
    assert!(rig.exists("ran"));
}

#[test]
fn zero_seconds_is_no_wait() {
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    let busy = rig.run(&["run", "--wait", "0s", "./l", "--", "true"]).expect(75);
    assert!(busy.stderr.contains("busy: ./l"), "{busy:?}");
    held.end();
}

#[test]
fn shared_holders_are_together_and_keep_writers_out() {
    let rig = Rig::new();
    let first = rig.hold(&["--shared", "./l"]);
    let second = rig.hold(&["--shared", "./l"]);
    let busy = rig.run(&["run", "--no-wait", "./l", "--", "true"]).expect(75);
    assert!(busy.stderr.contains("held shared by pid") && busy.stderr.contains(", and 1 more"), "{busy:?}");
    first.end();
    second.end();
    rig.run(&["run", "--no-wait", "./l", "--", "true"]).expect(0);
}

#[test]
fn several_locks_are_one_set() {
    let rig = Rig::new();
    let held = rig.hold(&["b"]);
    let busy = rig.run(&["run", "--no-wait", "a", "b", "--", "true"]).expect(75);
    assert!(busy.stderr.contains("busy: b is held"), "{busy:?}");
    // Nothing of the set was kept.
    rig.run(&["run", "--no-wait", "a", "--", "true"]).expect(0);
    held.end();
    let twice = rig.run(&["run", "a", "./a", "--", "printenv", "STEAD_TOKENS"]).expect(0);
    let tokens: serde_json::Value = serde_json::from_str(&twice.stdout).unwrap();
    assert_eq!(tokens["a"], tokens["./a"]);
}

/// Trap 19: two sets named in opposite orders never wait for each other.
#[test]
fn trap_19_opposite_orders_do_not_deadlock() {
    let rig = Rig::new();
    let script = "for i in 1 2 3 4 5 6 7 8 9 10; do $STEAD run $1 $2 -- true || exit 1; done";
    let both = rig.sh(&format!("f() {{ {script}; }}; f a b & one=$!; f b a; two=$?; wait $one && exit $two"));
    both.expect(0);
}

#[test]
fn no_increment_is_lost() {
    let rig = Rig::new();
    rig.write("n", b"0\n");
    let one = "read n <n; echo $((n+1)) >n.new; mv n.new n";
    let many = format!("for i in 1 2 3 4 5 6 7 8 9 10; do $STEAD run --for n -- sh -c '{one}' || exit 1; done");
    let all = format!("f() {{ {many}; }}; f & f & f & f & wait");
    rig.sh(&all).expect(0);
    assert_eq!(rig.text("n"), "40\n");
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    let rig = Rig::new();
    for code in [0, 1, 7, 64, 75, 255] {
        rig.run(&["run", "./l", "--", "sh", "-c", &format!("exit {code}")]).expect(code);
    }
    rig.run(&["run", "./l", "--", "sh", "-c", "kill -9 $$"]).expect(137);
    rig.run(&["run", "./l", "--", "sh", "-c", "kill -15 $$"]).expect(143);
}

/// A shell that runs us must see that Ctrl-C ended the command, or its loop goes on.
#[test]
fn an_interrupt_is_raised_again() {
    let rig = Rig::new();
    let interrupted = rig.run(&["run", "./l", "--", "sh", "-c", "kill -INT $$"]);
    assert_eq!(interrupted.signal, Some(2), "{interrupted:?}");
    // And nothing is left in the record.
    rig.run(&["who", "./l"]).expect(1);
    assert!(rig.text("l").starts_with('\n'));
}

/// flock(1) does the same: cron and others start programs with SIGCHLD ignored.
#[test]
fn the_exit_code_survives_an_ignored_sigchld() {
    let rig = Rig::new();
    rig.sh("trap '' CHLD; exec $STEAD run ./l -- sh -c 'exit 7'").expect(7);
}

#[test]
fn a_lock_that_was_taken_away_meanwhile_is_told() {
    let rig = Rig::new();
    let lost = rig.run(&["run", "./l", "--", "mv", "l", "elsewhere"]).expect(0);
    assert!(lost.stderr.contains("failed to keep the lock on ./l: the lock was lost"), "{lost:?}");
}
