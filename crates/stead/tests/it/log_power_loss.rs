//! Every state that a power cut may leave of a log, after every step, on a simulated disk; and every failing call.
#![expect(clippy::print_stdout, reason = "each scenario says how many states it passed")]

use std::sync::atomic::{AtomicU64, Ordering};

use stead::log::proof::{self, Writer};
use testkit::{Fault, Op, Outcome, Scenario, SimDisk, Trouble};

const LOG: &str = "/d/log";

/// How many crash states are looked at after each step: `STEAD_CRASHES` times as many as by default.
fn budget(states: usize) -> usize {
    states * std::env::var("STEAD_CRASHES").map_or(1, |times| times.parse().expect("a number"))
}

/// Each start of the system has another name.
fn boot() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed).to_string()
}

fn line(number: usize) -> String {
    format!("{{\"n\":{number},\"text\":\"{}\"}}", "x".repeat(number * 211 % 700))
}

fn lines(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(line).collect()
}

fn append(writer: &mut Writer<SimDisk>, numbers: std::ops::Range<usize>) -> Outcome {
    let lines = lines(numbers);
    writer.append(&lines.iter().map(String::as_str).collect::<Vec<_>>())?;
    Ok(())
}

fn held(scenario: &Scenario<'_>) {
    println!("{}", scenario.explore().unwrap_or_else(|broken| panic!("{broken}")));
}

fn faults_held(scenario: &Scenario<'_>) {
    println!("{}", scenario.explore_faults().unwrap_or_else(|broken| panic!("{broken}")));
}

/// What the next process does: it opens the log, which mends it, and appends.
fn next_writer(disk: &SimDisk) -> Outcome {
    Writer::open(disk, LOG, &boot(), true)?;
    Ok(())
}

/// A reader gets what was acknowledged, each once and in order, and of the groups `0..n` that were appended together
/// each wholly or not at all.
fn reads(disk: &SimDisk, acked: &[String], groups: &[std::ops::Range<usize>]) -> Result<(), String> {
    let name = boot();
    let found = match proof::read(disk, LOG, &name) {
        Ok(found) => found,
        Err(error) if error.is_not_found() && acked.is_empty() => return Ok(()),
        Err(error) => return Err(format!("{error}")),
    };
    let mut rest = found.as_slice();
    for group in groups {
        let whole = lines(group.clone());
        if rest.starts_with(&whole) {
            rest = &rest[whole.len()..];
        } else if acked.contains(&group.start.to_string()) {
            return Err(format!("{group:?} was acknowledged, read was {found:?}"));
        }
    }
    if !rest.is_empty() {
        return Err(format!("twice, torn, or out of order: {rest:?} in {found:?}"));
    }
    let damage = proof::verify(disk, LOG, &name).map_err(|error| error.to_string())?;
    if damage.is_empty() { Ok(()) } else { Err(format!("damage: {damage:?}")) }
}

/// Promise 2 for appends and batches; trap 48: what is torn above what is durable takes nothing with it.
#[test]
fn trap_48_what_was_acknowledged_is_there_and_the_rest_wholly_or_not() {
    let groups = [0..1, 1..2, 2..6, 6..7];
    let known = groups.clone();
    let scenario = Scenario::new("log: append")
        .run(move |disk, acked| {
            let mut writer = Writer::open(disk, LOG, &boot(), true)?;
            for group in &groups {
                append(&mut writer, group.clone())?;
                acked.note(group.start.to_string());
            }
            Ok(())
        })
        .recover(next_writer)
        .check(move |disk, acked| reads(disk, acked, &known));
    held(&scenario);
    faults_held(&scenario);
}

