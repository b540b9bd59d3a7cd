//! The whole command line, committed: a changed flag is a visible change. `SNAPSHOTS=overwrite cargo test` renews it.

use crate::rig::{Rig, finish};

/// Compares with `snapshots/NAME`.
#[track_caller]
fn is_as_committed(name: &str, text: String) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots").join(name);
    testkit::command::is_as_committed(&path, text);
}

fn help(args: &[&str]) -> String {
    let rig = Rig::new();
    testkit::command::help(rig.ponder(args))
}

/// The names of all commands, as the help lists them.
fn commands() -> Vec<String> {
    testkit::command::listed_commands(&help(&["--help"]))
}

#[test]
fn help_of_ponder() {
    is_as_committed("ponder.txt", help(&["--help"]));
    assert_eq!(help(&["-h"]), help(&["--help"]));
    assert_eq!(help(&["help"]), help(&["--help"]));
}

#[test]
fn help_of_every_command() {
    for name in commands() {
        let text = help(&[&name, "--help"]);
        assert!(text.contains("Exit codes:"), "{name} says how it exits");
        assert!(text.contains("Examples:"), "{name} has examples");
        assert!(text.lines().all(|line| line.chars().count() <= 100));
        is_as_committed(&format!("{name}.txt"), text);
    }
}

#[test]
fn manual_pages() {
    is_as_committed("ponder.1", help(&["man"]));
    let rig = Rig::new();
    std::fs::create_dir(rig.path("man")).unwrap();
    rig.run(&["man", "man"]).expect(0);
    let names = std::fs::read_dir(rig.path("man")).unwrap().map(|page| page.unwrap().file_name());
    let mut pages: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    pages.retain(|page| page != "ponder-help.1");
    pages.sort();
    let mut expected: Vec<String> = commands().into_iter().map(|name| format!("ponder-{name}.1")).collect();
    expected.push("ponder.1".to_owned());
    expected.sort();
    assert_eq!(pages, expected);
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(help(&["--version"]), concat!("ponder ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(help(&["-V"]), help(&["--version"]));
}

#[test]
fn completions_are_scripts() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = help(&["completions", shell]);
        for name in commands() {
            assert!(script.contains(&name), "{shell} completes {name}");
        }
    }
    let rig = Rig::new();
    rig.write("ponder.bash", help(&["completions", "bash"]));
    finish(rig.command("bash", &["-n", "ponder.bash"])).expect(0);
}
