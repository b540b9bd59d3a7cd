//! `stead log tail`

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Stdio};

use rustix::process::Signal;

use super::{Events, rig, types};
use crate::rig::{Rig, finish, kill};

#[test]
fn the_last_ones_are_printed() {
    let rig = rig();
    for number in 0..12 {
        rig.event(&format!("e{number}"));
        if number == 5 {
            rig.run(&["log", "rotate", "data"]).expect(0);
        }
    }
    let tail = |args: &[&str]| rig.run(&[&["log", "tail", "data"], args].concat()).expect(0).types();
    assert_eq!(tail(&[]).len(), 10);
    assert_eq!(tail(&["-n", "2"]), ["e10", "e11"]);
    assert_eq!(tail(&["--lines", "7"])[..2], ["e5", "e6"]);
    assert_eq!(tail(&["-n", "0"]), [""; 0]);
    assert_eq!(tail(&["-n", "100"]).len(), 12);
    assert_eq!(tail(&["--type", "e3"]), ["e3"]);
    assert_eq!(tail(&["-n", "5", "--type", "none"]), [""; 0]);
}

#[test]
fn damage_is_said_where_it_is_among_the_last_ones() {
    let rig = rig();
    rig.event("a");
    rig.scribble(b"nonsense\n");
    rig.event("b");
    assert_eq!(rig.run(&["log", "tail", "data", "-n", "1"]).expect(0).types(), ["b"]);
    let said = rig.run(&["log", "tail", "data"]).expect(65);
    assert_eq!(said.types(), ["a", "b"]);
    assert!(said.stderr.starts_with("stead: passed over what is damaged: "), "{said:?}");
    rig.scribble(b"{\"type\":oops}\n");
    rig.event("c");
    let said = rig.run(&["log", "tail", "data", "-n", "2"]).expect(65);
    assert!(said.types() == ["c"] && said.stderr.contains("is not JSON"), "{said:?}");
}

/// Also across rotations, and batches.
#[test]
fn with_a_cursor_file_each_line_is_printed_once() {
    let rig = rig();
    let mut printed = Vec::new();
    let mut expected = Vec::new();
    for round in 0..8 {
        let kind = format!("r{round}");
        let input = "0\n".repeat(round);
        rig.feed(&["log", "append", "data", "--type", &kind, "--durability", "none"], input).expect(0);
        expected.extend(std::iter::repeat_n(kind, round.max(1)));
        if round % 3 == 0 {
            rig.run(&["log", "rotate", "data"]).expect(0);
        }
        if round % 2 == 0 {
            printed.extend(rig.run(&["log", "tail", "data", "--cursor-file", "c"]).expect(0).types());
            assert_eq!(rig.text("c"), format!("{}\n", rig.cursor()));
        }
    }
    printed.extend(rig.run(&["log", "tail", "data", "--cursor-file", "c", "-n", "1"]).expect(0).types());
    assert_eq!(printed, expected);
    assert_eq!(rig.run(&["log", "tail", "data", "--cursor-file", "c"]).expect(0).stdout, "");
    assert_eq!(rig.names(), ["c", "data"]);
}

#[test]
fn a_first_run_can_begin_near_the_end() {
    let rig = rig();
    rig.event("a");
    rig.event("b");
    let tail = |args: &[&str]| rig.run(&[&["log", "tail", "data", "--cursor-file", "c"], args].concat());
    assert_eq!(tail(&["-n", "0"]).expect(0).stdout, "");
    rig.event("c");
    rig.event("d");
    // What is not wanted is passed as well.
    assert_eq!(tail(&["--type", "c"]).expect(0).types(), ["c"]);
    assert_eq!(tail(&[]).expect(0).stdout, "");
}

#[test]
fn a_cursor_file_that_is_not_one_is_refused() {
    let rig = rig();
    rig.event("a");
    let tail = || rig.run(&["log", "tail", "data", "--cursor-file", "c"]);
    for (content, code) in [("", 65), ("nonsense", 65), ("0123456789abcdef:9:0123456789abcdef", 1)] {
        rig.write("c", content.as_bytes());
        let refused = tail().expect(code);
        assert!(refused.stdout.is_empty() && refused.stderr.contains("hint: "), "{refused:?}");
        assert_eq!(rig.text("c"), content);
    }
    let missing = rig.run(&["log", "tail", "data", "--cursor-file", "missing/c"]).expect(73);
    assert!(missing.stderr.contains("missing/c"), "{missing:?}");
}

