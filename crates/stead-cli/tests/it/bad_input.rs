//! Bad input: a message that says what and what next, the right exit code, nothing created or changed on the way.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use crate::rig::{Outcome, Rig, finish, is_root, set_mode};

/// Runs it in a folder with all that is bad in it, and looks that nothing there changed.
#[track_caller]
fn refused(args: &[&str], code: i32, message: &str) -> Outcome {
    let rig = Rig::new();
    rig.write("data", b"bytes");
    std::fs::create_dir_all(rig.path("folder/.stead/locks/taken.lock")).unwrap();
    symlink("nowhere", rig.path("dangling")).unwrap();
    symlink("/nonexistent/x", rig.path("far")).unwrap();
    symlink("loop", rig.path("loop")).unwrap();
    rig.write("not-executable", b"#!/bin/sh\n");
    rig.write("script", b"#!/no/such/interpreter -x\n");
    set_mode(&rig.path("script"), 0o755);
    assert_eq!(rig.sh("mkfifo fifo").code, Some(0));
    let before = rig.everything();
    let outcome = rig.run(args).expect(code);
    assert!(outcome.stderr.contains(message), "{outcome:?}");
    assert_eq!(outcome.stdout, "");
    let names_next =
        outcome.stderr.contains("hint: ") || outcome.stderr.contains("Usage: ") || outcome.stderr.contains("--help");
    assert!(names_next, "says what next: {outcome:?}");
    assert_eq!(rig.everything(), before);
    outcome
}

#[test]
fn trap_13_what_is_no_regular_file_is_refused() {
    refused(&["run", "./fifo", "--", "true"], 66, "./fifo: not a regular file");
    refused(&["run", "/dev/null", "--", "true"], 66, "/dev/null: not a regular file");
    refused(&["run", "--for", "folder/taken", "--", "true"], 66, "folder/taken: not a regular file");
    refused(&["who", "fifo"], 66, "fifo: not a regular file");
}

