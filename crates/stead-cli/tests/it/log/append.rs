//! `stead log append`

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::Value;
use stead::log::{Event, EventReader, EventWriter};

use super::{Events, rig};
use crate::rig::{Rig, finish, set_mode};

#[test]
fn a_log_is_created() {
    let rig = Rig::new();
    rig.run(&["log", "append", "data", "--type", "a"]).expect(0);
    rig.run(&["log", "append", "deep/down/data", "--type", "a"]).expect(0);
    assert_eq!(rig.run(&["log", "cat", "deep/down/data"]).types(), ["a"]);
    assert_eq!(rig.names(), ["data", "deep"]);
}

#[test]
fn the_flags_are_the_event() {
    let rig = rig();
    let flags = ["--data", r#"{"v":1.50,"n":-0}"#, "--id", "7", "--actor", "ann", "--meta", "-1"];
    let said = rig.run(&[&["log", "append", "data", "--type", "deploy"], &flags[..]].concat()).expect(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    let line = rig.text("data/app.jsonl");
    let event: Event = serde_json::from_str(&line).unwrap();
    let ts = event.ts;
    let expected =
        format!(r#"{{"type":"deploy","data":{{"v":1.50,"n":-0}},"ts":{ts},"id":"7","actor":"ann","meta":-1}}"#);
    assert_eq!(line, format!("{expected}\n"));
    assert!(ts > 1_700_000_000);
}

#[test]
fn json_says_where_it_is() {
    let rig = rig();
    let said = rig.run(&["log", "append", "data", "--type", "a", "--json"]).expect(0);
    let end = EventReader::new(rig.path("data")).end().unwrap();
    let (offset, hash) = (end.offset, end.line_hash());
    let expected = format!(
        r#"{{"schema":"stead.append/1","count":1,"start_offset":0,"end_offset":{offset},"line_hash":"{hash}","cursor":"{end}","durable":true}}"#
    );
    assert_eq!(said.stdout, format!("{expected}\n"));
    let said = rig.feed(&["log", "append", "data", "--type", "a", "--json", "--durability", "none"], "1\n2").json();
    assert_eq!((&said["count"], &said["durable"]), (&Value::from(2), &Value::from(false)));
    assert_eq!(said["start_offset"], offset);
    assert!(rig.json(&["append", "data", "--type", "a", "--durability", "data"])["durable"].as_bool().unwrap());
}

#[test]
fn lines_of_standard_input_are_one_batch() {
    let rig = rig();
    let input = "{\"type\":\"b\",\"data\":1e3,\"ts\":5,\"x\":0.10}\n\n \t\r\n[1, 2]\n{\"type\":\"c\",\"data\":{}}";
    let said = rig.feed(&["log", "append", "data", "--type", "other", "--json"], input).expect(0).json();
    assert_eq!(said["count"], 3);
    let text = rig.text("data/app.jsonl");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "{\"type\":\"b\",\"data\":1e3,\"ts\":5,\"x\":0.10\t}\t");
    assert!(lines[1].starts_with(r#"{"type":"other","data":[1, 2],"ts":"#), "{text}");
    assert!(lines[2].starts_with(r#"{"type":"c","data":{},"ts":"#), "{text}");
    let events: Result<Vec<_>, _> = EventReader::new(rig.path("data")).read::<Event>(0).unwrap().collect();
    assert_eq!(events.unwrap().len(), 3);
}

/// Which of the two is meant, by what standard input is.
#[test]
fn a_type_alone_is_an_event_where_there_are_no_lines() {
    let rig = rig();
    for script in [
        "$STEAD log append data --type from-null </dev/null",
        ": | $STEAD log append data --type from-an-empty-pipe",
        "printf '\\n \\n' | $STEAD log append data --type from-blank-lines",
        ": >empty; $STEAD log append data --type from-an-empty-file <empty",
        "$STEAD log append data --type from-no-stdin <&-",
        // Not read, for it would never end.
        "$STEAD log append data --type from-a-device </dev/zero",
        "echo 1 | { $STEAD log append data --type left-alone --data null; cat >rest; }",
    ] {
        rig.sh(script).expect(0);
    }
    let cat = rig.run(&["log", "cat", "data"]).expect(0);
    assert!(cat.stdout.lines().all(|line| line.contains("\"data\":null,")), "{cat:?}");
    assert_eq!(cat.types().len(), 7);
    assert_eq!(rig.text("rest"), "1\n");
    rig.sh("echo 1 | $STEAD log append data --type piped").expect(0);
    rig.sh("echo 2 >file; $STEAD log append data --type piped <file").expect(0);
    assert_eq!(rig.run(&["log", "cat", "data", "--type", "piped"]).stdout.matches("\"data\":null").count(), 0);
}

#[test]
fn a_command_line_that_makes_no_sense_creates_nothing() {
    let rig = Rig::new();
    for (args, message) in [
        (&[][..], "there is nothing to append"),
        (&["--data", "1"], "an event needs a type"),
        (&["--id", "1"], "hint: name one with --type T"),
        (&["--type", ""], "--type"),
        (&["--type", "a", "--data", "x"], "not JSON"),
        (&["--type", "a", "--data", "{\"a\":1,\"a\":2}"], "not JSON"),
        (&["--type", "a", "--meta", ""], "--meta"),
        (&["--type", "a", "--if", "97"], "a cursor is LOGID:OFFSET:HASH"),
        (&["--type", "a", "--rotate-size=-1"], "--rotate-size"),
        (&["--type", "a", "--rotate-age", "5"], "500ms, 30s"),
        (&["--type", "a", "--wait", "1s", "--no-wait"], "cannot be used with"),
    ] {
        let refused = rig.run(&[&["log", "append", "data"], args].concat()).expect(64);
        assert!(refused.stderr.contains(message) && refused.stdout.is_empty(), "{refused:?}");
    }
    assert_eq!(rig.names(), [""; 0]);
}

#[test]
fn a_line_that_is_no_event_is_refused_with_its_number_and_nothing_is_appended() {
    let rig = rig();
    for (line, what) in [
        ("nonsense", "is not JSON"),
        ("5", "is no event"),
        ("{\"type\":\"a\"}", "is no event"),
        ("{\"type\":\"a\",\"data\":1,\"ts\":\"now\"}", "is no event: its ts is"),
        ("{\"type\":\"a\",\"data\":1,\"id\":1}", "is no event: its id is"),
    ] {
        let input = format!("{{\"type\":\"a\",\"data\":1}}\n\n{line}\n");
        let refused = rig.feed(&["log", "append", "data"], input).expect(65);
        assert!(refused.stderr.starts_with(&format!("stead: line 3 of standard input {what}")), "{refused:?}");
        assert!(refused.stderr.contains("hint: nothing was appended"), "{refused:?}");
    }
    assert!(!rig.exists("data/log.json"));
}

#[test]
fn more_than_fits_is_refused() {
    let rig = rig();
    let refused = rig.sh("head -c 300M /dev/zero | tr '\\0' ' ' | $STEAD log append data --type a").expect(65);
    assert!(refused.stderr.contains("larger than 256 MiB") && refused.stderr.contains("in parts"), "{refused:?}");
    let refused = rig
        .sh("{ echo 1; printf '\"'; head -c 70M /dev/zero | tr '\\0' a; echo '\"'; } | $STEAD log append data --type a")
        .expect(65);
    assert!(refused.stderr.contains("the limit is 67108864"), "{refused:?}");
    assert_eq!(rig.run(&["log", "cat", "data"]).expect(0).stdout, "");
}

#[test]
fn an_append_can_be_for_what_was_seen_only() {
    let rig = rig();
    rig.event("a");
    let seen = rig.cursor();
    let said = rig.run(&["log", "append", "data", "--type", "b", "--if", &seen, "--json"]).expect(0).json();
    let refused = rig.feed(&["log", "append", "data", "--type", "c", "--if", &seen, "--json"], "1\n2").expect(1);
    let end = said["cursor"].as_str().unwrap();
    assert!(refused.stderr.starts_with(&format!("stead: data ends at {end}, not at {seen}\n")), "{refused:?}");
    assert!(refused.stderr.contains(&format!("`stead log cat data --from {seen}`")), "{refused:?}");
    assert_eq!(refused.stdout, "");
    assert_eq!(rig.run(&["log", "cat", "data"]).types(), ["a", "b"]);
    let foreign = "00000000000000ff:97:45ab6734b21e6968";
    let refused = rig.run(&["log", "append", "data", "--type", "c", "--if", foreign]).expect(1);
    assert!(refused.stderr.contains("it is of log 00000000000000ff"), "{refused:?}");
    let missing = rig.run(&["log", "append", "none", "--type", "c", "--if", foreign]).expect(66);
    assert!(missing.stderr.contains("hint: ") && !rig.exists("none"), "{missing:?}");
}

#[test]
fn segments_are_begun_as_told() {
    let rig = rig();
    rig.run(&["log", "append", "data", "--type", "a", "--rotate-size", "50"]).expect(0);
    rig.event("b");
    rig.event("c");
    let stat = rig.json(&["stat", "data"]);
    assert_eq!((&stat["max_segment_bytes"], stat["segments"].as_array().unwrap().len()), (&Value::from(50), 1));
    rig.run(&["log", "append", "data", "--type", "d", "--rotate-age", "0s"]).expect(0);
    assert_eq!(rig.json(&["stat", "data"])["segments"].as_array().unwrap().len(), 2);
    assert_eq!(rig.run(&["log", "cat", "data"]).types(), ["a", "b", "c", "d"]);
}

#[test]
fn torn_bytes_are_put_away_and_that_is_said() {
    let rig = rig();
    rig.event("a");
    rig.scribble(b"{\"type\":\"to");
    let said = rig.run(&["log", "append", "data", "--type", "b"]).expect(0);
    let kept = said.stderr.trim_end().rsplit_once("they are in ").unwrap().1;
    assert!(said.stderr.starts_with("stead: data ended in torn bytes of an earlier writer"), "{said:?}");
    assert_eq!(rig.read(kept), b"{\"type\":\"to");
    assert_eq!(rig.run(&["log", "cat", "data"]).expect(0).types(), ["a", "b"]);
    assert_eq!(rig.run(&["log", "append", "data", "--type", "c"]).expect(0).stderr, "");
}

#[test]
fn an_exclusive_writer_is_named() {
    let rig = rig();
    let writer = EventWriter::open(rig.path("data")).unwrap();
    let me = std::process::id();
    let busy = rig.run(&["log", "append", "data", "--type", "a", "--no-wait"]).expect(75);
    assert!(
        busy.stderr.starts_with(&format!("stead: busy: data/app.jsonl is held exclusively by pid {me} ")),
        "{busy:?}"
    );
    assert!(busy.stderr.contains("see `stead who data/app.jsonl`"), "{busy:?}");
    let late = rig.run(&["log", "append", "data", "--type", "a", "--wait", "300ms"]).expect(124);
    assert!(late.stderr.starts_with(&format!("stead: waiting for data/app.jsonl, held exclusively by pid {me} ")));
    assert!(late.stderr.contains("stead: timed out after 300ms: data/app.jsonl is held"), "{late:?}");
    for command in ["rotate", "repair"] {
        let busy = rig.run(&["log", command, "data", "--no-wait"]).expect(75);
        assert!(busy.stderr.contains(&format!("data/app.jsonl is held exclusively by pid {me} ")), "{busy:?}");
    }
    drop(writer);
    assert_eq!(rig.run(&["log", "append", "data", "--type", "a", "--no-wait"]).expect(0).stderr, "");
}

#[test]
fn the_wait_is_for_ever_and_says_for_whom() {
    let rig = rig();
    let writer = EventWriter::open(rig.path("data")).unwrap();
    let mut command = rig.stead(&["log", "append", "data", "--type", "a", "--data", "1"]);
    let mut waiter = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(waiter.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    let me = std::process::id();
    assert!(said.starts_with(&format!("stead: waiting for data/app.jsonl, held exclusively by pid {me} ")), "{said}");
    drop(writer);
    assert!(waiter.wait().unwrap().success());
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(rig.run(&["log", "cat", "data"]).types(), ["a"]);
}

#[test]
fn what_cannot_be_written_is_said() {
    let rig = Rig::for_all();
    rig.write("file", b"bytes");
    std::fs::create_dir(rig.path("shut")).unwrap();
    set_mode(&rig.path("shut"), 0o555);
    let append = |dir: &str| finish(rig.stead_without_rights(&["log", "append", dir, "--type", "a"]));
    for (dir, code) in [("file", 66), ("shut/data", 73), ("shut", 77)] {
        let refused = append(dir).expect(code);
        assert!(refused.stderr.starts_with("stead: failed to ") && refused.stderr.contains("hint: "), "{refused:?}");
    }
    set_mode(&rig.path("shut"), 0o755);
    assert_eq!(rig.text("file"), "bytes");
}
