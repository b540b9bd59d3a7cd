//! Folders and files that are not as they should be: an error that says what and where, and no event appended into nowhere.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use stead::ErrorKind;
use stead::log::{Durability, Event, EventLog, EventReader, EventWriter, Options};
use tempfile::tempdir;
use testkit::wait_until;

use super::{alone, append_raw, event, kind, number, numbers, numbers_from, outcomes, segments, shared};
use crate::cast::CAST;

fn filled(dir: &Path) -> EventWriter {
    let mut writer = EventWriter::open(dir).unwrap();
    for number in 0..6 {
        writer.append(&event(number)).unwrap();
        if matches!(number, 1 | 3 | 4) {
            writer.rotate_now().unwrap();
        }
    }
    writer
}

#[test]
fn what_is_no_folder_is_no_log() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert_eq!(kind(&EventWriter::open(&file).unwrap_err()), ErrorKind::NotRegularFile);
    assert!(EventReader::new(&file).read_from(0).is_err());
    assert!(EventWriter::open(file.join("below")).is_err());
    assert_eq!(fs::read(&file).unwrap(), b"x");
    for empty in ["", "/dev/null"] {
        assert!(EventWriter::open(empty).is_err());
        assert!(EventWriter::open_shared(empty).is_err());
        assert!(EventLog::open(empty).is_err());
        assert!(EventReader::new(empty).read_from(0).is_err());
    }
    fs::create_dir_all(dir.path().join("log/app.jsonl")).unwrap();
    assert!(EventWriter::open(dir.path().join("log")).is_err());
    assert!(EventWriter::open_shared(dir.path().join("log")).is_ok_and(|mut writer| writer.append(&event(0)).is_err()));
    // A link to a folder is as good as the folder.
    fs::create_dir(dir.path().join("real")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("real"), dir.path().join("link")).unwrap();
    EventWriter::open(dir.path().join("link")).unwrap().append(&event(1)).unwrap();
    assert_eq!(numbers(&EventReader::new(dir.path().join("real"))), [1]);
}

#[test]
fn a_folder_that_cannot_be_written_is_read() {
    if rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempdir().unwrap();
    drop(filled(dir.path()));
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(dir.path(), 0o555);
    for name in ["app.jsonl", "log.json", "shared.page"] {
        set(&dir.path().join(name), 0o444);
    }
    assert_eq!(numbers(&EventReader::new(dir.path())), [0, 1, 2, 3, 4, 5]);
    let error = EventWriter::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}");
    let new = dir.path().join("new");
    assert_eq!(EventWriter::open(&new).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    set(dir.path(), 0o755);
}

/// What a writer that is left says when the log was removed, moved away, or made anew: never that it appended.
fn assert_nothing_goes_nowhere(open: impl Fn(&Path) -> EventWriter, is_lazy: bool) {
    type Spoil = fn(&Path, &Path);
    let spoils: [(&str, Spoil); 6] = [
        ("removed", |log, _| fs::remove_dir_all(log).unwrap()),
        ("moved", |log, other| fs::rename(log, other).unwrap()),
        ("removed and made anew", |log, _| {
            fs::remove_dir_all(log).unwrap();
            drop(shared(log));
        }),
        ("moved and made anew", |log, other| {
            fs::rename(log, other).unwrap();
            drop(shared(log));
        }),
        ("app.jsonl removed", |log, _| fs::remove_file(log.join("app.jsonl")).unwrap()),
        ("app.jsonl moved", |log, _| fs::rename(log.join("app.jsonl"), log.join("app.jsonl.1")).unwrap()),
    ];
    for (what, spoil) in spoils {
        let dir = tempdir().unwrap();
        let log = dir.path().join("log");
        drop(filled(&log));
        let mut writer = open(&log);
        writer.append(&event(6)).unwrap();
        let end = writer.reader().end_offset().unwrap();
        let len = writer.active_log_size().unwrap();
        spoil(&log, &dir.path().join("other"));
        if is_lazy {
            // Who does not sync looks at the path now and then only. Until then the events go where the log went.
            let mut last = end;
            testkit::wait_until("it is noticed", || match writer.append(&event(7)) {
                Ok(appended) => {
                    last = appended.end_offset;
                    None
                }
                Err(error) => Some(error),
            });
            let moved = [dir.path().join("other/app.jsonl"), log.join("app.jsonl.1")];
            if let Some(moved) = moved.iter().find(|path| path.exists()) {
                assert_eq!(fs::metadata(moved).unwrap().len() - len, last - end);
            }
        }
        for _ in 0..2 {
            match writer.append(&event(7)) {
                Err(error) => assert!(
                    matches!(kind(&error), ErrorKind::Lost | ErrorKind::Damaged | ErrorKind::NotFound),
                    "{what}: {error:?}"
                ),
                Ok(appended) => panic!("{what}, lazy {is_lazy}: acknowledged at {} of {end}", appended.start_offset),
            }
        }
        drop(writer);
        // What is there now is whole, and can be gone on with where nothing is missing.
        for place in ["log", "other"] {
            if dir.path().join(place).join("log.json").exists() && !what.starts_with("app.jsonl") {
                let mut writer = alone(&dir.path().join(place));
                writer.append(&event(8)).unwrap();
                assert_eq!(numbers(&writer.reader()).last(), Some(&8), "{what}");
            }
        }
    }
}

