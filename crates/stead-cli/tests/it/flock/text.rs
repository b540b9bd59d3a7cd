//! What it says of itself, under either name.

use super::{FlockRig, Link, Stead};

#[test]
fn help_is_the_same_under_either_name() {
    let rig = FlockRig::new();
    let ours = rig.run(Stead, &["--help"]).expect(0);
    assert!(ours.stdout.contains("stead flock [OPTIONS] FILE|FOLDER COMMAND"), "{ours:?}");
    assert_eq!(ours.stdout, rig.run(Stead, &["-xh", "-q"]).expect(0).stdout);
    assert_eq!(ours.stdout, rig.0.run(&["help", "flock"]).expect(0).stdout);
    let links = rig.run(Link, &["-h"]).expect(0);
    assert!(links.stdout.contains("\n  flock [OPTIONS] FILE|FOLDER COMMAND"), "{links:?}");
    let below = |text: &str| text.split_once("\nOptions").map(|(_, rest)| rest.to_owned());
    assert_eq!(below(&links.stdout), below(&ours.stdout));
    assert_eq!(links.stderr, "");
}

#[test]
fn the_version_is_that_of_stead() {
    let rig = FlockRig::new();
    for args in [["-V"], ["--version"]] {
        let version = format!("flock from stead {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(rig.run(Link, &args).expect(0).stdout, version);
        assert_eq!(rig.run(Stead, &args).expect(0).stdout, format!("stead {version}"));
    }
}

#[test]
fn messages_begin_with_the_name() {
    let rig = FlockRig::new();
    let said = rig.run(Link, &["--bogus"]).expect(64);
    assert_eq!(said.stderr, "flock: unrecognized option '--bogus'\nTry 'flock --help' for more information.\n");
    let said = rig.run(Stead, &["nowhere/f", "true"]).expect(66);
    assert_eq!(said.stderr, "stead flock: cannot open lock file nowhere/f: No such file or directory\n");
}

/// A hard link is a link, and so is a copy; a file that has the name of another command of ours is a file.
#[test]
fn the_name_decides_and_nothing_else() {
    let rig = FlockRig::for_all();
    std::fs::hard_link(rig.0.path("stead"), rig.0.path("work/flock")).unwrap();
    rig.sh(Link, "./flock run echo mine && ./flock doctor-helper echo mine && test -f run -a -f doctor-helper")
        .expect(0);
    rig.sh(Link, "PATH=.:$PATH; flock f flock -n f true").expect(1);
    std::os::unix::fs::symlink("../stead", rig.0.path("work/clock")).unwrap();
    rig.sh(Link, "./clock --version | grep -q '^stead '").expect(0);
}
