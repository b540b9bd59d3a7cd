//! Beside those who know nothing of us: shells, Python, jq, tail.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use stead::log::{ConditionalAppendError, Event, EventReader, EventWriter};
use tempfile::tempdir;

use super::{alone, append_raw, event, foreign_line, number, numbers, outcomes, quarantined, shared, values};
use crate::cast::CAST;

fn shell(dir: &Path, script: &str) {
    let status = Command::new("sh").args(["-c", script]).current_dir(dir).status().unwrap();
    assert!(status.success(), "{script}");
}

#[test]
fn shells_append_between_ours() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let mut all = vec![];
    for round in 0..5 {
        writer.append(&event(round * 10)).unwrap();
        let line = foreign_line(round * 10 + 1);
        shell(dir.path(), &format!("echo '{}' >> app.jsonl", line.trim_end()));
        // Whole, but for its newline.
        let line = foreign_line(round * 10 + 2);
        shell(dir.path(), &format!("printf '%s' '{}' >> app.jsonl", line.trim_end()));
        assert_eq!(numbers(&writer.reader()).last(), Some(&(round * 10 + 1)), "without its newline it may be torn");
        let appended = writer.append(&event(round * 10 + 3)).unwrap();
        assert_eq!(appended.end_offset, writer.reader().end_offset().unwrap());
        assert_eq!(super::numbers_from(&writer.reader(), appended.start_offset), [round * 10 + 3]);
        all.extend((0..4).map(|number| round * 10 + number));
        assert_eq!(numbers(&writer.reader()), all);
        if round % 2 == 0 {
            writer.rotate_now().unwrap();
        }
    }
    assert_eq!(quarantined(dir.path()), b"");
}

/// Opens the file for each line.
const PYTHON: &str = "import json, sys
for n in range(int(sys.argv[1]), int(sys.argv[1]) + 100):
    with open('app.jsonl', 'a') as f:
        f.write(json.dumps({'type': 'python', 'data': {'n': n, 'text': '\u{e4}' * (n % 50)}, 'ts': n}) + '\\n')
";

#[test]
fn python_appends_between_ours() {
    if !testkit::tool("python3") {
        return;
    }
    let dir = tempdir().unwrap();
    let mut writer = shared(dir.path());
    let start = |from: u64| {
        let mut python = Command::new("python3");
        python.args(["-c", PYTHON, &from.to_string()]).current_dir(dir.path()).spawn().unwrap()
    };
    let mut pythons = [start(1_000), start(2_000)];
    for number in 0..100 {
        writer.append(&event(number)).unwrap();
    }
    assert!(pythons.iter_mut().all(|python| python.wait().unwrap().success()));
    let mut seen = numbers(&writer.reader());
    for from in [0, 1_000, 2_000] {
        let of: Vec<_> = seen.iter().copied().filter(|number| number / 1_000 == from / 1_000).collect();
        assert_eq!(of, (from..from + 100).collect::<Vec<_>>());
    }
    seen.sort_unstable();
    assert_eq!(seen.len(), 300);
    assert_eq!(quarantined(dir.path()), b"");
}

/// Others append whole lines, each by one write, while we do and while we rotate: each event is there once, and what an
/// append returned is where its event is.
#[test]
fn whole_lines_of_others_are_never_torn_and_ours_are_where_we_say() {
    let dir = tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let mut writer = shared(dir.path());
    let reader = writer.reader();
    let mut others: Vec<_> = [("700", "a"), ("5000", "b"), ("40000", "c")]
        .into_iter()
        .map(|(len, name)| CAST.start("log_foreign", &[path, "300", len, name]))
        .collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            for other in &mut others {
                other.expect("done");
            }
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let mut next = 0;
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            let appended = writer.append(&event(next)).unwrap();
            let read = reader.read::<Event>(appended.start_offset).unwrap().next();
            if !matches!(&read, Some(Ok(read)) if number(&read.value) == next && read.end == appended.end_offset) {
                wrong.push((next, appended.start_offset));
            }
            next += 1;
        }
        waiting.join().unwrap();
    });
    let mut seen: HashMap<String, Vec<u64>> = HashMap::new();
    let mut errors = Vec::new();
    for event in reader.read::<Event>(0).unwrap() {
        match event {
            Ok(event) => {
                let by = event.value.data["by"].as_str().unwrap_or_default().to_owned();
                seen.entry(by).or_default().push(number(&event.value));
            }
            Err(error) => errors.push(error.to_string()),
        }
    }
    assert!(errors.is_empty(), "{errors:?}; kept: {:?}", writer.kept());
    assert_eq!(writer.kept().len(), 0, "lines that were being written were taken for torn");
    for name in ["a", "b", "c"] {
        assert_eq!(seen[name], (0..300).collect::<Vec<_>>(), "of {name}");
    }
    let ours = &seen[""];
    assert_eq!(*ours, (0..ours.len() as u64).collect::<Vec<_>>());
    assert!(wrong.is_empty(), "{} of {} offsets are not where the event is: {wrong:?}", wrong.len(), ours.len());
}

