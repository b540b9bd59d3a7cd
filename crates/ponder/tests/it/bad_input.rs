//! Bad input of every kind: an error that names the path and what to do, and nothing changed.

use crate::rig::{Rig, finish, is_root, set_mode};

const WRITERS: [&[&str]; 3] = [&[], &["-d", "2020-02-02"], &["add", "x"]];
const READERS: [&[&str]; 6] = [&["list"], &["search", "x"], &["show"], &["stats"], &["tags"], &["path"]];

#[test]
fn the_journal_is_a_file() {
    let rig = Rig::new();
    rig.write("journal", "mine");
    for args in WRITERS.into_iter().chain(READERS).chain([&["-r"][..], &["recover"]]) {
        let ended = rig.edit(args, "touch $RIG/ran").expect(66).saying("/journal: it is not a folder");
        ended.saying("hint: ");
    }
    assert_eq!(rig.read("journal"), "mine");
    assert!(!rig.path("ran").exists());
}

#[test]
fn a_missing_journal_is_empty_for_readers_and_made_for_writers() {
    let rig = Rig::new();
    for (args, code) in READERS.into_iter().zip([0, 1, 1, 0, 0, 0]) {
        let mut command = rig.ponder(args);
        command.env("PONDER_DIR", rig.path("a/b"));
        finish(command).expect(code);
    }
    assert!(!rig.path("a").exists());
    rig.run(&["add", "--dir", "a/b", "x"]).expect(0);
    assert_eq!(crate::rig::mode(rig.path("a")), 0o700);
}

#[test]
fn a_read_only_journal_can_be_read_only() {
    let rig = Rig::new();
    rig.run(&["add", "-d", "2020-02-02", "x"]).expect(0);
    if is_root() {
        // Only a user without rights is refused: `.ci/as-nobody` runs this.
        return;
    }
    let folders = ["2020/02", "2020", ".stead/locks", ".stead", ""];
    for folder in folders {
        set_mode(&rig.journal(folder), 0o500);
    }
    let outcomes = WRITERS.map(|args| rig.edit(args, "touch $RIG/ran"));
    let shown = rig.run(&["show", "2020-02-02"]);
    for folder in folders {
        set_mode(&rig.journal(folder), 0o700);
    }
    shown.expect(0);
    for outcome in outcomes {
        assert!(matches!(outcome.code, Some(73 | 77)), "{outcome:?}");
        assert!(outcome.stderr.contains("/journal/") && outcome.stderr.contains("hint: "), "{outcome:?}");
    }
    assert!(!rig.path("ran").exists());
}

#[test]
fn an_unreadable_journal_says_so() {
    if is_root() {
        return;
    }
    let rig = Rig::new();
    rig.run(&["add", "-d", "2020-02-02", "x"]).expect(0);
    set_mode(&rig.path("journal"), 0);
    let outcomes = READERS.map(|args| rig.run(args));
    set_mode(&rig.path("journal"), 0o700);
    for outcome in outcomes {
        outcome.expect(77).saying("/journal").saying("hint: ");
    }
    let entry = rig.journal("2020/02/02.md");
    set_mode(&entry, 0);
    rig.run(&["list"]).expect(77).saying("failed to read ");
    rig.run(&["show", "2020-02-02"]).expect(77);
}

#[test]
fn impossible_dates() {
    let rig = Rig::new();
    for args in [&["-d", "2026-02-30"][..], &["show", "2026-02-30"], &["list", "--from", "20260230"]] {
        rig.edit(args, "touch $RIG/ran").expect(64).saying("there is no 30 February");
    }
    rig.edit(&["-d", "2025-02-29"], "").expect(64).saying("there is no 29 February 2025");
    rig.edit(&["-d", "someday"], "").expect(64).saying("'someday' is not a date; write 2026-11-21, ");
    rig.run(&["list", "--from", "2020-01-02", "--to", "2020-01-01"]).expect(64).saying("is after");
    assert!(!rig.path("ran").exists() && !rig.path("journal").exists());
}

#[test]
fn editors_that_are_none() {
    let rig = Rig::new();
    rig.write("not-executable", "x");
    std::fs::create_dir(rig.path("folder")).unwrap();
    let cases = [
        ("no-such-editor", 127, "no-such-editor"),
        ("./folder", 126, "not a file"),
        ("./not-executable", 126, "permission denied"),
    ];
    for (editor, code, said) in cases {
        rig.run(&["--editor", editor]).expect(code).saying(said);
        let mut command = rig.ponder(&[]);
        finish({
            command.env("VISUAL", editor);
            command
        })
        .expect(code)
        .saying("$VISUAL");
    }
    for (editor, flag, variable) in [("vim \"x", 64, 78), ("''", 64, 78)] {
        rig.run(&["--editor", editor]).expect(flag).saying("hint: ");
        let mut command = rig.ponder(&[]);
        command.env("PONDER_EDITOR", editor);
        finish(command).expect(variable).saying("PONDER_EDITOR");
        rig.write("home/.config/ponder/config.toml", format!("editor = {editor:?}"));
        rig.run(&[]).expect(78).saying("/ponder/config.toml");
        std::fs::remove_file(rig.path("home/.config/ponder/config.toml")).unwrap();
    }
    let mut command = rig.ponder(&[]);
    command.env("PATH", rig.path("folder"));
    finish({
        // env(1) itself is found by its path.
        command.env("EDITOR", "");
        command
    })
    .expect(127);
    assert!(!rig.path("journal").exists(), "nothing was made");
}

