//! `stead log rotate`, `verify`, `repair`, `stat`

use serde_json::json;

use super::{Events, rig};

#[test]
fn rotate_seals_what_there_is() {
    let rig = rig();
    rig.event("a");
    let end = rig.json(&["stat", "data"])["end"].as_u64().unwrap();
    let said = rig.run(&["log", "rotate", "data", "--json"]).expect(0);
    let segment = format!("data/segments/{:020}-{end:020}.jsonl", 0);
    let expected = format!(r#"{{"schema":"stead.log.rotate/1","path":"data","rotated":true,"segment":"{segment}"}}"#);
    assert_eq!(said.stdout, format!("{expected}\n"));
    assert!(rig.exists(&segment));
    // An empty one stays.
    let said = rig.run(&["log", "rotate", "data", "--json"]).expect(0).json();
    assert_eq!((&said["rotated"], &said["segment"]), (&json!(false), &json!(null)));
    let said = rig.run(&["log", "rotate", "data"]).expect(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    assert_eq!(rig.run(&["log", "cat", "data"]).types(), ["a"]);
}

#[test]
fn rotate_can_be_for_a_full_one_only() {
    let rig = rig();
    // What log.json says is not asked.
    rig.run(&["log", "append", "data", "--type", "a", "--rotate-size", "1000000", "--rotate-age", "0s"]).expect(0);
    rig.run(&["log", "append", "data", "--type", "a", "--rotate-age", "1h"]).expect(0);
    let rotated = |args: &[&str]| rig.json(&[&["rotate", "data"], args].concat())["rotated"].as_bool().unwrap();
    assert!(!rotated(&["--if-larger", "1000"]));
    assert!(!rotated(&["--if-older", "1h"]));
    assert!(!rotated(&["--if-older", "1h", "--if-larger", "1000"]));
    assert!(rotated(&["--if-larger", "10", "--if-older", "1h"]));
    rig.run(&["log", "append", "data", "--type", "a", "--rotate-age", "1h"]).expect(0);
    assert!(rotated(&["--if-older", "0s"]));
    assert!(!rotated(&["--if-older", "0s"]));
    rig.run(&["log", "rotate", "data", "--if-larger", "0"]).expect(64);
    rig.run(&["log", "rotate", "data", "--if-older", "7"]).expect(64);
}

#[test]
fn a_sound_log_is_said_to_be_sound() {
    let rig = rig();
    rig.feed(&["log", "append", "data", "--type", "a"], "1\n2\n3").expect(0);
    rig.run(&["log", "rotate", "data"]).expect(0);
    rig.event("b");
    let end = rig.json(&["stat", "data"])["end"].as_u64().unwrap();
    let said = rig.run(&["log", "verify", "data"]).expect(0);
    assert_eq!(said.stdout, format!("data: 4 lines in 2 files, offset 0 to {end}: nothing is damaged\n"));
    assert_eq!(said.stderr, "");
    let (id, _) = rig.cursor().split_once(':').map(|(id, rest)| (id.to_owned(), rest.to_owned())).unwrap();
    let expected = format!(
        r#"{{"schema":"stead.log.verify/1","path":"data","log":"{id}","start":0,"end":{end},"files":2,"lines":4,"damage":[],"notes":[]}}"#
    );
    assert_eq!(rig.run(&["log", "verify", "data", "--json"]).expect(0).stdout, format!("{expected}\n"));
    let said = rig.run(&["log", "repair", "data"]).expect(0);
    assert_eq!(said.stdout, "data: nothing was to be repaired\n");
    let expected = r#"{"schema":"stead.log.repair/1","path":"data","findings":[],"kept":[],"gaps":[],"carried":0}"#;
    assert_eq!(rig.run(&["log", "repair", "data", "--json"]).expect(0).stdout, format!("{expected}\n"));
}

#[test]
fn damage_is_named_and_repaired() {
    let rig = rig();
    rig.event("a");
    let start = rig.json(&["stat", "data"])["end"].as_u64().unwrap();
    rig.scribble(b"nonsense\n");
    rig.event("b");
    rig.scribble(b"{\"type\":\"torn");
    let end = start + 9;
    let said = rig.run(&["log", "verify", "data"]).expect(65);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert!(lines[0].starts_with(&format!("damaged: data/app.jsonl: offset {start} to {end}: ")), "{said:?}");
    assert!(lines[1].starts_with("note: data/app.jsonl: offset "), "{said:?}");
    assert!(lines[2].ends_with(": 1 stretch is damaged") && lines.len() == 3, "{said:?}");
    assert_eq!(said.stderr, "hint: `stead log repair data` moves it to quarantine and keeps all else\n");
    let said = rig.run(&["log", "verify", "data", "--json"]).expect(65).json();
    let damage = &said["damage"][0];
    assert_eq!(
        (&damage["path"], &damage["start"], &damage["end"]),
        (&json!("data/app.jsonl"), &json!(start), &json!(end))
    );
    assert_eq!(said["notes"].as_array().unwrap().len(), 1);

    let said = rig.run(&["log", "repair", "data", "--json"]).expect(0).json();
    assert_eq!(said["findings"][0]["start"], start);
    let kept = said["kept"].as_array().unwrap().iter().map(|path| path.as_str().unwrap());
    assert!(kept.into_iter().any(|path| rig.read(path) == b"nonsense\n"), "{said}");
    assert!(rig.run(&["log", "verify", "data"]).expect(0).stdout.contains("nothing is damaged"));
    assert_eq!(rig.run(&["log", "cat", "data"]).expect(0).types(), ["a", "b"]);
}

#[test]
fn a_missing_segment_is_noted_as_lost() {
    let rig = rig();
    for kind in ["a", "b", "c"] {
        rig.event(kind);
        rig.run(&["log", "rotate", "data"]).expect(0);
    }
    let segments = rig.json(&["stat", "data"])["segments"].clone();
    std::fs::remove_file(rig.path(segments[1]["path"].as_str().unwrap())).unwrap();
    let (start, end) = (&segments[1]["start"], &segments[1]["end"]);
    let said = rig.run(&["log", "cat", "data"]).expect(65);
    assert_eq!(said.types(), ["a", "c"]);
    rig.run(&["log", "verify", "data"]).expect(65);
    let said = rig.run(&["log", "repair", "data"]).expect(0);
    assert!(said.stdout.contains(&format!("lost: offset {start} to {end}\n")), "{said:?}");
    assert_eq!(rig.run(&["log", "cat", "data"]).expect(0).types(), ["a", "c"]);
    assert_eq!(rig.json(&["stat", "data"])["gaps"], json!([{"start": start, "end": end}]));
    assert!(rig.run(&["log", "stat", "data"]).says(&format!("lost:        offset {start} to {end}\n")));
}

#[test]
fn stat_says_what_there_is() {
    let rig = rig();
    rig.run(&["log", "append", "data", "--type", "a", "--rotate-size", "1000000", "--rotate-age", "90m"]).expect(0);
    let cursor = rig.cursor();
    let (id, _) = cursor.split_once(':').unwrap();
    let end = rig.read("data/app.jsonl").len();
    let synced = rig.json(&["stat", "data"])["synced"].as_u64().unwrap();
    let expected = format!(
        r#"{{"schema":"stead.log.stat/1","path":"data","log":"{id}","format":1,"start":0,"end":{end},"cursor":"{cursor}","synced":{synced},"poisoned":false,"active_bytes":{end},"segments":[],"archive_bytes":0,"quarantined":0,"max_segment_bytes":1000000,"max_segment_age_s":5400.0,"gaps":[]}}"#
    );
    assert_eq!(rig.run(&["log", "stat", "data", "--json"]).expect(0).stdout, format!("{expected}\n"));
    let said = rig.run(&["log", "stat", "data"]).expect(0);
    let facts = format!(
        "log:         {id}\nhistory:     offset 0 to {end}\ncursor:      {cursor}\nsynced:      to offset {synced}, at least\n\
         app.jsonl:   {end} bytes\nrotation:    at 1000000 bytes, after 1h30m\n"
    );
    assert_eq!(said.stdout, facts);
    rig.run(&["log", "rotate", "data"]).expect(0);
    assert!(rig.run(&["log", "stat", "data"]).says(&format!("sealed:      {end} bytes in 1 segment\n")));
}
