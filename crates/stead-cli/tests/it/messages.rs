//! What is said while waiting, where stderr is no terminal.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use testkit::wait_until;

use crate::rig::{Rig, finish};

#[test]
fn a_free_lock_is_taken_in_silence() {
    let rig = Rig::new();
    let quiet = rig.run(&["run", "./l", "--", "true"]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn a_wait_says_once_for_whom() {
    let rig = Rig::new();
    let held = rig.hold(&["--label", "nightly import", "./l"]);
    let mut waiter = rig.stead(&["run", "./l", "--", "true"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = waiter.stderr.take().unwrap();
    let mut said = vec![0; 4096];
    let length = stderr.read(&mut said).unwrap();
    let pid = held.stead();
    held.end();
    assert!(waiter.wait().unwrap().success());
    said.truncate(length);
    stderr.read_to_end(&mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with(&format!("stead: waiting for ./l, held exclusively by pid {pid} (sh -c")), "{said}");
    assert!(said.contains("\"nightly import\"") && said.contains(", for "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn those_ahead_are_counted() {
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    let mut first = rig.stead(&["run", "./l", "--", "true"]).stderr(Stdio::null()).spawn().unwrap();
    let pid = format!("\"pid\":{},", first.id());
    wait_until("the first waits", || rig.run(&["who", "--json", "./l"]).says(&pid).then_some(()));
    let mut second = rig.stead(&["run", "./l", "--", "true"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(second.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.ends_with("; 1 ahead of you\n"), "{said}");
    held.end();
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
}

#[test]
fn a_holder_of_another_kind_is_named_as_far_as_it_is_known() {
    if !testkit::tool("flock") {
        return;
    }
    let rig = Rig::new();
    let busy = rig.sh("flock ./l $STEAD run --no-wait ./l -- true").expect(75);
    assert!(busy.stderr.contains("./l is held exclusively by pid ") && busy.stderr.contains("(flock "), "{busy:?}");
}

#[test]
fn the_lock_folder_is_part_of_the_advice() {
    let rig = Rig::new();
    let held = rig.hold(&["--lock-dir", "my locks", "--for", "s"]);
    let busy = rig.run(&["run", "--no-wait", "--lock-dir", "my locks", "--for", "s", "--", "true"]).expect(75);
    assert!(busy.stderr.contains("see `stead who --lock-dir 'my locks' s`"), "{busy:?}");
    held.end();
}

#[test]
fn control_characters_of_others_do_not_reach_the_terminal() {
    let rig = Rig::new();
    let held = rig.hold(&["--label", "\x1b[31mred\r", "./l"]);
    for outcome in [rig.run(&["run", "--no-wait", "./l", "--", "true"]), rig.run(&["who", "./l"])] {
        assert!(!outcome.says("\x1b") && !outcome.says("\r") && outcome.says("red"), "{outcome:?}");
    }
    held.end();
}

#[test]
fn colour_is_for_terminals() {
    let rig = Rig::new();
    let failed = rig.run(&["run", "missing/l", "--", "true"]).expect(73);
    assert!(!failed.says("\x1b"), "{failed:?}");
    let mut command = rig.stead(&["run", "missing/l", "--", "true"]);
    command.env("CLICOLOR_FORCE", "1");
    assert!(finish(command).says("\x1b"));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let rig = Rig::new();
    for name in ["a", "b", "c"] {
        rig.run(&["run", "--for", name, "--", "true"]).expect(0);
    }
    for command in ["ls", "ls --json", "man", "completions zsh", "--help", "who a b c"] {
        // Nobody reads: the reader is gone before we write.
        let piped = rig.sh(&format!("{{ sleep 0.2; $STEAD {command}; echo $? >&2; }} | true"));
        assert_eq!(piped.stderr, if command.starts_with("who") { "1\n" } else { "0\n" }, "{command}");
    }
}

#[test]
fn a_full_disk_is_told() {
    let rig = Rig::new();
    let full = rig.sh("$STEAD man >/dev/full").expect(74);
    assert!(full.stderr.contains("failed to write to standard output"), "{full:?}");
}
