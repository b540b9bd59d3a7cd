//! Files, folders and editors that cannot be used: an error that says what and where, and nothing touched or left behind.

use std::fs;

use stead::ErrorKind;
use stead::edit::{EditSession, Editor};

use super::{Desk, words};

/// The error of a session that cannot be opened, and nothing is left of it.
fn refused(desk: &Desk, session: EditSession) -> stead::Error {
    let before = desk.names();
    let error = session.open().map(drop).unwrap_err();
    assert_eq!(desk.names(), before, "{error}");
    assert_eq!(desk.rooms().len(), 0, "{error}");
    error
}

#[test]
fn what_is_no_file_is_refused() {
    for (name, kind) in [
        ("folder", ErrorKind::NotRegularFile),
        ("missing/f", ErrorKind::NotFound),
        ("new/", ErrorKind::InvalidInput),
        ("", ErrorKind::NotRegularFile),
    ] {
        let desk = Desk::with("text\n");
        fs::create_dir(desk.path("folder")).unwrap();
        let error = refused(&desk, desk.session(&[name]));
        assert_eq!(error.kind(), kind, "{name}: {error:?}");
        assert!(!desk.path(".stead").exists(), "{name}: nothing is made beside it");
        // One of them spoils the whole session.
        let error = refused(&desk, desk.session(&["f", name]));
        assert_eq!(error.kind(), kind, "{name}: {error:?}");
    }
    let desk = Desk::with("text\n");
    let error = refused(&desk, desk.nothing().file(""));
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    let error = refused(&desk, desk.nothing());
    assert!(error.kind() == ErrorKind::InvalidInput && error.hint().unwrap().contains("name a file"), "{error:?}");
    let error = refused(&desk, desk.session(&["f/below"]));
    assert!(error.path().ends_with("f/below"), "{error:?}");
}

#[cfg(unix)]
#[test]
fn what_is_a_fifo_or_a_device_is_refused() {
    let desk = Desk::new();
    assert!(std::process::Command::new("mkfifo").arg(desk.path("fifo")).status().unwrap().success());
    assert_eq!(refused(&desk, desk.session(&["fifo"])).kind(), ErrorKind::NotRegularFile);
    assert_eq!(refused(&desk, desk.nothing().file("/dev/null")).kind(), ErrorKind::NotRegularFile);
    std::os::unix::fs::symlink("loop", desk.path("loop")).unwrap();
    refused(&desk, desk.session(&["loop"]));
}

#[test]
fn a_file_that_is_read_only_is_refused_before_it_is_edited() {
    let desk = Desk::with("text\n");
    let mut permissions = fs::metadata(desk.path("f")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(desk.path("f"), permissions.clone()).unwrap();
    let error = refused(&desk, desk.session(&["f"]));
    assert!(error.is_permission() && error.hint().unwrap().contains("read-only"), "{error:?}");
    assert_eq!(desk.content("f").unwrap(), "text\n");
    #[expect(clippy::permissions_set_readonly_false, reason = "it is removed right after")]
    permissions.set_readonly(false);
    fs::set_permissions(desk.path("f"), permissions).unwrap();
}

/// A file that is made read-only, or a folder, while it is edited: the draft is kept, and it is said why.
#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_any_more_leaves_the_draft() {
    use std::os::unix::fs::PermissionsExt;
    type Spoil = fn(&Desk);
    let spoils: [(ErrorKind, Spoil); 2] = [
        (ErrorKind::Permission, |desk| {
            fs::set_permissions(desk.path("f"), fs::Permissions::from_mode(0o444)).unwrap();
        }),
        (ErrorKind::NotRegularFile, |desk| {
            fs::remove_file(desk.path("f")).unwrap();
            fs::create_dir(desk.path("f")).unwrap();
        }),
    ];
    for (kind, spoil) in spoils {
        let desk = Desk::with("old\n");
        let edited = super::edited(desk.session(&["f"]), |drafts| {
            super::save_by_rename(&drafts[0], "new\n");
            spoil(&desk);
        });
        assert_eq!(words(&edited), ["Abandoned"]);
        assert_eq!(edited[0].error.as_ref().unwrap().kind(), kind, "{edited:?}");
        assert_eq!(desk.offered_texts(), ["new\n"]);
    }
}

#[cfg(feature = "log")]
#[cfg(unix)]
#[test]
fn the_files_of_a_log_are_refused() {
    let desk = Desk::new();
    let mut log = stead::log::EventWriter::open(desk.path("log")).unwrap();
    log.append(&stead::log::Event::new("a", serde_json::json!({}))).unwrap();
    let before = fs::read(log.log_path()).unwrap();
    let error = refused(&desk, desk.session(&["log/app.jsonl"]));
    assert!(error.hint().unwrap().contains("stead log append"), "{error:?}");
    assert_eq!(fs::read(log.log_path()).unwrap(), before);
}

#[test]
fn an_editor_that_is_not_there_is_named() {
    let desk = Desk::with("text\n");
    let folder = desk.files();
    // Windows has several words for what is no program.
    let no_program: &[ErrorKind] = if cfg!(windows) {
        &[ErrorKind::Permission, ErrorKind::Io, ErrorKind::NotFound, ErrorKind::Unsupported]
    } else {
        &[ErrorKind::Permission, ErrorKind::Io]
    };
    for (command, kinds) in [
        // Denied, where a folder of PATH is closed to this user: it may be in there.
        ("no-such-editor -w".to_owned(), &[ErrorKind::NotFound, ErrorKind::Permission][..]),
        (format!("\"{}\"", desk.path("f").display()), no_program),
        (format!("\"{}\"", folder.display()), no_program),
    ] {
        let error = desk.session(&["f"]).editor(Editor::parse(&command).unwrap()).run().unwrap_err();
        assert!(kinds.contains(&error.kind()), "{error:?}");
        let program = Editor::parse(&command).unwrap();
        assert_eq!(error.path(), program.program(), "{error:?}");
        assert!(error.hint().unwrap().contains("the command"), "who named it: {error:?}");
        assert_eq!((desk.rooms().len(), desk.content("f").unwrap()), (0, "text\n".to_owned()));
    }
    // What was left by others is not lost by it.
    desk.leave_behind("mine\n");
    desk.session(&["f"]).run().unwrap_err();
    assert_eq!(desk.offered_texts(), ["mine\n"]);
}

