//! `stead log cat`

use super::{Events, rig};
use crate::rig::{Rig, finish, set_mode};

#[test]
fn events_are_printed_as_they_are_stored() {
    let rig = rig();
    // Bytes that a terminal takes for commands are JSON all the same.
    let odd = "{\"type\":\"odd\",\"data\":\"\u{7f}\u{9b}31m \u{2028}\",\"ts\":1}";
    rig.feed(&["log", "append", "data"], odd).expect(0);
    rig.feed(&["log", "append", "data", "--type", "n"], "1.0\n2\n3").expect(0);
    let stored = rig.text("data/app.jsonl");
    assert!(stored.starts_with(odd));
    assert_eq!(rig.run(&["log", "cat", "data"]).expect(0).stdout, stored);
    rig.run(&["log", "rotate", "data"]).expect(0);
    rig.event("z");
    let all = rig.run(&["log", "cat", "data"]).expect(0);
    assert_eq!(all.stdout, stored + &rig.text("data/app.jsonl"));
    assert_eq!(all.stderr, "");
    // As every command, with --json too.
    assert_eq!(rig.run(&["log", "cat", "data", "--json"]).expect(0).stdout, all.stdout);
    assert_eq!(rig.run(&["log", "tail", "data", "--json"]).expect(0).stdout, all.stdout);
}

#[test]
fn some_of_them_can_be_asked_for() {
    let rig = rig();
    for kind in ["a", "b", "a", "c", "a"] {
        rig.event(kind);
    }
    let cat = |args: &[&str]| rig.run(&[&["log", "cat", "data"], args].concat()).expect(0).types();
    assert_eq!(cat(&["--type", "a"]), ["a", "a", "a"]);
    assert_eq!(cat(&["--type", "a", "--limit", "2"]), ["a", "a"]);
    assert_eq!(cat(&["--limit", "2"]), ["a", "b"]);
    assert_eq!(cat(&["--limit", "0"]), [""; 0]);
    assert_eq!(cat(&["--type", "none"]), [""; 0]);
}

#[test]
fn a_place_to_begin_at_is_checked() {
    let rig = rig();
    rig.event("a");
    rig.run(&["log", "rotate", "data"]).expect(0);
    let cursor = rig.cursor();
    let offset = rig.json(&["stat", "data"])["end"].to_string();
    rig.event("b");
    for from in [cursor.as_str(), &offset] {
        assert_eq!(rig.run(&["log", "cat", "data", "--from", from]).expect(0).types(), ["b"]);
    }
    let end = rig.cursor();
    assert_eq!(rig.run(&["log", "cat", "data", "--from", &end]).expect(0).stdout, "");
    assert_eq!(rig.run(&["log", "cat", "data", "--from", "0"]).expect(0).types(), ["a", "b"]);
    let (id, _) = cursor.split_once(':').unwrap();
    for (from, code) in [
        (&*format!("{id}:{offset}:0123456789abcdef"), 1),
        (&*format!("0123456789abcdef:{offset}:0123456789abcdef"), 1),
        ("7", 1),
        ("999999", 1),
        ("-7", 64),
        ("x", 64),
        ("1:2:3", 64),
    ] {
        let refused = rig.run(&["log", "cat", "data", &format!("--from={from}")]).expect(code);
        assert!(refused.stdout.is_empty() && (code == 64 || refused.stderr.contains("hint: ")), "{refused:?}");
    }
}

#[test]
fn damage_is_passed_over_and_said() {
    let rig = rig();
    rig.event("a");
    rig.scribble(b"nonsense\n");
    rig.event("b");
    rig.scribble(b"{\"type\":\"c\",\"data\":oops}\n{\"no\":\"type\"}\n{\"type\":\"torn");
    let said = rig.run(&["log", "cat", "data"]).expect(65);
    assert_eq!(said.stdout.lines().count(), 3, "{said:?}");
    let messages: Vec<&str> = said.stderr.lines().collect();
    assert!(messages[0].starts_with("stead: passed over what is damaged: failed to read data/app.jsonl: "), "{said:?}");
    assert!(messages[0].contains(", at offset ") && messages.len() == 4, "{said:?}");
    assert_eq!(messages[2], "stead: 2 stretches of data could not be printed");
    assert_eq!(messages[3], "hint: `stead log verify data` looks at all of it");
    // One without a type is not damaged.
    assert_eq!(rig.run(&["log", "cat", "data", "--type", "b"]).expect(65).types(), ["b"]);
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let rig = rig();
    rig.sh("seq 50000 | $STEAD log append data --type n --durability none").expect(0);
    let said = rig.sh("{ $STEAD log cat data; echo $? >&2; } | head -n 1").expect(0);
    assert_eq!((said.types(), said.stderr.as_str()), (vec!["n".to_owned()], "0\n"));
    let full = rig.sh("$STEAD log cat data >/dev/full").expect(74);
    assert!(full.stderr.contains("failed to write to standard output"), "{full:?}");
    assert_eq!(rig.run(&["log", "cat", "data"]).expect(0).types().len(), 50_000);
}

#[test]
fn what_is_no_log_is_said() {
    let rig = Rig::for_all();
    std::fs::create_dir(rig.path("empty")).unwrap();
    rig.write("file", b"bytes");
    std::fs::create_dir(rig.path("shut")).unwrap();
    set_mode(&rig.path("shut"), 0o000);
    let before = rig.names();
    for command in ["cat", "tail", "stat", "verify", "rotate", "repair"] {
        for (dir, code) in [("missing", 66), ("empty", 66), ("file", 66), ("shut", 77)] {
            let refused = finish(rig.stead_without_rights(&["log", command, dir])).expect(code);
            assert!(refused.stdout.is_empty() && refused.stderr.starts_with("stead: "), "{refused:?}");
            assert!(code != 66 || refused.stderr.contains("hint: "), "{refused:?}");
        }
        rig.run(&["log", command]).expect(64);
    }
    assert_eq!(rig.names(), before);
    set_mode(&rig.path("shut"), 0o755);
}

#[test]
fn a_newer_format_is_left_alone() {
    let rig = rig();
    rig.event("a");
    let manifest = rig.text("data/log.json");
    rig.write("data/log.json", manifest.replace("\"format\": 1", "\"format\": 9").as_bytes());
    for args in [&["cat", "data"][..], &["append", "data", "--type", "b"], &["stat", "data"], &["verify", "data"]] {
        let refused = rig.run(&[&["log"], args].concat()).expect(71);
        assert!(refused.stderr.contains("hint: "), "{refused:?}");
    }
    rig.write("data/log.json", b"{");
    rig.run(&["log", "cat", "data"]).expect(65);
}
