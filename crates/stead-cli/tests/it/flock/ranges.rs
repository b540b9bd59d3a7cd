//! `--fcntl`, `--start`, `--length`: newer than many a flock(1), so not compared with one.

use std::fs::File;

use rustix::fs::{FlockOperation, fcntl_lock};

use super::{FlockRig, Link, Stead, without_rights};
use crate::rig::{finish, set_mode};

#[test]
fn bytes_are_locked_for_the_open_file_and_not_for_flock() {
    let rig = FlockRig::new();
    for flock in [Link, Stead] {
        let held = rig.hold(flock, &["--fcntl", "f"]);
        rig.run(flock, &["--fcntl", "-n", "f", "true"]).expect(1);
        rig.run(flock, &["--fcntl", "-sn", "f", "true"]).expect(1);
        rig.run(flock, &["--fcntl", "-w", ".05", "-E", "9", "f", "true"]).expect(9);
        rig.run(flock, &["-n", "f", "true"]).expect(0);
        // By other means: locks of a process and those of an open file exclude each other.
        let file = File::options().write(true).open(rig.0.path("work/f")).unwrap();
        assert!(fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_err());
        held.end();
        rig.run(flock, &["--fcntl", "-n", "f", "true"]).expect(0);
        fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
        rig.run(flock, &["--fcntl", "-n", "f", "true"]).expect(1);
    }
    assert_eq!(rig.0.read("work/f"), b"");
}

#[test]
fn ranges_meet_where_they_overlap() {
    let rig = FlockRig::new();
    let held = rig.hold(Link, &["--start", "1K", "--length=0x10", "f"]);
    for (range, code) in [
        (&["--fcntl"][..], 1),
        (&["--start=0"], 1),
        (&["--length", "1024"], 0),
        (&["--length", "1025"], 1),
        (&["--start", "1039", "--length", "1"], 1),
        (&["--start", "1040"], 0),
        (&["--sta", "01777", "--len", "1"], 0),
        (&["--start", "1TB"], 0),
    ] {
        rig.run(Stead, &[range, &["-n", "f", "true"]].concat()).expect(code);
    }
    let shared = rig.hold(Link, &["-s", "--start", "5000", "f"]);
    rig.run(Stead, &["-sn", "--start", "6000", "f", "true"]).expect(0);
    rig.run(Stead, &["-n", "--start", "6000", "f", "true"]).expect(1);
    shared.end();
    held.end();
}

#[test]
fn who_waits_for_bytes_has_them_when_the_holder_ends() {
    let rig = FlockRig::new();
    for options in [&["--fcntl"][..], &["--fcntl", "-w", "60"]] {
        let held = rig.hold(Link, &["--fcntl", "f"]);
        let mut command = rig.command(Link, &[options, &["f", "true"]].concat());
        let mut waiter = command.spawn().unwrap();
        // The kernel names no process for these.
        let waits = || std::fs::read_to_string("/proc/locks").unwrap().lines().any(|line| line.contains("-> OFDLCK"));
        testkit::wait_until("it waits", || waits().then_some(()));
        held.end();
        assert!(waiter.wait().unwrap().success());
    }
}

#[test]
fn a_descriptor_must_be_open_for_writing_to_be_had_alone() {
    let rig = FlockRig::new();
    let script = "\
        exec 9>f; $FLOCK --fcntl 9 || exit 10
        $FLOCK --fcntl -n f true && exit 11
        $FLOCK --fcntl -u 9; $FLOCK --fcntl -n f true || exit 12
        exec 9<f; $FLOCK --fcntl -s 9 || exit 13
        $FLOCK --fcntl -x 9";
    for flock in [Link, Stead] {
        rig.sh(flock, script).expect(65).saying("flock: 9: Bad file descriptor");
    }
}

#[test]
fn what_cannot_be_written_cannot_be_had_alone() {
    let rig = FlockRig::for_all();
    rig.0.write("work/r", b"");
    set_mode(&rig.0.path("work/r"), 0o444);
    let run = |args: &[&str]| finish(without_rights(rig.command(Link, args)));
    run(&["--fcntl", "r", "true"]).expect(66).saying("flock: cannot open lock file r: Permission denied");
    run(&["--fcntl", "-s", "r", "true"]).expect(0);
    rig.run(Link, &["--fcntl", ".", "true"]).expect(65);
    rig.run(Link, &["--fcntl", "-s", ".", "true"]).expect(0);
}

#[test]
fn a_descriptor_may_be_named_by_an_option() {
    let rig = FlockRig::new();
    for flock in [Link, Stead] {
        rig.sh(flock, "( $FLOCK -n --fd 9 && ! $FLOCK -n f true ) 9>f").expect(0);
    }
}

#[test]
fn nonsense_is_refused() {
    let rig = FlockRig::new();
    for (args, code, said) in [
        (&["--start", "x", "f", "true"][..], 64, "flock: invalid as start offset: 'x': Invalid argument\n"),
        (&["--start", "-1", "f", "true"], 64, "flock: invalid as start offset: '-1': Invalid argument\n"),
        (&["--length=", "f", "true"], 64, "flock: invalid as length of lock range: '': Invalid argument\n"),
        (&["--length", "1Y", "f", "true"], 64, "'1Y': Numerical result out of range\n"),
        (&["--length"], 64, "option '--length' requires an argument\nTry "),
        (&["--fcntl=1", "f", "true"], 64, "option '--fcntl' doesn't allow an argument\nTry "),
        (&["--s", "f", "true"], 64, "option '--s' is ambiguous; possibilities: '--shared' '--start'\nTry "),
        (&["--fd", "x"], 64, "flock: bad file descriptor: 'x'\n"),
        (&["--fd", "9", "f", "true"], 64, "flock: --fd takes neither a file nor a command\n"),
        (&["--fd", "99"], 65, "flock: 99: Bad file descriptor\n"),
        (&["--start", "9223372036854775808", "f", "true"], 65, "flock: f: "),
        (&["--start", "9223372036854775807", "--length", "2", "f", "true"], 65, "flock: f: "),
    ] {
        for flock in [Link, Stead] {
            rig.run(flock, args).expect(code).saying(said);
        }
    }
}
