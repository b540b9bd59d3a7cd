//! On a terminal, with editors that people use: two in a row, keys that end or stop, a terminal that goes away.

use testkit::{Tmux, tool, wait_until};

use super::Desk;
use crate::rig::{is_alive, state};

impl Desk {
    /// A terminal in this folder. `None`, and said why, where a tool is missing.
    pub(super) fn terminal(&self, editors: &[&str]) -> Option<Tmux> {
        let all = editors.iter().all(|editor| tool(editor));
        let command = self.dressed(self.rig.command("bash", &[]));
        if all { Tmux::open_as(&command) } else { None }
    }
}

/// Starts vim on `f`, and waits until it shows its first line.
pub(super) fn start_vim(terminal: &Tmux, args: &str, first: &str) {
    terminal.type_line(&format!("$STEAD edit --editor vim {args}"));
    in_vim(terminal, first);
}

/// Waits until vim shows this as its first line.
pub(super) fn in_vim(terminal: &Tmux, first: &str) {
    terminal.until(&format!("vim shows {first:?}"), |screen| {
        (screen.starts_with(first) && screen.contains("\n~")).then_some(())
    });
}

/// Types a line at the end, in vim.
pub(super) fn add_line(terminal: &Tmux, line: &str) {
    terminal.press("G o");
    terminal.expect("-- INSERT --");
    terminal.literal(line);
    terminal.press("Escape");
    terminal.until("vim is done with it", |screen| {
        (screen.contains(line) && !screen.contains("-- INSERT --")).then_some(())
    });
}

#[test]
fn vim_edits_and_saves() {
    let desk = Desk::with("one\n");
    let Some(terminal) = desk.terminal(&["vim"]) else { return };
    start_vim(&terminal, "f", "one");
    add_line(&terminal, "two");
    terminal.type_line(":wq");
    assert_eq!(terminal.ended(), 0);
    terminal.expect("\nstead: saved f\n");
    assert_eq!((desk.text("f"), desk.rooms()), ("one\ntwo\n".to_owned(), 0));
}

#[test]
fn vim_can_end_badly_and_the_draft_is_kept() {
    let desk = Desk::with("one\n");
    let Some(terminal) = desk.terminal(&["vim"]) else { return };
    start_vim(&terminal, "f", "one");
    add_line(&terminal, "two");
    terminal.type_line(":w");
    terminal.expect(" written");
    terminal.type_line(":cq");
    assert_eq!(terminal.ended(), 1);
    let screen = terminal.expect("\nstead: f is as it was: the editor ended with exit code 1; your text is kept in ");
    assert!(screen.contains("\nhint: go on with it: `stead edit --recover f`\n"), "{screen}");
    assert_eq!((desk.text("f"), desk.draft()), ("one\n".to_owned(), "one\ntwo\n".to_owned()));
}

#[test]
fn vim_without_saving_changes_nothing() {
    let desk = Desk::with("one\n");
    let inode = desk.inode("f");
    let Some(terminal) = desk.terminal(&["vim"]) else { return };
    start_vim(&terminal, "f", "one");
    add_line(&terminal, "two");
    terminal.type_line(":q!");
    assert_eq!(terminal.ended(), 0);
    terminal.expect("\nstead: f: nothing was changed, nothing is written\n");
    assert_eq!((desk.inode("f"), desk.text("f"), desk.drafts().len()), (inode, "one\n".to_owned(), 0));
}

#[test]
fn nano_saves() {
    let desk = Desk::with("one\n");
    let Some(terminal) = desk.terminal(&["nano"]) else { return };
    terminal.type_line("$STEAD edit --editor nano f");
    terminal.expect("^X Exit");
    terminal.literal("zero ");
    terminal.press("C-o");
    terminal.expect("File Name to Write");
    terminal.press("Enter");
    terminal.expect("Wrote 1 line");
    terminal.press("C-x");
    assert_eq!(terminal.ended(), 0);
    terminal.expect("\nstead: saved f\n");
    assert_eq!((desk.text("f"), desk.rooms()), ("zero one\n".to_owned(), 0));
}

#[test]
fn a_second_terminal_waits_and_gets_in_when_the_first_ends() {
    let desk = Desk::with("one\n");
    let Some(first) = desk.terminal(&["vim", "nano"]) else { return };
    let second = first.another();
    start_vim(&first, "f", "one");
    add_line(&first, "two");
    second.type_line("$STEAD edit --editor nano f");
    second.expect("stead: waiting for f, held exclusively by pid ");
    second.expect("(vim f)");
    let since = |screen: &str| screen.split_once(", for ").map(|(_, time)| time.to_owned());
    let before = second.until("it says since when", since);
    // Said again, in the same line.
    second.until("the time goes on", |screen| {
        let is_later = since(screen).is_some_and(|now| now != before);
        (is_later && screen.matches("waiting for").count() == 1).then_some(())
    });
    let third = first.another();
    third.type_line("$STEAD edit --editor nano --no-wait f");
    assert_eq!(third.ended(), 75);
    third.expect("stead: busy: f is held exclusively by pid ");
    first.type_line(":wq");
    assert_eq!(first.ended(), 0);
    second.expect("^X Exit");
    second.expect("\ntwo");
    second.literal("zero ");
    second.press("C-x");
    second.expect("Save modified buffer?");
    second.press("y");
    second.expect("File Name to Write");
    second.press("Enter");
    assert_eq!(second.ended(), 0);
    assert_eq!(second.expect("stead: saved f").matches("waiting for").count(), 0, "the line is taken away");
    assert_eq!((desk.text("f"), desk.rooms()), ("zero one\ntwo\n".to_owned(), 0));
}

