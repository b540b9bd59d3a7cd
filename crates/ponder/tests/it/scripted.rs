//! Editors of every kind, as scripts: how they save, and how they end.

use std::path::{Path, PathBuf};

use crate::rig::{Rig, mode};

/// Waits in an editor's script until a text with this line, which it has saved, is kept. The number of texts would not say
/// so: one that is half written may be one of them.
fn until_kept(line: &str) -> String {
    format!("until grep -qsx '{line}' \"${{1%/text/*}}\"/saves/*; do kill -0 $PPID || exit 1; sleep 0.01; done\n")
}

/// The texts that were kept of a draft, the oldest first.
fn saves(draft: &Path) -> Vec<String> {
    let folder = draft.parent().unwrap().parent().unwrap().join("saves");
    let mut saves: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|save| save.unwrap().path()).collect();
    saves.sort();
    saves.into_iter().map(|save| std::fs::read_to_string(save).unwrap()).collect()
}

fn draft(rig: &Rig) -> PathBuf {
    PathBuf::from(rig.drafts()[0]["draft"].as_str().unwrap())
}

fn text(rig: &Rig) -> String {
    std::fs::read_to_string(rig.today()).unwrap_or_default()
}

/// A script that saves twice, each time what was there and another line; each text is kept before it goes on.
fn saving_twice(save: &str) -> String {
    let saves = |line: &str| format!("(cat $RIG/before; echo {line}) {save}\n{}", until_kept(line));
    format!("cat \"$1\" > $RIG/before\n{}{}", saves("one"), saves("two"))
}

/// Both texts are kept, and the last one is in the entry.
#[track_caller]
fn both_are_kept_and_the_last_is_saved(save: &str) {
    let rig = Rig::new();
    rig.edit(&[], &format!("{}exit 5", saving_twice(save))).expect(5);
    let saves = saves(&draft(&rig));
    for line in ["one", "two"] {
        assert!(saves.iter().any(|save| save.ends_with(&format!("\n\n{line}\n"))), "{saves:?}");
    }
    rig.edit(&["recover"], "true").expect(0);
    rig.edit(&[], &saving_twice(save)).expect(0).saying("saved ");
    assert_eq!((text(&rig).matches("one\n").count(), text(&rig).matches("two\n").count()), (0, 2));
    assert_eq!(mode(rig.today()), 0o600);
    assert_eq!(rig.drafts().len(), 0);
}

#[test]
fn one_that_saves_twice_in_place() {
    both_are_kept_and_the_last_is_saved("> \"$1\"");
}

#[test]
fn one_that_saves_twice_by_rename() {
    both_are_kept_and_the_last_is_saved("> \"${1%/*}/new\"; mv \"${1%/*}/new\" \"$1\"");
}

#[test]
fn one_that_fails_is_heard_whatever_it_says() {
    let rig = Rig::new();
    for code in [1, 2, 64, 75, 124, 126, 255] {
        let ended = rig.edit(&[], &format!("echo of {code} >> \"$1\"; exit {code}")).expect(code);
        ended.saying("is as it was: the editor ended with ").saying(&format!(" {code}; your text is kept in "));
        assert_eq!(text(&rig), "");
        assert!(rig.draft().ends_with(&format!("\nof {code}\n")));
        rig.edit(&["recover"], "true").expect(0);
        assert!(text(&rig).ends_with(&format!("\nof {code}\n")));
        std::fs::remove_file(rig.today()).unwrap();
    }
}

#[test]
fn one_that_crashes_is_told_from_one_that_fails() {
    let rig = Rig::new();
    for (name, signal) in [("SEGV", 11), ("ABRT", 6), ("KILL", 9)] {
        let ended = rig.edit(&[], &format!("echo by {name} >> \"$1\"; kill -{name} $$")).expect(128 + signal);
        ended.saying(&format!("the editor was killed by signal {signal}; your text is kept in "));
        rig.edit(&["recover", "today"], "true").expect(0);
        assert!(text(&rig).ends_with(&format!("\nby {name}\n")));
    }
}

#[test]
fn one_that_removes_what_it_had_saved_loses_nothing() {
    let rig = Rig::new();
    rig.run(&["add", "begun"]).expect(0);
    let removes = format!("echo saved >> \"$1\"\n{}rm \"$1\"\n", until_kept("saved"));
    rig.edit(&[], &format!("{removes}exit 1")).expect(1);
    assert!(text(&rig).ends_with("begun\n"));
    rig.edit(&["recover"], "true").expect(0);
    assert!(text(&rig).ends_with("saved\n"), "{}", text(&rig));
    // Its folder as well.
    rig.edit(&[], &format!("{removes}rm -r \"${{1%/*}}\"; exit 1")).expect(1);
    rig.edit(&["recover"], "true").expect(0);
    assert_eq!(text(&rig).matches("saved\n").count(), 2);
}

#[test]
fn one_that_removes_the_draft_does_not_remove_the_entry() {
    let rig = Rig::new();
    rig.run(&["add", "begun"]).expect(0);
    rig.edit(&[], "rm \"$1\"").expect(0).saying("nothing was changed, nothing is written");
    assert!(text(&rig).ends_with("begun\n"));
}

#[test]
fn bytes_that_are_no_text_are_kept_and_merged() {
    let rig = Rig::new();
    rig.run(&["add", "begun"]).expect(0);
    let bytes = b"caf\xe9 \xff\xfe\x00 \xc3\r\nlast \xed\xa0\x80";
    rig.write("bytes", bytes);
    let open = rig.open("first", &[], "cat $RIG/bytes >> \"$1\"", "");
    rig.run(&["add", "meanwhile"]).expect(0);
    open.end().expect(0).saying("together with what others wrote meanwhile");
    let entry = std::fs::read(rig.today()).unwrap();
    assert_eq!(entry.windows(bytes.len()).filter(|window| window == bytes).count(), 1, "{entry:?}");
    assert!(text(&rig).is_empty() && String::from_utf8_lossy(&entry).contains("\nmeanwhile\n"));
    // A draft of such bytes, too.
    rig.edit(&[], "cat $RIG/bytes > \"$1\"; exit 1").expect(1);
    assert_eq!(std::fs::read(draft(&rig)).unwrap(), bytes);
    rig.edit(&["recover"], "true").expect(0);
    assert_eq!(std::fs::read(rig.today()).unwrap(), bytes);
}

#[test]
fn fifty_megabytes_are_an_entry() {
    const LINES: usize = 500_000;
    let rig = Rig::new();
    rig.run(&["add", "begun"]).expect(0);
    // Lines of 105 bytes, each another one.
    let write = format!("seq -f \"line %099.0f\" {LINES} >> \"$1\"");
    let open = rig.open("first", &[], &write, "");
    rig.run(&["add", "meanwhile"]).expect(0);
    open.end().expect(0).saying("together with what others wrote meanwhile");
    let text = text(&rig);
    assert!(text.len() > 50_000_000, "{}", text.len());
    assert_eq!(text.lines().filter(|line| line.starts_with("line 0")).count(), LINES);
    assert_eq!(text.lines().filter(|line| ["begun", "meanwhile"].contains(line)).count(), 2);
    let found = rig.run(&["search", &format!("{LINES:099}")]).expect(0).stdout;
    assert!(found.trim_end().ends_with(&format!("{LINES}")), "{found}");
    rig.edit(&[], &format!("{write}; exit 1")).expect(1);
    rig.run(&["recover", "--list"]).expect(0);
    assert!(draft(&rig).metadata().unwrap().len() > 100_000_000);
}