#[test]
fn trap_38_a_writer_that_is_alone_notices_that_its_log_is_gone() {
    assert_nothing_goes_nowhere(|dir| EventWriter::open(dir).unwrap(), false);
}

#[test]
fn trap_38_a_writer_that_does_not_sync_notices_that_its_log_is_gone() {
    assert_nothing_goes_nowhere(alone, true);
}

#[test]
fn trap_38_a_shared_writer_notices_that_its_log_is_gone() {
    assert_nothing_goes_nowhere(|dir| EventWriter::open_shared(dir).unwrap(), false);
}

#[test]
fn trap_38_a_shared_writer_that_does_not_sync_notices_that_its_log_is_gone() {
    assert_nothing_goes_nowhere(shared, true);
}

/// A follower is told, at once: that the log is gone, or that it is another one.
#[test]
fn trap_38_a_follower_notices_that_its_log_is_gone() {
    for is_anew in [false, true] {
        for is_moved in [false, true] {
            let dir = tempdir().unwrap();
            let log = dir.path().join("log");
            let writer = filled(&log);
            let mut follow = EventReader::new(&log).follow(0).unwrap();
            for expected in 0..6 {
                assert_eq!(number(&follow.next::<Event>(Duration::ZERO).unwrap().unwrap().value), expected);
            }
            let told = std::thread::scope(|scope| {
                let waiting = scope.spawn(|| follow.next_line(testkit::PATIENCE).map(|line| line.is_some()));
                if is_moved {
                    fs::rename(&log, dir.path().join("other")).unwrap();
                } else {
                    fs::remove_dir_all(&log).unwrap();
                }
                if is_anew {
                    let mut anew = shared(&log);
                    for number in 0..50 {
                        anew.append(&event(100 + number)).unwrap();
                    }
                }
                waiting.join().unwrap()
            });
            drop(writer);
            let error = told.expect_err("it is gone");
            let expected: &[_] = if is_anew {
                &[ErrorKind::Mismatch, ErrorKind::Lost, ErrorKind::NotFound]
            } else {
                &[ErrorKind::Lost, ErrorKind::NotFound]
            };
            assert!(expected.contains(&error.kind()), "anew {is_anew}, moved {is_moved}: {error:?}");
            if is_anew {
                let error = follow.next_line(Duration::ZERO).expect_err("it is another one");
                assert_eq!(error.kind(), ErrorKind::Mismatch, "{error}");
            }
        }
    }
}

