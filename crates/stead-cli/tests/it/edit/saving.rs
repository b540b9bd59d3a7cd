//! What becomes of what the editor saved.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use super::{Desk, UNTIL_KEPT};
use crate::rig::set_mode;

/// So long ago that a write would be seen.
fn age(desk: &Desk, name: &str) -> (u64, SystemTime) {
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    std::fs::File::options().write(true).open(desk.path(name)).unwrap().set_modified(then).unwrap();
    seen(desk, name)
}

fn seen(desk: &Desk, name: &str) -> (u64, SystemTime) {
    (desk.inode(name), desk.path(name).metadata().unwrap().modified().unwrap())
}

#[test]
fn what_the_editor_saves_is_in_the_file() {
    let desk = Desk::with("one\n");
    set_mode(&desk.path("f"), 0o640);
    let done = desk.edit(&["f"], "echo two >>\"$1\"").expect(0);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", "stead: saved f\n"));
    assert_eq!(desk.text("f"), "one\ntwo\n");
    assert_eq!(desk.path("f").metadata().unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(desk.rooms(), 0);
    assert_eq!(desk.names(), ["f", "home", "tools"]);
}

/// The editor is told of a file with the same name, so that it knows what kind of text it is.
#[test]
fn the_draft_has_the_name_of_the_file() {
    let desk = Desk::new();
    desk.edit(&["a b.md"], "echo \"$#:${1##*/}\" >named").expect(0);
    assert_eq!(desk.text("named"), "1:a b.md\n");
}

#[test]
fn without_a_change_nothing_is_written() {
    let scripts = [
        ":",
        "touch \"$1\"",
        "cp \"$1\" copy && mv copy \"$1\"",
        "echo x >>\"$1\"; printf 'one\\n' >\"$1\"",
        "rm \"$1\"",
    ];
    for script in scripts {
        let desk = Desk::with("one\n");
        let before = age(&desk, "f");
        let done = desk.edit(&["f"], script).expect(0);
        assert_eq!(done.stderr, "stead: f: nothing was changed, nothing is written\n", "{script}");
        assert_eq!((seen(&desk, "f"), desk.text("f")), (before, "one\n".to_owned()), "{script}");
        assert_eq!(desk.drafts().len(), 0);
        // What may be left of it does not add up.
        desk.edit(&["f"], "echo two >>\"$1\"").expect(0);
        assert_eq!(desk.rooms(), 0, "{script}");
    }
    let desk = Desk::new();
    desk.edit(&["f"], ":").expect(0);
    assert!(!desk.exists("f"), "nothing was written, and nothing was made");
}

#[test]
fn a_change_that_others_have_made_as_well_is_not_written_again() {
    let desk = Desk::with("one\n");
    desk.edit(&["f"], "echo two >>\"$1\"; echo two >>f; touch -d @1000000000 f; ls -i f >inode").expect(0);
    let (inode, modified) = seen(&desk, "f");
    assert!(desk.text("inode").contains(&inode.to_string()));
    assert_eq!(modified.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 1_000_000_000);
    assert_eq!((desk.text("f"), desk.rooms()), ("one\ntwo\n".to_owned(), 0));
}

/// Ways in which editors save.
#[test]
fn trap_45_an_editor_may_save_as_it_likes() {
    let ways = [
        "echo new >\"$1\"",
        "echo new >\"$1.new\" && mv \"$1.new\" \"$1\"",
        "cp \"$1\" \"$1~\"; echo new >\"$1\"",
        "echo old >\"$1\"; echo new >\"$1\"",
        "rm \"$1\"; echo new >\"$1\"",
        "chmod 444 \"$1\"; echo new >n; mv -f n \"$1\"",
    ];
    for way in ways {
        let desk = Desk::with("one\n");
        assert_eq!(desk.edit(&["f"], way).expect(0).stderr, "stead: saved f\n", "{way}");
        assert_eq!((desk.text("f"), desk.rooms()), ("new\n".to_owned(), 0), "{way}");
    }
}

#[test]
fn bytes_stay_what_they_are() {
    let desk = Desk::new();
    desk.write("f", b"\xff\xfe\r\n\0end");
    desk.edit(&["f"], "printf '\\303(\\377' >>\"$1\"").expect(0);
    assert_eq!(desk.read("f"), b"\xff\xfe\r\n\0end\xc3(\xff");
    desk.edit(&["f"], "head -c 50000000 /dev/zero >\"$1\"").expect(0);
    assert_eq!(desk.path("f").metadata().unwrap().len(), 50_000_000);
    desk.edit(&["f"], ": >\"$1\"").expect(0);
    assert_eq!(desk.read("f"), b"");
}

#[test]
fn a_file_that_is_missing_is_made() {
    let desk = Desk::new();
    assert_eq!(desk.edit(&["new"], "echo one >>\"$1\"").expect(0).stderr, "stead: saved new\n");
    assert_eq!(desk.text("new"), "one\n");
    let umask = desk.sh("touch other && stat -c %a other new").expect(0).stdout;
    let modes: Vec<&str> = umask.lines().collect();
    assert_eq!(modes[0], modes[1], "as any new file");
}

#[test]
fn what_others_append_meanwhile_is_kept() {
    let desk = Desk::with("one\ntwo\nthree\n");
    let mut sitting = desk.sit_down(&["f"], "sed -i 's/one/ONE/' \"$1\"; echo saved; read line");
    assert_eq!(sitting.line(), "saved");
    for line in ["four", "five"] {
        desk.feed(&["append", "f", "--no-wait"], format!("{line}\n")).expect(0);
    }
    assert_eq!(desk.text("f"), "one\ntwo\nthree\nfour\nfive\n");
    let done = sitting.end().expect(0);
    assert_eq!(done.stderr, "stead: saved f, together with what others wrote meanwhile\n");
    assert_eq!(desk.text("f"), "ONE\ntwo\nthree\nfour\nfive\n");
    assert_eq!(desk.rooms(), 0);
}

/// Lines that both put at the end are both there.
#[test]
fn two_ends_are_merged() {
    let desk = Desk::with("one\n");
    let sitting = desk.sit_down(&["f"], "echo mine >>\"$1\"; read line");
    desk.feed(&["append", "f"], "theirs\n").expect(0);
    sitting.end().expect(0);
    assert_eq!(desk.text("f"), "one\ntheirs\nmine\n");
}

#[test]
fn a_file_that_others_removed_meanwhile_is_there_again() {
    let desk = Desk::with("one\n");
    desk.edit(&["f"], "rm f; echo two >>\"$1\"").expect(0);
    assert_eq!(desk.text("f"), "one\ntwo\n");
    // Unless nothing was changed in it.
    desk.edit(&["f"], "rm f").expect(0);
    assert!(!desk.exists("f"));
}

#[test]
fn trap_47_in_a_conflict_both_texts_are_kept_until_it_is_resolved() {
    let desk = Desk::with("one\ntwo\n");
    let sitting = desk.sit_down(&["f"], "sed -i 's/one/mine/' \"$1\"; read line");
    desk.feed(&["write", "f"], "theirs\ntwo\n").expect(0);
    let conflict = sitting.end().expect(1);
    assert!(
        conflict.stderr.contains("f was changed in the same lines by others: it is as they left it"),
        "{conflict:?}"
    );
    assert!(conflict.stderr.contains("hint: choose between them: `stead edit --recover f`"), "{conflict:?}");
    assert_eq!(desk.text("f"), "theirs\ntwo\n");
    let both = "<<<<<<< in the file\ntheirs\n=======\nmine\n>>>>>>> in the draft\ntwo\n";
    assert_eq!(desk.draft(), both);
    let drafts = desk.drafts();
    assert_eq!(drafts[0]["conflict"], true);
    let kept = drafts[0]["draft"].as_str().unwrap();
    assert!(conflict.stderr.contains(kept), "{conflict:?}");

    // The editor sees both, and whoever does not choose loses nothing.
    for script in ["cp \"$1\" seen", "sed -i s/two/TWO/ \"$1\"; sed -i s/TWO/two/ \"$1\""] {
        let still = desk.edit(&["--recover", "f"], script).expect(1);
        assert!(still.stderr.contains("choose between the lines from <<<<<<< to >>>>>>>"), "{still:?}");
        assert_eq!((desk.text("seen"), desk.draft()), (both.to_owned(), both.to_owned()));
        assert_eq!(desk.text("f"), "theirs\ntwo\n");
    }
    assert_eq!(
        desk.edit(&["--recover", "f"], "printf 'ours\\ntwo\\n' >\"$1\"").expect(0).stderr.lines().last(),
        Some("stead: saved f")
    );
    assert_eq!((desk.text("f"), desk.rooms()), ("ours\ntwo\n".to_owned(), 0));
}

/// The file may be changed again before the conflict is resolved.
#[test]
fn what_comes_after_a_conflict_is_merged_as_well() {
    let desk = Desk::with("one\ntwo\nthree\n");
    desk.edit(&["f"], "sed -i 's/one/mine/' \"$1\"; sed -i 's/one/theirs/' f").expect(1);
    desk.feed(&["append", "f"], "four\n").expect(0);
    desk.edit(&["--recover", "f"], "sed -i '/^<<<<<<</d; /^=======/d; /^>>>>>>>/d' \"$1\"").expect(0);
    assert_eq!(desk.text("f"), "theirs\nmine\ntwo\nthree\nfour\n");
    assert_eq!(desk.rooms(), 0);
}

#[test]
fn a_linked_file_is_saved_through_its_link() {
    let desk = Desk::with("one\n");
    std::fs::create_dir(desk.path("links")).unwrap();
    symlink("../f", desk.path("links/l")).unwrap();
    let sitting = desk.sit_down(&["links/l"], "echo two >>\"$1\"; read line");
    let busy = desk.edit(&["--no-wait", "f"], ":").expect(75);
    assert!(busy.stderr.starts_with("stead: busy: f is held exclusively by pid "), "{busy:?}");
    assert_eq!(sitting.end().expect(0).stderr, "stead: saved links/l\n");
    assert!(desk.path("links/l").symlink_metadata().unwrap().is_symlink());
    assert_eq!(desk.text("f"), "one\ntwo\n");
    // What is left of it is found by either name.
    desk.edit(&["links/l"], "echo three >>\"$1\"; exit 1").expect(1);
    desk.edit(&["--recover", "f"], ":").expect(0);
    assert_eq!(desk.text("f"), "one\ntwo\nthree\n");
}

#[test]
fn a_hard_link_is_told_to_be_none_any_more_or_stays_one() {
    let desk = Desk::with("one\n");
    std::fs::hard_link(desk.path("f"), desk.path("g")).unwrap();
    desk.edit(&["f"], "echo two >>\"$1\"").expect(0);
    assert_eq!(desk.text("f"), "one\ntwo\n");
    assert_eq!(desk.path("f").metadata().unwrap().nlink(), 1);
    assert_eq!(desk.text("g"), "one\n");
}

#[test]
fn several_files_are_edited_in_one_go() {
    let desk = Desk::new();
    for name in ["a", "b", "c", "d"] {
        desk.write(name, b"one\n");
    }
    let script = "for draft; do echo \"${draft##*/}\" >>order; done
        echo two >>\"$1\"; sed -i s/one/mine/ \"$3\"; echo theirs >c; echo two >>\"$4\"; sed -i s/one/ONE/ d";
    let done = desk.edit(&["a", "b", "c", "d", "./a"], script).expect(1);
    assert_eq!(desk.text("order"), "a\nb\nc\nd\n", "in the order in which they are named, and once");
    let [a, c, hint, d] = done.stderr.lines().collect::<Vec<_>>()[..] else { panic!("{done:?}") };
    assert_eq!(a, "stead: saved a");
    assert!(c.starts_with("stead: c was changed in the same lines by others"), "{c}");
    assert_eq!(hint, "hint: choose between them: `stead edit --recover c`");
    assert_eq!(d, "stead: saved d, together with what others wrote meanwhile");
    let texts = ["a", "b", "c", "d"].map(|name| desk.text(name));
    assert_eq!(texts, ["one\ntwo\n", "one\n", "theirs\n", "ONE\ntwo\n"]);
    assert_eq!((desk.rooms(), desk.drafts().len()), (1, 1));
}

/// It may be a mistake, so the file is not emptied for it.
#[test]
fn an_editor_that_removes_what_it_saved_loses_nothing() {
    let desk = Desk::with("one\n");
    let kept = desk.edit(&["f"], &format!("echo two >>\"$1\"; {UNTIL_KEPT}; rm \"$1\""));
    assert!(kept.stderr.contains("the editor removed it"), "{kept:?}");
    assert!(kept.stderr.contains("your text is kept in "), "{kept:?}");
    assert_ne!(kept.code, Some(0));
    assert_eq!((desk.text("f"), desk.draft()), ("one\n".to_owned(), "one\ntwo\n".to_owned()));
}

#[test]
fn a_program_that_changes_the_file_is_waited_for() {
    let desk = Desk::with("one\n");
    let held = desk.hold(&["--for", "f"]);
    let editor = desk.editor("echo two >>\"$1\"");
    let mut command = desk.command(&["f", "--editor", &editor]);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pid = format!("\"pid\":{},", child.id());
    testkit::wait_until("it waits", || desk.stead(&["who", "--json", "f"]).says(&pid).then_some(()));
    assert_eq!(desk.text("f"), "one\n");
    held.end();
    assert!(child.wait().unwrap().success());
    assert_eq!(desk.text("f"), "one\ntwo\n");
}
