//! A full disk: the draft is kept, and it is said where.

use std::path::Path;
use std::process::Command;

use crate::rig::{Rig, finish, is_root};

/// A filesystem of 256 KiB, mounted for one test.
struct Small<'a>(&'a Path);

impl Small<'_> {
    fn mount(point: &Path) -> Option<Small<'_>> {
        std::fs::create_dir_all(point).unwrap();
        let mounted = is_root()
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs"])
                .arg(point)
                .status()
                .is_ok_and(|status| status.success());
        // As another user nobody may; the same tests run as root.
        if !mounted && is_root() {
            testkit::skip("cannot mount a tmpfs");
        }
        mounted.then(|| Small(point))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn what_does_not_fit_is_kept_in_the_draft() {
    let rig = Rig::new();
    let point = rig.path("journal");
    let Some(_small) = Small::mount(&point) else { return };
    rig.run(&["add", "begun"]).expect(0);
    let before = std::fs::read(rig.today()).unwrap();
    let write = "yes typed | head -c 500000 >> \"$1\"";
    let full = rig.edit(&[], write).expect(74).saying("No space left").saying("ponder recover ");
    assert_eq!(std::fs::read(rig.today()).unwrap(), before);
    let draft = rig.run(&["recover", "--json"]).expect(0).json();
    let draft = draft["draft"].as_str().unwrap();
    assert!(full.stderr.contains(draft), "{full:?}");
    assert!(std::fs::metadata(draft).unwrap().len() >= 500_000);
    // Once there is room, it goes on.
    finish(rig.command("mount", &["-o", "remount,size=2m", point.to_str().unwrap()])).expect(0);
    rig.edit(&["recover"], "true").expect(0).saying("saved");
    assert!(std::fs::metadata(rig.today()).unwrap().len() >= 500_000);
}

#[test]
fn an_addition_that_does_not_fit_is_not_there_at_all() {
    let rig = Rig::new();
    let point = rig.path("journal");
    let Some(_small) = Small::mount(&point) else { return };
    rig.write("in", "x".repeat(400_000));
    let add = || {
        let mut command = rig.ponder(&["add"]);
        command.stdin(std::fs::File::open(rig.path("in")).unwrap());
        finish(command).expect(74).saying("No space left")
    };
    add();
    assert!(!rig.today().exists());
    rig.run(&["add", "begun"]).expect(0);
    let before = std::fs::read(rig.today()).unwrap();
    add();
    assert_eq!(std::fs::read(rig.today()).unwrap(), before);
    rig.run(&["add", "more"]).expect(0);
}