#[test]
fn a_cursor_of_another_log_is_refused() {
    let (dir, other) = (tempdir().unwrap(), tempdir().unwrap());
    let mut writer = filled(dir.path());
    let stranger = filled(other.path());
    let cursor = stranger.reader().end().unwrap();
    assert_eq!(writer.reader().end().unwrap().offset, cursor.offset, "only the log tells them apart");
    assert_eq!(writer.reader().offset_of(&cursor).unwrap_err().kind(), ErrorKind::Mismatch);
    let refused = writer.append_at(&event(9), &cursor).unwrap_err();
    let stead::log::ConditionalAppendError::Io(error) = refused else { panic!("{refused}") };
    assert_eq!(kind(&error), ErrorKind::Mismatch);
    // Of this log, but not between two lines, or another line is there.
    let end = writer.reader().end().unwrap();
    let text = end.to_string();
    let parse = |text: String| text.parse::<stead::log::Cursor>().unwrap();
    let off = parse(text.replacen(&format!(":{}:", end.offset), &format!(":{}:", end.offset - 1), 1));
    assert_eq!(writer.reader().offset_of(&off).unwrap_err().kind(), ErrorKind::Mismatch);
    let beyond = parse(text.replacen(&format!(":{}:", end.offset), &format!(":{}:", end.offset + 100), 1));
    assert_eq!(writer.reader().offset_of(&beyond).unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(writer.reader().cursor_at(end.offset - 1).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(writer.reader().cursor_at(end.offset + 1).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_newer_format_is_refused_and_nothing_is_changed() {
    let dir = tempdir().unwrap();
    drop(filled(dir.path()));
    let manifest = dir.path().join("log.json");
    let text = fs::read_to_string(&manifest).unwrap().replace("\"format\": 1", "\"format\": 2");
    assert!(text.contains("\"format\": 2"), "{text}");
    fs::write(&manifest, &text).unwrap();
    let live = fs::read(dir.path().join("app.jsonl")).unwrap();
    assert_eq!(kind(&EventWriter::open(dir.path()).unwrap_err()), ErrorKind::Unsupported);
    assert_eq!(kind(&EventWriter::open_shared(dir.path()).unwrap_err()), ErrorKind::Unsupported);
    assert_eq!(kind(&EventReader::new(dir.path()).read_from(0).err().unwrap()), ErrorKind::Unsupported);
    assert_eq!(fs::read_to_string(&manifest).unwrap(), text);
    assert_eq!(fs::read(dir.path().join("app.jsonl")).unwrap(), live);
    for garbage in ["", "{", "[]", "{\"format\":1}", "{\"schema\":\"other\",\"format\":1,\"id\":\"00000000000000ff\"}"]
    {
        fs::write(&manifest, garbage).unwrap();
        assert_eq!(kind(&EventWriter::open(dir.path()).unwrap_err()), ErrorKind::Damaged, "{garbage}");
        assert_eq!(kind(&EventReader::new(dir.path()).read_from(0).err().unwrap()), ErrorKind::Damaged, "{garbage}");
    }
}

/// A segment that is missing, renamed, cut short, or has bytes that are none of ours: told with its offset, and what is
/// behind it is read.
#[test]
fn a_damaged_segment_is_told_and_passed_over() {
    type Spoil = fn(&Path);
    let spoils: [(&str, Spoil, &[Option<u64>]); 7] = [
        ("missing", |path| fs::remove_file(path).unwrap(), &[Some(0), Some(1), None, Some(4), Some(5)]),
        (
            "renamed",
            |path| fs::rename(path, path.with_file_name("x.jsonl")).unwrap(),
            &[Some(0), Some(1), None, Some(4), Some(5)],
        ),
        (
            "cut",
            |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(70).unwrap(),
            &[Some(0), Some(1), Some(2), None, Some(4), Some(5)],
        ),
        (
            "empty",
            |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(0).unwrap(),
            &[Some(0), Some(1), None, Some(4), Some(5)],
        ),
        ("a byte", |path| flip(path, 10), &[Some(0), Some(1), None, Some(3), Some(4), Some(5)]),
        ("the brace", |path| flip(path, 0), &[Some(0), Some(1), None, Some(3), Some(4), Some(5)]),
        (
            "a folder",
            |path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            },
            &[Some(0), Some(1), None],
        ),
    ];
    for (what, spoil, expected) in spoils {
        let dir = tempdir().unwrap();
        drop(filled(dir.path()));
        let base = fs::metadata(&segments(dir.path())[0]).unwrap().len();
        spoil(&segments(dir.path())[1]);
        let reader = EventReader::new(dir.path());
        let seen: Vec<_> = outcomes(&reader).into_iter().map(Result::ok).collect();
        assert_eq!(seen, expected, "{what}");
        if what != "a folder" {
            let error = reader.read::<Event>(0).unwrap().find_map(Result::err).unwrap();
            assert_eq!(error.kind(), ErrorKind::Damaged, "{what}: {error}");
            let offset = if what == "cut" { "offset" } else { &format!("offset {base}") };
            assert!(error.to_string().contains(offset), "{what}: {error}");
        }
        // Writing goes on where it was, and reading from behind the damage is fine.
        let end = reader.end_offset().unwrap();
        let mut writer = EventWriter::open(dir.path()).unwrap();
        assert_eq!(writer.append(&event(6)).unwrap().start_offset, end, "{what}");
        assert_eq!(numbers_from(&reader, end), [6], "{what}");
    }
}

/// Turns a byte into another one.
fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x80;
    fs::write(path, bytes).unwrap();
}

/// The newest segment is gone: where the active one begins is not known any more, and no offset is given twice.
#[test]
fn a_missing_newest_segment_gives_no_offset_twice() {
    let dir = tempdir().unwrap();
    let writer = filled(dir.path());
    let end = writer.reader().end_offset().unwrap();
    drop(writer);
    fs::remove_file(segments(dir.path()).pop().unwrap()).unwrap();
    match EventWriter::open(dir.path()) {
        Err(error) => assert_eq!(kind(&error), ErrorKind::Damaged, "{error}"),
        Ok(mut writer) => {
            let start = writer.append(&event(6)).unwrap().start_offset;
            assert!(start >= end, "offset {start} was given before; the log ended at {end}");
        }
    }
}

/// The same for readers: they would give wrong offsets.
#[test]
fn a_missing_newest_segment_is_told_to_readers() {
    let dir = tempdir().unwrap();
    drop(filled(dir.path()));
    fs::remove_file(segments(dir.path()).pop().unwrap()).unwrap();
    let reader = EventReader::new(dir.path());
    match reader.read::<Event>(0) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Damaged, "{error}"),
        Ok(events) => assert!(events.into_iter().any(|event| event.is_err()), "event 4 is missing, and nobody says so"),
    }
}

