//! Drafts: who may read them, their list, and going on with them.

use std::os::unix::fs::PermissionsExt;

use super::{Desk, UNTIL_KEPT, json};
use crate::rig::finish;

#[test]
fn drafts_are_for_nobody_else() {
    let desk = Desk::with("one\n");
    let script = format!("echo two >>\"$1\"; {UNTIL_KEPT}; exit 1");
    let editor = desk.editor(&script);
    let mut command = desk.dressed(desk.rig.command("sh", &["-c", "umask 000; exec \"$STEAD\" edit f"]));
    command.env("EDITOR", editor);
    finish(command).expect(1);
    let mut seen = 0;
    for (path, _) in desk.everything() {
        let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
        if path.starts_with(desk.path("home/state/stead/drafts")) {
            seen += 1;
            assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        }
    }
    // The folder of all, that of the draft with text/f, saves/1, base, draft.json and session.lock.
    assert!(seen >= 8, "{:?}", desk.everything());
}

/// What the editor makes of its draft is the editor's; nobody gets to it.
#[test]
fn an_editor_that_opens_its_draft_to_all_does_not_open_the_folder() {
    let desk = Desk::with("one\n");
    let draft = desk.leave_draft("two");
    desk.edit(&["--recover", "f"], "chmod 777 \"$1\"; echo three >>\"$1\"; exit 1").expect(1);
    let room = draft.parent().unwrap().parent().unwrap();
    assert_eq!(room.metadata().unwrap().permissions().mode() & 0o7777, 0o700);
}

#[test]
fn the_list_is_empty_where_all_is_saved() {
    let desk = Desk::with("one\n");
    desk.edit(&["f"], "echo two >>\"$1\"").expect(0);
    let none = desk.run(&["--list-drafts"]).expect(1);
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "stead: there are no drafts\n"));
    let none = desk.run(&["--list-drafts", "--json"]).expect(1);
    assert_eq!(none.stdout, "{\"schema\":\"stead.drafts/1\",\"drafts\":[]}\n");
}

#[test]
fn the_list_says_which_file_when_and_where() {
    let desk = Desk::with("one\n");
    let draft = desk.leave_draft("two");
    let real = desk.path("f").canonicalize().unwrap();
    let list = desk.run(&["--list-drafts"]).expect(0);
    let [heading, line] = list.stdout.lines().collect::<Vec<_>>()[..] else { panic!("{list:?}") };
    assert_eq!(heading.split_whitespace().collect::<Vec<_>>(), ["FILE", "SAVED", "STATE", "DRAFT"]);
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(
        [words[0], words[2], words[3], words[4]],
        [real.to_str().unwrap(), "ago", "left", draft.to_str().unwrap()]
    );

    let listed = desk.run(&["--list-drafts", "--json"]).expect(0);
    assert_eq!(listed.stdout.lines().count(), 1);
    let all = json(&listed);
    let one = all["drafts"][0].as_object().unwrap();
    let fields: Vec<&str> = one.keys().map(String::as_str).collect();
    assert_eq!(fields, ["path", "draft", "started", "saved", "in_use", "conflict", "earlier", "left_by_editor"]);
    assert_eq!((one["path"].as_str(), one["draft"].as_str()), (real.to_str(), draft.to_str()));
    assert_eq!((one["in_use"].as_bool(), one["conflict"].as_bool()), (Some(false), Some(false)));
    for time in ["started", "saved"] {
        let time = one[time].as_str().unwrap();
        assert!(time.len() == 30 && time.ends_with('Z') && time.starts_with("20"), "{time}");
    }
    assert!(one["started"].as_str() <= one["saved"].as_str());
    let earlier = one["earlier"].as_array().unwrap();
    assert_eq!(earlier.len(), 1);
    assert_eq!(std::fs::read(earlier[0].as_str().unwrap()).unwrap(), b"one\ntwo\n");
    assert_eq!(one["left_by_editor"].as_array().unwrap().len(), 0);
}