#[test]
fn ctrl_c_ends_a_wait() {
    let desk = Desk::with("one\n");
    let Some(first) = desk.terminal(&["vim"]) else { return };
    let second = first.another();
    start_vim(&first, "f", "one");
    second.type_line("$STEAD edit --editor vim f");
    second.expect("waiting for f");
    second.press("C-c");
    assert_eq!(second.ended(), 130);
    first.type_line(":q");
    assert_eq!(first.ended(), 0);
}

#[test]
fn ctrl_c_in_the_editor_is_the_editors() {
    let desk = Desk::with("one\n");
    let Some(terminal) = desk.terminal(&["vim"]) else { return };
    start_vim(&terminal, "f", "one");
    // vim takes it as a key; where the terminal makes a signal of it, in a command, both get it.
    terminal.press("C-c");
    terminal.expect("Type  :qa");
    // One process that says that it is there: a shell between two commands now and then misses the signal.
    desk.write("said", b"in the shell\n");
    terminal.type_line(":!exec cat said -");
    terminal.expect("in the shell");
    terminal.press("C-c");
    terminal.expect("Press ENTER");
    terminal.press("Enter");
    in_vim(&terminal, "one");
    add_line(&terminal, "two");
    terminal.type_line(":wq");
    assert_eq!(terminal.ended(), 0);
    terminal.expect("\nstead: saved f\n");
    assert_eq!(desk.text("f"), "one\ntwo\n");
}

#[test]
fn ctrl_z_stops_both_and_fg_goes_on() {
    let desk = Desk::with("one\n");
    let Some(terminal) = desk.terminal(&["vim"]) else { return };
    let other = terminal.another();
    start_vim(&terminal, "f", "one");
    for round in ["two", "three"] {
        add_line(&terminal, round);
        terminal.press("C-z");
        assert!([147, 148].contains(&terminal.ended()), "128 + SIGSTOP or SIGTSTP");
        terminal.type_line("jobs -p >jobs");
        assert_eq!(terminal.ended(), 0);
        let stead: i32 = desk.text("jobs").trim().parse().unwrap();
        assert_eq!(state(stead), Some('T'));
        // It is still held, and by whom is said.
        other.type_line("$STEAD edit --editor vim --no-wait f");
        assert_eq!(other.ended(), 75);
        other.expect(&format!("held exclusively by pid {stead} (vim f)"));
        terminal.type_line("fg");
        in_vim(&terminal, "one");
    }
    terminal.type_line(":wq");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(desk.text("f"), "one\ntwo\nthree\n");
}

/// The pid of whoever edits the file.
fn session_of(desk: &Desk, name: &str) -> i32 {
    let who = super::json(&desk.stead(&["who", "--json", name]).expect(0));
    let text = who.to_string();
    let pid = text.split("\"pid\":").nth(1).unwrap().split(|c: char| !c.is_ascii_digit()).next().unwrap();
    pid.parse().unwrap()
}

#[test]
fn what_was_saved_survives_the_terminal() {
    let desk = Desk::with("one\n");
    let Some(terminal) = desk.terminal(&["vim"]) else { return };
    let other = terminal.another();
    start_vim(&terminal, "f", "one");
    add_line(&terminal, "two");
    terminal.type_line(":w");
    terminal.expect(" written");
    add_line(&terminal, "not saved");
    let stead = session_of(&desk, "f");
    terminal.close();
    wait_until("stead is gone", || (!is_alive(stead)).then_some(()));
    assert_eq!(desk.text("f"), "one\n");
    assert_eq!(desk.draft(), "one\ntwo\n");
    // Whoever opens the file again is asked.
    let question = "that never got into it. What now: [r]ecover, [k]eep for later, [d]iscard? ";
    other.type_line("$STEAD edit --editor vim f");
    other.expect(question.trim_end());
    other.type_line("r");
    // vim has left a file of its own beside the draft, with what was not saved.
    other.expect("(R)ecover");
    other.press("r");
    other.expect("Press ENTER");
    other.press("Enter");
    in_vim(&other, "one\ntwo\nnot saved\n");
    other.type_line(":wq");
    assert_eq!(other.ended(), 0);
    assert_eq!((desk.text("f"), desk.rooms()), ("one\ntwo\nnot saved\n".to_owned(), 0));
}

#[test]
fn what_nano_saves_when_its_terminal_goes_is_offered() {
    let desk = Desk::with("one\n");
    let Some(terminal) = desk.terminal(&["nano"]) else { return };
    let other = terminal.another();
    terminal.type_line("$STEAD edit --editor nano f");
    terminal.expect("^X Exit");
    terminal.literal("unsaved ");
    terminal.expect("unsaved one");
    let stead = session_of(&desk, "f");
    terminal.close();
    wait_until("stead is gone", || (!is_alive(stead)).then_some(()));
    assert_eq!(desk.text("f"), "one\n");
    other.type_line("$STEAD edit --editor nano --recover f");
    other.expect("unsaved one");
    other.press("C-o");
    other.expect("File Name to Write");
    other.press("Enter");
    other.expect("Wrote 1 line");
    other.press("C-x");
    assert_eq!(other.ended(), 0);
    assert_eq!(desk.text("f"), "unsaved one\n");
}