fn cut_active(dir: &Path, len: u64) {
    fs::OpenOptions::new().write(true).open(dir.join("app.jsonl")).unwrap().set_len(len).unwrap();
}

/// Bytes that were durable are missing: whoever opens or writes next is told.
#[test]
fn durable_bytes_that_were_cut_off_are_missed() {
    for is_empty in [false, true] {
        let dir = tempdir().unwrap();
        drop(filled(dir.path()));
        let len = fs::metadata(dir.path().join("app.jsonl")).unwrap().len();
        cut_active(dir.path(), if is_empty { 0 } else { len - 1 });
        for _ in 0..2 {
            assert_eq!(kind(&EventWriter::open(dir.path()).unwrap_err()), ErrorKind::Damaged);
            assert_eq!(kind(&shared(dir.path()).append(&event(9)).unwrap_err()), ErrorKind::Damaged);
        }
    }
}

/// The same under a writer that is open, and knows it all the better.
#[test]
fn durable_bytes_that_were_cut_off_are_missed_by_an_open_writer() {
    for options in [Options::new(), Options::new().shared(true), Options::new().durability(Durability::None)] {
        let dir = tempdir().unwrap();
        let mut writer = options.open(dir.path()).unwrap();
        let first = writer.append(&event(0)).unwrap();
        let end = writer.append(&event(1)).unwrap().end_offset;
        writer.sync().unwrap();
        cut_active(dir.path(), first.end_offset);
        match writer.append(&event(2)) {
            Err(error) => assert_eq!(kind(&error), ErrorKind::Damaged, "{error}"),
            Ok(appended) => panic!("offset {} was given before; all up to {end} was durable", appended.start_offset),
        }
    }
}

