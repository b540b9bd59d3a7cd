//! Two people at two terminals, one with vim and one with nano, and additions from a third.

use rustix::process::Signal;
use testkit::Tmux;

use super::{QUESTION, Rig};
use crate::rig::{is_alive, kill};

/// How an entry begins.
pub(super) const TITLE: &str = "# 20";

/// Opens today's entry in vim, or what else is said.
pub(super) fn open_vim(terminal: &Tmux, args: &str) {
    terminal.clear();
    terminal.type_line(&format!("$PONDER {args} --editor vim"));
    terminal.vim_shows(TITLE);
}

/// How often each of these is a line of the text.
#[track_caller]
fn has_each_once(text: &str, lines: &[&str]) {
    for line in lines {
        assert_eq!(text.lines().filter(|found| found == line).count(), 1, "{line:?} in {text}");
    }
}

/// As issue 5 and seed 000 want it, as a new user would do it.
#[test]
fn two_sessions_and_an_addition_lose_nothing_that_was_saved() {
    let rig = Rig::new();
    let Some(first) = rig.terminal(&["vim", "nano"]) else { return };
    let (second, third) = (first.another(), first.another());
    let path = rig.today();
    let day = rig.run(&["path", "--json"]).json()["date"].as_str().unwrap().to_owned();
    open_vim(&first, "");
    first.vim_adds("vim, saved");
    first.vim_saves();

    second.type_line("$PONDER --editor nano");
    let told = second.expect(QUESTION);
    let pid = rig.writer();
    for part in [
        format!("ponder: busy: {} is held exclusively by pid {pid} (vim {day}), user ", path.display()),
        ", for ".to_owned(),
        "\nhint: wait with --wait 30s, read with `ponder show`, add to it with `ponder add`\n".to_owned(),
    ] {
        assert!(told.contains(&part), "{part:?} in {told}");
    }
    second.type_line("w");
    second.expect(&format!("ponder: waiting for {}, held exclusively by pid {pid}", path.display()));

    third.type_line("$PONDER add 'from the third'");
    assert_eq!(third.ended(), 0);
    third.expect(&format!("\nponder: added to {}\n", path.display()));

    first.vim_adds("vim, saved at the end");
    first.type_line(":wq");
    assert_eq!(first.ended(), 0);
    first.expect(&format!("\nponder: saved {}, together with what others wrote meanwhile\n", path.display()));

    // The second is let in, and sees what all have written.
    second.nano_is_open();
    for line in ["vim, saved", "vim, saved at the end", "from the third"] {
        second.expect(&format!("\n{line}\n"));
    }
    second.literal("nano, saved");
    second.expect("nano, saved");
    second.nano_saves();
    third.type_line("$PONDER add 'from the third, again'");
    assert_eq!(third.ended(), 0);
    second.press("C-x");
    assert_eq!(second.ended(), 0);
    second.expect(&format!("\nponder: saved {}, together with what others wrote meanwhile\n", path.display()));
    let written = ["vim, saved", "vim, saved at the end", "from the third", "from the third, again", "nano, saved"];
    has_each_once(&rig.text(), &written);
    assert_eq!(rig.text().lines().filter(|line| line.starts_with("# ")).count(), 1);
    // Nothing is left to be recovered, or locked.
    rig.run(&["recover", "--list"]).expect(1);
    assert_eq!(rig.held(), 0);
}

#[test]
fn the_second_can_read_or_leave_while_vim_is_open() {
    let rig = Rig::new();
    let Some(first) = rig.terminal(&["vim", "nano"]) else { return };
    let second = first.another();
    rig.run(&["add", "begun"]).expect(0);
    open_vim(&first, "");
    first.vim_adds("not yet in the entry");
    first.vim_saves();
    for (answer, code) in [("r", 0), ("l", 75)] {
        second.clear();
        second.type_line("$PONDER --editor nano");
        second.expect(QUESTION);
        second.type_line(answer);
        assert_eq!(second.ended(), code);
        assert_eq!(second.screen().contains("\nbegun\n"), answer == "r", "{}", second.screen());
    }
    // The next one is asked anew, and Ctrl-C at the question leaves, too.
    second.clear();
    second.type_line("$PONDER --editor nano");
    second.expect(QUESTION);
    second.press("C-c");
    assert_eq!(second.ended(), 130);
    first.type_line(":wq");
    assert_eq!(first.ended(), 0);
    has_each_once(&rig.text(), &["begun", "not yet in the entry"]);
}

#[test]
fn nothing_written_leaves_nothing_behind() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&["vim"]) else { return };
    open_vim(&terminal, "");
    terminal.type_line(":q");
    assert_eq!(terminal.ended(), 0);
    terminal.expect(&format!("\nponder: {}: nothing was changed, nothing is written\n", rig.today().display()));
    assert!(!rig.today().exists());
    rig.run(&["recover", "--list"]).expect(1);
}

