//! How the editor ends, how stead does, and what is left then.

use rustix::process::Signal;
use testkit::wait_until;

use super::{Desk, UNTIL_KEPT};
use crate::rig::{is_alive, kill};

#[test]
fn the_code_of_the_editor_is_that_of_the_command() {
    for code in [1, 3, 77, 255] {
        let desk = Desk::with("one\n");
        let kept = desk.edit(&["f"], &format!("echo two >>\"$1\"; exit {code}")).expect(code);
        assert!(
            kept.stderr.starts_with(&format!(
                "stead: f is as it was: the editor ended with exit code {code}; your text is kept in "
            )),
            "{kept:?}"
        );
        assert!(kept.stderr.ends_with("hint: go on with it: `stead edit --recover f`\n"), "{kept:?}");
        assert_eq!((desk.text("f"), desk.draft()), ("one\n".to_owned(), "one\ntwo\n".to_owned()));
        let nothing = Desk::with("one\n");
        let said = nothing.edit(&["f"], &format!("exit {code}")).expect(code);
        assert_eq!(said.stderr, format!("stead: f: the editor ended with exit code {code}, and had changed nothing\n"));
        assert_eq!(nothing.rooms(), 0);
    }
}

#[test]
fn a_signal_that_kills_the_editor_is_told() {
    for (name, number) in [("TERM", 15), ("KILL", 9), ("HUP", 1)] {
        let desk = Desk::with("one\n");
        let kept = desk.edit(&["f"], &format!("echo two >>\"$1\"; kill -{name} $$; read never")).expect(128 + number);
        assert!(
            kept.stderr.contains(&format!("the editor was killed by signal {number}; your text is kept")),
            "{kept:?}"
        );
        assert_eq!((desk.text("f"), desk.draft()), ("one\n".to_owned(), "one\ntwo\n".to_owned()));
    }
    // The shell above is to see it: it ends its loops by that.
    let desk = Desk::with("one\n");
    let ended = desk.edit(&["f"], "echo two >>\"$1\"; kill -INT $$; read never");
    assert_eq!((ended.code, ended.signal), (None, Some(2)), "{ended:?}");
    assert!(ended.stderr.contains("your text is kept in "), "{ended:?}");
    assert_eq!(desk.draft(), "one\ntwo\n");
}

#[test]
fn a_signal_to_stead_reaches_the_editor() {
    for (signal, number) in [(Signal::TERM, 15), (Signal::HUP, 1)] {
        let desk = Desk::with("one\n");
        let mut sitting = desk.sit_down(&["f"], "echo two >>\"$1\"; echo saved; exec sleep 60");
        assert_eq!(sitting.line(), "saved");
        let editor = sitting.editor();
        kill(sitting.stead(), signal);
        let ended = sitting.end().expect(128 + number);
        assert!(ended.stderr.contains("your text is kept in "), "{ended:?}");
        assert!(!is_alive(editor));
        assert_eq!((desk.text("f"), desk.draft()), ("one\n".to_owned(), "one\ntwo\n".to_owned()));
    }
}

/// Editors save on a signal what they have, as they do without us.
#[test]
fn what_an_editor_saves_at_its_end_counts() {
    let desk = Desk::with("one\n");
    let mut sitting =
        desk.sit_down(&["f"], "trap 'echo last >>\"$1\"; exit 0' TERM; echo set; while :; do read line; done");
    assert_eq!(sitting.line(), "set");
    kill(sitting.stead(), Signal::TERM);
    sitting.end().expect(0);
    assert_eq!(desk.text("f"), "one\nlast\n");
}

#[test]
fn sigint_to_both_leaves_the_decision_to_the_editor() {
    let desk = Desk::with("one\n");
    let mut sitting =
        desk.sit_down(&["f"], "trap 'echo got it' INT; echo set; read line; read line; echo two >>\"$1\"");
    assert_eq!(sitting.line(), "set");
    kill(sitting.stead(), Signal::INT);
    kill(sitting.editor(), Signal::INT);
    sitting.tell("one");
    wait_until("the editor got it", || (sitting.line() == "got it").then_some(()));
    sitting.end().expect(0);
    assert_eq!(desk.text("f"), "one\ntwo\n");
}

