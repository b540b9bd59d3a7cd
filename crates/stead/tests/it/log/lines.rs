//! What may be in a line, and how long one may be.

use serde_json::{Value, json};
use stead::ErrorKind;
use stead::log::{Event, EventReader, EventWriter, Options};
use tempfile::tempdir;

use super::{alone, append_raw, event, event_of, foreign_line, kind, numbers, outcomes, quarantined, values};

/// Trap 34: the usual sizes of scan buffers, and one byte to either side.
#[test]
fn trap_34_lines_longer_than_any_buffer() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let mut ends = vec![0];
    let mut count = 0;
    for size in [4 << 10, 8 << 10, 256 << 10, 512 << 10, 1_500_000_usize] {
        for len in [size - 60, size - 1, size, size + 1] {
            let appended = writer.append(&event_of(count, len)).unwrap();
            assert_eq!(appended.start_offset, *ends.last().unwrap());
            ends.push(appended.end_offset);
            count += 1;
        }
        writer.append_batch(&[event_of(count, size), event_of(count + 1, 1), event_of(count + 2, size)]).unwrap();
        ends.push(writer.reader().end_offset().unwrap());
        count += 3;
        writer.rotate_now().unwrap();
    }
    assert_eq!(numbers(&writer.reader()), (0..count).collect::<Vec<_>>());
    for end in ends {
        assert_eq!(writer.reader().cursor_at(end).unwrap().offset, end);
    }
}

/// A line past the limit is an error of the reader, who goes on behind it; the limit can be set.
#[test]
fn a_line_past_the_limit_is_told_and_passed_over() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    for number in 0..5 {
        writer.append(&event_of(number, if number == 2 { 700_000 } else { 1 })).unwrap();
    }
    let reader = writer.reader();
    assert_eq!(numbers(&reader), [0, 1, 2, 3, 4]);
    for limit in [1000, 300_000, 699_999] {
        let reader = reader.clone().max_line(limit);
        assert_eq!(outcomes(&reader), [Ok(0), Ok(1), Err(ErrorKind::TooLarge), Ok(3), Ok(4)], "{limit}");
    }
    let mut writer = {
        drop(writer);
        Options::new().max_line(1000).open(dir.path()).unwrap()
    };
    let size = std::fs::metadata(dir.path().join("app.jsonl")).unwrap().len();
    assert_eq!(kind(&writer.append(&event_of(5, 1000)).unwrap_err()), ErrorKind::TooLarge);
    assert_eq!(kind(&writer.append_batch(&[event(5), event_of(6, 1000)]).unwrap_err()), ErrorKind::TooLarge);
    assert_eq!(std::fs::metadata(dir.path().join("app.jsonl")).unwrap().len(), size, "nothing was appended");
    writer.append(&event(5)).unwrap();
}

/// What a writer takes with a limit, a reader gives with the same one: alone, and in every place of a batch.
#[test]
fn a_line_of_just_the_limit_is_read_again() {
    let line = |len: usize| {
        let rest = json!({"type": "t", "data": "", "ts": 1}).to_string().len();
        json!({"type": "t", "data": "x".repeat(len - rest), "ts": 1}).to_string()
    };
    assert_eq!(line(200).len(), 200);
    for count in 1..4 {
        for place in 0..count {
            let dir = tempdir().unwrap();
            let mut writer = Options::new().max_line(200).open(dir.path()).unwrap();
            let lines: Vec<_> = (0..count).map(|index| line(if index == place { 200 } else { 100 })).collect();
            let appended = writer.append_lines(&lines);
            let read: Vec<_> = writer.reader().read::<Event>(0).unwrap().map(|event| event.is_ok()).collect();
            match appended {
                Ok(_) => assert_eq!(read, vec![true; count], "line {place} of {count}"),
                Err(error) => assert_eq!((kind(&error), read), (ErrorKind::TooLarge, vec![])),
            }
        }
    }
}

