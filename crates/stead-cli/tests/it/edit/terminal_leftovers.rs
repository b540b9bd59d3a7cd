//! On a terminal: questions, and a conflict as the editor shows it.

use super::Desk;
use super::terminal::{add_line, in_vim, start_vim};

const QUESTION: &str = "that never got into it. What now: [r]ecover, [k]eep for later, [d]iscard?";

#[test]
fn a_leftover_is_recovered_kept_or_discarded() {
    let desk = Desk::with("one\n");
    let Some(terminal) = desk.terminal(&["vim"]) else { return };
    desk.leave_draft("two");
    terminal.type_line("$STEAD edit --editor vim f");
    terminal.expect(QUESTION);
    terminal.type_line("k");
    in_vim(&terminal, "one\n~");
    terminal.type_line(":q");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(desk.draft(), "one\ntwo\n");

    terminal.clear();
    terminal.type_line("$STEAD edit --editor vim f");
    terminal.expect(QUESTION);
    // What is not understood is asked again.
    terminal.type_line("what");
    terminal.until("it asks again", |screen| (screen.matches(QUESTION).count() == 2).then_some(()));
    terminal.type_line("r");
    in_vim(&terminal, "one\ntwo");
    add_line(&terminal, "three");
    terminal.type_line(":wq");
    assert_eq!(terminal.ended(), 0);
    assert_eq!((desk.text("f"), desk.drafts().len()), ("one\ntwo\nthree\n".to_owned(), 0));

    let draft = desk.leave_draft("four");
    terminal.clear();
    terminal.type_line("$STEAD edit --editor vim f");
    terminal.expect(QUESTION);
    terminal.type_line("d");
    in_vim(&terminal, "one\ntwo\nthree\n~");
    assert!(!draft.exists());
    terminal.type_line(":q");
    assert_eq!(terminal.ended(), 0);
    assert_eq!((desk.text("f"), desk.drafts().len()), ("one\ntwo\nthree\n".to_owned(), 0));
}

/// Ctrl-C at the question changes nothing.
#[test]
fn a_question_can_be_left() {
    let desk = Desk::with("one\n");
    let Some(terminal) = desk.terminal(&["vim"]) else { return };
    desk.leave_draft("two");
    terminal.type_line("$STEAD edit --editor vim f");
    terminal.expect(QUESTION);
    terminal.press("C-c");
    assert_eq!(terminal.ended(), 130);
    assert_eq!((desk.text("f"), desk.draft()), ("one\n".to_owned(), "one\ntwo\n".to_owned()));
    // The end of the input is no answer: kept.
    terminal.clear();
    terminal.type_line("$STEAD edit --editor vim f");
    terminal.expect(QUESTION);
    terminal.press("C-d");
    in_vim(&terminal, "one\n~");
    terminal.type_line(":q");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(desk.draft(), "one\ntwo\n");
}

#[test]
fn a_refusal_of_the_check_is_asked_about() {
    let question = "what now: [e]dit again, [k]eep the draft and leave the file, [s]ave anyway?";
    let desk = Desk::with("one\n");
    let Some(terminal) = desk.terminal(&["vim"]) else { return };
    let edit = |line: &str| {
        terminal.clear();
        start_vim(&terminal, "--check 'grep -q good' f", "one");
        add_line(&terminal, line);
        terminal.type_line(":wq");
        terminal.expect("stead: the check does not approve of what is to be in f");
        terminal.expect(question);
    };
    edit("bad");
    terminal.type_line("k");
    assert_eq!(terminal.ended(), 1);
    terminal.expect("stead: f is as it was; your text is kept in ");
    assert_eq!((desk.text("f"), desk.draft()), ("one\n".to_owned(), "one\nbad\n".to_owned()));

    desk.edit(&["--recover", "f"], "echo one >\"$1\"").expect(0);
    edit("bad");
    terminal.type_line("e");
    in_vim(&terminal, "one\nbad");
    add_line(&terminal, "good");
    terminal.type_line(":wq");
    assert_eq!(terminal.ended(), 0);
    assert_eq!((desk.text("f"), desk.drafts().len()), ("one\nbad\ngood\n".to_owned(), 0));

    desk.write("f", b"one\n");
    edit("worse");
    terminal.type_line("s");
    assert_eq!(terminal.ended(), 0);
    assert_eq!((desk.text("f"), desk.drafts().len()), ("one\nworse\n".to_owned(), 0));
}

#[test]
fn a_conflict_is_shown_in_the_editor_on_recovery() {
    let desk = Desk::with("one\ntwo\n");
    let Some(terminal) = desk.terminal(&["vim"]) else { return };
    start_vim(&terminal, "f", "one");
    terminal.type_line(":s/one/mine/");
    in_vim(&terminal, "mine");
    desk.feed(&["write", "f"], "theirs\ntwo\n").expect(0);
    terminal.type_line(":wq");
    assert_eq!(terminal.ended(), 1);
    terminal.expect("stead: f was changed in the same lines by others: it is as they left it");
    terminal.expect("hint: choose between them: `stead edit --recover f`");
    terminal.clear();
    terminal.type_line("$STEAD edit --editor vim --recover f");
    in_vim(&terminal, "<<<<<<< in the file\ntheirs\n=======\nmine\n>>>>>>> in the draft\ntwo\n");
    terminal.type_line(":g/^<<<<<<<\\|^=======\\|^>>>>>>>/d");
    in_vim(&terminal, "theirs\nmine\ntwo\n");
    terminal.type_line(":wq");
    assert_eq!(terminal.ended(), 0);
    assert_eq!((desk.text("f"), desk.drafts().len()), ("theirs\nmine\ntwo\n".to_owned(), 0));
}

/// `code` without `--wait`, and somebody who can say that he is done.
#[test]
fn an_editor_that_returned_at_once_is_asked_about() {
    let question = "once you have closed its window: [s]ave what is there now, [l]eave the draft for later?";
    for (answer, code, text) in [("s", 0, "one\ntwo\n"), ("l", 78, "one\n")] {
        let desk = Desk::with("one\n");
        let Some(terminal) = desk.terminal(&[]) else { return };
        desk.program("code", "echo \"$1\" >draft-path");
        terminal.type_line("$STEAD edit --editor tools/code f");
        terminal.expect("stead: code returned at once");
        terminal.expect(question);
        let draft = desk.text("draft-path");
        desk.sh(&format!("echo two >>'{}'", draft.trim())).expect(0);
        terminal.type_line(answer);
        assert_eq!(terminal.ended(), code);
        assert_eq!((desk.text("f").as_str(), desk.drafts().len()), (text, usize::from(answer == "l")));
    }
}
