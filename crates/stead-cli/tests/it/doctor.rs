//! `stead doctor`: what it says of good folders and bad ones, and that it leaves nothing behind.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use testkit::{skip, wait_until};

use crate::rig::{Rig, finish, kill, set_mode, state};

#[test]
fn every_promise_is_kept_here() {
    let rig = Rig::new();
    let said = rig.run(&["doctor"]).expect(0);
    assert!(said.stdout.contains("all 18 promises kept"), "{said:?}");
    assert!(!said.stdout.contains('\u{1b}'), "no colour in a pipe: {said:?}");
    assert_eq!(said.stderr, "", "and no progress");
    assert_eq!(rig.everything(), [], "the private folder is gone");
}

#[test]
fn every_promise_is_kept_in_memory() {
    let Ok(folder) = tempfile::Builder::new().prefix("stead-cli-").tempdir_in("/dev/shm") else {
        return skip("/dev/shm is not there");
    };
    let report = document(Rig::new().stead(&["doctor", "--json", folder.path().to_str().unwrap()]), 0);
    assert_eq!(report["filesystem"], "tmpfs");
    let broken: Vec<&Value> = outcomes(&report).filter(|outcome| *outcome != "kept").collect();
    assert_eq!(broken, [] as [&Value; 0]);
}

#[test]
fn the_document_has_its_shape() {
    let rig = Rig::new();
    let report = document(rig.stead(&["doctor", "--json"]), 0);
    assert_eq!(keys(&report), ["schema", "path", "filesystem", "promises", "stress"]);
    assert_eq!(report["schema"], "stead.doctor/1");
    assert_eq!(Path::new(report["path"].as_str().unwrap()), rig.path(".").canonicalize().unwrap());
    assert_eq!(report["stress"], Value::Null);
    for promise in report["promises"].as_array().unwrap() {
        assert_eq!(keys(promise), ["name", "outcome", "detail"]);
    }
    assert_eq!(report["promises"][0]["name"], "exclusion between processes");
}

#[test]
fn under_stress_with_kills_nothing_is_lost() {
    let rig = Rig::new();
    let report = document(rig.stead(&["doctor", "--stress", "3s", "--procs", "6", "--json"]), 0);
    let stress = &report["stress"];
    for zero in ["lost", "doubled", "overlaps"] {
        assert_eq!(stress[zero], 0, "{stress}");
    }
    assert_eq!(stress["failures"], Value::Array(Vec::new()));
    assert_eq!(stress["processes"], 6);
    assert!(stress["kills"].as_u64().unwrap() >= 3, "at least one a second: {stress}");
    assert!(stress["acknowledged"].as_u64().unwrap() > 100, "{stress}");
    assert!(stress["seconds"].as_f64().unwrap() >= 3.0, "{stress}");
    assert!(stress["rate_per_s"].as_f64().unwrap() > 0.0, "{stress}");
    assert!(stress["wait_p50_s"].as_f64().unwrap() <= stress["wait_p99_s"].as_f64().unwrap(), "{stress}");
    assert_eq!(rig.everything(), []);
}