#[test]
fn what_is_no_object_is_refused_and_nothing_is_appended() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    for line in [
        &b""[..],
        b" ",
        b"1",
        b"[]",
        b"null",
        b"{",
        b"{}{}",
        b"{}\n{}",
        b"{}\n",
        b"\n{}",
        b"{\"a\":\n1}",
        b"{}x",
        b"{\"a\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"{\"a\":\0}",
        b"\0{}",
        b"{}\0",
        b"{'a':1}",
        b"{\"a\":1,}",
        b"{\"a\":\"\t\"}",
    ] {
        for lines in [vec![line], vec![b"{}", line], vec![line, b"{}"]] {
            let error = writer.append_lines(&lines).expect_err(&format!("{line:?}"));
            assert_eq!(kind(&error), ErrorKind::InvalidInput, "{line:?}");
        }
    }
    for value in [json!(1), json!([{}]), json!("{}"), Value::Null] {
        assert_eq!(kind(&writer.append_value(&value).unwrap_err()), ErrorKind::InvalidInput);
    }
    assert_eq!(writer.active_log_size().unwrap(), 0);
    // Blanks of the caller's own are none of a batch.
    for line in ["{}", " {} ", "\t{\t}\t", "{\"a\":1\t}\t", "{\"a\":1\t\t}", "{} \t ", "{\"a\":1 \t}\r"] {
        writer.append_lines(&[line]).unwrap();
        writer.append_lines(&[line, line, line]).unwrap();
    }
    assert_eq!(writer.reader().read::<Value>(0).unwrap().map(Result::unwrap).count(), 28);
    let live = std::fs::read_to_string(dir.path().join("app.jsonl")).unwrap();
    assert_eq!(values(&live).len(), 28);
}

/// What was taken must be given: nesting that a reader refuses is refused when it is written.
#[test]
fn a_deeply_nested_event_is_refused_or_read() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let appended = writer.append(&Event::new("deep", deep));
    writer.append(&event(1)).unwrap();
    let read: Vec<_> = writer.reader().read::<Event>(0).unwrap().map(|event| event.is_ok()).collect();
    assert_eq!(read, if appended.is_ok() { vec![true, true] } else { vec![true] });
    let text = format!(r#"{{"type":"deep","data":{}1{},"ts":1}}"#, "[".repeat(200), "]".repeat(200));
    let appended = writer.append_lines(&[text]);
    let read: Vec<_> = writer.reader().read::<Event>(0).unwrap().map(|event| event.is_ok()).collect();
    assert!(appended.is_err() || read.iter().all(|is_read| *is_read), "{read:?}");
}

/// Trap 39: each of these is an error with its offset, once, and what is around it is read. CRLF is fine.
#[test]
fn trap_39_odd_lines_of_others() {
    let object = |data: &str| format!(r#"{{"type":"t","data":{data},"ts":1}}"#).into_bytes();
    let bad = [
        [b"\xef\xbb\xbf", &object("1")[..]].concat(),
        object("\"\0\""),
        b"\0\0\0\0".to_vec(),
        [&object("\"")[..23], b"\xff\xfe\"", b",\"ts\":1}"].concat(),
        object("\"\\ud800\""),
        [object("1"), object("2")].concat(),
        [object("1"), b" ".to_vec(), object("2")].concat(),
        object("tru"),
        b"not json at all".to_vec(),
        b"[1,2]".to_vec(),
        object("1")[..20].to_vec(),
        b"{\"type\":\"t\",\"data\":{\"n\":1}}".to_vec(),
    ];
    for bad in bad {
        let dir = tempdir().unwrap();
        let mut writer = alone(dir.path());
        let before = writer.append(&event(0)).unwrap();
        append_raw(dir.path(), [&bad[..], b"\n"].concat());
        append_raw(dir.path(), foreign_line(1).replace('\n', "\r\n"));
        let name = String::from_utf8_lossy(&bad).into_owned();
        let after = writer.append(&event(2)).unwrap();
        // JSON that is no event, or no text of ours, is not damage.
        let is_object = ["ud800", "{\"n\":1}}"].iter().any(|odd| name.contains(odd));
        let kind = if is_object { ErrorKind::Unexpected } else { ErrorKind::Damaged };
        assert_eq!(outcomes(&writer.reader()), [Ok(0), Err(kind), Ok(1), Ok(2)], "{name}");
        let error = writer.reader().read::<Event>(before.end_offset).unwrap().next().unwrap().unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("offset {}", before.end_offset)), "{text}");
        assert!(text.contains("app.jsonl"), "{text}");
        // A follower is told once as well, and after a rotation it is the same.
        writer.rotate_now().unwrap();
        let mut follow = writer.reader().follow(0).unwrap();
        let mut seen = Vec::new();
        while seen.len() < 4 {
            match follow.next::<Event>(std::time::Duration::ZERO) {
                Ok(event) => seen.push(super::number(&event.expect("an event").value)),
                Err(error) => {
                    assert_eq!(error.kind(), kind);
                    seen.push(99);
                }
            }
        }
        assert_eq!(seen, [0, 99, 1, 2], "{name}");
        assert_eq!(after.end_offset, writer.reader().end_offset().unwrap());
        assert_eq!(quarantined(dir.path()), b"", "{name}: whole lines are left where they are");
    }
}

