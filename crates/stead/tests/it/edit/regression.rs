//! What once lost a text. Each says how it showed, why, and what keeps it from coming back.

use std::fs;
use std::path::Path;

use stead::edit::proof;
use stead::edit::{Ended, Pending};
use testkit::SimDisk;

use super::{Desk, edit, edit_until, save_by_rename, words};

/// An empty `f.save` beside the draft, as nano leaves it on a full disk, was taken for the newest text: the recovery put it in
/// the place of the file. A file beside the text counts only if it is not the start of what there is else.
#[test]
fn an_emergency_copy_that_was_cut_off_is_not_believed() {
    for torn in ["", "one\n", "one\nmi"] {
        let desk = Desk::with("one\n");
        let mut session = desk.session(&["f"]).open().unwrap();
        edit_until(&mut session, Ended::Signal(9), |drafts| {
            save_by_rename(&drafts[0], "one\nmine\n");
            fs::write(drafts[0].with_file_name("f.save"), torn).unwrap();
        });
        assert_eq!(words(&session.abandon()), ["Abandoned"]);
        let mut session = desk.session(&["f"]).open().unwrap();
        let left = session.leftovers()[0].clone();
        session.recover(&left).unwrap();
        edit(&mut session, |_| ());
        assert_eq!((words(&session.commit()), desk.content("f").unwrap()), (vec!["Saved"], "one\nmine\n".to_owned()));
    }
}

/// A draft that was gone on with, and emptied by an editor that then died, held nothing: its text was no save of the new
/// session, and those before were of no account. What is gone on with is its own first save.
#[test]
fn a_recovered_draft_outlives_an_editor_that_dies_while_it_saves() {
    let desk = Desk::with("one\n");
    desk.leave_behind("one\nmine\n");
    for torn in ["", "one\n", "one\nm"] {
        let mut session = desk.session(&["f"]).open().unwrap();
        let left = session.leftovers()[0].clone();
        session.recover(&left).unwrap();
        edit_until(&mut session, Ended::Signal(9), |drafts| fs::write(&drafts[0], torn).unwrap());
        assert_eq!(words(&session.abandon()), ["Abandoned"], "{torn:?}");
        assert_eq!(desk.offered_texts(), ["one\nmine\n"], "{torn:?}");
    }
}

/// A new file, saved once, and an editor that dies in its next save: empty is what the file was, so nothing was offered.
#[test]
fn a_new_file_outlives_an_editor_that_dies_while_it_saves() {
    let desk = Desk::new();
    let mut session = desk.session(&["f"]).open().unwrap();
    edit(&mut session, |drafts| fs::write(&drafts[0], "mine\n").unwrap());
    edit_until(&mut session, Ended::Signal(9), |drafts| fs::write(&drafts[0], "").unwrap());
    assert_eq!((words(&session.abandon()), desk.offered_texts()), (vec!["Abandoned"], vec!["mine\n".to_owned()]));
}

/// A file for which nothing was approved got what others had made necessary since. Nothing is something that is approved of.
#[test]
fn what_was_approved_of_is_all_that_is_put_in_place() {
    let desk = Desk::with("one\n");
    desk.put("g", "one\n");
    let mut session = desk.session(&["f", "g"]).open().unwrap();
    edit(&mut session, |drafts| {
        save_by_rename(&drafts[0], "one\nmine\n");
        save_by_rename(&drafts[1], "one\nmine\n");
    });
    desk.put("g", "one\nmine\n");
    let approved: Vec<Pending> = session.pending().unwrap();
    assert_eq!((approved[0].content.is_some(), approved[1].content.is_some()), (true, false));
    desk.put("g", "theirs\n");
    let edited = session.commit_if(&approved);
    assert_eq!(words(&edited), ["Saved", "Abandoned"]);
    assert!(edited[1].error.as_ref().unwrap().is_mismatch());
    assert_eq!((desk.content("g").unwrap(), desk.offered_texts()), ("theirs\n".into(), vec!["one\nmine\n".to_owned()]));
}

/// A text that is the start of its file was taken for half a save, also where it had stood and been kept.
#[test]
fn lines_that_were_taken_away_are_a_change_that_is_kept() {
    let desk = Desk::with("one\ntwo\n");
    let mut session = desk.session(&["f"]).open().unwrap();
    edit_until(&mut session, Ended::Code(1), |drafts| save_by_rename(&drafts[0], "one\n"));
    assert_eq!((words(&session.abandon()), desk.offered_texts()), (vec!["Abandoned"], vec!["one\n".to_owned()]));
}

/// Each piece of a slow save was a save of its own, and the fourth took the place of the last whole text.
#[test]
fn a_slow_save_does_not_take_the_place_of_all_others() {
    let disk = SimDisk::new(&["/drafts/room"]);
    let draft = proof::Draft::new(&disk, Path::new("/drafts/room"), "f");
    draft.make(None, b"").unwrap();
    draft.keep(b"precious").unwrap();
    for length in 1..20 {
        draft.keep(&b"another text, bit by bit"[..length]).unwrap();
    }
    let saves: Vec<_> = disk
        .names("/drafts/room/saves")
        .iter()
        .map(|name| disk.content(format!("/drafts/room/saves/{name}")))
        .collect();
    assert_eq!(saves, [Some(b"precious".to_vec()), Some(b"another text, bit b".to_vec())]);
}

/// A draft that cannot be gone on with, a folder by now, is nobody else's trouble: the others are still offered, and it too.
#[test]
fn one_bad_draft_does_not_keep_others_from_being_gone_on_with() {
    let desk = Desk::with("one\n");
    desk.leave_behind("one\nmine\n");
    let mut session = desk.session(&["f"]).open().unwrap();
    edit_until(&mut session, Ended::Code(1), |drafts| {
        fs::remove_file(&drafts[0]).unwrap();
        fs::create_dir(&drafts[0]).unwrap();
    });
    let _ = session.abandon();
    let mut session = desk.session(&["f"]).open().unwrap();
    for left in session.leftovers().to_vec() {
        let _ = session.recover(&left);
    }
    assert!(desk.has_somewhere("mine"));
}

/// What an editor puts in the place of the text, and is no text, is not thrown away with the draft.
#[test]
fn what_was_put_in_the_place_of_a_text_stays() {
    let desk = Desk::with("one\n");
    let mut session = desk.session(&["f"]).open().unwrap();
    edit(&mut session, |drafts| save_by_rename(&drafts[0], "one\nmine\n"));
    edit_until(&mut session, Ended::Code(1), |drafts| {
        fs::remove_file(&drafts[0]).unwrap();
        fs::create_dir(&drafts[0]).unwrap();
        fs::write(drafts[0].join("chapter"), "two\n").unwrap();
    });
    assert_eq!(words(&session.abandon()), ["Abandoned"]);
    let mut session = desk.session(&["f"]).open().unwrap();
    let left = session.leftovers()[0].clone();
    session.recover(&left).unwrap();
    edit(&mut session, |_| ());
    let edited = session.commit();
    assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Saved"], "one\nmine\n".to_owned()));
    let [kept] = &edited[0].left[..] else { panic!("{edited:?}") };
    assert_eq!(fs::read_to_string(kept.join("chapter")).unwrap(), "two\n");
}