/// The same, and each append of ours rotates.
#[test]
fn trap_35_whole_lines_of_others_outlive_our_rotations() {
    let dir = tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let mut writer = alone(dir.path());
    let mut other = CAST.start("log_foreign", &[path, "400", "10", "a"]);
    let done = std::sync::atomic::AtomicBool::new(false);
    let written = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let follow = scope.spawn(|| {
            let mut follow = EventReader::new(dir.path()).follow(0).unwrap();
            let mut seen = Vec::new();
            while seen.len() < 400 {
                let event = follow.next::<Event>(testkit::PATIENCE).unwrap().expect("in time").value;
                if event.data["by"] == "a" {
                    seen.push(number(&event));
                    written.store(seen.len(), std::sync::atomic::Ordering::Relaxed);
                }
            }
            seen
        });
        let waiting = scope.spawn(|| {
            other.expect("done");
            done.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let (mut next, mut rotated_at) = (0, 0);
        while !done.load(std::sync::atomic::Ordering::Relaxed) {
            // Between opening the file and writing to it the other one sees one rotation at most: what is behind a segment
            // that is not the newest is found by `verify` only.
            let now = written.load(std::sync::atomic::Ordering::Relaxed);
            if now == rotated_at {
                std::thread::yield_now();
                continue;
            }
            rotated_at = now;
            writer.append(&event(next)).unwrap();
            writer.rotate_now().unwrap();
            next += 1;
        }
        waiting.join().unwrap();
        let of = |by: &Value| {
            let events = EventReader::new(dir.path()).read::<Event>(0).unwrap().map(|event| event.unwrap().value);
            events.filter(|event| event.data["by"] == *by).map(|event| number(&event)).collect::<Vec<_>>()
        };
        assert_eq!(of(&Value::Null), (0..next).collect::<Vec<_>>());
        // In which order is not promised to those who take no lock.
        let sorted = |mut numbers: Vec<u64>| {
            numbers.sort_unstable();
            numbers
        };
        assert_eq!(sorted(of(&"a".into())), (0..400).collect::<Vec<_>>(), "read afterwards");
        assert_eq!(sorted(follow.join().unwrap()), (0..400).collect::<Vec<_>>(), "followed");
    });
}

/// Trap 33: whatever a writer does first where a line misses its newline, the line is ended before anything follows it.
#[test]
fn trap_33_a_line_without_newline_is_ended_whatever_comes_next() {
    type First = fn(&mut EventWriter);
    let firsts: [(&str, First); 6] = [
        ("append", |writer| drop(writer.append(&event(2)).unwrap())),
        ("batch", |writer| drop(writer.append_batch(&[event(2), event(2)]).unwrap())),
        ("rotate", |writer| assert!(writer.rotate_now().unwrap())),
        ("sync", |writer| writer.sync().unwrap()),
        ("refused", |writer| drop(writer.append_if(&event(2), 9_999, "").unwrap_err())),
        ("nothing", |_| ()),
    ];
    for (what, first) in firsts {
        for is_open in [false, true] {
            for is_shared in [false, true] {
                let dir = tempdir().unwrap();
                let open = || if is_shared { shared(dir.path()) } else { alone(dir.path()) };
                open().append(&event(0)).unwrap();
                let writer = is_open.then(open);
                append_raw(dir.path(), foreign_line(1).trim_end());
                let mut writer = writer.unwrap_or_else(open);
                first(&mut writer);
                writer.append(&event(3)).unwrap();
                let mut seen: Vec<_> = outcomes(&writer.reader());
                seen.dedup();
                seen.retain(|number| *number != Ok(2));
                assert_eq!(seen, [Ok(0), Ok(1), Ok(3)], "{what}, open before {is_open}, shared {is_shared}");
            }
        }
    }
}

/// An event of somebody else that misses only its newline is before ours: the log does not end where we expected.
#[test]
fn trap_39_a_condition_does_not_hold_where_a_line_without_newline_waits() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let first = writer.append(&event(0)).unwrap();
    append_raw(dir.path(), foreign_line(1).trim_end());
    let outcome = writer.append_if(&event(2), first.end_offset, &first.line_hash);
    let seen = numbers(&writer.reader());
    match outcome {
        Err(ConditionalAppendError::Conflict(_)) => assert_eq!(seen, [0, 1]),
        Ok(appended) => {
            assert_eq!((seen, appended.start_offset), (vec![0, 2], first.end_offset), "compared, then swapped");
        }
        Err(error) => panic!("{error}"),
    }
}

/// Behind what was torn and put away the condition is still about the last event.
#[test]
fn trap_39_conditions_and_cursors_pass_over_what_was_put_away() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let first = writer.append(&event(0)).unwrap();
    let cursor = writer.reader().end().unwrap();
    append_raw(dir.path(), "{\"type\":\"torn");
    assert_eq!(writer.reader().end().unwrap(), cursor);
    let second = writer.append_if(&event(1), first.end_offset, &first.line_hash).unwrap();
    assert!(second.start_offset > first.end_offset);
    append_raw(dir.path(), foreign_line(2));
    let refused = writer.append_at(&event(3), &writer.reader().cursor_at(second.end_offset).unwrap()).unwrap_err();
    assert!(matches!(refused, ConditionalAppendError::Conflict(_)), "{refused}");
    writer.append_at(&event(3), &writer.reader().end().unwrap()).unwrap();
    assert_eq!(numbers(&writer.reader()), [0, 1, 2, 3]);
}

