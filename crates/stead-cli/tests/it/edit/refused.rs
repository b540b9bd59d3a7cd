//! Bad input: a message that says what and what next, the right exit code, nothing created or changed on the way.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::Desk;
use crate::rig::{Outcome, Rig, finish, set_mode};

/// Runs it in a folder with all that is bad in it, and looks that nothing there changed.
#[track_caller]
fn refused(args: &[&str], variables: &[(&str, &str)], code: i32, message: &str) -> Outcome {
    let desk = Desk::with("one\n");
    std::fs::create_dir(desk.path("folder")).unwrap();
    symlink("nowhere/file", desk.path("dangling")).unwrap();
    symlink("loop", desk.path("loop")).unwrap();
    desk.write("not-executable", b"#!/bin/sh\n");
    desk.sh("mkfifo fifo").expect(0);
    let before = desk.everything();
    let mut command = desk.command(args);
    command.envs(variables.iter().copied());
    let outcome = finish(command).expect(code);
    assert!(outcome.stderr.contains(message), "{outcome:?}");
    assert_eq!(outcome.stdout, "");
    assert!(outcome.says("hint: ") || outcome.says("Usage: ") || outcome.says("--help"), "says what next: {outcome:?}");
    assert_eq!(desk.everything(), before);
    outcome
}

#[test]
fn an_editor_that_cannot_be_used() {
    let by_flag = |editor: &str, code, message: &str| {
        refused(&["f", "--editor", editor], &[("EDITOR", "true")], code, message);
    };
    by_flag("no-such-editor", 127, "command not found: no-such-editor, named by --editor");
    by_flag("./not-executable", 126, "cannot run ./not-executable: permission denied, named by --editor");
    by_flag("./folder", 126, "cannot run ./folder: it is not a file, named by --editor");
    by_flag("'open", 64, "a quote is left open");
    by_flag("", 64, "names no program");
    by_flag("''", 64, "names no program");
    for name in ["STEAD_EDITOR", "VISUAL", "EDITOR"] {
        let by_variable =
            |editor: &str, code, message: &str| refused(&["f"], &[(name, editor)], code, &message.replace("VAR", name));
        by_variable("no-such-editor", 127, "command not found: no-such-editor, named by $VAR");
        by_variable("./folder", 126, "cannot run ./folder: it is not a file, named by $VAR");
        by_variable("\"open", 78, "$VAR: \"open: a quote is left open");
        by_variable("  ", 78, "names no program");
    }
}

#[test]
fn what_cannot_be_edited() {
    refused(&["folder", "--editor", "true"], &[], 66, "folder: not a regular file");
    refused(&["fifo", "--editor", "true"], &[], 66, "fifo: not a regular file");
    refused(&["/dev/null", "--editor", "true"], &[], 66, "/dev/null: not a regular file");
    refused(&["missing/f", "--editor", "true"], &[], 73, "missing/f");
    refused(&["dangling", "--editor", "true"], &[], 73, "dangling");
    refused(&["", "--editor", "true"], &[], 64, "a value is required");
    let looped = Desk::with("");
    symlink("loop", looped.path("loop")).unwrap();
    let said = looped.edit(&["loop"], ": >ran");
    assert!(said.code != Some(0) && said.says("loop") && !looped.exists("ran"), "{said:?}");
}

#[test]
fn a_bad_file_leaves_nothing_beside_the_good_ones() {
    refused(&["f", "folder", "--editor", "true"], &[], 66, "folder: not a regular file");
    refused(&["f", "missing/f", "--editor", "true"], &[], 73, "missing/f");
}

#[test]
fn a_folder_that_is_a_file() {
    refused(&["f/g", "--editor", "true"], &[], 73, "f/g: Not a directory");
}

#[test]
fn words_that_do_not_go_together() {
    refused(&[], &[], 64, "required");
    refused(&["f", "--no-wait", "--wait", "1s"], &[], 64, "cannot be used with");
    refused(&["f", "--json"], &[], 64, "--list-drafts");
    refused(&["--list-drafts", "--recover"], &[], 64, "cannot be used with");
    refused(&["f", "--wait", "5"], &[], 64, "500ms, 30s");
    refused(&["--recover"], &[("EDITOR", "true")], 1, "there is no draft to recover");
    refused(&["--recover", "f"], &[("EDITOR", "true")], 1, "there is no draft to recover");
}

#[test]
fn a_folder_for_drafts_that_cannot_be_used() {
    for (folder, code) in [("f", 73), ("f/sub", 73)] {
        let desk = Desk::with("one\n");
        let mut command = desk.command(&["f", "--editor", "touch ran"]);
        let said = finish({
            command.env("STEAD_DRAFTS", desk.path(folder));
            command
        });
        assert!(said.stderr.contains(&desk.path(folder).display().to_string()), "{said:?}");
        assert!(said.stderr.contains("hint: name a folder of your own in STEAD_DRAFTS"), "{said:?}");
        assert!(!desk.exists("ran") && desk.text("f") == "one\n");
        assert_eq!(said.code, Some(code), "{said:?}");
    }
}

/// `stead edit` as a user without rights.
fn without_rights(desk: &Desk, args: &[&str]) -> Command {
    desk.dressed(desk.stead_without_rights(&[&["edit"], args].concat()))
}

#[test]
fn a_file_or_folder_without_rights() {
    let desk = Desk::on(Rig::for_all());
    set_mode(&desk.path("home"), 0o777);
    desk.write("secret", b"bytes");
    desk.write("read-only", b"bytes");
    std::fs::create_dir(desk.path("locked")).unwrap();
    desk.write("locked/data", b"bytes");
    set_mode(&desk.path("secret"), 0o000);
    set_mode(&desk.path("read-only"), 0o444);
    set_mode(&desk.path("locked"), 0o555);
    let editor = desk.editor("echo more >>\"$1\"; : >ran");
    let run = |path: &str| finish(without_rights(&desk, &[path, "--editor", &editor]));
    let secret = run("secret").expect(77);
    assert!(secret.says("secret: permission denied") && secret.says("hint: "), "{secret:?}");
    let locked = run("locked/data");
    assert!(locked.code == Some(73) || locked.code == Some(77), "{locked:?}");
    assert!(locked.stderr.to_lowercase().contains("permission denied") && locked.says("hint: "), "{locked:?}");
    let new = run("locked/new").expect(73);
    assert!(new.stderr.to_lowercase().contains("permission denied") && new.says("hint: "), "{new:?}");
    assert!(!desk.exists("ran"), "nobody types a text that cannot be saved");
    set_mode(&desk.path("locked"), 0o755);
    let read_only = run("read-only").expect(77);
    assert!(read_only.says("read-only") && read_only.says("hint: "), "{read_only:?}");
    assert!(!desk.exists("ran"), "nobody types a text that cannot be saved");
}
