//! What becomes of files whose drafts were edited.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use stead::atomic::append_lines;
use stead::edit::{Ended, Outcome};

use super::{Desk, edit, edit_until, edited, save_by_rename, words};

/// Whether it is the same file, not written since.
fn look(desk: &Desk) -> (Option<u64>, SystemTime) {
    let metadata = fs::metadata(desk.path("f")).unwrap();
    #[cfg(unix)]
    let inode = Some(std::os::unix::fs::MetadataExt::ino(&metadata));
    #[cfg(not(unix))]
    let inode = None;
    (inode, metadata.modified().unwrap())
}

#[test]
fn what_was_not_changed_is_not_written() {
    let desk = Desk::with("one\ntwo");
    let before = look(&desk);
    let editors: [fn(&[PathBuf]); 2] = [|_| (), |drafts| save_by_rename(&drafts[0], "one\ntwo")];
    for editor in editors {
        assert_eq!(words(&edited(desk.session(&["f"]), editor)), ["Unchanged"]);
        assert_eq!((look(&desk), desk.names()), (before, vec!["f".to_owned()]));
        assert!(desk.has_no_draft());
    }
    // A file that was not there is not made.
    assert_eq!(
        words(&edited(desk.session(&["new"]), |drafts| assert_eq!(fs::read(&drafts[0]).unwrap(), b""))),
        ["Unchanged"]
    );
    assert_eq!(desk.names(), ["f"]);
    // Others may change it meanwhile.
    let edited = edited(desk.session(&["f"]), |_| drop(append_lines(desk.path("f"), ["three"]).unwrap()));
    assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Unchanged"], "one\ntwo\nthree\n".to_owned()));
}

#[test]
fn a_changed_draft_is_saved() {
    let desk = Desk::with("old");
    for text in ["new", "", "newer\n", "ä\r\n\0", "no newline at its end"] {
        let edited = edited(desk.session(&["f"]), |drafts| {
            assert_eq!(drafts[0].file_name().unwrap(), "f", "an editor sees the file's own name");
            fs::write(&drafts[0], text).unwrap();
        });
        assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Saved"], text.to_owned()));
        assert_eq!((desk.rooms().len(), desk.names()), (0, vec!["f".to_owned()]));
        assert!(edited[0].error.is_none() && edited[0].lost.is_empty(), "{edited:?}");
        assert_eq!(edited[0].path, desk.path("f"));
    }
    assert_eq!(words(&edited(desk.session(&["new"]), |drafts| fs::write(&drafts[0], "text").unwrap())), ["Saved"]);
    assert_eq!(desk.content("new").unwrap(), "text");
}