/// Trap 33: two whole objects on one line are an error, and not taken for a tear by the next writer.
#[test]
fn trap_33_two_objects_on_the_last_line_are_not_cut_off() {
    let dir = tempdir().unwrap();
    EventWriter::open(dir.path()).unwrap().append(&event(0)).unwrap();
    let line = foreign_line(1);
    let two = format!("{}{}", line.trim_end(), line);
    append_raw(dir.path(), &two);
    let mut writer = EventWriter::open(dir.path()).unwrap();
    writer.append(&event(2)).unwrap();
    assert_eq!(outcomes(&EventReader::new(dir.path())), [Ok(0), Err(ErrorKind::Damaged), Ok(2)]);
    assert!(std::fs::read_to_string(dir.path().join("app.jsonl")).unwrap().contains(&two));
}

/// Trap 33: the tear is anywhere, inside a character too; the piece is kept, and nothing else is lost.
#[test]
fn trap_33_a_torn_tail_goes_to_quarantine() {
    let line = json!({"type": "t", "data": {"n": 9, "text": "äöü\u{1F600}"}, "ts": 1}).to_string();
    for cut in 1..line.len() {
        let dir = tempdir().unwrap();
        alone(dir.path()).append(&event(0)).unwrap();
        append_raw(dir.path(), &line.as_bytes()[..cut]);
        let reader = EventReader::new(dir.path());
        assert_eq!(numbers(&reader), [0], "torn at {cut}: waited for");
        let end = reader.end().unwrap();
        let mut writer = alone(dir.path());
        let appended = writer.append(&event(1)).unwrap();
        assert_eq!(numbers(&reader), [0, 1], "torn at {cut}");
        assert_eq!(quarantined(dir.path()), &line.as_bytes()[..cut]);
        assert_eq!(writer.kept().len(), 1);
        assert_eq!(appended.start_offset, end.offset + cut as u64 + 1, "no byte moves, and a newline ends the piece");
        assert_eq!(reader.offset_of(&end).unwrap(), end.offset);
        assert_eq!(super::numbers_from(&reader, end.offset), [1]);
    }
}

/// Trap 39: a number past what fits is read or is an error of that line alone, as this build of the JSON library has it; the
/// stored line is as it was written.
#[test]
fn trap_39_a_number_that_is_too_large_harms_nobody() {
    let dir = tempdir().unwrap();
    let mut writer = alone(dir.path());
    let line = r#"{"type":"t","data":{"n":7,"large":1e999},"ts":1}"#;
    writer.append(&event(0)).unwrap();
    append_raw(dir.path(), format!("{line}\n"));
    writer.append(&event(1)).unwrap();
    let outcomes = outcomes(&writer.reader());
    assert!([Ok(7), Err(ErrorKind::Unexpected)].contains(&outcomes[1]), "{outcomes:?}");
    assert_eq!([outcomes[0], outcomes[2]], [Ok(0), Ok(1)]);
    let mut lines = writer.reader().lines(0).unwrap();
    lines.next().unwrap();
    assert_eq!(lines.next().unwrap().unwrap().bytes, line.as_bytes());
}
