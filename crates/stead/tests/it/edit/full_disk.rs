//! A disk that is full when the file is saved, or when the draft is made: the file is as it was, the draft is kept, and it
//! is said where.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use stead::edit::{EditSession, Editor, Outcome};
use tempfile::tempdir;

use super::{edit, edited, save_by_rename, words};
use crate::mounted::Mounted;

fn fill(folder: &Path) {
    let mut filler = OpenOptions::new().append(true).create(true).open(folder.join("filler")).unwrap();
    for size in [4096, 1] {
        while filler.write(&vec![b'f'; size]).is_ok() {}
    }
}

fn session(file: &Path, drafts: &Path) -> EditSession {
    EditSession::new().file(file).drafts(drafts).editor(Editor::parse("none").unwrap())
}

/// Traps 29 and 47.
#[test]
fn trap_47_a_full_disk_on_save_keeps_the_draft_and_says_where() {
    let Some(disk) = Mounted::tmpfs("size=256k") else { return };
    let (file, drafts) = (disk.path().join("f"), tempdir().unwrap());
    fs::write(&file, "old\n").unwrap();
    // Once with the locks there already.
    for _ in 0..2 {
        let mut session = session(&file, drafts.path()).open().unwrap();
        edit(&mut session, |drafts| save_by_rename(&drafts[0], "new\n".repeat(2000)));
        fill(disk.path());
        let committed = session.commit();
        assert_eq!((words(&committed), fs::read_to_string(&file).unwrap()), (vec!["Abandoned"], "old\n".to_owned()));
        let error = committed[0].error.as_ref().unwrap();
        assert_eq!(error.io().map(std::io::Error::kind), Some(std::io::ErrorKind::StorageFull), "{error:?}");
        assert!(error.hint().unwrap_or_default().contains("space"), "{error:?}");
        let Outcome::Abandoned { draft } = &committed[0].outcome else { panic!() };
        assert_eq!(fs::read_to_string(draft).unwrap(), "new\n".repeat(2000));
        let left: Vec<_> = fs::read_dir(disk.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| ["f", "filler", ".stead"].contains(&name.to_str().unwrap())), "{left:?}");
        fs::remove_file(disk.path().join("filler")).unwrap();
    }
    let mut session = session(&file, drafts.path()).open().unwrap();
    let newest = session.leftovers()[0].clone();
    session.recover(&newest).unwrap();
    edit(&mut session, |_| ());
    assert_eq!(words(&session.commit()), ["Saved"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "new\n".repeat(2000));
}

#[test]
fn a_draft_for_which_there_is_no_room_is_said_and_leaves_nothing() {
    let Some(disk) = Mounted::tmpfs("size=256k") else { return };
    let (folder, drafts) = (tempdir().unwrap(), disk.path().join("drafts"));
    let file = folder.path().join("f");
    fs::write(&file, "old\n").unwrap();
    fill(disk.path());
    let error = session(&file, &drafts).open().map(drop).unwrap_err();
    assert_eq!(error.io().map(std::io::Error::kind), Some(std::io::ErrorKind::StorageFull), "{error:?}");
    let said = format!("{error}: {}", error.hint().unwrap_or_default());
    assert!(said.contains(drafts.to_str().unwrap()), "{said}");
    assert_eq!(fs::read_dir(&drafts).map_or(0, Iterator::count), 0, "{said}");
    fs::remove_file(disk.path().join("filler")).unwrap();
    let edited = edited(session(&file, &drafts), |drafts| save_by_rename(&drafts[0], "new\n"));
    assert_eq!(words(&edited), ["Saved"]);
}

/// No room for copies of what the editor saves, nor for putting a conflict into the draft: the draft itself is there.
#[test]
fn a_disk_that_fills_up_while_a_draft_is_edited() {
    let Some(disk) = Mounted::tmpfs("size=256k") else { return };
    let (folder, drafts) = (tempdir().unwrap(), disk.path().join("drafts"));
    let file = folder.path().join("f");
    fs::write(&file, "old\n").unwrap();
    let mut session = session(&file, &drafts).open().unwrap();
    edit(&mut session, |drafts| {
        save_by_rename(&drafts[0], "mine\n");
        fill(disk.path());
        fs::write(&file, "theirs\n").unwrap();
    });
    let committed = session.commit();
    assert_eq!((words(&committed), fs::read_to_string(&file).unwrap()), (vec!["Abandoned"], "theirs\n".to_owned()));
    let offered = stead::edit::drafts(&drafts).unwrap();
    assert_eq!(offered[0].content().unwrap(), b"mine\n");
}
