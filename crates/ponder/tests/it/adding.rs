//! `ponder add`: no line is lost, whoever else is writing.

use std::process::{Command, Stdio};

use crate::rig::{Rig, finish, mode};

fn text_of(rig: &Rig) -> String {
    std::fs::read_to_string(rig.today()).unwrap()
}

/// Whether each of these lines is there once.
#[track_caller]
fn has_each_once(text: &str, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line} in {text}");
    }
}

#[test]
fn the_first_addition_begins_the_entry_and_others_go_on() {
    let rig = Rig::new();
    rig.run(&["add", "buy", "bread"]).expect(0).saying("added to ");
    rig.run(&["add", "-d", "today", "second\n\nparagraph\n\n"]).expect(0);
    let text = text_of(&rig);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("# 20") && lines[0].ends_with("day"), "{text}");
    assert!(lines[2].starts_with("## ") && lines[2].len() == 8, "{text}");
    assert_eq!((lines[1], lines[3], lines[4], lines[5]), ("", "", "buy bread", ""));
    assert_eq!(&lines[7..], ["", "second", "", "paragraph"]);
    assert!(text.ends_with("paragraph\n"));
}

#[test]
fn what_is_made_is_private() {
    let rig = Rig::new();
    rig.run(&["add", "x"]).expect(0);
    rig.edit(&["-d", "2020-02-02"], "echo y >> \"$1\"").expect(0);
    assert_eq!((mode(rig.today()), mode(rig.journal("2020/02/02.md"))), (0o600, 0o600));
    for folder in ["", "2020", "2020/02", ".stead", ".stead/locks"] {
        assert_eq!(mode(rig.journal(folder)), 0o700, "{folder}");
    }
    for file in std::fs::read_dir(rig.journal(".stead/locks")).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{path:?}");
    }
    assert_eq!(rig.read("journal/.stead/.gitignore"), "*\n");
}

#[test]
fn standard_input_is_added_byte_for_byte() {
    let rig = Rig::new();
    rig.write("in", b"caf\xe9\nline\n");
    let mut command = rig.ponder(&["add"]);
    command.stdin(std::fs::File::open(rig.path("in")).unwrap());
    finish(command).expect(0);
    assert!(std::fs::read(rig.today()).unwrap().ends_with(b"\n\ncaf\xe9\nline\n"));
}

#[test]
fn nothing_is_not_added() {
    let rig = Rig::new();
    rig.run(&["add"]).expect(1).saying("nothing to add");
    rig.run(&["add", " ", ""]).expect(1);
    assert!(!rig.path("journal").exists());
}

#[test]
fn an_empty_file_is_begun() {
    let rig = Rig::new();
    rig.write("journal/2020/02/02.md", "");
    rig.run(&["add", "-d", "2020-02-02", "x"]).expect(0);
    assert!(rig.read("journal/2020/02/02.md").starts_with("# 2020-02-02 Sunday\n\n## "));
}

#[test]
fn it_tells_programs_what_it_did() {
    let rig = Rig::new();
    for created in [true, false] {
        let told = rig.run(&["add", "--json", "x"]).expect(0);
        let told = told.json();
        assert_eq!(told["schema"], "ponder.write/1");
        assert_eq!(told["created"], created);
        assert_eq!(told["path"], rig.today().to_str().unwrap());
    }
}

#[test]
fn an_addition_to_an_open_entry_is_merged() {
    let rig = Rig::new();
    rig.run(&["add", "begun"]).expect(0);
    let open = rig.open("first", &[], "", "echo typed >> \"$1\"");
    rig.run(&["add", "meanwhile"]).expect(0);
    open.end().expect(0).saying("together with what others wrote meanwhile");
    has_each_once(&text_of(&rig), ["begun", "typed", "meanwhile"].map(str::to_owned));
}

#[test]
fn an_addition_may_begin_the_entry_that_is_open() {
    let rig = Rig::new();
    let open = rig.open("first", &[], "", "echo typed >> \"$1\"");
    rig.run(&["add", "meanwhile"]).expect(0);
    open.end().expect(0);
    let text = text_of(&rig);
    has_each_once(&text, ["typed", "meanwhile"].map(str::to_owned));
    assert_eq!(text.lines().filter(|line| line.starts_with("# ")).count(), 1, "{text}");
}

/// So many additions at once, each a line of its own.
fn storm(rig: &Rig, count: usize) -> Vec<std::process::Child> {
    let add = |number| -> Command {
        let mut command = rig.ponder(&["add", &format!("added {number}")]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    (0..count).map(|number| add(number).spawn().unwrap()).collect()
}

fn all_end(children: Vec<std::process::Child>) {
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn many_additions_begin_one_entry() {
    let rig = Rig::new();
    all_end(storm(&rig, 40));
    let text = text_of(&rig);
    has_each_once(&text, (0..40).map(|number| format!("added {number}")));
    assert_eq!(text.lines().filter(|line| line.starts_with("# ")).count(), 1, "{text}");
}

#[test]
fn two_sessions_and_two_hundred_additions_lose_no_line() {
    let rig = Rig::new();
    let typing = |who: &str| format!("for i in $(seq 50); do echo {who} $i >> \"$1\"; done");
    let first = rig.open("first", &[], &typing("first"), &typing("more"));
    let mut second = rig.editing(&["--wait", "1h"], &typing("second"));
    let second = second.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let half = storm(&rig, 100);
    let ended = first.end();
    assert!(matches!(ended.code, Some(0)), "{ended:?}");
    let other: Vec<_> = (100..200)
        .map(|number| rig.ponder(&["add", &format!("added {number}")]).stderr(Stdio::null()).spawn().unwrap())
        .collect();
    all_end(vec![second]);
    all_end(half);
    all_end(other);
    let typed = ["first", "more", "second"].into_iter().flat_map(|who| (1..=50).map(move |i| format!("{who} {i}")));
    has_each_once(&text_of(&rig), typed.chain((0..200).map(|number| format!("added {number}"))));
}

#[test]
fn additions_that_are_killed_are_there_whole_or_not_at_all() {
    let rig = Rig::new();
    let said = |number: usize| format!("begin {number} {} end", "x".repeat(3000));
    let mut acknowledged = Vec::new();
    for number in 0..60 {
        let mut command = rig.ponder(&["add", &said(number)]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // From before its first step to after its last one.
        std::thread::park_timeout(std::time::Duration::from_micros(number as u64 * 400));
        let _ = child.kill();
        if child.wait().unwrap().success() {
            acknowledged.push(number);
        }
    }
    rig.run(&["add", "last"]).expect(0);
    let text = text_of(&rig);
    has_each_once(&text, acknowledged.into_iter().map(said));
    for line in text.lines().filter(|line| line.contains("begin")) {
        assert!(line.starts_with("begin ") && line.ends_with(" end"), "{line}");
    }
    has_each_once(&text, ["last".to_owned()]);
    assert_eq!(text.lines().filter(|line| line.starts_with("# ")).count(), 1);
}
