//! What an editor had saved is in the entry, or in a draft that is offered again.

use rustix::process::Signal;
use testkit::wait_until;

use crate::rig::{Rig, finish, kill};

fn today(rig: &Rig) -> String {
    std::fs::read_to_string(rig.today()).unwrap_or_default()
}

#[test]
fn what_a_killed_ponder_leaves_is_taken_up() {
    let rig = Rig::new();
    rig.run(&["add", "begun"]).expect(0);
    let mut first = rig.open("first", &[], "echo typed >> \"$1\"", "");
    first.kill_ponder();
    kill(first.editor, Signal::KILL);
    wait_until("the draft is nobody's", || (rig.drafts()[0]["in_use"] == false).then_some(()));
    assert!(!today(&rig).contains("typed"));
    // Who writes on is told of it, and does not lose it.
    rig.edit(&[], "echo second >> \"$1\"").expect(0).saying(" a draft").saying("`ponder recover ");
    rig.run(&["add", "third"]).expect(0);
    rig.run(&["recover", "--list"]).expect(0);
    rig.edit(&["recover"], "true").expect(0).saying("saved");
    let text = today(&rig);
    for line in ["begun", "typed", "second", "third"] {
        assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line} in {text}");
    }
    rig.run(&["recover"]).expect(1).saying("no drafts");
}

#[test]
fn what_a_failed_editor_saved_is_kept_and_said_where() {
    let rig = Rig::new();
    let failed = rig.edit(&["-d", "2020-02-02"], "echo typed >> \"$1\"; exit 3").expect(3);
    assert!(!rig.journal("2020/02/02.md").exists());
    let draft = rig.drafts()[0]["draft"].as_str().unwrap().to_owned();
    assert!(std::fs::read_to_string(&draft).unwrap().ends_with("typed\n"));
    assert!(failed.stderr.contains(&draft) && failed.stderr.contains("ponder recover "), "{failed:?}");
    // As the hint says.
    let hint = failed.stderr.split('`').nth(1).unwrap().to_owned();
    let words: Vec<&str> = hint.split(' ').skip(1).collect();
    rig.edit(&words, "echo more >> \"$1\"").expect(0);
    assert!(rig.read("journal/2020/02/02.md").ends_with("typed\nmore\n"));
}

#[test]
fn both_texts_of_a_conflict_are_kept() {
    let rig = Rig::new();
    rig.write("journal/2020/02/02.md", "one\ntwo\n");
    let edit = "sed -i s/two/mine/ \"$1\"";
    let first = rig.open("first", &["-d", "2020-02-02"], edit, "");
    rig.write("journal/2020/02/02.md", "one\ntheirs\n");
    first.end().expect(1).saying("the same lines");
    assert_eq!(rig.read("journal/2020/02/02.md"), "one\ntheirs\n");
    let draft = &rig.drafts()[0];
    assert_eq!((&draft["conflict"], &draft["date"]), (&true.into(), &"2020-02-02".into()));
    let both = std::fs::read_to_string(draft["draft"].as_str().unwrap()).unwrap();
    assert!(both.contains("mine") && both.contains("theirs") && both.contains("<<<<<<<"), "{both}");
    rig.edit(&["recover", "2020-02-02"], "printf 'one\\nboth\\n' > \"$1\"").expect(0).saying("saved");
    assert_eq!(rig.read("journal/2020/02/02.md"), "one\nboth\n");
}

#[test]
fn an_editor_that_fails_with_nothing_written_leaves_nothing() {
    let rig = Rig::new();
    rig.edit(&[], "exit 7").expect(7);
    assert_eq!(rig.drafts().len(), 0);
    assert!(!rig.today().exists());
}

#[test]
fn drafts_of_other_journals_are_not_ours() {
    let rig = Rig::new();
    rig.edit(&["--dir", "other"], "echo typed >> \"$1\"; exit 1").expect(1).saying("--dir ");
    assert_eq!(rig.drafts().len(), 0);
    rig.run(&["recover", "--list", "--dir", "other"]).expect(0);
}

#[test]
fn drafts_are_private_and_where_the_environment_says() {
    let rig = Rig::new();
    let mut command = rig.editing(&[], "echo \"$1\" > $RIG/draft; echo typed >> \"$1\"; exit 1");
    command.env("STEAD_DRAFTS", rig.path("drafts"));
    finish(command).expect(1);
    let draft = rig.read("draft");
    let draft = std::path::Path::new(draft.trim());
    assert!(draft.starts_with(rig.path("drafts")));
    assert_eq!((crate::rig::mode(draft), crate::rig::mode(rig.path("drafts"))), (0o600, 0o700));
    // The name tells editors what it is.
    assert_eq!(draft.file_name(), rig.today().file_name());
}

#[test]
fn kills_at_any_moment_lose_nothing_that_was_saved() {
    let rig = Rig::new();
    for round in 0..12u32 {
        let line = format!("round {round}");
        let mut first = rig.open(&format!("r{round}"), &[], &format!("echo '{line}' >> \"$1\""), "");
        if round % 3 == 0 {
            first.kill_ponder();
            kill(first.editor, Signal::KILL);
        } else {
            kill(if round % 3 == 1 { first.editor } else { first.pid() }, Signal::KILL);
            if round % 3 == 1 {
                first.wait();
            } else {
                first.kill_ponder();
                kill(first.editor, Signal::KILL);
            }
        }
        wait_until("the draft is nobody's", || rig.drafts().iter().all(|draft| draft["in_use"] == false).then_some(()));
        let is_saved = today(&rig).contains(&line);
        let is_offered = rig
            .drafts()
            .iter()
            .any(|draft| std::fs::read_to_string(draft["draft"].as_str().unwrap()).unwrap().contains(&line));
        assert!(is_saved || is_offered, "{line}");
        if round % 4 == 3 {
            while !rig.drafts().is_empty() {
                rig.edit(&["recover"], "true").expect(0);
            }
        }
    }
    while !rig.drafts().is_empty() {
        rig.edit(&["recover"], "true").expect(0);
    }
    let text = today(&rig);
    for round in 0..12 {
        assert_eq!(text.lines().filter(|found| *found == format!("round {round}")).count(), 1, "{round} in {text}");
    }
}
