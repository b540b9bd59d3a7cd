//! A file that somebody edits.

use super::{Desk, json};

#[test]
fn a_second_session_is_told_who_is_in() {
    let desk = Desk::with("one\n");
    let sitting = desk.sit_down(&["f"], "read line");
    let pid = sitting.stead();
    for args in [["f", "--no-wait"], ["f", "--wait=0s"]] {
        let busy = desk.edit(&args, ": >ran").expect(75);
        let [message, hint] = busy.stderr.lines().collect::<Vec<_>>()[..] else { panic!("{busy:?}") };
        assert!(message.starts_with(&format!("stead: busy: f is held exclusively by pid {pid} (sh f), ")), "{message}");
        assert!(message.contains(", for "), "{message}");
        assert!(hint.starts_with("hint: wait with --wait 30s, or see `stead who f`"), "{hint}");
    }
    let late = desk.edit(&["f", "--wait", "300ms"], ": >ran").expect(124);
    let [waiting, message, hint] = late.stderr.lines().collect::<Vec<_>>()[..] else { panic!("{late:?}") };
    assert!(waiting.starts_with(&format!("stead: waiting for f, held exclusively by pid {pid} (sh f), ")), "{waiting}");
    assert!(
        message.starts_with(&format!("stead: timed out after 300ms: f is held exclusively by pid {pid} ")),
        "{message}"
    );
    assert!(hint.starts_with("hint: wait longer with --wait, or see `stead who f`"), "{hint}");
    sitting.end().expect(0);
    assert!(!desk.exists("ran"));
    assert_eq!(desk.drafts().len(), 0);
    desk.edit(&["f", "--no-wait"], ": >ran").expect(0);
    assert!(desk.exists("ran"));
}

#[test]
fn a_waiter_gets_in_when_the_first_ends_and_sees_what_it_saved() {
    let desk = Desk::with("one\n");
    let first = desk.sit_down(&["f"], "echo two >>\"$1\"; read line");
    let (mut second, said) = desk.queue_up(&["f"], "cp \"$1\" seen; read line; echo three >>\"$1\"");
    assert!(
        said.starts_with(&format!("stead: waiting for f, held exclusively by pid {} (sh f)", first.stead())),
        "{said}"
    );
    assert_eq!(first.end().expect(0).stderr, "stead: saved f\n");
    second.begun();
    assert_eq!(second.end().expect(0).stderr, "stead: saved f\n");
    assert_eq!(desk.text("seen"), "one\ntwo\n");
    assert_eq!(desk.text("f"), "one\ntwo\nthree\n");
}

/// Trap 45: a lock on the file itself would be gone with the first rename.
#[test]
fn trap_45_an_editor_that_renames_keeps_others_out() {
    let desk = Desk::with("one\n");
    let mut sitting = desk.sit_down(&["f"], "echo new >n; mv n \"$1\"; echo x >n2; mv n2 f; echo renamed; read line");
    assert_eq!(sitting.line(), "renamed");
    desk.edit(&["f", "--no-wait"], ":").expect(75);
    sitting.end().expect(1);
}

#[test]
fn who_shows_the_session() {
    let desk = Desk::with("one\n");
    let sitting = desk.sit_down(&["f"], "read line");
    let who = desk.stead(&["who", "f"]).expect(0);
    assert!(who.stdout.contains(&sitting.stead().to_string()) && who.stdout.contains("sh f"), "{who:?}");
    let who = desk.stead(&["who", "--json", "f"]).expect(0);
    assert!(who.stdout.contains(&format!("\"pid\":{},", sitting.stead())), "{who:?}");
    assert!(who.stdout.contains("\"via\":\"stead edit\""), "{who:?}");
    json(&who);
    let ls = desk.stead(&["ls"]).expect(0);
    assert!(ls.stdout.contains(&sitting.stead().to_string()), "{ls:?}");
    sitting.end().expect(0);
    desk.stead(&["who", "f"]).expect(1);
}

#[test]
fn none_of_several_stays_locked_where_one_is_busy() {
    let desk = Desk::new();
    for name in ["a", "b", "c"] {
        desk.write(name, b"one\n");
    }
    let sitting = desk.sit_down(&["b"], "read line");
    let busy = desk.edit(&["a", "b", "c", "--no-wait"], ": >ran").expect(75);
    assert!(
        busy.stderr.starts_with(&format!("stead: busy: b is held exclusively by pid {} (sh b), ", sitting.stead())),
        "{busy:?}"
    );
    let late = desk.edit(&["c", "b", "a", "--wait", "300ms"], ": >ran").expect(124);
    assert!(late.stderr.contains("timed out after 300ms: b is held "), "{late:?}");
    for name in ["a", "c"] {
        desk.stead(&["who", name]).expect(1);
        desk.edit(&[name, "--no-wait"], ":").expect(0);
    }
    let (mut waiter, said) = desk.queue_up(&["a", "b", "c"], "for f; do echo two >>\"$f\"; done");
    assert!(said.starts_with("stead: waiting for b, held "), "{said}");
    sitting.end().expect(0);
    waiter.begun();
    waiter.end().expect(0);
    assert_eq!(["a", "b", "c"].map(|name| desk.text(name)), ["one\ntwo\n"; 3]);
    assert!(!desk.exists("ran"));
}

/// Everybody but another editor.
#[test]
fn programs_are_not_kept_out() {
    let desk = Desk::with("one\n");
    let sitting = desk.sit_down(&["f"], "read line");
    desk.feed(&["write", "f", "--no-wait"], "two\n").expect(0);
    desk.feed(&["append", "f", "--no-wait"], "three\n").expect(0);
    desk.stead(&["run", "--no-wait", "--for", "f", "--", "true"]).expect(0);
    sitting.end().expect(0);
    assert_eq!(desk.text("f"), "two\nthree\n");
}

#[test]
fn the_lock_folder_is_part_of_the_advice() {
    let desk = Desk::with("one\n");
    let sitting = desk.sit_down(&["f", "--lock-dir", "my locks"], "read line");
    let busy = desk.edit(&["f", "--no-wait", "--lock-dir", "my locks"], ":").expect(75);
    assert!(busy.stderr.contains("see `stead who --lock-dir 'my locks' f`"), "{busy:?}");
    desk.stead(&["who", "--lock-dir", "my locks", "f"]).expect(0);
    assert!(!desk.exists(".stead"));
    sitting.end().expect(0);
}

#[test]
fn clean_leaves_a_session_alone() {
    let desk = Desk::with("one\n");
    let sitting = desk.sit_down(&["f"], "echo two >>\"$1\"; read line");
    desk.stead(&["clean", "."]).expect(0);
    desk.edit(&["f", "--no-wait"], ":").expect(75);
    sitting.end().expect(0);
    assert_eq!(desk.text("f"), "one\ntwo\n");
}
