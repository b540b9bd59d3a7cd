//! Rotation under the feet of readers, followers and other writers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stead::ErrorKind;
use stead::log::{ConditionalAppendError, Cursor, Event, EventReader, Options, WaitResult};
use tempfile::tempdir;
use testkit::PATIENCE;

use super::{alone, event, event_of, number, numbers, numbers_from, scale, segments, shared};
use crate::cast::CAST;

/// Traps 35 and 50: a thousand rotations are for the long run (`STEAD_ROTATIONS`). Each read sees whole history up to some
/// event; a reader that goes on from where it was sees each event once.
#[test]
fn trap_35_trap_50_readers_during_rotations_see_each_event_once_and_in_order() {
    let count = scale("STEAD_ROTATIONS", 150);
    let dir = tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let mut writer = CAST.start("log_rotate", &[path, &count.to_string()]);
    writer.expect("open");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = EventReader::new(path);
        let done = &done;
        let whole = {
            let reader = reader.clone();
            scope.spawn(move || {
                let (mut seen, mut end) = (0, 0);
                while !done.load(Ordering::Relaxed) {
                    let now = reader.end_offset().unwrap();
                    assert!(now >= end, "the end went back from {end} to {now}");
                    end = now;
                    let numbers = numbers(&reader);
                    assert!(
                        numbers.len() >= seen && numbers.iter().copied().eq(0..numbers.len() as u64),
                        "{numbers:?}"
                    );
                    seen = numbers.len();
                }
            })
        };
        let going_on = {
            let reader = reader.clone();
            scope.spawn(move || {
                let (mut offset, mut next) = (0, 0);
                while next < count {
                    for event in reader.read::<Event>(offset).unwrap() {
                        let event = event.unwrap();
                        assert_eq!(number(&event.value), next);
                        (offset, next) = (event.end, next + 1);
                        let cursor = reader.cursor_at(offset).unwrap();
                        assert_eq!(reader.offset_of(&cursor).unwrap(), offset);
                    }
                }
            })
        };
        let mut follow = reader.follow(0).unwrap();
        for expected in 0..count {
            assert_eq!(number(&follow.next::<Event>(PATIENCE).unwrap().expect("in time").value), expected);
        }
        assert!(follow.next_line(Duration::ZERO).unwrap().is_none());
        writer.expect("done");
        done.store(true, Ordering::Relaxed);
        whole.join().unwrap();
        going_on.join().unwrap();
    });
    assert_eq!(segments(dir.path()).len() as u64, count);
}

/// Trap 38: another process follows across rotations. 100,000 events are for the long run (`STEAD_EVENTS`).
#[test]
fn trap_38_a_follower_sees_each_event_once_across_rotations() {
    let count = scale("STEAD_EVENTS", 5_000);
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let mut follower = CAST.start("log_follow", &[dir.path().to_str().unwrap(), &count.to_string()]);
    follower.expect("follows");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..count {
                writer.append(&event(number)).unwrap();
                if number % (count / 20) == 7 {
                    writer.rotate_now().unwrap();
                }
            }
        });
        for expected in 0..count {
            follower.expect(&expected.to_string());
        }
    });
    assert!(follower.dismiss());
}

/// By notification: a poll of any sensible interval would take far longer than this, one word after the other.
#[test]
fn a_follower_is_woken_by_the_system() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let mut follower = CAST.start("log_follow", &[dir.path().to_str().unwrap(), "60"]);
    follower.expect("follows");
    let begun = Instant::now();
    for number in 0..60 {
        writer.append(&event(number)).unwrap();
        follower.expect(&number.to_string());
        if number % 10 == 3 {
            writer.rotate_now().unwrap();
        }
    }
    let mean = begun.elapsed() / 60;
    assert!(mean < Duration::from_millis(300), "{mean:?} for each");
}

/// Trap 38: it never returns early, whatever else happens in the folder.
#[test]
fn trap_38_a_wait_ends_for_events_only() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    writer.append(&event(0)).unwrap();
    let reader = writer.reader();
    let end = reader.end_offset().unwrap();
    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let begun = Instant::now();
            (reader.wait_for_events(end, Duration::from_millis(600)).unwrap(), begun.elapsed())
        });
        // Rotations, other files, a piece of a line, the first line of a batch.
        writer.rotate_now().unwrap();
        std::fs::write(dir.path().join("other"), "x").unwrap();
        super::append_raw(dir.path(), "{\"type\":\"t\",\"data\":1,\"ts\":1\t}\t\n{\"ty");
        waiting.join().unwrap()
    });
    assert_eq!(waited.0, WaitResult::Timeout);
    assert!(waited.1 >= Duration::from_millis(600), "{waited:?}");
    assert!(!reader.has_new_events(end).unwrap());
    assert_eq!(reader.end_offset().unwrap(), end);
    let appended = writer.append(&event(1)).unwrap();
    assert_eq!(reader.wait_for_events(end, PATIENCE).unwrap(), WaitResult::NewData(appended.end_offset));
    assert_eq!(numbers(&reader), [0, 1]);
}