/// A torn piece behind which a shell appended: only what is glued to it is lost, and is told.
#[test]
fn trap_33_what_others_glue_to_a_torn_piece_is_told() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    writer.append(&event(0)).unwrap();
    append_raw(dir.path(), "{\"type\":\"torn");
    append_raw(dir.path(), foreign_line(1));
    append_raw(dir.path(), foreign_line(2));
    writer.append(&event(3)).unwrap();
    assert_eq!(outcomes(&writer.reader()), [Ok(0), Err(stead::ErrorKind::Damaged), Ok(2), Ok(3)]);
    assert!(fs::read_to_string(dir.path().join("app.jsonl")).unwrap().contains("torn"));
}

/// A batch that was cut short, and then a line of somebody else: no part of the batch is read, and that line is.
#[test]
fn trap_49_a_batch_cut_short_hides_nothing_behind_it() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    writer.append_batch(&[event(50), event(51), event(52)]).unwrap();
    let batch = fs::read(dir.path().join("app.jsonl")).unwrap();
    drop(writer);
    for cut in 1..batch.len() {
        let dir = tempdir().unwrap();
        alone(dir.path()).append(&event(0)).unwrap();
        append_raw(dir.path(), &batch[..cut]);
        let reader = EventReader::new(dir.path());
        assert_eq!(numbers(&reader), [0], "cut at {cut}");
        // Readers of the time between, and the writer after it.
        let glued = dir.path().join("glued");
        fs::create_dir(&glued).unwrap();
        fs::copy(dir.path().join("app.jsonl"), glued.join("app.jsonl")).unwrap();
        append_raw(&glued, foreign_line(1));
        append_raw(&glued, foreign_line(2));
        for _ in 0..2 {
            let seen: Vec<_> = outcomes(&EventReader::new(&glued)).into_iter().filter_map(Result::ok).collect();
            assert!(seen == [0, 1, 2] || seen == [0, 2], "cut at {cut}: {seen:?}");
            drop(EventWriter::open(&glued).unwrap());
        }
        let mut writer = alone(dir.path());
        writer.append(&event(1)).unwrap();
        assert_eq!(numbers(&reader), [0, 1], "cut at {cut}");
        assert_eq!(quarantined(dir.path()), &batch[..cut]);
    }
}

/// Trap 40: jq reads the live file, batches and put-away pieces in it too.
#[test]
fn trap_40_jq_reads_the_live_file() {
    if !testkit::tool("jq") {
        return;
    }
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let jq = || {
        let out = Command::new("jq").args(["-c", ".", "app.jsonl"]).current_dir(dir.path()).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        values(std::str::from_utf8(&out.stdout).unwrap()).len()
    };
    let mut count = 0;
    for round in 0..4 {
        writer.append(&event(round)).unwrap();
        writer.append_batch(&[event(1), event(2), event(3)]).unwrap();
        count += 4;
        assert_eq!(jq(), count);
        append_raw(dir.path(), &"{\"type\":\"torn"[..5 + usize::try_from(round).unwrap()]);
        writer.append(&event(9)).unwrap();
        count += 1;
        assert_eq!(jq(), count);
    }
    assert_eq!(numbers(&writer.reader()).len(), count);
}

/// tail -F goes on across rotations, prints nothing twice and never speaks of a truncated file.
#[test]
fn trap_35_tail_follows_and_sees_no_truncation() {
    if !testkit::tool("tail") {
        return;
    }
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    writer.append(&event(0)).unwrap();
    let mut tail = Command::new("tail")
        .args(["-n", "+1", "-F", "app.jsonl"])
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (send, lines) = std::sync::mpsc::channel();
    let out = BufReader::new(tail.stdout.take().unwrap());
    let reading = std::thread::spawn(move || {
        for line in out.lines() {
            let _ = send.send(line.unwrap());
        }
    });
    let mut seen = Vec::new();
    // Nothing is rotated away before it was seen: a file that lived for an instant only, no tail can print.
    let mut expect = |upto: u64| {
        while seen.last() != Some(&upto) {
            let line = lines.recv_timeout(Duration::from_secs(20)).expect("tail prints it");
            if !line.trim().is_empty() {
                seen.push(number(&serde_json::from_str(&line).unwrap()));
            }
        }
    };
    expect(0);
    for round in 0..8 {
        writer.append(&event(round * 4 + 1)).unwrap();
        writer.append_batch(&[event(round * 4 + 2), event(round * 4 + 3), event(round * 4 + 4)]).unwrap();
        expect(round * 4 + 4);
        if round % 2 == 1 {
            writer.rotate_now().unwrap();
        }
    }
    tail.kill().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut tail.stderr.take().unwrap(), &mut said).unwrap();
    tail.wait().unwrap();
    reading.join().unwrap();
    assert_eq!(seen, (0..33).collect::<Vec<_>>());
    assert!(!said.contains("truncated"), "{said}");
}