#[test]
fn the_screen_says_that_nothing_is_lost() {
    let rig = Rig::new();
    let said = rig.run(&["doctor", "--stress", "1s", "--procs", "2"]).expect(0);
    for line in ["kills survived", "acknowledged changes", "operations per second", "no loss: every acknowledged"] {
        assert!(said.stdout.contains(line), "{line}: {said:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_said_and_left_alone() {
    let rig = Rig::for_all();
    std::fs::create_dir(rig.path("shut")).unwrap();
    set_mode(&rig.path("shut"), 0o555);
    let said = finish(rig.stead_without_rights(&["doctor", "shut"])).expect(77);
    assert!(said.stderr.contains("failed to create a private folder in shut: Permission denied"), "{said:?}");
    assert!(said.stderr.contains("hint: name a folder that you can write into"), "{said:?}");
    assert_eq!(said.stdout, "");
}

#[test]
fn a_filesystem_that_takes_no_files_cannot_be_examined() {
    let said = Rig::new().run(&["doctor", "/proc"]).expect(73);
    assert!(said.stderr.contains("failed to create a private folder in /proc"), "{said:?}");
}

#[test]
fn a_folder_that_is_not_there_or_is_a_file() {
    let rig = Rig::new();
    rig.write("file", b"");
    assert!(rig.run(&["doctor", "nowhere"]).expect(66).stderr.contains("failed to examine nowhere"));
    assert!(rig.run(&["doctor", "file"]).expect(66).stderr.contains("file is not a folder"));
    assert_eq!(rig.everything().len(), 1);
}

#[test]
fn a_stress_needs_a_unit_some_time_and_some_processes() {
    let rig = Rig::new();
    assert!(rig.run(&["doctor", "--stress", "5"]).expect(64).stderr.contains("500ms, 30s, 2m"));
    assert!(rig.run(&["doctor", "--stress", "0s"]).expect(64).stderr.contains("too short to prove anything"));
    rig.run(&["doctor", "--stress", "5s", "--procs", "0"]).expect(64);
    rig.run(&["doctor", "--procs", "3"]).expect(64);
    assert_eq!(rig.everything(), []);
}

/// Told to end, it ends by that signal, with the folder and the workers gone before.
#[test]
fn interrupted_it_leaves_nothing_behind() {
    for signal in [Signal::INT, Signal::TERM] {
        let rig = Rig::new();
        let mut doctor = rig.stead(&["doctor", "--stress", "60s"]);
        let mut doctor = doctor.stdout(Stdio::null()).spawn().unwrap();
        let workers = workers(doctor.id());
        kill(i32::try_from(doctor.id()).unwrap(), signal);
        let status = doctor.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(signal.as_raw()));
        assert_eq!(rig.everything(), []);
        assert_eq!(workers.iter().filter(|worker| state(**worker).is_some()).count(), 0);
    }
}

/// Killed, it cannot clean up: its helpers notice and do.
#[test]
fn killed_it_leaves_nothing_behind_for_long() {
    let rig = Rig::new();
    let mut doctor = rig.stead(&["doctor", "--stress", "60s"]);
    let mut doctor = doctor.stdout(Stdio::null()).spawn().unwrap();
    let workers = workers(doctor.id());
    doctor.kill().unwrap();
    doctor.wait().unwrap();
    wait_until("the workers are gone", || {
        workers.iter().all(|worker| state(*worker).is_none_or(is_dead)).then_some(())
    });
    // Not walked: it is being removed.
    let is_empty = || std::fs::read_dir(rig.path(".")).unwrap().next().is_none();
    wait_until("the private folder is gone", || is_empty().then_some(()));
}

#[test]
fn the_helpers_are_no_part_of_the_command_line() {
    let rig = Rig::new();
    for args in [&["--help"][..], &["completions", "bash"], &["completions", "zsh"], &["man"]] {
        assert!(!rig.run(args).expect(0).says("doctor-helper"), "{args:?}");
    }
}

#[track_caller]
fn document(command: Command, code: i32) -> Value {
    let said = finish(command).expect(code);
    assert_eq!(said.stderr, "");
    serde_json::from_str(&said.stdout).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn outcomes(report: &Value) -> impl Iterator<Item = &Value> {
    report["promises"].as_array().unwrap().iter().map(|promise| &promise["outcome"])
}

/// The doctor's workers, once the stress is under way.
fn workers(doctor: u32) -> Vec<i32> {
    let children = format!("/proc/{doctor}/task/{doctor}/children");
    let is_worker = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|words| String::from_utf8_lossy(&words).contains("worker"))
    };
    wait_until("the workers are there", || {
        let pids = std::fs::read_to_string(&children).ok()?;
        let workers: Vec<i32> = pids.split_whitespace().filter_map(|pid| pid.parse().ok()).filter(is_worker).collect();
        // A moment for them to be at work.
        std::thread::park_timeout(Duration::from_millis(50));
        (workers.len() >= 2).then_some(workers)
    })
}

fn is_dead(state: char) -> bool {
    matches!(state, 'Z' | 'X')
}
