//! On a terminal, as tmux makes one: questions, colours, keys, and two people with vim and nano.

mod leftovers;
mod together;

use testkit::{Tmux, tool};

use crate::rig::{Rig, finish};

/// An editor that adds a line and ends.
const ADDS: &str = "--editor \"sh -c 'echo typed here >> \\$0'\"";
const QUESTION: &str = "ponder: what now: [w]ait, [r]ead, [l]eave?";

impl Rig {
    /// A terminal in this folder. `None`, and said why, where a tool is missing.
    fn terminal(&self, editors: &[&str]) -> Option<Tmux> {
        let all = editors.iter().all(|editor| tool(editor));
        if all { Tmux::open_as(&self.command("bash", &[])) } else { None }
    }

    /// Today's entry as it is in the journal.
    fn text(&self) -> String {
        std::fs::read_to_string(self.today()).unwrap_or_default()
    }
}

#[test]
fn the_second_is_told_who_is_writing_and_since_when_and_asked() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&[]) else { return };
    rig.run(&["add", "begun"]).expect(0);
    let first = rig.open("first", &[], "", "");
    let asked = |answer: &str| {
        terminal.clear();
        terminal.type_line(&format!("$PONDER {ADDS}"));
        let screen = terminal.expect(QUESTION);
        let (path, pid) = (rig.today(), first.pid());
        let told = format!("ponder: busy: {} is held exclusively by pid {pid} (sh ", path.display());
        assert!(screen.contains(&told) && screen.contains(", for "), "{told} in {screen}");
        terminal.type_line(answer);
    };
    // What is saved is printed, and nothing is changed.
    asked("r");
    assert_eq!(terminal.ended(), 0);
    terminal.expect("\nbegun\n");
    asked("leave");
    assert_eq!(terminal.ended(), 75);
    // Anything else is asked again.
    asked("what?");
    terminal.until("it is asked again", |screen| (screen.matches(QUESTION).count() == 2).then_some(()));
    terminal.type_line("w");
    terminal.expect("ponder: waiting for ");
    first.end().expect(0);
    assert_eq!(terminal.ended(), 0);
    terminal.expect("ponder: saved ");
    assert_eq!(rig.text().matches("typed here").count(), 1);
}

/// There is nothing to be read yet where the entry is being begun.
#[test]
fn an_entry_that_is_being_begun_has_nothing_to_read() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&[]) else { return };
    let first = rig.open("first", &[], "", "");
    terminal.type_line(&format!("$PONDER {ADDS}"));
    terminal.expect(QUESTION);
    terminal.type_line("r");
    assert_eq!(terminal.ended(), 0);
    terminal.expect("ponder: nothing is saved yet");
    first.end().expect(0);
    assert!(!rig.today().exists());
}

#[test]
fn flags_are_the_answer() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&[]) else { return };
    let first = rig.open("first", &[], "", "");
    for (flags, code) in [("--no-wait", 75), ("--wait 10ms", 124), ("--log-format json", 75)] {
        terminal.type_line(&format!("$PONDER {flags} {ADDS}"));
        assert_eq!(terminal.ended(), code, "{flags}");
    }
    assert!(!terminal.screen().contains("[w]ait"));
    first.end().expect(0);
}

/// What the command prints on a terminal, byte for byte.
fn printed(rig: &Rig, line: &str) -> Option<String> {
    tool("script").then(|| finish(rig.command("script", &["-qefc", line, "/dev/null"])).expect(0).stdout)
}

#[test]
fn what_is_no_text_does_not_reach_the_terminal() {
    let rig = Rig::new();
    rig.write("journal/2020/02/02.md", b"bell \x07 caf\xe9 and \x1b[31mred\n");
    let Some(shown) = printed(&rig, "$PONDER show 2020-02-02") else { return };
    assert!(shown.contains("bell \\u{7} caf\u{fffd} and \\u{1b}[31mred"), "{shown:?}");
    let shown = printed(&rig, "$PONDER search red").unwrap();
    assert!(shown.contains("\u{1b}[31mred\u{1b}[0m"), "{shown:?}");
    let shown = printed(&rig, "NO_COLOR=1 $PONDER search red").unwrap();
    assert!(shown.contains("\\u{1b}[31mred") && !shown.contains("\u{1b}[1m"), "{shown:?}");
}

#[test]
fn an_addition_can_be_typed() {
    let rig = Rig::new();
    let Some(terminal) = rig.terminal(&[]) else { return };
    terminal.type_line("$PONDER add");
    terminal.expect("Ctrl-D");
    terminal.type_line("typed");
    terminal.press("C-d");
    assert_eq!(terminal.ended(), 0);
    assert!(rig.text().ends_with("\n\ntyped\n"));
    terminal.clear();
    terminal.type_line("$PONDER add");
    terminal.expect("Ctrl-D");
    terminal.type_line("not this");
    terminal.press("C-c");
    assert_eq!(terminal.ended(), 130);
    assert!(rig.text().ends_with("\n\ntyped\n"));
}
