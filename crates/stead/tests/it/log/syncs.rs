//! When a log syncs, and what it says when a sync fails. strace counts the calls, and spoils them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use stead::ErrorKind;
use stead::log::{Durability, EventReader, EventWriter, Options};
use tempfile::tempdir;
use testkit::{Actor, wait_until};

use super::{event, kind};
use crate::cast::CAST;

/// An appending actor under strace.
fn traced(dir: &Path, options: &str, strace: &[&str]) -> Option<Actor> {
    if !testkit::tool("strace") {
        return None;
    }
    let through = [&["strace", "-f", "-qq"], strace].concat();
    let args = [dir.to_str().unwrap(), options, "traced"];
    let mut actor = Actor::new(&mut CAST.command(&through, "log_append", &args));
    actor.expect("open");
    Some(actor)
}

/// One whose sync of the active segment fails at the time said, once.
fn failing(dir: &Path, options: &str, when: u32) -> Option<Actor> {
    let active = dir.join("app.jsonl");
    let inject = format!("inject=fdatasync:error=EIO:when={when}");
    traced(dir, options, &["-o", "/dev/null", "-P", active.to_str().unwrap(), "-e", &inject])
}

fn says(actor: &mut Actor, word: &str) {
    actor.cue("1");
    actor.expect(word);
}

/// Trap 26: once a sync has failed nobody appends any more, neither the one who was told nor others, those who were open
/// before nor those who come later, though their syncs would say that all is well.
#[test]
fn trap_26_a_failed_sync_poisons_the_log_for_all() {
    for options in ["", "shared"] {
        let dir = tempdir().unwrap();
        EventWriter::open(dir.path()).unwrap().append(&event(0)).unwrap();
        let mut bystander = EventWriter::open_shared(dir.path()).unwrap();
        bystander.append(&event(1)).unwrap();
        let mut stranger = CAST.start("log_append", &[dir.path().to_str().unwrap(), "shared", "stranger"]);
        stranger.expect("open");
        says(&mut stranger, "Ok");
        let Some(mut actor) = failing(dir.path(), options, 2) else { return };
        says(&mut actor, "Ok");
        says(&mut actor, "NotDurable");
        says(&mut actor, "Poisoned");
        says(&mut actor, "Poisoned");
        if options == "shared" {
            says(&mut stranger, "Poisoned");
            assert_eq!(kind(&bystander.append(&event(2)).unwrap_err()), ErrorKind::Poisoned);
            assert_eq!(kind(&bystander.rotate_now().unwrap_err()), ErrorKind::Poisoned);
        }
        assert!(actor.dismiss());
        for _ in 0..2 {
            says(&mut stranger, "Poisoned");
            assert_eq!(kind(&EventWriter::open(dir.path()).unwrap_err()), ErrorKind::Poisoned);
            let mut late = EventWriter::open_shared(dir.path()).unwrap();
            assert_eq!(kind(&late.append(&event(3)).unwrap_err()), ErrorKind::Poisoned);
            assert_eq!(kind(&late.append_batch(&[event(3), event(4)]).unwrap_err()), ErrorKind::Poisoned);
        }
        // The event that was not durable is there, as was said; what was refused is not.
        let events = EventReader::new(dir.path()).read_full().unwrap().map(Result::unwrap);
        assert_eq!(events.count(), 5, "{options:?}");
    }
}

/// Trap 26: nobody who goes takes the poison with him.
#[test]
fn trap_26_a_log_stays_poisoned_when_writers_go() {
    let dir = tempdir().unwrap();
    let mut first = EventWriter::open_shared(dir.path()).unwrap();
    first.append(&event(0)).unwrap();
    let Some(mut actor) = failing(dir.path(), "shared", 1) else { return };
    says(&mut actor, "NotDurable");
    drop(first);
    let mut late = EventWriter::open_shared(dir.path()).unwrap();
    let outcome = late.append(&event(1)).map_err(|error| kind(&error));
    assert_eq!(outcome, Err(ErrorKind::Poisoned));
}

