//! What was saved and is not in the entry is offered at the next session.

use rustix::process::Signal;
use testkit::{Tmux, wait_until};

use super::together::{TITLE, open_vim};
use super::{ADDS, Rig};
use crate::rig::{is_alive, kill};

const QUESTION: &str = "[r]ecover, [k]eep for later, [d]iscard?";

/// Whether a draft is offered at the next session, which is then let go on without it.
fn is_offered(terminal: &Tmux) -> bool {
    terminal.clear();
    terminal.type_line(&format!("$PONDER {ADDS}"));
    let offered =
        terminal.until("it asks or ends", |screen| match (screen.contains(QUESTION), screen.contains("saved ")) {
            (true, _) => Some(true),
            (false, saved) => saved.then_some(false),
        });
    if offered {
        terminal.type_line("k");
    }
    assert_eq!(terminal.ended(), 0);
    offered
}

#[test]
fn a_draft_that_was_left_is_recovered_kept_or_discarded() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&[]) else { return };
    rig.edit(&[], "echo left >> \"$1\"; exit 1").expect(1);
    let answer = |letter: &str| {
        terminal.clear();
        terminal.type_line(&format!("$PONDER {ADDS}"));
        terminal.expect(QUESTION);
        terminal.type_line(letter);
        assert_eq!(terminal.ended(), 0);
    };
    answer("k");
    assert!(!rig.text().contains("left") && rig.text().contains("typed here"));
    answer("recover");
    assert!(rig.text().contains("\nleft\n"));
    rig.run(&["recover", "--list"]).expect(1);
    rig.edit(&[], "echo gone >> \"$1\"; exit 1").expect(1);
    answer("d");
    rig.run(&["recover", "--list"]).expect(1);
    assert!(!rig.text().contains("gone"));
}

/// `:cq` is how one says no to a program that waits for vim.
#[test]
fn what_vim_had_saved_before_cq_is_kept_and_asked_about() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&["vim"]) else { return };
    let path = rig.today();
    open_vim(&terminal, "");
    terminal.vim_adds("saved before cq");
    terminal.vim_saves();
    terminal.type_line(":cq");
    assert_eq!(terminal.ended(), 1);
    let screen = terminal.expect(&format!("\nponder: {} is as it was: the editor ended with ", path.display()));
    let hint = format!("\nhint: go on with it: `ponder recover {}`\n", path.display());
    assert!(screen.contains(" 1; your text is kept in ") && screen.contains(&hint), "{hint} in {screen}");
    assert!(!path.exists());

    let ask = |answer: &str| {
        terminal.clear();
        terminal.type_line("$PONDER --editor vim");
        let screen = terminal.expect(QUESTION);
        assert!(screen.contains(&path.display().to_string()) && screen.contains(" draft"), "{screen}");
        terminal.type_line(answer);
        terminal.vim_shows(TITLE);
    };
    // Kept: vim begins without it, and it is asked about again.
    ask("k");
    assert!(!terminal.screen().contains("saved before cq"));
    terminal.type_line(":q");
    assert_eq!(terminal.ended(), 0);
    assert!(rig.draft().contains("saved before cq"));
    // Recovered: vim goes on with it.
    ask("r");
    terminal.expect("\nsaved before cq\n");
    terminal.vim_adds("and gone on");
    terminal.type_line(":wq");
    assert_eq!(terminal.ended(), 0);
    assert!(rig.text().ends_with("\nsaved before cq\nand gone on\n"), "{}", rig.text());
    rig.run(&["recover", "--list"]).expect(1);
    // Discarded: it is gone.
    open_vim(&terminal, "");
    terminal.vim_adds("not wanted");
    terminal.vim_saves();
    terminal.type_line(":cq");
    assert_eq!(terminal.ended(), 1);
    ask("d");
    terminal.type_line(":q");
    assert_eq!(terminal.ended(), 0);
    rig.run(&["recover", "--list"]).expect(1);
    assert!(!rig.text().contains("not wanted"));
}

#[test]
fn what_was_saved_survives_the_terminal() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&["vim"]) else { return };
    let other = terminal.another();
    open_vim(&terminal, "");
    terminal.vim_adds("saved");
    terminal.vim_saves();
    terminal.vim_adds("typed only");
    let ponder = rig.writer();
    terminal.close();
    wait_until("ponder is gone", || (!is_alive(ponder)).then_some(()));
    assert_eq!((rig.text().as_str(), rig.held()), ("", 0));
    assert!(rig.draft().ends_with("\nsaved\n"), "{}", rig.draft());
    other.type_line("$PONDER --editor vim");
    other.expect(QUESTION);
    other.type_line("r");
    // vim has left a file of its own beside the draft, with what was not saved.
    other.expect("(R)ecover");
    other.press("r");
    other.expect("Press ENTER");
    other.press("Enter");
    other.vim_shows(TITLE);
    other.expect("\nsaved\ntyped only\n");
    other.type_line(":wq");
    assert_eq!(other.ended(), 0);
    // vim's own file is vim's to remove.
    assert!(rig.text().ends_with("\nsaved\ntyped only\n"), "{}", rig.text());
}

#[test]
fn a_scripted_editor_survives_the_terminal() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&[]) else { return };
    let other = terminal.another();
    rig.write("editor.sh", "echo typed >> \"$1\"; echo editor is open; exec cat");
    terminal.type_line("$PONDER --editor 'sh editor.sh'");
    terminal.expect("editor is open");
    let ponder = rig.writer();
    terminal.close();
    wait_until("ponder is gone", || (!is_alive(ponder)).then_some(()));
    assert!(rig.draft().ends_with("typed\n"));
    other.type_line("$PONDER recover --editor true");
    assert_eq!(other.ended(), 0);
    assert!(rig.text().ends_with("typed\n"));
}

/// kill -9 of ponder alone: the lock is free at once, but as long as vim lives the draft is vim's.
#[test]
fn the_draft_of_an_editor_that_lives_is_not_taken() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&["vim"]) else { return };
    let other = terminal.another();
    open_vim(&terminal, "");
    terminal.vim_adds("saved by vim");
    terminal.vim_saves();
    let ponder = rig.writer();
    let vim = Rig::child_of(ponder);
    kill(ponder, Signal::KILL);
    wait_until("the lock is free", || (rig.held() == 0).then_some(()));
    assert!(!is_offered(&other), "its editor has it open");
    other.expect(&format!(" pid {vim}\n"));
    assert!(is_alive(vim), "vim was there all the time");
    assert_eq!(rig.text().matches("typed here").count(), 1, "the lock was free");
    kill(vim, Signal::KILL);
    wait_until("vim is gone", || (!is_alive(vim)).then_some(()));
    assert!(is_offered(&other));
    other.clear();
    other.type_line("$PONDER recover --editor true");
    assert_eq!(other.ended(), 0);
    assert_eq!(rig.text().matches("\nsaved by vim\n").count(), 1, "{}", rig.text());
}
