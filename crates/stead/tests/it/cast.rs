//! The parts that other processes play in these tests.

use std::time::Duration;

use stead::atomic::{Appender, Durability};
use stead::lock::{FileLock, Mode, Options, Request, Wait, Wake};
use testkit::{Cast, Stage};

/// All parts. A lock is named `KIND:PATH`, KIND being `at`, `sidecar`, `in_place` or `open`.
pub(crate) const CAST: Cast = Cast::new(
    "cast::enter",
    &[
        ("hold", hold),
        ("take", take),
        ("wait", wait),
        ("increment", increment),
        ("hold_set", hold_set),
        ("append", append),
        #[cfg(all(target_os = "linux", not(stead_other_unix)))]
        ("grab", crate::deadlock::grab),
        #[cfg(all(target_os = "linux", not(stead_other_unix)))]
        ("grab_in_threads", crate::deadlock::grab_in_threads),
        #[cfg(all(target_os = "linux", not(stead_other_unix)))]
        ("stand", crate::fair::roles::stand),
        #[cfg(all(target_os = "linux", not(stead_other_unix)))]
        ("again", crate::fair::roles::again),
        #[cfg(all(target_os = "linux", not(stead_other_unix)))]
        ("give_up", crate::fair::roles::give_up),
        #[cfg(all(target_os = "linux", not(stead_other_unix)))]
        ("fork", crate::fair::roles::fork),
        #[cfg(all(target_os = "linux", not(stead_other_unix)))]
        ("read", crate::fair::roles::read),
        #[cfg(all(target_os = "linux", not(stead_other_unix)))]
        ("storm", crate::fair::roles::storm),
        #[cfg(all(target_os = "linux", not(stead_other_unix)))]
        ("look", crate::fair::roles::look),
        ("upgrade", crate::upgrade::roles::upgrade),
        ("update", update),
        ("hold_many", hold_many),
        #[cfg(feature = "tokio")]
        ("async_crowd", crate::asynchronous::crowd),
        #[cfg(feature = "tokio")]
        ("async_many", crate::asynchronous::many),
        #[cfg(feature = "tracing")]
        ("trace", crate::traced::trace),
        #[cfg(all(target_os = "linux", not(stead_other_unix), feature = "document"))]
        ("power", crate::power_cut::work),
        #[cfg(all(target_os = "linux", not(stead_other_unix), feature = "document"))]
        ("write", crate::failing_sync::write),
        #[cfg(all(target_os = "linux", not(stead_other_unix), feature = "log"))]
        ("log_power", crate::log_power_cut::work),
        #[cfg(all(unix, feature = "log"))]
        ("log_hold", crate::log::roles::hold),
        #[cfg(all(unix, feature = "log"))]
        ("log_append", crate::log::roles::append),
        #[cfg(all(unix, feature = "log"))]
        ("log_batches", crate::log::roles::batches),
        #[cfg(all(unix, feature = "log"))]
        ("log_rotate", crate::log::roles::rotate),
        #[cfg(all(unix, feature = "log"))]
        ("log_follow", crate::log::roles::follow),
        #[cfg(all(unix, feature = "log"))]
        ("log_foreign", crate::log::roles::foreign),
    ],
);

#[test]
fn enter() {
    CAST.enter();
}

pub(crate) fn lock(name: &str) -> FileLock {
    let (kind, path) = name.split_once(':').expect("KIND:PATH");
    match kind {
        "at" => FileLock::at(path),
        "sidecar" => FileLock::sidecar(path),
        "in_place" => FileLock::in_place(path),
        _ => FileLock::open(path),
    }
}

fn mode(name: &str) -> Mode {
    if name == "shared" { Mode::Shared } else { Mode::Exclusive }
}

/// `LOCK MODE`: holds it from "held" until the next cue; an error is told by its kind.
fn hold(stage: &mut Stage) {
    hold_after(stage, Wait::No);
}

/// As `hold`, but with patience: a process that was killed a moment ago may still be looked at by another, which keeps
/// its descriptors for an instant.
fn take(stage: &mut Stage) {
    hold_after(stage, Wait::For(Duration::from_secs(60)));
}