#[test]
fn a_wrong_configuration_is_named_by_file_and_line() {
    let rig = Rig::new();
    let wrong = |content: &str, said: &str| {
        rig.write("home/.config/ponder/config.toml", content);
        rig.run(&["list"]).expect(78).saying("/ponder/config.toml, line ").saying(said);
    };
    wrong("dir = '/x'\n\ncolour = 1\n", "line 3 is wrong: unknown field `colour`");
    wrong("layout = 3\n", "line 1 is wrong: ");
    wrong("dir = \n", "line 1 is wrong: ");
    rig.write("home/.config/ponder/config.toml", "template = 'missing.md'\n");
    rig.run(&["add", "x"]).expect(78).saying("/ponder/missing.md");
}

#[test]
fn an_entry_that_is_no_text_is_kept_byte_for_byte() {
    let rig = Rig::new();
    let bytes = b"caf\xe9 \xff\xfe\x00 #tag\r\nlast";
    rig.write("journal/2020/02/02.md", bytes);
    let mut command = rig.ponder(&["show", "2020-02-02"]);
    assert_eq!(command.output().unwrap().stdout, bytes);
    rig.edit(&["-d", "2020-02-02"], "true").expect(0);
    assert_eq!(std::fs::read(rig.journal("2020/02/02.md")).unwrap(), bytes);
    rig.edit(&["-d", "2020-02-02"], "echo more >> \"$1\"").expect(0);
    rig.run(&["add", "-d", "2020-02-02", "x"]).expect(0);
    let now = std::fs::read(rig.journal("2020/02/02.md")).unwrap();
    assert!(now.starts_with(bytes) && now.ends_with(b"\n\nx\n"), "{now:?}");
    let found = rig.run(&["search", "caf", "#tag"]).expect(0);
    assert!(found.stdout.contains("caf\u{fffd} "), "{found:?}");
}

#[test]
fn an_entry_that_is_a_folder_or_a_fifo_is_refused() {
    let rig = Rig::new();
    std::fs::create_dir_all(rig.journal("2020/02/02.md")).unwrap();
    finish(rig.command("mkfifo", &["journal/2020/02/03.md"])).expect(0);
    for day in ["2020-02-02", "2020-02-03"] {
        rig.edit(&["-d", day], "touch $RIG/ran").expect(66).saying("/journal/2020/02/0");
        rig.run(&["add", "-d", day, "x"]).expect(66).saying("/journal/2020/02/0");
    }
    assert_eq!(rig.entries(), [""; 0]);
    assert!(!rig.path("ran").exists());
}

#[test]
fn options_of_a_session_do_not_go_with_commands() {
    let rig = Rig::new();
    rig.run(&["-r", "list"]).expect(64);
    rig.run(&["-r", "-m"]).expect(64);
    rig.run(&["--wait", "1s", "add", "x"]).expect(64);
    rig.run(&["--wait", "5"]).expect(64);
    rig.run(&["bogus"]).expect(64);
    assert!(!rig.path("journal").exists());
}

#[test]
fn messages_are_for_programs_where_they_are_to_be() {
    let rig = Rig::new();
    let lines = |outcome: &crate::rig::Outcome| -> Vec<serde_json::Value> {
        outcome.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let said = rig.run(&["--log-format", "json", "-v", "add", "x"]).expect(0);
    let levels: Vec<_> = lines(&said).iter().map(|line| line["level"].as_str().unwrap().to_owned()).collect();
    assert_eq!(levels, ["debug", "info"]);
    let said = rig.run(&["show", "2020-02-02", "--log-format=json"]).expect(1);
    let line = &lines(&said)[0];
    assert_eq!((&line["level"], &line["message"]), (&"error".into(), &"there is no entry of 2020-02-02".into()));
    assert!(line["hint"].is_string());
    assert_eq!(lines(&rig.run(&["--log-format", "json", "--bogus"]).expect(64)).len(), 1);
    let first = rig.open("first", &[], "", "");
    let busy = rig.edit(&["--log-format", "json"], "true").expect(75);
    assert!(lines(&busy)[0]["message"].as_str().unwrap().starts_with("busy: "), "{busy:?}");
    first.end().expect(0);
}
