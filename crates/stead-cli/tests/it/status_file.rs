//! `--status-file`.

use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::rig::Rig;

/// The status, without the time that was waited, which must be a number.
fn status(rig: &Rig, name: &str) -> String {
    let mut status: Value = serde_json::from_slice(&rig.read(name)).unwrap();
    let keys: Vec<_> = status.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["schema", "ran", "status", "signal", "waited_s", "tokens"]);
    assert_eq!(status["schema"], "stead.run/1");
    assert!(status["waited_s"].as_f64().unwrap() >= 0.0);
    let fields = ["ran", "status", "signal"].map(|key| status[key].take().to_string());
    format!("{} {}", fields.join(" "), if status["tokens"]["./l"].is_u64() { "token" } else { "no token" })
}

#[test]
fn the_status_tells_how_it_went() {
    let rig = Rig::new();
    let run = |rest: &[&str]| rig.run(&[&["run", "--status-file", "status"], rest].concat());
    run(&["./l", "--", "sh", "-c", "exit 7"]).expect(7);
    assert_eq!(status(&rig, "status"), "true 7 null token");
    run(&["./l", "--", "sh", "-c", "kill -9 $$"]).expect(137);
    assert_eq!(status(&rig, "status"), "true null 9 token");
    assert_eq!(run(&["./l", "--", "sh", "-c", "kill -2 $$"]).signal, Some(2));
    assert_eq!(status(&rig, "status"), "true null 2 token");
    run(&["--shared", "./l", "--", "true"]).expect(0);
    assert_eq!(status(&rig, "status"), "true 0 null no token");

    let held = rig.hold(&["./l"]);
    for (how, code) in [(&["--no-wait"][..], 75), (&["--wait", "100ms"], 124), (&["--skip"], 0)] {
        run(&[how, &["./l", "--", "true"]].concat()).expect(code);
        assert_eq!(status(&rig, "status"), "false null null no token");
    }
    held.end();
    assert_eq!(rig.everything().len(), 2, "no temporary is left");
}

#[test]
fn the_time_waited_is_told() {
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    rig.run(&["run", "--wait", "300ms", "--status-file", "status", "./l", "--", "true"]).expect(124);
    let status: Value = serde_json::from_slice(&rig.read("status")).unwrap();
    assert!(status["waited_s"].as_f64().unwrap() >= 0.3);
    held.end();
}

#[test]
fn a_status_that_cannot_be_written_is_told_before_the_command_runs() {
    let rig = Rig::new();
    std::fs::create_dir(rig.path("folder")).unwrap();
    for file in ["missing/status", "folder", "/dev/null", "/proc/status"] {
        let refused = rig.run(&["run", "--status-file", file, "./l", "--", "touch", "ran"]);
        assert!(matches!(refused.code, Some(73 | 74)), "{refused:?}");
        assert!(refused.stderr.contains(file) && refused.stderr.contains("hint: "), "{refused:?}");
    }
    assert!(!rig.exists("ran") && !rig.exists("l"));
}

#[test]
fn a_link_stays_a_link() {
    let rig = Rig::new();
    rig.write("real", b"old");
    symlink("real", rig.path("link")).unwrap();
    rig.run(&["run", "--status-file", "link", "./l", "--", "true"]).expect(0);
    assert_eq!(status(&rig, "real"), "true 0 null token");
    assert!(rig.path("link").is_symlink());
}

/// Ctrl-C while waiting must not leave rubbish beside the status file.
#[test]
fn a_waiter_that_is_killed_leaves_no_temporary() {
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    let args = ["run", "--status-file", "status", "./l", "--", "true"];
    let mut waiter = rig.stead(&args).stderr(std::process::Stdio::null()).spawn().unwrap();
    let pid = format!("\"pid\":{},", waiter.id());
    testkit::wait_until("it waits", || rig.run(&["who", "--json", "./l"]).says(&pid).then_some(()));
    waiter.kill().unwrap();
    waiter.wait().unwrap();
    held.end();
    assert_eq!(rig.everything().len(), 1);
}
