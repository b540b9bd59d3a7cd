//! Drafts that were left: kept, offered, gone on with.

use std::fs;

use stead::ErrorKind;
use stead::atomic::append_lines;
use stead::edit::{Ended, Outcome, Recovered};

use super::{Desk, edit, edit_until, edited, save_by_rename, words};

#[test]
fn what_was_given_up_is_offered_and_gone_on_with() {
    let desk = Desk::with("one\n");
    let mut session = desk.session(&["f"]).open().unwrap();
    assert!(session.leftovers().is_empty());
    edit_until(&mut session, Ended::Code(1), |drafts| save_by_rename(&drafts[0], "zero\none\n"));
    let draft = session.drafts().next().unwrap();
    assert!(desk.offered()[0].is_in_use());
    let edited = session.abandon();
    assert_eq!(edited[0].outcome, Outcome::Abandoned { draft: draft.clone() });
    assert!(edited[0].error.is_none());
    assert_eq!(
        (desk.content("f").unwrap(), desk.offered_texts()),
        ("one\n".to_owned(), vec!["zero\none\n".to_owned()])
    );

    append_lines(desk.path("f"), ["two"]).unwrap();
    let mut session = desk.session(&["f"]).open().unwrap();
    let leftover = session.leftovers()[0].clone();
    assert_eq!((leftover.draft(), leftover.path()), (draft.clone(), &*desk.path("f").canonicalize().unwrap()));
    assert!(leftover.started() <= leftover.saved());
    assert_eq!(session.recover(&leftover).unwrap(), Recovered::Clean);
    assert_eq!((session.leftovers().len(), session.drafts().collect::<Vec<_>>()), (0, vec![draft.clone()]));
    assert_eq!(fs::read_to_string(&draft).unwrap(), "zero\none\ntwo\n");
    assert!(session.recover(&leftover).unwrap_err().kind() == ErrorKind::AlreadyHeld || desk.rooms().len() == 1);
    edit(&mut session, |_| ());
    assert_eq!(words(&session.commit()), ["Saved"]);
    assert_eq!((desk.content("f").unwrap(), desk.rooms().len()), ("zero\none\ntwo\n".to_owned(), 0));
}

/// A session that is dropped gives up as one does that is abandoned.
#[test]
fn a_session_that_is_dropped_keeps_what_was_saved() {
    let desk = Desk::with("one\n");
    drop(desk.session(&["f"]).open().unwrap());
    assert_eq!(desk.rooms().len(), 0);
    let mut session = desk.session(&["f"]).open().unwrap();
    edit(&mut session, |drafts| save_by_rename(&drafts[0], "zero\n"));
    drop(session);
    assert_eq!((desk.content("f").unwrap(), desk.offered_texts()), ("one\n".to_owned(), vec!["zero\n".to_owned()]));
}

