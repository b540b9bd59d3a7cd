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
    testkit::command::help(rig.stead(args))
}

/// The names of all commands, as the help lists them; those of `log` are two words.
fn commands() -> Vec<String> {
    let below = listed(&["log"]).into_iter().map(|name| format!("log {name}"));
    listed(&[]).into_iter().chain(below).collect()
}

/// What is listed as the commands of `command`.
fn listed(command: &[&str]) -> Vec<String> {
    testkit::command::listed_commands(&help(&[command, &["--help"]].concat()))
}

#[test]
fn help_of_stead() {
    is_as_committed("stead.txt", help(&["--help"]));
    assert_eq!(help(&["-h"]), help(&["--help"]));
    assert_eq!(help(&["help"]), help(&["--help"]));
}

#[test]
fn help_of_every_command() {
    for name in commands() {
        let words: Vec<&str> = name.split(' ').chain(["--help"]).collect();
        let text = help(&words);
        assert!(text.contains("Exit codes:") || name == "completions", "{name} says how it exits");
        assert!(text.contains("Examples:"), "{name} has examples");
        assert!(text.lines().all(|line| line.chars().count() <= 100));
        is_as_committed(&format!("{}.txt", name.replace(' ', "-")), text);
    }
}

#[test]
fn manual_pages() {
    is_as_committed("stead.1", help(&["man"]));
    let rig = Rig::new();
    rig.run(&["man", "."]).expect(0);
    let mut pages: Vec<_> =
        rig.everything().into_iter().map(|(path, _)| path.file_name().unwrap().to_owned()).collect();
    pages.sort();
    let mut expected: Vec<std::ffi::OsString> =
        commands().into_iter().map(|name| format!("stead-{}.1", name.replace(' ', "-")).into()).collect();
    expected.push("stead.1".into());
    expected.sort();
    pages.retain(|page| page != "stead-help.1" && page != "stead-log-help.1");
    assert_eq!(pages, expected);
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(help(&["--version"]), concat!("stead ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(help(&["-V"]), help(&["--version"]));
}

#[test]
fn completions_are_scripts() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = help(&["completions", shell]);
        for name in commands() {
            let word = name.split(' ').next_back().unwrap();
            assert!(script.contains(word), "{shell} completes {name}");
        }
    }
    let rig = Rig::new();
    rig.write("stead.bash", help(&["completions", "bash"]).as_bytes());
    finish(rig.command("bash", &["-n", "stead.bash"])).expect(0);
}
