//! A directory that eventfold wrote opens as it is.

use std::fs;
use std::io::Write;
use std::path::Path;

use stead::log::{EventLog, EventReader, EventWriter};
use tempfile::{TempDir, tempdir};

use super::{event, number, numbers, numbers_from, segments};

/// A line as eventfold writes it.
fn line(number: u64, len: usize) -> String {
    serde_json::to_string(&super::event_of(number, len)).unwrap() + "\n"
}

fn lines(numbers: std::ops::Range<u64>, len: usize) -> String {
    numbers.map(|number| line(number, len)).collect()
}

fn frame(text: &str) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
}

/// The directory, and the whole of its history.
fn directory(frames: &[&str], active: &str) -> (TempDir, String) {
    let dir = tempdir().unwrap();
    let packed: Vec<u8> = frames.iter().flat_map(|text| frame(text)).collect();
    if !frames.is_empty() {
        fs::write(dir.path().join("archive.jsonl.zst"), packed).unwrap();
    }
    fs::write(dir.path().join("app.jsonl"), active).unwrap();
    fs::create_dir(dir.path().join("views")).unwrap();
    let snapshot = "{\n  \"state\": 77,\n  \"offset\": 0,\n  \"hash\": \"\"\n}";
    fs::write(dir.path().join("views/count.snapshot.json"), snapshot).unwrap();
    (dir, frames.concat() + active)
}

/// Every file with its content.
fn everything(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push((path.clone(), fs::read(&path).unwrap_or_default()));
        }
    }
    found.sort();
    found
}

/// Reads all of it from each of its offsets, forwards and from behind.
fn assert_history(reader: &EventReader, history: &str, count: u64) {
    assert_eq!(numbers(reader), (0..count).collect::<Vec<_>>());
    let full: Vec<_> = reader.read_full().unwrap().map(|event| number(&event.unwrap().0)).collect();
    assert_eq!(full, (0..count).collect::<Vec<_>>());
    assert_eq!(reader.end_offset().unwrap(), history.len() as u64);
    let mut offset = 0;
    let step = usize::try_from(count / 20).unwrap().max(1);
    for (index, line) in history.lines().enumerate() {
        if index % step == 0 {
            let rest = numbers_from(reader, offset);
            assert_eq!(rest, (index as u64..count).collect::<Vec<_>>(), "from {offset}");
            let hash = reader.read_line_hash_before(offset + line.len() as u64 + 1).unwrap();
            assert_eq!(hash, Some(stead::log::line_hash(line.as_bytes())));
        }
        offset += line.len() as u64 + 1;
    }
}

/// An archive of several frames; of several blocks in a frame; one byte per frame more or less does not matter.
#[test]
fn it_is_read_as_it_is_and_nothing_is_written() {
    let shapes: [(Vec<String>, String); 6] = [
        (vec![], lines(0..5, 0)),
        (vec![lines(0..5, 0)], String::new()),
        (vec![lines(0..5, 0)], lines(5..9, 0)),
        (vec![lines(0..2, 0), lines(2..3, 0), lines(3..6, 0)], lines(6..8, 0)),
        (vec![lines(0..300, 2_000), lines(300..310, 90_000)], lines(310..320, 10)),
        (vec![lines(0..2, 1_500_000), lines(2..3, 10)], lines(3..4, 300_000)),
    ];
    for (frames, active) in shapes {
        let frames: Vec<_> = frames.iter().map(String::as_str).collect();
        let (dir, history) = directory(&frames, &active);
        let count = history.lines().count() as u64;
        let before = everything(dir.path());
        assert_history(&EventReader::new(dir.path()), &history, count);
        let mut follow = EventReader::new(dir.path()).follow(0).unwrap();
        for expected in 0..count {
            let event = follow.next::<stead::log::Event>(testkit::PATIENCE).unwrap().unwrap();
            assert_eq!(number(&event.value), expected);
        }
        assert!(everything(dir.path()) == before, "reading has written");

        // The first writer adopts it; offsets go on, and eventfold's own files stay where they are.
        let mut writer = EventWriter::open(dir.path()).unwrap();
        assert_history(&EventReader::new(dir.path()), &history, count);
        let appended = writer.append(&event(count)).unwrap();
        assert_eq!(appended.start_offset, history.len() as u64);
        writer.rotate_now().unwrap();
        writer.append(&event(count + 1)).unwrap();
        drop(writer);
        EventWriter::open(dir.path()).unwrap().append(&event(count + 2)).unwrap();
        let reader = EventReader::new(dir.path());
        assert_eq!(numbers(&reader), (0..count + 3).collect::<Vec<_>>());
        assert_eq!(numbers_from(&reader, appended.start_offset), [count, count + 1, count + 2]);
        let name = dir.path().join("archive.jsonl.zst");
        assert_eq!(fs::read(&name).ok(), before.iter().find(|(path, _)| *path == name).map(|(_, bytes)| bytes.clone()));
        if !frames.is_empty() {
            assert_eq!(fs::read(&segments(dir.path())[0]).unwrap(), frames.concat().as_bytes());
        }
    }
}

/// Its snapshots count bytes of the active file only: they are not believed, and the views are folded anew.
#[test]
fn its_views_are_made_anew() {
    let (dir, _) = directory(&[&lines(0..4, 0)], &lines(4..6, 0));
    let mut log = EventLog::builder(dir.path()).view::<u64>("count", |count, _| count + 1).open().unwrap();
    log.refresh_all().unwrap();
    assert_eq!(*log.view::<u64>("count").unwrap(), 6);
}

/// Trap 36: a frame that was torn, wherever, hides nothing of the frames before it, nor what is in the active file.
#[test]
fn trap_36_a_torn_last_frame_hides_nothing_before_it() {
    let last = frame(&lines(6..400, 1_000));
    for cut in [1, 2, 4, 5, 9, last.len() / 2, last.len() - 5, last.len() - 1] {
        for has_writer in [false, true] {
            let (dir, _) = directory(&[&lines(0..3, 0), &lines(3..6, 0)], &(lines(1_000..1_001, 0)));
            let mut archive = fs::OpenOptions::new().append(true).open(dir.path().join("archive.jsonl.zst")).unwrap();
            archive.write_all(&last[..cut]).unwrap();
            if has_writer {
                EventWriter::open(dir.path()).unwrap().append(&event(1_001)).unwrap();
            }
            let reader = EventReader::new(dir.path());
            let seen: Vec<_> = super::outcomes(&reader).into_iter().filter_map(Result::ok).collect();
            assert!(seen.starts_with(&[0, 1, 2, 3, 4, 5]), "cut at {cut}: {seen:?}");
            let tail: &[u64] = if has_writer { &[1_000, 1_001] } else { &[1_000] };
            assert!(seen.ends_with(tail), "cut at {cut}: {seen:?}");
        }
    }
}

/// Many processes open it at once for the first time: it is adopted once.
#[test]
fn it_is_adopted_once() {
    let (dir, history) = directory(&[&lines(0..50, 500), &lines(50..60, 500)], &lines(60..61, 0));
    std::thread::scope(|scope| {
        for number in 0..4 {
            let dir = dir.path();
            scope.spawn(move || super::shared(dir).append(&event(100 + number)).unwrap());
        }
    });
    let mut seen = numbers(&EventReader::new(dir.path()));
    seen[61..].sort_unstable();
    assert_eq!(seen, (0..61).chain(100..104).collect::<Vec<_>>());
    assert_eq!(segments(dir.path()).len(), 1);
    assert_eq!(fs::metadata(&segments(dir.path())[0]).unwrap().len() + line(60, 0).len() as u64, history.len() as u64);
}