/// Bytes that are no text, and many of them.
#[test]
fn every_byte_is_kept() {
    let desk = Desk::with(b"\xff\xfe\0old\r\n");
    let large: Vec<u8> =
        (0..50 << 20_u32).map(|number: u32| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for text in [&b"\xff\xfe\0new\r\n\xc3"[..], &large, b"\xed\xa0\x80"] {
        let edited = edited(desk.session(&["f"]), |drafts| save_by_rename(&drafts[0], text));
        assert_eq!(words(&edited), ["Saved"]);
        assert!(fs::read(desk.path("f")).unwrap() == text);
    }
    // Merged, too.
    let edited = edited(desk.session(&["f"]), |drafts| {
        fs::write(desk.path("f"), b"\xed\xa0\x80\n\xfe\n").unwrap();
        fs::write(&drafts[0], b"\xff\n\xed\xa0\x80").unwrap();
    });
    assert_eq!(
        (words(&edited), fs::read(desk.path("f")).unwrap()),
        (vec!["Merged"], b"\xff\n\xed\xa0\x80\n\xfe\n".to_vec())
    );
}

#[test]
fn what_programs_append_meanwhile_is_merged() {
    let desk = Desk::with("one\n");
    let edited = edited(desk.session(&["f"]), |drafts| {
        append_lines(desk.path("f"), ["two"]).unwrap();
        save_by_rename(&drafts[0], "zero\none\n");
        append_lines(desk.path("f"), ["three"]).unwrap();
    });
    assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Merged"], "zero\none\ntwo\nthree\n".to_owned()));
    assert_eq!(desk.rooms().len(), 0);
}

/// Both add at the end: all of it is there, what is on disk first.
#[test]
fn lines_that_both_add_at_the_end_are_all_kept() {
    let desk = Desk::with("one\n");
    let edited = edited(desk.session(&["f"]), |drafts| {
        append_lines(desk.path("f"), ["two", "three"]).unwrap();
        save_by_rename(&drafts[0], "one\nmine\n");
    });
    assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Merged"], "one\ntwo\nthree\nmine\n".to_owned()));
}

#[test]
fn what_was_done_by_somebody_else_already_is_not_done_again() {
    let desk = Desk::with("one\n");
    let edited = edited(desk.session(&["f"]), |drafts| {
        desk.put("f", "one\ntwo\nthree\n");
        save_by_rename(&drafts[0], "one\ntwo\n");
    });
    assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Unchanged"], "one\ntwo\nthree\n".to_owned()));
}

/// A file that was removed meanwhile is made again of what was written; if nothing was, it is not.
#[test]
fn a_file_that_was_removed_meanwhile() {
    let desk = Desk::with("one\n");
    let remove = || fs::remove_file(desk.path("f")).unwrap();
    assert_eq!(words(&edited(desk.session(&["f"]), |_| remove())), ["Unchanged"]);
    assert_eq!(desk.content("f"), None);
    desk.put("f", "one\n");
    let edited = edited(desk.session(&["f"]), |drafts| {
        remove();
        save_by_rename(&drafts[0], "one\ntwo\n");
    });
    assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Saved"], "one\ntwo\n".to_owned()));
}

/// Trap 47: a conflict is noticed before anything is overwritten, and keeps both texts; it is offered again, and resolved.
#[test]
fn trap_47_a_conflict_keeps_both_and_is_offered_again() {
    let desk = Desk::with("old\nsame\n");
    let edited = edited(desk.session(&["f"]), |drafts| {
        desk.put("f", "theirs\nsame\n");
        save_by_rename(&drafts[0], "mine\nsame\n");
    });
    let Outcome::Conflict { kept } = &edited[0].outcome else { panic!("{edited:?}") };
    assert_eq!(desk.content("f").unwrap(), "theirs\nsame\n");
    let both = fs::read_to_string(kept).unwrap();
    assert_eq!(both, "<<<<<<< in the file\ntheirs\n=======\nmine\n>>>>>>> in the draft\nsame\n");
    let offered = desk.offered();
    assert!(offered.len() == 1 && offered[0].is_conflict() && !offered[0].is_in_use());
    assert_eq!(&offered[0].draft(), kept);
    assert_eq!(fs::read_to_string(&offered[0].earlier()[0]).unwrap(), "mine\nsame\n");

    // Nobody resolves it: nothing changes.
    for _ in 0..2 {
        let mut session = desk.session(&["f"]).open().unwrap();
        let leftover = session.leftovers()[0].clone();
        assert_eq!(session.recover(&leftover).unwrap(), stead::edit::Recovered::Conflict);
        assert_eq!(session.drafts().next().as_ref(), Some(kept));
        edit(&mut session, |_| ());
        let pending = session.pending().unwrap();
        assert!(pending[0].conflict && pending[0].content.is_none());
        assert_eq!(words(&session.commit()), ["Conflict"]);
        assert_eq!(fs::read_to_string(kept).unwrap(), both);
        assert_eq!((desk.content("f").unwrap(), desk.rooms().len()), ("theirs\nsame\n".to_owned(), 1));
    }
    // Somebody does, while others go on.
    append_lines(desk.path("f"), ["appended"]).unwrap();
    let mut session = desk.session(&["f"]).open().unwrap();
    let leftover = session.leftovers()[0].clone();
    session.recover(&leftover).unwrap();
    edit(&mut session, |drafts| {
        let text = fs::read_to_string(&drafts[0]).unwrap();
        assert_eq!(text, format!("{both}appended\n"));
        append_lines(desk.path("f"), ["later"]).unwrap();
        save_by_rename(&drafts[0], "theirs and mine\nsame\nappended\n");
    });
    assert_eq!(words(&session.commit()), ["Merged"]);
    assert_eq!(desk.content("f").unwrap(), "theirs and mine\nsame\nappended\nlater\n");
    assert_eq!(desk.rooms().len(), 0);
}

/// Somebody who takes no lock overwrites the file while it is committed, again and again: what he wrote is not lost.
#[test]
fn trap_47_the_newest_of_somebody_elses_texts_is_merged() {
    let desk = Desk::with("old\n");
    let edited = edited(desk.session(&["f"]), |drafts| {
        save_by_rename(&drafts[0], "mine\nold\n");
        for number in 0..10 {
            desk.put("f", format!("old\n{number}\n"));
        }
    });
    assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Merged"], "mine\nold\n9\n".to_owned()));
}

/// A heading that is put into the draft is no change by itself, also if the editor trims blanks.
#[test]
fn an_addition_alone_is_not_left_behind() {
    let desk = Desk::with("text\n");
    let before = look(&desk);
    let heading = "## 14:05\n\n";
    for left in
        [None, Some("text\n\n## 14:05\n"), Some("text\n\n## 14:05"), Some("text\n"), Some("text"), Some("text\n\n")]
    {
        let session = desk.nothing().file_with(desk.path("f"), heading).file_with(desk.path("new"), heading);
        let edited = edited(session, |drafts| {
            assert_eq!(fs::read_to_string(&drafts[0]).unwrap(), "text\n\n## 14:05\n\n");
            assert_eq!(fs::read_to_string(&drafts[1]).unwrap(), heading);
            if let Some(left) = left {
                fs::write(&drafts[0], left).unwrap();
                fs::write(&drafts[1], left.strip_prefix("text").unwrap().trim_start()).unwrap();
            }
        });
        assert_eq!(words(&edited), ["Unchanged", "Unchanged"], "{left:?}");
        assert_eq!((look(&desk), desk.names()), (before, vec!["f".to_owned()]));
        assert!(desk.offered().is_empty());
    }
}

/// Two entries that were added at the same place are parted by a blank line, as each was from what is above it.
#[test]
fn two_entries_at_the_same_place_are_parted() {
    let desk = Desk::with("text\n");
    let session = desk.nothing().file_with(desk.path("f"), "## 14:05\n\n");
    let edited = edited(session, |drafts| {
        append_lines(desk.path("f"), ["", "## 14:06", "", "theirs"]).unwrap();
        save_by_rename(&drafts[0], "text\n\n## 14:05\n\nmine\n");
    });
    assert_eq!(words(&edited), ["Merged"]);
    assert_eq!(desk.content("f").unwrap(), "text\n\n## 14:06\n\ntheirs\n\n## 14:05\n\nmine\n");
}

#[test]
fn several_files_are_edited_in_one_session() {
    let desk = Desk::new();
    for name in ["a", "b", "c", "d"] {
        desk.put(name, format!("{name}\n"));
    }
    let edited = edited(desk.session(&["d", "a", "new", "c", "b"]), |drafts| {
        let named: Vec<_> = drafts.iter().map(|draft| draft.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(named, ["d", "a", "new", "c", "b"]);
        save_by_rename(&drafts[0], "D\n");
        append_lines(desk.path("a"), ["appended"]).unwrap();
        save_by_rename(&drafts[1], "A\na\n");
        save_by_rename(&drafts[2], "new\n");
        desk.put("b", "theirs\n");
        save_by_rename(&drafts[4], "mine\n");
    });
    assert_eq!(words(&edited), ["Saved", "Merged", "Saved", "Unchanged", "Conflict"]);
    let contents: Vec<_> = ["a", "b", "c", "d", "new"].iter().map(|name| desk.content(name).unwrap()).collect();
    assert_eq!(contents, ["A\na\nappended\n", "theirs\n", "c\n", "D\n", "new\n"]);
    assert_eq!((desk.offered().len(), desk.offered()[0].path().file_name().unwrap().to_str()), (1, Some("b")));
}

#[test]
fn a_file_that_is_named_twice_is_edited_once() {
    let desk = Desk::with("old\n");
    let session = desk.session(&["f", "f", "../files/f"]);
    assert_eq!(session.locks().len(), 3);
    let edited = edited(session, |drafts| {
        assert_eq!(drafts.len(), 1);
        save_by_rename(&drafts[0], "new\n");
    });
    assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Saved"], "new\n".to_owned()));
}

/// What would be done is told before it is.
#[test]
fn what_a_commit_would_do_is_told() {
    let desk = Desk::with("one\n");
    let mut session = desk.session(&["f"]).open().unwrap();
    assert_eq!(session.pending().unwrap()[0].content, None);
    edit(&mut session, |drafts| save_by_rename(&drafts[0], "zero\none\n"));
    append_lines(desk.path("f"), ["two"]).unwrap();
    let pending = session.pending().unwrap();
    assert_eq!(pending[0].content.as_deref(), Some(&b"zero\none\ntwo\n"[..]));
    // A check may send the writer back to the editor.
    let end = edit_until(&mut session, Ended::Code(0), |drafts| save_by_rename(&drafts[0], "0\none\n"));
    assert!(end.changed && !end.returned_at_once && end.advice.is_none(), "{end:?}");
    assert_eq!(desk.content("f").unwrap(), "one\ntwo\n");
    assert_eq!(words(&session.commit()), ["Merged"]);
    assert_eq!(desk.content("f").unwrap(), "0\none\ntwo\n");
}