/// Without syncs of its own each event and each batch is there wholly or not at all.
#[test]
fn trap_49_a_batch_that_was_not_synced_is_whole_or_gone() {
    let groups = [0..1, 1..4, 4..5, 5..8, 8..9];
    let known = groups.clone();
    let scenario = Scenario::new("log: no sync")
        .setup(|disk| {
            let mut writer = Writer::open(disk, LOG, &boot(), true).expect("a disk without faults");
            append(&mut writer, 0..1).expect("a disk without faults");
        })
        .run(move |disk, acked| {
            acked.note("0");
            let mut writer = Writer::open(disk, LOG, &boot(), false)?;
            for group in &groups[1..] {
                append(&mut writer, group.clone())?;
            }
            writer.sync()?;
            for group in &groups {
                acked.note(group.start.to_string());
            }
            Ok(())
        })
        .recover(next_writer)
        .check(move |disk, acked| reads(disk, acked, &known));
    held(&scenario);
}

/// A reader needs no writer to have been there since the power cut: what is torn is not read, and the rest is.
#[test]
fn what_a_power_cut_tore_is_waited_for_until_a_writer_comes() {
    let scenario = Scenario::new("log: read before a writer")
        .run(|disk, acked| {
            let mut writer = Writer::open(disk, LOG, &boot(), true)?;
            append(&mut writer, 0..1)?;
            acked.note("0");
            append(&mut writer, 1..4)?;
            acked.note("1");
            Ok(())
        })
        .check(|disk, acked| reads(disk, acked, &[0..1, 1..4]));
    held(&scenario);
}

fn rotations(links: bool) -> Scenario<'static> {
    let groups = [0..1, 1..3, 3..4, 4..5, 5..6];
    let known = groups.clone();
    Scenario::new(if links { "log: rotate" } else { "log: rotate without links" })
        .disk(move || {
            let disk = SimDisk::new(&["/d"]);
            disk.links_supported(links);
            disk
        })
        .run(move |disk, acked| {
            let mut writer = Writer::open(disk, LOG, &boot(), true)?;
            for (index, group) in groups.iter().enumerate() {
                append(&mut writer, group.clone())?;
                acked.note(group.start.to_string());
                if index % 2 == 1 {
                    writer.rotate()?;
                }
            }
            Ok(())
        })
        .recover(next_writer)
        .check(move |disk, acked| reads(disk, acked, &known))
        .budget(budget(200))
        .cut_recoveries(budget(5))
}

/// Trap 35: a rotation that is cut short at any step loses and doubles nothing.
#[test]
fn trap_35_a_rotation_is_cut_short_anywhere() {
    held(&rotations(true));
    held(&rotations(false));
}

/// Nothing is lost by a call that fails, either.
#[test]
fn trap_35_a_rotation_meets_failing_calls() {
    let scenario = Scenario::new("log: rotate, failing")
        .run(|disk, acked| {
            let mut writer = Writer::open(disk, LOG, &boot(), true)?;
            append(&mut writer, 0..1)?;
            acked.note("0");
            writer.rotate()?;
            append(&mut writer, 1..2)?;
            acked.note("1");
            Ok(())
        })
        .recover(next_writer)
        .check(|disk, acked| reads(disk, acked, &[0..1, 1..2]))
        .budget(budget(100));
    faults_held(&scenario);
}

/// The next writer goes on appending: what it acknowledges is there as well.
#[test]
fn life_goes_on_after_a_cut() {
    let scenario = Scenario::new("log: append after a cut")
        .run(|disk, acked| {
            let mut writer = Writer::open(disk, LOG, &boot(), true)?;
            append(&mut writer, 0..1)?;
            acked.note("0");
            writer.rotate()?;
            append(&mut writer, 1..4)?;
            acked.note("1");
            append(&mut writer, 4..5)?;
            acked.note("4");
            Ok(())
        })
        .recover(|disk| {
            let mut writer = Writer::open(disk, LOG, &boot(), true)?;
            // Once, however often the recovery is cut.
            if !proof::read(disk, LOG, &boot())?.contains(&line(9)) {
                append(&mut writer, 9..10)?;
            }
            Ok(())
        })
        .check(|disk, acked| {
            let mut acked = acked.to_vec();
            acked.push("9".to_owned());
            reads(disk, &acked, &[0..1, 1..4, 4..5, 9..10])
        })
        .budget(budget(200))
        .cut_recoveries(budget(5));
    held(&scenario);
}

