//! Who may see what: files, drafts and their folders; and links.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::{Desk, edit, edited, save_by_rename, words};

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Everything below a folder.
fn below(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { [vec![path.clone()], below(&path)].concat() } else { vec![path] })
        .collect()
}

#[test]
fn a_draft_is_seen_by_its_user_only() {
    let desk = Desk::with("secret\n");
    set_mode(&desk.path("f"), 0o644);
    let mut session = desk.session(&["f"]).open().unwrap();
    edit(&mut session, |drafts| fs::write(&drafts[0], "more\n").unwrap());
    assert_eq!(mode(&desk.drafts()), 0o700);
    let room = desk.rooms()[0].clone();
    assert_eq!(mode(&room), 0o700);
    for path in below(&room) {
        // In a lock there is nothing of the text.
        if !path.is_dir() && !path.ends_with("session.lock") {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
    session.abandon();
    assert_eq!(mode(&desk.offered()[0].draft()), 0o600);
}

#[test]
fn a_new_file_has_the_mode_that_was_asked_for() {
    let desk = Desk::new();
    let edited = edited(desk.session(&["new"]).mode(0o600), |drafts| save_by_rename(&drafts[0], "x"));
    assert_eq!((words(&edited), mode(&desk.path("new"))), (vec!["Saved"], 0o600));
    fs::write(desk.path("plain"), "").unwrap();
    assert_eq!(words(&super::edited(desk.session(&["other"]), |drafts| save_by_rename(&drafts[0], "x"))), ["Saved"]);
    assert_eq!(mode(&desk.path("other")), mode(&desk.path("plain")), "as any new file");
}

/// Also where the draft's own was changed, and where a mode is asked for new files.
#[test]
fn a_file_that_is_there_keeps_its_mode() {
    let desk = Desk::with("old\n");
    for bits in [0o600, 0o640, 0o755, 0o666] {
        set_mode(&desk.path("f"), bits);
        let before = fs::metadata(desk.path("f")).unwrap();
        let edited = edited(desk.session(&["f"]).mode(0o604), |drafts| {
            save_by_rename(&drafts[0], format!("{bits:o}\n"));
            set_mode(&drafts[0], 0o777);
        });
        let after = fs::metadata(desk.path("f")).unwrap();
        assert_eq!((words(&edited), mode(&desk.path("f"))), (vec!["Saved"], bits));
        assert_eq!((before.uid(), before.gid()), (after.uid(), after.gid()));
    }
}

#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn a_file_that_is_there_keeps_its_attributes() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};
    let desk = Desk::with("old\n");
    if setxattr(desk.path("f"), "user.note", b"keep me", XattrFlags::empty()).is_err() {
        return testkit::skip("no extended attributes here");
    }
    edited(desk.session(&["f"]), |drafts| save_by_rename(&drafts[0], "new\n"));
    let mut value = [0; 20];
    let len = getxattr(desk.path("f"), "user.note", &mut value[..]).unwrap();
    assert_eq!(&value[..len], b"keep me");
}

/// A file that only its owner might read is made again so, when it was removed meanwhile.
#[test]
fn a_private_file_that_was_removed_meanwhile_is_private_again() {
    let desk = Desk::with("secret\n");
    set_mode(&desk.path("f"), 0o600);
    edited(desk.session(&["f"]), |drafts| {
        fs::remove_file(desk.path("f")).unwrap();
        save_by_rename(&drafts[0], "more secret\n");
    });
    assert_eq!(mode(&desk.path("f")), 0o600);
}

/// A link stays, and what it leads to is edited: as one file, however it is named.
#[test]
fn a_link_is_followed_and_stays() {
    let desk = Desk::with("old\n");
    let other = desk.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    symlink(desk.path("f"), other.join("link")).unwrap();
    symlink("link", other.join("link to link")).unwrap();
    let session = desk.nothing().file(other.join("link to link")).file(desk.path("f"));
    let edited = edited(session, |drafts| {
        assert_eq!((drafts.len(), drafts[0].file_name().unwrap().to_str()), (1, Some("f")));
        save_by_rename(&drafts[0], "new\n");
    });
    assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Saved"], "new\n".to_owned()));
    assert!(other.join("link").symlink_metadata().unwrap().is_symlink());
    // The same draft, whichever way the next session comes.
    desk.leave_behind("left\n");
    let session = desk.nothing().file(other.join("link")).open().unwrap();
    assert_eq!(session.leftovers().len(), 1);
    drop(session);
    // And one lock.
    let held = desk.session(&["f"]).open().unwrap();
    let refused = std::thread::scope(|scope| {
        let open = || desk.nothing().file(other.join("link")).wait(stead::lock::Wait::No).open().map(drop);
        scope.spawn(open).join().unwrap()
    });
    assert!(refused.unwrap_err().is_busy());
    drop(held);
}

#[test]
fn a_link_to_nothing_is_written_through() {
    let desk = Desk::new();
    symlink("target", desk.path("link")).unwrap();
    assert_eq!(words(&edited(desk.session(&["link"]), |drafts| save_by_rename(&drafts[0], "new\n"))), ["Saved"]);
    assert_eq!(desk.content("target").unwrap(), "new\n");
    assert!(desk.path("link").symlink_metadata().unwrap().is_symlink());
}

/// A name that is no text.
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn a_name_that_is_not_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let desk = Desk::new();
    let names = [&b"a\xff"[..], b"a\xfe", b" \"'$x\n"].map(std::ffi::OsStr::from_bytes);
    for name in names {
        let path = desk.files().join(name);
        fs::write(&path, "old\n").unwrap();
        let mut session = desk.nothing().file(&path).open().unwrap();
        assert!(session.leftovers().is_empty());
        edit(&mut session, |drafts| {
            assert_eq!(drafts[0].file_name().unwrap(), name);
            save_by_rename(&drafts[0], name.as_bytes());
        });
        session.abandon();
    }
    for name in names {
        let path = desk.files().join(name);
        let mut session = desk.nothing().file(&path).open().unwrap();
        assert_eq!(session.leftovers().len(), 1);
        let leftover = session.leftovers()[0].clone();
        session.recover(&leftover).unwrap();
        edit(&mut session, |drafts| assert_eq!(drafts[0].file_name().unwrap(), name));
        assert_eq!(words(&session.commit()), ["Saved"]);
        assert_eq!(fs::read(&path).unwrap(), name.as_bytes());
    }
    assert_eq!(desk.rooms().len(), 0);
}
