//! `stead update`

use std::process::Stdio;

use rustix::process::Signal;
use testkit::wait_until;

use crate::rig::{Rig, crowd, finish, is_alive, kill};

const ADD_ONE: &str = r"read n; echo $((n + 1))";

#[test]
fn the_file_goes_through_the_command() {
    let rig = Rig::new();
    rig.write("words.txt", b"b\na\nb\n");
    let said = rig.run(&["update", "words.txt", "--", "sort", "-u"]).expect(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    assert_eq!(rig.text("words.txt"), "a\nb\n");
    rig.run(&["update", "new", "--", "sh", "-c", "wc -c; printf '\\000\\377'"]).expect(0);
    assert_eq!(rig.read("new"), b"0\n\0\xff", "a missing file is empty input, and any bytes go");
    let said = rig.run(&["update", "new", "--json", "--", "printf", ""]).expect(0);
    assert!(said.says("\"changed\":true,\"bytes\":0"), "{said:?}");
    assert_eq!(rig.read("new"), b"");
    assert_eq!(rig.names(), ["new", "words.txt"]);
}

#[test]
fn big_contents_and_commands_that_do_not_read_them() {
    let rig = Rig::new();
    let line = "x".repeat(1023) + "\n";
    rig.write("f", line.repeat(5000).as_bytes());
    rig.run(&["update", "f", "--", "sh", "-c", "tr x y"]).expect(0);
    assert_eq!(rig.read("f").len(), 5000 * 1024);
    assert!(rig.text("f").starts_with("yyy"));
    rig.run(&["update", "f", "--", "echo", "short"]).expect(0);
    assert_eq!(rig.text("f"), "short\n");
}

#[test]
fn a_command_that_fails_changes_nothing() {
    let rig = Rig::new();
    rig.write("f", b"old");
    let run = |script: &str| rig.run(&["update", "f", "--", "sh", "-c", script]);
    let failed = run("echo new; exit 3").expect(3);
    assert_eq!(failed.stderr, "stead: failed to update f: CMD ended with 3\nhint: it is as it was\n");
    run("echo new; kill -TERM $$").expect(128 + 15);
    assert_eq!(run("echo new; kill -INT $$").signal, Some(2), "we end by it, too");
    let too_much = run("yes").expect(65);
    assert!(too_much.says("more than"), "{too_much:?}");
    rig.run(&["update", "f", "--", "no-such-command"]).expect(127);
    rig.run(&["update", "f", "--", "./f"]).expect(126);
    rig.run(&["update", "f"]).expect(64);
    assert_eq!(rig.text("f"), "old");
    assert_eq!(rig.names(), ["f"]);
}

#[test]
fn what_does_not_parse_changes_nothing() {
    for (file, old, bad) in [
        ("f.json", "{}", &["", "{", "{\"a\":1,\"a\":2}", "{} {}"][..]),
        ("F.JSON", "{}", &["x"]),
        ("f.toml", "a = 1\n", &["a", "a = 1\na = 2"]),
        ("f.jsonl", "1\n", &["1\n{\n", "\n", "1\n\n2\n"]),
        ("f.ndjson", "1\n", &["x"]),
    ] {
        let rig = Rig::new();
        rig.write(file, old.as_bytes());
        for bad in bad {
            let refused = rig.run(&["update", file, "--", "printf", "%s", bad]).expect(65);
            assert!(refused.says("what CMD printed cannot be understood: "), "{refused:?}");
        }
        assert_eq!(rig.text(file), old);
    }
    let rig = Rig::new();
    for (file, good) in [("f.json", "1"), ("f.jsonl", "1\n{}"), ("g.jsonl", ""), ("f.toml", ""), ("f", "{")] {
        rig.run(&["update", file, "--", "printf", "%s", good]).expect(0);
        assert_eq!(rig.text(file), good);
    }
}

#[test]
fn no_update_of_eight_shells_is_lost() {
    let _turn = crowd();
    let rig = Rig::new();
    rig.write("n", b"0\n");
    let add = format!("$STEAD update n --durability none -- sh -c '{ADD_ONE}' 2>/dev/null");
    rig.sh(&format!("for s in 1 2 3 4 5 6 7 8; do (for i in $(seq 25); do {add} || exit 1; done) & done; wait"));
    assert_eq!(rig.text("n"), "200\n");
    assert_eq!(rig.names(), ["n"]);
}

#[test]
fn a_stead_below_reads_and_does_not_wait_for_itself() {
    let rig = Rig::new();
    rig.write("n.json", b"{\"n\":1}");
    let below = "$STEAD run --no-wait --for n.json -- $STEAD get n.json; echo $STEAD_TOKEN $STEAD_TOKENS >told";
    rig.run(&["update", "n.json", "--", "sh", "-c", below]).expect(0);
    assert_eq!(rig.text("n.json"), "{\n  \"n\": 1\n}\n");
    let told = rig.text("told");
    let (token, tokens) = told.trim_end().split_once(' ').unwrap();
    assert_eq!(tokens, format!("{{\"n.json\":{token}}}"));
}

/// It would be run for ever.
#[test]
fn a_command_that_changes_the_file_itself_is_told() {
    let rig = Rig::new();
    rig.write("f", b"0\n");
    let script = "echo x >>runs; $STEAD update f -- sh -c 'read n; echo $((n + 1))'; echo mine";
    let refused = rig.run(&["update", "f", "--", "sh", "-c", script]).expect(1);
    assert!(refused.says("hint: CMD prints the new content"), "{refused:?}");
    assert_eq!(rig.text("runs").lines().count(), 10);
    assert_eq!(rig.text("f"), "10\n");
}

/// Somebody who takes no lock loses nothing: CMD runs again, on what was put there.
#[test]
fn a_foreign_change_is_built_upon() {
    let rig = Rig::new();
    rig.write("f", b"1\n");
    let script = "read n; [ -e done ] || { touch done; echo 41 >g; mv g f; }; echo $((n + 1))";
    rig.run(&["update", "f", "--", "sh", "-c", script]).expect(0);
    assert_eq!(rig.text("f"), "42\n");
}

/// As `stead update f -- SCRIPT`, once CMD runs; its pid is what it writes into `pid`.
fn start(rig: &Rig, script: &str) -> (std::process::Child, i32) {
    let script = format!("echo $$ >pid.new; mv pid.new pid; {script}");
    let mut command = rig.stead(&["update", "f", "--", "sh", "-c", &script]);
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    let pid = wait_until("CMD runs", || std::fs::read_to_string(rig.path("pid")).ok());
    (child, pid.trim().parse().unwrap())
}

#[test]
fn a_signal_ends_the_command_and_changes_nothing() {
    for (signal, code) in [(Signal::TERM, Some(143)), (Signal::HUP, Some(129)), (Signal::INT, None)] {
        let rig = Rig::new();
        rig.write("f", b"old");
        let (mut stead, command) = start(&rig, "echo new; exec sleep 60");
        kill(i32::try_from(stead.id()).unwrap(), signal);
        assert_eq!(stead.wait().unwrap().code(), code);
        assert!(!is_alive(command));
        assert_eq!(rig.text("f"), "old");
        assert_eq!(rig.names(), ["f", "pid"]);
    }
}

#[test]
fn sigkill_leaves_the_file_as_it_was() {
    let rig = Rig::new();
    rig.write("f", b"1\n");
    let (mut stead, command) = start(&rig, "echo new; exec sleep 60");
    stead.kill().unwrap();
    stead.wait().unwrap();
    // Nobody gets what it prints any more, so the lock is not its.
    rig.run(&["update", "f", "--no-wait", "--", "sh", "-c", ADD_ONE]).expect(0);
    kill(command, Signal::KILL);
    assert_eq!(rig.text("f"), "2\n");
    assert_eq!(rig.names(), ["f", "pid"]);
}

/// At any instant, also while the new content is put in place.
#[test]
fn many_kills_leave_no_litter_and_nothing_half() {
    let rig = Rig::new();
    rig.write("f", b"0\n");
    rig.run(&["update", "f", "--", "sh", "-c", ADD_ONE]).expect(0);
    for pause in 0..40 {
        let mut stead = rig.stead(&["update", "f", "--", "sh", "-c", ADD_ONE]).spawn().unwrap();
        std::thread::park_timeout(std::time::Duration::from_micros(400 * pause));
        stead.kill().unwrap();
        stead.wait().unwrap();
        let text = rig.text("f");
        assert!(text.trim_end().parse::<u32>().is_ok() && text.ends_with('\n'), "{text:?}");
    }
    finish(rig.stead(&["update", "f", "--", "sh", "-c", ADD_ONE])).expect(0);
    assert_eq!(rig.names(), ["f"]);
}