/// Damage inside is put away without losing anything else, wherever the repair is cut.
#[test]
fn a_repair_is_cut_short_anywhere() {
    let scenario = Scenario::new("log: repair")
        .setup(|disk| {
            let mut writer = Writer::open(disk, LOG, &boot(), true).expect("a disk without faults");
            for numbers in [0..1, 1..2, 2..5, 5..6] {
                append(&mut writer, numbers).expect("a disk without faults");
            }
            writer.rotate().expect("a disk without faults");
            append(&mut writer, 6..7).expect("a disk without faults");
            for folder in [format!("{LOG}/segments"), LOG.to_owned()] {
                for name in disk.names(&folder).into_iter().filter(|name| name.contains(".jsonl")) {
                    let path = format!("{folder}/{name}");
                    let content = disk.content(&path).expect("it is there");
                    // The second line of the segment; the active one stays.
                    if let Some(at) = content.windows(6).position(|bytes| bytes == b"{\"n\":1") {
                        let mut damaged = content.clone();
                        damaged[at] = b'#';
                        disk.put(&path, &damaged);
                    }
                }
            }
        })
        .run(|disk, _| {
            Writer::repair(disk, LOG, &boot())?;
            Ok(())
        })
        .recover(|disk| {
            Writer::repair(disk, LOG, &boot())?;
            Ok(())
        })
        .check(|disk, _| {
            reads(disk, &["0", "2", "5", "6"].map(str::to_owned), &[0..1, 2..5, 5..6, 6..7])?;
            let kept = disk.names(format!("{LOG}/quarantine"));
            let is_kept = kept.iter().any(|name| {
                disk.content(format!("{LOG}/quarantine/{name}")).is_some_and(|bytes| bytes.starts_with(b"#\"n\":1"))
            });
            if is_kept { Ok(()) } else { Err(format!("the damaged line is not in quarantine: {kept:?}")) }
        });
    held(&scenario);
}

/// Every sync there is is needed: without it the proof fails.
#[test]
fn without_a_sync_the_proof_fails() {
    for op in [Op::SyncData, Op::SyncFolder] {
        let broken = rotations(true).sabotage(op).explore();
        println!("{}", broken.err().map_or_else(|| panic!("{op:?} not missed"), |broken| broken.why().to_owned()));
    }
}

/// A writer is killed at any step, the next one goes on in the same boot and acknowledges, and only then the power goes:
/// what the dead one had not synced must not take with it what the living one says is durable.
#[test]
fn a_kill_and_then_a_power_cut() {
    // Not each step each time, but each in some run of the tests.
    let stride = if cfg!(windows) {
        16
    } else if budget(1) > 1 {
        1
    } else {
        3
    };
    for step in (1 + std::process::id() as usize % stride..70).step_by(stride) {
        let done = std::cell::Cell::new(false);
        let name = boot();
        let scenario = Scenario::new(format!("log: killed at step {step}, then cut"))
            .run(|disk, acked| {
                disk.fail(Fault::at_step(step, Trouble::Killed).lasting());
                let killed = (|| -> Outcome {
                    let mut writer = Writer::open(disk, LOG, &name, true)?;
                    for (index, group) in [0..1, 1..4].into_iter().enumerate() {
                        append(&mut writer, group.clone())?;
                        acked.note(group.start.to_string());
                        if index == 0 {
                            writer.rotate()?;
                        }
                    }
                    writer.rotate().map_err(Into::into)
                })();
                done.set(killed.is_ok());
                disk.repair();
                disk.release_locks();
                let mut writer = Writer::open(disk, LOG, &name, true)?;
                append(&mut writer, 9..10)?;
                acked.note("9");
                Ok(())
            })
            .recover(next_writer)
            .check(|disk, acked| reads(disk, acked, &[0..1, 1..4, 9..10]))
            .budget(budget(30))
            .cut_recoveries(budget(1));
        held(&scenario);
        if done.get() {
            return;
        }
    }
    panic!("the work is longer than this test thinks");
}