/// Trap 35: offsets and cursors of before a rotation mean the same after it, and an expectation holds across one.
#[test]
fn trap_35_offsets_outlive_rotations() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let reader = writer.reader();
    let mut places: Vec<Cursor> = vec![reader.end().unwrap()];
    for number in 0..30 {
        let (offset, hash) = (reader.end().unwrap().offset, reader.end().unwrap().line_hash());
        if number % 3 == 0 {
            writer.rotate(&reader, &mut HashMap::new()).unwrap();
        }
        let appended = match number % 2 {
            0 => writer.append_if(&event(number), offset, &hash).unwrap(),
            _ => writer.append_at(&event(number), &reader.end().unwrap()).unwrap(),
        };
        assert_eq!(appended.start_offset, offset);
        assert_eq!(reader.read_line_hash_before(appended.end_offset).unwrap(), Some(appended.line_hash.clone()));
        let end = reader.end().unwrap();
        assert_eq!((end.offset, end.line_hash()), (appended.end_offset, appended.line_hash));
        for (index, place) in places.iter().enumerate() {
            assert_eq!(reader.offset_of(place).unwrap(), place.offset);
            assert_eq!(reader.cursor_at(place.offset).unwrap(), *place);
            assert_eq!(numbers_from(&reader, place.offset), (index as u64..=number).collect::<Vec<_>>());
        }
        // A stale expectation of each earlier place is refused.
        let stale = places.last().unwrap();
        let refused = writer.append_if(&event(99), stale.offset, &stale.line_hash()).unwrap_err();
        let ConditionalAppendError::Conflict(conflict) = refused else { panic!("{refused}") };
        assert_eq!((conflict.expected_offset, conflict.actual_offset), (stale.offset, end.offset));
        assert_eq!(conflict.actual_hash, None);
        places.push(end);
    }
    // The right offset with another hash.
    let end = reader.end().unwrap();
    let refused = writer.append_if(&event(99), end.offset, "0123456789abcdef").unwrap_err();
    let ConditionalAppendError::Conflict(conflict) = refused else { panic!("{refused}") };
    assert_eq!(conflict.actual_hash, Some(end.line_hash()));
    assert_eq!(numbers(&reader), (0..30).collect::<Vec<_>>());
    assert_eq!(segments(dir.path()).len(), 9);
}

/// Trap 39: identical heartbeats have the same hash; only their offsets tell them apart, and do.
#[test]
fn trap_39_identical_events_are_told_apart() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let reader = writer.reader();
    let beat = Event { ts: 1, ..Event::new("beat", serde_json::Value::Null) };
    let first = writer.append(&beat).unwrap();
    let second = writer.append_if(&beat, first.end_offset, &first.line_hash).unwrap();
    assert_eq!(first.line_hash, second.line_hash);
    for _ in 0..2 {
        let refused = writer.append_if(&beat, first.end_offset, &first.line_hash).unwrap_err();
        assert!(matches!(refused, ConditionalAppendError::Conflict(_)), "{refused}");
        // A rotation makes the active segment as it was once.
        writer.rotate_now().unwrap();
    }
    let third = writer.append_at(&beat, &reader.end().unwrap()).unwrap();
    assert_eq!(third.start_offset, second.end_offset);
    let cursor = reader.cursor_at(first.end_offset).unwrap();
    assert_eq!(reader.read::<Event>(reader.offset_of(&cursor).unwrap()).unwrap().count(), 2);
}

#[test]
fn batches_and_conditions_across_rotations() {
    let dir = tempdir().unwrap();
    let mut writer = Options::new().max_log_size(1).open(dir.path()).unwrap();
    let batch = |from: u64| (from..from + 3).map(event).collect::<Vec<_>>();
    let mut at = writer.append_batch(&batch(0)).unwrap();
    for number in 1..6 {
        let end = writer.reader().end().unwrap();
        assert_eq!((end.offset, end.line_hash()), (at.end_offset, at.line_hash.clone()));
        let nothing = writer.append_batch(&[]).unwrap();
        assert_eq!((nothing.start_offset, nothing.end_offset), (at.end_offset, at.end_offset));
        assert_eq!(nothing.line_hash, at.line_hash);
        let lines: Vec<_> = batch(number * 3).iter().map(|event| serde_json::to_vec(event).unwrap()).collect();
        let appended = writer.append_lines_if(&lines, at.end_offset, &at.line_hash).unwrap();
        assert_eq!(appended.start_offset, at.end_offset);
        at = appended;
    }
    assert!(writer.rotation_error().is_none());
    assert_eq!(segments(dir.path()).len(), 6);
    assert_eq!(numbers(&writer.reader()), (0..18).collect::<Vec<_>>());
}

#[test]
fn an_empty_segment_is_not_sealed() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    assert!(!writer.rotate_now().unwrap());
    writer.append(&event(0)).unwrap();
    assert!(writer.rotate_now().unwrap());
    assert!(!writer.rotate_now().unwrap());
    writer.rotate(&writer.reader(), &mut HashMap::new()).unwrap();
    assert_eq!(segments(dir.path()).len(), 1);
}