#[test]
fn trap_13_a_lock_is_never_created_through_a_link() {
    refused(&["run", "./dangling", "--", "true"], 73, "it is a symbolic link that leads nowhere");
    refused(&["run", "./far", "--", "true"], 73, "it is a symbolic link that leads nowhere");
    refused(&["run", "--for", "far", "--", "true"], 73, "failed to find the sidecar lock of far");
    let outcome = finish(Rig::new().stead(&["run", "./l", "--", "true"])).expect(0);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn a_planted_link_in_a_lock_folder_is_refused() {
    let rig = Rig::new();
    rig.write("precious", b"bytes");
    rig.run(&["run", "--for", "s", "--", "true"]).expect(0);
    std::fs::remove_file(rig.path(".stead/locks/s.lock")).unwrap();
    symlink(rig.path("precious"), rig.path(".stead/locks/s.lock")).unwrap();
    let before = rig.everything();
    let refused = rig.run(&["run", "--for", "s", "--", "true"]).expect(66);
    assert!(refused.stderr.contains("it is a symbolic link"), "{refused:?}");
    assert_eq!(rig.everything(), before);
}

#[test]
fn a_missing_folder_is_named() {
    refused(&["run", "missing/l", "--", "true"], 73, "missing/l: No such file or directory");
    refused(&["run", "--for", "missing/data", "--", "true"], 73, "missing/data: No such file or directory");
    refused(&["run", "--status-file", "missing/s", "./l", "--", "true"], 73, "missing/s: No such file or directory");
    refused(&["run", "data/l", "--", "true"], 73, "data/l: Not a directory");
}

#[test]
fn a_set_with_a_bad_lock_creates_none_of_the_good_ones() {
    refused(&["run", "good", "missing/l", "--", "true"], 73, "missing/l");
    refused(&["run", "good", "./fifo", "--", "true"], 66, "./fifo");
    refused(&["run", "--for", "data", "./dangling", "--", "true"], 73, "./dangling");
    refused(&["run", "good", "--for", "missing/data", "--", "true"], 73, "missing/data");
}

#[test]
fn names_that_the_system_does_not_take() {
    let long = "x".repeat(300);
    refused(&["run", &format!("./{long}"), "--", "true"], 64, "File name too long");
    refused(&["run", &format!("./{}", "x/".repeat(3000)), "--", "true"], 64, "File name too long");
    refused(&["run", "--for", &long, "--", "true"], 64, "File name too long");
    refused(&["run", "--for", "/", "--", "true"], 64, "hint: name a file or folder, not the root");
    refused(&["run", "", "--", "true"], 64, "a value is required");
}

#[test]
fn a_name_that_is_just_not_too_long_has_a_sidecar() {
    let rig = Rig::new();
    rig.run(&["run", "--for", &"x".repeat(255), "--", "true"]).expect(0);
}

#[test]
fn a_name_that_is_not_utf_8_is_a_name() {
    let rig = Rig::new();
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe.lock");
    let mut command = rig.stead(&["run", "--status-file", "status"]);
    command.arg(name).args(["--", "printenv", "STEAD_TOKENS"]);
    assert!(finish(command).expect(0).stdout.starts_with("{\"\u{fffd}\u{fffd}.lock\":"));
    assert!(rig.path("").join(name).exists());
    let mut command = rig.stead(&["who", "--json"]);
    command.arg(name);
    let who = finish(command).expect(1);
    assert!(who.stdout.contains("\"path\":\"\u{fffd}\u{fffd}.lock\",\"path_bytes\":\"fffe2e6c6f636b\","), "{who:?}");
}

#[test]
fn durations_need_a_unit() {
    for wait in ["30", "0", "1.5", "", "s", "abc", "-5s"] {
        let args = ["run", &format!("--wait={wait}"), "./l", "--", "true"];
        let outcome = refused(&args, 64, "--wait");
        assert!(wait.is_empty() || outcome.stderr.contains("500ms, 30s, 2m, 1h30m"), "{outcome:?}");
    }
}

#[test]
fn the_form_is_shown_where_words_are_missing() {
    let form = "Usage: stead run [OPTIONS] <LOCK | --for FILE>... -- CMD [ARG]...";
    for args in [&["run"][..], &["run", "./l"], &["run", "./l", "--"], &["run", "--", "true"], &["run", "l", "true"]] {
        refused(args, 64, form);
    }
    refused(&[], 64, "Usage: stead");
    refused(&["nonsense"], 64, "unrecognized subcommand 'nonsense'");
    refused(&["run", "--nonsense", "./l", "--", "true"], 64, "unexpected argument '--nonsense'");
    refused(&["run", "--no-wait", "--wait", "1s", "./l", "--", "true"], 64, "cannot be used with");
}

#[test]
fn a_command_that_is_not_there() {
    refused(&["run", "./l", "--", "no-such-command"], 127, "command not found: no-such-command");
    refused(&["run", "./l", "--", "./no-such-command"], 127, "command not found: ./no-such-command");
    refused(&["run", "./l", "--", "missing/command"], 127, "command not found: missing/command");
    refused(&["run", "--for", "data", "--", ""], 127, "command not found: ''");
}

#[test]
fn a_command_that_cannot_be_run() {
    refused(&["run", "./l", "--", "./not-executable"], 126, "cannot run ./not-executable: permission denied");
    refused(&["run", "./l", "--", "./folder"], 126, "cannot run ./folder: it is not a file");
    refused(&["run", "./l", "--", "./script"], 126, "its interpreter /no/such/interpreter is not there");
}

/// execvp(3) goes on looking behind a file that cannot be executed; so do we.
#[test]
fn the_path_is_searched_to_its_end() {
    let rig = Rig::new();
    for folder in ["one", "two"] {
        std::fs::create_dir(rig.path(folder)).unwrap();
        rig.write(&format!("{folder}/tool"), b"#!/bin/sh\necho ran\n");
    }
    let run = |path: &str| {
        let mut command = rig.stead(&["run", "./l", "--", "tool"]);
        command.env("PATH", path);
        finish(command)
    };
    run("one:two:/bin").expect(126);
    assert!(!rig.exists("l"));
    set_mode(&rig.path("two/tool"), 0o755);
    assert_eq!(run("one:two:/bin").expect(0).stdout, "ran\n");
}

/// A program in a file without `#!`, which only execvp(3) takes for a script.
#[test]
fn a_script_without_a_first_line_runs_as_in_a_shell() {
    let rig = Rig::new();
    rig.write("script", b"echo ran\n");
    set_mode(&rig.path("script"), 0o755);
    assert_eq!(rig.run(&["run", "./l", "--", "./script"]).expect(0).stdout, "ran\n");
}

#[test]
fn a_folder_or_file_without_rights() {
    let rig = Rig::for_all();
    std::fs::create_dir(rig.path("locked")).unwrap();
    rig.write("locked/data", b"bytes");
    rig.write("secret", b"bytes");
    std::fs::create_dir(rig.path("closed")).unwrap();
    set_mode(&rig.path("locked"), 0o555);
    set_mode(&rig.path("secret"), 0o000);
    set_mode(&rig.path("closed"), 0o000);
    let run = |args: &[&str]| finish(rig.stead_without_rights(&[&["run"], args, &["--", "true"]].concat()));
    let before = is_root().then(|| rig.everything());
    let says = |outcome: Outcome, text: &str| assert!(outcome.says(text) && outcome.says("hint: "), "{outcome:?}");
    says(run(&["locked/l"]).expect(73), "create lock file locked/l: Permission denied");
    says(run(&["--for", "locked/data"]).expect(73), "--lock-dir");
    says(run(&["good", "locked/l"]).expect(73), "locked/l");
    assert!(run(&["secret"]).expect(77).says("secret: Permission denied"));
    assert!(run(&["closed/l"]).expect(77).says("closed/l: Permission denied"));
    assert_eq!(is_root().then(|| rig.everything()), before);
    set_mode(&rig.path("closed"), 0o755);
    assert!(!rig.exists("good"));
    // The way out that the hint names.
    run(&["--lock-dir", "locks", "--for", "locked/data"]).expect(0);
    set_mode(&rig.path("locked"), 0o755);
}

/// `fs.protected_regular` refuses `O_CREAT` on such a file; we do not ask to create what is there.
#[test]
fn trap_13_another_users_file_in_a_sticky_folder() {
    if !is_root() {
        // Not a skip: .ci/run runs the tests as root as well.
        return;
    }
    let rig = Rig::for_all();
    std::fs::create_dir(rig.path("tmp")).unwrap();
    set_mode(&rig.path("tmp"), 0o1777);
    rig.write("tmp/theirs", b"bytes");
    rig.write("tmp/private", b"bytes");
    set_mode(&rig.path("tmp/private"), 0o600);
    let before = rig.everything();
    let run = |lock: &str| finish(rig.stead_without_rights(&["run", lock, "--", "true"]));
    run("tmp/theirs").expect(0);
    assert!(run("tmp/private").expect(77).says("tmp/private: Permission denied"));
    assert_eq!(rig.everything(), before);
}

#[test]
fn a_record_that_is_garbage_empty_or_huge() {
    let rig = Rig::new();
    rig.write("empty", b"");
    rig.write("garbage", &[0xa5; 3000]);
    rig.write("almost", b"12\n{\"stead\":\"lock/1\",\"token\":garbage");
    std::fs::File::create(rig.path("huge")).unwrap().set_len(1 << 30).unwrap();
    let before = rig.everything();
    for name in ["empty", "garbage", "huge"] {
        let held = rig.hold(&[name]);
        rig.run(&["run", "--no-wait", name, "--", "true"]).expect(75);
        rig.run(&["who", name]).expect(0);
        held.end();
    }
    assert_eq!(rig.everything(), before);
    // One that begins like ours is ours, and readable again afterwards.
    let held = rig.hold(&["almost"]);
    let who = rig.run(&["who", "almost"]).expect(0);
    assert!(who.stdout.contains(&held.stead().to_string()), "{who:?}");
    held.end();
}

#[test]
fn what_is_not_there_cannot_be_looked_at() {
    let rig = Rig::new();
    let who = rig.run(&["who", "nothing"]).expect(66);
    assert_eq!(who.stderr, "stead: nothing: there is no such file, and no lock for it\n");
    rig.run(&["who", "missing/nothing"]).expect(66);
    rig.run(&["ls", "missing"]).expect(66);
    rig.run(&["clean", "missing"]).expect(66);
    rig.run(&["clean"]).expect(64);
    rig.run(&["man", "missing"]).expect(66);
    rig.run(&["completions", "tcsh"]).expect(64);
    // The others are looked at all the same.
    let held = rig.hold(&["./l"]);
    let who = rig.run(&["who", "nothing", "./l"]).expect(66);
    assert!(who.stdout.contains("./l"), "{who:?}");
    held.end();
}

/// Trap 22: whoever follows such advice lets two holders in.
#[test]
fn trap_22_no_message_advises_to_delete_a_lock_file() {
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    let messages = [
        rig.run(&["run", "--no-wait", "./l", "--", "true"]),
        rig.run(&["run", "--wait", "300ms", "./l", "--", "true"]),
        rig.run(&["run", "--skip", "./l", "--", "true"]),
        rig.run(&["who", "./l"]),
        rig.run(&["run", "--help"]),
        rig.run(&["who", "--help"]),
        refused(&["run", "./fifo", "--", "true"], 66, ""),
        refused(&["run", "./dangling", "--", "true"], 73, ""),
        refused(&["run", "missing/l", "--", "true"], 73, ""),
    ];
    for outcome in messages {
        let text = format!("{}{}", outcome.stdout, outcome.stderr).to_lowercase();
        for word in ["delete", "remove", "rm ", "unlink", "stale"] {
            assert!(!text.contains(word), "{word}: {outcome:?}");
        }
    }
    held.end();
}
