//! Many shells that append, rotate and are killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::rig;
use crate::rig::{Rig, crowd};

const SHELLS: usize = 16;
const EACH: usize = 25;
/// How many of the shells are killed, each after another number of events.
const KILLED: usize = 4;

/// Appends events, rotates now and then, and says the id of each that was acknowledged.
const SCRIPT: &str = r#"
for number in $(seq "$2"); do
    if [ $((number % 4)) = 0 ]; then level=full; else level=none; fi
    $STEAD log append data --type t --id "$1-$number" --durability $level || exit 1
    echo "$1-$number"
    if [ $((number % 9)) = 0 ]; then $STEAD log rotate data || exit 1; fi
done"#;

fn start(rig: &Rig, shell: usize) -> Child {
    let command = rig.command("sh", &["-c", SCRIPT, "sh", &shell.to_string(), &EACH.to_string()]);
    let said = std::fs::File::create(rig.path(&format!("said-{shell}"))).unwrap();
    in_group(command).stdout(Stdio::piped()).stderr(said).spawn().unwrap()
}

/// A kill reaches the shell and the command that it runs.
fn in_group(mut command: Command) -> Command {
    command.process_group(0);
    command
}

/// What was acknowledged, until the end or the kill.
fn acknowledged(shell: usize, child: &mut Child, said: &Path) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let mut is_killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        acknowledged.push(line.unwrap());
        if shell < KILLED && !is_killed && acknowledged.len() >= 5 * (shell + 1) {
            kill_process_group(Pid::from_child(child), Signal::KILL).unwrap();
            is_killed = true;
        }
    }
    assert_eq!(child.wait().unwrap().success(), !is_killed, "{:?}", std::fs::read_to_string(said));
    acknowledged
}

#[test]
fn every_acknowledged_event_is_there_once() {
    let _turn = crowd();
    let rig = rig();
    let shells: Vec<_> = (0..SHELLS)
        .map(|shell| {
            let (mut child, said) = (start(&rig, shell), rig.path(&format!("said-{shell}")));
            std::thread::spawn(move || acknowledged(shell, &mut child, &said))
        })
        .collect();
    let acknowledged: Vec<String> = shells.into_iter().flat_map(|shell| shell.join().unwrap()).collect();
    assert!(acknowledged.len() >= (SHELLS - KILLED) * EACH);

    let mut found = BTreeMap::<String, usize>::new();
    for line in rig.run(&["log", "cat", "data"]).expect(0).stdout.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        *found.entry(event["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(found.values().all(|count| *count == 1), "{found:?}");
    for id in &acknowledged {
        assert!(found.contains_key(id), "{id} was acknowledged");
    }
    let verified = rig.run(&["log", "verify", "data"]).expect(0);
    assert!(verified.stdout.contains("nothing is damaged"), "{verified:?}");
    assert!(rig.json(&["stat", "data"])["segments"].as_array().unwrap().len() > 1);
}
