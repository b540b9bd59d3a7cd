//! The command that is run.

use rustix::process::Signal;

use super::{FlockRig, Link, Stead};
use crate::rig::kill;

#[test]
fn without_a_fork_flock_becomes_the_command() {
    let rig = FlockRig::new();
    for flock in [Link, Stead] {
        let held = rig.hold(flock, &["-F", "f"]);
        assert_eq!(held.flock(), held.command);
        rig.run(flock, &["-n", "f", "true"]).expect(1);
        held.end();
        rig.run(flock, &["-n", "f", "true"]).expect(0);
        let held = rig.hold(flock, &["f"]);
        assert_ne!(held.flock(), held.command);
        held.end();
    }
}

#[test]
fn a_command_that_is_killed_is_told_as_the_shell_tells_it() {
    let rig = FlockRig::new();
    for flock in [Link, Stead] {
        for signal in [Signal::INT, Signal::KILL, Signal::TERM] {
            let mut held = rig.hold(flock, &["f"]);
            kill(held.command, signal);
            assert_eq!(held.flock_ended().code(), Some(128 + signal.as_raw()));
        }
    }
}

/// What stead tells those below it is for `stead run`.
#[test]
fn nothing_of_stead_is_in_the_environment() {
    let rig = FlockRig::new();
    for flock in [Link, Stead] {
        let seen = rig.sh(flock, "$FLOCK f env").expect(0);
        assert!(!["STEAD_HELD=", "STEAD_TOKEN"].iter().any(|name| seen.stdout.contains(name)), "{seen:?}");
    }
}