/// A sync that fails in the background is told at the next call, and poisons as well.
#[test]
fn trap_26_a_failed_sync_in_the_background_is_told() {
    let dir = tempdir().unwrap();
    drop(EventWriter::open(dir.path()).unwrap());
    let Some(mut actor) = failing(dir.path(), "every=1", 1) else { return };
    says(&mut actor, "Ok");
    let word = wait_until("it is told", || {
        actor.cue("1");
        let word = actor.word();
        (word != "Ok").then_some(word)
    });
    assert!(word == "Poisoned" || word == "NotDurable", "{word}");
    says(&mut actor, "Poisoned");
    assert!(actor.dismiss());
    assert_eq!(kind(&EventWriter::open(dir.path()).unwrap_err()), ErrorKind::Poisoned);
}

/// A failed sync while a segment is sealed poisons too, and seals nothing.
#[test]
fn trap_26_a_failed_sync_of_a_rotation_is_told() {
    let dir = tempdir().unwrap();
    drop(EventWriter::open(dir.path()).unwrap());
    let Some(mut actor) = failing(dir.path(), "none max=1", 1) else { return };
    says(&mut actor, "Ok");
    says(&mut actor, "Poisoned");
    assert!(actor.dismiss());
    assert!(super::segments(dir.path()).is_empty());
    assert_eq!(kind(&EventWriter::open(dir.path()).unwrap_err()), ErrorKind::Poisoned);
}

/// How often a file of the log is synced while that many events are appended, after the log is open.
fn syncs(options: &str, events: u32) -> Option<usize> {
    let dir = tempdir().unwrap();
    EventWriter::open(dir.path()).unwrap().append(&event(0)).unwrap();
    let trace = dir.path().join("trace");
    let mut actor =
        traced(dir.path(), options, &["-e", "trace=fsync,fdatasync,sync_file_range", "-o", trace.to_str()?])?;
    let count = || fs::read_to_string(&trace).unwrap().lines().filter(|line| line.contains("sync")).count();
    let before = count();
    actor.cue(&events.to_string());
    actor.expect("Ok");
    let made = count() - before;
    assert!(actor.dismiss());
    Some(made)
}

#[test]
fn each_durability_syncs_as_it_says() {
    let Some(made) = syncs("none", 50) else { return };
    assert_eq!(made, 0, "none never syncs");
    assert_eq!(syncs("shared none", 50), Some(0));
    assert_eq!(syncs("", 50), Some(50));
    assert_eq!(syncs("shared", 50), Some(50));
    assert_eq!(syncs("every=100000", 50), Some(0));
}

/// Nobody appends any more, and still all is durable soon.
#[test]
fn every_interval_is_kept_without_further_appends() {
    let dir = tempdir().unwrap();
    let durability = Durability::every(Duration::from_millis(20));
    for options in [Options::new().durability(durability), Options::new().shared(true).durability(durability)] {
        let mut writer = options.open(dir.path()).unwrap();
        for number in 0..3 {
            let end = writer.append(&event(number)).unwrap().end_offset;
            wait_until("it is durable", || (writer.synced_to() >= end).then_some(()));
            writer.rotate_now().unwrap();
        }
        let end = writer.append_batch(&[event(1), event(2)]).unwrap().end_offset;
        wait_until("it is durable", || (writer.synced_to() >= end).then_some(()));
    }
}

#[test]
fn every_so_many_bytes_is_kept() {
    let dir = tempdir().unwrap();
    let mut writer = Options::new().durability(Durability::every_bytes(1000)).open(dir.path()).unwrap();
    for number in 0..200 {
        let end = writer.append(&event(number)).unwrap().end_offset;
        assert!(end - writer.synced_to() < 1000, "{} of {end}", writer.synced_to());
    }
    assert!(writer.synced_to() > 0);
    // And what is left when it is told to, or goes.
    writer.sync().unwrap();
    assert_eq!(writer.synced_to(), writer.reader().end_offset().unwrap());
}

#[test]
fn what_is_durable_is_known() {
    let dir = tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    for number in 0..3 {
        assert_eq!(writer.append(&event(number)).unwrap().end_offset, writer.synced_to());
    }
    drop(writer);
    let mut writer = super::alone(dir.path());
    let before = writer.synced_to();
    let end = writer.append(&event(3)).unwrap().end_offset;
    assert_eq!(writer.synced_to(), before);
    assert!(before < end);
    writer.rotate_now().unwrap();
    assert_eq!(writer.synced_to(), end);
}
