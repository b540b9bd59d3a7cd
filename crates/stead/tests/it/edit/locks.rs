//! One session of a file at a time.

use std::time::{Duration, Instant};

use stead::ErrorKind;
use stead::lock::{FileLock, Wait};
use testkit::Actor;

use super::roles::{CAST, play_editor};
use super::{Desk, edit, save_by_rename, words};

impl Desk {
    /// A process that opens a session of these files, or says why it cannot.
    fn opener(&self, wait: &str, names: &[&str]) -> Actor {
        let paths: Vec<_> = names.iter().map(|name| self.path(name)).collect();
        let drafts = self.drafts();
        let args: Vec<_> = [wait, drafts.to_str().unwrap()]
            .into_iter()
            .chain(paths.iter().map(|path| path.to_str().unwrap()))
            .collect();
        CAST.start("open", &args)
    }
}

/// Trap 45: the lock is not on the file that is edited, nor on its draft: however the editor saves, and whatever replaces
/// the file, nobody else gets in.
#[test]
fn trap_45_an_editor_that_saves_by_rename_lets_no_second_session_in() {
    let desk = Desk::with("old\n");
    let mut session = desk.session(&["f"]).open().unwrap();
    for number in 0..3 {
        edit(&mut session, |drafts| save_by_rename(&drafts[0], format!("{number}\n")));
        desk.opener("no", &["f"]).expect("Busy");
        save_by_rename(&desk.path("f"), "replaced\n");
        desk.opener("no", &["f"]).expect("Busy");
    }
    drop(session);
    desk.opener("60000", &["f"]).expect("open");
}

/// Trap 45, with an editor that is a process.
#[test]
fn trap_45_no_second_session_gets_in_while_an_editor_runs() {
    let desk = Desk::with("old\n");
    let drafts = desk.drafts();
    let mut first = CAST.start("session", &[drafts.to_str().unwrap(), desk.path("f").to_str().unwrap()]);
    first.expect("open");
    assert!(first.word().starts_with("editing "));
    for saving in ["rename new\\n", "in-place newer\\n"] {
        desk.opener("no", &["f"]).expect("Busy");
        first.cue(saving);
        first.expect("done");
    }
    let mut second = desk.opener("forever", &["f"]);
    first.cue("end 0");
    first.expect("Saved");
    second.expect("open");
    assert_eq!(desk.content("f").unwrap(), "newer\n");
    assert!(first.dismiss() && second.dismiss());
}

/// Programs that change the file under its own lock are not kept out, but while it is saved.
#[test]
fn a_session_holds_the_lock_of_the_file_only_to_save() {
    let desk = Desk::with("old\n");
    let mut session = desk.session(&["f"]).open().unwrap();
    edit(&mut session, |drafts| save_by_rename(&drafts[0], "new\n"));
    drop(FileLock::sidecar(desk.path("f")).try_lock().unwrap());
    let name = format!("sidecar:{}", desk.path("f").display());
    let mut program = crate::cast::CAST.start("hold", &[&name, "exclusive"]);
    program.expect("held");
    // Whoever comes first, the session waits for the program.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            program.cue("");
            program.expect("released");
        });
        assert_eq!(words(&session.commit()), ["Saved"]);
    });
}

/// One that is locked leaves none locked, and is named with its holder.
#[test]
fn one_locked_file_of_a_set_leaves_none_locked() {
    let desk = Desk::new();
    for name in ["a", "b", "c"] {
        desk.put(name, name);
    }
    let mut holder = desk.opener("no", &["b"]);
    holder.expect("open");
    for names in [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]] {
        let error = desk.session(&names).wait(Wait::No).open().unwrap_err();
        assert!(error.is_busy(), "{error:?}");
        assert_eq!(error.path().file_name().unwrap(), "b", "{error}");
        let by = error.holder().unwrap();
        assert_eq!(by.pid, Some(holder.pid()), "{error:?}");
        assert!(by.since.is_some(), "{error:?}");
        let said = format!("{error} {}", error.hint().unwrap_or_default());
        assert!(!said.contains("rm ") && !said.contains("remove"), "{said}");
        for other in ["a", "c"] {
            let mut opener = desk.opener("no", &[other]);
            opener.expect("open");
            assert!(opener.dismiss());
        }
    }
    assert_eq!(desk.rooms().len(), 1, "the drafts of those that were not opened are gone");
    holder.cue("");
    holder.expect("closed");
    drop(desk.session(&["a", "b", "c"]).wait(Wait::No).open().unwrap());
}

#[test]
fn a_deadline_is_one_for_all_files() {
    let desk = Desk::new();
    let mut holder = desk.opener("no", &["b"]);
    holder.expect("open");
    let begun = Instant::now();
    let error = desk.session(&["a", "b"]).wait(Duration::from_millis(300)).open().unwrap_err();
    let took = begun.elapsed();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.path().file_name().unwrap(), "b");
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(took < testkit::PATIENCE, "{took:?}");
    assert!(error.waited().is_some_and(|waited| waited <= took), "{error:?}");
    drop(desk.session(&["a"]).wait(Wait::No).open().unwrap());
    assert!(holder.dismiss());
}

/// Two sessions of the same files, named in another order, wait for each other in no circle.
#[test]
fn who_waits_gets_in_when_the_first_is_done() {
    let desk = Desk::new();
    let mut session = desk.session(&["a", "b"]).open().unwrap();
    let mut waiting = desk.opener("forever", &["b", "a"]);
    edit(&mut session, |drafts| save_by_rename(&drafts[1], "b\n"));
    assert_eq!(words(&session.commit()), ["Unchanged", "Saved"]);
    waiting.expect("open");
    assert!(waiting.dismiss());
}

/// Trap 46: an editor with arguments, whose path has a blank in it, is started as it is.
#[cfg(unix)]
#[test]
fn trap_46_an_editor_whose_path_has_a_blank() {
    use stead::edit::Editor;
    let desk = Desk::with("old\n");
    let folder = desk.folder.path().join("my editors");
    std::fs::create_dir(&folder).unwrap();
    let binary = folder.join("an editor; $HOME");
    std::os::unix::fs::symlink(std::env::current_exe().unwrap(), &binary).unwrap();
    let command = format!("'{}' \"edit::roles::enter\" --exact --nocapture --test-threads=1", binary.display());
    let editor = Editor::parse(command).unwrap();
    assert_eq!(editor.name(), "an editor; $HOME");
    let mut session = desk.session(&["f"]).editor(editor).open().unwrap();
    let end = session.edit_by(|command| {
        use std::process::Stdio;
        let mut editor = Actor::new(play_editor(command).stdin(Stdio::piped()).stdout(Stdio::piped()));
        assert!(editor.word().starts_with("editing "));
        editor.cue("rename new\\n");
        editor.expect("done");
        assert!(editor.dismiss());
        Ok(stead::edit::Ended::Code(0))
    });
    assert!(end.unwrap().changed);
    assert_eq!(words(&session.commit()), ["Saved"]);
    assert_eq!(desk.content("f").unwrap(), "new\n");
}
