//! What prints: show, list, search, tags, stats, path.

use crate::rig::{Rig, finish};

/// A journal of three days.
fn journal() -> Rig {
    let rig = Rig::new();
    rig.write("journal/2025/12/31.md", "# 2025-12-31 Wednesday\n\nGreen apples, red pears. #garden\n");
    rig.write("journal/2026/01/01.md", "# 2026-01-01 Thursday\n\nApples are\ngreen. #Garden/trees #work\n");
    rig.write("journal/2026/01/03.md", "Nothing but \u{1b}[2J noise.\n");
    rig.write("journal/2026/01/03.md.bak", "Green apples\n");
    rig.write("journal/.stead/kept/2026-01-02.md", "Green apples\n");
    rig
}

#[track_caller]
fn prints(rig: &Rig, args: &[&str], expected: &str) {
    assert_eq!(rig.run(args).expect(0).stdout, expected, "{args:?}");
}

#[test]
fn entries_are_listed_in_order() {
    let rig = journal();
    let all = "\
2025-12-31 Wed       7 words #garden
2026-01-01 Thu       7 words #garden/trees #work
2026-01-03 Sat       4 words
";
    prints(&rig, &["list"], all);
    prints(
        &rig,
        &["list", "--from", "2026-01-02", "--to", "tomorrow"],
        all.lines().last().map(|l| l.to_owned() + "\n").as_ref().unwrap(),
    );
    let entry = rig.run(&["list", "--json", "--to", "2025-12-31"]).expect(0).json();
    assert_eq!(entry["schema"], "ponder.entry/1");
    assert_eq!((&entry["words"], &entry["tags"][0]), (&7.into(), &"garden".into()));
    assert_eq!(entry["path"], rig.journal("2025/12/31.md").to_str().unwrap());
    rig.run(&["list", "--from", "2026-02-01"]).expect(0).saying("no entries");
}

#[test]
fn words_phrases_tags_and_patterns_are_found() {
    let rig = journal();
    let days = |args: &[&str]| -> Vec<String> {
        let found = rig.run(&[&["search", "--json"], args].concat());
        assert_eq!(found.code, Some(i32::from(found.stdout.is_empty())));
        let day =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["date"].as_str().unwrap().into();
        found.stdout.lines().map(day).collect()
    };
    assert_eq!(days(&["green", "apples"]), ["2025-12-31", "2026-01-01"]);
    assert_eq!(days(&["\"green apples\""]), ["2025-12-31"]);
    assert_eq!(days(&["\"are green\""]), ["2026-01-01"]);
    assert_eq!(days(&["#garden"]), ["2025-12-31", "2026-01-01"]);
    assert_eq!(days(&["#garden #work"]), ["2026-01-01"]);
    assert_eq!(days(&["#gard"]), [""; 0]);
    assert_eq!(days(&["--regex", "^Apples"]), ["2026-01-01"]);
    assert_eq!(days(&["apples", "--to", "2025-12-31"]), ["2025-12-31"]);
    assert_eq!(days(&["nowhere"]), [""; 0]);
    prints(&rig, &["search", "apples"], "2025-12-31  Green apples, red pears. #garden\n2026-01-01  Apples are\n");
    prints(&rig, &["search", "noise"], "2026-01-03  Nothing but \\u{1b}[2J noise.\n");
    rig.run(&["search", "nowhere"]).expect(1).saying("nothing found");
    rig.run(&["search", "--regex", "a(b"]).expect(64).saying("unclosed group");
    rig.run(&["search", "\"a"]).expect(64).saying("not closed");
    rig.run(&["search", ""]).expect(64).saying("empty");
}

#[test]
fn what_is_found_is_marked_in_colours_only_where_they_are_wanted() {
    let rig = journal();
    let colours = |no: bool| {
        let mut command = rig.ponder(&["search", "pears"]);
        command.env("CLICOLOR_FORCE", "1");
        if no {
            command.env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE");
        }
        finish(command).expect(0).stdout
    };
    assert!(colours(false).contains("\u{1b}[1m\u{1b}[31mpears\u{1b}[0m"), "{:?}", colours(false));
    assert!(!colours(true).contains('\u{1b}'));
}

