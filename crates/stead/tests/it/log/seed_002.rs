//! Seed 002: who may write, as eventfold says it.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;

use stead::log::{EventLog, EventReader, EventWriter, LockMode};
use tempfile::tempdir;
use testkit::Actor;

use super::{event, numbers};
use crate::cast::CAST;

fn start(dir: &Path) -> Actor {
    CAST.start("log_hold", &[dir.to_str().expect("text")])
}

/// Another process gets the log to itself, or is told at once why not.
fn is_free(dir: &Path) -> bool {
    let mut actor = start(dir);
    let word = actor.word();
    assert!(word == "held" || word.starts_with("AlreadyExists"), "{word}");
    word == "held"
}

#[test]
fn a_writer_locks_the_log() {
    let dir = tempdir().unwrap();
    let _writer = EventWriter::open(dir.path()).unwrap();
    assert!(!is_free(dir.path()));
    assert!(EventWriter::open(dir.path()).is_err());
}

#[test]
fn a_second_writer_is_told_at_once_of_the_lock_and_its_path() {
    let dir = tempdir().unwrap();
    let mut first = start(dir.path());
    first.expect("held");
    let error = EventWriter::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let text = error.to_string();
    // Who it is, is told where the kernel lists its locks.
    let told = cfg!(all(target_os = "linux", not(stead_other_unix)));
    let who = if told { format!("pid {}", first.pid()) } else { "held exclusively".to_owned() };
    for part in ["another writer holds the lock", "app.jsonl", &who] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    assert_eq!(super::kind(&error), stead::ErrorKind::Busy);
    // The same from the thread that holds it.
    let here = tempdir().unwrap();
    let _writer = EventWriter::open(here.path()).unwrap();
    let error = EventWriter::open(here.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert!(error.to_string().contains("another writer holds the lock"), "{error}");
}

#[test]
fn a_dropped_writer_has_unlocked_the_log() {
    let dir = tempdir().unwrap();
    drop(EventWriter::open(dir.path()).unwrap());
    drop(EventWriter::open(dir.path()).unwrap());
    assert!(is_free(dir.path()));
}

/// The system unlocks for those who can no longer.
#[test]
fn a_killed_writer_has_unlocked_the_log() {
    let dir = tempdir().unwrap();
    let mut holder = start(dir.path());
    holder.expect("held");
    holder.kill();
    let writer = testkit::wait_until("the log is free", || EventWriter::open(dir.path()).ok());
    drop(writer);
}

#[test]
fn without_a_lock_there_may_be_several_writers() {
    let dir = tempdir().unwrap();
    let mut first = EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap();
    let mut second = EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap();
    let mut end = 0;
    for number in 0..6 {
        let writer = if number % 2 == 0 { &mut first } else { &mut second };
        let appended = writer.append(&event(number)).unwrap();
        assert_eq!(appended.start_offset, end);
        end = appended.end_offset;
    }
    assert_eq!(numbers(&second.reader()), [0, 1, 2, 3, 4, 5]);
    // It neither takes the lock nor minds it.
    assert!(is_free(dir.path()));
    let locked = tempdir().unwrap();
    let _writer = EventWriter::open(locked.path()).unwrap();
    EventWriter::open_with_lock(locked.path(), LockMode::None).unwrap().append(&event(0)).unwrap();
}

/// One of two writers without a lock rotates, and the other goes on behind it.
#[test]
fn without_a_lock_a_rotation_is_noticed() {
    let dir = tempdir().unwrap();
    let mut first = EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap();
    let mut second = EventWriter::open_with_lock(dir.path(), LockMode::None).unwrap();
    for number in 0..4 {
        let writer = if number % 2 == 0 { &mut first } else { &mut second };
        writer.append(&event(number)).unwrap();
        assert!(writer.rotate_now().unwrap());
    }
    assert_eq!(numbers(&first.reader()), [0, 1, 2, 3]);
}

#[test]
fn the_lock_outlives_rotations() {
    let dir = tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    let reader = writer.reader();
    for number in 0..3 {
        writer.append(&event(number)).unwrap();
        writer.rotate(&reader, &mut HashMap::new()).unwrap();
        assert!(!is_free(dir.path()));
        assert_eq!(EventWriter::open(dir.path()).unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
    drop(writer);
    assert!(is_free(dir.path()));
}

#[test]
fn a_reader_needs_no_lock() {
    let dir = tempdir().unwrap();
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&event(7)).unwrap();
    assert_eq!(numbers(&EventReader::new(dir.path())), [7]);
    assert!(!is_free(dir.path()));
    let mut holder = {
        drop(writer);
        let mut holder = start(dir.path());
        holder.expect("held");
        holder
    };
    assert_eq!(numbers(&EventReader::new(dir.path())), [7]);
    holder.cue("");
    holder.expect("released");
}

#[test]
fn a_reader_needs_no_writer() {
    let dir = tempdir().unwrap();
    drop(EventWriter::open(dir.path()).unwrap().append(&event(1)).unwrap());
    let reader = EventReader::new(dir.path());
    assert_eq!(numbers(&reader), [1]);
    assert!(is_free(dir.path()), "reading left a lock");
}

#[test]
fn a_builder_takes_a_lock_mode() {
    let dir = tempdir().unwrap();
    let mut first = EventLog::builder(dir.path()).lock_mode(LockMode::None).open().unwrap();
    let second = EventLog::builder(dir.path()).lock_mode(LockMode::None).open().unwrap();
    first.append(&event(1)).unwrap();
    assert_eq!(numbers(&second.reader()), [1]);
    assert!(is_free(dir.path()));
}

#[test]
fn a_builder_locks_unless_told() {
    let dir = tempdir().unwrap();
    let _log = EventLog::builder(dir.path()).open().unwrap();
    assert_eq!(EventLog::builder(dir.path()).open().unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(EventLog::open(dir.path()).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert!(!is_free(dir.path()));
    assert_eq!(LockMode::default(), LockMode::Flock);
}