#[test]
fn the_list_can_be_of_some_files() {
    let desk = Desk::new();
    for name in ["a", "b", "c"] {
        desk.edit(&[name], "echo x >>\"$1\"; exit 1").expect(1);
    }
    assert_eq!(desk.drafts().len(), 3);
    let list = desk.run(&["--list-drafts", "a", "./c"]).expect(0).stdout;
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(!list.contains("/b "), "{list}");
    desk.run(&["--list-drafts", "nothing"]).expect(1);
}

#[test]
fn a_draft_that_is_being_edited_is_told_and_not_taken() {
    let desk = Desk::with("one\n");
    let mut sitting = desk.sit_down(&["f"], &format!("echo two >>\"$1\"; {UNTIL_KEPT}; echo kept; read line"));
    assert_eq!(sitting.line(), "kept");
    assert_eq!(desk.drafts()[0]["in_use"], true);
    assert!(desk.run(&["--list-drafts"]).expect(0).says("being edited"));
    desk.edit(&["--recover"], ": >ran").expect(75);
    assert!(!desk.exists("ran"));
    sitting.end().expect(0);
    assert_eq!((desk.text("f"), desk.rooms()), ("one\ntwo\n".to_owned(), 0));
}

#[test]
fn without_a_terminal_a_draft_is_told_of_and_left_alone() {
    let desk = Desk::with("one\n");
    desk.leave_draft("two");
    let told = desk.edit(&["f"], "cp \"$1\" seen; echo three >>\"$1\"").expect(0);
    let real = desk.path("f").canonicalize().unwrap();
    let [message, hint, saved] = told.stderr.lines().collect::<Vec<_>>()[..] else { panic!("{told:?}") };
    assert!(message.starts_with(&format!("stead: {} has a draft, saved ", real.display())), "{told:?}");
    assert!(message.ends_with(", that never got into it; it is left alone"), "{told:?}");
    assert_eq!(hint, format!("hint: go on with it: `stead edit --recover {}`", real.display()));
    assert_eq!(saved, "stead: saved f");
    assert_eq!(
        (desk.text("seen"), desk.text("f"), desk.draft()),
        ("one\n".into(), "one\nthree\n".into(), "one\ntwo\n".into())
    );
    // It is merged once it is taken up.
    desk.edit(&["--recover", "f"], "cp \"$1\" seen").expect(0);
    assert_eq!(
        (desk.text("seen"), desk.text("f"), desk.rooms()),
        ("one\nthree\ntwo\n".into(), "one\nthree\ntwo\n".into(), 0)
    );
}

#[test]
fn recover_goes_on_with_the_drafts_of_all_files_or_of_some() {
    let desk = Desk::new();
    for name in ["a", "b", "c"] {
        desk.edit(&[name], "echo one >>\"$1\"; exit 1").expect(1);
    }
    let only = desk.edit(&["--recover", "b"], "echo $# >count; echo two >>\"$1\"").expect(0);
    assert!(only.stderr.ends_with("stead: saved b\n"), "{only:?}");
    assert_eq!((desk.text("b"), desk.text("count"), desk.drafts().len()), ("one\ntwo\n".into(), "1\n".into(), 2));
    let all = desk.edit(&["--recover"], "echo $# >count; for draft; do echo three >>\"$draft\"; done").expect(0);
    assert_eq!(
        (desk.text("count"), desk.text("a"), desk.text("c")),
        ("2\n".into(), "one\nthree\n".into(), "one\nthree\n".into())
    );
    assert_eq!(all.stderr.matches(": you go on with it\n").count(), 2, "{all:?}");
    assert_eq!((desk.rooms(), desk.text("b")), (0, "one\ntwo\n".into()));
    desk.edit(&["--recover"], ": >ran").expect(1);
    assert!(!desk.exists("ran"));
}