#[test]
fn tags_are_counted() {
    let rig = journal();
    rig.write("journal/2026/01/04.md", "#work\n```\n#include\n```\nhttp://x.org/#frag\n");
    prints(&rig, &["tags"], "2 #work\n1 #garden\n1 #garden/trees\n");
    let json = rig.run(&["tags", "--json"]).expect(0).stdout;
    assert!(json.starts_with("{\"schema\":\"ponder.tags/1\",\"tags\":[{\"tag\":\"work\",\"entries\":2},"), "{json}");
}

#[test]
fn a_year_is_drawn() {
    let rig = journal();
    let stats = rig.run(&["stats", "--year", "2026"]).expect(0).stdout;
    let lines: Vec<&str> = stats.lines().collect();
    assert_eq!(lines[0], "3 entries, 18 words");
    assert_eq!(lines[2], "no streak now");
    assert_eq!(lines[3], "2 days at most, from 2025-12-31 to 2026-01-01");
    assert!(lines.iter().any(|line| line.starts_with("    Jan Feb")), "{stats}");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{stats}");
    let json = rig.run(&["stats", "--json"]).expect(0).json();
    assert_eq!((&json["schema"], &json["longest_streak"]["days"]), (&"ponder.stats/1".into(), &2.into()));
    assert_eq!(json["months"][1]["month"], "2026-01");
    rig.run(&["stats", "--year", "0"]).expect(64);
}

#[test]
fn entries_are_shown_as_they_are() {
    let rig = journal();
    prints(&rig, &["show", "2026-01-03"], "Nothing but \u{1b}[2J noise.\n");
    let json = rig.run(&["show", "2026-01-03", "--json"]).expect(0).json();
    assert_eq!(json["text"], "Nothing but \u{1b}[2J noise.\n");
    rig.run(&["show", "2026-01-02"]).expect(1).saying("no entry of 2026-01-02").saying("hint: `ponder -d 2026-01-02`");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let rig = Rig::new();
    for day in 1..=28 {
        rig.write(&format!("journal/2020/02/{day:02}.md"), "word\n".repeat(2000));
    }
    finish(rig.command("sh", &["-c", "set -e; $PONDER search word | head -n 1 > first; test -s first"])).expect(0);
}

#[test]
fn readers_are_not_kept_out_by_a_session() {
    let rig = Rig::new();
    rig.run(&["add", "begun #here"]).expect(0);
    let open = rig.open("first", &[], "echo not yet >> \"$1\"", "");
    for args in [&["show"][..], &["list"], &["search", "begun"], &["tags"], &["stats"], &["path"]] {
        let read = rig.run(args).expect(0);
        assert!(!read.stdout.is_empty() && !read.stdout.contains("not yet"), "{args:?}: {read:?}");
    }
    open.end().expect(0);
    assert!(rig.run(&["show"]).expect(0).stdout.ends_with("not yet\n"));
}

#[test]
fn readers_never_see_half_of_what_is_written() {
    let rig = Rig::new();
    let line = |writer: &str| format!("begin {} end {writer}", "x".repeat(8000));
    rig.run(&["add", &line("added")]).expect(0);
    let script = format!("for i in 1 2 3 4 5 6 7 8 9 10; do $PONDER add '{}'; done", line("added"));
    let mut adding = rig.command("sh", &["-c", &script]);
    let mut adding = adding.stderr(std::process::Stdio::null()).spawn().unwrap();
    while adding.try_wait().unwrap().is_none() {
        let edit = format!("echo '{}' >> \"$1\"", line("edited"));
        rig.edit(&[], &edit).expect(0);
        let shown = rig.run(&["show"]).expect(0).stdout;
        for written in shown.lines().filter(|written| written.contains('x')) {
            assert!(written == line("added") || written == line("edited"), "{written}");
        }
        assert!(shown.starts_with("# ") && shown.ends_with('\n'), "{shown}");
    }
    assert_eq!(rig.run(&["show"]).stdout.lines().filter(|written| *written == line("added")).count(), 11);
}
