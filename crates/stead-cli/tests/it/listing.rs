//! `stead who`, `stead ls`, `stead clean`, and their JSON.

use serde_json::Value;
use testkit::{tool, wait_until};

use crate::rig::{Outcome, Rig, kill, state};

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn who_prints_the_shape_of_the_design() {
    let rig = Rig::new();
    let held = rig.hold(&["--label", "nightly", "./l"]);
    let mut waiter = rig.stead(&["run", "./l", "--", "true"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let who = wait_until("it waits", || {
        let who = json(&rig.run(&["who", "./l", "--json"]).expect(0));
        who["locks"][0]["waiters"].as_array().is_some_and(|waiters| !waiters.is_empty()).then_some(who)
    });
    assert_eq!(keys(&who), ["schema", "locks"]);
    assert_eq!(who["schema"], "stead.who/1");
    let lock = &who["locks"][0];
    assert_eq!(keys(lock), ["path", "held", "holders", "waiters", "unordered"]);
    assert_eq!((&lock["path"], &lock["held"]), (&"./l".into(), &true.into()));
    let holder = &lock["holders"][0];
    let fields = ["pid", "command", "via", "user", "host", "mode", "since", "label", "token", "verified", "state"];
    assert_eq!(keys(holder), fields);
    assert_eq!(holder["pid"], held.stead());
    assert!(holder["command"].as_str().unwrap().starts_with("sh -c echo"));
    assert_eq!(holder["via"], "stead run");
    assert_eq!((&holder["mode"], &holder["label"]), (&"exclusive".into(), &"nightly".into()));
    assert!(holder["token"].is_u64());
    assert_eq!((&holder["verified"], &holder["state"]), (&true.into(), &"running".into()));
    let since = holder["since"].as_str().unwrap();
    assert!(since.len() == "2026-11-21T10:00:00.000000000Z".len() && since.ends_with('Z'), "{since}");
    let waiting = &lock["waiters"][0];
    assert_eq!(keys(waiting), ["pid", "command", "mode", "since", "place"]);
    assert_eq!(waiting["pid"], waiter.id());
    assert!(waiting["command"].as_str().unwrap().ends_with("run ./l -- true"));
    assert!(waiting["since"].is_string());
    assert_eq!(waiting["place"], 1);
    held.end();
    waiter.wait().unwrap();
}

#[test]
fn a_data_file_has_two_locks() {
    let rig = Rig::new();
    let held = rig.hold(&["--for", "s.json"]);
    // The file itself is not there yet.
    let who = rig.run(&["who", "s.json"]).expect(0);
    assert!(who.stdout.contains("s.json.lock"), "{who:?}");
    rig.write("s.json", b"{}");
    let who = json(&rig.run(&["who", "s.json", "--json"]).expect(0));
    assert_eq!((&who["locks"][0]["path"], &who["locks"][0]["held"]), (&"s.json".into(), &false.into()));
    assert!(who["locks"][1]["path"].as_str().unwrap().ends_with("/.stead/locks/s.json.lock"));
    assert_eq!(who["locks"][1]["held"], true);
    // Named twice, listed once.
    let who = json(&rig.run(&["who", "s.json", "./s.json", ".stead/locks/s.json.lock", "--json"]).expect(0));
    assert_eq!(who["locks"].as_array().unwrap().len(), 2);
    held.end();
    let who = rig.run(&["who", "s.json"]).expect(1);
    assert_eq!(who.stdout, "s.json: nobody holds it\n");
}

#[test]
fn who_looks_into_the_lock_folder() {
    let rig = Rig::new();
    let held = rig.hold(&["--lock-dir", "locks", "--for", "s"]);
    rig.run(&["who", "s"]).expect(66);
    rig.run(&["who", "--lock-dir", "locks", "s"]).expect(0);
    held.end();
}

#[test]
fn holders_that_are_not_stead_are_seen() {
    if !tool("flock") || !tool("python3") {
        return;
    }
    let rig = Rig::new();
    let flock = rig.sh("flock ./l $STEAD who ./l").expect(0);
    assert!(flock.stdout.contains("exclusive") && flock.stdout.contains("flock ./l"), "{flock:?}");
    let script = "import fcntl,os,sys; f=open('l'); fcntl.flock(f, fcntl.LOCK_SH); sys.exit(os.spawnlp(os.P_WAIT, os.environ['STEAD'], 'stead', 'who', 'l'))";
    let python = crate::rig::finish(rig.command("python3", &["-c", script])).expect(0);
    assert!(python.stdout.contains("shared") && python.stdout.contains("python3 -c"), "{python:?}");
}

/// Trap 10: a stopped process holds its lock, and is shown as stopped.
#[test]
fn trap_10_a_stopped_holder_is_a_holder() {
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    kill(held.stead(), rustix::process::Signal::STOP);
    wait_until("it is stopped", || (state(held.stead()) == Some('T')).then_some(()));
    let who = rig.run(&["who", "./l"]).expect(0);
    assert!(who.stdout.contains("stopped"), "{who:?}");
    let busy = rig.run(&["run", "--no-wait", "./l", "--", "true"]).expect(75);
    assert!(busy.stderr.contains(", stopped, for "), "{busy:?}");
    kill(held.stead(), rustix::process::Signal::CONT);
    held.end();
}

#[test]
fn the_table_has_a_row_for_each_and_no_empty_columns() {
    let rig = Rig::new();
    let first = rig.hold(&["--shared", "./l"]);
    let second = rig.hold(&["--shared", "./l"]);
    let who = rig.run(&["who", "./l"]).expect(0);
    let mut lines = who.stdout.lines();
    let header: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["LOCK", "STATE", "MODE", "PID", "USER", "COMMAND"]);
    assert_eq!(lines.count(), 2, "{who:?}");
    first.end();
    second.end();
}

#[test]
fn ls_lists_what_is_below_a_folder() {
    let rig = Rig::new();
    let empty = rig.run(&["ls"]).expect(0);
    assert_eq!(empty.stdout, "");
    std::fs::create_dir(rig.path("sub")).unwrap();
    rig.write("sub/data", b"bytes");
    rig.write("sub/other.lock", b"not ours, and nobody holds it");
    rig.run(&["run", "--for", "sub/free", "--", "true"]).expect(0);
    let held = rig.hold(&["sub/data"]);
    let ls = rig.run(&["ls", "--json"]).expect(0);
    let ls = json(&ls);
    assert_eq!(ls["schema"], "stead.ls/1");
    let listed: Vec<_> = ls["locks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lock| (lock["path"].as_str().unwrap(), lock["held"].as_bool().unwrap()))
        .collect();
    assert_eq!(listed, [("./sub/.stead/locks/free.lock", false), ("./sub/data", true)]);
    let table = rig.run(&["ls", "sub"]).expect(0);
    assert!(table.stdout.contains("sub/data") && table.stdout.contains("free"), "{table:?}");
    held.end();
}

#[test]
fn ls_all_lists_the_machine() {
    let rig = Rig::new();
    let held = rig.hold(&["./l"]);
    let path = rig.path("l").canonicalize().unwrap();
    let all = json(&rig.run(&["ls", "--all", "--json"]).expect(0));
    let ours = all["locks"].as_array().unwrap().iter().find(|lock| lock["path"] == path.to_str().unwrap());
    assert_eq!(ours.expect("our lock is listed")["holders"][0]["pid"], held.stead());
    rig.run(&["ls", "--all"]).expect(0);
    rig.run(&["ls", "--all", "."]).expect(64);
    held.end();
}

#[test]
fn clean_removes_what_nobody_holds() {
    let rig = Rig::new();
    rig.run(&["run", "--for", "a", "--for", "b", "--", "true"]).expect(0);
    let held = rig.hold(&["--for", "b"]);
    rig.write(".stead/locks/theirs.lock", b"not ours");
    rig.run(&["run", "at.lock", "--", "true"]).expect(0);

    let would = rig.run(&["clean", ".", "--dry-run"]).expect(0);
    assert_eq!(would.stdout, "./.stead/locks/a.lock\n");
    assert_eq!(would.stderr, "stead: would remove 1 lock file, left 1 that are in use\n");
    assert!(rig.exists(".stead/locks/a.lock"));

    let cleaned = json(&rig.run(&["clean", ".", "--json"]).expect(0));
    let expected =
        r#"{"schema":"stead.clean/1","removed":["./.stead/locks/a.lock"],"held":1,"swept":[],"put_back":[],"kept":[]}"#;
    assert_eq!(cleaned.to_string(), expected);
    assert!(!rig.exists(".stead/locks/a.lock") && rig.exists(".stead/locks/b.lock"));
    // Neither one of others, nor one that is named by its path: a waiting flock(1) would go on holding it.
    assert!(rig.exists(".stead/locks/theirs.lock") && rig.exists("at.lock"));
    held.end();
}

#[test]
fn clean_knows_a_lock_folder_by_flag_and_by_environment() {
    let rig = Rig::new();
    let make = || rig.run(&["run", "--lock-dir", "locks", "--for", "a", "--", "true"]).expect(0);
    let locks = || {
        std::fs::read_dir(rig.path("locks"))
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().path().extension().is_some())
            .count()
    };
    make();
    rig.run(&["clean", "."]).expect(0);
    assert_eq!(locks(), 1);
    rig.run(&["clean", "--lock-dir", "locks"]).expect(0);
    assert_eq!(locks(), 0);
    make();
    let mut command = rig.stead(&["clean", "./locks"]);
    command.env("STEAD_LOCK_DIR", "locks");
    crate::rig::finish(command).expect(0);
    assert_eq!(locks(), 0);
}
