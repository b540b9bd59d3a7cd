//! Editors that are scripts, each with a habit of its own.

use std::fs;
use std::path::PathBuf;

use stead::edit::{Editor, Ended, Outcome};

use super::{Desk, words};

impl Desk {
    /// `sh` with a script; the drafts are `$1` and on.
    fn script(&self, body: &str) -> Editor {
        let path = self.folder.path().join("a script");
        fs::write(&path, format!("set -e\n{body}\n")).unwrap();
        Editor::parse(format!("sh '{}'", path.display())).unwrap()
    }

    /// Runs a whole session of `f` and says what became of it.
    fn run(&self, body: &str) -> &'static str {
        words(&self.session(&["f"]).editor(self.script(body)).run().unwrap())[0]
    }
}

/// What each of them does, what becomes of the file, and what is offered afterwards.
#[test]
fn editors_and_their_habits() {
    let offered: [&str; 0] = [];
    for (what, body, word, content) in [
        ("does nothing", ":", "Unchanged", "old\n"),
        ("touches it", r#"touch "$1""#, "Unchanged", "old\n"),
        ("writes the same", r#"echo old > "$1""#, "Unchanged", "old\n"),
        ("saves in place", r#"echo new > "$1""#, "Saved", "new\n"),
        ("saves by rename", r#"echo new > "$1.tmp"; mv "$1.tmp" "$1""#, "Saved", "new\n"),
        ("keeps a backup", r#"mv "$1" "$1~"; echo new > "$1""#, "Saved", "new\n"),
        ("saves twice", r#"echo one > "$1"; echo two > "$1.t"; mv "$1.t" "$1""#, "Saved", "two\n"),
        ("takes it back", r#"echo one > "$1"; echo old > "$1""#, "Unchanged", "old\n"),
        ("empties it", r#": > "$1""#, "Saved", ""),
        ("removes it", r#"rm "$1""#, "Unchanged", "old\n"),
        ("ends with an error", "exit 3", "Unchanged", "old\n"),
        ("crashes", "kill -9 $$", "Unchanged", "old\n"),
        ("changes its mode", r#"chmod 644 "$1"; echo new > "$1""#, "Saved", "new\n"),
        ("appends", r#"printf 'no newline' >> "$1""#, "Saved", "old\nno newline"),
    ] {
        let desk = Desk::with("old\n");
        assert_eq!((desk.run(body), desk.content("f").unwrap().as_str()), (word, content), "{what}");
        assert_eq!(
            (desk.offered_texts(), desk.names()),
            (offered.map(str::to_owned).to_vec(), vec!["f".to_owned()]),
            "{what}"
        );
        assert!(desk.has_no_draft(), "{what}");
    }
}

/// What the editor saved before it failed is kept, and the next session goes on with it.
#[test]
fn what_an_editor_saved_before_it_failed_is_offered_again() {
    for (what, end) in
        [("ends with an error", "exit 3"), ("crashes", "kill -9 $$"), ("is told to end", "kill -TERM $$")]
    {
        let desk = Desk::with("old\n");
        for saving in [r#"echo new > "$1""#, r#"echo newer > "$1.t"; mv "$1.t" "$1""#] {
            assert_eq!(desk.run(&format!("{saving}; {end}")), "Abandoned", "{what}");
            assert_eq!((desk.content("f").unwrap(), desk.rooms().len()), ("old\n".to_owned(), 1), "{what}");
        }
        assert_eq!(desk.offered_texts(), ["newer\n"]);
        // The next editor has it before it, and fails to begin with.
        assert_eq!(desk.run("exit 1"), "Abandoned");
        assert_eq!(desk.run(r#"test "$(cat "$1")" = newer"#), "Saved");
        assert_eq!((desk.content("f").unwrap(), desk.rooms().len()), ("newer\n".to_owned(), 0), "{what}");
    }
}

#[test]
fn how_the_editor_ended_is_told() {
    let desk = Desk::with("old\n");
    for (body, expected) in [
        ("exit 0", Ended::Code(0)),
        ("exit 3", Ended::Code(3)),
        ("kill -9 $$", Ended::Signal(9)),
        ("kill -TERM $$", Ended::Signal(15)),
    ] {
        let mut session = desk.session(&["f"]).editor(desk.script(body)).open().unwrap();
        let end = session.edit().unwrap();
        assert_eq!((end.ended, end.changed), (expected, false));
        assert_eq!(end.still_open, None);
    }
}

/// Whatever the editor puts in the place of the draft: an error that names it, the file as it was, and what was saved
/// before not lost.
#[test]
fn a_draft_that_is_no_file_any_more() {
    for (what, body) in [("a folder", r#"rm "$1"; mkdir "$1""#), ("a FIFO", r#"rm "$1"; mkfifo "$1""#)] {
        let desk = Desk::with("old\n");
        let mut session = desk.session(&["f"]).editor(desk.script(r#"echo saved > "$1""#)).open().unwrap();
        session.edit().unwrap();
        let draft = session.drafts().next().unwrap();
        session
            .edit_by(|_| {
                let editor = desk.script(body);
                let script = &editor.arguments()[0];
                assert!(std::process::Command::new("sh").arg(script).arg(&draft).status()?.success());
                Ok(Ended::Code(0))
            })
            .unwrap();
        let edited = session.commit();
        assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Abandoned"], "old\n".to_owned()), "{what}");
        let error = edited[0].error.as_ref().expect("an error");
        let said = format!("{error}: {}", error.hint().unwrap_or_default());
        assert!(said.contains(draft.to_str().unwrap()), "{what}: {said}");
        assert!(desk.has_saved("saved\n"), "{what}: {:?}", desk.offered());
        // And it is in nobody's way: the next session goes on with what was saved.
        assert_eq!(desk.run(r#"test "$(cat "$1")" = saved"#), "Saved", "{what}");
        assert_eq!(desk.content("f").unwrap(), "saved\n", "{what}");
    }
}

/// A link in the place of the draft is not written through, and what it leads to is not lost.
#[test]
fn a_draft_that_is_a_link_now() {
    let desk = Desk::with("old\n");
    desk.put("elsewhere", "elsewhere\n");
    let elsewhere = desk.path("elsewhere");
    let word = desk.run(&format!(r#"rm "$1"; ln -s '{}' "$1""#, elsewhere.display()));
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "elsewhere\n");
    match word {
        // It is read through, as the editor would.
        "Saved" => assert_eq!(desk.content("f").unwrap(), "elsewhere\n"),
        word => assert_eq!((word, desk.content("f").unwrap().as_str()), ("Abandoned", "old\n")),
    }
    assert!(!desk.path("f").symlink_metadata().unwrap().is_symlink());
}

impl Desk {
    fn has_saved(&self, text: &str) -> bool {
        self.offered().iter().any(|draft| {
            let is_it = |path: PathBuf| fs::read_to_string(path).is_ok_and(|found| found == text);
            draft.content().is_ok_and(|content| content == text.as_bytes()) || draft.earlier().into_iter().any(is_it)
        })
    }
}

/// 50 MiB, and bytes that are no text, by a process.
#[test]
fn large_and_odd_drafts() {
    let desk = Desk::with("old\n");
    assert_eq!(desk.run(r#"head -c 52428800 /dev/zero > "$1""#), "Saved");
    let content = fs::read(desk.path("f")).unwrap();
    assert!(content.len() == 52_428_800 && content.iter().all(|byte| *byte == 0));
    assert_eq!(desk.run(r#"printf 'a\377\000b\303\n' > "$1""#), "Saved");
    assert_eq!(fs::read(desk.path("f")).unwrap(), b"a\xff\0b\xc3\n");
}

/// Trap 46: the words of the command are the editor's own, whatever a shell would make of them; and the files come last.
#[test]
fn trap_46_an_editor_is_not_run_by_a_shell() {
    let desk = Desk::with("old\n");
    let script = desk.script(r#"printf '%s\n' "$#" "$1" "$2" "$3" > "$4""#);
    let path = script.arguments()[0].to_str().unwrap();
    let editor = Editor::parse(format!(r#"sh '{path}' -w "a  b" '$HOME;`x`*'"#)).unwrap();
    assert_eq!(words(&desk.session(&["f"]).editor(editor).run().unwrap()), ["Saved"]);
    assert_eq!(desk.content("f").unwrap(), "4\n-w\na  b\n$HOME;`x`*\n");
}

/// An editor that leaves a window open and returns: it is noticed and named, what is saved there later is not lost, and
/// nobody takes the draft from under it.
#[cfg(all(target_os = "linux", not(stead_other_unix)))]
#[test]
fn an_editor_that_forks_and_returns_at_once() {
    let desk = Desk::with("old\n");
    let place = |name: &str| desk.folder.path().join(name);
    for name in ["go", "go on", "done"] {
        assert!(std::process::Command::new("mkfifo").arg(place(name)).status().unwrap().success());
    }
    // One each: who reads again may find that the one who wrote has not closed it yet.
    let window = r#"read line < "$2"; echo late > "$1"; read line < "$2 on"; echo done > "$3""#;
    let (go, done, pid) = (place("go"), place("done"), place("pid"));
    let body =
        format!("sh -c '{window}' sh \"$1\" '{}' '{}' &\necho $! > '{}'", go.display(), done.display(), pid.display());
    let mut session = desk.session(&["f"]).editor(desk.script(&body)).open().unwrap();
    let end = session.edit().unwrap();
    assert!(end.ended.is_success() && end.returned_at_once && !end.changed, "{end:?}");
    let pid: u32 = fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    assert_eq!(end.still_open, Some(pid));
    let draft = session.drafts().next().unwrap();
    assert_eq!(words(&session.abandon()), ["Unchanged"]);
    assert_eq!(fs::read_to_string(&draft).unwrap(), "old\n", "the window saves there");

    // Another session leaves it alone, before and after something was saved.
    let edited = desk.session(&["f"]).editor(desk.script(r#"echo more >> "$1""#)).run().unwrap();
    assert_eq!(words(&edited), ["Saved"]);
    assert!(draft.exists());
    fs::write(&go, "\n").unwrap();
    testkit::wait_until("it has saved", || (fs::read_to_string(&draft).unwrap() == "late\n").then_some(()));
    let session = desk.session(&["f"]).open().unwrap();
    assert!(session.leftovers().is_empty(), "its window is still open");
    drop(session);
    fs::write(place("go on"), "\n").unwrap();
    assert_eq!(fs::read_to_string(&done).unwrap(), "done\n");

    // Once it is closed, what was saved there is offered.
    let session = testkit::wait_until("it is gone", || {
        let session = desk.session(&["f"]).open().unwrap();
        (!session.leftovers().is_empty()).then_some(session)
    });
    assert_eq!(session.leftovers()[0].content().unwrap(), b"late\n");
    drop(session);
    let edited = desk.session(&["f"]).editor(desk.script(r#"echo resolved > "$1""#)).run().unwrap();
    assert_eq!((words(&edited), desk.content("f").unwrap()), (vec!["Saved"], "resolved\n".to_owned()));
}

/// The same, and a whole session is run at once: its draft stays.
#[test]
fn the_draft_of_an_editor_that_returned_at_once_stays() {
    let desk = Desk::with("old\n");
    let edited = desk.session(&["f"]).editor(desk.script(":")).run().unwrap();
    assert!(matches!(edited[0].outcome, Outcome::Unchanged));
    let end = {
        let mut session = desk.session(&["f"]).editor(desk.script(":")).open().unwrap();
        session.edit().unwrap()
    };
    assert!(end.returned_at_once && end.still_open.is_none(), "{end:?}");
}
