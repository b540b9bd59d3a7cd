//! A stead below a stead: it proceeds under the locks above it, and only under those that are still held.

use testkit::{tool, wait_until};

use crate::rig::{Rig, finish};

#[test]
fn a_run_below_a_run_does_not_wait_for_itself() {
    let rig = Rig::new();
    rig.run(&["run", "--for", "s.json", "--", STEAD, "run", "--for", "s.json", "--", "true"]).expect(0);
    let link = "ln -s s.json link && $STEAD run --no-wait --for link -- $STEAD run --shared --for ./s.json -- true";
    rig.run(&["run", "--for", "s.json", "--", "sh", "-c", link]).expect(0);
}

use crate::rig::STEAD;

#[test]
fn the_token_below_is_that_of_the_hold_above() {
    let rig = Rig::new();
    let said = rig.run(&["run", "l", "--", "sh", "-c", "echo $STEAD_TOKEN; $STEAD run ./l -- printenv STEAD_TOKEN"]);
    let stdout = said.expect(0).stdout;
    let (above, below) = stdout.trim().split_once('\n').unwrap();
    assert_eq!(above, below);
}

#[test]
fn the_end_of_the_run_below_does_not_release_the_lock_above() {
    let rig = Rig::new();
    let mut held = rig.hold_with(&["./l"], "$STEAD run ./l -- true; echo below; read line");
    assert_eq!(held.line(), "below");
    rig.run(&["run", "--no-wait", "./l", "--", "true"]).expect(75);
    held.end();
}

#[test]
fn an_exclusive_run_below_a_shared_one_is_refused_at_once() {
    let rig = Rig::new();
    let refused = rig.run(&["run", "--shared", "./l", "--", STEAD, "run", "./l", "--", "true"]).expect(64);
    assert!(refused.stderr.contains("already held here") && refused.stderr.contains("hint: "), "{refused:?}");
}

#[test]
fn other_locks_are_taken_as_usual_below() {
    let rig = Rig::new();
    let other = rig.hold(&["other"]);
    rig.run(&["run", "./l", "--", STEAD, "run", "--no-wait", "./l", "other", "--", "true"]).expect(75);
    other.end();
    rig.run(&["run", "./l", "--", STEAD, "run", "--no-wait", "./l", "other", "--", "true"]).expect(0);
}

/// What is left running in the background must not go on under a lock that somebody else has meanwhile.
#[test]
fn a_stale_hold_is_not_proceeded_under() {
    for args in [&["./l"][..], &["--shared", "./l"], &["--for", "s"], &["users-file"], &["--close", "./l"]] {
        let rig = Rig::new();
        rig.write("users-file", b"content");
        assert!(rig.sh("mkfifo go").code == Some(0));
        let lock =
            args.iter().filter(|arg| !["--close", "--shared"].contains(arg)).copied().collect::<Vec<_>>().join(" ");
        let later = format!("(read line <go; $STEAD run --no-wait {lock} -- true; echo $? >code) >/dev/null 2>&1 &");
        let args = [&["run"], args, &["--", "sh", "-c", &later]].concat();
        rig.run(&args).expect(0);

        let held = rig.hold(&lock.split(' ').collect::<Vec<_>>());
        rig.write("go", b"\n");
        let code = wait_until("the grandchild has tried", || {
            rig.exists("code").then(|| rig.text("code")).filter(|code| code.ends_with('\n'))
        });
        assert_eq!(code, "75\n", "{args:?}");
        held.end();
    }
}

/// It was under the lock when it began, and is told that it was not when it ended.
#[test]
fn a_run_below_that_outlives_the_one_above_is_told() {
    let rig = Rig::new();
    assert!(rig.sh("mkfifo go").code == Some(0));
    let below = "$STEAD run ./l -- sh -c 'echo begun >begun; read line <go' >below 2>&1; echo $? >code";
    let wait = "while ! [ -s begun ]; do sleep 0.01; done";
    rig.run(&["run", "./l", "--", "sh", "-c", &format!("({below}) >/dev/null 2>&1 & {wait}")]).expect(0);
    rig.write("go", b"\n");
    let code = wait_until("it has ended", || rig.exists("code").then(|| rig.text("code")).filter(|code| code == "0\n"));
    assert_eq!(code, "0\n");
    let said = rig.text("below");
    assert!(said.contains("failed to keep the lock on ./l") && said.contains("hint: it was held by the"), "{said}");
}

#[test]
fn what_runs_on_in_the_background_proceeds_while_the_run_lasts() {
    let rig = Rig::new();
    let mut held = rig.hold_with(&["./l"], "$STEAD run --no-wait ./l -- true & wait $!; echo $?; read line");
    assert_eq!(held.line(), "0");
    held.end();
}

/// A record that a killed stead left behind still names its token; flock(1), which has the lock now, does not write one.
#[test]
fn a_record_left_behind_is_no_hold() {
    if !tool("flock") {
        return;
    }
    let rig = Rig::new();
    let mut held = rig.hold_with(&["./l"], "echo $STEAD_HELD; exec sleep 60");
    let variable = held.line();
    held.kill_stead();
    crate::rig::kill(held.command(), rustix::process::Signal::KILL);
    wait_until("the lock is free", || rig.run(&["who", "./l"]).code.filter(|code| *code == 1));
    let mut command = rig.command("flock", &["./l", STEAD, "run", "--no-wait", "./l", "--", "true"]);
    command.env("STEAD_HELD", variable);
    finish(command).expect(75);
}

#[test]
fn nonsense_in_the_variable_is_no_hold() {
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    for value in ["", "nonsense", "1:2:exclusive:3:4", "::::", "\u{fffd}"] {
        let mut command = rig.stead(&["run", "--no-wait", "./l", "--", "true"]);
        command.env("STEAD_HELD", value);
        finish(command).expect(75);
    }
    held.end();
}