/// The folder of drafts is a file, is below one, or is of a file's name.
#[test]
fn a_folder_of_drafts_that_is_none_is_named() {
    let desk = Desk::with("text\n");
    let file = desk.folder.path().join("file");
    fs::write(&file, "x").unwrap();
    for drafts in [file.clone(), file.join("below")] {
        let error = refused(&desk, desk.session(&["f"]).drafts(&drafts));
        let said = format!("{error}: {}", error.hint().unwrap_or_default());
        assert!(said.contains(file.to_str().unwrap()) && said.contains("STEAD_DRAFTS"), "{said}");
        assert!(said.contains("nothing was touched"), "{said}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "x");
    drop(desk.session(&["f"]).drafts(desk.folder.path().join("a/b/c")).open().unwrap());
}

#[cfg(unix)]
mod rights {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    use std::path::Path;

    use super::super::roles::CAST;
    use super::*;

    const NOBODY: u32 = 65_534;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// What a user without rights is told who opens `f`; `None`: this binary cannot be run by one.
    fn told(desk: &Desk, folders: &[&Path]) -> Option<String> {
        if !rustix::process::geteuid().is_root() {
            let opened = desk.session(&["f"]).open();
            return Some(opened.map_or_else(|error| format!("{:?}", error.kind()), |_| "open".to_owned()));
        }
        let me = std::env::current_exe().unwrap();
        set(me.parent().unwrap(), 0o755);
        let listed = std::process::Command::new(me).arg("--list").uid(NOBODY).gid(NOBODY).output();
        if !listed.is_ok_and(|listed| listed.status.success()) {
            testkit::skip("this test binary lies in a folder that other users cannot enter");
            return None;
        }
        set(desk.folder.path(), 0o755);
        for folder in folders {
            let id = (rustix::fs::Uid::from_raw(NOBODY), rustix::fs::Gid::from_raw(NOBODY));
            rustix::fs::chown(*folder, Some(id.0), Some(id.1)).unwrap();
        }
        let (drafts, file) = (desk.drafts(), desk.path("f"));
        let mut command = CAST.command(&[], "open", &["no", drafts.to_str().unwrap(), file.to_str().unwrap()]);
        command.uid(NOBODY).gid(NOBODY);
        Some(testkit::Actor::new(&mut command).word())
    }

    #[test]
    fn a_file_in_a_folder_that_is_read_only() {
        let desk = Desk::with("text\n");
        fs::create_dir(desk.drafts()).unwrap();
        set(&desk.files(), 0o555);
        let told = told(&desk, &[&desk.files(), &desk.drafts()]);
        set(&desk.files(), 0o755);
        assert!(told.is_none_or(|told| told == "Permission"));
        assert_eq!((desk.names(), desk.rooms().len()), (vec!["f".to_owned()], 0));
    }

    #[test]
    fn a_folder_of_drafts_that_is_read_only() {
        let desk = Desk::with("text\n");
        fs::create_dir(desk.drafts()).unwrap();
        set(&desk.drafts(), 0o555);
        let told = told(&desk, &[&desk.files(), &desk.drafts()]);
        set(&desk.drafts(), 0o755);
        assert!(told.is_none_or(|told| told == "Permission"));
        assert_eq!(desk.rooms().len(), 0);
    }

    /// Root may not use a user's folder either, nor a user somebody else's: whoever owns it could read the drafts.
    #[test]
    fn a_folder_of_drafts_that_others_may_write_into() {
        let desk = Desk::with("text\n");
        fs::create_dir(desk.drafts()).unwrap();
        for mode in [0o777, 0o770, 0o702] {
            set(&desk.drafts(), mode);
            let error = refused(&desk, desk.session(&["f"]));
            assert!(error.is_permission(), "{error:?}");
            let said = format!("{error}: {}", error.hint().unwrap_or_default());
            assert!(said.contains(desk.drafts().to_str().unwrap()), "{said}");
        }
        set(&desk.drafts(), 0o700);
        drop(desk.session(&["f"]).open().unwrap());
    }

    /// A draft that an editor left to another user, as one under sudo does, may be newer than all that is kept of it, even if
    /// that is in the file already.
    #[test]
    fn a_draft_that_cannot_be_read_is_offered_and_not_lost() {
        if rustix::process::geteuid().is_root() {
            return;
        }
        for in_file in ["text\n", "mine\n"] {
            let desk = Desk::with("text\n");
            desk.leave_behind("mine\n");
            let draft = desk.offered()[0].draft();
            super::super::save_by_rename(&draft, "mine\nand newer\n");
            set(&draft, 0);
            desk.put("f", in_file);
            let mut session = desk.session(&["f"]).open().unwrap();
            let leftover = session.leftovers()[0].clone();
            assert!(leftover.content().unwrap_err().is_permission());
            assert!(session.recover(&leftover).unwrap_err().is_permission());
            drop(session);
            set(&draft, 0o600);
            assert_eq!(desk.offered_texts(), ["mine\nand newer\n"]);
        }
    }
}