/// A session that has something else in hand, or nothing to do with it, leaves it alone.
#[test]
fn a_draft_that_nobody_wants_stays_until_it_is_discarded() {
    let desk = Desk::with("one\n");
    desk.leave_behind("mine\n");
    desk.put("other", "other\n");
    let mut session = desk.session(&["other"]).open().unwrap();
    assert!(session.leftovers().is_empty());
    let refused = session.recover(&desk.offered()[0]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert!(refused.hint().unwrap().contains(desk.path("f").canonicalize().unwrap().to_str().unwrap()), "{refused:?}");
    drop(session);
    assert_eq!(words(&edited(desk.session(&["f"]), |drafts| save_by_rename(&drafts[0], "one\ntwo\n"))), ["Saved"]);
    assert_eq!(
        (desk.content("f").unwrap(), desk.offered_texts()),
        ("one\ntwo\n".to_owned(), vec!["mine\n".to_owned()])
    );
    let mut session = desk.session(&["f"]).open().unwrap();
    let leftover = session.leftovers()[0].clone();
    session.discard(&leftover).unwrap();
    assert!(session.leftovers().is_empty() && desk.offered().is_empty());
}

/// What is in the file by now is not offered, and its draft goes.
#[test]
fn a_draft_whose_text_is_in_the_file_goes() {
    let desk = Desk::with("one\n");
    desk.leave_behind("zero\none\n");
    desk.put("f", "zero\none\ntwo\n");
    let session = desk.session(&["f"]).open().unwrap();
    assert!(session.leftovers().is_empty());
    drop(session);
    assert_eq!(desk.rooms().len(), 0);
}

/// Drafts of two sessions that died are gone on with one after the other: what is in neither the file nor the draft that
/// is edited then is still offered.
#[test]
fn nothing_is_lost_of_two_drafts_that_are_gone_on_with() {
    let desk = Desk::with("one\n");
    desk.leave_behind("first\none\n");
    desk.leave_behind("one\nsecond\n");
    let mut session = desk.session(&["f"]).open().unwrap();
    assert_eq!(session.leftovers().len(), 2);
    for leftover in session.leftovers().to_vec() {
        session.recover(&leftover).unwrap();
    }
    edit(&mut session, |_| ());
    let _ = session.commit();
    assert!(
        desk.has_somewhere("first") && desk.has_somewhere("second"),
        "{:?}, {:?}",
        desk.content("f"),
        desk.offered_texts()
    );
}

/// What the editor has saved in this session is not lost by going on with an older draft.
#[test]
fn nothing_is_lost_of_what_was_edited_before_a_draft_is_gone_on_with() {
    let desk = Desk::with("one\n");
    desk.leave_behind("first\none\n");
    let mut session = desk.session(&["f"]).open().unwrap();
    let leftover = session.leftovers()[0].clone();
    edit(&mut session, |drafts| save_by_rename(&drafts[0], "one\nsecond\n"));
    session.recover(&leftover).unwrap();
    let _ = session.commit();
    assert!(
        desk.has_somewhere("first") && desk.has_somewhere("second"),
        "{:?}, {:?}",
        desk.content("f"),
        desk.offered_texts()
    );
}

/// Each of many drafts is gone on with by some session of [`EditSession::run`](stead::edit::EditSession::run)'s kind.
#[test]
fn drafts_are_gone_on_with_one_by_one() {
    let desk = Desk::with("0\n1\n2\n3\n4\n");
    for number in 0..5 {
        desk.leave_behind(&"0\n1\n2\n3\n4\n".replace(&number.to_string(), &format!("{number} and more")));
    }
    for left in (0..5).rev() {
        let mut session = desk.session(&["f"]).open().unwrap();
        let newest = session.leftovers()[0].clone();
        session.recover(&newest).unwrap();
        edit(&mut session, |_| ());
        assert_eq!(words(&session.commit()), ["Saved"]);
        assert_eq!(desk.offered().len(), left);
    }
    assert_eq!(desk.content("f").unwrap(), "0 and more\n1 and more\n2 and more\n3 and more\n4 and more\n");
}

/// The draft that was removed after it was saved is kept as it was saved.
#[test]
fn a_draft_that_the_editor_removed_is_kept_as_it_was_saved() {
    let desk = Desk::with("one\n");
    let mut session = desk.session(&["f"]).open().unwrap();
    edit(&mut session, |drafts| save_by_rename(&drafts[0], "two\n"));
    edit(&mut session, |drafts| fs::remove_file(&drafts[0]).unwrap());
    let edited = session.commit();
    assert_eq!((words(&edited), desk.offered_texts()), (vec!["Abandoned"], vec!["two\n".to_owned()]));
    let error = edited[0].error.as_ref().unwrap();
    assert!(error.kind() == ErrorKind::Io && error.hint().unwrap().contains("is kept"), "{error:?}");
    let Outcome::Abandoned { draft } = &edited[0].outcome else { panic!() };
    assert_eq!(fs::read_to_string(draft).unwrap(), "two\n");
    assert_eq!(desk.content("f").unwrap(), "one\n");
}

#[test]
fn a_draft_that_the_editor_removed_without_saving_says_nothing() {
    let desk = Desk::with("one\n");
    let edited = edited(desk.session(&["f"]), |drafts| fs::remove_file(&drafts[0]).unwrap());
    assert_eq!(
        (words(&edited), desk.content("f").unwrap(), desk.has_no_draft()),
        (vec!["Unchanged"], "one\n".to_owned(), true)
    );
}

/// The folder of drafts is of somebody who puts other things into it.
#[test]
fn other_files_in_the_folder_of_drafts_are_left_alone() {
    let desk = Desk::with("one\n");
    desk.leave_behind("two\n");
    let room = desk.rooms()[0].clone();
    fs::write(desk.drafts().join("note"), "x").unwrap();
    fs::create_dir(desk.drafts().join("folder")).unwrap();
    fs::write(room.join("note"), "x").unwrap();
    fs::write(room.join("saves/note"), "x").unwrap();
    assert_eq!(desk.offered_texts(), ["two\n"]);
    // A draft of a newer version is none that we understand: it is neither offered nor removed.
    fs::write(room.join("draft.json"), "{\"schema\":\"stead.draft/2\"}\n").unwrap();
    assert!(desk.offered().is_empty());
    drop(desk.session(&["f"]).open().unwrap());
    assert_eq!(fs::read_to_string(room.join("text/f")).unwrap(), "two\n");
    assert_eq!(desk.rooms().len(), 3);
}