#[test]
fn of_two_drafts_the_newest_is_taken_and_the_other_stays() {
    let desk = Desk::with("one\n");
    desk.leave_draft("older");
    desk.leave_draft("newer");
    let taken = desk.edit(&["--recover", "f"], "cp \"$1\" seen").expect(0);
    assert_eq!(desk.text("seen"), "one\nnewer\n");
    assert_eq!(taken.stderr.matches("you go on with it").count(), 1, "{taken:?}");
    assert_eq!(taken.stderr.matches("it is left alone").count(), 1, "{taken:?}");
    assert_eq!((desk.text("f"), desk.draft()), ("one\nnewer\n".into(), "one\nolder\n".into()));
    desk.edit(&["--recover", "f"], ":").expect(0);
    assert_eq!((desk.text("f"), desk.rooms()), ("one\nnewer\nolder\n".into(), 0));
}

/// A session that goes on with a draft and is abandoned again leaves that one draft.
#[test]
fn a_draft_that_is_taken_up_and_left_again_is_there_once() {
    let desk = Desk::with("one\n");
    desk.leave_draft("two");
    for _ in 0..3 {
        desk.edit(&["--recover", "f"], "exit 5").expect(5);
        assert_eq!((desk.draft(), desk.rooms()), ("one\ntwo\n".to_owned(), 1));
    }
    desk.edit(&["--recover", "f"], "echo three >>\"$1\"; exit 5").expect(5);
    assert_eq!(desk.draft(), "one\ntwo\nthree\n");
    // The texts that it only goes on with are in it.
    assert_eq!(desk.drafts()[0]["earlier"].as_array().unwrap().len(), 1);
}

/// What is in the file by now need not be offered.
#[test]
fn a_draft_whose_text_is_in_the_file_is_taken_away() {
    let desk = Desk::with("one\n");
    let draft = desk.leave_draft("two");
    desk.feed(&["append", "f"], "two\n").expect(0);
    assert_eq!(desk.edit(&["f"], ":").expect(0).stderr, "stead: f: nothing was changed, nothing is written\n");
    assert!(!draft.exists() && desk.drafts().is_empty());
}

#[test]
fn a_conflict_on_recovery_is_shown_in_the_draft() {
    let desk = Desk::with("one\n");
    desk.edit(&["f"], "sed -i s/one/mine/ \"$1\"; exit 1").expect(1);
    desk.feed(&["write", "f"], "theirs\n").expect(0);
    let resolved = desk.edit(&["--recover", "f"], "cp \"$1\" seen; echo ours >\"$1\"").expect(0);
    assert!(
        resolved.stderr.contains("hint: the file was changed in the same lines since: both are in your draft"),
        "{resolved:?}"
    );
    assert_eq!(desk.text("seen"), "<<<<<<< in the file\ntheirs\n=======\nmine\n>>>>>>> in the draft\n");
    assert_eq!((desk.text("f"), desk.rooms()), ("ours\n".into(), 0));
}

/// nano and emacs save beside the text when they are killed.
#[test]
fn what_an_editor_saved_beside_its_text_when_it_was_killed_is_offered() {
    let desk = Desk::with("one\n");
    let script = "echo one >\"$1.save\"; echo unsaved >>\"$1.save\"; kill -9 $$";
    let kept = desk.edit(&["f"], script).expect(137);
    assert!(kept.stderr.contains("your text is kept in "), "{kept:?}");
    let left = desk.drafts();
    assert_eq!(left[0]["left_by_editor"].as_array().unwrap().len(), 1, "{left:?}");
    desk.edit(&["--recover", "f"], "cp \"$1\" seen").expect(0);
    assert_eq!((desk.text("seen"), desk.text("f")), ("one\nunsaved\n".into(), "one\nunsaved\n".into()));
}

#[test]
fn stead_drafts_names_the_folder() {
    let desk = Desk::with("one\n");
    let run = |args: &[&str]| {
        let mut command = desk.command(args);
        command.env("STEAD_DRAFTS", desk.path("my drafts"));
        finish(command)
    };
    let editor = desk.editor("echo two >>\"$1\"; exit 1");
    run(&["f", "--editor", &editor]).expect(1);
    assert!(run(&["--list-drafts"]).expect(0).says("/my drafts/"));
    desk.run(&["--list-drafts"]).expect(1);
    assert!(!desk.exists("home/state"));
    run(&["--recover", "--editor", "true"]).expect(0);
    assert_eq!(desk.text("f"), "one\ntwo\n");
}