#[test]
fn ctrl_c_in_the_editor_does_not_end_ponder() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&["vim"]) else { return };
    open_vim(&terminal, "");
    let ponder = rig.writer();
    // vim takes it as a key; where the terminal makes a signal of it, in a command, both get it.
    terminal.press("C-c");
    terminal.expect("Type  :qa");
    rig.write("said", "in the shell\n");
    terminal.type_line(":!exec cat said -");
    terminal.expect("in the shell");
    terminal.press("C-c");
    terminal.expect("Press ENTER");
    assert!(is_alive(ponder));
    terminal.press("Enter");
    terminal.vim_shows(TITLE);
    terminal.vim_adds("after Ctrl-C");
    terminal.type_line(":wq");
    assert_eq!(terminal.ended(), 0);
    has_each_once(&rig.text(), &["after Ctrl-C"]);
}

#[test]
fn a_wait_can_be_left_by_ctrl_c() {
    let rig = Rig::new();
    let Some(first) = rig.terminal(&["vim"]) else { return };
    let second = first.another();
    open_vim(&first, "");
    second.type_line("$PONDER --editor vim");
    second.expect(QUESTION);
    second.type_line("w");
    second.expect("ponder: waiting for ");
    second.press("C-c");
    assert_eq!(second.ended(), 130);
    first.type_line(":q");
    assert_eq!(first.ended(), 0);
}

#[test]
fn a_look_back_opens_its_entries_in_one_vim() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&["vim"]) else { return };
    let days = ["3 days ago", "2 days ago", "1 day ago"];
    // In no order.
    for day in [days[1], days[0], days[2]] {
        rig.run(&["add", "-d", day, &format!("of {day}")]).expect(0);
    }
    let paths = days.map(|day| rig.run(&["path", day]).expect(0).stdout.trim().to_owned());
    open_vim(&terminal, "--retro");
    terminal.expect("\nof 3 days ago\n");
    let ponder = rig.writer();
    assert_eq!(rig.held(), 3);
    // All of them are kept from others.
    let other = terminal.another();
    other.type_line("$PONDER -d '2 days ago' --editor vim --no-wait");
    assert_eq!(other.ended(), 75);
    other.expect(&format!("ponder: busy: {} is held exclusively by pid {ponder} (vim ", paths[1]));
    terminal.vim_adds("looked back at first");
    terminal.type_line(":wnext");
    terminal.expect("\nof 2 days ago\n");
    terminal.type_line(":next");
    terminal.expect("\nof 1 day ago\n");
    terminal.vim_adds("looked back at last");
    terminal.type_line(":wq");
    assert_eq!(terminal.ended(), 0);
    let screen = terminal.expect(&format!("\nponder: saved {}\n", paths[2]));
    assert!(screen.contains(&format!("\nponder: saved {}\n", paths[0])) && !screen.contains(&paths[1]), "{screen}");
    let [first, between, last] = paths.map(|path| std::fs::read_to_string(path).unwrap());
    assert!(first.ends_with("\nof 3 days ago\nlooked back at first\n"), "{first}");
    assert!(between.ends_with("\nof 2 days ago\n"), "{between}");
    assert!(last.ends_with("\nof 1 day ago\nlooked back at last\n"), "{last}");
}

/// Ctrl-Z stops both; the entry stays locked, and `fg` goes on.
#[test]
fn a_stopped_session_still_holds_its_entry() {
    let rig = Rig::new();
    let Some(first) = rig.terminal(&["vim"]) else { return };
    let second = first.another();
    open_vim(&first, "");
    first.vim_adds("before");
    first.press("C-z");
    assert!([147, 148].contains(&first.ended()), "128 + SIGSTOP or SIGTSTP");
    second.type_line("$PONDER --editor vim --no-wait");
    assert_eq!(second.ended(), 75);
    first.type_line("fg");
    first.vim_shows(TITLE);
    first.type_line(":wq");
    assert_eq!(first.ended(), 0);
    has_each_once(&rig.text(), &["before"]);
}

/// SIGTERM, as at the end of a login, reaches vim, which ends; what it had saved is kept.
#[test]
fn a_session_that_is_told_to_end_keeps_what_was_saved() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&["vim"]) else { return };
    open_vim(&terminal, "");
    terminal.vim_adds("saved before the end");
    terminal.vim_saves();
    kill(rig.writer(), Signal::TERM);
    assert_ne!(terminal.ended(), 0);
    assert_eq!(rig.text(), "");
    terminal.expect("; your text is kept in ");
    assert!(rig.draft().ends_with("\nsaved before the end\n"), "{}", rig.draft());
}