#[test]
fn an_active_segment_that_was_removed_is_missed() {
    let dir = tempdir().unwrap();
    drop(filled(dir.path()));
    fs::remove_file(dir.path().join("app.jsonl")).unwrap();
    assert_eq!(kind(&EventWriter::open(dir.path()).unwrap_err()), ErrorKind::Damaged);
    assert_eq!(kind(&EventWriter::open_shared(dir.path()).unwrap_err()), ErrorKind::Damaged);
    assert!(!dir.path().join("app.jsonl").exists());
    // Those who wrote it were killed, so that nobody wrote down how far it was durable.
    let dir = tempdir().unwrap();
    let mut actor = CAST.start("log_append", &[dir.path().to_str().unwrap(), "", "a"]);
    actor.expect("open");
    actor.cue("3");
    actor.expect("Ok");
    actor.kill();
    fs::remove_file(dir.path().join("app.jsonl")).unwrap();
    let outcome = wait_until("the lock is free", || match EventWriter::open(dir.path()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
        other => Some(other.map(|_| ()).map_err(|error| kind(&error))),
    });
    assert_eq!(outcome, Err(ErrorKind::Damaged), "three durable events are gone, and nobody says so");
}

/// A writer that goes tells no old news: what others have written down since, stays.
#[test]
fn a_writer_that_goes_takes_nothing_back() {
    let dir = tempdir().unwrap();
    let mut first = EventWriter::open_shared(dir.path()).unwrap();
    first.append(&event(0)).unwrap();
    let mut second = EventWriter::open_shared(dir.path()).unwrap();
    second.append(&event(1)).unwrap();
    second.rotate_now().unwrap();
    drop(second);
    // It has the log to itself, and writes down how far it has come.
    let mut third = EventWriter::open(dir.path()).unwrap();
    let end = third.append(&event(2)).unwrap().end_offset;
    drop(third);
    let page = fs::read(dir.path().join("shared.page")).unwrap();
    drop(first);
    assert_eq!(fs::read(dir.path().join("shared.page")).unwrap(), page);
    cut_active(dir.path(), 1);
    match EventWriter::open(dir.path()) {
        Err(error) => assert_eq!(kind(&error), ErrorKind::Damaged, "{error}"),
        Ok(_) => panic!("all up to {end} was durable, and nobody misses it"),
    }
}

/// No page, an old one, or garbage: it is a lower bound, and made anew.
#[test]
fn trap_41_the_page_is_not_needed() {
    for garbage in [None, Some(&b""[..]), Some(&b"garbage"[..]), Some(&[0xff; 64][..])] {
        let dir = tempdir().unwrap();
        drop(filled(dir.path()));
        let page = dir.path().join("shared.page");
        match garbage {
            Some(bytes) => fs::write(&page, bytes).unwrap(),
            None => fs::remove_file(&page).unwrap(),
        }
        assert_eq!(numbers(&EventReader::new(dir.path())), [0, 1, 2, 3, 4, 5]);
        let mut writer = EventWriter::open(dir.path()).unwrap();
        writer.append(&event(6)).unwrap();
        assert_eq!(numbers(&writer.reader()), [0, 1, 2, 3, 4, 5, 6]);
    }
}

/// Reading from an offset inside of a line gives no event that is none.
#[test]
fn reading_from_the_midst_of_a_line_is_an_error() {
    let dir = tempdir().unwrap();
    let writer = filled(dir.path());
    let end = writer.reader().end_offset().unwrap();
    for offset in 0..end {
        let seen: Vec<_> = writer.reader().read::<Event>(offset).unwrap().collect();
        // Right before a newline it is a blank line that is read.
        let is_end = |offset| writer.reader().read_line_hash_before(offset).unwrap().is_some();
        let is_between = offset == 0 || is_end(offset) || is_end(offset + 1);
        assert_eq!(seen.iter().all(Result::is_ok), is_between, "from {offset}: {:?}", seen.first());
        assert!(seen.iter().skip(1).all(Result::is_ok));
    }
    assert_eq!(numbers_from(&writer.reader(), end), [0; 0]);
    assert_eq!(numbers_from(&writer.reader(), end + 1_000), [0; 0]);
    assert_eq!(numbers_from(&writer.reader(), u64::MAX), [0; 0]);
    append_raw(dir.path(), "\n\n");
    assert_eq!(numbers_from(&writer.reader(), end), [0; 0]);
}