/// The lock goes with stead; the draft stays, and so does the editor.
#[test]
fn a_killed_session_is_offered_again() {
    let desk = Desk::with("one\n");
    let mut sitting = desk.sit_down(&["f"], &format!("echo two >>\"$1\"; {UNTIL_KEPT}; echo kept; read line"));
    assert_eq!(sitting.line(), "kept");
    sitting.kill_stead();
    // While the editor is there, nobody else is to go on with its draft; the file is free.
    let next = desk.edit(&["--no-wait", "f"], ":").expect(0);
    assert!(
        next.says(&format!("is still open in pid {}\nhint: what is saved there is offered once", sitting.editor())),
        "{next:?}"
    );
    assert!(next.stderr.ends_with("stead: f: nothing was changed, nothing is written\n"), "{next:?}");
    kill(sitting.editor(), Signal::KILL);
    wait_until("the editor is gone", || (!is_alive(sitting.editor())).then_some(()));
    let next = desk.edit(&["--no-wait", "f"], ":").expect(0);
    assert!(next.stderr.contains(" has a draft, saved "), "{next:?}");
    assert!(
        next.stderr.contains("that never got into it; it is left alone\nhint: go on with it: `stead edit --recover "),
        "{next:?}"
    );
    assert_eq!((desk.text("f"), desk.draft()), ("one\n".to_owned(), "one\ntwo\n".to_owned()));
    desk.edit(&["--recover", "f"], ":").expect(0);
    assert_eq!((desk.text("f"), desk.rooms()), ("one\ntwo\n".to_owned(), 0));
}

/// An editor that outlived its session works on: who asks for its draft, or for the file, is to know.
#[test]
fn an_editor_that_outlived_its_session_is_told_of() {
    let desk = Desk::with("one\n");
    let mut sitting = desk.sit_down(&["f"], &format!("echo two >>\"$1\"; {UNTIL_KEPT}; echo kept; read line"));
    assert_eq!(sitting.line(), "kept");
    sitting.kill_stead();
    let pid = format!("pid {}", sitting.editor());
    let recovering = desk.edit(&["--recover", "f"], ": >ran");
    assert!(recovering.says(&pid) && !desk.exists("ran"), "{recovering:?}");
    let editing = desk.edit(&["f"], ":");
    assert!(editing.says(&pid), "{editing:?}");
    assert_eq!(desk.drafts()[0]["in_use"], true);
}

/// An editor that was killed while it saved in place leaves half a text; the whole one before it is kept as well.
#[test]
fn the_whole_text_before_half_a_one_is_kept() {
    let desk = Desk::with("one\n");
    let script = format!("echo two >>\"$1\"; {UNTIL_KEPT}; echo kept; printf 'o' >\"$1\"; echo torn; read line");
    let mut sitting = desk.sit_down(&["f"], &script);
    assert_eq!((sitting.line().as_str(), sitting.line().as_str()), ("kept", "torn"));
    kill(sitting.editor(), Signal::KILL);
    sitting.end().expect(137);
    let earlier = desk.drafts()[0]["earlier"].as_array().unwrap().clone();
    let texts: Vec<String> =
        earlier.iter().map(|path| std::fs::read_to_string(path.as_str().unwrap()).unwrap()).collect();
    assert!(texts.contains(&"one\ntwo\n".to_owned()), "{texts:?}");
    let told = desk.edit(&["--recover", "f"], "exit 1").expect(1);
    assert!(told.says("hint: what was saved before is in "), "{told:?}");
    assert_eq!(desk.draft(), "one\ntwo\n");
}

#[test]
fn a_session_killed_before_anything_was_saved_leaves_nothing() {
    let desk = Desk::with("one\n");
    let mut sitting = desk.sit_down(&["f"], "read line");
    sitting.kill_stead();
    assert_eq!(desk.drafts(), [serde_json::Value::Null; 0]);
    kill(sitting.editor(), Signal::KILL);
    wait_until("the editor is gone", || (!is_alive(sitting.editor())).then_some(()));
    assert_eq!(desk.edit(&["f"], "echo two >>\"$1\"").expect(0).stderr, "stead: saved f\n");
    assert_eq!(desk.rooms(), 0);
}