#[test]
fn what_nobody_reads_is_printed_again() {
    let rig = rig();
    rig.sh("seq 50000 | $STEAD log append data --type n --durability none").expect(0);
    let said = rig.sh("{ $STEAD log tail data --cursor-file c; echo $? >&2; } | head -n 1").expect(0);
    assert_eq!(said.stderr, "0\n");
    assert!(!rig.exists("c"));
}

/// A `tail --follow` at work.
struct Follower {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Follower {
    fn start(rig: &Rig, args: &[&str]) -> Follower {
        let mut command = rig.stead(&[&["log", "tail", "data", "--follow"], args].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Follower { child, lines }
    }

    #[track_caller]
    fn expect(&mut self, kind: &str) {
        let line = self.lines.next().unwrap().unwrap();
        assert_eq!(types(&line), [kind]);
    }

    /// Ends it, and gives the signal that it ended by.
    fn end_by(mut self, signal: Signal) -> Option<i32> {
        kill(i32::try_from(self.child.id()).unwrap(), signal);
        let status = self.child.wait().unwrap();
        assert!(self.lines.next().is_none());
        status.signal()
    }
}

#[test]
fn what_comes_is_printed_across_rotations() {
    let rig = rig();
    rig.event("a");
    rig.event("b");
    let mut follower = Follower::start(&rig, &["-n", "1"]);
    follower.expect("b");
    for kind in ["c", "d", "e"] {
        rig.event(kind);
        follower.expect(kind);
        rig.run(&["log", "rotate", "data"]).expect(0);
    }
    rig.feed(&["log", "append", "data", "--type", "batch"], "1\n2\n").expect(0);
    follower.expect("batch");
    follower.expect("batch");
    assert_eq!(follower.end_by(Signal::INT), Some(2));
}

#[test]
fn a_follower_keeps_its_cursor() {
    let rig = rig();
    rig.event("a");
    for (signal, number, kinds) in [(Signal::TERM, 15, ["b", "c"]), (Signal::INT, 2, ["d", "e"])] {
        let mut follower = Follower::start(&rig, &["--cursor-file", "c"]);
        if number == 15 {
            follower.expect("a");
        }
        for kind in kinds {
            rig.event(kind);
            follower.expect(kind);
        }
        assert_eq!(follower.end_by(signal), Some(number));
        assert_eq!(rig.text("c"), format!("{}\n", rig.cursor()));
    }
    assert_eq!(rig.run(&["log", "tail", "data", "--cursor-file", "c"]).expect(0).stdout, "");
}

/// However it is killed, nothing is left out.
#[test]
fn a_killed_follower_leaves_nothing_out() {
    let rig = rig();
    rig.event("r0");
    let mut seen: Vec<String> = Vec::new();
    for round in 1..6 {
        let mut follower = Follower::start(&rig, &["--cursor-file", "c"]);
        let newest = format!("r{round}");
        rig.event(&newest);
        while seen.last() != Some(&newest) {
            let kinds = types(&follower.lines.next().unwrap().unwrap());
            // Killed before it could store its cursor, it says some again.
            seen.extend(kinds.into_iter().filter(|kind| !seen.contains(kind)).collect::<Vec<_>>());
        }
        assert_eq!(follower.end_by(Signal::KILL), Some(9));
    }
    assert_eq!(seen, ["r0", "r1", "r2", "r3", "r4", "r5"]);
}

#[test]
fn a_follower_ends_with_its_reader() {
    let rig = rig();
    rig.event("a");
    let said = rig.sh("{ $STEAD log tail data --follow; echo $? >&2; } | head -n 1").expect(0);
    assert_eq!((said.types(), said.stderr.as_str()), (vec!["a".to_owned()], "0\n"));
}

#[test]
fn a_log_made_anew_ends_a_follower() {
    let rig = rig();
    rig.event("a");
    let mut command = rig.stead(&["log", "tail", "data", "--follow"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    finish(rig.command("rm", &["-r", "data"])).expect(0);
    rig.run(&["log", "append", "./data", "--type", "b"]).expect(0);
    let ended = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    // It may look while there is none.
    assert!(matches!(ended.status.code(), Some(1 | 66)), "{stderr}");
    assert!(stderr.contains("hint: "), "{stderr}");
}