/// By size, as the log was told when it was made; by age, counted from the first line.
#[test]
fn segments_end_by_size_and_by_age() {
    let dir = tempdir().unwrap();
    drop(Options::new().max_log_size(2_000).open(dir.path()).unwrap());
    let mut writer = alone(dir.path());
    for number in 0..100 {
        writer.append(&event(number)).unwrap();
        assert!(writer.active_log_size().unwrap() < 2_000);
    }
    assert!(segments(dir.path()).len() >= 2);
    let before = segments(dir.path()).len();
    drop(writer);
    let mut writer = Options::new().max_log_size(0).max_log_age(Duration::from_millis(1)).open(dir.path()).unwrap();
    let mut number = 100;
    testkit::wait_until("it is old", || {
        writer.append(&event(number)).unwrap();
        number += 1;
        (segments(dir.path()).len() > before).then_some(())
    });
    assert_eq!(numbers(&writer.reader()), (0..number).collect::<Vec<_>>());
}

/// Many writers, each of which rotates whenever it finds the segment full.
#[test]
fn shared_writers_rotate_for_each_other() {
    let dir = tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let mut writers: Vec<_> =
        (0..4).map(|name| CAST.start("log_append", &[path, "shared none max=3000", &name.to_string()])).collect();
    for writer in &mut writers {
        writer.expect("open");
    }
    let mut here = shared(dir.path());
    for writer in &mut writers {
        writer.cue("100");
    }
    let mut end = 0;
    for number in 0..50 {
        let appended = here.append(&event_of(number, 50)).unwrap();
        assert!(appended.start_offset >= end);
        end = appended.end_offset;
        let cursor = here.reader().cursor_at(end).unwrap();
        assert_eq!(cursor.line_hash(), appended.line_hash);
    }
    for writer in &mut writers {
        writer.expect("Ok");
    }
    let mut seen: HashMap<String, u64> = HashMap::new();
    for event in here.reader().read::<Event>(0).unwrap() {
        let event = event.unwrap().value;
        let next = seen.entry(event.data["by"].as_str().unwrap_or_default().to_owned()).or_default();
        assert_eq!(number(&event), *next);
        *next += 1;
    }
    assert_eq!(seen.remove(""), Some(50));
    assert_eq!(seen.into_values().collect::<Vec<_>>(), [100; 4]);
    assert!(segments(dir.path()).len() > 3);
}

/// A crash between the two names of a rotation: the segment has its final name, and is still the active one.
#[test]
fn trap_35_a_rotation_that_was_cut_short_is_finished() {
    let dir = tempdir().unwrap();
    for round in 0..3 {
        let mut writer = alone(dir.path());
        writer.append(&event(round * 2)).unwrap();
        let base = segments(dir.path())
            .last()
            .map_or(0, |path| path.file_stem().unwrap().to_str().unwrap()[21..].parse::<u64>().unwrap());
        drop(writer);
        let end = EventReader::new(dir.path()).end_offset().unwrap();
        let sealed = dir.path().join(format!("segments/{base:020}-{end:020}.jsonl"));
        std::fs::create_dir_all(sealed.parent().unwrap()).unwrap();
        std::fs::hard_link(dir.path().join("app.jsonl"), &sealed).unwrap();
        let reader = EventReader::new(dir.path());
        assert_eq!(numbers(&reader), (0..=round * 2).collect::<Vec<_>>());
        assert_eq!(reader.end_offset().unwrap(), end);
        let mut writer = if round == 0 { shared(dir.path()) } else { alone(dir.path()) };
        let appended = writer.append(&event(round * 2 + 1)).unwrap();
        assert_eq!(appended.start_offset, end);
        assert_eq!(numbers(&reader), (0..=round * 2 + 1).collect::<Vec<_>>());
        // The next round begins with a segment of its own.
        writer.rotate_now().unwrap();
    }
}

/// What somebody appends to a file that he opened before the rotation is in the log, or the error says where it is.
#[test]
fn trap_35_a_straggler_is_not_lost() {
    use std::io::Write;
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    writer.append(&event(0)).unwrap();
    let mut straggler = std::fs::OpenOptions::new().append(true).open(dir.path().join("app.jsonl")).unwrap();
    writer.rotate_now().unwrap();
    straggler.write_all(super::foreign_line(1).as_bytes()).unwrap();
    writer.append(&event(2)).unwrap();
    writer.rotate_now().unwrap();
    let mut seen = numbers(&writer.reader());
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2]);
}

#[test]
fn a_reader_knows_no_log_that_is_not_there() {
    let dir = tempdir().unwrap();
    let reader = EventReader::new(dir.path().join("none"));
    assert_eq!(super::kind(&reader.read_from(0).err().unwrap()), ErrorKind::NotFound);
    assert!(!dir.path().join("none").exists());
}
