//! Which editor.

use std::process::Command;

use testkit::wait_until;

use super::Desk;
use crate::rig::{Outcome, finish, set_mode};

/// `stead edit f` where the PATH is `tools` alone.
fn command(desk: &Desk, variables: &[(&str, &str)]) -> Command {
    let mut command = desk.command(&["f"]);
    command.env("PATH", desk.path("tools")).envs(variables.iter().copied());
    command
}

fn run(desk: &Desk, variables: &[(&str, &str)]) -> Outcome {
    finish(command(desk, variables))
}

#[test]
fn the_first_that_is_named_is_taken() {
    let desk = Desk::with("one\n");
    for name in ["argument", "stead", "visual", "editor", "nano", "vim", "vi"] {
        desk.program(name, "echo \"${0##*/} $#\" >ran");
    }
    let order = [("STEAD_EDITOR", "stead"), ("VISUAL", "visual"), ("EDITOR", "editor -x")];
    // Which one, and with how many arguments: the draft is the last.
    for (first, ran) in ["stead 1\n", "visual 1\n", "editor 2\n"].iter().enumerate() {
        run(&desk, &order[first..]).expect(0);
        assert_eq!(desk.text("ran"), *ran);
        // One that is empty names none.
        let mut with_empty = order;
        with_empty[..first].iter_mut().for_each(|(_, value)| *value = "");
        run(&desk, &with_empty).expect(0);
        assert_eq!(desk.text("ran"), *ran);
    }
    let mut by_argument = command(&desk, &order);
    by_argument.args(["--editor", "argument -a -b"]);
    finish(by_argument).expect(0);
    assert_eq!(desk.text("ran"), "argument 3\n");
}

#[test]
fn without_a_name_the_first_that_is_there_is_taken() {
    let desk = Desk::with("one\n");
    let known = ["nano", "vim", "vi"];
    for name in known {
        desk.program(name, "echo \"${0##*/}\" >ran");
    }
    for name in known {
        run(&desk, &[]).expect(0);
        assert_eq!(desk.text("ran"), format!("{name}\n"));
        // It is passed over where it cannot be run.
        if name == "nano" {
            set_mode(&desk.path("tools/nano"), 0o644);
        } else {
            std::fs::remove_file(desk.path("tools").join(name)).unwrap();
        }
    }
    let none = run(&desk, &[]).expect(127);
    assert!(none.stderr.contains("there is none of nano, vim, vi: name one in EDITOR"), "{none:?}");
}

#[test]
fn trap_46_a_path_may_have_blanks_and_an_editor_arguments() {
    let desk = Desk::with("one\n");
    std::fs::create_dir(desk.path("tools/my editors")).unwrap();
    let path = desk.program("my editors/the editor", "printf '%s|' \"$1\" \"$2\" >ran; echo two >>\"$3\"");
    let shown = path.display();
    for line in [
        format!("'{shown}' -w 'a b'"),
        format!("\"{shown}\" -w \"a b\""),
        shown.to_string().replace(' ', "\\ ") + " -w a\\ b",
    ] {
        run(&desk, &[("VISUAL", &line)]).expect(0);
        assert_eq!(desk.text("ran"), "-w|a b|", "{line}");
    }
    assert_eq!(desk.text("f"), "one\ntwo\ntwo\ntwo\n");
}

#[test]
fn trap_46_no_shell_sees_the_command() {
    let desk = Desk::with("one\n");
    desk.program("e", "printf '%s|' \"$@\" >ran");
    run(&desk, &[("EDITOR", "e $HOME `id` ; * >x ~")]).expect(0);
    assert!(desk.text("ran").starts_with("$HOME|`id`|;|*|>x|~|/"), "{}", desk.text("ran"));
    assert!(!desk.exists("x"));
}

/// `code` without `--wait` returns at once; its window saves later.
#[test]
fn trap_46_an_editor_that_returns_at_once_is_noticed_and_explained() {
    let desk = Desk::with("one\n");
    // As a window does, whose process knows the draft.
    desk.program("window", "until [ -e go ]; do /bin/sleep 0.01; done; echo two >>\"$1\"; : >saved");
    desk.program("code", "tools/window \"$@\" </dev/null >/dev/null 2>&1 &");
    let left = run(&desk, &[("EDITOR", "code")]).expect(78);
    assert!(left.stderr.starts_with("stead: code has returned, but pid "), "{left:?}");
    assert!(
        left.stderr.contains("hint: code leaves its window open and returns at once: use `code --wait`"),
        "{left:?}"
    );
    assert!(
        left.stderr.contains("f: nothing was saved so far\nhint: what is saved there later is not lost"),
        "{left:?}"
    );
    assert!(left.stderr.ends_with("`stead edit --recover f`\n"), "{left:?}");
    desk.write("go", b"");
    wait_until("the window has saved", || desk.exists("saved").then_some(()));
    assert_eq!(desk.text("f"), "one\n");
    assert_eq!(desk.draft(), "one\ntwo\n");
    let told = wait_until("its window is gone", || {
        let told = desk.edit(&["f"], ":").expect(0);
        told.says(" has a draft, saved ").then_some(told)
    });
    assert!(told.stderr.contains("it is left alone"), "{told:?}");
    desk.edit(&["--recover", "f"], ":").expect(0);
    assert_eq!((desk.text("f"), desk.rooms()), ("one\ntwo\n".to_owned(), 0));
}

/// Its window belongs to a process that was there before and knows nothing of the draft, as far as can be seen.
#[test]
fn trap_46_an_editor_known_to_return_at_once_is_explained() {
    let desk = Desk::with("one\n");
    desk.program("code", ":");
    let left = run(&desk, &[("EDITOR", "code")]).expect(78);
    assert!(left.stderr.contains("code returned at once\nhint: code leaves its window open"), "{left:?}");
    assert!(left.stderr.contains("nothing was saved so far"), "{left:?}");
    let room = std::fs::read_dir(desk.path("home/state/stead/drafts")).unwrap().next().unwrap().unwrap();
    // The window saves now.
    desk.sh(&format!("echo two >>'{}/text/f'", room.path().display())).expect(0);
    assert_eq!(desk.draft(), "one\ntwo\n");
    desk.edit(&["--recover", "f"], ":").expect(0);
    assert_eq!(desk.text("f"), "one\ntwo\n");
    // With its flag it is believed; so is one that saved something.
    run(&desk, &[("EDITOR", "code --wait")]).expect(0);
    desk.program("code", "echo three >>\"$1\"");
    run(&desk, &[("EDITOR", "code")]).expect(0);
    assert_eq!(desk.text("f"), "one\ntwo\nthree\n");
}

#[test]
fn an_unknown_editor_that_leaves_a_window_is_noticed() {
    let desk = Desk::with("one\n");
    desk.program("window", "until [ -e go ]; do /bin/sleep 0.01; done; echo two >>\"$1\"");
    desk.program("myedit", "tools/window \"$@\" </dev/null >/dev/null 2>&1 &");
    let left = run(&desk, &[("EDITOR", "myedit")]).expect(78);
    assert!(left.stderr.contains("myedit has returned, but pid "), "{left:?}");
    assert!(left.stderr.contains("hint: give the editor the flag that makes it wait"), "{left:?}");
    desk.write("go", b"");
    wait_until("it is offered", || desk.edit(&["f"], ":").says(" has a draft, saved ").then_some(()));
    assert_eq!(desk.draft(), "one\ntwo\n");
}