fn hold_after(stage: &mut Stage, wait: Wait) {
    let request = Request::new(mode(&stage.args[1])).wait(wait);
    match lock(&stage.args[0]).acquire(&request) {
        Ok(guard) => {
            stage.tell("held");
            stage.cue();
            drop(guard);
            stage.tell("released");
            stage.cue();
        }
        Err(error) => stage.tell(&format!("{:?}", error.kind())),
    }
}

/// `LOCK MODE MILLIS [poll]`: waits, 0 for ever, after "waiting"; then as `hold`.
fn wait(stage: &mut Stage) {
    let millis: u64 = stage.args[2].parse().expect("a number");
    let wait = if millis == 0 { Wait::Forever } else { Wait::For(Duration::from_millis(millis)) };
    let mut lock = lock(&stage.args[0]);
    if stage.args.len() > 3 {
        lock = Options::new().wake(Wake::Poll).at(lock.path());
    }
    stage.tell("waiting");
    match lock.acquire(&Request::new(mode(&stage.args[1])).wait(wait)) {
        Ok(guard) => {
            stage.tell("held");
            stage.cue();
            drop(guard);
            stage.tell("released");
        }
        Err(error) => stage.tell(&format!("{:?}", error.kind())),
    }
    stage.cue();
}

/// `LOCK COUNTER TIMES`: adds one that many times, by reading and writing a file under the lock.
fn increment(stage: &mut Stage) {
    let lock = lock(&stage.args[0]);
    for _ in 0..stage.args[2].parse().expect("a number") {
        let guard = lock.lock(Duration::from_secs(60)).expect("locked");
        add_one(&stage.args[1]);
        drop(guard);
    }
    stage.tell("done");
}

/// Adds one to the number in a file, in a way that loses counts unless callers exclude each other.
pub(crate) fn add_one(counter: &str) {
    let count: u64 = std::fs::read_to_string(counter).expect("a file").trim().parse().expect("a number");
    std::thread::yield_now();
    std::fs::write(counter, (count + 1).to_string()).expect("written");
}

/// `TIMES LOCK...`: takes the set in the order given, again and again.
fn hold_set(stage: &mut Stage) {
    let locks = stage.args[1..].iter().map(|name| lock(name));
    let set = stead::lock::LockSet::new(locks);
    for _ in 0..stage.args[0].parse().expect("a number") {
        drop(set.acquire(&Request::exclusive().wait(Duration::from_secs(60))).expect("locked"));
    }
    stage.tell("done");
}

/// `FOLDER COUNT`: holds that many locks, named by their numbers, from "held" until the next cue.
fn hold_many(stage: &mut Stage) {
    let count: usize = stage.args[1].parse().expect("a number");
    let path = |number: usize| std::path::Path::new(&stage.args[0]).join(number.to_string());
    let guards: Vec<_> = (0..count).map(|number| FileLock::at(path(number)).try_lock().expect("free")).collect();
    stage.tell("held");
    stage.cue();
    drop(guards);
    stage.tell("released");
    stage.cue();
}

/// `FILE NAME TIMES DURABILITY`: appends numbered lines that grow.
fn append(stage: &mut Stage) {
    let durability = if stage.args[3] == "none" { Durability::None } else { Durability::Data };
    let appender = Appender::new(&stage.args[0]).durability(durability);
    let name = &stage.args[1];
    for number in 0..stage.args[2].parse().expect("a number") {
        appender.append([format!("{name} {number} {}", "x".repeat(number * 7))]).expect("appended");
    }
    stage.tell("done");
}

/// `FILE TIMES lock|none`: adds one to the `n` of a document.
#[cfg(feature = "document")]
fn update(stage: &mut Stage) {
    let mut document =
        stead::document::Document::<serde_json::Value>::json(&stage.args[0]).durability(Durability::None);
    if stage.args[2] == "none" {
        document = document.lock(None);
    }
    for _ in 0..stage.args[1].parse().expect("a number") {
        document.update(|value| value["n"] = (value["n"].as_u64().expect("a number") + 1).into()).expect("updated");
    }
    stage.tell("done");
}

#[cfg(not(feature = "document"))]
fn update(stage: &mut Stage) {
    stage.tell("done");
}
