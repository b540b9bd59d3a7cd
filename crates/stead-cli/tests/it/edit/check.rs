//! `--check`

use super::Desk;

#[test]
fn what_the_check_approves_of_is_saved() {
    let desk = Desk::with("one\n");
    desk.program("check", "echo \"$#|$1|${2##*/}|$STEAD_FILE\" >>seen; cat \"$2\" >>seen");
    let done = desk.edit(&["f", "--check", "tools/check -c"], "echo two >>\"$1\"").expect(0);
    assert_eq!(done.stderr, "stead: saved f\n");
    assert_eq!((desk.text("f"), desk.text("seen")), ("one\ntwo\n".to_owned(), "2|-c|f|f\none\ntwo\n".to_owned()));
}

#[test]
fn what_it_refuses_stays_a_draft() {
    for check in ["false", "sh -c 'exit 9'", "sh -c 'kill -9 $$'", "sh -c 'exit 255' x {}"] {
        let desk = Desk::with("one\n");
        let kept = desk.edit(&["f", "--check", check], "echo two >>\"$1\"").expect(1);
        assert!(kept.stderr.starts_with("stead: the check does not approve of what is to be in f\n"), "{kept:?}");
        assert!(kept.stderr.contains("stead: f is as it was; your text is kept in "), "{kept:?}");
        assert!(kept.stderr.ends_with("hint: go on with it: `stead edit --recover f`\n"), "{kept:?}");
        assert_eq!((desk.text("f"), desk.draft()), ("one\n".to_owned(), "one\ntwo\n".to_owned()));
        // Once it is good it is saved.
        desk.edit(&["--recover", "f", "--check", "grep -q three"], "echo three >>\"$1\"").expect(0);
        assert_eq!((desk.text("f"), desk.rooms()), ("one\ntwo\nthree\n".to_owned(), 0));
    }
}

#[test]
fn the_copy_takes_the_place_of_the_braces() {
    let desk = Desk::with("one\n");
    desk.edit(&["f", "--check", "cp {} seen"], "echo two >>\"$1\"").expect(0);
    assert_eq!(desk.text("seen"), "one\ntwo\n");
    desk.edit(&["f", "--check", "cmp {} {}"], "echo three >>\"$1\"").expect(0);
    // Only as a word of its own: it is not for us to know what `a{}b` means.
    desk.program("words", "printf '%s\\n' \"$#\" \"$1\" >words");
    desk.edit(&["f", "--check", "tools/words a{}b"], "echo four >>\"$1\"").expect(0);
    assert_eq!(desk.text("words"), "2\na{}b\n");
}

#[test]
fn it_gets_a_copy() {
    let desk = Desk::with("one\n");
    desk.edit(
        &["f", "--check", "sh -c 'echo changed >\"$1\"; ls -ld \"$1\" \"${1%/*}\" >modes' x"],
        "echo two >>\"$1\"",
    )
    .expect(0);
    assert_eq!(desk.text("f"), "one\ntwo\n");
    let modes = desk.text("modes");
    assert!(modes.lines().all(|line| line[4..10] == *"------"), "for nobody else: {modes}");
}

#[test]
fn it_is_asked_about_the_merged_text() {
    let desk = Desk::with("one\n");
    let sitting = desk.sit_down(&["f", "--check", "cp {} seen"], "sed -i s/one/ONE/ \"$1\"; read line");
    desk.feed(&["append", "f"], "two\nthree\n").expect(0);
    sitting.end().expect(0);
    assert_eq!((desk.text("seen"), desk.text("f")), ("ONE\ntwo\nthree\n".to_owned(), "ONE\ntwo\nthree\n".to_owned()));
}

#[test]
fn it_is_asked_about_nothing_that_is_not_saved() {
    let desk = Desk::with("one\n");
    desk.edit(&["f", "--check", "false"], ":").expect(0);
    desk.edit(&["f", "--check", "false"], "echo two >>\"$1\"; exit 4").expect(4);
    desk.edit(&["f", "--check", "touch asked"], "sed -i s/one/mine/ \"$1\"; echo theirs >f").expect(1);
    assert!(!desk.exists("asked"));
}

#[test]
fn of_several_files_none_is_saved_if_one_is_refused() {
    let desk = Desk::new();
    let script = "echo good >\"$1\"; echo bad >\"$2\"; echo good >\"$3\"";
    let kept = desk.edit(&["a", "b", "c", "--check", "grep -q good"], script).expect(1);
    assert!(kept.stderr.contains("approve of what is to be in b\n") && !kept.says("to be in a"), "{kept:?}");
    assert!(!desk.exists("a") && !desk.exists("b") && !desk.exists("c"));
    assert_eq!(desk.drafts().len(), 3);
    desk.edit(&["--recover", "--check", "grep -q good"], "echo good >\"$2\"").expect(0);
    assert_eq!(["a", "b", "c"].map(|name| desk.text(name)), ["good\n"; 3]);
}

#[test]
fn one_that_cannot_be_run_is_told_before_the_editor_starts() {
    let desk = Desk::with("one\n");
    desk.write("not-executable", b"");
    for (check, code, said) in [
        ("no-such-check", 127, "command not found: no-such-check"),
        ("./not-executable", 126, "cannot run ./not-executable: permission denied"),
        ("'open", 64, "a quote is left open"),
        ("", 64, "names no program"),
    ] {
        let before = desk.names();
        let refused = desk.edit(&["f", "--check", check], ": >ran").expect(code);
        assert!(refused.stderr.contains(said) && refused.stderr.contains("hint: "), "{refused:?}");
        assert_eq!((desk.names(), desk.rooms()), (before, 0));
    }
}
