//! Commands that wait for each other for ever (trap 19): one of them is told, and `stead who --cycles` tells it of any.
#![cfg(all(target_os = "linux", not(stead_other_unix)))]

use std::process::Stdio;

use serde_json::Value;
use testkit::{tool, wait_until};

use crate::rig::{Held, Rig};

/// Two `stead run` that each want what the other one has, the second one once the first waits: their exit codes.
fn crossed(rig: &Rig, options: &[&str], commands: [&str; 2]) -> [i32; 2] {
    let hold = |lock: &str, command: &str| {
        rig.hold_with(&[options, &[lock]].concat(), &format!("read line; {command} 2>said-{lock}; echo $?; read line"))
    };
    let (mut one, mut other) = (hold("a", commands[0]), hold("b", commands[1]));
    one.tell("go on");
    wait_until("the first waits", || waiters(rig, "b").first().map(drop));
    other.tell("go on");
    let code = |held: &mut Held| held.line().parse().unwrap();
    let later = code(&mut other);
    other.end();
    [code(&mut one), later]
}

fn waiters(rig: &Rig, lock: &str) -> Vec<Value> {
    let seen: Value = serde_json::from_str(&rig.run(&["who", "--json", lock]).stdout).unwrap();
    seen["locks"][0]["waiters"].as_array().unwrap().clone()
}

#[test]
fn trap_19_of_two_nested_runs_exactly_one_fails() {
    let rig = Rig::new();
    let codes = crossed(&rig, &[], ["$STEAD run b -- true", "$STEAD run a -- true"]);
    assert_eq!(codes, [0, 64]);
    let said = rig.text("said-b");
    assert!(said.contains("would deadlock") && said.contains("which waits for its child, pid "), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("would deadlock")).count(), 1);
}

#[test]
fn trap_19_a_run_that_shares_is_in_a_circle_with_one_that_does_not() {
    let rig = Rig::new();
    let codes = crossed(&rig, &["--shared"], ["$STEAD run b -- true", "$STEAD run --wait 1h a -- true"]);
    assert_eq!(codes, [0, 64]);
}

/// It does not look for circles, so whoever of us is in one with it is told.
#[test]
fn trap_19_a_run_in_a_circle_with_flock_1_fails() {
    if !tool("flock") {
        return;
    }
    let rig = Rig::new();
    let mut other = rig.command("flock", &["a", "sh", "-c", "read line; flock b true; true"]);
    let mut other = other.stdin(Stdio::piped()).spawn().unwrap();
    wait_until("it is held", || rig.run(&["who", "a"]).code.filter(|code| *code == 0));
    let mut ours = rig.hold_with(&["b"], "read line; $STEAD run a -- true 2>said; echo $?");
    drop(other.stdin.take());
    wait_until("it waits", || waiters(&rig, "b").first().map(drop));
    ours.tell("go on");
    assert_eq!(ours.line(), "64");
    ours.end();
    assert!(other.wait().unwrap().success());
    assert!(rig.text("said").contains("(flock a sh -c"), "{}", rig.text("said"));
}

/// A command below that does not know that it runs under the lock: its environment was emptied.
#[test]
fn a_run_that_waits_for_the_run_above_is_told() {
    let rig = Rig::new();
    let told = rig.run(&["run", "a", "--", "sh", "-c", "env -u STEAD_HELD $STEAD run a -- true; exit $?"]).expect(64);
    assert!(told.stderr.contains("would deadlock"), "{told:?}");
}

#[test]
fn places_and_times_in_line_are_shown() {
    let rig = Rig::new();
    let held = rig.hold(&["a"]);
    let wait = || rig.stead(&["run", "a", "--", "true"]).stderr(Stdio::null()).spawn().unwrap();
    let mut first = wait();
    wait_until("the first waits", || (waiters(&rig, "a").len() == 1).then_some(()));
    let mut second = wait();
    let seen = wait_until("the second waits", || Some(waiters(&rig, "a")).filter(|seen| seen.len() == 2));
    for (index, (seen, child)) in seen.iter().zip([&first, &second]).enumerate() {
        assert_eq!((&seen["pid"], &seen["place"]), (&child.id().into(), &(index + 1).into()), "{seen}");
        assert!(seen["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{seen}");
    }
    for command in [&["who", "a"][..], &["ls"]] {
        let table = rig.run(command).expect(0).stdout;
        assert!(table.contains("waiting #1") && table.contains("waiting #2"), "{table}");
        assert!(!table.contains("ofd"), "{table}");
    }
    let all = rig.run(&["ls", "--all"]).expect(0).stdout;
    let path = rig.path("a").canonicalize().unwrap();
    let ours: Vec<&str> = all.lines().filter(|line| line.starts_with(path.to_str().unwrap())).collect();
    assert_eq!(ours.len(), 3, "{all}");
    held.end();
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
}

#[test]
fn who_tells_circles_of_any_programs() {
    if !tool("flock") {
        return;
    }
    let rig = Rig::new();
    // The shell goes on at the end of its input.
    let start = |one: &str, other: &str| {
        let script = format!("touch {one}.held; read line; flock {other} true; true");
        rig.command("flock", &[one, "sh", "-c", &script]).stdin(Stdio::piped()).spawn().unwrap()
    };
    let mut both = [start("a", "b"), start("b", "a")];
    wait_until("both are held", || (rig.exists("a.held") && rig.exists("b.held")).then_some(()));
    for one in &mut both {
        drop(one.stdin.take());
    }

    let path = rig.path("a").canonicalize().unwrap();
    let ours = |told: &Value| {
        let cycles = told["cycles"].as_array().unwrap().clone();
        let is_ours = |cycle: &Value| {
            cycle["members"].as_array().unwrap().iter().any(|member| member["waits_for"] == path.to_str().unwrap())
        };
        cycles.into_iter().find(is_ours)
    };
    let cycle = wait_until("the circle is there", || {
        let told: Value = serde_json::from_str(&rig.run(&["who", "--cycles", "--json"]).stdout).unwrap();
        assert_eq!(told["schema"], "stead.cycles/1");
        ours(&told)
    });
    let members = cycle["members"].as_array().unwrap();
    let keys: Vec<&String> = members[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["pid", "command", "user", "waits_for", "mode", "since", "held_by", "child"]);
    assert_eq!(members.len(), 6);
    for (index, member) in members.iter().enumerate() {
        let next = &members[(index + 1) % 6]["pid"];
        let (lock, child) = (&member["held_by"], &member["child"]);
        assert!(if member["mode"] == "exclusive" { lock == next && child.is_null() } else { child == next });
    }
    let text = rig.run(&["who", "--cycles"]).expect(0).stdout;
    assert!(text.contains("deadlock: 6 processes wait for each other\n  pid "), "{text}");
    assert!(text.contains(&format!("waits for {} (exclusive), held by pid ", path.display())), "{text}");

    // The circle is broken by ending one that is in it.
    let inner = members.iter().find(|member| member["waits_for"] == path.to_str().unwrap()).unwrap();
    crate::rig::kill(i32::try_from(inner["pid"].as_i64().unwrap()).unwrap(), rustix::process::Signal::KILL);
    assert!(both.iter_mut().all(|one| one.wait().unwrap().success()));
    // Others may have one for a while.
    wait_until("there is none", || rig.run(&["who", "--cycles"]).code.filter(|code| *code == 1));
    rig.run(&["who", "--cycles", "a"]).expect(64);
    rig.run(&["who"]).expect(64);
}
